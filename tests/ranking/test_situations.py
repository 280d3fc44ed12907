"""Scores and places of answers, with statuses made by hand."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.errors import UsageError
from datagen.ranking.situations import (
    BONUS,
    LEVELS,
    NO_TEACHER,
    TEACHER_BELOW_STUDENT,
    Answer,
    Place,
    Scale,
    check_bonus,
    parse_levels,
    places,
    unfit,
)
from datagen.sandbox.verdict import STATUSES

ONES = parse_levels(",".join(map(str, LEVELS)))
PLAIN, BY_RATIO = Scale(ONES, BONUS), Scale(ONES, BONUS, by_ratio=True)


def teacher(status, ratio=0.0, length=10, name="t"):
    return Answer(name, False, status, ratio, length)


def student(status, ratio=0.0, length=10, name="s"):
    return Answer(name, True, status, ratio, length)


def placed(*answers):
    return [(place.score, place.rank) for place in places(answers, PLAIN)]


def test_levels_are_those_of_coderl_and_rltf():
    """From bad to good -1, -0.6, -0.3 and 1."""
    assert ONES == {"compile_error": -1.0, "runtime_error": -0.6, "partial": -0.3, "all_passed": 1.0}


@pytest.mark.parametrize("status", STATUSES)
def test_teacher_stands_above_the_student_in_the_same_situation(status):
    """Both get the level, the teacher the bonus besides."""
    assert placed(student(status), teacher(status)) == [
        (ONES[status], 2),
        (round(ONES[status] + BONUS, 9), 1),
    ]


def test_no_bonus_without_a_tie():
    """Scores are the bare levels where no student's answer is in the same situation."""
    assert placed(teacher("all_passed", 1.0), student("partial", 0.5)) == [(1.0, 1), (-0.3, 2)]
    assert placed(teacher("all_passed", 1.0)) == [(1.0, 1)]


def test_bonus_goes_before_the_pass_ratio():
    """A teacher's partial answer stands above a student's that satisfies more tests, as in the paper."""
    assert placed(teacher("partial", 0.2), student("partial", 0.8)) == [(-0.25, 1), (-0.3, 2)]


def test_ties_of_teachers():
    """Equal scores are ordered by pass ratio, then by the shortest code, then by the id."""
    answers = [
        teacher("partial", 0.5, 9, "d"),
        teacher("partial", 0.8, 20, "c"),
        teacher("partial", 0.5, 8, "b"),
        teacher("partial", 0.5, 8, "a"),
    ]
    assert [place.rank for place in places(answers, PLAIN)] == [4, 1, 3, 2]


def test_no_code_is_not_the_shortest_code():
    """Of answers that do not compile, one without any code is the worst."""
    answers = teacher("compile_error", length=None, name="a"), teacher("compile_error", length=50, name="b")
    assert [place.rank for place in places(answers, PLAIN)] == [2, 1]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([teacher("partial"), student("all_passed")], TEACHER_BELOW_STUDENT),
        ([teacher("compile_error"), teacher("partial"), student("all_passed")], TEACHER_BELOW_STUDENT),
        ([teacher("partial"), teacher("all_passed"), student("all_passed")], ""),
        ([teacher("partial", 0.1), student("partial", 0.9)], ""),
        ([teacher("compile_error"), student("compile_error")], ""),
        ([teacher("compile_error")], ""),
        ([student("all_passed")], NO_TEACHER),
    ],
)
def test_tasks_that_cannot_be_learned_from(answers, reason):
    """The best teacher is compared with the best student, by the situation alone."""
    assert unfit(answers, PLAIN) == reason


def test_pass_ratio_raises_partial_answers_alone():
    """From the level of partial up to the bonus below all_passed; the bonus goes to equal ratios."""
    answers = [
        *(teacher("partial", ratio, name=str(ratio)) for ratio in (0.0, 0.5, 0.9)),
        *(student("partial", ratio, name=f"s{ratio}") for ratio in (0.5, 0.6)),
        teacher("runtime_error", name="e"),
        teacher("all_passed", 1.0, name="a"),
    ]
    scores = [place.score for place in places(answers, BY_RATIO)]
    assert scores == pytest.approx([-0.3, 0.325 + 0.05, 0.825, 0.325, 0.45, -0.6, 1.0])
    assert [place.rank for place in places(answers, BY_RATIO)] == [6, 4, 2, 5, 3, 7, 1]
    assert unfit([teacher("partial", 0.1), student("partial", 0.9)], BY_RATIO) == TEACHER_BELOW_STUDENT


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "1,1,2,3", "4,3,2,1", "a,b,c,d", "0,1,2,inf", "nan,1,2,3"]
)
def test_levels_that_do_not_rise_are_refused(text):
    """One line names the value and what is allowed."""
    with pytest.raises(UsageError, match="give four numbers that rise"):
        parse_levels(text)


@pytest.mark.parametrize("bonus", [0.0, -0.1, 0.3, 5.0, float("nan"), float("inf")])
def test_bonus_that_changes_the_order_is_refused(bonus):
    """It is below the smallest gap, 0.3 by default, and above 0."""
    with pytest.raises(UsageError, match=r"above 0 and below 0\.3"):
        check_bonus(bonus, ONES)


ANSWERS = st.lists(
    st.builds(
        Answer,
        st.uuids().map(str),
        st.booleans(),
        st.sampled_from(STATUSES),
        st.sampled_from([0.0, 0.25, 0.5]),
        st.sampled_from([None, 3, 4]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(ANSWERS, st.randoms(use_true_random=False))
def test_places_do_not_depend_on_the_order(answers: list[Answer], draw: random.Random):
    """Whatever order answers come in, each keeps its score and rank; ranks are 1 to n, and scores fall."""
    before = dict(zip(answers, places(answers, PLAIN), strict=True))
    mixed = draw.sample(answers, len(answers))
    assert dict(zip(mixed, places(mixed, PLAIN), strict=True)) == before
    in_order = sorted(before.values(), key=lambda place: place.rank)
    assert [place.rank for place in in_order] == [*range(1, len(answers) + 1)]
    assert [place.score for place in in_order] == sorted((p.score for p in in_order), reverse=True)
    assert unfit(mixed, PLAIN) == unfit(answers, PLAIN)


@given(ANSWERS, st.sampled_from([PLAIN, BY_RATIO]))
def test_better_situation_is_better_score(answers: list[Answer], scale: Scale):
    """Neither bonus nor pass ratio lifts an answer above one in a better situation."""
    scored: list[tuple[Answer, Place]] = list(zip(answers, places(answers, scale), strict=True))
    for one, place in scored:
        for other, below in scored:
            if ONES[one.status] > ONES[other.status]:
                assert place.score > below.score
                assert place.rank < below.rank
