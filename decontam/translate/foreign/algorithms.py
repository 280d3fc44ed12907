"""Algorithms of C++ between two iterators."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from .elements import span
from .functions import ordered, sort_key
from .methods import call
from .operators import operate, same
from .values import Iter, into


class _Span(NamedTuple):
    """A container, the places between the iterators, the elements there, -1 if backwards; the language."""

    owner: Any
    low: int
    high: int
    part: list[Any]
    way: int
    language: str


def between(g: str, name: str, a: Any, b: Any, *rest: Any) -> Any:
    """What an algorithm gives for the elements between two iterators."""
    owner, low, high, part = span(a, b)
    if name not in _ALGORITHMS:
        return call(g, part, name, *rest)
    way = a[2] if isinstance(a, Iter) else 1
    return _ALGORITHMS[name](_Span(owner, low, high, part, way, g), *rest)


def _test(s: _Span, f: Any) -> Callable[[Any], Any]:
    """Whether an element fits: a function, or a value that it has to equal."""
    return f if callable(f) else lambda x: same(s.language, "==", x, f)


def _become(s: _Span, elements: list[Any]) -> None:
    s.owner[s.low : s.high] = elements[:: s.way]


def _keep(s: _Span, kept: list[Any]) -> Iter:
    """Put the kept elements to the beginning, and give the place behind them."""
    s.owner[s.low : s.high] = kept + s.part[len(kept) :]
    return Iter((s.owner, s.low + len(kept), 1))


def _remove(s: _Span, f: Any) -> Iter:
    test = _test(s, f)
    return _keep(s, [x for x in s.part if not test(x)])


def _at(s: _Span, place: int) -> Iter:
    return Iter((s.owner, s.low + place, s.way))


def _find(s: _Span, f: Any) -> Iter:
    test = _test(s, f)
    return _at(s, next((i for i, x in enumerate(s.part) if test(x)), len(s.part)))


def _best(choose: Callable[..., Any]) -> Callable[..., Any]:
    return lambda s, *less: choose(s.part, key=sort_key(s.language, less[0]) if less else None)


def _accumulate(s: _Span, start: Any = 0, join: Any = None) -> Any:
    return functools.reduce(join or (lambda a, b: operate(s.language, "+", a, b)), s.part, start)


def _copy(s: _Span, out: Any, f: Any = None) -> None:
    """Put the elements, or what a function gives for them, behind an iterator or a container's end."""
    made = [f(x) for x in s.part] if f else s.part
    owner, low = (out[0], out[1]) if isinstance(out, Iter) else (out, len(out))
    owner[low : low + len(made)] = made


def _sort(s: _Span, less: Any = None) -> None:
    _become(s, ordered(s.language, s.part, less))


_ALGORITHMS: dict[str, Callable[..., Any]] = {
    "sort": _sort,
    "stable_sort": _sort,
    "partial_sort": _sort,
    "reverse": lambda s: _become(s, s.part[::-1]),
    "fill": lambda s, x: _become(s, [into(x) for _ in s.part]),
    "iota": lambda s, x: _become(s, [x + i for i in range(len(s.part))]),
    "unique": lambda s: _keep(s, [k for k, _ in itertools.groupby(s.part)]),
    "remove": _remove,
    "remove_if": _remove,
    "find": _find,
    "find_if": _find,
    "lower_bound": lambda s, x: _at(s, sum(1 for y in s.part if y < x)),
    "upper_bound": lambda s, x: _at(s, sum(1 for y in s.part if y <= x)),
    "max_element": _best(max),
    "min_element": _best(min),
    "accumulate": _accumulate,
    "reduce": _accumulate,
    "count": lambda s, f: sum(map(bool, map(_test(s, f), s.part))),
    "count_if": lambda s, f: sum(map(bool, map(_test(s, f), s.part))),
    "binary_search": lambda s, x: x in s.part,
    "distance": lambda s: len(s.part),
    "is_sorted": lambda s, *less: s.part == ordered(s.language, s.part, *less),
    "transform": _copy,
    "copy": _copy,
}
