"""Words of a prompt, in any order and form: finds text that people or models put into other words.

*Measure.* A prompt is the set of its words that say something (`decontam/_words.py`: stems, identifiers
split, numbers as digits, words for the same thing as one), with those of the function's name. How much more
likely is a stretch of a row if it was written after the item than if it is any text? In bits,

    L = sum over the item's words: log2(q / p) if the stretch has it, log2((1 - q) / (1 - p)) if not
    B = 4/3 bits for each pair of words that stand within 3 words of each other in both
    S = L + min(B, H / 2)                       value = S / (10 sqrt(max(M, 50 bits))), cut to 0 .. 1

* p is the chance that any text of that length has the word: half from the docstrings of Python's standard
  library, half from the other items of the benchmark; q = 0.8 that a reworded copy keeps it. Rare words say
  much, "list" and "return" little, and each word that is missing speaks against a copy.
* pairs that several items of the benchmark have count less, like n-grams in `ngrams`; H is what the words
  that are there say, so that no stack of common pairs makes a match.
* M is the most that S could be. Long items reach more bits by chance, short ones never enough.
* a prompt that goes on with notes or examples is sought as a whole and, as `task`, up to there.
* the stretch is as long as the prompt and 10 words, anywhere in the row: the one with the most.

*Threshold.* 0.35 on 3,922 labelled rows (`bench/decontam_recall.py`): above what the clean rows reach, except
pairs of tasks that differ in one word ("the smallest prime factor" for "the largest").

*Covered.* Synonyms, inflection, other order of words, docstrings reworded by a model above code in any
language. *Not covered.* Other natural languages, prompts of a few common words ("Add two numbers x and y"),
the same task told as a story.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from decontam._evidence import Evidence, OfItem, OfRow, evidence, of_item, of_row, texts
from decontam._scan import Numbers
from decontam._scan_words import Stems, WordSieve, word_sieve
from decontam._stretches import Prompts, Text, pair_numbers
from decontam._words import bare_stems, frequencies, stems
from decontam.benchmarks import Item

KEPT = 0.8
NEAR = 3
SPARE = 10
FLOOR = 50.0
_PAIR = 4 / 3
_FULL = 10.0
#: Rows are searched in pieces of this many words, which overlap by half; no stretch is longer than a half.
PIECE = 256
#: Share of the weight that makes a candidate which may be in words that are not counted.
SKIPPED = 0.7

Pair = tuple[str, str]

# Where a prompt goes on with examples and notes.
_ASIDE = re.compile(
    r"^\W*(?:for\s+)?(?:examples?|e\.g|notes?|inputs?|outputs?|constraints?|variables?|hints?|samples?)\b",
    re.IGNORECASE | re.MULTILINE,
)


class _Prompt(NamedTuple):
    """The words of one item. Weights are thousandths of bits: sums of integers are the same everywhere.

    words: what a word adds that is there, above what it takes away if it is not.
    missing: what all words take away if none is there.
    pairs: what a pair of near words adds.
    scale: what S is divided by.
    enough: of the sum of `words`, the least that can make a match.
    text: in which the words stand.
    """

    benchmark: str
    item: str
    part: str
    words: dict[str, int]
    missing: int
    pairs: dict[Pair, int]
    scale: float
    width: int
    enough: int
    text: str


class Index(NamedTuple):
    """The prompts of all items.

    sieve: finds the prompts of which a text may hold enough. The commonest words of a prompt are left out at
        first: they are in almost every row, and cost the most.
    numbers: by benchmark and item, those of its prompts.
    vocabulary: the words of all prompts, with their numbers.
    keys: of each word, the number of its key of the sieve.
    exact: the prompts as numbers of `vocabulary`.
    """

    prompts: list[_Prompt]
    threshold: float
    sieve: WordSieve
    numbers: dict[tuple[str, str], list[int]]
    vocabulary: dict[str, int]
    keys: Numbers
    exact: Prompts


def index(items: Sequence[Item], *, threshold: float = 0.35) -> Index:
    """Index the words of the items' prompts; items of several benchmarks may come together.

    Args:
        items: the benchmark items. Weights are computed inside each benchmark.
        threshold: the least value that is a match, 0 to 1.
    """
    groups: dict[str, list[tuple[Item, dict[str, list[str]]]]] = defaultdict(list)
    for item in items:
        groups[item.benchmark].append((item, _parts(item)))
    found = [prompt for group in groups.values() for prompt in _prompts(group, threshold)]
    holders = Counter(word for prompt in found for word in prompt.words)
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    enough = []
    for number, prompt in enumerate(found):
        skipped = 0
        for word in sorted(prompt.words, key=lambda word: (-holders[word], word)):
            weight = prompt.words[word]
            if skipped + weight <= SKIPPED * prompt.enough:
                skipped += weight
            else:
                postings[word].append((number, weight))
        enough.append(prompt.enough - skipped)
    words, whole, widths = [[getattr(one, name) for one in found] for name in ("words", "enough", "width")]
    sought = word_sieve(words, whole, postings, enough, widths)
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, prompt in enumerate(found):
        numbers[prompt.benchmark, prompt.item].append(number)
    vocabulary = {word: number for number, word in enumerate(sorted(holders))}
    return Index(
        found,
        threshold,
        sought,
        dict(numbers),
        vocabulary,
        sought.keys_of([*vocabulary]),
        _exact(found, vocabulary, threshold),
    )


def _exact(found: Sequence[_Prompt], vocabulary: Mapping[str, int], threshold: float) -> Prompts:
    """Return the prompts as numbers."""
    pairs = [
        (number, vocabulary[one], vocabulary[other], weight)
        for number, prompt in enumerate(found)
        for (one, other), weight in prompt.pairs.items()
    ]
    of, one, other, paired = np.array(pairs, np.int64).reshape(-1, 4).T
    numbers = pair_numbers(len(vocabulary), of, one, other)
    order = np.argsort(numbers)
    return Prompts(
        known=len(vocabulary),
        starts=np.cumsum([0, *(len(prompt.words) for prompt in found)]),
        words=np.array([vocabulary[word] for prompt in found for word in prompt.words], np.int64),
        weights=np.array([weight for prompt in found for weight in prompt.words.values()], np.int64),
        pairs=np.append(numbers[order], np.iinfo(np.int64).max),
        paired=np.append(paired[order], 0),
        missing=np.array([prompt.missing for prompt in found], np.int64),
        widths=np.array([prompt.width for prompt in found], np.int64),
        # One is for rounding: what reaches it is divided as it was before.
        enough=np.array([threshold * prompt.scale - 1 for prompt in found], np.float64),
    )


def matches(
    frame: pl.DataFrame, index: Index, sought: Mapping[str, Set[tuple[str, str]]] | None = None
) -> pl.DataFrame:
    """Return one row of evidence for each item whose words a stretch of a row's text has.

    Args:
        frame: the rows.
        index: the items.
        sought: by row, the items that are looked for, as benchmark and item; all of them for None.
    """
    found: list[Evidence] = []
    rows = [*texts(frame)]
    if sought is None:
        passed = index.sieve.passes([text for *_, text in rows])
    else:
        passed = np.array([bool(sought.get(row)) for row, *_ in rows], bool)
    likely = [*compress(rows, passed)]
    for (row, field, text), best in zip(likely, _best_stretches(likely, index, sought), strict=True):
        words = bare_stems(text) if best else []
        for number, (value, first, last) in sorted(best.items()):
            prompt = index.prompts[number]
            where = f"{prompt.part}:{field}"
            measured = ("words", where, value, index.threshold)
            both = _of_row(text, first, last), _in_item(prompt, {*words[first : last + 1]})
            found.append((row, prompt.benchmark, prompt.item, *measured, *both[0], *both[1], None))
    return evidence(found)


def _best_stretches(
    rows: Sequence[tuple[str, str, str]], index: Index, sought: Mapping[str, Set[tuple[str, str]]] | None
) -> list[dict[int, tuple[float, int, int]]]:
    """Return for each text the prompts of which a stretch says enough: the value, the first and last word.

    Of stretches of equal value the one is taken that ends first, but a longer one in the same `PIECE` words.
    """
    best: list[dict[int, tuple[float, int, float, int, int]]] = [{} for _ in rows]
    words, owner, place, offsets = _words_of([text for *_, text in rows], index.vocabulary)
    keys = Stems(index.keys[words].astype(np.uint64), owner, place)
    text = Text(words, place + offsets[owner], offsets)
    for windows in index.sieve.windows(keys, len(rows), _sought_by(rows, index, sought)):
        for some in index.exact.stretches(text, windows, NEAR):
            for of, number, total, first, last in zip(*(one.tolist() for one in some), strict=True):
                value = min(total / index.prompts[number].scale, 1.0)
                if value >= index.threshold:
                    one = -value, max(last // (PIECE // 2) - 1, 0), -total, last, first
                    best[of][number] = min(one, best[of].get(number, one))
    return [{number: (-one[0], one[4], one[3]) for number, one in own.items()} for own in best]


def _words_of(
    texts: Sequence[str], vocabulary: Mapping[str, int]
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return the words that prompts have: their numbers, texts and places; and each text's offset."""
    found: list[Numbers] = [np.zeros(0, np.int64)]
    offsets, whole = [], 0
    for text in texts:
        found.append(np.array([vocabulary.get(word, -1) for word in bare_stems(text)], np.int64))
        offsets.append(whole)
        whole += len(found[-1]) + PIECE
    place = np.concatenate([np.arange(len(words)) for words in found])
    words, owner = np.concatenate(found), np.repeat(np.arange(len(texts)), [len(one) for one in found[1:]])
    known = words >= 0
    return words[known], owner[known], place[known], np.array(offsets, np.int64)


def _sought_by(
    rows: Sequence[tuple[str, str, str]], index: Index, sought: Mapping[str, Set[tuple[str, str]]] | None
) -> npt.NDArray[np.bool_] | None:
    """Return of each text which prompts are looked for; None for all of them."""
    if sought is None:
        return None
    wanted = np.zeros((len(rows), len(index.prompts)), bool)
    for number, (row, *_) in enumerate(rows):
        for item in sought[row]:
            wanted[number, index.numbers.get(item, [])] = True
    return wanted


def _task(prompt: str) -> str:
    """Return a prompt up to where it goes on with examples and notes; nothing if it does not."""
    aside = _ASIDE.search(prompt)
    return prompt[: aside.start()] if aside else ""


def _parts(item: Item) -> dict[str, list[str]]:
    """Return the words of the whole prompt, and of the task alone where the prompt goes on after it."""
    found = {"prompt": bare_stems(item.prompt), "task": bare_stems(_task(item.prompt))}
    name = bare_stems(item.entry_point)
    return {part: name + words for part, words in found.items() if words}


def _prompts(group: Sequence[tuple[Item, dict[str, list[str]]]], threshold: float) -> Iterator[_Prompt]:
    usual = frequencies()
    counts = Counter(word for _, parts in group for word in parts.get("prompt", ()))
    holders = Counter(pair for _, parts in group for pair in {*_near(parts.get("prompt", ()))})
    for item, parts in group:
        own = Counter(parts.get("prompt", ()))
        for part, words in parts.items():
            width = min(len(words) + SPARE, PIECE // 2)
            chances = {}
            for word in dict.fromkeys(words):  # in an order that no hash decides
                others = (counts[word] - own[word] + 0.5) / counts.total()
                chances[word] = 1 - (1 - (usual.get(word, usual["*"]) + others) / 2) ** width
            pairs = {pair: _PAIR * _rarity(holders[pair], len(group)) for pair in dict.fromkeys(_near(words))}
            text = _task(item.prompt) if part == "task" else item.prompt
            name = (item.benchmark, item.task_id, part)
            yield _prompt(name, chances, pairs, width, threshold)._replace(text=text)


def _rarity(count: int, of: int) -> float:
    """Return 1 for what one of the items has, less for what several have."""
    return math.log(1 + of / max(count, 1)) / math.log(1 + of)


def _prompt(
    name: tuple[str, str, str],
    chances: dict[str, float],
    pairs: dict[Pair, float],
    width: int,
    threshold: float,
) -> _Prompt:
    here = {word: max(math.log2(KEPT / chance), 0.0) for word, chance in chances.items()}
    gone = {word: math.log2((1 - KEPT) / (1 - chances[word])) if bits else 0.0 for word, bits in here.items()}
    most = sum(here.values()) + min(sum(pairs.values()), sum(here.values()) / 2)
    scale, missing = _FULL * math.sqrt(max(most, FLOOR)), sum(gone.values())
    return _Prompt(
        *name,
        {word: round(1000 * (bits - gone[word])) for word, bits in here.items()},
        round(1000 * missing),
        {pair: round(1000 * bits) for pair, bits in pairs.items()},
        1000 * scale,
        width,
        # S is at most L and half of H, and H is what the words add. One is for each rounding.
        math.floor(1000 * (threshold * scale - missing) / 1.5) - len(here) - 1,
        "",
    )


def _near(words: Sequence[str]) -> Iterator[Pair]:
    """Yield the pairs of different words that stand within `NEAR` words, in alphabetical order."""
    for at, word in enumerate(words):
        for other in words[at + 1 : at + 1 + NEAR]:
            if word != other:
                yield (word, other) if word < other else (other, word)


@lru_cache(maxsize=1)
def _stems_of(text: str) -> list[Any]:
    """Return `stems(text)`; a text that holds a whole benchmark has hundreds of excerpts."""
    return list(stems(text))


def _of_row(text: str, first: int, last: int) -> OfRow:
    spans = _stems_of(text)
    return of_row(text, spans[first][1], spans[last][2])


def _in_item(prompt: _Prompt, held: Set[str]) -> OfItem:
    """Return the piece of the prompt that has the words of a row's stretch."""
    there = [(start, end) for stem, start, end in stems(prompt.text) if stem in held]
    return of_item("prompt", prompt.text, there)
