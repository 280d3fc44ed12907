"""Duplicates inside one set: which texts repeat an earlier text that was kept.

*Words.* An instruction's words are the tokens of `_text.py`: case, space, quotes and Markdown do not count.
Python's words are its tokens without comments and docstrings; a string is one word. Code in other languages
is cut into words and single marks, its comments included.

*Measure.* J = |A and B| / |A or B| of the sets of runs of `n` words ("shingles"), 0 to 1. A text of fewer
words is one shingle, so only equal words make it a duplicate.

*Candidates* come from MinHash LSH (minhash.py) and the true J decides: LSH can miss a pair, but never makes
one. A band's values are compared as one 64-bit key, and only keys that several texts have are held.

*No chains.* A text is compared with those that were kept before it, never with one that was dropped: where A
is like B and B like C, but A not like C, A and C stay.

*Not found.* A bucket of LSH holds 64 texts at most: one that more texts share says little about them. So the
work for one text is bounded, and a pair whose every shared bucket is full is missed.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from decontam._crc import Tokens, of_texts, of_words
from decontam._text import shingles, tokens
from decontam.minhash import candidate_probability, signatures

Hashes = NDArray[np.uint64]
_Text = TypeVar("_Text", str, Sequence[str])

#: LSH finds a pair at the threshold with this probability, if there are permutations enough.
FOUND = 0.999
#: Texts that a bucket of LSH holds.
BUCKET = 64
#: Texts that go through numpy together, and how long they may be together.
_TOGETHER = 128
_CHARACTERS = 500_000
_ODD = np.uint64(0x9E3779B97F4A7C15)
#: Stands between the words that are hashed: no byte of UTF-8, so that no word can hold it.
_BETWEEN = b"\xff"
#: Another number wherever equal settings may give other results than before.
VERSION = 2


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
    """A text in few bytes.

    Args:
        digest: what texts of the same words have in common.
        keys: of each band of its signature.
        words: how many words it has.
    """

    digest: bytes
    keys: Hashes
    words: int


def sketches_of_texts(texts: Iterable[str], by: Settings) -> Iterator[Sketch]:
    """Yield the sketch of each text, whose words are the tokens of `_text.py`."""
    for batch in _batches(texts, len):
        yield from _sketches(of_texts(batch), by)


def sketches_of_words(texts: Iterable[Sequence[str]], by: Settings) -> Iterator[Sketch]:
    """Yield the sketch of each text, given its words."""
    for batch in _batches(texts, lambda words: sum(map(len, words))):
        yield from _sketches(of_words(batch), by)


def _batches(texts: Iterable[_Text], size: Callable[[_Text], int]) -> Iterator[list[_Text]]:
    batch: list[_Text] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += size(text)
        if len(batch) == _TOGETHER or held > _CHARACTERS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _sketches(found: Tokens, by: Settings) -> Iterator[Sketch]:
    places = signatures(found, n=by.n, num_perm=by.rows * by.bands, seed=by.seed)
    keys = np.zeros((len(places), by.bands), np.uint64)
    for row in range(by.rows):
        keys = (keys ^ places[:, row :: by.rows]) * _ODD  # modulo 2**64; the shift brings high bits down
        keys ^= keys >> np.uint64(29)
    bounds = np.append(0, np.cumsum(found.lengths))
    content = found.content.copy()
    content[bounds[:-1]] = _BETWEEN[0]
    joined = memoryview(content.tobytes())
    ends = bounds[np.cumsum(found.counts)].tolist()
    for own, start, end, words in zip(keys, [0, *ends], ends, found.counts.tolist(), strict=False):
        yield Sketch(_digest(joined[start + 1 : end]), own, words)


def digest(words: Sequence[str]) -> bytes:
    """Return what texts of the same words have in common."""
    return _digest(_BETWEEN.join(map(str.encode, words)))


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def hashes(words: Sequence[str], n: int) -> Hashes:
    """Return the set of shingles of a text with words, each as 64 bits, in ascending order.

    Nobody can make texts whose shingles have equal hashes on purpose: what is dropped depends on these alone.
    """
    grams = shingles([*map(str.encode, words)], min(n, len(words)))
    joined = b"".join(hashlib.blake2b(_BETWEEN.join(one), digest_size=8).digest() for one in grams)
    return np.unique(np.frombuffer(joined, "<u8").astype(np.uint64))


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
