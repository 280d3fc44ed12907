"""Reads declarations of variables."""

from __future__ import annotations

import re

from decontam.translate.expressions import Node, Unread
from decontam.translate.heads import plain
from decontam.translate.loops import Loops

_DECLARE = ("let", "const", "var", "static")
_C_LIKE = frozenset({"c", "cpp", "java"})


class Declarations(Loops):
    """Reads declarations."""

    def declaration(self) -> Node | None:
        """Read a declaration; None, with nothing read, where none begins."""
        start = self.at
        inner = True
        if self.language in _C_LIKE:
            found = self.c_declaration()
        elif self.language == "go":
            found = self.go_declaration() if self.takes("var", "const") else None
        elif self.takes(*_DECLARE):
            inner = self.tokens[self.at - 1].text != "var"
            found = self.let()
        else:
            found = None
        if found is None:
            self.at = start
            return None
        self.takes(";")
        return ("decl", found, inner)

    def let(self) -> list[Node]:
        """Read targets with their values in JavaScript and Rust."""
        found: list[Node] = []
        while True:
            target = self.pattern()
            kind = self.type_text() if self.takes(":") else ""
            value = self.expression(0.5) if self.takes("=") else ("const", None)
            found.append((target, kind, value))
            if not self.takes(","):
                break
        after = self.tokens[self.at]
        if after.kind and not after.first and after.text not in {";", "}", ")", "of", "in"}:
            raise Unread(after.text)
        return found

    def go_declaration(self) -> list[Node]:
        """Read what follows `var` or `const`, of which several may stand in parentheses."""
        if not self.takes("("):
            return self.go_names()
        found: list[Node] = []
        while not self.takes(")"):
            found += self.go_names()
            self.takes(";")
        return found

    def go_names(self) -> list[Node]:
        names = [self.name()]
        while self.takes(","):
            names.append(self.name())
        kind = self.type_text() if self.mark != "=" else ""
        values: list[Node] = []
        if self.takes("="):
            values = [self.expression(0.5)]
            while self.takes(","):
                values.append(self.expression(0.5))
        if not values:
            return [(("name", name), kind, ("default", kind, [])) for name in names]
        if len(values) != len(names):
            return [(("tuple", [("name", name) for name in names]), "", values[0])]
        return [(("name", name), kind, value) for name, value in zip(names, values, strict=True)]

    def c_declaration(self) -> list[Node] | None:
        start = self.at
        if not self.c_type():
            return None
        whole = self.between(start, self.at)
        kind = plain(whole)
        if self.depth and re.match(r"(?:\w+ )*static\b", whole) and "const" not in whole:
            raise Unread("static")  # it lasts from call to call
        if self.mark == "[" and kind == "auto":
            target = self.pattern()
            self.needs("=")
            return [(target, "", self.expression(0.5))]
        if self.tokens[self.at].kind != "name":
            return None
        after = self.ahead().text
        if after not in {"=", ";", ",", "[", "(", "{"} or (after == "(" and self.language != "cpp"):
            return None
        found: list[Node] = []
        while True:
            own = kind.rstrip("*") if found else kind
            while self.takes("*", "&"):
                own = "string" if own == "char" else own + "*"
            found.append(self.declarator(own))
            if self.language == "cpp" and "&" not in whole and "*" not in own:
                found[-1] = copied(found[-1])
            if not self.takes(","):
                break
        if self.mark and self.mark not in {";", ")", ":"}:
            raise Unread("declaration")
        return found

    def declarator(self, kind: str) -> Node:
        """Read a name with its sizes and its value."""
        target = ("name", self.name())
        sizes: list[Node] = []
        whole = kind
        while self.takes("["):
            whole += "[]"
            if not self.takes("]"):
                sizes.append(self.expression())
                self.needs("]")
        if self.takes("="):
            if self.mark == "{":
                return (target, whole, ("new", whole, sizes, self.braced()))
            return (target, whole, self.expression(0.5))
        if self.mark == "{" and self.language == "cpp":
            return (target, whole, ("new", whole, sizes, self.braced()))
        if self.language == "cpp" and self.takes("("):
            return (target, whole, ("new", whole, self.arguments(")"), None))
        return (target, whole, ("default", whole, sizes))


def copied(declared: Node) -> Node:
    """A declaration of C++, whose value is a copy of what another variable has."""
    target, written, value = declared
    return (target, written, ("copy", value) if value[0] in {"name", "index"} else value)
