"""Files of rows: how they are opened and unpacked, and which format they have, by content before name."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import signal
import stat
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import resources
from pathlib import Path, PurePath
from typing import IO, Any, Literal, NamedTuple

import polars as pl

from datagen import packed
from datagen.data.inputs import csv_rows, json_rows, tables
from datagen.data.inputs.kinds import Kind
from datagen.errors import DatagenError

STARTER = "starter"
Format = Literal["json", "csv", "parquet", "arrow", "arrow stream"]

_FORMAT_OF: dict[str, Format] = {
    **{".jsonl": "json", ".ndjson": "json", ".json": "json"},
    **{".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".arrow": "arrow"},
}
SUFFIXES = (*_FORMAT_OF,)
_PACKED = (".gz", ".zst")
_BLOCK = 1 << 20
_START = 4096
#: How content begins that is no rows, what it is, and what to do.
_OTHER_CONTENT = (
    (b"version https://git-lfs", "a pointer of Git LFS and not the file itself; fetch it: git lfs pull"),
    (b"PK\x03\x04", "a zip archive, as .xlsx files are; unpack it, or save it as CSV"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV or JSONL"),
    (b"%PDF", "a PDF; give the rows as CSV or JSONL"),
    (b"<", "a web page or XML; was the address of the file itself fetched?"),
)


#: How JSON rows begin, but hardly the header of a CSV file.
_JSON_ROWS = re.compile(rb'\{\s*"|\[\s*[{\]]')


class File(NamedTuple):
    """A file of rows.

    Args:
        name: what the manifest calls it: its own name, "-" or "starter", never a path.
        suffix: the end of its name that tells a format, "" if none does.
        raw: opens its bytes, at their beginning; they can be rewound.
    """

    name: str
    suffix: str
    raw: Callable[[], AbstractContextManager[IO[bytes]]]

    @property
    def shown(self) -> str:
        """What error lines call it."""
        return "standard input" if self.name == "-" else self.name

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The content as a stream, unpacked if it is packed by gzip or zstd.

        Raises:
            DatagenError: it cannot be read, or packed content is damaged.
        """
        try:
            with self.raw() as file:
                packing = packed.by_start(file.read(4))
                file.seek(0)
                yield packed.unpacked(file, packing)
        except packed.Incomplete as error:
            raise DatagenError(f"{self.shown} {error}") from None
        except OSError as error:
            raise DatagenError(f"{self.shown} cannot be read: {error.strerror or error}") from None


def file_at(where: str) -> File:
    """The file at a path, standard input for "-", or the starter tasks for "starter".

    Raises:
        DatagenError: it does not exist, or cannot be opened.
    """
    path = Path(where)
    if where == "-":
        return File("-", "", _Piped(lambda: None if sys.stdin is None else sys.stdin.buffer).opened)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, ValueError):
        if where == STARTER:
            return File(STARTER, ".jsonl", _starter)
        raise DatagenError(f"{path} does not exist; give a file, a folder of files, - or starter") from None
    except OSError as error:
        raise DatagenError(f"{path} cannot be read: {error.strerror or error}") from None
    opened: Any = partial(open, str(path), "rb")
    raw = opened if stat.S_ISREG(mode) else _Piped(opened).opened
    return File(printable(path.name), suffix_of(path), raw)


def printable(name: str) -> str:
    """A name as text: what bytes in it are no UTF-8 cannot stand in a manifest."""
    return name.encode(errors="replace").decode()


def in_memory(content: bytes) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    """Opens bytes like a file."""
    return lambda: contextlib.nullcontext(io.BytesIO(content))


def suffix_of(path: PurePath) -> str:
    """The end of a name that tells a format, .gz and .zst aside; "" if none does."""
    suffixes = [s for s in map(str.lower, path.suffixes) if s not in _PACKED]
    return suffixes[-1] if suffixes and suffixes[-1] in SUFFIXES else ""


@contextmanager
def _starter() -> Iterator[IO[bytes]]:
    parts = sorted(resources.files("datagen").joinpath("starter").iterdir(), key=lambda part: part.name)
    yield io.BytesIO(b"".join(part.read_bytes() for part in parts))


class _Piped:
    """What can be read but once, put into a temporary file when it is first opened."""

    def __init__(self, source: Callable[[], IO[bytes] | None]) -> None:
        self._source = source
        self._content: IO[bytes] | None = None

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        if self._content is None:
            source = self._source()
            if source is None:
                raise DatagenError("standard input is closed; give a file, or pipe rows into it")
            if threading.current_thread() is threading.main_thread():
                # polars makes the system take up an interrupted read again, and Ctrl-C would not be heard.
                signal.siginterrupt(signal.SIGINT, True)
            content = tempfile.TemporaryFile(prefix="datagen-")  # noqa: SIM115 - it goes with this object
            weakref.finalize(self, content.close)
            shutil.copyfileobj(source, content, _BLOCK)
            self._content = content
        self._content.seek(0)
        yield self._content


def format_of(file: File) -> Format | None:
    """Which format a file has; None for one without any content.

    Raises:
        DatagenError: neither its content nor its name tells.
    """
    with file.opened() as content:
        start = content.read(_START)
    if start.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")):
        return {b"P": "parquet", b"A": "arrow"}.get(start[:1], "arrow stream")  # type: ignore[return-value]
    known = _FORMAT_OF.get(file.suffix)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text and not (known in ("parquet", "arrow") and start):
        return None
    for begins, what in _OTHER_CONTENT:
        if text.startswith(begins):
            raise DatagenError(f"{file.shown} is {what}")
    if text[:1] in (b"{", b"[") and (known != "csv" or _JSON_ROWS.match(text)):
        return "json"
    if known is None:
        raise DatagenError(
            f"{file.shown}: neither its name nor its content tells its format; allowed are JSON rows (one"
            " object a line, or a list) and files whose names end in"
            f" {', '.join(SUFFIXES)}, or .gz or .zst of them"
        )
    return known


def is_json(file: File) -> bool:
    """Whether a file's rows are JSON."""
    return format_of(file) == "json"


def frames(file: File, kind: Kind, only: Collection[str] = ()) -> Iterator[pl.DataFrame]:
    """The rows as the file has them; of JSON, `kind` learns the types meanwhile.

    Args:
        file: the file.
        kind: of all JSON files that are read together.
        only: the columns to read; none for all.

    Raises:
        DatagenError: it cannot be read, or its rows cannot be told apart.
    """
    match format_of(file):
        case "json":
            yield from json_rows.chunks(file.shown, file.opened, kind, only)
        case "csv":
            mark = "\t" if file.suffix == ".tsv" else ","
            yield from csv_rows.chunks(file.shown, file.opened, only, mark)
        case None:
            return
        case tabular:
            with file.opened() as content:
                place = _path_of(content) or io.BytesIO(content.read())
                if tabular == "parquet":
                    yield from tables.parquet(file.shown, place, only)
                else:
                    yield from tables.arrow(file.shown, place, only, stream=tabular == "arrow stream")


def _path_of(content: IO[bytes]) -> str | None:
    """The path of a plain file; from there polars reads the parts that it needs. None for anything else."""
    name = getattr(content, "name", None)
    return name if isinstance(name, str) and printable(name) == name else None
