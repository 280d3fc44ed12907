"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from datagen import progress
from datagen.runs import values

F = TypeVar("F", bound=Callable[..., Any])


def _distinct(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    for new, old in value:
        others = [other for name, other in value if name == new and other != old]
        if others:
            raise click.BadParameter(f"{new} is read both from {old} and from {others[0]}", ctx, param)
    return value


def out_option(*, required: bool) -> Callable[[F], F]:
    """-o: the data set to make."""
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


def columns_option(command: F) -> F:
    """--columns: for files with columns that nobody needs."""
    return click.option(
        "--columns",
        type=values.ColumnNames(),
        default=(),
        metavar="NAME,...",
        help="Read only these columns of the file, and those of --map. Default: all.",
    )(command)


def workers_option(command: F) -> F:
    """--workers: for what works on frames."""
    return click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Processes that work on rows; the result is the same for any. Default: one a core.",
    )(command)


def run_options(command: F) -> F:
    """-o, --max-usd, --dry-run, --workers, --overwrite, --json, --quiet, -v: what a whole run takes."""
    for option in reversed([out_option(required=True), *money_options(), workers_option, *shown()]):
        command = option(command)
    return command


def shown() -> list[Callable[[F], F]]:
    """--overwrite, --json, --quiet, -v."""
    return [
        click.option(
            "--overwrite", is_flag=True, help="Replace a data set made from other inputs or options."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object."),
        click.option("--quiet", is_flag=True, help="Show no progress."),
        click.option("-v", "--verbose", is_flag=True, help="Show details, such as why a call failed."),
    ]


def money_options() -> list[Callable[[F], F]]:
    """--max-usd and --dry-run: on stages that ask models, and on whole runs."""
    return [
        click.option(
            "--max-usd",
            type=values.POSITIVE,
            metavar="USD",
            help="Spend no more on OUT, in all runs that ever wrote it; needs prices.",
        ),
        click.option(
            "--dry-run", is_flag=True, help="Ask nothing; print calls, tokens and cost to be expected."
        ),
    ]


def set_up(given: dict[str, Any]) -> bool:
    """Apply --quiet and -v; returns whether --json was given. All three leave `given`."""
    progress.configure(quiet=given.pop("quiet"), verbose=given.pop("verbose"))
    return bool(given.pop("as_json"))
