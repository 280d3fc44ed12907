"""Reads how functions begin, their parameters, and the types and names of declarations."""

from __future__ import annotations

import re
from typing import NamedTuple

from decontam.translate.expressions import MODIFIERS, Node, Unread
from decontam.translate.suffixes import Suffixes

#: Names with which no declaration begins, though a name follows.
_NO_TYPE = frozenset(
    "return else case new delete goto throw typedef using namespace import package public private protected"
    " class struct enum template if while for do switch default break continue try catch sizeof operator"
    " interface extends implements throws and or not in of function func fn impl use mod trait".split()
)
_HEAD_ENDS = frozenset({"{", ";", "}"})
#: What stands between the parameters of a function and its body.
_AFTER_HEAD = frozenset({"const", "noexcept", "override", "throws", "final"})


class Function(NamedTuple):
    """A function as it was read.

    Args:
        name: its name.
        parameters: of each its target, its type and what it is if it is left out, or None.
        body: statements.
        result: the type of its result, "" if it is not known.
        start: where it begins, in characters.
        end: where it ends.
        sets: whether it gives variables of its caller other values: parameters by reference.
    """

    name: str
    parameters: list[Node]
    body: list[Node]
    result: str
    start: int
    end: int
    sets: bool = False


class Heads(Suffixes):
    """Reads what names and types a function or a declaration begins with."""

    def head(self) -> tuple[str, list[Node], str, int] | None:
        """The name, parameters and result of a function that begins here, and where its body does."""
        token = self.tokens[self.at]
        if token.kind != "name":
            return None
        if self.language == "go":
            return self.go_head() if token.text == "func" else None
        if self.language == "rust":
            return self.rust_head() if token.text == "fn" else None
        return self.js_head() if self.language == "js" else self.c_head()

    def go_head(self) -> tuple[str, list[Node], str, int] | None:
        self.at += 1
        if self.takes("("):
            self.at = self.closing() + 1
        name = self.name()
        if self.mark == "[":
            self.at += 1
            self.at = self.closing() + 1
        self.needs("(")
        parameters = self.parameters(self.closing())
        start = self.at
        if self.mark != "{":
            self.type_text()
        return (name, parameters, self.between(start, self.at), self.at) if self.mark == "{" else None

    def rust_head(self) -> tuple[str, list[Node], str, int] | None:
        self.at += 1
        name = self.name()
        if self.mark == "<":
            self.angles()
        self.needs("(")
        parameters = self.parameters(self.closing())
        result = self.type_text() if self.takes("->") else "()"
        while self.mark not in _HEAD_ENDS and self.tokens[self.at].kind:
            self.at += 1
        return (name, parameters, result, self.at) if self.mark == "{" else None

    def js_head(self) -> tuple[str, list[Node], str, int] | None:
        while self.takes("export", "default", "static", "async"):
            pass
        arrow = False
        if self.takes("function"):
            name = self.name()
        else:
            declared = self.takes("const", "let", "var")
            name = self.name()
            if self.takes(":"):
                self.type_text()
            if self.takes("="):
                self.takes("async")
                arrow = not self.takes("function")
                if not arrow and self.tokens[self.at].kind == "name":
                    self.at += 1
            elif declared or name in _NO_TYPE:
                return None
        if self.mark == "<":
            self.angles()
        if arrow and self.tokens[self.at].kind == "name" and self.ahead().text == "=>":
            self.at += 2
            return name, [(("name", self.tokens[self.at - 2].text), "", None)], "", self.at
        self.needs("(")
        end = self.closing()
        if not arrow and self.tokens[end + 1].text not in {"{", ":"}:
            return None
        parameters = self.parameters(end)
        if self.takes(":"):
            self.type_text()
        if arrow:
            return (name, parameters, "", self.at) if self.takes("=>") else None
        return (name, parameters, "", self.at) if self.mark == "{" else None

    def c_head(self) -> tuple[str, list[Node], str, int] | None:
        """A type, a name, and parameters before a brace."""
        start = self.at
        if not self.c_type():
            return None
        result = plain(self.between(start, self.at))
        if self.tokens[self.at].kind != "name" or self.ahead().text != "(":
            return None
        name = self.name()
        self.at += 1
        end = self.closing()
        after = end + 1
        for _ in range(6):
            if self.tokens[after].text in _AFTER_HEAD or self.tokens[after - 1].text == "throws":
                after += 1
        if self.tokens[after].text != "{":
            return None
        parameters = self.parameters(end)
        return name, parameters, result, after

    def c_type(self) -> bool:
        """Step over a type of C, C++ or Java; whether there was one."""
        while self.takes(*MODIFIERS, "default"):
            pass
        if self.tokens[self.at].kind != "name":
            return self.tokens[self.at - 1].text == "unsigned"
        words = 0
        while self.tokens[self.at].kind == "name" and self.mark not in _NO_TYPE:
            if words and self.mark not in {"long", "int", "double", "char", "short", "const"}:
                break
            self.at += 1
            words += 1
            while self.mark == "::" and self.ahead().kind == "name":
                self.at += 2
            if self.mark == "." and self.language == "java" and self.ahead().kind == "name":
                self.at += 2
            if self.mark == "<":
                end = self.generic(self.at)
                if not end:
                    return False
                self.at = end
        while words and self.takes("*", "&", "const", "&&"):
            pass
        while words and self.mark == "[" and self.ahead().text == "]":
            self.at += 2
        return words > 0

    # Parameters.

    def parameters(self, end: int) -> list[Node]:
        """Read parameters up to the token `end`, and step over it."""
        found: list[Node] = []
        while self.at < end:
            found.append(self.parameter(end))
            if not self.takes(",") and self.at != end:
                raise Unread("parameter")
        self.at = end + 1
        if self.language == "go":
            kind = ""
            for place in range(len(found) - 1, -1, -1):
                kind = found[place][1] or kind
                found[place] = (found[place][0], kind, None)
        return [one for one in found if one[0] != ("name", "self") and one[1] != "void"]

    def parameter(self, end: int) -> Node:
        if self.language == "js":
            if self.takes("..."):
                return (("rest", self.name()), "", None)
            target = self.pattern()
            self.takes("?")
            kind = self.type_text() if self.takes(":") else ""
            return (target, kind, self.expression(0.5) if self.takes("=") else None)
        if self.language == "rust":
            target = self.pattern()
            return (target, self.type_text() if self.takes(":") else "", None)
        if self.language == "go":
            name = self.name()
            return (("name", name), "" if self.mark in {",", ")"} else self.type_text(), None)
        return self.c_parameter(end)

    def c_parameter(self, end: int) -> Node:
        start = self.at
        if not self.c_type():
            raise Unread("type")
        written = self.between(start, self.at)
        kind = plain(written)
        if self.takes("..."):
            kind += "[]"
        if self.at == end or self.mark == ",":
            if kind != "void" and self.at - start != 1:
                raise Unread("parameter")
            return (("name", self.tokens[start].text), kind if kind == "void" else "", None)
        name = self.name()
        if "&" in written and not written.startswith("const"):
            self.references[name] = kind
        while self.takes("["):
            self.at = self.closing() + 1
            kind += "[]"
        return (("name", name), kind, self.expression(0.5) if self.takes("=") else None)

    def pattern(self) -> Node:
        """Read what is assigned to: a name, or names in brackets."""
        self.deeper()
        found = self._pattern()
        self.depth -= 1
        return found

    def _pattern(self) -> Node:
        while self.takes("&", "mut", "ref", "&&"):
            pass
        if self.takes("..."):
            return ("rest", self.name())
        for opened, closing in (("(", ")"), ("[", "]")):
            if self.takes(opened):
                parts: list[Node] = []
                while not self.takes(closing):
                    parts.append(("name", "_") if self.mark == "," else self.pattern())
                    if not self.takes(",") and self.mark != closing:
                        raise Unread("pattern")
                return ("tuple", parts)
        if self.language == "js" and self.takes("{"):
            keys: list[Node] = []
            while not self.takes("}"):
                key = self.name()
                keys.append((key, self.pattern() if self.takes(":") else ("name", key)))
                if not self.takes(",") and self.mark != "}":
                    raise Unread("pattern")
            return ("keys", keys)
        name = self.name()
        if name in {"Some", "Ok"} and self.takes("("):
            inner = self.pattern()
            self.needs(")")
            return inner
        return ("name", name)


def plain(kind: str) -> str:
    """A type without what says nothing of its values."""
    found = re.sub(
        r"\b(?:const|static|final|constexpr|inline|public|private|protected|register|volatile|extern|std::"
        r"|abstract|synchronized|struct|default)\b|&|std::",
        "",
        kind,
    )
    found = re.sub(r"\b(?:unsigned|signed|short|long)\b\s*(?=\b(?:int|long|short)\b)", "", found).strip()
    return {"unsigned": "int", "long int": "long", "char*": "string"}.get(found, found).replace(
        "char*", "string"
    )
