"""What an evaluation is told, and what follows from it before anything is asked or run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from datagen.errors import DatagenError, UsageError, one_line
from datagen.evaluation import pass_at_k, samples
from datagen.evaluation.samples import Samples
from datagen.evaluation.subject import Subject, SubjectType
from datagen.overlaps import benchmarks
from datagen.runs import values
from datagen.runs.options import ModelOptions, option
from datagen.runs.programs import ProgramOptions
from datagen.teachers import Profile, kind_of
from decontam.benchmarks import Benchmark, Item, choices

#: Temperature where nobody says one: greedy for one sample, the paper's for pass@1 of several.
GREEDY, SAMPLED = 0.0, 0.2


@dataclass(frozen=True, kw_only=True)
class Options(ModelOptions, ProgramOptions):
    """Options of `eval`. `seed` travels in the requests, the k-th sample's with seed + k."""

    what: Subject | None = option(
        None,
        type=SubjectType(),
        metavar="WHAT",
        help="A samples file, a teacher or a model folder.",
    )
    benchmark: str = option(
        benchmarks.DEFAULT,
        type=benchmarks.Spec(),
        metavar="BENCHMARK",
        help=f"{choices()}.",
    )
    n: int | None = option(
        None, type=values.whole(1, 1000), metavar="N", help="Samples of each task. Default: 1."
    )
    k: tuple[int, ...] = option(
        (),
        type=values.whole(1, 1000),
        metavar="K",
        help="Tell pass@K; repeat for more. Default: those of 1, 10, 100 that the samples allow.",
    )
    temperature: float | None = option(
        None,
        type=values.TEMPERATURE,
        metavar="T",
        help=f"Sampling temperature. Default: {GREEDY:g} (greedy) for one sample, else {SAMPLED:g}.",
    )
    limit: int | None = option(
        None, type=values.whole(1), metavar="N", help="Only the first N tasks of the benchmark."
    )
    ignore_incomplete: bool = option(
        False, help="Tell pass@k over the tasks that a samples file has, though others have no sample."
    )


@dataclass(frozen=True)
class Judging:
    """Stands for `Options` where nobody is asked, so that nothing is said of calls."""


class Evaluation(NamedTuple):
    """What is to be done, checked.

    Args:
        options: as given.
        benchmark: as read.
        items: the tasks that are evaluated, by id.
        samples: the samples file; None where a model is asked.
        n: samples of a task, at least.
        ks: of pass@k.
    """

    options: Options
    benchmark: Benchmark
    items: Mapping[str, Item]
    samples: Samples | None
    n: int
    ks: tuple[int, ...]

    @property
    def profile(self) -> Profile | None:
        """Who is asked."""
        return self.options.what if isinstance(self.options.what, Profile) else None

    @property
    def expected(self) -> int:
        """The number of samples that there should be."""
        return len(self.samples.samples) if self.samples else len(self.items) * self.n

    @property
    def temperature(self) -> float | None:
        """That of each call; None for what the teachers file says."""
        if self.options.temperature is not None:
            return self.options.temperature
        if self.profile and "temperature" in dict(self.profile.parameters):
            return None
        return GREEDY if self.n == 1 else SAMPLED


def check_options(options: Options) -> None:
    """Raise UsageError for options that do not fit together, whatever they are used on."""
    if isinstance(options.what, Path):
        for name in ("n", "temperature"):
            if getattr(options, name) is not None:
                what = f"-{name}" if len(name) == 1 else f"--{name}"
                raise UsageError(
                    f"{what} is for models; {options.what} holds samples that were drawn already"
                )
        return
    if options.ignore_incomplete:
        raise UsageError("--ignore-incomplete is for samples files; a model is asked for all tasks")
    _ks(options, options.n or 1, "")
    if isinstance(options.what, Profile):
        _check_asked(options, options.what, options.n or 1)
    elif options.temperature == 0 and (options.n or 1) > 1:
        raise UsageError(
            f"-n {options.n}: at --temperature 0 all samples are the same; leave out one of them"
        )


def prepare(options: Options) -> Evaluation:
    """Read the benchmark and the samples.

    Raises:
        UsageError: the options do not fit together.
        DatagenError: benchmark or samples cannot be used.
    """
    if options.what is None:
        raise UsageError("eval: nothing to evaluate; give a samples file, a teacher or a model folder")
    check_options(options)
    benchmark = _benchmark(options.benchmark)
    items = {item.task_id: item for item in benchmark.items[: options.limit]}
    if isinstance(options.what, Profile):
        n = options.n or 1
        return Evaluation(options, benchmark, items, None, n, _ks(options, n, ""))
    read = samples.read(options.what)
    known = [item.task_id for item in benchmark.items]
    strange_to_limit = {one.task_id for one in read.samples} - {*items}
    samples.check(read, known, benchmark.name, incomplete=True)
    kept = [one for one in read.samples if one.task_id not in strange_to_limit]
    if not kept:
        raise DatagenError(f"{read.name} holds no sample of the first {options.limit} tasks; raise --limit")
    read = read._replace(samples=tuple(kept))
    samples.check(read, [*items], benchmark.name, incomplete=options.ignore_incomplete)
    fewest, count = min(read.counts().items(), key=lambda pair: pair[1])
    return Evaluation(
        options, benchmark, items, read, count, _ks(options, count, f"; {one_line(fewest, 60)} has {count}")
    )


def _benchmark(spec: str) -> Benchmark:
    try:
        (found,) = benchmarks.read([spec])
    except (DatagenError, ImportError) as error:
        raise DatagenError(f"--benchmark: {error}") from None
    untested = [item.task_id for item in found.items if not item.tests]
    if untested:
        raise DatagenError(
            f"--benchmark {found.name}: {len(untested):,} of its {len(found.items):,} tasks have no tests,"
            f" {one_line(untested[0], 60)} first; name the field: jsonl:PATH:tests=NAME"
        )
    return found


def _check_asked(options: Options, profile: Profile, n: int) -> None:
    greedy = options.temperature == 0 or (
        options.temperature is None and dict(profile.parameters).get("temperature") == 0
    )
    if n > 1 and (greedy or kind_of(profile).answers_once):
        cure = "leave out -n, or give a --temperature above 0" if greedy else "leave out -n"
        raise UsageError(f"-n {n}: {profile.name} gives one answer however often it is asked; {cure}")


def _ks(options: Options, least: int, why: str) -> tuple[int, ...]:
    """Those of pass@k that are told.

    Raises:
        UsageError: a task has fewer samples than one of them needs.
    """
    wanted = tuple(sorted({*options.k})) or pass_at_k.usual(least)
    if wanted[-1] > least:
        raise UsageError(
            f"-k {wanted[-1]}: pass@{wanted[-1]} needs {wanted[-1]} samples of every task, not {least}{why};"
            f" give -k from 1 to {least}, or more samples"
        )
    return wanted
