"""The text of rows that could teach a model a benchmark, whatever the columns are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

#: Columns of hashes, and the length up to which a text is a label.
_HASHES, _LABEL = frozenset({"id", "request", "prompt_hash"}), 40
#: Columns that are searched together, as task and answer; every other column of text is searched by itself.
_SEARCHED = ("instruction", "response", "code", "reference", "tests")
#: A key that is none says more than how its value is called.
_PLAIN_NAME = re.compile(rf"[^\W\d][\w.-]{{0,{_LABEL - 1}}}")


def comparable(frame: pl.DataFrame, names: Sequence[str] = ()) -> pl.DataFrame:
    """id, instruction, and as `response` all that a model could learn a solution or its tests from."""
    given = [name for name in _SEARCHED[1:] if name in frame.columns and (not names or name in names)]
    texts = {name: pl.col(name) for name in given}
    if "tests" in texts:
        texts["tests"] = pl.col("tests").list.join("\n")
    if {"response", "code"} <= texts.keys():
        was_cut_out = pl.col("response").str.contains(pl.col("code"), literal=True)
        texts["code"] = pl.when(was_cut_out).then(None).otherwise("code")
    answer = (
        pl.concat_str(texts.values(), separator="\n\n", ignore_nulls=True)
        if texts
        else pl.lit(None, pl.String)
    )
    asked = pl.col("instruction") if not names or "instruction" in names else pl.lit("").alias("instruction")
    return frame.select("id", asked, answer.alias("response"))


def characters(frame: pl.DataFrame) -> dict[str, int]:
    """How many characters of text each column holds, without labels; columns without any are left out."""
    counts = {}
    for number, (name, dtype) in enumerate(frame.schema.items()):
        text = None if name in _HASHES or name == "task" else _text_of(pl.nth(number), dtype)
        if text is not None:
            length = text.str.len_chars()
            counted = length if name in _SEARCHED else length.filter(length > _LABEL)
            counts[name] = frame.select(counted.sum()).item() or 0
    return {name: count for name, count in counts.items() if count}


def other_texts(frame: pl.DataFrame, names: Sequence[str] = ()) -> list[pl.Expr]:
    """The text of columns that are neither task nor answer: later turns of chats, rejected answers, notes."""
    found = [
        _text_of(pl.nth(number), dtype)
        for number, (name, dtype) in enumerate(frame.schema.items())
        if name not in _SEARCHED and name not in _HASHES and (not names or name in names)
    ]
    # Names and labels are no text that could be learned.
    return [pl.when(text.str.len_chars() > _LABEL).then(text) for text in found if text is not None]


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
