"""How the journal's file can be broken: how that is noticed, and in which words it is told."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datagen.errors import DatagenError, one_line

#: The columns of version 0.1.0, those that came later, and what else has a name in the file.
_OLDEST = ("key", "request", "reply", "made")
_ADDED = ("digest", "plan", "usd", "account")
_NAMES = (
    *("calls", "reservations", "failures", "verdicts", "bought_for", "spent_by"),
    *("sqlite_stat1", "sqlite_stat4"),
)
#: So long another process may take from creating the file to writing its first page.
_CREATION_SECONDS = 5.0


class DamagedJournal(DatagenError):
    """The journal's file cannot be trusted any more. what: in which way, in words."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"the journal {path} is damaged: {what}; save what can be read with `datagen journal export -o"
            " FILE.jsonl`, move it away, and bring the calls back with `datagen journal import FILE.jsonl`"
        )
        self.what = what


@contextmanager
def errors_explained(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and the system into one line that says why the journal cannot be used."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError) as error:
        raise unusable(path, error) from None


def unusable(path: Path, error: Exception) -> DatagenError:
    """The line that says why the journal's file cannot be used."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # SQLite gives what stands in the file no code of its own.
    content = str(error).startswith(("malformed JSON", "unsupported file format", "no such column"))
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or isinstance(error, UnicodeError) or content:
        return DamagedJournal(path, one_line(error, 120))
    return DatagenError(
        f"the journal {path} cannot be used: {one_line(error, 120)}; make room or repair it, or name another"
        " folder in DATAGEN_CACHE_DIR"
    )


def refuse_emptied(path: Path) -> None:
    """Raise DatagenError for a file of 0 bytes, which lost everything, unless a process is just making it."""
    last_look = time.monotonic() + _CREATION_SECONDS
    while path.exists() and not path.stat().st_size:
        if time.monotonic() > last_look:
            raise DatagenError(
                f"the journal {path} is empty, which not even a new one is; put a copy of it back, or remove"
                " it to begin a new one"
            )
        time.sleep(0.01)


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise DatagenError if the tables are not those of a journal: a damaged name would hide all rows."""
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    columns = [row[1] for row in connection.execute("PRAGMA table_info(calls)")]
    if "calls" not in names or columns[: len(_OLDEST)] != [*_OLDEST]:
        raise DamagedJournal(path, "it has no table of calls")
    known = {*_OLDEST, *_ADDED, *_NAMES}
    for name in sorted(names | {*columns}):
        if name not in known:
            raise DamagedJournal(path, f"this version of datagen knows no {one_line(name, 40)} in it")


def check_pages(connection: sqlite3.Connection, path: Path) -> None:
    """Raise DatagenError if a page is damaged in its structure; about a second for each GB in memory.

    What a page says, such as a reply, is not looked at: `digest` is for that.
    """
    with errors_explained(path):
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedJournal(path, one_line(found.rpartition("***")[2], 120))
