"""Reads CSV as a stream: rows in frames, or one line that says where the file is broken.

Two ways to write a quote in a cell are in use: twice, as RFC 4180 has it, and behind a backslash, as Spark
and MySQL do. Which one a file follows is found out, because the wrong one makes two rows into one.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterator
from typing import IO

import polars as pl

from datagen.data.inputs import json_rows
from datagen.data.inputs.json_rows import CHUNK_ROWS, Opened
from datagen.data.inputs.tables import picked
from datagen.errors import DatagenError, one_line

#: Python's own limit for a cell is 128 KiB.
_LONGEST_CELL = 2**30
_ESCAPE = re.compile(r'\\(["\\]|\n|\r\n)')
#: MySQL's null.
_NULL = re.compile(r"(?:(?<=,)|^)\\N(?=,|\r?$)")


def chunks(shown: str, opened: Opened, only: Collection[str] = ()) -> Iterator[pl.DataFrame]:
    """The rows of a file; every cell is a text, an empty one without quotes is null.

    Args:
        shown: what error lines call the file.
        opened: opens it.
        only: the columns to read; none for all.

    Raises:
        DatagenError: its rows cannot be told apart, or two columns have the same name.
    """
    escaped = _is_escaped(shown, opened)
    for header, rows, height in _records(shown, opened, escaped=escaped):
        frame = _frame(shown, header + rows)
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))  # blank lines
        found = frame.filter(pl.any_horizontal(pl.all().fill_null("") != "")).height
        if found != height:
            raise _unreadable(shown, f"{height:,} rows where polars finds {found:,}", escaped=escaped)
        yield picked(frame, only) if only else frame


def _is_escaped(shown: str, opened: Opened) -> bool:
    """Whether backslashes stand before quotes in a way that doubled quotes cannot explain."""
    csv.field_size_limit(_LONGEST_CELL)
    with opened() as file:
        if not any(b'\\"' in line for line in file):
            return False
    return _torn(shown, opened, escaped=True) < _torn(shown, opened, escaped=False)


def _torn(shown: str, opened: Opened, *, escaped: bool) -> float:
    """How many records have fewer cells than the header, as parts of one have; infinite if it breaks."""
    torn = 0
    try:
        with opened() as file:
            reader = csv.reader(_lines(shown, file, escaped=escaped), strict=True)
            cells = len(next(reader, []))
            for record in reader:
                if len(record) > cells:
                    return math.inf
                torn += 0 < len(record) < cells
    except (csv.Error, DatagenError):
        return math.inf
    return torn


def _records(shown: str, opened: Opened, *, escaped: bool) -> Iterator[tuple[str, str, int]]:
    """The header, whole records as text, and how many these are."""
    csv.field_size_limit(_LONGEST_CELL)
    taken: list[str] = []
    with opened() as file:
        reader = csv.reader(_noted(_lines(shown, file, escaped=escaped), taken), strict=True)
        try:
            names = next(reader, [])
            _check_names(shown, names)
            header, height = "".join(taken), 0
            taken.clear()
            for record in reader:
                if len(record) > len(names):
                    what = f"line {reader.line_num}: {len(record)} cells where the header names {len(names)}"
                    raise _unreadable(shown, what, escaped=escaped)
                height += any(record)
                if height == CHUNK_ROWS:
                    yield header, "".join(taken), height
                    height = 0
                    taken.clear()
        except csv.Error as error:
            raise _unreadable(shown, f"line {reader.line_num}: {error}", escaped=escaped) from None
    if taken:
        yield header, "".join(taken), height


def _lines(shown: str, file: IO[bytes], *, escaped: bool) -> Iterator[str]:
    """The lines as text, with each quote behind a backslash written twice instead."""
    for number, raw in enumerate(file, 1):
        line = json_rows.decode(shown, raw, f", line {number}")
        if number == 1:
            line = line.removeprefix("\ufeff")
        if escaped:
            line = _ESCAPE.sub(lambda found: '""' if found[1] == '"' else found[1], _NULL.sub("", line))
        yield line


def _noted(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _check_names(shown: str, names: list[str]) -> None:
    for name in names:
        if name and names.count(name) > 1:
            raise DatagenError(f"{shown} has two columns called {one_line(name, 60)}; rename one of them")


def _frame(shown: str, text: str) -> pl.DataFrame:
    try:
        # infer_schema=False: every cell is text; a column of digits must not turn into numbers.
        return pl.read_csv(io.BytesIO(text.encode()), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise _unreadable(shown, one_line(str(error).partition("\n")[0], 120), escaped=False) from None


def _unreadable(shown: str, what: str, *, escaped: bool) -> DatagenError:
    tried = ", with backslashes before quotes neither" if escaped else ""
    return DatagenError(
        f"{shown}: not a readable CSV file{tried}: {what}; is every cell that holds a comma, a quote or a"
        " line end in quotes, and each quote in it doubled?"
    )
