"""The text of rows that could teach a model a benchmark, whatever the columns are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

#: Columns of hashes, and the length up to which a text is a label.
_HASHES, _LABEL = frozenset({"id", "request", "prompt_hash"}), 40
#: Columns in which short texts count, too.
_SEARCHED = ("instruction", "response", "code", "reference", "tests")
#: Keys of objects that do not look like names are text, too: they may hold content.
_PLAIN_NAME = re.compile(rf"[^\W\d][\w.-]{{0,{_LABEL - 1}}}")


def searchable(frame: pl.DataFrame, names: Sequence[str] = ()) -> pl.DataFrame:
    """`id`, and all that a model could learn a benchmark from: a column of text for each that holds any.

    Args:
        frame: rows of a data set.
        names: the columns to take; none for all.
    """
    taken = [pl.col("id")]
    for number, (name, dtype) in enumerate(frame.schema.items()):
        if name in _HASHES or (names and name not in names):
            continue
        text = _text_of(pl.nth(number), dtype)
        if text is None:
            continue
        if name == "code" and "response" in frame.columns and not (names and "response" not in names):
            text = pl.when(~pl.col("response").str.contains(text, literal=True).fill_null(False)).then(text)
        # Names and labels are no text that could be learned.
        if name not in _SEARCHED:
            text = pl.when(text.str.len_chars() > _LABEL).then(text)
        taken.append(text.alias(name))
    return frame.select(taken)


def characters(frame: pl.DataFrame) -> dict[str, int]:
    """How many characters of text each column holds, without labels; columns without any are left out."""
    counts = {}
    for number, (name, dtype) in enumerate(frame.schema.items()):
        text = None if name in _HASHES else _text_of(pl.nth(number), dtype)
        if text is not None:
            length = text.str.len_chars()
            counted = length if name in _SEARCHED else length.filter(length > _LABEL)
            counts[name] = frame.select(counted.sum()).item() or 0
    return {name: count for name, count in counts.items() if count}


def _text_of(values: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """All text in the values of a column, nested texts on lines of their own; None where it holds none.

    Keys of objects are text too, behind the values, where they are no plain names.
    """
    if dtype == pl.String:
        return values
    if isinstance(dtype, pl.Array):
        return _text_of(values.arr.to_list(), pl.List(dtype.inner))
    if isinstance(dtype, pl.List):
        inner = _text_of(pl.element(), dtype.inner)  # type: ignore[arg-type]
        return None if inner is None else values.list.eval(inner).list.join("\n", ignore_nulls=True)
    if isinstance(dtype, pl.Struct):
        parts = [_text_of(values.struct.field(one.name), one.dtype) for one in dtype.fields]  # type: ignore[arg-type]
        keys = [
            pl.when(values.struct.field(one.name).is_not_null()).then(pl.lit(one.name))
            for one in dtype.fields
            if not _PLAIN_NAME.fullmatch(one.name)
        ]
        texts = [part for part in (*parts, *keys) if part is not None]
        return pl.concat_str(texts, separator="\n", ignore_nulls=True) if texts else None
    return None
