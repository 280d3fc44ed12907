"""Writes branches and loops as Python."""

from __future__ import annotations

from decontam.translate.calls import Calls
from decontam.translate.effects import changes, inner, moves, sets_through
from decontam.translate.expressions import Node, Unread

#: Statements behind which nothing runs.
LEAVES = frozenset({"return", "break", "continue", "raise"})
_LEAVE = frozenset({"return", "break", "raise", "lambda"})


class Branches(Calls):
    """Writes branches and loops."""

    def __init__(self, language: str, functions: dict[str, list[int]]) -> None:
        super().__init__(language, functions)
        self.loops: list[tuple[str, list[Node]]] = []  # around a statement: "loop" or "switch", and the step

    # To be had from the class that writes the rest.

    def statements(self, body: list[Node], sink: str = "") -> None:
        """Write statements."""
        raise NotImplementedError

    def nested(self, body: list[Node], sink: str = "") -> None:
        """Write statements under a line that ends with a colon."""
        raise NotImplementedError

    def declare(self, target: Node, kind: str = "") -> None:
        """Note the variables in a target as the function's own."""
        raise NotImplementedError

    # Branches.

    def write_if(
        self, before: list[Node], test: Node, then: list[Node], other: list[Node], sink: str = ""
    ) -> None:
        self.statements(before)
        word = "if"
        while True:
            self.line(f"{word} {self.truth(test)}:")
            self.nested(then, sink)
            if len(other) == 1 and other[0][0] == "if" and not other[0][1]:
                place = len(self.lines)
                following = self.truth(other[0][2])
                if len(self.lines) == place:
                    word, (_, _, test, then, other) = "elif", other[0]
                    del following
                    continue
                del self.lines[place:]
            break
        if other:
            self.line("else:")
            self.nested(other, sink)

    def write_switch(self, before: list[Node], subject: Node | None, cases: list[Node]) -> None:
        self.statements(before)
        name = self.temporary()
        if subject:
            self.line(f"{name} = {self.text(subject)}")
        waiting: list[Node] = []
        word = "if"
        default: list[Node] | None = None
        for place, (labels, body, closed) in enumerate(cases):
            if not body and not closed and place < len(cases) - 1:
                if labels is None:
                    raise Unread("default falls through")
                waiting += labels
                continue
            if body and body[-1][0] == "block" and len(body) == 1:
                body = body[0][1]
            if not closed and place < len(cases) - 1 and (not body or body[-1][0] not in LEAVES):
                raise Unread("case falls through")
            if body and body[-1] == ("break",):
                body = body[:-1]
            if labels is None:
                default = body
                waiting = []
                continue
            tests = [
                f'T_.op("{self.language}", "==", {name}, {self.text(one)})' if subject else self.truth(one)
                for one in [*waiting, *labels]
            ]
            waiting = []
            self.line(f"{word} {' or '.join(tests)}:")
            word = "elif"
            self.loops.append(("switch", []))
            self.nested(body)
            self.loops.pop()
        if default is not None:
            self.line("else:" if word == "elif" else "if True:")
            self.loops.append(("switch", []))
            self.nested(default)
            self.loops.pop()

    def write_match(self, subject: Node, arms: list[Node], sink: str = "") -> None:
        name = self.temporary()
        self.line(f"{name} = {self.text(subject)}")
        word = "if"
        for patterns, guard, body in arms:
            tests = " or ".join(self.test(name, one) for one in patterns)
            if guard:
                tests = f"({tests}) and {self.truth(guard)}"
            self.line(f"{word} {tests}:")
            word = "elif"
            self.nested(body, sink)

    def test(self, subject: str, pattern: Node) -> str:
        """The test whether a value fits a pattern, which sets the names in it."""
        kind = pattern[0]
        if pattern == ("name", "_"):
            return "True"
        if pattern == ("const", None):
            return f"{subject} is None"
        if kind == "un" and pattern[1] in {"&", "*"}:
            return self.test(subject, pattern[2])
        if kind == "call" and pattern[1][0] == "name" and len(pattern[2]) == 1:
            if pattern[1][1] == "Err":
                return f"{subject} is None"
            return f"({subject} is not None and {self.test(subject, pattern[2][0])})"
        if kind == "tuple":
            inner = [
                self.test(f'T_.index("rust", {subject}, {place})', one)
                for place, one in enumerate(pattern[1])
            ]
            return f"({' and '.join(inner)})"
        if kind == "range":
            first, last = pattern[1], pattern[2]
            tests = [f'T_.op("rust", ">=", {subject}, {self.text(first)})'] if first else []
            if last:
                tests.append(f'T_.op("rust", "{"<=" if pattern[3] else "<"}", {subject}, {self.text(last)})')
            return f"({' and '.join(tests) or 'True'})"
        if kind == "name" and "::" not in pattern[1] and not pattern[1][:1].isupper():
            self.scope.kinds[pattern[1]] = ""
            return f"((v_{pattern[1]} := {subject}),)"
        return f'T_.op("rust", "==", {subject}, {self.text(pattern)})'

    # Loops.

    def looped(self, body: list[Node], step: list[Node]) -> None:
        self.loops.append(("loop", step))
        self.nested(body)
        self.loops.pop()

    def write_while(self, test: Node, body: list[Node], sink: str = "") -> None:
        del sink
        self.condition(test)
        self.looped(body, [])

    def condition(self, test: Node) -> None:
        """Write the head of a loop."""
        place = len(self.lines)
        text = self.truth(test)
        if any(not line.lstrip().startswith(("def ", "return ", "nonlocal ")) for line in self.lines[place:]):
            raise Unread("condition")
        self.line(f"while {text}:")

    def write_do(self, test: Node, body: list[Node]) -> None:
        ends: Node = ("if", [], ("un", "!", test), [("break",)], [])
        self.line("while True:")
        self.loops.append(("loop", [ends]))
        self.nested([*body, ends])
        self.loops.pop()

    def write_for(self, before: list[Node], test: Node | None, step: list[Node], body: list[Node]) -> None:
        iterated = self.iterated(before, test, step, body)
        if iterated:
            name, over = iterated
            self.scope.kinds[name] = "iterator"
            self.line(f'for v_{name} in T_.each("{self.language}", {self.text(over)}):')
            self.looped(body, [])
            return
        self.scope.blocks.append(set())
        self.statements(before)
        steps: list[Node] = [one if one[0] == "tuple=" else ("expr", one) for one in step]
        self.condition(test or ("const", True))
        self.looped([*body, *steps] if not body or body[-1][0] not in LEAVES else body, steps)
        self.scope.blocks.pop()

    def iterated(
        self, before: list[Node], test: Node | None, step: list[Node], body: list[Node]
    ) -> tuple[str, Node] | None:
        """The name and the container of a loop from begin() to end()."""
        if len(before) != 1 or before[0][0] != "decl" or len(before[0][1]) != 1 or not test:
            return None
        target, _, value = before[0][1][0]
        if target[0] != "name" or value[0] != "method" or value[2] != "begin":
            return None
        if len(step) != 1 or step[0][:2] not in {("pre", "++"), ("post", "++")} or moves(body, target[1]):
            return None
        return (
            (target[1], value[1]) if test == ("bin", "!=", target, ("method", value[1], "end", [])) else None
        )

    def write_each(self, kind: str, target: Node, over: Node, body: list[Node], sink: str = "") -> None:
        del sink
        names = [one[1] for one in (target[1] if target[0] == "tuple" else [target]) if one[0] == "name"]
        if kind == "each&" or (kind == "each" and self.language == "rust"):
            if any(changes(body, name) if kind == "each&" else sets_through(body, name) for name in names):
                self.write_changing(target, over, body)
                return
            kind = "each"
        if self.language != "js":
            self.scope.shadows(names)
        if kind == "each" and over[0] == "range" and over[2] and (over[1] or ("num",))[0] != "char":
            text = self.text(over).removeprefix("list(").removesuffix(")")
            numbers = True
        elif kind == "keys":
            text, numbers = f"T_.keys({self.text(over)})", False
        else:
            name = "pairs" if kind == "pairs" else "each"
            text, numbers = f'T_.{name}("{self.language}", {self.text(over)})', False
        if target[0] == "name":
            self.scope.kinds[target[1]] = "int" if numbers else ""
            self.line(f"for v_{target[1]} in {text}:")
            self.looped(body, [])
            return
        self.declare(target)
        if target[0] == "tuple" and all(one[0] == "name" for one in target[1]) and self.language != "js":
            self.line(f"for {''.join(f'v_{one[1]}, ' for one in target[1])}in {text}:")
            self.looped(body, [])
            return
        name = self.temporary()
        self.line(f"for {name} in {text}:")
        self.indent += 1
        self.unpack(target, name)
        self.indent -= 1
        self.looped(body, [])

    def write_changing(self, target: Node, over: Node, body: list[Node]) -> None:
        """Write a loop that gives the elements of a container other values."""
        while (over[0] == "un" and over[1] == "&") or (over[0] == "method" and over[2] == "iter_mut"):
            over = over[2] if over[0] == "un" else over[1]
        if target[0] != "name" or over[0] != "name" or any(one[0] in _LEAVE for one in inner(body)):
            raise Unread("reference")
        place = self.temporary()
        self.scope.kinds[target[1]] = ""
        self.scope.through.add(target[1])
        self.line(f'for {place}, v_{target[1]} in enumerate(T_.each("{self.language}", {self.text(over)})):')
        back: Node = ("expr", ("assign", "=", ("index", over, ("written", place)), target))
        self.looped([*body, back] if body[-1][0] not in LEAVES else body, [back])
        self.scope.through.discard(target[1])

    def write_break(self) -> None:
        if not self.loops or self.loops[-1][0] == "switch":
            raise Unread("break")
        self.line("break")

    def write_continue(self) -> None:
        for kind, step in reversed(self.loops):
            if kind == "loop":
                self.statements(step)
                self.line("continue")
                return
        raise Unread("continue")
