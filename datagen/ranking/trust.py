"""Which tests to trust.

Tests that came with the rows are taken as they are. Those that models wrote are wrong a fifth to a third of
the time, so each is kept only where most of at least three different answers of teachers satisfy it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from datagen.answers.syntax import parsed
from datagen.data.source import Row
from datagen.ranking.programs import Suite, is_python, suite_of
from datagen.sandbox.verdict import Verdict

#: Grows when other tests may be trusted than before, so that ranked sets are made again.
POLICY = 2
#: Different answers of teachers that can outvote a test.
VOTERS = 3
#: Why a task has nothing to be judged by.
NO_TESTS, TOO_FEW_TESTS, NO_PYTHON = "no-tests", "too-few-tests", "tests-no-python"
#: Why a test is not used.
NOT_PYTHON, CHECKS_NOTHING, REPEATED = "no-python", "checks-nothing", "repeated"
DISAGREES, TOO_FEW_ANSWERS = "answers-disagree", "too-few-answers"


class Written(NamedTuple):
    """A test that a model wrote, and by whom."""

    author: str | None
    test: str


class Basis(NamedTuple):
    """What the answers to a task are judged by, before any program is run.

    Args:
        suite: those that are trusted.
        written: those that answers still have to agree with; none where any is trusted.
        removed: how many are not used, by the reason.
        problem: why there is none of either; "" where there is one.
    """

    suite: Suite
    written: tuple[Written, ...]
    removed: Counter[str]
    problem: str


def basis_of(rows: Sequence[Row]) -> Basis:
    """The tests that the rows of a task bring, sorted by how far they are trusted."""
    entry_point = next((row["entry_point"] for row in rows if row.get("entry_point")), None)
    brought = _brought(rows)
    if brought:
        python = [test for test in brought if is_python(test)]
        removed = Counter({NOT_PYTHON: len(brought) - len(python)})
        suite = suite_of(python, entry_point)
        if python and not suite.tests:
            removed[CHECKS_NOTHING] = len(python)
        problem = "" if suite.tests else NO_TESTS if python else NO_PYTHON
        return Basis(suite, (), +removed, problem)
    return _written_for(rows)


def own_suite(row: Row, suite: Suite) -> Suite:
    """The tests that an answer is judged by: those that its row brings, else those of its task."""
    brought = _brought([row])
    own = suite_of(brought, row.get("entry_point")) if brought else suite
    return own if own.tests else suite


def _brought(rows: Sequence[Row]) -> list[str]:
    tests = (test for row in rows for test in row.get("tests") or ())
    return [*dict.fromkeys(test for test in tests if test and test.strip())]


def _written_for(rows: Sequence[Row]) -> Basis:
    """The tests that models wrote for a task, without those that cannot be run and repeated ones."""
    entries = dict.fromkeys(
        Written(entry["author"], entry["test"])
        for row in rows
        for entry in row.get("generated_tests") or ()
        if entry and (entry["test"] or "").strip()
    )
    kept: dict[str, Written] = {}
    removed: Counter[str] = Counter()
    for one in entries:
        tree = parsed(one.test)
        if tree is None:
            removed[NOT_PYTHON] += 1
        elif not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
            removed[CHECKS_NOTHING] += 1
        elif (same := ast.dump(tree)) in kept:
            removed[REPEATED] += 1
        else:
            kept[same] = one
    none = NO_PYTHON if removed[NOT_PYTHON] else NO_TESTS
    return Basis(Suite(()), tuple(kept.values()), removed, "" if kept else none)


def different(codes: Sequence[str]) -> list[str]:
    """The first of each group of codes that differ in comments and layout only."""
    found: dict[str, str] = {}
    for code in codes:
        tree = parsed(code)
        found.setdefault(code if tree is None else ast.dump(tree), code)
    return list(found.values())


def agreed(
    written: Sequence[Written], verdicts: Sequence[Verdict]
) -> tuple[list[Written], Mapping[str, int]]:
    """The tests that most answers satisfy, and how many are removed by the reason.

    An answer that does not compile says nothing of a test, and has no vote.

    Args:
        written: tests, in the order in which they were run.
        verdicts: on the different answers of teachers.
    """
    voters = [one for one in verdicts if one.status != "compile_error"]
    if len(voters) < VOTERS:
        return [], {TOO_FEW_ANSWERS: len(written)} if written else {}
    kept = [
        one
        for number, one in enumerate(written)
        if 2 * sum(_passes(verdict, number) for verdict in voters) > len(voters)
    ]
    lost = len(written) - len(kept)
    return kept, {DISAGREES: lost} if lost else {}


def _passes(verdict: Verdict, number: int) -> bool:
    return number < len(verdict.outcomes) and verdict.outcomes[number].passed
