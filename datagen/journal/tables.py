"""The tables of a journal, and how its file is opened: made if missing, completed if older."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from datagen.journal.damage import check_schema, errors_explained, refuse_emptied

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY,       -- sha256 of the canonical request
    request TEXT NOT NULL,      -- canonical JSON
    reply TEXT NOT NULL,        -- JSON
    made TEXT NOT NULL,         -- UTC
    digest TEXT,                -- sha256 of request and reply: SQLite itself does not notice a flipped bit
    plan TEXT,                  -- what it was bought for: the key of a stage's or a run's plan
    usd REAL,                   -- what it cost, at the prices of then
    account TEXT                -- whose money it was: stands for the folder of a data set
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS reservations (
    id TEXT PRIMARY KEY,        -- one attempt
    plan TEXT NOT NULL,         -- the account; the name of the column is older
    usd REAL NOT NULL           -- what the attempt can cost at most
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY,       -- of the request that failed and was not answered since
    plan TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS verdicts (
    key TEXT PRIMARY KEY,       -- sha256 of a program, its tests and limits
    verdict TEXT NOT NULL,      -- JSON
    made TEXT NOT NULL,         -- UTC
    digest TEXT NOT NULL        -- sha256 of key and verdict
) WITHOUT ROWID
""",
)
#: Columns that journals of version 0.1.0 lack.
_ADDED = ("digest TEXT", "plan TEXT", "usd REAL", "account TEXT")
_BUSY_SECONDS = 60.0


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal's file, and make or complete it where needed."""
    with errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_emptied(path)
        new = not path.exists()
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        connection.text_factory = bytes.decode  # its error, unlike SQLite's own, says what is wrong
        try:
            _set_up(connection, path)
        except BaseException:
            connection.close()
            with contextlib.suppress(OSError):
                if new and not path.stat().st_size:  # the next one would take it for one that lost everything
                    path.unlink()
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
    connection.execute("CREATE INDEX IF NOT EXISTS spent_by ON calls (account) WHERE account <> ''")
