"""Finds the rows that overlap benchmarks: by detectors, by running code, by what a person and a judge say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

import decontam
from datagen import cache
from datagen.data.source import Source
from datagen.errors import DatagenError
from datagen.overlaps import embedding, judging, report, texts
from datagen.overlaps.behaviour import Taken, running
from datagen.overlaps.detectors import compares
from datagen.runs.stage import Over
from datagen.teachers import Profile as Teacher
from decontam import runnable
from decontam.benchmarks import Benchmark, Item
from decontam.overlaps import Indexes
from decontam.profiles import Profile, doubtful
from decontam.review import Review
from decontam.tasks import COMPARED, is_one_task, names_of, says_little


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
        unanswered: rows in doubt whose judge did not answer, with the problem.
        judged: what the judge said, as the manifest says it; empty where there is none.
        alike: the evidence of rows that stay, read like an item and are not decided.
        embedded: what became of those that read alike, as the manifest says it; empty without a model.
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
    unanswered: Mapping[str, str] = field(default_factory=dict)
    judged: Mapping[str, Any] = field(default_factory=dict)
    alike: pl.DataFrame = field(default_factory=decontam.MATCHES.to_frame)
    embedded: Mapping[str, Any] = field(default_factory=dict)


def search(
    source: Source,
    benchmarks: Sequence[Benchmark],
    over: Over,
    names: Sequence[str] = (),
    *,
    whole_tasks: bool = True,
    review: Review | None = None,
    detectors: Sequence[str] | None = None,
    run: bool = False,
    wanted: Profile | None = None,
    drop_common: bool = False,
    judge: tuple[Teacher, int] | None = None,
    embedder: embedding.Embedder | None = None,
) -> Overlap:
    """Compare every row with every benchmark item.

    Args:
        source: the rows.
        benchmarks: whose items are sought.
        over: applies a function to each frame.
        names: the columns to search; none for all text.
        whole_tasks: whether a task overlaps as soon as one of its rows does.
        review: what a person decided; None for nothing.
        detectors: those that compare texts; all of them for None.
        run: whether code is run, if this machine can keep it from doing harm.
        wanted: what a match asks for; the profile "balanced" for None.
        drop_common: whether a textbook exercise is a match like others.
        judge: who is asked about pairs in doubt, and about how many; None for nobody.
        embedder: makes vectors of texts, to find rows that read like an item; None for no such search.

    Raises:
        DatagenError: nothing but running code may find something, and this machine cannot do that safely.
    """
    items, kept = items_of(benchmarks), kept_folder("indexes")
    review = review or Review()
    with running(benchmarks, over, wanted=run) as programs:
        if detectors is not None and not compares(detectors):
            programs.check()
        indexes = decontam.build_indexes(items, detectors, wanted, kept)
        closer = decontam.build_indexes(items, detectors, doubtful(), kept) if judge else indexes
        found = Overlap(indexes=indexes)
        parts, in_doubt = [found.evidence], [found.evidence.with_columns(task=pl.lit(""))]
        compare = partial(_compare, indexes=closer, names=names, decided=review.drop_ids, run=programs.wanted)
        for part in over(compare, source):
            found.characters.update(part.characters)
            evidence = programs.added(part.evidence, part.runnable)
            ids = part.rows["row"]
            of_rows = partial(pl.DataFrame.join, other=part.rows.unique("row"), on="row", how="left")
            matches = decontam.matched(evidence, ids, indexes)
            if judge:
                doubts = judging.doubts(evidence, ids, closer, matches, common=drop_common)
                in_doubt.append(review.left(of_rows(doubts, maintain_order="left")))
            matches = review.applied(of_rows(matches, maintain_order="left"), part.decided)
            if not drop_common:
                matches = _set_aside(found, matches)
            parts.append(_noted(found, matches))
        found.behaviour = programs.told()
    along = partial(_take_tasks_along, found, source, over) if whole_tasks else found.tasks.clear
    along()
    if embedder:
        common = () if drop_common else indexes.textbook
        vectors = kept_folder("vectors")
        near = embedding.alike(
            source, over, items, embedder, names, gone=_goes(found), common=common, kept=vectors
        )
        found.alike, found.unanswered = review.left(near.evidence), near.failed
        in_doubt.append(found.alike)
    if judge:
        left = pl.concat(in_doubt).filter(~_goes(found))
        said = judging.judged(left, source, over, items, names, most=judge[1], teacher=judge[0])
        parts.append(_noted(found, said.matches))
        along()
        gone = left.filter(pl.col("task").is_in([*found.tasks]))["row"]
        found.judged = judging.told(said, frozenset(gone))
        found.unanswered = {**found.unanswered, **said.unanswered}
        found.alike = found.alike.filter(pl.col("row").is_in([*said.unknown]))
    if embedder:
        found.alike = found.alike.filter(~_goes(found))
        found.embedded = embedding.told(near, found.alike, embedder.name)
    found.evidence = pl.concat(parts)
    return found


def _goes(found: Overlap) -> pl.Expr:
    """Whether a row, known as `row` and `task`, goes."""
    return pl.col("row").is_in([*found.reasons]) | pl.col("task").is_in([*found.tasks])


def _noted(found: Overlap, matches: pl.DataFrame) -> pl.DataFrame:
    """The matches without their tasks; their rows and tasks go."""
    for row, benchmark, task in matches.select("row", "benchmark", "task").iter_rows():
        reason = found.reasons.setdefault(row, f"overlaps-{benchmark}")
        found.tasks.setdefault(task, reason)
    found.rows.update(matches.unique(["row", "benchmark"])["benchmark"])
    return matches.drop("task")


def kept_folder(name: str) -> Path | None:
    """The folder of what `decontam` keeps for the next time; None on a machine that has no place for it."""
    try:
        return cache.folder("built indexes") / name
    except DatagenError:
        return None


def items_of(benchmarks: Sequence[Benchmark]) -> list[Item]:
    """The items of all benchmarks."""
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
