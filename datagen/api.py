"""Python's way to the stages: the command line's work, with results as frames.

    import datagen as dg

    clean = dg.decontam(dg.filter("pairs.jsonl"), against="humaneval")
    print(clean, clean.dropped.collect()["reason"].value_counts())

It works where an event loop already runs, as in a notebook, and in any thread.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from datagen.calls.budget import account_for
from datagen.calls.caller import INTERRUPTED, Caller
from datagen.calls.jobs import rare_collection
from datagen.data import inputs, manifest
from datagen.data.source import Source
from datagen.errors import InterruptedRun, UsageError, nearest, one_line
from datagen.runs import pipeline, recipe, registry, runner
from datagen.runs.options import from_keywords
from datagen.runs.runner import How
from datagen.teachers import Profile, load_profiles, parse_profiles

T = TypeVar("T")


class Dataset:
    """A data set on disk.

    One that was made without `out` lies in a temporary folder, which goes with the last reference to it.
    """

    def __init__(self, path: Path | str, *, temporary: bool = False) -> None:
        """Open a data set that is whole.

        Args:
            path: its folder.
            temporary: whether the folder above it goes when this object does.

        Raises:
            DatagenError: there is none.
        """
        self.path = Path(path)
        self.manifest: Mapping[str, Any] = manifest.read(self.path)
        self._temporary = temporary
        if temporary:
            weakref.finalize(self, shutil.rmtree, self.path.parent, ignore_errors=True)

    @property
    def kept(self) -> pl.LazyFrame:
        """The rows that were kept, in order."""
        return self._rows("data")

    @property
    def dropped(self) -> pl.LazyFrame:
        """The rows that were not, with `reason`, `dropped_by`, `detail` and the measures."""
        return self._rows("dropped")

    def _rows(self, part: str) -> pl.LazyFrame:
        """The rows of a part; of a temporary data set they are read at once: its files may soon be gone."""
        names = sorted(name for name in self.manifest["files"] if name.startswith(f"{part}/"))
        rows = pl.scan_parquet([self.path / name for name in names])
        return rows.collect().lazy() if self._temporary else rows

    def __repr__(self) -> str:
        told = self.manifest
        where = "a temporary folder" if self._temporary else self.path
        return (
            f"<datagen {told['stage']}: {told['rows_in']:,} rows in, {told['rows_made']:,} made,"
            f" {told['rows_out']:,} kept, {sum(told['dropped'].values()):,} dropped; {where}>"
        )


def open(path: Path | str) -> Dataset:  # noqa: A001 - dg.open
    """The data set in a folder.

    Raises:
        DatagenError: there is none, or its manifest is damaged.
    """
    return Dataset(path)


#: What a stage may read: rows as a frame, a data set, or the path of a file or of a data set.
Rows = pl.DataFrame | pl.LazyFrame | Dataset | str | Path | Sequence[str | Path]


@dataclass(frozen=True, kw_only=True)
class _Common:
    """Keywords of every stage, beside the stage's own options.

    Args:
        out: the folder of the new data set; None for a temporary one.
        columns: new name -> name in the input, where columns are called otherwise.
        read_columns: the columns to read, by their names in the input; none for all.
        overwrite: whether a data set made from other inputs or options may be replaced.
        workers: processes that work on frames; None for one a core.
        max_usd: the most that may be spent on `out`, in all runs that ever wrote it; needs prices.
        journal: the file in which calls are kept; None for the user's own.
        teachers: a teachers file, or its content; its names may stand for SPECs.
    """

    out: Path | str | None = None
    columns: Mapping[str, str] | None = None
    read_columns: Sequence[str] = ()
    overwrite: bool = False
    workers: int | None = 1
    max_usd: float | None = None
    journal: Path | str | None = None
    teachers: Path | str | Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: one is not allowed.
        """
        workers, usd, teachers = self.workers, self.max_usd, self.teachers
        checks = {
            "out": (self.out is None or _is_path(self.out), "a path"),
            "columns": (_is_texts(self.columns), "a mapping of new names to names in the input"),
            "read_columns": (_is_names(self.read_columns), "a list of names"),
            "overwrite": (isinstance(self.overwrite, bool), "True or False"),
            "workers": (workers is None or _is_count(workers), "1 to 1024, or None"),
            "max_usd": (usd is None or _is_positive(usd), "a number above 0"),
            "journal": (self.journal is None or _is_path(self.journal), "a path"),
            "teachers": (isinstance(teachers, Mapping | None) or _is_path(teachers), "a path or a mapping"),
        }
        for name, (is_right, wanted) in checks.items():
            if not is_right:
                raise UsageError(f"{name} should be {wanted}, not {one_line(getattr(self, name), 40)}")


def _is_count(value: object) -> bool:
    return type(value) is int and 1 <= value <= 1024


def _is_path(value: object) -> bool:
    return isinstance(value, str | Path) and str(value) != ""


def _is_texts(value: object) -> bool:
    """Whether it is None, or a mapping of texts to texts."""
    if not isinstance(value, Mapping):
        return value is None
    return all(isinstance(text, str) for pair in value.items() for text in pair)


def _is_names(value: object) -> bool:
    """Whether it is a list of texts."""
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and 0 < value < math.inf


_COMMON = tuple(field.name for field in fields(_Common))


def evolve(rows: Rows, **options: Any) -> Dataset:  # noqa: ANN401
    """Evolve seeds into harder tasks: `dg.evolve("starter", teacher="local:smollm2", rounds=2)`.

    Args:
        rows: the seeds.
        options: those of `datagen evolve`, and the common ones: out, columns, read_columns, overwrite,
            workers, max_usd, journal, teachers.

    Raises:
        UsageError: a keyword is unknown, or a value not allowed.
        DatagenError: a teacher cannot be used, or `out` holds another data set.
    """
    return make("evolve", rows, **options)


def sample(rows: Rows, **options: Any) -> Dataset:  # noqa: ANN401
    """Ask teachers to answer tasks: `dg.sample("tasks.jsonl", teacher=["openai:MODEL", "reference"], n=2)`.

    Args, errors: see `evolve`; options are those of `datagen sample`.
    """
    return make("sample", rows, **options)


def filter(rows: Rows, **options: Any) -> Dataset:  # noqa: A001, ANN401 - dg.filter
    """Drop what is not worth learning, by rules: `dg.filter(frame, skip="repeated-lines")`.

    Args, errors: see `evolve`; options are those of `datagen filter`.
    """
    return make("filter", rows, **options)


def dedup(rows: Rows, **options: Any) -> Dataset:  # noqa: ANN401
    """Drop what repeats other rows: `dg.dedup("out/filtered", threshold=0.7)`.

    Args, errors: see `evolve`; options are those of `datagen dedup`.
    """
    return make("dedup", rows, **options)


def decontam(rows: Rows, **options: Any) -> Dataset:  # noqa: ANN401
    """Drop tasks that overlap a benchmark: `dg.decontam("out/pairs", against=["humaneval",
    "mbpp:mbpp.jsonl"])`.

    Args, errors: see `evolve`; options are those of `datagen decontam`.
    """
    return make("decontam", rows, **options)


def rank(pairs: Rows, **options: Any) -> Dataset:  # noqa: ANN401
    """Rank the answers to each task by running its unit tests: `dg.rank("out/pairs", student="small")`.

    Args, errors: see `evolve`; options are those of `datagen rank`.
    """
    return make("rank", pairs, **options)


def make(stage: str, rows: Rows, **options: Any) -> Dataset:  # noqa: ANN401
    """Run a stage by its name, also one that another package brings. See `evolve`."""
    found = registry.stage(stage)
    common = _Common(**{name: options.pop(name) for name in _COMMON if name in options})
    chosen = from_keywords(found.options, stage, options, also=_COMMON, known=_profiles(common.teachers))
    how = _how(common, runner.asked(found, chosen))
    if common.out is not None:
        return Dataset(runner.make(found, _source(rows, common), Path(common.out), chosen, how).out)
    folder = Path(tempfile.mkdtemp(prefix="datagen-"))
    try:
        made = runner.make(found, _source(rows, common), folder / stage, chosen, how)
        return Dataset(made.out, temporary=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def run(
    where: Path | str,
    out: Path | str,
    *,
    until: str | int | None = None,
    **options: Any,  # noqa: ANN401
) -> Dataset:
    """Run a recipe, as `datagen run` does: `dg.run("demo", "out/demo")`.

    Args:
        where: the recipe's file, or "demo".
        out: the folder of the new data set.
        until: the stage after which to stop, its name or number; the data set is that stage's then.
        options: the common ones overwrite, workers, max_usd and journal.

    Raises:
        UsageError: the recipe or a keyword is not right.
        DatagenError: what a stage raises.
    """
    allowed = ("overwrite", "workers", "max_usd", "journal")
    for name in options:
        if name not in allowed:
            raise UsageError(f"run: unknown keyword {one_line(name, 40)}: {nearest(name, allowed)}")
    loaded = recipe.load(str(where), None if until is None else str(until))
    how = _how(_Common(**options), loaded.profiles())
    return Dataset(pipeline.run(loaded, Path(out), how).out)


def _profiles(teachers: Path | str | Mapping[str, Any] | None) -> dict[str, Profile]:
    if teachers is None:
        return {}
    if isinstance(teachers, Mapping):
        return parse_profiles(dict(teachers), "teachers")
    return load_profiles(Path(teachers))


def _how(common: _Common, asked: Sequence[Profile]) -> How:
    return How(
        run_calls,
        overwrite=common.overwrite,
        workers=common.workers,
        account=account_for(common.max_usd, asked),
        journal=None if common.journal is None else Path(common.journal),
    )


def _source(rows: object, common: _Common) -> Source:
    if isinstance(rows, pl.LazyFrame):
        rows = rows.collect()
    if isinstance(rows, pl.DataFrame):
        return inputs.open_frame(rows, common.columns, common.read_columns)
    paths = rows if isinstance(rows, list | tuple) and rows else [rows]
    if not all(isinstance(path, str | Path | Dataset) for path in paths):
        what = type(rows).__name__
        raise UsageError(
            f"rows should be a frame, a data set, a path or a list of paths, not {what}; make it a polars"
            " DataFrame"
        )
    where = [str(path.path if isinstance(path, Dataset) else path) for path in paths]
    return inputs.open_source(where, common.columns, common.read_columns)


def run_calls(work: Callable[[], Coroutine[Any, Any, T]], caller: Caller | None) -> T:
    """The result of `work`, run by an event loop in a thread of its own: the caller's thread may have one.

    Ctrl-C, or a notebook's interrupt, lets the calls in flight finish; a second one gives them up.

    Raises:
        TeacherUnusable: calls were made, and none was answered.
        KeyboardInterrupt: it was interrupted; what was answered is in the journal.
    """
    done: Future[T] = Future()
    loop = asyncio.new_event_loop()
    context = copy_context()

    def work_on() -> None:
        asyncio.set_event_loop(loop)
        try:
            with rare_collection():
                done.set_result(loop.run_until_complete(work()))
        except BaseException as error:
            done.set_exception(error)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=context.run, args=[work_on], name="datagen-calls", daemon=True)
    thread.start()
    try:
        result = done.result()
    except KeyboardInterrupt:
        _stop(loop, caller, done)
        raise
    finally:
        thread.join(timeout=60)
    if caller:
        if caller.stopped_by:
            raise caller.stopped_by
        caller.check_answered()
    return result


def _stop(loop: asyncio.AbstractEventLoop, caller: Caller | None, done: Future[Any]) -> None:
    """Let the calls in flight finish; where a second interrupt comes, cancel them."""
    try:
        if caller:
            loop.call_soon_threadsafe(caller.stop, InterruptedRun(INTERRUPTED))
            wait([done])
    except KeyboardInterrupt:
        pass
    if not done.done():
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
