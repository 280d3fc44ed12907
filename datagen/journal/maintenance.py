"""The journal's file as a whole: what is in it, which calls to take out of it, and whether it is sound."""

from __future__ import annotations

import contextlib
import json
import math
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from datagen import canonical
from datagen.errors import UsageError, nearest, one_line
from datagen.journal import salvage, store, tables
from datagen.journal.damage import DamagedJournal, check_pages, check_schema, errors_explained, refuse_emptied
from datagen.request import Reply

_ROWS_AT_A_TIME = 2000
#: Whoever waits longer for the file than this many seconds would rather have it compacted another time.
_VACUUM_PATIENCE = 2.0

_MADE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_COLUMNS = ("key", "request", "reply", "made", "digest", "plan", "usd", "account")
_COUNTED = """
SELECT json_extract(request, '$.model', '$.endpoint'), json_extract(reply, '$.tokens_in', '$.tokens_out'),
    made, {usd} FROM calls
"""


class Call(NamedTuple):
    """One stored call, as the file holds it.

    Args:
        key: 64 hex digits.
        request: JSON.
        reply: JSON.
        made: UTC, in whole seconds.
        digest: of request and reply; like the fields behind it, None in rows of older versions.
        plan: what it was bought for.
        usd: what it cost.
        account: whose money it was.
    """

    key: str
    request: str
    reply: str
    made: str
    digest: str | None = None
    plan: str | None = None
    usd: float | None = None
    account: str | None = None

    def is_sound(self) -> bool:
        """Whether this is what was once stored, as far as the row itself can tell."""
        texts = (self.key, self.request, self.reply, self.made)
        if not all(isinstance(text, str) for text in texts):
            return False
        if not all(isinstance(text, str | None) for text in (self.plan, self.account)):
            return False
        usd = 0 if self.usd is None else self.usd
        if not isinstance(usd, int | float) or isinstance(usd, bool) or not 0 <= usd < math.inf:
            return False
        if not _MADE.fullmatch(self.made) or self.key != canonical.sha256(self.request):
            return False
        if self.digest is None:
            return store.reply_from(self.reply) is not None
        return self.digest == canonical.sha256(self.request + self.reply)


class CallFilter(NamedTuple):
    """Which calls are meant; what is empty or None excludes nothing.

    Args:
        models: as the requests name them.
        endpoints: likewise.
        since: UTC as in `Call.made`, itself included.
        before: likewise, itself not included.
    """

    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    since: str | None = None
    before: str | None = None

    def condition(self) -> tuple[str, list[str]]:
        """An SQL condition and its values."""
        parts, values = ["1"], list[str]()
        for name, allowed in (("model", self.models), ("endpoint", self.endpoints)):
            if allowed:
                parts.append(f"json_extract(request, '$.{name}') IN ({', '.join('?' * len(allowed))})")
                values += allowed
        for sign, moment in ((">=", self.since), ("<", self.before)):
            if moment is not None:
                parts.append(f"made {sign} ?")
                values.append(moment)
        return " AND ".join(parts), values


def size(path: Path) -> int:
    """Bytes that the journal takes on disk."""
    return sum(part.stat().st_size for part in (path, path.with_name(f"{path.name}-wal")) if part.exists())


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The journal's file, sound and for reading only; a run may go on writing it.

    Raises:
        DatagenError: it is damaged or cannot be read.
    """
    with opened(path) as connection:
        check_pages(connection, path)
        yield connection


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The same without a look at the pages, which takes about a second for each GB."""
    with contextlib.ExitStack() as stack:
        with errors_explained(path):
            refuse_emptied(path)
            connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=60)
            stack.enter_context(contextlib.closing(connection))
            connection.text_factory = bytes.decode
            check_schema(connection, path)
        yield connection


@dataclass
class ModelCount:
    """Calls of one model at one endpoint; usd: what they cost; first, last: when they were made, UTC."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    first: str = ""
    last: str = ""

    def add(self, tokens: str, made: str, usd: float | None) -> None:
        """Count one more."""
        tokens_in, tokens_out = json.loads(tokens)
        self.calls += 1
        self.tokens_in += tokens_in or 0
        self.tokens_out += tokens_out or 0
        self.usd += usd or 0.0
        self.first = min(self.first or made, made)
        self.last = max(self.last, made)


class Stats(NamedTuple):
    """What a journal holds.

    Args:
        by_model: by (model, endpoint), sorted.
        reservations: calls under way, or killed.
        reserved: USD that they may cost.
    """

    by_model: dict[tuple[str, str], ModelCount]
    reservations: int
    reserved: float


def stats(path: Path) -> Stats:
    """Count what a journal holds, in the memory of a few rows; about 8 seconds for a million calls.

    Raises:
        DatagenError: it is damaged or cannot be read.
    """
    counts: dict[str, ModelCount] = {}
    with reading(path) as connection, errors_explained(path):
        # Grouped here, because SQLite would sort the whole texts on disk first.
        query = _COUNTED.format(usd="usd" if "usd" in columns(connection) else "NULL")
        for who, tokens, made, usd in connection.execute(query):
            counts.setdefault(who, ModelCount()).add(tokens, made, usd)
        open_ones = (0, 0.0)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'reservations'").fetchone():
            open_ones = connection.execute("SELECT COUNT(*), TOTAL(usd) FROM reservations").fetchone()
    named = sorted((json.loads(who), count) for who, count in counts.items())
    return Stats({(model, endpoint): count for (model, endpoint), count in named}, *open_ones)


class ReadableCalls(NamedTuple):
    """Calls to go through, and what is known to be lost.

    Args:
        calls: in the order of their keys.
        broken: how many could be seen but not read; it grows while `calls` is gone through.
        problem: why not all of the file could be read, in words; empty if all could be.
    """

    calls: Iterator[Call]
    broken: list[str]
    problem: str


@contextmanager
def everything(path: Path, wanted: CallFilter) -> Iterator[ReadableCalls]:
    """All calls that can be read and are wanted, of a damaged file too.

    Raises:
        DatagenError: the file cannot be opened at all, or holds no call of a model or endpoint wanted.
    """
    broken: list[str] = []
    with contextlib.ExitStack() as stack:
        problem = ""
        try:
            connection = stack.enter_context(reading(path))
        except DamagedJournal as error:
            problem = error.what
            with errors_explained(path):
                connection = stack.enter_context(contextlib.closing(_salvaged(path, broken)))
        yield ReadableCalls(_sound(_select(connection, path, wanted), broken), broken, problem)


def _sound(calls: Iterator[Call], broken: list[str]) -> Iterator[Call]:
    for call in calls:
        if call.is_sound():
            yield call
        else:
            broken.append(str(call.key)[:12])


def _select(connection: sqlite3.Connection, path: Path, wanted: CallFilter) -> Iterator[Call]:
    condition, values = wanted.condition()
    fields = selected(connection)
    # A damaged text must neither end the work nor look like a whole one.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    valid = "" if condition == "1" else "json_valid(request) AND "
    with errors_explained(path):
        found = connection.execute(
            f"SELECT {fields} FROM calls WHERE {valid}{condition} ORDER BY key", values
        )
        any_found = False
        for row in found:
            any_found = True
            yield Call(*row)
        if not any_found:
            refuse_unknown(connection, wanted)


def _salvaged(path: Path, broken: list[str]) -> sqlite3.Connection:
    """A temporary database with every call that can be read from the pages of a damaged file."""
    connection = sqlite3.connect("")
    connection.execute(tables.SCHEMA[0])
    # Where the header tells of another size of pages it may be what is damaged.
    for size in (None, salvage.DEFAULT_PAGE):
        if not connection.total_changes:
            broken.clear()
            for values in salvage.records(path, size=size):
                _take(connection, values, broken)
    connection.commit()
    return connection


def _take(connection: sqlite3.Connection, values: salvage.Values | None, broken: list[str]) -> None:
    if values is None:
        broken.append("")
    elif len(values) >= 4 and isinstance(values[1], str) and values[1].startswith("{"):
        call = Call(*values[: len(_COLUMNS)])  # type: ignore[arg-type]
        if call.is_sound():
            connection.execute(store.INSERT, call)
        else:
            broken.append(str(call.key)[:12])


def refuse_unknown(connection: sqlite3.Connection, wanted: CallFilter) -> None:
    """Raise UsageError for a model or an endpoint of which the journal holds no call."""
    for name, given in (("model", wanted.models), ("endpoint", wanted.endpoints)):
        if given:
            query = f"SELECT DISTINCT json_extract(request, '$.{name}') FROM calls ORDER BY 1 LIMIT 50"
            known = [row[0] for row in connection.execute(query)]
            for one in given:
                if one not in known:
                    what = nearest(one, known) if known else "it holds no calls at all"
                    raise UsageError(f"the journal holds no call of the {name} {one_line(one, 80)}: {what}")


class Pruned(NamedTuple):
    """What was removed. bytes: on disk afterwards. kept_open: why the file could not shrink, or empty."""

    calls: int
    bytes: int
    kept_open: str


def count(path: Path, wanted: CallFilter) -> int:
    """How many calls are wanted.

    Raises:
        DatagenError: the journal is damaged, or holds no call of a model or endpoint wanted.
    """
    condition, values = wanted.condition()
    with reading(path) as connection:
        found = int(connection.execute(f"SELECT COUNT(*) FROM calls WHERE {condition}", values).fetchone()[0])
        if not found:
            refuse_unknown(connection, wanted)
    return found


def prune(path: Path, wanted: CallFilter) -> Pruned:
    """Remove the calls that are wanted, a few at a time so that runs can go on, and free their space.

    Raises:
        DatagenError: the journal is damaged or cannot be written.
    """
    condition, values = wanted.condition()
    query = f"SELECT key FROM calls WHERE key > ? AND {condition} ORDER BY key LIMIT {_ROWS_AT_A_TIME}"
    removed = 0
    with contextlib.closing(tables.connect(path)) as connection, errors_explained(path):
        check_pages(connection, path)
        # What is removed is not to come back when a damaged file is read page by page.
        connection.execute("PRAGMA secure_delete = ON")
        keys: Sequence[tuple[str]] = [("",)]
        while keys := connection.execute(query, [keys[-1][0], *values]).fetchall():
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                done = connection.executemany("DELETE FROM calls WHERE key = ?", keys)
                removed += done.rowcount
        kept_open = _shrink(connection) if removed else ""
    return Pruned(removed, size(path), kept_open)


def _shrink(connection: sqlite3.Connection) -> str:
    """Give the space of removed rows back; returns why that could not be done."""
    connection.execute(f"PRAGMA busy_timeout = {_VACUUM_PATIENCE * 1000:.0f}")
    try:
        connection.execute("VACUUM")
        is_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_FULL,
        }:
            raise
        return one_line(error, 80)
    return "another process reads it" if is_busy else ""


def columns(connection: sqlite3.Connection) -> set[str]:
    """The columns of the calls; journals of version 0.1.0 lack some."""
    return {row[1] for row in connection.execute("PRAGMA table_info(calls)")}


def selected(connection: sqlite3.Connection) -> str:
    """The columns of a `Call` for a SELECT; those that are missing are NULL."""
    names = columns(connection)
    return ", ".join(name if name in names else f"NULL AS {name}" for name in _COLUMNS)


def find(connection: sqlite3.Connection, key: str) -> Call | None:
    """The call of a journal key, or None.

    Raises:
        DatagenError: the journal is damaged.
    """
    row = connection.execute(f"SELECT {selected(connection)} FROM calls WHERE key = ?", [key]).fetchone()
    return None if row is None else Call(*row)


def reply_of(call: Call) -> Reply:
    """What the model answered."""
    reply = store.reply_from(call.reply)
    if reply is None:
        raise ValueError("it is no reply")
    return reply
