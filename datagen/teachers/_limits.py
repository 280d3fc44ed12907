"""What a server's statuses and headers say about whether and when to call again."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from datagen.request import Concerns

#: The server is there and wants less.
BUSY = frozenset({429, 503, 529})
#: These are about what was sent; other refusals are about who sent it, or where to.
_OF_THE_REQUEST = frozenset({400, 413, 414, 422, 431})
#: Words of refusals that concern one prompt: it is too long, or a filter dislikes it.
_OF_ONE_PROMPT = re.compile(
    r"context[ _-]?(length|window|size)|too long|longer than|too many (input |prompt )?tokens"
    r"|(request|prompt|input|payload|body|entity)( is)? too (large|big)|token limit"
    r"|exceed\w* (the )?(model|max(imum)? (input|prompt|number of tokens|tokens allowed))"
    r"|content[ _-]?(policy|filter|management)|moderation|flagged|safety|prohibited[ _]content|inappropriate"
    r"|harmful|usage policy|your (prompt|input|message|request) (was|is|has been) (blocked|rejected)",
    re.IGNORECASE,
)
_UNWELL = frozenset({408, 409, 425})
#: A proxy gave up waiting: the server behind it may have answered, and billed the call.
LATE = frozenset({408, 504, 524})
#: Error codes of an account without money; no call of it is answered.
NO_QUOTA = frozenset({"billing_hard_limit_reached", "insufficient_quota"})
#: Nobody means a longer pause; a wrong clock may well say one.
LONGEST_SECONDS = 3600.0
#: The x-ratelimit headers tell when a limit is whole again, which may be long after the next call would do.
LONGEST_HINT = 60.0
#: Numbers from here on are no durations but moments: seconds, or even milliseconds, since 1970.
_EPOCH, _EPOCH_MS = 1e9, 1e12
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait before a refused call: `retry-after-ms`, `retry-after` in seconds or as a date.

    Where these are missing, what the `x-ratelimit` headers say; None where nothing does.
    Source: RFC 9110 section 10.2.3; https://platform.openai.com/docs/guides/rate-limits
    """
    if (wait := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(wait / 1000)
    said = headers.get("retry-after")
    if said is not None:
        if (wait := _number(said)) is not None:
            return _bounded(wait)
        if (moment := _moment(said)) is not None:
            # By the server's own clock: this one may be wrong.
            return _bounded(moment - (_moment(headers.get("date")) or time.time()))
    return pause(headers) or None


def pause(headers: Mapping[str, str]) -> float:
    """Seconds until there is room for another request or token; 0 while there is.

    Reads x-ratelimit-remaining-* and x-ratelimit-reset-* for requests and tokens.
    """
    waits = [0.0]
    for what in ("requests", "tokens"):
        remaining = _number(headers.get(f"x-ratelimit-remaining-{what}"))
        if remaining is not None and remaining < 1:
            waits.append(duration(headers.get(f"x-ratelimit-reset-{what}")) or 0.0)
    return min(_bounded(max(waits)), LONGEST_HINT)


def duration(text: str | None) -> float | None:
    """Seconds of "1s", "6m0s", "20ms", plain "3.5", or until a moment in 1970's count; None for all else."""
    if (plain := _number(text)) is not None:
        if plain < _EPOCH:
            return plain
        return (plain / 1000 if plain >= _EPOCH_MS else plain) - time.time()
    parts = _DURATION.findall(text or "")
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _moment(date: str | None) -> float | None:
    """Seconds since 1970 of a date in HTTP's form."""
    try:
        parsed = parsedate_to_datetime(date or "")
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_SECONDS)


def concerns(status: int, words: str) -> Concerns:
    """Whom a refusal for good concerns, by its status and all its words."""
    if status == 413 or _OF_ONE_PROMPT.search(words):
        return "prompt"
    return "unknown" if status in _OF_THE_REQUEST else "all"


def is_unwell(status: int) -> bool:
    """Whether the server, or a proxy before it, is not well: the call may do better when it is made again."""
    return status >= 500 or status in _UNWELL
