"""Ways of finding benchmark items in rows; one file each, and the folder is the registry.

A module of this folder whose name has no leading underscore is a detector: it defines `index(items,
**settings)`, whose result can be pickled, and `matches(frame, index)`. The defaults of `index` are its
settings; they are part of a data set's plan. Other packages add theirs by entry points of the group
`datagen.detectors`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence, Set
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

import polars as pl

from decontam._registry import load_module, modules
from decontam.benchmarks import Item

GROUP = "datagen.detectors"
#: Settings of `index` that a match's value must reach.
_THRESHOLDS = ("least", "threshold", "thresholds")
#: Lowered ones are rounded: 0.9 * 0.4 is more than 0.36.
_DECIMALS = 12


class Detector(Protocol):
    """A module that indexes benchmark items once, then answers a batch of rows with evidence."""

    def index(self, items: Sequence[Item]) -> Any: ...  # noqa: ANN401  each detector has its own
    def matches(self, frame: pl.DataFrame, index: Any) -> pl.DataFrame: ...  # noqa: ANN401


class AskedDetector(Detector, Protocol):
    """A detector that a profile lists as `asked`: it can look for some items alone, by row."""

    def matches(
        self,
        frame: pl.DataFrame,
        index: Any,  # noqa: ANN401
        sought: Mapping[str, Set[tuple[str, str]]] | None = None,
    ) -> pl.DataFrame: ...


def names() -> list[str]:
    """The detectors, by name."""
    return [*modules(Path(__file__).parent, __name__, GROUP)]


def detector(name: str) -> Detector:
    """The detector of that name; it is imported here.

    Raises:
        BrokenEntryPointError: another package brings it, and it cannot be used.
    """
    found = load_module(Path(__file__).parent, __name__, GROUP, name, needs=("index", "matches"))
    return cast(Detector, found)


def summary(name: str) -> str:
    """The first line of what the detector says of itself.

    Raises:
        BrokenEntryPointError: another package brings it, and it cannot be used.
    """
    return (cast(ModuleType, detector(name)).__doc__ or "").strip().partition("\n")[0]


def own() -> dict[str, ModuleType]:
    """The detectors of this package, by name, as modules."""
    found = modules(Path(__file__).parent, __name__, GROUP).items()
    return {name: import_module(where) for name, where in found if where == f"{__name__}.{name}"}


def settings(name: str) -> dict[str, Any]:
    """All that decides what a detector finds: the defaults of its `index`."""
    given = inspect.signature(detector(name).index).parameters.values()
    values = {one.name: one.default for one in given if one.default is not one.empty}
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()}


def lowered(name: str, share: float) -> dict[str, Any]:
    """Settings of a detector's `index` that give evidence from that share of its thresholds on.

    Thresholds are the settings `threshold`, `least`, and each value of `thresholds`; a detector without these
    gives what it always gives.
    """
    if share >= 1:
        return {}
    return {
        key: {of: round(share * least, _DECIMALS) for of, least in value.items()}
        if isinstance(value, dict)
        else round(share * value, _DECIMALS)
        for key, value in settings(name).items()
        if key in _THRESHOLDS
    }
