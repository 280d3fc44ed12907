"""Run a recipe: all stages from seeds to a clean set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from datagen.commands import options
from datagen.runs import pipeline, recipe


@click.command(epilog="Example: datagen run demo -o out/demo")
@click.argument("where", metavar="RECIPE")
@click.option(
    "--until", type=click.Choice(recipe.STAGES), help="Stop after this stage; run again without it to go on."
)
@options.run_options
def command(
    where: str,
    out: Path,
    *,
    until: str | None,
    overwrite: bool,
    dry_run: bool,
    **given: Any,  # noqa: ANN401
) -> int:
    """Run a recipe: all stages from seeds to a clean set.

    RECIPE is a YAML file, or demo for the one that comes with datagen. Stages that are made already are
    not made again. OUT holds the last stage's rows; OUT/dropped what any stage dropped, with its name.
    """
    as_json = options.set_up(given)
    loaded = recipe.load(where, until)
    account = options.account_of(given, *loaded.profiles())
    if dry_run:
        stages, rows_in = pipeline.forecast(loaded, out)
        options.show_forecast("run", stages, rows_in, as_json=as_json)
        return 0
    max_usd = account.max_usd if account else None
    outcome = pipeline.run(loaded, out, max_usd=max_usd, overwrite=overwrite)
    options.show(outcome.manifest, out=outcome.out, already_made=outcome.already_made, as_json=as_json)
    return options.exit_code(outcome.manifest)
