"""Ask teachers, and maybe the student, to answer tasks.

Every distinct task is asked once for each answer wanted; its answers follow each other, teachers in the
order in which they were named. Answers that rows bring already are not carried over: to keep a file's
own answers as a teacher's, use `--teacher reference --map reference=output`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from datagen import canonical, progress
from datagen.answers import prompts
from datagen.answers.code import extract_code
from datagen.answers.tests import parse_tests
from datagen.calls.budget import Account
from datagen.calls.caller import Asker
from datagen.calls.caller import caller as open_caller
from datagen.calls.forecast import Forecast, Rows, task_forecast
from datagen.calls.jobs import in_order, run_calls
from datagen.commands import options
from datagen.data import dataset, schema
from datagen.data.dataset import CALL_FAILED, Outcome, RowWriter
from datagen.data.manifest import Plan
from datagen.data.source import Row, Source
from datagen.runs import values
from datagen.teachers import Profile, Teacher, check_all, connect_all, identities, public_settings

_COLUMNS = (
    *("response", "code", "language", "teacher", "role", "sample", "prompt_hash", "temperature", "request"),
    *("model", "finish_reason", "cut", "license", "entry_point"),
)
#: A call that was answered, with nothing.
EMPTY_ANSWER = "empty-answer"
TESTS = "tests"


class _Wanted(NamedTuple):
    """One answer that every task gets: from whom, its index, and at which temperature.

    asked_as: its index among those at this temperature, which goes into the request; so a larger `n` buys
    none of them anew.
    """

    teacher: Teacher
    sample: int
    asked_as: int
    temperature: float | None


class _Answered(NamedTuple):
    """The rows of one task. The first of them came in with the task, the others are made."""

    kept: list[Row]
    dropped: list[Row]


def make(
    source: Source,
    out: Path,
    *,
    teacher: Sequence[Profile],
    student: Profile | None = None,
    n: int = 1,
    temperature: Sequence[float] = (),
    tests: bool = False,
    seed: int = 0,
    concurrency: int | None = None,
    timeout: float | None = None,
    account: Account | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Write the answers of every teacher, and of the student, to each task.

    Args:
        teacher: who answers. student: the model to train; its rows get the role student. n: answers of each
            to each task, at each temperature; `reference` has one only. temperature: 0 to 2, none for what
            suits the teacher's prompt. tests: ask the teachers for unit tests, too. seed: travels in the
            requests, the k-th at a temperature with seed + k. account: whose money it is.

    Raises:
        DatagenError: a teacher cannot be used, or `out` holds another data set.
    """
    profiles = check(teacher=teacher, student=student)
    plan = planned(
        source, teacher=teacher, student=student, n=n, temperature=temperature, tests=tests, seed=seed
    )
    if done := dataset.already_made(out, plan, overwrite=overwrite):
        return done
    with (
        open_caller(plan.key(), account=account, concurrency=concurrency, timeout=timeout) as caller,
        dataset.writing(out, plan) as writer,
    ):
        columns = (*_COLUMNS, "generated_tests") if tests else _COLUMNS
        rows = RowWriter(writer, source.schema(), columns)

        async def work() -> None:
            async with connect_all(profiles) as opened:
                caller.use(opened)
                wanted = _wanted(opened, n, temperature)
                authors = _authors(opened) if tests else []
                each = len(wanted) + len(authors)
                jobs = (partial(_task, *task, wanted, authors, caller, seed) for task in _distinct(source))
                window = -(-caller.window(opened) // each)
                made = in_order(jobs, window=window, caller=caller)
                with progress.track("sample", source.rows * len(wanted)) as advance:
                    async with aclosing(made):
                        async for task in made:
                            count = len(task.kept) + len(task.dropped)
                            rows.add(task.kept, task.dropped, rows_in=1, rows_made=count - 1)
                            advance(len(wanted))

        run_calls(work, caller)
        rows.flush()
        writer.take_calls(caller.counts(), caller.usage.as_json(), public_settings(profiles))
    return writer.outcome(out)


def planned(
    source: Source,
    *,
    teacher: Sequence[Profile],
    student: Profile | None = None,
    n: int = 1,
    temperature: Sequence[float] = (),
    tests: bool = False,
    seed: int = 0,
    **_: object,
) -> Plan:
    """All that decides what `make` writes."""
    chosen = {
        **{"teacher": [one.name for one in teacher], "student": student.name if student else None, "n": n},
        **{"temperature": list(temperature), "tests": tests, "seed": seed},
    }
    return Plan("sample", [source], chosen, identities(check(teacher=teacher, student=student)))


def check(*, teacher: Sequence[Profile], student: Profile | None = None, **_: object) -> list[Profile]:
    """Everyone who is asked; raises UsageError where that cannot work, before a recipe runs."""
    profiles = [*teacher, *([student._replace(role="student")] if student else [])]
    check_all(profiles)
    return profiles


def forecast(
    rows: Rows,
    *,
    teacher: Sequence[Profile],
    student: Profile | None = None,
    n: int = 1,
    temperature: Sequence[float] = (),
    tests: bool = False,
    seed: int = 0,
    **_: object,
) -> Forecast:
    """What `make` would ask for, without asking."""
    profiles = check(teacher=teacher, student=student)

    async def ask_all(row: Row, opened: Sequence[Teacher], asker: Asker) -> object:
        authors = _authors(opened) if tests else []
        return await _task(row, "", _wanted(opened, n, temperature), authors, asker, seed)

    each = n * max(len(temperature), 1)
    most = sum(1 if one.kind == "reference" else each for one in profiles)
    made = task_forecast(rows, profiles, ask_all)
    return made._replace(rows=made.rows.becoming(made.rows.least * most, made.rows.most * most))


def _wanted(teachers: Sequence[Teacher], n: int, temperatures: Sequence[float]) -> list[_Wanted]:
    """Each answer that every task gets."""
    return [
        _Wanted(teacher, number * n + sample, sample, temperature)
        for teacher in teachers
        for number, temperature in enumerate(temperatures or (None,))
        for sample in range(n)
        if teacher.profile.kind != "reference" or number + sample == 0
    ]


def _authors(teachers: Sequence[Teacher]) -> list[Teacher]:
    """Who writes tests: the teachers, not the student, and not the reference, which writes nothing."""
    return [one for one in teachers if one.profile.role == "teacher" and one.profile.kind != "reference"]


def _distinct(source: Source) -> Iterator[tuple[Row, str]]:
    """The tasks, each with the reason why it is not asked, if there is one."""
    seen: set[str] = set()
    for task in source.iter_rows():
        asked = canonical.row_id(task["instruction"])
        empty = "" if task["instruction"].strip() else "empty-instruction"
        yield task, empty or ("repeated-task" if asked in seen else "")
        seen.add(asked)


async def _task(
    task: Row,
    reason: str,
    wanted: Sequence[_Wanted],
    authors: Sequence[Teacher],
    asker: Asker,
    seed: int,
) -> _Answered:
    """All rows of one task: the answers in the order wanted, then those calls for tests that failed."""
    if reason:
        return _Answered([], [_dropped(task, reason)])
    asked = (
        *(_row(task, one, asker, seed) for one in wanted),
        *(_tests(task, author, asker, seed) for author in authors),
    )
    rows = await _all(asked)
    answers, written = rows[: len(wanted)], rows[len(wanted) :]
    if authors:
        tests = [test for row in written for test in row.pop("generated_tests", [])]
        for row in answers:
            row["generated_tests"] = tests
    kept = [row for row in answers if "reason" not in row]
    return _Answered(kept, [row for row in (*answers, *written) if "reason" in row])


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
    answer = await asker.ask(teacher, prompt, seed=seed, sample=asked_as, temperature=temperature)
    reply = answer.reply
    response = prompt.whole(reply) if reply and reply.text.strip() else None
    code = extract_code(response, prompts.wanted_function(task))
    own = profile.kind == "reference"
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
        "temperature": None if own else temperature,
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
    return row if response is not None else _dropped(row, EMPTY_ANSWER)


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
    written = parse_tests(prompt.whole(answer.reply), prompts.wanted_function(task))
    return {"generated_tests": [{"author": author.name, "test": test} for test in written]}


def _dropped(row: Row, reason: str, detail: str | None = None) -> Row:
    return row | {"reason": reason, "dropped_by": [reason], "detail": detail}


@click.command(
    epilog="Example: datagen sample starter -o out/pairs --teacher local:smollm2 --teacher reference"
)
@options.input_argument("TASKS")
@options.teacher_options
@click.option(
    "--student",
    type=values.TeacherSpec(),
    callback=options.default_student,
    metavar="SPEC",
    help="The model to train; its answers get the role student.",
)
@click.option("-n", type=click.IntRange(1, 1000), default=1, show_default=True, help="Answers of each.")
@click.option(
    "--temperature",
    multiple=True,
    type=values.Temperature(),
    metavar="T",
    help="Ask at T; repeat for n answers at each. Default: what suits the teacher.",
)
@click.option("--tests", is_flag=True, help="Ask the teachers for unit tests, too; in generated_tests.")
@options.model_options
@options.stage_options()
def command(**given: Any) -> int:  # noqa: ANN401 - Click's parameters, passed on to `make`
    """Ask teachers to answer tasks.

    TASKS is a file, a dataset directory, - (JSONL) or starter. Each distinct task is asked once per
    teacher and answer; answers that rows bring along are not carried over. Calls that fail are in
    OUT/dropped and are tried again by the next run.
    """
    return options.run_model_stage(make, forecast, given)
