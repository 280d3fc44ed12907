"""Runs a recipe stage by stage, skipping what is made already, and joins the stages into one data set.

OUT/stages/01-evolve/ ...    a whole data set per stage
OUT/data/                    the rows of the last stage
OUT/dropped/                 every stage's drops, with a column `stage`
OUT/manifest.json            every stage's counts; written last
OUT/stages/06-train/ ...     what acts on the data set made, such as a model
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from datagen import canonical, progress
from datagen.calls.forecast import Forecast, Rows
from datagen.calls.usage import dollars
from datagen.data import dataset, directory, inputs
from datagen.data.dataset import Outcome, Split
from datagen.data.manifest import Entry, Plan, sums
from datagen.errors import DatagenError
from datagen.runs import runner
from datagen.runs.act import Done, Given
from datagen.runs.recipe import Recipe, Step
from datagen.runs.runner import How
from datagen.teachers import remembered

#: Counts and identity of a stage in its run's manifest, beside the stage's own entries.
_OF_STAGES = ("stage", "key", "options", "rows_in", "rows_made", "rows_out", "dropped", "failed", "digest")
#: The run's own entry.


def _stages_card(manifest: Mapping[str, Any]) -> list[str]:
    """Where rows went, stage by stage, and what each teacher cost there."""
    stages = [*enumerate(manifest["stages"], 1)]
    rows = [
        f"| {number} {one['stage']} | {one['rows_in']:,} | {one['rows_made']:,} | {one['rows_out']:,} |"
        f" {sum(one['dropped'].values()):,} |"
        for number, one in stages
    ]
    costs = [
        f"| {number} {one['stage']} | {name} | {counts['calls']:,} | {dollars(counts)} |"
        for number, one in stages
        for name, counts in one.get("usage", {}).items()
    ]
    head = ["| stage | teacher | calls | USD |", "|---|---|---|---|"]
    return [
        *("| stage | in | made | kept | dropped |", "|---|---|---|---|---|", *rows, ""),
        *((*head, *costs, "") if costs else ()),
    ]


def _stages_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    for number, one in enumerate(manifest["stages"], 1):
        if used := one.get("usage"):
            each = (
                f"{name} {counts['calls']:,} calls, {dollars(counts, '$')}" for name, counts in used.items()
            )
            yield f"  [{number}] {one['stage']}: {'; '.join(each)}"


_STAGES = Entry("stages", lines=_stages_lines, card=_stages_card)


def run(recipe: Recipe, out: Path, how: How) -> Outcome:
    """Make the data set of a recipe in `out`; of a shortened one only its stages, without joining them.

    Stages whose inputs, options and versions have not changed are not made again. A limit of money is for all
    runs that write `out` together.

    Raises:
        DatagenError: what a stage raises, a stage keeps no row, or `out` holds something else.
    """
    source = inputs.open_source(recipe.seeds, recipe.rename, recipe.columns)
    directory.apart(out, [place for place in source.places if place.is_dir()])
    plan = Plan("run", [source], {}, (_deciding(recipe),))
    of_stages = replace(how, account=how.account.of(plan.key(), out), overwrite=True)
    made: list[Outcome] = []
    started = time.monotonic()
    with directory.lock(out), remembered():
        done = dataset.already_made(out, plan, overwrite=how.overwrite, entries=_entries(recipe))
        directory.apart(out, [] if done else source.places)
        for number, step in enumerate(recipe.stages[: recipe.stop_after], 1):
            where = _folder(out, number, step)
            before = inputs.open_source(str(made[-1].out)) if made else source
            if not before.rows:
                raise _nothing_left(made[-1].out if made else Path(recipe.seeds[0]), step)
            outcome = runner.make(step.stage, before, where, step.options, of_stages)
            made.append(outcome)
            progress.say(_line(number, len(recipe.stages), outcome))
        if len(made) < len(recipe.stages):
            return made[-1]
        if done and all(outcome.already_made for outcome in made):
            return done
        return _join(out, plan, made, started, kept=[place.name for place in _places(recipe, out)])


def follow(recipe: Recipe, out: Path, how: How) -> list[tuple[str, Done]]:
    """Do what the recipe does with its data set in `out`, which `run` has made: each act's name and result.

    Raises:
        DatagenError: what an act raises.
    """
    done: list[tuple[str, Done]] = []
    model: Path | None = None
    rows = _folder(out, len(recipe.stages), recipe.stages[-1])
    of_acts = replace(how, overwrite=True)
    for deed, place in zip(recipe.chosen_acts(), _places(recipe, out), strict=False):
        done.append((deed.act.name, deed.act.do(Given(out, rows, model, place), deed.options, of_acts)))
        model = place if deed.act.trains else model
    return done


def _places(recipe: Recipe, out: Path) -> list[Path]:
    """The folders of the recipe's acts."""
    first = len(recipe.stages) + 1
    names = [deed.act.name for deed in recipe.acts]
    return [out / directory.STAGES / f"{number:02d}-{name}" for number, name in enumerate(names, first)]


def _nothing_left(where: Path, step: Step) -> DatagenError:
    return DatagenError(
        f"{where} keeps no row, so nothing is left for {step.stage.name};"
        f" `datagen cat {where} --dropped` shows why"
    )


def _folder(out: Path, number: int, step: Step) -> Path:
    return out / directory.STAGES / f"{number:02d}-{step.stage.name}"


def _deciding(recipe: Recipe) -> str:
    """All that decides the result, as text."""
    return canonical.dumps([runner.decided(step.stage, step.options) for step in recipe.stages])


def _entries(recipe: Recipe) -> tuple[Entry, ...]:
    """The entries of a run's manifest: its own, and those that its stages' add up to."""
    return _merged([step.stage.entries for step in recipe.stages])


def _merged(entries: Iterable[Iterable[Entry]]) -> tuple[Entry, ...]:
    added = {one.name: one for several in entries for one in several if one.add}
    return (*added.values(), _STAGES)


def forecast(recipe: Recipe, out: Path, how: How) -> tuple[list[tuple[str, Forecast]], int]:
    """What the stages would ask for, without asking, and how many seeds there are.

    Stages that are made already have nothing to ask for; their rows are the next stage's.
    """
    source = inputs.open_source(recipe.seeds, recipe.rename, recipe.columns)
    rows = Rows.of(source)
    made: list[tuple[str, Forecast]] = []
    for number, step in enumerate(recipe.stages[: recipe.stop_after], 1):
        where = _folder(out, number, step)
        of_stage = runner.forecast(step.stage, rows, step.options, how, where)
        made.append((step.stage.name, of_stage))
        rows = of_stage.rows
    return made, source.rows


def _line(number: int, of: int, outcome: Outcome) -> str:
    counts = outcome.manifest
    dropped = sum(counts["dropped"].values())
    how = "already made" if outcome.already_made else f"{counts['times']['seconds']:.1f} s"
    rows = f"{counts['rows_in']:,} in, {counts['rows_made']:,} made, {counts['rows_out']:,} kept"
    return f"[{number}/{of}] {counts['stage']}: {rows}, {dropped:,} dropped ({how})"


def _join(
    out: Path, plan: Plan, made: Sequence[Outcome], started: float, *, kept: Sequence[str] = ()
) -> Outcome:
    """Write the run's own data set: the last stage's rows, all stages' drops and counts.

    Other folders of stages go, but for those named `kept`.
    """
    stages = out / directory.STAGES
    work = stages / ".joined"
    shutil.rmtree(work, ignore_errors=True)
    try:
        writer = dataset.Writer(work, plan, _merged(outcome.entries for outcome in made))
        writer.started = started
        _fill(writer, made)
        writer.close()
        directory.move_into(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    current = {*kept, *(outcome.out.name for outcome in made)}
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
    writer.times["calls"] = sums(one["times"].get("calls", {}) for one in manifests)
    if any("programs" in one["times"] for one in manifests):
        writer.times["programs"] = sums(one["times"].get("programs", {}) for one in manifests)
    for entry in writer.entries:
        having = [one for one in manifests if entry.name in one]
        if entry.add and having:
            writer.values[entry.name] = entry.add(having, writer.counts.rows_kept)
    writer.values[_STAGES.name] = [_told(outcome) for outcome in made]


def _told(outcome: Outcome) -> dict[str, Any]:
    """What a run's manifest tells of one of its stages."""
    names = (*_OF_STAGES, *(entry.name for entry in outcome.entries if entry.in_json))
    return {name: outcome.manifest[name] for name in names if name in outcome.manifest}
