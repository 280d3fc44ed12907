"""Unites what the detectors find."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import polars as pl

from decontam._evidence import SCHEMA
from decontam.benchmarks import Item

DETECTORS = ("minhash", "ngrams", "cases")


class Detector(Protocol):
    """A module of this package: it indexes benchmark items once, then answers a batch with evidence."""

    def index(self, items: Sequence[Item]) -> Any: ...  # noqa: ANN401  each detector has its own
    def matches(self, frame: pl.DataFrame, index: Any) -> pl.DataFrame: ...  # noqa: ANN401


def detector(name: str) -> Detector:
    """Return the detector called `name`; it is imported here, because datasketch takes a second to import."""
    return cast(Detector, importlib.import_module(f"decontam.{name}"))


def build_indexes(items: Sequence[Item], detectors: Sequence[str] = DETECTORS) -> dict[str, Any]:
    """Index `items` with each of the detectors: what `find_overlaps` takes."""
    return {name: detector(name).index(items) for name in detectors}


def find_overlaps(frame: pl.DataFrame, indexes: Mapping[str, Any]) -> pl.DataFrame:
    """Return the evidence of all detectors that rows of `frame` hold benchmark items.

    Args:
        frame: rows with `id`, `instruction` and, if there are answers, `response`; nulls are allowed.
        indexes: by the detector's name, what its `index` returned.

    Returns:
        One row for each match: `row` (id as text), `benchmark`, `item`, `detector`, `part` (of the item, and
        the column that holds it: "solution:response"), `value`, `threshold` (value >= threshold), `excerpt`
        (at most 200 characters of the row). Sorted by the order of the rows, then benchmark, item,
        detector, part; batches give the same as the whole.
    """
    found = [detector(name).matches(frame, index) for name, index in indexes.items()]
    rows = frame.select(row=pl.col("id").cast(pl.String)).unique(maintain_order=True)
    return (
        pl.concat([SCHEMA.to_frame(), *found])
        .join(rows.with_row_index("_order"), on="row", how="left")
        .sort("_order", "benchmark", "item", "detector", "part")
        .drop("_order")
    )
