"""Any benchmark as JSON lines: `task_id`, `prompt`, `entry_point`, `tests`, and maybe `solution`.

HumanEval's own names `test` and `canonical_solution` are understood too. The benchmark is called after the
file: `private.jsonl` is "private".
"""

from __future__ import annotations

from pathlib import Path

from decontam.benchmarks._files import Record, read_items, strings, task_id, text
from decontam.benchmarks._item import Benchmark, Item, asked, benchmark

USAGE = "jsonl:PATH"


def read(path: Path) -> Benchmark:
    """Return the items of the file, in its order."""
    name = Path(path.name.removesuffix(".gz")).stem

    def item(record: Record) -> Item:
        raw_prompt, entry_point = text(record, "prompt"), text(record, "entry_point")
        has_solution = "solution" in record or "canonical_solution" in record
        return Item(
            benchmark=name,
            task_id=task_id(record),
            prompt=asked(raw_prompt, entry_point),
            raw_prompt=raw_prompt,
            solution=text(record, "solution", "canonical_solution") if has_solution else "",
            tests=strings(record, "tests", "test"),
            entry_point=entry_point,
        )

    return benchmark(name, "unknown", read_items(path, item))
