"""Reads rows from files, standard input and dataset directories.

Everything here is untrusted: each way in which an input can be broken ends in one line that names the
file, the place and what to do.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import signal
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import IO, NamedTuple

import polars as pl

from datagen import canonical, packed
from datagen.data import manifest
from datagen.data.inputs import files, json_rows, made
from datagen.data.inputs.json_rows import Opened
from datagen.data.inputs.kinds import Kind
from datagen.data.inputs.shapes import Recogniser
from datagen.data.source import BATCH_ROWS, Source, Spool
from datagen.errors import DatagenError

STARTER = "starter"
_BLOCK = 1 << 20


def open_source(where: str, rename: Mapping[str, str] | None = None) -> Source:
    """Open a dataset directory, a file, "-" (JSONL on standard input) or "starter".

    A file is read when something of it is asked for: its digest by one pass over the bytes, its rows by
    another one, which looks at all of them.

    Args:
        where: the path, or one of the two names.
        rename: new name -> name in the file, for files whose columns are called otherwise.

    Raises:
        DatagenError: when it cannot be read; what is wrong with its rows is raised when these are asked for.
    """
    path = Path(where)
    if path.is_dir() and where != "-":
        if rename:
            raise DatagenError(f"--map is for files; {where} is a dataset directory with fixed columns")
        return made.rows_of(path, "data", manifest.read(path))
    file = _file(where)
    rows = cache(partial(_spooled, file, rename or {}))
    return Source(
        file.name,
        partial(_digest, file, rename or {}),
        lambda: rows().rows,
        partial(_batches, rows),
        place=path if path.exists() and where != "-" else None,
    )


def open_frame(frame: pl.DataFrame, rename: Mapping[str, str] | None = None) -> Source:
    """Rows that are in memory already, as Python has them.

    Args:
        frame: as a file would hold them.
        rename: new name -> name in the frame.

    Raises:
        DatagenError: see `open_source`.
    """
    content = io.BytesIO()
    frame.rechunk().write_parquet(content)
    file = _File("frame", ".parquet", lambda: io.BytesIO(content.getvalue()))
    rows = cache(partial(_spooled, file, rename or {}))
    return Source("frame", partial(_digest, file, rename or {}), lambda: rows().rows, partial(_batches, rows))


def first_rows(where: str, rename: Mapping[str, str], limit: int) -> Source:
    """The first rows of what `open_source` opens; no more of a file is read than they need.

    Columns that only later rows have are missing.
    """
    path = Path(where)
    if path.is_dir() and where != "-":
        return open_source(where, rename).limited(limit)
    file = _file(where)
    rows = cache(partial(_spooled, file, rename, limit))
    return Source(file.name, "", lambda: rows().rows, partial(_batches, rows))


def open_dropped(where: str) -> Source:
    """Open what a dataset directory dropped.

    Raises:
        DatagenError: `where` is no dataset directory.
    """
    path = Path(where)
    if not path.is_dir():
        raise DatagenError(f"{where} is no dataset directory, so nothing was dropped from it")
    return made.rows_of(path, "dropped", manifest.read(path))


class _File(NamedTuple):
    """A file of rows: what it is called, its format, and how it is opened from its beginning."""

    name: str
    suffix: str
    opened: Opened

    @property
    def shown(self) -> str:
        """What error lines call it."""
        return "standard input" if self.name == "-" else self.name


def _file(where: str) -> _File:
    path = Path(where)
    if where == STARTER and not path.exists():
        parts = sorted(resources.files("datagen").joinpath("starter").iterdir(), key=lambda part: part.name)
        raw = b"".join(part.read_bytes() for part in parts)
        return _File(STARTER, ".jsonl", lambda: io.BytesIO(raw))
    if where == "-":
        return _File("-", ".jsonl", _StandardInput().opened)
    return _File(_name(path), files.format_of(path), partial(files.opened, path))


class _StandardInput:
    """Standard input, put into a temporary file when it is first opened, so that it can be read again."""

    def __init__(self) -> None:
        self._content: IO[bytes] | None = None

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        if self._content is None:
            if sys.stdin is None:
                raise DatagenError("standard input is closed; give a file, or pipe JSONL into it")
            if threading.current_thread() is threading.main_thread():
                # polars makes the system take up an interrupted read again, and Ctrl-C would not be heard.
                signal.siginterrupt(signal.SIGINT, True)
            content = tempfile.TemporaryFile(prefix="datagen-")  # noqa: SIM115 - it goes with this object
            weakref.finalize(self, content.close)
            shutil.copyfileobj(sys.stdin.buffer, content, _BLOCK)
            content.seek(0)
            if packing := packed.by_start(content.read(4)):
                tool = "zcat" if packing == "gzip" else "zstdcat"
                raise DatagenError(
                    f"standard input is packed by {packing}; unpack it first: {tool} FILE | datagen ..."
                )
            self._content = content
        self._content.seek(0)
        yield self._content


def _digest(file: _File, rename: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    with file.opened() as content:
        while block := content.read(_BLOCK):
            digest.update(block)
    if rename:
        digest.update(canonical.dumps(dict(rename)).encode())
    return digest.hexdigest()


def _spooled(file: _File, rename: Mapping[str, str], limit: int | None = None) -> Spool:
    """All rows, or the first of them, with datagen's columns."""
    kind = Kind()
    raw = Spool()
    for frame in _raw(file, kind):
        raw.add(frame)
        if limit is not None and raw.rows >= limit:
            break
    if not raw.rows:
        with file.opened() as content:
            empty = not any(line.strip() for line in content)
        what = "is empty" if empty else "holds no rows"
        raise DatagenError(f"{file.shown} {what}; it should hold one task per row")
    recogniser, rows, left = Recogniser(file.shown, rename), Spool(), limit
    for frame in raw.frames():
        whole = json_rows.widened(frame, kind) if kind.fields else frame
        whole = whole if left is None else whole.head(left)
        rows.add(recogniser.recognise(whole))
        left = None if left is None else left - whole.height
    recogniser.end()
    return rows


def _raw(file: _File, kind: Kind) -> Iterator[pl.DataFrame]:
    """The rows as the file has them; of JSON, `kind` learns the types meanwhile."""
    if file.suffix not in (".csv", ".parquet"):
        yield from json_rows.chunks(file.shown, file.opened, file.suffix, kind)
        return
    with file.opened() as content:
        raw = content.read()
    if raw.strip():
        yield from files.parse(file.shown, raw, file.suffix).iter_slices(BATCH_ROWS)


def _batches(rows: Callable[[], Spool]) -> Iterator[pl.DataFrame]:
    for frame in rows().frames():
        yield from frame.iter_slices(BATCH_ROWS) if frame.height else [frame]


def _name(path: Path) -> str:
    """Its own name; what bytes in it are no UTF-8 cannot stand in a manifest."""
    return path.name.encode(errors="replace").decode()
