"""Reads CSV as a stream: rows in frames, or one line that says where the file is broken.

Commas part the cells, or tabs or semicolons where the first line has those and no commas.

Two ways to write a quote in a cell are in use: twice, as RFC 4180 has it, and behind a backslash, as Spark
and MySQL do. Which one a file follows is found out, because the wrong one makes two rows into one.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterator
from typing import IO, NamedTuple

import polars as pl

from datagen.data.inputs import json_rows
from datagen.data.inputs.json_rows import CHUNK_ROWS, Opened
from datagen.data.inputs.tables import picked
from datagen.errors import DatagenError, one_line

#: Python's own limit for a cell is 128 KiB.
_LONGEST_CELL = 2**30
_ESCAPE = re.compile(r'\\(["\\]|\n|\r\n)')
#: MySQL's null, by what parts the cells.
_NULL = {mark: re.compile(rf"(?:(?<={mark})|^)\\N(?={mark}|\r?$)") for mark in ",\t;"}
_NAMES = {",": "a comma", "\t": "a tab", ";": "a semicolon"}


class _File(NamedTuple):
    """A file as it is read.

    Args:
        shown: what error lines call it.
        opened: opens it.
        mark: what parts its cells.
        escaped: whether a quote in a cell stands behind a backslash.
    """

    shown: str
    opened: Opened
    mark: str
    escaped: bool = False


def chunks(shown: str, opened: Opened, only: Collection[str] = (), mark: str = ",") -> Iterator[pl.DataFrame]:
    """The rows of a file; every cell is a text, an empty one without quotes is null.

    Args:
        shown: what error lines call the file.
        opened: opens it.
        only: the columns to read; none for all.
        mark: what parts the cells, where the first line does not tell.

    Raises:
        DatagenError: its rows cannot be told apart, or two columns have the same name.
    """
    csv.field_size_limit(_LONGEST_CELL)
    file = _File(shown, opened, _mark(shown, opened, mark))
    file = file._replace(escaped=_is_escaped(file))
    for header, rows, height in _records(file):
        frame = _frame(file, header + rows)
        if frame.height != height:
            raise _unreadable(file, f"{height:,} rows where polars finds {frame.height:,}")
        yield picked(frame, only) if only else frame


def _mark(shown: str, opened: Opened, usual: str) -> str:
    """What parts the cells of the first line: the usual mark if it has that, else another that it has."""
    with opened() as file:
        line = next(_decoded(shown, file), "")
    marks = [
        mark for mark in (usual, ",", "\t", ";") if len(next(csv.reader([line], delimiter=mark), [])) > 1
    ]
    return marks[0] if marks else usual


def _is_escaped(file: _File) -> bool:
    """Whether backslashes stand before quotes in a way that doubled quotes cannot explain."""
    with file.opened() as content:
        if not any(b'\\"' in line for line in content):
            return False
    return _torn(file._replace(escaped=True)) < _torn(file)


def _torn(file: _File) -> float:
    """How many records have fewer cells than the header, as parts of one have; infinite if it breaks."""
    torn = 0
    try:
        with file.opened() as content:
            reader = csv.reader(_lines(file, content), delimiter=file.mark, strict=True)
            cells = len(next(reader, []))
            for record in reader:
                if len(record) > cells:
                    return math.inf
                torn += 0 < len(record) < cells
    except (csv.Error, DatagenError):
        return math.inf
    return torn


def _records(file: _File) -> Iterator[tuple[str, str, int]]:
    """The header, whole records as text, and how many these are."""
    taken: list[str] = []
    with file.opened() as content:
        reader = csv.reader(_noted(_lines(file, content), taken), delimiter=file.mark, strict=True)
        try:
            names = next(reader, [])
            _check_names(file.shown, names)
            header, height = "".join(taken), 0
            taken.clear()
            for record in reader:
                if len(record) > len(names):
                    what = f"line {reader.line_num}: {len(record)} cells where the header names {len(names)}"
                    raise _unreadable(file, what)
                if not record:  # a blank line is no row, but one of empty cells is
                    taken.pop()
                    continue
                height += 1
                if height == CHUNK_ROWS:
                    yield header, "".join(taken), height
                    height = 0
                    taken.clear()
        except csv.Error as error:
            raise _unreadable(file, f"line {reader.line_num}: {error}") from None
    if taken:
        yield header, "".join(taken), height


def _decoded(shown: str, content: IO[bytes]) -> Iterator[str]:
    """The lines as text."""
    for number, raw in enumerate(content, 1):
        line = json_rows.decode(shown, raw, f", line {number}")
        yield line.removeprefix("\ufeff") if number == 1 else line


def _lines(file: _File, content: IO[bytes]) -> Iterator[str]:
    """The lines as text, with each quote behind a backslash written twice instead."""
    for line in _decoded(file.shown, content):
        if file.escaped:
            plain = _NULL[file.mark].sub("", line)
            yield _ESCAPE.sub(lambda found: '""' if found[1] == '"' else found[1], plain)
        else:
            yield line


def _noted(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _check_names(shown: str, names: list[str]) -> None:
    for name in names:
        if name and names.count(name) > 1:
            raise DatagenError(f"{shown} has two columns called {one_line(name, 60)}; rename one of them")


def _frame(file: _File, text: str) -> pl.DataFrame:
    try:
        # infer_schema=False: every cell is text; a column of digits must not turn into numbers.
        return pl.read_csv(io.BytesIO(text.encode()), separator=file.mark, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        what = one_line(str(error).partition("\n")[0], 120)
        raise _unreadable(file._replace(escaped=False), what) from None


def _unreadable(file: _File, what: str) -> DatagenError:
    tried = ", with backslashes before quotes neither" if file.escaped else ""
    return DatagenError(
        f"{file.shown}: not a readable CSV file{tried}: {what}; is every cell that holds {_NAMES[file.mark]},"
        " a quote or a line end in quotes, and each quote in it doubled?"
    )
