"""Keys and passwords: whatever leaves the process goes through `hide` before it is cut short or stored."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus, unquote

#: What stands in the place of a secret.
HIDDEN = "***"
#: A shorter text is no secret that could be told from ordinary words, nor is a shorter part of one.
LEAST = 8
#: What the manuals of local servers tell people to set as a key. None of it is secret, and code may hold it.
PLACEHOLDERS = frozenset(
    {"sk-no-key-required", "no-key-required", "not-needed", "not-required", "lm-studio", "placeholder"}
)

#: Where `LEAST` characters of a secret, lower case, stand in it: by those characters, each spelling that has
#: them, and their first place there.
_parts: dict[str, dict[str, int]] = {}
#: Words with one character between them, in one case or with a capital: texts without any secret have them.
_WORD = "(?:[A-Z]?[a-z]+|[A-Z]+)"
_WORDS = re.compile(f"[ _.-]?{_WORD}(?:[ _.-]{_WORD})*[ _.-]?")


def register(secret: str) -> None:
    """Let `hide` know a key or a password; a short one or a placeholder is not taken for a secret."""
    if len(secret) < LEAST or secret in PLACEHOLDERS:
        return
    for spelling in _written(secret):
        folded = _fold(spelling)
        for at in range(len(folded) - LEAST + 1):
            if at == 0 or not _WORDS.fullmatch(spelling[at : at + LEAST]):
                _parts.setdefault(folded[at : at + LEAST], {}).setdefault(folded, at)


def register_login(user: str, password: str) -> None:
    """Let `hide` know a password, also as it is sent with its user's name.

    Args:
        user: as in an address; percent signs are decoded.
        password: likewise.
    """
    user, password = unquote(user), unquote(password)
    register(password)
    if len(password) >= LEAST:
        register(_base64(f"{user}:{password}"))


def forget() -> None:
    """Know no secret any more."""
    _parts.clear()


def hide(text: str) -> str:
    """The text with *** for each secret in it, or for any `LEAST` or more characters of one.

    Spellings are found whatever their case: as it is, URL-quoted, escaped for JSON or HTML, and in base64.
    Of parts that are not the beginning, those that could be ordinary words are left.
    """
    if not _parts:
        return text
    folded = _fold(text)
    shown: list[str] = []
    done = at = 0
    while at <= len(folded) - LEAST:
        if (found := _parts.get(folded[at : at + LEAST])) is None:
            at += 1
            continue
        start = at - max(_before(folded, done, at, *part) for part in found.items())
        if start > done or not shown:
            shown += [text[done:start], HIDDEN]
        done = at = at + max(_common(folded, at, *part) for part in found.items())
    return "".join([*shown, text[done:]])


def _common(text: str, at: int, spelling: str, start: int) -> int:
    """How many characters of a spelling stand in the text from `at` on, beginning with its `start`th."""
    rest = spelling[start:]
    if text.startswith(rest, at):
        return len(rest)
    pairs = zip(text[at : at + len(rest)], rest, strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), len(text) - at)


def _before(text: str, least: int, at: int, spelling: str, start: int) -> int:
    """How many characters of a spelling stand in the text before `at`, back to `least`."""
    most = min(at - least, start)
    return next((n for n in range(most) if text[at - n - 1] != spelling[start - n - 1]), most)


def _fold(text: str) -> str:
    """Lower case, but as long as the text: few letters become two."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _written(secret: str) -> set[str]:
    """The spellings in which a server may repeat a secret."""
    as_json = json.dumps(secret)[1:-1]
    return {
        secret,
        *(quote(secret), quote(secret, safe=""), quote_plus(secret)),
        *(as_json, as_json.replace("/", "\\/"), json.dumps(secret, ensure_ascii=False)[1:-1]),
        *(html.escape(secret), repr(secret)[1:-1], _base64(secret)),
    }


def _base64(text: str) -> str:
    """In base64, without its end: that depends on what follows."""
    return base64.b64encode(text.encode(errors="replace")).decode().rstrip("=")
