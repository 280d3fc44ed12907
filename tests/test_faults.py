"""What servers do wrong costs no row and no money: whole runs against an endpoint that misbehaves."""

from __future__ import annotations

import json

import pytest
from cli import datagen
from disturbed import LASTING, PASSING, Run, kill_again_and_again, paid_twice_unexcused
from endpoint import Endpoint

TASKS = 40


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rows of a run to which nothing happens."""
    with Endpoint() as endpoint:
        run = Run(tmp_path_factory.mktemp("undisturbed"), endpoint, tasks=TASKS)
        assert run.finish().code == 0
    return run.rows()


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING)
def test_passing_fault_costs_nothing(fault, tmp_path, undisturbed):
    """A fault that passes loses no row, changes none, and no answered request is asked again."""
    with Endpoint(fault=fault, share=0.15, **PASSING[fault]) as endpoint:
        run = Run(tmp_path, endpoint, tasks=TASKS)
        ended = run.finish()
    assert ended.code == 0, ended
    assert endpoint.injected[fault] > 0
    assert endpoint.paid_twice() == 0
    rows = run.rows()
    if fault == "other-model":
        assert "answered as" not in ended.said  # --quiet
        rows = [row | {"model": "stand-in-2026"} for row in rows]
    assert rows == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("fault", LASTING)
def test_lasting_fault_keeps_the_row_for_the_next_run(fault, tmp_path, undisturbed):
    """What a fault costs for good stands in dropped/, never as an empty answer; the next run mends it."""
    with Endpoint(fault=fault, share=0.1) as endpoint:
        run = Run(tmp_path, endpoint, tasks=TASKS)
        ended = run.finish()
        lost = run.rows("dropped")
        assert ended.code == 3
        assert lost
        assert {row["reason"] for row in lost} == {"call-failed"}
        assert {row["response"] for row in lost} == {None}
        assert all(row["detail"] for row in lost)
        assert len(lost) + len(run.rows()) == TASKS
        endpoint.fault = None
        assert run.finish().code == 0
    assert run.rows() == undisturbed
    assert run.rows("dropped") == []
    assert endpoint.paid_twice() == 0


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killed_fifty_times(tmp_path):
    """Fifty SIGKILLs over 2,000 requests: the same set; only what was under way at a kill is repeated."""
    with Endpoint(delay=0.02) as endpoint:
        whole = Run(tmp_path / "whole", endpoint, tasks=300, recipe=True)
        expected = whole.finish()
        calls = endpoint.asked.total()
    assert calls >= 2000
    with Endpoint(delay=0.02) as endpoint:
        run = Run(tmp_path / "killed", endpoint, tasks=300, recipe=True)
        kills = list(kill_again_and_again(run, endpoint, 50, calls))
        ended = run.finish()
    assert ended.code == 0
    assert ended.manifest["digest"] == expected.manifest["digest"]
    assert (run.rows(), run.rows("dropped")) == (whole.rows(), whole.rows("dropped"))
    assert paid_twice_unexcused(endpoint, kills) == 0
    under_way = frozenset().union(*(kill.in_flight for kill in kills))
    assert {key for key, times in endpoint.asked.items() if times > 1} <= under_way
    # What was paid is counted once, however often the run began anew.
    assert ended.manifest["usage"] == expected.manifest["usage"]


@pytest.mark.slow
def test_run_of_nothing_but_bad_rows_ends_as_the_first_one_did(tmp_path):
    """When the journal answers for all good rows, those that are refused again do not end the run."""
    with Endpoint(fault="400", share=0.3) as endpoint:
        run = Run(tmp_path, endpoint, tasks=120)
        first, second = run.finish(), run.finish()
    assert (first.code, second.code) == (3, 3)
    assert first.manifest["failed"] == second.manifest["failed"] > 20
    assert first.manifest["digest"] == second.manifest["digest"]


class Short(Endpoint):
    """A model whose context is too short for the tasks that say so."""

    def draw(self, key, attempt, names, scope=None):
        return "400" if "400" in names and "too long" in str(self.bodies[key]) else None


def test_prompts_that_are_refused_stop_no_other(tmp_path):
    """Thirty tasks that are too long stand first: the short one behind them is asked, in any run."""
    tasks = [{"instruction": f"Write task {n}, which is too long."} for n in range(30)]
    tasks.append({"instruction": "Write the short task."})
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks))
    with Short() as endpoint:
        words = ("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", "--teacher", endpoint.teacher)
        ended = [datagen(*words, "--concurrency", 1, "--json") for _ in range(2)]
    assert [one.code for one in ended] == [3, 3]
    assert [one.json()["rows_out"] for one in ended] == [1, 1]
    assert ended[1].json()["calls"]["failed"] == 30


class Odd(Short):
    """A model that does not say why it refuses what is too long."""

    def begin(self, key, body):
        _, headers = super().begin(key, body)
        return ("echo-key" if "too long" in str(body) else None), headers


def test_what_failed_goes_last_in_the_next_run(tmp_path):
    """Twenty refusals without a reason end the first run; the next one asks the other rows first."""
    tasks = [{"instruction": f"Write task {n}, which is too long."} for n in range(20)]
    tasks += [{"instruction": f"Write task {n}."} for n in range(5)]
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks))
    with Odd() as endpoint:
        words = ("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", "--teacher", endpoint.teacher)
        first = datagen(*words, "--concurrency", 1, "--json")
        assert "20 calls failed in a row" in first.error(1)
        second = datagen(*words, "--concurrency", 1, "--json")
    assert second.code == 3
    made = second.json()
    assert (made["rows_out"], made["dropped"]) == (5, {"call-failed": 20})
    # What was under way when the first run ended may have been answered.
    assert (made["calls"]["asked"] + made["calls"]["reused"], made["calls"]["failed"]) == (5, 20)
    assert endpoint.asked.total() == 20 + 5 + 20
