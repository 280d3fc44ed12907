"""What translated programs run on: values and operations of C, C++, Java, JavaScript, Go and Rust in Python.

The text of this file stands before each translated program. It is compiled with every one of them, so it has
no annotations and few comments. The sandbox refuses `typing` beside a class that has an `__init__`, and runs
programs that set no attribute with less work: the classes below derive from built-in ones instead.

`g` is the language ("c", "cpp", "java", "js", "go", "rust"), `o` the owner of a method. Sets are dicts
without values, which keep their order. Integers do not overflow.
"""
# mypy: disable-error-code="misc, operator, dict-item, arg-type, var-annotated"
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs, allow-any-generics
# ruff: noqa: ANN001, ANN002, ANN202, ANN204, ANN205 - see above
# ruff: noqa: ARG004, ARG005 - all functions of a table take the same arguments; names say what they do
# ruff: noqa: RUF012, E501, UP031, SIM102, C901, D402, B905 - nobody changes the tables; printf is Python's %

import collections
import functools
import itertools
import json
import math
import re


class T_:
    """Operations, by language."""

    def __init__(self, _):
        """Take an argument, so that the sandbox makes none and does not call the methods."""

    class Char(str):
        """A character outside of JavaScript: it takes part in arithmetic."""

    class Builder(list):
        """A string that is being built: characters, in their order."""

    class Deque(list):
        """Java's Deque and LinkedList, C++'s queue: what is popped is the first element."""

    class Heap(list):
        """A priority queue: the sort key, then the elements with the next one last."""

    class Map(collections.defaultdict):
        """A map with the default of its values."""

    class Tree(Map):
        """A map ordered by its keys."""

    class Set(dict):
        """A set in the order of insertion."""

    class TreeSet(Set):
        """A set ordered by its elements."""

    class Iter(tuple):
        """A place in a container: the container, the place, and -1 where it goes backwards."""

    class Regex(tuple):
        """A pattern and whether it is used for all places."""

    @staticmethod
    def char(x):
        return T_.Char(chr(x) if isinstance(x, int) else x)

    @staticmethod
    def is_text(x):
        return isinstance(x, str) and not isinstance(x, T_.Char)

    @staticmethod
    def chars(x):
        return x if isinstance(x, list) else [T_.Char(c) for c in x]

    @staticmethod
    def text(x):
        if not isinstance(x, list):
            return str(x)
        return "".join([chr(c) if isinstance(c, int) else c for c in x]).split("\0", 1)[0]

    @staticmethod
    def regex(pattern, flags=""):
        pattern = re.sub(r"\(\?<(?![=!])", "(?P<", pattern).replace("[^]", r"[\s\S]")
        return T_.Regex(("(?a" + "".join(c for c in flags if c in "ims") + ")" + pattern, "g" in flags))

    @staticmethod
    def key(x):
        if isinstance(x, (list, tuple)):
            return tuple([T_.key(i) for i in x]) if not isinstance(x, T_.Builder) else "".join(x)
        return x

    @staticmethod
    def number(x):
        """A value as JavaScript's number."""
        if isinstance(x, str):
            text = x.strip().replace("_", "?")
            try:
                return T_.whole(float(text)) if not text.isdigit() else int(text)
            except ValueError:
                return 0 if not text else math.nan
        if isinstance(x, (bool, float)):
            return T_.whole(x + 0)
        return x if isinstance(x, int) else math.nan

    @staticmethod
    def whole(x):
        return int(x) if isinstance(x, float) and x.is_integer() else x

    @staticmethod
    def divide(a, b):
        if b == 0:
            return math.nan if a == 0 or a != a or b != b else math.copysign(math.inf, a)
        return a / b

    @staticmethod
    def quotient(a, b):
        if isinstance(a, float) or isinstance(b, float):
            return T_.divide(a, b)
        return a // b if (a < 0) == (b < 0) else -(-a // b)

    @staticmethod
    def remainder(a, b):
        if isinstance(a, float) or isinstance(b, float):
            return math.fmod(a, b) if b and abs(a) != math.inf else math.nan
        return abs(a) % abs(b) * (-1 if a < 0 else 1)

    @staticmethod
    def bits(x):
        x = T_.number(x)
        return ((int(x) + (1 << 31)) & 0xFFFFFFFF) - (1 << 31) if math.isfinite(x) else 0

    @staticmethod
    def op(g, sign, a, b):
        if sign in ("==", "===", "!=", "!=="):
            return T_.same(g, sign, a, b) == (sign[0] == "=")
        if g == "js":
            return T_.of_js(sign, a, b)
        if sign in ("<", ">", "<=", ">=") and isinstance(a, str) and isinstance(b, str):
            return T_.OPS[sign](str(a), str(b))
        if isinstance(a, (T_.Iter, list)) or isinstance(b, T_.Iter):
            return T_.of_places(g, sign, a, b)
        if sign == "+" and (isinstance(a, str) or isinstance(b, str)):
            if T_.is_text(a) or T_.is_text(b):
                if isinstance(b, int) and g in ("c", "cpp"):
                    return a[b:] if g == "c" else a + chr(b)
                return T_.show(g, a) + T_.show(g, b)
        if isinstance(a, T_.Char):
            a = ord(a)
        if isinstance(b, T_.Char):
            b = ord(b)
        return T_.OPS[sign](a, b)

    @staticmethod
    def same(g, sign, a, b):
        if g == "js":
            if isinstance(a, (list, dict)) and isinstance(b, (list, dict)):
                return a is b
            if isinstance(a, (bool, str)) != isinstance(b, (bool, str)) or isinstance(a, bool) != isinstance(
                b, bool
            ):
                plain = a is not None and b is not None and len(sign) == 2
                return plain and T_.number(a) == T_.number(b)
            return a == b
        if isinstance(a, T_.Iter) and isinstance(b, T_.Iter):
            return a[1:] == b[1:]
        if isinstance(a, str) and isinstance(b, int):
            return len(a) == 1 and ord(a) == b
        if isinstance(b, str) and isinstance(a, int):
            return len(b) == 1 and ord(b) == a
        if isinstance(a, str) != isinstance(b, str) and isinstance(a, list) != isinstance(b, list):
            return T_.text(a) == T_.text(b)
        if g == "go" and (a is None or b is None):
            return not isinstance(a, str) and not isinstance(b, str) and a in (None, []) and b in (None, [])
        return T_.key(a) == T_.key(b)

    @staticmethod
    def of_js(sign, a, b):
        if sign == "in":
            return b is not None and (0 <= T_.number(a) < len(b) if isinstance(b, list) else T_.member(b, a))
        if sign == "+" and (isinstance(a, (str, list, dict)) or isinstance(b, (str, list, dict))):
            return T_.show("js", a) + T_.show("js", b)
        if sign in ("<", ">", "<=", ">=") and isinstance(a, str) and isinstance(b, str):
            return T_.OPS[sign](a, b)
        if sign in ("&", "|", "^", "<<", ">>", ">>>"):
            b = T_.bits(b)
            return T_.bits(T_.OPS[sign](T_.bits(a), b)) if sign != ">>>" else T_.OPS[sign](T_.bits(a), b)
        a, b = T_.number(a), T_.number(b)
        if sign == "/":
            return T_.whole(T_.divide(a, b)) if b == 0 or isinstance(a, float) or a % b else a // b
        if sign == "%" and b == 0:
            return math.nan
        return T_.whole(T_.OPS[sign](a, b))

    @staticmethod
    def of_places(g, sign, a, b):
        """Arithmetic with iterators and pointers."""
        if isinstance(a, T_.Builder) and sign in ("<<", "+"):
            a.append(T_.show(g, b))
            return a
        if isinstance(b, T_.Iter):
            if not isinstance(a, T_.Iter):  # the value of max_element, less the beginning
                return list(b[0]).index(a) if sign == "-" else T_.Iter((b[0], b[1] + a, b[2]))
            return T_.OPS[sign](a[1], b[1])
        if isinstance(a, T_.Iter):
            return T_.Iter((a[0], a[1] + (b if sign == "+" else -b), a[2]))
        if isinstance(b, int) and sign == "+":
            return T_.Iter((a, b, 1))
        if isinstance(b, str):
            return a + T_.chars(b) if g == "cpp" else T_.show(g, a) + b
        return T_.OPS[sign](a, b)

    @staticmethod
    def neg(a):
        return -(ord(a) if isinstance(a, T_.Char) else T_.number(a) if isinstance(a, str) else a)

    @staticmethod
    def truth(g, a):
        if g == "js":
            return a == a and (isinstance(a, (list, dict)) or bool(a))
        if isinstance(a, T_.Char):
            return a != "\0"
        return isinstance(a, (str, list, dict, tuple)) or bool(a)

    # Elements and fields.

    @staticmethod
    def member(o, k):
        k = T_.key(k)
        return k in o or (not isinstance(o, (T_.Map, T_.Set, str, list)) and T_.show("js", k) in o)

    @staticmethod
    def index(g, o, k):
        if isinstance(o, T_.Iter):
            return T_.behind(g, o, k)
        if isinstance(o, dict):
            return T_.value(g, o, T_.key(k))
        if isinstance(o, (int, float)) or (o is None and g != "js"):
            if k == 0 and o is not None:
                return o  # what * stands before is the value already
            raise TypeError("it has no elements")
        if isinstance(o, T_.Heap):
            o = o[:0:-1]
        if g == "js":
            k = T_.number(k) if isinstance(k, str) else k
            return o[k] if isinstance(k, int) and 0 <= k < len(o) else None
        if isinstance(k, T_.Char):
            k = ord(k)
        if not 0 <= k < len(o):
            if k == len(o) and g in ("c", "cpp") and isinstance(o, str):
                return T_.Char("\0")
            raise IndexError(k)
        return T_.Char(o[k]) if isinstance(o, str) else o[k]

    @staticmethod
    def value(g, o, k):
        if k in o:
            return o[k]
        if g == "js":
            return o.get(T_.show(g, k)) if not isinstance(o, T_.Map) else None
        if g == "cpp":
            o[k] = o.default_factory() if isinstance(o, T_.Map) else 0
            return o[k]
        if g == "go":
            return o.default_factory() if isinstance(o, T_.Map) else 0
        raise KeyError(k)

    @staticmethod
    def behind(g, it, k=0):
        """What an iterator points at, k places on."""
        o, place, way = it
        if isinstance(o, dict) and not isinstance(place, int):
            return place[0] if isinstance(o, T_.Set) else (place[0], o[place[0]])
        o = o if isinstance(o, (str, list)) and not isinstance(o, T_.Heap) else list(T_.each(g, o))
        place = place + k if way > 0 else len(o) - 1 - place - k
        return T_.index(g, o, place)

    @staticmethod
    def put(g, o, k, value):
        if isinstance(o, T_.Iter):
            o, k = o[0], o[1] + k if o[2] > 0 else len(o[0]) - 1 - o[1] - k
        if isinstance(o, dict):
            plain = g == "js" and not isinstance(o, T_.Map) and isinstance(k, (int, float))
            o[T_.show(g, k) if plain else T_.key(k)] = value
            return value
        if k in ("first", "second", "x", "y"):
            k = int(k in ("second", "y"))
        if g == "js":
            if k == "length":
                del o[value:]
                return value
            k = T_.number(k)
            o.extend([None] * (k + 1 - len(o)))
        k = ord(k) if isinstance(k, str) else k
        if k == len(o) and value in ("\0", 0) and g == "c":
            return value
        if not 0 <= k < len(o):
            raise IndexError(k)
        chars = isinstance(o[k], T_.Char) and isinstance(value, int) and g != "js"
        o[k] = T_.Char(chr(value)) if chars else value
        return value

    @staticmethod
    def get(g, o, name):
        if isinstance(o, T_.Iter):
            o = T_.behind(g, o)
        if name in ("length", "size") and not (isinstance(o, dict) and name in o):
            return T_.length(o) if name == "length" or isinstance(o, dict) else T_.value(g, o, name)
        if isinstance(o, dict):
            return o.get(name) if g == "js" else o[name]
        places = {"first": 0, "second": 1, "x": 0, "y": 1, "0": 0, "1": 1, "2": 2, "3": 3}
        if g == "js" or name not in places:
            raise TypeError(name)
        return o[places[name]]

    @staticmethod
    def length(o):
        return len(o) - isinstance(o, T_.Heap) if not isinstance(o, T_.Builder) else len("".join(o))

    # Loops and whole values.

    @staticmethod
    def sorted_keys(o):
        return sorted(o) if isinstance(o, (T_.Tree, T_.TreeSet, set, frozenset)) else list(o)

    @staticmethod
    def each(g, x):
        if isinstance(x, T_.Builder):
            x = "".join(x)
        if isinstance(x, str):
            return list(x) if g == "js" else T_.chars(x)
        if isinstance(x, T_.Heap):
            return x[:0:-1]
        if isinstance(x, (T_.Set, set, frozenset)):
            return T_.sorted_keys(x)
        if isinstance(x, dict):
            return [(k, x[k]) for k in T_.sorted_keys(x)]
        if isinstance(x, int):
            return range(x)
        if isinstance(x, T_.Iter):
            return T_.each(g, x[0][x[1] :])
        return x

    @staticmethod
    def pairs(g, x):
        if isinstance(x, dict) and not isinstance(x, T_.Set):
            return T_.each(g, x)
        return list(enumerate(T_.each(g, x))) if not isinstance(x, list) else enumerate(x)

    @staticmethod
    def keys(x):
        if isinstance(x, T_.Map) or not isinstance(x, dict):
            return T_.sorted_keys(x) if isinstance(x, dict) else range(x if isinstance(x, int) else len(x))
        numbers = [k for k in x if isinstance(k, int) or k.isdigit()]
        return sorted(numbers, key=int) + [k for k in x if k not in numbers]

    @staticmethod
    def into(x):
        if isinstance(x, (list, tuple)):
            return [T_.into(i) for i in x]
        if isinstance(x, dict):
            return {k: T_.into(v) for k, v in x.items()}
        return T_.Set.fromkeys(sorted(x, key=repr)) if isinstance(x, (set, frozenset)) else x

    @staticmethod
    def out(x):
        if isinstance(x, T_.Builder):
            return "".join(x)
        if isinstance(x, (list, tuple)):
            return [T_.out(i) for i in (x[1:] if isinstance(x, T_.Heap) else x)]
        if isinstance(x, (T_.Set, set, frozenset)):
            return {T_.key(T_.out(i)) if isinstance(i, tuple) else T_.out(i) for i in x}
        if isinstance(x, dict):
            return {T_.out(k) if isinstance(k, str) else k: T_.out(x[k]) for k in T_.sorted_keys(x)}
        return str(x) if isinstance(x, str) else x

    # Text.

    @staticmethod
    def show(g, x, quoted=False):
        """A value as text, as the language prints it; strings inside others are quoted in Rust."""
        if isinstance(x, str):
            mark = "'" if isinstance(x, T_.Char) else '"'
            return mark + x + mark if quoted else str(x)
        if x is None:
            return {"js": "undefined", "go": "<nil>", "rust": "None"}.get(g, "null")
        if isinstance(x, bool):
            return str(int(x)) if g in ("c", "cpp") else str(x).lower()
        if isinstance(x, float):
            return T_.show_float(g, x, quoted)
        if isinstance(x, T_.Builder):
            return "".join(x)
        if isinstance(x, dict) and not isinstance(x, T_.Set):
            return T_.show_map(g, x)
        if isinstance(x, (list, tuple, dict)):
            if g == "js":
                return ",".join(["" if i is None else T_.show(g, i) for i in x])
            inner = [T_.show(g, i, g == "rust") for i in T_.each(g, x)]
            ends = (
                "{}"
                if g == "rust" and isinstance(x, dict)
                else "()"
                if g == "rust" and isinstance(x, tuple)
                else "[]"
            )
            return ends[0] + (" " if g == "go" else ", ").join(inner) + ends[1]
        return str(x)

    @staticmethod
    def show_float(g, x, quoted=False):
        if not math.isfinite(x):
            names = ("NaN", "Infinity", "-Infinity") if g in ("js", "java") else ("NaN", "+Inf", "-Inf")
            return names[0 if x != x else 1 if x > 0 else 2] if g in ("js", "java", "go") else str(x)
        if g in ("c", "cpp"):
            return "%g" % x
        if x.is_integer() and abs(x) < 1e21:
            return str(int(x)) + (".0" if g == "java" or quoted else "")
        return repr(x)

    @staticmethod
    def show_map(g, x):
        if g == "js":
            return "[object Object]"
        joint, between = {"java": ("=", ", "), "go": (":", " ")}.get(g, (": ", ", "))
        deep = g == "rust"
        keys = sorted(x) if g == "go" else T_.sorted_keys(x)
        inner = between.join([T_.show(g, k, deep) + joint + T_.show(g, x[k], deep) for k in keys])
        return ("map[" + inner + "]") if g == "go" else "{" + inner + "}"

    @staticmethod
    def printf(g, form, args):
        """Text of printf, String.format and Sprintf."""
        waiting = list(args)

        def one(found):
            flags, width, places, sign = found.groups()
            if sign in "%n":
                return "%" if sign == "%" else "\n"
            if width == "*":
                width = str(waiting.pop(0))
            x = waiting.pop(0)
            if sign in "diuxXo" and not isinstance(x, float):
                x = ord(x) if isinstance(x, T_.Char) else x
                sign = "d" if sign in "iu" else sign
            elif sign in "eEfgGF":
                x, sign = float(x), sign.replace("F", "f")
            elif sign == "c" and isinstance(x, int):
                x, sign = chr(x), "s"
            elif sign == "b" and not isinstance(x, bool):
                x, sign = format(x, "b"), "s"
            elif sign == "q":
                x, sign = json.dumps(x, ensure_ascii=False), "s"
            else:
                x, sign = T_.show(g, x), "s"
            if "," in flags:
                x, sign, places = format(x, "," + (places or "") + sign), "s", ""
            return ("%" + flags.replace(",", "") + (width or "") + (places or "") + sign) % x

        return re.sub(r"%(?:\d+\$)?([-+ #0,]*)(\d+|\*)?(\.\d*)?(?:hh|h|ll|l|z|j|L)?([a-zA-Z%])", one, form)

    @staticmethod
    def braces(g, form, args):
        """Text of format! and std::format, whose arguments are numbered or in order."""
        waiting = iter(args)

        def one(found):
            if found[0] in ("{{", "}}"):
                return found[0][0]
            place, spec = found[1], found[2] or ""
            x = args[int(place)] if place else next(waiting)
            quoted = spec.endswith("?")
            spec = spec.rstrip("?").removesuffix("#")
            if re.search(r"[xXob]$|\.\d+[fe]?$|^[+]?0?\d*$", spec) and isinstance(x, (int, float)) and spec:
                return format(x, spec + "f" * (("." in spec) and spec[-1].isdigit()))
            return format(T_.show(g, x, quoted), spec if spec[:1] != "0" else "")

        return re.sub(r"\{\{|\}\}|\{(\d*)(?::([^{}]*))?\}", one, form)

    @staticmethod
    def parse(g, x, base=10, start=False):
        """The integer at the beginning of a text, or of the whole of it."""
        x = T_.text(x)
        digits = "[0-9]+" if base <= 10 else "[0-9a-zA-Z]+"
        found = re.match(r"\s*[-+]?" + digits, x) if start else re.fullmatch("[-+]?" + digits, x)
        return int(found[0], base) if found else None

    @staticmethod
    def parse_float(g, x):
        found = re.match(r"\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|Infinity)", T_.text(x))
        if not found:
            return math.nan
        return T_.whole(float(found[0])) if g == "js" else float(found[0])

    # Types.

    @staticmethod
    def inside(text):
        """The parts between the outermost <> of a type, or of Go's map[K]V and []V."""
        found = re.fullmatch(r"map\[(\w+)\](.*)", text)
        if found:
            return [found[1], found[2]]
        depth, parts = 0, [""]
        for c in text[text.find("<") + 1 : text.rfind(">")] if "<" in text else "":
            depth += (c == "<") - (c == ">")
            if c == "," and not depth:
                parts.append("")
            else:
                parts[-1] += c
        return [part.strip() for part in parts]

    @staticmethod
    def kind(g, text):
        """What a type is: the name of one of the kinds below, or its own name."""
        name = re.sub(
            r"\b(?:std|collections|const|static|final|unsigned|signed|mut|struct|strings|java|util)\b",
            "",
            text,
        )
        name = re.sub(r"<.*>|[&*:\s.]|'\w+", "", name)
        if name.startswith("map["):
            return "Map"
        if not name and "signed" in text:
            return "int"
        if name.endswith("[]") or re.match(r"\[\w*[\];]", name):
            return "array"
        for kind, names in T_.KINDS:
            if name in names:
                return kind
        return name

    @staticmethod
    def default(g, text, *sizes):
        if sizes:
            return [T_.default(g, text.replace("[]", ""), *sizes[1:]) for _ in range(T_.length_of(sizes[0]))]
        kind = T_.kind(g, text)
        if g == "js" or (g == "java" and kind not in ("int", "float", "bool", "char")):
            return None
        if kind == "array":
            found = re.match(r"\[(\d+)\](.*)", text.strip()) or re.match(r"(.*?)\[(\d*)\]", text)
            size, inner = sorted(found.groups()) if found else ("", text)
            return [T_.default(g, inner) for _ in range(int(size or 0))]
        simple = {"int": 0, "float": 0.0, "bool": False, "char": T_.Char("\0"), "text": ""}
        if "*" in text and g != "rust":
            return None
        if kind == "char" and g in ("go", "rust"):
            return 0
        if kind in simple:
            return simple[kind]
        return T_.made(g, kind, text)

    @staticmethod
    def length_of(x):
        return T_.whole(x) if isinstance(x, (int, float)) else len(x)

    @staticmethod
    def made(g, kind, text):
        """An empty container."""
        inner = T_.inside(text)
        if kind == "list" and "array<" in text:
            return [T_.default(g, inner[0]) for _ in range(int(inner[-1]))]
        if kind == "pair":
            return [T_.default(g, part) for part in inner]
        if kind in ("Map", "Tree"):
            factory = functools.partial(T_.default, g, inner[-1] or "int")
            return (
                T_.Tree(factory)
                if kind == "Tree" or (g == "java" and "Linked" not in text)
                else T_.Map(factory)
            )
        if kind == "Set" and g == "java" and "Linked" not in text:
            kind = "TreeSet"
        if kind == "Heap":
            least = "greater<" in text or g == "java"
            return T_.heap(lambda a, b: T_.compare(a, b) if least else T_.compare(b, a))
        kinds = {"list": list, "Set": T_.Set, "TreeSet": T_.TreeSet, "Deque": T_.Deque, "Builder": T_.Builder}
        if kind not in kinds:
            if re.match(r"^[A-Z]\w*$|^error$|^auto$|^void$", kind) or kind in ("any", "interface{}"):
                return None
            raise NotImplementedError(text)
        return kinds[kind]()

    @staticmethod
    def heap(less):
        """A queue whose next element is the one before all others."""
        return T_.Heap([T_.by("", lambda a, b: less(b, a))])

    @staticmethod
    def new(g, text, *args):
        kind, name = T_.kind(g, text), re.sub(r"<.*", "", text).strip().removeprefix("std::")
        if kind in ("array", "int", "float", "bool", "char"):
            return T_.default(g, text.replace("[]", "", len(args)), *args)
        if kind == "text":
            return T_.filled(g, *args) if len(args) > 1 else "".join([T_.text(a) for a in args])
        if name == "Array" or (kind == "list" and g == "js"):
            return [None] * args[0] if len(args) == 1 and isinstance(args[0], int) else list(args)
        if name.endswith(("Exception", "Error")):
            return ValueError(*args)
        made = T_.made(g, kind, text)
        if isinstance(made, T_.Heap):
            for arg in args:
                if isinstance(arg, (list, dict)):
                    T_.call(g, made, "addAll", arg)
                elif not isinstance(arg, int):
                    made = T_.heap(arg)
        elif isinstance(made, T_.Builder):
            made += [T_.show(g, a) for a in args if not isinstance(a, int)]
        elif (g == "cpp" and len(args) == 2 and isinstance(args[1], T_.Iter)) or isinstance(
            args[:1], T_.Iter
        ):
            T_.call(g, made, "addAll", T_.span(*args)[3])
        elif g in ("c", "cpp") and args and isinstance(args[0], int):
            zero = T_.default(g, T_.inside(text)[0]) if len(args) == 1 else args[1]
            made += [T_.into(zero) for _ in range(args[0])]
        elif args and isinstance(args[0], (list, dict, str, tuple)):
            T_.call(g, made, "addAll", args[0])
        return made

    @staticmethod
    def filled(g, a, b, *rest):
        if isinstance(b, T_.Iter):
            return T_.text(T_.span(a, b)[3])
        if isinstance(a, int):
            return T_.text([b]) * a
        return T_.text(a)[b : b + rest[0] if rest else None]

    @staticmethod
    def cast(g, text, x):
        kind = T_.kind(g, text)
        if kind == "int" and not isinstance(x, (list, dict)):
            if isinstance(x, str):
                return ord(x) if len(x) == 1 and g != "js" else T_.number(x)
            wide = (
                32
                if text in ("int", "i32", "int32") and isinstance(x, int)
                else 8
                if text in ("u8", "uint8_t")
                else 0
            )
            x = int(x)
            return x if not wide else x & 255 if wide == 8 else T_.bits(x)
        if kind == "float":
            return float(ord(x) if isinstance(x, T_.Char) else T_.number(x))
        if kind == "bool":
            return T_.truth(g, x)
        if kind == "char" or (kind == "text" and isinstance(x, int) and g == "go"):
            return T_.Char(chr(int(x)) if isinstance(x, (int, float)) else x[:1])
        if kind == "text":
            return T_.text(x) if isinstance(x, list) else T_.show(g, x)
        if isinstance(x, (list, str, dict)) and kind in (
            "array",
            "list",
            "Set",
            "TreeSet",
            "Map",
            "Tree",
            "Deque",
        ):
            if kind in ("array", "list"):
                return list(T_.each(g, x))
            made = T_.made(g, kind, text)
            T_.call(g, made, "addAll", x)
            return made
        return x

    # Functions as arguments.

    @staticmethod
    def do(f, *args):
        """Call a function that may have fewer parameters, or takes a pair apart."""
        for given in range(1, len(args) + 1):
            try:
                return f(*args[:given])
            except TypeError as error:
                failed = error
        if isinstance(args[0], (tuple, list)):
            return f(*args[0])
        raise failed

    @staticmethod
    def compare(a, b):
        a, b = [list(x) if isinstance(x, tuple) else x for x in (a, b)]
        return (a > b) - (a < b)

    @staticmethod
    def by(g, f):
        """The sort key of a comparator that gives a number, or whether the first comes before the second."""

        def sign(a, b):
            found = f(a, b)
            if isinstance(found, bool) and g != "js":
                return -1 if found else int(bool(f(b, a)))
            return 0 if found is None or found != found else found

        return functools.cmp_to_key(sign)

    @staticmethod
    def ordered(g, x, f=None):
        if f is not None:
            return sorted(x, key=T_.by(g, f))
        if g == "js":
            return sorted(x, key=lambda i: (i is None, T_.show(g, i)))
        return sorted(x)

    @staticmethod
    def sort(g, o, *f):
        o[:] = T_.ordered(g, o, f[0] if f else None)
        return o

    @staticmethod
    def sort_places(g, o, f):
        """Go's sort.Slice: the function compares places."""
        o[:] = [o[i] for i in T_.ordered(g, range(len(o)), f)]

    @staticmethod
    def reduce(g, o, f, *start):
        o = list(T_.each(g, o))
        if g in ("java", "rust") and not callable(f):
            f, start = start[0], (f,)
        total = start[0] if start else o.pop(0)
        for place, x in enumerate(o):
            total = (
                f(total, x)
                if g != "js"
                else T_.do(lambda *more, t=total: f(t, *more), x, place + (not start), o)
            )
        return total

    @staticmethod
    def mapped(g, o, f):
        if not isinstance(o, (list, dict, range, tuple, str)) or (T_.is_text(o) and g != "cpp"):
            return None if o is None else f(o)
        if isinstance(o, dict) and not isinstance(o, T_.Set):
            return [T_.do(f, pair) for pair in T_.each(g, o)]
        return [T_.do(f, x, place, o) for place, x in enumerate(T_.each(g, o))]

    @staticmethod
    def kept(g, o, f):
        if o is None or not isinstance(o, (list, dict, range, str)):
            return o if o is not None and f(o) else None
        return [x for place, x in enumerate(T_.each(g, o)) if T_.truth(g, T_.do(f, x, place, o))]

    @staticmethod
    def first(g, o, f, missing=None):
        return next((x for i, x in enumerate(T_.each(g, o)) if T_.truth(g, T_.do(f, x, i, o))), missing)

    @staticmethod
    def place(g, o, f):
        return next(
            (i for i, x in enumerate(T_.each(g, o)) if T_.truth(g, T_.do(f, x, i, o))),
            -1 if g != "rust" else None,
        )

    @staticmethod
    def span(a, b, *rest):
        """The container between two iterators: container, start, end, the elements in their order."""
        a = a if isinstance(a, T_.Iter) else T_.Iter((a, 0, 1))
        o, low, high = a[0], a[1], b[1]
        if a[2] < 0:
            size = len(o)
            return o, size - high, size - low, list(T_.each("cpp", o))[size - high : size - low][::-1]
        if isinstance(o, dict):
            return o, 0, len(o), list(T_.each("cpp", o))
        return o, low, high, list(T_.each("cpp", o))[low:high]

    @staticmethod
    def over(g, name, a, b, *rest):
        """C++'s algorithms between two iterators."""
        o, low, high, part = T_.span(a, b)
        f = rest[0] if rest else None
        way = a[2] if isinstance(a, T_.Iter) else 1
        if name in ("sort", "stable_sort", "reverse", "fill", "iota", "partial_sort"):
            if name == "fill":
                part = [T_.into(f) for _ in part]
            elif name == "iota":
                part = [f + i for i in range(len(part))]
            else:
                part = part[::-1] if name == "reverse" else T_.ordered(g, part, f)
            o[low:high] = part[::way]
            return None
        if name in ("unique", "remove", "remove_if"):
            kept = [k for k, _ in itertools.groupby(part)] if name == "unique" else []
            if name != "unique":
                kept = [x for x in part if not (f(x) if callable(f) else T_.same(g, "==", x, f))]
            o[low:high] = kept + part[len(kept) :]
            return T_.Iter((o, low + len(kept), 1))
        if name in ("find", "find_if", "lower_bound", "upper_bound"):
            if name.endswith("bound"):
                place = sum(1 for x in part if (x < f if name[0] == "l" else x <= f))
            else:
                test = f if callable(f) else lambda x: T_.same(g, "==", x, f)
                place = next((i for i, x in enumerate(part) if test(x)), len(part))
            return T_.Iter((o, low + place, way))
        if name in ("max_element", "min_element"):
            key = T_.by(g, rest[0]) if rest else None
            return (max if name[:2] == "ma" else min)(part, key=key)
        if name in ("accumulate", "reduce"):
            join = rest[1] if len(rest) > 1 else lambda a, b: T_.op(g, "+", a, b)
            return functools.reduce(join, part, f or 0)
        if name in ("count", "count_if"):
            return sum(1 for x in part if (f(x) if callable(f) else T_.same(g, "==", x, f)))
        if name == "binary_search":
            return f in part
        if name == "distance":
            return len(part)
        if name == "is_sorted":
            return part == T_.ordered(g, part, f)
        if name == "transform":
            made = [rest[1](x) for x in part]
            out = rest[0]
            o, low = (out[0], out[1]) if isinstance(out, T_.Iter) else (out, len(out))
            o[low : low + len(made)] = made
            return None
        if name == "copy":
            return T_.over(g, "transform", a, b, f, lambda x: x)
        return T_.M[name](g, part, *rest)

    # Methods of text.

    @staticmethod
    def cut(g, o, start=None, end=None):
        """Part of a text or list: substring and slices, whose places have to be inside outside of JavaScript."""
        start, end = 0 if start is None else start, len(o) if end is None else end
        if g == "js":
            start, end = [min(max(T_.number(x), 0) if x == x else 0, len(o)) for x in (start, end)]
            start, end = min(start, end), max(start, end)
        elif not 0 <= start <= end <= len(o):
            raise IndexError(start)
        return o[int(start) : int(end)]

    @staticmethod
    def substr(g, o, start=0, size=None):
        if g != "js" and start > len(o):
            raise IndexError(start)
        start = max(len(o) + start, 0) if start < 0 else start
        return o[start : len(o) if size is None else max(start + size, 0)] if size is None or size > 0 else ""

    @staticmethod
    def slice(g, o, start=None, end=None):
        return o[start:end] if g == "js" else T_.cut(g, o, start, end)

    @staticmethod
    def split(g, o, by=None, limit=None):
        o = T_.text(o)
        if callable(by):
            return "".join([c if not by(T_.Char(c)) else "\0" for c in o]).split("\0")
        if by is None:
            return [o]
        if isinstance(by, T_.Regex) or g == "java":
            pattern = by[0] if isinstance(by, tuple) else by
            parts = re.split(pattern, o, maxsplit=max((limit or 1) - 1, 0) if g == "java" else 0)
            if g == "java" and not limit:
                if parts[0] == "" and len(parts) > 1 and re.match(pattern, o)[0] == "":  # type: ignore[index]
                    del parts[0]
                while len(parts) > 1 and parts[-1] == "":
                    parts.pop()
            elif by in ("", ("(?a)", False), ("(?a)(?:)", False)):
                parts = parts[1:-1]
        elif by == "":
            parts = ["", *o, ""] if g == "rust" else list(o)
        else:
            parts = o.split(by)
        return parts if limit is None or g == "java" else parts[:limit]

    @staticmethod
    def replace(g, o, old, new="", *more):
        if isinstance(old, int):  # C++: place and length
            return o[:old] + more[0] + o[old + new :]
        if isinstance(old, T_.Regex):
            if callable(new):

                def put(m):
                    return T_.show(g, T_.do(new, m[0], *m.groups()))
            else:
                form = new

                def put(m):
                    return re.sub(
                        r"\$(\d|&|\$)",
                        lambda d: "$" if d[1] == "$" else m[0 if d[1] == "&" else int(d[1])],
                        form,
                    )

            return re.sub(old[0], put, o, count=0 if old[1] else 1)
        if callable(old):
            return "".join([T_.text(new) if old(T_.Char(c)) else c for c in o])
        if isinstance(old, list):
            return T_.replace(g, o, lambda c: c in old, new)
        count = 1 if g == "js" else more[0] if more else -1
        return T_.text(o).replace(old, new(old) if callable(new) else new, count)

    @staticmethod
    def replace_all(g, o, old, new=""):
        if isinstance(old, T_.Regex) or g == "java":
            pattern = old[0] if isinstance(old, tuple) else "(?a)" + old
            return T_.replace(g, o, T_.Regex((pattern, True)), new)
        return o.replace(old, new(old) if callable(new) else new)

    @staticmethod
    def find(g, o, x, *start):
        if callable(x):
            if isinstance(o, str):
                return T_.place(g, o, x)
            return T_.first(g, o, x)
        if isinstance(o, dict):
            return T_.Iter((o, (T_.key(x),), 1)) if T_.key(x) in o else T_.Iter((o, len(o), 1))
        if isinstance(x, list) and isinstance(o, str):
            return T_.place(g, o, lambda c: c in x)
        found = T_.text(o).find(T_.text([x]) if isinstance(x, int) else x, *start)
        return None if found < 0 and g == "rust" else found

    @staticmethod
    def where(g, o, x, *start):
        if isinstance(o, list):
            low = start[0] if start else 0
            return next((i for i, y in enumerate(o) if i >= low and T_.same(g, "===", y, x)), -1)
        return o.find(chr(x) if isinstance(x, int) else T_.text(x), *start)

    @staticmethod
    def where_last(g, o, x):
        if isinstance(o, list):
            return next((i for i in range(len(o) - 1, -1, -1) if T_.same(g, "===", o[i], x)), -1)
        return o.rfind(chr(x) if isinstance(x, int) else x)

    @staticmethod
    def contains(g, o, x):
        if callable(x):
            return any(x(T_.Char(c)) if isinstance(o, str) else x(c) for c in o)
        if isinstance(o, dict):
            return T_.member(o, x)
        if isinstance(o, str):
            return (chr(x) if isinstance(x, int) else T_.text(x)) in o
        return any(T_.same(g, "===", y, x) for y in T_.each(g, o))

    @staticmethod
    def letter(x):
        """One character, given as a text or a code."""
        return chr(x) if isinstance(x, int) else x

    @staticmethod
    def changed(g, o, f):
        """A text or character after a change of case."""
        if isinstance(o, int):
            return ord(f(chr(o))) if g in ("c", "cpp", "java") else T_.Char(f(chr(o)))
        return T_.Char(f(o)) if isinstance(o, T_.Char) else f(T_.text(o))

    @staticmethod
    def trim(g, o, chars=None, ends="both"):
        if callable(chars):
            while o and ends != "right" and chars(T_.Char(o[0])):
                o = o[1:]
            while o and ends != "left" and chars(T_.Char(o[-1])):
                o = o[:-1]
            return o
        return o.lstrip(chars) if ends == "left" else o.rstrip(chars) if ends == "right" else o.strip(chars)

    # Methods that change containers.

    @staticmethod
    def add(g, o, *x):
        """Put an element behind the others, or into a set; Java's add(place, x)."""
        if isinstance(o, T_.Set):
            new = T_.key(x[-1]) not in o
            o[T_.key(x[-1])] = None
            return o if g == "js" else new
        if isinstance(o, dict):
            pair = x if len(x) == 2 else x[0]
            new = T_.key(pair[0]) not in o
            before = o.get(T_.key(pair[0]))
            if new or g != "cpp":
                o[T_.key(pair[0])] = pair[1]
            return o if g == "js" else new if g == "cpp" else before
        if isinstance(o, T_.Heap):
            place = T_.heap_place(o, x[0])
            o.insert(place, x[0])
            return True
        if isinstance(o, T_.Builder):
            o.append(T_.show(g, x[0] if len(x) < 3 else T_.cut(g, x[0], x[1], x[2])))
            return o
        if len(x) == 2 and g in ("java", "rust"):
            o.insert(x[0], x[1])
            return None
        o.extend(x)
        return len(o) if g == "js" else True

    @staticmethod
    def heap_place(o, x):
        low, high, key = 1, len(o), o[0]
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if key(x) < key(o[middle]) else (middle + 1, high)
        return low

    @staticmethod
    def insert(g, o, *x):
        if isinstance(o, T_.Builder):
            text = "".join(o)
            o[:] = [text[: x[0]], T_.show(g, x[1]), text[x[0] :]]
            return o
        if isinstance(o, dict) and isinstance(x[0], T_.Iter):
            return T_.add_all(g, o, T_.span(*x)[3])
        if isinstance(o, (dict, T_.Heap)) or len(x) == 1:
            return T_.add(g, o, *x)
        if isinstance(o, str):
            return o[: x[0]] + T_.text(x[1]) + o[x[0] :]
        place = x[0][1] if isinstance(x[0], T_.Iter) else x[0]
        if place > len(o):
            raise IndexError(place)
        o[place:place] = T_.span(x[1], x[2])[3] if len(x) > 2 else [x[1]]
        return None

    @staticmethod
    def add_all(g, o, x, *more):
        if more:
            o[x:x] = list(T_.each(g, more[0]))
            return True
        before = len(o)
        for i in list(T_.each(g, x)):
            T_.add(g, o, i)
        return o if g in ("js", "go") else len(o) != before

    @staticmethod
    def pop(g, o, place=None):
        """What pop and remove give: an element by its place, or the one whose turn it is."""
        if isinstance(o, T_.Set):
            return o.pop(T_.sorted_keys(o)[0])
        size = T_.length(o)
        if not size:
            if g in ("js", "rust"):
                return None
            raise IndexError("it is empty")
        if isinstance(place, T_.Iter):
            place = place[1]
        return o.pop((0 if isinstance(o, T_.Deque) else -1) if place is None else place)

    @staticmethod
    def shift(g, o, *missing):
        if not T_.length(o):
            if missing or g in ("js", "rust"):
                return None
            raise IndexError("it is empty")
        return o[0:1][0] if isinstance(o, str) else o.pop() if isinstance(o, T_.Heap) else o.pop(0)

    @staticmethod
    def peek(g, o, *missing):
        if not T_.length(o):
            if missing or g in ("rust", "js"):
                return None
            raise IndexError("it is empty")
        if isinstance(o, T_.Heap):
            return o[-1]
        if isinstance(o, dict):
            return T_.each(g, o)[0]
        return o[0]

    @staticmethod
    def top(g, o):
        if not isinstance(o, (T_.Heap, T_.Deque)) and len(o):
            return T_.each(g, o)[-1] if isinstance(o, dict) else T_.index(g, o, len(o) - 1)
        return T_.peek(g, o)

    @staticmethod
    def remove(g, o, *x):
        """Java's remove(place) and remove(element), Rust's remove, erase and delete."""
        if isinstance(o, dict):
            k = x[0]
            k = T_.behind(g, k) if isinstance(k, T_.Iter) else T_.key(k)
            k = k[0] if isinstance(x[0], T_.Iter) and not isinstance(o, T_.Set) else k
            k = k if k in o else T_.show("js", k)
            there = k in o
            value = o.pop(k, None)
            return value if g in ("java", "rust") and not isinstance(o, T_.Set) else there
        if isinstance(o, T_.Builder):
            text = "".join(o)
            o[:] = [text[: x[0]] + text[x[1] if len(x) > 1 else x[0] + 1 :]]
            return o
        if g == "cpp":
            if isinstance(o, str):
                return o[: x[0]] + (o[x[0] + x[1] :] if len(x) > 1 else "")
            low = x[0][1] if isinstance(x[0], T_.Iter) else x[0]
            high = low + 1 if len(x) < 2 else x[1][1] if isinstance(x[1], T_.Iter) else low + x[1]
            del o[low:high]
            return T_.Iter((o, low, 1))
        if not x:
            return T_.shift(g, o)
        if isinstance(x[0], int) and not isinstance(o, T_.Heap):
            if not 0 <= x[0] < len(o):
                raise IndexError(x[0])
            return o.pop(x[0])
        there = x[0] in o
        if there:
            o.remove(x[0])
        return there

    @staticmethod
    def retain(g, o, f):
        if isinstance(o, dict):
            gone = [k for k in list(o) if not (f(k) if isinstance(o, T_.Set) else f(k, o[k]))]
            for k in gone:
                del o[k]
        else:
            o[:] = [x for x in o if f(x)]
        return True

    @staticmethod
    def splice(g, o, start, size=None, *new):
        start = max(len(o) + start, 0) if start < 0 else min(start, len(o))
        end = len(o) if size is None else start + max(size, 0)
        gone = o[start:end]
        o[start:end] = new
        return gone

    @staticmethod
    def fill(g, o, value, *places):
        if len(places) == 2 and g == "java":
            value, places = places[1], (value, places[0])
        for i in (
            range(len(o))[slice(*places)] if len(places) == 2 else range(places[0] if places else 0, len(o))
        ):
            o[i] = T_.into(value) if g != "js" else value
        return o

    @staticmethod
    def resize(g, o, size, value=0):
        if isinstance(o, str):
            return o[:size]
        o[size:] = [T_.into(value) for _ in range(size - len(o))]
        return None

    @staticmethod
    def pick(g, o, k, *missing):
        """Get of maps and lists."""
        if isinstance(o, dict):
            k = T_.key(k)
            found = o[k] if k in o else o.get(T_.show(g, k)) if not isinstance(o, T_.Map) else None
            return missing[0] if missing and (found is None and k not in o) else found
        if g == "rust" and (isinstance(k, tuple) or not 0 <= k < len(o)):
            return o[k[0] : k[1]] if isinstance(k, tuple) else None
        return T_.index(g, o, k)

    @staticmethod
    def entry(g, o, k, value):
        """Rust's entry(k).or_insert(value) and Java's putIfAbsent and computeIfAbsent: the value there."""
        k = T_.key(k)
        if k not in o:
            o[k] = value(k) if callable(value) and g == "java" else value() if callable(value) else value
            return o[k]
        return o[k]

    @staticmethod
    def merge(g, o, k, value, f):
        k = T_.key(k)
        o[k] = f(o[k], value) if k in o else value
        return o[k]

    @staticmethod
    def collect(g, o, how=None):
        if callable(how):
            return how(list(T_.each(g, o)))
        return T_.cast(g, how, o) if how else T_.text(o) if isinstance(o, str) else list(T_.each(g, o))

    @staticmethod
    def group(f, down=list):
        def grouped(o):
            found = T_.Tree(int)
            for x in o:
                found.setdefault(T_.key(f(x)), []).append(x)
            return T_.Tree(int, {k: down(v) for k, v in found.items()})

        return grouped

    @staticmethod
    def flat(g, o, depth=1):
        return [
            y for x in o for y in (T_.flat(g, x, depth - 1) if isinstance(x, list) and depth > 0 else [x])
        ]

    @staticmethod
    def best(choose, g, o, *more):
        """The largest or smallest of the arguments, or of the elements of one."""
        f = next((x for x in more if callable(x)), None)
        key = functools.cmp_to_key(f) if f else None
        if isinstance(o, (list, dict, range)) and (f or not more):
            o = list(T_.each(g, o))
            return choose(o, key=key) if o else None
        if g == "js":
            both = [T_.number(x) for x in (o, *more)]
            return math.nan if any(x != x for x in both) else choose(both)
        return choose(
            o, *[x for x in more if not callable(x)], key=lambda x: ord(x) if isinstance(x, T_.Char) else x
        )

    @staticmethod
    def round(g, x, *more):
        if g in ("js", "java"):
            return T_.whole(float(math.floor(x + 0.5))) if math.isfinite(x) else x
        return math.copysign(math.floor(abs(x) + 0.5), x)

    @staticmethod
    def fixed(g, x, places=0):
        if not places and abs(x) % 1 == 0.5:
            x = math.copysign(math.floor(abs(x) + 0.5), x)
        return "%.*f" % (places, x)

    @staticmethod
    def float_(g, x):
        return x if g in ("js", "rust") and isinstance(x, int) else T_.whole(x) if g == "js" else float(x)

    @staticmethod
    def power(g, a, b, *more):
        return T_.float_(g, a**b if isinstance(b, int) or a >= 0 else math.nan)

    @staticmethod
    def string(g, o, *base):
        if base and isinstance(o, (int, float)):
            if isinstance(base[0], int):
                return T_.in_base(int(o), base[0])
        return "%f" % o if g == "cpp" and isinstance(o, float) else T_.show(g, o)

    @staticmethod
    def in_base(x, base):
        digits, rest = "", abs(x)
        while rest or not digits:
            digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % base] + digits
            rest //= base
        return "-" * (x < 0) + digits

    @staticmethod
    def needed(found):
        """What unwrap gives: a value, not None."""
        if found is None:
            raise ValueError("there is no value")
        return found

    # Calls by name.

    @staticmethod
    def call(g, o, name, *args):
        if callable(o):
            return T_.CALLED.get(name, lambda f, *a: f(*a))(o, *args)
        if isinstance(o, dict) and name not in ("get", "has") and callable(o.get(name)):
            return o[name](*args)
        found = T_.M.get(name.replace("_", "").lower())
        if found is None:
            raise NotImplementedError(name)
        return found(g, o, *args)

    @staticmethod
    def static(g, path, *args):
        path = path.replace("::", ".").removeprefix("std.").rstrip("!")
        last = path.rpartition(".")[2]
        if len(args) > 1 and isinstance(args[1], T_.Iter) and not isinstance(args[0], T_.Iter):
            args = (T_.Iter((args[0], 0, 1)), *args[1:])
        if g in ("c", "cpp") and len(args) > 1 and isinstance(args[1], T_.Iter):
            return T_.over(g, last, *args)
        if not args and T_.is_const(path):
            return T_.const(path)
        if path.endswith(">"):
            return T_.new(g, path, *args)
        for name in (path, last):
            if name in T_.F:
                return T_.F[name](g, *args)
        if not args and last not in ("new", "default"):
            return T_.const(path)
        if last in ("new", "with_capacity", "from", "default"):
            return T_.new(g, path.rpartition(".")[0], *(args if last == "from" else ()))
        return T_.call(g, args[0], last, *args[1:])

    @staticmethod
    def const(path):
        path = path.replace("::", ".").removeprefix("std.")
        if path in T_.CONSTANTS:
            return T_.CONSTANTS[path]
        found = re.fullmatch(
            r"(?:math\.)?(Max|Min)?(u|i|U|I)I?(?:nt|NT)?(\d+|size)?(?:\.|_)?(MAX|MIN)?", path
        )
        most = re.match(r"numeric_limits<(.*)>\.(max|min|lowest)", path)
        if most:
            real, least = "double" in most[1] or "float" in most[1], most[2] != "max"
            return (
                (-1 if least else 1) * math.inf if real else T_.limit(64 if "long" in most[1] else 32, least)
            )
        if not found:
            raise NotImplementedError(path)
        size = 64 if found[3] in (None, "size") else int(found[3])
        least = "in" in (found[1] or found[4] or "").lower()
        if found[2] in "uU":
            return 0 if least else (1 << size) - 1
        return T_.limit(size, least)

    @staticmethod
    def is_const(path):
        return path in T_.CONSTANTS or re.search(r"M(AX|IN)$|^numeric_limits|^math\.M", path) is not None

    @staticmethod
    def limit(size, least):
        return -(1 << (size - 1)) if least else (1 << (size - 1)) - 1

    CONSTANTS = {
        **dict.fromkeys(("Integer.MAX_VALUE", "INT_MAX"), 2147483647),
        **dict.fromkeys(("Integer.MIN_VALUE", "INT_MIN"), -2147483648),
        **dict.fromkeys(("Long.MAX_VALUE", "LONG_MAX", "LLONG_MAX"), 9223372036854775807),
        **dict.fromkeys(("Long.MIN_VALUE", "LONG_MIN", "LLONG_MIN"), -9223372036854775808),
        **dict.fromkeys(("Number.MAX_SAFE_INTEGER",), 9007199254740991),
        **dict.fromkeys(("Number.MIN_SAFE_INTEGER",), -9007199254740991),
        **dict.fromkeys(
            ("Infinity", "Number.POSITIVE_INFINITY", "f64.INFINITY", "INFINITY", "HUGE_VAL"), math.inf
        ),
        **dict.fromkeys(("Double.POSITIVE_INFINITY", "f32.INFINITY"), math.inf),
        **dict.fromkeys(
            ("Double.MAX_VALUE", "DBL_MAX", "math.MaxFloat64", "f64.MAX", "Number.MAX_VALUE"),
            1.7976931348623157e308,
        ),
        **dict.fromkeys(
            ("f64.MIN", "Number.NEGATIVE_INFINITY", "Double.NEGATIVE_INFINITY", "f64.NEG_INFINITY"), -math.inf
        ),
        **dict.fromkeys(("Math.PI", "M_PI", "math.Pi", "f64.consts.PI", "PI", "consts.PI"), math.pi),
        **dict.fromkeys(("Math.E", "M_E", "math.E", "f64.consts.E"), math.e),
        **dict.fromkeys(("NaN", "Number.NaN", "Double.NaN", "f64.NAN", "NAN"), math.nan),
        **dict.fromkeys(("string.npos", "EOF", "npos"), -1),
        **dict.fromkeys(("null", "undefined", "NULL", "nullptr", "nil", "None"), None),
        **dict.fromkeys(("Number.EPSILON", "DBL_EPSILON", "f64.EPSILON"), 2.220446049250313e-16),
        **dict.fromkeys(("math.MaxInt", "math.MinInt"), 9223372036854775807),
        "math.MinInt": -9223372036854775808,
        "UINT_MAX": 4294967295,
        "SIZE_MAX": (1 << 64) - 1,
        "CHAR_MAX": 127,
        "Ordering.Less": -1,
        "Ordering.Equal": 0,
        "Ordering.Greater": 1,
    }
    KINDS = (
        (
            "int",
            "int long short byte size_t ssize_t longlong longint longlongint shortint int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uint8 uint16 uint32 uint64 uint int8 int16 int32 int64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize Integer Long Short Byte BigInteger BigInt ll".split(),
        ),
        ("float", "float double longdouble float32 float64 f32 f64 Double Float".split()),
        ("bool", "bool boolean Boolean _Bool".split()),
        ("char", "char Character rune wchar_t".split()),
        ("text", "string String str string_view Stringnew CharSequence".split()),
        (
            "list",
            "vector List ArrayList Vec array Array list stack Stack Vector Iterable Collection forward_list".split(),
        ),
        ("Map", "unordered_map HashMap LinkedHashMap Map Hashtable ConcurrentHashMap".split()),
        ("Tree", "map TreeMap BTreeMap SortedMap NavigableMap".split()),
        ("Set", "unordered_set HashSet LinkedHashSet Set".split()),
        ("TreeSet", "set TreeSet BTreeSet SortedSet NavigableSet".split()),
        ("Deque", "deque queue Deque ArrayDeque LinkedList Queue VecDeque".split()),
        ("Heap", "priority_queue PriorityQueue BinaryHeap".split()),
        (
            "Builder",
            "StringBuilder StringBuffer Builder ostringstream stringstream StringJoiner Buffer bytesBuffer".split(),
        ),
        ("pair", "pair tuple".split()),
    )
    CALLED = {
        "reversed": lambda f: lambda a, b: f(b, a),
        "thenComparing": lambda f, h: lambda a, b: f(a, b) or T_.comparing(h)(a, b),
        "thenComparingInt": lambda f, h: lambda a, b: f(a, b) or T_.comparing(h)(a, b),
        "negate": lambda f: lambda x: not f(x),
    }

    @staticmethod
    def comparing(f, then=None):
        """A comparator of what a function gives; comparators are given back as they are."""

        def compare(a, b):
            try:
                return T_.compare(f(a), f(b)) if then is None else then(f(a), f(b))
            except TypeError:
                return f(a, b)

        return compare

    # What the tables below call.

    @staticmethod
    def push(g, o, *x):
        if isinstance(o, str):  # strings of C++ and Rust that the program gives a new value
            return o + "".join([T_.text(i) for i in x])
        if isinstance(o, T_.Deque) and g == "java":
            return T_.unshift(o, x)
        if isinstance(o, (T_.Heap, dict, T_.Builder)):
            return T_.add(g, o, *x)
        o.extend(x)
        return len(o) if g == "js" else None

    @staticmethod
    def unshift(o, x):
        o[:0] = x
        return len(o)

    @staticmethod
    def put_all(o, x):
        o[:] = x

    @staticmethod
    def put_pair(a, b):
        a[:], b[:] = list(b), list(a)

    @staticmethod
    def swap(o, i, j):
        o[i], o[j] = o[j], o[i]

    @staticmethod
    def swap_in(o, k, value):
        before = o.get(k)
        o[k] = value
        return before

    @staticmethod
    def plain(o):
        """Whether a list is one of Java's stacks: peek is its end."""
        return isinstance(o, list) and not isinstance(o, (T_.Deque, T_.Heap))

    @staticmethod
    def is_map(o):
        return isinstance(o, dict) and not isinstance(o, T_.Set)

    @staticmethod
    def last(g, o):
        if isinstance(o, T_.Heap):
            return T_.peek(g, o)
        o = T_.each(g, o)
        return (o[-1] if len(o) else None) if g in ("rust", "js") else o[len(o) - 1 if len(o) else 0]

    @staticmethod
    def at(g, o, k, *missing):
        if g == "js" and isinstance(o, (str, list)):
            found = T_.index(g, o, k + len(o) if k < 0 else k)
            return "" if found is None and isinstance(o, str) else found
        if isinstance(o, T_.Builder):
            return T_.index(g, "".join(o), k)
        return T_.pick(g, o, k, *missing)

    @staticmethod
    def set(g, o, k, value):
        if isinstance(o, dict):
            o[T_.key(k)] = value
            return o
        before = o[k]
        T_.put(g, o, k, value)
        return before

    @staticmethod
    def has(g, o, x):
        if callable(x) and not isinstance(o, str):
            return T_.place(g, o, x) not in (-1, None)
        return T_.contains(g, o, x)

    @staticmethod
    def keys_of(g, o):
        return list(range(len(o))) if isinstance(o, list) else T_.sorted_keys(o)

    @staticmethod
    def copy(g, o):
        if isinstance(o, (str, T_.Builder)) and g in ("java", "rust"):
            return T_.text(o) if g == "rust" else T_.chars(T_.text(o))
        return (
            T_.into(o)
            if g == "rust"
            else o.copy()
            if isinstance(o, dict)
            else list(o)
            if isinstance(o, list)
            else o
        )

    @staticmethod
    def for_each(g, o, f):
        if T_.is_map(o) and g == "js":
            for k, v in T_.each(g, o):
                T_.do(f, v, k, o)
        elif not isinstance(o, list):
            T_.mapped(g, o, f)
        else:
            for place, x in enumerate(o):
                T_.do(f, x, place, o)

    @staticmethod
    def count(g, o, *x):
        if not x:
            return len(o)
        if isinstance(o, dict):
            return int(T_.member(o, x[0]))
        return o.count(T_.letter(x[0]) if isinstance(o, str) else x[0])

    @staticmethod
    def reverse(o):
        o[:] = "".join(o)[::-1] if isinstance(o, T_.Builder) else o[::-1]
        return o

    @staticmethod
    def reversed_(x, *more):
        return -x if isinstance(x, int) else sorted(x, reverse=True)

    @staticmethod
    def search(g, o, x):
        place = sum(1 for y in o if y < x)
        return place if place < len(o) and o[place] == x else None if g == "rust" else -place - 1

    @staticmethod
    def concat(g, o, x):
        if isinstance(o, str):
            return o + "".join([T_.show(g, i) for i in x])
        if g == "rust":
            return "".join(o) if o and isinstance(o[0], str) else [i for y in o for i in y]
        return o + [i for y in x for i in (y if isinstance(y, list) else [y])]

    @staticmethod
    def match(o, x):
        if x[1]:
            return [m[0] for m in re.finditer(x[0], o)] or None
        found = re.search(x[0], o)
        return [found[0], *found.groups()] if found else None

    @staticmethod
    def order_of(g, a, b):
        """What compareTo gives: Java's is the difference of characters, or of lengths."""
        if g == "js":
            return T_.compare((a.lower(), a.swapcase()), (b.lower(), b.swapcase()))
        if g == "java" and isinstance(a, str) and isinstance(b, str):
            different = next(((x, y) for x, y in zip(a, b) if x != y), None)
            return ord(different[0]) - ord(different[1]) if different else len(a) - len(b)
        return T_.compare(a, b)

    @staticmethod
    def digit(g, o, base):
        found = "0123456789abcdefghijklmnopqrstuvwxyz".find(T_.letter(o).lower())
        return found if 0 <= found < base or (g == "java" and base == 10) else None

    @staticmethod
    def read(how, x):
        """Rust's parse."""
        if how[0] == "f":
            return float(x) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", x) else None
        found = T_.parse("rust", x)
        return None if found is None or (how[0] == "u" and found < 0) else found

    @staticmethod
    def parse_int(g, x, base=10):
        if g != "js":
            return x if isinstance(x, int) else T_.needed(T_.parse(g, x, base))
        digits = "0-9" if base == 10 else "01" if base == 2 else "0-9a-fA-F"
        found = re.match(r"\s*([-+]?[" + digits + "]+)", T_.show(g, x))
        return int(found[1], base) if found else math.nan

    @staticmethod
    def with_error(x):
        """Go's two results."""
        return (x, None) if x is not None and x == x else (0, "invalid syntax")

    @staticmethod
    def rounded(g, x, f):
        x = T_.number(x) if g == "js" else x
        return T_.float_(g, f(x)) if math.isfinite(x) else x

    @staticmethod
    def log(x):
        return math.log(x) if x > 0 else math.nan if x < 0 or x != x else -math.inf

    @staticmethod
    def from_(g, x, f):
        if T_.is_map(x) and "length" in x:
            x = [None] * x["length"]
        x = [list(i) if isinstance(i, tuple) else i for i in T_.each(g, x)]
        return x if f is None else [T_.do(f, i, place) for place, i in enumerate(x)]

    @staticmethod
    def sort_part(g, o, *x):
        if len(x) > 1:
            o[x[0] : x[1]] = T_.ordered(g, o[x[0] : x[1]], *x[2:])
        else:
            T_.sort(g, o, *x)

    @staticmethod
    def assign(o, x):
        for i in x:
            o.update(i)
        return o

    @staticmethod
    def padding(o, n, by):
        return (by * n)[: max(n - len(o), 0)]

    # One entry a line: names, and what they do.
    # fmt: off
    M = {
        name: made
        for names, made in (
            ("length size len", lambda g, o, *x: T_.length(o)),
            ("isempty empty", lambda g, o: not T_.length(o)),
            ("push pushback emplaceback append addlast offerlast pushstr offer", lambda g, o, *x: T_.push(g, o, *x)),
            ("add", lambda g, o, *x: T_.add(g, o, *x)),
            ("insert emplace", lambda g, o, *x: T_.insert(g, o, *x)),
            ("pushfront addfirst unshift offerfirst", lambda g, o, *x: T_.unshift(o, x)),
            ("addall extend putall pushall extendfromslice", lambda g, o, x, *m: T_.add_all(g, o, x, *m)),
            ("pop popback", lambda g, o, *x: T_.pop(g, o, *x)),
            ("polllast removelast", lambda g, o: o.pop() if o else None),
            ("shift popfront removefirst", lambda g, o: T_.shift(g, o)),
            ("poll pollfirst", lambda g, o: T_.shift(g, o, None)),
            ("next", lambda g, o: T_.shift(g, o, None) if isinstance(o, list) else o),
            ("peek peekfirst", lambda g, o: T_.top(g, o) if g == "java" and T_.plain(o) else T_.peek(g, o, None)),
            ("front getfirst element firstelement firstkey", lambda g, o: T_.peek(g, o)[0] if T_.is_map(o) else T_.peek(g, o)),
            ("first", lambda g, o: T_.peek(g, o, None) if g == "rust" else T_.peek(g, o)),
            ("back top getlast peeklast last lastelement", lambda g, o: T_.last(g, o)),
            ("lastkey", lambda g, o: T_.sorted_keys(o)[-1]),
            ("get getordefault at charat", lambda g, o, k, *m: T_.at(g, o, k, *m)),
            ("set", lambda g, o, k, v: T_.set(g, o, k, v)),
            ("setcharat", lambda g, o, k, v: T_.put_all(o, "".join(o)[:k] + v + "".join(o)[k + 1 :])),
            ("setlength truncate", lambda g, o, k: T_.put_all(o, "".join(o)[:k]) if isinstance(o, T_.Builder) else T_.resize(g, o, min(k, len(o)))),
            ("deletecharat", lambda g, o, k: T_.remove(g, o, k)),
            ("put insertorassign", lambda g, o, k, v: T_.swap_in(o, T_.key(k), v)),
            ("putifabsent computeifabsent orinsert orinsertwith", lambda g, o, k, v: T_.entry(g, o, k, v)),
            ("merge", lambda g, o, k, v, f: T_.merge(g, o, k, v, f)),
            ("compute", lambda g, o, k, f: T_.swap_in(o, T_.key(k), f(k, o.get(T_.key(k))))),
            ("remove erase delete removeentry", lambda g, o, *x: T_.remove(g, o, *x)),
            ("swapremove", lambda g, o, k: (o[k], T_.swap(o, k, -1), o.pop())[0]),
            ("retain", lambda g, o, f: T_.retain(g, o, f)),
            ("removeif", lambda g, o, f: T_.retain(g, o, lambda x: not f(x))),
            ("removeall", lambda g, o, x: T_.retain(g, o, lambda i: not T_.contains(g, x, i))),
            ("retainall", lambda g, o, x: T_.retain(g, o, lambda i: T_.contains(g, x, i))),
            ("containsall issupersetof", lambda g, o, x: all(T_.contains(g, o, i) for i in T_.each(g, x))),
            ("clear", lambda g, o: o.clear() if not isinstance(o, T_.Heap) else T_.resize(g, o, 1)),
            ("resize", lambda g, o, *x: T_.resize(g, o, *x)),
            ("assign", lambda g, o, n, v: T_.put_all(o, [T_.into(v) for _ in range(n)])),
            ("swap", lambda g, o, i, j: T_.swap(o, i, j)),
            ("splice", lambda g, o, *x: T_.splice(g, o, *x)),
            ("drain", lambda g, o, *x: T_.splice(g, o, 0)),
            ("fill", lambda g, o, *x: T_.fill(g, o, *x)),
            ("has contains containskey includes some any anymatch exists isin", lambda g, o, x, *m: T_.has(g, o, x)),
            ("containsvalue", lambda g, o, x: x in o.values()),
            ("containsany", lambda g, o, x: any(c in o for c in x)),
            ("every all allmatch", lambda g, o, f: all(T_.truth(g, i) for i in T_.mapped(g, T_.each(g, o), f))),
            ("nonematch", lambda g, o, f: not T_.contains(g, T_.each(g, o), f)),
            ("keys keyset navigablekeyset intokeys", lambda g, o: T_.keys_of(g, o)),
            ("values valuesmut intovalues", lambda g, o: T_.keys_of(g, o) if isinstance(o, T_.Set) else [o[k] for k in T_.sorted_keys(o)] if isinstance(o, dict) else list(o)),
            ("entryset entries", lambda g, o: list(enumerate(o)) if isinstance(o, list) else T_.each(g, o)),
            ("getkey", lambda g, o: o[0]),
            ("getvalue", lambda g, o: o[1]),
            ("iter intoiter itermut stream boxed iterator parallelstream peekable cloned copied byref asstream chars2 asslice asmutslice", lambda g, o: o if g == "java" and isinstance(o, (int, float)) else [o] * (o is not None) if not isinstance(o, (str, list, dict, range)) else list(T_.each(g, o))),
            ("chars", lambda g, o: [ord(c) for c in T_.text(o)] if g == "java" else T_.chars(T_.text(o))),
            ("bytes asbytes getbytes intobytes tobytes", lambda g, o: list(T_.text(o).encode())),
            ("tochararray tovec toarray tolist clone toowned copy slice2 tosorted2 cstr asstr asref asmut deref borrow unwrap2 into asstring get2 tovector collect2 clonefrom valueof2 asint", lambda g, o, *x: T_.copy(g, o)),
            ("charindices enumerate", lambda g, o: [(i, x) for i, x in enumerate(T_.each(g, o))]),
            ("rev", lambda g, o: list(T_.each(g, o))[::-1]),
            ("zip", lambda g, o, x: list(zip(T_.each(g, o), T_.each(g, x)))),
            ("take limit", lambda g, o, n: list(T_.each(g, o))[:n]),
            ("skip", lambda g, o, n: list(T_.each(g, o))[n:]),
            ("stepby", lambda g, o, n: list(T_.each(g, o))[::n]),
            ("nth", lambda g, o, n: next(iter(list(T_.each(g, o))[n:]), None)),
            ("chain", lambda g, o, x: [*T_.each(g, o), *T_.each(g, x)]),
            ("windows", lambda g, o, n: [o[i : i + n] for i in range(len(o) - n + 1)]),
            ("chunks", lambda g, o, n: [o[i : i + n] for i in range(0, len(o), n)]),
            ("splitat", lambda g, o, n: (o[:n], o[n:])),
            ("takewhile", lambda g, o, f: list(itertools.takewhile(f, T_.each(g, o)))),
            ("skipwhile dropwhile", lambda g, o, f: list(itertools.dropwhile(f, T_.each(g, o)))),
            ("map maptoint maptoobj maptodouble maptolong andthen asdoublestream", lambda g, o, f=float: T_.mapped(g, o, f)),
            ("filter", lambda g, o, f: T_.kept(g, o, f)),
            ("filtermap", lambda g, o, f: [x for x in T_.mapped(g, list(T_.each(g, o)), f) if x is not None]),
            ("flatmap", lambda g, o, f: [y for x in T_.mapped(g, T_.each(g, o), f) for y in (T_.each(g, x) if g != "js" or isinstance(x, list) else [x])]),
            ("flat flatten", lambda g, o, d=1: [x for x in T_.flat(g, o, d) if g != "rust" or x is not None]),
            ("foreach", lambda g, o, f: T_.for_each(g, o, f)),
            ("reduce fold", lambda g, o, f, *x: T_.reduce(g, o, f, *x)),
            ("reduceright", lambda g, o, f, *x: T_.reduce(g, o[::-1], f, *x)),
            ("partition", lambda g, o, f: ([x for x in T_.each(g, o) if f(x)], [x for x in T_.each(g, o) if not f(x)])),
            ("sum", lambda g, o: sum(T_.each(g, o))),
            ("product", lambda g, o: math.prod(T_.each(g, o))),
            ("average", lambda g, o: sum(o) / len(o) if o else None),
            ("count", lambda g, o, *x: T_.count(g, o, *x)),
            ("distinct", lambda g, o: list(dict.fromkeys(o))),
            ("dedup", lambda g, o: T_.put_all(o, [k for k, _ in itertools.groupby(o)])),
            ("max", lambda g, o, *x: T_.best(max, g, o, *x)),
            ("min", lambda g, o, *x: T_.best(min, g, o, *x)),
            ("maxby", lambda g, o, f: T_.best(max, g, o, f)),
            ("minby", lambda g, o, f: T_.best(min, g, o, f)),
            ("maxbykey", lambda g, o, f: max(reversed(list(T_.each(g, o))), key=lambda x: T_.do(f, x), default=None)),
            ("minbykey", lambda g, o, f: min(T_.each(g, o), key=lambda x: T_.do(f, x), default=None)),
            ("sort sortunstable sortby sortunstableby", lambda g, o, *f: T_.sort(g, o, *f)),
            ("sortbykey sortunstablebykey", lambda g, o, f: o.sort(key=lambda x: T_.do(f, x))),
            ("sorted tosorted", lambda g, o, *f: T_.ordered(g, T_.each(g, o), *f)),
            ("reverse", lambda g, o: T_.reverse(o)),
            ("reversed toreversed descendingiterator", lambda g, o: list(T_.each(g, o))[::-1]),
            ("find findfirst findany", lambda g, o, *x: T_.find(g, o, *x) if x else next(iter(T_.each(g, o)), None)),
            ("rfind", lambda g, o, x: T_.where_last(g, o, x)),
            ("findindex position", lambda g, o, f: T_.place(g, o, f)),
            ("findlast", lambda g, o, f: T_.first(g, o[::-1], f)),
            ("indexof index", lambda g, o, x, *m: T_.where(g, o, x, *m)),
            ("lastindexof lastindex", lambda g, o, x: T_.where_last(g, o, x)),
            ("binarysearch", lambda g, o, x: T_.search(g, o, x)),
            ("issubset", lambda g, o, x: all(i in x for i in o)),
            ("union", lambda g, o, x: T_.Set.fromkeys([*o, *x])),
            ("intersection", lambda g, o, x: T_.Set.fromkeys([i for i in o if i in x])),
            ("difference", lambda g, o, x: T_.Set.fromkeys([i for i in o if i not in x])),
            ("begin cbegin", lambda g, o: T_.Iter((o, 0, 1))),
            ("end cend", lambda g, o: T_.Iter((o, T_.length(o), 1))),
            ("rbegin crbegin", lambda g, o: T_.Iter((o, 0, -1))),
            ("rend crend", lambda g, o: T_.Iter((o, T_.length(o), -1))),
            ("floor floorkey", lambda g, o, *x: max((i for i in o if i <= x[0]), default=None) if x else T_.rounded(g, o, math.floor)),
            ("ceil", lambda g, x: T_.rounded(g, x, math.ceil)),
            ("ispoweroftwo", lambda g, x: x > 0 and x & (x - 1) == 0),
            ("formatted", lambda g, form, *x: T_.printf(g, form, x)),
            ("ceiling ceilingkey", lambda g, o, x: min((i for i in o if i >= x), default=None)),
            ("substring sublist", lambda g, o, *x: T_.cut(g, T_.text(o) if not isinstance(o, list) or isinstance(o, T_.Builder) else o, *x)),
            ("substr", lambda g, o, *x: T_.substr(g, o, *x)),
            ("slice copyofrange", lambda g, o, *x: T_.slice(g, o, *x)),
            ("split fields splitwhitespace splitasciiwhitespace", lambda g, o, *x: T_.split(g, o, *x) if x else T_.text(o).split() if g != "js" else [o]),
            ("lines", lambda g, o: o.splitlines()),
            ("splitn", lambda g, o, a, b: o.split(a, b - 1) if g == "go" and isinstance(a, str) else o.split(b, a - 1)),
            ("join", lambda g, o, by=",": T_.text(by).join(["" if x is None else T_.show(g, x) for x in T_.each(g, o)])),
            ("concat", lambda g, o, *x: T_.concat(g, o, x)),
            ("repeat", lambda g, o, n: T_.text(o) * n if n >= 0 else T_.needed(None)),
            ("touppercase toupper toasciiuppercase", lambda g, o: T_.changed(g, o, str.upper)),
            ("tolowercase tolower toasciilowercase", lambda g, o: T_.changed(g, o, str.lower)),
            ("title capitalize", lambda g, o: T_.text(o).title()),
            ("trim strip trimspace trimmatches", lambda g, o, *x: T_.trim(g, T_.text(o), *x)),
            ("trimstart trimleft stripleading trimstartmatches", lambda g, o, *x: T_.trim(g, o, *x, ends="left")),
            ("trimend trimright striptrailing trimendmatches", lambda g, o, *x: T_.trim(g, o, *x, ends="right")),
            ("trimprefix", lambda g, o, x: o.removeprefix(x)),
            ("trimsuffix", lambda g, o, x: o.removesuffix(x)),
            ("stripprefix", lambda g, o, x: o[len(x) :] if o.startswith(x) else None),
            ("stripsuffix", lambda g, o, x: o[: len(o) - len(x)] if o.endswith(x) else None),
            ("replace replacefirst", lambda g, o, *x: T_.replace(g, o, *x) if not isinstance(o, T_.Builder) else T_.put_all(o, "".join(o)[: x[0]] + x[2] + "".join(o)[x[1] :])),
            ("replaceall", lambda g, o, *x: o.replace(*x) if g == "go" else T_.replace_all(g, o, *x)),
            ("startswith hasprefix", lambda g, o, x, *m: x(T_.Char(o[0])) if callable(x) and o else o.startswith(x, *m) if isinstance(o, str) else o[: len(x)] == x),
            ("endswith hassuffix", lambda g, o, x: x(T_.Char(o[-1])) if callable(x) and o else o.endswith(x) if isinstance(o, str) else o[len(o) - len(x) :] == x),
            ("padstart", lambda g, o, n, by=" ": T_.padding(o, n, by) + o),
            ("padend", lambda g, o, n, by=" ": o + T_.padding(o, n, by)),
            ("match", lambda g, o, x: T_.match(o, x)),
            ("matchall", lambda g, o, x: [[m[0], *m.groups()] for m in re.finditer(x[0], o)]),
            ("matches", lambda g, o, x: o.count(x) and [x] * o.count(x) if g == "rust" else re.fullmatch(x, o) is not None),
            ("test", lambda g, o, x: re.search(o[0], T_.show(g, x)) is not None),
            ("search", lambda g, o, x: next((m.start() for m in re.finditer(x[0], o)), -1)),
            ("charcodeat codepointat", lambda g, o, k=0: ord(o[k]) if 0 <= k < len(o) else math.nan if g == "js" else T_.index(g, o, k)),
            ("codepoints", lambda g, o: [ord(c) for c in o]),
            ("equals eq equal deepequal", lambda g, o, x: T_.same(g if g != "js" else "", "==", o, x)),
            ("equalsignorecase eqignoreasciicase equalfold", lambda g, o, x: o.lower() == x.lower()),
            ("ne", lambda g, o, x: not T_.same(g, "==", o, x)),
            ("compareto cmp partialcmp compare localecompare totalcmp strcmp", lambda g, o, x: T_.order_of(g, o, x)),
            ("comparetoignorecase", lambda g, o, x: T_.compare(o.lower(), x.lower())),
            ("then", lambda g, o, x: o or x),
            ("thenwith", lambda g, o, f: o or f()),
            ("tostring", lambda g, o, *x: T_.string(g, o, *x)),
            ("str writestring writebyte writerune", lambda g, o, *x: T_.add(g, o, *[T_.char(i) if isinstance(i, int) else i for i in x]) if x else T_.show(g, o)),
            ("tofixed", lambda g, o, n=0: T_.fixed(g, o, n)),
            ("tolocalestring", lambda g, o: format(o, ",")),
            ("isletter isalpha isalphabetic isasciialphabetic", lambda g, o: T_.letter(o).isalpha()),
            ("isdigit isnumeric isasciidigit isnumber", lambda g, o, *x: T_.letter(o).isdigit()),
            ("isletterordigit isalnum isalphanumeric isasciialphanumeric", lambda g, o: T_.letter(o).isalnum()),
            ("isupper isuppercase isasciiuppercase", lambda g, o: T_.letter(o).isupper()),
            ("islower islowercase isasciilowercase", lambda g, o: T_.letter(o).islower()),
            ("isspace iswhitespace isasciiwhitespace isblank", lambda g, o: not T_.text(T_.letter(o)).strip() if not isinstance(o, int) else chr(o).isspace()),
            ("ispunct isasciipunctuation", lambda g, o: 32 < ord(T_.letter(o)) < 127 and not T_.letter(o).isalnum()),
            ("isxdigit isasciihexdigit", lambda g, o: T_.letter(o) in "0123456789abcdefABCDEF"),
            ("getnumericvalue todigit digit", lambda g, o, base=10: T_.digit(g, o, base)),
            ("parse", lambda g, o, how="i64": T_.read(how, o)),
            ("intvalue longvalue aslong", lambda g, o: int(o)),
            ("doublevalue", lambda g, o: float(o)),
            ("unwrap expect getasint getasdouble getaslong orelsethrow", lambda g, o, *x: T_.needed(o)),
            ("unwrapor orelse unwrapordefault", lambda g, o, x=0: x if o is None else o),
            ("unwraporelse orelseget", lambda g, o, f: f() if o is None else o),
            ("mapor", lambda g, o, x, f: x if o is None else f(o)),
            ("issome isok ispresent issomeand isokand", lambda g, o, *f: o is not None and (not f or f[0](o))),
            ("isnone iserr", lambda g, o: o is None),
            ("ok okor", lambda g, o, *x: o),
            ("ifpresent", lambda g, o, f: f(o) if o is not None else None),
            ("charvalue booleanvalue aschar", lambda g, o: o),
            ("collect", lambda g, o, *x: T_.collect(g, o, *x)),
            ("abs fabs llabs labs unsignedabs", lambda g, x: abs(x)),
            ("sqrt", lambda g, x: T_.float_(g, math.sqrt(x)) if x >= 0 else math.nan),
            ("cbrt", lambda g, x: T_.float_(g, round(abs(x) ** (1 / 3), 12)) * (-1 if x < 0 else 1)),
            ("pow powi powf checkedpow", lambda g, a, b, *m: T_.power(g, a, b)),
            ("floor2 trunc", lambda g, x: T_.float_(g, math.trunc(x))),
            ("round lround", lambda g, x, *m: T_.round(g, x)),
            ("exp", lambda g, x: math.exp(x)),
            ("ln log", lambda g, x, *b: T_.divide(T_.log(x), T_.log(b[0])) if b else T_.log(x)),
            ("log10", lambda g, x: math.log10(x) if x > 0 else T_.log(x)),
            ("log2", lambda g, x: math.log2(x) if x > 0 else T_.log(x)),
            ("sin", lambda g, x: math.sin(x)),
            ("cos", lambda g, x: math.cos(x)),
            ("tan", lambda g, x: math.tan(x)),
            ("atan", lambda g, x: math.atan(x)),
            ("atan2", lambda g, a, b: math.atan2(a, b)),
            ("hypot", lambda g, *x: math.hypot(*x)),
            ("fmod", lambda g, a, b: T_.remainder(float(a), float(b))),
            ("mod remeuclid floormod", lambda g, a, b: a % b if g != "go" else T_.remainder(float(a), float(b))),
            ("floordiv diveuclid", lambda g, a, b: a // b),
            ("sign signum", lambda g, x: (x > 0) - (x < 0)),
            ("isnan", lambda g, x, *m: T_.number(x) != T_.number(x) if g == "js" else x != x),
            ("isfinite", lambda g, x: math.isfinite(T_.number(x))),
            ("isinfinite isinf", lambda g, x, *m: math.isinf(x)),
            ("clamp", lambda g, x, a, b: min(max(x, a), b)),
            ("absdiff", lambda g, a, b: abs(a - b)),
            ("wrappingadd checkedadd saturatingadd", lambda g, a, b: a + b),
            ("wrappingsub checkedsub", lambda g, a, b: a - b),
            ("saturatingsub", lambda g, a, b: max(a - b, 0)),
            ("wrappingmul checkedmul saturatingmul multiply", lambda g, a, b: a * b),
            ("countones bitcount onescount", lambda g, x: bin(x & ((1 << 64) - 1) if x < 0 else x).count("1")),
            ("trailingzeros numberoftrailingzeros", lambda g, x: (x & -x).bit_length() - 1 if x else 64),
            ("subtract", lambda g, a, b: a - b),
            ("divide", lambda g, a, b: T_.quotient(a, b)),
            ("gcd", lambda g, a, b: math.gcd(a, b)),
            ("lcm", lambda g, a, b: math.lcm(a, b)),
            ("hashcode", lambda g, o: functools.reduce(lambda h, c: T_.bits(h * 31 + ord(c)), o, 0)),
            ("getordinal ordinal", lambda g, o: o),
            ("apply applyasint accept applyasdouble", lambda g, f, *x: f(*x)),
            ("asiterator withcapacity reserve ensurecapacity shrinktofit capacity cap grow", lambda g, o, *x: T_.length(o)),
            ("tochar", lambda g, o: T_.Char(o)),
            ("hasownproperty", lambda g, o, x: T_.member(o, x)),
        )
        for name in names.split()
    }
    F = {
        name: made
        for names, made in (
            ("max Max fmax Math.max", lambda g, *x: T_.best(max, g, *x) if x else -math.inf),
            ("min Min fmin Math.min", lambda g, *x: T_.best(min, g, *x) if x else math.inf),
            ("floor Floor", lambda g, x: T_.rounded(g, x, math.floor)),
            ("ceil Ceil", lambda g, x: T_.rounded(g, x, math.ceil)),
            ("trunc Trunc", lambda g, x: T_.rounded(g, x, math.trunc)),
            ("abs fabs Abs", lambda g, x: abs(T_.number(x)) if g == "js" else float(abs(x)) if g == "go" else abs(x)),
            ("Math.pow pow Pow", lambda g, a, b: T_.power(g, a, b)),
            ("sum Integer.sum", lambda g, *x: sum(x) if len(x) > 1 else sum(*x)),
            ("parseInt Integer.parseInt Integer.valueOf Long.parseLong Long.valueOf", lambda g, x, *b: T_.parse_int(g, x, *b)),
            ("Number.parseInt", lambda g, x, *b: T_.parse_int(g, x, *b)),
            ("stoi stol stoll atoi atol strtol", lambda g, x, *b: T_.parse(g, x, 10, True) or (0 if g == "c" or T_.parse(g, x, 10, True) == 0 else T_.needed(None))),
            ("parseFloat Number.parseFloat Double.parseDouble Double.valueOf stod atof stof", lambda g, x: T_.parse_float(g, x)),
            ("Atoi", lambda g, x: T_.with_error(T_.parse(g, x))),
            ("ParseInt", lambda g, x, base=10, *m: T_.with_error(T_.parse(g, x, base))),
            ("ParseFloat", lambda g, x, *m: T_.with_error(T_.parse_float(g, x))),
            ("Itoa to_string valueOf String Integer.toString Double.toString Long.toString Character.toString String.valueOf copyValueOf", lambda g, x, *b: T_.string(g, T_.text(x) if g == "java" and isinstance(x, list) and all(isinstance(c, str) for c in x) else x, *b)),
            ("FormatInt", lambda g, x, base: T_.in_base(x, base)),
            ("toBinaryString", lambda g, x: bin(x & 0xFFFFFFFF if x < 0 else x)[2:]),
            ("toHexString", lambda g, x: "%x" % (x & 0xFFFFFFFF)),
            ("Number", lambda g, x=0: T_.number(x) if x is not None else 0),
            ("BigInt", lambda g, x: int(x)),
            ("Boolean", lambda g, x: T_.truth(g, x)),
            ("Array", lambda g, *x: T_.new(g, "Array", *x)),
            ("Array.from", lambda g, x, f=None: T_.from_(g, x, f)),
            ("Array.of List.of Arrays.asList Set.of vec", lambda g, *x: list(x[0]) if len(x) == 1 and isinstance(x[0], list) and g == "java" else list(x)),
            ("Array.isArray", lambda g, x: isinstance(x, list)),
            ("Number.isInteger", lambda g, x: isinstance(x, int) and not isinstance(x, bool)),
            ("Object.keys", lambda g, o: [str(k) for k in T_.keys(o)]),
            ("Object.values", lambda g, o: [o[k] for k in T_.keys(o)]),
            ("Object.entries", lambda g, o: [[str(k), o[k]] for k in T_.keys(o)]),
            ("Object.fromEntries", lambda g, x: {T_.show(g, k): v for k, v in T_.each(g, x)}),
            ("Object.assign", lambda g, o, *x: T_.assign(o, x)),
            ("Object.is", lambda g, a, b: a is b or a == b),
            ("String.fromCharCode String.fromCodePoint", lambda g, *x: "".join([chr(int(c)) for c in x])),
            ("JSON.stringify", lambda g, x, *m: json.dumps(x, separators=(",", ":"), ensure_ascii=False)),
            ("JSON.parse", lambda g, x: json.loads(x)),
            ("String.format format Sprintf String.formatted sprintf", lambda g, form, *x: T_.braces(g, form, x) if g in ("rust", "cpp") else T_.printf(g, form, x)),
            ("Sprint", lambda g, *x: "".join([T_.show(g, i) for i in x])),
            ("Errorf errors.New", lambda g, *x: ValueError(*x)),
            ("String.join", lambda g, by, *x: T_.text(by).join([T_.show(g, i) for i in (x[0] if len(x) == 1 and not isinstance(x[0], str) else x)])),
            ("strings.Map", lambda g, f, s: "".join([T_.letter(f(T_.Char(c))) for c in s])),
            ("IndexFunc", lambda g, o, f: T_.place(g, o, f)),
            ("FieldsFunc", lambda g, o, f: [x for x in T_.split(g, o, f) if x]),
            ("strings.Count", lambda g, o, x: o.count(x)),
            ("strings.Trim TrimFunc", lambda g, o, x: T_.trim(g, o, x)),
            ("strings.Replace", lambda g, o, a, b, n=-1: o.replace(a, b, n)),
            ("strings.IndexByte IndexRune ContainsRune", lambda g, o, x: o.find(T_.letter(x))),
            ("ContainsRune ContainsAny", lambda g, o, x: any(c in o for c in T_.letter(x))),
            ("sort.Slice sort.SliceStable Slice SliceStable", lambda g, o, f: T_.sort_places(g, o, f)),
            ("Ints Strings Float64s SortFunc SortStableFunc", lambda g, o, *f: o.sort() if not f else T_.sort(g, o, *f)),
            ("sort.Sort", lambda g, o: o.sort()),
            ("sort.Reverse reverseOrder Reverse", lambda g, *x: (lambda a, b: T_.compare(b, a)) if g == "java" else T_.reversed_(*x)),
            ("naturalOrder", lambda g: T_.compare),
            ("comparing comparingInt comparingDouble comparingLong comparator", lambda g, *f: T_.comparing(*f)),
            ("comparingByKey", lambda g, *f: T_.comparing(lambda e: e[0], *f)),
            ("comparingByValue", lambda g, *f: T_.comparing(lambda e: e[1], *f)),
            ("Arrays.sort Collections.sort", lambda g, o, *x: T_.sort_part(g, o, *x)),
            ("Collections.reverse slices.Reverse", lambda g, o: o.reverse()),
            ("Collections.swap", lambda g, o, i, j: T_.swap(o, i, j)),
            ("Collections.max Collections.min", lambda g, o, *f: T_.best(max, g, o, *f)),
            ("Collections.min", lambda g, o, *f: T_.best(min, g, o, *f)),
            ("Collections.frequency", lambda g, o, x: list(o).count(x)),
            ("Collections.nCopies", lambda g, n, x: [x] * n),
            ("Collections.emptyList", lambda g: []),
            ("Collections.addAll", lambda g, o, *x: T_.add_all(g, o, list(x))),
            ("Arrays.stream Stream.of IntStream.of", lambda g, *x: list(T_.cut(g, *x)) if isinstance(x[0], list) else list(x)),
            ("Arrays.toString Arrays.deepToString", lambda g, o: T_.show(g, o)),
            ("Arrays.equals Objects.equals", lambda g, a, b: T_.same(g, "==", a, b)),
            ("Arrays.copyOf", lambda g, o, n: o[:n] + [0] * (n - len(o))),
            ("Arrays.copyOfRange", lambda g, o, a, b: o[a:b] + [0] * (b - max(len(o), a))),
            ("range", lambda g, a, b: list(range(a, b))),
            ("rangeClosed", lambda g, a, b: list(range(a, b + 1))),
            ("Collectors.toList toUnmodifiableList", lambda g: list),
            ("Collectors.toSet", lambda g: lambda o: T_.TreeSet.fromkeys(map(T_.key, o))),
            ("Collectors.joining", lambda g, by="", a="", b="": lambda o: a + by.join([T_.show(g, x) for x in o]) + b),
            ("Collectors.counting", lambda g: len),
            ("Collectors.groupingBy", lambda g, f, *m: T_.group(f, *m[-1:])),
            ("Collectors.toMap", lambda g, f, h, *m: lambda o: T_.Tree(int, {T_.key(f(x)): h(x) for x in o})),
            ("Function.identity identity", lambda g: lambda x: x),
            ("Map.entry make_pair pair make_tuple SimpleEntry", lambda g, *x: list(x)),
            ("tie", lambda g, *x: tuple(x)),
            ("string", lambda g, *x: T_.cast(g, "string", x[0]) if len(x) == 1 else T_.new(g, "string", *x)),
            ("strlen", lambda g, o: len(T_.text(o))),
            ("strcmp", lambda g, a, b: T_.compare(T_.text(a), T_.text(b))),
            ("strncmp", lambda g, a, b, n: T_.compare(T_.text(a)[:n], T_.text(b)[:n])),
            ("strdup", lambda g, x: T_.into(x)),
            ("strchr", lambda g, o, x: o[o.find(T_.letter(x)) :] if T_.letter(x) in o else None),
            ("strstr", lambda g, o, x: o[o.find(x) :] if x in o else None),
            ("sizeof", lambda g, x=0: len(x) if isinstance(x, list) else 1),
            ("malloc", lambda g, n: [0] * n),
            ("calloc", lambda g, n, m=1: [0] * (n * m)),
            ("realloc", lambda g, o, n: (o or []) + [0] * (n - len(o or []))),
            ("free printf println cout print fmt.Println console.log System.out.println puts", lambda g, *x: None),
            ("memset", lambda g, o, x, *n: T_.put_all(o, [x] * len(o))),
            ("qsort", lambda g, o, n, size, f: T_.put_all(o, T_.ordered(g, o[:n], f) + o[n:])),
            ("append", lambda g, o, *x: [*(o or []), *x]),
            ("len size", lambda g, o: 0 if o is None else T_.length(o)),
            ("make", lambda g, text, *n: T_.default(g, text, *n[:1]) if not text.startswith("map") else T_.default(g, text)),
            ("delete", lambda g, o, k: o.pop(T_.key(k), None)),
            ("copy", lambda g, o, x: T_.put_all(o, list(x[: len(o)]) + o[len(x) :])),
            ("unicode.ToUpper unicode.ToLower", lambda g, x: T_.changed("rust", x, str.upper)),
            ("unicode.ToLower", lambda g, x: T_.changed("rust", x, str.lower)),
            ("utf8.RuneCountInString", lambda g, x: len(x)),
            ("from_digit", lambda g, x, base=10: T_.Char(T_.in_base(x, base)) if x < base else None),
            ("from_u32 char.from", lambda g, x: T_.char(x)),
            ("from_utf8 from_utf8_lossy from_iter String.from_utf8", lambda g, x: T_.text(x)),
            ("String.from str.from", lambda g, x: T_.show(g, x)),
            ("i64.from i32.from u32.from u64.from usize.from f64.from", lambda g, x: ord(x) if isinstance(x, str) else x),
            ("repeat", lambda g, x, n: T_.text(x) * n if isinstance(x, str) and g != "rust" else [x] * n),
            ("next next_iter prev", lambda g, x, n=1: T_.op(g, "+", x, n)),
            ("Some Ok Rc.new Box.new move ref", lambda g, x=None: x),
            ("back_inserter", lambda g, o: o),
            ("isspace", lambda g, x: T_.letter(x).isspace()),
            ("mem.swap", lambda g, *x: T_.put_pair(*x)),
            ("mem.take", lambda g, o: T_.splice(g, o, 0) if isinstance(o, list) else o),
            ("structuredClone", lambda g, x: T_.into(x)),
        )
        for name in names.split()
    }
    OPS = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: T_.quotient(a, b),
        "%": lambda a, b: T_.remainder(a, b),
        "**": lambda a, b: a**b,
        "&": lambda a, b: a & b,
        "|": lambda a, b: a | b,
        "^": lambda a, b: a ^ b,
        "<<": lambda a, b: a << (b & 63),
        ">>": lambda a, b: a >> (b & 63),
        ">>>": lambda a, b: (a & 0xFFFFFFFF) >> (b & 31),
        "&^": lambda a, b: a & ~b,
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
