"""Writes assignments as Python."""

from __future__ import annotations

from decontam.translate.expressions import Node, Unread
from decontam.translate.values import Value, Values


class Assignments(Values):
    """Writes assignments, which may stand inside of expressions."""

    def of_pre(self, sign: str, target: Node) -> Value:
        return self.of_assign(sign[0] + "=", target, ("num", "1"))

    def of_post(self, sign: str, target: Node) -> Value:
        found = self.of_pre(sign, target)
        back = "-" if sign == "++" else "+"
        if found.kind == "int":
            return Value(f"({found.text} {back} 1)", "int")
        return Value(f'T_.op("{self.language}", "{back}", {found.text}, 1)')

    def of_assign(self, sign: str, target: Node, value: Node) -> Value:
        """An assignment where a value stands."""
        return Value(
            f"({self.assign(sign, target, value, inside=True)})",
            self.value(target).kind if target[0] == "name" else "",
        )

    def assign(self, sign: str, target: Node, value: Node, *, inside: bool = False) -> str:
        """An assignment, as a statement or inside an expression."""
        if target[0] == "un" and target[1] == "*" and self.language == "rust" and target[2][0] == "name":
            target = self.behind(target[2][1], target)
        if sign in {"=", ":="}:
            if target[0] == "name":
                return self.to_name(target[1], value, inside=inside, new=sign == ":=")
            if target[0] == "un" and target[1] == "*" and self.language == "rust":
                target = target[2]
            return self.assigned(target, self.text(value), inside=inside)
        if target[0] == "un" and target[1] == "*" and self.language == "rust":
            target = target[2]
        if sign in {"||=", "&&=", "??="}:
            return self.assigned(target, self.logical(sign[:-1], target, value).text, inside=inside)
        if (
            target[0] == "method"
            and target[2] == "or_insert"
            and target[1][0] == "method"
            and target[1][2] == "entry"
        ):
            owner, key = target[1][1], target[1][3][0]
            arguments = f"{self.text(key)}, {self.text(target[3][0])}"
            before = f'T_.call("rust", {self.text(owner)}, "getOrDefault", {arguments})'
            combined = f'T_.op("rust", "{sign[:-1]}", {before}, {self.text(value)})'
            return f'T_.put("rust", {self.text(owner)}, {self.text(key)}, {combined})'
        if target[0] == "index":
            owner, place = self.value(target[1]), self.text(target[2])
            if owner.kind != "string":
                name = place
                if "(" in place:
                    name = self.temporary()
                    place = f"({name} := {place})"
                before = f'T_.index("{self.language}", {owner.text}, {name})'
                combined = f'T_.op("{self.language}", "{sign[:-1]}", {before}, {self.text(value)})'
                return f'T_.put("{self.language}", {owner.text}, {place}, {combined})'
        combined_value = self.of_bin(sign[:-1], target, value)
        if target[0] == "name":
            return self.coerced(target[1], combined_value, inside=inside)
        return self.assigned(target, combined_value.text, inside=inside)

    def behind(self, name: str, target: Node) -> Node:
        """What a reference of Rust stands for."""
        if name in self.scope.entries:
            return self.scope.entries[name]
        if name not in self.scope.through:
            raise Unread("reference")
        return target

    def to_name(self, name: str, value: Node, *, inside: bool, new: bool) -> str:
        """A value for a variable, which Go may make here."""
        if new:
            self.scope.shadows([name])
        if self.language == "cpp" and value[0] in {"name", "index"}:
            value = ("copy", value)
        found = self.value(value)
        if new and name not in self.scope.kinds:
            self.scope.kinds[name] = found.kind
        return self.coerced(name, found, inside=inside)

    def coerced(self, name: str, found: Value, *, inside: bool = False) -> str:
        """A value for a variable, as its type has it."""
        kind = self.scope.kind(name)
        return self.assigned(("name", name), self.fitted(kind, found), inside=inside)

    def fitted(self, kind: str, found: Value) -> str:
        """A value as one of this kind."""
        if kind == found.kind or self.language == "js":
            return found.text
        if kind == "string" and self.language in {"c", "cpp"} and found.text.startswith("[0] * "):
            return '""'
        types = {"int": "long", "float": "double", "char": "char"}
        if (
            self.language in {"c", "cpp", "java"}
            and kind in types
            and not (kind == "int" and found.kind == "bool")
        ):
            return f'T_.cast("{self.language}", "{types[kind]}", {found.text})'
        return f"float({found.text})" if kind == "float" and found.kind == "int" else found.text

    def assigned(self, target: Node, value: str, *, inside: bool = False) -> str:
        """The text of an assignment of a value that is written already."""
        sign = ":=" if inside else "="
        if target[0] == "name":
            name = target[1]
            if name == "_":
                return f"t_0 {sign} {value}"
            if name not in self.scope.kinds:
                self.scope.assigned.add(name)
            return f"v_{name} {sign} {value}"
        if target[0] == "un" and target[1] == "*":
            target = ("index", target[2], ("num", "0"))
        if target[0] == "index":
            owner = self.value(target[1])
            if owner.kind == "string" and target[1][0] == "name":
                changed = f"T_.put_char({owner.text}, {self.text(target[2])}, {value})"
                return self.assigned(target[1], changed, inside=inside)
            return f'T_.put("{self.language}", {owner.text}, {self.text(target[2])}, {value})'
        if target[0] == "field":
            return f'T_.put("{self.language}", {self.text(target[1])}, "{target[2]}", {value})'
        if target[0] == "call" and target[1] == ("name", "get"):
            raise Unread("target")
        if inside:
            raise Unread("target")
        self.unpack(target, value)
        return "pass"

    def unpack(self, target: Node, value: str) -> None:
        """Assign the parts of a value."""
        if target[0] == "keys":
            name = self.temporary()
            self.line(f"{name} = {value}")
            for key, inner in target[1]:
                self.line(self.assigned(inner, f'T_.get("js", {name}, "{key}")'))
            return
        if target[0] not in {"tuple", "list"}:
            raise Unread("target")
        parts = target[1]
        name = self.temporary()
        self.line(f'{name} = list(T_.each("{self.language}", {value}))')
        for place, part in enumerate(parts):
            if part[0] in {"rest", "spread"}:
                inner = ("name", part[1]) if part[0] == "rest" else part[1]
                self.line(self.assigned(inner, f"{name}[{place}:]"))
            elif part != ("name", "_"):
                self.line(self.assigned(part, f'T_.index("{self.language}", {name}, {place})'))
