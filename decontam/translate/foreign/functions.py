"""Functions as arguments: comparators, and what is called with each element."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from .formatting import show
from .numbers import to_number
from .operators import truth
from .values import Char, Set, Tree, compare, each, is_map, is_text, key_of


def apply(f: Any, *args: Any) -> Any:
    """Call a function that may have fewer parameters, or takes a pair apart."""
    for given in range(1, len(args) + 1):
        try:
            return f(*args[:given])
        except TypeError as error:
            failed = error
    if isinstance(args[0], (tuple, list)):
        return f(*args[0])
    raise failed


def sort_key(g: str, f: Any) -> Any:
    """The sort key of a comparator that gives a number, or whether the first comes before the second."""

    def sign(a: Any, b: Any) -> Any:
        found = f(a, b)
        if isinstance(found, bool) and g != "js":
            return -1 if found else int(bool(f(b, a)))
        return 0 if found is None or found != found else found

    return functools.cmp_to_key(sign)


def ordered(g: str, x: Any, f: Any = None) -> list[Any]:
    """The elements in order."""
    if f is not None:
        return sorted(x, key=sort_key(g, f))
    if g == "js":
        return sorted(x, key=lambda i: (i is None, show(g, i)))
    return sorted(x)


def sort(g: str, o: Any, *f: Any) -> Any:
    """Sort a list in place."""
    o[:] = ordered(g, o, f[0] if f else None)
    return o


def sort_places(g: str, o: Any, f: Any) -> None:
    """Go's sort.Slice: the function compares places."""
    o[:] = [o[i] for i in ordered(g, range(len(o)), f)]


def sort_part(g: str, o: Any, *x: Any) -> None:
    """Sort a list or a part of it in place."""
    if len(x) > 1:
        o[x[0] : x[1]] = ordered(g, o[x[0] : x[1]], *x[2:])
    else:
        sort(g, o, *x)


def reduce(g: str, o: Any, f: Any, *start: Any) -> Any:
    """The elements joined by a function."""
    o = list(each(g, o))
    if g in ("java", "rust") and not callable(f):
        f, start = start[0], (f,)
    total = start[0] if start else o.pop(0)
    for place, x in enumerate(o):
        total = (
            f(total, x) if g != "js" else apply(lambda *more, t=total: f(t, *more), x, place + (not start), o)
        )
    return total


def mapped(g: str, o: Any, f: Any) -> Any:
    """What a function gives for each element, or for a value that is there."""
    if not isinstance(o, (list, dict, range, tuple, str)) or (is_text(o) and g != "cpp"):
        return None if o is None else f(o)
    if isinstance(o, dict) and not isinstance(o, Set):
        return [apply(f, pair) for pair in each(g, o)]
    return [apply(f, x, place, o) for place, x in enumerate(each(g, o))]


def kept(g: str, o: Any, f: Any) -> Any:
    """The elements for which a function holds."""
    if o is None or not isinstance(o, (list, dict, range, str)):
        return o if o is not None and f(o) else None
    return [x for place, x in enumerate(each(g, o)) if truth(g, apply(f, x, place, o))]


def first_of(g: str, o: Any, f: Any, missing: Any = None) -> Any:
    """The first element for which a function holds."""
    return next((x for i, x in enumerate(each(g, o)) if truth(g, apply(f, x, i, o))), missing)


def place_of(g: str, o: Any, f: Any) -> Any:
    """The place of the first element for which a function holds."""
    return next(
        (i for i, x in enumerate(each(g, o)) if truth(g, apply(f, x, i, o))),
        -1 if g != "rust" else None,
    )


def comparing(f: Any, then: Any = None) -> Callable[..., Any]:
    """A comparator of what a function gives; comparators are given back as they are."""

    def order(a: Any, b: Any) -> Any:
        try:
            return compare(f(a), f(b)) if then is None else then(f(a), f(b))
        except TypeError:
            return f(a, b)

    return order


def group(f: Any, down: Any = list) -> Any:
    """A collector by what a function gives."""

    def grouped(o: Any) -> Any:
        found = Tree(int)
        for x in o:
            found.setdefault(key_of(f(x)), []).append(x)
        return Tree(int, {k: down(v) for k, v in found.items()})

    return grouped


def best(choose: Any, g: str, o: Any, *more: Any) -> Any:
    """The largest or smallest of the arguments, or of the elements of one."""
    f = next((x for x in more if callable(x)), None)
    key = functools.cmp_to_key(f) if f else None
    if isinstance(o, (list, dict, range)) and (f or not more):
        o = list(each(g, o))
        return choose(o, key=key) if o else None
    if g == "js":
        both = [to_number(x) for x in (o, *more)]
        return math.nan if any(x != x for x in both) else choose(both)
    return choose(
        o, *[x for x in more if not callable(x)], key=lambda x: ord(x) if isinstance(x, Char) else x
    )


def flat(g: str, o: Any, depth: int = 1) -> list[Any]:
    """The elements of inner lists."""
    return [y for x in o for y in (flat(g, x, depth - 1) if isinstance(x, list) and depth > 0 else [x])]


def for_each(g: str, o: Any, f: Any) -> None:
    """Call a function with each element."""
    if is_map(o) and g == "js":
        for k, v in each(g, o):
            apply(f, v, k, o)
    elif not isinstance(o, list):
        mapped(g, o, f)
    else:
        for place, x in enumerate(o):
            apply(f, x, place, o)
