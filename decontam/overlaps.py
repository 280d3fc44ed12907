"""Unites what the detectors find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from decontam._evidence import BATCH, SCHEMA, forget_rows
from decontam.benchmarks import Item
from decontam.detectors import detector, names


def build_indexes(items: Sequence[Item], detectors: Sequence[str] | None = None) -> dict[str, Any]:
    """Index `items` with each of the detectors, all of them for None: what `find_overlaps` takes."""
    return {name: detector(name).index(items) for name in (names() if detectors is None else detectors)}


def find_overlaps(frame: pl.DataFrame, indexes: Mapping[str, Any]) -> pl.DataFrame:
    """Return the evidence of all detectors that rows of `frame` hold benchmark items.

    Args:
        frame: rows with `id` and columns of texts, such as `instruction` and `response`; nulls are allowed.
        indexes: by the detector's name, what its `index` returned.

    Returns:
        One row for each match: `row` (id as text), `benchmark`, `item`, `detector`, `part` (of the item, and
        the column that holds it: "solution:response"), `value`, `threshold` (value >= threshold), `excerpt`
        (at most 200 characters of the row). Sorted by the order of the rows, then benchmark, item,
        detector, part; batches give the same as the whole.
    """
    chosen = [(detector(name).matches, index) for name, index in indexes.items()]
    found = [matches(batch, index) for batch in frame.iter_slices(BATCH) for matches, index in chosen]
    forget_rows()
    rows = frame.select(row=pl.col("id").cast(pl.String)).unique(maintain_order=True)
    return (
        pl.concat([SCHEMA.to_frame(), *found])
        .join(rows.with_row_index("_order"), on="row", how="left")
        .sort("_order", "benchmark", "item", "detector", "part")
        .drop("_order")
    )
