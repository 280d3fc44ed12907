"""The command of a stage, made from what the stage says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from datagen.calls.budget import account_for
from datagen.commands import options, summary
from datagen.commands.interrupts import run_calls
from datagen.data import inputs
from datagen.data.source import Source
from datagen.runs import runner, values
from datagen.runs.options import click_options, fields_of
from datagen.runs.runner import How
from datagen.runs.stage import Check, EachStage, Stage


def command_of(stage: Stage) -> click.Command:
    """The Click command that runs a stage."""
    check = _check_of(stage)

    def callback(**given: Any) -> int:  # noqa: ANN401 - Click's parameters
        return _run(stage, given)

    shared = [
        *(options.money_options() if stage.asks_models else []),
        options.out_option(required=check is None),
        options.rename_option,
        options.columns_option,
        *([] if isinstance(stage, EachStage) and stage.asks_models else [options.workers_option]),
        *options.shown(),
    ]
    for option in reversed(shared):
        callback = option(callback)
    command = click.command(stage.name, help=stage.help, epilog=f"Example: {stage.example}")(callback)
    argument = click.Argument(
        ["source"], metavar=f"{stage.argument}...", type=values.InputPath(), nargs=-1, required=True
    )
    own: list[click.Parameter] = [argument, *click_options(stage.options)]
    if check:
        own.append(click.Option(["--check"], is_flag=True, help=check.help))
    command.params[:0] = own
    return command


def _check_of(stage: Stage) -> Check | None:
    return None if isinstance(stage, EachStage) else stage.check


def _run(stage: Stage, given: dict[str, Any]) -> int:
    as_json = options.set_up(given)
    chosen = stage.options(**{field.name: given.pop(field.name) for field in fields_of(stage.options)})
    profiles = runner.asked(stage, chosen)
    how = How(
        run_calls,
        overwrite=given["overwrite"],
        workers=given.get("workers"),
        account=account_for(given.get("max_usd"), profiles),
    )
    out: Path | None = given["out"]
    source = inputs.open_source(given["source"], dict(given["rename"]), given["columns"])
    if given.get("dry_run"):
        return _forecast(stage, source, chosen, how, out, as_json=as_json)
    if out is None and not isinstance(stage, EachStage):
        outcome = runner.survey(stage, source, chosen, how)
    else:
        outcome = runner.make(stage, source, Path(out or ""), chosen, how)
    summary.show(outcome, out=out, as_json=as_json)
    check = _check_of(stage)
    if check and given["check"]:
        # A row that could not be read or judged was not looked at, so it is not clean either.
        unseen = source.refused.height or check.unseen(outcome.manifest)
        clean = summary.FAILED_ROWS if unseen else 0
        return check.exit_code if any(outcome.manifest[check.entry].values()) else clean
    return summary.exit_code(outcome.manifest)


def _forecast(
    stage: Stage,
    source: Source,
    chosen: Any,  # noqa: ANN401
    how: How,
    out: Path | None,
    *,
    as_json: bool,
) -> int:
    from datagen.calls.forecast import Rows

    made = runner.forecast(stage, Rows.of(source), chosen, how, out)
    summary.show_forecast(stage.name, [(stage.name, made)], source.rows, as_json=as_json)
    return 0
