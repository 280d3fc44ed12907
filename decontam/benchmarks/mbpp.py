"""MBPP (Austin et al. 2021): mbpp.jsonl (974 tasks) or sanitized-mbpp.json, here or on the Hub; CC-BY-4.0."""

from __future__ import annotations

import re
from pathlib import Path

from decontam.benchmarks._files import Record, Records, in_file, items_of, strings, task_id, text
from decontam.benchmarks._item import Benchmark, Item, benchmark

USAGE = "mbpp:PATH"
EXAMPLE = "mbpp:hf:google-research-datasets/mbpp:full/train+test+validation+prompt"


def read(path: Path) -> Benchmark:
    """Return the items of either of google-research's files, in its order."""
    return from_records(in_file(path))


def from_records(found: Records) -> Benchmark:
    """Return the items of records with the fields of either file, such as those of the Hub's data set."""
    return benchmark("mbpp", "CC-BY-4.0", items_of(found, _item), source=found.source)


def _item(record: Record) -> Item:
    prompt, solution = text(record, "text", "prompt"), text(record, "code")
    tests = strings(record, "test_list")
    return Item(
        benchmark="mbpp",
        task_id=task_id(record),
        prompt=prompt,
        raw_prompt=prompt,
        solution=solution,
        tests=tuple(f"{_setup(record)}{test}" for test in tests),
        entry_point=_entry_point(solution, tests),
    )


def _setup(record: Record) -> str:
    imports = strings(record, "test_imports") if record.get("test_imports") else ()
    setup = text(record, "test_setup_code") if record.get("test_setup_code") else ""
    lines = [setup, *imports]
    return "".join(f"{line}\n" for line in lines if line)


def _entry_point(solution: str, tests: tuple[str, ...]) -> str:
    """Return the first function that the tests call and the solution defines, or nothing."""
    called = re.findall(r"(\w+)\s*\(", tests[0]) if tests else []
    return next((name for name in called if re.search(rf"\bdef\s+{name}\b", solution)), "")
