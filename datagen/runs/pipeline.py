"""Runs a recipe stage by stage, skipping what is made already, and joins the stages into one data set.

OUT/stages/01-evolve/ ...    a whole data set per stage
OUT/data/                    the rows of the last stage
OUT/dropped/                 every stage's drops, with a column `stage`
OUT/manifest.json            every stage's counts; written last
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import polars as pl

from datagen import canonical, progress
from datagen.calls import usage
from datagen.calls.budget import Account
from datagen.calls.forecast import Forecast, Rows
from datagen.data import dataset, directory, inputs, manifest
from datagen.data.dataset import Outcome, Split
from datagen.data.manifest import Plan
from datagen.errors import DatagenError
from datagen.runs.recipe import Recipe
from datagen.teachers import Profile, identities

_KEPT_OF_STAGES = (
    *("stage", "key", "options", "rows_in", "rows_made", "rows_out", "dropped", "failed", "overlaps"),
    *("methods", "usage", "usage_total", "digest"),
)

#: Options that change how fast a stage is made, not what comes out.
_DECIDES_NOTHING = frozenset({"concurrency", "timeout"})


def run(recipe: Recipe, out: Path, *, max_usd: float | None = None, overwrite: bool = False) -> Outcome:
    """Make the data set of a recipe in `out`; of a shortened one only its stages, without joining them.

    Stages whose inputs, options and versions have not changed are not made again.

    max_usd: what all runs of this recipe may spend together.

    Raises:
        DatagenError: what a stage raises, a stage keeps no row, or `out` holds something else.
    """
    source = inputs.open_source(recipe.seeds, recipe.rename)
    plan = Plan("run", [source], {}, (_deciding(recipe),))
    made: list[Outcome] = []
    started = time.monotonic()
    with directory.lock(out):
        done = dataset.already_made(out, plan, overwrite=overwrite)
        for number, stage in enumerate(recipe.stages[: recipe.stop_after], 1):
            make = import_module(f"datagen.stages.{stage.name}").make
            if "teacher" in stage.options:
                make = partial(make, account=Account(plan.key(), max_usd))
            where = out / directory.STAGES / f"{number:02d}-{stage.name}"
            before = inputs.open_source(str(made[-1].out)) if made else source
            if not before.rows:
                raise DatagenError(
                    f"{made[-1].out} keeps no row, so nothing is left for {stage.name};"
                    f" `datagen cat {made[-1].out} --dropped` shows why"
                )
            outcome: Outcome = make(before, where, overwrite=True, **stage.options)
            made.append(outcome)
            progress.say(_line(number, len(recipe.stages), outcome))
        if len(made) < len(recipe.stages):
            return made[-1]
        if done and all(outcome.already_made for outcome in made):
            return done
        return _join(out, plan, made, started)


def _deciding(recipe: Recipe) -> str:
    """All that decides the result, as text."""
    return canonical.dumps(
        [
            {stage.name: {k: _identity(v) for k, v in stage.options.items() if k not in _DECIDES_NOTHING}}
            for stage in recipe.stages
        ]
    )


def _identity(option: object) -> object:
    """An option's value; of teachers only what decides their answers."""
    if isinstance(option, Profile):
        return identities([option])
    if isinstance(option, tuple):
        return [_identity(one) for one in option]
    return option


def forecast(recipe: Recipe, out: Path) -> tuple[list[tuple[str, Forecast]], int]:
    """What the stages would ask for, without asking, and how many seeds there are.

    Stages that are made already have nothing to ask for; their rows are the next stage's.
    """
    source = inputs.open_source(recipe.seeds, recipe.rename)
    rows = Rows.of(source)
    made: list[tuple[str, Forecast]] = []
    for number, stage in enumerate(recipe.stages[: recipe.stop_after], 1):
        module = import_module(f"datagen.stages.{stage.name}")
        where = out / directory.STAGES / f"{number:02d}-{stage.name}"
        if hasattr(module, "forecast"):
            of_stage: Forecast = module.forecast(rows, **stage.options)
            asks = any(one.calls[1] for one in of_stage.asked)
            done = rows.exact and not asks and _is_made(where, module.planned(rows.source, **stage.options))
        else:
            of_stage, done = Forecast([], rows.becoming(0, rows.most)), False
        made.append((stage.name, of_stage))
        rows = Rows.of(inputs.open_source(str(where))) if done else of_stage.rows
    return made, source.rows


def _is_made(where: Path, plan: Plan) -> bool:
    """Whether the data set in `where` is the one of this plan."""
    return (where / manifest.NAME).exists() and manifest.read(where)["key"] == plan.key()


def _line(number: int, of: int, outcome: Outcome) -> str:
    counts = outcome.manifest
    dropped = sum(counts["dropped"].values())
    how = "already made" if outcome.already_made else f"{counts['times']['seconds']:.1f} s"
    rows = f"{counts['rows_in']:,} in, {counts['rows_made']:,} made, {counts['rows_out']:,} kept"
    return f"[{number}/{of}] {counts['stage']}: {rows}, {dropped:,} dropped ({how})"


def _join(out: Path, plan: Plan, made: Sequence[Outcome], started: float) -> Outcome:
    """Write the run's own data set: the last stage's rows, all stages' drops and counts."""
    stages = out / directory.STAGES
    work = stages / ".joined"
    shutil.rmtree(work, ignore_errors=True)
    try:
        writer = dataset.Writer(work, plan)
        writer.started = started
        _fill(writer, made)
        writer.close()
        directory.move_into(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    current = {outcome.out.name for outcome in made}
    for path in stages.iterdir():
        if path.name not in current:
            shutil.rmtree(path, ignore_errors=True)
    return writer.outcome(out)


def _fill(writer: dataset.Writer, made: Sequence[Outcome]) -> None:
    kept = inputs.open_source(str(made[-1].out))
    drops = [inputs.open_dropped(str(outcome.out)) for outcome in made]
    stage = pl.lit(None, pl.String).alias("stage")
    no_drops = pl.concat(
        [pl.DataFrame(schema=source.schema()).with_columns(stage) for source in drops],
        how="diagonal_relaxed",
    )
    for frame in kept.frames():
        writer.add(Split(frame, no_drops))
    for source, outcome in zip(drops, made, strict=True):
        stage = pl.lit(outcome.manifest["stage"]).alias("stage")
        for frame in source.frames():
            dropped = pl.concat([no_drops, frame.with_columns(stage)], how="diagonal_relaxed")
            writer.add(Split(pl.DataFrame(schema=kept.schema()), dropped))
    manifests = [outcome.manifest for outcome in made]
    writer.counts.rows_in = manifests[0]["rows_in"]
    writer.counts.rows_made = sum(m["rows_made"] for m in manifests)
    writer.counts.failed = sum(m["failed"] for m in manifests)
    writer.calls = _sums(m["times"].get("calls") for m in manifests)
    writer.extra["usage"] = usage.total(m.get("usage", {}) for m in manifests)
    writer.extra["teachers"] = {name: one for m in manifests for name, one in m.get("teachers", {}).items()}
    writer.extra["stages"] = [{name: m[name] for name in _KEPT_OF_STAGES if name in m} for m in manifests]
    if any("overlaps" in m for m in manifests):
        writer.extra["overlaps"] = _sums(m.get("overlaps") for m in manifests)


def _sums(tallies: Iterable[Mapping[str, int | float] | None]) -> dict[str, int | float]:
    """The counts of several stages under each name, in the order in which the names come up."""
    sums: dict[str, int | float] = {}
    for counts in tallies:
        for name, count in (counts or {}).items():
            sums[name] = sums.get(name, 0) + count
    return sums
