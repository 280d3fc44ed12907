"""Elements and fields, iterators."""

from __future__ import annotations

from typing import Any

from .formatting import show
from .numbers import to_number
from .values import Builder, Char, Heap, Iter, Map, Set, char, each, key_of, length, sorted_keys


def member(o: Any, k: Any) -> bool:
    """Whether a key is there."""
    k = key_of(k)
    return k in o or (not isinstance(o, (Map, Set, str, list)) and show("js", k) in o)


def index(g: str, o: Any, k: Any) -> Any:
    """An element."""
    if type(o) is list and type(k) is int and 0 <= k < len(o):
        return o[k]
    if isinstance(o, Iter):
        return behind(g, o, k)
    if isinstance(o, dict):
        return value(g, o, key_of(k))
    if isinstance(o, (int, float)) or (o is None and g != "js"):
        if k == 0 and o is not None:
            return o  # what * stands before is the value already
        raise TypeError("it has no elements")
    if isinstance(o, Heap):
        o = o[:0:-1]
    if g == "js":
        k = to_number(k) if isinstance(k, str) else k
        return o[k] if isinstance(k, int) and 0 <= k < len(o) else None
    if isinstance(k, Char):
        k = ord(k)
    if not 0 <= k < len(o):
        if k == len(o) and g in ("c", "cpp") and isinstance(o, str):
            return Char("\0")
        raise IndexError(k)
    return Char(o[k]) if isinstance(o, str) else o[k]


def made_default(o: Any) -> Any:
    """The default of a map's values."""
    return o.default_factory() if isinstance(o, Map) and o.default_factory else 0


def value(g: str, o: Any, k: Any) -> Any:
    """The value of a key of a map."""
    if k in o:
        return o[k]
    if g == "js":
        return o.get(show(g, k)) if not isinstance(o, Map) else None
    if g == "cpp":
        o[k] = made_default(o)
        return o[k]
    if g == "go":
        return made_default(o)
    raise KeyError(k)


def behind(g: str, it: Any, k: int = 0) -> Any:
    """What an iterator points at, k places on."""
    o, place, way = it
    if isinstance(o, dict) and not isinstance(place, int):
        return place[0] if isinstance(o, Set) else (place[0], o[place[0]])
    o = o if isinstance(o, (str, list)) and not isinstance(o, Heap) else list(each(g, o))
    place = place + k if way > 0 else len(o) - 1 - place - k
    return index(g, o, place)


def span(a: Any, b: Any, *_rest: Any) -> tuple[Any, int, int, list[Any]]:
    """The container between two iterators: container, start, end, the elements in their order."""
    a = a if isinstance(a, Iter) else Iter((a, 0, 1))
    o, low, high = a[0], a[1], b[1]
    if a[2] < 0:
        size = len(o)
        return o, size - high, size - low, list(each("cpp", o))[size - high : size - low][::-1]
    if isinstance(o, dict):
        return o, 0, len(o), list(each("cpp", o))
    return o, low, high, list(each("cpp", o))[low:high]


def put(g: str, o: Any, k: Any, value: Any) -> Any:
    """Change an element, and give its new value."""
    if isinstance(o, Iter):
        o, k = o[0], o[1] + k if o[2] > 0 else len(o[0]) - 1 - o[1] - k
    if isinstance(o, dict):
        plain = g == "js" and not isinstance(o, (Map, Set)) and isinstance(k, (int, float, list, tuple, dict))
        o[show(g, k) if plain else key_of(k)] = value
        return value
    if k in ("first", "second", "x", "y"):
        k = int(k in ("second", "y"))
    if g == "js":
        if k == "length":
            del o[value:]
            return value
        k = to_number(k)
        o.extend([None] * (k + 1 - len(o)))
    k = ord(k) if isinstance(k, str) else k
    if k == len(o) and value in ("\0", 0) and g == "c":
        return value
    if not 0 <= k < len(o):
        raise IndexError(k)
    chars = isinstance(o[k], Char) and isinstance(value, int) and g != "js"
    o[k] = Char(chr(value)) if chars else value
    return value


def get(g: str, o: Any, name: str) -> Any:
    """A field."""
    if isinstance(o, Iter):
        o = behind(g, o)
    if name in ("length", "size") and not (isinstance(o, dict) and name in o):
        return length(o) if name == "length" or isinstance(o, dict) else value(g, o, name)
    if isinstance(o, dict):
        return o.get(name) if g == "js" else o[name]
    places = {"first": 0, "second": 1, "x": 0, "y": 1, "0": 0, "1": 1, "2": 2, "3": 3}
    if g == "js" or name not in places:
        raise TypeError(name)
    return o[places[name]]


def element_at(g: str, o: Any, k: Any, *missing: Any) -> Any:
    """An element by its place or key; what stands for a missing one may be given."""
    if g == "js" and isinstance(o, (str, list)):
        found = index(g, o, k + len(o) if k < 0 else k)
        return "" if found is None and isinstance(o, str) else found
    if isinstance(o, Builder):
        return index(g, "".join(o), k)
    if isinstance(o, dict):
        k = key_of(k)
        found = o[k] if k in o else o.get(show(g, k)) if not isinstance(o, Map) else None
        return missing[0] if missing and (found is None and k not in o) else found
    if g == "rust" and (isinstance(k, tuple) or not 0 <= k < len(o)):
        return o[k[0] : k[1]] if isinstance(k, tuple) else None
    return index(g, o, k)


def set_at(g: str, o: Any, k: Any, value: Any) -> Any:
    """Change an element, and give back the one before."""
    if isinstance(o, dict):
        o[key_of(k)] = value
        return o
    before = o[k]
    put(g, o, k, value)
    return before


def entry(g: str, o: Any, k: Any, value: Any) -> Any:
    """The value of a key, which is put there if it is missing: Rust's or_insert, Java's putIfAbsent."""
    k = key_of(k)
    if k not in o:
        o[k] = value(k) if callable(value) and g == "java" else value() if callable(value) else value
    return o[k]


def merge(o: Any, k: Any, value: Any, f: Any) -> Any:
    """Join a value to that of a key."""
    k = key_of(k)
    o[k] = f(o[k], value) if k in o else value
    return o[k]


def swap_in(o: Any, k: Any, value: Any) -> Any:
    """Give a key a value, and give back the one before."""
    before = o.get(k)
    o[k] = value
    return before


def keys_of(o: Any) -> Any:
    """The keys of a map, or the places of a list."""
    return list(range(len(o))) if isinstance(o, list) else sorted_keys(o)


def put_char(s: Any, i: Any, c: Any) -> Any:
    """A string with another character, which ends there if it is 0."""
    c = char(c)
    if c == "\0":
        return s[:i]
    if i > len(s):
        raise IndexError
    return s[:i] + c + s[i + 1 :]


def without(items: Any, x: Any) -> Any:
    """Remove a key, giving its value, or the first equal element."""
    if isinstance(items, dict):
        return items.pop(x, None)
    if x in items:
        items.remove(x)
    return None
