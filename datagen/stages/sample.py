"""Ask teachers, and maybe the student, to answer tasks.

Every distinct task is asked once for each answer wanted; its answers follow each other, teachers in the
order in which they were named. Answers that rows bring already are not carried over: to keep a file's
own answers as a teacher's, use `--teacher reference --map reference=output`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from datagen import answering, calls, dataset, options, progress, schema
from datagen.dataset import CALL_FAILED, Outcome, RowWriter
from datagen.manifest import Plan
from datagen.prepare import extract_code
from datagen.source import Row, Source
from datagen.teachers import Teacher, check_all, connect_all, identities, public_name

_COLUMNS = (
    *("response", "code", "language", "teacher", "role", "sample", "request", "model", "finish_reason"),
    *("license", "entry_point"),
)


class _Ask(NamedTuple):
    """One answer wanted; `first` of its task's. Without a teacher: why the task is not asked."""

    task: Row
    first: bool
    reason: str = ""
    teacher: Teacher | None = None
    role: str = "teacher"
    sample: int = 0


def make(
    source: Source,
    out: Path,
    *,
    teacher: Sequence[str],
    student: str | None = None,
    n: int = 1,
    temperature: float | None = None,
    seed: int = 0,
    concurrency: int | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Write n answers of every teacher, and of the student, to each task.

    Args:
        teacher: SPECs of teachers. student: SPEC of the model to train; its rows get the role student.
            n: answers of each to each task; `reference` has one only. temperature: 0 to 2, None for
            what suits the teacher's prompt. seed: travels in the requests, sample k with seed + k.

    Raises:
        DatagenError: a teacher cannot be used, or `out` holds another data set.
    """
    specs = check(teacher=teacher, student=student)
    chosen = {"teacher": [public_name(spec) for spec in teacher], "n": n, "temperature": temperature}
    chosen["student"] = public_name(student) if student else None
    plan = Plan("sample", [source], {**chosen, "seed": seed}, identities(specs))
    if done := dataset.already_made(out, plan, overwrite=overwrite):
        return done
    with calls.caller(concurrency) as caller, dataset.writing(out, plan) as writer:
        rows = RowWriter(writer, source.schema(), _COLUMNS)

        async def work() -> None:
            async with connect_all(specs) as opened:
                wanted = _wanted(opened, bool(student), n)
                jobs = (partial(_row, ask, caller, temperature, seed) for ask in _asks(source, wanted))
                made = calls.in_order(jobs, window=caller.window(opened), caller=caller)
                with progress.track("sample", source.rows * len(wanted)) as advance:
                    async with aclosing(made):
                        async for row in made:
                            rows.add(row.kept, row.dropped, rows_in=row.first, rows_made=1 - row.first)
                            advance(1)

        calls.run_calls(work, caller)
        rows.flush()
        writer.calls = caller.counts()
    return writer.outcome(out)


def check(*, teacher: Sequence[str], student: str | None = None, **_: object) -> list[str]:
    """All SPECs; raises UsageError where they cannot work, so that a recipe is checked before it runs."""
    specs = [*teacher, *([student] if student else [])]
    check_all(specs)
    return specs


def _wanted(teachers: Sequence[Teacher], student: bool, n: int) -> list[tuple[Teacher, str, int]]:
    """Each answer that every task gets: who gives it, in which role, and its index."""
    last = len(teachers) - 1
    return [
        (teacher, "student" if student and number == last else "teacher", sample)
        for number, teacher in enumerate(teachers)
        for sample in range(n if teacher.journalled else 1)
    ]


def _asks(source: Source, wanted: Sequence[tuple[Teacher, str, int]]) -> Iterator[_Ask]:
    """What to ask, task by task; a task that is not asked has no teacher but a reason."""
    seen: set[str] = set()
    for task in source.iter_rows():
        asked = schema.row_id(task["instruction"])
        if not task["instruction"].strip():
            yield _Ask(task, first=True, reason="empty-instruction")
        elif asked in seen:
            yield _Ask(task, first=True, reason="repeated-task")
        else:
            for number, (teacher, role, sample) in enumerate(wanted):
                yield _Ask(task, number == 0, "", teacher, role, sample)
        seen.add(asked)


class _Answered(NamedTuple):
    """One row, kept or dropped; `first` (1 or 0) of its task's."""

    first: int
    kept: list[Row]
    dropped: list[Row]


async def _row(ask: _Ask, caller: calls.Caller, temperature: float | None, seed: int) -> _Answered:
    """The row of one answer, or of a task that is not asked."""
    task, teacher, first = ask.task, ask.teacher, int(ask.first)
    if teacher is None:
        return _Answered(first, [], [_dropped(task, ask.reason)])
    prompt = answering.answer_prompt(task, teacher.shape)
    if temperature is not None:
        prompt = prompt._replace(temperature=temperature)
    answer = await caller.ask(teacher, prompt, seed=seed, sample=ask.sample)
    reply = answer.reply
    response = prompt.whole(reply) if reply else None
    code = extract_code(response, task.get("entry_point"))
    row = schema.without_answer(task) | {
        "id": schema.row_id(task["instruction"], response, teacher.name, ask.sample),
        "response": response,
        "code": code.text,
        "language": code.language,
        "teacher": teacher.name,
        "role": ask.role,
        "sample": ask.sample,
        "entry_point": task.get("entry_point"),
        "tests": task.get("tests"),
        "reference": task.get("reference"),
        "request": answer.request,
        "model": reply.model if reply else None,
        "finish_reason": reply.finish_reason if reply else None,
        "license": schema.combined_license(
            task.get("license"), teacher.license if teacher.journalled else task.get("license")
        ),
    }
    if reply:
        return _Answered(first, [row], [])
    reason = CALL_FAILED if teacher.journalled else "no-reference"
    return _Answered(first, [], [_dropped(row, reason, answer.problem)])


def _dropped(row: Row, reason: str, detail: str | None = None) -> Row:
    return row | {"reason": reason, "dropped_by": [reason], "detail": detail}


@click.command(
    epilog="Example: datagen sample starter -o out/pairs --teacher local:smollm2 --teacher reference"
)
@options.input_argument("TASKS")
@options.teacher_option
@click.option(
    "--student",
    type=options.TeacherSpec(),
    metavar="SPEC",
    help="The model to train; its answers get the role student.",
)
@click.option("-n", type=click.IntRange(1, 1000), default=1, show_default=True, help="Answers of each.")
@click.option(
    "--temperature", type=options.Temperature(), metavar="T", help="Default: what suits the teacher."
)
@options.model_options
@options.stage_options()
def command(**given: Any) -> int:  # noqa: ANN401 - Click's parameters, passed on to `make`
    """Ask teachers to answer tasks.

    TASKS is a file, a dataset directory, - (JSONL) or starter. Each distinct task is asked once per
    teacher and answer; answers that rows bring along are not carried over. Calls that fail are in
    OUT/dropped and are tried again by the next run.
    """
    return options.exit_code(options.run_stage(make, given))
