"""Keys and passwords: whatever leaves the process goes through `hide` before it is cut short or stored."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, unquote

#: What stands in the place of a secret.
HIDDEN = "***"
#: A shorter text is no secret that could be told from ordinary words, nor is a shorter part of one.
LEAST = 8
#: What the manuals of local servers tell people to set as a key. None of it is secret, and code may hold it.
PLACEHOLDERS = frozenset(
    {"sk-no-key-required", "no-key-required", "not-needed", "not-required", "lm-studio", "placeholder"}
)

#: All spellings of all secrets, lower case, by their first characters; the longest first, because a
#: password's base64 may be a part of a whole login's.
_spellings: dict[str, set[str]] = {}


def register(secret: str) -> None:
    """Let `hide` know a key or a password; a short one or a placeholder is not taken for a secret."""
    if len(secret) < LEAST or secret in PLACEHOLDERS:
        return
    for spelling in _written(secret):
        folded = _fold(spelling)
        _spellings.setdefault(folded[:LEAST], set()).add(folded)
    ordered = sorted(_spellings.items(), key=lambda entry: -max(map(len, entry[1])))
    _spellings.clear()
    _spellings.update(ordered)


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
    _spellings.clear()


def hide(text: str) -> str:
    """The text with *** for each secret in it, or for the first `LEAST` or more characters of one.

    Spellings are found whatever their case: as it is, URL-quoted, escaped for JSON or HTML, and in base64.
    """
    folded = _fold(text)
    for start, spellings in _spellings.items():
        if start not in folded:
            continue
        parts: list[str] = []
        done, found = 0, folded.find(start)
        while found >= 0:
            end = found + max(_common(folded, found, spelling) for spelling in spellings)
            parts += [text[done:found], HIDDEN]
            done, found = end, folded.find(start, end)
        text = "".join([*parts, text[done:]])
        folded = _fold(text)
    return text


def _common(text: str, at: int, spelling: str) -> int:
    """How many characters of a spelling stand in the text from `at` on."""
    if text.startswith(spelling, at):
        return len(spelling)
    pairs = zip(text[at : at + len(spelling)], spelling, strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), len(text) - at)


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
