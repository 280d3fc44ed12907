"""What is said of a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from datagen.errors import escaped


def lines(done: Mapping[str, Any]) -> Iterator[str]:
    """The lines for people, from the entries of `--json`."""
    how = "already made" if done["already_made"] else f"{done['seconds']:.1f} s"
    yield (
        f"train: {done['rows_in']:,} rows in, {done['tasks']:,} tasks with {done['rows_out']:,} answers used,"
        f" {done['steps']:,} steps ({how})"
    )
    yield (
        f"  {done['tasks_with_pairs']:,} tasks with {done['pairs']:,} pairs to rank,"
        f" {done['tasks_learned']:,} tasks whose best teacher's answer is learned"
    )
    if done["dropped"]:
        yield "  not used: " + ", ".join(f"{reason} {rows:,}" for reason, rows in done["dropped"].items())
    loss, order = done["loss"], done["rank_accuracy"]
    yield f"  loss: {loss['first']:.4f} at the first step, {loss['last']:.4f} at the last"
    if None not in order.values():
        yield f"  pairs in order: {order['first']:.0%} of the first batch, {order['last']:.0%} of the last"
    yield f"  {escaped(done['out'])}"
