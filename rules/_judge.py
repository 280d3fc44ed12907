"""Measures rows and says which rules drop them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from rules._python import Parsed, parse
from rules._rule import Above, Below, IsTrue, Rule, Value

_COLUMNS = ("instruction", "response", "code", "language", "finish_reason", "entry_point", "role")


def judge(
    frame: pl.DataFrame, rules: Sequence[Rule], *, thresholds: Mapping[str, float] | None = None
) -> pl.DataFrame:
    """Measure every row by every rule and list the rules that drop it.

    Args:
        frame: rows with the prepared columns (see the package's docstring); one that is missing counts as
            null, except `instruction`. Without a `response` column only the instruction rules apply.
        rules: the rules to apply; their order is the order of `dropped_by`.
        thresholds: by rule name, where another than the rule's own is wanted.

    Returns:
        A frame as tall as `frame`: one column per measure, named by the measure, then `dropped_by`
        (list of rule names, empty for a kept row). All rules are evaluated. Answers of a student
        (`role` == "student") are measured, but only instruction rules drop them: they are needed
        as rejected answers, broken ones included.

    Raises:
        ValueError: a threshold is given for a rule that is not in `rules`, or that has none.
    """
    rules = _tuned(rules, thresholds or {})
    if "response" not in frame.columns:
        rules = [rule for rule in rules if rule.judges == "instruction"]
    if not rules:
        return pl.DataFrame({"dropped_by": [[]] * frame.height}, schema={"dropped_by": pl.List(pl.String)})
    rows = frame.select(
        pl.col(name).cast(pl.String)
        if name in frame.columns or name == "instruction"
        else pl.lit(None, pl.String).alias(name)
        for name in _COLUMNS
    )
    measures = {rule.measure: rule for rule in rules}
    texts = [rule.of.alias(name) for name, rule in measures.items() if isinstance(rule.of, pl.Expr)]
    codes = [(rule, rule.of) for rule in measures.values() if not isinstance(rule.of, pl.Expr)]
    columns = rows.lazy().select(texts).collect().get_columns() + _measure_code(rows, codes)
    student = pl.lit((rows["role"] == "student").fill_null(False))
    fired = [
        pl.when(_drops(rule) if rule.judges == "instruction" else _drops(rule) & ~student).then(
            pl.lit(rule.name)
        )
        for rule in rules
    ]
    return (
        pl.DataFrame(columns)
        .select(list(measures))
        .with_columns(pl.concat_list(fired).list.drop_nulls().alias("dropped_by"))
    )


def _tuned(rules: Sequence[Rule], thresholds: Mapping[str, float]) -> Sequence[Rule]:
    conditions = {rule.name: rule.drop_when for rule in rules}
    for name in thresholds:
        if isinstance(conditions.get(name, IsTrue()), IsTrue):
            why = "is a yes-or-no rule" if name in conditions else "is not among the rules applied"
            raise ValueError(f"no threshold to set for {name!r}: it {why}")
    return [
        rule
        if isinstance(rule.drop_when, IsTrue) or rule.name not in thresholds
        else rule._replace(drop_when=rule.drop_when._replace(threshold=thresholds[rule.name]))
        for rule in rules
    ]


def _drops(rule: Rule) -> pl.Expr:
    value = pl.col(rule.measure)
    match rule.drop_when:
        case Above(threshold):
            drops = value > threshold
        case Below(threshold):
            drops = value < threshold
        case _:
            drops = value
    return drops.fill_null(False)


def _measure_code(
    rows: pl.DataFrame, measures: Sequence[tuple[Rule, Callable[[Parsed], Value]]]
) -> list[pl.Series]:
    if not measures:
        return []
    values: list[list[Value]] = [[] for _ in measures]
    for language, code, instruction, entry_point in rows.select(
        "language", "code", "instruction", "entry_point"
    ).iter_rows():
        is_python = code is not None and language == "python"
        parsed = parse(code, instruction or "", entry_point) if is_python else None
        for column, (_, of) in zip(values, measures, strict=True):
            column.append(None if parsed is None else of(parsed))
    # The type is the rule's, not the batch's: a batch without Python must not make a column of another type.
    return [
        pl.Series(
            rule.measure, column, dtype=pl.Boolean if isinstance(rule.drop_when, IsTrue) else pl.Float64
        )
        for column, (rule, _) in zip(values, measures, strict=True)
    ]
