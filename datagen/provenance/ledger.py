"""Where each row of a data set went: at which stages it was seen, and from which rows it came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from datagen.data import directory, inputs, manifest
from datagen.data.source import Row
from datagen.errors import DatagenError, one_line

#: An id may be cut to so many characters.
SHORTEST = 6
_LISTED = 5


class Place(NamedTuple):
    """One stage's data set. name: its folder among a run's stages, or the stage of a data set by itself."""

    name: str
    path: Path
    manifest: Mapping[str, Any]


class Sighting(NamedTuple):
    """A row as one stage kept or dropped it; `stage` did so."""

    place: Place
    kept: bool
    row: Row

    @property
    def stage(self) -> str:
        """A run without its stages' folders still names them on what it dropped."""
        return str(self.row.get("stage") or self.place.name)


class Ledger(NamedTuple):
    """The places to look at, in the order of the work.

    whole: the data set itself. stages: those of a run, if their folders are there, else the data set alone.
    """

    whole: Place
    stages: Sequence[Place]

    @classmethod
    def of(cls, path: Path) -> Ledger:
        """The ledger of a dataset directory.

        Raises:
            DatagenError: it is none, or one of its stages is damaged.
        """
        if not path.is_dir():
            raise DatagenError(f"{path} is no dataset directory; give one that a stage or a run made")
        whole = _place(path, manifest.read(path)["stage"])
        folders = sorted((path / directory.STAGES).glob("[0-9][0-9]-*"))
        stages = [_place(folder, folder.name) for folder in folders if (folder / manifest.NAME).exists()]
        return cls(whole, stages or [whole])

    def find(self, row_id: str) -> list[Sighting]:
        """Every sighting of the row whose id begins with `row_id`, in the order of the work.

        Raises:
            DatagenError: there is no such row, or several rows have such an id.
        """
        begins = pl.col("id").str.starts_with(row_id)
        found = list(self._sightings(begins if len(row_id) >= SHORTEST else pl.col("id") == row_id))
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
        tasks = list(self._sightings(pl.col("task").str.starts_with(row_id)))
        if tasks:
            ids = [*{one.row["id"]: None for one in tasks}]
            return DatagenError(
                f"{shown} is no row but a task of {len(ids):,} rows; give the id of one, such as"
                f" {', '.join(ids[:_LISTED])}"
            )
        return DatagenError(
            f"no row of {self.whole.path} has an id that begins with {shown}; `datagen cat {self.whole.path}`"
            " shows the ids of those that were kept, --dropped of the others"
        )

    def relatives(self, row: Row) -> list[Sighting]:
        """Sightings of all rows that descend from the same seed or answer the same task, and of the seed."""
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
        return list(self._sightings(*parts)) if parts else []

    def _sightings(self, *conditions: pl.Expr) -> Iterator[Sighting]:
        for place in self.stages:
            for kept, opened in ((True, inputs.open_source), (False, inputs.open_dropped)):
                for frame in opened(str(place.path)).frames():
                    known = [c for c in conditions if {*c.meta.root_names()} <= {*frame.columns}]
                    if known:
                        rows = frame.filter(pl.any_horizontal(known)).iter_rows(named=True)
                        yield from (Sighting(place, kept, row) for row in rows)


def _place(path: Path, name: str) -> Place:
    return Place(name, path, manifest.read(path))


def is_answer(row: Row) -> bool:
    """Whether a row holds an answer to its task."""
    return row.get("response") is not None or row.get("sample") is not None


def task_of(row: Row, relatives: Sequence[Sighting]) -> Sighting | None:
    """The sighting of the task that `row` answers, or None."""
    found = [
        one
        for one in relatives
        if one.row.get("task") == row.get("task")
        and one.row["id"] != row["id"]
        and not is_answer(one.row)
        and one.row.get("parent") == row.get("parent")
    ]
    return min(found, key=lambda one: not one.kept, default=None)


def ancestors(row: Row, relatives: Sequence[Sighting]) -> list[Sighting]:
    """The tasks that a task was evolved from, seed first, as far as they can be found."""
    first: dict[str, Sighting] = {}
    for one in sorted(relatives, key=lambda one: not one.kept):
        if not is_answer(one.row):
            first.setdefault(one.row["id"], one)
    chain: list[Sighting] = []
    seen = {row["id"]}
    parent = row.get("parent")
    while parent in first and parent not in seen:
        seen.add(parent)
        chain.insert(0, first[parent])
        parent = first[parent].row.get("parent")
    return chain
