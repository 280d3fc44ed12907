"""Drop tasks that overlap a benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

import decontam
from datagen import cache
from datagen.data import schema
from datagen.data.dataset import Split
from datagen.data.source import Source
from datagen.errors import DatagenError, UsageError, nearest
from datagen.overlaps import benchmarks, report, texts
from datagen.overlaps.behaviour import Taken, running
from datagen.overlaps.found import found as told
from datagen.runs import values
from datagen.runs.options import option
from datagen.runs.stage import Check, FrameStage, Over, Started
from decontam import behaviour, runnable, selftest
from decontam.benchmarks import Benchmark, BenchmarkError, Item, choices
from decontam.detectors import names, settings
from decontam.overlaps import Indexes
from decontam.profiles import DEFAULT, Profile, profile
from decontam.profiles import NAMES as PROFILES
from decontam.review import Review
from decontam.review import read as read_decisions
from decontam.tasks import COMPARED, is_one_task, names_of, says_little

OVERLAP_FOUND = 5
#: Rows beside whose text copies are planted.
_CARRIERS = 64
_MATCH = pl.List(pl.Struct({name: dtype for name, dtype in decontam.MATCHES.items() if name != "row"}))


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `decontam`."""

    against: tuple[str, ...] = option(
        (benchmarks.DEFAULT,),
        type=benchmarks.Spec(),
        metavar="BENCHMARK",
        help=f"{choices()}; repeat for more. Unusual fields: jsonl:PATH:prompt=NAME,solution=NAME.",
    )
    search: tuple[str, ...] = option(
        (),
        type=values.text(),
        metavar="COLUMN",
        help="Search this column; repeat for more. Default: all text there is.",
    )
    review: str | None = option(
        None,
        metavar="FILE",
        help="What a person decided about matches, as JSON Lines: task, benchmark, item, decision, note.",
    )
    no_self_test: bool = option(
        False,
        help="Do not plant copies of benchmark items among the rows, in memory, to see how many are found.",
    )
    no_run: bool = option(
        False, help="Run no code: neither the rows' functions nor solutions on the rows' examples."
    )
    unit: str = option(
        "task",
        type=values.one_of("task", "row"),
        help="What goes if a row overlaps: its task with all answers, or the row alone.",
    )
    profile: str = option(
        DEFAULT,
        type=values.one_of(*PROFILES),
        help="How sure a match must be: `strict` finds the most, `certain` what is beyond doubt.",
    )
    common: str = option(
        "keep",
        type=values.one_of("keep", "drop"),
        help="Rows that only share an exercise of every textbook with a benchmark, such as `is_prime`.",
    )

    @cached_property
    def benchmarks(self) -> list[Benchmark]:
        """Those of `against`, read once: a data set of the Hub may change meanwhile."""
        return benchmarks.read(self.against)


@dataclass
class Overlap:
    """What a search of all rows found.

    Args:
        reasons: by row, why it goes: the benchmark of its first match.
        tasks: the tasks that go with all their rows, each with the reason of the first that goes.
        evidence: every match, by row; columns as in `decontam.MATCHES`.
        rows: by benchmark, how many rows match.
        common: by benchmark, how many rows only share textbook exercises, and stay.
        with_task: how many rows go only because another row of their task matches.
        characters: of text, by the column that holds it.
        indexes: of the detectors that searched.
        behaviour: what was run, and what not, as the manifest says it.
    """

    reasons: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    evidence: pl.DataFrame = field(default_factory=decontam.MATCHES.to_frame)
    rows: Counter[str] = field(default_factory=Counter)
    common: Counter[str] = field(default_factory=Counter)
    with_task: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    indexes: Indexes | None = None
    behaviour: dict[str, Any] = field(default_factory=lambda: dict(report.NOT_RUN))


def search(
    source: Source,
    benchmarks: Sequence[Benchmark],
    over: Over,
    names: Sequence[str] = (),
    *,
    whole_tasks: bool = True,
    review: Review | None = None,
    run: bool = False,
    wanted: Profile | None = None,
    drop_common: bool = False,
) -> Overlap:
    """Compare every row with every benchmark item.

    Args:
        source: the rows.
        benchmarks: whose items are sought.
        over: applies a function to each frame.
        names: the columns to search; none for all text.
        whole_tasks: whether a task overlaps as soon as one of its rows does.
        review: what a person decided; None for nothing.
        run: whether code is run, if this machine can keep it from doing harm.
        wanted: what a match asks for; the profile "balanced" for None.
        drop_common: whether a textbook exercise is a match like others.
    """
    indexes = decontam.build_indexes(_items(benchmarks), wanted=wanted, kept=_kept())
    found = Overlap(indexes=indexes)
    parts = [found.evidence]
    review = review or Review()
    with running(benchmarks, over, wanted=run) as programs:
        compare = partial(_compare, indexes=indexes, names=names, decided=review.drop_ids, run=programs.runs)
        for part in over(compare, source):
            found.characters.update(part.characters)
            evidence = programs.added(part.evidence, part.runnable)
            matches = decontam.matched(evidence, part.rows["row"], indexes)
            matches = matches.join(part.rows.unique("row"), on="row", how="left", maintain_order="left")
            matches = review.applied(matches, part.decided)
            if not drop_common:
                matches = _set_aside(found, matches)
            parts.append(matches.drop("task"))
            for row, benchmark, task in matches.select("row", "benchmark", "task").iter_rows():
                reason = found.reasons.setdefault(row, f"overlaps-{benchmark}")
                found.tasks.setdefault(task, reason)
            found.rows.update(matches.unique(["row", "benchmark"])["benchmark"])
        found.behaviour = programs.told()
    found.evidence = pl.concat(parts)
    if whole_tasks:
        _take_tasks_along(found, source, over)
    else:
        found.tasks.clear()
    return found


def _kept() -> Path | None:
    """The folder of built indexes; None on a machine that has no place for them."""
    try:
        return cache.folder("built indexes") / "indexes"
    except DatagenError:
        return None


def _items(benchmarks: Sequence[Benchmark]) -> list[Item]:
    return [item for benchmark in benchmarks for item in benchmark.items]


def _set_aside(found: Overlap, matches: pl.DataFrame) -> pl.DataFrame:
    """The matches that are no textbook exercise; rows that have none of these are counted."""
    rest = matches.filter(~pl.col("common"))
    pairs = matches.filter("common").join(rest, on=["row", "benchmark"], how="anti")
    found.common.update(pairs.unique(["row", "benchmark"])["benchmark"])
    return rest


def _take_tasks_along(found: Overlap, source: Source, over: Over) -> None:
    """Leave in `found.tasks` those whose rows answer one task, and count the rows that go with them."""
    doubtful: dict[str, tuple[str, list[frozenset[str]]]] = {}
    others: Counter[str] = Counter()
    for rows in over(partial(_rows_of, tasks=frozenset(found.tasks)), source) if found.tasks else ():
        for row, task, instruction, answer in rows:
            others[task] += row not in found.reasons
            if answer is not None:
                answers = doubtful.setdefault(task, (instruction, []))[1]
                if len(answers) < COMPARED and answer not in answers:
                    answers.append(answer)
    for task in (task for task, given in doubtful.items() if not is_one_task(*given)):
        del found.tasks[task]
    found.with_task = sum(others[task] for task in found.tasks)


def _rows_of(frame: pl.DataFrame, tasks: frozenset[str]) -> list[tuple[str, str, str, frozenset[str] | None]]:
    """Id, task, instruction and, where that says little, the names in the answer of these tasks' rows."""
    rows = frame.filter(pl.col("task").is_in(list(tasks)))
    asked = rows["instruction"].fill_null("")
    held = [pl.col(name) for name in ("response", "code", "reference") if name in rows.columns]
    answers = rows.with_columns(pl.coalesce(*held, pl.lit("")).alias("response"))["response"]
    return [
        (row, task, instruction, names_of(answer) if says_little(instruction) else None)
        for row, task, instruction, answer in zip(rows["id"], rows["task"], asked, answers, strict=True)
    ]


class _Compared(NamedTuple):
    """What the detectors say of a frame.

    Args:
        evidence: columns as in `decontam.EVIDENCE`.
        rows: all rows, as `row` and `task`.
        decided: those that somebody decided about.
        characters: of text, by column.
        runnable: the code that can be run; None where nothing is to run.
    """

    evidence: pl.DataFrame
    rows: pl.DataFrame
    decided: pl.DataFrame
    characters: dict[str, int]
    runnable: Taken | None


def _compare(
    frame: pl.DataFrame,
    indexes: Indexes,
    names: Sequence[str],
    decided: frozenset[str],
    *,
    run: bool,
) -> _Compared:
    """Compare the rows of a frame with the items.

    Args:
        frame: the rows.
        indexes: of the detectors.
        names: the columns to search; none for all text.
        decided: ids of tasks and rows.
        run: whether to take out what can be run.
    """
    searched = texts.searchable(frame, names)
    rows = frame.select(row="id", task="task")
    return _Compared(
        decontam.evidence_of(searched, indexes),
        rows,
        rows.filter(pl.col("row").is_in(list(decided)) | pl.col("task").is_in(list(decided))),
        texts.characters(frame),
        Taken(runnable.taken(searched), rows) if run else None,
    )


def _decides(options: Options) -> dict[str, Any]:
    described = [
        {
            **{"name": one.name, "revision": one.revision, "items": len(one.items)},
            **{"license": one.license, "versions": dict(one.versions)},
        }
        for one in options.benchmarks
    ]
    try:
        detectors = {name: settings(name) for name in names()}
    except decontam.BrokenEntryPointError as error:
        raise DatagenError(f"the detector {error}; repair or remove the package that brings it") from None
    return {
        **{"against": described, "detectors": detectors},
        **{"profile": _as_json(profile(options.profile)), "common": options.common},
        **{"search": list(options.search), "unit": options.unit},
        **{"self_test": not options.no_self_test},
        **{"run": not options.no_run, **({} if options.no_run else {"behaviour": behaviour.settings()})},
        **{"review": [list(one) for one in read_review(options.review).decisions]},
    }


def _as_json(wanted: Profile) -> dict[str, Any]:
    return {name: list(of) if isinstance(of, tuple) else of for name, of in wanted._asdict().items()}


def _start(source: Source, options: Options, over: Over) -> Started:
    against = options.benchmarks
    known = source.schema()
    for name in options.search:
        if name not in known:
            raise UsageError(f"--search: no column {name}; {nearest(name, list(known))}")
    review = read_review(options.review).about({one[:2] for one in _items(against)})
    found = search(
        source,
        against,
        over,
        options.search,
        whole_tasks=options.unit == "task",
        review=review,
        run=not options.no_run,
        wanted=profile(options.profile),
        drop_common=options.common == "drop",
    )
    sources = {one.name: one.source for one in against if one.source}
    pairs = found.evidence.unique(["benchmark", "item"]).group_by("benchmark").len()
    items = dict(pairs.iter_rows())
    entries = {
        "overlaps": {one.name: found.rows[one.name] for one in against},
        "items": {one.name: {"found": items.get(one.name, 0), "of": len(one.items)} for one in against},
        **told(found.evidence, [one.name for one in against], found.common),
        "common": {one.name: found.common[one.name] for one in against},
        "dropped_with_task": found.with_task,
        "behaviour": found.behaviour,
        "searched": report.searched(found.characters, options.search),
        **({"reviewed": review.counts()} if options.review else {}),
        **({"sources": sources} if sources else {}),
    }
    if not (options.no_self_test or options.search) and (first := next(source.frames(), None)) is not None:
        carriers = texts.searchable(first.head(_CARRIERS), ("instruction", "response"))
        assert found.indexes is not None  # noqa: S101 - all rows were searched
        entries["self_test"] = selftest.counts(_items(against), found.indexes, carriers)
    return Started(partial(_split, found=found, evidence=_by_row(found.evidence)), entries)


def read_review(path: str | None) -> Review:
    """The decisions in a file; none where there is no file."""
    try:
        return Review(read_decisions(Path(path)) if path else ())
    except BenchmarkError as error:
        raise DatagenError(f"--review: {error}") from None


def _by_row(evidence: pl.DataFrame) -> pl.DataFrame:
    fields = pl.struct(name for name in evidence.columns if name != "row").alias("overlaps")
    return (
        evidence.select(pl.col("row").alias("id"), fields).group_by("id", maintain_order=True).agg("overlaps")
    )


def _split(frame: pl.DataFrame, found: Overlap, evidence: pl.DataFrame) -> Split:
    """A frame without what goes, and that with its evidence."""
    goes = frame["task"].is_in(list(found.tasks)) | frame["id"].is_in(list(found.reasons))
    dropped = frame.filter(goes).drop("overlaps", "reason", "dropped_by", "detail", strict=False)
    reasons = [
        found.tasks.get(task) or found.reasons[row]
        for task, row in zip(dropped["task"], dropped["id"], strict=True)
    ]
    dropped = dropped.join(evidence, on="id", how="left", maintain_order="left").with_columns(
        pl.col("overlaps").cast(_MATCH),
        pl.Series("reason", reasons, pl.String),
        pl.Series("dropped_by", [[reason] for reason in reasons], pl.List(pl.String)),
    )
    best = pl.col("overlaps").list.first().struct
    detail = pl.format("{} {} by {}: {}", best["benchmark"], best["item"], best["detector"], best["excerpt"])
    other = pl.lit("another answer to this task overlaps")
    dropped = dropped.with_columns(pl.coalesce(detail, other).alias("detail"))
    return Split(frame.filter(~goes), schema.in_order(dropped))


STAGE = FrameStage(
    name="decontam",
    options=Options,
    decides=_decides,
    start=_start,
    check=Check("overlaps", OVERLAP_FOUND, "Exit with 5 if any row overlaps; OUT is not needed."),
    entries=report.ENTRIES,
    help="""Drop tasks that overlap a benchmark.

    Without OUT it only says what overlaps. A task goes with all its answers, unless its instruction is empty
    or a few words over quite different answers. OUT/dropped holds every match with its evidence in the
    column `overlaps`; `datagen trace OUT ID` shows the matching pieces.
    """,
    example="datagen decontam out/filtered -o out/clean --against humaneval",
)
