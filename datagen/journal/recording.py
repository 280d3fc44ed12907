"""Recorded calls that are read again by their place: a journal's file, or its export, plain or packed.

Texts stay on disk. A packed export is unpacked into a temporary file first.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

from datagen import canonical, packed
from datagen.errors import one_line
from datagen.journal.maintenance import Call, columns, reply_of, selected
from datagen.journal.transfer import is_journal, parsed, request_from
from datagen.request import Reply, Request


class BadRecording(Exception):
    """The file is no recording, is damaged, or lacks what is wanted; the message is for people."""


class RecordedCall(NamedTuple):
    """One call of a recording."""

    key: str
    request: Request
    reply: Reply


@contextmanager
def opened(path: Path) -> Iterator[Export | JournalFile]:
    """A recording, recognised by its first bytes; opening it and its methods raise the same.

    Raises:
        BadRecording: it is no recording, or is damaged.
        sqlite3.Error, OSError, packed.Incomplete: it cannot be read.
    """
    if is_journal(path):
        # Where nobody has it open, reading it should leave no files beside it, nor need to.
        how = "mode=ro" if log_of(path).exists() else "immutable=1"
        uri = f"file:{quote(str(path))}?{how}"
        with closing(sqlite3.connect(uri, uri=True, timeout=60, check_same_thread=False)) as connection:
            yield JournalFile(connection)
    else:
        with _plain(path) as file:
            yield Export(file)


def log_of(path: Path) -> Path:
    """Where SQLite keeps what is not in the journal's main file yet."""
    return path.with_name(f"{path.name}-wal")


@contextmanager
def _plain(path: Path) -> Iterator[IO[bytes]]:
    packing = packed.by_content(path)
    with packed.reading(path, packing) as content:
        if packing is None:
            yield content
            return
        with tempfile.TemporaryFile(prefix="datagen-") as plain:
            shutil.copyfileobj(content, plain, 1 << 20)
            plain.seek(0)
            yield plain


class Export:
    """What `datagen journal export` writes: a call a line. A place is a line's first byte."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def requests(self) -> Iterator[tuple[int, Request]]:
        """All places, each with its request."""
        place = 0
        for number, line in enumerate(self._file, 1):
            if line.strip():
                yield place, _recorded(line, f"line {number}").request
            place += len(line)

    def at(self, place: int) -> list[RecordedCall]:
        """The calls at a place."""
        self._file.seek(place)
        return [_recorded(self._file.readline(), f"the line at byte {place}")]


def _recorded(line: bytes, where: str) -> RecordedCall:
    try:
        _, request, reply = parsed(line)
    except (ValueError, RecursionError) as error:
        raise BadRecording(f"{where} is no recorded call: {one_line(error, 160)}") from None
    return RecordedCall(request.key, request, reply)


class JournalFile:
    """A journal's SQLite file. A place is the first 16 hex digits of the calls' keys, as a number."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        if not columns(connection) >= {"key", "request", "reply", "made"}:
            raise BadRecording("it is a SQLite file, but no journal of datagen")
        self._connection = connection
        self._at = f"SELECT {selected(connection)} FROM calls WHERE key >= ? AND key < ?"

    def requests(self) -> Iterator[tuple[int, Request]]:
        """All places, each with its request."""
        for key, text in self._connection.execute("SELECT key, request FROM calls ORDER BY key"):
            with _damage(key):
                if not isinstance(text, str) or key != canonical.sha256(text):
                    raise ValueError("its key is not the sha256 of its request")
                request = request_from(json.loads(text))
            yield int(key[:16], 16), request

    def at(self, place: int) -> list[RecordedCall]:
        """The calls at a place."""
        rows = self._connection.execute(self._at, (f"{place:016x}", f"{place:016x}g")).fetchall()
        found = []
        for call in (Call(*row) for row in rows):
            with _damage(call.key):
                if not call.is_sound():
                    raise ValueError("it is not as it was stored")
                request = request_from(json.loads(call.request))
                found.append(RecordedCall(call.key, request, reply_of(call)))
        return found


@contextmanager
def _damage(key: object) -> Iterator[None]:
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise BadRecording(f"the call {one_line(key, 12)} is damaged: {one_line(error, 120)}") from None
