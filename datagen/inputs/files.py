"""Turns bytes in one of the known formats into a frame, or says in one line where they are broken."""

from __future__ import annotations

import collections
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl

from datagen.errors import DatagenError, one_line

MAX_LINE_BYTES = 16 * 2**20
CHUNK_ROWS = 8192
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")


def read_parquet(file: Path | io.BytesIO, name: str = "") -> pl.DataFrame:
    """Read one Parquet file; what polars cannot read becomes one line that names the file."""
    try:
        return pl.read_parquet(file, use_pyarrow=False)
    except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException) as error:
        raise DatagenError(f"{name or file}: not a readable Parquet file: {one_line(error, 120)}") from None


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked if its name ends in .gz or .zst."""
    try:
        with path.open("rb") as file:
            return _decompressed(path, file)
    except FileNotFoundError:
        raise DatagenError(f"{path} does not exist; give a file, a dataset directory, - or starter") from None
    except OSError as error:
        raise DatagenError(f"{path} cannot be read: {error.strerror or error}") from None


def _decompressed(path: Path, file: IO[bytes]) -> bytes:
    try:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file) as plain:
                return plain.read()
        if path.suffix == ".zst":
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(file) as stream:
                return bytes(stream.read())
    except (EOFError, gzip.BadGzipFile) as error:
        raise DatagenError(f"{path} is not a whole gzip file: {one_line(error)}") from None
    except Exception as error:
        if type(error).__name__ not in {"ZstdError", "error"}:
            raise
        raise DatagenError(f"{path} is not a whole compressed file: {one_line(error)}") from None
    return file.read()


def format_of(path: Path) -> str:
    """Which of `SUFFIXES` a file name ends in, .gz and .zst aside."""
    suffixes = [s for s in path.suffixes if s not in {".gz", ".zst"}]
    suffix = suffixes[-1].lower() if suffixes else ""
    if suffix not in SUFFIXES:
        allowed = ", ".join(SUFFIXES)
        raise DatagenError(
            f"{path.name}: cannot tell its format from its name; allowed: {allowed} (.gz, .zst)"
        )
    return suffix


def parse(shown: str, raw: bytes, suffix: str) -> pl.DataFrame:
    """The rows in `raw`; `shown` is what error lines call it, `suffix` one of `SUFFIXES`."""
    if suffix == ".parquet":
        frame = read_parquet(io.BytesIO(raw), shown)
        _refuse_nan(frame, shown)
        return frame
    if suffix == ".csv":
        return _parse_csv(shown, raw)
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if suffix == ".json" and not raw.lstrip().startswith(b"{"):
        return _to_frame(_json_array(shown, raw), shown)
    return _to_frame(_json_lines(shown, raw), shown)


def _parse_csv(shown: str, raw: bytes) -> pl.DataFrame:
    _decode(shown, raw, "")
    try:
        # infer_schema=False: every cell is text; a column of digits must not turn into numbers.
        return pl.read_csv(raw, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DatagenError(f"{shown}: not a readable CSV file: {one_line(error, 120)}") from None


def _decode(shown: str, raw: bytes, place: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if not place:
            line = raw.count(b"\n", 0, error.start) + 1
            place = f", line {line}"
        byte = raw[error.start]
        raise DatagenError(
            f"{shown}{place}: byte 0x{byte:02x} is not UTF-8; convert the file to UTF-8 first"
        ) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; use null for a missing number")


def _loads(shown: str, text: str, place: str) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = place or f", line {error.lineno}"
        raise DatagenError(f"{shown}{where}: not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise DatagenError(f"{shown}{place}: {one_line(error)}") from None


def _json_array(shown: str, raw: bytes) -> Iterator[dict[str, Any]]:
    rows = _loads(shown, _decode(shown, raw, ""), "")
    if not isinstance(rows, list):
        raise DatagenError(
            f"{shown} holds {_kind(rows)}; it should hold a list of objects, or one object a line"
        )
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise DatagenError(f"{shown}, row {number}: {_kind(row)} where an object should be")
        yield row


def _json_lines(shown: str, raw: bytes) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(io.BytesIO(raw), 1):
        if not line.strip():
            continue
        place = f", line {number}"
        if len(line) > MAX_LINE_BYTES:
            size, most = len(line) / 2**20, MAX_LINE_BYTES // 2**20
            raise DatagenError(
                f"{shown}{place}: {size:.0f} MB in one line; at most {most} MB: is it one row a line?"
            )
        row = _loads(shown, _decode(shown, line, place), place)
        if not isinstance(row, dict):
            raise DatagenError(f"{shown}{place}: {_kind(row)} where an object should be")
        yield row


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _to_frame(rows: Iterable[dict[str, Any]], shown: str) -> pl.DataFrame:
    """Build the frame chunk by chunk, so that the Python objects of only one chunk live at a time."""
    chunks: list[pl.DataFrame] = []
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            chunks.append(_chunk(chunk, shown, len(chunks) * CHUNK_ROWS))
            chunk = []
    if chunk:
        chunks.append(_chunk(chunk, shown, len(chunks) * CHUNK_ROWS))
    if not chunks:
        return pl.DataFrame()
    _refuse_mixed(chunks, shown)
    try:
        return pl.concat(chunks, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DatagenError(f"{shown}: rows do not fit together: {one_line(error, 160)}") from None


def _chunk(rows: list[dict[str, Any]], shown: str, offset: int) -> pl.DataFrame:
    _check_cells(rows, shown, offset)
    try:
        return pl.DataFrame(rows, infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise DatagenError(f"{shown}: rows do not fit into a table: {one_line(error, 160)}") from None


def _check_cells(rows: list[dict[str, Any]], shown: str, offset: int) -> None:
    """One type per column (null aside), and text that UTF-8 can hold; names the first row that breaks it."""
    kinds: dict[str, tuple[str, int]] = {}
    for number, row in enumerate(rows, offset + 1):
        for name, value in row.items():
            _check_text(shown, number, name, value)
            if value is None:
                continue
            kind = _kind(value)
            first, where = kinds.setdefault(name, (kind, number))
            if first != kind:
                raise DatagenError(
                    f"{shown}, row {number}: column {one_line(name, 60)} holds {kind},"
                    f" but {first} in row {where}; give the column one type"
                )


def _check_text(shown: str, number: int, name: str, value: object) -> None:
    for text in (name, value):
        if isinstance(text, str):
            try:
                text.encode()
            except UnicodeEncodeError:
                column = one_line(name.encode(errors="replace").decode(), 60)
                raise DatagenError(
                    f"{shown}, row {number}: column {column} holds half of a surrogate pair,"
                    " which is no text; repair or remove the row"
                ) from None


def _refuse_mixed(chunks: list[pl.DataFrame], shown: str) -> None:
    types: dict[str, set[str]] = collections.defaultdict(set)
    for chunk in chunks:
        for name, dtype in chunk.schema.items():
            if dtype != pl.Null:
                types[name].add("a number" if dtype.is_numeric() else str(dtype.base_type()))
    for name, found in types.items():
        if len(found) > 1:
            kinds = " and ".join(sorted(found))
            raise DatagenError(
                f"{shown}: column {one_line(name, 60)} mixes {kinds}; give the column one type"
            )


def _refuse_nan(frame: pl.DataFrame, shown: str) -> None:
    for name, dtype in frame.schema.items():
        if dtype.is_float():
            bad = frame[name].is_nan() | frame[name].is_infinite()
            if bad.any():
                row = bad.arg_true()[0] + 1
                raise DatagenError(
                    f"{shown}, row {row}: column {name} holds NaN or infinity; use null instead"
                )
