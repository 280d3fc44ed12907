"""The way of each row through a data set: the stages that kept or dropped it, and the rows it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from datagen.data import directory, inputs, manifest
from datagen.data.source import Row
from datagen.errors import DatagenError, one_line

#: The least number of characters of an id that may stand for it.
SHORTEST = 6
_LISTED = 5


class StageOutput(NamedTuple):
    """The data set of one stage.

    Args:
        name: of its folder in a run; the stage's name for a data set by itself.
        path: its folder.
        manifest: its manifest.
    """

    name: str
    path: Path
    manifest: Mapping[str, Any]


class RowAtStage(NamedTuple):
    """A row as one stage kept or dropped it."""

    output: StageOutput
    kept: bool
    row: Row

    @property
    def stage(self) -> str:
        """The stage that kept or dropped it. A run without its stages' folders names it in the row."""
        return str(self.row.get("stage") or self.output.name)


class Ledger(NamedTuple):
    """The outputs of a data set's stages.

    Args:
        whole: the data set itself.
        stages: the stages of a run, in the order of the work; the data set alone without their folders.
    """

    whole: StageOutput
    stages: Sequence[StageOutput]

    @classmethod
    def of(cls, path: Path) -> Ledger:
        """The ledger of a dataset directory.

        Raises:
            DatagenError: it is none, or one of its stages is damaged.
        """
        if not path.is_dir():
            raise DatagenError(f"{path} is no dataset directory; give one that a stage or a run made")
        whole = _output(path, manifest.read(path)["stage"])
        folders = sorted((path / directory.STAGES).glob("[0-9][0-9]-*"))
        stages = [_output(folder, folder.name) for folder in folders if (folder / manifest.NAME).exists()]
        return cls(whole, stages or [whole])

    def find(self, row_id: str) -> list[RowAtStage]:
        """The row whose id begins with `row_id`, at every stage that kept or dropped it, in their order.

        Raises:
            DatagenError: there is no such row, or several rows have such an id.
        """
        begins = pl.col("id").str.starts_with(row_id)
        found = list(self._rows(begins if len(row_id) >= SHORTEST else pl.col("id") == row_id))
        ids = {one.row["id"]: None for one in found}
        if row_id in ids:
            return [one for one in found if one.row["id"] == row_id]
        if len(ids) > 1:
            listed = ", ".join([*ids][:_LISTED]) + (", …" if len(ids) > _LISTED else "")
            raise DatagenError(
                f"{len(ids):,} rows have an id that begins with {row_id}: {listed}; give more of it"
            )
        if not found:
            raise self._unknown(row_id)
        return found

    def _unknown(self, row_id: str) -> DatagenError:
        shown = one_line(row_id, 80)
        if len(row_id) < SHORTEST:
            return DatagenError(
                f"{shown} is too short for an id; give its first {SHORTEST} characters or more"
            )
        tasks = list(self._rows(pl.col("task").str.starts_with(row_id)))
        if tasks:
            ids = [*{one.row["id"]: None for one in tasks}]
            return DatagenError(
                f"{shown} is no row but a task of {len(ids):,} rows; give the id of one, such as"
                f" {', '.join(ids[:_LISTED])}"
            )
        descended = (pl.col(name).str.starts_with(row_id) for name in ("seed_id", "parent"))
        ids = [*{one.row["id"]: None for one in self._rows(*descended)}]
        if ids:
            return DatagenError(
                f"{self.whole.path} does not hold {shown} itself but {len(ids):,} rows that descend from it;"
                f" give the id of one, such as {', '.join(ids[:_LISTED])}"
            )
        return DatagenError(
            f"no row of {self.whole.path} has an id that begins with {shown}; `datagen cat {self.whole.path}`"
            " shows the ids of those that were kept, --dropped of the others"
        )

    def relatives(self, row: Row) -> list[RowAtStage]:
        """All rows with the same seed or the same task, and the seed itself, at every stage that has them."""
        parts = [
            pl.col(name) == row[origin]
            for name, origin in (
                ("seed_id", "seed_id"),
                ("id", "seed_id"),
                ("id", "parent"),
                ("task", "task"),
            )
            if row.get(origin)
        ]
        return list(self._rows(*parts)) if parts else []

    def _rows(self, *conditions: pl.Expr) -> Iterator[RowAtStage]:
        for output in self.stages:
            for kept, opened in ((True, inputs.open_source), (False, inputs.open_dropped)):
                for frame in opened(str(output.path)).frames():
                    known = [c for c in conditions if {*c.meta.root_names()} <= {*frame.columns}]
                    if known:
                        rows = frame.filter(pl.any_horizontal(known)).iter_rows(named=True)
                        yield from (RowAtStage(output, kept, row) for row in rows)


def _output(path: Path, name: str) -> StageOutput:
    return StageOutput(name, path, manifest.read(path))


def is_answer(row: Row) -> bool:
    """Whether a row holds an answer to its task."""
    return row.get("response") is not None or row.get("sample") is not None


def task_of(row: Row, relatives: Sequence[RowAtStage]) -> RowAtStage | None:
    """The task that `row` answers, or None. A seed may bring an answer of its own."""
    found = [
        one
        for one in relatives
        if one.row.get("task") == row.get("task")
        and one.row["id"] != row["id"]
        and (not is_answer(one.row) or _is_seed_of(one.row, row))
        and one.row.get("parent") == row.get("parent")
    ]
    return min(found, key=lambda one: not one.kept, default=None)


def _is_seed_of(seed: Row, row: Row) -> bool:
    return bool(seed["id"] == row.get("seed_id") and seed.get("sample") is None)


def ancestors(row: Row, relatives: Sequence[RowAtStage]) -> list[RowAtStage]:
    """The tasks that a task was evolved from, seed first, as far as the data set holds them."""
    first: dict[str, RowAtStage] = {}
    for one in sorted(relatives, key=lambda one: not one.kept):
        first.setdefault(one.row["id"], one)
    chain: list[RowAtStage] = []
    seen = {row["id"]}
    parent = row.get("parent")
    while parent in first and parent not in seen:
        seen.add(parent)
        chain.insert(0, first[parent])
        parent = first[parent].row.get("parent")
    return chain
