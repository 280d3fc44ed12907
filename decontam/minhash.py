"""MinHash signatures: which of many texts may be alike, quickly.

A signature is `num_perm` minima of the hashes of a text's token n-grams ("shingles") under as many
permutations; two signatures agree at one place with probability J, the Jaccard similarity of the two sets
(Broder 1997). LSH cuts the signature into b bands of r places, and texts that agree on a whole band are
candidates, which happens with probability

    P(candidate | J = s) = 1 - (1 - s^r)^b

With r = 2, b = 32 (64 permutations): s = 0.1: 0.28, 0.2: 0.73, 0.3: 0.951, 0.4: 0.9962, 0.5: 0.9999.

*Stable.* Hashes are CRC-32 and the permutations come from `seed` by datasketch's scheme of versions 1 and 2
alike ("legacy"): the same text has the same signature on every machine.

datasketch is imported where it is needed: it takes half a second, and most files hold nothing that needs it.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Iterable
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from decontam._text import Shingle

if TYPE_CHECKING:
    from datasketch import MinHash, MinHashLSH

_BATCH = 4096


def signature(grams: Iterable[Shingle], *, num_perm: int, seed: int) -> MinHash:
    """Return the MinHash signature of a set of shingles: `num_perm` 32-bit minima, the same everywhere."""
    result = _empty(num_perm, seed).copy()
    rest = iter(grams)
    # A batch takes num_perm numbers for each shingle, and a text of 1 MB has 200,000 of them.
    while batch := [" ".join(gram).encode() for gram in islice(rest, _BATCH)]:
        result.update_batch(batch)
    return result


def lsh(signatures: Iterable[MinHash], *, rows: int, bands: int) -> MinHashLSH:
    """Return an LSH that finds the signatures by their numbers, from 0.

    Args:
        signatures: of rows * bands places each.
        rows: places in a band (r).
        bands: bands in a signature (b).
    """
    from datasketch import MinHashLSH

    found = MinHashLSH(num_perm=rows * bands, params=(bands, rows))
    for number, one in enumerate(signatures):
        found.insert(number, one)
    return found


def jaccard(one: frozenset[Shingle], other: frozenset[Shingle]) -> float:
    """Return |A and B| / |A or B|, 0 to 1; 0 if both are empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def candidate_probability(similarity: float, *, rows: int, bands: int) -> float:
    """Return 1 - (1 - s^r)^b: how likely LSH finds two texts whose Jaccard similarity is s."""
    return float(1 - (1 - similarity**rows) ** bands)


@cache
def _empty(num_perm: int, seed: int) -> MinHash:
    from datasketch import MinHash

    # datasketch 1 knows one scheme and no such keyword; 2 has others, which give other signatures.
    scheme: dict[str, Any] = {"scheme": "legacy"} if "scheme" in inspect.signature(MinHash).parameters else {}
    return MinHash(num_perm=num_perm, seed=seed, hashfunc=zlib.crc32, **scheme)
