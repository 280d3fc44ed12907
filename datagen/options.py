"""Options that several commands share, and how a command ends: one place for the words on the screen."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from datagen import inputs, progress
from datagen.dataset import Outcome
from datagen.errors import UsageError, nearest

F = TypeVar("F", bound=Callable[..., Any])

FAILED_ROWS = 3


class InputPath(click.ParamType[str]):
    """A path that exists, "-" for standard input, or "starter" for the tasks that come with datagen."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in {"-", "starter"} or os.path.exists(value):  # noqa: PTH110 - False for a name too long, too
            return value
        what = value or "an empty path"
        self.fail(f"{what} does not exist; give a file, a dataset directory, - or starter", param, ctx)


class Names(click.ParamType[str]):
    """One of the names allowed, or several of them with commas between; `chosen` takes them apart."""

    name = "name"

    def __init__(self, what: str, allowed: Iterable[str]) -> None:
        self.what = what
        self.allowed = list(allowed)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            names = chosen([value], self.allowed, self.what)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        if not names:
            self.fail(f"it names no {self.what}; allowed: {', '.join(self.allowed)}", param, ctx)
        return value


class TeacherSpec(click.ParamType[str]):
    """How a teacher is named, such as local:smollm2; what stands behind the colon is its kind's affair."""

    name = "spec"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from datagen.teachers import split_spec

        try:
            split_spec(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return value


class Temperature(click.ParamType[float]):
    """A sampling temperature; Click's own range would let NaN pass."""

    name = "temperature"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 <= number <= 2:
            self.fail(f"{value} is no temperature; allowed: 0 to 2", param, ctx)
        return number


class Renames(click.ParamType[tuple[str, str]]):
    """NEW=OLD, a column of the file under the name that datagen knows it by."""

    name = "new=old"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        new, equals, old = value.partition("=")
        if not (new and equals and old):
            self.fail(f"{value} should be NEW=OLD, such as instruction=question", param, ctx)
        return new, old


def _distinct(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    for new, old in value:
        others = [other for name, other in value if name == new and other != old]
        if others:
            raise click.BadParameter(f"{new} is read both from {old} and from {others[0]}", ctx, param)
    return value


def _out(required: bool) -> Callable[[F], F]:
    return click.option(
        "-o",
        "--out",
        required=required,
        type=click.Path(path_type=Path),
        metavar="OUT",
        help="Directory of the new data set.",
    )


def rename_option(command: F) -> F:
    """--map: for files whose columns are called otherwise."""
    return click.option(
        "--map",
        "rename",
        type=Renames(),
        multiple=True,
        callback=_distinct,
        metavar="NEW=OLD",
        help="Read the file's column OLD as NEW; repeat for more.",
    )(command)


def input_argument(name: str) -> Callable[[F], F]:
    """The rows that a stage reads."""
    return click.argument("source", metavar=name, type=InputPath())


def stage_options(*, out_required: bool = True) -> Callable[[F], F]:
    """-o, --map, --overwrite, --json, --quiet, -v: on every stage."""

    def decorate(command: F) -> F:
        for option in reversed([_out(out_required), rename_option, *_shown()]):
            command = option(command)
        return command

    return decorate


def run_options(command: F) -> F:
    """-o, --overwrite, --json, --quiet, -v: what a whole run takes."""
    for option in reversed([_out(True), *_shown()]):
        command = option(command)
    return command


def _shown() -> list[Callable[[F], F]]:
    return [
        click.option(
            "--overwrite", is_flag=True, help="Replace a data set made from other inputs or options."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object."),
        click.option("--quiet", is_flag=True, help="Show no progress."),
        click.option("-v", "--verbose", is_flag=True, help="Show details, such as why a call failed."),
    ]


def model_options(command: F) -> F:
    """--seed, --concurrency: on stages that ask models."""
    for option in reversed(
        [
            click.option("--seed", default=0, show_default=True, metavar="N", help="Random seed."),
            click.option(
                "--concurrency",
                type=click.IntRange(1, 4096),
                metavar="N",
                help="Calls at a time to each teacher; default: what suits the teacher.",
            ),
        ]
    ):
        command = option(command)
    return command


def chosen(names: Iterable[str], allowed: Iterable[str], what: str) -> list[str]:
    """Names from repeated options, each of which may hold several separated by commas.

    Raises:
        UsageError: one of them is not allowed; the line names the nearest.
    """
    allowed = list(allowed)
    split = [name.strip() for value in names for name in value.split(",") if name.strip()]
    for name in split:
        if name not in allowed:
            raise UsageError(f"unknown {what} {name}: {nearest(name, allowed)}")
    return split


def teacher_option(command: F) -> F:
    """--teacher: who is asked."""
    return click.option(
        "--teacher",
        required=True,
        multiple=True,
        type=TeacherSpec(),
        metavar="SPEC",
        help="Who is asked, such as local:smollm2 or openai:MODEL@BASE_URL; repeat for more.",
    )(command)


def run_stage(make: Callable[..., Outcome], given: dict[str, Any]) -> Mapping[str, Any]:
    """Run a stage with the options of its command, print what it did, and return the manifest."""
    as_json = set_up(given)
    out, rename = given.pop("out"), dict(given.pop("rename"))
    outcome = make(inputs.open_source(given.pop("source"), rename), out, **given)
    show(outcome.manifest, out=out, already_made=outcome.already_made, as_json=as_json)
    return outcome.manifest


def run_without_output(survey: Callable[..., Mapping[str, Any]], given: dict[str, Any]) -> Mapping[str, Any]:
    """The same for a stage that was asked to write nothing."""
    as_json = set_up(given)
    given.pop("out")
    manifest = survey(inputs.open_source(given.pop("source"), dict(given.pop("rename"))), **given)
    show(manifest, out=None, already_made=False, as_json=as_json)
    return manifest


def set_up(given: dict[str, Any]) -> bool:
    """Apply --quiet and -v; returns whether --json was given. All three leave `given`."""
    progress.configure(quiet=given.pop("quiet"), verbose=given.pop("verbose"))
    return bool(given.pop("as_json"))


def exit_code(manifest: Mapping[str, Any]) -> int:
    """0 for done, 3 for done but some rows failed."""
    return FAILED_ROWS if manifest["failed"] else 0


def show(manifest: Mapping[str, Any], *, out: Path | None, already_made: bool, as_json: bool) -> None:
    """Print what a stage did, for people on stderr or as one JSON object on stdout."""
    if as_json:
        summary = {
            "command": manifest["stage"],
            **{name: manifest[name] for name in ("rows_in", "rows_made", "rows_out", "dropped", "failed")},
            **{name: manifest[name] for name in ("overlaps", "stages", "digest") if name in manifest},
            "calls": manifest["times"].get("calls", {}),
            "seconds": manifest["times"]["seconds"],
            "already_made": already_made,
            "out": None if out is None else str(out),
        }
        click.echo(json.dumps(summary))
    else:
        for line in _lines(out, manifest, already_made):
            click.echo(line, err=True)


def _lines(out: Path | None, manifest: Mapping[str, Any], already_made: bool) -> Iterable[str]:
    counts = [f"{manifest['rows_in']:,} rows in"]
    if manifest["rows_made"]:
        counts.append(f"{manifest['rows_made']:,} made")
    counts.append(f"{manifest['rows_out']:,} kept")
    dropped = manifest["dropped"]
    counts.append(f"{sum(dropped.values()):,} dropped")
    done = "already made" if already_made else f"{manifest['times']['seconds']:.1f} s"
    yield f"{manifest['stage']}: {', '.join(counts)} ({done})"
    if dropped:
        yield "  dropped: " + ", ".join(f"{reason} {rows:,}" for reason, rows in dropped.items())
    calls = manifest["times"].get("calls")
    if calls and not already_made:
        yield f"  calls: {calls.get('asked', 0):,} made, {calls.get('reused', 0):,} reused from the journal"
    if manifest["failed"]:
        yield f"  {manifest['failed']:,} rows failed (-v says why); the same command tries them again"
    if out is not None:
        yield f"  {out}"
