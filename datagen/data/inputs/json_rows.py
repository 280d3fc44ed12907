"""Turns JSON, one object a line or one list of objects, into a frame, or says in one line what is wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
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
#: Opens a file's content, from its beginning.
Opened = Callable[[], AbstractContextManager[IO[bytes]]]
#: A row before it is checked. An empty object has become None: no table can hold it.
_Value = dict[str, Any] | None


class _Constant(ValueError):
    """NaN or an infinity, which Python's parser takes and JSON does not have."""


def _no_constant(name: str) -> None:
    raise _Constant(f"{name} is not JSON; use null for a missing number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_hook=lambda found: found or None)


def chunks(shown: str, opened: Opened, suffix: str, kind: Kind) -> Iterator[pl.DataFrame]:
    """The rows of a file in frames, each with the columns and types that are known by then; see `widened`.

    Args:
        shown: what error lines call the file.
        opened: opens it.
        suffix: .json may also mean one list.
        kind: learns the types of all columns.

    Raises:
        DatagenError: a line is not JSON, no object, or does not fit to the others.
    """
    is_lines = suffix != ".json"
    if not is_lines:
        with opened() as file:
            is_lines = _is_object(next((line for line in file if line.strip(_BLANK)), b""))
    with opened() as file:
        rows = _lines(shown, file) if is_lines else _list(shown, file.read().removeprefix(_MARK))
        yield from _to_frames(rows, shown, kind)


def parse(shown: str, raw: bytes, suffix: str) -> pl.DataFrame:
    """The rows in `raw`, as one frame."""
    kind = Kind()
    found = [*chunks(shown, lambda: io.BytesIO(raw), suffix, kind)]
    return pl.concat([widened(frame, kind) for frame in found]) if found else pl.DataFrame()


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


def _is_object(line: bytes) -> bool:
    """Whether the first line is an object by itself."""
    line = line.removeprefix(_MARK).strip()
    if not line.startswith(b"{"):
        return False
    try:
        _DECODER.decode(line.decode("utf-8", errors="replace"))
    except _Constant:
        return True
    except (ValueError, RecursionError):
        return False
    return True


def _loads(shown: str, text: str, place: str) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = place or f", line {error.lineno}"
        raise DatagenError(
            f"{shown}{where}: not JSON: {error.msg} at column {error.colno}; mend it"
        ) from None
    except _Constant as error:
        raise DatagenError(f"{shown}{place}: {error}") from None
    except RecursionError:
        raise DatagenError(
            f"{shown}{place}: nested deeper than {MAX_DEPTH} levels; give such values as text"
        ) from None
    except ValueError:  # Python's own limit, which guards against quadratic time
        raise DatagenError(f"{shown}{place}: a number of thousands of digits; give it as a text") from None


def _list(shown: str, raw: bytes) -> Iterator[_Value]:
    if not raw.strip():
        return
    rows = _loads(shown, decode(shown, raw), "")
    if not isinstance(rows, list):
        what = "an empty object" if rows is None and raw.lstrip().startswith(b"{") else name_of(rows)
        raise DatagenError(f"{shown} holds {what}; it should hold a list of objects, or one object a line")
    for number, row in enumerate(rows, 1):
        if row is not None and not isinstance(row, dict):
            raise DatagenError(f"{shown}, row {number}: {name_of(row)} where an object should be")
        yield row


def _lines(shown: str, file: IO[bytes]) -> Iterator[_Value]:
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
        row = _loads(shown, decode(shown, line, place), place)
        if row is not None and not isinstance(row, dict):
            raise DatagenError(f"{shown}{place}: {name_of(row)} where an object should be")
        yield row


def _rest_of_line(file: IO[bytes], size: int) -> int:
    """The bytes of a line of which `size` were read, in the memory of one piece."""
    while piece := file.readline(MAX_LINE_BYTES):
        size += len(piece)
        if piece.endswith(b"\n"):
            break
    return size


def _to_frames(rows: Iterable[_Value], shown: str, kind: Kind) -> Iterator[pl.DataFrame]:
    """Chunk by chunk, so that the Python objects of only one chunk live at a time."""
    chunk: list[dict[str, Any]] = []
    for number, row in enumerate(rows, 1):
        if row is None:
            raise DatagenError(
                f"{shown}, row {number}: null or an empty object where a task should be; remove it"
            )
        try:
            kind.learn(row, number)
        except Misfit as error:
            raise DatagenError(f"{shown}, row {number}: {error}") from None
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            yield _chunk(chunk, kind)
            chunk = []
    if chunk:
        yield _chunk(chunk, kind)


def _chunk(rows: list[dict[str, Any]], kind: Kind) -> pl.DataFrame:
    columns = kind.fields.items()
    # By name: from a list of series polars would rename a column called "".
    return pl.DataFrame(
        {name: field.series(name, (row.get(name) for row in rows)) for name, field in columns}
    )


def widened(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """A chunk with the columns and types of the whole, of which it knew only those up to its own rows."""
    columns = {}
    for name, field in kind.fields.items():
        if name not in frame.columns:
            columns[name] = field.series(name, [None]).new_from_index(0, frame.height)
        elif frame.schema[name] == field.dtype():
            columns[name] = frame[name]
        else:
            columns[name] = field.series(name, frame[name].to_list())
    return pl.DataFrame(columns)
