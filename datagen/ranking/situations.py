"""What answers are worth: the four situations of RRTF, their scores, and the order of a task's answers.

Covered: compile error, runtime error, some tests passed, all passed, as PanGu-Coder2 names them; a teacher
stands above a student in the same situation; a task whose best teacher is below its best student is
dropped.
Not covered: how good an answer is beyond its tests.
Departure: the paper states no scores. The levels are those of CodeRL and RLTF, and the bonus is our choice.
By pass ratio is RLTF's adaptive feedback: what satisfies more tests stands higher among those that satisfy
some.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from datagen.errors import UsageError, one_line
from datagen.sandbox.verdict import STATUSES

LEVELS = (-1.0, -0.6, -0.3, 1.0)
BONUS = 0.05
#: Why a task is dropped.
TEACHER_BELOW_STUDENT, NO_TEACHER = "teacher-below-student", "no-teacher-answer"


class Scale(NamedTuple):
    """What answers are worth.

    Args:
        levels: the score of each situation.
        bonus: what a teacher's answer is worth above a student's of the same score.
        by_ratio: whether partial answers rise with their pass ratio, up to the bonus below the next level.
    """

    levels: Mapping[str, float]
    bonus: float
    by_ratio: bool = False

    def worth(self, one: Answer) -> float:
        """The score of an answer without any bonus."""
        level = self.levels[one.status]
        if one.status != "partial" or not self.by_ratio:
            return level
        return level + (self.levels["all_passed"] - level - self.bonus) * one.pass_ratio


class Answer(NamedTuple):
    """What decides an answer's place.

    Args:
        id: of its row.
        is_student: whether it is the student's.
        status: its situation, one of `STATUSES`.
        pass_ratio: the share of the tests that it satisfies.
        length: of its code in characters; None without code.
    """

    id: str
    is_student: bool
    status: str
    pass_ratio: float
    length: int | None


class Place(NamedTuple):
    """Score and rank of an answer; rank 1 is the best of its task."""

    score: float
    rank: int


def parse_levels(text: str) -> dict[str, float]:
    """The score of each situation.

    Raises:
        UsageError: they are not four finite numbers that rise.
    """
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    rises = all(low < high for low, high in pairwise(numbers))
    if len(numbers) != len(STATUSES) or not all(map(math.isfinite, numbers)) or not rises:
        raise UsageError(
            f"--levels is not {one_line(text, 60)!r}: give four numbers that rise, for {', '.join(STATUSES)},"
            f" such as {','.join(map(str, LEVELS))}"
        )
    return dict(zip(STATUSES, numbers, strict=True))


def check_bonus(bonus: float, levels: Mapping[str, float]) -> None:
    """Raise UsageError unless the bonus leaves the order of the levels as it is."""
    scores = sorted(levels.values())
    gap = min(high - low for low, high in pairwise(scores))
    if not 0 < bonus < gap:
        raise UsageError(
            f"--bonus is not {bonus:g}: give a number above 0 and below {gap:g}, the smallest gap of --levels"
        )


def unfit(answers: Sequence[Answer], scale: Scale) -> str:
    """Why a task cannot be learned from; "" if it can."""
    teachers = [scale.worth(one) for one in answers if not one.is_student]
    students = [scale.worth(one) for one in answers if one.is_student]
    if not teachers:
        return NO_TEACHER
    return TEACHER_BELOW_STUDENT if students and max(teachers) < max(students) else ""


def places(answers: Sequence[Answer], scale: Scale) -> list[Place]:
    """Score and rank of each answer of a task, in the order of `answers`.

    A teacher gets the bonus where a student's answer is worth the same. Ties go by the pass ratio, then to
    the teacher, then to the shortest code, then by the id.
    """
    tied = {scale.worth(one) for one in answers if one.is_student}
    scores = [
        worth + (scale.bonus if worth in tied and not one.is_student else 0.0)
        for one, worth in ((one, scale.worth(one)) for one in answers)
    ]

    def order(number: int) -> tuple[float, float, bool, float, str]:
        one = answers[number]
        length = math.inf if one.length is None else one.length
        return -scores[number], -one.pass_ratio, one.is_student, length, one.id

    ranks = {number: rank for rank, number in enumerate(sorted(range(len(answers)), key=order), 1)}
    return [Place(round(score, 9), ranks[number]) for number, score in enumerate(scores)]
