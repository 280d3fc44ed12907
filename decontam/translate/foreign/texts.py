"""Parts of text, and text after a change."""

from __future__ import annotations

import re
from typing import Any

from .formatting import show
from .functions import apply
from .numbers import to_number
from .values import Char, Regex, compare, to_text


def cut(g: str, o: Any, start: Any = None, end: Any = None) -> Any:
    """Part of a text or list: substring and slices, whose places have to be inside outside of JavaScript."""
    start, end = 0 if start is None else start, len(o) if end is None else end
    if g == "js":
        start, end = [min(max(to_number(x), 0) if x == x else 0, len(o)) for x in (start, end)]
        start, end = min(start, end), max(start, end)
    elif not 0 <= start <= end <= len(o):
        raise IndexError(start)
    return o[int(start) : int(end)]


def substr(g: str, o: Any, start: Any = 0, size: Any = None) -> Any:
    """Part of a text by its start and length."""
    if g != "js" and start > len(o):
        raise IndexError(start)
    start = max(len(o) + start, 0) if start < 0 else start
    return o[start : len(o) if size is None else max(start + size, 0)] if size is None or size > 0 else ""


def sliced(g: str, o: Any, start: Any = None, end: Any = None) -> Any:
    """Part of a text or list, whose places may count from its end in JavaScript."""
    return o[start:end] if g == "js" else cut(g, o, start, end)


def split(g: str, o: Any, by: Any = None, limit: Any = None) -> Any:
    """The parts of a text."""
    o = to_text(o)
    if callable(by):
        return "".join([c if not by(Char(c)) else "\0" for c in o]).split("\0")
    if by is None:
        return [o]
    if isinstance(by, Regex) or g == "java":
        pattern = by[0] if isinstance(by, tuple) else by
        parts = re.split(pattern, o, maxsplit=max((limit or 1) - 1, 0) if g == "java" else 0)
        if g == "java" and not limit:
            if parts[0] == "" and len(parts) > 1 and re.match(pattern, o)[0] == "":  # type: ignore[index]
                del parts[0]
            while len(parts) > 1 and parts[-1] == "":
                parts.pop()
        elif by in ("", ("(?a)", False), ("(?a)(?:)", False)):
            parts = parts[1:-1]
    elif by == "":
        parts = ["", *o, ""] if g == "rust" else list(o)
    else:
        parts = o.split(by)
    return parts if limit is None or g == "java" else parts[:limit]


def replace(g: str, o: Any, old: Any, new: Any = "", *more: Any) -> Any:
    """A text with a part replaced."""
    if isinstance(old, int):  # C++: place and length
        return o[:old] + more[0] + o[old + new :]
    if isinstance(old, Regex):
        if callable(new):

            def put(m: Any) -> Any:
                return show(g, apply(new, m[0], *m.groups()))
        else:
            form = new

            def put(m: Any) -> Any:
                return re.sub(
                    r"\$(\d|&|\$)",
                    lambda d: "$" if d[1] == "$" else m[0 if d[1] == "&" else int(d[1])],
                    form,
                )

        return re.sub(old[0], put, o, count=0 if old[1] else 1)
    if callable(old):
        return "".join([to_text(new) if old(Char(c)) else c for c in o])
    if isinstance(old, list):
        return replace(g, o, lambda c: c in old, new)
    count = 1 if g == "js" else more[0] if more else -1
    return to_text(o).replace(old, new(old) if callable(new) else new, count)


def replace_all(g: str, o: Any, old: Any, new: Any = "") -> Any:
    """A text with all parts replaced."""
    if isinstance(old, Regex) or g == "java":
        pattern = old[0] if isinstance(old, tuple) else "(?a)" + old
        return replace(g, o, Regex((pattern, True)), new)
    return o.replace(old, new(old) if callable(new) else new)


def changed(g: str, o: Any, f: Any) -> Any:
    """A text or character after a change of case."""
    if isinstance(o, int):
        return ord(f(chr(o))) if g in ("c", "cpp", "java") else Char(f(chr(o)))
    return Char(f(o)) if isinstance(o, Char) else f(to_text(o))


def trim(o: Any, chars: Any = None, ends: str = "both") -> Any:
    """A text without what surrounds it."""
    if callable(chars):
        inner = [i for i, c in enumerate(o) if not chars(Char(c))] or [len(o), -1]
        return o[0 if ends == "right" else inner[0] : None if ends == "left" else inner[-1] + 1]
    return o.lstrip(chars) if ends == "left" else o.rstrip(chars) if ends == "right" else o.strip(chars)


def matched(o: Any, x: Any) -> Any:
    """What a regular expression finds: all places, or the first with its groups."""
    if x[1]:
        return [m[0] for m in re.finditer(x[0], o)] or None
    found = re.search(x[0], o)
    return [found[0], *found.groups()] if found else None


def padding(o: str, n: int, by: str) -> str:
    """What fills a text up to a length."""
    return (by * n)[: max(n - len(o), 0)]


def order_of(g: str, a: Any, b: Any) -> int:
    """What compareTo gives: Java's is the difference of characters, or of lengths."""
    if g == "js":
        return compare((a.lower(), a.swapcase()), (b.lower(), b.swapcase()))
    if g == "java" and isinstance(a, str) and isinstance(b, str):
        different = next(((x, y) for x, y in zip(a, b, strict=False) if x != y), None)
        return ord(different[0]) - ord(different[1]) if different else len(a) - len(b)
    return compare(a, b)
