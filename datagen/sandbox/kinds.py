"""Which types are data, and how their values are written (wire.py)."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
from collections.abc import Callable
from typing import Any

#: Types of the standard library that are data: how each is written as arguments of its constructor.
MADE: dict[type, Callable[[Any], list[Any]]] = {
    decimal.Decimal: lambda v: [str(v)],
    fractions.Fraction: lambda v: [v.numerator, v.denominator],
    datetime.timedelta: lambda v: [v.days, v.seconds, v.microseconds],
    datetime.date: lambda v: [v.year, v.month, v.day],
    datetime.time: lambda v: [v.hour, v.minute, v.second, v.microsecond],
    datetime.datetime: lambda v: [v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond],
}
MAKERS = {made.__name__: made for made in MADE}
LISTED: dict[type, str] = {
    list: "l",
    tuple: "t",
    set: "S",
    frozenset: "F",
    collections.deque: "q",
    type({}.keys()): "vk",
    type({}.values()): "vv",
    type({}.items()): "vi",
}
PAIRED: dict[type, str] = {
    dict: "d",
    collections.OrderedDict: "O",
    collections.defaultdict: "D",  # the name of its factory follows
    collections.Counter: "C",
}
LISTS: dict[str, Callable[[list[Any]], Any]] = {
    "l": list,
    "t": tuple,
    "S": set,
    "F": frozenset,
    "q": collections.deque,
    "vk": lambda items: dict.fromkeys(items).keys(),
    "vv": lambda items: dict(enumerate(items)).values(),
    "vi": lambda items: dict(items).items(),
}
PAIRS: dict[str, Callable[[dict[Any, Any]], Any]] = {
    "d": lambda pairs: pairs,
    "O": collections.OrderedDict,
    "C": collections.Counter,
}
#: Classes of the standard library whose values are data.
DATA = (*MADE, *PAIRED, collections.deque)
#: What a program can change of a test's arguments.
CHANGEABLE = frozenset((list, set, collections.deque, bytearray, *PAIRED))
#: Methods and attributes of built-in types.
BUILT_IN = frozenset(
    name
    for kind in (str, list, dict, set, tuple, range, int, float, bytes, bytearray, complex)
    for name in dir(kind)
)
FACTORIES: dict[str, type] = {kind.__name__: kind for kind in (int, float, str, list, dict, set, bool)}
