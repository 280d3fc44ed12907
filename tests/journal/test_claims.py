"""Two processes that ask the same at the same moment pay once."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from endpoint import Endpoint

from datagen.journal import claims
from datagen.journal.claims import Claims

KEY, OTHER = "0f" * 32, "1e" * 32
TASKS = 20


def held(one, key):
    return one.claimed(key, asyncio.Event())


async def has_to_wait(one, key):
    """Whether a claim does not come at once."""
    try:
        async with asyncio.timeout(0.2):
            async with held(one, key):
                return False
    except TimeoutError:
        return True


@pytest.fixture
def pair(tmp_path):
    """The claims of two runs that share a journal."""
    one, other = Claims(tmp_path / "j"), Claims(tmp_path / "j")
    yield one, other
    one.close()
    other.close()


def test_a_call_is_claimed_by_one_and_then_by_the_next(pair):
    """Whoever comes second waits until the first is done; other calls are free."""
    one, other = pair

    async def work():
        async with held(one, KEY):
            assert await has_to_wait(other, KEY)
            assert not await has_to_wait(other, OTHER)
        assert not await has_to_wait(other, KEY)

    asyncio.run(work())


def test_closing_the_claims_of_one_run_leaves_those_of_another(pair, tmp_path):
    """A journal that is opened a second time and closed takes nothing from the first."""
    one, other = pair
    passing = Claims(tmp_path / "j")

    async def work():
        async with held(one, KEY):
            assert not await has_to_wait(passing, OTHER)
            passing.close()
            assert await has_to_wait(other, KEY)

    asyncio.run(work())


def test_a_run_that_stops_waits_for_no_claim(pair):
    one, other = pair
    stopping = asyncio.Event()

    async def work():
        async with held(one, KEY):
            asyncio.get_running_loop().call_later(0.1, stopping.set)
            async with other.claimed(KEY, stopping):
                assert stopping.is_set()
            assert await has_to_wait(other, KEY)  # what was not taken is not given back either

    asyncio.run(work())


def test_a_process_that_hangs_is_not_waited_for_without_end(pair, monkeypatch):
    one, other = pair
    monkeypatch.setattr(claims, "LONGEST_WAIT", 0.01)

    async def work():
        async with held(one, KEY):
            assert not await has_to_wait(other, KEY)

    asyncio.run(work())


def test_without_a_place_for_the_file_calls_are_made_unclaimed(tmp_path):
    """A link in the file's place is not followed, and a folder that is not there stops nobody."""
    (tmp_path / "j-claims").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "j", tmp_path / "gone" / "j"):
        one = Claims(path)
        assert not asyncio.run(has_to_wait(one, KEY))
        one.close()
    assert not (tmp_path / "elsewhere").exists()


def hold_for_ever(path, ready):
    async def work():
        async with held(Claims(path), KEY):
            ready.set()
            time.sleep(1000)

    asyncio.run(work())


@pytest.mark.parametrize("kind", ["of a handle", "of a process"])
def test_a_killed_process_holds_no_claim(pair, tmp_path, monkeypatch, kind):
    """Both kinds of locks that systems have see each other."""
    if kind == "of a process":
        monkeypatch.delattr(fcntl, "F_OFD_SETLK", raising=False)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold_for_ever, args=(tmp_path / "j", ready))
    process.start()
    assert ready.wait(60)
    assert asyncio.run(has_to_wait(pair[0], KEY))
    process.kill()
    process.join()
    assert not asyncio.run(has_to_wait(pair[0], KEY))


@pytest.fixture
def start(tmp_path):
    """Starts `datagen sample` on one server, each time in a process of its own with another OUT."""
    rows = [{"instruction": f"Write `task_{n}(x)` that adds {n} to x."} for n in range(TASKS)]
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    started = []

    def begin(endpoint, name):
        words = ["sample", tmp_path / "tasks.jsonl", "-o", tmp_path / name, "--teacher", endpoint.teacher]
        command = [sys.executable, "-m", "datagen", *map(str, words), "--concurrency", "4", "--json"]
        environment = {**os.environ, "DATAGEN_CACHE_DIR": str(tmp_path / "cache"), "OPENAI_API_KEY": "none"}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(OSError):
            process.kill()
        process.communicate()


def wait_until_waiting(process):
    """Return when a run says that it waits for another."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "another process" in line:
            return
    raise AssertionError("".join(lines))


def test_two_processes_pay_for_a_call_once(start):
    """The second waits for what the first has under way, and both make the same data set."""
    with Endpoint(hold_after=0) as endpoint:
        first = start(endpoint, "first")
        endpoint.wait_for(asked=4)
        second = start(endpoint, "second")
        wait_until_waiting(second)
        endpoint.release()
        told = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]
        assert endpoint.stats()["asked"] == TASKS
        assert endpoint.paid_twice() == 0
    assert told[0]["digest"] == told[1]["digest"]
    assert [one["rows_out"] for one in told] == [TASKS, TASKS]


def test_what_a_killed_process_asked_is_asked_by_the_one_that_waits(start):
    with Endpoint(hold_after=0) as endpoint:
        first = start(endpoint, "first")
        endpoint.wait_for(asked=4)
        second = start(endpoint, "second")
        wait_until_waiting(second)
        first.send_signal(signal.SIGKILL)
        first.wait()
        endpoint.release()
        told = json.loads(second.communicate(timeout=60)[0])
        assert told["rows_out"] == TASKS
        assert endpoint.stats()["asked"] == TASKS + 4
