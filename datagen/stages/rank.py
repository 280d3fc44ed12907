"""Rank the answers to each task by running its unit tests.

The code of every answer is run with the tests of its task in a sandbox. What comes out is one of four
situations, from bad to good compile_error, runtime_error, partial and all_passed; each has a score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, NamedTuple

from datagen.answers.code import with_code
from datagen.data.source import Row, Source
from datagen.errors import DatagenError, nearest, one_line
from datagen.ranking import report, trust
from datagen.ranking.judging import COLUMNS, Seen, Terms, rank
from datagen.ranking.running import together
from datagen.ranking.situations import BONUS, LEVELS, Scale, check_bonus, parse_levels
from datagen.ranking.tasks import by_task, last_places, with_whole_tasks
from datagen.runs import values
from datagen.runs.options import described, option
from datagen.runs.programs import ProgramOptions, limits_of
from datagen.runs.stage import EachStage, Made, Tools
from datagen.sandbox import judge

#: Rows whose code is extracted at a time.
_ROWS = 64


@dataclass(frozen=True, kw_only=True)
class Options(ProgramOptions):
    """Options of `rank`."""

    student: str | None = option(
        None,
        metavar="NAME",
        help="Who of the column teacher is the student; rows whose role says so are the student's, too.",
    )
    min_tests: int = option(
        1,
        type=values.whole(1, 1000),
        metavar="N",
        help="Drop tasks with fewer tests that models wrote and answers agree with.",
    )
    oracle: str | None = option(
        None,
        metavar="NAME",
        help="Whose answers decide which tests of models are right; where there is none, agreement does.",
    )
    mutants: int = option(
        5,
        type=values.whole(0, 1000),
        metavar="N",
        help="Try tests of models on N wrong variants of right answers; drop tasks that miss nearly all.",
    )
    levels: str = option(
        ",".join(map(str, LEVELS)),
        metavar="A,B,C,D",
        help="Scores of compile_error, runtime_error, partial and all_passed.",
    )
    bonus: float = option(
        BONUS, help="What a teacher's answer is worth above a student's of the same status."
    )
    pass_ratio: bool = option(
        False, help="Let the score of partial rise with the share of tests passed, toward all_passed."
    )


class _Unit(NamedTuple):
    """Tasks with all their answers, which follow each other in the input.

    Args:
        rows: in the order of the input.
        seen: what is counted beside the rows; the work fills it in.
    """

    rows: list[Row]
    seen: Seen


@cache
def _levels(text: str) -> Mapping[str, float]:
    return parse_levels(text)


def _check(options: Options) -> None:
    check_bonus(options.bonus, _levels(options.levels))


def _decides(options: Options) -> dict[str, Any]:
    limits = asdict(limits_of(options))
    return {
        **{name: value for name, value in described(options).items() if name not in limits},
        "levels": dict(_levels(options.levels)),
        "limits": limits,
        "policy": trust.POLICY,
        "judge": judge.VERSION,
    }


def _units(pairs: Source, options: Options) -> Iterator[_Unit]:
    """The tasks; where answers of several are mixed, these are one unit.

    Raises:
        DatagenError: no row has an answer, no row has tests, or the student answered nothing.
    """
    if not pairs.rows:
        yield _Unit([], Seen())  # for the manifest's entries
        return
    _look(pairs, options)
    rows = (
        row
        for frame in pairs.frames()
        for part in frame.iter_slices(_ROWS)
        for row in with_code(part).iter_rows(named=True)
    )
    for gathered in with_whole_tasks(rows, last_places(pairs)):
        yield _Unit(gathered, Seen())


def _look(pairs: Source, options: Options) -> None:
    """Refuse input that cannot be ranked, before any program is run."""
    answers = tests = 0
    teachers: set[str] = set()
    for frame in pairs.frames():
        for name in {"response", "code"} & {*frame.columns}:
            answers += frame[name].count()
        for name in {"tests", "generated_tests"} & {*frame.columns}:
            tests += int((frame[name].list.len().fill_null(0) > 0).sum())
        if "teacher" in frame.columns:
            teachers.update(frame["teacher"].drop_nulls().unique())
    if not answers:
        raise DatagenError(
            f"{pairs.name} has no answers (column response or code); `datagen sample` asks for some"
        )
    if not tests:
        raise DatagenError(
            f"{pairs.name} has no tests to rank by; give them in a column tests (assert statements, or"
            " --map tests=NAME), or let teachers write some: `datagen sample --tests`"
        )
    for flag, who in (("--student", options.student), ("--oracle", options.oracle)):
        if who is not None and who not in teachers:
            known = nearest(who, sorted(teachers)) if teachers else "no row names a teacher"
            raise DatagenError(f"{flag} {one_line(who, 60)}: no answer is from there; {one_line(known)}")


async def _each(unit: _Unit, options: Options, tools: Tools) -> Made:
    """Judge and rank all answers of a unit."""
    assert tools.judge is not None  # noqa: S101 - the stage judges
    scale = Scale(_levels(options.levels), options.bonus, options.pass_ratio)
    terms = Terms(options.student, options.min_tests, scale, options.oracle, options.mutants)
    await together(rank(rows, terms, tools.judge, unit.seen) for rows in by_task(unit.rows))
    kept = [row for row in unit.rows if row.get("reason") is None]
    return Made(kept, [row for row in unit.rows if row.get("reason") is not None], len(unit.rows))


def _tally(entries: dict[str, Any], unit: _Unit, made: Made) -> None:  # noqa: ARG001 - all rows are in the unit
    report.add(entries, unit.rows, unit.seen)


STAGE = EachStage(
    name="rank",
    options=Options,
    asks=lambda _: (),
    units=_units,
    each=_each,
    columns=lambda _: COLUMNS,
    makes=lambda _: (0, 1),
    decides=_decides,
    check_options=_check,
    tally=_tally,
    entries=report.ENTRIES,
    judges=True,
    argument="PAIRS",
    help="""Rank the answers to each task by running its unit tests.

    Tests come from the column tests, else from generated_tests, of which those are kept that different
    answers of teachers agree with. Code runs in a sandbox. Tasks without tests, and tasks whose best
    teacher is below the student, are in OUT/dropped with the reason.
    """,
    example="datagen rank out/clean -o out/ranked --student local:smollm2",
)
