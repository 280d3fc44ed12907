"""The way of a task: which tests are trusted, how each answer fares with them, and its place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from datagen.data.source import Row
from datagen.errors import one_line
from datagen.ranking import trust
from datagen.ranking.programs import Suite
from datagen.ranking.situations import Answer, places, unfit
from datagen.ranking.trust import Basis
from datagen.sandbox.verdict import Verdict

T = TypeVar("T")

#: What every row has afterwards.
COLUMNS = ("code", "language", "role", "status", "pass_ratio", "score", "rank", "verdict")
#: Why a row is dropped by itself: only Python is run.
NOT_PYTHON = "not-python"
_NO_CODE = Verdict("compile_error", 0.0, (), "no code", "")
_STUDENT = "student"


class Judges(Protocol):
    """Says how programs fare with tests: a `Judge`."""

    def verdict(self, code: str, tests: Sequence[str], *, setup: str = "") -> Coroutine[Any, Any, Verdict]:
        """The verdict on a program."""
        ...


class Terms(NamedTuple):
    """What decides how answers are ranked.

    Args:
        student: a teacher's name whose answers are the student's; None for nobody's.
        min_tests: how many tests that models wrote a task needs.
        levels: the score of each status.
        bonus: what a teacher's answer is worth above a student's of the same status.
    """

    student: str | None
    min_tests: int
    levels: Mapping[str, float]
    bonus: float


@dataclass
class Seen:
    """What is counted beside the rows.

    Args:
        trusted: tests that came with the rows.
        kept: tests that models wrote and answers agree with.
        removed: tests that are not used, by the reason.
        isolation: answers whose code was run, by how it was kept apart.
    """

    trusted: int = 0
    kept: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    isolation: Counter[str] = field(default_factory=Counter)


async def together(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order; when a job raises, the others end first, so that their verdicts are stored."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


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
    suite, problem, detail = await _suite(answers, terms, judge, seen)
    if problem:
        _drop(answers, problem, detail)
        return
    suites = [trust.own_suite(row, suite) for row in answers]
    verdicts = await together(_verdict(row, own, judge) for row, own in zip(answers, suites, strict=True))
    for row, own, verdict in zip(answers, suites, verdicts, strict=True):
        row.update(status=verdict.status, pass_ratio=verdict.pass_ratio, verdict=told(verdict, own.tests))
        if verdict.isolation:
            seen.isolation[verdict.isolation] += 1
    _place(answers, terms)


def _role(row: Row, student: str | None) -> str:
    is_student = row.get("role") == _STUDENT or (student is not None and row.get("teacher") == student)
    return _STUDENT if is_student else "teacher"


def _place(rows: Sequence[Row], terms: Terms) -> None:
    answers = [
        Answer(row["id"], row["role"] == _STUDENT, row["status"], row["pass_ratio"], _length(row))
        for row in rows
    ]
    for row, place in zip(rows, places(answers, terms.levels, terms.bonus), strict=True):
        row.update(score=place.score, rank=place.rank)
    if reason := unfit(answers, terms.levels):
        _drop(rows, reason, None)


def _code(row: Row) -> str:
    return row.get("code") or ""


def _length(row: Row) -> int | None:
    return len(_code(row)) if _code(row).strip() else None


async def _verdict(row: Row, suite: Suite, judge: Judges) -> Verdict:
    if not _code(row).strip():
        return _NO_CODE
    return await judge.verdict(_code(row), suite.tests, setup=suite.setup)


async def _suite(
    rows: Sequence[Row], terms: Terms, judge: Judges, seen: Seen
) -> tuple[Suite, str, str | None]:
    """The tests to judge a task's answers by, or why there are none, with the evidence."""
    basis = trust.basis_of(rows)
    seen.removed.update(basis.removed)
    if basis.problem or not basis.written:
        seen.trusted += len(basis.suite.tests)
        return basis.suite, basis.problem, _counted(basis.removed)
    kept, removed = await _agreed(rows, basis, judge)
    seen.removed.update(removed)
    if len(kept) < terms.min_tests:
        return basis.suite, trust.TOO_FEW_TESTS, _counted({"kept": len(kept), **removed})
    seen.kept += len(kept)
    for row in rows:
        row["generated_tests"] = [one._asdict() for one in kept]
    return Suite(tuple(one.test for one in kept)), "", None


async def _agreed(
    rows: Sequence[Row], basis: Basis, judge: Judges
) -> tuple[list[trust.Written], Mapping[str, int]]:
    """The tests with which the teachers' answers agree."""
    codes = trust.different([_code(row) for row in rows if row["role"] != _STUDENT and _length(row)])
    if len(codes) < trust.VOTERS:
        return trust.agreed(basis.written, [])
    suite = Suite(tuple(one.test for one in basis.written))
    verdicts = await together(judge.verdict(code, suite.tests, setup=suite.setup) for code in codes)
    return trust.agreed(basis.written, verdicts)


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
    return one_line(
        f"{len(failed)} of {len(tests)} failed, first {one_line(test, 120)}: {detail or 'failed'}"
    )


def _counted(numbers: Mapping[str, int]) -> str | None:
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) or None


def _drop(rows: Sequence[Row], reason: str, detail: str | None) -> None:
    for row in rows:
        row.update(reason=reason, dropped_by=[reason], detail=detail)
