"""What is known of batches before, while and after they are at the server: a SQLite file beside the journal.

A file of its own, because the journal holds nothing but calls that were answered. A batch is noted before
anything is sent, so that after kill -9 at any step the next run knows which requests may be at the server.
Its steps are `uploading` (the server has no batch yet), `creating` (it may have one), `sent` and `done`.
Replies stay here until the journal has them, because a run that collects a batch need not be the one that
asks for all of it.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from datagen import progress
from datagen.errors import DatagenError, one_line
from datagen.journal import connect, reply_from
from datagen.request import Reply

FILE = "batches.sqlite"
Step = Literal["uploading", "creating", "sent", "done"]

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY,        -- our name for it, which stands in its metadata at the server
    address TEXT NOT NULL,      -- the base URL
    model TEXT NOT NULL,
    step TEXT NOT NULL,         -- uploading, creating, sent, done
    at REAL NOT NULL,           -- when that step began, seconds since 1970
    file_id TEXT,               -- the server's names
    batch_id TEXT
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS batch_requests (
    key TEXT PRIMARY KEY,       -- the journal's
    batch TEXT NOT NULL,
    line INTEGER NOT NULL,      -- its line in the batch's file, from 1
    reply TEXT                  -- JSON, once there is one; a request that failed has no row any more
) WITHOUT ROWID
""",
    "CREATE INDEX IF NOT EXISTS requests_of_batch ON batch_requests (batch)",
)
_COLUMNS = "id, address, model, step, at, file_id, batch_id"
_FIND = f"""
SELECT {", ".join(f"batches.{name}" for name in _COLUMNS.split(", "))}, reply
FROM batch_requests JOIN batches ON batch = id WHERE key = ?
"""
_BUSY_SECONDS = 60.0
#: How often another process's lock is tried, and after how long the user is told.
_LOCK_SECONDS, _TOLD_SECONDS = 0.1, 3.0


class Batch(NamedTuple):
    """One batch; see the table `batches`."""

    id: str
    address: str
    model: str
    step: Step
    at: float
    file_id: str | None
    batch_id: str | None


class Claim(NamedTuple):
    """What became of keys that were to be claimed.

    Args:
        mine: now claimed, in their order.
        replies: already answered.
        elsewhere: the batch that each of the others is in.
    """

    mine: list[str]
    replies: dict[str, Reply]
    elsewhere: dict[str, Batch]


class Store:
    """The batches at one address. Its methods wait for the disk; use them from any thread."""

    def __init__(self, path: Path, address: str) -> None:
        """Open the file beside the journal at `path`, or make it.

        Raises:
            DatagenError: one of the two cannot be used.
        """
        self.address = address
        self._path = path.with_name(FILE)
        self._turn = threading.Lock()
        self._journal = connect(path)
        try:
            self._connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        with self._writing() as connection:
            for statement in _SCHEMA:
                connection.execute(statement)
            self._clean(connection)

    def _clean(self, connection: sqlite3.Connection) -> None:
        """What the journal holds needs no second copy."""
        kept = connection.execute("SELECT key FROM batch_requests WHERE reply IS NOT NULL").fetchall()
        connection.executemany(
            "DELETE FROM batch_requests WHERE key = ?", [key for key in kept if self._journalled(*key)]
        )

    def _journalled(self, key: str) -> str | None:
        row = self._journal.execute("SELECT reply FROM calls WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that has the right to write from its beginning, so that what it reads stays true."""
        try:
            with self._turn, self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def unfinished(self, model: str | None = None) -> list[Batch]:
        """All batches at this address that are not done, the oldest first; of one model, or of any."""
        with self._writing() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM batches WHERE address = ?1 AND step <> 'done'"
                " AND (?2 IS NULL OR model = ?2) ORDER BY at, id",
                (self.address, model),
            )
            return [Batch(*row) for row in rows]

    def claim(self, batch: Batch, keys: Iterable[str]) -> Claim:
        """Note a batch, and those of the keys that nobody answered and no other batch holds.

        That is one transaction: of several processes only one gets a key.
        """
        found = Claim([], {}, {})
        with self._writing() as connection:
            for key in keys:
                row = connection.execute(_FIND, (key,)).fetchone()
                stored = row[-1] if row else self._journalled(key)
                if stored is not None:
                    found.replies[key] = self._reply(stored)
                elif row:
                    found.elsewhere[key] = Batch(*row[:-1])
                else:
                    found.mine.append(key)
            if found.mine:
                connection.execute(f"INSERT INTO batches ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", batch)
                connection.executemany(
                    "INSERT INTO batch_requests (key, batch, line) VALUES (?, ?, ?)",
                    [(key, batch.id, line) for line, key in enumerate(found.mine, 1)],
                )
        return found

    def _reply(self, stored: str) -> Reply:
        reply = reply_from(stored)
        if reply is None:
            raise self._unusable(ValueError("a reply is not as it was stored"))
        return reply

    def advance(self, batch: Batch, step: Step, **names: str) -> Batch:
        """Note that a batch has come to another step; names: file_id or batch_id. Returns it as it is now."""
        changed: dict[str, Any] = {"step": step, "at": time.time(), **names}
        batch = batch._replace(**changed)
        with self._writing() as connection:
            connection.execute(
                "UPDATE batches SET step = ?, at = ?, file_id = ?, batch_id = ? WHERE id = ?",
                (batch.step, batch.at, batch.file_id, batch.batch_id, batch.id),
            )
        return batch

    def lines(self, batch: Batch) -> dict[str, int]:
        """The keys in a batch, each with its line."""
        with self._writing() as connection:
            return dict(
                connection.execute("SELECT key, line FROM batch_requests WHERE batch = ?", (batch.id,))
            )

    def finish(self, batch: Batch, replies: Mapping[str, Reply]) -> None:
        """Keep a batch's replies, by key; its other requests may be asked again."""
        with self._writing() as connection:
            connection.executemany(
                "UPDATE batch_requests SET reply = ? WHERE key = ? AND batch = ?",
                [(reply.stored(), key, batch.id) for key, reply in replies.items()],
            )
            connection.execute("DELETE FROM batch_requests WHERE batch = ? AND reply IS NULL", (batch.id,))
            connection.execute(
                "UPDATE batches SET step = 'done', at = ? WHERE id = ?", (time.time(), batch.id)
            )

    def forget(self, batch: Batch) -> None:
        """The server never had this batch: its requests may be asked again."""
        with self._writing() as connection:
            connection.execute("DELETE FROM batch_requests WHERE batch = ?", (batch.id,))
            connection.execute("DELETE FROM batches WHERE id = ?", (batch.id,))

    def close(self) -> None:
        """Close the file, after what is being written."""
        with self._turn:
            self._connection.close()
            self._journal.close()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Be the only one, of all processes, who sends batches to this address.

        A batch that is `uploading` or `creating` while we have this right was left so by a process that
        has died: its lock went with it.
        """
        place = hashlib.sha256(self.address.encode()).hexdigest()[:16]
        lock = self._path.with_name(f"{self._path.name}-batches-{place}.lock")
        began, told = time.monotonic(), False
        try:
            handle = lock.open("ab")
        except OSError as error:
            raise self._unusable(error) from None
        with handle:
            while not self._locked(handle.fileno()):
                if not told and time.monotonic() - began > _TOLD_SECONDS:
                    told = True
                    progress.say(f"Waiting for another process that sends a batch to {self.address}")
                await asyncio.sleep(_LOCK_SECONDS)
            yield

    def _locked(self, handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # a file system without locks
            raise self._unusable(error) from None
        return True

    def _unusable(self, error: Exception) -> DatagenError:
        return DatagenError(
            f"{self._path} cannot take note of batches: {one_line(error, 120)}; make room, or move it away"
            " if it is damaged: what its batches hold is asked anew then"
        )
