"""Reads strings and what stands in brackets: casts, tuples, lists, arguments, and functions without names."""

from __future__ import annotations

from decontam.translate.expressions import (
    COMMON,
    MODIFIERS,
    PRIMITIVE,
    TYPE_MARKS,
    Expressions,
    Node,
    Unread,
    text_of,
)


class Brackets(Expressions):
    """Reads what begins with a bracket or a quote."""

    def string(self, text: str) -> Node:
        """A string or a character; adjacent strings are joined in C."""
        if text[0] == "`":
            return ("str", text[1:-1]) if self.language == "go" else self.template(text[1:-1])
        inner = text_of(text[1:-1])
        if text[0] == "'" and self.language != "js":
            if len(inner) != 1:
                raise Unread("character")
            return ("char", inner)
        while self.language in {"c", "cpp"} and self.tokens[self.at].kind == "string":
            inner += text_of(self.tokens[self.at].text[1:-1])
            self.at += 1
        return ("str", inner)

    def template(self, text: str) -> Node:
        """A string with expressions in it."""
        parts: list[Node] = []
        last = 0
        while (start := text.find("${", last)) >= 0:
            end, deep = start + 2, 1
            while end < len(text) and deep:
                deep += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            parts.append(("str", text_of(text[last:start])))
            inner = type(self)(text[start + 2 : end - 1], self.language, self.depth + 1)
            parts.append(inner.expression())
            if inner.tokens[inner.at].kind:
                raise Unread("template")
            last = end
        parts.append(("str", text_of(text[last:])))
        return ("template", parts)

    def function(self) -> Node:
        """Read what follows `function` or `func` where a value stands."""
        self.takes("*")
        name = self.name() if self.tokens[self.at].kind == "name" else ""
        self.needs("(")
        parameters = self.parameters(self.closing())
        while self.mark != "{" and self.tokens[self.at].kind and self.mark not in {";", "}"}:
            self.at += 1
        return ("lambda", parameters, self.block(), name)

    def arrow(self, parameters: list[Node]) -> Node:
        """Read what follows an arrow."""
        if self.mark == "{":
            return ("lambda", parameters, self.block(), "")
        held, self.in_head = self.in_head, False
        body = self.expression(0.5)
        self.in_head = held
        return ("lambda", parameters, body, "")

    def bracketed(self, mark: str) -> Node:
        """What begins with a mark."""
        held = self.in_head, self.in_case
        self.in_head = self.in_case = False
        found = self._bracketed(mark)
        self.in_head, self.in_case = held
        return found

    def _bracketed(self, mark: str) -> Node:
        self.at += 1
        if mark == "(":
            return self.parenthesised()
        if mark == "[":
            if self.language == "go":
                self.at -= 1
                return self.go_typed()
            if self.language == "cpp":
                return self.cpp_lambda()
            return self.listed()
        if mark == "{":
            if self.language == "rust":
                self.at -= 1
                return self.statement_expression()
            if self.language == "js":
                return self.object()
            self.at -= 1
            return ("list", self.braced())
        if mark in {"|", "||"} and self.language == "rust":
            return self.closure(mark)
        if mark == "." and self.tokens[self.at].kind == "number":
            self.at += 1
            return ("num", "0." + self.tokens[self.at - 1].text)
        if mark == "::":
            return self.operand()
        raise Unread(mark)

    def parenthesised(self) -> Node:
        """Read behind a parenthesis: the parameters of an arrow, a cast, a tuple, an expression."""
        end = self.closing()
        after = self.tokens[end + 1].text
        if self.language == "js" and after == ":":
            near = [one.text for one in self.tokens[end + 2 : end + 14]]
            arrow = near.index("=>") if "=>" in near else -1
            if arrow >= 0 and not {";", "{", ",", "(", "?"} & set(near[:arrow]):
                parameters = self.parameters(end)
                self.at = end + 3 + arrow
                return self.arrow(parameters)
        if (after == "=>" and self.language == "js") or (after == "->" and self.language == "java"):
            parameters = self.parameters(end)
            self.at += 1
            return self.arrow(parameters)
        if self.language in {"c", "cpp", "java"} and (cast := self.cast(end)):
            self.at = end + 1
            return ("cast", cast, self.unary())
        parts = self.arguments(")")
        if self.language == "rust" and (len(parts) != 1 or self.tokens[end - 1].text == ","):
            return ("tuple", parts)
        if not parts:
            raise Unread("()")
        return parts[0] if len(parts) == 1 else ("comma", parts)

    def cast(self, end: int) -> str:
        """The type in parentheses, if it is one: behind it stands an operand."""
        tokens = self.tokens[self.at : end]
        if not tokens or len(tokens) > 20:
            return ""
        if (
            any(one.kind != "name" and one.text not in TYPE_MARKS for one in tokens)
            or tokens[0].kind != "name"
        ):
            return ""
        after = self.tokens[end + 1]
        plain = all(one.text in PRIMITIVE or one.text in MODIFIERS for one in tokens)
        pointer = tokens[-1].text in {"*", "]", ">"}
        operand = after.kind in {"name", "number", "string"} or after.text in {"(", "!", "~"}
        if plain or pointer:
            fits = operand or (after.text in {"-", "*", "&", "{", "+"} and plain)
        else:
            fits = operand and len(tokens) == 1 and tokens[0].text[:1].isupper() and after.text != "("
        return self.between(self.at, end) if fits and after.text not in COMMON else ""

    def arguments(self, closing: str) -> list[Node]:
        """Read expressions with commas between them, up to a bracket."""
        held = self.in_head, self.in_case
        self.in_head = self.in_case = False
        found: list[Node] = []
        while not self.takes(closing):
            if self.language == "js" and self.mark == "," and closing == "]":
                found.append(("const", None))
            else:
                found.append(self.expression(0))
                if self.language == "go" and self.takes("..."):
                    found[-1] = ("spread", found[-1])
                elif self.language == "rust" and self.takes(";"):
                    found = [("repeat", found[-1], self.expression(0))]
            if not self.takes(",") and self.mark != closing:
                raise Unread(self.mark)
        self.in_head, self.in_case = held
        return found

    def listed(self) -> Node:
        """Read a list behind its bracket."""
        found = self.arguments("]")
        return found[0] if len(found) == 1 and found[0][0] == "repeat" else ("list", found)

    def braced(self) -> list[Node]:
        """Read a list in braces."""
        self.needs("{")
        return self.arguments("}")
