"""Unites what the detectors find."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

import polars as pl

from decontam._collector import uncollected
from decontam._evidence import BATCH, SCHEMA, forget_rows
from decontam._stored import key_of, load, store
from decontam._textbook import textbook_items
from decontam._verdicts import judged
from decontam.benchmarks import Item
from decontam.detectors import AskedDetector, detector, lowered, names, settings
from decontam.detectors import own as detectors_here
from decontam.profiles import Profile, profile

#: Modules whose classes an index may hold, beside those of the detectors.
_SIEVES = ("_scan", "_scan_words", "_stretches")


class Indexes(NamedTuple):
    """What `find_overlaps` takes.

    Args:
        detectors: by name, what its `index` returned.
        shares: by name, the share of its thresholds from which on its index gives evidence.
        closer: of those that see what is asked, indexes that give evidence from the share on that is enough
            where another agrees. They take time, so that they look only for items that another has found.
        profile: what a match asks for.
        textbook: by benchmark and item, the words of those that are exercises of every textbook.
        key: what the indexes are known by; "" where another package's detector is among them, as nobody knows
            when that changes.
    """

    detectors: dict[str, Any]
    shares: dict[str, float]
    closer: dict[str, Any]
    profile: Profile
    textbook: dict[tuple[str, str], str]
    key: str


def build_indexes(
    items: Sequence[Item],
    detectors: Sequence[str] | None = None,
    wanted: Profile | None = None,
    kept: Path | None = None,
) -> Indexes:
    """Index benchmark items; items of several benchmarks may come together.

    Args:
        items: the benchmark items.
        detectors: the detectors to use; all of them for None.
        wanted: what a match asks for; the profile "balanced" for None.
        kept: the folder where what is built is kept for the next time; None to keep nothing.
    """
    wanted = wanted or profile()
    used = list(names() if detectors is None else detectors)
    asked = [name for name in wanted.asked if name in used and wanted.least(name) < wanted.enough(name)]
    least = {name: wanted.enough(name) if name in asked else wanted.least(name) for name in used}
    given = {name: lowered(name, share) for name, share in least.items()}
    closer = {name: lowered(name, wanted.least(name)) for name in asked}
    built = _built(items, given, closer, kept)
    return Indexes(
        {name: built.detectors[name] for name in used},
        {name: least[name] if lower else 1.0 for name, lower in given.items()},
        {name: built.closer[name] for name in asked},
        wanted,
        built.textbook,
        built.key,
    )


class _Built(NamedTuple):
    """What takes time to build; see `Indexes`."""

    detectors: dict[str, Any]
    closer: dict[str, Any]
    textbook: dict[tuple[str, str], str]
    key: str


def _built(
    items: Sequence[Item],
    given: Mapping[str, Mapping[str, Any]],
    closer: Mapping[str, Mapping[str, Any]],
    kept: Path | None,
) -> _Built:
    """Build what is not kept; of other packages' detectors nothing is, as nobody knows when they change.

    Args:
        items: the benchmark items.
        given: by detector, the settings of its index that are not the default ones.
        closer: the same of those that search more closely.
        kept: see `build_indexes`.
    """
    own = detectors_here()
    ours, others = (
        [{name: one for name, one in some.items() if (name in own) is wanted} for some in (given, closer)]
        for wanted in (True, False)
    )
    known = {**own, **{name: import_module(f"decontam.{name}") for name in _SIEVES}}
    key = key_of([items, *ours, {name: settings(name) for name in ours[0]}])
    found: Any = load(kept, key, known) if kept else None
    if not _fits(found, ours):
        found = (*(_indexes(items, some) for some in ours), textbook_items(items))
        if kept:
            store(kept, key, found, known)
    own_indexes, own_closer, textbook = found
    return _Built(
        own_indexes | _indexes(items, others[0]),
        own_closer | _indexes(items, others[1]),
        textbook,
        "" if others[0] else key,
    )


def _indexes(items: Sequence[Item], given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: detector(name).index(items, **some) for name, some in given.items()}


def _fits(found: Any, given: Sequence[Mapping[str, Any]]) -> bool:  # noqa: ANN401
    """Whether what was kept is what these settings ask for."""
    return (
        isinstance(found, tuple)
        and [type(one) for one in found] == [dict] * 3
        and all(one.keys() == of.keys() for one, of in zip(found, given, strict=False))
    )


def find_overlaps(frame: pl.DataFrame, indexes: Indexes) -> pl.DataFrame:
    """Return the matches that all detectors together find: rows of `frame` that hold benchmark items.

    Args:
        frame: rows with `id` and columns of texts, such as `instruction` and `response`; nulls are allowed.
        indexes: what `build_indexes` returned.

    Returns:
        One row for each piece of evidence: `row` (id as text), `benchmark`, `item`, `detector`, `part` (of
        the item, and the column that holds it: "solution:response"), `value`, `threshold` (the detector's
        own; the value is less where two detectors agree, or the profile asks for less) and `excerpt` (at
        most 200 characters of the row). `start` and `end` say where the matching piece stands in the text of
        the row's column, in characters; `item_part`, `item_start`, `item_end` and `item_excerpt` the same of
        the item, null where it is not its text that matches. `agreed` has examples on which both agree. Then
        `level` ("same" text, "near" in words, examples or code, "logic"); and of row and item together
        `score` (0 to 1, how likely they overlap) and `common` (an exercise of every textbook, of which
        nothing is copied). Sorted by the order of the rows, then benchmark, item, detector, part; batches
        give the same as the whole.
    """
    return matched(evidence_of(frame, indexes), frame["id"].cast(pl.String), indexes)


def matched(evidence: pl.DataFrame, rows: pl.Series, indexes: Indexes) -> pl.DataFrame:
    """Return what evidence amounts to; the columns and their order are those of `find_overlaps`.

    Args:
        evidence: columns as in `decontam.EVIDENCE`; what is no match counts, too.
        rows: the ids of all rows that were searched, in their order.
        indexes: what `build_indexes` returned.
    """
    order = pl.DataFrame({"row": rows}).unique(maintain_order=True)
    return (
        judged(evidence, indexes.profile, indexes.textbook)
        .join(order.with_row_index("_order"), on="row", how="left")
        .sort("_order", "benchmark", "item", "detector", "part")
        .drop("_order")
    )


def evidence_of(frame: pl.DataFrame, indexes: Indexes) -> pl.DataFrame:
    """Return all that the detectors find, also what is no match; columns as in `decontam.EVIDENCE`.

    What is enough only where two agree is given where the other one has found the same item.
    """
    return pl.concat([SCHEMA.to_frame(), *_evidence(frame, indexes)], how="diagonal")


def _evidence(frame: pl.DataFrame, indexes: Indexes) -> Iterator[pl.DataFrame]:
    for batch in frame.iter_slices(BATCH):
        with uncollected():
            found = _of_batch(batch, indexes)
        yield from found
    forget_rows()


def _of_batch(batch: pl.DataFrame, indexes: Indexes) -> list[pl.DataFrame]:
    found = [
        _raised(detector(name).matches(batch, index), indexes.shares[name])
        for name, index in indexes.detectors.items()
        if name not in indexes.closer
    ]
    done = pl.concat(
        [
            SCHEMA.to_frame(),
            *(rows.filter(pl.col("detector").is_in(indexes.profile.done)) for rows in found),
        ],
        how="diagonal",
    )
    return found + [_closer(batch, name, done, indexes) for name in indexes.closer]


def _closer(batch: pl.DataFrame, name: str, done: pl.DataFrame, indexes: Indexes) -> pl.DataFrame:
    """Return what a detector finds that is enough alone, and what is enough where what is `done` agrees."""
    matches = cast(AskedDetector, detector(name)).matches
    alone = _raised(matches(batch, indexes.detectors[name]), indexes.shares[name])
    sought: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row, benchmark, item in done.select("row", "benchmark", "item").iter_rows():
        sought[row].add((benchmark, item))
    if not sought:
        return alone
    near = batch.filter(pl.col("id").cast(pl.String).is_in([*sought]))
    agreeing = _raised(matches(near, indexes.closer[name], sought), indexes.profile.least(name))
    rest = alone.join(agreeing, on=["row", "benchmark", "item", "part"], how="anti")
    return pl.concat([agreeing, rest], how="diagonal")


def _raised(evidence: pl.DataFrame, share: float) -> pl.DataFrame:
    """Evidence with a detector's own thresholds, where its index has a share of them."""
    return evidence if share == 1 else evidence.with_columns((pl.col("threshold") / share).round(12))
