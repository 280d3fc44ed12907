"""How many planted copies of benchmark items are found among the rows of this very set.

The copies are mechanical (transforms.py). What people or models reworded is found less often: the figures are
an upper bound for that.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import polars as pl

from decontam.benchmarks import Item
from decontam.overlaps import Indexes, find_overlaps
from decontam.transforms import copies

#: Items of each benchmark that are planted.
PLANTED = 12


def counts(items: Sequence[Item], indexes: Indexes, rows: pl.DataFrame) -> dict[str, dict[str, int]]:
    """How many copies were `planted` and `found`, by the name of the change.

    Args:
        items: of all benchmarks; a few of each are drawn, the same ones each time.
        indexes: as `find_overlaps` takes them.
        rows: some rows of the set, with `instruction` and, if there are answers, `response`. The text of a
            copy replaces the instruction of one of them, its code stands before the response.
    """
    planted = [(item, name, copy) for item in _drawn(items) for name, copy in copies(item).items()]
    asked = _texts(rows, "instruction")
    answers = _texts(rows, "response")
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
