"""The two passages of a match, for people: one under the other, with what matches marked."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from datagen.errors import escaped, one_line
from datagen.overlaps import texts

#: What a level is called on the screen and in the card, the closest first.
LEVELS = {"same": "the same text", "near": "nearly the same", "logic": "shared logic"}
#: Of rows that stay: what embeddings alone say is no match.
ALIKE = "alike"
_NAMES = {**LEVELS, ALIKE: "reads alike, not decided"}
#: Detectors whose excerpt is no text of the row, but why somebody decided so.
_DECIDED = frozenset({"judge", "review"})
#: Characters of a line, of what stands before and behind the match there, and lines of a passage.
_WIDTH, _AROUND, _LINES = 96, 20, 8
#: Items of which both passages are shown, and of which a line says that they match.
_WHOLE, _NAMED = 3, 12

Match = Mapping[str, Any]


def lines_of_matches(row: Mapping[str, Any], matches: Sequence[Match]) -> Iterator[str]:
    """Yield what a row was matched with, the surest first: detectors with their values, then both passages.

    Args:
        row: as in `dropped/`.
        matches: its column `overlaps`; what an older datagen did not write may be missing.
    """
    held: dict[tuple[str, str], list[Match]] = {}
    for one in sorted(matches, key=lambda one: (-(one.get("score") or 0), one["benchmark"], one["item"])):
        held.setdefault((one["benchmark"], one["item"]), []).append(one)
    items = [*held.values()]
    for number, some in enumerate(items[:_NAMED]):
        yield from _item(row, some, whole=number < _WHOLE)
    if len(items) > _NAMED:
        yield f"  and {len(items) - _NAMED:,} more items; --json shows all"


def level_of(matches: Sequence[Match]) -> str:
    """Return the closest level of matches with one item; "" if they have none, as those of a review."""
    held = {one.get("level") for one in matches}
    return next((level for level in _NAMES if level in held), "")


def _item(row: Mapping[str, Any], matches: Sequence[Match], *, whole: bool) -> Iterator[str]:
    first = matches[0]
    level, score = level_of(matches), first.get("score")
    told = [*([_NAMES[level]] if level else []), *([f"score {score:.2f}"] if score is not None else [])]
    name = one_line(f"{first['benchmark']} {first['item']}", _WIDTH)
    yield f"  {name}{': ' if told else ''}{', '.join(told)}"
    by_share = sorted(matches, key=lambda one: -one["value"] / (one["threshold"] or 1))
    best = {one["detector"]: one for one in reversed(by_share)}
    by = ", ".join(
        f"{one['detector']} {one['value']:.2f} of {one['threshold']:.2f} needed ({one['part']})"
        for one in by_share
        if one is best[one["detector"]]
    )
    by += f", and {len(by_share) - len(best):,} more" if len(by_share) > len(best) else ""
    yield from textwrap.wrap(
        f"by {one_line(by, 10 * _WIDTH)}", _WIDTH, initial_indent="    ", subsequent_indent="      "
    )
    for one in by_share:
        if one["detector"] in _DECIDED and one["excerpt"]:
            yield f"    the {one['detector']} says: {one_line(one['excerpt'], 2 * _WIDTH)}"
    by_text = [one for one in by_share if one["detector"] not in _DECIDED]
    if whole and by_text:
        # Of equal pieces, the one of which the item's side is known says most.
        yield from _passages(row, next((one for one in by_text if one.get("item_excerpt")), by_text[0]))
        if agreed := next((one["agreed"] for one in by_share if one.get("agreed")), None):
            yield f"    both agree on: {one_line(agreed, 2 * _WIDTH)}"


def _passages(row: Mapping[str, Any], match: Match) -> Iterator[str]:
    column = match["part"].partition(":")[2]
    start, end = match.get("start") or 0, match.get("end") or 0
    text = _text(row, column) if end else ""
    if 0 <= start < end <= len(text):
        yield f"    row, {one_line(column, _AROUND)}, characters {start:,} to {end:,} of {len(text):,}:"
        yield from passage(text, start, end)
    else:
        yield f"    row: {one_line(match['excerpt'], 2 * _WIDTH)}"
    shown = match.get("item_excerpt")
    if shown:
        yield f"    item, {match['item_part']}, characters {match['item_start']:,} to {match['item_end']:,}:"
        yield from passage(shown, 0, len(shown), more=match["item_end"] - match["item_start"] - len(shown))


def _text(row: Mapping[str, Any], column: str) -> str:
    """The text of a row's column in which matches count their characters; "" if it has none."""
    value = row.get(column)
    if isinstance(value, str) or value is None:
        return value or ""
    frame = texts.searchable(pl.DataFrame({"id": [""], column: [value]}))
    return (frame[column][0] or "") if column in frame.columns else ""


def passage(text: str, start: int, end: int, more: int = 0) -> Iterator[str]:
    """Yield the lines of a text that hold the characters from `start` to `end`, these marked with `^`.

    Control characters are escaped, long lines and long passages cut, and `…` says so. Where a line holds
    nothing else there are no marks.

    Args:
        text: that the passage stands in.
        start: of what matches, in characters.
        end: of what matches.
        more: how many characters of it are not in the text.
    """
    at, shown = start, 0
    while at < end and shown < _LINES:
        stop = _line_end(text, at, end)
        if text[at:stop].strip():
            yield from _marked(text, at, stop, more and stop == end)
            shown += 1
        at = stop + 1
    left = max(end - at, 0) + more
    if left:
        yield f"      … {left:,} more characters"


def _line_end(text: str, start: int, end: int) -> int:
    stop = text.find("\n", start, end)
    return end if stop < 0 else stop


def _marked(text: str, start: int, stop: int, cut: int | bool) -> Iterator[str]:
    """Yield a line, and marks under what matches if it holds more."""
    begin, close = text.rfind("\n", 0, start) + 1, _line_end(text, stop, len(text))
    before = _plain(text[max(begin, start - _AROUND) : start])
    before = f"…{before}" if start - begin > _AROUND else before
    behind = _plain(text[stop : min(close, stop + _AROUND)]).rstrip()
    behind = f"{behind}…" if close - stop > _AROUND else behind
    matching = _plain(text[start : min(stop, start + _WIDTH)])
    if len(matching) > _WIDTH or stop - start > _WIDTH:
        matching, behind = f"{matching[: _WIDTH - 1]}…", ""
    elif cut:
        matching = f"{matching}…"
    yield f"      | {before}{matching}{behind}".rstrip()
    if before.strip() or behind:
        yield f"        {' ' * _cells(before)}{'^' * _cells(matching.rstrip())}"


def _plain(text: str) -> str:
    return escaped(text.removesuffix("\r").replace("\t", "    "))


def _cells(text: str) -> int:
    """How many places of a terminal a text takes: Chinese letters and emojis take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
