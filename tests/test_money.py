"""--max-usd from the command line to the server's bill: never more, over kills, lost answers and stages."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli import datagen
from endpoint import Endpoint

from datagen.commands import console
from datagen.errors import DatagenError

#: USD for a million tokens; a call costs about a hundredth of a cent, and may cost six times as much.
PRICE_IN, PRICE_OUT = 1.0, 4.0
MOST_OUT = 60
TASKS = 40
#: What a prompt and the longest answer cost at the server, at least.
DEAREST = (40 * PRICE_IN + MOST_OUT * PRICE_OUT) / 1e6

#: Makes processes that have imported everything already.
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(
    ["datagen.runs.pipeline", "datagen.stages.evolve", "datagen.stages.sample", "openai"]
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with tasks and a journal of its own."""
    rows = [{"instruction": f"Write `task_{n}(x)` that adds {n} to x."} for n in range(TASKS)]
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return tmp_path


@pytest.fixture
def command(folder):
    """Starts a run on a server, with a journal of its own, in a process of its own."""

    def start(endpoint, max_usd, *options, stage="sample", cache="cache", **settings):
        teacher = {
            **{"model": "m", "base_url": endpoint.url, "concurrency": 8, "endpoint": "label"},
            **{"price_in": PRICE_IN, "price_out": PRICE_OUT, "parameters": {"max_tokens": MOST_OUT}},
            **settings,
        }
        (folder / "teachers.yaml").write_text(json.dumps({"t": teacher}))
        source = [folder / "tasks.jsonl", "--teachers", folder / "teachers.yaml"]
        if stage == "run":
            stages = [{"evolve": {"teacher": "t", "rounds": 2}}, {"sample": {"teacher": "t"}}, "filter"]
            recipe = {"seeds": str(folder / "tasks.jsonl"), "teachers": {"t": teacher}, "stages": stages}
            (folder / "recipe.yaml").write_text(json.dumps(recipe))
            source = [folder / "recipe.yaml"]
        limit = ["--max-usd", max_usd] if max_usd is not None else []
        made = [stage, *source, *limit, *options, "-o", folder / f"out-{cache}", "--json"]
        process = WARM.Process(target=child, args=([str(word) for word in made], folder / cache))
        process.cache = folder / cache
        process.start()
        return process

    return start


def words_of(folder, stage):
    """A command on what a run before it has written into the folder, with the same -o."""
    source = [folder / "tasks.jsonl", "--teachers", folder / "teachers.yaml"]
    if stage == "run":
        recipe = {"seeds": str(folder / "tasks.jsonl"), "stages": ["filter"]}
        (folder / "recipe.yaml").write_text(json.dumps(recipe))
        source = [folder / "recipe.yaml"]
    return [str(word) for word in (stage, *source, "--max-usd", 1, "-o", folder / "out-cache")]


def child(words: list[str], cache: Path) -> None:
    """Run a command with its own journal, and write what it prints into files beside that."""
    cache.mkdir(exist_ok=True)
    os.environ["DATAGEN_CACHE_DIR"] = str(cache)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(cache / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.exit(console.run(words))


def kill(process, number):
    os.kill(process.pid, number)


def ended(process):
    process.join(60)
    return process.exitcode, *((process.cache / name).read_text() for name in ("out", "err"))


def bill(endpoint):
    """USD for what the server counted, answers that nobody was there to get included."""
    with endpoint.lock:
        heard = endpoint.tokens_in * PRICE_IN + endpoint.tokens_out * PRICE_OUT
    return heard / 1e6 + endpoint.unheard.total() * DEAREST


def rows_of(folder, query, cache="cache"):
    with contextlib.closing(sqlite3.connect(folder / cache / "journal.sqlite")) as connection:
        return connection.execute(query).fetchall()


@contextlib.contextmanager
def watched(endpoint, most):
    """Look at the bill all the time; it must never be more."""
    over, done = [], threading.Event()

    def watch():
        while not done.wait(0.005):
            if bill(endpoint) > most:
                over.append(bill(endpoint))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert over == []
    assert bill(endpoint) <= most


def undisturbed(command, *, options=(), **settings):
    """The digest and the cost of what a command makes without a budget, kills or faults."""
    with Endpoint() as endpoint:
        code, out, err = ended(command(endpoint, None, *options, cache="undisturbed", **settings))
        assert code == 0, err
        return json.loads(out)["digest"], bill(endpoint)


@pytest.mark.parametrize("stage", ["sample", "run"])
def test_a_budget_ends_a_run_and_a_larger_one_goes_on(command, folder, stage):
    """Code 4 and one line; what was answered is kept; nothing is paid again; the whole is what it always is.

    The stages of a recipe share the budget.
    """
    digest, cost = undisturbed(command, stage=stage)
    with Endpoint(delay=0.005) as endpoint:
        for share in (0.3, 0.5, 0.9):
            with watched(endpoint, cost * share):
                before = endpoint.answered.total()
                code, out, err = ended(command(endpoint, cost * share, "--quiet", stage=stage))
            assert (code, out, len(err.splitlines())) == (4, "", 1)
            assert err.startswith("Error: --max-usd 0.")
            assert "what was answered is kept, the same command with more goes on from there" in err
            assert rows_of(folder, "SELECT COUNT(*) FROM reservations") == [(0,)]
            (journalled,) = rows_of(folder, "SELECT COUNT(*), TOTAL(usd) FROM calls")
            assert journalled == (endpoint.answered.total(), pytest.approx(bill(endpoint)))
            assert endpoint.answered.total() > before
            # It was used as far as calls of unknown length allow.
            assert cost * share - bill(endpoint) < (0.0015 if stage == "run" else 0.0008)
        code, out, err = ended(command(endpoint, cost * 1.0 + 0.002, stage=stage))
        assert code == 0, err
        assert json.loads(out)["digest"] == digest
        assert endpoint.paid_twice() == 0
        assert bill(endpoint) == pytest.approx(cost)


def test_changed_commands_share_the_budget_of_their_data_set(command, folder):
    """More answers, another stage, --overwrite and a removed folder: the limit is for OUT all the same."""
    with Endpoint() as endpoint:
        code, _, err = ended(command(endpoint, 1.0, "-n", 1))
        assert code == 0, err
        spent = bill(endpoint)
        limit = spent + 0.0012
        with watched(endpoint, limit):
            for more in (["-n", 3, "--overwrite"], ["-n", 4, "--overwrite"]):
                code, _, err = ended(command(endpoint, limit, "--quiet", *more))
                assert code == 4, err
            shutil.rmtree(folder / "out-cache")
            code, _, err = ended(command(endpoint, limit, "--quiet", stage="run"))
            assert code == 4, err
        assert f"${bill(endpoint):.4f} spent, by all runs with this -o" in err


def test_runs_without_a_limit_count_for_later_ones(command, folder):
    """What a data set cost before anybody set a limit is part of what it cost."""
    with Endpoint() as endpoint:
        assert ended(command(endpoint, None))[0] == 0
        before = bill(endpoint)
        code, _, err = ended(command(endpoint, before / 2, "-n", 2, "--overwrite", "--quiet"))
        assert code == 4, err
        assert f"${before:.4f} spent" in err
        assert bill(endpoint) == before


def test_two_processes_do_not_share_a_data_set(command, folder):
    """A second run with the same -o ends at once, so the two cannot spend the same rest."""
    with Endpoint(hold_after=3) as endpoint:
        first = command(endpoint, 0.006)
        endpoint.wait_for(answered=3)
        for stage in ("sample", "run"):
            second = WARM.Process(target=child, args=(words_of(folder, stage), folder / "second"))
            second.cache = folder / "second"
            second.start()
            code, _, err = ended(second)
            assert (code, err.count("another datagen is writing")) == (1, 1), err
        endpoint.release()
        ended(first)
        assert bill(endpoint) <= 0.006


@pytest.mark.parametrize("share", [0.5, 20.0])
def test_a_server_that_bills_more_than_it_may(command, folder, share):
    """The true cost counts, the run ends at once and says why, whether there is money left or not."""
    counted = {"prompt_tokens": 50, "completion_tokens": 5000}
    body = json.dumps({"choices": [{"message": {"content": "x = 1"}}], "model": "m", "usage": counted})
    cost = (50 * PRICE_IN + 5000 * PRICE_OUT) / 1e6
    with Endpoint(fault="body", body=body) as endpoint:
        code, _, err = ended(command(endpoint, cost * share, "--quiet", concurrency=4))
        assert (code, len(err.splitlines())) == (4, 1), err
        assert "t billed $0.0200 for a call that may cost $0.000" in err
        assert "cannot be kept" in err
        assert endpoint.asked.total() <= 4
        asked = endpoint.asked.total()
        assert rows_of(folder, "SELECT TOTAL(usd) FROM calls") == [(pytest.approx(asked * cost),)]
        if share < 1:
            code, _, err = ended(command(endpoint, cost * share, "--quiet", concurrency=4))
            assert (code, endpoint.asked.total()) == (4, asked), err
            assert f"${asked * cost:.4f} spent" in err


@pytest.mark.slow
def test_killed_runs_never_spend_more(command, folder):
    """Ten kills at random moments, one budget: what was under way counts as spent; then more finishes it."""
    digest, cost = undisturbed(command, options=["-n", 6])
    most, draw = cost * 0.8, random.Random(3)
    with Endpoint(delay=0.01) as endpoint:
        kills = 0
        with watched(endpoint, most):
            for _ in range(10):
                process = command(endpoint, most, "-n", 6, concurrency=3)
                wanted, until = endpoint.asked.total() + draw.randrange(2, 25), time.monotonic() + 10
                while endpoint.asked.total() < wanted and process.is_alive() and time.monotonic() < until:
                    time.sleep(0.002)
                time.sleep(draw.uniform(0, 0.02))
                kills += process.is_alive()
                process.kill()
                process.join()
            code, _, err = ended(command(endpoint, most, "-n", 6, "--quiet"))
            assert code == 4, err
        assert kills >= 5
        (lost,) = rows_of(folder, "SELECT COUNT(*), TOTAL(usd) FROM reservations")
        assert 0 < lost[0] <= 3 * kills
        assert endpoint.unheard.total() + endpoint.paid_twice() <= lost[0]
        code, out, err = ended(command(endpoint, 1.0, "-n", 6))
        assert code == 0, err
        assert json.loads(out)["digest"] == digest
        assert json.loads(out)["usage_total"]["usd"] == pytest.approx(cost)
        assert endpoint.paid_twice() <= lost[0]


@pytest.mark.parametrize(("faults", "timeout"), [("cut-body", 60), ("truncated-json", 60), ("hang", 0.4)])
def test_lost_answers_count_as_spent(command, folder, faults, timeout):
    """An answer that was lost on its way may be on the bill: its whole reservation is gone."""
    with Endpoint(delay=0.02, times=1) as endpoint:
        process = command(endpoint, 0.006, "--quiet", timeout=timeout)
        endpoint.wait_for(answered=1)
        endpoint.faults = {faults: 0.4}
        code, _, err = ended(process)
        assert code == 4, err
        lost = endpoint.injected[faults]
        assert lost >= 2
        assert bill(endpoint) + lost * DEAREST <= 0.006
        (notes,) = rows_of(folder, "SELECT COUNT(*), TOTAL(usd) FROM reservations")
        assert notes[0] == lost
        code, _, err = ended(command(endpoint, 1.0, timeout=timeout))
        assert code == 0, err


def test_refusals_cost_nothing(command, folder):
    """What the server refused is not on the bill: the budget is not charged, and no note is left."""
    with Endpoint(faults={"429-limits": 0.2, "500": 0.1}, times=2) as endpoint:
        code, out, err = ended(command(endpoint, 1.0))
        assert code == 0, err
        assert endpoint.injected.total() > 5
        assert rows_of(folder, "SELECT COUNT(*) FROM reservations") == [(0,)]
        assert json.loads(out)["usage_total"]["usd"] == pytest.approx(bill(endpoint))


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 30},
        {"completion_tokens": 9},
        {"prompt_tokens": -30, "completion_tokens": -(10**9)},
        {"prompt_tokens": True, "completion_tokens": True},
        {"prompt_tokens": 10**400, "completion_tokens": 10**400},
        {"prompt_tokens": "30", "completion_tokens": 9.5},
    ],
)
def test_a_server_that_counts_badly(command, folder, usage):
    """Where the server does not say what it counted, or says nonsense, a call costs all that was reserved."""
    body = json.dumps({"choices": [{"message": {"content": "x = 1"}}], "model": "m", "usage": usage})
    with Endpoint(fault="body", body=body) as endpoint:
        code, _, err = ended(command(endpoint, 0.004, "--quiet"))
        assert code == 4, err
        assert 4 <= endpoint.asked.total() <= 0.004 / DEAREST
        ((spent,),) = rows_of(folder, "SELECT TOTAL(usd) FROM calls")
        assert endpoint.asked.total() * DEAREST < spent <= 0.004


@pytest.mark.timeout(20)
def test_nobody_waits_for_money_of_a_call_that_broke(folder, monkeypatch):
    """When an answer cannot be stored, calls that wait for what it may leave end with the run."""

    async def full(*_, **__):
        raise DatagenError("the disk is full")

    monkeypatch.setattr("datagen.journal.Journal.put", full)
    monkeypatch.setattr("cli.CACHE", SimpleNamespace(name=str(folder / "cache")))
    with Endpoint(delay=0.05) as endpoint:
        teacher = {"model": "m", "base_url": endpoint.url, "price_in": 1, "price_out": 4}
        (folder / "teachers.yaml").write_text(json.dumps({"t": teacher}))
        words = [
            "sample",
            folder / "tasks.jsonl",
            "--teachers",
            folder / "teachers.yaml",
            "--max-usd",
            "0.02",
        ]
        assert datagen(*words, "-o", folder / "out", "--quiet").error(1) == "Error: the disk is full"


def test_interrupted_runs_settle(command, folder):
    """Ctrl-C lets the calls in flight end: they are journalled with their cost, no reservation is left."""
    with Endpoint(delay=0.1) as endpoint:
        process = command(endpoint, 1.0)
        endpoint.wait_for(answered=9)
        kill(process, signal.SIGTERM)
        assert ended(process)[0] == 130
        assert rows_of(folder, "SELECT COUNT(*) FROM reservations") == [(0,)]
        assert rows_of(folder, "SELECT TOTAL(usd) FROM calls") == [(pytest.approx(bill(endpoint)),)]


def test_summary_and_manifest_tell_what_the_rows_cost(command, folder):
    """Tokens and cost by teacher and for each kept row are the server's own, also after a resume."""
    with Endpoint(delay=0.01) as endpoint:
        process = command(endpoint, None, stage="run")
        endpoint.wait_for(answered=60)
        kill(process, signal.SIGKILL)
        process.join()
        code, out, err = ended(command(endpoint, None, stage="run"))
        assert code == 0, err
        with endpoint.lock:
            double = endpoint.paid_twice()
        summary = json.loads(out)
        manifest = json.loads((folder / "out-cache" / "manifest.json").read_text())
        stages = manifest["stages"]
        total = summary["usage"]["t"]
        assert summary["usage"] == manifest["usage"]
        assert total["calls"] == endpoint.answered.total() - double
        for name in ("calls", "tokens_in", "tokens_out", "usd"):
            parts = sum(stage["usage"]["t"][name] for stage in stages if stage.get("usage"))
            assert parts == pytest.approx(total[name])
        if not double:
            assert (total["tokens_in"], total["tokens_out"]) == (endpoint.tokens_in, endpoint.tokens_out)
            assert total["usd"] == pytest.approx(bill(endpoint))
        per_row = manifest["usage_total"]["per_kept_row"]
        assert per_row["usd"] == pytest.approx(total["usd"] / summary["rows_out"], abs=1e-9)
        again = json.loads(ended(command(endpoint, None, stage="run"))[1])
        assert again["usage"] == summary["usage"]


@pytest.mark.parametrize("stage", ["sample", "evolve", "run"])
@pytest.mark.parametrize(
    "settings", [{"price_in": None, "price_out": None}, {"parameters": {"max_tokens": None}}]
)
def test_no_budget_without_prices_and_limits(command, stage, settings):
    """--max-usd needs the price of every teacher that may cost something, and a limit for its answers."""
    with Endpoint() as endpoint:
        code, out, err = ended(command(endpoint, 1, stage=stage, **settings))
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert err.startswith("Error: --max-usd needs ")
        assert " t: give " in err
        assert endpoint.asked.total() == 0


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "much", ""])
def test_budgets_that_are_none(folder, value):
    """A budget is a number above 0."""
    error = datagen(
        "sample", "starter", "--teacher", "reference", "-o", folder / "o", "--max-usd", value
    ).error(2)
    assert f"{value} is not a number above 0" in error


def test_what_costs_nothing_needs_no_price(folder):
    """The reference is on nobody's bill."""
    (folder / "in.jsonl").write_text('{"instruction": "a", "reference": "b"}\n')
    result = datagen(
        "sample",
        folder / "in.jsonl",
        "--teacher",
        "reference",
        "-o",
        folder / "o",
        "--max-usd",
        "1",
        "--json",
    )
    assert result.code == 0, result
