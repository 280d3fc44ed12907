"""Any benchmark as JSON lines; its fields are known by their usual names, or told: FIELD=NAME.

FIELD is `task_id`, `prompt`, `solution`, `tests` or `entry_point`; NAME is what the file calls it. An item
needs a prompt, a solution or tests. The benchmark is called after the file: `private.jsonl` is "private".
"""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from decontam.benchmarks._files import Record, Records, in_file, items_of
from decontam.benchmarks._item import Benchmark, BenchmarkError, Item, asked, benchmark

USAGE = "jsonl:PATH[:FIELD=NAME,...]"
EXAMPLE = "jsonl:private.jsonl:prompt=question,solution=answer"

#: Names in use, best known first: of HumanEval, MBPP and MBPP+, LiveCodeBench, questions and answers.
NAMES: Mapping[str, tuple[str, ...]] = {
    "task_id": ("task_id", "question_id", "problem_id", "id", "name"),
    "prompt": ("prompt", "question", "question_content", "problem", "query", "instruction", "text", "input"),
    "solution": (
        *("solution", "canonical_solution", "code", "answer", "reference"),
        *("response", "output", "completion"),
    ),
    "tests": ("tests", "test", "test_list", "test_cases", "public_test_cases"),
    "entry_point": ("entry_point", "function_name", "func_name"),
}


def read(path: Path, fields: Mapping[str, str] | None = None) -> Benchmark:
    """Return the items of the file, in its order.

    Args:
        path: of JSON lines, or of one list; .gz of it.
        fields: see `from_records`.

    Raises:
        BenchmarkError: see `from_records`; or the file cannot be read.
    """
    return from_records(in_file(path), fields)


def from_records(found: Records, fields: Mapping[str, str] | None = None) -> Benchmark:
    """Return the items of records, in their order.

    Args:
        found: the records.
        fields: their names for `NAMES`, by field.

    Raises:
        BenchmarkError: a field is none of `NAMES`, or an item holds nothing that could be compared.
    """
    told = fields or {}
    for field in told:
        if field not in NAMES:
            near = difflib.get_close_matches(field, NAMES, n=1)
            hint = f" (nearest: {near[0]!r})" if near else ""
            raise BenchmarkError(f"unknown field {field!r}{hint}; allowed: {', '.join(NAMES)}")
    numbers = itertools.count(1)
    items = items_of(found, lambda record: _item(found.name, record, told, next(numbers)))
    return benchmark(found.name, "unknown", items, source=found.source)


def _item(benchmark: str, record: Record, told: Mapping[str, str], number: int) -> Item:
    prompt, entry_point = _text(record, "prompt", told), _text(record, "entry_point", told)
    solution, tests = _text(record, "solution", told), _texts(_value(record, "tests", told))
    if not (prompt or solution or tests):
        raise BenchmarkError(
            f"no prompt, solution or tests among the fields {', '.join(map(repr, record))};"
            " name them behind the file or data set: :prompt=NAME,solution=NAME"
        )
    return Item(
        benchmark=benchmark,
        task_id=_text(record, "task_id", told) or str(number),
        prompt=asked(prompt, entry_point),
        raw_prompt=prompt,
        solution=solution,
        tests=tests,
        entry_point=entry_point,
    )


def _value(record: Record, field: str, told: Mapping[str, str]) -> Any:  # noqa: ANN401 - untrusted
    """The field's value under the name that was told, or under the first usual one that holds something."""
    if field in told:
        if told[field] not in record:
            raise BenchmarkError(f"missing field {told[field]!r}, which is to be the {field}")
        return record[told[field]]
    return next((record[name] for name in NAMES[field] if record.get(name) not in (None, "", [])), None)


def _text(record: Record, field: str, told: Mapping[str, str]) -> str:
    return "\n".join(_texts(_value(record, field, told)))


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - untrusted
    """A value as texts: the entries of a list, and whatever is no text as JSON."""
    if value is None:
        return ()
    entries = value if isinstance(value, list) else [value]
    return tuple(
        one if isinstance(one, str) else json.dumps(one, ensure_ascii=False, default=str) for one in entries
    )
