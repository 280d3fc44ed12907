"""Train a model on ranked answers, with RRTF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from datagen.commands import options
from datagen.runs import values
from datagen.runs.options import click_options, fields_of
from datagen.training.options import Options
from datagen.training.report import lines


@click.command(epilog="Example: datagen train out/ranked -o out/model --max-steps 20")
@click.argument("ranked", metavar="RANKED...", type=values.InputPath(), nargs=-1, required=True)
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Folder of the new model.",
)
@click.option("--overwrite", is_flag=True, help="Replace a model trained on other data or options.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("-v", "--verbose", is_flag=True, help="Show details, such as the loss of each step.")
def command(ranked: tuple[str, ...], out: Path, *, overwrite: bool, **given: Any) -> int:  # noqa: ANN401
    """Train a model on ranked answers, with RRTF.

    RANKED is what `datagen rank` makes. The model learns the best teacher's answer to each task, and to find
    teachers' answers more likely than worse ones of the student. OUT is a folder that transformers loads.
    A training that was stopped goes on from its last checkpoint.
    """
    from datagen.training.run import train

    as_json = options.set_up(given)
    chosen = Options(**{field.name: given[field.name] for field in fields_of(Options)})
    done = train(ranked, out, chosen, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(done))
    else:
        for line in lines(done):
            click.echo(line, err=True)
    return 0


command.params[1:1] = click_options(Options)
