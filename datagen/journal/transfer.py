"""Calls as JSON lines: a journal's export, and the way back into a journal.

One call a line:
`{"key":…,"request":{…},"reply":{…},"made":"2026-01-31T12:00:00Z","plan":…,"usd":…,"account":…}`.
Request and reply stand there byte for byte as they are stored. A file may be packed (.gz, .zst).
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from datagen import canonical, packed
from datagen.errors import DatagenError, UsageError, one_line
from datagen.journal import store, tables
from datagen.journal.damage import errors_explained
from datagen.journal.maintenance import Call, CallFilter, everything
from datagen.request import Reply, Request

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_ROWS_AT_A_TIME = 1000
_NEEDED = {"key", "request", "reply", "made"}
_ALLOWED = _NEEDED | {"plan", "usd", "account"}
_SQLITE = b"SQLite format 3\0"


def line(call: Call) -> bytes:
    """A sound call as its line, end of line included."""
    rest = json.dumps({"made": call.made, "plan": call.plan, "usd": call.usd, "account": call.account})
    return f'{{"key":"{call.key}","request":{call.request},"reply":{call.reply},{rest[1:]}\n'.encode()


@contextmanager
def written(target: Path) -> Iterator[Callable[[bytes], object]]:
    """A function that takes content for the new file `target`, which is there whole or not at all.

    Raises:
        DatagenError: there is such a file, its name ends in something else than `SUFFIXES`, or it cannot be
            written.
    """
    if not target.name.endswith(SUFFIXES):
        raise UsageError(f"{target}: its name should end in {', '.join(SUFFIXES)}")
    if target.exists():
        raise DatagenError(
            f"{target} is there already, and may hold calls that the journal lost; name another"
        )
    temporary = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with temporary.open("xb") as file:
            with _packing(file, target.suffix) as packed:
                yield packed.write
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(target)
    except OSError as error:
        raise DatagenError(f"cannot write {target}: {error.strerror or error}; name another file") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _packing(file: IO[bytes], suffix: str) -> Iterator[IO[bytes]]:
    if suffix == ".gz":
        # Without a name and a time, so that equal calls make equal files.
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
    elif suffix == ".zst":
        import zstandard

        with zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False) as packed:
            yield cast("IO[bytes]", packed)
    else:
        yield file


class Imported(NamedTuple):
    """What came of an import: stored anew; known already, of which so many have another reply."""

    stored: int
    known: int
    conflicts: int


def bring_in(source: Path, path: Path) -> Imported:
    """Store the calls of an export, or of another journal's file, in the journal `path`.

    A call that the journal knows stays as it is there. Everything is looked at before anything is stored.

    Raises:
        DatagenError: a line is no call, a file is damaged, or the journal cannot be used.
    """
    for _ in _calls(source):
        pass
    stored = known = conflicts = 0
    with contextlib.closing(tables.connect(path)) as connection:
        calls = _calls(source)
        while batch := list(islice(calls, _ROWS_AT_A_TIME)):
            with errors_explained(path), connection:
                connection.execute("BEGIN IMMEDIATE")
                for call in batch:
                    there = connection.execute("SELECT reply FROM calls WHERE key = ?", [call.key]).fetchone()
                    if there is None:
                        connection.execute(store.INSERT, call)
                        stored += 1
                    else:
                        known += 1
                        conflicts += there[0] != call.reply
    return Imported(stored, known, conflicts)


def is_journal(path: Path) -> bool:
    """Whether a file is a SQLite database, as its first bytes say."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _calls(source: Path) -> Iterator[Call]:
    try:
        if is_journal(source):
            yield from _calls_of_journal(source)
        else:
            yield from _calls_of_lines(source)
    except OSError as error:
        raise DatagenError(f"{source} cannot be read: {error.strerror or error}") from None


def _calls_of_journal(source: Path) -> Iterator[Call]:
    with everything(source, CallFilter()) as found:
        for call in found.calls:
            if found.problem:
                break
            yield call._replace(digest=canonical.sha256(call.request + call.reply))
        if found.problem or found.broken:
            what = found.problem or f"the call {found.broken[0]} is not as it was stored"
            raise DatagenError(
                f"the journal {source} is damaged: {what}; name it journal.sqlite in a folder of its own,"
                " export it with DATAGEN_CACHE_DIR naming that folder, and import what that saves"
            )


def _calls_of_lines(source: Path) -> Iterator[Call]:
    try:
        with packed.reading(source, packed.by_name(source)) as lines:
            for number, text in enumerate(lines, 1):
                if text.strip():
                    yield _call_at(text, f"{source}, line {number}")
    except packed.Incomplete as error:
        raise DatagenError(f"{source} {error}") from None


def _call_at(text: bytes, where: str) -> Call:
    try:
        return call_from(text)
    except (ValueError, RecursionError) as error:
        raise DatagenError(
            f"{where}: {one_line(error, 160)}; nothing was imported; mend the line, or take it out"
        ) from None


def call_from(text: bytes) -> Call:
    """The call that a line of an export tells.

    Raises:
        ValueError: it is none; in words that go on from the line's number.
    """
    content, request, reply = parsed(text)
    stored = reply.stored()
    digest = canonical.sha256(request.canonical + stored)
    told = content["made"], digest, content.get("plan"), content.get("usd"), content.get("account")
    call = Call(request.key, request.canonical, stored, *told)
    if not call.is_sound():
        raise ValueError(
            "made should be a moment such as 2026-01-31T12:00:00Z, plan and account text, usd a number from 0"
        )
    return call


class ParsedLine(NamedTuple):
    """What a line of an export holds; content: all of it, as JSON."""

    content: dict[str, Any]
    request: Request
    reply: Reply


def parsed(text: bytes) -> ParsedLine:
    """A line of an export whose request and reply are sound; `made`, `plan` and `usd` are not looked at.

    Raises:
        ValueError: it is none; in words that go on from the line's number.
    """
    try:
        content = json.loads(text)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg} at column {error.colno})") from None
    if not isinstance(content, dict) or not _NEEDED <= content.keys() <= _ALLOWED:
        raise ValueError(f"it should be an object with {', '.join(sorted(_ALLOWED))}")
    request = request_from(content["request"])
    if content["key"] != request.key:
        raise ValueError("its key is not the sha256 of its request")
    reply = store.reply_of_json(content["reply"])
    if reply is None:
        raise ValueError("its reply should have text, finish_reason, model, tokens_in and tokens_out")
    return ParsedLine(content, request, reply)


def request_from(content: Any) -> Request:  # noqa: ANN401 - of a file that anyone may have written
    """The request that parsed JSON tells.

    Raises:
        ValueError: it is none; in words that go on from the line's number.
    """
    if problem := _request_problem(content):
        raise ValueError(problem)
    pairs = {name: tuple(map(tuple, content[name])) for name in ("messages", "parameters")}
    return Request(**{**content, **pairs})


def _request_problem(request: object) -> str | None:
    """Why `request` is not what a request's canonical JSON tells, if so."""
    names = ("endpoint", "messages", "model", "parameters", "sample", "text")
    if not isinstance(request, dict) or sorted(request) != [*names]:
        return f"request should be an object with {', '.join(names)}"
    if not isinstance(request["endpoint"], str) or not isinstance(request["model"], str):
        return "endpoint and model of the request should be text"
    if not isinstance(request["text"], str | None) or type(request["sample"]) is not int:
        return "text of the request should be text or null, sample a whole number"
    if not _are_pairs(request["messages"]) or any(
        type(content) is not str for _, content in request["messages"]
    ):
        return "messages of the request should be pairs of a role and a text"
    if not _are_pairs(request["parameters"]):
        return "parameters of the request should be pairs of a name and a value"
    return None


def _are_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value
    )
