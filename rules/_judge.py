"""Measures rows and says which rules drop them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import polars as pl

from rules._python import parse, without_warnings
from rules._rule import Above, Below, IsTrue, Rule, Value

_COLUMNS = ("instruction", "response", "code", "language", "finish_reason", "entry_point", "role")


def judge(
    frame: pl.DataFrame,
    rules: Sequence[Rule],
    *,
    thresholds: Mapping[str, float] | None = None,
    code: CodeMeasures | None = None,
) -> pl.DataFrame:
    """Measure every row by every rule and list the rules that drop it.

    Args:
        frame: rows with the prepared columns (see the package's docstring); one that is missing counts as
            null, except `instruction`. Without a `response` column only the instruction rules apply.
        rules: the rules to apply; their order is the order of `dropped_by`.
        thresholds: by rule name, where another than the rule's own is wanted.
        code: what these rules measured of the code of these rows; None: it is measured here.

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
    code = _measured(rows, rules) if code is None else code
    columns = rows.lazy().select(texts).collect().get_columns() + code.columns()
    fired = pl.concat_list(_fired(rules, rows["role"])).list.drop_nulls()
    return pl.DataFrame(columns).select(list(measures)).with_columns(fired.alias("dropped_by"))


def _fired(rules: Sequence[Rule], roles: pl.Series) -> list[pl.Expr]:
    """For each rule its name where it drops the row, else null."""
    student = pl.lit((roles == "student").fill_null(False))
    return [
        pl.when(_drops(rule) if rule.judges == "instruction" else _drops(rule) & ~student).then(
            pl.lit(rule.name)
        )
        for rule in rules
    ]


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


class CodeMeasures:
    """The measures of rows' Python code, taken row by row: no syntax tree is kept for the next row."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = {rule.measure: rule for rule in rules if not isinstance(rule.of, pl.Expr)}
        self._functions = [rule.of for rule in self._rules.values() if not isinstance(rule.of, pl.Expr)]
        self._rows: list[tuple[Value, ...]] = []

    def add(
        self,
        code: str | None,
        language: str | None,
        instruction: str | None,
        entry_point: str | None,
        tree: ast.Module | Exception | None = None,
    ) -> None:
        """Measure the next row; without Python code its measures are null.

        Args:
            code, language, instruction, entry_point: the row's prepared columns.
            tree: what `ast.parse(code)` returned or raised, where that is known already.
        """
        if code is None or language != "python" or not self._functions:
            self._rows.append((None,) * len(self._functions))
            return
        parsed = parse(code, instruction or "", entry_point, tree)
        self._rows.append(tuple(of(parsed) for of in self._functions))

    def columns(self) -> list[pl.Series]:
        """A column for each measure, with a value for each row."""
        # The type is the rule's, not the batch's: a batch without Python makes columns of the same types.
        return [
            pl.Series(
                name,
                [row[number] for row in self._rows],
                dtype=pl.Boolean if isinstance(rule.drop_when, IsTrue) else pl.Float64,
            )
            for number, (name, rule) in enumerate(self._rules.items())
        ]


def _measured(rows: pl.DataFrame, rules: Sequence[Rule]) -> CodeMeasures:
    measures = CodeMeasures(rules)
    if all(isinstance(rule.of, pl.Expr) for rule in rules):
        return measures
    with without_warnings():
        for row in rows.select("code", "language", "instruction", "entry_point").iter_rows():
            measures.add(*row)
    return measures
