"""The literals of a benchmark's test cases: finds its tests in a row, whatever the function is called there.

*Measure.* A *case* is what one assertion says: the literals of the arguments, then those of the expected
value. A row holds a case if the same literals follow one another there, whole. Brackets, operators, names
and prose do not count: they are rare inside one benchmark and common in all test code. So these are one:

    assert f([3, 1], 2) == 7        >>> g([3, 1], 2)        Input: xs = [3, 1], k = 2
                                    7                       Output: 7

Bits say how surprising it is that a stretch of unrelated literals holds k of an item's K cases, with u
other literals between them:

    S = sum of I(case) over the k cases - log2( C(u + k, k) * K! / (K - k)! )

* I(case) is the sum over its literals of log2(10) for each digit and 2 for each character of a string (2.1
  a letter by word frequencies: Shannon 1951; at most 20, as phrases come back whole), but of 1 for what
  could be guessed: a truth value, None, what the case already has, a whole number next to the one before.
  So what is trivial says little, and what a benchmark says rarely is not thereby telling.
* The logarithm is of the ways to choose and order the k cases and to lay them among the u others: chance
  has had so many tries. A case with no more bits than the choice costs (log2 K) is left out.

*Threshold.* S >= 30, because 2^30 is a million rows times a thousand items. Arguments alone, of which
another function makes something else, are no match. Items whose tests have less than 30 bits in all
("is_odd(3)" is True) are never matched: 4 % of HumanEval, 18 % of MBPP.

*Measured.* 51,213 test functions of CPython 3.12, numpy, scipy and others, against HumanEval and MBPP: at
most 26.6 bits. The two benchmarks with their tests against each other: at most 20. MBPP against its own
other items: 59 pairs, all of which share whole tests; nearly all are one task in two wordings, or siblings
tested alike ("an a followed by three 'b'", "by two to three 'b'").

*Covered.* Renamed functions, other layouts and languages, examples in prose, some of the tests. *Not
covered.* Tests inside quotes (JSON), changed values, tests that compute theirs.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from decontam._evidence import (
    Evidence,
    OfItem,
    evidence,
    held_runs,
    literals_of_row,
    of_item,
    of_row,
    text_of,
    texts,
)
from decontam._text import literal_spans, literals
from decontam.benchmarks import Item

#: A line with its end, as Python's parser counts lines.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+\Z")

Case = tuple[str, ...]
Hit = tuple[int, Case]


class _Tests(NamedTuple):
    """The tests of one item: the bits of each case, of all together, their length in literals, their text."""

    benchmark: str
    item: str
    bits: dict[Case, int]
    whole: float
    length: int
    text: str


class Index(NamedTuple):
    """The tests of all items that say enough.

    Args:
        tests: by the number of the item.
        holders: for a case, the numbers of the items that have it.
        lengths: for the first literals of cases (two, or all if there is but one), how long these cases are.
    """

    tests: list[_Tests]
    holders: dict[Case, list[int]]
    lengths: dict[Case, set[int]]
    least: float


def index(items: Sequence[Item], *, least: float = 30.0) -> Index:
    """Index the test cases of the items; items of several benchmarks may come together.

    Args:
        items: the benchmark items; their tests are Python.
        least: the bits that make a match; items whose tests have less are left out.
    """
    found = [tests for tests in map(_tests, items) if tests.bits and tests.whole >= least]
    holders: dict[Case, list[int]] = defaultdict(list)
    lengths: dict[Case, set[int]] = defaultdict(set)
    for number, tests in enumerate(found):
        for case in tests.bits:
            holders[case].append(number)
            lengths[case[:2]].add(len(case))
    return Index(found, dict(holders), dict(lengths), least)


def matches(frame: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Return one row of evidence for each item of which a row's text holds enough test cases.

    `value` is the share of the item's bits that is found, `threshold` the share that is enough.
    """
    found: list[Evidence] = []
    for row, field, text in texts(frame):
        spans: Sequence[tuple[int, int]] = []
        for tests, hits in _candidates(literals_of_row(text), index):
            bits, first, end = _best_stretch(hits, tests, index.least)
            if bits >= index.least:
                spans = spans or literal_spans(text)
                shown = of_row(text, spans[first][0], spans[end - 1][1])
                measured = ("cases", f"tests:{field}", bits / tests.whole, index.least / tests.whole)
                same = _in_item(tests, {case for at, case in hits if first <= at and at + len(case) <= end})
                found.append((row, tests.benchmark, tests.item, *measured, *shown, *same, None))
    return evidence(found)


def _in_item(tests: _Tests, held: Set[Case]) -> OfItem:
    """Return the piece of the tests that has the cases of a row's stretch, each where it comes first."""
    places = _places_in(tests.text, frozenset(tests.bits))
    return of_item("tests", tests.text, [places[case] for case in held if case in places])


@lru_cache(maxsize=1024)
def _places_in(text: str, cases: frozenset[Case]) -> dict[Case, tuple[int, int]]:
    """Return where each case stands first in an item's tests; many rows hold the same item."""
    words, spans = literals(text), literal_spans(text)
    lengths = {len(case) for case in cases}
    found: dict[Case, tuple[int, int]] = {}
    for at in range(len(words)):
        for length in lengths:
            case = tuple(words[at : at + length])
            if case in cases and case not in found:
                found[case] = spans[at][0], spans[at + len(case) - 1][1]
    return found


def information(case: Case) -> float:
    """Return the bits of a case: how surprising its literals are, one after the other."""
    known = {"True", "False", "None"}
    bits, before = 0.0, ""
    for word in case:
        bits += 1.0 if word in known or _neighbours(word, before) else _surprise(word)
        known.add(word)
        before = word
    return bits


def _surprise(word: str) -> float:
    digits = word.replace(".", "", 1)
    return math.log2(10) * len(digits) if digits.isdecimal() else min(2.0 * len(word), 20.0)


def _neighbours(one: str, other: str) -> bool:
    both = one.isdecimal() and other.isdecimal() and max(len(one), len(other)) < 20
    return both and abs(int(one) - int(other)) == 1


def _choices(k: int, of: int, others: int) -> float:
    """Return log2 of the ways to choose and order `k` of `of` cases and lay them among `others` literals."""
    ways = math.lgamma(others + k + 1) - math.lgamma(others + 1) - math.lgamma(k + 1)
    return (ways + math.lgamma(of + 1) - math.lgamma(of - k + 1)) / math.log(2)


def _tests(item: Item) -> _Tests:
    texts_of = [assertion for test in item.tests for assertion in assertions(test)]
    cases = [tuple(literals(text)) for text in texts_of]
    worth = {case: int(information(case)) for case in cases if case}
    bits = {case: worth[case] for case in worth if worth[case] > math.log2(len(worth))}
    whole = sum(bits.values()) - _choices(len(bits), len(bits), 0)
    return _Tests(item.benchmark, item.task_id, bits, whole, sum(map(len, cases)), text_of(item, "tests"))


def assertions(test: str) -> Iterator[str]:
    """Yield what is asserted, without messages; each line of what is no Python or nested without end."""
    try:
        with warnings.catch_warnings():  # an invalid escape such as "\d" in a test
            warnings.simplefilter("ignore")
            asserted = [found for node in ast.walk(ast.parse(test)) if (found := _asserted(node))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield from test.splitlines()
        return
    lines = [line.encode() for line in _LINE.findall(test)]
    for node in asserted:
        yield _segment(lines, node)


def _segment(lines: Sequence[bytes], node: ast.expr) -> str:
    """The source of a node, as ast.get_source_segment has it, which splits the whole text anew each time."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    if first == last:
        return lines[first][node.col_offset : node.end_col_offset].decode()
    parts = [lines[first][node.col_offset :], *lines[first + 1 : last], lines[last][: node.end_col_offset]]
    return b"".join(parts).decode()


def _asserted(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.Assert):
        return node.test
    return node if isinstance(node, ast.Call) and "assert" in _name_of(node.func).lower() else None


def _name_of(called: ast.expr) -> str:
    """Return what is called, as source; names come without `ast.unparse`, which takes most of the time."""
    return called.id if isinstance(called, ast.Name) else ast.unparse(called)


def _candidates(words: Sequence[str], index: Index) -> Iterator[tuple[_Tests, list[Hit]]]:
    """Yield the items of which the row holds enough bits anywhere, with where their cases begin."""
    places = held_runs(words, index.lengths, index.holders)
    held: dict[int, list[Case]] = defaultdict(list)
    for case in places:
        for number in index.holders[case]:
            held[number].append(case)
    for number, cases in held.items():
        tests = index.tests[number]
        if sum(tests.bits[case] for case in cases) >= index.least:
            hits = [(at, case) for case in cases for at in places[case]]
            yield tests, sorted(hits, key=_place)


def _place(hit: Hit) -> tuple[int, int]:
    return hit[0], len(hit[1])


def _best_stretch(hits: Sequence[Hit], tests: _Tests, least: float) -> tuple[float, int, int]:
    """Return the most bits in a stretch at most twice as long as the tests, its first literal and its end.

    Only stretches are looked at that may reach `least`, and have as many bits as those before.
    """
    best = (0.0, 0, 0)
    most = _most(hits, tests)
    following: dict[Case, int] = {}
    for first, case in reversed(hits):
        following.pop(case, None)
        following[case] = first  # of all cases the nearest one comes last
        if most.pop() >= max(best[0], least):
            best = max(best, _best_from(first, following, tests))
    return best[0], -best[1], -best[2]


def _most(hits: Sequence[Hit], tests: _Tests) -> list[float]:
    """Return for each hit the bits that no stretch that begins there exceeds: as if no others lay between.

    Each case says more than the choice of it costs, so the more cases the more bits.
    """
    inside: Counter[Case] = Counter()
    bits, end = 0, 0
    most: list[float] = []
    for first, case in hits:
        while end < len(hits) and hits[end][0] - first < 2 * tests.length:
            inside[hits[end][1]] += 1
            bits += tests.bits[hits[end][1]] if inside[hits[end][1]] == 1 else 0
            end += 1
        most.append(bits - _choices(len(inside), len(tests.bits), 0) + 1e-6)
        inside[case] -= 1
        if not inside[case]:
            del inside[case]
            bits -= tests.bits[case]
    return most


def _best_from(first: int, following: dict[Case, int], tests: _Tests) -> tuple[float, int, int]:
    """Return the most bits of a stretch that begins at `first`; its first literal and its end, negated.

    following: where each case is met first from there on, the nearest one last.
    """
    bits, inside, end, best = 0, 0, first, (0.0, 0, 0)
    for held, case in enumerate(reversed(following), 1):
        at = following[case]
        if at - first >= 2 * tests.length:
            break
        bits += tests.bits[case]
        inside += max(0, at + len(case) - max(at, end))
        end = max(end, at + len(case))
        value = bits - _choices(held, len(tests.bits), end - first - inside)
        best = max(best, (value, -first, -end))
    return best
