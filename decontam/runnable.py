"""What of rows can be run, and what comes of it: the matches by behaviour (behaviour.py)."""

from __future__ import annotations

import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import polars as pl

from decontam._evidence import EXCERPT, Evidence, texts
from decontam._inputs import slowness
from decontam._programs import programs
from decontam.behaviour import (
    AGREE,
    THRESHOLDS,
    Find,
    Hit,
    Known,
    Run,
    Shown,
    Solutions,
    agreement,
    solution_of,
    value_of,
)
from decontam.reverse import Asked, examples_of

#: Items that one program is compared with on all inputs: it may claim to agree with every one.
_MOST = 64
#: An error that is no refusal by a statement, and the most of an item's bits for which it counts as one.
_BY_ERROR, _RARE = "!raised ValueError", 0.15
_SHOWN = 100  # characters of the inputs that agreed


class Piece(NamedTuple):
    """A program of a row.

    Args:
        row: the row's id.
        column: where it stands.
        code: the program.
        text: as it stands there.
        start: where it begins there, in characters.
    """

    row: str
    column: str
    code: str
    text: str
    start: int


class Taken(NamedTuple):
    """What rows hold that can be run.

    Args:
        pieces: their programs.
        asked: their examples.
        unread: ids of rows in which Python seems to stand, but nothing that can be called.
    """

    pieces: list[Piece]
    asked: list[Asked]
    unread: list[str]


def taken(frame: pl.DataFrame) -> Taken:
    """What the texts of rows hold that can be run; columns as for `find_overlaps`."""
    found = Taken([], [], [])
    before: tuple[str, str] = "", ""
    for row, column, text in texts(frame):
        begun = before[1] if before[0] == row else ""
        some, unread = programs(text, begun)
        found.pieces.extend(
            Piece(row, column, one.code, text[one.start : one.end], one.start) for one in some
        )
        if unread:
            found.unread.append(row)
        found.asked.extend(examples_of(row, column, text))
        before = row, text
    return found


class Outcome(NamedTuple):
    """What came of a program: why nothing of it could be compared or "", and its hits."""

    detail: str
    hits: Sequence[Hit]


def screened(codes: Sequence[str], items: Sequence[Known], run: Run, find: Find) -> list[Outcome]:
    """What each program does of what the items do; none depends on another.

    Args:
        codes: programs, all different.
        items: what is known.
        run: runs programs.
        find: finds the items that programs may do the same as, by a few inputs each.
    """
    probes = {repr(one.inputs[place]): one.inputs[place] for one in items for place in one.probes}
    probes = dict(sorted(probes.items(), key=lambda one: slowness(one[1])))
    numbers = {written: number for number, written in enumerate(probes)}
    wanted = [
        (
            [(numbers[repr(one.inputs[place])], one.results[place]) for place in one.probes],
            min(AGREE, len(one.probes)),
        )
        for one in items
    ]
    why_not: list[str] = []
    likely: dict[int, list[int]] = defaultdict(list)
    for number, found in enumerate(find(codes, list(probes.values()), wanted)):
        why_not.append(_why_not(found.detail))
        for item in sorted(found.things, key=lambda item: items[item].common)[:_MOST]:
            likely[item].append(number)
    jobs = [([codes[number] for number in likely[item]], items[item].inputs) for item in sorted(likely)]
    hits: dict[int, list[Hit]] = defaultdict(list)
    alone: list[tuple[int, int]] = []
    for item, answers in zip(sorted(likely), run(jobs), strict=True):
        for number, program in zip(likely[item], answers, strict=True):
            if _hit(program, items[item]):
                alone.append((item, number))
    for (_, number), hit in zip(alone, _confirmed(alone, codes, items, run), strict=True):
        if hit:
            hits[number].append(hit)
    return [Outcome(why, hits[number]) for number, why in enumerate(why_not)]


def _why_not(detail: str) -> str:
    """Why nothing of a program could be compared, in words that no program chooses."""
    raised = detail.removeprefix("raised ")
    return "raised an error of its own" if raised != detail and not hasattr(builtins, raised) else detail


def _confirmed(
    alone: Sequence[tuple[int, int]], codes: Sequence[str], sought: Sequence[Known], run: Run
) -> list[Hit | None]:
    """The hits that are the same when nothing else runs in the process.

    The inputs come in another order than before: the second half first.

    Args:
        alone: items and programs by number, by item.
        codes: the programs.
        sought: the items.
        run: runs programs.
    """
    by_item: dict[int, list[str]] = defaultdict(list)
    for item, number in alone:
        by_item[item].append(codes[number])
    turned = [
        one._replace(
            inputs=_turned(one.inputs),
            results=_turned(one.results),
            bits=_turned(one.bits),
            made=_turned(one.made),
            tells=_turned(one.tells),
        )
        for one in (sought[item] for item in by_item)
    ]
    jobs = [(some, one.inputs) for some, one in zip(by_item.values(), turned, strict=True)]
    answers = run(jobs, alone=True)
    return [_hit(program, one) for one, shown in zip(turned, answers, strict=True) for program in shown]


def _turned(values: Sequence[Any]) -> list[Any]:
    half = (len(values) + 1) // 2
    return [*values[half:], *values[:half]]


def _hit(program: Shown, item: Known) -> Hit | None:
    """The function of a program that is most like the item's, if it is enough."""
    best: Hit | None = None
    for name, results in program.functions.items():
        same = agreement(results, item.results)
        if any(tells and not ok for tells, ok in zip(item.tells, same, strict=True)):
            continue
        total = sum(bits for bits, left in zip(item.bits, _refused(results, item), strict=True) if not left)
        value = round(value_of(sum(bits for bits, ok in zip(item.bits, same, strict=True) if ok), total), 6)
        if value >= THRESHOLDS["function"] and (best is None or value > best.value):
            best = Hit(item.benchmark, item.item, name, value, _calls(name, item, same), item.common)
    return best


def _refused(results: Sequence[str | None], item: Known) -> list[bool]:
    """For each input whether the function refuses it, if it refuses none of the item's own.

    Where a ValueError comes from taking values apart or the like, it has to be rare: code for lists of four
    refuses nothing, it does something else for others.
    """
    by_error = [text == _BY_ERROR for text in results]
    rare = sum(bits for bits, one in zip(item.bits, by_error, strict=True) if one) <= _RARE * sum(item.bits)
    said = [text is not None and text.startswith("!refused ") for text in results]
    refused = [one or (rare and other) for one, other in zip(said, by_error, strict=True)]
    own = any(one and not made for one, made in zip(refused, item.made, strict=True))
    return [one and not own for one in refused]


def _calls(name: str, item: Known, same: Sequence[bool]) -> str:
    """Some of the inputs on which a function agrees, those that tell most first."""
    order = sorted(
        (place for place, ok in enumerate(same) if ok),
        key=lambda place: (-item.bits[place], repr(item.inputs[place])),
    )
    shown = ""
    for place in order:
        inputs = item.inputs[place]
        given = ", ".join(map(repr, inputs[::-1] if name.startswith("turned.") else inputs))
        one = f"{name.removeprefix('turned.')}({given}) = {item.results[place]}; "
        if shown and len(shown) + len(one) > _SHOWN:
            break
        shown += one
    return shown[:_SHOWN]


def function_evidence(piece: Piece, outcome: Outcome, solutions: Solutions) -> Iterable[Evidence]:
    """The matches of a program; the excerpt has inputs on which it agrees, and the function's beginning.

    `exercise` are those where an ordinary function does the same.
    """
    for hit in outcome.hits:
        part = "exercise" if hit.common else "behaviour"
        name = hit.function.rpartition(".")[2]
        word = re.escape(name)
        place = re.search(rf"\b(?:def|class) {word}\b", piece.text) or re.search(rf"\b{word}\b", piece.text)
        line = piece.text.rfind("\n", 0, place.start()) + 1 if place else 0
        excerpt = f"{hit.shown}{piece.text[line:]}"[:EXCERPT]
        yield (
            *(piece.row, hit.benchmark, hit.item, "behaviour", f"{part}:{piece.column}"),
            *(hit.value, THRESHOLDS["function"], excerpt, piece.start + line, piece.start + len(piece.text)),
            *(*solution_of(hit, solutions), hit.shown.removesuffix("; ")),
        )
