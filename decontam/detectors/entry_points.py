"""The name of an item's function, in any spelling: `strange_sort_list`, `strangeSortList`, `StrangeSortList`.

*Measure.* Names are compared without their underscores and in lower case. With the bits of an item's name,

    value = bits / 24, cut to 0.8

* A word's bits are -log2 of how often it is met in the docstrings of Python's standard library, at most 14,
  and 3 for one that says nothing, such as "is". So `strange_sort_list` has 30 bits, `find_max` 13, `add` 8.
* A name of one word counts only where it is called or defined; others count wherever they stand.

*Threshold.* 1, which no name reaches: many people write a `count_vowels`. A name says what is asked, and
counts, from 12 bits on, where code agrees that does nearly what the solution does (`decontam/profiles.py`).
Who translates a benchmark to another language keeps its names: HumanEval-X and MultiPL-E do.

*Covered.* Solutions in any language, also those whose algorithm is another one in part. *Not covered.* Names
in other words, items whose function has no name or a common one.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import polars as pl

from decontam._evidence import NOWHERE, Evidence, OfItem, evidence, of_item, of_row, texts
from decontam._words import bare_stems, frequencies
from decontam.benchmarks import Item

_FULL = 24.0
_MOST = 0.8
#: Bits of a word: the most, and those of one that says nothing.
_RAREST, _SILENT = 14.0, 3.0
_NAME = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]*+")
#: What follows a name that is called or defined, such as `<T>(`.
_CALLED = re.compile(r"(?:<[^<>()\n]{0,80}>)?[ \t]?\(")
#: What only a name of several words has.
_INNER = re.compile(r"[a-z0-9][A-Z]|[A-Za-z0-9]_+[A-Za-z0-9]")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class _Named(NamedTuple):
    """The name of an item's function.

    Args:
        benchmark: the item's benchmark.
        item: the item's id.
        name: as the benchmark writes it.
        value: what it is worth.
        text: the item's prompt as a model is shown it, in which the name may stand.
    """

    benchmark: str
    item: str
    name: str
    value: float
    text: str


class Index(NamedTuple):
    """The names of all items that may be enough.

    Args:
        names: by a name as it is compared, the items whose functions have it.
        threshold: the least value that is a match.
    """

    names: dict[str, list[_Named]]
    threshold: float


def index(items: Sequence[Item], *, threshold: float = 1.0) -> Index:
    """Index the names of the items' functions; items of several benchmarks may come together.

    Args:
        items: the benchmark items.
        threshold: the least value that is a match, 0 to 1.
    """
    names: dict[str, list[_Named]] = defaultdict(list)
    for item in items:
        value = min(_bits(item.entry_point) / _FULL, _MOST)
        if value and value >= threshold:
            one = _Named(item.benchmark, item.task_id, item.entry_point, value, item.raw_prompt)
            names[_compared(item.entry_point)].append(one)
    return Index(dict(names), threshold)


def matches(
    frame: pl.DataFrame, index: Index, sought: Mapping[str, Set[tuple[str, str]]] | None = None
) -> pl.DataFrame:
    """Return one row of evidence for each item whose function's name stands in a row's text.

    Args:
        frame: the rows.
        index: the items.
        sought: by row, the items that are looked for, as benchmark and item; all of them for None.
    """
    found: list[Evidence] = []
    for row, field, text in texts(frame) if index.names else ():
        if sought is not None and not sought.get(row):
            continue
        for name, (start, end) in _first_places(text, index).items():
            for one in index.names[name]:
                if sought is None or (one.benchmark, one.item) in sought[row]:
                    measured = ("entry_points", f"entry_point:{field}", one.value, index.threshold)
                    both = *of_row(text, start, end), *_in_item(one)
                    found.append((row, one.benchmark, one.item, *measured, *both, None))
    return evidence(found)


def _first_places(text: str, index: Index) -> dict[str, tuple[int, int]]:
    """Return where each of the items' names stands first, by the name as it is compared."""
    found: dict[str, tuple[int, int]] = {}
    for match in _NAME.finditer(text):
        name = _compared(match[0])
        if name not in index.names or name in found:
            continue
        if _INNER.search(match[0]) or _CALLED.match(text, match.end()):
            found[name] = match.span()
    return found


def _compared(name: str) -> str:
    return name.replace("_", "").lower()


def _bits(name: str) -> float:
    usual = frequencies()
    bits = 0.0
    for word in _WORD.findall(name):
        stem = next(iter(bare_stems(word)), "")
        bits += min(-math.log2(usual.get(stem, usual["*"])), _RAREST) if stem else _SILENT
    return bits


def _in_item(one: _Named) -> OfItem:
    start = one.text.find(one.name)
    return of_item("raw_prompt", one.text, [(start, start + len(one.name))]) if start >= 0 else NOWHERE
