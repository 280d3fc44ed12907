"""Reads expressions of C, C++, Java, JavaScript, TypeScript, Go and Rust into tuples: a kind, then parts."""

from __future__ import annotations

import re
from typing import Any

from decontam.translate.tokens import Token, tokens_of

Node = tuple[Any, ...]

#: Code that is nested deeper is not read.
DEEPEST = 50
COMMON: dict[str, float] = {
    **{"?": 2, "||": 3, "??": 3, "or": 3, "&&": 4, "and": 4, "|": 5, "^": 6, "&": 7, "==": 8, "!=": 8},
    **{"===": 8, "!==": 8, "<": 9, ">": 9, "<=": 9, ">=": 9, "in": 9, "instanceof": 9, "<<": 10, ">>": 10},
    **{">>>": 10, "+": 11, "-": 11, "*": 12, "/": 12, "%": 12, "**": 14},
}
_BINARY: dict[str, dict[str, float]] = {
    **dict.fromkeys(("c", "cpp", "java", "js"), COMMON),
    "go": {**dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), 8.0), "||": 3, "&&": 4}
    | {**dict.fromkeys("+-|^", 11), **dict.fromkeys(("*", "/", "%", "<<", ">>", "&"), 12)},
    "rust": {**COMMON, "|": 9.1, "^": 9.2, "&": 9.3, "==": 8, "..": 2.5, "..=": 2.5, "as": 12.5},
}
_ASSIGNS = frozenset("= += -= *= /= %= **= <<= >>= >>>= &= |= ^= &&= ||= ??= :=".split())
_UNARY = 13
PRIMITIVE = frozenset(
    "int long short byte char float double bool boolean unsigned signed size_t string String uint32_t int32_t"
    " int64_t uint64_t uint8_t ll Integer Double Character Long".split()
)
TYPE_MARKS = frozenset(["<", ">", ">>", ">>>", ",", "*", "&", "::", "[", "]", "?", "."])
MODIFIERS = frozenset(
    "const static final constexpr inline public private protected register struct volatile extern abstract"
    " synchronized mut ref signed typename unsigned".split()
)
_CONSTANTS = {
    **dict.fromkeys(("true", "True"), True),
    **dict.fromkeys(("false", "False"), False),
    **dict.fromkeys(("null", "nil", "nullptr", "NULL", "undefined", "None"), None),
}
_UNREADABLE = frozenset("this super class struct yield await async unsafe goto asm import".split())
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\n)|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}


class Unread(Exception):
    """Code that is not understood."""


def text_of(inner: str) -> str:
    """What a literal without its quotes stands for."""

    def one(found: re.Match[str]) -> str:
        number = found[1] or found[2] or found[3]
        if number:
            return chr(min(int(number, 16), 0x10FFFF))
        return "" if found[4] else _ESCAPES.get(found[5], found[5])

    return _ESCAPE.sub(one, inner) if "\\" in inner else inner


class Expressions:
    """Reads expressions from left to right."""

    def __init__(self, code: str, language: str, depth: int = 0) -> None:
        self.code = code
        self.language = language
        self.tokens, self.other = tokens_of(code, language)
        self.at = 0
        self.depth = depth
        self.in_head = False  # where "{" begins a block
        self.in_case = False  # where "->" ends a label

    # What is next.

    @property
    def mark(self) -> str:
        """The next token, unless it is a literal."""
        token = self.tokens[self.at]
        return token.text if token.kind in {"mark", "name"} else ""

    def ahead(self, steps: int = 1) -> Token:
        """A later token."""
        return self.tokens[min(self.at + steps, len(self.tokens) - 1)]

    def takes(self, *values: str) -> bool:
        """Step over a token if it is one of these."""
        if self.mark and self.mark in values:
            self.at += 1
            return True
        return False

    def needs(self, value: str) -> None:
        """Step over a token that has to be there.

        Raises:
            Unread: another one is there.
        """
        if not self.takes(value):
            raise Unread(value)

    def name(self) -> str:
        """Step over a name and return it."""
        token = self.tokens[self.at]
        if token.kind != "name":
            raise Unread("name")
        self.at += 1
        return token.text

    def closing(self) -> int:
        """The place of the bracket that closes the one just read."""
        end = self.other[self.at - 1]
        if end < 0:
            raise Unread("bracket")
        return end

    def deeper(self) -> None:
        """Note that what follows is nested in what is read."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unread("depth")

    # To be had from the classes that read the rest.

    def behind(self, node: Node) -> Node:
        """Read calls, members and elements of a value."""
        raise NotImplementedError

    def type_text(self) -> str:
        """Read a type."""
        raise NotImplementedError

    def made(self) -> Node:
        """Read what follows `new`."""
        raise NotImplementedError

    def macro(self, name: str) -> Node:
        """Read what follows the name of a macro of Rust."""
        raise NotImplementedError

    def go_typed(self) -> Node:
        """Read what begins with a type in Go."""
        raise NotImplementedError

    def cpp_lambda(self) -> Node:
        """Read a lambda of C++ behind its first bracket."""
        raise NotImplementedError

    def closure(self, mark: str) -> Node:
        """Read a closure of Rust behind its first bar."""
        raise NotImplementedError

    def object(self) -> Node:
        """Read an object of JavaScript behind its brace."""
        raise NotImplementedError

    def block(self) -> list[Node]:
        """Read a block in braces."""
        raise NotImplementedError

    def parameters(self, end: int) -> list[Node]:
        """Read parameters up to the token `end`."""
        raise NotImplementedError

    def statement_expression(self) -> Node:
        """Read what is both a statement and an expression: Rust's if, match and block."""
        raise NotImplementedError

    def pattern(self) -> Node:
        """Read a target of an assignment."""
        raise NotImplementedError

    def function(self) -> Node:
        """Read what follows `function` or `func` where a value stands."""
        raise NotImplementedError

    def arrow(self, parameters: list[Node]) -> Node:
        """Read what follows an arrow."""
        raise NotImplementedError

    def bracketed(self, mark: str) -> Node:
        """What begins with a mark."""
        raise NotImplementedError

    def arguments(self, closing: str) -> list[Node]:
        """Read expressions with commas between them, up to a bracket."""
        raise NotImplementedError

    def braced(self) -> list[Node]:
        """Read a list in braces."""
        raise NotImplementedError

    def string(self, text: str) -> Node:
        """A string or a character."""
        raise NotImplementedError

    # Expressions.

    def expression(self, least: float = 0) -> Node:
        """Read an expression whose operators bind more than `least`."""
        self.deeper()
        left = self.unary()
        powers = _BINARY[self.language]
        while True:
            mark = self.mark
            if mark in _ASSIGNS and least <= 1 and self.tokens[self.at].kind == "mark":
                self.at += 1
                left = ("assign", mark, left, self.expression(0.5))
                continue
            if mark == "as" and self.language == "js":
                self.at += 1
                self.type_text()
                continue
            power = powers.get(mark, 0)
            if power <= least and not (mark == "**" and power == least):
                break
            if mark == "in" and self.in_head and self.language != "js":
                break
            if self.tokens[self.at].first and self.language in {"go", "js"} and mark in {"*", "&", "<"}:
                break
            self.at += 1
            left = self.operation(mark, power, left)
        self.depth -= 1
        return left

    def operation(self, mark: str, power: float, left: Node) -> Node:
        """Read what is right of an operator."""
        if mark == "?":
            first = self.expression(0.5)
            self.needs(":")
            return ("cond", left, first, self.expression(0.5))
        if mark == "as":
            return ("cast", self.type_text(), left)
        if mark in {"..", "..="}:
            ends = self.tokens[self.at].kind == "" or self.mark in {")", "]", "{", ",", ";"}
            return ("range", left, None if ends else self.expression(power), mark == "..=")
        if mark == "instanceof":
            raise Unread(mark)
        right = self.expression(power)
        if mark == "/" and right[0] == "sizeof":
            if left[0] != "sizeof" or not left[1].isidentifier():
                raise Unread("sizeof")
            return ("method", ("name", left[1]), "size", [])
        return ("bin", {"or": "||", "and": "&&"}.get(mark, mark), left, right)

    def unary(self) -> Node:
        """Read an operand with what stands before and behind it."""
        self.deeper()
        found = self._unary()
        self.depth -= 1
        return found

    def _unary(self) -> Node:
        mark = self.mark
        kind = self.tokens[self.at].kind
        if kind == "mark":
            if mark in {"-", "+", "!", "~", "*", "^"} or (mark == "&" and self.language != "js"):
                self.at += 1
                self.takes("mut")
                return ("un", mark, self.expression(_UNARY - 0.5 if mark != "-" else _UNARY))
            if mark == "&&" and self.language == "rust":
                self.at += 1
                return self.unary()
            if mark in {"++", "--"}:
                self.at += 1
                return ("pre", mark, self.unary())
            if mark == "...":
                self.at += 1
                return ("spread", self.expression(0.5))
            if mark in {"..", "..="}:
                self.at += 1
                return ("range", None, None if self.mark in {")", "]"} else self.expression(3), mark == "..=")
        elif kind == "name":
            if mark == "not" and self.language == "cpp":
                self.at += 1
                return ("un", "!", self.unary())
            if mark == "typeof":
                self.at += 1
                return ("typeof", self.unary())
            if mark == "delete":
                self.at += 1
                return ("delete", self.unary())
            if mark in {"move", "mut"} and self.language == "rust":
                self.at += 1
                return self.unary()
        return self.behind(self.operand())

    def operand(self) -> Node:
        """Read a literal, a name, or what stands in brackets."""
        token = self.tokens[self.at]
        if token.kind == "mark":
            return self.bracketed(token.text)
        self.at += 1
        if token.kind == "number":
            return ("num", token.text)
        if token.kind == "string":
            return self.string(token.text)
        if token.kind == "regex":
            body, _, flags = token.text[1:].rpartition("/")
            return ("new", "RegExp", [("str", body), ("str", flags)], None)
        if token.kind == "name":
            return self.named(token.text)
        raise Unread("end")

    def named(self, name: str) -> Node:
        """What begins with a name."""
        if name in _CONSTANTS and not (name == "None" and self.language != "rust"):
            return ("const", _CONSTANTS[name])
        following = self.tokens[self.at]
        if name in {"b", "r", "L", "u8"} and following.kind == "string" and not following.first:
            self.at += 1
            return self.string(following.text)
        if self.language == "rust" and name in {"if", "match", "loop", "unsafe"}:
            self.at -= 1
            return self.statement_expression()
        if name in {"function", "func"}:
            return self.function()
        return self.marked(name)

    def marked(self, name: str) -> Node:
        """What begins with a name, by the mark behind it."""
        if name == "sizeof" and self.takes("("):
            start = self.at
            self.at = self.closing() + 1
            return ("sizeof", self.between(start, self.at - 1))
        if name == "new" and self.language in {"java", "js", "cpp"}:
            return self.made()
        if name == "this" and self.mark in {".", "->"} and self.ahead(2).text == "(":
            return ("self",)
        if name in _UNREADABLE:
            raise Unread(name)
        if (self.mark == "=>" and self.language == "js") or (
            self.mark == "->" and self.language == "java" and not self.in_case
        ):
            self.at += 1
            return self.arrow([(("name", name), "", None)])
        if self.mark == "!" and self.language == "rust" and self.ahead().text in {"(", "[", "{"}:
            return self.macro(name)
        if self.language == "go" and name == "map" and self.mark == "[":
            self.at -= 1
            return self.go_typed()
        if self.mark == "<" and self.language in {"cpp", "java", "js"} and (end := self.generic(self.at)):
            return self.typed(name, end)
        if name in PRIMITIVE and self.language == "cpp" and self.mark == "{":
            return ("new", name, [], self.braced())
        return ("name", name)

    def typed(self, name: str, end: int) -> Node:
        """A name with types in angle brackets: `vector<int>(n)`, `static_cast<int>(x)`, `max<int>(a, b)`."""
        inner = self.between(self.at + 1, end - 1)
        whole = f"{name}<{inner}>"
        self.at = end
        if name.endswith("_cast"):
            self.needs("(")
            found = self.expression()
            self.needs(")")
            return ("cast", inner, found)
        if self.language == "cpp" and name not in {"max", "min", "make_pair", "accumulate", "abs", "get"}:
            if self.mark == "{":
                return ("new", whole, [], self.braced())
            if self.takes("("):
                return ("new", whole, self.arguments(")"), None)
            return ("name", whole)
        return ("name", name)

    def between(self, start: int, end: int) -> str:
        """The tokens from `start` to `end`, with a blank only between names."""
        found = ""
        for token in self.tokens[start:end]:
            blank = token.kind in {"name", "number"} and found[-1:].isalnum()
            found += f" {token.text}" if blank else token.text
        return found.replace("std::", "")

    def generic(self, start: int) -> int:
        """Behind the angle bracket that closes the one at `start`; 0 if there is no such."""
        deep = 0
        for at in range(start, min(start + 40, len(self.tokens))):
            kind, text, *_ = self.tokens[at]
            if kind == "mark":
                if text not in TYPE_MARKS and text not in {"(", ")", "->"}:
                    return 0
                deep += (text == "<") - (len(text) if text in {">", ">>", ">>>"} else 0)
                if deep <= 0:
                    after = self.tokens[at + 1]
                    ok = (
                        after.text in {"(", "{", "::", ")", ",", ">", ";", "[", "&", "*"}
                        or after.kind == "name"
                    )
                    return at + 1 if ok and deep == 0 else 0
            elif kind not in {"name", "number"}:
                return 0
        return 0
