"""Drop what is not worth learning, by rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import polars as pl

from datagen import progress
from datagen.answers.code import with_code
from datagen.commands import options
from datagen.data import dataset, schema
from datagen.data.dataset import Outcome, Split
from datagen.data.manifest import Plan
from datagen.data.source import Source
from datagen.errors import UsageError
from datagen.runs import values
from rules import RULES, Rule, judge


def make(
    source: Source, out: Path, *, only: Sequence[str] = (), skip: Sequence[str] = (), overwrite: bool = False
) -> Outcome:
    """Write the rows that no rule drops; the measures of all rows are stored beside them.

    Args:
        only: names of the rules to apply, none for all. skip: names of rules not to apply.

    Raises:
        UsageError: a rule is unknown, or none is left. DatagenError: `out` holds another data set.
    """
    rules = _chosen(only, skip)
    thresholds = {rule.name: getattr(rule.drop_when, "threshold", None) for rule in rules}
    plan = Plan("filter", [source], {"rules": thresholds})
    if done := dataset.already_made(out, plan, overwrite=overwrite):
        return done
    with dataset.writing(out, plan) as writer, progress.track("filter", source.rows) as advance:
        for frame in source.frames():
            writer.add(drop_by_rules(with_code(frame), rules), rows_in=frame.height)
            advance(frame.height)
    return writer.outcome(out)


def check(*, only: Sequence[str] = (), skip: Sequence[str] = (), **_: object) -> None:
    """Raise UsageError where no rule would be left, so that a recipe is checked before it runs."""
    _chosen(only, skip)


def drop_by_rules(frame: pl.DataFrame, rules: Sequence[Rule]) -> Split:
    """Split prepared rows (answers/code.py) into those that no rule drops and the others.

    Both carry the measures, as columns `measure_NAME`.
    """
    judged = judge(frame, rules)
    measures = judged.drop("dropped_by")
    measures = measures.rename({name: f"{schema.MEASURE}{name}" for name in measures.columns})
    whole = frame.drop(measures.columns, strict=False).hstack(measures)
    fired = judged["dropped_by"].list.len() > 0
    reasons = judged.filter(fired).select(pl.col("dropped_by").list.first().alias("reason"), "dropped_by")
    dropped = whole.filter(fired).drop("reason", "dropped_by", strict=False).hstack(reasons)
    return Split(whole.filter(~fired), schema.in_order(dropped))


def _chosen(only: Sequence[str], skip: Sequence[str]) -> list[Rule]:
    wanted = values.chosen(only, RULES, "rule") or list(RULES)
    unwanted = values.chosen(skip, RULES, "rule")
    rules = [rule for name, rule in RULES.items() if name in wanted and name not in unwanted]
    if not rules:
        raise UsageError("--skip leaves no rule to apply; leave it out, or name fewer rules")
    return rules


_RULE = values.Names("rule", RULES)


@click.command(epilog="Example: datagen filter out/pairs -o out/filtered --skip repeated-lines")
@options.input_argument("ROWS")
@click.option("--only", multiple=True, type=_RULE, metavar="RULE", help="Apply only this; repeat for more.")
@click.option("--skip", multiple=True, type=_RULE, metavar="RULE", help="Do not apply this; repeat for more.")
@options.stage_options()
def command(**given: Any) -> int:  # noqa: ANN401 - Click's parameters, passed on to `make`
    """Drop what is not worth learning, by rules.

    Rules that judge the instruction drop a task with all its answers; the others drop single answers of
    teachers. `datagen list rules` shows them; OUT/dropped holds what they dropped, with every measure.
    """
    return options.exit_code(options.run_stage(make, given))
