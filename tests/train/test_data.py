"""From ranked answers to sequences: what is compared, what is learned, and what is left out."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra train is not installed")

import tiny

from train.data import Answer, Choice, Encoder, Task, batches, best_teacher, check, compared, prepare
from train.errors import TrainError


def teacher(code: str, score: float = 1.0, **more: Any) -> Answer:
    return Answer(more.pop("id", f"t-{code}"), code, True, score, **more)


def student(code: str, score: float = 0.0, **more: Any) -> Answer:
    return Answer(more.pop("id", f"s-{code}"), code, False, score, **more)


def prepared(*answers: Answer, instruction: str = "Add.", **choice: Any) -> Any:
    return prepare([Task("task", instruction, answers)], tiny.tokenizer(), Choice(**choice))


def text(tokens: list[int]) -> str:
    return str(tiny.tokenizer().decode(tokens))


def test_sequence_is_prompt_code_and_end() -> None:
    """The prompt ends where the code begins; the end token belongs to the response."""
    (task,) = prepared(teacher("good"), student("bad")).tasks
    assert [text(own[: task.start]) for own in task.tokens] == ['"""\nAdd.\n"""\n'] * 2
    assert [text(own[task.start :]) for own in task.tokens] == ["good<end>", "bad<end>"]
    assert (task.scores, task.is_teacher, task.best, task.pairs) == ([1.0, 0.0], [True, False], 0, 1)


def test_text_of_a_special_token_is_only_text() -> None:
    """Code that holds the end token's name does not end there."""
    encoder = Encoder(tiny.tokenizer())
    assert encoder.code("x<end>").count(tiny.END) == 1
    assert tiny.END not in encoder.prompt("<end>")


def test_teachers_are_compared_with_students_alone() -> None:
    """Two teachers and two students make four pairs; any two make six."""
    answers = [teacher("a", 1.0), teacher("b", 0.7), student("c", 0.4), student("d", 0.0)]
    assert compared(answers) == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert compared(answers, "all") == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("answers", "best"),
    [
        ([teacher("aa", 0.5), teacher("bbb", 1.0)], 1),
        ([teacher("aa", pass_ratio=0.5), teacher("bbb", pass_ratio=1.0)], 1),
        ([teacher("aaa"), teacher("bb")], 1),
        ([teacher("aa", id="2"), teacher("bb", id="1")], 1),
        ([student("aa", 2.0), teacher("bb", 0.5)], 1),
        ([teacher("aa", 2.0, status="partial"), teacher("bb", 1.0)], 1),
        ([teacher("aa", status="partial"), student("bb")], -1),
        ([student("aa")], -1),
    ],
)
def test_best_teacher(answers: list[Answer], best: int) -> None:
    """The best score, then pass ratio, shortest code and smallest id; of code that passed its tests."""
    assert best_teacher(answers) == best


def test_level_of_what_is_learned_can_be_lowered() -> None:
    """Broken code is compared but not learned, unless that is asked for."""
    answers = (teacher("good", 0.5, status="partial"), student("bad"))
    assert prepared(*answers).tasks[0].best == -1
    assert prepared(*answers, ft_from="partial").tasks[0].best == 0


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (student(""), "no-code"),
        (student(" \n\t"), "no-code"),
        (student("cut", is_cut=True), "truncated"),
        (student("x" * 600), "too-long"),
        (student("good", id="copy"), "same-code"),
        (student("\ngood\n\n", id="copy"), "same-code"),
        (student("tied", 1.0), "not-compared"),
        (teacher("other", 0.0, status="compile_error"), "not-compared"),
    ],
)
def test_answers_left_out_are_counted(bad: Answer, reason: str) -> None:
    """An answer that teaches nothing is left out under its reason; the others of its task stay."""
    found = prepared(bad, teacher("good"), student("bad"))
    assert found.left_out == {reason: 1}
    assert [text(own[found.tasks[0].start : -1]) for own in found.tasks[0].tokens] == ["good", "bad"]


def test_task_is_dropped_where_a_student_is_ahead() -> None:
    """As in the paper, even if another student is behind."""
    ahead = Task("1", "x", [teacher("a", 0.5), student("b", 0.7), student("c", 0.0)])
    other = Task("2", "y", [teacher("a"), student("b")])
    found = prepare([ahead, other], tiny.tokenizer(), Choice())
    assert len(found.tasks) == 1
    assert found.left_out == {"student-ahead": 3}


def test_teachers_alone_can_be_learned() -> None:
    """Without a student there is no pair, but the best teacher's answer is learned."""
    found = prepared(teacher("a"), teacher("bb"))
    assert (found.pairs, found.answers, found.tasks[0].best) == (0, 1, 0)


@pytest.mark.parametrize(
    ("answers", "choice"),
    [
        ([teacher("a", status="partial"), student("b", 1.0)], {}),
        ([student("a"), student("b", 1.0)], {}),
        ([teacher(""), student("")], {}),
        ([teacher("a"), student("b", 1.0)], {"ft_from": None}),
        ([teacher("a", status="partial"), student("b")], {"rank": False}),
    ],
    ids=["all tied", "students alone", "no code", "only pairs wanted", "only good code wanted"],
)
def test_nothing_to_learn_is_an_error(answers: list[Answer], choice: dict[str, Any]) -> None:
    """Only where there is neither a pair nor an answer to learn; it is found without a tokenizer, too."""
    with pytest.raises(TrainError, match="nothing to learn"):
        prepared(*answers, **choice)
    with pytest.raises(TrainError, match="nothing to learn"):
        check([Task("1", "x", answers)], Choice(**choice))


def test_something_to_learn_is_found_without_a_tokenizer() -> None:
    """One task that teaches something is enough."""
    check([Task("1", "x", [teacher("")]), Task("2", "y", [teacher("a")])], Choice())


def test_tokenizer_without_end_token() -> None:
    """Without it a model would never learn to stop."""
    tokenizer = tiny.tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(TrainError, match="no end token"):
        Encoder(tokenizer)


def test_batches_go_through_all_tasks() -> None:
    """Every epoch holds each task once, in an order of its own that the seed decides."""
    found = [index for batch in islice(batches(6, 4, seed=1), 3) for index in batch]
    assert sorted(found[:6]) == sorted(found[6:]) == list(range(6))
    assert found[:6] != found[6:]
    assert found == [index for batch in islice(batches(6, 4, seed=1), 3) for index in batch]
    assert found != [index for batch in islice(batches(6, 4, seed=2), 3) for index in batch]
