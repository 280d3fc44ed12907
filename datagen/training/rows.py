"""Ranked rows as the trainer takes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from datagen.data.source import Source
from datagen.errors import DatagenError, nearest, one_line
from train.data import STATUSES, Answer, Task

ROLES = ("teacher", "student")
_NEEDED = ("task", "instruction", "code", "role", "status", "score")
#: Why a model stopped, where it was not at the answer's end.
_CUT = frozenset({"length", "content_filter"})


def tasks(source: Source) -> list[Task]:
    """The tasks of ranked rows in the order in which they begin, each with all its answers.

    Raises:
        DatagenError: a column is missing, or a value is none that `rank` writes.
    """
    columns = source.schema()
    for name in _NEEDED:
        if name not in columns:
            raise DatagenError(
                f"{source.name} has no column {name}; train takes what `datagen rank` makes"
                f" (columns: {', '.join(_NEEDED)})"
            )
    answers: dict[str, list[Answer]] = {}
    instructions: dict[str, str] = {}
    for number, row in enumerate(source.iter_rows(), 1):
        task = str(row["task"])
        instructions.setdefault(task, str(row["instruction"]))
        answers.setdefault(task, []).append(_answer(row, f"{source.name}: row {number}"))
    return [Task(task, text, answers[task]) for task, text in instructions.items()]


def _answer(row: Mapping[str, Any], where: str) -> Answer:
    role, status = row["role"], row["status"]
    if role not in ROLES:
        raise DatagenError(f"{where}: unknown role {one_line(role, 40)}: {nearest(str(role), ROLES)}")
    if status not in STATUSES:
        raise DatagenError(
            f"{where}: unknown status {one_line(status, 40)}: {nearest(str(status), STATUSES)}"
        )
    code = row["code"]
    if code is not None and not isinstance(code, str):
        raise DatagenError(f"{where}: code is a text, not {one_line(code, 40)}")
    return Answer(
        str(row.get("id") or where),
        code or "",
        role == "teacher",
        _number(row["score"], "score", where),
        status,
        _number(row.get("pass_ratio") or 0.0, "pass_ratio", where),
        row.get("finish_reason") in _CUT,
    )


def _number(value: object, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DatagenError(
            f"{where}: {name} is a number, not {one_line(value, 40)}; run `datagen rank` again"
        )
    return float(value)
