"""Reads the rows of a dataset directory. It may come from elsewhere, so all of it is looked at first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from datagen.data import manifest, schema
from datagen.data.inputs import tables
from datagen.data.source import BATCH_ROWS, Source
from datagen.errors import DatagenError, one_line

SHARD = re.compile(r"(?:data|dropped)/train-\d{5}-of-\d{5}\.parquet")
#: No row is without these.
_NEEDED = ("id", "instruction")
_AGAIN = "make the data set again"


def rows_of(path: Path, part: str, made: Mapping[str, Any], *, name: str = "", revision: str = "") -> Source:
    """The rows that a data set kept (`part` is "data") or dropped ("dropped").

    Args:
        path: its folder.
        part: which rows.
        made: its manifest.
        name: what a manifest calls it; "" for its folder's name.
        revision: its commit on the Hub.

    Raises:
        DatagenError: the manifest names no such files; what is wrong with these is raised when they are read.
    """
    where = path / manifest.NAME
    shards = {name: sha256 for name, sha256 in made["files"].items() if name.startswith(f"{part}/")}
    if not shards:
        raise DatagenError(f"{where} names no files of {part}; {_AGAIN}")
    if strange := next((name for name in shards if not SHARD.fullmatch(name)), None):
        raise DatagenError(f"{where} names a file {one_line(strange, 80)}, which is none of ours; {_AGAIN}")
    rows = made["rows_out"] if part == "data" else sum(made["dropped"].values())
    digest = made["digest"] if part == "data" else made["dropped_digest"]

    def frames() -> Iterator[pl.DataFrame]:
        left, first, ids = rows, None, set[bytes]()
        for name, sha256 in sorted(shards.items()):
            frame = _read(path / name, sha256)
            first = first or (name, frame.schema)
            _refuse_other_columns(frame, path / name, *first)
            if part == "data":
                _refuse_ids_again(frame, path / name, ids)
            left -= frame.height
            yield from frame.iter_slices(BATCH_ROWS) if frame.height else [frame]
        if left:
            raise DatagenError(
                f"{where} tells of {rows:,} rows in {part}, but {rows - left:,} are there; {_AGAIN}"
            )

    def look() -> None:
        for _ in frames():
            pass

    name = name or path.resolve().name.encode(errors="replace").decode()  # manifests hold UTF-8 alone
    return Source(name, digest, rows, frames, look, places=[path], revision=revision)


def _read(file: Path, sha256: str) -> pl.DataFrame:
    """Read a file of a data set if it is the one that the manifest speaks of: digests rely on that."""
    try:
        if file.exists() and not file.is_file():  # a pipe would never end
            raise DatagenError(f"{file} cannot be read: it is no file; {_AGAIN}")
        raw = file.read_bytes()
    except OSError as error:
        raise DatagenError(f"{file} cannot be read: {error.strerror or error}; {_AGAIN}") from None
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise DatagenError(
            f"{file} is not the file that the data set was made with: damaged or changed since; {_AGAIN}"
        )
    return checked(tables.read_parquet(raw, str(file)), file)


def checked(frame: pl.DataFrame, file: Path) -> pl.DataFrame:
    """The frame of a file, after making sure that all which datagen relies on is true of it.

    Raises:
        DatagenError: what is not.
    """
    frame = tables.plain(frame)
    for name, dtype in frame.schema.items():
        wanted = schema.DTYPES.get(name, dtype)
        if dtype != wanted:
            raise DatagenError(f"{file}: column {name} holds {dtype}, but should hold {wanted}; {_AGAIN}")
    for name in _NEEDED if frame.height else ():
        if name not in frame.columns:
            raise DatagenError(f"{file} has no column {name}; {_AGAIN}")
        if frame[name].null_count():
            row = frame[name].is_null().arg_true()[0] + 1
            raise DatagenError(f"{file}, row {row}: no {name}; {_AGAIN}")
    return frame


def _refuse_ids_again(frame: pl.DataFrame, file: Path, known: set[bytes]) -> None:
    """Evidence and drops of a row go by its id; `known` takes 80 bits of each."""
    for value in frame["id"] if frame.height else ():
        short = hashlib.blake2b(value.encode(), digest_size=10).digest()
        if short in known:
            raise DatagenError(
                f"{file}: the id {one_line(value, 60)} stands in more than one row; ids must be unique;"
                f" {_AGAIN}"
            )
        known.add(short)


def _refuse_other_columns(frame: pl.DataFrame, file: Path, first: str, expected: pl.Schema) -> None:
    """All files of a data set have the same columns: a stage that reads one would lose those of another."""
    for name in sorted({*expected} ^ {*frame.columns}):
        more, less = (first, file) if name in expected else (file, first)
        raise DatagenError(f"{more} has a column {one_line(name, 60)} that {less} lacks; {_AGAIN}")
    for name, dtype in frame.schema.items():
        if dtype != expected[name]:
            raise DatagenError(
                f"{file}: column {one_line(name, 60)} is {dtype}, but in {first} {expected[name]}; {_AGAIN}"
            )
