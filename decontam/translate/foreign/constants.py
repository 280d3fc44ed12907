"""Constants of libraries."""

from __future__ import annotations

import math
import re
from typing import Any

from .numbers import int_limit

_CONSTANTS: dict[str, Any] = {
    name: value
    for names, value in (
        ("Integer.MAX_VALUE INT_MAX", 2147483647),
        ("Integer.MIN_VALUE INT_MIN", -2147483648),
        ("Long.MAX_VALUE LONG_MAX LLONG_MAX math.MaxInt", 9223372036854775807),
        ("Long.MIN_VALUE LONG_MIN LLONG_MIN math.MinInt", -9223372036854775808),
        ("Number.MAX_SAFE_INTEGER", 9007199254740991),
        ("Number.MIN_SAFE_INTEGER", -9007199254740991),
        ("Infinity Number.POSITIVE_INFINITY Double.POSITIVE_INFINITY INFINITY HUGE_VAL", math.inf),
        ("f64.INFINITY f32.INFINITY", math.inf),
        ("Double.MAX_VALUE DBL_MAX math.MaxFloat64 f64.MAX Number.MAX_VALUE", 1.7976931348623157e308),
        ("f64.MIN Number.NEGATIVE_INFINITY Double.NEGATIVE_INFINITY f64.NEG_INFINITY", -math.inf),
        ("Math.PI M_PI math.Pi f64.consts.PI PI consts.PI", math.pi),
        ("Math.E M_E math.E f64.consts.E", math.e),
        ("NaN Number.NaN Double.NaN f64.NAN NAN", math.nan),
        ("string.npos EOF npos", -1),
        ("null undefined NULL nullptr nil None", None),
        ("Number.EPSILON DBL_EPSILON f64.EPSILON", 2.220446049250313e-16),
        ("UINT_MAX", 4294967295),
        ("SIZE_MAX", (1 << 64) - 1),
        ("CHAR_MAX", 127),
        ("BigInteger.ZERO", 0),
        ("BigInteger.ONE", 1),
        ("BigInteger.TWO", 2),
        ("BigInteger.TEN", 10),
        ("Ordering.Less", -1),
        ("Ordering.Equal", 0),
        ("Ordering.Greater", 1),
    )
    for name in names.split()
}
_SIZED = re.compile(r"(?:math\.)?(Max|Min)?(u|i|U|I)I?(?:nt|NT)?(\d+|size)?(?:\.|_)?(MAX|MIN)?")


def plain_path(path: str) -> str:
    """A path with dots alone, without the name of the standard library."""
    return path.replace("::", ".").removeprefix("std.")


def const(path: str) -> Any:
    """The value of a constant.

    Raises:
        NotImplementedError: it is not known.
    """
    path = plain_path(path)
    if path in _CONSTANTS:
        return _CONSTANTS[path]
    limits = re.match(r"numeric_limits<(.*)>\.(max|min|lowest)", path)
    if limits:
        least = limits[2] != "max"
        if "double" in limits[1] or "float" in limits[1]:
            return -math.inf if least else math.inf
        return int_limit(64 if "long" in limits[1] else 32, least)
    found = _SIZED.fullmatch(path)
    if not found:
        raise NotImplementedError(path)
    size = 64 if found[3] in (None, "size") else int(found[3])
    least = "in" in (found[1] or found[4] or "").lower()
    if found[2] in "uU":
        return 0 if least else (1 << size) - 1
    return int_limit(size, least)


def is_const(path: str) -> bool:
    """Whether a path without arguments is a constant."""
    return path in _CONSTANTS or re.search(r"M(AX|IN)$|^numeric_limits|^math\.M", path) is not None
