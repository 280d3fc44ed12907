"""Which tests are kept, from which answers satisfy which tests."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.ranking.agreement import Consensus, consensus

RIGHT = {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("passes", "answers", "tests"),
    [
        ([], (), set()),
        ([set(), set()], (), set()),
        ([RIGHT] * 3, (0, 1, 2), RIGHT),
        # Three right answers among five that are wrong in different ways, one of them as a wrong test is.
        ([{0, 1, 9}, RIGHT, {2}, RIGHT, {3, 4}, RIGHT, {0}, set()], (1, 3, 5), RIGHT),
        # The same mistake five times: the right ones satisfy more tests.
        ([{0, 1, 2}] * 5 + [RIGHT] * 3, (5, 6, 7), RIGHT),
        # One answer that satisfies more than two others do together is alone.
        ([{0, 1}, {0, 1}, {0, 1, 2, 3, 4, 5, 6}], (0, 1), {0, 1}),
        # Nobody agrees: the most tests, and of these the ones that another answer satisfies.
        ([{0, 1, 2, 7}, {0, 1}, {2, 5}], (0,), {0, 1, 2}),
        ([{0}, {1}], (0,), set()),
    ],
)
def test_who_is_believed(passes, answers, tests):
    """The group of answers that agree with each other and with the most tests."""
    assert consensus(passes) == Consensus(answers, frozenset(tests))


PASSES = st.lists(st.frozensets(st.integers(0, 6)), min_size=1, max_size=8)


@given(PASSES, st.randoms(use_true_random=False))
def test_consensus_is_one_of_the_groups(passes: list[frozenset[int]], draw: random.Random):
    """Its answers, and no others, satisfy the same tests; two answers satisfy each test that is kept."""
    found = consensus(passes)
    groups = {passes[number] for number in found.answers}
    assert len(groups) == bool(any(passes))
    assert [n for n, one in enumerate(passes) if one in groups] == [*found.answers]
    assert all(found.tests <= group for group in groups)
    assert all(sum(test in one for one in passes) >= 2 for test in found.tests)
    mixed = draw.sample(passes, len(passes))
    again = consensus(mixed)
    assert len(again.answers) == len(found.answers)
    assert {len(mixed[n]) for n in again.answers} == {len(group) for group in groups}


@given(st.integers(3, 8), st.integers(1, 9))
def test_right_answers_that_all_agree_keep_all_tests(answers: int, tests: int):
    """Nothing is lost where nobody is wrong."""
    assert consensus([{*range(tests)}] * answers).tests == {*range(tests)}
