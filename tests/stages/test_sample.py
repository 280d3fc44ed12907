"""`datagen sample` against a server: who answers what, how often, and in which order."""

from __future__ import annotations

import json
from types import SimpleNamespace

import cli
import polars as pl
import pytest
from cli import datagen
from endpoint import Endpoint

from datagen.answering import answer_prompt

TASKS = [
    {
        "instruction": f"Write `task_{n}(values)` that adds {n} to each of its values.",
        "entry_point": f"task_{n}",
        "reference": f"def task_{n}(values):\n    return [v + {n} for v in values]",
        "tests": [f"assert task_{n}([1]) == [{n + 1}]"],
        "topic": f"topic {n % 3}",
        "license": "MIT",
    }
    for n in range(20)
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with tasks and a journal of its own."""
    use_journal(monkeypatch, tmp_path / "cache")
    write(tmp_path, TASKS)
    return tmp_path


def use_journal(monkeypatch, cache):
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(cache)))


def write(folder, tasks):
    (folder / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks))


def sample(folder, *more, out="out", tasks="tasks.jsonl", code=0):
    """Run the command and return what --json says."""
    ended = datagen("sample", folder / tasks, "-o", folder / out, "--json", *more)
    assert ended.code == code, ended
    summary = ended.json()
    made = summary["rows_in"] + summary["rows_made"]
    assert made == summary["rows_out"] + sum(summary["dropped"].values())
    return summary


def rows(folder, out="out", part="data"):
    return pl.read_parquet(folder / out / part / "*.parquet").to_dicts()


def bodies(endpoint):
    """What was sent, as parsed JSON."""
    return list(endpoint.bodies.values())


def test_each_task_is_answered(folder):
    """Every task becomes a pair with its answer, the answer's code, its teacher and its journal key."""
    with Endpoint() as endpoint:
        summary = sample(folder, "--teacher", endpoint.teacher)
    assert (summary["rows_in"], summary["rows_made"], summary["rows_out"]) == (20, 0, 20)
    for task, row in zip(TASKS, rows(folder), strict=True):
        assert {name: row[name] for name in task if name != "license"} == {
            name: task[name] for name in task if name != "license"
        }
        assert row["code"].startswith(f"def {task['entry_point']}(")
        assert row["code"] in row["response"]
        assert (row["language"], row["teacher"], row["role"], row["sample"]) == (
            *("python", "openai:stand-in", "teacher", 0),
        )
        assert (row["model"], row["finish_reason"], len(row["request"])) == ("stand-in-2026", "stop", 64)


def test_answers_of_a_task_follow_each_other(folder):
    """Teachers answer n times each in the order in which they were named, the student last."""
    with Endpoint() as endpoint:
        summary = sample(
            folder,
            *("--teacher", endpoint.teacher, "--teacher", "reference", "-n", 3),
            *("--student", f"openai:small@{endpoint.url}"),
        )
        assert endpoint.repeated() == 0
    assert (summary["rows_in"], summary["rows_made"], summary["rows_out"]) == (20, 120, 140)
    each = [("openai:stand-in", "teacher", n) for n in range(3)]
    each += [("reference", "teacher", 0), *(("openai:small", "student", n) for n in range(3))]
    kept = rows(folder)
    assert [(row["teacher"], row["role"], row["sample"]) for row in kept] == each * 20
    assert [row["entry_point"] for row in kept] == [task["entry_point"] for task in TASKS for _ in each]
    assert len({row["id"] for row in kept}) == 140
    assert len({row["task"] for row in kept}) == 20


def test_reference_answers_from_the_row(folder):
    """The teacher `reference` gives the task's own solution; a task without one is dropped, not failed."""
    write(folder, [*TASKS[:2], {**TASKS[2], "reference": None}])
    summary = sample(folder, "--teacher", "reference", "-n", 4)
    assert (summary["rows_out"], summary["dropped"], summary["failed"]) == (2, {"no-reference": 1}, 0)
    assert summary["calls"]["failed"] == 0
    assert [row["code"] for row in rows(folder)] == [task["reference"] for task in TASKS[:2]]
    assert [row["license"] for row in rows(folder)] == ["MIT", "MIT"]
    (dropped,) = rows(folder, part="dropped")
    assert (dropped["reason"], dropped["dropped_by"]) == ("no-reference", ["no-reference"])


def test_repeated_tasks_are_asked_once(folder):
    """A task that came before is dropped with a reason, also under another id of the user's."""
    again = [{**TASKS[1], "task": "mine"}, {"instruction": "  "}, TASKS[0]]
    write(
        folder, [{**task, "task": None} for task in [*TASKS[:3]]] + [{"task": None, **row} for row in again]
    )
    with Endpoint() as endpoint:
        summary = sample(folder, "--teacher", endpoint.teacher, "-n", 2)
        assert endpoint.asked.total() == 6
    assert summary["dropped"] == {"repeated-task": 2, "empty-instruction": 1}
    assert (summary["rows_in"], summary["rows_made"], summary["rows_out"]) == (6, 3, 6)
    dropped = rows(folder, part="dropped")
    assert [row["dropped_by"] for row in dropped] == [
        ["repeated-task"],
        ["empty-instruction"],
        ["repeated-task"],
    ]
    assert len({row["id"] for row in rows(folder)}) == 6


def test_pairs_are_tasks_too(folder):
    """A set of pairs may be answered anew: each of its tasks once, and no old answer is left."""
    with Endpoint() as endpoint:
        sample(folder, "--teacher", endpoint.teacher, "-n", 2, out="pairs")
        summary = sample(folder, "--teacher", f"openai:other@{endpoint.url}", tasks="pairs")
    assert (summary["rows_out"], summary["dropped"]) == (20, {"repeated-task": 20})
    assert {row["teacher"] for row in rows(folder)} == {"openai:other"}


@pytest.mark.parametrize("concurrency", [1, 3, 32])
def test_concurrency_does_not_matter(folder, monkeypatch, concurrency):
    """The same bytes come out whatever the number of calls at a time."""
    with Endpoint() as endpoint:
        expected = sample(folder, "--teacher", endpoint.teacher, "-n", 2, out="expected")["digest"]
    use_journal(monkeypatch, folder / "another")
    with Endpoint(delay=0.002, port=endpoint.server_port) as endpoint:
        words = ["--teacher", endpoint.teacher, "-n", 2, "--concurrency", concurrency]
        assert sample(folder, *words)["digest"] == expected
        assert endpoint.most_at_once <= concurrency
    assert rows(folder) == rows(folder, "expected")


def test_failed_calls_are_tried_again(folder, monkeypatch):
    """With failures the exit code is 3; the same command again asks for these and for nothing else."""
    monkeypatch.setattr("datagen.teachers.openai_chat.RETRIES", 0)
    with Endpoint(fault="500", share=0.2) as endpoint:
        first = sample(folder, "--teacher", endpoint.teacher, "-n", 3, code=3)
        assert first["failed"] == first["dropped"]["call-failed"] > 0
        for row in rows(folder, part="dropped"):
            assert (row["response"], row["dropped_by"]) == (None, ["call-failed"])
            assert "refused with 500" in row["detail"]
        answered = set(endpoint.answered)
        endpoint.fault = None
        again = sample(folder, "--teacher", endpoint.teacher, "-n", 3)
        assert all(endpoint.asked[key] == 1 for key in answered)
    assert again["calls"]["asked"] == first["failed"]
    assert (again["rows_out"], again["failed"], again["already_made"]) == (60, 0, False)


def test_temperature_is_sent(folder):
    """--temperature goes into every request, and another one is another question."""
    with Endpoint() as endpoint:
        sample(folder, "--teacher", endpoint.teacher)
        assert {"temperature" in body for body in bodies(endpoint)} == {False}
        sample(folder, "--teacher", endpoint.teacher, "--temperature", "0.5", out="warm")
        assert endpoint.asked.total() == 40
        assert {body.get("temperature") for body in bodies(endpoint)} == {None, 0.5}


def test_samples_differ_in_their_seed(folder):
    """Each of n answers is asked for with its own seed, counted from --seed."""
    write(folder, TASKS[:1])
    with Endpoint() as endpoint:
        sample(folder, "--teacher", endpoint.teacher, "-n", 3, "--seed", 10)
        assert sorted(body["seed"] for body in bodies(endpoint)) == [10, 11, 12]


def test_empty_answers_are_rows(folder):
    """An answer without content is a row whose code is missing; rules decide what becomes of it."""
    with Endpoint(fault="null-content") as endpoint:
        summary = sample(folder, "--teacher", endpoint.teacher)
    assert summary["rows_out"] == 20
    assert {(row["response"], row["code"]) for row in rows(folder)} == {("", None)}


def test_chat_prompt_is_the_task():
    """A model that follows instructions gets the task as it is."""
    prompt = answer_prompt({"instruction": "Reverse a string."}, "chat")
    assert prompt.messages[-1] == ("user", "Reverse a string.")
    assert (prompt.prefix, prompt.temperature) == ("", None)


@pytest.mark.parametrize(
    ("task", "begun"),
    [
        ({"instruction": "Write `area(a, b=1)`."}, "def area(a, b=1):"),
        ({"instruction": "Use `len(x)` in `area(a)`.", "entry_point": "area"}, "def area(a):"),
        ({"instruction": "Write it; `area(3, 4)` is 12. Call it `area(a, b)`."}, "def area(a, b):"),
        (
            {"instruction": "Like `sum(x)`", "entry_point": "f", "reference": "def f(a, b): pass"},
            "def f(a, b):",
        ),
        (
            {"instruction": "Write it", "entry_point": "f", "reference": "def f(a: int) -> int: ..."},
            "def f(a):",
        ),
        ({"instruction": "Write it", "entry_point": "f", "reference": "not Python ("}, "def"),
        ({"instruction": "`area(3, 4)` should be 12"}, "def"),
        ({"instruction": "Reverse a string."}, "def"),
    ],
)
def test_few_shot_prompt_begins_the_answer(task, begun):
    """A tiny model finds its answer begun, with the signature where the task tells it."""
    prompt = answer_prompt(task, "few-shot")
    assert prompt.prefix == f"```python\n{begun}"
    assert prompt.messages[-1] == ("assistant", prompt.prefix)
    assert [role for role, _ in prompt.messages] == ["system", *["user", "assistant"] * 3]
