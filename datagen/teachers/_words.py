"""A server's own words: where the many kinds of servers put them, and what they say about limits."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from datagen.teachers import _limits

#: A server that wants to be left alone for longer says so about a day's limit, not about a minute's.
FAR_SECONDS = 300.0
#: Where a refusal's words may stand, the most telling first.
_FIELDS = (
    "error",
    "message",
    "detail",
    "msg",
    "errors",
    "error_description",
    "description",
    "title",
    "reason",
)
_DEPTH = 6
_DAILY = re.compile(
    r"per[\s_-]?(day|week|month)|\bdaily\b|\bmonthly\b|\bweekly\b|\b[rt]pd\b|requests/day|tokens/day", re.I
)
_QUOTA = re.compile(r"\bquota\b|insufficient (balance|credit|fund)|out of credits|credit balance", re.I)
_SOON = re.compile(r"per[\s_-]?(second|minute)|\b[rt]p[ms]\b", re.I)
_AGAIN = re.compile(r"(?:again|retry)\s+(?:in|after)\s+([\d.]+(?:ms|s|m|h|d)?[\d.hms]*)\s*([a-z]*)", re.I)
_LONG_UNITS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "millisecond": "ms"}


def of_error(error: Any) -> str:  # noqa: ANN401 - openai.APIStatusError, imported lazily
    """The words of a refusal; `error` is openai's."""
    try:
        text = str(error.response.text)
    except Exception:  # a body that nobody can decode; its status says enough
        return "it does not say why"
    return of_text(text)


def of_text(text: str) -> str:
    """The words in a body: those in its JSON, a page's title, or all of it."""
    try:
        return said(json.loads(text)) or "it does not say why"
    except (ValueError, RecursionError):
        title = re.search(r"<title[^>]*>(.*?)</title", text[:65536], re.I | re.S)
        return (html.unescape(title[1]).strip() if title else text.strip()) or "it does not say why"


def said(body: object, depth: int = _DEPTH) -> str:
    """The words in a refusal's JSON, in whatever of the usual fields they are; else all of it."""
    if isinstance(body, str) or not isinstance(body, dict | list):
        return "" if body is None else str(body).strip()
    if depth == 0:
        return json.dumps(body)
    if isinstance(body, list):
        return "; ".join(filter(None, (said(one, depth - 1) for one in body[:3])))
    found = next((words for name in _FIELDS if (words := said(body.get(name), depth - 1))), "")
    if not found:
        return json.dumps(body) if body else ""
    return f"{_place(body)}{found}{_behind(body, found)}"


def _place(body: Mapping[str, Any]) -> str:
    """Which field of a request an error is about, as FastAPI says it."""
    place = body.get("loc")
    return f"{'.'.join(str(one) for one in place)}: " if isinstance(place, list) and place else ""


def _behind(body: Mapping[str, Any], found: str) -> str:
    """What a server behind this one said, as OpenRouter passes it on."""
    more = body.get("metadata")
    raw = more.get("raw") if isinstance(more, dict) else None
    return f": {of_text(raw)}" if isinstance(raw, str) and raw.strip() and raw not in found else ""


def pause(words: str) -> float | None:
    """Seconds until a server wants to be asked again, as its words say: "try again in 1m2.5s"."""
    found = _AGAIN.search(words)
    if not found:
        return None
    number, unit = found[1].rstrip("."), found[2].lower().rstrip("s")
    return _limits.duration(f"{number}{_LONG_UNITS[unit]}" if unit in _LONG_UNITS else number)


def used_up(words: str, wait: float | None) -> bool:
    """Whether a 429 is about a limit that is not renewed while a run waits.

    Args:
        words: the server's.
        wait: seconds that it asks to wait, if it does.
    """
    if wait is not None and wait <= FAR_SECONDS:
        return False
    if _DAILY.search(words):
        return True
    return bool(_QUOTA.search(words)) and not _SOON.search(words)
