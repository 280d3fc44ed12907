"""Gives a file's rows datagen's columns, whichever of the known shapes the file has."""

from __future__ import annotations

import collections
from collections.abc import Mapping

import polars as pl

from datagen import schema
from datagen.errors import DatagenError, nearest, one_line


def recognise(frame: pl.DataFrame, shown: str, rename: Mapping[str, str]) -> pl.DataFrame:
    """Give a file's rows datagen's columns: `instruction`, `task`, `id`, and `response` where there is one.

    Known shapes: datagen's own, Alpaca (`instruction, input, output`), chat (`messages`), and
    `prompt` with or without `response`; `rename` (new name -> name in the file) covers the others.

    Raises:
        DatagenError: no instruction can be found, a known column has the wrong type, ids are not unique.
    """
    frame = _renamed(frame, shown, rename)
    if "instruction" not in frame.columns:
        frame = _from_other_shape(frame, shown)
    frame = _from_alpaca(frame)
    frame = _typed(frame, shown)
    if frame["instruction"].null_count():
        row = frame["instruction"].is_null().arg_true()[0] + 1
        raise DatagenError(f"{shown}, row {row}: no instruction; every row needs one")
    return schema.in_order(_identified(frame, shown))


def _renamed(frame: pl.DataFrame, shown: str, rename: Mapping[str, str]) -> pl.DataFrame:
    for new, old in rename.items():
        if old not in frame.columns:
            raise DatagenError(f"{shown} has no column {old} to map to {new}; {nearest(old, frame.columns)}")
        if new != old and new in frame.columns and new not in rename.values():
            raise DatagenError(
                f"{shown} has a column {new} already; map it elsewhere first: --map old_{new}={new}"
            )
    return frame.rename({old: new for new, old in rename.items()})


def _from_other_shape(frame: pl.DataFrame, shown: str) -> pl.DataFrame:
    if "messages" in frame.columns:
        return _from_chat(frame, shown)
    if "prompt" in frame.columns:
        return frame.rename({"prompt": "instruction"})
    columns = ", ".join(one_line(name, 40) for name in frame.columns[:12])
    raise DatagenError(
        f"{shown} has no column instruction, prompt or messages but {columns}; use --map instruction=NAME"
    )


def _from_chat(frame: pl.DataFrame, shown: str) -> pl.DataFrame:
    instructions: list[str] = []
    responses: list[str | None] = []
    for number, messages in enumerate(frame["messages"].to_list(), 1):
        try:
            turns = [(turn["role"], turn["content"]) for turn in messages]
            asked = next(i for i, (role, _) in enumerate(turns) if role == "user")
        except (TypeError, KeyError, StopIteration):
            raise DatagenError(
                f"{shown}, row {number}: messages should be a list of {{role, content}} with a user's turn"
            ) from None
        instructions.append(turns[asked][1])
        responses.append(next((text for role, text in turns[asked + 1 :] if role == "assistant"), None))
    return frame.drop("messages").with_columns(
        pl.Series("instruction", instructions, strict=False), pl.Series("response", responses, pl.String)
    )


def _from_alpaca(frame: pl.DataFrame) -> pl.DataFrame:
    """Append a non-blank `input` to the instruction and call `output` the response."""
    if frame.schema.get("input") in (pl.String, pl.Null) and frame.schema["instruction"] == pl.String:
        given = pl.col("input").cast(pl.String)
        both = pl.concat_str("instruction", given, separator="\n")
        has_input = given.str.strip_chars().str.len_bytes() > 0
        frame = frame.with_columns(
            pl.when(has_input).then(both).otherwise("instruction").alias("instruction")
        )
        frame = frame.drop("input")
    if "output" in frame.columns and "response" not in frame.columns:
        frame = frame.rename({"output": "response"})
    return frame


def _typed(frame: pl.DataFrame, shown: str) -> pl.DataFrame:
    casts = []
    for name, dtype in frame.schema.items():
        wanted = schema.DTYPES.get(name)
        if wanted is None or dtype == wanted:
            continue
        is_number_for_count = wanted == pl.Int64 and (dtype.is_integer() or dtype == pl.String)
        is_number_for_id = name == "id" and dtype.is_integer()
        if not (dtype in (pl.Null, pl.List(pl.Null)) or is_number_for_count or is_number_for_id):
            value = one_line(frame[name].drop_nulls().first(), 60)
            raise DatagenError(
                f"{shown}: column {name} should be {_type_name(wanted)}, but holds {_type_name(dtype)}"
                f" (such as {value}); change it, or give the column another name with --map my_{name}={name}"
            )
        casts.append(pl.col(name).cast(wanted))
    try:
        return frame.with_columns(casts)
    except pl.exceptions.PolarsError as error:
        raise DatagenError(f"{shown}: {one_line(error, 160)}") from None


def _type_name(dtype: pl.DataType) -> str:
    if dtype == pl.List(pl.String):
        return "a list of texts"
    if isinstance(dtype, pl.List):
        return "a list"
    if isinstance(dtype, pl.Struct):
        return "an object"
    names = {"String": "text", "Int64": "a whole number", "Float64": "a number", "Boolean": "true or false"}
    return names.get(str(dtype), str(dtype))


def _identified(frame: pl.DataFrame, shown: str) -> pl.DataFrame:
    if "task" not in frame.columns or frame["task"].null_count():
        tasks = [schema.row_id(text) for text in frame["instruction"]]
        frame = frame.with_columns(pl.Series("task", tasks, pl.String))
    else:
        shared = frame.group_by("task", maintain_order=True).agg(pl.col("instruction").n_unique() > 1)
        if shared["instruction"].any():
            name = one_line(shared.filter(pl.col("instruction"))["task"][0], 60)
            raise DatagenError(
                f"{shown}: two instructions share the task {name}; a task is one instruction:"
                " rename the column with --map my_task=task"
            )
    if "id" not in frame.columns:
        return frame.with_columns(pl.Series("id", _content_ids(frame), pl.String))
    if frame["id"].null_count():
        row = frame["id"].is_null().arg_true()[0] + 1
        raise DatagenError(f"{shown}, row {row}: its id is null; give every row one, or remove the column")
    if frame["id"].n_unique() < frame.height:
        repeated = frame.filter(pl.col("id").is_duplicated())["id"][0]
        raise DatagenError(
            f"{shown}: the id {one_line(repeated, 60)} stands in more than one row; ids must be unique"
        )
    return frame


def _content_ids(frame: pl.DataFrame) -> list[str]:
    """Hash each row's content and how often it came before, so that equal rows stay two rows."""
    seen: collections.Counter[tuple[str, str | None]] = collections.Counter()
    ids = []
    responses = frame["response"] if "response" in frame.columns else [None] * frame.height
    for content in zip(frame["instruction"], responses, strict=True):
        ids.append(schema.row_id(*content, seen[content]))
        seen[content] += 1
    return ids
