"""Places and numbers of elements and parts of text."""

from __future__ import annotations

from typing import Any

from .elements import member
from .functions import first_of, place_of
from .operators import same
from .values import Char, Iter, each, key_of, letter, to_text


def find(g: str, o: Any, x: Any, *start: Any) -> Any:
    """The place of a part of a text, the first element that fits, or the iterator of a key."""
    if callable(x):
        if isinstance(o, str):
            return place_of(g, o, x)
        return first_of(g, o, x)
    if isinstance(o, dict):
        return Iter((o, (key_of(x),), 1)) if key_of(x) in o else Iter((o, len(o), 1))
    if isinstance(x, list) and isinstance(o, str):
        return place_of(g, o, lambda c: c in x)
    found = to_text(o).find(to_text([x]) if isinstance(x, int) else x, *start)
    return None if found < 0 and g == "rust" else found


def index_of(g: str, o: Any, x: Any, *start: Any) -> Any:
    """The first place of an element or text, or -1."""
    if isinstance(o, list):
        low = start[0] if start else 0
        return next((i for i, y in enumerate(o) if i >= low and same(g, "===", y, x)), -1)
    return o.find(chr(x) if isinstance(x, int) else to_text(x), *start)


def last_index_of(g: str, o: Any, x: Any) -> Any:
    """The last place of an element or text, or -1."""
    if isinstance(o, list):
        return next((i for i in range(len(o) - 1, -1, -1) if same(g, "===", o[i], x)), -1)
    return o.rfind(chr(x) if isinstance(x, int) else x)


def contains(g: str, o: Any, x: Any) -> bool:
    """Whether an element, key or part is there."""
    if callable(x):
        return any(x(Char(c)) if isinstance(o, str) else x(c) for c in o)
    if isinstance(o, dict):
        return member(o, x)
    if isinstance(o, str):
        return (chr(x) if isinstance(x, int) else to_text(x)) in o
    return any(same(g, "===", y, x) for y in each(g, o))


def has_some(g: str, o: Any, x: Any) -> bool:
    """Whether an element is there or a function holds for one."""
    if callable(x) and not isinstance(o, str):
        return place_of(g, o, x) not in (-1, None)
    return contains(g, o, x)


def count_of(o: Any, *x: Any) -> Any:
    """How many elements there are, or how often one is there."""
    if not x:
        return len(o)
    if isinstance(o, dict):
        return int(member(o, x[0]))
    return o.count(letter(x[0]) if isinstance(o, str) else x[0])


def binary_search(g: str, o: Any, x: Any) -> Any:
    """The place of an element in a sorted list."""
    place = sum(1 for y in o if y < x)
    return place if place < len(o) and o[place] == x else None if g == "rust" else -place - 1
