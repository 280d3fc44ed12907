"""Writes statements and functions as Python."""

from __future__ import annotations

import re
from collections.abc import Callable

from decontam.translate.branches import LEAVES, Branches
from decontam.translate.calls import SHOWING_MACROS, SHOWS
from decontam.translate.effects import has_effects, has_slice
from decontam.translate.expressions import Node, Unread
from decontam.translate.heads import Function
from decontam.translate.scope import Scope
from decontam.translate.values import kind_of


class Writer(Branches):
    """Writes functions."""

    def __init__(self, language: str, functions: dict[str, list[int]]) -> None:
        super().__init__(language, functions)
        self.result = ""
        self.failing: set[str] = set()  # functions of Go that give an error besides their result

    # Functions.

    def function(self, function: Function) -> list[str]:
        """The lines of a function as a static method."""
        self.lines, self.indent, self.depth = [], 1, 0
        self.scope = Scope(self.scope)
        self.loops = []
        self.line("@staticmethod")
        self.definition(
            f"i_{function.name}_{len(function.parameters)}",
            function.parameters,
            function.body,
            function.result,
        )
        if self.scope.around:
            self.scope = self.scope.around
        return self.lines

    def definition(self, name: str, parameters: list[Node], body: Node | list[Node], result: str) -> None:
        """Write `def` with a body; its variables are those of a scope of its own."""
        outer_lines, outer_result, outer_loops = self.lines, self.result, self.loops
        self.scope = Scope(self.scope)
        self.lines, self.result, self.loops = [], result, []
        self.indent += 1
        given = [self.parameter(*one) for one in parameters]
        if isinstance(body, list):
            self.statements(body, "return")
        else:
            self.line(f"return {self.text(body)}")
        if not self.lines:
            self.line("pass")
        self.indent -= 1
        inner, self.lines, self.result, self.loops = self.lines, outer_lines, outer_result, outer_loops
        scope = self.scope
        self.scope = scope.around or Scope()
        self.line(f"def {name}({', '.join(given)}):")
        self.outer_names(scope)
        self.lines += inner

    def outer_names(self, scope: Scope) -> None:
        """Declare the variables that a function sets and that are not its own."""
        for name in sorted(scope.assigned - scope.kinds.keys()):
            around = scope.around
            while around is not None and name not in around.kinds:
                around.assigned.add(name)
                around = around.around
            if around is None:
                raise Unread(name)
            self.indent += 1
            self.line(f"{'global' if around.around is None else 'nonlocal'} v_{name}")
            self.indent -= 1

    def parameter(self, target: Node, written: str, default: Node | None) -> str:
        """Declare a parameter and return how it stands in the head."""
        if target[0] == "rest":
            self.scope.kinds[target[1]] = ""
            self.line(f"v_{target[1]} = list(v_{target[1]})")
            return f"*v_{target[1]}"
        kind = kind_of(written, self.language)
        optional = "=None" if default else ""
        if target[0] != "name":
            name = self.temporary()
            self.declare(target)
            self.unpack(target, name)
            return f"{name}{optional}"
        name = f"v_{target[1]}" if target[1] != "_" else self.temporary()
        self.scope.kinds[target[1]] = (
            kind if self.language != "rust" or kind != "int" or "&mut" not in written else ""
        )
        if default:
            self.line(f"{name} = {self.text(default)} if {name} is None else {name}")
        return f"{name}{optional}"

    def write_lambda(self, parameters: list[Node], body: Node | list[Node], name: str) -> str:
        """Write a function before what is being written, and return its name."""
        made = f"v_{name}" if name else f"l_{self.temporary()}"
        if name:
            self.scope.kinds.setdefault(name, "")
        if not isinstance(body, list) and body[0] == "assign":
            body = [("expr", body)]
        self.definition(made, parameters, body, "")
        return made

    def write_value(self, statement: Node) -> str:
        """Write a statement that gives a value, and return the name that has it."""
        name = self.temporary()
        self.statement(statement, f"{name} =")
        return name

    def declare(self, target: Node, kind: str = "") -> None:
        """Note the variables in a target as the function's own."""
        if target[0] == "name":
            self.scope.kinds[target[1]] = kind
        elif target[0] == "rest":
            self.scope.kinds[target[1]] = ""
        elif target[0] == "keys":
            for _, inner in target[1]:
                self.declare(inner)
        elif target[0] in {"tuple", "list"}:
            for inner in target[1]:
                self.declare(inner)

    # Statements.

    def statements(self, body: list[Node], sink: str = "") -> None:
        """Write statements; `sink` says where the value of the last one goes: "", "return" or "name ="."""
        for place, statement in enumerate(body):
            last = place == len(body) - 1
            self.statement(statement, sink if last and self.language == "rust" else "")
            if statement[0] in LEAVES:
                return

    def nested(self, body: list[Node], sink: str = "") -> None:
        """Write statements under a line that ends with a colon."""
        self.indent += 1
        before = len(self.lines)
        self.write_block(body, sink)
        if len(self.lines) == before:
            self.line("pass")
        self.indent -= 1

    def statement(self, node: Node, sink: str = "") -> None:
        """Write a statement."""
        kind = node[0]
        if kind in {"if", "block", "match", "while", "each"} and self.language == "rust":
            writers: dict[str, Callable[..., None]] = {
                **{"if": self.write_if, "block": self.write_block, "match": self.write_match},
                **{"while": self.write_while, "each": self.write_each},
            }
            writers[kind](*node[1:], sink)
            return
        writer = getattr(self, f"write_{kind.replace('=', '')}", None)
        if writer is None:
            raise Unread(kind)
        if kind == "tail":
            writer(node[1], sink)
        else:
            writer(*node[1:])

    def write_block(self, body: list[Node], sink: str = "") -> None:
        self.scope.blocks.append(set())
        self.statements(body, sink)
        self.scope.blocks.pop()

    def write_tail(self, value: Node, sink: str) -> None:
        if value[0] == "value":
            self.statement(value[1], sink)
        elif not sink:
            self.write_expr(value)
        elif value[0] == "macro" and value[1] in SHOWING_MACROS:
            return
        elif sink == "return":
            self.write_return(value)
        else:
            self.line(f"{sink} {self.text(value)}")

    def write_function(self, name: str, parameters: list[Node], body: list[Node], result: str) -> None:
        self.scope.kinds[name] = ""
        self.definition(f"v_{name}", parameters, body, result)

    def write_decl(self, targets: list[Node], inner: bool = True) -> None:
        for target, written, value in targets:
            if inner:
                self.scope.shadows([one[1] for one in (target, *target[1]) if one[0] == "name"])
            if target[0] == "name":
                if self.language == "rust" and value[0] == "method" and value[2] == "or_insert":
                    self.scope.entries[target[1]] = value
                kind = kind_of(written, self.language)
                if value[0] == "lambda":
                    self.scope.kinds[target[1]] = ""
                found = self.value(self.collected(value, written))
                if self.language == "js":
                    kind = ""
                elif not written or written == "auto" or written == "var":
                    kind = found.kind if self.language != "js" else ""
                if value[0] == "method" and value[2] in {"begin", "rbegin"} and written == "auto":
                    kind = ""
                self.scope.kinds[target[1]] = kind
                self.line(self.assigned(target, self.fitted(kind, found)))
            else:
                text = self.text(value)
                self.declare(target)
                self.unpack(target, text)

    def collected(self, value: Node, written: str) -> Node:
        """A value that Rust collects as the type says."""
        if (
            self.language == "rust"
            and value[0] == "method"
            and value[2] == "collect"
            and written[:3] not in {"", "Vec"}
        ):
            return ("cast", written, value)
        return value

    def write_expr(self, node: Node) -> None:
        if node[0] == "assign":
            self.written(self.assign_statement(*node[1:]))
        elif node[0] in {"pre", "post"}:
            self.written(self.assign(node[1][0] + "=", node[2], ("num", "1")))
        elif not self.shows(node):
            found = self.value(node).text
            if has_slice(node):
                raise Unread("slice")
            if found not in {"None", "pass"}:
                self.written(found)

    def written(self, text: str) -> None:
        if text != "pass":
            self.line(text)

    def assign_statement(self, sign: str, target: Node, value: Node) -> str:
        """An assignment that is a statement; both sides may be lists."""
        if target[0] == "list":
            found = self.text(value)
            self.unpack(target, found)
            return "pass"
        return self.assign(sign, target, value)

    def shows(self, node: Node) -> bool:
        """Whether an expression only shows something."""
        if not self.only_shows(node):
            return False
        if has_effects(node):
            raise Unread("shown")
        return True

    def only_shows(self, node: Node) -> bool:
        """Whether what an expression does is to show its parts."""
        while node[0] == "bin" and node[1] == "<<":
            node = node[2]
            if node in {("name", "cout"), ("name", "cerr")}:
                return True
        if node[0] == "macro":
            return node[1] in SHOWING_MACROS
        if node[0] == "call" and node[1][0] == "name":
            name = node[1][1]
            known = name in self.functions or self.scope.knows(name)
            return bool(SHOWS.fullmatch(name)) and not known
        return node[0] == "method" and bool(SHOWS.fullmatch(f"{self.dotted(node[1])}.{node[2]}"))

    def write_exprs(self, nodes: list[Node]) -> None:
        for node in nodes:
            self.write_expr(node)

    def write_tuple(self, targets: list[Node], values: list[Node]) -> None:
        """Go's assignment of several values."""
        for target in targets:
            if target[0] == "name" and not self.scope.knows(target[1]):
                self.scope.kinds[target[1]] = ""
        if len(values) == len(targets):
            found = [self.value(one) for one in values]
            text = ", ".join(one.text for one in found)
            if all(target[0] == "name" for target in targets):
                for target, one in zip(targets, found, strict=True):
                    if self.scope.kinds.get(target[1]) == "" and one.kind in {"int", "float"}:
                        self.scope.kinds[target[1]] = one.kind
                self.line(f"{', '.join(self.target(one) for one in targets)} = {text}")
                return
            names = [self.temporary() for _ in targets]
            self.line(f"{', '.join(names)} = {text}")
            for target, name in zip(targets, names, strict=True):
                self.written(self.assigned(target, name))
            return
        if len(values) != 1 or (values[0][0] == "call" and values[0][1][-1] in self.failing):
            raise Unread("assignment")
        self.unpack(("tuple", targets), self.several(values[0]))

    def target(self, node: Node) -> str:
        return self.assigned(node, "").removesuffix(" = ").strip()

    def several(self, node: Node) -> str:
        """Two values of Go: an element and whether it is there, or a result and an error."""
        if node[0] == "index":
            owner, key = self.text(node[1]), self.text(node[2])
            return f'(T_.index("go", {owner}, {key}), T_.call("go", {owner}, "containsKey", {key}))'
        return self.text(node)

    def write_return(self, value: Node | None) -> None:
        if value is None:
            self.line("return None")
            return
        if value[0] == "value":
            self.statement(value[1], "return")
            return
        if value[0] == "tuple" and self.language == "go" and "error" in self.result and len(value[1]) == 2:
            value = value[1][0]
        if value[0] == "list" and self.result.startswith(("set", "map", "unordered")):
            value = ("new", self.result, [], value[1])
        found = self.value(self.collected(value, self.result))
        self.line(f"return {self.fitted(kind_of(self.result, self.language), found)}")

    def write_raise(self) -> None:
        self.line("T_.fail()")
        self.line("return None")

    def write_try(self, body: list[Node], name: str, handler: list[Node] | None, last: list[Node]) -> None:
        if name.isidentifier() and self.scope.knows(name):
            raise Unread(name)
        self.line("try:")
        self.nested(body)
        if handler is not None:
            self.line("except (NotImplementedError, NameError, AttributeError):")  # it is not known
            self.line("    raise")
            self.line("except Exception:")
            self.nested(handler)
        if last or handler is None:
            self.line("finally:")
            self.nested(last)


def sized(parameters: list[Node]) -> dict[int, int]:
    """Which parameters are the length of which: in C an array or string comes with it."""
    found: dict[int, int] = {}
    for place, (_, written, _) in enumerate(parameters[:-1]):
        target, kind, _ = parameters[place + 1]
        many = "*" in written or "[]" in written
        if target[0] == "name" and kind_of(kind, "c") == "int" and (many or written == "string"):
            name = target[1]
            if re.fullmatch(
                r"(?i)size|len|length|count|\w*(?:size|len|length|count|_n|_num)|num_?\w*", name
            ) or (many and name in {"n", "N", "m", "sz", "cnt"}):
                found[place + 1] = place
    return found
