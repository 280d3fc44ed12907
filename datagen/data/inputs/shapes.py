"""Gives a file's rows datagen's columns, whichever of the known shapes the file has."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from datagen import canonical, progress
from datagen.data import schema
from datagen.data.inputs.identities import Identities
from datagen.errors import DatagenError, nearest, one_line

#: Parsing Python takes some four hundred bytes of memory for each byte.
MAX_TEXT_BYTES = 2**20

_TEXT = (pl.String, pl.Null)


class Recogniser:
    """Gives a file's rows datagen's columns, one frame after the other.

    Known shapes: datagen's own, Alpaca (`instruction, input, output`), chat (`messages`), and `prompt` with
    or without `response`; `rename` (new name -> name in the file) covers the others.
    """

    def __init__(self, shown: str, rename: Mapping[str, str]) -> None:
        self._shown = shown
        self._rename = rename
        self._identities = Identities(shown)
        self._printed_by_datagen: bool | None = None
        self._rows = self._longer_chats = 0

    def recognise(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The next rows of the file with `instruction`, `task`, `id`, and `response` where there is one.

        All frames have the same columns and types.

        Raises:
            DatagenError: no instruction can be found, a known column has the wrong type, ids are not unique,
                a column bears a name that datagen writes itself.
        """
        shown = self._shown
        frame = _renamed(frame, shown, self._rename)
        if "instruction" not in frame.columns:
            frame = self._from_other_shape(frame)
        frame = _typed(_from_alpaca(frame), shown, self._rename)
        if frame["instruction"].null_count():
            row = self._rows + frame["instruction"].is_null().arg_true()[0] + 1
            raise DatagenError(f"{shown}, row {row}: no instruction; every row needs one")
        _refuse_long_texts(frame, shown, self._rows)
        if self._printed_by_datagen is None:
            self._printed_by_datagen = _is_printed_by_datagen(frame)
        if not self._printed_by_datagen:
            _refuse_names_of_ours(frame, shown)
        frame = self._identities.add(frame)
        self._rows += frame.height
        return schema.in_order(frame)

    def end(self) -> None:
        """Say what was left out of the whole file."""
        if self._longer_chats:
            chats = "1 chat is" if self._longer_chats == 1 else f"{self._longer_chats:,} chats are"
            longer = f"{chats} longer than a question and its answer"
            progress.say(f"{self._shown}: {longer}; the rest is not read")

    def _from_other_shape(self, frame: pl.DataFrame) -> pl.DataFrame:
        if "messages" in frame.columns:
            frame, longer = _from_chat(frame, self._shown, self._rows)
            self._longer_chats += longer
            return frame
        if "prompt" in frame.columns:
            _require(frame, "prompt", pl.String(), self._shown, "change it, or use --map instruction=NAME")
            return frame.rename({"prompt": "instruction"})
        columns = ", ".join(one_line(name, 40) for name in frame.columns[:12])
        raise DatagenError(
            f"{self._shown} has no column instruction, prompt or messages but {columns};"
            " use --map instruction=NAME"
        )


def _renamed(frame: pl.DataFrame, shown: str, rename: Mapping[str, str]) -> pl.DataFrame:
    news = {old: new for new, old in rename.items()}
    for new, old in rename.items():
        if old not in frame.columns:
            raise DatagenError(f"{shown} has no column {old} to map to {new}; {_nearest(old, frame)}")
        if news[old] != new:
            raise DatagenError(f"--map reads the column {old} of {shown} both as {new} and as {news[old]}")
        if new != old and new in frame.columns and new not in news:
            raise DatagenError(
                f"{shown} has a column {new} already; map it elsewhere first: --map old_{new}={new}"
            )
    return frame.rename(news)


def _nearest(name: str, frame: pl.DataFrame) -> str:
    return nearest(name, [one_line(column, 40) for column in frame.columns])


def _from_chat(frame: pl.DataFrame, shown: str, before: int) -> tuple[pl.DataFrame, int]:
    """The first question of each chat and the answer to it, and how many chats are longer.

    Args:
        frame: with `messages`.
        shown: what error lines call the file.
        before: how many of its rows came before.
    """
    if "response" in frame.columns:
        raise DatagenError(
            f"{shown} has both messages and response; map the second elsewhere: --map my_response=response"
        )
    asked: list[str] = []
    answered: list[str | None] = []
    longer = 0
    for number, (messages,) in enumerate(frame.select("messages").iter_rows(), before + 1):
        try:
            turns = [(turn["role"], turn["content"]) for turn in messages]
            start = next(i for i, (role, _) in enumerate(turns) if role == "user")
        except (TypeError, KeyError, StopIteration):
            raise _no_chat(shown, number) from None
        answer = next((text for role, text in turns[start + 1 :] if role == "assistant"), None)
        if not isinstance(turns[start][1], str) or not isinstance(answer, str | None):
            raise _no_chat(shown, number)
        asked.append(turns[start][1])
        answered.append(answer)
        longer += len(turns) > 1 + (answer is not None)
    turns_of = [pl.Series("instruction", asked, pl.String), pl.Series("response", answered, pl.String)]
    return frame.drop("messages").with_columns(turns_of), longer


def _no_chat(shown: str, number: int) -> DatagenError:
    return DatagenError(
        f"{shown}, row {number}: messages should be a list of {{role, content}} texts with a user's turn"
    )


def _from_alpaca(frame: pl.DataFrame) -> pl.DataFrame:
    """Append a non-blank `input` to the instruction and call `output` the response."""
    given_type = frame.schema.get("input")
    if (
        given_type is not None
        and (given_type in _TEXT or given_type.is_numeric())
        and frame.schema["instruction"] == pl.String
    ):
        given = pl.col("input").cast(pl.String)
        both = pl.concat_str("instruction", given, separator="\n")
        has_input = given.str.strip_chars().str.len_bytes() > 0
        frame = frame.with_columns(
            pl.when(has_input).then(both).otherwise("instruction").alias("instruction")
        )
        frame = frame.drop("input")
    if frame.schema.get("output") in _TEXT and "response" not in frame.columns:
        frame = frame.rename({"output": "response"})
    return frame


def _typed(frame: pl.DataFrame, shown: str, rename: Mapping[str, str]) -> pl.DataFrame:
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
        _require(frame, name, wanted, shown, cure)
        frame = frame.with_columns(pl.col(name).cast(wanted))
    return frame


def _require(frame: pl.DataFrame, name: str, wanted: pl.DataType, shown: str, cure: str) -> None:
    """Raise unless the column has the type `wanted`, or one that can be cast to it without loss."""
    column = frame[name]
    fits = column.dtype == wanted or column.dtype == pl.Null
    if wanted == pl.List(pl.String):
        fits = fits or column.dtype == pl.List(pl.Null)
    elif wanted == pl.Int64 and (column.dtype.is_integer() or column.dtype == pl.String):
        fits = column.cast(wanted, strict=False).null_count() == column.null_count()
    elif name == "id":
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


def _refuse_long_texts(frame: pl.DataFrame, shown: str, before: int) -> None:
    for name in ("instruction", "response", "code", "reference"):
        if name in frame.columns:
            too_long = (frame[name].str.len_bytes() > MAX_TEXT_BYTES).arg_true()
            if len(too_long):
                raise DatagenError(
                    f"{shown}, row {before + too_long[0] + 1}: more than {MAX_TEXT_BYTES // 2**20} MB of"
                    f" {name} in one row; remove it: no task or answer is that long"
                )


def _is_printed_by_datagen(frame: pl.DataFrame) -> bool:
    """Whether the rows are what `datagen cat` prints, where columns that stages write anew are stale."""
    return (
        {"id", "task"} <= {*frame.columns}
        and frame.height > 0
        and frame["task"][0] == canonical.row_id(frame["instruction"][0])
    )


def _refuse_names_of_ours(frame: pl.DataFrame, shown: str) -> None:
    """Stages write some columns anew: those of a user would be lost."""
    for name in frame.columns:
        if schema.is_written_anew(name):
            raise DatagenError(
                f"{shown}: the column {one_line(name, 60)} bears a name that datagen writes itself;"
                f" read it under another: --map my_{one_line(name, 60)}={one_line(name, 60)}"
            )
