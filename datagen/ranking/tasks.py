"""Rows gathered by tasks, though the answers of a task need not follow each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from datagen.data.source import Row, Source


def last_places(source: Source) -> dict[str, int]:
    """The number of the last row of each task, counted from 0."""
    last: dict[str, int] = {}
    number = 0
    for frame in source.frames():
        for task in frame["task"] if frame.height else ():
            last[task] = number
            number += 1
    return last


def with_whole_tasks(rows: Iterable[Row], last: Mapping[str, int]) -> Iterator[list[Row]]:
    """Cut rows, in their order, into the shortest runs that no task leaves.

    Where the answers of a task follow each other, each run is one task.

    Args:
        rows: of a source.
        last: what `last_places` says of it.
    """
    gathered: list[Row] = []
    end = 0
    for number, row in enumerate(rows):
        gathered.append(row)
        end = max(end, last[row["task"]])
        if number == end:
            yield gathered
            gathered = []


def by_task(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each task, tasks in the order of their first rows."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["task"], []).append(row)
    return list(found.values())
