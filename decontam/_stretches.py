"""Which stretch of a text says most of a prompt, for many windows at once; see `detectors/words.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decontam._scan import Numbers, runs
from decontam._scan_words import Windows

#: Windows that are looked at together: memory stays in bounds.
_TOGETHER = 2048
#: More than any place in a window, and than the end of what begins there.
_PLACES = 1 << 10

Floats = npt.NDArray[np.float64]


class Text(NamedTuple):
    """The words of several texts that some prompt has.

    Args:
        words: their numbers.
        places: how many words stand before each one in all texts, ascending; between two texts there are
            more places than in a window.
        offsets: of each text, the place of its first word.
    """

    words: Numbers
    places: Numbers
    offsets: Numbers


class Stretches(NamedTuple):
    """Stretches that may say enough of a prompt, each by its last word.

    Args:
        text: of each, the number of the text.
        prompt: the number of the prompt.
        total: what it says, in thousandths of bits.
        first: how many words of the text stand before its first one.
        last: how many stand before its last one.
    """

    text: Numbers
    prompt: Numbers
    total: Floats
    first: Numbers
    last: Numbers


class _Held(NamedTuple):
    """Words of prompts in windows, by window and place.

    Args:
        window: for each, the number of its window.
        word: its number.
        place: how many words of the window stand before it.
        first: the place of the first word of the stretch that ends with it.
        said: what the words of that stretch say.
    """

    window: Numbers
    word: Numbers
    place: Numbers
    first: Numbers
    said: Numbers


class Prompts(NamedTuple):
    """The words of prompts as numbers; weights are thousandths of bits.

    Args:
        known: how many words there are.
        starts: where the words of each prompt begin; one more than there are prompts.
        words: of the prompts.
        weights: what each says there.
        pairs: the pairs of near words, as `pair_numbers` gives them, ascending; the last is none.
        paired: what each pair says.
        missing: for each prompt, what all its words take away if none is there.
        widths: for each prompt, the most words of a stretch; more than a pair is wide.
        enough: for each prompt, the least that a match says, or a little less.
    """

    known: int
    starts: Numbers
    words: Numbers
    weights: Numbers
    pairs: Numbers
    paired: Numbers
    missing: Numbers
    widths: Numbers
    enough: Floats

    def stretches(self, text: Text, windows: Windows, near: int) -> Iterator[Stretches]:
        """Yield what may be enough; a stretch ends in the second half of a window, or in a text's first one.

        Args:
            text: the words.
            windows: where to look.
            near: how many words apart those of a pair are at most.
        """
        order = np.argsort(windows.prompt, kind="stable")
        for start in range(0, len(order), _TOGETHER):
            some = order[start : start + _TOGETHER]
            own = Windows(windows.text[some], windows.start[some], windows.half, windows.prompt[some])
            yield self._stretches(text, own, near)

    def _stretches(self, text: Text, windows: Windows, near: int) -> Stretches:
        prompt = windows.prompt
        held = self._held(text, windows.start + text.offsets[windows.text], prompt, 2 * windows.half)
        new = (held.place >= windows.half) | (windows.start[held.window] == 0)
        missing, enough = self.missing[prompt], self.enough[prompt]
        # Pairs add no more than half of what the words say.
        may = new & (1.5 * held.said + missing[held.window] >= enough[held.window])
        likely = np.zeros(len(prompt), bool)
        likely[held.window[may]] = True
        chosen = likely[held.window]
        held, may = _Held(*(values[chosen] for values in held)), may[chosen]
        bonus: Floats = np.minimum(self._paired(held, prompt, near), held.said / 2)
        total: Floats = held.said + missing[held.window] + bonus
        kept = np.flatnonzero(may & (total >= enough[held.window]))
        window = held.window[kept]
        return Stretches(
            windows.text[window],
            prompt[window],
            total[kept],
            held.first[kept] + windows.start[window],
            held.place[kept] + windows.start[window],
        )

    def _held(self, text: Text, start: Numbers, prompt: Numbers, size: int) -> _Held:
        """Return the words of the prompts in their windows."""
        own, row = np.unique(prompt, return_inverse=True)
        lengths = self.starts[own + 1] - self.starts[own]
        said = runs(self.starts[own], lengths)
        table = np.full((len(own), self.known), -1, np.int64)
        table[np.repeat(np.arange(len(own)), lengths), self.words[said]] = self.weights[said]
        begin = np.searchsorted(text.places, start)
        lengths = np.searchsorted(text.places, start + size) - begin
        at, window = runs(begin, lengths), np.repeat(np.arange(len(start)), lengths)
        weight = table[row[window], text.words[at]]
        there = weight >= 0
        at, window, weight = at[there], window[there], weight[there]
        word, place = text.words[at], text.places[at] - start[window]
        ends = place + self.widths[prompt][window]
        said = _sums(window, window * self.known + word, place, ends, weight, (window, place))
        where = _where(window, place)
        oldest = np.searchsorted(where, _where(window, place - self.widths[prompt][window]), side="right")
        return _Held(window, word, place, place[oldest], said)

    def _paired(self, held: _Held, prompt: Numbers, near: int) -> Numbers:
        """Return what the pairs of near words say in the stretch that ends with each word."""
        found: list[tuple[Numbers, Numbers, Numbers]] = []
        for before in range(1, near + 1):
            one = np.arange(max(len(held.window) - before, 0))
            beside = held.window[one] == held.window[one + before]
            one = one[beside & (held.place[one + before] - held.place[one] <= near)]
            number = pair_numbers(
                self.known, prompt[held.window[one]], held.word[one], held.word[one + before]
            )
            at = np.searchsorted(self.pairs[:-1], number)
            known = self.pairs[at] == number
            found.append((at[known], one[known], one[known] + before))
        pair, one, other = map(np.concatenate, zip(*found, strict=True))
        window = held.window[one]
        ends = held.place[one] + self.widths[prompt[window]]
        group = window * len(self.pairs) + pair
        return _sums(window, group, held.place[other], ends, self.paired[pair], (held.window, held.place))


def pair_numbers(known: int, prompt: Numbers, one: Numbers, other: Numbers) -> Numbers:
    """Return the numbers of pairs of words of prompts, in whatever order the two words come."""
    found: Numbers = (prompt * known + np.minimum(one, other)) * known + np.maximum(one, other)
    return found


def _where(window: Numbers, place: Numbers) -> Numbers:
    """Return numbers that sort by window, then by place."""
    found: Numbers = window * _PLACES + place
    return found


def _sums(
    window: Numbers,
    group: Numbers,
    begin: Numbers,
    end: Numbers,
    weight: Numbers,
    asked: tuple[Numbers, Numbers],
) -> Numbers:
    """Return what is there at places of windows; what belongs to one group counts once.

    Args:
        window: of each interval, the number of its window.
        group: to which group it belongs; one group has one window and one weight.
        begin: the first place at which it counts.
        end: the place from which on it does not.
        weight: what its group says.
        asked: windows and places.
    """
    order = np.lexsort((begin, group))
    window, group, begin, end, weight = (one[order] for one in (window, group, begin, end, weight))
    new = np.ones(len(group), bool)
    new[1:] = group[1:] != group[:-1]
    # The latest end of the intervals of the group so far: ends of a later group are higher here.
    shift = np.cumsum(new) * _PLACES
    latest = np.maximum.accumulate(end + shift) - shift
    new[1:] |= begin[1:] >= latest[:-1]
    last = np.append(new[1:], True)[: len(new)]
    places = np.concatenate([_where(window[new], begin[new]), _where(window[last], latest[last])])
    changes = np.concatenate([weight[new], -weight[last]])
    order = np.argsort(places)
    total = np.concatenate([[0], np.cumsum(changes[order])])
    found: Numbers = total[np.searchsorted(places[order], _where(*asked), side="right")]
    return found
