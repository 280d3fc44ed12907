"""How a data set of the Hub is named as an input: hf:OWNER/NAME[@REVISION][:[CONFIG/]SPLIT]."""

from __future__ import annotations

import re
from typing import NamedTuple

from datagen.errors import UsageError, one_line

PREFIX = "hf:"
_NAMED = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./+-]+))?(?::(?:([\w.+-]+)/)?([\w.+-]*))?", re.ASCII)


class Address(NamedTuple):
    """A part of a data set on the Hub.

    Args:
        repo: OWNER/NAME.
        revision: a branch, tag or commit; "" for the main branch.
        config: "" for the default one.
        split: "" for train, or the only one.
    """

    repo: str
    revision: str = ""
    config: str = ""
    split: str = ""


def parse(text: str) -> Address:
    """Take an address apart.

    >>> parse("hf:me/my-set")
    Address(repo='me/my-set', revision='', config='', split='')
    >>> parse("hf:me/my-set@v1:messages/test")
    Address(repo='me/my-set', revision='v1', config='messages', split='test')

    Raises:
        UsageError: it is none.
    """
    found = _NAMED.fullmatch(text.removeprefix(PREFIX))
    if not found or ".." in text or text.endswith((":", "@")):
        raise UsageError(
            f"{one_line(text, 120)} is no data set of the Hub; write hf:OWNER/NAME[@REVISION][:[CONFIG/]SPLIT],"
            " such as hf:me/my-set or hf:me/my-set@v1:test"
        )
    return Address(found[1], *(part or "" for part in found.groups()[1:]))
