"""Evaluates a model or a samples file on a benchmark: samples, programs, verdicts, pass@k.

The samples are rows of a dataset directory, made by the runner as those of a stage are: calls go through the
journal and the budget, verdicts through the judge, and what was made already is not made again.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from datagen import canonical
from datagen.calls.asking import Answer
from datagen.data.dataset import CALL_FAILED, CUT_SHORT, Outcome
from datagen.data.source import BATCH_ROWS, Row, Source
from datagen.evaluation import asking, programs, scores
from datagen.evaluation.prepare import Evaluation, Judging, Options
from datagen.evaluation.scores import Scores
from datagen.request import CUT_OFF, WITHOUT_TEMPERATURE, Prompt
from datagen.runs import runner
from datagen.runs.programs import limits_of
from datagen.runs.runner import How
from datagen.runs.stage import EachStage, Made, Tools
from datagen.sandbox import judge
from datagen.teachers import Teacher
from decontam.benchmarks import (
    Item,
)

#: What is hashed into the plan: another way of making programs gives other verdicts.
ASSEMBLY = 1
#: Such answers the server broke off; one that became too long is the model's own.
_BROKEN_OFF = CUT_OFF - {"length"}
#: How often a sample that was broken off is asked for, once in a run, and how far its calls lie apart.
_TIMES, _APART = 5, 10_000
_HALVES = re.compile("[\ud800-\udfff]")
_SCHEMA = pl.Schema(
    dict.fromkeys(
        (
            *("id", "task", "instruction", "task_id", "entry_point", "teacher", "response", "completion"),
            *("program", "status", "detail", "request", "model", "finish_reason"),
        ),
        pl.String,
    )
    | {"sample": pl.Int64, "passed": pl.Boolean, "pass_ratio": pl.Float64, "temperature": pl.Float64}
)


class Unit(NamedTuple):
    """A task to be sampled, or a sample of a task; `last` is the one after which all is known."""

    item: Item
    row: Row
    last: bool


def source_of(evaluation: Evaluation) -> Source:
    """The rows that are worked on: tasks to be sampled, or samples."""
    rows = [*_rows(evaluation)]
    benchmark, read = evaluation.benchmark, evaluation.samples
    frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in _SCHEMA}, schema=_SCHEMA)
    return Source(
        read.name if read else benchmark.name,
        read.digest if read else benchmark.revision,
        frame.height,
        lambda: frame.iter_slices(BATCH_ROWS),
        places=[evaluation.options.what] if isinstance(evaluation.options.what, Path) else [],
    )


def _rows(evaluation: Evaluation) -> Iterator[Row]:
    for task_id, number, completion in evaluation.samples.samples if evaluation.samples else ():
        # Half of a surrogate pair cannot stand in a program; nor can NUL, and that can stand in a table.
        yield _row(evaluation, task_id, "", number, _HALVES.sub("\0", completion))
    for task_id in evaluation.items if not evaluation.samples else ():
        yield _row(evaluation, task_id, "", None, None)


def _row(
    evaluation: Evaluation, task_id: str, teacher: str, number: int | None, completion: str | None
) -> Row:
    item = evaluation.items[task_id]
    return {
        "id": canonical.row_id(evaluation.benchmark.name, task_id, teacher, number, completion),
        "task": canonical.row_id(item.raw_prompt),
        "instruction": item.raw_prompt,
        "task_id": task_id,
        "entry_point": item.entry_point or None,
        "teacher": teacher or None,
        "sample": number,
        "completion": completion,
    }


def stage_of(evaluation: Evaluation) -> EachStage[Any, Unit]:
    """The stage that does it; it is not registered, because its input is the benchmark."""
    found = Scores(evaluation.ks, evaluation.expected)
    isolation: Counter[str] = Counter()
    profile = evaluation.profile

    def tally(entries: dict[str, Any], unit: Unit, made: Made) -> None:
        found.add(made.kept)
        if unit.last:
            found.fill(entries)
            entries["isolation"] = dict(isolation)
            entries["benchmark"] = _about(evaluation)

    return EachStage(
        name="eval",
        options=Options if profile else Judging,
        asks=lambda _: [profile] if profile else [],
        units=partial(_units, evaluation),
        each=partial(_each, evaluation, isolation),
        columns=lambda _: (),
        makes=lambda _: (evaluation.n, evaluation.n) if profile else (1, 1),
        decides=lambda _: _decides(evaluation),
        tally=tally,
        entries=scores.ENTRIES,
        help="",
        example="",
        judges=True,
    )


def _about(evaluation: Evaluation) -> dict[str, Any]:
    benchmark = evaluation.benchmark
    return {
        "name": benchmark.name,
        "digest": benchmark.revision,
        "license": benchmark.license,
        "versions": dict(benchmark.versions),
        **({"source": benchmark.source} if benchmark.source else {}),
        "tasks": len(benchmark.items),
    }


def _decides(evaluation: Evaluation) -> dict[str, Any]:
    options, profile = evaluation.options, evaluation.profile
    return {
        "what": profile.name if profile else evaluation.samples and evaluation.samples.name,
        "benchmark": evaluation.benchmark.name,
        "benchmark_sha256": evaluation.benchmark.revision,
        "n": evaluation.n,
        "k": [*evaluation.ks],
        "temperature": evaluation.temperature if profile else None,
        "seed": options.seed if profile else None,
        "limit": options.limit,
        "ignore_incomplete": options.ignore_incomplete,
        "limits": asdict(limits_of(options)),
        "assembly": ASSEMBLY,
        "judge": judge.VERSION,
    }


def _units(evaluation: Evaluation, source: Source, options: Options) -> Iterator[Unit]:  # noqa: ARG001
    for number, row in enumerate(source.iter_rows(), 1):
        yield Unit(evaluation.items[row["task_id"]], row, number == source.rows)


async def _each(
    evaluation: Evaluation,
    isolation: Counter[str],
    unit: Unit,
    options: Options,  # noqa: ARG001 - a stage's signature
    tools: Tools,
) -> Made:
    if evaluation.profile is None:
        return Made([await _judged(unit.item, unit.row, isolation, tools)], [])
    (teacher,) = tools.teachers
    prompt = asking.prompt_for(unit.item, teacher.profile, teacher.shape)
    jobs = [_sampled(evaluation, unit.item, teacher, prompt, number, tools) for number in range(evaluation.n)]
    rows = await _all(jobs)
    good = [row for row in rows if "reason" not in row]
    kept = await _all([_judged(unit.item, row, isolation, tools) for row in good])
    return Made(kept, [row for row in rows if "reason" in row])


async def _all(jobs: Sequence[Any]) -> list[Row]:
    """Results in order; when one job raises, the others end first, because they are paid for."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results  # type: ignore[return-value]


async def _sampled(
    evaluation: Evaluation, item: Item, teacher: Teacher, prompt: Prompt, number: int, tools: Tools
) -> Row:
    """The row of one sample that a model is asked for, not judged yet; one that failed has a `reason`."""
    temperature = evaluation.temperature
    answer = await _asked(evaluation, teacher, prompt, number, tools)
    reply = answer.reply
    completion = asking.completion(item, prompt, reply) if reply else None
    row = _row(evaluation, item.task_id, teacher.name, number, completion) | {
        "response": prompt.whole(reply) if reply else None,
        "temperature": None if reply and WITHOUT_TEMPERATURE in reply.adapted else temperature,
        "request": answer.request,
        "model": reply.model if reply else None,
        "finish_reason": reply.finish_reason if reply else None,
    }
    if reply is None:
        return row | {"reason": CALL_FAILED, "dropped_by": [CALL_FAILED], "detail": answer.problem}
    if _is_broken_off(answer):
        why = f"the server broke the answer off: {reply.finish_reason}"
        return row | {"reason": CUT_SHORT, "dropped_by": [CUT_SHORT], "detail": why}
    return row


async def _asked(
    evaluation: Evaluation, teacher: Teacher, prompt: Prompt, number: int, tools: Tools
) -> Answer:
    """A sample; one that was broken off in an earlier run is asked for once more."""
    answer = Answer(None, None)
    for time in range(_TIMES):
        answer = await tools.asker.ask(
            teacher,
            prompt,
            seed=evaluation.options.seed,
            sample=number + time * _APART,
            temperature=evaluation.temperature,
        )
        if not answer.reused or not _is_broken_off(answer):
            break
    return answer


def _is_broken_off(answer: Answer) -> bool:
    return answer.reply is not None and (answer.reply.finish_reason or "").lower() in _BROKEN_OFF


async def _judged(item: Item, row: Row, isolation: Counter[str], tools: Tools) -> Row:
    """A sample with the verdict on its program."""
    program = programs.program(item, row["completion"])
    checks = programs.checks_of(item)
    assert tools.judge is not None  # noqa: S101 - the stage judges
    verdict = await tools.judge.verdict(program, checks.tests, setup=checks.setup, trusted=True)
    isolation[verdict.isolation] += 1
    return row | {
        "program": program,
        "status": verdict.status,
        "passed": verdict.status == "all_passed",
        "pass_ratio": verdict.pass_ratio,
        "detail": verdict.detail or None,
    }


def evaluate(evaluation: Evaluation, out: Path, how: How) -> Outcome:
    """Sample, judge, and write the data set `out`.

    Raises:
        DatagenError: the model cannot be used, or `out` holds another data set.
    """
    return runner.make(stage_of(evaluation), source_of(evaluation), out, evaluation.options, how)
