"""Works on frames of rows for a stage, in several processes, and asks those whom the stage asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import polars as pl

from datagen import progress
from datagen.calls.ahead import Ends
from datagen.calls.asking import Answer
from datagen.calls.budget import Account, Budget
from datagen.calls.caller import Caller, caller
from datagen.calls.forecast import Forecast, Rows, forecast_units
from datagen.calls.jobs import in_order
from datagen.data.dataset import Split
from datagen.data.source import Source
from datagen.request import Prompt
from datagen.runs.engines import local
from datagen.runs.stage import FrameStage, Started
from datagen.teachers import Profile, Teacher, connect_all, own_system_prompts

T = TypeVar("T")
#: What one of those whom a stage asks answers to each prompt.
Ask = Callable[[Sequence[Prompt], Profile], list[Answer]]


class Waiter(Protocol):
    """Runs model calls to their end; each front end has its own way to hear of an interrupt."""

    def __call__(self, work: Callable[[], Coroutine[Any, Any, T]], caller: Caller | None) -> T:
        """The result of `work`, whose calls go through `caller`."""
        ...


class Frames:
    """Applies a function to all frames of a source, in as many processes as there are to be.

    Args:
        name: of the stage.
        workers: processes; None for one a core.
        journal: the journal's file; None for the user's own.
        ask: asks those whom the stage asks.
    """

    def __init__(self, name: str, workers: int | None, journal: Path | None, ask: Ask) -> None:
        self._name = name
        self.workers = workers or local.cores()
        self.journal = journal
        self.ask = ask

    def __call__(self, function: Callable[[pl.DataFrame], T], source: Source) -> Iterator[T]:
        """What the function gives for each frame."""
        return self._each(function, source, self.workers)

    def _each(self, function: Callable[[pl.DataFrame], T], source: Source, workers: int) -> Iterator[T]:
        heights: list[int] = []

        def frames() -> Iterator[pl.DataFrame]:
            for frame in source.frames():
                heights.append(frame.height)
                yield frame

        with progress.track(self._name, source.rows) as advance:
            for number, result in enumerate(local.apply(function, frames(), workers)):
                yield result
                advance(heights[number])

    def splits(self, started: Started, source: Source) -> Iterator[tuple[int, Split]]:
        """What becomes of each frame, and how many rows it had: the identity is checked against that."""
        workers = 1 if started.is_light else self.workers
        return self._each(partial(_with_height, started.split), source, workers)


def _with_height(split: Callable[[pl.DataFrame], Split], frame: pl.DataFrame) -> tuple[int, Split]:
    return frame.height, split(frame)


@contextmanager
def asking(
    stage: FrameStage[Any],
    options: Any,  # noqa: ANN401 - the stage's own options
    account: Account,
    journal: Path | None,
) -> Iterator[Caller | None]:
    """What asks for a stage; None where it asks nobody."""
    if not stage.asks(options):
        yield None
        return
    limits = {"concurrency": options.concurrency, "timeout": options.timeout}
    with caller(account, path=journal, **limits) as asker:
        yield asker


def questions(
    stage: FrameStage[Any],
    options: Any,  # noqa: ANN401
    wait: Waiter,
    asker: Caller | None,
) -> Ask:
    """A function that asks those whom a stage asks, and gives the answers in the order of the prompts."""

    def ask(prompts: Sequence[Prompt], profile: Profile) -> list[Answer]:
        assert asker is not None  # noqa: S101 - a stage asks only whom it names
        found: list[Answer] = []
        now = _for_this_time(asker)

        async def work() -> None:
            async with connect_all([profile]) as (teacher,):
                now.use([teacher])
                jobs = (partial(now.ask, teacher, prompt, seed=options.seed, sample=0) for prompt in prompts)
                window = now.window([teacher])
                with progress.track(f"{stage.name}, {teacher.name}", len(prompts)) as advance:
                    async with aclosing(in_order(jobs, window=window, caller=now)) as answers:
                        async for answer in answers:
                            found.append(answer)
                            advance(1)

        for line in own_system_prompts([profile]):
            progress.say(line)
        if prompts:
            wait(work, now)
        return found

    return ask


def _for_this_time(asker: Caller) -> Caller:
    """A caller with the same money, counts and knowledge: what waits belongs to one event loop."""
    budget = asker.budget and Budget(asker.journal, asker.account, asker.budget.usd)
    fresh: dict[str, Any] = {"_gates": {}, "_underway": {}, "_teachers": {}}
    return replace(asker, budget=budget, ends=Ends(), stopping=asyncio.Event(), **fresh)


def forecast(
    stage: FrameStage[Any],
    rows: Rows,
    options: Any,  # noqa: ANN401
    wait: Waiter,
    *,
    workers: int | None = None,
    journal: Path | None = None,
) -> Forecast:
    """What a stage would ask for: it looks at all rows, and its prompts are looked up."""
    prompts: list[tuple[int, Prompt]] = []
    made = rows.becoming(0, rows.most)
    profiles = stage.asks(options)
    if not profiles:
        return Forecast([], made)

    def note(some: Sequence[Prompt], profile: Profile) -> list[Answer]:
        prompts.extend((profiles.index(profile), one) for one in some)
        return [Answer(None, None, "not asked")] * len(some)

    stage.start(rows.source, options, Frames(stage.name, workers, journal, note))

    async def units(opened: list[Teacher], asker: Any) -> Any:  # noqa: ANN401 - an asynchronous generator
        for place, prompt in prompts:
            await asker.ask(opened[place], prompt, seed=options.seed, sample=0)
            yield tuple

    def look(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return wait(work, None)

    return forecast_units(rows, profiles, units, look, journal=journal)._replace(rows=made)
