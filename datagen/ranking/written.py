"""Which of the tests that models wrote are kept, and how strong they are, found out by running programs.

Different answers are run with all tests. An oracle's answers decide alone where there is one; else answers
and tests have to agree (`agreement`). A test that does not hold again when it is run again is removed. What
is kept is tried on mutants of right answers (`mutants`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from datagen.ranking import mutants
from datagen.ranking.agreement import Consensus, consensus
from datagen.ranking.programs import SETUP
from datagen.ranking.running import Judges, missing_name, passed, together
from datagen.ranking.trust import Removed, Written

#: Different answers that it takes to say that a test is right.
VOTERS = 3
#: How often a test is run in all with each answer that it is kept for: with all tests, then with those kept.
TIMES = 3
#: CPU time of a mutant, with half of it for each test: it may loop for ever, so it gets less than an answer.
MUTANT_SECONDS = 2.0
#: Answers whose mutants are tried.
MUTATED = 3
#: Tests that kill a smaller share of at least so many mutants say next to nothing.
WEAK, ENOUGH_MUTANTS = 0.2, 5
#: Why a test is not used.
DISAGREES, ORACLE_DISAGREES = "answers-disagree", "oracle-disagrees"
FLAKY, TOO_FEW_ANSWERS, MISSING_NAME = "flaky", "too-few-answers", "missing-name"


class Chosen(NamedTuple):
    """What becomes of the tests that models wrote for a task.

    Args:
        kept: in their order.
        removed: how many are not.
        right: the answers that they are kept for, each of which satisfies all of them.
    """

    kept: tuple[Written, ...]
    removed: Counter[Removed]
    right: tuple[str, ...]


class _Answer(NamedTuple):
    """An answer, the numbers of the tests that it satisfies, and what came of each test."""

    code: str
    passes: frozenset[int]
    details: tuple[str, ...]


async def choose(
    written: Sequence[Written], voters: Sequence[str], oracle: Sequence[str], judge: Judges
) -> Chosen:
    """Find out which tests are right.

    An answer that does not compile says nothing of a test, and has no vote.

    Args:
        written: the tests.
        voters: the different answers of teachers.
        oracle: those of them that decide alone; none for agreement.
        judge: runs programs, each one once.
    """
    tests = [one.test for one in written]
    trusted = await _answers(oracle, tests, judge)
    answers = trusted or await _answers(voters, tests, judge)
    if not trusted and len(answers) < VOTERS:
        return Chosen((), Counter(Removed(one.author, TOO_FEW_ANSWERS) for one in written), ())
    flaky: set[int] = set()
    while True:
        left = [one.passes - flaky for one in answers]
        found = _oracles(left) if trusted else consensus(left)
        kept = sorted(found.tests)
        unsteady = await _unsteady([answers[number] for number in found.answers], kept, tests, judge)
        if not unsteady:
            break
        flaky |= unsteady
    other = ORACLE_DISAGREES if trusted else DISAGREES
    missing = {number for number in range(len(tests)) if missing_name(one.details[number] for one in answers)}
    removed = Counter(
        Removed(one.author, FLAKY if number in flaky else MISSING_NAME if number in missing else other)
        for number, one in enumerate(written)
        if number not in found.tests
    )
    right = (answers[number] for number in found.answers)
    return Chosen(
        tuple(written[number] for number in kept),
        removed,
        tuple(one.code for one in right if found.tests <= one.passes),
    )


async def _answers(codes: Sequence[str], tests: Sequence[str], judge: Judges) -> list[_Answer]:
    """Those that compile."""
    verdicts = await together(judge.verdict(code, tests, setup=SETUP) for code in codes)
    return [
        _Answer(code, passed(verdict), tuple(one.detail for one in verdict.outcomes))
        for code, verdict in zip(codes, verdicts, strict=True)
        if verdict.status != "compile_error"
    ]


def _oracles(passes: Sequence[frozenset[int]]) -> Consensus:
    """The tests that more than half of the oracle's answers satisfy."""
    counts = Counter(number for one in passes for number in one)
    kept = frozenset(number for number, count in counts.items() if 2 * count > len(passes))
    return Consensus(tuple(range(len(passes))), kept)


async def _unsteady(
    answers: Sequence[_Answer], kept: Sequence[int], tests: Sequence[str], judge: Judges
) -> set[int]:
    """The numbers of the tests that an answer satisfied and does not satisfy again."""
    if not kept:
        return set()
    again = [tests[number] for number in kept]
    first = 0 if len(kept) < len(tests) else 1  # the answers were run once with all tests
    runs = [(one, first + turn) for one in answers for turn in range(TIMES - 1)]
    verdicts = await together(
        judge.verdict(one.code, again, setup=SETUP, repetition=turn) for one, turn in runs
    )
    return {
        number
        for (one, _), verdict in zip(runs, verdicts, strict=True)
        for place, number in enumerate(kept)
        if number in one.passes and place not in passed(verdict)
    }


class Strength(NamedTuple):
    """How many mutants were tried, and how many of them the tests kill."""

    tried: int
    killed: int

    @property
    def share(self) -> float | None:
        """The share that is killed, 0 to 1; None where none was tried."""
        return self.killed / self.tried if self.tried else None

    @property
    def is_weak(self) -> bool:
        """Whether the tests refuse next to nothing; fewer mutants than `ENOUGH_MUTANTS` do not show it."""
        return self.tried >= ENOUGH_MUTANTS and self.killed < WEAK * self.tried


async def strength(right: Sequence[str], tests: Sequence[str], count: int, judge: Judges) -> Strength:
    """Try tests on mutants of right answers.

    An answer that needs more than a mutant's time is left out: its mutants would die of that.

    Args:
        right: answers that satisfy all tests.
        tests: those that are kept.
        count: how many mutants to try; 0 for none.
        judge: runs programs, each one once.
    """
    codes = right[:MUTATED] if count else ()
    fast = [
        code for code, killed in zip(codes, await _killed(codes, tests, judge), strict=True) if not killed
    ]
    results = await _killed(mutants.of_answers(fast, count), tests, judge)
    return Strength(len(results), sum(results))


async def _killed(codes: Sequence[str], tests: Sequence[str], judge: Judges) -> list[bool]:
    given = judge.limits
    limits = replace(
        given,
        cpu_seconds=min(given.cpu_seconds, MUTANT_SECONDS),
        test_seconds=min(given.test_seconds, MUTANT_SECONDS / 2),
        restarts=0,
    )
    verdicts = await together(judge.verdict(code, tests, setup=SETUP, limits=limits) for code in codes)
    return [one.status != "all_passed" for one in verdicts]
