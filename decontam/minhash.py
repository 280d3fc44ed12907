"""MinHash signatures: which of many texts may be alike, quickly.

A signature is `num_perm` minima of the hashes of a text's token n-grams ("shingles") under as many
permutations; two signatures agree at one place with probability J, the Jaccard similarity of the two sets
(Broder 1997). LSH cuts the signature into b bands of r places, and texts that agree on a whole band are
candidates, which happens with probability

    P(candidate | J = s) = 1 - (1 - s^r)^b

With r = 2, b = 32 (64 permutations): s = 0.1: 0.28, 0.2: 0.73, 0.3: 0.951, 0.4: 0.9962, 0.5: 0.9999.

*Stable.* Hashes are CRC-32 and the permutations are datasketch's, drawn from `seed` by its scheme of versions
1 and 2 alike ("legacy"): the same text has the same signature on every machine.

datasketch is imported only to draw permutations: that takes half a second, of which scipy has most. Whoever
keeps the permutations does without.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Iterable
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from decontam._text import Shingle

Hashes = npt.NDArray[np.uint64]

_BATCH = 4096
_PRIME = np.uint64((1 << 61) - 1)
_LARGEST = np.uint64((1 << 32) - 1)


@cache
def permutations(num_perm: int, seed: int) -> Hashes:
    """Return datasketch's factors and summands of `num_perm` permutations, of shape (2, num_perm)."""
    from datasketch import MinHash

    # datasketch 1 knows one scheme and no such keyword; 2 has others, which give other signatures.
    scheme: dict[str, Any] = {"scheme": "legacy"} if "scheme" in inspect.signature(MinHash).parameters else {}
    return np.array(MinHash(num_perm=num_perm, seed=seed, **scheme).permutations, np.uint64)


def signature(grams: Iterable[Shingle], permuted: Hashes) -> Hashes:
    """Return the MinHash signature of a set of shingles, the same everywhere.

    Args:
        grams: the shingles; of none, each minimum is the largest number.
        permuted: what `permutations` returned.

    Returns:
        32-bit minima of (hash * factor + summand) modulo 2**64, then 2**61 - 1, as many as permutations.
    """
    factors, summands = permuted
    minima = np.full(len(factors), _LARGEST)
    rest = iter(grams)
    # A batch takes num_perm numbers for each shingle, and a text of 1 MB has 200,000 of them.
    while batch := [zlib.crc32(" ".join(gram).encode()) for gram in islice(rest, _BATCH)]:
        hashed = np.array(batch, np.uint64)[:, None] * factors + summands
        np.minimum(minima, (hashed % _PRIME & _LARGEST).min(axis=0), out=minima)
    return minima


def are_candidates(one: Hashes, other: Hashes, *, rows: int) -> bool:
    """Whether two signatures agree on a whole band.

    Args:
        one: a signature of rows * bands places.
        other: another one by the same permutations.
        rows: places in a band (r).
    """
    return bool((one == other).reshape(-1, rows).all(axis=1).any())


def jaccard(one: frozenset[Shingle], other: frozenset[Shingle]) -> float:
    """Return |A and B| / |A or B|, 0 to 1; 0 if both are empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def candidate_probability(similarity: float, *, rows: int, bands: int) -> float:
    """Return 1 - (1 - s^r)^b: how likely LSH finds two texts whose Jaccard similarity is s."""
    return float(1 - (1 - similarity**rows) ** bands)
