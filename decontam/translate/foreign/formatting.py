"""Values as text: what languages print, and forms with places for values."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .numbers import in_base
from .values import Builder, Char, Set, each, sorted_keys


def show(g: str, x: Any, quoted: bool = False) -> str:
    """A value as text, as the language prints it; strings inside others are quoted in Rust."""
    if isinstance(x, str):
        mark = "'" if isinstance(x, Char) else '"'
        return mark + x + mark if quoted else str(x)
    if x is None:
        return {"js": "undefined", "go": "<nil>", "rust": "None"}.get(g, "null")
    if isinstance(x, bool):
        return str(int(x)) if g in ("c", "cpp") else str(x).lower()
    if isinstance(x, float):
        return show_float(g, x, quoted)
    if isinstance(x, Builder):
        return "".join(x)
    if isinstance(x, dict) and not isinstance(x, Set):
        return show_map(g, x)
    if isinstance(x, (list, tuple, dict)):
        if g == "js":
            return ",".join(["" if i is None else show(g, i) for i in x])
        inner = [show(g, i, g == "rust") for i in each(g, x)]
        ends = (
            "{}"
            if g == "rust" and isinstance(x, dict)
            else "()"
            if g == "rust" and isinstance(x, tuple)
            else "[]"
        )
        return ends[0] + (" " if g == "go" else ", ").join(inner) + ends[1]
    return str(x)


def show_float(g: str, x: Any, quoted: bool = False) -> str:
    """A float as text."""
    if not math.isfinite(x):
        names = ("NaN", "Infinity", "-Infinity") if g in ("js", "java") else ("NaN", "+Inf", "-Inf")
        return names[0 if x != x else 1 if x > 0 else 2] if g in ("js", "java", "go") else str(x)
    if g in ("c", "cpp"):
        return f"{x:g}"
    if x.is_integer() and abs(x) < 1e21:
        return str(int(x)) + (".0" if g == "java" or quoted else "")
    return repr(x)


def show_map(g: str, x: Any) -> str:
    """A map as text."""
    if g == "js":
        return "[object Object]"
    joint, between = {"java": ("=", ", "), "go": (":", " ")}.get(g, (": ", ", "))
    deep = g == "rust"
    keys = sorted(x) if g == "go" else sorted_keys(x)
    inner = between.join([show(g, k, deep) + joint + show(g, x[k], deep) for k in keys])
    return ("map[" + inner + "]") if g == "go" else "{" + inner + "}"


def printf(g: str, form: str, args: Any) -> str:
    """Text of printf, String.format and Sprintf."""
    waiting = list(args)

    def one(found: Any) -> Any:
        flags, width, places, sign = found.groups()
        if sign in "%n":
            return "%" if sign == "%" else "\n"
        if width == "*":
            width = str(waiting.pop(0))
        x = waiting.pop(0)
        if sign in "diuxXo" and not isinstance(x, float):
            x = ord(x) if isinstance(x, Char) else x
            sign = "d" if sign in "iu" else sign
        elif sign in "eEfgGF":
            x, sign = float(x), sign.replace("F", "f")
        elif sign == "c" and isinstance(x, int):
            x, sign = chr(x), "s"
        elif sign == "b" and not isinstance(x, bool):
            x, sign = format(x, "b"), "s"
        elif sign == "q":
            x, sign = json.dumps(x, ensure_ascii=False), "s"
        else:
            x, sign = show(g, x), "s"
        if "," in flags:
            x, sign, places = format(x, "," + (places or "") + sign), "s", ""
        return ("%" + flags.replace(",", "") + (width or "") + (places or "") + sign) % x

    return re.sub(r"%(?:\d+\$)?([-+ #0,]*)(\d+|\*)?(\.\d*)?(?:hh|h|ll|l|z|j|L)?([a-zA-Z%])", one, form)


def braces(g: str, form: str, args: Any) -> str:
    """Text of format! and std::format, whose arguments are numbered or in order."""
    waiting = iter(args)

    def one(found: Any) -> Any:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        place, spec = found[1], found[2] or ""
        x = args[int(place)] if place else next(waiting)
        quoted = spec.endswith("?")
        spec = spec.rstrip("?").removesuffix("#")
        if re.search(r"[xXob]$|\.\d+[fe]?$|^[+]?0?\d*$", spec) and isinstance(x, (int, float)) and spec:
            return format(x, spec + "f" * (("." in spec) and spec[-1].isdigit()))
        return format(show(g, x, quoted), spec if spec[:1] != "0" else "")

    return re.sub(r"\{\{|\}\}|\{(\d*)(?::([^{}]*))?\}", one, form)


def string(g: str, o: Any, *base: Any) -> str:
    """A value as text, in a base if it is given."""
    if base and isinstance(o, (int, float)) and isinstance(base[0], int):
        return in_base(int(o), base[0])
    return f"{o:f}" if g == "cpp" and isinstance(o, float) else show(g, o)
