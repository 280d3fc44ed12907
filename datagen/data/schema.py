"""The columns of tasks and pairs: names, types, meaning; and how rows are identified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl


class Column(NamedTuple):
    """One column that datagen knows: polars dtype and what it means."""

    name: str
    dtype: pl.DataType
    meaning: str


_TEXT = pl.String()
_TEXTS = pl.List(pl.String)
_COUNT = pl.Int64()
_WRITTEN_TESTS = pl.List(pl.Struct({"author": pl.String, "test": pl.String}))

COLUMNS: tuple[Column, ...] = (
    Column("id", _TEXT, "hash of the row's content, unique in a data set"),
    Column("task", _TEXT, "id of the instruction; the answers to one task share it"),
    Column("instruction", _TEXT, "what is asked"),
    Column("response", _TEXT, "the whole answer as the teacher gave it"),
    Column("code", _TEXT, "the code of the answer"),
    Column("language", _TEXT, "programming language of the code, lower case"),
    Column("teacher", _TEXT, "who answered or evolved this row"),
    Column("role", _TEXT, "teacher or student; tests for a call for tests that failed"),
    Column("sample", _COUNT, "index of the answer among those of one teacher to one task, from 0"),
    Column("seed_id", _TEXT, "id of the seed that the row descends from"),
    Column("parent", _TEXT, "id of the row that this one was evolved from; null for a seed"),
    Column("depth", _COUNT, "evolutions between the seed (0) and this task"),
    Column("method", _TEXT, "how it was evolved from its parent"),
    Column("prompt_hash", _TEXT, "hash of the prompt's template, which differs as soon as its wording does"),
    Column("temperature", pl.Float64(), "sampling temperature that was asked for; null: the teacher's own"),
    Column("request", _TEXT, "journal key of the model call that made it"),
    Column("model", _TEXT, "the model name that the server answered under"),
    Column("finish_reason", _TEXT, "why the model stopped: stop, length, ..."),
    Column("cut", _TEXTS, "what of the answer was not taken into the code"),
    Column("license", _TEXT, "licence of the row's content"),
    Column("entry_point", _TEXT, "name of the function that the task asks for"),
    Column("tests", _TEXTS, "assert statements that a right answer satisfies"),
    Column("generated_tests", _WRITTEN_TESTS, "tests that teachers wrote, each with its author"),
    Column("reference", _TEXT, "a solution known to satisfy the tests"),
    Column("status", _TEXT, "how its code fared: compile_error, runtime_error, partial or all_passed"),
    Column("pass_ratio", pl.Float64(), "the share of the tests that its code satisfies"),
    Column("test_strength", pl.Float64(), "the share of mutants that models' tests of its task kill; 0 to 1"),
    Column("score", pl.Float64(), "what the answer is worth: the level of its status, and a teacher's bonus"),
    Column("rank", _COUNT, "its place among the answers to its task; 1 is the best"),
    Column("verdict", _TEXT, "what its code failed at, in words; null where it satisfies all tests"),
    Column("output_tail", _TEXT, "the end of what its program printed before it ended, escaped"),
)

#: Columns that only rows in `dropped/` have, behind the others and before the measures.
DROPPED_COLUMNS: tuple[Column, ...] = (
    Column("reason", _TEXT, "why the row was dropped: the first that fired, in a fixed order"),
    Column("dropped_by", _TEXTS, "everything that would have dropped it"),
    Column("detail", _TEXT, "the evidence, in words"),
)

DTYPES: Mapping[str, pl.DataType] = {c.name: c.dtype for c in (*COLUMNS, *DROPPED_COLUMNS)}
_RANK = {c.name: rank for rank, c in enumerate((*COLUMNS, *DROPPED_COLUMNS))}

#: Columns of a task's answer: an evolved child never inherits them, they answer another task.
ANSWER_COLUMNS = (
    *("response", "output", "code", "language", "teacher", "role", "sample", "request", "model"),
    *("finish_reason", "tests", "reference", "entry_point", "generated_tests", "prompt_hash", "temperature"),
    *("cut", "status", "pass_ratio", "test_strength", "score", "rank", "verdict"),
    "output_tail",
)

#: Stages write these anew, and columns that begin with `MEASURE`; a user's own would be lost.
WRITTEN_ANEW = frozenset({*(c.name for c in DROPPED_COLUMNS), "overlaps", "duplicate_of", "stage"})
MEASURE = "measure_"

#: Left out of the content digest: where an answer was asked for, and what may hold addresses and times.
UNDIGESTED = frozenset({"request", "output_tail"})


def is_written_anew(name: str) -> bool:
    """Whether stages give the column `name` values of their own."""
    return name in WRITTEN_ANEW or name.startswith(MEASURE)


def without_answer(row: Mapping[str, object]) -> dict[str, object]:
    """The columns of a task that a new answer to it, or a task evolved from it, may inherit."""
    return {
        name: value
        for name, value in row.items()
        if name not in ANSWER_COLUMNS and name != "messages" and not is_written_anew(name)
    }


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The same columns, known ones first in their documented order, then the user's as they came."""
    known = sorted((name for name in frame.columns if name in _RANK), key=_RANK.__getitem__)
    # By name: `select` would take `^x$` for a pattern.
    order = (*known, *(name for name in frame.columns if name not in _RANK))
    return pl.DataFrame({name: frame[name] for name in order}) if order else frame


def frame(
    rows: Sequence[Mapping[str, object]], known: pl.Schema, more: Sequence[str], *, dropped: bool = False
) -> pl.DataFrame:
    """Rows as a frame with the columns of `known` and the known columns `more`; what a row lacks is null.

    dropped: whether the columns that only dropped rows have are added.
    """
    names = [*more, *(c.name for c in DROPPED_COLUMNS if dropped)]
    columns = {**known, **{name: DTYPES[name] for name in names}}
    data = {name: [row.get(name) for row in rows] for name in columns}
    return in_order(pl.DataFrame(data, schema=columns))


def combined_license(*licenses: str | None) -> str | None:
    """SPDX expression for a row made from several works; None as soon as one licence is unknown."""
    known = [name for name in licenses if name]
    return " AND ".join(dict.fromkeys(known)) if len(known) == len(licenses) else None


def with_columns(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """`frame` with each known column of `names` that it lacks added as nulls."""
    missing = [pl.lit(None, DTYPES[name]).alias(name) for name in names if name not in frame.columns]
    return in_order(frame.with_columns(missing))
