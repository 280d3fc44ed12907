"""Runs a recipe stage by stage, skipping what is made already, and joins the stages into one data set.

OUT/stages/01-evolve/ ...    a whole data set per stage
OUT/data/                    the rows of the last stage
OUT/dropped/                 every stage's drops, with a column `stage`
OUT/manifest.json            every stage's counts; written last
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from datagen import dataset, inputs, progress, schema
from datagen.dataset import Outcome, Split
from datagen.errors import DatagenError
from datagen.manifest import Plan
from datagen.recipe import Recipe

_KEPT_OF_STAGES = (
    *("stage", "key", "options", "rows_in", "rows_made", "rows_out", "dropped", "failed", "overlaps"),
    "digest",
)


def run(recipe: Recipe, out: Path, *, overwrite: bool = False) -> Outcome:
    """Make the data set of a recipe in `out`; of a shortened one only its stages, without joining them.

    Stages whose inputs, options and versions have not changed are not made again.

    Raises:
        DatagenError: what a stage raises, a stage keeps no row, or `out` holds something else.
    """
    source = inputs.open_source(recipe.seeds, recipe.rename)
    stages = [{stage.name: dict(stage.options)} for stage in recipe.stages]
    plan = Plan("run", [source], {}, (schema.canonical(stages),))
    done = None if recipe.shortened else dataset.already_made(out, plan, overwrite=overwrite)
    made: list[Outcome] = []
    started = time.monotonic()
    with dataset.lock(out):
        for number, stage in enumerate(recipe.stages, 1):
            make = import_module(f"datagen.stages.{stage.name}").make
            where = out / "stages" / f"{number:02d}-{stage.name}"
            before = inputs.open_source(str(made[-1].out)) if made else source
            if not before.rows:
                raise DatagenError(
                    f"{made[-1].out} keeps no row, so nothing is left for {stage.name};"
                    f" `datagen cat {made[-1].out} --dropped` shows why"
                )
            outcome: Outcome = make(before, where, overwrite=True, **stage.options)
            made.append(outcome)
            progress.say(_line(number, len(recipe.stages), outcome))
        if recipe.shortened:
            return made[-1]
        if done and all(outcome.already_made for outcome in made):
            return done
        return _join(out, plan, made, started)


def _line(number: int, of: int, outcome: Outcome) -> str:
    counts = outcome.manifest
    dropped = sum(counts["dropped"].values())
    how = "already made" if outcome.already_made else f"{counts['times']['seconds']:.1f} s"
    rows = f"{counts['rows_in']:,} in, {counts['rows_made']:,} made, {counts['rows_out']:,} kept"
    return f"[{number}/{of}] {counts['stage']}: {rows}, {dropped:,} dropped ({how})"


def _join(out: Path, plan: Plan, made: Sequence[Outcome], started: float) -> Outcome:
    """Write the run's own data set: the last stage's rows, all stages' drops and counts."""
    work = out / "stages" / ".joined"
    shutil.rmtree(work, ignore_errors=True)
    manifests = [outcome.manifest for outcome in made]
    drops = [
        frame.with_columns(pl.lit(outcome.manifest["stage"]).alias("stage"))
        for outcome in made
        for frame in dataset.rows(outcome.out, "dropped")
    ]
    empty = pl.concat([frame.clear() for frame in drops], how="diagonal_relaxed")
    none_kept = next(dataset.rows(made[-1].out)).clear()
    writer = dataset.Writer(work, plan)
    for frame in dataset.rows(made[-1].out):
        writer.add(Split(frame, empty))
    for frame in drops:
        writer.add(Split(none_kept, pl.concat([empty, frame], how="diagonal_relaxed")))
    writer.started = started
    writer.counts.rows_in = manifests[0]["rows_in"]
    writer.counts.rows_made = sum(m["rows_made"] for m in manifests)
    writer.counts.failed = sum(m["failed"] for m in manifests)
    writer.calls = _sum_calls(manifests)
    writer.extra["stages"] = [{name: m[name] for name in _KEPT_OF_STAGES if name in m} for m in manifests]
    if "overlaps" in manifests[-1]:
        writer.extra["overlaps"] = manifests[-1]["overlaps"]
    writer.close()
    dataset.move_into(work, out)
    current = {outcome.out.name for outcome in made}
    for directory in (out / "stages").iterdir():
        if directory.name not in current:
            shutil.rmtree(directory, ignore_errors=True)
    return writer.outcome(out)


def _sum_calls(manifests: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    calls = [m["times"].get("calls") or {} for m in manifests]
    names = dict.fromkeys(name for counts in calls for name in counts)
    return {name: sum(counts.get(name, 0) for counts in calls) for name in names}
