"""Which texts of a batch may hold anything that is sought: one pass in numpy, before the exact search.

Nearly all texts match nothing. A *sieve* knows of each thing sought (a part of an item) what makes it up,
as hashes with weights, and the least weight that a match has. A text that does not reach it for any of them
cannot match and is left out. Equal tokens have equal hashes, so no match is lost; two different ones that
have the same hash let a text pass that the exact search then turns down.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decontam._text import tokens

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

#: Longer texts pass without a look, so that memory stays in bounds.
LONGEST = 200_000
#: Characters that are looked at together.
_TOGETHER = 500_000

# The hash of a token is the sum of v(c) * P^k over its characters c at places k, modulo 2^64, mixed.
_P = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xD6E8FEB86659FD93)
_GRAM = np.uint64(0xA0761D6478BD642F)
SPACE, WORD, SIGN = 0, 1, 2
_ASCII = [chr(code) for code in range(128)]
#: What each ASCII character is: part of a word, a token by itself, or nothing; see `_text.tokens`.
KIND = np.array(
    [WORD if re.match(r"\w", c) else SIGN if re.match(r"[^\w\s'\"#`\\]", c) else SPACE for c in _ASCII],
    np.uint8,
)


class Tokens(NamedTuple):
    """The tokens of several texts.

    Args:
        hashes: of each token, those of one text one after the other.
        owner: for each token, the number of its text, ascending.
        unread: the texts that are too long.
    """

    hashes: Hashes
    owner: Numbers
    unread: tuple[int, ...]


@lru_cache(maxsize=2)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """P^0 .. P^(size - 1) modulo 2^64, and their inverses."""
    inverse = pow(_P, -1, 1 << 64)
    made = []
    for base in (_P, inverse):
        factors = np.full(size, base, np.uint64)
        factors[0] = 1
        made.append(np.multiply.accumulate(factors))
    return made[0], made[1]


def of_characters(codes: npt.NDArray[np.uint32]) -> Hashes:
    """Return what each character adds to a hash."""
    mixed = (codes.astype(np.uint64) + np.uint64(1)) * _MIX
    return mixed ^ (mixed >> np.uint64(29))


_VALUE = np.where(KIND == SPACE, np.uint64(0), of_characters(np.arange(128, dtype=np.uint32)))


def sums(values: Hashes, starts: Numbers) -> Hashes:
    """Return the hash of each token: it reaches to the next one's start."""
    if not len(starts):
        return np.zeros(0, np.uint64)
    powers, inverses = _powers(1 << max(16, (len(values) - 1).bit_length()))
    found: Hashes = np.add.reduceat(values * powers[: len(values)], starts) * inverses[starts]
    found = (found ^ (found >> np.uint64(32))) * _MIX
    return found ^ (found >> np.uint64(29))


def _ascii(texts: Sequence[str]) -> tuple[Hashes, Numbers]:
    """Hash the tokens of texts of ASCII; for each token also the number of its text."""
    plain = [text.replace(">>>", "   ").lower() for text in texts]
    codes = np.frombuffer("\n".join(plain).encode(), np.uint8)
    kinds = KIND[codes]
    begins = kinds != SPACE
    begins[1:] &= (kinds[1:] == SIGN) | (kinds[:-1] != WORD)
    starts = np.flatnonzero(begins)
    ends = np.cumsum([len(text) + 1 for text in plain])
    return sums(_VALUE[codes], starts), np.searchsorted(ends, starts, side="right")


def hashes(words: Sequence[str]) -> Hashes:
    """Return the hash of each token, which is not empty; the same as in `tokens_of`."""
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    values = _VALUE[np.minimum(codes, 127)]
    wide = (codes > 127) | (values == 0)
    values[wide] = of_characters(codes[wide])
    starts = np.cumsum([0, *map(len, words)])[:-1]
    return sums(values, starts)


@lru_cache(maxsize=1)
def tokens_of(texts: tuple[str, ...]) -> Tokens:
    """Return the tokens of all texts."""
    unread = tuple(number for number, text in enumerate(texts) if len(text) > LONGEST)
    found: list[Hashes] = [np.zeros(0, np.uint64)]
    owners: list[Numbers] = [np.zeros(0, np.int64)]
    for group in groups(texts):
        plain = [number for number in group if texts[number].isascii()]
        if plain:
            own, owner = _ascii([texts[number] for number in plain])
            found.append(own)
            owners.append(np.array(plain)[owner])
        for number in group:
            if not texts[number].isascii() and (words := [one for one in tokens(texts[number]) if one]):
                found.append(hashes(words))
                owners.append(np.full(len(words), number))
    return Tokens(np.concatenate(found), np.concatenate(owners), unread)


def groups(texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the numbers of texts that are looked at together; too long ones are left out."""
    group: list[int] = []
    size = 0
    for number, text in enumerate(texts):
        if len(text) > LONGEST:
            continue
        group.append(number)
        size += len(text)
        if size > _TOGETHER:
            yield group
            group, size = [], 0
    if group:
        yield group


@lru_cache(maxsize=1)
def grams_of(texts: tuple[str, ...], n: int) -> Tokens:
    """Return the n-grams of all texts."""
    found = tokens_of(texts)
    count = max(len(found.hashes) - n + 1, 0)
    within = found.owner[:count] == found.owner[n - 1 :]
    return Tokens(grams(found.hashes, n)[within], found.owner[:count][within], found.unread)


def grams(words: Hashes, n: int) -> Hashes:
    """Return the hash of every run of n tokens, given theirs."""
    count = max(len(words) - n + 1, 0)
    made = words[:count].copy()
    for place in range(1, n):
        made *= _GRAM
        made += words[place : place + count]
    return made ^ (made >> np.uint64(31))


def gram_hashes(sought: Collection[Sequence[str]]) -> list[int]:
    """Return the hash of each n-gram, as `grams_of` has it; all have the same n."""
    words = list(dict.fromkeys(word for gram in sought for word in gram))
    number = {word: at for at, word in enumerate(words)}
    places = np.array([[number[word] for word in gram] for gram in sought], np.int64)
    if not len(places):
        return []
    flat = hashes(words)[places].ravel()
    found: list[int] = grams(flat, places.shape[1])[:: places.shape[1]].tolist()
    return found


class Sieve(NamedTuple):
    """What is sought, by the hashes that make it up.

    Args:
        keys: hashes, ascending.
        filled: whether any key begins with these bits.
        starts: where the postings of each key begin; one more than there are keys.
        parts: the postings: which part has the key.
        weights: the postings: what the key says there.
        enough: for each part, the least sum of weights that a match has.
    """

    keys: Hashes
    filled: npt.NDArray[np.bool_]
    starts: Numbers
    parts: Numbers
    weights: npt.NDArray[np.float64]
    enough: npt.NDArray[np.float64]

    def passes(self, sought: Tokens, count: int) -> npt.NDArray[np.bool_]:
        """Tell of each of `count` texts whether it reaches enough for any part."""
        passed = np.zeros(count, bool)
        passed[list(sought.unread)] = True
        passed[self.reached(*self.found(sought), count)[0]] = True
        return passed

    def found(self, sought: Tokens) -> tuple[Numbers, Numbers]:
        """Return which texts hold which keys: numbers of texts and of keys, no pair twice."""
        token, key = self.located(sought)
        pairs = np.sort(sought.owner[token] * max(len(self.keys), 1) + key)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]  # np.unique imports numpy.ma, which takes 20 ms
        owner, key = np.divmod(pairs, max(len(self.keys), 1))
        return owner, key

    def located(self, sought: Tokens) -> tuple[Numbers, Numbers]:
        """Return the numbers of the tokens that are keys, and of which."""
        if not len(self.keys):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        likely = np.flatnonzero(self.filled[sought.hashes >> _SHIFT])
        sought_for = sought.hashes[likely]
        at = np.minimum(np.searchsorted(self.keys, sought_for), len(self.keys) - 1)
        known = self.keys[at] == sought_for
        return likely[known], at[known]

    def reached(self, owner: Numbers, key: Numbers, count: int) -> tuple[Numbers, Numbers]:
        """Return which texts that hold these keys reach enough for which parts."""
        lengths = self.starts[key + 1] - self.starts[key]
        places = runs(self.starts[key], lengths)
        if not count:
            return places, places
        cells = np.repeat(owner, lengths) * len(self.enough) + self.parts[places]
        total = np.bincount(cells, self.weights[places], count * len(self.enough))
        texts, parts = np.nonzero(total.reshape(count, -1) >= self.enough)
        return texts, parts


def runs(starts: Numbers, lengths: Numbers) -> Numbers:
    """Return the numbers from each start on, as many as its length says, one run behind the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - ends + lengths, lengths)


_BITS = 20
_SHIFT = np.uint64(64 - _BITS)


def sieve(postings: Iterable[tuple[int, Sequence[tuple[int, float]]]], enough: Sequence[float]) -> Sieve:
    """Return the sieve of parts, each of which has to reach its own weight.

    Args:
        postings: hashes, each with the numbers of the parts that it belongs to and its weight there; what
            comes twice counts twice.
        enough: for each part, the least sum of weights that a match has, more than 0.
    """
    by_hash: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for key, own in postings:
        by_hash[key] += own
    order = sorted(by_hash)
    keys = np.array(order, np.uint64)
    filled = np.zeros(1 << _BITS, bool)
    filled[keys >> _SHIFT] = True
    flat = [posting for key in order for posting in by_hash[key]]
    starts = np.cumsum([0, *(len(by_hash[key]) for key in order)])
    parts = np.array([part for part, _ in flat], np.int64)
    weights = np.array([weight for _, weight in flat], np.float64)
    return Sieve(keys, filled, starts, parts, weights, np.array(enough, np.float64) - 1e-6)
