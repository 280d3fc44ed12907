"""Jaccard similarity by MinHash: finds texts that are the same as a whole, quickly among many.

*Measure.* J = |Q and X| / |Q or X| of the sets of token n-grams ("shingles") of two texts, 0 to 1 (Broder
1997). It is symmetric, so a short item inside a long row has a low J: see `ngrams.py` for that.

*Candidates.* They come from LSH (minhash.py), and the true J decides, so LSH can lose a match but never make
one.

*Threshold.* The most that any of 1,732 rows labelled clean of HumanEval reaches is 0.38 (a hand-written
minimal pair). StarCoder2-Instruct deduplicates at 0.7; here one of the two sides is wrapped in other text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress
from typing import NamedTuple

import polars as pl

from decontam._evidence import (
    Evidence,
    evidence,
    of_item,
    parts,
    spans_of_item,
    texts,
    tokens_from_row,
    tokens_of_row,
)
from decontam._scan import Sieve, gram_hashes, grams_of, sieve
from decontam._text import Shingle, shingles, tokens
from decontam.benchmarks import Item
from decontam.minhash import Signatures, are_candidates, signature


class _Part(NamedTuple):
    """One text of an item: its name, its shingles, the text."""

    benchmark: str
    item: str
    name: str
    grams: frozenset[Shingle]
    text: str


@dataclass(frozen=True)
class Index:
    """The parts of all items; see `index` for the settings.

    holders: for a shingle, the numbers of the parts that have it.
    sieve: lets texts pass that share enough shingles with a part: the union is at least as large as it.
    """

    parts: list[_Part]
    holders: dict[Shingle, list[int]]
    sieve: Sieve
    threshold: float
    n: int
    rows: int
    bands: int
    seed: int

    @cached_property
    def smallest(self) -> int:
        """The least number of shingles that a part with any has."""
        return min((len(part.grams) for part in self.parts if part.grams), default=1)

    @cached_property
    def _signatures(self) -> dict[int, Signatures]:
        """Those of parts that were needed so far."""
        return {}

    def candidates(self, grams: frozenset[Shingle], numbers: Collection[int]) -> list[int]:
        """Return which of these parts LSH finds for a text."""
        own = self._signature(grams)
        known = self._signatures
        for number in numbers:
            if number not in known:
                known[number] = self._signature(self.parts[number].grams)
        return [number for number in numbers if are_candidates(own, known[number], rows=self.rows)]

    def _signature(self, grams: frozenset[Shingle]) -> Signatures:
        return signature(grams, num_perm=self.rows * self.bands, seed=self.seed)


def index(
    items: Sequence[Item],
    *,
    threshold: float = 0.4,
    n: int = 4,
    rows: int = 2,
    bands: int = 32,
    fewest: int = 8,
    seed: int = 0,
) -> Index:
    """Index every part of every item; items of several benchmarks may come together.

    Args:
        items: the benchmark items.
        threshold: the least true Jaccard similarity that is a match, 0 to 1.
        n: tokens in a shingle.
        rows: places in a band (r); with `bands`, it says which similarities are found, see minhash.py.
        bands: bands in a signature (b).
        fewest: a part with fewer shingles is left out: in small sets chance makes large similarities.
        seed: chooses the permutations.
    """
    found = [
        _Part(item.benchmark, item.task_id, name, grams, text)
        for item in items
        for name, text in parts(item).items()
        if len(grams := frozenset(shingles(tokens(text), n))) >= fewest
    ]
    holders: dict[Shingle, list[int]] = defaultdict(list)
    for number, part in enumerate(found):
        for gram in part.grams:
            holders[gram].append(number)
    postings = [[(number, 1.0) for number in held] for held in holders.values()]
    enough = [threshold * len(part.grams) for part in found]
    sought = sieve(zip(gram_hashes(holders), postings, strict=True), enough)
    return Index(found, dict(holders), sought, threshold, n, rows, bands, seed)


def matches(frame: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Return one row of evidence for each part of an item that equals a row's text as a whole, nearly."""
    found: list[Evidence] = []
    rows = [*texts(frame)]
    passed = index.sieve.passes(grams_of(tuple(text for *_, text in rows), index.n), len(rows))
    for row, field, text in compress(rows, passed):
        for part, value in _similar(tokens_of_row(text), index):
            measured = ("minhash", f"{part.name}:{field}", value, index.threshold)
            whole = of_item(part.name, part.text, spans_of_item(part.text))
            found.append((row, part.benchmark, part.item, *measured, *tokens_from_row(text), *whole, None))
    return evidence(found)


def _similar(words: Sequence[str], index: Index) -> list[tuple[_Part, float]]:
    """Return the parts that LSH finds and whose true similarity is enough, with that similarity.

    Nearly all rows share too few shingles with all parts together. For the others the true similarities come
    first, from the shingles that are shared, and LSH is asked only where one of them is enough.
    """
    known = index.holders.keys() & shingles(words, index.n)
    # The union of two sets is at least as large as either, so J <= shared / part.
    if len(known) / index.smallest < index.threshold:
        return []
    counts = Counter(chain.from_iterable(index.holders[gram] for gram in known))
    possible = {
        number: count
        for number, count in counts.items()
        if count / len(index.parts[number].grams) >= index.threshold
    }
    if not possible:
        return []
    grams = frozenset(shingles(words, index.n))
    enough: dict[int, float] = {}
    for number, count in possible.items():
        value = count / (len(grams) + len(index.parts[number].grams) - count)
        if value >= index.threshold:
            enough[number] = value
    if not enough:
        return []
    return [(index.parts[number], enough[number]) for number in index.candidates(grams, enough)]
