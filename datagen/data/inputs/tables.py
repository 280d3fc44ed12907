"""Reads Parquet and Arrow files a slice at a time, and gives frames of several files one schema."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator
from functools import partial, reduce
from typing import IO, Any

import polars as pl
from polars import selectors as cs

from datagen.data.inputs.kinds import as_text
from datagen.data.inputs.moments import beyond_python
from datagen.errors import DatagenError, one_line

SLICE_ROWS = 16_384
_NESTED = (pl.List, pl.Array, pl.Struct)
_BROKEN = (pl.exceptions.PolarsError, OSError, ValueError, pl.exceptions.PanicException)


def parquet(shown: str, file: str | IO[bytes], only: Collection[str] = ()) -> Iterator[pl.DataFrame]:
    """The rows of a Parquet file in frames; see `plain` for their columns.

    Raises:
        DatagenError: polars cannot read it.
    """
    yield from _slices(shown, "Parquet", partial(pl.scan_parquet, file, glob=False), only)


def arrow(
    shown: str, file: str | IO[bytes], only: Collection[str] = (), *, stream: bool
) -> Iterator[pl.DataFrame]:
    """The rows of an Arrow file, or of a stream as `save_to_disk` of the library datasets writes it.

    Raises:
        DatagenError: polars cannot read it.
    """
    read = pl.read_ipc_stream if stream else pl.read_ipc
    yield from _slices(shown, "Arrow", lambda: read(file).lazy(), only)


def _slices(
    shown: str, kind: str, scan: Callable[[], pl.LazyFrame], only: Collection[str]
) -> Iterator[pl.DataFrame]:
    try:
        whole = scan()
        if only:
            whole = whole.select(cs.by_name(*(name for name in whole.collect_schema() if name in only)))
        rows = whole.select(pl.len()).collect().item()
        for start in range(0, max(rows, 1), SLICE_ROWS):
            yield plain(whole.slice(start, SLICE_ROWS).collect())
    except _BROKEN as error:
        raise _unreadable(shown, kind, error) from None


def _unreadable(shown: str, kind: str, error: BaseException) -> DatagenError:
    return DatagenError(f"{shown}: not a readable {kind} file: {one_line(error, 120)}; fetch it again")


def read_parquet(raw: bytes, shown: str) -> pl.DataFrame:
    """A whole Parquet file as it is.

    Raises:
        DatagenError: polars cannot read it.
    """
    try:
        return pl.read_parquet(io.BytesIO(raw), use_pyarrow=False)
    except _BROKEN as error:
        raise _unreadable(shown, "Parquet", error) from None


def picked(frame: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """The frame's columns of these names, in its own order; `select` would take `^x$` for a pattern."""
    return pl.DataFrame({name: frame[name] for name in frame.columns if name in names})


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns as JSON could have them: what holds text is text, NaN is null, no value is beyond Python's.

    Categories and bytes in UTF-8 become text. Infinite numbers have no equal: a column that holds one becomes
    text. One with dates beyond the year 9999 becomes numbers, as the file holds them. Other types stay.
    """
    return frame.with_columns(_plain(column) for column in frame.iter_columns())


def _plain(series: pl.Series) -> pl.Series:
    dtype = _without_categories(series.dtype)
    if dtype != series.dtype:
        series = series.cast(dtype)
    if dtype == pl.Binary:
        return _decoded(series)
    if _holds_bytes(dtype):
        series = _decoded_inside(series)
        dtype = series.dtype
    if dtype.is_float():
        series = series.fill_nan(None)
        return series if series.is_finite().all() else series.cast(pl.String)
    if beyond_python(series):
        dtype = _without_times(dtype)
        series = series.cast(dtype)
    if isinstance(dtype, _NESTED) and _holds_odd_numbers(series):
        return pl.Series(series.name, [_text_or_none(value) for value in series.to_list()], pl.String)
    return series


def _without_categories(dtype: pl.DataType) -> pl.DataType:
    if dtype in (pl.Categorical, pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.List | pl.Array):
        inner = _without_categories(dtype.inner)  # type: ignore[arg-type]
        if inner == dtype.inner:
            return dtype
        return pl.List(_without_categories(dtype.inner))  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _without_categories(field.dtype) for field in dtype.fields})  # type: ignore[arg-type]
    return dtype


def _without_times(dtype: pl.DataType) -> pl.DataType:
    """For dates and times the numbers that the file holds: polars panics where it makes texts of some."""
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_without_times(dtype.inner))  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _without_times(field.dtype) for field in dtype.fields})  # type: ignore[arg-type]
    return pl.Int64() if isinstance(dtype, pl.Date | pl.Datetime | pl.Duration) else dtype


def _decoded(series: pl.Series) -> pl.Series:
    """Bytes as text, if any of them are UTF-8; what is none there stands as escapes."""
    try:
        return series.cast(pl.String)
    except pl.exceptions.PolarsError:
        texts = [None if one is None else one.decode(errors="backslashreplace") for one in series]
        is_text = any(one is not None and _is_utf8(one) for one in series)
        return pl.Series(series.name, texts, pl.String) if is_text else series


def _is_utf8(raw: bytes) -> bool:
    try:
        return bool(raw.decode())
    except UnicodeDecodeError:
        return False


def _holds_bytes(dtype: pl.DataType) -> bool:
    """Whether values of the type have bytes inside."""
    if isinstance(dtype, pl.List | pl.Array):
        return dtype.inner == pl.Binary or _holds_bytes(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return any(field.dtype == pl.Binary or _holds_bytes(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    return False


def _decoded_inside(series: pl.Series) -> pl.Series:
    """Nested bytes as text, if any of them are UTF-8, as `_decoded` does."""
    values = series.to_list()
    if not any(_is_utf8(raw) for value in values for raw in _bytes_in(value)):
        return series
    return pl.Series(series.name, [_as_text(value) for value in values], _without_bytes(series.dtype))


def _bytes_in(value: Any) -> Iterator[bytes]:  # noqa: ANN401 - a cell
    if isinstance(value, bytes):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _bytes_in(below)


def _as_text(value: Any) -> Any:  # noqa: ANN401 - a cell
    """A value with text for bytes."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, dict):
        return {key: _as_text(below) for key, below in value.items()}
    return [_as_text(below) for below in value] if isinstance(value, list) else value


def _without_bytes(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_without_bytes(dtype.inner))  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _without_bytes(field.dtype) for field in dtype.fields})  # type: ignore[arg-type]
    return pl.String() if dtype == pl.Binary else dtype


def _holds_odd_numbers(series: pl.Series) -> bool:
    if isinstance(series.dtype, pl.List | pl.Array):
        return _holds_odd_numbers(series.explode())
    if isinstance(series.dtype, pl.Struct):
        return any(_holds_odd_numbers(series.struct.field(name)) for name in series.struct.fields)
    return series.dtype.is_float() and not series.drop_nulls().is_finite().all()


def _text_or_none(value: Any) -> str | None:  # noqa: ANN401 - a cell
    return None if value is None else as_text(value)


class Columns:
    """The columns of frames that may differ: what some lack is null there, what no type holds is text."""

    def __init__(self) -> None:
        self._dtypes: dict[str, pl.DataType] = {}

    def learn(self, schema: pl.Schema) -> None:
        """Take note of a frame's columns."""
        for name, dtype in schema.items():
            self._dtypes[name] = _common(self._dtypes.get(name, pl.Null()), dtype)

    def names(self) -> list[str]:
        """Of all columns."""
        return [*self._dtypes]

    def fitted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with all columns that were learnt."""
        if frame.schema == pl.Schema(self._dtypes):
            return frame
        return pl.DataFrame(
            [
                _cast(frame[name], dtype)
                if name in frame.columns
                else pl.Series(name, [None], dtype).new_from_index(0, frame.height)
                for name, dtype in self._dtypes.items()
            ]
        )


def _common(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """The type that holds the values of both."""
    if one == other or other == pl.Null:
        return one
    if one == pl.Null:
        return other
    if one.is_integer() and other.is_integer():
        return pl.String() if pl.UInt64 in (one, other) else pl.Int64()
    if one.is_numeric() and other.is_numeric() and not (one.is_decimal() or other.is_decimal()):
        return pl.Float64()
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        return pl.List(_common(one.inner, other.inner))  # type: ignore[arg-type]
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        pairs = [(field.name, field.dtype) for field in (*one.fields, *other.fields)]
        fields: dict[str, pl.DataType] = {}
        for name, dtype in pairs:
            fields[name] = reduce(_common, (dtype,), fields.get(name, pl.Null()))  # type: ignore[arg-type]
        return pl.Struct(fields)
    return pl.String()


def _cast(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    if series.dtype == dtype:
        return series
    if dtype == pl.String and not (series.dtype == pl.String or series.dtype == pl.Null):
        return pl.Series(series.name, [_text_or_none(value) for value in series.to_list()], pl.String)
    if isinstance(dtype, _NESTED):
        return pl.Series(series.name, [_filled(value, dtype) for value in series.to_list()], dtype)
    return series.cast(dtype)


def _filled(value: Any, dtype: pl.DataType) -> Any:  # noqa: ANN401 - a cell
    """A nested value with every key of `dtype`, and as text what has another type there."""
    if value is None:
        return None
    if isinstance(dtype, pl.List):
        return [_filled(entry, dtype.inner) for entry in value]  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return {field.name: _filled(value.get(field.name), field.dtype) for field in dtype.fields}  # type: ignore[arg-type]
    return as_text(value) if dtype == pl.String else value
