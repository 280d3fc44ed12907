"""Turns JSON, one object a line or one list of objects, into a frame, or says in one line what is wrong."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import IO, Any

import polars as pl

from datagen.data.inputs.kinds import MAX_DEPTH, Kind, Misfit, name_of
from datagen.errors import DatagenError

MAX_LINE_BYTES = 16 * 2**20
CHUNK_ROWS = 8192
#: What some programs put before UTF-8.
_MARK = b"\xef\xbb\xbf"

#: What may stand before the first line.
_BLANK = b" \t\r\n\xef\xbb\xbf"
#: Under these names an object holds rows.
_WRAPPERS = ("data", "rows", "examples", "instances", "items", "train")
#: Opens a file's content, from its beginning.
Opened = Callable[[], AbstractContextManager[IO[bytes]]]


def _constant(name: str) -> float | None:
    """NaN, which Python and pandas write for what is missing, is null; an infinity is a number."""
    return None if name == "NaN" else float(name)


def _whole(digits: str) -> int | str:
    """Python refuses to read thousands of digits, which take quadratic time; they stay a text."""
    return int(digits) if len(digits) < sys.int_info.str_digits_check_threshold else digits


_DECODER = json.JSONDecoder(parse_constant=_constant, object_hook=lambda found: found or None)
_PATIENT = json.JSONDecoder(
    parse_constant=_constant, object_hook=lambda found: found or None, parse_int=_whole
)


def chunks(shown: str, opened: Opened, kind: Kind, only: Collection[str] = ()) -> Iterator[pl.DataFrame]:
    """The rows of a file in frames, each with the columns and types that are known by then; see `widened`.

    Args:
        shown: what error lines call the file.
        opened: opens it: one object a line, or one list of objects.
        kind: learns the types of all columns.
        only: the columns to read; none for all.

    Raises:
        DatagenError: a line is not JSON or no object, or no table can hold the rows.
    """
    with opened() as file:
        first = next((line for line in file if line.strip(_BLANK)), b"").strip(_BLANK)
    is_list = first.startswith(b"[") or first == b"{"
    with opened() as file:
        rows = _list(shown, file.read().removeprefix(_MARK)) if is_list else _lines(shown, file)
        if only:
            rows = ({name: value for name, value in row.items() if name in only} for row in rows)
        yield from _to_frames(rows, shown, kind)


def parse(shown: str, raw: bytes) -> pl.DataFrame:
    """The rows in `raw`, as one frame."""
    kind = Kind()
    found = [*chunks(shown, lambda: io.BytesIO(raw), kind)]
    return pl.concat([widened(frame, kind, shown) for frame in found]) if found else pl.DataFrame()


def decode(shown: str, raw: bytes, place: str = "") -> str:
    """Text in UTF-8; the error line names the place, or the line if there is none."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DatagenError(
            f"{shown}{place or f', line {line}'}: byte 0x{raw[error.start]:02x} is not UTF-8;"
            " convert the file to UTF-8 first"
        ) from None


def _loads(shown: str, text: str, place: str) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        try:
            return _DECODER.decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:  # a number of thousands of digits
            return _PATIENT.decode(text)
    except json.JSONDecodeError as error:
        where = place or f", line {error.lineno}"
        raise DatagenError(
            f"{shown}{where}: not JSON: {error.msg} at column {error.colno}; mend it, or remove the line"
        ) from None
    except RecursionError:
        raise DatagenError(
            f"{shown}{place}: nested deeper than Python's parser can follow, and {MAX_DEPTH} levels are"
            " enough; give such values as text"
        ) from None


def _list(shown: str, raw: bytes) -> Iterator[dict[str, Any]]:
    if not raw.strip():
        return
    rows = _loads(shown, decode(shown, raw), "")
    if isinstance(rows, dict):
        # Some files hold their rows in an object; any other object is a row by itself.
        wrapped = [rows[name] for name in _WRAPPERS if isinstance(rows.get(name), list)]
        rows = wrapped[0] if len(wrapped) == 1 else [rows]
    if not isinstance(rows, list):
        what = "an empty object" if rows is None and raw.lstrip().startswith(b"{") else name_of(rows)
        raise DatagenError(f"{shown} holds {what}; it should hold a list of objects, or one object a line")
    for number, row in enumerate(rows, 1):
        yield _row(row, f"{shown}, row {number}")


def _row(row: Any, where: str) -> dict[str, Any]:  # noqa: ANN401 - JSON is anything
    """A row that is null or an empty object has no columns."""
    if row is not None and not isinstance(row, dict):
        raise DatagenError(f"{where}: {name_of(row)} where an object should be; remove it, or make it one")
    return row or {}


def _lines(shown: str, file: IO[bytes]) -> Iterator[dict[str, Any]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        place = f", line {number}"
        if len(line) > MAX_LINE_BYTES:
            size, most = _rest_of_line(file, len(line)) / 2**20, MAX_LINE_BYTES // 2**20
            raise DatagenError(
                f"{shown}{place}: {size:.0f} MB in one line; at most {most} MB: is it one row a line?"
            )
        line = line.removeprefix(_MARK) if number == 1 else line
        if not line.strip():
            continue
        yield _row(_loads(shown, decode(shown, line, place), place), f"{shown}{place}")


def _rest_of_line(file: IO[bytes], size: int) -> int:
    """The bytes of a line of which `size` were read, in the memory of one piece."""
    while piece := file.readline(MAX_LINE_BYTES):
        size += len(piece)
        if piece.endswith(b"\n"):
            break
    return size


def _to_frames(rows: Iterable[dict[str, Any]], shown: str, kind: Kind) -> Iterator[pl.DataFrame]:
    """Chunk by chunk, so that the Python objects of only one chunk live at a time."""
    chunk: list[dict[str, Any]] = []
    read = 0
    try:
        for row in rows:
            read += 1
            kind.learn_row(row)
            chunk.append(row)
            if len(chunk) >= CHUNK_ROWS and kind.fields:
                yield _chunk(chunk, kind)
                chunk = []
        if chunk and kind.fields:
            yield _chunk(chunk, kind)
    except Misfit as error:
        raise DatagenError(f"{shown}, row {read}: {error}") from None


def _chunk(rows: list[dict[str, Any]], kind: Kind) -> pl.DataFrame:
    columns = kind.fields.items()
    # By name: from a list of series polars would rename a column called "".
    return pl.DataFrame(
        {name: field.series(name, (row.get(name) for row in rows)) for name, field in columns}
    )


def widened(frame: pl.DataFrame, kind: Kind, shown: str) -> pl.DataFrame:
    """A chunk with the columns and types of the whole, of which it knew only those up to its own rows."""
    columns = {}
    try:
        for name, field in kind.fields.items():
            if name not in frame.columns:
                columns[name] = field.series(name, [None]).new_from_index(0, frame.height)
            elif frame.schema[name] == field.dtype():
                columns[name] = frame[name]
            else:
                columns[name] = field.series(name, frame[name].to_list())
    except Misfit as error:
        raise DatagenError(f"{shown}: {error}") from None
    return pl.DataFrame(columns)
