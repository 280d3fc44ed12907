"""Containment of a benchmark item's n-grams in a row: finds a short item inside a long row.

*Measure.* For a part of an item with the set Q of token n-grams, and a row's text with the set X,

    C = sum of w(g) over g in Q and X  /  max(sum of w(g) over g in Q, floor)             0 <= C <= 1

which is the containment |Q and X| / |Q| (Broder 1997), weighted and floored:

* w(g) = log(1 + N / df(g)) / log(1 + N), where df(g) of the N items of the same benchmark have g. What
  one item alone says weighs 1; "write a function to", which two in three items of MBPP say, 0.13.
  Weights are kept in whole thousandths: sums of integers are the same in any order and on any machine.
* a part with fewer than `floor` distinctive n-grams ("Return median of elements in the list l.") is
  judged as if it had that many: most of it must be there. "Add two numbers x and y" has not enough.
* only a stretch of the row at most twice as long as the part counts, the one that holds most of it. Else
  a book would hold every item, a few words here and a few there.

*Pieces.* A text that is less than half of a solution, but nothing else, is found the other way round: nearly
all of its n-grams are in the solution, and these are worth `piece`. That is the share C' of its n-grams.

*Covered.* Verbatim and reformatted copies anywhere in a row, copies with noise or some reworded words,
the canonical solution alone, half of an item, some lines of a solution alone. *Not covered.* Rephrased or
translated text without the examples, renamed identifiers, another language's code.

*Thresholds.* Tuned on 3,922 rows labelled for HumanEval (`bench/decontam_recall.py`), where each may move
by a fifth and recall of exact and reworded copies stays within one point. They are low where a part is
made of several things of which one is enough: signature, words and examples.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import compress, takewhile
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from decontam._evidence import (
    NOWHERE,
    Evidence,
    OfItem,
    evidence,
    of_item,
    parts,
    spans_of_item,
    texts,
    tokens_from_row,
    tokens_of_row,
)
from decontam._scan import Sieve, Tokens, gram_hashes, grams_of, sieve
from decontam._text import Shingle, shingles, tokens
from decontam.benchmarks import Item

THRESHOLDS: Mapping[str, float] = {"prompt": 0.5, "raw_prompt": 0.2, "solution": 0.5, "piece": 0.95}


class _Part(NamedTuple):
    """One text of an item: the weights of its n-grams, their sum (floored), its length in tokens."""

    benchmark: str
    item: str
    name: str
    weights: dict[Shingle, int]
    mass: int
    length: int
    text: str


class Index(NamedTuple):
    """The parts of all items.

    postings: for an n-gram, the numbers of the parts that it makes candidates, with its weight there. The
        commonest n-grams of a part are left out: they are in almost every row, and cost the most.
    enough: for each part, the weight that the rest must reach, so that no match can be missed.
    solutions: for each n-gram of a solution, the numbers of the parts that have it.
    whole: their hashes.
    piece: the least weight of a piece of a solution.
    """

    parts: list[_Part]
    postings: dict[Shingle, list[tuple[int, int]]]
    enough: list[int]
    n: int
    thresholds: Mapping[str, float]
    sieve: Sieve
    solutions: dict[Shingle, list[int]]
    whole: Sieve
    piece: int


def index(
    items: Sequence[Item],
    *,
    n: int = 4,
    floor: float = 8.0,
    piece: float = 5.0,
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> Index:
    """Index the n-grams of every part of every item; items of several benchmarks may come together.

    Args:
        items: the benchmark items. Weights are computed inside each benchmark, so that a verdict does
            not depend on what else is indexed.
        n: tokens in an n-gram, at least 1.
        floor: a part counts as having at least this weight, in n-grams that no other item has.
        piece: a piece of a solution has at least this weight.
        thresholds: for each part, the least containment that is a match, 0 to 1.
    """
    found = _parts(items, n, floor)
    df = Counter(gram for part in found for gram in part.weights)
    postings: dict[Shingle, list[tuple[int, int]]] = defaultdict(list)
    enough = []
    for number, part in enumerate(found):
        least = math.floor(thresholds[part.name] * part.mass)
        skipped = 0
        for gram in sorted(part.weights, key=df.__getitem__, reverse=True):
            weight = part.weights[gram]
            if skipped + weight <= least / 2:
                skipped += weight
            else:
                postings[gram].append((number, weight))
        enough.append(least - skipped)
    solutions: dict[Shingle, list[int]] = defaultdict(list)
    for number, part in enumerate(found):
        for gram in part.weights if part.name == "solution" else ():
            solutions[gram].append(number)
    whole = sieve(((key, [(0, 1.0)]) for key in gram_hashes(solutions)), [1.0])
    least_weight = round(1000 * piece)
    return Index(
        found,
        dict(postings),
        enough,
        n,
        thresholds,
        _sieve(postings, enough),
        dict(solutions),
        whole,
        least_weight,
    )


def matches(frame: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Return one row of evidence for each part of an item that a row's text contains, in the rows' order."""
    found: list[Evidence] = []
    rows = [*texts(frame)]
    grams = grams_of(tuple(text for *_, text in rows), index.n)
    pieces = _may_be_pieces(grams, len(rows), index)
    passed = index.sieve.passes(grams, len(rows)) | pieces
    for (row, field, text), is_piece in zip(compress(rows, passed), compress(pieces, passed), strict=True):
        words = tokens_of_row(text)
        candidates = _candidates(shingles(words, index.n), index)
        places = _places(shingles(words, index.n), candidates)
        for part in candidates:
            threshold = index.thresholds[part.name]
            weight, first, last = _best_stretch(places, part.weights, 2 * part.length)
            value = weight / part.mass
            if value >= threshold:
                end = last + index.n
                of_text = tokens_from_row(text, first, end - 1)
                same = _in_item(part, frozenset(shingles(words[first:end], index.n)), index.n)
                where = f"{part.name}:{field}"
                measured = ("ngrams", where, value, threshold)
                found.append((row, part.benchmark, part.item, *measured, *of_text, *same, None))
        if is_piece:
            for part, value in _solutions_of(words, index):
                measured = ("ngrams", f"piece:{field}", value, index.thresholds["piece"])
                of_text = tokens_from_row(text, 0, len(words) - 1)
                same = _in_item(part, frozenset(shingles(words, index.n)), index.n)
                found.append((row, part.benchmark, part.item, *measured, *of_text, *same, None))
    return evidence(found)


def _may_be_pieces(grams: Tokens, count: int, index: Index) -> npt.NDArray[np.bool_]:
    """Tell of each text whether nearly all of its n-grams are in solutions."""
    known, _ = index.whole.located(grams)
    of_solutions = np.bincount(grams.owner[known], minlength=count)
    return (of_solutions > 0) & (
        of_solutions >= index.thresholds["piece"] * np.bincount(grams.owner, minlength=count)
    )


def _solutions_of(words: Sequence[str], index: Index) -> Iterator[tuple[_Part, float]]:
    """Yield the solutions of which a text is a piece, and what share of its n-grams they have."""
    grams = Counter(shingles(words, index.n))
    held: dict[int, int] = defaultdict(int)
    for gram, times in grams.items():
        for number in index.solutions.get(gram, ()):
            held[number] += times
    for number, times in sorted(held.items()):
        part, value = index.parts[number], times / grams.total()
        weight = sum(part.weights.get(gram, 0) for gram in grams)
        if value >= index.thresholds["piece"] and weight >= index.piece:
            yield part, value


def _in_item(part: _Part, held: Set[Shingle], n: int) -> OfItem:
    """Return the piece of the item's text that has the n-grams of a row's stretch."""
    spans = spans_of_item(part.text)
    there = [at for at, gram in enumerate(_grams_of_item(part.text, n)) if gram in held]
    if not there:
        return NOWHERE
    return of_item(part.name, part.text, [(spans[there[0]][0], spans[there[-1] + n - 1][1])])


@lru_cache(maxsize=1024)
def _grams_of_item(text: str, n: int) -> Sequence[Shingle]:
    """Return the n-grams of an item's text in their order; see `spans_of_item`."""
    return [*shingles(tokens(text), n)]


def _sieve(postings: Mapping[Shingle, Sequence[tuple[int, int]]], enough: Sequence[int]) -> Sieve:
    hashed = zip(gram_hashes(postings), postings.values(), strict=True)
    return sieve(hashed, enough)


def _parts(items: Sequence[Item], n: int, floor: float) -> list[_Part]:
    texts_of: dict[tuple[str, str], list[tuple[Item, str, list[str]]]] = defaultdict(list)
    for item in items:
        for name, text in parts(item).items():
            texts_of[item.benchmark, name].append((item, text, tokens(text)))
    found = []
    for (benchmark, name), members in texts_of.items():
        df = Counter(gram for *_, words in members for gram in set(shingles(words, n)))
        scale = 1000 / math.log(1 + len(members))
        weights = {gram: round(scale * math.log(1 + len(members) / count)) for gram, count in df.items()}
        for item, text, words in members:
            own = {gram: weights[gram] for gram in shingles(words, n)}
            mass = max(sum(own.values()), round(1000 * floor))
            found.append(_Part(benchmark, item.task_id, name, own, mass, len(words), text))
    return found


def _candidates(grams: Iterable[Shingle], index: Index) -> list[_Part]:
    """Return the parts of which a row holds enough weight anywhere."""
    reached: dict[int, int] = defaultdict(int)
    for gram in index.postings.keys() & grams:
        for number, weight in index.postings[gram]:
            reached[number] += weight
    return [index.parts[number] for number, weight in reached.items() if weight >= index.enough[number]]


class _Places(NamedTuple):
    """Where one n-gram stands in a row.

    at: the numbers of the tokens at which it begins, in order.
    by_gap: the entries of `at` but the first, by number; those furthest from the entry before come first.
    """

    at: list[int]
    by_gap: list[int]


def _places(grams: Iterable[Shingle], candidates: Sequence[_Part]) -> dict[Shingle, _Places]:
    """Return where the n-grams of the candidates stand; the row is gone through once for all of them."""
    wanted = frozenset[Shingle]().union(*(part.weights for part in candidates))
    found: dict[Shingle, list[int]] = defaultdict(list)
    for at, gram in enumerate(grams if wanted else ()):
        if gram in wanted:
            found[gram].append(at)
    return {
        gram: _Places(at, sorted(range(1, len(at)), key=lambda n, at=at: at[n - 1] - at[n]))  # type: ignore[misc]
        for gram, at in found.items()
    }


def _spells(places: _Places, width: int) -> Iterator[tuple[int, int]]:
    """Yield from where and up to where a window of `width` tokens can end so that it holds the n-gram.

    An n-gram that is repeated within `width` tokens takes no more time than one that is not.
    """
    at = places.at
    far = takewhile(lambda number: at[number] - at[number - 1] >= width, places.by_gap)
    begins = [0, *sorted(far)]
    for begin, following in zip(begins, [*begins[1:], len(at)], strict=True):
        yield at[begin], at[following - 1] + width


def _best_stretch(
    places: Mapping[Shingle, _Places], weights: Mapping[Shingle, int], width: int
) -> tuple[int, int, int]:
    """Return the most weight of distinct n-grams within `width` tokens; where the first and last begin.

    A window that ends at a hit moves over the row. Of equal weights the earliest, shortest stretch is taken.
    """
    held = {gram: places[gram] for gram in weights if gram in places}
    changes: list[tuple[int, int]] = []
    for gram, where in held.items():
        for begin, end in _spells(where, width):
            changes += [(begin, weights[gram]), (end, -weights[gram])]
    # What leaves a window sorts before what enters it at the same place.
    weight, best, last = 0, 0, 0
    for place, change in sorted(changes):
        weight += change
        if weight > best:
            best, last = weight, place
    starts = (
        where.at[n] for where in held.values() if (n := bisect_right(where.at, last - width)) < len(where.at)
    )
    return best, min(starts, default=0), last
