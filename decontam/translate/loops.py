"""Reads loops and choices by value."""

from __future__ import annotations

from decontam.translate.expressions import Node, Unread
from decontam.translate.heads import Heads

_TARGETS = frozenset({"const", "let", "var"})


class Loops(Heads):
    """Reads `for`, `switch` and `match`."""

    def statements(self, *ends: str) -> list[Node]:
        """Read statements up to a closing brace or one of these words."""
        raise NotImplementedError

    def one(self) -> list[Node]:
        """Read a block, or a statement in its place."""
        raise NotImplementedError

    def go_simple(self) -> Node:
        """Read a statement in the head of a branch or loop of Go."""
        raise NotImplementedError

    def declaration(self) -> Node | None:
        """Read a declaration; None, with nothing read, where none begins."""
        raise NotImplementedError

    def read_for(self) -> Node:
        """Read what follows `for`."""
        if self.language == "go":
            return self.go_for()
        if self.language == "rust":
            target = self.pattern()
            self.needs("in")
            held, self.in_head = self.in_head, True
            over = self.expression()
            self.in_head = held
            return ("each", "each", target, over, self.block())
        self.needs("(")
        found = self.each()
        if found:
            kind, target, over = found
            self.needs(")")
            return ("each", kind, target, over, self.one())
        before: list[Node] = []
        if not self.takes(";"):
            declared = self.declaration()
            if declared:
                before = [declared]
                if self.tokens[self.at - 1].text != ";":
                    raise Unread("for")
            else:
                before = [("exprs", self.expressions(";"))]
                self.needs(";")
        test = None if self.mark == ";" else self.expression()
        self.needs(";")
        step = self.expressions(")")
        self.needs(")")
        return ("for", before, test, step, self.one())

    def expressions(self, end: str) -> list[Node]:
        """Read expressions with commas between them before a mark."""
        found: list[Node] = []
        while self.mark != end:
            found.append(self.expression())
            if not self.takes(",") and self.mark != end:
                raise Unread(self.mark)
        return found

    def each(self) -> tuple[str, Node, Node] | None:
        """Read the head of a loop over values, if it is one: its kind, its target and what it is over."""
        start = self.at
        if self.language == "js":
            if self.takes(*_TARGETS) or self.ahead().text in {"of", "in"}:
                try:
                    target = self.pattern()
                except Unread:
                    target = ("",)
                if target != ("",) and self.mark in {"of", "in"}:
                    kind = "each" if self.mark == "of" else "keys"
                    self.at += 1
                    return kind, target, self.expression()
            self.at = start
            return None
        if self.c_type():
            written = self.between(start, self.at)
            kind = "each&" if "&" in written and not written.startswith("const") else "each"
            if self.mark == "[" and self.language == "cpp":
                target = self.pattern()
            elif self.tokens[self.at].kind == "name":
                target = ("name", self.name())
            else:
                target = ("",)
            if target != ("",) and self.takes(":"):
                return kind, target, self.expression()
        self.at = start
        return None

    def go_for(self) -> Node:
        """Read what follows `for` in Go."""
        held, self.in_head = self.in_head, True
        found = self._go_for()
        self.in_head = held
        return (*found, self.block())

    def _go_for(self) -> Node:
        if self.mark == "{":
            return ("while", ("const", True))
        names: list[Node] = []
        start = self.at
        while self.tokens[self.at].kind == "name" and self.mark != "range":
            names.append(("name", self.name()))
            if not self.takes(","):
                break
        if names:
            self.takes(":=", "=")
        if self.takes("range"):
            over = self.expression()
            if len(names) == 2:
                return ("each", "pairs", ("tuple", names), over)
            return ("each", "keys", names[0] if names else ("name", "_"), over)
        self.at = start
        first: list[Node] = [] if self.mark == ";" else [self.go_simple()]
        if not self.takes(";"):
            if len(first) != 1 or first[0][0] != "expr":
                raise Unread("for")
            return ("while", first[0][1])
        test = None if self.mark == ";" else self.expression()
        self.needs(";")
        step = [] if self.mark == "{" else [self.go_simple()]
        return ("for", first, test, [one[1] if one[0] == "expr" else one for one in step])

    def read_switch(self) -> Node:
        """Read what follows `switch`: the subject or None, and cases of labels, None for all, and a body."""
        subject: Node | None = None
        before: list[Node] = []
        if self.language == "go":
            held, self.in_head = self.in_head, True
            if self.mark != "{":
                first = self.go_simple()
                if self.takes(";"):
                    before = [first]
                    subject = None if self.mark == "{" else self.expression()
                elif first[0] == "expr":
                    subject = first[1]
            self.in_head = held
        else:
            self.needs("(")
            subject = self.expression()
            self.needs(")")
        self.needs("{")
        cases: list[Node] = []
        while not self.takes("}"):
            cases.append(self.case())
        return ("switch", before, subject, cases)

    def case(self) -> Node:
        labels: list[Node] | None = []
        if self.takes("default"):
            labels = None
        else:
            self.needs("case")
            held, self.in_case = self.in_case, True
            labels = [self.expression(2.1)]
            while self.takes(","):
                labels.append(self.expression(2.1))
            self.in_case = held
        if self.takes("->"):
            return (labels, self.one(), True)
        self.needs(":")
        return (labels, self.statements("case", "default"), self.language == "go")

    def read_match(self) -> Node:
        """Read what follows `match`: the subject, and arms of patterns, a guard or None, and a body."""
        held, self.in_head = self.in_head, True
        subject = self.expression()
        self.in_head = False
        self.needs("{")
        arms: list[Node] = []
        while not self.takes("}"):
            patterns = self.alternatives()
            guard = self.expression() if self.takes("if") else None
            self.needs("=>")
            body = self.block() if self.mark == "{" else [self.arm()]
            arms.append((patterns, guard, body))
            self.takes(",")
        self.in_head = held
        return ("match", subject, arms)

    def arm(self) -> Node:
        """Read what an arm gives, or does."""
        if self.mark in {"return", "break", "continue"}:
            word = self.mark
            self.at += 1
            if word != "return":
                return (word,)
            return ("return", None if self.mark in {",", "}"} else self.expression())
        return ("tail", self.expression())
