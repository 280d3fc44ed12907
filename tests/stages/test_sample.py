"""`datagen sample` against a server: who answers what, how often, and in which order."""

from __future__ import annotations

import json
from types import SimpleNamespace

import cli
import polars as pl
import pytest
from cli import datagen
from endpoint import Endpoint, reply
from haste import hasten
from loopback import serving

from datagen.answers.prompts import answer_prompt

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
    hasten(monkeypatch)
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
    many = ["-n", 2, "--temperature", "0.2", "--temperature", "1", "--tests", "--teacher", "reference"]
    with Endpoint() as endpoint:
        expected = sample(folder, "--teacher", endpoint.teacher, *many, out="expected")["digest"]
    use_journal(monkeypatch, folder / "another")
    with Endpoint(delay=0.002, port=endpoint.server_port) as endpoint:
        words = ["--teacher", endpoint.teacher, *many, "--concurrency", concurrency]
        assert sample(folder, *words)["digest"] == expected
        assert endpoint.most_at_once <= concurrency
    assert rows(folder) == rows(folder, "expected")


def test_failed_calls_are_tried_again(folder, monkeypatch):
    """With failures the exit code is 3; the same command again asks for these and for nothing else."""
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


def undisturbed(folder, monkeypatch, port, *more):
    """What the same run makes with a journal of its own and nothing in its way."""
    use_journal(monkeypatch, folder / "another")
    with Endpoint(port=port) as endpoint:
        summary = sample(folder, "--teacher", endpoint.teacher, *more, out="undisturbed")
    use_journal(monkeypatch, folder / "cache")
    return summary


@pytest.mark.parametrize(
    "faults",
    [
        {"500": 0.2, "reset": 0.1, "cut-body": 0.1, "html": 0.1, "429-limits": 0.2, "529": 0.1},
        {"duplicate": 0.5, "429-limits": 0.2},
    ],
)
def test_passing_faults_leave_no_trace(folder, monkeypatch, faults):
    """What a server does wrong for a while changes nothing: no row fails, none gets another row's answer."""
    with Endpoint(faults=faults, times=1) as endpoint:
        made = sample(folder, "--teacher", endpoint.teacher, "-n", 5, "--quiet")
        assert endpoint.injected.total() > 40
        assert endpoint.paid_twice() == 0
    assert (made["failed"], made["calls"]["asked"], made["calls"]["failed"]) == (0, 100, 0)
    expected = undisturbed(folder, monkeypatch, endpoint.server_port, "-n", 5)
    assert (made["digest"], made["usage"]) == (expected["digest"], expected["usage"])


def test_calls_that_hang_are_made_again(folder, monkeypatch):
    """--timeout ends calls that are never answered; they are made again."""
    with Endpoint(fault="hang", share=0.3, times=1) as endpoint:
        made = sample(folder, "--teacher", endpoint.teacher, "-n", 3, "--timeout", "0.4")
        assert endpoint.repeated() == endpoint.injected["hang"] > 10
    assert made["failed"] == 0
    assert made["digest"] == undisturbed(folder, monkeypatch, endpoint.server_port, "-n", 3)["digest"]


@pytest.mark.parametrize("fault", ["500", "401", "echo-key", "down"])
def test_one_of_two_teachers_is_dead(folder, monkeypatch, fault):
    """Without one of its teachers a run keeps the other's answers, and the next run makes it whole."""
    hasten(monkeypatch, first_patience=0.05)
    with Endpoint() as alive, Endpoint(fault=None if fault == "down" else fault) as dead:
        if fault == "down":
            dead.go_down()
        both = ["--teacher", alive.teacher, "--teacher", f"openai:other@{dead.url}", "-n", 3]
        first = sample(folder, *both, code=3)
        assert {row["teacher"] for row in rows(folder)} == {"openai:stand-in"}
        assert (first["rows_out"], first["dropped"]) == (60, {"call-failed": 60})
        assert {row["teacher"] for row in rows(folder, part="dropped")} == {"openai:other"}
        assert dead.asked.total() < 60
        dead.fault = None
        if fault == "down":
            dead.come_up()
        again = sample(folder, *both)
        assert (again["rows_out"], again["failed"], again["already_made"]) == (120, 0, False)
        assert alive.asked.total() == 60
        assert alive.paid_twice() == dead.paid_twice() == 0
        use_journal(monkeypatch, folder / "another")
        expected = sample(folder, *both, out="undisturbed")
    assert (again["digest"], again["usage"]) == (expected["digest"], expected["usage"])


def test_teacher_that_is_given_up_is_told(folder, monkeypatch):
    """People read once, and with the reason, that a teacher is given up and that the run goes on."""
    hasten(monkeypatch, first_patience=0.05)
    with Endpoint() as alive, Endpoint(fault="401") as dead:
        ended = datagen(
            *("sample", folder / "tasks.jsonl", "-o", folder / "out", "--teacher", alive.teacher),
            *("--teacher", f"openai:other@{dead.url}"),
        )
    told = [line for line in ended.err.splitlines() if "is given up" in line]
    assert len(told) == 1
    assert told[0].startswith("openai:other is given up for this run (")
    assert "refused the key (401)" in told[0]
    assert told[0].endswith("the others go on")


def test_temperature_is_sent(folder):
    """--temperature goes into every request, and another one is another question."""
    with Endpoint() as endpoint:
        sample(folder, "--teacher", endpoint.teacher)
        assert {"temperature" in body for body in bodies(endpoint)} == {False}
        sample(folder, "--teacher", endpoint.teacher, "--temperature", "0.5", out="warm")
        assert endpoint.asked.total() == 40
        assert {body.get("temperature") for body in bodies(endpoint)} == {None, 0.5}
    assert {row["temperature"] for row in rows(folder)} == {None}
    assert {row["temperature"] for row in rows(folder, "warm")} == {0.5}


def test_several_temperatures(folder):
    """Each teacher gives n answers at each temperature, in the order of their names; at 0 one is enough."""
    with Endpoint() as endpoint:
        words = ["--teacher", endpoint.teacher, "--teacher", "reference", "-n", 2, "--seed", 10]
        sample(folder, *words, "--temperature", "0.9", "--temperature", "0", "--temperature", "1.5")
        assert endpoint.repeated() == 0
        sent = {(body["temperature"], body["seed"]) for body in bodies(endpoint)}
    each = [("openai:stand-in", n, t) for n, t in [(0, 0.9), (1, 0.9), (2, 0.0), (4, 1.5), (5, 1.5)]]
    each.append(("reference", 0, None))
    kept = rows(folder)
    assert [(row["teacher"], row["sample"], row["temperature"]) for row in kept] == each * 20
    assert sent == {(t, 10 + n % 2) for _, n, t in each[:-1]}  # so that a larger -n buys none anew
    assert len({row["id"] for row in kept}) == 120


@pytest.mark.parametrize("word", ["-0.1", "2.1", "nan", "warm"])
def test_what_is_no_temperature(folder, word):
    """A temperature that no server takes is told before anything is done."""
    ended = datagen(
        *("sample", folder / "tasks.jsonl", "-o", folder / "out"),
        *("--teacher", "reference", f"--temperature={word}"),
    )
    assert f"{word} is no temperature; allowed: 0 to 2" in ended.error(2)


def test_student_of_the_teachers_file(folder):
    """--teachers names teachers and a student; the student answers without being named, with its role."""
    with Endpoint() as endpoint:
        (folder / "teachers.yaml").write_text(
            f"strong: {{model: big, base_url: '{endpoint.url}', license: MIT, price_in: 1, price_out: 2}}\n"
            f"mine: {{model: small, base_url: '{endpoint.url}', role: student, license: Apache-2.0}}\n"
        )
        summary = sample(folder, "--teachers", folder / "teachers.yaml")
        assert {body["model"] for body in bodies(endpoint)} == {"big", "small"}
    roles = {(row["teacher"], row["role"], row["license"]) for row in rows(folder)}
    assert roles == {("strong", "teacher", "MIT"), ("mine", "student", "MIT AND Apache-2.0")}
    assert summary["usage"]["strong"]["usd"] > 0
    assert summary["usage"]["mine"]["usd"] is None
    assert summary["usage_total"]["usd"] == summary["usage"]["strong"]["usd"]
    assert summary["usage_total"]["usd_unknown"] == ["mine"]
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert {name: one["role"] for name, one in manifest["teachers"].items()} == {
        "strong": "teacher",
        "mine": "student",
    }


# Tests for the tasks


def with_tests(body):
    """A model that writes two tests where it is asked for tests, and answers as ever."""
    asked = body["messages"][-1]["content"]
    if "Leave it unsolved" not in asked:
        return reply(body)
    name = asked.split("Call the function `")[1].split("`")[0]
    return f"```python\nassert {name}([]) == []\nassert {name}([0]) == [{len(body['model'])}]\n```"


def test_tests_are_written_by_every_teacher(folder):
    """--tests asks each teacher once for each task; every answer of the task has all tests, with authors."""
    with Endpoint(says=with_tests) as endpoint:
        words = ["--teacher", endpoint.teacher, "--teacher", f"openai:other@{endpoint.url}", "-n", 2]
        words += ["--teacher", "reference", "--student", f"openai:small@{endpoint.url}", "--tests"]
        summary = sample(folder, *words)
        assert endpoint.repeated() == 0
        assert endpoint.asked.total() == 20 * (2 + 2 + 2 + 2)
        asked = [body["messages"][-1]["content"] for body in bodies(endpoint)]
        wanted = [text for text in asked if "Leave it unsolved" in text]
    assert len(wanted) == 40
    assert not any("return [v +" in text for text in wanted)
    assert (summary["rows_made"], summary["rows_out"], summary["dropped"]) == (120, 140, {})
    for row in rows(folder):
        name = row["entry_point"]
        assert row["generated_tests"] == [
            {"author": "openai:stand-in", "test": f"assert {name}([]) == []"},
            {"author": "openai:stand-in", "test": f"assert {name}([0]) == [8]"},
            {"author": "openai:other", "test": f"assert {name}([]) == []"},
            {"author": "openai:other", "test": f"assert {name}([0]) == [5]"},
        ]
        assert row["tests"] == [f"assert {name}([1]) == [{int(name.removeprefix('task_')) + 1}]"]


def test_answer_that_holds_no_tests(folder):
    """An author who writes no test leaves an empty list; nothing fails."""
    with Endpoint() as endpoint:
        summary = sample(folder, "--teacher", endpoint.teacher, "--tests")
    assert (summary["rows_out"], summary["failed"]) == (20, 0)
    assert {len(row["generated_tests"]) for row in rows(folder)} == {0}


def test_tests_that_fail_are_asked_again(folder, monkeypatch):
    """A call for tests that fails has a row of its own in dropped/; the next run adds what is missing."""
    words = ["--tests", "-n", 2]
    with Endpoint(says=with_tests, fault="400", share=0.3) as endpoint:
        words += ["--teacher", endpoint.teacher, "--teacher", f"openai:other@{endpoint.url}"]
        first = sample(folder, *words, code=3)
        dropped = rows(folder, part="dropped")
        tests = [row for row in dropped if row["role"] == "tests"]
        assert len(tests) > 5
        assert len(dropped) == first["failed"] == first["calls"]["failed"] > len(tests)
        for row in tests:
            assert row["teacher"] in {"openai:stand-in", "openai:other"}
            assert row["detail"].startswith("no tests: the server refused with 400")
            assert (row["reason"], row["response"]) == ("call-failed", None)
        assert len({row["id"] for row in dropped}) == len(dropped)
        answered = set(endpoint.answered)
        endpoint.fault = None
        again = sample(folder, *words)
        assert all(endpoint.asked[key] == 1 for key in answered)
        assert endpoint.paid_twice() == 0
        assert (again["rows_out"], again["failed"]) == (80, 0)
        assert {len(row["generated_tests"]) for row in rows(folder)} == {4}
        use_journal(monkeypatch, folder / "another")
        expected = sample(folder, *words, out="undisturbed")
    assert (again["digest"], again["usage"]) == (expected["digest"], expected["usage"])


def test_samples_differ_in_their_seed(folder):
    """Each of n answers is asked for with its own seed, counted from --seed."""
    write(folder, TASKS[:1])
    with Endpoint() as endpoint:
        sample(folder, "--teacher", endpoint.teacher, "-n", 3, "--seed", 10)
        assert sorted(body["seed"] for body in bodies(endpoint)) == [10, 11, 12]


@pytest.mark.parametrize("fault", ["null-content", "empty-content"])
def test_empty_answers_are_dropped(folder, fault):
    """An answer without content is paid for and dropped; the next run asks for another sample of it."""
    with Endpoint(fault=fault, share=0.4) as endpoint:
        summary = sample(folder, "--teacher", endpoint.teacher, "-n", 2, code=3)
        empty = summary["dropped"]["empty-answer"]
        assert empty == endpoint.injected[fault] > 5
        assert (summary["failed"], summary["rows_out"]) == (empty, 40 - empty)
        for row in rows(folder, part="dropped"):
            assert (row["response"], row["code"], row["finish_reason"]) == (None, None, "stop")
            assert (row["dropped_by"], len(row["request"])) == (["empty-answer"], 64)
            assert row["detail"] == "the model stopped with the reason stop"
        assert summary["usage"]["openai:stand-in"]["calls"] == 40
        again = sample(folder, "--teacher", endpoint.teacher, "-n", 2, code=3)
        assert (again["calls"]["asked"], endpoint.repeated()) == (empty, 0)
        assert again["rows_out"] > summary["rows_out"]
        assert again["usage"]["openai:stand-in"]["calls"] == 40 + empty


def test_nothing_but_empty_answers(folder):
    """Where all answers are empty there is a data set without rows, and its drops say why."""
    with Endpoint(fault="null-content") as endpoint:
        summary = sample(folder, "--teacher", endpoint.teacher, "--tests", code=3)
        for _ in range(6):
            more = sample(folder, "--teacher", endpoint.teacher, "--tests", code=3)
        assert more["calls"]["asked"] == 0  # an end comes to asking again
    assert (summary["rows_out"], summary["dropped"]) == (0, {"empty-answer": 20})
    assert summary["usage_total"]["per_kept_row"] == {"tokens": None, "usd": None}


def message(**content):
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **content}}]}


ANSWER = "```python\ndef f():\n    return 1\n```"
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": ANSWER}]


@pytest.mark.parametrize(
    "content",
    [
        {"content": f"<think>\nx = 1?\n</think>\n\n{ANSWER}"},
        {"content": f"<think>\n\n</think>\n\n{ANSWER}"},
        {"content": f"It is 1, I think.\n</think>\n\n{ANSWER}"},
        {"content": f"It is 1, I think.\n</think>{ANSWER}"},
        {"content": ANSWER, "reasoning_content": "It is 1."},
        {"content": PARTS},
        {"content": f"{ANSWER}<|im_end|>"},
        {
            "content": "<|channel|>analysis<|message|>One.<|end|>"
            f"<|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
        },
        {"content": f"analysisWe return 1.assistantfinal{ANSWER}"},
    ],
    ids=["think", "empty", "closing", "same line", "reasoning_content", "parts", "token", "channels", "bare"],
)
def test_thinking_is_no_part_of_an_answer(folder, content):
    """However a server marks what its model thinks, the answer is what comes after it."""
    write(folder, TASKS[:1])
    with serving(lambda *_: (200, message(**content))) as server:
        sample(folder, "--teacher", f"openai:m@{server.address}/v1")
    (row,) = rows(folder)
    assert (row["response"], row["code"]) == (ANSWER, "def f():\n    return 1")


@pytest.mark.parametrize(
    ("reply", "reason", "detail"),
    [
        (message(), "empty-answer", "the model stopped with the reason stop"),
        (message(content="<think>\nNever ends"), "empty-answer", "the model stopped with the reason stop"),
        (message(content="x = 1") | {"finish": "content_filter"}, "truncated-response", "content_filter"),
        (message(content="x = 1") | {"finish": "error"}, "truncated-response", "error"),
        (message(content=None) | {"finish": "content_filter"}, "empty-answer", "content_filter"),
    ],
)
def test_answers_that_cannot_be_used(folder, reply, reason, detail):
    """One call each, dropped with the model's reason; the next run asks for another sample."""
    write(folder, TASKS[:1])
    reply["choices"][0]["finish_reason"] = reply.pop("finish", "stop")
    with serving(lambda *_: (200, reply)) as server:
        for times in (1, 2):
            sample(folder, "--teacher", f"openai:m@{server.address}/v1", code=3)
            assert len(server.asked) == times
    (row,) = rows(folder, part="dropped")
    assert (row["reason"], row["detail"].endswith(detail)) == (reason, True)


def test_equal_answers_are_one(folder):
    """Of equal answers to a task the first is kept; the student's is its own."""
    write(folder, TASKS[:1])
    with serving(lambda *_: (200, message(content=ANSWER))) as server:
        where = f"openai:m@{server.address}/v1"
        summary = sample(folder, "--teacher", where, "-n", 3, "--student", f"openai:s@{server.address}/v1")
    assert summary["dropped"] == {"repeated-answer": 4}
    assert [row["role"] for row in rows(folder)] == ["teacher", "student"]


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
