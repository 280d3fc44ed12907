"""Jaccard similarity by MinHash: finds texts that are the same as a whole, quickly among many.

*Measure.* J = |Q and X| / |Q or X| of the sets of token n-grams ("shingles") of two texts, 0 to 1
(Broder 1997). It is symmetric, so a short item inside a long row has a low J: see `ngrams.py` for that.

*Candidates.* A signature is `num_perm` minima of the shingles' hashes under as many permutations; two
signatures agree at one place with probability J. LSH cuts the signature into b bands of r places, and texts
that agree on a whole band are candidates, which happens with probability

    P(candidate | J = s) = 1 - (1 - s^r)^b

With r = 2, b = 32 (64 permutations): s = 0.1: 0.28, 0.2: 0.73, 0.3: 0.951, 0.4: 0.9962, 0.5: 0.9999.
Every candidate is confirmed by the true J, so LSH can lose a match but never make one.

*Stable.* Hashes are CRC-32 and the permutations come from `seed` by datasketch's scheme of versions 1 and
2 alike ("legacy"): the same text has the same signature on every machine.

*Threshold.* The most that any of 1,732 rows labelled clean of HumanEval reaches is 0.38 (a hand-written
minimal pair). StarCoder2-Instruct deduplicates at 0.7; here one of the two sides is wrapped in other text.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import polars as pl
from datasketch import MinHash, MinHashLSH

from decontam._evidence import Evidence, evidence, excerpt, parts, texts
from decontam._text import Shingle, shingles, tokens
from decontam.benchmarks import Item

# datasketch 1 knows one scheme and no such keyword; 2 has others, which give other signatures.
_SCHEME: dict[str, Any] = {"scheme": "legacy"} if "scheme" in inspect.signature(MinHash).parameters else {}


class _Part(NamedTuple):
    """One text of an item: its name and its shingles."""

    benchmark: str
    item: str
    name: str
    grams: frozenset[Shingle]


class Index(NamedTuple):
    """The parts of all items, all their shingles, and the LSH that finds candidates by number."""

    parts: list[_Part]
    known: frozenset[Shingle]
    lsh: MinHashLSH
    num_perm: int
    seed: int
    n: int
    threshold: float


def signature(grams: Iterable[Shingle], *, num_perm: int, seed: int) -> MinHash:
    """Return the MinHash signature of a set of shingles: `num_perm` 32-bit minima, the same everywhere."""
    result = _empty(num_perm, seed).copy()
    result.update_batch([" ".join(gram).encode() for gram in grams])
    return result


def jaccard(one: frozenset[Shingle], other: frozenset[Shingle]) -> float:
    """Return |A and B| / |A or B|, 0 to 1; 0 if both are empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def candidate_probability(similarity: float, *, rows: int, bands: int) -> float:
    """Return 1 - (1 - s^r)^b: how likely LSH finds two texts whose Jaccard similarity is s."""
    return float(1 - (1 - similarity**rows) ** bands)


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
    """Index the signature of every part of every item; items of several benchmarks may come together.

    Args:
        items: the benchmark items.
        threshold: the least true Jaccard similarity that is a match, 0 to 1.
        n: tokens in a shingle.
        rows: places in a band (r); with `bands`, it says which similarities are found, see above.
        bands: bands in a signature (b).
        fewest: a part with fewer shingles is left out: in small sets chance makes large similarities.
        seed: chooses the permutations.
    """
    num_perm = rows * bands
    lsh = MinHashLSH(num_perm=num_perm, params=(bands, rows))
    found: list[_Part] = []
    for item in items:
        for name, text in parts(item).items():
            grams = frozenset(shingles(tokens(text), n))
            if len(grams) >= fewest:
                lsh.insert(len(found), signature(grams, num_perm=num_perm, seed=seed))
                found.append(_Part(item.benchmark, item.task_id, name, grams))
    known = frozenset().union(*(part.grams for part in found))
    return Index(found, known, lsh, num_perm, seed, n, threshold)


def matches(frame: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Return one row of evidence for each part of an item that equals a row's text as a whole, nearly."""
    found: list[Evidence] = []
    for row, field, text in texts(frame):
        for part, value in _similar(frozenset(shingles(tokens(text), index.n)), index):
            where = f"{part.name}:{field}"
            shown = excerpt(text)
            found.append((row, part.benchmark, part.item, "minhash", where, value, index.threshold, shown))
    return evidence(found)


def _similar(grams: frozenset[Shingle], index: Index) -> list[tuple[_Part, float]]:
    # J >= t needs t of the row's shingles to be some item's: most rows end here, before the costly part.
    if not grams or len(grams & index.known) / len(grams) < index.threshold:
        return []
    candidates: list[Any] = index.lsh.query(signature(grams, num_perm=index.num_perm, seed=index.seed))
    compared = [(index.parts[number], jaccard(grams, index.parts[number].grams)) for number in candidates]
    return [(part, value) for part, value in compared if value >= index.threshold]


@lru_cache(maxsize=8)
def _empty(num_perm: int, seed: int) -> MinHash:
    return MinHash(num_perm=num_perm, seed=seed, hashfunc=zlib.crc32, **_SCHEME)
