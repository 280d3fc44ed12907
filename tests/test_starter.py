"""The starter tasks: shipped, sound, and free of the benchmarks that people evaluate on."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

import decontam
from datagen.data import inputs
from datagen.data.source import Row
from decontam.benchmarks import load

MBPP = Path(__file__).parent.parent.parent / "shared" / "data" / "mbpp.jsonl"


@pytest.fixture(scope="module")
def tasks() -> list[Row]:
    return list(inputs.open_source("starter").iter_rows())


def test_there_are_enough_of_every_kind(tasks: list[Row]) -> None:
    """At least 200 tasks, with a good share of each difficulty and many topics."""
    assert len(tasks) >= 200
    shares = Counter(task["difficulty"] for task in tasks)
    assert set(shares) == {"easy", "medium", "hard"}
    assert min(shares.values()) >= 40
    assert len({task["topic"] for task in tasks}) >= 30


def test_each_names_its_function_and_is_its_own(tasks: list[Row]) -> None:
    """Instructions and entry points are unique, and the instruction names the function."""
    assert len({task["instruction"] for task in tasks}) == len(tasks)
    assert len({task["entry_point"] for task in tasks}) == len(tasks)
    for task in tasks:
        assert f"{task['entry_point']}(" in task["instruction"], task["entry_point"]
        assert task["license"] == "Apache-2.0"


def test_references_satisfy_at_least_three_asserts_each(tasks: list[Row]) -> None:
    """Every reference passes its own tests, and a function that returns nothing fails three of them."""
    programs = [
        {
            "name": task["entry_point"],
            "code": task["reference"],
            "tests": task["tests"],
            "stub": f"def {task['entry_point']}(*args, **kwargs): pass",
        }
        for task in tasks
    ]
    runner = (
        "import json, sys\n"
        "def passes(code, test):\n"
        "    scope = {}\n"
        "    exec(code, scope)\n"
        "    try:\n"
        "        exec(test, scope)\n"
        "    except Exception:\n"
        "        return False\n"
        "    return True\n"
        "bad = []\n"
        "for p in json.load(sys.stdin):\n"
        "    bad += [(p['name'], t) for t in p['tests'] if not passes(p['code'], t)]\n"
        "    if sum(not passes(p['stub'], t) for t in p['tests']) < 3: bad.append((p['name'], 'stub'))\n"
        "print(json.dumps(bad))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", runner],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == []


def test_tests_are_single_asserts(tasks: list[Row]) -> None:
    """Each test is one assert statement that calls the entry point, so that it can be counted by itself."""
    for task in tasks:
        assert len(task["tests"]) >= 3
        for test in task["tests"]:
            (statement,) = ast.parse(test).body
            assert isinstance(statement, ast.Assert), test
            assert task["entry_point"] in test


def overlaps(tasks: list[Row], benchmark: str) -> list[tuple[str, str]]:
    import polars as pl

    frame = pl.DataFrame(
        {
            "id": [task["entry_point"] for task in tasks],
            "instruction": [task["instruction"] for task in tasks],
            "response": ["\n".join([task["reference"], *task["tests"]]) for task in tasks],
        }
    )
    indexes = decontam.build_indexes(load(benchmark).items)
    return list(decontam.find_overlaps(frame, indexes).select("row", "item").iter_rows())


def test_none_overlaps_humaneval(tasks: list[Row]) -> None:
    """Our own overlap detection finds nothing of HumanEval in tasks, references and tests."""
    assert overlaps(tasks, "humaneval") == []


def test_none_overlaps_mbpp(tasks: list[Row]) -> None:
    """Our own overlap detection finds nothing of MBPP in tasks, references and tests."""
    if not MBPP.exists():
        pytest.skip("MBPP is not here (../shared/data/mbpp.jsonl)")
    assert overlaps(tasks, f"mbpp:{MBPP}") == []


def test_an_item_among_them_would_be_found(tasks: list[Row]) -> None:
    """The two tests above can fail: a HumanEval item put among the tasks is found."""
    item = load("humaneval").items[10]
    planted = {**tasks[0], "instruction": item.raw_prompt, "reference": item.solution, "tests": []}
    assert {found for _, found in overlaps([planted, *tasks[1:5]], "humaneval")} == {item.task_id}


def test_the_package_carries_them() -> None:
    """The files are package data, so an installed wheel has them too."""
    names = [part.name for part in resources.files("datagen").joinpath("starter").iterdir()]
    assert names
    assert all(name.endswith(".jsonl") for name in names)
