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
from typing import Any, NamedTuple

import polars as pl

from decontam._evidence import Evidence, OfItem, OfRow, evidence, of_item, of_row, texts
from decontam._scan_words import WordSieve, word_sieve
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
    """

    prompts: list[_Prompt]
    threshold: float
    sieve: WordSieve
    numbers: dict[tuple[str, str], list[int]]


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
    words, whole, widths = (
        zip(*[(one.words, one.enough, one.width) for one in found], strict=True) if found else ((), (), ())
    )
    sought = word_sieve(words, whole, postings, enough, widths)
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, prompt in enumerate(found):
        numbers[prompt.benchmark, prompt.item].append(number)
    return Index(found, threshold, sought, dict(numbers))


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
        likely = index.sieve.likely([text for *_, text in rows])
    else:
        likely = [
            [number for item in sorted(sought.get(row, ())) for number in index.numbers.get(item, ())]
            for row, *_ in rows
        ]
    for (row, field, text), prompts in zip(rows, likely, strict=True):
        if not prompts:
            continue
        words = bare_stems(text)
        best: dict[int, tuple[float, int, int]] = {}
        for start in range(0, max(len(words) - PIECE // 2, 1), PIECE // 2):
            piece = words[start : start + PIECE]
            for number in _candidates(piece, index, prompts):
                value, first, last = _best_stretch(piece, index.prompts[number])
                if value >= index.threshold and value > best.get(number, (0.0,))[0]:
                    best[number] = value, start + first, start + last
        for number in sorted(best):
            value, first, last = best[number]
            prompt = index.prompts[number]
            where = f"{prompt.part}:{field}"
            measured = ("words", where, value, index.threshold)
            both = _of_row(text, first, last), _in_item(prompt, {*words[first : last + 1]})
            found.append((row, prompt.benchmark, prompt.item, *measured, *both[0], *both[1], None))
    return evidence(found)


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


def _candidates(words: Sequence[str], index: Index, likely: Sequence[int]) -> list[int]:
    """Return the prompts, of those that are likely, of which the words say enough, wherever they stand."""
    present, near = {*words}, {*_near(words)}
    return [number for number in likely if _reaches(present, near, index.prompts[number], index.threshold)]


def _reaches(present: Set[str], near: Set[Pair], prompt: _Prompt, threshold: float) -> bool:
    """Tell whether all words and pairs that are there would be enough in one stretch."""
    said = sum([prompt.words[word] for word in prompt.words.keys() & present])
    if said < prompt.enough:
        return False
    paired = sum([prompt.pairs[pair] for pair in prompt.pairs.keys() & near])
    return said + prompt.missing + min(paired, said / 2) >= threshold * prompt.scale - 1


def _best_stretch(words: Sequence[str], prompt: _Prompt) -> tuple[float, int, int]:
    """Return the highest value of a stretch, and its first and last word; the first of equal ones."""
    held: Counter[str] = Counter()
    near: Counter[Pair] = Counter()
    inside: dict[int, list[Pair]] = {}
    said = paired = oldest = 0
    best = (-math.inf, 0, 0)
    places = [at for at, word in enumerate(words) if word in prompt.words]
    for count, at in enumerate(places):
        while places[oldest] <= at - prompt.width:
            gone = words[places[oldest]]
            held[gone] -= 1
            said -= 0 if held[gone] else prompt.words[gone]
            for pair in inside[places[oldest]]:
                near[pair] -= 1
                paired -= 0 if near[pair] else prompt.pairs[pair]
            oldest += 1
        word = words[at]
        inside[at] = []
        held[word] += 1
        said += prompt.words[word] if held[word] == 1 else 0
        for earlier in places[max(oldest, count - NEAR) : count]:
            pair = (words[earlier], word) if words[earlier] < word else (word, words[earlier])
            if earlier >= at - NEAR and pair in prompt.pairs:
                inside[earlier].append(pair)
                near[pair] += 1
                paired += prompt.pairs[pair] if near[pair] == 1 else 0
        total = said + prompt.missing + min(paired, said / 2)
        if total > best[0]:
            best = (total, places[oldest], at)
    return min(max(best[0] / prompt.scale, 0.0), 1.0), best[1], best[2]


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
