"""Ask teachers to answer tasks.

The student may be asked, too. Every distinct task is asked once for each answer wanted; its answers follow
each other, teachers in the order in which they were named. Answers that rows bring already are not carried
over: to keep a file's own answers as a teacher's, use `--teacher reference --map reference=output`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from datagen import canonical
from datagen.answers import prompts
from datagen.answers.code import extract_code
from datagen.calls.asking import Answer, Asker
from datagen.data import schema
from datagen.data.dataset import CALL_FAILED, CUT_SHORT, EMPTY_ANSWER
from datagen.data.source import Row, Source
from datagen.ranking.sampled import sampled_tests
from datagen.request import CUT_OFF, WITHOUT_TEMPERATURE, Prompt, Reply
from datagen.runs import values
from datagen.runs.options import ModelOptions, option, teachers_option
from datagen.runs.stage import EachStage, Made, Tools
from datagen.teachers import Profile, Teacher, kind_of

_COLUMNS = (
    *("response", "code", "language", "teacher", "role", "sample", "prompt_hash", "temperature", "request"),
    *("model", "finish_reason", "cut", "license", "entry_point"),
)
#: Of two equal answers to a task the first is kept.
REPEATED_ANSWER = "repeated-answer"
#: Such answers another sample may complete. One that became too long is for the rule truncated-response.
_STOPPED = CUT_OFF - {"length"}
#: How often a row's answer is asked for again, once in each run, while none can be used; and how far the
#: samples of these calls lie apart, so that they are never those of a larger `n`.
_TIMES, _APART = 5, 10_000
#: The role of a row that stands for a call for tests which failed.
TESTS = "tests"


@dataclass(frozen=True, kw_only=True)
class Options(ModelOptions):
    """Options of `sample`. `seed` travels in the requests, the k-th at a temperature with seed + k."""

    teacher: tuple[Profile, ...] = teachers_option()
    student: Profile | None = option(
        None,
        type=values.TeacherSpec(),
        metavar="SPEC",
        role="student",
        help="The model to train; its answers get the role student.",
    )
    n: int = option(1, type=values.whole(1, 1000), help="Answers of each.")
    temperature: tuple[float, ...] = option(
        (),
        type=values.TEMPERATURE,
        metavar="T",
        help="Ask at T; repeat for n answers at each. Default: what suits the teacher.",
    )
    tests: bool = option(False, help="Ask the teachers for unit tests, too; in generated_tests.")


class _Wanted(NamedTuple):
    """One answer that every task gets.

    Args:
        teacher: from whom.
        sample: its index among the teacher's answers to the task.
        asked_as: its index among those at this temperature, which goes into the request; so a larger `n` buys
            none of them anew.
        temperature: None for what suits the teacher.
    """

    teacher: Teacher
    sample: int
    asked_as: int
    temperature: float | None


class _Task(NamedTuple):
    """A task, and the reason why it is not asked; empty if it is."""

    row: Row
    reason: str


def _asks(options: Options) -> list[Profile]:
    student = [options.student._replace(role="student")] if options.student else []
    return [*options.teacher, *student]


def _makes(options: Options) -> tuple[int, int]:
    temperatures = options.temperature or (None,)
    most = sum(
        1
        if kind_of(one).answers_once
        else sum(1 if _is_greedy(one, temperature) else options.n for temperature in temperatures)
        for one in _asks(options)
    )
    return most, most


def _units(tasks: Source, options: Options) -> Iterator[_Task]:  # noqa: ARG001
    """The tasks; of equal ones the first is asked."""
    seen: set[str] = set()
    for row in tasks.iter_rows():
        asked = canonical.row_id(row["instruction"])
        empty = "" if row["instruction"].strip() else "empty-instruction"
        yield _Task(row, empty or ("repeated-task" if asked in seen else ""))
        seen.add(asked)


def _wanted(teachers: Sequence[Teacher], n: int, temperatures: Sequence[float]) -> list[_Wanted]:
    """Each answer that every task gets."""
    return [
        _Wanted(teacher, number * n + sample, sample, temperature)
        for teacher in teachers
        for number, temperature in enumerate(temperatures or (None,))
        for sample in range(n)
        if number + sample == 0 or not kind_of(teacher.profile).answers_once
        if sample == 0 or not _is_greedy(teacher.profile, temperature)
    ]


def _is_greedy(profile: Profile, temperature: float | None) -> bool:
    """Whether a teacher gives the same answer each time, so that one is enough."""
    asked = dict(profile.parameters).get("temperature") if temperature is None else temperature
    return asked == 0


def _authors(teachers: Sequence[Teacher]) -> list[Teacher]:
    """Who writes tests: the teachers, not the student, and nobody who only repeats solutions."""
    return [
        one for one in teachers if one.profile.role == "teacher" and not kind_of(one.profile).needs_reference
    ]


async def _each(task: _Task, options: Options, tools: Tools) -> Made:
    """All rows of one task: the answers in the order wanted, then those calls for tests that failed."""
    if task.reason:
        return Made([], [_dropped(task.row, task.reason)])
    wanted = _wanted(tools.teachers, options.n, options.temperature)
    authors = _authors(tools.teachers) if options.tests else []
    asked = (
        *(_row(task.row, one, tools.asker, options.seed) for one in wanted),
        *(_tests(task.row, author, tools.asker, options.seed) for author in authors),
    )
    rows = await _all(asked)
    answers, written = rows[: len(wanted)], rows[len(wanted) :]
    if authors:
        tests = [test for row in written for test in row.pop("generated_tests", [])]
        for row in answers:
            row["generated_tests"] = tests
    _drop_equal(answers)
    kept = [row for row in answers if "reason" not in row]
    return Made(kept, [row for row in (*answers, *written) if "reason" in row])


def _drop_equal(answers: Sequence[Row]) -> None:
    """Drop answers to a task that say what an earlier one of the same role says."""
    seen: set[tuple[str, str]] = set()
    for row in answers:
        if "reason" not in row:
            said = row["role"], row["response"].strip()
            if said in seen:
                row.update(reason=REPEATED_ANSWER, dropped_by=[REPEATED_ANSWER], detail=None)
            seen.add(said)


async def _all(jobs: Iterable[Coroutine[Any, Any, Row]]) -> list[Row]:
    """Results in order; when one job raises, the others end first, because they are paid for."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def _row(task: Row, wanted: _Wanted, asker: Asker, seed: int) -> Row:
    """The row of one answer; it has a `reason` if it is to be dropped."""
    teacher, sample, asked_as, temperature = wanted
    profile = teacher.profile
    prompt = prompts.answer_prompt(task, teacher.shape)
    answer = await _usable(asker, teacher, prompt, seed=seed, sample=asked_as, temperature=temperature)
    reply = answer.reply
    response = prompt.whole(reply) if reply and reply.text.strip() else None
    code = extract_code(response, prompts.wanted_function(task))
    own = kind_of(profile).needs_reference
    row = schema.without_answer(task) | {
        "id": canonical.row_id(task["instruction"], response, teacher.name, sample),
        "response": response,
        "code": code.text,
        "language": code.language,
        "cut": list(code.cut) if code.text is not None else None,
        "teacher": teacher.name,
        "role": profile.role,
        "sample": sample,
        "prompt_hash": None if own else prompts.answer_prompt_hash(teacher.shape),
        "temperature": None if own or (reply and WITHOUT_TEMPERATURE in reply.adapted) else temperature,
        "entry_point": task.get("entry_point"),
        "tests": task.get("tests"),
        "reference": task.get("reference"),
        "request": answer.request,
        "model": reply.model if reply else None,
        "finish_reason": reply.finish_reason if reply else None,
        "license": schema.combined_license(
            task.get("license"), task.get("license") if own else profile.license
        ),
    }
    if reply is None:
        return _dropped(row, "no-reference" if own else CALL_FAILED, answer.problem)
    if why := _unusable(reply):
        return _dropped(row, why, f"the model stopped with the reason {reply.finish_reason or 'unknown'}")
    return row


def _unusable(reply: Reply) -> str:
    """Why a reply is no answer; "" for one that is."""
    if not reply.text.strip():
        return EMPTY_ANSWER
    return CUT_SHORT if (reply.finish_reason or "").lower() in _STOPPED else ""


async def _usable(
    asker: Asker, teacher: Teacher, prompt: Prompt, *, seed: int, sample: int, temperature: float | None
) -> Answer:
    """An answer that can be used, or else the last one that there is.

    One that cannot, and is known from an earlier run, is asked for again as another sample: once in a run.
    """
    answer = Answer(None, None)
    for number in range(_TIMES):
        answer = await asker.ask(
            teacher, prompt, seed=seed, sample=sample + number * _APART, temperature=temperature
        )
        if answer.reply is None or not answer.reused or not _unusable(answer.reply):
            break
    return answer


async def _tests(task: Row, author: Teacher, asker: Asker, seed: int) -> Row:
    """`generated_tests` that one teacher writes for a task; the row of a failed call has a `reason`."""
    prompt = prompts.tests_prompt(task, author.shape)
    answer = await asker.ask(author, prompt, seed=seed, sample=0)
    if answer.reply is None:
        row = schema.without_answer(task) | {
            "id": canonical.row_id(task["instruction"], TESTS, author.name),
            "teacher": author.name,
            "role": TESTS,
            "prompt_hash": prompts.tests_prompt_hash(author.shape),
            "request": answer.request,
        }
        return _dropped(row, CALL_FAILED, f"no tests: {answer.problem}")
    written = sampled_tests(prompt.whole(answer.reply), prompts.wanted_function(task))
    return {"generated_tests": [{"author": author.name, "test": test} for test in written]}


def _dropped(row: Row, reason: str, detail: str | None = None) -> Row:
    return row | {"reason": reason, "dropped_by": [reason], "detail": detail}


STAGE = EachStage(
    name="sample",
    options=Options,
    asks=_asks,
    units=_units,
    each=_each,
    columns=lambda options: (*_COLUMNS, "generated_tests") if options.tests else _COLUMNS,
    makes=_makes,
    help="""Ask teachers to answer tasks.

    TASKS is a file, a dataset directory, - (JSONL) or starter. Each distinct task is asked once per
    teacher and answer; answers that rows bring along are not carried over. Calls that fail are in
    OUT/dropped and are tried again by the next run.
    """,
    example="datagen sample starter -o out/pairs --teacher local:smollm2 --teacher reference",
)
