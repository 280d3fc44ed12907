"""What a stage is: a value that says what it needs and what becomes of its rows.

A `FrameStage` works on frames of rows, in several processes if there are many; an `EachStage` takes units, a
row or a task, one by one and asks models about them. Neither writes, counts, shows progress or knows where it
runs: runner.py does that, once for all stages. A module of `stages/` holds one as `STAGE`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import polars as pl

from datagen.calls import usage
from datagen.calls.asking import Answer, Asker
from datagen.calls.forecast import Later
from datagen.data.dataset import Split
from datagen.data.manifest import Entry
from datagen.data.source import Row, Source
from datagen.request import Prompt
from datagen.runs.options import ModelOptions, described
from datagen.sandbox.judge import Judge
from datagen.teachers import Profile, Teacher

O = TypeVar("O")  # noqa: E741 - a stage's options
U = TypeVar("U")
T = TypeVar("T")


class Over(Protocol):
    """Applies a function to every frame of a source, in order, wherever the engine runs it.

    Args:
        workers: how many processes there are to be.
        journal: the journal's file; None for the user's own.
    """

    workers: int
    journal: Path | None

    def ask(self, prompts: Sequence[Prompt], profile: Profile) -> list[Answer]:
        """What one of those whom the stage asks answers to each prompt."""
        ...

    def __call__(self, function: Callable[[pl.DataFrame], T], source: Source) -> Iterator[T]:
        """What the function gives for each frame."""
        ...


class Started(NamedTuple):
    """A frame stage that has looked at all rows where it must.

    Args:
        split: what becomes of a frame; it is pickled where several processes work.
        entries: values of the stage's manifest entries, by name.
        is_light: whether splitting a frame takes less than handing it to another process. It is split in this
            one then: no worker holds a copy of what `split` knows.
    """

    split: Callable[[pl.DataFrame], Split]
    entries: Mapping[str, Any] = {}
    is_light: bool = False


class Check(NamedTuple):
    """A stage that can be asked to find nothing: `--check`, without OUT.

    Args:
        entry: the manifest entry that maps what was found to numbers.
        exit_code: of the command where any of them is above 0.
        help: the line of `--check`.
        unseen: from the manifest, how many rows were not looked at as they should be, so that they may be
            anything.
    """

    entry: str
    exit_code: int
    help: str
    unseen: Callable[[Mapping[str, Any]], int] = lambda _: 0


def _nothing(options: object) -> None:
    """None of it: no limit, no teacher that is needed, nothing to check."""


def _nobody(options: object) -> Sequence[Profile]:  # noqa: ARG001
    return ()


@dataclass(frozen=True)
class FrameStage(Generic[O]):
    """A stage that keeps or drops rows, a frame at a time.

    Args:
        name: of the command, and in recipes.
        options: the dataclass of its options.
        decides: all that decides its rows, for the manifest and the plan; raises UsageError for options that
            do not fit together.
        start: prepares the work on a source.
        help: the command's help; the first line says what it does.
        example: of the command line.
        argument: what the input is called there.
        asks: whom it asks about rows, if anybody; a stage that may ask has `ModelOptions`.
        check: whether `--check` exists.
        check_options: raises UsageError for options that do not fit together, before a recipe runs.
        entries: the manifest entries that it adds.
    """

    name: str
    options: type[O]
    decides: Callable[[O], Mapping[str, Any]]
    start: Callable[[Source, O, Over], Started]
    help: str
    example: str
    argument: str = "ROWS"
    asks: Callable[[O], Sequence[Profile]] = _nobody
    check: Check | None = None
    check_options: Callable[[O], object] = _nothing
    entries: tuple[Entry, ...] = ()

    @property
    def asks_models(self) -> bool:
        """Whether its options are `ModelOptions`, because it may ask a model."""
        return issubclass(self.options, ModelOptions)


class Made(NamedTuple):
    """The rows of one unit.

    Args:
        kept: rows to keep.
        dropped: rows to drop, each with its `reason`.
        rows_in: how many of all these came in with the unit; the others are made.
    """

    kept: Sequence[Row]
    dropped: Sequence[Row]
    rows_in: int = 1


class Tools(NamedTuple):
    """What a unit's work may use.

    Args:
        teachers: connected, in the order of `EachStage.asks`.
        asker: asks them; in a dry run it only looks answers up.
        judge: tests programs; None unless the stage `judges`.
    """

    teachers: Sequence[Teacher]
    asker: Asker
    judge: Judge | None = None


def _nothing_later(unit: object, made: Made, options: object, tools: Tools) -> tuple[()]:  # noqa: ARG001
    return ()


def _no_tally(entries: dict[str, Any], unit: object, made: Made) -> None:
    """Nothing to count."""


@dataclass(frozen=True)
class EachStage(Generic[O, U]):
    """A stage that asks models about one unit at a time, or tests its programs.

    Args:
        name: of the command, and in recipes.
        options: the dataclass of its options.
        asks: who is asked; raises UsageError for options that do not fit together.
        units: what the work is done on, in order; it looks at all rows where it must. A unit stands for a
            row, or for as many as its `Made` says.
        each: the work on a unit.
        columns: known columns that its rows may have beside those that come in.
        makes: how many rows it keeps of a unit, at least and at most.
        help: the command's help; the first line says what it does.
        example: of the command line.
        argument: what the input is called there.
        limit: how many rows to read; None for all.
        needed: who of those asked the work cannot do without.
        later: for a dry run, the calls that follow answers which are missing.
        decides: all that decides its rows beside who is asked.
        check_options: raises UsageError for options that do not fit together.
        tally: adds a unit's rows to the stage's own manifest entries.
        entries: the manifest entries that it adds, those of its calls included.
        judges: whether it tests programs, so that `Tools.judge` is there.
    """

    name: str
    options: type[O]
    asks: Callable[[O], Sequence[Profile]]
    units: Callable[[Source, O], Iterator[U]]
    each: Callable[[U, O, Tools], Awaitable[Made]]
    columns: Callable[[O], Sequence[str]]
    makes: Callable[[O], tuple[int, int]]
    help: str
    example: str
    argument: str = "TASKS"
    limit: Callable[[O], int | None] = _nothing
    needed: Callable[[O], Profile | None] = _nothing
    later: Callable[[U, Made, O, Tools], Iterable[Later]] = _nothing_later
    decides: Callable[[O], Mapping[str, Any]] = described
    check_options: Callable[[O], object] = _nothing
    tally: Callable[[dict[str, Any], U, Made], None] = _no_tally
    entries: tuple[Entry, ...] = field(default=usage.ENTRIES)
    judges: bool = False

    @property
    def asks_models(self) -> bool:
        """Whether it asks models, which costs money and time; its options are `ModelOptions` then."""
        return issubclass(self.options, ModelOptions)


Stage = FrameStage[Any] | EachStage[Any, Any]
