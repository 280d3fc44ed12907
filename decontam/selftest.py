"""How many planted copies of benchmark items are found among the rows of this very set.

The copies are mechanical (transforms.py). What people or models reworded is found less often: the figures are
an upper bound for that.

What is found of a copy depends on the texts beside it: similarity is one of whole texts. So a result is kept
for the very texts beside which it was measured, and is measured anew beside others.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import polars as pl

from decontam._stored import key_of, load, store
from decontam.benchmarks import Item
from decontam.overlaps import Indexes, find_overlaps
from decontam.transforms import copies

#: Items of each benchmark that are planted.
PLANTED = 12


def counts(
    items: Sequence[Item], indexes: Indexes, rows: pl.DataFrame, kept: Path | None = None
) -> dict[str, dict[str, int]]:
    """How many copies were `planted` and `found`, by the name of the change.

    Args:
        items: of all benchmarks; a few of each are drawn, the same ones each time.
        indexes: as `find_overlaps` takes them.
        rows: some rows of the set, with `instruction` and, if there are answers, `response`. The text of a
            copy replaces the instruction of one of them, its code stands before the response.
        kept: the folder where the result is kept for the next time; None to keep nothing.
    """
    drawn, asked, answers = _drawn(items), _texts(rows, "instruction"), _texts(rows, "response")
    if not (kept and indexes.key):
        return _counted(drawn, indexes, asked, answers)
    key = key_of([indexes.key, indexes.profile, drawn, asked, answers])
    found = load(kept, key, {})
    if not _is_result(found):
        found = _counted(drawn, indexes, asked, answers)
        store(kept, key, found, {})
    return found


def _is_result(found: object) -> TypeGuard[dict[str, dict[str, int]]]:
    return isinstance(found, dict) and all(
        isinstance(one, dict)
        and one.keys() == {"planted", "found"}
        and all(type(count) is int for count in one.values())
        for one in found.values()
    )


def _counted(
    drawn: Sequence[Item], indexes: Indexes, asked: Sequence[str], answers: Sequence[str]
) -> dict[str, dict[str, int]]:
    planted = [(item, name, copy) for item in drawn for name, copy in copies(item).items()]
    frame = pl.DataFrame(
        {
            "id": [str(number) for number in range(len(planted))],
            "instruction": [
                copy.asked or asked[number % len(asked)] for number, (*_, copy) in enumerate(planted)
            ],
            "response": [
                f"{copy.answer}\n\n{answers[number % len(answers)]}"
                for number, (*_, copy) in enumerate(planted)
            ],
        }
    )
    matches = find_overlaps(frame, indexes).filter(~pl.col("common"))
    found = set(matches.select("row", "benchmark", "item").iter_rows())
    told: dict[str, dict[str, int]] = {}
    for number, (item, name, _) in enumerate(planted):
        counts = told.setdefault(name, {"planted": 0, "found": 0})
        counts["planted"] += 1
        counts["found"] += (str(number), item.benchmark, item.task_id) in found
    return told


def _drawn(items: Sequence[Item]) -> list[Item]:
    by_benchmark: dict[str, list[Item]] = {}
    for item in items:
        by_benchmark.setdefault(item.benchmark, []).append(item)
    return [
        item
        for name, members in by_benchmark.items()
        for item in random.Random(name).sample(members, min(PLANTED, len(members)))
    ]


def _texts(rows: pl.DataFrame, column: str) -> list[str]:
    """The texts of a column, at least one."""
    return [text or "" for text in rows[column]] if column in rows.columns and rows.height else [""]
