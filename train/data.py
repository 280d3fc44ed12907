"""From ranked answers to sequences of tokens: which answers are compared, and which one is learned.

Shapes: B tasks, K responses of a task, N responses of a batch, T tokens.

Covered: an answer is left out where it has no code, was cut off by its model, is longer than `max_length`, is
the same code as an answer before it, or is neither compared nor learned; a task, where a student's answer is
better than all teachers', or nothing is left to learn. `Prepared.left_out` counts all of them.

Departs from the paper: only code that passed all its tests is learned by L_ft; with two failing answers the
formula would teach broken code. `ft_from` says from which status on.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from train.errors import TrainError
from train.format import prompt

#: What can become of a program, from bad to good.
STATUSES = ("compile_error", "runtime_error", "partial", "all_passed")


class Answer(NamedTuple):
    """One answer to a task.

    Args:
        id: stable; decides between answers that are equally good.
        code: its code, without the prose around it.
        is_teacher: whether a teacher wrote it, or else the student.
        score: r; higher is better.
        status: one of `STATUSES`.
        pass_ratio: the share of the tests that it passed.
        is_cut: whether the model that wrote it was stopped before its end.
    """

    id: str
    code: str
    is_teacher: bool
    score: float
    status: str = "all_passed"
    pass_ratio: float = 1.0
    is_cut: bool = False


class Task(NamedTuple):
    """An instruction with its answers."""

    id: str
    instruction: str
    answers: Sequence[Answer]


class Sequences(NamedTuple):
    """A task's K answers as the loss takes them.

    Args:
        tokens: K lists of ids: prompt, code, end token.
        start: the number of tokens of the prompt.
        scores: K numbers.
        is_teacher: K times whether a teacher wrote it.
        best: index of the answer that L_ft learns, or -1.
        pairs: how many pairs are compared.
    """

    tokens: list[list[int]]
    start: int
    scores: list[float]
    is_teacher: list[bool]
    best: int
    pairs: int


class Tokenizer(Protocol):
    """What is needed of a tokenizer of transformers."""

    eos_token_id: int | None

    def __call__(self, text: str, **options: Any) -> Any: ...  # noqa: ANN401


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What of the answers is used.

    Args:
        max_length: the most tokens of prompt, code and end token together.
        pairs: which answers are compared: a teacher's with a student's, or any two.
        ft_from: the status from which on a teacher's answer may be learned by L_ft; None for no L_ft.
        rank: whether there is an L_rank.
    """

    max_length: int = 512
    pairs: Literal["teacher-student", "all"] = "teacher-student"
    ft_from: str | None = "all_passed"
    rank: bool = True


class Prepared(NamedTuple):
    """What is trained on.

    Args:
        tasks: in the order in which they came.
        left_out: how many answers were not used, by the reason.
    """

    tasks: list[Sequences]
    left_out: Counter[str]

    @property
    def pairs(self) -> int:
        """How many pairs of answers are compared."""
        return sum(task.pairs for task in self.tasks)

    @property
    def answers(self) -> int:
        """How many answers are used."""
        return sum(len(task.tokens) for task in self.tasks)


class Encoder:
    """Turns text into ids: the prompt as evaluation gives it, then code and the end token.

    Raises:
        TrainError: the tokenizer has no end token.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        if tokenizer.eos_token_id is None:
            raise TrainError("the tokenizer has no end token (eos_token); set it in tokenizer_config.json")
        self._tokenizer = tokenizer
        self._end: int = tokenizer.eos_token_id

    def prompt(self, instruction: str) -> list[int]:
        """The ids of the prompt, with a beginning token where the model has one."""
        ids = self._ids(prompt(instruction), special=True)
        return ids[:-1] if ids and ids[-1] == self._end else ids  # some tokenizers end every text

    def code(self, code: str) -> list[int]:
        """The ids of an answer: its code and the end token."""
        return [*self._ids(code, special=False), self._end]

    def _ids(self, text: str, *, special: bool) -> list[int]:
        # Text that looks like a special token is no special token: others wrote it.
        found = self._tokenizer(text, add_special_tokens=special, split_special_tokens=True, verbose=False)
        return list(found["input_ids"])


def best_teacher(answers: Sequence[Answer], ft_from: str | None = "all_passed") -> int:
    """Index of the teacher's answer to learn: the best score, then pass ratio, shortest code, smallest id.

    Args:
        answers: of one task.
        ft_from: the least status that may be learned; None for none.

    Returns:
        The index, or -1 where no teacher's answer is good enough.
    """
    if ft_from is None:
        return -1
    least = STATUSES.index(ft_from)
    able = [
        (-one.score, -one.pass_ratio, len(one.code), one.id, index)
        for index, one in enumerate(answers)
        if one.is_teacher and STATUSES.index(one.status) >= least
    ]
    return min(able)[-1] if able else -1


def compared(answers: Sequence[Answer], pairs: str = "teacher-student") -> list[tuple[int, int]]:
    """The pairs (better, worse) of a task's answers that L_rank compares, by their indices."""
    return [
        (i, j)
        for i, better in enumerate(answers)
        for j, worse in enumerate(answers)
        if better.score > worse.score and (pairs == "all" or (better.is_teacher and not worse.is_teacher))
    ]


def prepare(tasks: Iterable[Task], tokenizer: Tokenizer, choice: Choice) -> Prepared:
    """The tasks that teach something, as ids.

    Raises:
        TrainError: none does, or the tokenizer has no end token.
    """
    encoder, left_out, found = Encoder(tokenizer), Counter[str](), []
    for task in tasks:
        start, usable = _usable(task, encoder, choice.max_length, left_out)
        one = _sequences(start, usable, choice, left_out)
        if one is not None:
            found.append(one)
    if not found:
        why = ", ".join(f"{reason} {count:,}" for reason, count in left_out.most_common())
        raise TrainError(f"{_NOTHING} (answers left out: {why or 'none came in'})")
    return Prepared(found, left_out)


_NOTHING = (
    "there is nothing to learn: no teacher's answer ranks above a student's, and none that may be learned"
    " passed its tests"
)


def check(tasks: Iterable[Task], choice: Choice) -> None:
    """Look for a task that teaches something, before a tokenizer is loaded.

    Raises:
        TrainError: there is none, however long the answers may be.
    """
    for task in tasks:
        answers = [one for one in task.answers if one.code.strip() and not one.is_cut]
        pairs = compared(answers, choice.pairs) if choice.rank else []
        if not _student_is_ahead(answers) and (pairs or best_teacher(answers, choice.ft_from) >= 0):
            return
    raise TrainError(_NOTHING)


class _Encoded(NamedTuple):
    answer: Answer
    tokens: list[int]


def _usable(
    task: Task, encoder: Encoder, max_length: int, left_out: Counter[str]
) -> tuple[list[int], list[_Encoded]]:
    """The prompt's ids, and the answers that can be trained on with theirs."""
    start = encoder.prompt(task.instruction)
    found: dict[tuple[int, ...], _Encoded] = {}
    # Teachers first: of equal code, the student's copy is the one that goes.
    for answer in sorted(task.answers, key=lambda one: (not one.is_teacher, -one.score, one.id)):
        code = answer.code.strip("\n").rstrip()
        if not code.strip():
            left_out["no-code"] += 1
            continue
        ids = encoder.code(code)
        if answer.is_cut:
            left_out["truncated"] += 1
        elif len(start) + len(ids) > max_length:
            left_out["too-long"] += 1
        elif tuple(ids) in found:
            left_out["same-code"] += 1
        else:
            found[tuple(ids)] = _Encoded(answer, ids)
    return start, list(found.values())


def _sequences(
    start: list[int], usable: list[_Encoded], choice: Choice, left_out: Counter[str]
) -> Sequences | None:
    """The answers that are compared or learned; None where that is nothing."""
    if _student_is_ahead([one.answer for one in usable]):
        left_out["student-ahead"] += len(usable)
        return None
    answers = [one.answer for one in usable]
    best = best_teacher(answers, choice.ft_from)
    pairs = compared(answers, choice.pairs) if choice.rank else []
    needed = sorted({index for pair in pairs for index in pair} | ({best} - {-1}))
    if len(needed) < len(usable):
        left_out["not-compared"] += len(usable) - len(needed)
    if not needed:
        return None
    return Sequences(
        [start + usable[index].tokens for index in needed],
        len(start),
        [answers[index].score for index in needed],
        [answers[index].is_teacher for index in needed],
        needed.index(best) if best >= 0 else -1,
        len(pairs),
    )


def _student_is_ahead(answers: Sequence[Answer]) -> bool:
    teachers = [one.score for one in answers if one.is_teacher]
    students = [one.score for one in answers if not one.is_teacher]
    return bool(teachers and students) and max(teachers) < max(students)


def batches(count: int, size: int, seed: int) -> Iterator[list[int]]:
    """Indices of `size` of `count` tasks without end: each epoch in another order, drawn from `seed`.

    A batch may begin in one epoch and end in the next, so all have the same size.
    """
    waiting: list[int] = []
    epoch = 0
    while True:
        while len(waiting) < size:
            order = list(range(count))
            random.Random(f"{seed}:{epoch}").shuffle(order)
            waiting += order
            epoch += 1
        yield waiting[:size]
        waiting = waiting[size:]
