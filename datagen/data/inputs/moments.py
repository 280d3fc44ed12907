"""Dates and times that Parquet can hold, and Python cannot."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

_IN_A_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = (date.min - _EPOCH).days, (date.max - _EPOCH).days


def beyond_python(series: pl.Series) -> bool:
    """Whether a series holds, at any depth, a moment before year 1 or after 9999, or a longer time than that.

    Polars panics where such a value is made Python's. A day at both ends is left for zones of time.
    """
    if isinstance(series.dtype, pl.List | pl.Array):
        return beyond_python(series.explode())
    if isinstance(series.dtype, pl.Struct):
        return any(beyond_python(series.struct.field(name)) for name in series.struct.fields)
    limits = _limits(series.dtype)
    if limits is None:
        return False
    numbers = series.drop_nulls().to_physical()
    return len(numbers) > 0 and not limits[0] <= _whole(numbers.min()) <= _whole(numbers.max()) <= limits[1]


def _limits(dtype: pl.DataType) -> tuple[int, int] | None:
    """The least and the greatest number behind a value of a type of dates or times; None for other types."""
    if isinstance(dtype, pl.Date):
        return _FIRST, _LAST
    if isinstance(dtype, pl.Datetime):
        second = _IN_A_SECOND[dtype.time_unit]
        return (_FIRST + 1) * _DAY * second, _LAST * _DAY * second
    if isinstance(dtype, pl.Duration):
        most = timedelta.max.days * _DAY * _IN_A_SECOND[dtype.time_unit]
        return -most, most
    return None


def _whole(number: object) -> int:
    assert isinstance(number, int)  # noqa: S101 - what stands behind a date is one
    return number
