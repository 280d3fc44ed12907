"""Runs a stage: identity of the plan, already-made, lock, batches, calls, order, counts and writing.

All of it is here once, for all stages. What a stage says of itself is in stage.py; where frames are
worked on, in engines/.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from datagen import progress
from datagen.calls import usage
from datagen.calls.budget import Account
from datagen.calls.caller import Caller, caller
from datagen.calls.forecast import Forecast, Rows, forecast_units
from datagen.calls.jobs import in_order
from datagen.calls.new_first import NewFirst
from datagen.data import dataset, directory, inputs, manifest
from datagen.data.dataset import Outcome, RowWriter, Writer
from datagen.data.manifest import Counts, Plan
from datagen.data.source import Source
from datagen.errors import UsageError
from datagen.journal.verdicts import open_verdicts
from datagen.runs import frames
from datagen.runs.engines import local
from datagen.runs.frames import Frames, Waiter
from datagen.runs.programs import limits_of
from datagen.runs.stage import EachStage, FrameStage, Made, Stage, Tools
from datagen.sandbox.granted import Guarded
from datagen.sandbox.judge import Judge
from datagen.sandbox.run import Sandbox
from datagen.teachers import (
    Profile,
    Teacher,
    check_all,
    connect_all,
    identities,
    own_system_prompts,
    public_settings,
    versions,
)

T = TypeVar("T")


@dataclass(frozen=True)
class How:
    """How stages are run; nothing here decides what comes out.

    Args:
        wait: runs model calls.
        overwrite: whether a data set made from other inputs or options may be replaced.
        workers: processes that work on frames; None for one a core.
        account: whose money it is; empty for that of the data set that is written, without a limit.
        journal: the journal's file; None for the user's own.
    """

    wait: Waiter
    overwrite: bool = False
    workers: int | None = None
    account: Account = field(default_factory=Account)
    journal: Path | None = None


def plan(stage: Stage, source: Source, options: Any) -> Plan:  # noqa: ANN401 - the stage's own options
    """What the stage is about to do.

    Raises:
        UsageError: the options do not fit together.
    """
    return _plan(stage, [source], options)


def decided(stage: Stage, options: Any) -> list[Any]:  # noqa: ANN401
    """All that decides what the stage makes of its input, as JSON."""
    todo = _plan(stage, [], options)
    return [todo.stage, todo.options, todo.private, todo.versions]


def _plan(stage: Stage, sources: Sequence[Source], options: Any) -> Plan:  # noqa: ANN401
    profiles = asked(stage, options)
    return Plan(stage.name, sources, stage.decides(options), identities(profiles), versions(profiles))


def asked(stage: Stage, options: Any) -> list[Profile]:  # noqa: ANN401
    """Everyone whom the stage asks, in its order; one who is asked in two roles stands there twice.

    Raises:
        UsageError: the options do not fit together, or two teachers bear the same name.
    """
    if isinstance(stage, FrameStage):
        stage.check_options(options)
        return list(stage.asks(options))
    profiles = list(stage.asks(options))
    needed = stage.needed(options)
    # A teacher may be the judge as well; otherwise nobody is named twice.
    check_all(_once(profiles, needed))
    stage.check_options(options)
    return profiles


def _once(profiles: list[Profile], needed: Profile | None) -> list[Profile]:
    """The profiles without the last place of the one that is needed, if that has another."""
    if needed is None or profiles.count(needed) < 2:
        return profiles
    last = max(number for number, one in enumerate(profiles) if one == needed)
    return profiles[:last] + profiles[last + 1 :]


def check(stage: Stage, options: Any) -> None:  # noqa: ANN401
    """Raise UsageError for options that do not fit together; nothing that may change is looked at."""
    asked(stage, options)


def _distinct(profiles: list[Profile]) -> list[Profile]:
    return [one for number, one in enumerate(profiles) if one not in profiles[:number]]


def make(stage: Stage, source: Source, out: Path, options: Any, how: How) -> Outcome:  # noqa: ANN401
    """Write the data set `out`, unless this very plan made it already.

    Raises:
        UsageError: the options do not fit together.
        DatagenError: a teacher or a benchmark cannot be used, or `out` holds another data set.
    """
    directory.apart(out, [place for place in source.places if place.is_dir()])
    todo = plan(stage, source, options)
    done = dataset.already_made(out, todo, overwrite=how.overwrite, entries=stage.entries)
    if done:
        return done
    directory.apart(out, source.places)
    source.check()
    if isinstance(stage, EachStage):
        return _make_each(stage, source, out, options, todo, how)
    profiles = asked(stage, options)
    account = how.account.of(todo.key(), out)
    with (
        dataset.writing(out, todo, stage.entries) as writer,
        frames.asking(stage, options, account, how.journal) as asker,
    ):
        ask = frames.questions(stage, options, how.wait, asker)
        over = Frames(stage.name, how.workers, how.journal, ask)
        started = stage.start(source, options, over)
        for height, split in over.splits(started, source):
            failed = int((split.dropped["reason"] == dataset.CALL_FAILED).sum())
            writer.add(split, rows_in=height, failed=failed)
        writer.refuse(source.refused)
        writer.values |= started.entries
        writer.times["calls"] = asker.counts() if asker else {}
        if asker:
            _note_calls(writer, asker, profiles)
    return writer.outcome(out)


def survey(stage: FrameStage[Any], source: Source, options: Any, how: How) -> Outcome:  # noqa: ANN401
    """What `make` would keep and drop, in the terms of a manifest; nothing is written.

    Raises:
        UsageError: there is a limit of money, which is for the data set that is written.
    """
    stage.decides(options)
    if how.account.max_usd is not None:
        raise UsageError("--max-usd is a limit for OUT: give -o OUT, or leave it out")
    begun = time.monotonic()
    counts = Counts()
    with frames.asking(stage, options, how.account, how.journal) as asker:
        ask = frames.questions(stage, options, how.wait, asker)
        over = Frames(stage.name, how.workers, how.journal, ask)
        started = stage.start(source, options, over)
        for height, split in over.splits(started, source):
            counts.add(split.kept.height, split.dropped["reason"], rows_in=height)
            counts.failed += int((split.dropped["reason"] == dataset.CALL_FAILED).sum())
    if source.refused.height:
        counts.add(0, source.refused["reason"], rows_in=source.refused.height)
    counts.check(stage.name)
    seconds = round(time.monotonic() - begun, 3)
    content = {
        "stage": stage.name,
        **counts.as_json(),
        **manifest.noted([source]),
        **started.entries,
        "times": {"seconds": seconds, **({"calls": asker.counts()} if asker else {})},
    }
    return Outcome(Path(), content, already_made=False, entries=stage.entries)


def _make_each(
    stage: EachStage[Any, Any],
    source: Source,
    out: Path,
    options: Any,  # noqa: ANN401
    todo: Plan,
    how: How,
) -> Outcome:
    profiles = asked(stage, options)
    read = source.limited(stage.limit(options))
    limits = _limits(stage, options)
    for line in own_system_prompts(profiles):
        progress.say(line)
    # The lock of what is written comes first: one process at a time spends its money.
    with (
        dataset.writing(out, todo, stage.entries) as writer,
        caller(how.account.of(todo.key(), out), path=how.journal, **limits) as asker,
    ):
        rows = RowWriter(writer, read.schema(), stage.columns(options))

        async def work() -> None:
            async with (
                connect_all(_distinct(profiles)) as opened,
                _judging(stage, options, how, asker, writer.times) as judge,
            ):
                new_first = NewFirst(asker) if asker.journal.any_failed(asker.plan) else None
                tools = _tools(opened, profiles, new_first or asker)._replace(judge=judge)
                needed = stage.needed(options)
                asker.use(opened, needed=needed and tools.teachers[profiles.index(needed)])

                def take(unit: Any, made: Made) -> None:  # noqa: ANN401 - the stage's own units
                    _add(rows, made)
                    stage.tally(writer.values, unit, made)

                over = partial(_each_unit, stage, read, options, tools, asker)
                if new_first:
                    await over(f"{stage.name}, what is new", lambda *_: None)
                    new_first.begin_second()
                await over(stage.name, take)
                if new_first:
                    new_first.end()

        how.wait(work, asker)
        rows.flush()
        writer.refuse(read.refused)
        writer.times["calls"] = asker.counts() if stage.asks_models else {}
        if stage.asks_models:
            _note_calls(writer, asker, profiles)
    return writer.outcome(out)


def _limits(stage: EachStage[Any, Any], options: Any) -> dict[str, Any]:  # noqa: ANN401
    """What limits its model calls; nothing where it makes none."""
    if not stage.asks_models:
        return {}
    return {"concurrency": options.concurrency, "timeout": options.timeout}


@asynccontextmanager
async def _judging(
    stage: EachStage[Any, Any],
    options: Any,  # noqa: ANN401
    how: How,
    asker: Caller | None,
    times: dict[str, Any],
) -> AsyncGenerator[Judge | None]:
    """What tests programs, for a stage that needs it.

    Args:
        stage: the stage.
        options: its options, which name the limits.
        how: how it is run.
        asker: who can stop the run; None where verdicts are only looked up, and no program is run.
        times: gets what was run.
    """
    if not stage.judges:
        yield None
        return
    with open_verdicts(how.journal) as verdicts:
        limits = limits_of(options)
        if asker is None:
            yield Judge(verdicts, limits=limits, unsafe=options.unsafe_run)
            return
        async with Sandbox(how.workers or local.cores()) as sandbox:
            unsafe = options.unsafe_run
            guarded = Guarded(sandbox, unsafe=unsafe, warn=lambda text: progress.say(f"warning: {text}"))
            judge = Judge(verdicts, guarded, limits, run=asker, unsafe=unsafe)
            yield judge
        times["programs"] = {
            "run": judge.programs_run,
            "reused": judge.reused,
            "cpu_seconds": round(sandbox.cpu_seconds, 3),
        }


async def _each_unit(
    stage: EachStage[Any, Any],
    read: Source,
    options: Any,  # noqa: ANN401
    tools: Tools,
    asker: Caller,
    name: str,
    take: Callable[[Any, Made], None],
) -> None:
    """Work on all units in order: `name` is shown with the progress, `take` gets what becomes of each."""

    async def work_on(unit: Any) -> tuple[Any, Made]:  # noqa: ANN401 - the stage's own units
        return unit, await stage.each(unit, options, tools)

    jobs = (partial(work_on, unit) for unit in stage.units(read, options))
    # A unit may hold many programs; while they are tested, those of the next units should be waiting.
    window = asker.window(list(dict.fromkeys(tools.teachers))) or 4 * local.cores()
    with progress.track(name, read.rows) as advance:
        async with aclosing(in_order(jobs, window=window, caller=asker)) as results:
            async for unit, made in results:
                take(unit, made)
                advance(made.rows_in)


def _tools(opened: list[Teacher], profiles: list[Profile], asker: Any) -> Tools:  # noqa: ANN401 - any Asker
    """Tools with a teacher for each profile, though who is asked in two roles is connected once."""
    distinct = _distinct(profiles)
    return Tools([opened[distinct.index(one)] for one in profiles], asker)


def _add(rows: RowWriter, made: Made) -> None:
    rows_made = len(made.kept) + len(made.dropped) - made.rows_in
    rows.add(made.kept, made.dropped, rows_in=made.rows_in, rows_made=rows_made)


def _note_calls(writer: Writer, asker: Caller, profiles: list[Profile]) -> None:
    """Fill in the calls that the data set rests on, and who was asked how."""
    rests_on = asker.usage.as_json()
    writer.values["usage"] = rests_on
    if rests_on:
        writer.values["usage_total"] = usage.summary(rests_on, writer.counts.rows_kept)
    writer.values["teachers"] = public_settings(_distinct(profiles))


def forecast(stage: Stage, rows: Rows, options: Any, how: How, out: Path | None) -> Forecast:  # noqa: ANN401
    """What `make` would ask for, without asking: the same work, with an asker that only looks answers up.

    A data set that is made already asks for nothing, so that no teacher is looked for either.

    Args:
        stage: what is to be made.
        rows: what it reads.
        options: the stage's own.
        how: how it is run.
        out: the data set; None where it writes none.
    """
    if (
        out
        and rows.exact
        and dataset.already_made(
            out, plan(stage, rows.source, options), overwrite=True, entries=stage.entries
        )
    ):
        return Forecast([], Rows.of(inputs.open_source(str(out))))
    if isinstance(stage, FrameStage):
        return frames.forecast(stage, rows, options, how.wait, workers=how.workers, journal=how.journal)
    if not stage.asks_models:
        return Forecast([], rows.becoming(0, rows.most))
    profiles = asked(stage, options)
    rows = rows.limited(stage.limit(options))

    def wait(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return how.wait(work, None)

    async def units(opened: list[Teacher], asker: Any) -> Any:  # noqa: ANN401 - an asynchronous generator
        async with _judging(stage, options, how, None, {}) as judge:
            tools = _tools(opened, profiles, asker)._replace(judge=judge)
            for unit in stage.units(rows.source, options):
                made = await stage.each(unit, options, tools)
                yield partial(stage.later, unit, made, options, tools)

    made = forecast_units(rows, _distinct(profiles), units, wait, journal=how.journal)
    least, most = stage.makes(options)
    return made._replace(rows=made.rows.becoming(made.rows.least * least, made.rows.most * most))
