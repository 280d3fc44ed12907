"""What a teachers file adds to each call of a server: entries of the query, and headers.

A value is plain text, or $NAME for what an environment variable holds: no key stands in a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from datagen import secrets
from datagen.request import TeacherUnusable
from datagen.teachers._teacher import Profile

#: Names and values, as a profile holds them.
Pairs = tuple[tuple[str, str], ...]

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]{0,63})")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_QUERY_NAME = re.compile(r"[A-Za-z0-9._~-]{1,64}")
#: Names under which servers expect what is secret.
_SECRET_NAME = re.compile(
    r"auth|cookie|key|passw|secret|sig|token|credential|session|jwt|^code$", re.IGNORECASE
)
#: What keys look like: a known beginning, or a long run of characters without a meaning.
_SECRET_VALUE = re.compile(
    r"\b(?:sk|pk|rk|gsk|hf|xai|ghp|nvapi|r8|pplx|csk|tgp|AIza)[-_]?\w{8}|\b(?:bearer|basic)\s"
    r"|(?=[\w+/=.-]*\d)[\w+/=-]{28}",
    re.IGNORECASE,
)
#: Headers that the protocol decides.
_OURS = re.compile(
    r"accept|accept-encoding|connection|content-.*|expect|host|te|trailer|transfer-encoding|upgrade|x-stainless-.*",
    re.IGNORECASE,
)


class Extras(NamedTuple):
    """What goes with each call.

    Args:
        query: the entries of the query.
        headers: the headers.
    """

    query: dict[str, str]
    headers: dict[str, str]


def read_query(value: Any) -> Pairs:  # noqa: ANN401 - untrusted
    """The entries of a query, as a profile holds them.

    Raises:
        ValueError: they are none; in words that go on from the setting's name.
    """
    return _pairs(value, _QUERY_NAME.fullmatch)


def read_headers(value: Any) -> Pairs:  # noqa: ANN401 - untrusted
    """Headers, as a profile holds them.

    Raises:
        ValueError: they are none; in words that go on from the setting's name.
    """
    pairs = _pairs(value, _HEADER_NAME.fullmatch)
    for name, _ in pairs:
        if _OURS.fullmatch(name):
            raise ValueError(f"cannot hold {name}, which datagen sets itself")
    return pairs


def _pairs(value: object, is_name: Callable[[str], object]) -> Pairs:
    if not isinstance(value, dict):
        raise ValueError("should be a mapping of names to values")
    found: dict[str, str] = {}
    for name, text in value.items():
        # Nothing of an odd name is repeated: somebody may have put a key there.
        if not isinstance(name, str) or not is_name(name):
            raise ValueError("has a name that none can have; use letters, digits and hyphens")
        if name.lower() in {known.lower() for known in found}:
            raise ValueError(f"has {name} twice")
        found[name] = _value(name, text)
    return tuple(sorted(found.items()))


def _value(name: str, value: object) -> str:
    text = value if isinstance(value, str) else None
    if type(value) is int or type(value) is float:
        text = str(value)
    # A date such as 2024-10-21 is one for YAML, too.
    elif hasattr(value, "isoformat"):
        text = value.isoformat()
    if text is None or not (text.strip() and text.isascii() and text.isprintable()):
        raise ValueError(f"{name} should be a text of plain characters, or $NAME for an environment variable")
    if _VARIABLE.fullmatch(text):
        return text
    if _SECRET_NAME.search(name) or _SECRET_VALUE.search(text) or text.startswith("$"):
        # The value is not repeated: it may be the key itself.
        raise ValueError(
            f"{name} may be secret, so it should be $NAME of an environment variable; no key stands in a file"
        )
    return text.strip()


def extras(profile: Profile) -> Extras:
    """What a profile adds to each call, with the values of environment variables, which are secrets then.

    Raises:
        TeacherUnusable: a variable is not set, or holds what no header can.
    """

    def filled(pairs: Pairs) -> dict[str, str]:
        return {name: _filled(profile.name, name, text) for name, text in pairs}

    return Extras(filled(profile.query), filled(profile.headers))


def _filled(teacher: str, name: str, text: str) -> str:
    found = _VARIABLE.fullmatch(text)
    if not found:
        return text
    value = os.environ.get(found[1], "").strip()
    if not value:
        raise TeacherUnusable(f"{teacher} needs {name}; put it into the environment variable {found[1]}")
    if not (value.isascii() and value.isprintable()):
        raise TeacherUnusable(f"{found[1]} holds characters that no header has; set it again")
    secrets.register(value)
    return value
