"""Every model call, once: a SQLite file shared by all runs and processes of a user.

A reply is acknowledged when it is on disk (WAL, synchronous=FULL), so that neither SIGKILL nor a power
cut makes anyone pay for it twice. One thread writes; each commit takes whatever queued during the last
one, which at load is many times faster than a commit per reply and adds no waiting when there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datagen.errors import DatagenError, one_line
from datagen.teachers import Reply, Request

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY,       -- sha256 of the canonical request
    request TEXT NOT NULL,      -- canonical JSON
    reply TEXT NOT NULL,        -- JSON
    made TEXT NOT NULL          -- UTC
) WITHOUT ROWID
"""
_INSERT = "INSERT OR IGNORE INTO calls (key, request, reply, made) VALUES (?, ?, ?, ?)"
_BUSY_SECONDS = 60.0

_Row = tuple[str, str, str, str]


def default_path() -> Path:
    """Where the journal is: DATAGEN_CACHE_DIR, else datagen's folder in XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("DATAGEN_CACHE_DIR")
    shared = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(own) if own else Path(shared or Path.home() / ".cache") / "datagen"
    except RuntimeError:  # a container's user without a home
        raise DatagenError("there is no home folder for the journal; name one in DATAGEN_CACHE_DIR") from None
    return folder / "journal.sqlite"


class Journal:
    """Looks replies up and stores them. Use it from one event loop; several processes may share a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _connect(path)
        writes_to = _connect(path)
        self._queue: queue.SimpleQueue[tuple[_Row, asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, args=[writes_to], name="journal", daemon=True)
        self._writer.start()

    def get(self, request: Request) -> Reply | None:
        """The stored reply to an equal request, or None."""
        try:
            row = self._reader.execute("SELECT reply FROM calls WHERE key = ?", (request.key,)).fetchone()
            return Reply(**json.loads(row[0])) if row else None
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise _unusable(self.path, error) from None

    async def put(self, request: Request, reply: Reply) -> Reply:
        """Store a reply and return what the journal holds, once that is safe on disk.

        That is another reply if another process stored one to an equal request first: what a run makes
        of it can be made again from the journal.

        Raises:
            DatagenError: it cannot be stored (a full disk).
        """
        stored = asyncio.get_running_loop().create_future()
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        row = (request.key, request.canonical(), json.dumps(reply._asdict()), made)
        self._queue.put((row, stored))
        await stored
        return self.get(request) or reply

    def close(self) -> None:
        """Store what waits, then close the file."""
        self._queue.put(None)
        self._writer.join()
        self._reader.close()

    def _write(self, connection: sqlite3.Connection) -> None:
        last = False
        while not last:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            last = None in batch
            waiting = [item for item in batch if item is not None]
            error = _commit(connection, self.path, [row for row, _ in waiting])
            for _, stored in waiting:
                _tell(stored, error)
        connection.close()


def _commit(connection: sqlite3.Connection, path: Path, rows: list[_Row]) -> DatagenError | None:
    try:
        with connection:
            connection.executemany(_INSERT, rows)
    except sqlite3.Error as error:
        return _unusable(path, error)
    return None


def _tell(stored: asyncio.Future[None], error: DatagenError | None) -> None:
    def settle() -> None:
        if not stored.done():
            stored.set_result(None) if error is None else stored.set_exception(error)

    # The loop is closed when a run was given up; what it asked to store is stored all the same.
    with contextlib.suppress(RuntimeError):
        stored.get_loop().call_soon_threadsafe(settle)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from None
    try:
        _set_up(connection)
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from None
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    last_try = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_SCHEMA)
            connection.commit()
            return
        except sqlite3.OperationalError as error:
            # Of two processes that open a new file at once, SQLite refuses one without its usual patience.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > last_try:
                raise
        time.sleep(0.01)


def _unusable(path: Path, error: Exception) -> DatagenError:
    return DatagenError(
        f"the journal {path} cannot be used: {one_line(error, 120)}; make room or repair it, or name another"
        " folder in DATAGEN_CACHE_DIR"
    )


@contextmanager
def open_journal(path: Path | None = None) -> Iterator[Journal]:
    """The user's journal, closed afterwards."""
    journal = Journal(path or default_path())
    try:
        yield journal
    finally:
        journal.close()
