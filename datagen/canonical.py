"""One text for equal values on every machine, and what is hashed from it: keys, digests, row ids."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

#: Made once: json.dumps makes one for each call that has options.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str
)


def dumps(value: object) -> str:
    """JSON with sorted keys and no spaces.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON cannot hold.
    """
    return _ENCODER.encode(value)


def sha256(text: str) -> str:
    """The sha256 of `text` in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def row_id(*content: object) -> str:
    """Identify a row by its content: the first 80 bits of sha256 over canonical JSON, as 20 hex digits."""
    return sha256(dumps(content))[:20]
