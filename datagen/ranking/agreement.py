"""Which tests that models wrote are right, told from how different answers fare with them.

Answers that satisfy the same tests form a group: they agree with each other, and with these tests. Right
answers agree by being right, wrong ones are wrong in different ways. So the group with the highest score is
believed, and the tests are kept that it satisfies. This is the dual execution agreement of CodeT (Chen et
al. 2022, https://arxiv.org/abs/2207.10397).

Covered: most tests are wrong, or most answers are, as long as they are wrong in different ways.
Not covered: answers and tests that share a misunderstanding.
Departures: the score of a group is answers * tests in CodeT's paper, sqrt(answers) * tests in its code. Here
it is answers^(1/4) * tests: a wrong answer satisfies many right tests, and a right one no wrong test, so
tests tell more than answers. A single answer is believed only where no two agree, and each test that is kept
has to be satisfied by two different answers. `bench/test_trust.py` has the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from typing import NamedTuple

#: The score is answers times tests to this power, which orders as the fourth root of answers times tests.
POWER = 4
#: Different answers that have to satisfy a test.
LEAST = 2


class Consensus(NamedTuple):
    """What is believed.

    Args:
        answers: numbers of the answers in the best group, in order.
        tests: numbers of the tests that are kept.
    """

    answers: tuple[int, ...]
    tests: frozenset[int]


def consensus(passes: Sequence[Set[int]]) -> Consensus:
    """The group of answers that is believed, and its tests; empty where no answer satisfies a test.

    Of equal scores the group with more tests is taken, then the one whose answers come first.

    Args:
        passes: for each of the different answers the numbers of the tests that it satisfies.
    """
    groups: dict[frozenset[int], list[int]] = {}
    for number, tests in enumerate(passes):
        if tests:
            groups.setdefault(frozenset(tests), []).append(number)
    if not groups:
        return Consensus((), frozenset())
    best = max(groups, key=lambda tests: _score(len(groups[tests]), len(tests)))
    counts = Counter(number for tests in passes for number in tests)
    return Consensus(tuple(groups[best]), frozenset(number for number in best if counts[number] >= LEAST))


def _score(answers: int, tests: int) -> tuple[bool, int, int]:
    return answers >= LEAST, answers * tests**POWER, tests
