"""Drop what is not worth learning, by rules."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from datagen.answers.code import Code, with_code
from datagen.data import schema
from datagen.data.dataset import Split
from datagen.data.source import Source
from datagen.errors import UsageError
from datagen.runs import values
from datagen.runs.options import option
from datagen.runs.stage import FrameStage, Over, Started
from rules import RULES, CodeMeasures, Rule, judge

_RULE = values.Names("rule", lambda: RULES)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `filter`."""

    only: tuple[str, ...] = option((), type=_RULE, metavar="RULE", help="Apply only this; repeat for more.")
    skip: tuple[str, ...] = option((), type=_RULE, metavar="RULE", help="Do not apply this; repeat for more.")


def _chosen(options: Options) -> list[Rule]:
    """The rules to apply, in their fixed order."""
    wanted = values.chosen(options.only, RULES, "rule") or list(RULES)
    unwanted = values.chosen(options.skip, RULES, "rule")
    rules = [rule for name, rule in RULES.items() if name in wanted and name not in unwanted]
    if not rules:
        raise UsageError("--skip leaves no rule to apply; leave it out, or name fewer rules")
    return rules


def _decides(options: Options) -> dict[str, Any]:
    return {"rules": {rule.name: rule.threshold for rule in _chosen(options)}}


def _start(source: Source, options: Options, over: Over) -> Started:  # noqa: ARG001
    return Started(partial(_split, rules=[rule.name for rule in _chosen(options)]))


def _split(frame: pl.DataFrame, rules: Sequence[str]) -> Split:
    """What the rules of these names keep and drop: workers know rules by their names."""
    return drop_by_rules(frame, [RULES[name] for name in rules])


def drop_by_rules(frame: pl.DataFrame, rules: Sequence[Rule]) -> Split:
    """Split rows as they were read into those that no rule drops and the others.

    Their code is extracted where a rule reads it. Both carry the measures, as columns `measure_NAME`.
    """
    frame, code = _prepared(frame, rules)
    judged = judge(frame, rules, code=code)
    measures = judged.drop("dropped_by")
    measures = measures.rename({name: f"{schema.MEASURE}{name}" for name in measures.columns})
    whole = frame.drop(measures.columns, strict=False).hstack(measures)
    fired = judged["dropped_by"].list.len() > 0
    reasons = judged.filter(fired).select(pl.col("dropped_by").list.first().alias("reason"), "dropped_by")
    dropped = whole.filter(fired).drop("reason", "dropped_by", strict=False).hstack(reasons)
    return Split(whole.filter(~fired), schema.in_order(dropped))


def _prepared(frame: pl.DataFrame, rules: Sequence[Rule]) -> tuple[pl.DataFrame, CodeMeasures | None]:
    """`frame` with the code of its answers, and the measures of that code; as it is if no rule reads code."""
    if "response" not in frame.columns or not any({"code", "language"} & rule.reads for rule in rules):
        return frame, None
    measures = CodeMeasures(rules)
    instructions = iter(frame["instruction"].cast(pl.String))

    def measure(code: Code, entry_point: str | None, tree: ast.Module | Exception | None) -> None:
        measures.add(code.text, code.language, next(instructions), entry_point, tree)

    return with_code(frame, measure), measures


STAGE = FrameStage(
    name="filter",
    options=Options,
    decides=_decides,
    start=_start,
    check_options=_chosen,
    help="""Drop what is not worth learning, by rules.

    Rules that judge the instruction drop a task with all its answers; the others drop single answers of
    teachers. `datagen list rules` shows them; OUT/dropped holds what they dropped, with every measure.
    """,
    example="datagen filter out/pairs -o out/filtered --skip repeated-lines",
)
