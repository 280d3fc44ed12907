"""Drop tasks that overlap a benchmark, with the evidence."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import polars as pl

import decontam
from datagen import progress
from datagen.commands import options
from datagen.data import dataset, schema
from datagen.data.dataset import Outcome, Split
from datagen.data.manifest import Plan
from datagen.data.source import Source
from datagen.errors import DatagenError, UsageError, nearest
from decontam.benchmarks import Benchmark, BenchmarkError, load, usages

DEFAULT_BENCHMARK = "humaneval"
OVERLAP_FOUND = 5
_MATCH = pl.List(pl.Struct({name: dtype for name, dtype in decontam.EVIDENCE.items() if name != "row"}))


class Found:
    """What a search of all rows found: the evidence by row, and the tasks that go."""

    def __init__(self) -> None:
        self.evidence = decontam.EVIDENCE.to_frame()
        self.tasks: dict[str, str] = {}
        self.overlaps: Counter[str] = Counter()
        self.rows = 0


def search(source: Source, benchmarks: Sequence[Benchmark]) -> Found:
    """Compare every row with every benchmark item.

    A task overlaps as soon as one of its rows does; its `reason` is the first match of its first such row.
    """
    indexes = decontam.build_indexes([item for benchmark in benchmarks for item in benchmark.items])
    found = Found()
    hits: set[tuple[str, str]] = set()
    parts = [found.evidence]
    with progress.track("decontam", source.rows) as advance:
        for frame in source.frames():
            evidence = decontam.find_overlaps(_comparable(frame), indexes)
            parts.append(evidence)
            task_of = dict(zip(frame["id"], frame["task"], strict=True))
            for row, benchmark in evidence.select("row", "benchmark").iter_rows():
                found.tasks.setdefault(task_of[row], f"overlaps-{benchmark}")
                hits.add((row, benchmark))
            found.rows += frame.height
            advance(frame.height)
    found.evidence = pl.concat(parts)
    found.overlaps.update(benchmark for _, benchmark in sorted(hits))
    return found


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """id, instruction, and as `response` all that a model could learn a solution or its tests from."""
    given = [name for name in ("response", "code", "reference", "tests") if name in frame.columns]
    texts = {name: pl.col(name) for name in given}
    if "tests" in texts:
        texts["tests"] = pl.col("tests").list.join("\n")
    if {"response", "code"} <= texts.keys():
        was_cut_out = pl.col("response").str.contains(pl.col("code"), literal=True)
        texts["code"] = pl.when(was_cut_out).then(None).otherwise("code")
    answer = (
        pl.concat_str(texts.values(), separator="\n\n", ignore_nulls=True)
        if texts
        else pl.lit(None, pl.String)
    )
    return frame.select("id", "instruction", answer.alias("response"))


def make(
    source: Source,
    out: Path,
    *,
    against: Sequence[str] = (DEFAULT_BENCHMARK,),
    overwrite: bool = False,
) -> Outcome:
    """Write the tasks that overlap no benchmark; a task goes with all its answers.

    Args:
        against: benchmarks: humaneval, mbpp:PATH, jsonl:PATH.

    Raises:
        DatagenError: a benchmark cannot be read, or `out` holds another data set.
    """
    benchmarks = read_benchmarks(against)
    described = [
        {"name": b.name, "revision": b.revision, "items": len(b.items), "license": b.license}
        for b in benchmarks
    ]
    plan = Plan("decontam", [source], {"against": described, "detectors": list(decontam.DETECTORS)})
    if done := dataset.already_made(out, plan, overwrite=overwrite):
        return done
    with dataset.writing(out, plan) as writer:
        found = search(source, benchmarks)
        evidence = _by_row(found.evidence)
        for frame in source.frames():
            writer.add(_split(frame, found, evidence), rows_in=frame.height)
        writer.extra["overlaps"] = {b.name: found.overlaps[b.name] for b in benchmarks}
    return writer.outcome(out)


def survey(source: Source, *, against: Sequence[str] = (DEFAULT_BENCHMARK,)) -> dict[str, Any]:
    """Say what overlaps, in the terms of a manifest, and write nothing."""
    benchmarks = read_benchmarks(against)
    started = time.monotonic()
    found = search(source, benchmarks)
    reasons = Counter(found.tasks[task] for f in source.frames() for task in f["task"] if task in found.tasks)
    return {
        "stage": "decontam",
        "rows_in": source.rows,
        "rows_made": 0,
        "rows_out": source.rows - reasons.total(),
        "dropped": dict(reasons.most_common()),
        "failed": 0,
        "overlaps": {b.name: found.overlaps[b.name] for b in benchmarks},
        "times": {"seconds": round(time.monotonic() - started, 3)},
    }


class BenchmarkSpec(click.ParamType[str]):
    """humaneval, mbpp:PATH, ...; the path exists, but what is in the file is seen later."""

    name = "benchmark"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        allowed = usages()
        name, _, path = value.partition(":")
        if name not in allowed:
            self.fail(f"unknown benchmark {value}: {nearest(name, allowed)}", param, ctx)
        wants_path = ":" in allowed[name]
        if wants_path != bool(path):
            self.fail(f"{value} should be written as {allowed[name]}", param, ctx)
        if wants_path and not os.path.isfile(path):  # noqa: PTH113 - False for a name too long, too
            self.fail(f"{path} is no file; give the path of the benchmark's file", param, ctx)
        return value


def read_benchmarks(specs: Sequence[str]) -> list[Benchmark]:
    """Load the benchmarks; one line for what is wrong with a name or a file."""
    try:
        benchmarks = [load(spec) for spec in dict.fromkeys(specs)]
    except BenchmarkError as error:
        raise DatagenError(str(error)) from None
    names = [benchmark.name for benchmark in benchmarks]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two benchmarks are called {name}; rename one of their files")
    return benchmarks


def _by_row(evidence: pl.DataFrame) -> pl.DataFrame:
    fields = pl.struct(name for name in evidence.columns if name != "row").alias("overlaps")
    return (
        evidence.select(pl.col("row").alias("id"), fields).group_by("id", maintain_order=True).agg("overlaps")
    )


def _split(frame: pl.DataFrame, found: Found, evidence: pl.DataFrame) -> Split:
    goes = frame["task"].is_in(list(found.tasks))
    dropped = frame.filter(goes).drop("overlaps", "reason", "dropped_by", "detail", strict=False)
    reasons = [found.tasks[task] for task in dropped["task"]]
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


@click.command(epilog="Example: datagen decontam out/filtered -o out/clean --against humaneval")
@options.input_argument("ROWS")
@click.option(
    "--against",
    multiple=True,
    type=BenchmarkSpec(),
    default=(DEFAULT_BENCHMARK,),
    show_default=True,
    metavar="BENCHMARK",
    help="humaneval, mbpp:PATH or jsonl:PATH; repeat for more.",
)
@click.option("--check", is_flag=True, help="Exit with 5 if any row overlaps; OUT is not needed.")
@options.stage_options(out_required=False)
def command(**given: Any) -> int:  # noqa: ANN401 - Click's parameters, passed on to `make`
    """Drop tasks that overlap a benchmark.

    Without OUT it only says what overlaps. A task goes with all its answers; OUT/dropped holds every
    match with its evidence in the column `overlaps`.
    """
    check = given.pop("check")
    if given["out"] is None:
        given.pop("overwrite")
        manifest = options.run_without_output(survey, given)
    else:
        manifest = options.run_stage(make, given)
    if check and any(manifest["overlaps"].values()):
        return OVERLAP_FOUND
    return options.exit_code(manifest)
