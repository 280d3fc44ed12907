"""Verdicts on programs, each reached once: a table in the journal's file.

A verdict depends on the machine that reached it; stored, it gives the same data set on every other.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datagen import canonical
from datagen.journal.damage import DamagedJournal, errors_explained
from datagen.journal.place import default_path
from datagen.journal.tables import connect

_GET = "SELECT verdict, digest FROM verdicts WHERE key = ?"
_PUT = "INSERT OR IGNORE INTO verdicts (key, verdict, made, digest) VALUES (?, ?, ?, ?)"


class Verdicts:
    """Looks verdicts up and stores them, by what was judged; several processes may share a file."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def get(self, key: str) -> str | None:
        """The JSON of the verdict stored under `key`, or None.

        Raises:
            DatagenError: the journal is damaged.
        """
        with errors_explained(self._path):
            found = self._connection.execute(_GET, (key,)).fetchone()
        if found is None:
            return None
        if found[1] != canonical.sha256(key + found[0]):
            raise DamagedJournal(self._path, f"the verdict {key[:12]} is not as it was stored")
        return str(found[0])

    def put(self, key: str, verdict: str) -> str:
        """Store a verdict's JSON and return what the journal holds: another process may have been first.

        Raises:
            DatagenError: it cannot be stored (a full disk).
        """
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with errors_explained(self._path), self._connection:
            stored = self._connection.execute(_PUT, (key, verdict, made, canonical.sha256(key + verdict)))
        return verdict if stored.rowcount else self.get(key) or verdict


@contextmanager
def open_verdicts(path: Path | None = None) -> Iterator[Verdicts]:
    """The verdicts in a journal's file, the user's own for None."""
    path = path or default_path()
    connection = connect(path)
    try:
        # A verdict that a power cut loses is reached again; a process that is killed loses none.
        connection.execute("PRAGMA synchronous = NORMAL")
        yield Verdicts(connection, path)
    finally:
        connection.close()
