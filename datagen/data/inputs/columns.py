"""The types of the columns that datagen knows, in files that other programs wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl

from datagen.data import schema
from datagen.errors import DatagenError, one_line


def holds_text(dtype: pl.DataType) -> bool:
    """Whether a column of this type may hold text, nested or not."""
    if isinstance(dtype, pl.List | pl.Array):
        return holds_text(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return any(holds_text(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    return dtype == pl.String


def typed(frame: pl.DataFrame, shown: str, rename: Mapping[str, str]) -> pl.DataFrame:
    """The frame with each column that datagen knows in its type.

    Args:
        frame: with the columns of a file.
        shown: what error lines call the file.
        rename: new name -> name in the file, of the columns that were renamed.

    Raises:
        DatagenError: a column has another type that cannot be cast without loss.
    """
    for name, wanted in schema.DTYPES.items():
        if name not in frame.columns:
            continue
        if name == "instruction":
            cure = "change it, or use --map instruction=NAME"
        elif name in rename:
            cure = f"change it, or leave out --map {name}={one_line(rename[name], 60)}"
        else:
            cure = f"change it, or read it under another name: --map my_{name}={name}"
        if frame[name].null_count() == frame.height:  # what it holds is seen in another frame
            frame = frame.with_columns(pl.lit(None, wanted).alias(name))
            continue
        if wanted == pl.List(pl.String) and frame.schema[name] == pl.String:
            frame = frame.with_columns(pl.Series(name, [*map(_texts, frame[name])], wanted))
        _require(frame, name, wanted, shown, cure)
        frame = frame.with_columns(pl.col(name).cast(wanted))
    return frame


def _texts(text: str | None) -> list[str] | None:
    """The texts of a JSON list, or the one text."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return found if isinstance(found, list) and all(isinstance(one, str) for one in found) else [text]


def _require(frame: pl.DataFrame, name: str, wanted: pl.DataType, shown: str, cure: str) -> None:
    """Raise unless the column has the type `wanted`, or one that can be cast to it without loss."""
    column = frame[name]
    fits = column.dtype == wanted or column.dtype == pl.Null
    if wanted == pl.List(pl.String):
        fits = fits or column.dtype == pl.List(pl.Null)
    elif wanted == pl.Int64 and (column.dtype.is_integer() or column.dtype == pl.String):
        fits = column.cast(wanted, strict=False).null_count() == column.null_count()
    elif name == "id" or wanted == pl.Float64:
        fits = fits or column.dtype.is_integer()
    if not fits:
        value = one_line(column.drop_nulls().first(), 60)
        raise DatagenError(
            f"{shown}: column {name} should be {_type_name(wanted)}, but holds {_type_name(column.dtype)}"
            f" (such as {value}); {cure}"
        )


def _type_name(dtype: pl.DataType) -> str:
    if dtype == pl.List(pl.String):
        return "a list of texts"
    if isinstance(dtype, pl.List):
        return "a list"
    if isinstance(dtype, pl.Struct):
        return "an object"
    names = {"String": "text", "Int64": "a whole number", "Float64": "a number", "Boolean": "true or false"}
    return names.get(str(dtype), str(dtype))
