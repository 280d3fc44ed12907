"""Duplicates inside one set: which texts repeat an earlier text that was kept.

*Words.* An instruction's words are the tokens of `_text.py`: case, space, quotes and Markdown do not count.
Python's words are its tokens without comments and docstrings; a string is one word. Code in other languages
is cut into words and single marks, its comments included.

*Measure.* J = |A and B| / |A or B| of the sets of runs of `n` words ("shingles"), 0 to 1. A text of fewer
words is one shingle, so only equal words make it a duplicate.

*Candidates* come from MinHash LSH (minhash.py) and the true J decides: LSH can miss a pair, but never makes
one. A band's values are compared as one 64-bit key, and only keys that several texts have are held:
datasketch's own tables take 12 KB a text.

*No chains.* A text is compared with those that were kept before it, never with one that was dropped: where A
is like B and B like C, but A not like C, A and C stay.

*Not found.* A bucket of LSH holds 64 texts at most: one that more texts share says little about them. So the
work for one text is bounded, and a pair whose every shared bucket is full is missed.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from decontam._text import Shingle, shingles, tokens
from decontam.minhash import candidate_probability, permutations, signature

Hashes = NDArray[np.uint64]

#: LSH finds a pair at the threshold with this probability, if there are permutations enough.
FOUND = 0.999
#: Texts that a bucket of LSH holds.
BUCKET = 64
_ODD = np.uint64(0x9E3779B97F4A7C15)
#: Another number wherever equal settings may give other results than before.
VERSION = 1


class Settings(NamedTuple):
    """How duplicates are found.

    Args:
        threshold: the least true Jaccard similarity of a duplicate, above 0 to 1.
        rows: places in a band of a signature (r).
        bands: bands in a signature (b).
        n: words in a shingle.
        seed: chooses the permutations.
    """

    threshold: float
    rows: int
    bands: int
    n: int = 5
    seed: int = 0

    @property
    def probability(self) -> float:
        """How likely LSH finds a pair whose similarity is the threshold."""
        return candidate_probability(self.threshold, rows=self.rows, bands=self.bands)


def settings(threshold: float, num_perm: int) -> Settings:
    """Return the settings with the fewest false candidates that find a pair at the threshold nearly always.

    Args:
        threshold: the least similarity of a duplicate.
        num_perm: permutations, which are the places of a signature.
    """
    whole = (Settings(threshold, rows, num_perm // rows) for rows in range(num_perm, 0, -1))
    return next((one for one in whole if one.probability >= FOUND), Settings(threshold, 1, num_perm))


class Sketch(NamedTuple):
    """A text in few bytes: the hash of its words, and a key for each band of its signature."""

    digest: bytes
    keys: Hashes


def sketch(words: Sequence[str], by: Settings) -> Sketch:
    """Return the sketch of a text that has at least one word."""
    places = signature(_grams(words, by.n), permutations(by.rows * by.bands, by.seed))
    keys = np.zeros(by.bands, np.uint64)
    for column in places.reshape(by.bands, by.rows).T:
        keys = (keys ^ column) * _ODD  # modulo 2**64; the shift brings high bits down
        keys ^= keys >> np.uint64(29)
    return Sketch(digest(words), keys)


def digest(words: Sequence[str]) -> bytes:
    """Return what texts of the same words have in common."""
    return hashlib.blake2b("\0".join(words).encode(), digest_size=16).digest()


def hashes(words: Sequence[str], n: int) -> Hashes:
    """Return the set of a text's shingles, each as 64 bits, in ascending order."""
    joined = b"".join(_hash("\0".join(gram).encode()) for gram in _grams(words, n))
    return np.unique(np.frombuffer(joined, "<u8").astype(np.uint64))


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=8).digest()


def _grams(words: Sequence[str], n: int) -> Iterator[Shingle]:
    return shingles(words, n) if len(words) >= n else iter([tuple(words)])


def buckets(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return the numbers of the buckets that texts share, -1 where a text is alone in its bucket.

    Args:
        keys: a line for each text, a column for each band.
    """
    found = np.full(keys.shape, -1, np.int32)
    first = 0
    for band in range(keys.shape[1]):
        _, of, counts = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        shared = counts > 1
        numbers = np.where(shared, first + np.cumsum(shared) - 1, -1)
        found[:, band] = numbers[of.reshape(-1)]
        first += int(shared.sum())
    return found


class Match(NamedTuple):
    """What a duplicate repeats: the number of the kept text, the similarity, whether all words are equal."""

    kept: int
    similarity: float
    exact: bool


class _Kept:
    """The texts that were kept, by their words and by their buckets."""

    def __init__(self) -> None:
        self.exact: dict[bytes, int] = {}
        self._held: dict[int, list[int]] = defaultdict(list)

    def add(self, number: int, words: bytes, shared: Sequence[int]) -> None:
        self.exact[words] = number
        for bucket in shared:
            if len(self._held[bucket]) < BUCKET:
                self._held[bucket].append(number)

    def candidates(self, shared: Sequence[int]) -> list[int]:
        return sorted({number for bucket in shared for number in self._held.get(bucket, ())})


def repeated(
    digests: Sequence[bytes],
    shared: NDArray[np.int32],
    grams: Mapping[int, Hashes],
    threshold: float,
) -> dict[int, Match]:
    """Return the texts that repeat an earlier kept one, by number: the most similar one, the first of equals.

    Args:
        digests: of the texts, in order.
        shared: their buckets.
        grams: the hashes of each text that shares a bucket.
        threshold: the least similarity of a duplicate.
    """
    kept, found = _Kept(), dict[int, Match]()
    for number, words in enumerate(digests):
        if words in kept.exact:
            found[number] = Match(kept.exact[words], 1.0, exact=True)
            continue
        mine = shared[number]
        held = mine[mine >= 0].tolist()
        candidates = kept.candidates(held)
        best = _most_similar(grams[number], candidates, grams) if candidates else None
        if best is not None and best.similarity >= threshold:
            found[number] = best
        else:
            kept.add(number, words, held)
    return found


def _most_similar(own: Hashes, candidates: Sequence[int], grams: Mapping[int, Hashes]) -> Match:
    """The candidate with the highest true similarity; all are counted in one pass."""
    others = [grams[number] for number in candidates]
    sizes = np.array([len(one) for one in others])
    joined = np.concatenate(others)
    places = np.minimum(np.searchsorted(own, joined), len(own) - 1)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    both = np.add.reduceat((own[places] == joined).astype(np.int64), starts)
    similarity = both / (len(own) + sizes - both)
    best = int(similarity.argmax())
    return Match(candidates[best], float(similarity[best]), exact=False)


def instruction_words(text: str) -> list[str]:
    """Return the words of a task."""
    return tokens(text)


# Linear: each alternative begins with another character, gives nothing back, and an open string ends with the
# text or its line.
_PYTHON = re.compile(
    r"(?P<comment>#[^\n]*+)"
    r"|(?P<string>(?:[bB][rR]?|[rR][bBfF]?|[fF][rR]?|[uU])?"
    r"""(?:\"{3}(?P<d3>(?:[^"\\]|\\.|"(?!""))*+)(?:\"{3})?+|'{3}(?P<s3>(?:[^'\\]|\\.|'(?!''))*+)(?:'{3})?+"""
    r"""|"(?P<d1>(?:[^"\\\n]|\\.)*+)"?+|'(?P<s1>(?:[^'\\\n]|\\.)*+)'?+))"""
    r"|(?P<word>\w+|[^\w\s])",
    re.DOTALL,
)
_WORD = re.compile(r"\w+|[^\w\s]")


def code_words(code: str, language: str | None) -> list[str]:
    """Return the words of code; comments count where it is no Python, or has nothing else."""
    found = _python_words(code) if language == "python" else []
    return found or _WORD.findall(code)


def _python_words(code: str) -> list[str]:
    """Python's tokens without comments and docstrings; the quotes of a string are all alike."""
    words: list[str] = []
    end = 0
    for match in _PYTHON.finditer(code):
        if match["comment"] is not None:
            continue
        if match["word"] is not None:
            words.append(match["word"])
        elif not _is_docstring(words, code[end : match.start()]):
            body = next(match[name] for name in ("d3", "s3", "d1", "s1") if match[name] is not None)
            prefix = match["string"].partition(match["string"].lstrip("bBrRuUfF")[:1])[0].lower()
            words.append(f'{prefix}"{body}')
        end = match.end()
    return words


def _is_docstring(before: Sequence[str], gap: str) -> bool:
    """Whether a string is one, from the words before it and the space and comments between."""
    return not before or (before[-1] == ":" and "\n" in gap)
