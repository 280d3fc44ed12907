"""Views of a ranked set: a task's answers together, pairs of a better and a worse one, the best alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from datagen.answers.syntax import same_code
from datagen.data.source import Row, Source
from datagen.errors import DatagenError
from datagen.ranking.tasks import by_task, last_places, with_whole_tasks

_NEEDED = ("score", "rank")
_TEXT, _NUMBER = pl.String(), pl.Float64()
#: Columns of the views.
_RESPONSE = pl.Struct(
    {
        **{
            "id": _TEXT,
            "response": _TEXT,
            "code": _TEXT,
            "score": _NUMBER,
            "rank": pl.Int64(),
            "status": _TEXT,
        },
        **{"pass_ratio": _NUMBER, "role": _TEXT, "teacher": _TEXT},
    }
)
RANKED = pl.Schema({"task": _TEXT, "prompt": _TEXT, "responses": pl.List(_RESPONSE)})
PREFERENCE = pl.Schema(
    {
        **{"prompt": _TEXT, "chosen": _TEXT, "rejected": _TEXT},
        **{"score_chosen": _NUMBER, "score_rejected": _NUMBER},
    }
)
SFT = pl.Schema({"prompt": _TEXT, "completion": _TEXT})
#: Pass ratios of a pair by AceCoder's rules: what is chosen satisfies so many tests, what is rejected some.
CHOSEN_LEAST = 0.8
#: 0.8 - 0.4 is a little less than 0.4 in floating point.
_ROUNDING = 1e-9


def ranked(source: Source) -> Iterator[dict[str, Any]]:
    """One object a task: its prompt and its answers, the best first.

    Raises:
        DatagenError: the rows are not ranked.
    """
    for rows in _tasks(source):
        responses = [
            {name: row.get(name) for name in ("id", "response", "code", *_NEEDED, "status", "pass_ratio")}
            | {"role": row.get("role") or "teacher", "teacher": row.get("teacher")}
            for row in rows
        ]
        yield {"task": rows[0]["task"], "prompt": rows[0]["instruction"], "responses": responses}


def preference(source: Source, gap: float | None = None) -> Iterator[dict[str, Any]]:
    """Pairs in TRL's columns: each teacher's answer with each worse one of the student.

    In a task without student rows it is the best answer with the worst one. Answers are told by their code,
    as they are trained on; one without code by its whole response. Empty ones make no pair, nor do two that
    differ in comments, layout and docstrings only, and of such pairs the first stays.

    Args:
        source: a ranked set.
        gap: by how much the pass ratios of a pair have to differ, 0 to 1. Then the chosen answer satisfies
            80 % of its tests, the rejected one at least one, and in a task without student rows all such
            pairs are taken, not only one: AceCoder's rules (Zeng et al. 2025), whose gap is 0.4.

    Raises:
        DatagenError: the rows are not ranked.
    """
    for rows in _tasks(source):
        seen: set[tuple[str, str]] = set()
        for better, worse in _pairs(rows) if gap is None else _far_pairs(rows, gap):
            chosen, rejected = _text(better), _text(worse)
            same = same_code(chosen), same_code(rejected)
            if chosen.strip() and rejected.strip() and same[0] != same[1] and same not in seen:
                seen.add(same)
                yield {
                    "prompt": rows[0]["instruction"],
                    "chosen": chosen,
                    "rejected": rejected,
                    "score_chosen": better["score"],
                    "score_rejected": worse["score"],
                }


def sft(source: Source) -> Iterator[dict[str, Any]]:
    """The best answer to each task in TRL's columns, where it satisfies all tests and is a teacher's.

    Raises:
        DatagenError: the rows are not ranked.
    """
    for rows in _tasks(source):
        right = (row for row in rows if row.get("role") != "student" and row.get("status") == "all_passed")
        if (best := next(right, None)) and (text := _text(best)).strip():
            yield {"prompt": rows[0]["instruction"], "completion": text}


def _tasks(source: Source) -> Iterator[list[Row]]:
    """The rows of each task, the best first."""
    known = source.schema()
    if missing := [name for name in _NEEDED if name not in known]:
        raise _not_ranked(source, f"it has no column {missing[0]}")
    for frame in source.frames():
        for name in _NEEDED:
            if frame[name].null_count():
                raise _not_ranked(source, f"a row has no {name}")
    for rows in with_whole_tasks(source.iter_rows(), last_places(source)):
        for task in by_task(rows):
            yield sorted(task, key=lambda row: row["rank"])


def _not_ranked(source: Source, why: str) -> DatagenError:
    return DatagenError(
        f"{source.name} is not ranked: {why}; give what `datagen rank` wrote, or choose another --as"
    )


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    students = [row for row in rows if row.get("role") == "student"]
    pairs = [(one, other) for one in rows if one.get("role") != "student" for other in students]
    if not students:
        pairs = [(rows[0], rows[-1])]
    yield from (pair for pair in pairs if pair[0]["score"] > pair[1]["score"])


def _far_pairs(rows: Sequence[Row], gap: float) -> Iterator[tuple[Row, Row]]:
    """Pairs whose pass ratios lie apart."""
    students = [row for row in rows if row.get("role") == "student"]
    better = [row for row in rows if row.get("role") != "student"]
    for one in better:
        for other in students or better:
            high, low = one.get("pass_ratio") or 0.0, other.get("pass_ratio") or 0.0
            if high >= CHOSEN_LEAST and low > 0 and high - low >= gap - _ROUNDING:
                yield one, other


def _text(row: Row) -> str:
    return row.get("code") or row.get("response") or ""
