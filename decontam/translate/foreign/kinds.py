"""Types by their text: values without an initialiser, new values and casts."""

from __future__ import annotations

import functools
import re
from typing import Any

from .containers import add_all
from .elements import span
from .formatting import show
from .functions import sort_key
from .numbers import bits, to_number
from .operators import operate, truth
from .values import (
    Builder,
    Char,
    Deque,
    Heap,
    Iter,
    Map,
    Set,
    Tree,
    TreeSet,
    compare,
    each,
    into,
    length_of,
    to_text,
)

#: Names of types, and what kind each is.
_KINDS = {
    name: kind
    for kind, names in (
        (
            "int",
            "int long short byte size_t ssize_t longlong longint longlongint shortint int8_t int16_t "
            "int32_t int64_t uint8_t uint16_t uint32_t uint64_t uint8 uint16 uint32 uint64 uint int8 "
            "int16 int32 int64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize Integer Long Short "
            "Byte BigInteger BigInt ll",
        ),
        ("float", "float double longdouble float32 float64 f32 f64 Double Float"),
        ("bool", "bool boolean Boolean _Bool"),
        ("char", "char Character rune wchar_t"),
        ("text", "string String str string_view Stringnew CharSequence"),
        (
            "list",
            "vector List ArrayList Vec array Array list stack Stack Vector Iterable Collection forward_list",
        ),
        ("Map", "unordered_map HashMap LinkedHashMap Map Hashtable ConcurrentHashMap"),
        ("Tree", "map TreeMap BTreeMap SortedMap NavigableMap"),
        ("Set", "unordered_set HashSet LinkedHashSet Set"),
        ("TreeSet", "set TreeSet BTreeSet SortedSet NavigableSet"),
        ("Deque", "deque queue Deque ArrayDeque LinkedList Queue VecDeque"),
        ("Heap", "priority_queue PriorityQueue BinaryHeap"),
        (
            "Builder",
            "StringBuilder StringBuffer Builder ostringstream stringstream StringJoiner Buffer bytesBuffer",
        ),
        ("pair", "pair tuple"),
    )
    for name in names.split()
}


_QUALIFIERS = re.compile(
    r"\b(?:std|collections|const|static|final|unsigned|signed|mut|struct|strings|java|util)\b"
)


def inner_types(text: str) -> list[str]:
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


#: Functions of C++ that are types, with their operators.
_FUNCTORS = {
    **{"greater": ">", "less": "<", "greater_equal": ">=", "less_equal": "<=", "equal_to": "=="},
    **{"plus": "+", "minus": "-", "multiplies": "*", "modulus": "%"},
}


def kind_of(text: str) -> str:
    """What a type is: the name of one of the kinds above, or its own name."""
    name = _QUALIFIERS.sub("", text)
    name = re.sub(r"<.*>|[&*:\s.]|'\w+", "", name)
    if name.startswith("map["):
        return "Map"
    if not name and "signed" in text:
        return "int"
    if name.endswith("[]") or re.match(r"\[\w*[\];]", name):
        return "array"
    return _KINDS.get(name, name)


def default(g: str, text: str, *sizes: Any) -> Any:
    """The value of a declaration without one."""
    if sizes:
        return [default(g, text.replace("[]", ""), *sizes[1:]) for _ in range(length_of(sizes[0]))]
    kind = kind_of(text)
    if g == "js" or (g == "java" and kind not in ("int", "float", "bool", "char")):
        return None
    if kind == "array":
        found = re.match(r"\[(\d+)\](.*)", text.strip()) or re.match(r"(.*?)\[(\d*)\]", text)
        size, inner = sorted(found.groups()) if found else ("", text)
        return [default(g, inner) for _ in range(int(size or 0))]
    simple = {"int": 0, "float": 0.0, "bool": False, "char": Char("\0"), "text": ""}
    if "*" in text and g != "rust":
        return None
    if kind == "char" and g in ("go", "rust"):
        return 0
    if kind in simple:
        return simple[kind]
    return empty(g, kind, text)


def empty(g: str, kind: str, text: str) -> Any:
    """An empty container."""
    inner = inner_types(text)
    if kind == "list" and "array<" in text:
        return [default(g, inner[0]) for _ in range(int(inner[-1]))]
    if kind == "pair":
        return [default(g, part) for part in inner]
    if kind in ("Map", "Tree"):
        factory = functools.partial(default, g, inner[-1] or "int")
        return Tree(factory) if kind == "Tree" or (g == "java" and "Linked" not in text) else Map(factory)
    if kind == "Set" and g == "java" and "Linked" not in text:
        kind = "TreeSet"
    if kind == "Heap":
        least = "greater<" in text or g == "java"
        return heap(lambda a, b: compare(a, b) if least else compare(b, a))
    kinds = {"list": list, "Set": Set, "TreeSet": TreeSet, "Deque": Deque, "Builder": Builder}
    if kind not in kinds:
        if re.match(r"^[A-Z]\w*$|^error$|^auto$|^void$", kind) or kind in ("any", "interface{}"):
            return None
        raise NotImplementedError(text)
    return kinds[kind]()


def heap(less: Any) -> Heap:
    """A queue whose next element is the one before all others."""
    return Heap([sort_key("", lambda a, b: less(b, a))])


def new(g: str, text: str, *args: Any) -> Any:
    """A new value of a type."""
    kind, name = kind_of(text), re.sub(r"<.*", "", text).strip().removeprefix("std::")
    if name == "BigInteger":
        return int(*args)
    if name in _FUNCTORS:
        return functools.partial(operate, g, _FUNCTORS[name])
    if kind in ("array", "int", "float", "bool", "char"):
        return default(g, text.replace("[]", "", len(args)), *args)
    if kind == "text":
        return string_of(*args) if len(args) > 1 else "".join([to_text(a) for a in args])
    if name == "Array" or (kind == "list" and g == "js"):
        return [None] * args[0] if len(args) == 1 and isinstance(args[0], int) else list(args)
    if name.endswith(("Exception", "Error")):
        return ValueError(*args)
    return _filled(g, text, empty(g, kind, text), args)


def _filled(g: str, text: str, made: Any, args: tuple[Any, ...]) -> Any:
    """A container with what it is made of: elements, iterators, a size or a comparator."""
    if isinstance(made, Heap):
        for arg in args:
            if isinstance(arg, (list, dict)):
                add_all(g, made, arg)
            elif not isinstance(arg, int):
                made = heap(arg)
    elif isinstance(made, Builder):
        made += [show(g, a) for a in args if not isinstance(a, int)]
    elif g == "cpp" and len(args) == 2 and isinstance(args[1], Iter):
        add_all(g, made, span(*args)[3])
    elif g in ("c", "cpp") and args and isinstance(args[0], int):
        zero = default(g, inner_types(text)[0]) if len(args) == 1 else args[1]
        made += [into(zero) for _ in range(args[0])]
    elif args and isinstance(args[0], (list, dict, str, tuple)):
        add_all(g, made, args[0])
    return made


def string_of(a: Any, b: Any, *rest: Any) -> str:
    """A string of repeated characters, or of a part of another."""
    if isinstance(b, Iter):
        return to_text(span(a, b)[3])
    if isinstance(a, int):
        return to_text([b]) * a
    return to_text(a)[b : b + rest[0] if rest else None]


def cast(g: str, text: str, x: Any) -> Any:
    """A value converted to a type."""
    kind = kind_of(text)
    if kind == "int" and not isinstance(x, (list, dict)):
        if isinstance(x, str):
            return ord(x) if len(x) == 1 and g != "js" else to_number(x)
        if text in ("u8", "uint8_t"):
            return int(x) & 255
        return bits(x) if text in ("int", "i32", "int32") and isinstance(x, int) else int(x)
    if kind == "float":
        return float(ord(x) if isinstance(x, Char) else to_number(x))
    if kind == "bool":
        return truth(g, x)
    if kind == "char" or (kind == "text" and isinstance(x, int) and g == "go"):
        return Char(chr(int(x)) if isinstance(x, (int, float)) else x[:1])
    if kind == "text":
        return to_text(x) if isinstance(x, list) else show(g, x)
    if not isinstance(x, (list, str, dict)):
        return x
    if kind in ("array", "list"):
        return list(each(g, x))
    if kind in ("Set", "TreeSet", "Map", "Tree", "Deque"):
        made = empty(g, kind, text)
        add_all(g, made, x)
        return made
    return x


def collect(g: Any, o: Any, how: Any = None) -> Any:
    """The elements in a container."""
    if callable(how):
        return how(list(each(g, o)))
    return cast(g, how, o) if how else to_text(o) if isinstance(o, str) else list(each(g, o))
