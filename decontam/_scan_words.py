"""The stems of a batch of texts as hashes: `_words.bare_stems` in one pass of numpy, each word read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decontam._scan import (
    LONGEST,
    Hashes,
    Numbers,
    Sieve,
    Tokens,
    groups,
    hashes,
    of_characters,
    runs,
    sieve,
    sums,
)
from decontam._words import bare_stems

#: Words that are hashed together.
_TOGETHER = 20_000
_NONE, _UPPER, _LOWER, _DIGIT = 0, 1, 2, 3
_ASCII = [chr(code) for code in range(128)]
_KIND = np.array(
    [
        _UPPER if "A" <= c <= "Z" else _LOWER if "a" <= c <= "z" else _DIGIT if "0" <= c <= "9" else _NONE
        for c in _ASCII
    ],
    np.uint8,
)
_VALUE = np.where(_KIND == _NONE, np.uint64(0), of_characters(np.arange(128, dtype=np.uint32)))

# The words met before, each where the first bits of its hash say; of two in one place the last.
_SHIFT = np.uint64(64 - 17)
_words = np.zeros(1 << 17, np.uint64)
_stems = np.zeros(1 << 17, np.uint64)


class Stems(NamedTuple):
    """The stems of several texts, of a number with a fraction both halves.

    Args:
        hashes: of each stem.
        owner: for each, the number of its text, or of a piece of it.
        place: for each, how many words stand before it there; both halves of a number are one word.
    """

    hashes: Hashes
    owner: Numbers
    place: Numbers


def stems_of(texts: Sequence[str]) -> Stems:
    """Return the stems of all texts, those of one text after those of the one before."""
    found: list[tuple[Hashes, Numbers, npt.NDArray[np.bool_]]] = []
    for group in groups(texts):
        plain = [number for number in group if texts[number].isascii()]
        if plain:
            own, owner, begins = _ascii([texts[number] for number in plain])
            found.append((own, np.array(plain)[owner], begins))
    for number, text in enumerate(texts):
        words = bare_stems(text) if len(text) > LONGEST or not text.isascii() else []
        for start in range(0, len(words), _TOGETHER):
            halves = [word.split(".") for word in words[start : start + _TOGETHER]]
            flat = [half for pair in halves for half in pair]
            whole = [not place for pair in halves for place, _ in enumerate(pair)]
            found.append((hashes(flat), np.full(len(flat), number), np.array(whole)))
    if not any(len(owners) for _, owners, _ in found):
        return Stems(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    stems, owners, whole_words = map(np.concatenate, zip(*found, strict=True))
    order = np.argsort(owners, kind="stable")
    owners, before = owners[order], np.cumsum(whole_words[order]) - 1
    first = np.searchsorted(owners, np.arange(len(texts)))
    place = before - before[np.minimum(first, len(before) - 1)][owners]
    return Stems(stems[order], owners, place)


def _ascii(texts: Sequence[str]) -> tuple[Hashes, Numbers, npt.NDArray[np.bool_]]:
    """Return the stems of texts of ASCII, the text of each, and whether it is no fraction."""
    joined = "\n".join(texts)
    codes = np.frombuffer(joined.encode(), np.uint8)
    kinds = _KIND[codes]
    before = np.concatenate([[np.uint8(_NONE)], kinds[:-1]])
    begins = (kinds != before) & (kinds != _NONE)
    begins &= (kinds != _LOWER) | (before != _UPPER)
    begins[:-1] |= (kinds[:-1] == _UPPER) & (kinds[1:] == _LOWER)
    starts = np.flatnonzero(begins)
    after = np.maximum(starts, 2)
    ends = np.cumsum([len(text) + 1 for text in texts])
    owner = np.searchsorted(ends, starts, side="right")
    fraction = (kinds[starts] == _DIGIT) & (starts > 1)
    if len(codes) > 2:
        fraction &= (codes[after - 1] == ord(".")) & (kinds[after - 2] == _DIGIT)
    stems = _known(sums(_VALUE[codes], starts), starts, kinds, joined)
    kept = stems != 0
    # What may be a fraction counts as none of its own: a stretch is never longer here than it is.
    return stems[kept], owner[kept], ~fraction[kept]


def _known(words: Hashes, starts: Numbers, kinds: npt.NDArray[np.uint8], text: str) -> Hashes:
    """Return the hash of the stem of each word, 0 if it says nothing; new words are read in Python."""
    slots = words >> _SHIFT
    found: Hashes = _stems[slots]
    new = np.flatnonzero(_words[slots] != words)
    if len(new):
        _, first, which = np.unique(words[new], return_index=True, return_inverse=True)
        stops = np.append(starts[1:], len(text))
        read = []
        for at in new[first].tolist():
            length = int(np.count_nonzero(kinds[starts[at] : stops[at]]))
            read.append("".join(bare_stems(text[starts[at] : starts[at] + length])))
        fresh = np.zeros(len(read), np.uint64)
        fresh[[bool(stem) for stem in read]] = hashes([stem for stem in read if stem])
        _words[slots[new[first]]] = words[new[first]]
        _stems[slots[new[first]]] = fresh
        found[new] = fresh[which]
    return found


def in_pieces(stems: Stems, count: int, half: int) -> tuple[Stems, Numbers]:
    """Return the stems by pieces of two halves that overlap by one, and which piece is the first of each.

    Args:
        stems: of texts, or of pieces of texts.
        count: how many texts there are.
        half: words; any stretch of so many is in one of the pieces.

    Returns:
        The stems with the numbers of pieces as owners; for each text the number of its first piece, and
        how many there are in all.
    """
    sizes = np.zeros(count, np.int64)
    np.maximum.at(sizes, stems.owner, stems.place)
    first = np.concatenate([[0], np.cumsum(sizes // half + 1)])
    part = stems.place // half
    again = part > 0
    owner = first[stems.owner] + part
    pieces = Stems(
        np.concatenate([stems.hashes, stems.hashes[again]]),
        np.concatenate([owner, owner[again] - 1]),
        np.concatenate([stems.place - part * half, stems.place[again] - (part[again] - 1) * half]),
    )
    return pieces, first


#: Half of the pieces that are looked at first, then of those in which a prompt's words have to stand.
_HALF, _HALVES = 512, (32, 64, 128)
#: Pieces, and pairs of piece and prompt, that are looked at together: memory stays in bounds.
_BLOCK, _PAIRS = 512, 4096


class Windows(NamedTuple):
    """Windows of texts with prompts whose words may stand there.

    Args:
        text: for each window, the number of its text.
        start: for each, how many words stand before it; `2 * half` words are in it.
        half: any stretch of so many words is in one of the windows.
        prompt: for each, the number of the prompt.
    """

    text: Numbers
    start: Numbers
    half: int
    prompt: Numbers


class WordSieve(NamedTuple):
    """What prompts say: first a sieve by their rarer words, then for each prompt that is left all its words.

    Args:
        rare: by the rarer words.
        starts: where the words of each prompt begin; one more than there are prompts.
        keys: the words of the prompts, as numbers of keys of `rare`.
        weights: what each word says.
        enough: for each prompt, the least sum of weights that a match has.
        widths: for each prompt, how many words of a row it may be spread over, at most 128.
    """

    rare: Sieve
    starts: Numbers
    keys: Numbers
    weights: npt.NDArray[np.float64]
    enough: npt.NDArray[np.float64]
    widths: Numbers

    def keys_of(self, words: Sequence[str]) -> Numbers:
        """Return the numbers of the keys of words that prompts have."""
        found: Numbers = np.searchsorted(self.rare.keys, hashes(_first_halves(words)))
        return found

    def passes(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Tell of each text whether its words may reach enough of a prompt; of a long one that they may."""
        passed = np.array([len(text) > LONGEST for text in texts], bool)
        stems = stems_of([text if not long else "" for text, long in zip(texts, passed, strict=True)])
        token, key = self.rare.located(Tokens(stems.hashes, stems.owner, ()))
        keys = Stems(key.astype(np.uint64), stems.owner[token], stems.place[token])
        for found in self.windows(keys, len(texts)):
            passed[found.text] = True
        return passed

    def windows(
        self, stems: Stems, count: int, sought: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[Windows]:
        """Yield the windows in which words of a prompt, near one another, reach enough.

        Args:
            stems: of texts; their hashes are numbers of keys of `rare`.
            count: how many texts there are.
            sought: of each text, which prompts are looked for; all of them for None.
        """
        pieces, first = in_pieces(stems, count, _HALF)
        order = np.argsort(pieces.owner, kind="stable")
        pieces = Stems(pieces.hashes[order], pieces.owner[order], pieces.place[order])
        total = int(first[-1])
        bounds = np.searchsorted(pieces.owner, np.arange(0, total + _BLOCK, _BLOCK))
        for number, (begin, end) in enumerate(pairwise(bounds.tolist())):
            start = number * _BLOCK
            text = np.searchsorted(first, np.arange(start, min(start + _BLOCK, total)), side="right") - 1
            block = Stems(pieces.hashes[begin:end], pieces.owner[begin:end] - start, pieces.place[begin:end])
            # The first half of a piece is the second one of the piece before.
            again = np.where(first[text] < np.arange(start, start + len(text)), _HALF, 0)
            for found in self._windows(block, again, None if sought is None else sought[text]):
                piece = found.text
                before = (piece + start - first[text[piece]]) * _HALF
                yield Windows(text[piece], before + found.start, found.half, found.prompt)

    def _windows(
        self, stems: Stems, again: Numbers, sought: npt.NDArray[np.bool_] | None
    ) -> Iterator[Windows]:
        """Yield the windows of pieces, the texts here, except those in the first `again` words."""
        count = len(again)
        held = self._held(stems, count)
        owner, said = np.nonzero(held)
        piece, prompt = self.rare.reached(owner, said, count)
        if sought is not None:
            wanted = sought[piece, prompt]
            piece, prompt = piece[wanted], prompt[wanted]
        left = self._reach(held, piece, prompt)
        piece, prompt = piece[left], prompt[left]
        for half, lower in zip(_HALVES, (0, *_HALVES), strict=False):
            chosen = np.flatnonzero((self.widths[prompt] > lower) & (self.widths[prompt] <= half))
            if not len(chosen):
                continue
            smaller, first = in_pieces(stems, count, half)
            held = self._held(smaller, int(first[-1]))
            for start in range(0, len(chosen), _PAIRS):
                some = chosen[start : start + _PAIRS]
                yield self._near(held, first, again, (piece[some], prompt[some]), half)

    def _near(
        self,
        held: npt.NDArray[np.bool_],
        first: Numbers,
        again: Numbers,
        pairs: tuple[Numbers, Numbers],
        half: int,
    ) -> Windows:
        """Return the windows of pieces in which the words of the prompt stand near one another."""
        piece, prompt = pairs
        lengths = first[piece + 1] - first[piece]
        before = np.minimum(np.maximum(again[piece] // half - 1, 0), lengths)
        piece, prompt = np.repeat(piece, lengths - before), np.repeat(prompt, lengths - before)
        window = runs(first[pairs[0]] + before, lengths - before)
        left = self._reach(held, window, prompt)
        piece, window = piece[left], window[left]
        return Windows(piece, (window - first[piece]) * half, half, prompt[left])

    def _held(self, stems: Stems, count: int) -> npt.NDArray[np.bool_]:
        held = np.zeros((count, max(len(self.rare.keys), 1)), bool)
        held[stems.owner, stems.hashes] = True
        return held

    def _reach(self, held: npt.NDArray[np.bool_], piece: Numbers, prompt: Numbers) -> npt.NDArray[np.bool_]:
        """Tell for pairs of piece and prompt whether the words that are there reach enough."""
        lengths = self.starts[prompt + 1] - self.starts[prompt]
        places = runs(self.starts[prompt], lengths)
        there = held[np.repeat(piece, lengths), self.keys[places]]
        pair = np.repeat(np.arange(len(prompt)), lengths)
        total = np.bincount(pair, self.weights[places] * there, len(prompt))
        reach: npt.NDArray[np.bool_] = total >= self.enough[prompt]
        return reach


def word_sieve(
    words: Sequence[Mapping[str, int]],
    whole: Sequence[int],
    postings: Mapping[str, Sequence[tuple[int, int]]],
    enough: Sequence[int],
    widths: Sequence[int],
) -> WordSieve:
    """Return the sieve of prompts.

    Args:
        words: for each prompt, what its words say.
        whole: for each prompt, the least sum that a match has.
        postings: for each rarer word, the numbers of the prompts that have it with what it says there.
        enough: for each prompt, the least sum of rarer words that a match has.
        widths: for each prompt, how many words of a row it may be spread over.
    """
    known = dict.fromkeys(word for one in words for word in one)
    hashed = dict(zip(known, hashes(_first_halves([*known])).tolist(), strict=True))
    rare = sieve([(hashed[word], postings.get(word, ())) for word in known], enough)
    number = {key: at for at, key in enumerate(rare.keys.tolist())}
    return WordSieve(
        rare,
        np.cumsum([0, *map(len, words)]),
        np.array([number[hashed[word]] for one in words for word in one], np.int64),
        np.array([weight for one in words for weight in one.values()], np.float64),
        np.array(whole, np.float64) - 1e-6,
        np.array(widths, np.int64),
    )


def _first_halves(words: Sequence[str]) -> list[str]:
    """Return what has to be there for each word: of a number with a fraction the half before it."""
    return [word.split(".")[0] for word in words]
