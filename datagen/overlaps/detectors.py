"""The ways of finding overlaps that a user may choose from, and what was chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from datagen.errors import UsageError
from datagen.runs import values
from decontam import behaviour
from decontam.detectors import names, summary

#: What runs code; it is no detector of a frame's texts, but is chosen like one.
BEHAVIOUR = "behaviour"
#: Its value never reaches its threshold: it only counts where others agree.
_NEVER_ALONE = "entry_points"


class Chosen(NamedTuple):
    """What was chosen.

    Args:
        static: the detectors that compare texts, in the order of their names.
        runs: whether code is run.
        is_all: whether nothing is left out that might have been used.
    """

    static: list[str]
    runs: bool
    is_all: bool

    @property
    def names(self) -> list[str]:
        """All of them, by name."""
        return sorted([*self.static, *([BEHAVIOUR] if self.runs else [])])


def compares(static: Iterable[str]) -> bool:
    """Whether a match can come of these detectors alone, without running code."""
    return any(name != _NEVER_ALONE for name in static)


def _static() -> list[str]:
    """Those that compare texts; a package's own `behaviour` is none, since that name is taken."""
    return [name for name in names() if name != BEHAVIOUR]


def known() -> list[str]:
    """All that may be chosen, by name; none is imported."""
    return sorted({*names(), BEHAVIOUR})


def summaries() -> dict[str, str]:
    """What each of them is, in a line, by name.

    Raises:
        BrokenEntryPointError: another package brings one that cannot be used.
    """
    told = {name: summary(name) for name in _static()}
    told[BEHAVIOUR] = (behaviour.__doc__ or "").partition("\n")[0]
    return {name: told[name] for name in known()}


def choose(wanted: Iterable[str], *, no_run: bool) -> Chosen:
    """What is used: all of them, or what is named.

    Args:
        wanted: names, each option with one or several; none for all.
        no_run: whether no code may run.

    Raises:
        UsageError: a name is unknown, or what is named can find nothing.
    """
    named = values.chosen(wanted, known(), "detector")
    if no_run and BEHAVIOUR in named:
        raise UsageError(f"--detectors {BEHAVIOUR} runs code, and --no-run forbids it; leave one of them out")
    if set(named) == {_NEVER_ALONE}:
        raise UsageError(
            f"--detectors {_NEVER_ALONE} finds nothing alone; name another one beside it, such as code"
        )
    chosen = set(named or known())
    left = set(known()) - chosen - ({BEHAVIOUR} if no_run else set())
    static = [name for name in _static() if name in chosen]
    return Chosen(static, not no_run and BEHAVIOUR in chosen, not left)
