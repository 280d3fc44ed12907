"""What a rule is: a measure, and apart from it the value at which a row is dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import polars as pl

from rules._python import Parsed

Unit = Literal["instruction", "response", "code", "pair"]
Value = bool | int | float | None

#: What a function of the parsed code is handed.
_READ_BY_FUNCTIONS = frozenset({"instruction", "code", "language", "entry_point"})


class Above(NamedTuple):
    """Drop when the measure is greater than `threshold`."""

    threshold: float


class Below(NamedTuple):
    """Drop when the measure is less than `threshold`."""

    threshold: float


class IsTrue(NamedTuple):
    """Drop when a yes-or-no measure is true; it has no threshold to tune."""


Condition = Above | Below | IsTrue


class Rule(NamedTuple):
    """One defect: how it is measured and when a row has it.

    judges: "instruction" rules speak of the task and drop it with all its answers; "response",
        "code" and "pair" rules speak of one teacher's answer and drop that row alone.
    measure: name of the stored measure. Two rules may share a measure; then `of` is the same object.
    of: a polars expression over the prepared columns, or a function of the row's parsed Python code
        (it is called only where `language` is "python"). None/null: not measurable here, never dropped.
    drop_when: the condition under which the row is dropped.
    name: the module's name with hyphens; filled in by the registry.
    """

    judges: Unit
    measure: str
    of: pl.Expr | Callable[[Parsed], Value]
    drop_when: Condition
    name: str = ""

    @property
    def threshold(self) -> float | None:
        """The value that decides; None for a yes-or-no measure."""
        return None if isinstance(self.drop_when, IsTrue) else self.drop_when.threshold

    @property
    def reads(self) -> frozenset[str]:
        """The prepared columns that the measure is made from."""
        return frozenset(self.of.meta.root_names()) if isinstance(self.of, pl.Expr) else _READ_BY_FUNCTIONS
