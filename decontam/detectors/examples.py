"""Examples, pairs of arguments and result: finds an item by what its function does, in any language.

*Measure.* The pairs of an item are those of its prompt (doctests, "f(3) returns 5") and of its tests. A row's
pairs are all that `decontam.pairs` finds there: calls with the value behind them, and values that follow one
another. Pairs are compared by their literals: brackets, names, and 2 or 2.0 make no difference. Of a row with
n distinct pairs, m of which an item has,

    S = sum of I(pair) over the m pairs - log2 C(n, m)                    value = S / 40, cut to 0 .. 1

* I(pair) is how surprising its literals are, in bits, as `cases` counts them: ([], 0) says nothing, a long
  list or an odd string much. Several light pairs count together. The choice among n pairs is subtracted,
  because chance has had that many tries.
* Zeros at the end of a number say nothing: 100 is as easily met as 1.
* A pair outside of a call says 3 bits less: any two values that stand side by side make one. Where a sentence
  can be read in several ways ("1 to 5 gives 9"), each is a pair; together they count as one of n, and all but
  the nearest values say 2 bits less.
* What k items of a benchmark say counts log2 k bits less.

*Threshold.* 14 bits, 0.35. That is less than `cases` asks for, because here arguments and result are told
apart: literals in a row of numbers match by chance, the pairs of a function hardly. Of 1,732
clean labelled rows none has more than 11.7 bits, of 6,552 rows of Code Alpaca none more than 8.

*Covered.* Renamed functions, other languages' literals, doctests alone, tests alone, translated text with
its examples, tables, prose. *Not covered.* Changed values, results that are computed (`== 3 + 5`), arguments
without quotes (`f(abc) => True`), items whose examples say less than 14 bits.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from typing import Any, NamedTuple

import polars as pl

from decontam._evidence import (
    EXCERPT,
    Evidence,
    OfItem,
    evidence,
    held_runs,
    literals_of_row,
    of_item,
    of_row,
    text_of,
    texts,
)
from decontam._text import literals
from decontam.benchmarks import Item
from decontam.detectors.cases import assertions, information
from decontam.pairs import SPELLED, Pair, flat, pairs

#: The literals of the arguments, and those of the result.
Key = tuple[tuple[Any, ...], tuple[Any, ...]]
Run = tuple[str, ...]
#: In which text of an item a pair stands, and from where to where.
Place = tuple[str, int, int]

# In a prompt also numbers in prose follow one another; these are its examples.
_SAYS = re.compile(
    r"=>|->|==|[\u2192\u279e]|\b(?:outputs?|returns?|results?|answer|gives?|expected|should)\b", re.I
)
_UNCALLED = 3.0
# A result in a sentence has no more than four readings: with one argument or several, and numbers in words.
_READINGS = 2.0
_FULL = 40.0
# A single literal that says less is in most rows.
_ALONE = 6.0


class _Examples(NamedTuple):
    """The pairs of one item with their bits.

    singles: pairs of a single literal that most rows have, or of none, with their bits.
    light: the sum of these.
    places: where each pair stands first.
    texts: of the item, by part.
    """

    benchmark: str
    item: str
    bits: dict[Key, float]
    singles: list[tuple[str, float]]
    light: float
    places: dict[Key, Place]
    texts: dict[str, str]


class Index(NamedTuple):
    """The pairs of all items that say enough.

    Args:
        items: by number.
        lengths: for the first two literals of a pair, as a row's text has them, how many such pairs have.
        holders: for the literals of a pair, the items that have such pairs, with these.
        threshold: the least value that is a match.
    """

    items: list[_Examples]
    lengths: dict[Run, set[int]]
    holders: dict[Run, dict[int, list[Key]]]
    threshold: float


def index(items: Sequence[Item], *, threshold: float = 0.35) -> Index:
    """Index the examples of the items; items of several benchmarks may come together.

    Args:
        items: the benchmark items; their tests are Python.
        threshold: the least value that is a match, 0 to 1.
    """
    found = [_of_item(item) for item in items]
    count: dict[str, Counter[Key]] = defaultdict(Counter)
    for item, (runs, _) in zip(items, found, strict=True):
        count[item.benchmark].update(runs.keys())
    known: list[_Examples] = []
    holders: dict[Run, dict[int, list[Key]]] = defaultdict(dict)
    for item, (runs, places) in zip(items, found, strict=True):
        bits = {key: max(_bits(key) - math.log2(count[item.benchmark][key]), 0.0) for key in runs}
        if sum(bits.values()) < threshold * _FULL:
            continue
        singles: list[tuple[str, float]] = []
        for key, (run, *others) in runs.items():
            if len(run) > 1 or (run and bits[key] >= _ALONE):
                for one in {run, *(other for other in others if len(other) > 1)}:
                    holders[one].setdefault(len(known), []).append(key)
            else:
                singles.append((run[0] if run else "", bits[key]))
        light = sum(one for _, one in singles)
        of_parts = {part: text_of(item, part) for part in ("raw_prompt", "tests")}
        known.append(_Examples(item.benchmark, item.task_id, bits, singles, light, places, of_parts))
    lengths: dict[Run, set[int]] = defaultdict(set)
    for run in holders:
        lengths[run[:2]].add(len(run))
    return Index(known, dict(lengths), dict(holders), threshold)


def matches(frame: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Return one row of evidence for each item of which a row's text holds enough examples."""
    found: list[Evidence] = []
    for row, field, text in texts(frame):
        candidates = _candidates(text, index)
        own = _distinct(pairs(text)) if candidates else {}
        for number in candidates:
            item = index.items[number]
            held = [key for key in item.bits if key in own]
            value = _value(own, item, held)
            if value >= index.threshold:
                same = [own[key] for key in held]
                shown = of_row(text, min(one.span[0] for one in same), max(one.span[1] for one in same))
                measured = ("examples", f"examples:{field}", value, index.threshold)
                both = *shown, *_in_item(item, held), _agreed(same)
                found.append((row, item.benchmark, item.item, *measured, *both))
    return evidence(found)


def _in_item(item: _Examples, held: Sequence[Key]) -> OfItem:
    """Return the piece of the item that has the pairs: of its prompt, if any of them stands there."""
    places = [item.places[key] for key in held if key in item.places]
    part = min((part for part, *_ in places), default="raw_prompt")
    return of_item(part, item.texts[part], [(start, end) for one, start, end in places if one == part])


def _agreed(same: Sequence[Pair]) -> str:
    """Return the pairs of a row that an item has, in the row's order, at most 200 characters."""
    told = ""
    for pair in sorted(same, key=lambda pair: pair.span):
        one = f"{pair.called}({', '.join(map(repr, pair.arguments))}) = {pair.result!r}"
        if len(told) + len(one) + 2 > EXCERPT:
            return told or one[:EXCERPT]
        told += f"; {one}" if told else one
    return told


def _of_item(item: Item) -> tuple[dict[Key, list[Run]], dict[Key, Place]]:
    """Return the pairs of an item, with their literals as texts have them, and where each stands first."""
    runs: dict[Key, list[Run]] = {}
    places: dict[Key, Place] = {}
    for text, part, at in _sources(item):
        for pair in pairs(text):
            named = pair.called == item.entry_point if item.entry_point else bool(pair.called)
            if part == "tests" or named or (not pair.called and _SAYS.search(pair.between)):
                start, end = pair.span
                runs[_key(pair)] = _written(pair, text)
                places.setdefault(_key(pair), (part, at + start, at + end))
    return runs, places


def _sources(item: Item) -> Iterator[tuple[str, str, int]]:
    """Yield the texts that have an item's pairs: each, of which part it is, and where it begins there."""
    yield item.raw_prompt, "raw_prompt", 0
    whole, at = text_of(item, "tests"), 0
    for test in item.tests:
        for text in assertions(test):
            # Assertions come as the syntax tree is walked: those inside of functions come late.
            yield f"assert {text}", "tests", whole.find(text, at, at + len(test)) - len("assert ")
        at += len(test) + 1


def _written(pair: Pair, text: str) -> list[Run]:
    """Return the literals of a pair as it stands; with the result first; without and with a small one."""
    start, end = pair.span
    first, second = (_run(literals(part)) for part in (text[start : pair.at], text[pair.at : end]))
    whole, turned = first + second, second + first
    if not isinstance(pair.result, int) or not 0 <= pair.result <= SPELLED:
        return [whole, turned]
    result = (str(pair.result),)
    bare = first if second == result else second if first == result else whole
    return [whole, *({turned, bare, bare + result} - {whole})]


def _key(pair: Pair) -> Key:
    return tuple(flat(pair.arguments)), tuple(flat(pair.result))


def _run(words: Sequence[str]) -> Run:
    """Return literals without the `.0` of whole numbers."""
    return tuple([word[:-2] if word[-2:] == ".0" else word for word in words])


def _bits(key: Key) -> float:
    return information(tuple(map(_word, key[0] + key[1])))


def _word(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str):
        return value.removeprefix("\0")
    digits = str(abs(value)).removesuffix(".0")
    return digits.rstrip("0") or "0"


def _candidates(text: str, index: Index) -> list[int]:
    """Return the items of which a row may hold enough: it has the same literals one after the other."""
    words = literals_of_row(text)
    if ".0" in text:
        words = _run(words)
    held = held_runs(words, index.lengths, index.holders)
    keys: dict[int, set[Key]] = defaultdict(set)
    for run in held:
        for number, some in index.holders[run].items():
            keys[number].update(some)
    least = index.threshold * _FULL - 1e-9  # sums of floats are the same only in the same order
    present = {*words}
    likely: list[int] = []
    for number, reached in keys.items():
        item = index.items[number]
        bits = sum(map(item.bits.__getitem__, reached))
        if bits + item.light >= least and bits + _light(item, present) >= least:
            likely.append(number)
    return sorted(likely)


def _light(item: _Examples, present: Set[str]) -> float:
    """Return the bits of the pairs of at most one literal that is in a row."""
    return sum(bits for word, bits in item.singles if not word or word in present)


def _distinct(found: Sequence[Pair]) -> dict[Key, Pair]:
    """Return the pairs by their literals; of equal ones the first of those that say most."""
    distinct: dict[Key, Pair] = {}
    for pair in found:
        key = _key(pair)
        if key not in distinct or _standing(pair) > _standing(distinct[key]):
            distinct[key] = pair
    return distinct


def _standing(pair: Pair) -> float:
    """Return the bits that a pair says more or less because of where it stands."""
    return 0.0 if pair.called else -_UNCALLED - (_READINGS if pair.told else 0.0)


def _value(own: dict[Key, Pair], item: _Examples, held: Sequence[Key]) -> float:
    """Return the value of an item of which a row holds these pairs."""
    if not held:
        return 0.0
    n, m = len({pair.at for pair in own.values()}), len({own[key].at for key in held})
    choices = (math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1)) / math.log(2)
    bits = sum(max(item.bits[key] + _standing(own[key]), 0.0) for key in held)
    return min(max((bits - choices) / _FULL, 0.0), 1.0)
