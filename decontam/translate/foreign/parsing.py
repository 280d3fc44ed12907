"""Numbers read from text."""

from __future__ import annotations

import math
import re
from typing import Any

from .formatting import show
from .numbers import whole
from .values import letter, needed, to_text


def parse(x: Any, base: int = 10, start: bool = False) -> Any:
    """The integer at the beginning of a text, or of the whole of it."""
    x = to_text(x)
    digits = "[0-9]+" if base <= 10 else "[0-9a-zA-Z]+"
    found = re.match(r"\s*[-+]?" + digits, x) if start else re.fullmatch("[-+]?" + digits, x)
    return int(found[0], base) if found else None


def parse_float(g: str, x: Any) -> Any:
    """The float at the beginning of a text."""
    found = re.match(r"\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|Infinity)", to_text(x))
    if not found:
        return math.nan
    return whole(float(found[0])) if g == "js" else float(found[0])


def parse_int(g: str, x: Any, base: int = 10) -> Any:
    """The integer that a text begins with."""
    if g != "js":
        return x if isinstance(x, int) else needed(parse(x, base))
    digits = "0-9" if base == 10 else "01" if base == 2 else "0-9a-fA-F"
    found = re.match(r"\s*([-+]?[" + digits + "]+)", show(g, x))
    return int(found[1], base) if found else math.nan


def parse_rust(how: str, x: Any) -> Any:
    """Rust's parse."""
    if how[0] == "f":
        return float(x) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", x) else None
    found = parse(x)
    return None if found is None or (how[0] == "u" and found < 0) else found


def with_error(x: Any) -> Any:
    """Go's two results."""
    return (x, None) if x is not None and x == x else (0, "invalid syntax")


def digit(g: str, o: Any, base: Any) -> Any:
    """The value of a digit."""
    found = "0123456789abcdefghijklmnopqrstuvwxyz".find(letter(o).lower())
    return found if 0 <= found < base or (g == "java" and base == 10) else None
