"""What a user can cause, each said in one line: what, which value, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DatagenError(Exception):
    """A mistake or a circumstance that the user can mend; printed as one line, never as a traceback."""

    exit_code = 1


class UsageError(DatagenError):
    """What the command line or the recipe alone shows to be wrong."""

    exit_code = 2


class InterruptedRun(DatagenError):
    """The user stopped the work; what was answered is kept."""

    exit_code = 130


def nearest(name: str, allowed: Iterable[str]) -> str:
    """End of an error line: the nearest allowed name, if one is near, then all of them.

    >>> nearest("evlove", ["evolve", "sample"])
    'did you mean evolve? (allowed: evolve, sample)'
    """
    names = list(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    everything = f"allowed: {', '.join(names)}"
    return f"did you mean {close[0]}? ({everything})" if close else everything


def one_line(text: object, limit: int = 300) -> str:
    """`text` on one line, cut at `limit` characters: server replies and file contents are not ours."""
    line = " ".join(str(text).split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def escaped(text: object) -> str:
    """`text` with what is not printable, such as a line end in a file's name, as Python writes it."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(text)
    )
