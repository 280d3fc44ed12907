"""What a person decided about matches, read from a file and applied again.

The file is JSON Lines, or a JSON list in a file that ends in .json, and may be gzipped; review.schema.json
describes its objects:

    {"task": "3fa91c0a", "benchmark": "humaneval", "item": "HumanEval/23", "decision": "keep",
     "note": "strlen, a textbook task"}
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import NamedTuple

import polars as pl

from decontam._evidence import EXCERPT
from decontam.benchmarks import BenchmarkError
from decontam.benchmarks._files import Record, records, text

_FIELDS = ("task", "benchmark", "item", "decision", "note")
_DECISIONS = ("keep", "drop")


class Decision(NamedTuple):
    """One decision.

    Args:
        task: id of a task, or of a single row.
        benchmark: its name, as in a match.
        item: the item's task_id, as in a match.
        drop: whether the task goes. If not, a match with the item is no reason to drop it.
        note: why; may be empty.
    """

    task: str
    benchmark: str
    item: str
    drop: bool
    note: str


def read(path: Path) -> list[Decision]:
    """The decisions in a file, in their order.

    Raises:
        BenchmarkError: no such file, or a line that is no decision; the message is one line for the user.
    """
    found: dict[tuple[str, str, str], tuple[str, Decision]] = {}
    for place, record in records(path):
        try:
            decision = _decision(record)
        except BenchmarkError as error:
            raise BenchmarkError(f"{place}: {error}") from None
        before, other = found.setdefault(decision[:3], (place, decision))
        if other.drop != decision.drop:
            raise BenchmarkError(f"{place}: it decides otherwise than {before}, on the same task and item")
    return [decision for _, decision in found.values()]


def _decision(record: Record) -> Decision:
    if unknown := sorted(record.keys() - set(_FIELDS)):
        raise BenchmarkError(f"unknown field {unknown[0]!r}; allowed: {', '.join(_FIELDS)}")
    task, benchmark, item, decision = (text(record, name) for name in _FIELDS[:-1])
    if decision not in _DECISIONS:
        raise BenchmarkError(f"decision {decision!r} is not allowed; give {' or '.join(_DECISIONS)}")
    return Decision(task, benchmark, item, decision == "drop", text({"note": "", **record}, "note"))


class Review:
    """Decisions, applied to matches; it counts what became of them.

    Args:
        decisions: as `read` returns them.
    """

    def __init__(self, decisions: Sequence[Decision] = ()) -> None:
        self.decisions = tuple(decisions)
        self._keeps = {one[:3] for one in decisions if not one.drop}
        self._drops: dict[str, list[Decision]] = {}
        for one in decisions:
            if one.drop:
                self._drops.setdefault(one.task, []).append(one)
        self._used: set[tuple[str, str, str]] = set()
        self._kept = self._dropped = 0

    def about(self, items: Set[tuple[str, str]]) -> Review:
        """The decisions about these items, by benchmark and task_id; the others count as unused.

        Args:
            items: what rows are compared with.
        """
        rest = Review([one for one in self.decisions if one[1:3] in items])
        rest.decisions = self.decisions
        return rest

    @property
    def drop_ids(self) -> frozenset[str]:
        """Tasks and rows that are to go."""
        return frozenset(self._drops)

    def applied(self, evidence: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """The matches that are left, and one of the detector "review" for each decision to drop a row.

        Args:
            evidence: matches, columns as in `decontam.MATCHES`, and the `task` of each.
            rows: `row` and `task` of rows that `drop_ids` names.
        """
        if not self.decisions:
            return evidence
        left = self.left(evidence)
        decided = [
            {
                "row": row,
                "benchmark": one.benchmark,
                "item": one.item,
                "detector": "review",
                "part": "task",
                "value": 1.0,
                "threshold": 1.0,
                "excerpt": one.note[:EXCERPT],
                "score": 1.0,
                "common": False,
                "task": task,
            }
            for row, task in rows.iter_rows()
            for name in dict.fromkeys((task, row))
            for one in self._drops.get(name, ())
        ]
        self._used.update(
            (one[name], one["benchmark"], one["item"]) for one in decided for name in ("row", "task")
        )
        self._dropped += rows.height
        new = pl.DataFrame(decided, schema=evidence.schema)
        return pl.concat([left, new])

    def left(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """The matches that no decision sets aside; columns as for `applied`."""
        names = evidence.select("row", "task", "benchmark", "item").iter_rows()
        left = [not self._keeps_one(*one) for one in names]
        self._kept += left.count(False)
        return evidence.filter(pl.Series(left, dtype=pl.Boolean))

    def _keeps_one(self, row: str, task: str, benchmark: str, item: str) -> bool:
        used = {(row, benchmark, item), (task, benchmark, item)} & self._keeps
        self._used |= used
        return bool(used)

    def counts(self) -> dict[str, int]:
        """Matches set aside, rows dropped by decision, and decisions that met no row or no match."""
        unused = sum(one[:3] not in self._used for one in self.decisions)
        return {"kept": self._kept, "dropped": self._dropped, "unused": unused}
