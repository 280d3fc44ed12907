"""Features of code in C, C++, Java, JavaScript, TypeScript, Go, Rust, and of Python that does not parse.

One tolerant reader for all: it knows expressions with the precedence that these languages share, branches,
loops, returns and blocks in braces, and steps over the rest: types, modifiers, macros.
"""

from __future__ import annotations

import re

from decontam.detectors._code_features import NOTHING, VARIABLE, Features, Shape

_GENERIC = re.compile(r"(?<=\w)(?:::)?<(?:[\w\s,:.*?&\[\]]|<[\w\s,:.*?&\[\]<>]{0,40}>){0,60}>(?=[\s(&*>{)\[,;:])")
_TOKEN = re.compile(
    r"""(?P<skip>/\*(?s:.*?)\*/|(?<!:)//[^\n]*|\#[^\n]*|\"\"\"(?s:.*?)\"\"\")"""
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"""
    r"""|(?P<number>0[xX][0-9a-fA-F]+|\d[\d_]*(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?)[a-zA-Z_0-9]*"""
    r"""|(?P<name>[^\W\d][\w$]*!?(?!=)|[^\W\d][\w$]*)"""
    r"""|(?P<op>===|!==|\*\*=|<<=|>>=|//=|\.\.=|\.\.\.|[-+*/%&|^<>=!:]=|&&|\|\||\+\+|--|=>|->|::|\.\.|<<|>>|\*\*|[^\s\w])"""
)
_PYTHON_TOKEN = re.compile(_TOKEN.pattern.replace(r"(?<!:)//[^\n]*|", ""))
_BINARY = {
    **{"or": 1, "||": 1, "and": 2, "&&": 2, "in": 4, "is": 4, "==": 4, "!=": 4, "===": 4, "!==": 4},
    **{"<": 5, ">": 5, "<=": 5, ">=": 5, "|": 6, "^": 6, "&": 6, "<<": 7, ">>": 7, "..": 3, "..=": 3},
    **{"+": 8, "-": 8, "*": 9, "/": 9, "%": 9, "//": 9, "**": 11},
}
_WORD_OPERATORS = frozenset({"or", "and", "in", "is"})
_AUGMENTED = frozenset({"+=", "-=", "*=", "/=", "%=", "**=", "//=", "<<=", ">>=", "&=", "|=", "^="})
_TRUTH = frozenset({"true", "false", "null", "nil", "nullptr", "NULL", "True", "False", "None"})
_STEP_OVER = frozenset({"new", "await", "mut", "not", "const", "let", "var", "typeof", "static", "final", "public", "private", "auto", "unsigned", "ref", "lambda", "move", "range", "export", "async", "protected"})
_NAMESPACES = frozenset({"Math", "math", "std", "strings", "strconv", "sort", "Collections", "Arrays", "Integer", "String", "Object", "unicode", "Character", "Array", "cmp", "f64", "i32", "fmt", "System"})
_DEEP = 60


def units(text: str) -> list[tuple[tuple[int, int], set[str], set[str]]]:
    """Return of each function, and of all together: where it stands, its features, the names of functions."""
    plain = _GENERIC.sub(lambda found: " " * len(found[0]), text)
    python = not re.search(r"[;{}]\s*$", plain, re.MULTILINE)
    reader = _Reader(plain, python)
    reader.statements("", 0)
    return reader.units


class _Reader:
    def __init__(self, text: str, python: bool) -> None:
        pattern = _PYTHON_TOKEN if python else _TOKEN
        self.tokens = [(m.lastgroup, m[m.lastgroup], m.start()) for m in pattern.finditer(text) if m.lastgroup != "skip"]
        self.tokens += [("end", "", len(text))]
        self.at = 0
        self.names: set[str] = set()
        self.features = Features()
        self.units = []
        self._top()

    def _top(self):
        outer = self.features
        while self.tokens[self.at][0] != "end":
            self.statements("", 0)
            self.at += self.tokens[self.at][0] != "end"
        self.units.append(((0, self.tokens[-1][2]), outer.found, self.names))

    @property
    def value(self) -> str:
        return self.tokens[self.at][1]

    def takes(self, *values: str) -> bool:
        if self.tokens[self.at][1] in values and self.tokens[self.at][0] in {"op", "name"}:
            self.at += 1
            return True
        return False

    def statements(self, path: str, depth: int) -> list[Shape]:
        """Read up to the brace that closes this block; return the expressions in it."""
        found = []
        while self.tokens[self.at][0] != "end" and self.value != "}":
            before = self.at
            found.append(self.statement(path, depth))
            self.at += self.at == before
        return found

    def block(self, path: str, depth: int) -> None:
        if depth > _DEEP:
            return
        if self.takes("{"):
            self.statements(path, depth + 1)
            self.takes("}")
        else:
            self.statement(path, depth + 1)

    def statement(self, path: str, depth: int) -> Shape:
        kind, value, start = self.tokens[self.at]
        if depth > _DEEP or kind == "end":
            return NOTHING
        if value in {"if", "elif", "switch", "match", "while"} and kind == "name":
            self.at += 1
            test = self.expression(0, depth)
            if value != "while":
                self.features.note("if", test)
            self.block(self.features.flow(path, "loop" if value == "while" else "if"), depth)
            while value in {"if", "elif"} and self.takes("else"):
                if self.value == "if":
                    return self.statement(path, depth + 1)
                self.block(self.features.flow(path, "if"), depth)
            return NOTHING
        if value == "for" and kind == "name":
            self.at += 1
            return self.loop(path, depth)
        if value == "return" and kind == "name":
            self.at += 1
            self.features.flow(path, "return")
            if self.value in {";", "}"}:
                return NOTHING
            return self.features.note("return", self.expression(0, depth))
        if value == "break":
            self.at += 1
            self.features.flow(path, "break")
            return NOTHING
        if value == "{":
            self.block(path, depth)
            return NOTHING
        if value in {"else", "do", "loop"} and kind == "name":
            self.at += 1
            return NOTHING
        first = self.at
        shape = self.expression(0, depth)
        if self.value == "{" and self._defines(first):
            self.function(first, depth)
            return NOTHING
        if self.value in _AUGMENTED:
            operator = self.value[:-1]
            self.at += 1
            return self.features.operation(operator, shape, self.expression(0, depth))
        if self.takes("=", ":="):
            value_shape = self.expression(0, depth)
            if shape[0] != "v":
                self.features.note("=", shape, value_shape)
            return value_shape
        return shape

    def _defines(self, first: int) -> bool:
        return True

    def function(self, first: int, depth: int) -> None:
        outer, start = self.features, self.tokens[first][2]
        self.features = Features()
        self.block("", depth)
        found = self.features.found
        self.units.append(((start, self.tokens[self.at - 1][2] + 1), found, self.names))
        self.features = outer
        outer.found |= found

    def loop(self, path: str, depth: int) -> Shape:
        """Read a loop's head, in parentheses or not, and its body."""
        closed = self.takes("(")
        over: Shape | None = None
        limit = self.at + 200
        while self.at < limit and self.tokens[self.at][0] != "end" and self.value not in {"{", ")"}:
            before = self.at
            if self.takes("of", "in", ":", "range"):
                over = self.expression(0, depth)
            elif self.tokens[self.at][0] == "name" and self.tokens[self.at + 1][1] in {"of", "in", ":"}:
                self.at += 1
            else:
                self.statement(path, depth + 1)
            self.at += self.at == before
            if closed is False and over is not None:
                break
        self.takes(")") if closed else None
        self.takes(":")
        inner = self.features.loop(path, over) if over is not None else self.features.flow(path, "loop")
        self.block(inner, depth)
        return NOTHING

    def expression(self, least: int, depth: int) -> Shape:
        if depth > _DEEP:
            return NOTHING
        left = self.operand(depth + 1)
        while True:
            kind, value, _ = self.tokens[self.at]
            power = _BINARY.get(value, 0) if kind == "op" or value in _WORD_OPERATORS else 0
            if value == "?" and kind == "op" and least == 0:
                self.at += 1
                self.features.note("if", left)
                first = self.expression(0, depth + 1)
                if self.takes(":"):
                    left = self.features.note("?", *sorted([first, self.expression(0, depth + 1)]))
                continue
            if value == "not" and self.tokens[self.at + 1][1] == "in":
                self.at += 1
                continue
            if not power or power <= least:
                return left
            self.at += 1
            if value.startswith(".."):
                right = self.expression(power, depth + 1)
                left = self.features.counted(left, right)
            else:
                left = self.features.operation(value, left, self.expression(power, depth + 1))

    def operand(self, depth: int) -> Shape:
        kind, value, start = self.tokens[self.at]
        if depth > _DEEP or kind == "end" or value in {")", "]", "}", ";", ","}:
            return NOTHING
        self.at += 1
        if kind == "number":
            value = value.replace("_", "").rstrip(".")
            value = value.removesuffix(".0")
            return self.after(self.features.literal(value), depth)
        if kind == "string":
            return self.after(self.features.literal(f'"{value[1:-1]}"'), depth)
        if kind == "op":
            return self.prefixed(value, depth)
        if value in _TRUTH:
            return self.features.literal(value)
        if value in _STEP_OVER:
            return self.operand(depth + 1)
        if value in {"function", "func", "fn", "def"}:
            name = self.value if self.tokens[self.at][0] == "name" else ""
            if name:
                self.names.add(name)
                self.at += 1
            if self.takes("("):
                self.arguments(")", depth)
            while self.value not in {"{", "}", ";", ":", ",", ")"} and self.tokens[self.at][0] != "end":
                self.at += 1
            if self.value == "{":
                self.function(self.at, depth)
            return VARIABLE
        return self.after(VARIABLE, depth, value)

    def prefixed(self, value: str, depth: int) -> Shape:
        if value == "(":
            inner = self.arguments(")", depth)
            if self.takes("=>"):
                return self.body(depth)
            kind, following, _ = self.tokens[self.at]
            if inner == [VARIABLE] and (kind in {"name", "number", "string"} and following not in _BINARY and kind=="name" or kind in {"number","string"} or following == "("):
                return self.operand(depth + 1)  # a cast
            return self.after(inner[0] if len(inner) == 1 else self.features.note("list", *inner), depth)
        if value == "[":
            return self.after(self.features.note("list", *self.arguments("]", depth)), depth)
        if value == "{":
            inner = self.statements("", depth + 1)
            self.takes("}")
            return self.features.note("list", *[one for one in inner if one != NOTHING])
        if value == "|":  # parameters of a closure
            while self.tokens[self.at][0] != "end" and self.value not in {"|", "{", ";"}:
                self.at += 1
            self.takes("|")
            return self.body(depth)
        if value == "-":
            if self.tokens[self.at][0] == "number":
                self.tokens[self.at] = ("number", "-" + self.value, self.tokens[self.at][2])
                return self.operand(depth + 1)
            return self.features.operation("-", self.expression(10, depth + 1))
        if value in {"!", "&", "*", "++", "--", "...", "&&", "+", "~", "@"}:
            return self.expression(10, depth + 1)
        return NOTHING

    def body(self, depth: int) -> Shape:
        if self.value == "{":
            self.block("", depth + 1)
            return VARIABLE
        return self.expression(0, depth + 1)

    def arguments(self, closing: str, depth: int) -> list[Shape]:
        found = []
        while self.tokens[self.at][0] != "end" and self.value != closing and self.value not in {"}", ";"}:
            before = self.at
            shape = self.statement("", depth + 1)
            if shape != NOTHING:
                found.append(shape)
            if not self.takes(",") and self.at == before:
                self.at += 1
        self.takes(closing)
        return found

    def after(self, shape: Shape, depth: int, name: str = "") -> Shape:
        """Read calls, members and subscripts behind an operand."""
        while True:
            kind, value, _ = self.tokens[self.at]
            if kind != "op":
                return shape
            if value == "(" and name:
                self.at += 1
                inner = self.arguments(")", depth)
                self.names.add(name)
                shape = self.called(name, inner)
                name = ""
            elif value == "[":
                self.at += 1
                inner = self.arguments("]", depth)
                shape = self.features.element(shape, *inner) if inner else shape
                name = ""
            elif value in {".", "->", "::"} and self.tokens[self.at + 1][0] == "name":
                attribute = self.tokens[self.at + 1][1]
                self.at += 2
                if self.value == "(":
                    self.at += 1
                    inner = self.arguments(")", depth)
                    owner = [] if name in _NAMESPACES or (value == "::") else [shape]
                    shape = self.features.call(attribute, *owner, *inner)
                    name = ""
                elif value == "::" or name in _NAMESPACES:
                    name = attribute
                else:
                    shape = self.features.call(attribute, shape) if attribute in {"length", "size"} else self.features.note("." + attribute, shape)
                    name = ""
            elif value in {"++", "--"}:
                self.at += 1
                shape = self.features.operation(value[0], shape, self.features.literal("1"))
            elif value == "=>":
                self.at += 1
                return self.body(depth)
            elif value == "?" and self.tokens[self.at+1][1] in {".", ";", ")"}:
                self.at += 1
            else:
                return shape

    def called(self, name: str, inner: list[Shape]) -> Shape:
        plain = name.replace("_", "").lower()
        from decontam.detectors import _code_features as f
        if plain in f._SAME or plain in f._TRANSPARENT or plain in _LIBRARY:
            if plain in ("append",) or True:
                return self.features.call(name, *inner)
        return self.features.note("call", *inner)


_LIBRARY = frozenset("floor ceil round sqrt isdigit isalpha isupper islower print printf println abs max min len any all filter enumerate zip ord chr bin hex eval".split())
