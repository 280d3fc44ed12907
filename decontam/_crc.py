"""CRC-32 of every shingle of many texts, in one pass of numpy.

A CRC is linear over GF(2): it is the sum (xor) of what each byte adds at its distance from the end, and a
constant for the length. So all bytes of a batch are summed once, as they count at the end of a block, and a
shingle is the difference of two such sums, moved from there to its own end by a table (1 MB). No shingle is
ever a string. One that is longer than a block goes through zlib.

The result is `zlib.crc32(" ".join(shingle).encode())`, bit for bit.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decontam._scan import KIND, SPACE, WORD, runs
from decontam._text import tokens as tokens_of

Crcs = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]

#: Bytes of a block, which is the most of a run of tokens with their spaces.
_BLOCK = 128
#: Bytes of a batch, as a rule; few are larger.
_USUAL = 1 << 20

_KINDS = KIND.tobytes().ljust(256, b"\0")


class Tokens(NamedTuple):
    """The tokens of several texts.

    Args:
        content: the tokens in UTF-8, one after the other, each behind one space.
        lengths: bytes of each token with its space.
        counts: tokens of each text.
    """

    content: npt.NDArray[np.uint8]
    lengths: Numbers
    counts: Numbers


def of_words(texts: Sequence[Sequence[str]]) -> Tokens:
    """Return the tokens of texts that are cut already; a token may hold any characters."""
    counts = np.fromiter(map(len, texts), np.int64, len(texts))
    words = [*chain.from_iterable(texts)]
    lengths = np.fromiter(map(len, words), np.int64, len(words)) + 1
    joined = " ".join(["", *words])
    content = np.frombuffer(joined.encode(), np.uint8)
    if not joined.isascii():
        firsts = np.append(np.flatnonzero((content & 0xC0) != 0x80), len(content))  # of each character
        lengths = np.diff(firsts[np.cumsum(lengths)], prepend=0)
    return Tokens(content, lengths, counts)


def of_texts(texts: Sequence[str]) -> Tokens:
    """Return the tokens of texts as `_text.tokens` cuts them; those of ASCII are cut in numpy."""
    plain = [text.isascii() for text in texts]
    if all(plain):
        return _of_ascii(texts)
    wide = of_words([tokens_of(text) for text in texts if not text.isascii()])
    parts = (_by_text(wide), _by_text(_of_ascii([text for text in texts if text.isascii()])))
    return Tokens(*(np.concatenate(one) for one in zip(*(next(parts[one]) for one in plain), strict=True)))


def _by_text(found: Tokens) -> Iterator[Tokens]:
    """The tokens of each text by itself."""
    bounds = np.append(0, np.cumsum(found.lengths))
    first = 0
    for counts in found.counts.reshape(-1, 1):
        last = first + int(counts[0])
        yield Tokens(found.content[bounds[first] : bounds[last]], found.lengths[first:last], counts)
        first = last


def _of_ascii(texts: Sequence[str]) -> Tokens:
    # A line break at both ends, so that every token has a byte before it and one behind.
    joined = "\n".join(["", *texts, ""]).replace(">>>", "   ").lower()
    encoded = joined.encode()
    codes = np.frombuffer(encoded, np.uint8)
    kinds = np.frombuffer(encoded.translate(_KINDS), np.uint8)
    within = (kinds[1:] == WORD) & (kinds[:-1] == WORD)  # the byte goes on with the token before it
    begins, ends = kinds != SPACE, kinds != SPACE
    stays = begins.copy()
    begins[1:] &= ~within
    ends[:-1] &= ~within
    starts = np.flatnonzero(begins)
    limits = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    counts = np.diff(np.searchsorted(starts, limits), prepend=0)
    # Each byte behind a space: a byte of a token stays, and so does the space before a token's first one.
    spaced = _paired(np.full_like(codes, ord(" ")), codes)
    chosen = np.flatnonzero(_paired(begins.view(np.uint8), stays.view(np.uint8)).view(np.bool_))
    return Tokens(spaced.take(chosen, mode="wrap"), np.flatnonzero(ends) - starts + 2, counts)


def _paired(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The bytes of two arrays by turns; sixteen bits at a time, for speed."""
    pairs = second.astype("<u2")
    pairs <<= 8
    pairs |= first
    return pairs.view(np.uint8)


def of_shingles(found: Tokens, n: int) -> tuple[Crcs, Numbers]:
    """Return the CRC-32 of every run of `n` tokens, text by text, and how many each text has.

    A text of fewer tokens is one shingle; one without tokens has none.
    """
    counts = np.maximum(found.counts - n + 1, np.minimum(found.counts, 1))
    firsts = runs(np.cumsum(found.counts) - found.counts, counts)
    bounds = np.append(0, np.cumsum(found.lengths))
    crcs = _of_runs(found.content, bounds, n).take(firsts, mode="clip") if len(bounds) > n else _NONE
    if found.counts.min(initial=n) < n or (bounds[n:] - bounds[:-n]).max(initial=0) > _BLOCK:
        lasts = firsts + np.repeat(np.minimum(found.counts, n), counts)
        odd = np.flatnonzero((bounds[lasts] - bounds[firsts] > _BLOCK) | (lasts - firsts < n))
        crcs = np.resize(crcs, len(firsts))
        content = found.content.tobytes()
        for number in odd.tolist():
            crcs[number] = zlib.crc32(content[bounds[firsts[number]] + 1 : bounds[lasts[number]]])
    return crcs, counts


_NONE = np.zeros(0, np.uint32)


def _of_runs(content: npt.NDArray[np.uint8], bounds: Numbers, n: int) -> Crcs:
    """The CRC-32 of every run of `n` tokens, also over the ends of texts; of more than a block it is wrong.

    The bytes are in blocks. The sums `near` and `far` go from the first byte to each token's start, with the
    bytes as they count at the end of their own block and of the next one.
    """
    sums = np.zeros(len(content) + 1, np.uint64)
    added = _added().take(_distances(len(content)) + content, mode="wrap")
    np.bitwise_xor.accumulate(added, out=sums[1:])
    near, far = _halves(sums[_BLOCK::_BLOCK])
    turn = np.append(near ^ far, np.uint32(0))  # from one sum to the other, at the end of each block
    near, far = _halves(sums[bounds])
    start, end = bounds[:-n], bounds[n:]
    block = start // _BLOCK
    within = (block + 1) * _BLOCK - end
    crosses = within < 0
    summed = far[:-n] ^ np.where(crosses, near[n:] ^ turn.take(block, mode="clip"), far[n:])
    left = within + _BLOCK  # bytes from the end of the run to that of the next block
    return _shifted_back(summed, left) ^ _framed().take(end - start, mode="clip")


def _halves(sums: npt.NDArray[np.uint64]) -> tuple[Crcs, Crcs]:
    """The sums at the end of a byte's own block, and at that of the next one."""
    return sums.astype(np.uint32), (sums >> np.uint64(32)).astype(np.uint32)


@cache
def _added() -> npt.NDArray[np.uint64]:
    """At 256 * d + b: what byte b adds at distance d, and in the upper half at distance d + _BLOCK."""
    table = _shifts()[:, :256].astype(np.uint64)
    near = table[: _BLOCK + 1]
    return (near | (table[_BLOCK:] << np.uint64(32))).ravel()


def _distances(size: int) -> Numbers:
    """Of each of `size` bytes, 256 times its distance from the end of its block, 1 to _BLOCK."""
    return _usual_distances()[:size] if size <= _USUAL else _distances_of(size)


@cache
def _usual_distances() -> Numbers:
    return _distances_of(_USUAL)


def _distances_of(size: int) -> Numbers:
    return (_BLOCK - np.arange(size, dtype=np.int64) % _BLOCK) * 256


def _shifted_back(crcs: Crcs, lengths: Numbers) -> Crcs:
    """The CRCs without that many zero bytes behind them; `lengths` may change."""
    table = _shifts_back().ravel()
    at = np.clip(lengths, 0, 2 * _BLOCK)
    at *= 1024
    parts = crcs.view(np.uint8).reshape(-1, 4)
    found = table.take(at + parts[:, 0], mode="wrap")
    for place in (1, 2, 3):
        at += 256
        found ^= table.take(at + parts[:, place], mode="wrap")
    return found


def _step() -> Crcs:
    """By byte, what a CRC register that holds it alone is after a zero byte."""
    return np.array([zlib.crc32(bytes([b])) ^ zlib.crc32(b"\0") for b in range(256)], np.uint32)


def _repeated(once: Callable[[Crcs], Crcs]) -> Crcs:
    """At [k, 256 * i + b]: a CRC register with b as its byte i and all else 0, changed k times."""
    table = np.empty((2 * _BLOCK + 1, 1024), np.uint32)
    table[0] = (np.arange(256, dtype=np.uint32) << np.arange(0, 32, 8, dtype=np.uint32)[:, None]).ravel()
    for k in range(2 * _BLOCK):
        table[k + 1] = once(table[k])
    return table


@cache
def _shifts() -> Crcs:
    """What registers are after k zero bytes; see `_repeated`."""
    step = _step()
    return _repeated(lambda crcs: step[crcs & 255] ^ (crcs >> 8))


@cache
def _shifts_back() -> Crcs:
    """What registers were before k zero bytes; see `_repeated`."""
    step = _step()
    byte = np.argsort(step >> 24).astype(np.uint32)  # which byte was shifted out, by the first byte now
    return _repeated(lambda crcs: ((crcs ^ step[byte[crcs >> 24]]) << 8) | byte[crcs >> 24])


@cache
def _framed() -> Crcs:
    """By bytes of a run: what its CRC is beyond the sum, and its first space, which the CRC does not have."""
    lengths = range(1, _BLOCK + 1)
    return np.array([0, *(zlib.crc32(bytes(k - 1)) ^ int(_shifts()[k, 32]) for k in lengths)], np.uint32)
