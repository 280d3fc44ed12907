"""What a recipe may do with its data set once that is whole: train on it, evaluate a model, publish it.

A stage turns rows into rows; an act ends in something else, in a folder of its own. A module of `acts/`
holds one as `ACT`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from datagen.runs.runner import How
from datagen.teachers import Profile

O = TypeVar("O")  # noqa: E741 - an act's options


class Given(NamedTuple):
    """What an act of a recipe works with.

    Args:
        data: the recipe's data set.
        rows: the data set of its last stage, which has the same rows and does not hold the act's folder.
        model: the folder of the model that an act before it trained, if any did.
        out: the act's own folder.
    """

    data: Path
    rows: Path
    model: Path | None
    out: Path


class Done(NamedTuple):
    """What an act did.

    Args:
        told: for `--json`.
        lines: for people; the first one says the most.
        failed: whether something of it failed that the same command would try again.
    """

    told: Mapping[str, Any]
    lines: Sequence[str]
    failed: bool = False


def _nobody(options: object) -> tuple[()]:  # noqa: ARG001
    return ()


def _nothing(options: object) -> None:
    """Nothing to check."""


@dataclass(frozen=True)
class Act(Generic[O]):
    """Something to do with a data set.

    Args:
        name: of the command, and in recipes.
        options: the dataclass of its options.
        do: does it, unless it is done already.
        trains: whether its folder holds a model afterwards.
        asks: who is asked, for the prices.
        check_options: raises UsageError for options that do not fit together, before a recipe runs.
    """

    name: str
    options: type[O]
    do: Callable[[Given, O, How], Done]
    trains: bool = False
    asks: Callable[[O], Sequence[Profile]] = _nobody
    check_options: Callable[[O], object] = _nothing
