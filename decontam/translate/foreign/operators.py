"""Operators, by language."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from .elements import member
from .formatting import show
from .numbers import bits, divide, quotient, remainder, to_number, whole
from .values import Builder, Char, Iter, chars, is_text, key_of, to_text

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": quotient,
    "%": remainder,
    "**": operator.pow,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": lambda a, b: a << (b & 63),
    ">>": lambda a, b: a >> (b & 63),
    ">>>": lambda a, b: (a & 0xFFFFFFFF) >> (b & 31),
    "&^": lambda a, b: a & ~b,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
#: What is the same for two integers in each language.
_OF_INTEGERS: dict[str, Callable[[int, int], Any]] = {
    **{sign: _OPERATIONS[sign] for sign in ("+", "-", "*", "<", ">", "<=", ">=")},
    **{"==": operator.eq, "===": operator.eq, "!=": operator.ne, "!==": operator.ne},
}


def operate(g: str, sign: str, a: Any, b: Any) -> Any:
    """A binary operator."""
    if type(a) is int and type(b) is int:
        quick = _OF_INTEGERS.get(sign)
        if quick is not None:
            return quick(a, b)
        if sign == "%" and a >= 0 < b:
            return a % b
    if sign in ("==", "===", "!=", "!=="):
        return same(g, sign, a, b) == (sign[0] == "=")
    if g == "js":
        return of_js(sign, a, b)
    if sign in ("<", ">", "<=", ">=") and isinstance(a, str) and isinstance(b, str):
        return _OPERATIONS[sign](str(a), str(b))
    if isinstance(a, (Iter, list)) or isinstance(b, Iter):
        return of_places(g, sign, a, b)
    if sign == "+" and (is_text(a) or is_text(b)):
        if isinstance(b, int) and g in ("c", "cpp"):
            return a[b:] if g == "c" else a + chr(b)
        return show(g, a) + show(g, b)
    if isinstance(a, Char):
        a = ord(a)
    if isinstance(b, Char):
        b = ord(b)
    return _OPERATIONS[sign](a, b)


def same(g: str, sign: str, a: Any, b: Any) -> bool:
    """Whether two values are equal."""
    if g == "js":
        if isinstance(a, (list, dict)) and isinstance(b, (list, dict)):
            return a is b
        if (isinstance(a, bool), isinstance(a, str)) == (isinstance(b, bool), isinstance(b, str)):
            return bool(a == b)
        there = a is not None and b is not None
        return there and len(sign) == 2 and bool(to_number(a) == to_number(b))
    if isinstance(a, Iter) and isinstance(b, Iter):
        return bool(a[1:] == b[1:])
    if isinstance(a, str) and isinstance(b, int):
        return len(a) == 1 and ord(a) == b
    if isinstance(b, str) and isinstance(a, int):
        return len(b) == 1 and ord(b) == a
    if isinstance(a, str) != isinstance(b, str) and isinstance(a, list) != isinstance(b, list):
        return to_text(a) == to_text(b)
    if g == "go" and (a is None or b is None):
        return not isinstance(a, str) and not isinstance(b, str) and a in (None, []) and b in (None, [])
    return bool(key_of(a) == key_of(b))


def of_js(sign: str, a: Any, b: Any) -> Any:
    """An operator of JavaScript."""
    if sign == "in":
        return b is not None and (0 <= to_number(a) < len(b) if isinstance(b, list) else member(b, a))
    if sign == "+" and (isinstance(a, (str, list, dict)) or isinstance(b, (str, list, dict))):
        return show("js", a) + show("js", b)
    if sign in ("<", ">", "<=", ">=") and isinstance(a, str) and isinstance(b, str):
        return _OPERATIONS[sign](a, b)
    if sign in ("&", "|", "^", "<<", ">>", ">>>"):
        b = bits(b)
        return bits(_OPERATIONS[sign](bits(a), b)) if sign != ">>>" else _OPERATIONS[sign](bits(a), b)
    a, b = to_number(a), to_number(b)
    if sign == "/":
        return whole(divide(a, b)) if b == 0 or isinstance(a, float) or a % b else a // b
    if sign == "%" and b == 0:
        return math.nan
    return whole(_OPERATIONS[sign](a, b))


def of_places(g: str, sign: str, a: Any, b: Any) -> Any:
    """Arithmetic with iterators and pointers."""
    if isinstance(a, Builder) and sign in ("<<", "+"):
        a.append(show(g, b))
        return a
    if isinstance(b, Iter):
        if not isinstance(a, Iter):  # the value of max_element, less the beginning
            return list(b[0]).index(a) if sign == "-" else Iter((b[0], b[1] + a, b[2]))
        return _OPERATIONS[sign](a[1], b[1])
    if isinstance(a, Iter):
        return Iter((a[0], a[1] + (b if sign == "+" else -b), a[2]))
    if isinstance(b, int) and sign == "+":
        return Iter((a, b, 1))
    if isinstance(b, str):
        return a + chars(b) if g == "cpp" else show(g, a) + b
    return _OPERATIONS[sign](a, b)


def neg(a: Any) -> Any:
    """The value with its sign changed."""
    return -(ord(a) if isinstance(a, Char) else to_number(a) if isinstance(a, str) else a)


def truth(g: str, a: Any) -> bool:
    """Whether a condition holds."""
    if g == "js":
        return isinstance(a, (list, dict)) or (bool(a) and a == a)
    if isinstance(a, Char):
        return a != "\0"
    return isinstance(a, (str, list, dict, tuple)) or bool(a)


def typeof(x: Any) -> str:
    """What JavaScript's typeof gives."""
    if x is None:
        return "undefined"
    if isinstance(x, bool):
        return "boolean"
    if isinstance(x, (int, float)):
        return "number"
    return "string" if isinstance(x, str) else "function" if callable(x) else "object"
