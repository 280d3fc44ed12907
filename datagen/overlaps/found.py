"""What was found of each benchmark: rows by level, rows by item, and the worst rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from datagen.data.manifest import Entry, maps_to, sums
from datagen.errors import one_line
from datagen.overlaps.passages import LEVELS

#: Rows that are named, of each benchmark, and items.
WORST, MOST = 5, 5
#: What a person decided has no level; rows that only share textbook exercises stay.
_DECIDED, _COMMON = "decided", "common"
_WORDS = {**LEVELS, _DECIDED: "by decision", _COMMON: "textbook exercises only (kept)"}
_RANK = {level: place for place, level in enumerate(_WORDS)}
_FIELDS = {"id": str, "item": str, "level": str, "score": float, "detectors": list}


def found(evidence: pl.DataFrame, names: Sequence[str], common: Mapping[str, int]) -> dict[str, Any]:
    """Return the entries that this module declares.

    Args:
        evidence: the matches of rows that overlap, columns as in `decontam.MATCHES`.
        names: of the benchmarks.
        common: by benchmark, how many rows only share textbook exercises, and stay.
    """
    # What only reads alike stands beside the judge's verdict, and has no rank of its own.
    rank = pl.col("level").fill_null(_DECIDED).replace_strict(_RANK, default=None, return_dtype=pl.Int64)
    pairs = (
        evidence.with_row_index("_order")
        .group_by("benchmark", "row", "item")
        .agg(
            rank.min().alias("rank"),
            pl.col("score").max(),
            pl.col("_order").min(),
            detectors=pl.col("detector").unique().sort(),
        )
        .sort("rank", -pl.col("score"), "_order")
    )
    told: dict[str, dict[str, Any]] = {"levels": {}, "rows_by_item": {}, "worst_rows": {}}
    for name in names:
        own = pairs.filter(pl.col("benchmark") == name)
        rows = own.unique("row", keep="first", maintain_order=True)
        counts = dict(rows.group_by("rank").len().iter_rows())
        levels = {level: counts.get(place, 0) for level, place in _RANK.items()}
        told["levels"][name] = {**levels, _COMMON: common.get(name, 0)}
        told["rows_by_item"][name] = _by_rows(dict(own.group_by("item").len().iter_rows()))
        told["worst_rows"][name] = [_worst(one) for one in rows.head(WORST).iter_rows(named=True)]
    return told


def _worst(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["row"],
        "item": row["item"],
        "level": [*_RANK][row["rank"]],
        "score": round(row["score"], 4),
        "detectors": row["detectors"],
    }


def _by_rows(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _add_levels(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    return _nested(manifests, "levels")


def _add_items(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    return {name: _by_rows(counts) for name, counts in _nested(manifests, "rows_by_item").items()}


def _nested(manifests: Sequence[Mapping[str, Any]], entry: str) -> dict[str, Any]:
    names = dict.fromkeys(name for one in manifests for name in one[entry])
    return {name: sums(one[entry].get(name, {}) for one in manifests) for name in names}


def _add_worst(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    """The worst rows of all stages; each has rows that another one had no more."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in manifests:
        for name, rows in one["worst_rows"].items():
            found.setdefault(name, []).extend(rows)
    return {
        name: sorted(rows, key=lambda row: (_RANK[row["level"]], -row["score"]))[:WORST]
        for name, rows in found.items()
    }


def _are_counts(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, dict) and all(maps_to(int, one) for one in value.values())


def _are_levels(value: Any) -> bool:  # noqa: ANN401
    return _are_counts(value) and all(one.keys() == _WORDS.keys() for one in value.values())


def _are_worst(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, dict) and all(
        isinstance(rows, list) and all(map(_is_row, rows)) for rows in value.values()
    )


def _is_row(value: Any) -> bool:  # noqa: ANN401
    return (
        isinstance(value, dict)
        and value.keys() == _FIELDS.keys()
        and all(isinstance(value[name], kind) for name, kind in _FIELDS.items())
        and value["level"] in _RANK
        and all(isinstance(one, str) for one in value["detectors"])
    )


def _in_words(levels: Mapping[str, int]) -> str:
    return ", ".join(f"{words} {levels[level]:,}" for level, words in _WORDS.items() if levels[level])


def _most(counts: Mapping[str, int]) -> str:
    """The items that most rows overlap; nothing where no item has several."""
    most = [f"{one_line(item, 40)} ({rows:,})" for item, rows in [*counts.items()][:MOST] if rows > 1]
    return ", ".join(most)


def _lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the summary says of each benchmark that rows overlap."""
    for name, rows in manifest["overlaps"].items():
        if not rows or name not in manifest["items"] or name not in manifest["levels"]:
            continue
        items = manifest["items"][name]
        yield f"  {name}: {rows:,} rows overlap {items['found']:,} of its {items['of']:,} items"
        yield f"    {_in_words({**manifest['levels'][name], _COMMON: 0})}"
        if most := _most(manifest["rows_by_item"].get(name, {})):
            yield f"    items with the most rows: {most}"
        yield from _table(manifest["worst_rows"].get(name, []))


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the worst rows in columns."""
    cells = [("worst rows", "item", "level", "score", "found by")]
    for row in rows:
        names = one_line(", ".join(row["detectors"]), 48)
        which = one_line(row["id"], 40), one_line(row["item"], 32)
        cells.append((*which, _WORDS[row["level"]], f"{row['score']:.2f}", names))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if rows:
        for line in cells:
            padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            yield f"    {'  '.join(padded)}".rstrip()


def _card(manifest: Mapping[str, Any]) -> Iterator[str]:
    for name, rows in manifest["overlaps"].items():
        if name not in manifest["levels"] or name not in manifest["items"]:
            continue
        items = manifest["items"][name]
        yield f"Overlap with {_code(name)}: {rows:,} rows, {items['found']:,} of its {items['of']:,} items."
        yield ""
        yield from (
            f"- {words}: {count:,}"
            for level, words in _WORDS.items()
            if (count := manifest["levels"][name][level])
        )
        yield ""
        if most := [*manifest["rows_by_item"].get(name, {}).items()][:MOST]:
            yield f"Items with the most rows: {', '.join(f'{_code(item)} ({n:,})' for item, n in most)}."
            yield ""
        if worst := manifest["worst_rows"].get(name):
            yield "| worst rows | item | level | score | found by |"
            yield "|---|---|---|---|---|"
            for row in worst:
                by = ", ".join(map(_code, row["detectors"]))
                told = (_code(row["id"]), _code(row["item"]), _WORDS[row["level"]], f"{row['score']:.2f}", by)
                yield f"| {' | '.join(told)} |"
            yield ""


def _code(text: str) -> str:
    """A name as code in Markdown, also in a table; what it cannot hold is left out."""
    return f"`{one_line(text, 60).replace('`', '').replace('|', '') or ' '}`"


ENTRIES = (
    Entry("levels", add=_add_levels, is_valid=_are_levels, card=_card),
    Entry("rows_by_item", add=_add_items, is_valid=_are_counts),
    Entry("worst_rows", add=_add_worst, is_valid=_are_worst, lines=_lines),
)
