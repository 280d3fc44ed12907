"""Reads a file in one of the known formats into a frame, or says in one line where it is broken."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl

from datagen import packed
from datagen.data.inputs import json_rows
from datagen.data.inputs.moments import beyond_python
from datagen.errors import DatagenError, one_line

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")
_PACKED = (".gz", ".zst")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's content as a stream, unpacked if its name ends in .gz or .zst.

    Raises:
        DatagenError: it cannot be read, or a packed file is damaged.
    """
    try:
        with packed.reading(path, packed.by_name(path)) as file:
            yield file
    except FileNotFoundError:
        raise DatagenError(f"{path} does not exist; give a file, a dataset directory, - or starter") from None
    except OSError as error:
        raise DatagenError(f"{path} cannot be read: {error.strerror or error}") from None
    except packed.Incomplete as error:
        raise DatagenError(f"{path} {error}") from None


def read_bytes(path: Path) -> bytes:
    """All of a file's content; see `opened`."""
    with opened(path) as file:
        return file.read()


def format_of(path: Path) -> str:
    """Which of `SUFFIXES` a file name ends in, .gz and .zst aside."""
    suffixes = [s for s in map(str.lower, path.suffixes) if s not in _PACKED]
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in SUFFIXES:
        allowed = ", ".join(SUFFIXES)
        raise DatagenError(
            f"{path.name}: cannot tell its format from its name; allowed: {allowed}, and .gz or .zst of them"
        )
    return suffix


def parse(shown: str, raw: bytes, suffix: str) -> pl.DataFrame:
    """The rows of a CSV or Parquet file; `shown` is what error lines call it."""
    if suffix == ".csv":
        return _parse_csv(shown, raw)
    frame = read_parquet(raw, shown)
    _refuse_nan(frame, shown)
    _refuse_endless_times(frame, shown)
    return frame


def read_parquet(raw: bytes, name: str) -> pl.DataFrame:
    """Read the content of a Parquet file; what polars cannot read becomes one line that names the file."""
    try:
        return pl.read_parquet(io.BytesIO(raw), use_pyarrow=False)
    except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException) as error:
        raise DatagenError(
            f"{name}: not a readable Parquet file: {one_line(error, 120)}; fetch it again"
        ) from None


def _parse_csv(shown: str, raw: bytes) -> pl.DataFrame:
    text = json_rows.decode(shown, raw)
    try:
        header = next(csv.reader(io.StringIO(text[:65536].removeprefix("\ufeff"))), [])
    except csv.Error as error:  # lines that end as on old Macs, for one
        raise DatagenError(
            f"{shown}: not a readable CSV file: {error}; save it with other line ends"
        ) from None
    for name in header:
        if name and header.count(name) > 1:
            raise DatagenError(f"{shown} has two columns called {one_line(name, 60)}; rename one of them")
    try:
        # infer_schema=False: every cell is text; a column of digits must not turn into numbers.
        frame = pl.read_csv(raw, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        what = one_line(str(error).partition("\n")[0], 120)
        raise DatagenError(
            f"{shown}: not a readable CSV file: {what}; is every cell that holds a comma in quotes?"
        ) from None
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))  # blank lines


def _refuse_nan(frame: pl.DataFrame, shown: str) -> None:
    for column in frame.iter_columns():
        if _holds_nan(column):
            raise DatagenError(f"{shown}: column {column.name} holds NaN or infinity; use null instead")


def _refuse_endless_times(frame: pl.DataFrame, shown: str) -> None:
    for column in frame.iter_columns():
        if beyond_python(column):
            name = one_line(column.name, 60)
            raise DatagenError(f"{shown}: column {name} holds a time outside of the years 1 to 9999; mend it")


def _holds_nan(series: pl.Series) -> bool:
    if isinstance(series.dtype, pl.List | pl.Array):
        return _holds_nan(series.explode())
    if isinstance(series.dtype, pl.Struct):
        return any(_holds_nan(series.struct.field(name)) for name in series.struct.fields)
    return series.dtype.is_float() and not series.drop_nulls().is_finite().all()
