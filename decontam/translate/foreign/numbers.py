"""Numbers of other languages. Integers do not overflow."""

from __future__ import annotations

import math
from typing import Any


def to_number(x: Any) -> Any:
    """A value as JavaScript's number."""
    if isinstance(x, str):
        text = x.strip().replace("_", "?")
        try:
            return whole(float(text)) if not text.isdigit() else int(text)
        except ValueError:
            return 0 if not text else math.nan
    if isinstance(x, (bool, float)):
        return whole(x + 0)
    return x if isinstance(x, int) else math.nan


def whole(x: Any) -> Any:
    """A float as an int where it is one."""
    return int(x) if isinstance(x, float) and x.is_integer() else x


def divide(a: Any, b: Any) -> float:
    """The quotient of floats."""
    if b == 0:
        return math.nan if a == 0 or a != a or b != b else math.copysign(math.inf, a)
    return float(a / b)


def quotient(a: Any, b: Any) -> Any:
    """The quotient, of integers cut toward zero."""
    if isinstance(a, float) or isinstance(b, float):
        return divide(a, b)
    return a // b if (a < 0) == (b < 0) else -(-a // b)


def remainder(a: Any, b: Any) -> Any:
    """The remainder, with the sign of the dividend."""
    if isinstance(a, float) or isinstance(b, float):
        return math.fmod(a, b) if b and abs(a) != math.inf else math.nan
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def bits(x: Any) -> int:
    """The 32 bits of a number, with a sign."""
    x = to_number(x)
    low = int(x) & 0xFFFFFFFF if math.isfinite(x) else 0
    return low - (1 << 32) if low >> 31 else low


def int_limit(size: int, least: bool) -> int:
    """The least or largest integer of a size in bits."""
    return -(1 << (size - 1)) if least else (1 << (size - 1)) - 1


def real(g: str, x: Any) -> Any:
    """A result as a float where the language gives one."""
    return x if g in ("js", "rust") and isinstance(x, int) else whole(x) if g == "js" else float(x)


def power(g: str, a: Any, b: Any) -> Any:
    """A power."""
    return real(g, a**b if isinstance(b, int) or a >= 0 else math.nan)


def rounded(g: str, x: Any, f: Any) -> Any:
    """A number rounded by a function."""
    x = to_number(x) if g == "js" else x
    return real(g, f(x)) if math.isfinite(x) else x


def round_half(g: str, x: Any) -> Any:
    """The nearest whole number."""
    if g in ("js", "java"):
        return whole(float(math.floor(x + 0.5))) if math.isfinite(x) else x
    return math.copysign(math.floor(abs(x) + 0.5), x)


def fixed(x: Any, places: int = 0) -> str:
    """A number with so many places."""
    if not places and abs(x) % 1 == 0.5:
        x = math.copysign(math.floor(abs(x) + 0.5), x)
    return f"{x:.{places}f}"


def in_base(x: Any, base: Any) -> str:
    """An integer in a base.

    Raises:
        ValueError: the base is not from 2 to 36.
    """
    if not 2 <= base <= 36:
        raise ValueError("it is no base")
    digits, rest = "", abs(int(x))
    while rest or not digits:
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % base] + digits
        rest //= base
    return f"-{digits}" if x < 0 else digits


def log(x: Any) -> float:
    """The natural logarithm."""
    return math.log(x) if x > 0 else math.nan if x < 0 or x != x else -math.inf


def backwards(x: Any, *_more: Any) -> Any:
    """The order reversed."""
    return -x if isinstance(x, int) else sorted(x, reverse=True)
