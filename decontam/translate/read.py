"""Reads statements and functions of C, C++, Java, JavaScript, TypeScript, Go and Rust, whichever it is.

What is not understood makes only its function be left out. Each token is read a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from decontam.translate.declarations import Declarations
from decontam.translate.effects import changes, replaces
from decontam.translate.expressions import Node, Unread
from decontam.translate.heads import Function
from decontam.translate.values import kind_of

_CHOICE = re.compile(r"^[ \t]*#[ \t]*(?:if|el|endif)", re.MULTILINE)
_WORDS = frozenset("if while loop do for return break continue throw try switch match".split())


class Reader(Declarations):
    """Reads functions, and declarations that stand outside of them."""

    def __init__(self, code: str, language: str, depth: int = 0) -> None:
        super().__init__(code, language, depth)
        self.unread: set[str] = set()  # functions that cannot be read

    def parts(self) -> Iterator[Function | Node]:
        """The functions that can be read, and declarations outside of functions."""
        last = len(self.tokens) - 1
        while self.at < last:
            start = self.at
            body, name = 0, ""
            self.references = {}
            self.depth, self.in_head, self.in_case = 0, False, False
            try:
                head = self.headed()
                if head:
                    name, parameters, result, body = head
                    self.at = body
                    references = dict(self.references)
                    statements = self.body()
                    end = self.tokens[self.at - 1].end
                    if self.language in {"c", "cpp"} and _CHOICE.search(
                        self.code, self.tokens[start].start, end
                    ):
                        raise Unread("#if")
                    sets = any(
                        (changes if kind_of(kind, self.language) else replaces)(statements, one)
                        for one, kind in references.items()
                    )
                    yield Function(name, parameters, statements, result, self.tokens[start].start, end, sets)
                    continue
                before = self.tokens[start - 1].text if start else ""
                if self.tokens[start].first or before in {"", ";", "{", "}"}:
                    found = self.declaration()
                    if found:
                        yield found
                        continue
            except (Unread, IndexError):  # or the code ends
                if name:
                    self.unread.add(name)
            self.at = max(start + 1, self.other[body] + 1 if body else 0)

    def headed(self) -> tuple[str, list[Node], str, int] | None:
        """What `head` gives; None, with nothing read, where no function begins."""
        start = self.at
        try:
            found = self.head()
        except (Unread, IndexError):
            found = None
        if found is None:
            self.at = start
            self.depth = 0
        return found

    def body(self) -> list[Node]:
        """Read a function's body: a block, or an arrow's expression."""
        if self.mark == "{":
            return self.block()
        return [("return", self.expression(0.5))]

    # Statements.

    def block(self) -> list[Node]:
        """Read a block in braces."""
        self.deeper()
        held = self.in_head, self.in_case
        self.in_head = self.in_case = False
        self.needs("{")
        found = self.statements()
        self.needs("}")
        self.in_head, self.in_case = held
        self.depth -= 1
        return found

    def statements(self, *ends: str) -> list[Node]:
        """Read statements up to a closing brace or one of these words."""
        found: list[Node] = []
        while self.mark != "}" and not (ends and self.mark in ends):
            if not self.tokens[self.at].kind:
                raise Unread("end")
            found.append(self.statement())
        return found

    def one(self) -> list[Node]:
        """Read a block, or a statement in its place."""
        return self.block() if self.mark == "{" else [self.statement()]

    def statement(self) -> Node:
        """Read a statement."""
        self.deeper()
        found = self._statement()
        self.depth -= 1
        return found

    def _statement(self) -> Node:
        mark = self.mark
        if mark == "{":
            return ("block", self.block())
        if self.takes(";"):
            return ("block", [])
        if self.tokens[self.at].kind == "name":
            if mark in _WORDS and self.ahead().text not in {"=", ".", ":="}:
                self.at += 1
                return self.readers()[mark]()
            if mark in {"function", "fn"} or (self.language in {"js", "rust"} and mark == "async"):
                return self.nested()
            if mark == "use" and self.language == "rust":
                while not self.takes(";"):
                    self.at += 1
                    if not self.tokens[self.at].kind:
                        raise Unread("use")
                return ("block", [])
            found = self.declaration()
            if found:
                return found
        return self.simple()

    def readers(self) -> dict[str, Callable[[], Node]]:
        """What reads the statements that begin with a word."""
        return {
            **{"if": self.read_if, "while": self.read_while, "loop": self.read_loop, "do": self.read_do},
            **{"for": self.read_for, "return": self.read_return, "break": self.read_break},
            **{"continue": self.read_continue, "throw": self.read_throw, "try": self.read_try},
            **{"switch": self.read_switch, "match": self.read_match},
        }

    def nested(self) -> Node:
        """Read a function inside another one."""
        head = self.head()
        if not head:
            raise Unread("function")
        name, parameters, result, self.at = head
        return ("function", name, parameters, self.body(), result)

    def simple(self) -> Node:
        """Read an expression, or an assignment, that is a statement."""
        first = self.tokens[self.at]
        left = [self.expression()]
        if self.language in {"go", "c", "cpp", "java", "js"}:
            while self.takes(","):
                left.append(self.expression())
        if self.language == "go" and len(left) > 1:
            places = [place for place, one in enumerate(left) if one[0] == "assign"]
            if len(places) != 1:
                raise Unread("assignment")
            place = places[0]
            _, sign, target, value = left[place]
            if sign not in {"=", ":="}:
                raise Unread(sign)
            node: Node = ("tuple=", [*left[:place], target], [value, *left[place + 1 :]])
        else:
            node = ("expr", left[0]) if len(left) == 1 else ("exprs", left)
        if self.takes(";"):
            if self.tokens[self.at - 2].text == "?" and self.language == "rust" and node[1][0] != "assign":
                raise Unread("?")  # it may return
            return node
        if self.language == "rust":
            if self.mark == "}":
                return ("tail", left[0]) if left[0][0] != "assign" else node
            if first.text in {"if", "match", "loop", "unsafe"} or self.in_case:
                return node
        after = self.tokens[self.at]
        if after.text in {"}", ")", "{", ":", "case", "default"} or (
            after.first and self.language in {"js", "go"}
        ):
            return node
        raise Unread(after.text)

    def condition(self) -> Node:
        """Read a condition, in parentheses or not."""
        if self.language in {"go", "rust"}:
            held, self.in_head = self.in_head, True
            if self.takes("let"):
                target = self.alternatives()
                self.needs("=")
                found: Node = ("iflet", target, self.expression(4.5))
            else:
                found = self.expression()
            self.in_head = held
            return found
        self.needs("(")
        found = self.expression()
        self.needs(")")
        return found

    def read_if(self) -> Node:
        """Read what follows `if`."""
        before: list[Node] = []
        if self.language == "go":
            held, self.in_head = self.in_head, True
            first = self.go_simple()
            if self.takes(";"):
                before, test = [first], self.expression()
            elif first[0] == "expr":
                test = first[1]
            else:
                raise Unread("if")
            self.in_head = held
        else:
            self.takes("constexpr")
            test = self.condition()
        then = self.one()
        after: list[Node] = []
        if self.takes("else"):
            after = self.one()
        return ("if", before, test, then, after)

    def go_simple(self) -> Node:
        """Read a statement in the head of a branch or loop of Go; the semicolon is left."""
        left = [self.expression()]
        while self.takes(","):
            left.append(self.expression())
        places = [place for place, one in enumerate(left) if one[0] == "assign"]
        if len(left) == 1:
            return ("expr", left[0])
        if len(places) != 1:
            raise Unread("assignment")
        place = places[0]
        return ("tuple=", [*left[:place], left[place][2]], [left[place][3], *left[place + 1 :]])

    def read_while(self) -> Node:
        """Read what follows `while`."""
        test = self.condition()
        return ("while", test, self.one())

    def read_loop(self) -> Node:
        """Read what follows `loop`."""
        return ("while", ("const", True), self.block())

    def read_do(self) -> Node:
        """Read what follows `do`."""
        body = self.one()
        self.needs("while")
        test = self.condition()
        self.takes(";")
        return ("do", test, body)

    def read_return(self) -> Node:
        """Read what follows `return`."""
        token = self.tokens[self.at]
        if token.text in {";", "}"} or not token.kind or (token.first and self.language in {"js", "go"}):
            self.takes(";")
            return ("return", None)
        values = [self.expression()]
        while self.takes(","):
            values.append(self.expression())
        after = self.tokens[self.at]
        if not self.takes(";") and after.text not in {"}", ")", "case", "default"} and not after.first:
            raise Unread(after.text)
        return ("return", values[0] if len(values) == 1 else ("tuple", values))

    def read_break(self) -> Node:
        """Read what follows `break`."""
        if self.tokens[self.at].kind != "mark" and not self.tokens[self.at].first:
            raise Unread("label")
        self.takes(";")
        return ("break",)

    def read_continue(self) -> Node:
        """Read what follows `continue`."""
        self.read_break()
        return ("continue",)

    def read_throw(self) -> Node:
        """Read what follows `throw`."""
        if self.mark != ";":
            self.expression()
        self.takes(";")
        return ("raise",)

    def read_try(self) -> Node:
        """Read what follows `try`."""
        body = self.block()
        handler: list[Node] | None = None
        name = ""
        while self.takes("catch"):
            if self.takes("("):
                name = self.tokens[self.closing() - 1].text
                self.at = self.closing() + 1
            one = self.block()
            handler = one if handler is None else handler
        last = self.block() if self.takes("finally") else []
        return ("try", body, name, handler, last)

    def statement_expression(self) -> Node:
        """Read what is both a statement and an expression: Rust's if, match and block."""
        return ("value", self.statement())
