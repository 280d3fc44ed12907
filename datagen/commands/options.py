"""Options that several commands share, and how a command ends: one place for the words on the screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from datagen import progress
from datagen.data import card, inputs
from datagen.data.dataset import Outcome
from datagen.errors import UsageError
from datagen.runs import values

if TYPE_CHECKING:
    from datagen.calls.budget import Account
    from datagen.calls.forecast import Forecast
    from datagen.teachers import Profile

F = TypeVar("F", bound=Callable[..., Any])

FAILED_ROWS = 3
_ALSO_SHOWN = ("overlaps", "stages", "methods", "usage", "usage_total", "digest")


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
        type=values.Renames(),
        multiple=True,
        callback=_distinct,
        metavar="NEW=OLD",
        help="Read the file's column OLD as NEW; repeat for more.",
    )(command)


def input_argument(name: str) -> Callable[[F], F]:
    """The rows that a stage reads."""
    return click.argument("source", metavar=name, type=values.InputPath())


def stage_options(*, out_required: bool = True) -> Callable[[F], F]:
    """-o, --map, --overwrite, --json, --quiet, -v: on every stage."""

    def decorate(command: F) -> F:
        for option in reversed([_out(out_required), rename_option, *_shown()]):
            command = option(command)
        return command

    return decorate


def run_options(command: F) -> F:
    """-o, --max-usd, --dry-run, --overwrite, --json, --quiet, -v: what a whole run takes."""
    for option in reversed([_out(True), *money_options(), *_shown()]):
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
    """--seed, --concurrency, --timeout, --max-usd, --dry-run: on stages that ask models."""
    for option in reversed(
        [
            click.option("--seed", default=0, show_default=True, metavar="N", help="Random seed."),
            click.option(
                "--concurrency",
                type=click.IntRange(1, 65536),
                metavar="N",
                help="Calls at a time to each teacher; default: what suits the teacher.",
            ),
            click.option(
                "--timeout",
                type=values.Positive(),
                metavar="SECONDS",
                help="How long one call may take; default: what suits the teacher.",
            ),
            *money_options(),
        ]
    ):
        command = option(command)
    return command


def money_options() -> list[Callable[[F], F]]:
    """--max-usd and --dry-run: on stages that ask models, and on whole runs."""
    return [
        click.option(
            "--max-usd",
            type=values.Positive(),
            metavar="USD",
            help="Spend no more on this data set, all runs together; needs prices.",
        ),
        click.option(
            "--dry-run", is_flag=True, help="Ask nothing; print calls, tokens and cost to be expected."
        ),
    ]


def teacher_options(command: F) -> F:
    """--teachers and --teacher: who is asked."""
    for option in reversed(
        [
            click.option(
                "--teachers",
                type=values.TeachersFile(),
                is_eager=True,
                expose_value=False,
                callback=_remember,
                metavar="FILE",
                help="Settings of teachers (YAML): keys, limits, prices, roles; their names may be SPECs.",
            ),
            click.option(
                "--teacher",
                multiple=True,
                type=values.TeacherSpec(),
                callback=_default_teachers,
                metavar="SPEC",
                help="Who is asked, such as local:smollm2 or openai:MODEL@BASE_URL; repeat for more."
                " Default: the teachers of --teachers.",
            ),
        ]
    ):
        command = option(command)
    return command


def _remember(ctx: click.Context, param: click.Parameter, value: dict[str, Profile] | None) -> None:  # noqa: ARG001
    if value is not None:
        ctx.obj = value


def _default_teachers(
    ctx: click.Context, param: click.Parameter, value: tuple[Profile, ...]
) -> tuple[Profile, ...]:
    teachers = value or tuple(one for one in values.known_profiles(ctx).values() if one.role == "teacher")
    if not teachers and not ctx.resilient_parsing:
        raise click.MissingParameter(ctx=ctx, param=param)
    return teachers


def default_student(ctx: click.Context, param: click.Parameter, value: Profile | None) -> Profile | None:
    """The student of the teachers file, unless one was named."""
    students = [one for one in values.known_profiles(ctx).values() if one.role == "student"]
    if value is None and len(students) > 1:
        names = ", ".join(one.name for one in students)
        raise click.BadParameter(f"there are several students ({names}); name one", ctx, param)
    return value or (students[0] if students else None)


def account_of(given: dict[str, Any], *profiles: Profile | None) -> Account | None:
    """What --max-usd, which leaves `given`, allows; None without it.

    Raises:
        UsageError: nobody said what one of the teachers costs, or its answers have no limit.
    """
    from datagen.calls.budget import Account
    from datagen.teachers import kinds

    max_usd = given.pop("max_usd")
    if max_usd is None:
        return None
    for one in profiles:
        if one is None or not getattr(kinds()[one.kind], "COSTS", False):
            continue
        if one.price_in is None:
            raise UsageError(
                f"--max-usd needs the price of {one.name}: give price_in and price_out in a teachers file"
            )
        limits = dict(one.parameters)
        if limits.get("max_completion_tokens", limits.get("max_tokens", 1)) is None:
            raise UsageError(f"--max-usd needs a limit for the answers of {one.name}: give max_tokens")
    return Account(None, max_usd)


def run_model_stage(
    make: Callable[..., Outcome], forecast: Callable[..., Forecast], given: dict[str, Any]
) -> int:
    """Run a stage that asks models, or only say what it would ask for; returns the exit code."""
    asked = [*given["teacher"], given.get("student"), given.get("judge")]
    account = account_of(given, *asked)
    if not given.pop("dry_run"):
        return exit_code(run_stage(partial(make, account=account), given))
    from datagen.calls.forecast import Rows

    as_json = set_up(given)
    source = inputs.open_source(given.pop("source"), dict(given.pop("rename")))
    name = click.get_current_context().command.name or ""
    show_forecast(name, [(name, forecast(Rows.of(source), **given))], source.rows, as_json=as_json)
    return 0


def show_forecast(
    command: str, stages: Sequence[tuple[str, Forecast]], rows_in: int, *, as_json: bool
) -> None:
    """Print what would be asked for: it is what --dry-run is there for, so on stdout."""
    from datagen.calls import forecast

    if not as_json:
        for line in forecast.lines(stages):
            click.echo(line)
        return
    nothing = {"rows_in": rows_in, "rows_made": 0, "rows_out": 0, "dropped": {}, "seconds": 0.0, "out": None}
    click.echo(json.dumps({"command": command, **nothing, **forecast.as_json(stages)}))


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
            **{name: manifest[name] for name in _ALSO_SHOWN if name in manifest},
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
    yield from card.usage_lines(manifest)
    yield from card.method_lines(manifest)
    if manifest["failed"]:
        yield f"  {manifest['failed']:,} rows failed (-v says why); the same command tries them again"
    if out is not None:
        yield f"  {out}"
