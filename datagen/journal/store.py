"""Every model call, once: a SQLite file shared by all runs and processes of a user.

A reply is acknowledged when it is on disk (WAL, synchronous=FULL), so that neither SIGKILL nor a power
cut makes anyone pay for it twice. One thread writes; each commit takes whatever queued during the last
one, which at load is many times faster than a commit per reply and adds no waiting when there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import UnionType
from typing import NamedTuple

from datagen import canonical
from datagen.errors import DatagenError, one_line
from datagen.journal.claims import Claims
from datagen.journal.damage import DamagedJournal, check_pages, errors_explained, unusable
from datagen.journal.place import default_path
from datagen.journal.tables import connect
from datagen.request import Reply, Request

INSERT = (
    "INSERT OR IGNORE INTO calls (key, request, reply, made, digest, plan, usd, account)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_FAILED = "INSERT OR REPLACE INTO failures (key, plan, reason) VALUES (?, ?, ?)"
_NO_FAILURE = "DELETE FROM failures WHERE key = ?"
_RESERVE = "INSERT OR IGNORE INTO reservations (id, plan, usd) VALUES (?, ?, ?)"
#: Another name, by which no later call of the same key finds it.
_LOSE = "UPDATE reservations SET id = ? WHERE id = ?"
_RELEASE = "DELETE FROM reservations WHERE id = ?"
#: Behind INSERT: if another process stored the call first, it was paid twice, and the note says so.
_SETTLE = "DELETE FROM reservations WHERE id = ? AND changes() > 0"
_SPENT = """
SELECT (SELECT TOTAL(usd) FROM calls WHERE account = ?1 AND account <> ''),
    (SELECT TOTAL(usd) FROM reservations WHERE plan = ?1)
"""
#: Of calls that a batch answered to another run, which paid for them.
_ANSWERED = """
DELETE FROM reservations WHERE plan = ?1 AND id LIKE '%:%' AND substr(id, instr(id, ':') + 1) IN
    (SELECT key FROM calls WHERE account IS NOT ?1)
"""
_BEFORE = "SELECT key, request FROM calls WHERE key < ? ORDER BY key DESC LIMIT 1"
_AFTER = "SELECT key, request FROM calls WHERE key > ? ORDER BY key LIMIT 1"
_MEAN = """
SELECT COUNT(*), AVG(json_extract(reply, '$.tokens_out')) FROM calls
WHERE json_extract(request, '$.endpoint') = ? AND json_extract(request, '$.model') = ?
    AND json_extract(reply, '$.tokens_out') > 0
    AND json_extract(request, '$.messages[0][1]') IS ? AND (json_extract(request, '$.text') IS NULL) = ?
"""
#: Files up to this size are checked whole when they are opened: 0.2 s if they are in the system's cache.
CHECKED_BYTES = 256 * 2**20

_Statement = tuple[str, tuple[str | float | None, ...]]


class Spent(NamedTuple):
    """USD of an account: for calls that were answered, and set aside for those that were not."""

    usd: float
    set_aside: float


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
        self.claims = Claims(path)

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

    def has(self, key: str) -> bool:
        """Whether the call with this key is stored; far less work than `get`, where it is not."""
        with errors_explained(self.path):
            return bool(self._reader.execute("SELECT 1 FROM calls WHERE key = ?", (key,)).fetchone())

    def _check_absent(self, key: str) -> None:
        """Stop where `key` is not found because another key on the way to it is damaged.

        A search that a wrong key leads astray ends beside that key; so the two that it ends between tell.
        """
        for query in (_BEFORE, _AFTER):
            beside = self._reader.execute(query, (key,)).fetchone()
            if beside is not None and beside[0] != canonical.sha256(str(beside[1])):
                raise DamagedJournal(self.path, f"the key {one_line(beside[0], 12)} is not as it was stored")

    async def put(
        self,
        request: Request,
        reply: Reply,
        *,
        plan: str = "",
        usd: float = 0.0,
        account: str = "",
        reserved: str = "",
    ) -> Reply:
        """Store a reply and return what the journal holds, once that is safe on disk.

        That is another reply if another process stored one to an equal request first: what a run makes
        of it can be made again from the journal.

        Args:
            plan: what it was bought for.
            usd: what it cost.
            account: whose money it was.
            reserved: the reservation that this settles.

        Raises:
            DatagenError: it cannot be stored (a full disk).
        """
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = reply.stored()
        digest = canonical.sha256(request.canonical + text)
        statements: list[_Statement] = [
            (INSERT, (request.key, request.canonical, text, made, digest, plan, usd, account))
        ]
        if reserved:
            statements.append((_SETTLE, (reserved,)))
        statements.append((_NO_FAILURE, (request.key,)))
        if await self._store(statements):
            return reply._replace(pause=0.0)
        return self.get(request) or reply

    async def reserve(self, account: str, usd: float, *, key: str = "") -> str:
        """Note that a call may cost an account so much, and return the note's name, once it is on disk.

        It counts until the call is settled by `put` or `release`: after a kill nobody knows.

        Args:
            account: whose money it is.
            usd: the most that the call can cost.
            key: of a call that goes on at the server without us; it has one note, however often reserved.
        """
        name = f"{account}:{key}" if key else secrets.token_hex(16)
        await self._store([(_RESERVE, (name, account, usd))])
        return name

    async def lose(self, reserved: str) -> None:
        """Let a reservation count for good: the call may have been paid for, and nobody gets its answer."""
        await self._store([(_LOSE, (secrets.token_hex(16), reserved))])

    async def release(self, reserved: str) -> None:
        """Take a reservation back: the call was certainly not paid for."""
        await self._store([(_RELEASE, (reserved,))])

    async def note_failure(self, request: Request, plan: str, reason: str) -> None:
        """Remember that a request failed, until it is answered: a rerun asks it last."""
        await self._store([(_FAILED, (request.key, plan, reason))])

    def has_failed(self, key: str) -> bool:
        """Whether the request with this key failed, and was not answered since."""
        with errors_explained(self.path):
            return bool(self._reader.execute("SELECT 1 FROM failures WHERE key = ?", (key,)).fetchone())

    def any_failed(self, plan: str) -> bool:
        """Whether any request of `plan` failed, and was not answered since."""
        query = "SELECT 1 FROM failures WHERE plan = ? LIMIT 1"
        with errors_explained(self.path):
            return bool(self._reader.execute(query, (plan,)).fetchone())

    def spent(self, account: str) -> Spent:
        """USD that an account has spent, and what is set aside for calls without an answer."""
        with errors_explained(self.path):
            return Spent(*self._reader.execute(_SPENT, (account,)).fetchone())

    def awaited(self, account: str) -> dict[str, float]:
        """What is set aside for calls that go on at a server without us, by the note's name."""
        query = "SELECT id, usd FROM reservations WHERE plan = ? AND id LIKE '%:%'"
        with errors_explained(self.path):
            with self._reader:
                self._reader.execute(_ANSWERED, (account,))
            return dict(self._reader.execute(query, (account,)).fetchall())

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
        self.claims.close()

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
        if not isinstance(content, dict) or content.keys() - {"adapted", "thinking"} != _REPLY_TYPES.keys():
            return None
        adapted, thinking = content.get("adapted", []), content.get("thinking", "")
        if not isinstance(adapted, list) or not all(isinstance(one, str) for one in (thinking, *adapted)):
            return None
        if any(not isinstance(content[name], wanted) for name, wanted in _REPLY_TYPES.items()):
            return None
        "".join([content["text"], thinking, *adapted]).encode()  # JSON can say half of a surrogate pair
    except UnicodeEncodeError:
        return None
    return Reply(**{**content, "adapted": tuple(adapted)})


@contextmanager
def open_journal(path: Path | None = None) -> Iterator[Journal]:
    """The user's journal, closed afterwards."""
    journal = Journal(path or default_path())
    try:
        yield journal
    finally:
        journal.close()
