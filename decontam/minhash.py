"""MinHash signatures: which of many texts may be alike, quickly.

A signature is `num_perm` minima of the hashes of a text's token n-grams ("shingles") under as many
permutations; two signatures agree at one place with probability J, the Jaccard similarity of the two sets
(Broder 1997). LSH cuts the signature into b bands of r places, and texts that agree on a whole band are
candidates, which happens with probability

    P(candidate | J = s) = 1 - (1 - s^r)^b

With r = 2, b = 32 (64 permutations): s = 0.1: 0.28, 0.2: 0.73, 0.3: 0.951, 0.4: 0.9962, 0.5: 0.9999.

*Stable.* The same text has the same signature on every machine: that of datasketch 2 with CRC-32 and its
default scheme ("affine32"). Permutation k of a hash h is a_k * m(h) + b_k modulo 2^32: m is the finalizer of
MurmurHash3, a_k is odd, and a and b are drawn by `numpy.random.RandomState(seed)`.

*Fast.* Texts go through numpy in batches, each shingle as 32 bits; see `_crc.py`. A signature does not depend
on its batch.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from decontam._crc import Crcs, Numbers, Tokens, of_shingles
from decontam._text import Shingle

if TYPE_CHECKING:
    from datasketch import LeanMinHash

Signatures = NDArray[np.uint32]

_EMPTY = np.uint32(0xFFFFFFFF)


def signature(grams: Iterable[Shingle], *, num_perm: int, seed: int) -> Signatures:
    """Return the MinHash signature of a set of shingles: `num_perm` 32-bit minima, the same everywhere."""
    crcs = np.fromiter((zlib.crc32(" ".join(gram).encode()) for gram in grams), np.uint32)
    found: Signatures = _minima(crcs, np.array([len(crcs)]), num_perm, seed)[0]
    return found


def signatures(found: Tokens, *, n: int, num_perm: int, seed: int) -> Signatures:
    """Return a line for each text: the signature of its runs of `n` tokens.

    A text of fewer tokens is one shingle; that of one without tokens is the greatest number at all places.
    """
    return _minima(*of_shingles(found, n), num_perm, seed)


def _minima(crcs: Crcs, counts: Numbers, num_perm: int, seed: int) -> Signatures:
    """For each text the least of its hashes under each permutation.

    Args:
        crcs: the hashes, text by text.
        counts: hashes of each text.
    """
    found = np.full((num_perm, len(counts)), _EMPTY)
    filled = counts > 0
    if filled.any():
        starts = (np.cumsum(counts) - counts)[filled]
        mixed, permuted = _mixed(crcs), np.empty_like(crcs)
        least = np.empty(len(starts), np.uint32)
        for line, factor, term in zip(found, *_permutations(num_perm, seed), strict=True):
            np.multiply(mixed, factor, out=permuted)
            np.add(permuted, term, out=permuted)
            line[filled] = np.minimum.reduceat(permuted, starts, out=least)
    return np.ascontiguousarray(found.T)


def _mixed(crcs: Crcs) -> Crcs:
    """The finalizer of MurmurHash3 (Appleby), a bijection of 32 bits."""
    mixed: Crcs = crcs ^ (crcs >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


@lru_cache(maxsize=8)
def _permutations(num_perm: int, seed: int) -> tuple[Signatures, Signatures]:
    """The factors, which are odd, and the terms, as datasketch 2 draws them."""
    drawn = np.random.RandomState(seed)
    factors = drawn.randint(0, 1 << 31, num_perm, np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, drawn.randint(0, 1 << 32, num_perm, np.uint32)


def are_candidates(one: Signatures, other: Signatures, *, rows: int) -> bool:
    """Whether two signatures agree on a whole band.

    Args:
        one: a signature of rows * bands places.
        other: another one by the same permutations.
        rows: places in a band (r).
    """
    return bool((one == other).reshape(-1, rows).all(axis=1).any())


def as_datasketch(one: Signatures, *, seed: int) -> LeanMinHash:
    """Return a signature as what the indexes of datasketch hold, such as `MinHashLSH` and `MinHashLSHForest`.

    datasketch is imported here: that takes half a second.
    """
    from datasketch import LeanMinHash

    return LeanMinHash(seed=seed, hashvalues=one, scheme="affine32")


def jaccard(one: frozenset[Shingle], other: frozenset[Shingle]) -> float:
    """Return |A and B| / |A or B|, 0 to 1; 0 if both are empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def candidate_probability(similarity: float, *, rows: int, bands: int) -> float:
    """Return 1 - (1 - s^r)^b: how likely LSH finds two texts whose Jaccard similarity is s."""
    return float(1 - (1 - similarity**rows) ** bands)
