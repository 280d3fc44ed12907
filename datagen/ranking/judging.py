"""The way of a task: which tests are trusted, how each answer fares with them, and its place."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from datagen.answers.syntax import normalised, parsed, same_code
from datagen.data.source import Row
from datagen.errors import one_line
from datagen.ranking import trust, written
from datagen.ranking.programs import Suite
from datagen.ranking.running import Judges, missing_name, together
from datagen.ranking.situations import Answer, Scale, places, unfit
from datagen.ranking.trust import Basis, Removed
from datagen.sandbox.verdict import Verdict

#: What every row has afterwards.
COLUMNS = (
    *("code", "language", "role", "status", "pass_ratio", "test_strength", "score", "rank", "verdict"),
    "output_tail",
)
#: Why a row is dropped by itself: only Python is run.
NOT_PYTHON = "not-python"
#: Why a task is dropped whose tests models wrote.
TOO_FEW_TESTS, WEAK_TESTS = "too-few-tests", "weak-tests"
#: Why an answer is dropped whose code a better answer to the task has.
SAME_CODE = "duplicate-answer"
_NO_CODE = Verdict("compile_error", 0.0, (), "no code", "")
_STUDENT = "student"
#: Characters of a test that a verdict shows.
_LONG = 120


class Terms(NamedTuple):
    """What decides how answers are ranked.

    Args:
        student: a teacher's name whose answers are the student's; None for nobody's.
        min_tests: how many tests that models wrote a task needs.
        scale: what answers are worth.
        oracle: a teacher's name whose answers decide which tests are right; None for agreement.
        mutants: how many mutants such tests are tried on.
    """

    student: str | None
    min_tests: int
    scale: Scale
    oracle: str | None = None
    mutants: int = 0


@dataclass
class Seen:
    """What is counted beside the rows.

    Args:
        trusted: tests that came with the rows.
        kept: tests that models wrote and that are used, by their authors.
        removed: tests that are not used.
        isolation: answers that were judged, by how their code was kept apart.
        tested: tasks that bring tests.
        unusable: why, for each of them whose tests are all removed, or fail with the same missing name.
    """

    trusted: int = 0
    kept: Counter[str | None] = field(default_factory=Counter)
    removed: Counter[Removed] = field(default_factory=Counter)
    isolation: Counter[str] = field(default_factory=Counter)
    tested: int = 0
    unusable: list[str] = field(default_factory=list)


class _Tests(NamedTuple):
    """What a task's answers are judged by.

    Args:
        suite: the tests; empty where there are none.
        problem: why the task is dropped; "" where it is not.
        detail: the evidence.
    """

    suite: Suite
    problem: str = ""
    detail: str | None = None


async def rank(rows: Sequence[Row], terms: Terms, judge: Judges, seen: Seen) -> None:
    """Fill in the columns of all answers to a task; those to drop get a `reason`.

    Args:
        rows: of one task, with their code.
        terms: see `Terms`.
        judge: runs programs, each one once.
        seen: is added to.
    """
    for row in rows:
        row.update(dict.fromkeys(COLUMNS[3:]), role=_role(row, terms.student), reason=None)
        if row.get("language") not in (None, "", "python"):
            _drop([row], NOT_PYTHON, f"its code is {one_line(row['language'], 40)}")
    answers = [row for row in rows if row["reason"] is None]
    if not answers:
        return
    tests = await _tests(answers, terms, judge, seen)
    seen.tested += bool(tests.suite.tests or tests.detail)
    if not tests.suite.tests and tests.detail:
        seen.unusable.append(f"{_shown(trust.first_of(answers))}: {tests.detail}")
    if tests.suite.tests:
        await _judge(answers, tests.suite, judge, seen)
        _place(answers, terms.scale)
    if tests.problem:
        _drop(answers, tests.problem, tests.detail)
    if not any(row["reason"] for row in answers):
        _drop_equal(answers)


async def _judge(answers: Sequence[Row], suite: Suite, judge: Judges, seen: Seen) -> None:
    """Fill in how each answer fares; those that differ in comments and layout only are run once."""
    shared = trust.shared_by(answers)
    suites = [trust.own_suite(row, suite, shared) for row in answers]
    programs = [(normalised(_code(row)), own) for row, own in zip(answers, suites, strict=True)]
    first: dict[tuple[str, Suite], Row] = {}
    for row, program in zip(answers, programs, strict=True):
        first.setdefault(program, row)
    verdicts = await together(_verdict(row, own, judge) for (_, own), row in first.items())
    if why := missing_name(
        one.detail for verdict in verdicts if verdict.status != "compile_error" for one in verdict.outcomes
    ):
        seen.unusable.append(f"{_shown(suite.tests[0])}: {why}")
    found = dict(zip(first, verdicts, strict=True))
    for row, program in zip(answers, programs, strict=True):
        verdict = found[program]
        row.update(
            status=verdict.status,
            pass_ratio=verdict.pass_ratio,
            verdict=told(verdict, program[1].tests),
            output_tail=verdict.output_tail or None,
        )
        if verdict.isolation:
            seen.isolation[verdict.isolation] += 1


def _role(row: Row, student: str | None) -> str:
    is_student = row.get("role") == _STUDENT or (student is not None and row.get("teacher") == student)
    return _STUDENT if is_student else "teacher"


def _place(rows: Sequence[Row], scale: Scale) -> None:
    answers = [
        Answer(row["id"], row["role"] == _STUDENT, row["status"], row["pass_ratio"], _length(row))
        for row in rows
    ]
    for row, place in zip(rows, places(answers, scale), strict=True):
        row.update(score=place.score, rank=place.rank)
    if reason := unfit(answers, scale):
        _drop(rows, reason, None)


def _drop_equal(rows: Sequence[Row]) -> None:
    """Of answers of one role with the same code drop all but the best; ranks count those that stay."""
    kept: dict[tuple[str, str, str], Row] = {}
    for row in sorted(rows, key=lambda row: int(row["rank"])):
        code = _code(row)
        first = kept.setdefault((row["role"], same_code(code), "" if code.strip() else row["id"]), row)
        if first is row:
            row["rank"] = len(kept)
        else:
            row["rank"] = first["rank"]
            by = f" of {one_line(first['teacher'], 60)}" if first.get("teacher") else ""
            _drop([row], SAME_CODE, f"the same code as {first['id']}{by}")


def _code(row: Row) -> str:
    return row.get("code") or ""


def _length(row: Row) -> int | None:
    return len(_code(row)) if _code(row).strip() else None


async def _verdict(row: Row, suite: Suite, judge: Judges) -> Verdict:
    if not _code(row).strip():
        return _NO_CODE
    return await judge.verdict(_code(row), suite.tests, setup=suite.setup)


async def _tests(rows: Sequence[Row], terms: Terms, judge: Judges, seen: Seen) -> _Tests:
    """The tests to judge a task's answers by."""
    basis = trust.basis_of(rows)
    seen.removed.update(basis.removed)
    if basis.problem or not basis.written:
        seen.trusted += len(basis.suite.tests)
        return _Tests(basis.suite, basis.problem, _counted(trust.by_reason(basis.removed)))
    return await _written(rows, basis, terms, judge, seen)


async def _written(rows: Sequence[Row], basis: Basis, terms: Terms, judge: Judges, seen: Seen) -> _Tests:
    """Those of the tests of models that are right, and whether they are enough and strong."""
    teachers = [row for row in rows if row["role"] != _STUDENT]
    oracle = [_code(row) for row in rows if terms.oracle is not None and row.get("teacher") == terms.oracle]
    voters = trust.different([_code(row) for row in teachers])
    chosen = await written.choose(basis.written, voters, trust.different(oracle), judge)
    seen.removed.update(chosen.removed)
    suite = Suite(tuple(one.test for one in chosen.kept))
    if len(chosen.kept) < terms.min_tests:
        counts = {"kept": len(chosen.kept), **trust.by_reason(chosen.removed)}
        return _Tests(suite, TOO_FEW_TESTS, _counted(counts))
    seen.kept.update(one.author for one in chosen.kept)
    found = await written.strength(chosen.right, suite.tests, terms.mutants, judge)
    for row in rows:
        row["generated_tests"] = [one._asdict() for one in chosen.kept]
        row["test_strength"] = found.share
    if found.is_weak:
        return _Tests(suite, WEAK_TESTS, f"they kill {found.killed} of {found.tried} mutants")
    return _Tests(suite)


def told(verdict: Verdict, tests: Sequence[str]) -> str | None:
    """What a program failed at, in words; None where it satisfies all tests."""
    if verdict.status == "all_passed":
        return None
    failed = [
        (test, one.detail) for test, one in zip(tests, verdict.outcomes, strict=False) if not one.passed
    ]
    if verdict.status == "compile_error" or not failed:
        return one_line(verdict.detail or verdict.status)
    test, detail = failed[0]
    return one_line(f"{len(failed)} of {len(tests)} failed, first {_shown(test)}: {detail or 'failed'}")


def _shown(test: str) -> str:
    """A test on one line; of a long one its last statement, which checks what the others prepare."""
    tree = parsed(test) if len(test) > _LONG else None
    last = tree.body[-1] if tree and tree.body else None
    return one_line((ast.get_source_segment(test, last) if last else None) or test, _LONG)


def _counted(numbers: Mapping[str, int]) -> str | None:
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) or None


def _drop(rows: Sequence[Row], reason: str, detail: str | None) -> None:
    for row in rows:
        row.update(reason=reason, dropped_by=[reason], detail=detail)
