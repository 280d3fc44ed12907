"""Reads what stands behind values, types, and the literals and lambdas that only one language has."""

from __future__ import annotations

from decontam.translate.brackets import Brackets
from decontam.translate.effects import changes
from decontam.translate.expressions import Node, Unread

_BEFORE_TYPES = ("&", "&&", "*", "mut", "dyn", "impl", "const", "readonly", "keyof", "unsigned", "...")
_ENDS_LINE = frozenset({"go", "js"})


class Suffixes(Brackets):
    """Reads what the other classes leave of expressions."""

    def __init__(self, code: str, language: str, depth: int = 0) -> None:
        super().__init__(code, language, depth)
        self.references: dict[str, str] = {}  # parameters by reference, with their types

    def behind(self, node: Node) -> Node:
        """Read calls, members and elements of a value."""
        steps = 0
        while True:
            token = self.tokens[self.at]
            mark = token.text if token.kind == "mark" else ""
            steps += 1
            if steps > 40:
                raise Unread("chain")
            if mark in {"(", "[", "++", "--"} and token.first and self.language in _ENDS_LINE:
                return node
            if mark in {".", "?."} or (mark == "->" and self.language in {"c", "cpp"}):
                self.at += 1
                node = self.member(node)
            elif mark == "::":
                self.at += 1
                node = self.path(node)
            elif mark == "(":
                self.at += 1
                node = ("call", node, self.arguments(")"))
            elif mark == "[":
                self.at += 1
                node = self.element(node)
            elif mark in {"++", "--"}:
                self.at += 1
                node = ("post", mark, node)
            elif (mark == "?" and self.language == "rust") or (
                mark == "!" and self.language == "js" and self.ahead().text in {".", ")", ";", ",", "["}
            ):
                self.at += 1
            else:
                return node

    def member(self, owner: Node) -> Node:
        """Read a member behind its dot."""
        token = self.tokens[self.at]
        if token.kind == "number":
            self.at += 1
            for part in token.text.split("."):
                owner = ("index", owner, ("num", part)) if part else owner
            return owner
        if token.text in {"(", "["} and self.language == "js":
            return owner
        name = self.name()
        if name == "await":
            raise Unread(name)
        written = ""
        if self.mark == "::" and self.ahead().text == "<":
            start = self.at + 2
            self.at += 1
            self.angles()
            written = self.between(start, self.at - 1)
        elif self.mark == "<" and self.language in {"cpp", "js"}:
            end = self.generic(self.at)
            self.at = end if self.tokens[end].text == "(" and end else self.at
        if self.mark == "(" and not (self.tokens[self.at].first and self.language in _ENDS_LINE):
            self.at += 1
            found: Node = ("method", owner, name, self.arguments(")"))
            collects = name == "collect" and written[:3] not in {"", "Vec"}
            return ("cast", written, found) if collects else found
        return ("field", owner, name)

    def path(self, owner: Node) -> Node:
        """Read what follows two colons."""
        if self.language == "rust" and self.mark == "<":
            self.angles()
            return owner
        name = self.name()
        if self.language == "java":
            return ("ref", owner, name)
        if owner[0] != "name":
            raise Unread("::")
        return self.named_path(name if owner[1] == "std" else f"{owner[1]}::{name}")

    def named_path(self, name: str) -> Node:
        """A path, of which a type in angle brackets may be the last part: `std::vector<int>(n)`."""
        if self.language == "cpp" and self.mark == "<" and (end := self.generic(self.at)):
            return self.typed(name, end)
        if self.language == "cpp" and name == "string" and self.mark == "{":
            return ("new", name, [], self.braced())
        return ("name", name)

    def element(self, owner: Node) -> Node:
        """Read an element or a slice behind its bracket."""
        held, self.in_head = self.in_head, False
        first = None if self.mark == ":" else self.expression()
        if self.language == "go" and self.takes(":"):
            last = None if self.mark == "]" else self.expression()
            found: Node = ("slice", owner, first, last)
        elif first is not None and first[0] == "range":
            last = first[2]
            if first[3] and last is not None:
                last = ("bin", "+", last, ("num", "1"))
            found = ("slice", owner, first[1], last)
        else:
            found = ("index", owner, first)
        self.needs("]")
        self.in_head = held
        return found

    # Types.

    def angles(self) -> None:
        """Step over types in angle brackets.

        Raises:
            Unread: they do not close.
        """
        deep = 0
        for _ in range(60):
            text = self.mark
            if text in {"(", "[", "{"}:
                self.at = max(self.at, self.other[self.at])
            deep += (text == "<") - (len(text) if text in {">", ">>", ">>>"} else 0)
            self.at += 1
            if deep <= 0:
                return
        raise Unread("type")

    def type_text(self) -> str:
        """Read a type and return it as it stands there."""
        start = self.at
        self.deeper()
        while self.takes(*_BEFORE_TYPES):
            pass
        mark, kind = self.mark, self.tokens[self.at].kind
        if mark in {"(", "[", "{"}:
            self.at += 1
            self.at = self.closing() + 1
            if mark == "[" and self.language == "go":
                self.type_text()
        elif kind in {"name", "number", "string"}:
            self.at += 1
            self.named_type(mark)
        else:
            raise Unread("type")
        if self.language == "js":
            self.js_type()
        self.depth -= 1
        return self.between(start, self.at)

    def named_type(self, name: str) -> None:
        """Read what follows the first name of a type."""
        if name == "map" and self.language == "go":
            self.needs("[")
            self.at = self.closing() + 1
            self.type_text()
            return
        if name in {"interface", "struct"} and self.takes("{"):
            self.at = self.closing() + 1
            return
        while self.mark in {"::", ".", "?."} and self.ahead().kind == "name":
            self.at += 2
        if self.mark == "<":
            self.angles()
        if (name == "func" or name.startswith("Fn")) and self.takes("("):
            self.at = self.closing() + 1
            if self.mark == "->" or (self.language == "go" and self.tokens[self.at].kind == "name"):
                self.takes("->")
                self.type_text()

    def js_type(self) -> None:
        """Read what follows a part of a type in TypeScript."""
        while self.mark == "[" and self.ahead().text == "]":
            self.at += 2
        if self.takes("|", "&") or (self.tokens[self.at - 1].text == ")" and self.takes("=>")):
            self.type_text()

    # What only one language has.

    def made(self) -> Node:
        """Read what follows `new`: a type, then arguments, sizes or values."""
        start = self.at
        self.name()
        while self.takes(".", "::"):
            self.name()
        if self.mark == "<":
            self.angles()
        kind = self.between(start, self.at)
        arguments: list[Node] = []
        if self.mark == "[" and self.language != "js":
            while self.takes("["):
                kind += "[]"
                if not self.takes("]"):
                    arguments.append(self.expression())
                    self.needs("]")
            return ("new", kind, arguments, self.braced() if self.mark == "{" else None)
        if self.takes("("):
            arguments = self.arguments(")")
        if self.mark == "{" and self.language != "js":
            raise Unread("class")
        return ("new", kind, arguments, None)

    def macro(self, name: str) -> Node:
        """Read what follows the name of a macro of Rust."""
        self.at += 1
        opened = self.mark
        self.at += 1
        if name == "matches":
            subject = self.expression()
            self.needs(",")
            found = self.alternatives()
            self.takes(",")
            self.needs(")")
            return ("matches", subject, found)
        closing = {"(": ")", "[": "]", "{": "}"}[opened]
        return ("macro", name, self.arguments(closing))

    def alternatives(self) -> list[Node]:
        """Read a pattern of Rust's `match`: values and ranges with bars between them."""
        found: list[Node] = []
        self.takes("|")
        while True:
            part: Node = self.expression(9.15)
            if self.mark in {"..=", ".."}:
                whole = self.mark == "..="
                self.at += 1
                ends = self.mark in {"=>", "|", "if", ")"}
                part = ("range", part, None if ends else self.expression(9.15), whole)
            found.append(part)
            if not self.takes("|"):
                return found

    def go_typed(self) -> Node:
        """Read what begins with a type in Go: a literal, a conversion, or the type alone."""
        kind = self.type_text()
        if self.mark == "{":
            self.at += 1
            return ("typed", kind, self.go_values())
        if self.takes("("):
            found = self.expression()
            self.needs(")")
            return ("cast", kind, found)
        return ("type", kind)

    def go_values(self) -> list[Node]:
        """Read the values of a literal behind its brace."""
        self.deeper()
        held, self.in_head = self.in_head, False
        found: list[Node] = []
        while not self.takes("}"):
            one = self.go_value()
            found.append(("pair", one, self.go_value()) if self.takes(":") else one)
            if not self.takes(",") and self.mark != "}":
                raise Unread(self.mark)
        self.in_head = held
        self.depth -= 1
        return found

    def go_value(self) -> Node:
        """Read a value, whose type may be left out."""
        return ("typed", "", self.go_values()) if self.takes("{") else self.expression()

    def cpp_lambda(self) -> Node:
        """Read a lambda of C++ behind its first bracket."""
        self.at = self.closing() + 1
        parameters: list[Node] = []
        if self.takes("("):
            parameters = self.parameters(self.closing())
        if self.takes("mutable"):  # its variables are copies of those around it
            raise Unread("mutable")
        if self.takes("->"):
            while self.mark != "{" and self.tokens[self.at].kind:
                self.at += 1
        body = self.block()
        if any(changes(body, target[1]) for target, *_ in parameters if target[1] in self.references):
            raise Unread("reference")
        return ("lambda", parameters, body, "")

    def closure(self, mark: str) -> Node:
        """Read a closure of Rust behind its first bar."""
        parameters: list[Node] = []
        while mark == "|" and not self.takes("|"):
            target = self.pattern()
            parameters.append((target, self.type_text() if self.takes(":") else "", None))
            if not self.takes(",") and self.mark != "|":
                raise Unread(self.mark)
        if self.takes("->"):
            self.type_text()
        return self.arrow(parameters)

    def object(self) -> Node:
        """Read an object of JavaScript behind its brace."""
        parts: list[Node] = []
        while not self.takes("}"):
            parts.append(self.property())
            if not self.takes(",") and self.mark != "}":
                raise Unread(self.mark)
        return ("object", parts)

    def property(self) -> Node:
        """Read a key with its value, or what is spread."""
        if self.takes("..."):
            return ("spread", self.expression(0.5))
        token = self.tokens[self.at]
        if self.takes("["):
            key = self.expression()
            self.needs("]")
        elif token.kind in {"number", "string"}:
            key = self.operand()
        else:
            key = ("str", self.name())
        if self.takes(":"):
            return ("pair", key, self.expression(0.5))
        if self.takes("("):
            return ("pair", key, ("lambda", self.parameters(self.closing()), self.block(), ""))
        if token.kind != "name":
            raise Unread(":")
        return ("pair", key, ("name", token.text))
