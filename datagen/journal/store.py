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
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import UnionType

from datagen import canonical
from datagen.errors import DatagenError, one_line
from datagen.journal.damage import (
    DamagedJournal,
    check_pages,
    check_schema,
    errors_explained,
    refuse_emptied,
    unusable,
)
from datagen.request import Reply, Request

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY,       -- sha256 of the canonical request
    request TEXT NOT NULL,      -- canonical JSON
    reply TEXT NOT NULL,        -- JSON
    made TEXT NOT NULL,         -- UTC
    digest TEXT,                -- sha256 of request and reply: SQLite itself does not notice a flipped bit
    plan TEXT,                  -- what it was bought for: the key of a stage's or a run's plan
    usd REAL                    -- what it cost, at the prices of then
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS reservations (
    id TEXT PRIMARY KEY,        -- one attempt
    plan TEXT NOT NULL,
    usd REAL NOT NULL           -- what the attempt can cost at most
) WITHOUT ROWID
""",
)
#: Columns that journals of version 0.1.0 lack.
_ADDED = ("digest TEXT", "plan TEXT", "usd REAL")
INSERT = (
    "INSERT OR IGNORE INTO calls (key, request, reply, made, digest, plan, usd) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_RESERVE = "INSERT INTO reservations (id, plan, usd) VALUES (?, ?, ?)"
_RELEASE = "DELETE FROM reservations WHERE id = ?"
#: Behind INSERT: if another process stored the call first, it was paid twice, and the note says so.
_SETTLE = "DELETE FROM reservations WHERE id = ? AND changes() > 0"
_SPENT = """
SELECT (SELECT TOTAL(usd) FROM calls WHERE plan = ?1 AND plan <> '')
    + (SELECT TOTAL(usd) FROM reservations WHERE plan = ?1)
"""
_BEFORE = "SELECT key, request FROM calls WHERE key < ? ORDER BY key DESC LIMIT 1"
_AFTER = "SELECT key, request FROM calls WHERE key > ? ORDER BY key LIMIT 1"
_MEAN = """
SELECT COUNT(*), AVG(json_extract(reply, '$.tokens_out')) FROM calls
WHERE json_extract(request, '$.endpoint') = ? AND json_extract(request, '$.model') = ?
    AND json_extract(request, '$.messages[0][1]') IS ? AND (json_extract(request, '$.text') IS NULL) = ?
"""
_BUSY_SECONDS = 60.0
#: Files up to this size are checked whole when they are opened: 0.2 s if they are in the system's cache.
CHECKED_BYTES = 256 * 2**20

_Statement = tuple[str, tuple[str | float | None, ...]]


def default_path() -> Path:
    """Where the journal is: DATAGEN_CACHE_DIR, else datagen's folder in XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("DATAGEN_CACHE_DIR")
    shared = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(own) if own else Path(shared or Path.home() / ".cache") / "datagen"
    except RuntimeError:  # a container's user without a home
        raise DatagenError("there is no home folder for the journal; name one in DATAGEN_CACHE_DIR") from None
    try:
        str(folder).encode()
    except UnicodeEncodeError:  # SQLite takes no other names
        shown = str(folder).encode(errors="replace").decode()
        raise DatagenError(
            f"the journal's folder {shown} has a name that is not UTF-8; name another in DATAGEN_CACHE_DIR"
        ) from None
    return folder / "journal.sqlite"


class Journal:
    """Looks replies up and stores them. Use it from one event loop; several processes may share a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = connect(path)
        try:
            if path.stat().st_size <= CHECKED_BYTES:
                check_pages(self._reader, path)
            writes_to = connect(path)
        except BaseException:
            self._reader.close()
            raise
        self._queue: queue.SimpleQueue[tuple[list[_Statement], asyncio.Future[bool]] | None] = (
            queue.SimpleQueue()
        )
        self._writer = threading.Thread(target=self._write, args=[writes_to], name="journal", daemon=True)
        self._writer.start()

    def get(self, request: Request) -> Reply | None:
        """The stored reply to an equal request, or None.

        Raises:
            DatagenError: the journal is damaged.
        """
        with errors_explained(self.path):
            found = self._reader.execute(
                "SELECT request, reply, digest FROM calls WHERE key = ?", (request.key,)
            ).fetchone()
            if found is None:
                self._check_absent(request.key)
                return None
            digest = canonical.sha256(f"{found[0]}{found[1]}")
            if found[0] != request.canonical or found[2] not in {None, digest}:
                raise DamagedJournal(self.path, f"the call {request.key[:12]} is not as it was stored")
            if (reply := reply_from(found[1])) is None:
                raise DamagedJournal(self.path, f"the reply to {request.key[:12]} cannot be read")
            return reply

    def _check_absent(self, key: str) -> None:
        """Stop where `key` is not found because another key on the way to it is damaged.

        A search that a wrong key leads astray ends beside that key; so the two that it ends between tell.
        """
        for query in (_BEFORE, _AFTER):
            beside = self._reader.execute(query, (key,)).fetchone()
            if beside is not None and beside[0] != canonical.sha256(str(beside[1])):
                raise DamagedJournal(self.path, f"the key {one_line(beside[0], 12)} is not as it was stored")

    async def put(
        self, request: Request, reply: Reply, *, plan: str = "", usd: float = 0.0, reserved: str = ""
    ) -> Reply:
        """Store a reply and return what the journal holds, once that is safe on disk.

        That is another reply if another process stored one to an equal request first: what a run makes
        of it can be made again from the journal.

        plan: what it was bought for. usd: what it cost. reserved: the reservation that this settles.

        Raises:
            DatagenError: it cannot be stored (a full disk).
        """
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = reply.stored()
        digest = canonical.sha256(request.canonical + text)
        statements: list[_Statement] = [
            (INSERT, (request.key, request.canonical, text, made, digest, plan, usd))
        ]
        if reserved:
            statements.append((_SETTLE, (reserved,)))
        if await self._store(statements):
            return reply._replace(pause=0.0)
        return self.get(request) or reply

    async def reserve(self, plan: str, usd: float) -> str:
        """Note that a call for `plan` may cost so much, and return the note's name, once it is on disk.

        It counts as spent until the call is settled by `put` or `release`: after a kill nobody knows.
        """
        name = secrets.token_hex(16)
        await self._store([(_RESERVE, (name, plan, usd))])
        return name

    async def release(self, reserved: str) -> None:
        """Take a reservation back: the call was certainly not paid for."""
        await self._store([(_RELEASE, (reserved,))])

    def spent(self, plan: str) -> float:
        """USD that all runs of `plan` spent, open reservations included."""
        with errors_explained(self.path):
            return float(self._reader.execute(_SPENT, (plan,)).fetchone()[0])

    def mean_tokens_out(self, like: Request) -> tuple[int, float]:
        """How many calls of a model with such a system prompt are stored, and the mean of their answers."""
        system = like.messages[0][1] if like.messages else None
        try:
            found = self._reader.execute(_MEAN, (like.endpoint, like.model, system, like.text is None))
            calls, mean = found.fetchone()
        except sqlite3.Error as error:
            raise unusable(self.path, error) from None
        return calls, mean or 0.0

    async def _store(self, statements: list[_Statement]) -> bool:
        """Carry out statements in one transaction; returns whether the first of them changed anything."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.put((statements, stored))
        return await stored

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
            changed = _commit(connection, self.path, [statements for statements, _ in waiting])
            for number, (_, stored) in enumerate(waiting):
                _tell(stored, changed if isinstance(changed, DatagenError) else changed[number])
        connection.close()


def _commit(
    connection: sqlite3.Connection, path: Path, batch: list[list[_Statement]]
) -> list[bool] | DatagenError:
    """Carry out a batch in one transaction; returns of each item whether its first statement did anything."""
    try:
        with connection:
            rows = [
                [connection.execute(sql, values).rowcount for sql, values in statements]
                for statements in batch
            ]
        return [first > 0 for first, *_ in rows]
    except sqlite3.Error as error:
        return unusable(path, error)


def _tell(stored: asyncio.Future[bool], outcome: bool | DatagenError) -> None:
    def settle() -> None:
        if not stored.done():
            if isinstance(outcome, DatagenError):
                stored.set_exception(outcome)
            else:
                stored.set_result(outcome)

    # The loop is closed when a run was given up; what it asked to store is stored all the same.
    with contextlib.suppress(RuntimeError):
        stored.get_loop().call_soon_threadsafe(settle)


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal's file, and make or complete it where needed."""
    with errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_emptied(path)
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        connection.text_factory = bytes.decode  # its error, unlike SQLite's own, says what is wrong
        try:
            _set_up(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    last_try = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            with connection:
                _make_tables(connection, path)
            return
        except sqlite3.OperationalError as error:
            # Of two processes that open a new file at once, SQLite refuses one without its usual patience.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > last_try:
                raise
        time.sleep(0.01)


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        check_schema(connection, path)
    for statement in SCHEMA:
        connection.execute(statement)
    known = {row[1] for row in connection.execute("PRAGMA table_info(calls)")}
    for column in _ADDED:
        if column.split()[0] not in known:
            connection.execute(f"ALTER TABLE calls ADD COLUMN {column}")
    connection.execute("CREATE INDEX IF NOT EXISTS bought_for ON calls (plan) WHERE plan <> ''")


_REPLY_TYPES: Mapping[str, type | UnionType] = {
    **{"text": str, "finish_reason": str | None, "model": str | None},
    **{"tokens_in": int, "tokens_out": int},
}


def reply_from(text: str) -> Reply | None:
    """The reply that the journal keeps as `text`; None if it is none."""
    try:
        return reply_of_json(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None


def reply_of_json(content: object) -> Reply | None:
    """The reply that parsed JSON tells; None if it is none."""
    try:
        if not isinstance(content, dict) or content.keys() != _REPLY_TYPES.keys():
            return None
        if any(not isinstance(content[name], wanted) for name, wanted in _REPLY_TYPES.items()):
            return None
        content["text"].encode()  # JSON can say half of a surrogate pair
    except UnicodeEncodeError:
        return None
    return Reply(**content)


@contextmanager
def open_journal(path: Path | None = None) -> Iterator[Journal]:
    """The user's journal, closed afterwards."""
    journal = Journal(path or default_path())
    try:
        yield journal
    finally:
        journal.close()
