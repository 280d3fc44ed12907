"""Writes expressions as Python."""

from __future__ import annotations

import re
from typing import NamedTuple

from decontam.translate.expressions import Node, Unread
from decontam.translate.scope import Scope

_INT = re.compile(
    r"int|long|short|byte|size_t|usize|isize|[iu](?:8|16|32|64|128)|u?int(?:8|16|32|64)?(?:_t)?|rune|ll|Integer|Long"
    r"|long long"
)
_FLOAT = re.compile(r"float|double|f32|f64|float32|float64|Double|Float|long double")
_STRING = re.compile(r"&?(?:mut )?(?:'\w+ )?(?:string|String|str|char\[\]|string_view)")
_ARITHMETIC = frozenset("+ - *".split())
_COMPARES = frozenset("== != === !== < > <= >=".split())
_PLAIN = {"===": "==", "!==": "!="}
#: Deeper nested values would be too much for Python's parser, which gives up at 200 parentheses.
_DEEPEST = 60


class Value(NamedTuple):
    """An expression in Python, and the kind of its value: int, float, bool, char, string, or none."""

    text: str
    kind: str = ""


def kind_of(written: str, language: str) -> str:
    """The kind of a type's values."""
    if language == "js":
        return ""
    if _INT.fullmatch(written):
        return "int"
    if _FLOAT.fullmatch(written):
        return "float"
    if written in {"bool", "boolean", "Boolean"}:
        return "bool"
    if written in {"char", "Character"} and language in {"c", "cpp", "java"}:
        return "char"
    if _STRING.fullmatch(written) and not (language == "java" and "[" in written):
        return "string"
    return ""


class Values:
    """Writes expressions; what has to stand before them goes to `lines`."""

    def __init__(self, language: str, functions: dict[str, list[int]]) -> None:
        self.language = language
        self.functions = functions
        self.results: dict[str, str] = {}
        self.setting: set[str] = set()  # functions that give variables of their callers other values
        self.unread: set[str] = set()  # functions that could not be read
        self.scope = Scope()
        self.lines: list[str] = []
        self.indent = 1
        self.count = 0
        self.depth = 0
        self.left = 0

    def line(self, text: str) -> None:
        """Add a line.

        Raises:
            Unread: it would be more than the code that was read justifies.
        """
        self.left -= len(text) + self.indent
        if self.left < 0 or self.indent > _DEEPEST:
            raise Unread("size")
        self.lines.append("    " * self.indent + text)

    def temporary(self) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"t_{self.count}"

    def write_lambda(self, parameters: list[Node], body: Node | list[Node], name: str) -> str:
        """Write a function before what is being written, and return its name."""
        raise NotImplementedError

    def write_value(self, statement: Node) -> str:
        """Write a statement that gives a value, and return the name that has it."""
        raise NotImplementedError

    def test(self, subject: str, pattern: Node) -> str:
        """The test whether a value fits a pattern, which sets the names in it."""
        raise NotImplementedError

    # Values.

    def text(self, node: Node) -> str:
        """An expression in Python."""
        return self.value(node).text

    def truth(self, node: Node) -> str:
        """A condition in Python."""
        found = self.value(node)
        if found.kind == "bool" or self.language in {"java", "go", "rust"}:
            return found.text
        if found.kind == "int" and self.language != "js":
            return f"({found.text} != 0)"
        return f'T_.truth("{self.language}", {found.text})'

    def value(self, node: Node) -> Value:
        """An expression in Python with its kind."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unread("depth")
        writer = getattr(self, "of_" + node[0], None)
        if writer is None:
            raise Unread(node[0])
        found: Value = writer(*node[1:])
        self.left -= len(found.text)
        if self.left < 0:
            raise Unread("size")
        self.depth -= 1
        return found

    def all(self, nodes: list[Node]) -> str:
        """Arguments, with a comma before each."""
        return "".join(f", {self.text(one)}" for one in nodes)

    def of_num(self, written: str) -> Value:
        written = written.replace("_", "").rstrip(".") or "0"
        if re.fullmatch(r"0[0-7]+", written):
            written = f"0o{written}"
        whole = re.fullmatch(r"0[xXbBo][0-9a-fA-F]+|[0-9]+", written)
        if whole and not written.startswith("0o"):
            written = written.lstrip("0") or "0" if written.isdigit() else written
            return Value(written, "int")
        if not whole and float(written).is_integer() and self.language == "js":
            return Value(
                str(int(float(written))) if len(written) < 12 and abs(float(written)) < 1e18 else written,
                "int",
            )
        return Value(
            written if whole or "." in written or "e" in written.lower() else written + ".0",
            "int" if whole else "float",
        )

    def of_written(self, text: str) -> Value:
        return Value(text)

    def of_sizeof(self, _: str) -> Value:
        return Value("1", "int")

    def of_copy(self, inner: Node) -> Value:
        found = self.value(inner)
        return found if found.kind else Value(f"T_.copy({found.text})")

    def of_str(self, written: str) -> Value:
        return Value(repr(written), "string")

    def of_char(self, written: str) -> Value:
        return Value(f"T_.char({written!r})", "char")

    def of_const(self, constant: object) -> Value:
        return Value(repr(constant), "bool" if isinstance(constant, bool) else "")

    def of_type(self, written: str) -> Value:
        return Value(repr(written))

    def of_template(self, parts: list[Node]) -> Value:
        inner = [
            self.text(one) if one[0] == "str" else f'T_.static("js", "String", {self.text(one)})'
            for one in parts
        ]
        return Value("(" + " + ".join(inner) + ")", "string")

    def of_name(self, name: str) -> Value:
        if self.scope.knows(name):
            return Value(f"v_{name}", self.scope.kind(name))
        if name in self.functions:
            return Value(f"F_.i_{name}_{self.functions[name][0]}")
        return Value(f"T_.const({name!r})")

    def of_list(self, items: list[Node]) -> Value:
        return Value("[" + ", ".join(self.text(one) for one in items) + "]")

    def of_tuple(self, items: list[Node]) -> Value:
        return Value("(" + "".join(self.text(one) + ", " for one in items) + ")")

    def of_spread(self, inner: Node) -> Value:
        return Value(f'*T_.each("{self.language}", {self.text(inner)})')

    def of_comma(self, items: list[Node]) -> Value:
        return Value(f"({', '.join(self.text(one) for one in items)})[-1]")

    def of_repeat(self, item: Node, times: Node) -> Value:
        found = self.value(item)
        if found.kind:
            return Value(f"[{found.text}] * {self.text(times)}")
        return Value(f"[T_.into(t_) for t_ in [{found.text}] * {self.text(times)}]")

    def of_object(self, parts: list[Node]) -> Value:
        found = []
        for part in parts:
            if part[0] == "spread":
                found.append(f"**{self.text(part[1])}")
                continue
            _, key, value = part
            if key[0] in {"str", "num"}:
                written = repr(key[1])
            else:
                written = f'T_.static("js", "String", {self.text(key)})'
            found.append(f"{written}: {self.text(value)}")
        return Value("{" + ", ".join(found) + "}")

    def of_typed(self, written: str, items: list[Node]) -> Value:
        if items and items[0][0] == "pair":
            inner = ", ".join(f"[{self.text(one[1])}, {self.text(one[2])}]" for one in items)
            return Value(f'T_.new("{self.language}", {written!r}, [{inner}])')
        if written.startswith("map[") or ((sized := re.match(r"\[(\d+)\]", written)) and not items):
            return Value(f'T_.default("{self.language}", {written!r})')
        found = "[" + ", ".join(self.text(one) for one in items) + "]"
        if sized and int(sized[1]) > len(items):
            return Value(f"T_.filled({found}, {sized[1]}, 0)")
        return Value(found)

    def of_default(self, written: str, sizes: list[Node]) -> Value:
        kind = kind_of(written, self.language)
        plain = {"int": "0", "float": "0.0", "bool": "False", "string": '""'}
        if kind in plain and not (kind == "string" and self.language == "java"):
            return Value(plain[kind], kind)
        return Value(f'T_.default("{self.language}", {written!r}{self.all(sizes)})')

    def of_new(self, written: str, arguments: list[Node], items: list[Node] | None) -> Value:
        kind = kind_of(written, self.language)
        if written == "RegExp" and self.language == "js":
            return Value(f"T_.regex({self.all(arguments).removeprefix(', ')})")
        if written == "Object" and not arguments:
            return Value("{}")
        if items is None:
            return Value(f'T_.new("{self.language}", {written!r}{self.all(arguments)})', kind)
        found = "[" + ", ".join(self.text(one) for one in items) + "]"
        if kind in {"int", "float"}:
            return Value(f"{found}[0]" if items else "0", kind)
        if kind == "string":
            return Value(f"T_.text({found})", kind)
        if "[]" in written or written.startswith(("vector", "pair", "array", "auto", "tuple")) or not written:
            if len(arguments) == 1 and written.count("[]") == 1:
                zero = self.text(("default", written.replace("[]", ""), []))
                found = f"T_.filled({found}, {self.text(arguments[0])}, {zero})"
            elif len(arguments) > 1 and len(items) <= 1:
                return self.of_default(written, arguments)
            return Value(found)
        return Value(f'T_.new("{self.language}", {written!r}, {found})')

    def of_cast(self, written: str, inner: Node) -> Value:
        found = self.value(inner)
        kind = kind_of(written.strip(), self.language)
        if kind and kind == found.kind:
            return found
        if written.endswith("*"):
            return found
        return Value(f'T_.cast("{self.language}", {written!r}, {found.text})', kind)

    def of_cond(self, test: Node, first: Node, other: Node) -> Value:
        left, right = self.value(first), self.value(other)
        return Value(
            f"({left.text} if {self.truth(test)} else {right.text})",
            left.kind if left.kind == right.kind else "",
        )

    def of_value(self, statement: Node) -> Value:
        return Value(self.write_value(statement))

    def of_lambda(self, parameters: list[Node], body: Node | list[Node], name: str) -> Value:
        return Value(self.write_lambda(parameters, body, name))

    def of_matches(self, subject: Node, patterns: list[Node]) -> Value:
        name = self.temporary()
        tests = [self.test(name, one) for one in patterns]
        return Value(f"(({name} := {self.text(subject)}),) and ({' or '.join(tests)})", "bool")

    def of_iflet(self, patterns: list[Node], subject: Node) -> Value:
        return Value(f"({self.of_matches(subject, patterns).text})", "bool")

    def of_range(self, first: Node | None, last: Node | None, whole: bool) -> Value:
        start = self.text(first) if first else "0"
        end = self.text(last) if last else f"{start} + 10000"
        found = f"list(range({start}, {end}{' + 1' if whole else ''}))"
        if first and first[0] == "char":
            return Value(
                f"[T_.char(chr(t_)) for t_ in range(ord({start}), ord({end}){' + 1' if whole else ''})]"
            )
        return Value(found)

    # Operators.

    def of_bin(self, sign: str, first: Node, other: Node) -> Value:
        if sign in {"&&", "||", "??"}:
            return self.logical(sign, first, other)
        left, right = self.value(first), self.value(other)
        kinds = {left.kind, right.kind}
        if kinds <= {"int", "float"}:
            if sign in _ARITHMETIC and (self.language != "js" or "float" not in kinds):
                return Value(f"({left.text} {sign} {right.text})", "float" if "float" in kinds else "int")
            if sign in _COMPARES:
                return Value(f"({left.text} {_PLAIN.get(sign, sign)} {right.text})", "bool")
        if sign == "+" and kinds == {"string"}:
            return Value(f"({left.text} + {right.text})", "string")
        return Value(
            f'T_.op("{self.language}", "{sign}", {left.text}, {right.text})',
            self.kind_after(sign, left, right),
        )

    def kind_after(self, sign: str, left: Value, right: Value) -> str:
        """The kind of what an operator gives."""
        kinds = {left.kind, right.kind}
        if sign in _COMPARES or sign == "in":
            return "bool"
        if self.language == "js":
            return "int" if kinds == {"int"} and sign in {"%", "&", "|", "^"} else ""
        if kinds <= {"int", "char"} and sign != "<<":
            return "int" if kinds == {"int"} or sign == "-" or self.language != "rust" else ""
        if "float" in kinds and kinds <= {"int", "float"}:
            return "float"
        return "string" if "string" in kinds and sign == "+" and self.language != "c" else ""

    def logical(self, sign: str, first: Node, other: Node) -> Value:
        if self.language != "js" or sign != "??":
            left = self.value(first)
            right = self.value(other)
            if left.kind == right.kind == "bool" or self.language != "js":
                word = "and" if sign == "&&" else "or"
                return Value(f"({self.truth_of(left)} {word} {self.truth_of(right)})", "bool")
        else:
            left, right = self.value(first), self.value(other)
        name = self.temporary()
        test = (
            f'T_.truth("js", ({name} := {left.text}))'
            if sign != "??"
            else f"({name} := {left.text}) is not None"
        )
        if sign == "&&":
            return Value(f"({right.text} if {test} else {name})")
        return Value(f"({name} if {test} else {right.text})")

    def truth_of(self, found: Value) -> str:
        """A value as a condition."""
        if found.kind == "bool" or self.language in {"java", "go", "rust"}:
            return found.text
        return f'T_.truth("{self.language}", {found.text})'

    def of_un(self, sign: str, inner: Node) -> Value:
        if sign == "!":
            return Value(f"(not {self.truth(inner)})", "bool")
        found = self.value(inner)
        if sign == "-":
            plain = found.kind in {"int", "float"}
            return Value(
                f"(-{found.text})" if plain else f"T_.neg({found.text})", found.kind if plain else ""
            )
        if sign == "+":
            return found if self.language != "js" else Value(f'T_.static("js", "Number", {found.text})')
        if sign == "~" or (sign == "^" and self.language == "go"):
            return Value(f'T_.op("{self.language}", "^", {found.text}, -1)')
        if self.language == "rust" and sign in {"*", "&"}:
            return found
        if sign == "*" and self.language in {"c", "cpp"}:
            if inner[0] == "name" and self.scope.kind(inner[1]) == "iterator":
                return Value(found.text)
            if inner[:2] == ("bin", "+"):
                return self.value(("index", inner[2], inner[3]))
            return Value(f'T_.index("{self.language}", {found.text}, 0)')
        raise Unread(sign)

    def of_typeof(self, inner: Node) -> Value:
        return Value(f"T_.typeof({self.text(inner)})", "string")

    def of_delete(self, inner: Node) -> Value:
        if inner[0] == "index":
            return Value(f'T_.call("js", {self.text(inner[1])}, "delete", {self.text(inner[2])})')
        if inner[0] == "field":
            return Value(f'T_.call("js", {self.text(inner[1])}, "delete", {inner[2]!r})')
        return Value("None")
