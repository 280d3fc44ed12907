"""Writes calls, members and elements as Python."""

from __future__ import annotations

import re

from decontam.translate.assignments import Assignments
from decontam.translate.effects import CHANGE_TEXT
from decontam.translate.expressions import Node, Unread
from decontam.translate.values import Value

_LENGTHS = frozenset("size length len".split())
_PUTS = frozenset("push push_back push_front emplace_back emplace insert".split())
_ALLOCATES = frozenset("malloc calloc realloc".split())
#: Functions that change the string from its beginning to its end.
_WHOLE_TEXT = frozenset("reverse sort transform".split())
_STATIC = frozenset("Math Integer Character String Double Long Boolean Objects f64 i32 str".split())
_INT_CALLS = frozenset("len strlen parseInt stoi atoi Integer.parseInt indexOf index_of find count".split())
_PREDICATES = re.compile(
    r"(?:.*\.)?(?:is[A-Z_]\w*|is(?:alpha|digit|alnum|upper|lower|space|punct)?|contains\w*|has\w*|starts\w*|ends\w*"
    r"|equals\w*|any|all|some|every|includes|empty|Contains|HasPrefix|HasSuffix|Is[A-Z]\w*)"
)
#: Modules and classes of libraries, whose functions may have the names of those of the code.
_LIBRARIES = frozenset(
    "Math Integer Character String Double Long Boolean Objects Arrays Collections Array Object Number JSON"
    " Collectors Stream IntStream List Map Set System".split()
)
_FAILS = frozenset("panic unreachable todo unimplemented".split())
#: What has no result that counts.
SHOWS = re.compile(
    r"console\.\w+|System\.(?:out|err)\.\w+|f?printf|puts|putchar|fmt\.(?:Print\w*|Fprint\w*)|free|assert\w*"
    r"|console\.assert|log\.\w+|Arrays\.toString"
)
SHOWING_MACROS = frozenset(
    "println print eprintln eprint assert assert_eq assert_ne debug_assert dbg".split()
)


class Calls(Assignments):
    """Writes what the other classes leave of expressions."""

    def dotted(self, node: Node) -> str:
        """The path that names lead along, such as Math.max; "" if it begins with a variable."""
        parts: list[str] = []
        while node[0] == "field":
            parts.append(node[2])
            node = node[1]
        if node[0] != "name" or self.scope.knows(node[1]):
            return ""
        return ".".join([node[1], *reversed(parts)])

    def owned(self, name: str, arguments: list[Node]) -> Value:
        """A call of a function of the same code."""
        by_reference = name in self.setting or (arguments[:1] and arguments[0][:2] == ("un", "&"))
        if name == "swap" and len(arguments) == 2 and by_reference:
            self.swap(*arguments)
            return Value("None")
        if name in self.setting:
            raise Unread(name)
        counts = self.functions[name]
        count = len(arguments) if len(arguments) in counts else counts[0]
        return Value(
            f"F_.i_{name}_{count}({self.all(arguments).removeprefix(', ')})", self.results.get(name, "")
        )

    def of_call(self, function: Node, arguments: list[Node]) -> Value:
        if function[0] != "name":
            return Value(f"{self.text(function)}({self.all(arguments).removeprefix(', ')})")
        name = function[1]
        if self.scope.knows(name):
            return Value(f"v_{name}({self.all(arguments).removeprefix(', ')})")
        short = name.removeprefix("Self::")
        if short in self.functions:
            return self.owned(short, arguments)
        if short in self.unread:
            raise Unread(name)
        special = self.special(name, arguments)
        if special:
            return special
        kind = "int" if name in _INT_CALLS and self.language != "js" else ""
        if _PREDICATES.fullmatch(name.replace("::", ".")) and name != "contains":
            kind = "bool" if self.language in {"go", "rust", "java"} else ""
        return Value(f'T_.static("{self.language}", {name!r}{self.all(arguments)})', kind)

    def special(self, name: str, arguments: list[Node]) -> Value | None:
        """A call that is written otherwise."""
        if name in {"Some", "Ok"} and len(arguments) == 1 and self.language == "rust":
            return self.value(arguments[0])
        if name == "Err" and self.language == "rust":
            return Value("None")
        if name in {"swap", "std::swap", "std::mem::swap"} and len(arguments) == 2:
            self.swap(*arguments)
            return Value("None")
        if name in _ALLOCATES and arguments:
            sizes = " * ".join(self.text(one) for one in arguments[-1 if name != "calloc" else -2 :])
            return Value(f"[0] * ({sizes})")
        if name in {"strcpy", "strcat", "sprintf", "strncpy"} and len(arguments) > 1:
            return self.copied(name, arguments)
        if name in _WHOLE_TEXT and arguments and arguments[0][0] == "method" and arguments[0][2] == "begin":
            return self.whole_text(name, arguments[0][1], arguments)
        if self.language in {"cpp", "go"} and name in {
            "int",
            "float",
            "double",
            "string",
            "char",
            "bool",
            "long",
            "float64",
        }:
            return (
                self.of_cast(name, arguments[0])
                if len(arguments) == 1
                else self.of_new(name, arguments, None)
            )
        if (
            self.language == "go"
            and len(arguments) == 1
            and re.fullmatch(r"byte|rune|u?int\d+|float32", name)
        ):
            return self.of_cast(name, arguments[0])
        if self.language == "cpp" and name in {"string", "vector"}:
            return self.of_new(name, arguments, None)
        return None

    def swap(self, first: Node, other: Node) -> None:
        """Exchange what two targets have."""
        while first[0] == "un" and first[1] == "&":
            first, other = first[2], other[2] if other[0] == "un" else other
        left, right = self.temporary(), self.temporary()
        self.line(f"{left}, {right} = {self.text(first)}, {self.text(other)}")
        self.line(self.assigned(first, right))
        self.line(self.assigned(other, left))

    def copied(self, name: str, arguments: list[Node]) -> Value:
        """A function of C that writes a string."""
        target, *rest = arguments
        if name == "sprintf":
            value = f'T_.static("{self.language}", "sprintf", {self.all(rest).removeprefix(", ")})'
        else:
            value = self.text(rest[0]) + (
                f"[:{self.text(rest[1])}]" if name == "strncpy" and len(rest) > 1 else ""
            )
            value = f"{self.text(target)} + {value}" if name == "strcat" else value
        return Value(f"({self.assigned(target, value, inside=True)})")

    def whole_text(self, name: str, owner: Node, arguments: list[Node]) -> Value | None:
        """A function of C++ that changes all of a string; None if it is no string."""
        if self.value(owner).kind != "string":
            return None
        text = self.text(owner)
        if name == "reverse":
            value = f"{text}[::-1]"
        elif name == "sort" and len(arguments) == 2:
            value = f'"".join(sorted({text}))'
        elif (
            name == "transform" and arguments[-1][0] == "name" and arguments[-1][1] in {"tolower", "toupper"}
        ):
            value = f"{text}.{arguments[-1][1][2:]}()"
        else:
            return None
        return Value(f"({self.assigned(owner, value, inside=True)})")

    def of_method(self, owner: Node, name: str, arguments: list[Node]) -> Value:
        path = self.dotted(owner)
        if owner == ("self",) or (path[:1].isupper() and "." not in path and path not in _LIBRARIES):
            if name in self.functions:
                return self.owned(name, arguments)
            if not path:
                raise Unread("self")
        if path and path not in self.functions:
            return self.library(path, name, arguments)
        return self.changing(owner, name, arguments) or self.plain_method(owner, name, arguments)

    def library(self, path: str, name: str, arguments: list[Node]) -> Value:
        """A function of a library that is named with its module or class."""
        full = f"{path}.{name}"
        if full == "sort.Sort" and len(arguments) == 1:
            inner = arguments[0]
            falling = inner[0] == "method" and inner[2] == "Reverse"
            inner = inner[3][0] if falling and inner[3] else inner
            if inner[0] == "method" and inner[3]:
                return Value(f"{self.text(inner[3][0])}.sort(reverse={falling})")
        kind = "int" if full in _INT_CALLS and self.language != "js" else ""
        if self.language in {"java", "go"} and _PREDICATES.fullmatch(full):
            kind = "bool"
        return Value(f'T_.static("{self.language}", {full!r}{self.all(arguments)})', kind)

    def changing(self, owner: Node, name: str, arguments: list[Node]) -> Value | None:
        """A method that changes its owner and is written otherwise."""
        if name == "remove" and self.language == "java" and len(arguments) == 1:
            return self.removed(owner, arguments[0])
        if name in CHANGE_TEXT and owner[0] == "name" and self.scope.kind(owner[1]) == "string":
            found = self.changed_text(owner, name, arguments)
            if found:
                return found
        if name == "swap" and len(arguments) == 2 and self.language == "rust":
            self.swap(("index", owner, arguments[0]), ("index", owner, arguments[1]))
            return Value("None")
        return None

    def plain_method(self, owner: Node, name: str, arguments: list[Node]) -> Value:
        """A method that is called as it is."""
        kind = "int" if name in _LENGTHS and not arguments else ""
        if name in {"or_insert", "or_insert_with"} and owner[0] == "method" and owner[2] == "entry":
            owner, arguments = owner[1], [*owner[3], *arguments]
        if self.language == "cpp" and name in _PUTS:
            arguments = [("copy", one) if one[0] in {"name", "index"} else one for one in arguments]
        if name == "String" and self.language == "go":
            name = "toString"
        if self.language != "js" and _PREDICATES.fullmatch(name):
            kind = "bool" if self.language in {"rust", "java"} else ""
        return Value(f'T_.call("{self.language}", {self.text(owner)}, "{name}"{self.all(arguments)})', kind)

    def removed(self, owner: Node, what: Node) -> Value:
        """Java's remove: of a place where it is given an int, else of a value."""
        found = self.value(what)
        by_value = what[0] == "method" and what[2] in {"get", "valueOf", "min", "max"}
        name = "remove" if found.kind == "int" or not by_value else "T_.without"
        if name == "remove":
            return Value(f'T_.call("java", {self.text(owner)}, "remove", {found.text})')
        return Value(f"T_.without({self.text(owner)}, {found.text})")

    def changed_text(self, owner: Node, name: str, arguments: list[Node]) -> Value | None:
        """A method that changes a string."""
        text = self.text(owner)
        given = [self.text(one) for one in arguments]
        if name == "clear":
            value = '""'
        elif name in {"pop", "pop_back"}:
            value = f"{text}[:-1]"
        elif name == "insert" and len(given) == 2:
            value = f"{text}[:{given[0]}] + str({given[1]}) + {text}[{given[0]}:]"
        elif name == "erase" and len(given) == 2:
            value = f"{text}[:{given[0]}] + {text}[{given[0]} + {given[1]}:]"
        elif name in {"append", "push_back", "push", "push_str"} and given:
            if len(given) == 2 and self.value(arguments[0]).kind == "int":
                value = f"{text} + T_.text({given[1]}) * {given[0]}"
            elif len(given) == 1:
                value = f'T_.op("{self.language}", "+", {text}, {given[0]})'
            else:
                return None
        else:
            return None
        return Value(f"({self.assigned(owner, value, inside=True)})")

    def of_field(self, owner: Node, name: str) -> Value:
        path = self.dotted(owner)
        if path and path not in self.functions:
            return Value(f"T_.const({f'{path}.{name}'!r})")
        if owner[0] == "self":
            raise Unread("self")
        kind = "int" if name == "length" else ""
        return Value(f'T_.get("{self.language}", {self.text(owner)}, "{name}")', kind)

    def of_ref(self, owner: Node, name: str) -> Value:
        """A method that is named as a value, as in Java."""
        if name in self.functions and owner[0] == "name" and not self.scope.knows(owner[1]):
            return Value(f"F_.i_{name}_{self.functions[name][0]}")
        if name == "new":
            written = self.dotted(owner)
            return Value(f'(lambda *a_: T_.new("{self.language}", {written!r}, *a_))')
        path = self.dotted(owner)
        if path in _STATIC and name not in {
            "length",
            "charAt",
            "toUpperCase",
            "toLowerCase",
            "intValue",
            "compareTo",
            "trim",
            "isEmpty",
        }:
            return Value(f'(lambda *a_: T_.static("{self.language}", "{path}.{name}", *a_))')
        if path:
            return Value(f'(lambda o_, *a_: T_.call("{self.language}", o_, "{name}", *a_))')
        return Value(f'(lambda *a_: T_.call("{self.language}", {self.text(owner)}, "{name}", *a_))')

    def of_index(self, owner: Node, place: Node) -> Value:
        found = self.value(owner)
        kind = "char" if found.kind == "string" and self.language in {"c", "cpp"} else ""
        return Value(f'T_.index("{self.language}", {found.text}, {self.text(place)})', kind)

    def of_slice(self, owner: Node, first: Node | None, last: Node | None) -> Value:
        ends = [self.text(one) if one else "" for one in (first, last)]
        found = self.value(owner)
        return Value(f"{found.text}[{ends[0]}:{ends[1]}]", found.kind)

    def of_macro(self, name: str, arguments: list[Node]) -> Value:
        if name == "vec":
            if len(arguments) == 1 and arguments[0][0] == "repeat":
                return self.value(arguments[0])
            return self.of_list(arguments)
        if name == "format" and arguments and arguments[0][0] == "str":
            return self.formatted(arguments[0][1], arguments[1:])
        if name in _FAILS:
            return Value("T_.fail()")
        if name in SHOWING_MACROS:
            return Value("None")
        raise Unread(name)

    def formatted(self, form: str, arguments: list[Node]) -> Value:
        """Rust's format! with numbers in the place of names."""
        named = {one[2][1]: one[3] for one in arguments if one[0] == "assign" and one[2][0] == "name"}
        given = [one for one in arguments if one[0] != "assign"]
        following = iter(range(len(given)))

        def numbered(found: re.Match[str]) -> str:
            if found[0] in {"{{", "}}"}:
                return found[0]
            name = found[1]
            if name and not name.isdigit():
                given.append(named.get(name, ("name", name)))
                name = str(len(given) - 1)
            return f"{{{name or next(following, 0)}{found[2] or ''}}}"

        form = re.sub(r"\{\{|\}\}|\{(\w*)(:[^{}]*)?\}", numbered, form)
        return Value(f'T_.static("rust", "format!", {form!r}{self.all(given)})', "string")
