"""Which tests to trust, before any program is run.

Tests that came with the rows are taken as they are. Those that models wrote are wrong a fifth to a third of
the time: one stays only if it is Python, says something of the function, and says what no other one says.
Whether it is right, `written` then finds out by running it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from datagen.answers.syntax import normalised, parsed
from datagen.data.source import Row
from datagen.ranking.apart import apart
from datagen.ranking.checks import CHECKS_NOTHING, fault, shared_names, tests_itself, wanted_names
from datagen.ranking.programs import Suite, is_python, suite_of

#: Grows when other tests may be trusted than before, or other answers kept: ranked sets are made again.
POLICY = 6
#: Why a task has nothing to be judged by.
NO_TESTS, NO_PYTHON = "no-tests", "tests-no-python"
#: Why a test is not used; `checks` and `written` know more.
NOT_PYTHON, REPEATED, NEEDS_ARGUMENTS = "no-python", "repeated", "needs-arguments"
#: Why a test is not used that came with the rows: it defines the function that it calls.
OWN_COPY = "own-copy"


class Written(NamedTuple):
    """A test that a model wrote, and by whom."""

    author: str | None
    test: str


class Removed(NamedTuple):
    """Who wrote a test that is not used, and why it is not."""

    author: str | None
    reason: str


class Basis(NamedTuple):
    """What the answers to a task are judged by, before any program is run.

    Args:
        suite: those that are trusted.
        written: those whose truth is still to be found out; none where any is trusted.
        removed: how many are not used.
        problem: why there is none of either; "" where there is one.
    """

    suite: Suite
    written: tuple[Written, ...]
    removed: Counter[Removed]
    problem: str


def basis_of(rows: Sequence[Row]) -> Basis:
    """The tests that the rows of a task bring, sorted by how far they are trusted."""
    entry_point = next((row["entry_point"] for row in rows if row.get("entry_point")), None)
    brought = _brought(rows)
    shared = shared_by(rows)
    if brought:
        python = [test for test in brought if is_python(test)]
        removed = Counter({Removed(None, NOT_PYTHON): len(brought) - len(python)})
        true = [test for test in python if not _tests_itself(test, rows)]
        removed[Removed(None, OWN_COPY)] = len(python) - len(true)
        suite = suite_of(true, entry_point, shared)
        removed[Removed(None, NEEDS_ARGUMENTS)] = suite.idle
        if true and not suite.tests and not suite.idle:
            removed[Removed(None, CHECKS_NOTHING)] = len(true)
        problem = "" if suite.tests else NO_TESTS if python else NO_PYTHON
        return Basis(suite, (), +removed, problem)
    return _written_for(rows, entry_point, shared)


def shared_by(rows: Sequence[Row]) -> frozenset[str]:
    """Names that most of a task's different answers define; none where the function under test is known."""
    if any(row.get("entry_point") for row in rows):
        return frozenset()
    return shared_names(different([row.get("code") or "" for row in rows]))


def own_suite(row: Row, suite: Suite, shared: Set[str]) -> Suite:
    """The tests that an answer is judged by: those that its row brings, else those of its task."""
    brought = [test for test in _brought([row]) if not _tests_itself(test, [row])]
    own = suite_of(brought, row.get("entry_point"), shared) if brought else suite
    return own if own.tests else suite


def _tests_itself(test: str, rows: Sequence[Row]) -> bool:
    """Whether a test says nothing of the answers, where no entry point says which definition to leave out."""
    known = any(row.get("entry_point") for row in rows)
    return not known and tests_itself(test, [row.get("code") or "" for row in rows])


def _brought(rows: Sequence[Row]) -> list[str]:
    tests = (test for row in rows for test in row.get("tests") or ())
    return [*dict.fromkeys(test for test in tests if test and test.strip())]


def first_of(rows: Sequence[Row]) -> str:
    """The first test that the rows bring, as it was written."""
    entries = (entry["test"] for row in rows for entry in row.get("generated_tests") or () if entry)
    return next((test for test in (*_brought(rows), *entries) if test), "")


def _written_for(rows: Sequence[Row], entry_point: str | None, shared: Set[str]) -> Basis:
    """The tests that models wrote for a task, taken apart, without those that cannot say anything."""
    entries = dict.fromkeys(
        Written(entry["author"], entry["test"])
        for row in rows
        for entry in row.get("generated_tests") or ()
        if entry and (entry["test"] or "").strip()
    )
    wanted = wanted_names(entry_point, different([row.get("code") or "" for row in rows]))
    kept: dict[str, Written] = {}
    removed: Counter[Removed] = Counter()
    target = entry_point or (next(iter(shared)) if len(shared) == 1 else None)
    parts = [(author, part) for author, source in entries for part in apart(source, target)]
    for author, source in parts:
        suite = suite_of([source], entry_point, shared)
        removed[Removed(author, NEEDS_ARGUMENTS)] += suite.idle
        if not suite.tests and not suite.idle:
            removed[Removed(author, _unused(source, wanted))] += 1
        for test in suite.tests:
            tree = parsed(test)
            reason = NOT_PYTHON if tree is None else fault(tree, wanted)
            if reason or (same := normalised(test)) in kept:
                removed[Removed(author, reason or REPEATED)] += 1
            else:
                kept[same] = Written(author, test)
    removed = +removed
    none = NO_PYTHON if any(one.reason == NOT_PYTHON for one in removed) else NO_TESTS
    return Basis(Suite(()), tuple(kept.values()), removed, "" if kept else none)


def _unused(source: str, wanted: Set[str]) -> str:
    """Why a source that gives no test is not used."""
    tree = parsed(source)
    return NOT_PYTHON if not is_python(source) else (tree and fault(tree, wanted)) or CHECKS_NOTHING


def different(codes: Sequence[str]) -> list[str]:
    """The first of each group of codes that differ in comments and layout only; none without any text."""
    found: dict[str, str] = {}
    for code in codes:
        if code.strip():
            found.setdefault(normalised(code), code)
    return list(found.values())


def by_reason(removed: Mapping[Removed, int]) -> Counter[str]:
    """How many tests are not used, by the reason, whoever wrote them."""
    counts: Counter[str] = Counter()
    for one, count in removed.items():
        counts[one.reason] += count
    return counts
