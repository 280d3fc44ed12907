"""Makes labelled rows from any benchmark, by the recipe of the rows labelled for HumanEval, mechanically.

`bench/decontam_quality.py` measures on them what was tuned on HumanEval, with nothing tuned anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import polars as pl

from decontam.benchmarks import Item
from decontam.transforms import copies

Pair = tuple[str, str]
_FILLER = (
    "I have been preparing a small course for new colleagues of our team. Every week there is one meeting,"
    " and in between they work alone on what we agreed on. Some of them came from other fields and are still"
    " unsure about tools, so I try to keep the material short and to leave time for questions. "
)
_FRAME = "import argparse\nimport logging\n\nlog = logging.getLogger(__name__)\n\n\ndef main():\n"
_BOILERPLATE = [
    ("Write a function that takes the input and returns the output.", "def solve(data):\n    return data\n"),
    ("Write a Python function. Explain your code.", f"{_FRAME}    log.info('started')\n    return 0\n"),
    ("Complete the code.", "class Config:\n    def __init__(self, path):\n        self.path = path\n"),
    ("Write tests for the function.", "def test_it():\n    assert run() is not None\n"),
    ("Fix the following code and say what was wrong.", "try:\n    run()\nexcept ValueError:\n    raise\n"),
    ("Given a list, write a python function to find the result.", "def find(items):\n    pass\n"),
    ("Write a script that reads a file.", "with open('data.txt') as file:\n    print(file.read())\n"),
    ("Create a command line tool with one option.", f"{_FRAME}    argparse.ArgumentParser().parse_args()\n"),
]


def rows(items: Sequence[Item], others: Sequence[Item], clean: Sequence[Pair]) -> pl.DataFrame:
    """Return labelled rows.

    Args:
        items: one row of each kind is made of each of them.
        others: items of another benchmark; each is a clean row.
        clean: instructions and answers that are taken for clean.

    Returns:
        `id`, `instruction`, `output`, `label` (1 overlap, 0 clean), `kind`, `level` (1 to 4; 0 if clean),
        `source_task_id` (null if clean) and `task`, which folds do not tear apart.
    """
    found = [
        (kind, level, item.task_id, *pair)
        for kind, (level, make) in KINDS.items()
        for item in items
        if (pair := make(item)) is not None
    ]
    found += [("neg_benchmark", 0, None, item.raw_prompt, item.solution) for item in others]
    found += [("neg_boilerplate", 0, None, *pair) for pair in _BOILERPLATE]
    found += [("neg_code_alpaca", 0, None, *pair) for pair in clean]
    names = ["kind", "level", "source_task_id", "instruction", "output"]
    table = pl.DataFrame(found, schema=dict.fromkeys(names, pl.String) | {"level": pl.Int64}, orient="row")
    return table.with_columns(
        id=pl.format("{}-{}", "kind", pl.int_range(pl.len())),
        label=(pl.col("level") > 0).cast(pl.Int64),
        task=pl.coalesce("source_task_id", "instruction"),
    )


def _wrapped(item: Item) -> Pair:
    return f"You are a helpful assistant.\n### Instruction:\n{item.raw_prompt}\n### Response:", _fenced(item)


def _fenced(item: Item) -> str:
    return f"Sure, here is the code.\n```python\n{item.solution}\n```\nIt runs in linear time."


def _reformatted(item: Item) -> Pair | None:
    made = copies(item).get("new-layout")
    text = "\n\n".join(line.strip() for line in item.raw_prompt.splitlines())
    return (text, made.answer.replace("    ", "\t")) if made else None


def _other_name(text: str, item: Item) -> str:
    return re.sub(rf"\b{re.escape(item.entry_point)}\b", "solve_it", text) if item.entry_point else text


def _hard_wrapped(item: Item) -> Pair:
    words = item.raw_prompt.split()
    lines = [" ".join(words[at : at + 8]) for at in range(0, len(words), 8)]
    return "\n".join(lines), item.solution


def _inline(item: Item) -> Pair:
    return f"{_FILLER * 2}{' '.join(item.raw_prompt.split())} {_FILLER * 3}", ""


def _renamed(item: Item) -> Pair | None:
    made = copies(item).get("new-names")
    return ("Complete the code.", made.answer) if made else None


def _tests(item: Item) -> Pair | None:
    text = _other_name("\n".join(item.tests), item)
    return ("Write a function that passes these tests.", text) if text else None


def _half_text(item: Item) -> Pair | None:
    words = item.prompt.split()
    return (" ".join(words[: len(words) // 2]), "") if len(words) >= 24 else None


def _half_code(item: Item) -> Pair | None:
    lines = item.solution.splitlines()
    return ("Complete the code.", "\n".join(lines[: len(lines) // 2])) if len(lines) >= 8 else None


#: By kind: the level, and what makes a pair of an item; None where the item is too short or no Python.
KINDS: dict[str, tuple[int, Callable[[Item], Pair | None]]] = {
    "verbatim": (1, lambda item: (item.raw_prompt, item.solution)),
    "wrapped": (1, _wrapped),
    "recode_format": (1, _reformatted),
    "recode_funcname": (
        1,
        lambda item: (_other_name(item.raw_prompt, item), _other_name(item.solution, item)),
    ),
    "hard_wrapped": (1, _hard_wrapped),
    "inline_in_filler": (1, _inline),
    "text_only": (2, lambda item: (item.prompt, "")),
    "solution_only": (2, lambda item: ("Complete the code.", item.solution)),
    "solution_renamed": (3, _renamed),
    "tests_only": (3, _tests),
    "text_half": (3, _half_text),
    "solution_half": (3, _half_code),
}
