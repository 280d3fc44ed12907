"""Run a recipe: all stages from seeds to a clean set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from datagen.calls.budget import account_for
from datagen.commands import options, summary
from datagen.commands.interrupts import run_calls
from datagen.runs import pipeline, recipe, values
from datagen.runs.runner import How


@click.command(epilog="Example: datagen run demo -o out/demo")
@click.argument("where", metavar="RECIPE")
@click.option(
    "--until", metavar="STAGE", help="Stop after this stage (name or number); run again without it to go on."
)
@click.option(
    "--seeds",
    type=values.InputPath(),
    multiple=True,
    metavar="PATH",
    help="Read these seeds instead of the recipe's; repeat for more.",
)
@options.run_options
def command(
    where: str,
    out: Path,
    *,
    until: str | None,
    seeds: tuple[str, ...],
    overwrite: bool,
    dry_run: bool,
    **given: Any,  # noqa: ANN401
) -> int:
    """Run a recipe: all stages from seeds to a clean set.

    RECIPE is a YAML file, or demo for the one that comes with datagen. Stages that are made already are
    not made again. OUT holds the last stage's rows; OUT/dropped what any stage dropped, with its name.
    Behind its stages a recipe may train, evaluate and publish.
    """
    as_json = options.set_up(given)
    loaded = recipe.load(where, until, seeds)
    account = account_for(given["max_usd"], loaded.profiles())
    how = How(run_calls, overwrite=overwrite, workers=given["workers"], account=account)
    if dry_run:
        stages, rows_in = pipeline.forecast(loaded, out, how)
        summary.show_forecast("run", stages, rows_in, as_json=as_json)
        return 0
    outcome = pipeline.run(loaded, out, how)
    acts = pipeline.follow(loaded, out, how)
    summary.show(outcome, out=outcome.out, as_json=as_json, acts=acts)
    failed = any(done.failed for _, done in acts)
    return summary.FAILED_ROWS if failed else summary.exit_code(outcome.manifest)
