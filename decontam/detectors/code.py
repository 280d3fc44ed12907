"""What a benchmark item's solution does: finds it renamed, restructured, in a class, or in another language.

*Measure.* Code is taken apart into features (`_code_features.py`): each operation with its operands, in two
depths, with the names of variables left out, and the paths of loops, branches and returns. Order, layout,
names, and ways of saying the same thing do not change them. Python's come from its syntax tree, those of
C, C++, Java, JavaScript, TypeScript, Go, Rust and broken Python from one tolerant reader: the same ones.
A row's functions are compared one by one, and all of a piece of code together. With the bits of what an
item (I), a row's function (F) and both have,

    value = 2 S / (I + F) * S / (S + 10)            S: bits in both                    0 <= value < 1

* A feature's bits are log2(1 / p) - 1, at least 0 and at most 8; half for the deeper ones, which follow from
  the others. p is the share of functions that have it: of the standard library's, of a textbook's exercises
  (`bench/common_code.py` makes the table), or of the benchmark's other items, whichever is most.
  So `for`, `len` and `return` say nothing, and `return x + y` is no match however equal it is.
* A function that is as much like a textbook exercise as like the item is the exercise: half its value.
* The second factor is the item's specificity: what both have must say something at all. An item of less than
  20 bits is never matched in Python.
* In other languages S + 20 takes the place of S + 10. There a function's name counts as well: if it has all
  words of the item's (`hasCloseElements`, `has_close_elements`), these are in both, 3 bits for each letter
  of words that no textbook uses, at most 40, and at most as much as is found without.

*Thresholds.* Tuned on 3,922 rows labelled for HumanEval (`bench/decontam_recall.py`). On the half of the rows
  on which they were not set (30 splits by task) 96 % of renamed and 92 % of restructured solutions are
  found, 58 % of other languages' code alone, with 0.1 % false positives; since then functions of other
  languages are compared one by one, which finds a few more. One clean row is
  flagged, a search for two numbers of sum zero (HumanEval/43).

*Covered.* Renamed, reformatted, reordered code, `for` and comprehension, flipped comparisons, half of a
solution, methods, translations that keep the algorithm. *Not covered.* Another algorithm for the
same task (`behaviour` finds these), helpers that are pulled out or inlined, code that is computed.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from decontam._evidence import Evidence, evidence, of_item, of_row, texts
from decontam._inputs import program_of
from decontam._scan import runs
from decontam.benchmarks import Item
from decontam.detectors._code_pieces import Unit, units

#: By what the row's code is: a match of Python, or of any other language.
THRESHOLDS: Mapping[str, float] = {"python": 0.67, "other": 0.25}
#: The bits at which a value is half of what it would be if any number of bits were enough.
SPECIFIC: Mapping[str, float] = {"python": 10.0, "other": 20.0}
#: Bits are kept in whole hundredths: sums of integers are the same in any order and on any machine.
_BIT = 100
_RAREST = 8 * _BIT
#: The most bits that the words of a name are worth.
_MOST_NAMED = 40
#: Items of which the features are counted, besides those that there are: a small benchmark says little.
_OTHERS = 50
#: Features of which the bits are looked up once.
_REMEMBERED = 200_000
#: Functions that are compared together: memory stays in bounds.
_TOGETHER = 64
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


class _Solution(NamedTuple):
    """The solution of an item: the bits of its features, the words of its name with theirs, its text."""

    benchmark: str
    item: str
    mass: int
    words: frozenset[str]
    named: int
    text: str


class Index(NamedTuple):
    """The solutions of all items that have code.

    Args:
        solutions: by number.
        masses: of the solutions, in hundredths of a bit.
        benchmarks: for each solution, the number of its benchmark.
        vocabulary: the number of each feature.
        starts: where the postings of each feature begin; one more than there are features.
        holders: the postings: numbers of solutions.
        weights: the postings: the feature's bits there.
        less: for each feature and benchmark, by how much it counts less there than in all code.
        named: for the longest word of a name, the solutions of which the name is worth something.
        specific: by what a row's code is, the bits at which the second factor is a half.
        thresholds: by what a row's code is.
    """

    solutions: list[_Solution]
    masses: np.ndarray
    benchmarks: np.ndarray
    vocabulary: dict[str, int]
    starts: np.ndarray
    holders: np.ndarray
    weights: np.ndarray
    less: np.ndarray
    named: dict[str, list[int]]
    specific: Mapping[str, float]
    thresholds: Mapping[str, float]


def index(
    items: Sequence[Item],
    *,
    specific: Mapping[str, float] = SPECIFIC,
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> Index:
    """Index the reference solutions of the items; items of several benchmarks may come together.

    Args:
        items: the benchmark items; their solutions may be in any of the languages.
        specific: the bits at which the second factor is a half, for Python and for other languages.
        thresholds: the least value that is a match, 0 to 1, for each of the two.
    """
    members: dict[str, list[tuple[Item, frozenset[str]]]] = defaultdict(list)
    for item in items:
        found = [unit.features for unit in units(program_of(item))]
        if found:
            members[item.benchmark].append((item, frozenset[str]().union(*found)))
    solutions: list[_Solution] = []
    numbers: list[int] = []
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    less: dict[str, dict[int, int]] = defaultdict(dict)
    for benchmark, pairs in enumerate(members.values()):
        weights = _weights([features for _, features in pairs])
        for feature, weight in weights.items():
            less[feature][benchmark] = _common(feature) - weight
        for item, features in pairs:
            for feature in features:
                if weights[feature]:
                    postings[feature].append((len(solutions), weights[feature]))
            solutions.append(_solution(item, sum(weights[feature] for feature in features)))
            numbers.append(benchmark)
    vocabulary = {feature: number for number, feature in enumerate(sorted(less))}
    flat = [posting for feature in vocabulary for posting in postings[feature]]
    table = np.zeros((len(vocabulary), max(1, len(members))))
    for feature, number in vocabulary.items():
        for benchmark, bits in less[feature].items():
            table[number, benchmark] = bits
    return Index(
        solutions,
        np.array([one.mass for one in solutions], float),
        np.array(numbers, np.int64),
        vocabulary,
        np.cumsum([0, *(len(postings[feature]) for feature in vocabulary)]),
        np.array([number for number, _ in flat], np.int64),
        np.array([weight for _, weight in flat], float),
        table,
        _by_word(solutions),
        specific,
        thresholds,
    )


def matches(frame: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Return one row of evidence for each item whose solution a row's text holds, in the rows' order.

    The excerpt is the beginning of the function that is most like it.
    """
    rows = [*texts(frame)]
    found = ((number, unit) for number, (*_, text) in enumerate(rows) for unit in units(text))
    best: dict[tuple[int, int], tuple[float, float, float, int, int]] = {}
    while some := [*islice(found, _TOGETHER)]:
        for (row, unit), values in zip(some, _values([unit for _, unit in some], index), strict=True):
            threshold = index.thresholds[_kind(unit)]
            for number, value in values.items():
                surplus = value / threshold if threshold else math.inf
                best[row, number] = max(
                    best.get((row, number), (0.0, 0.0, 0.0, 0, 0)),
                    (surplus, value, threshold, -unit.start, -unit.end),
                )
    return evidence([_evidence(*rows[row], index.solutions[of], best[row, of]) for row, of in sorted(best)])


def _evidence(
    row: str, field: str, text: str, of: _Solution, best: tuple[float, float, float, int, int]
) -> Evidence:
    _, value, threshold, start, end = best
    measured = ("code", f"solution:{field}", value, threshold)
    whole = of_item("solution", of.text, [(0, len(of.text))])
    return row, of.benchmark, of.item, *measured, *of_row(text, -start, -end), *whole, None


def _kind(unit: Unit) -> str:
    return "other" if unit.other else "python"


def _values(units: Sequence[Unit], index: Index) -> list[dict[int, float]]:
    """Return for each function the solutions of which it reaches the threshold, with the values."""
    found: list[dict[int, float]] = [{} for _ in units]
    weighed = [one for at, unit in enumerate(units) if (one := _weighed(at, unit, index))]
    if not weighed:
        return found
    shared, own, likely = _shared(weighed, index)
    for at, one in enumerate(weighed):
        exercise: float | None = None
        for number in sorted(one.named.union(np.flatnonzero(likely[at]).tolist())):
            of = index.solutions[number]
            both, rest = int(shared[at, number]), int(own[at, index.benchmarks[number]])
            unnamed = _likeness(both, of.mass, rest, one.specific)
            bits = min(of.named, both) if number in one.named else 0
            value = _likeness(both + bits, of.mass + bits, rest + bits, one.specific)
            if value < one.least:
                continue
            unit = units[one.at]
            exercise = _like_an_exercise(unit.features, one.specific) if exercise is None else exercise
            is_exercise = exercise >= value or exercise >= max(unnamed, THRESHOLDS[_kind(unit)])
            value = value / 2 if is_exercise else value
            if value >= one.least:
                found[one.at][number] = value
    return found


class _Weighed(NamedTuple):
    """A function that may be like a solution.

    Args:
        at: its number.
        total: the bits of all its features.
        known: the numbers of those that some solution has.
        named: the solutions of which one of its names holds all words.
        specific: the bits at which the second factor is a half.
        least: the least value that is a match.
    """

    at: int
    total: int
    known: list[int]
    named: set[int]
    specific: float
    least: float


def _weighed(at: int, unit: Unit, index: Index) -> _Weighed | None:
    """Return what a function says, if it may be enough for a match."""
    least, specific = index.thresholds[_kind(unit)], index.specific[_kind(unit)] * _BIT
    total, familiar, known = _known(unit.features, index)
    if not known:
        return None
    # No more than what any solution has can be in both, and as many bits again by name.
    named = _named(unit.names, index)
    bits = min(familiar, _MOST_NAMED * _BIT) if named else 0
    if _likeness(familiar + bits, familiar + bits, total + bits, specific) < least - 1e-9:
        return None
    return _Weighed(at, total, known, named, specific, least)


def _shared(weighed: Sequence[_Weighed], index: Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the bits that functions share with solutions, their own in each benchmark, and what may match.

    Shapes: (functions, solutions), (functions, benchmarks), (functions, solutions).
    """
    count, solutions = len(weighed), len(index.solutions)
    known = np.array([feature for one in weighed for feature in one.known], np.int64)
    function = np.repeat(np.arange(count), [len(one.known) for one in weighed])
    lengths = index.starts[known + 1] - index.starts[known]
    places = runs(index.starts[known], lengths)
    cells = np.repeat(function * solutions, lengths) + index.holders[places]
    shared = np.bincount(cells, index.weights[places], count * solutions).reshape(count, solutions)
    less = [np.bincount(function, index.less[known, of], count) for of in range(index.less.shape[1])]
    own = np.array([[one.total] for one in weighed]) - np.array(less).T
    specific, least = np.array([(one.specific, one.least) for one in weighed]).T[:, :, None]
    both = index.masses + own[:, index.benchmarks]
    alike = 2 * shared / (both + 1e-9) * shared / (shared + specific + 1e-9)
    return shared, own, alike >= least - 1e-9


def _known(features: Set[str], index: Index) -> tuple[int, int, list[int]]:
    """Return the bits of all features, of those that some solution has, and the numbers of the latter."""
    known = index.vocabulary.keys() & features
    return sum(map(_common, features)), sum(map(_common, known)), [index.vocabulary[one] for one in known]


def _named(names: Iterable[str], index: Index) -> set[int]:
    """Return the solutions of which one of the names holds all words."""
    found: set[int] = set()
    for words in map(words_of, names):
        for word in words:
            found.update(n for n in index.named.get(word, ()) if index.solutions[n].words <= words)
    return found


def _by_word(solutions: Sequence[_Solution]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, solution in enumerate(solutions):
        if solution.named:
            found[max(sorted(solution.words), key=len)].append(number)
    return dict(found)


def _likeness(both: int, one: int, other: int, specific: float) -> float:
    return 2 * both / (one + other) * both / (both + specific) if both else 0.0


def _like_an_exercise(features: set[str], specific: float) -> float:
    """Return how much a function is like the textbook exercise that it is most like."""
    own = sum(map(_common, features))
    holders, masses = _exercises()
    shared = [0] * len(masses)
    for feature in holders.keys() & features:
        bits = _common(feature)
        for number in holders[feature]:
            shared[number] += bits
    return max(_likeness(both, mass, own, specific) for both, mass in zip(shared, masses, strict=True))


@lru_cache(maxsize=1)
def _exercises() -> tuple[dict[str, list[int]], list[int]]:
    """For each feature that says something, the textbook exercises that have it; and the bits of each."""
    text = Path(__file__).with_name("_code_textbook.txt").read_text(encoding="utf-8")
    holders: dict[str, list[int]] = defaultdict(list)
    masses = []
    for number, unit in enumerate(units(text)):
        masses.append(sum(map(_common, unit.features)))
        for feature in filter(_common, unit.features):
            holders[feature].append(number)
    return dict(holders), masses


def exercise_likeness(item: Item) -> tuple[float, float]:
    """Return the bits of an item's solution, 0 if it has no code, and how much it is like an exercise."""
    found = [unit.features for unit in units(program_of(item))]
    features = set[str]().union(*found)
    likeness = _like_an_exercise(features, SPECIFIC["python"] * _BIT) if features else 0.0
    return sum(map(_common, features)) / _BIT, likeness


@lru_cache(maxsize=10_000)
def words_of(name: str) -> frozenset[str]:
    """Return the words of an identifier: {"has", "close", "elements"} for `hasCloseElements`."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def _solution(item: Item, mass: int) -> _Solution:
    words = words_of(item.entry_point)
    letters = sum(len(word) for word in words if len(word) > 2 and f"def {word}" not in _table())
    named = min(3 * letters, _MOST_NAMED) * _BIT
    return _Solution(item.benchmark, item.task_id, mass, words, named, item.solution)


def _weights(members: Sequence[Iterable[str]]) -> dict[str, int]:
    """Return the bits of each feature of a benchmark's solutions."""
    counts = Counter(feature for features in members for feature in features)
    of = len(members) + _OTHERS
    return {
        feature: min(_common(feature), _bits(feature, (count - 1) / of)) for feature, count in counts.items()
    }


def _bits(feature: str, share: float) -> int:
    bits = min(_RAREST, round(_BIT * max(0.0, -math.log2(share) - 1))) if share else _RAREST
    deep = feature.count("(") > 1
    return bits // 2 if deep else bits


class _Common(dict[str, int]):
    """The bits of features in ordinary code."""

    def __missing__(self, feature: str) -> int:
        bits = _bits(feature, _table().get(feature, 0) / 10_000)
        if len(self) < _REMEMBERED:
            self[feature] = bits
        return bits


_common = _Common().__getitem__


@lru_cache(maxsize=1)
def _table() -> dict[str, int]:
    """Of 10,000 functions, how many have a feature."""
    text = Path(__file__).with_name("_code_common.txt").read_text(encoding="utf-8")
    pairs = (line.split("\t", 1) for line in text.splitlines())
    return {feature: int(share) for share, feature in pairs}
