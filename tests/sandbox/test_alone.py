"""A program that comes near a limit of time beside others is run again alone, so none changes its verdict.

Programs here count their own CPU time, so that they use the same share of a limit on a busy machine.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

LIMITS = Limits(cpu_seconds=3, wall_seconds=60, test_seconds=1)
BURN = (
    "import time\n"
    "def burn(seconds):\n"
    "    end = time.process_time() + seconds\n"
    "    while time.process_time() < end: pass\n"
)


class Watched(Sandbox):
    """Notes of each attempt whether others may run beside it, and how many do."""

    def __init__(self, workers):
        super().__init__(workers)
        self.attempts = []
        self._now = 0

    async def _attempt(self, request, limits, trusted, beside):
        self._now += 1
        self.attempts.append([request["tests"], beside, self._now])
        mine = self.attempts[-1]
        try:
            return await super()._attempt(request, limits, trusted, beside)
        finally:
            mine[2] = max(mine[2], self._now)
            self._now -= 1


@asynccontextmanager
async def hogs(sandbox, count):
    """Programs that use CPU time beside what is tested, until the block ends."""
    tasks = [asyncio.create_task(hog(sandbox, number)) for number in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hog(sandbox, number):
    while True:
        await sandbox.run(BURN, [f"burn(0.3 + {number} / 100)"], LIMITS)


def judged(tests, *, limits=LIMITS, code=BURN, beside=1):
    """The verdict with and without others, and how often the program was run beside them."""

    async def both():
        async with Watched(2) as sandbox, hogs(sandbox, beside):
            busy = await sandbox.run(code, tests, limits)
        async with Watched(1) as single:
            quiet = await single.run(code, tests, limits)
        mine = [one for one in sandbox.attempts if one[0] == tests]
        assert [one[1] for one in single.attempts] == [False]
        assert all(one[2] == 1 for one in mine if not one[1]), "something ran beside it"
        return busy, quiet, [beside for _, beside, _ in mine]

    return asyncio.run(both())


@pytest.mark.parametrize(
    ("seconds", "passes", "attempts"),
    [
        (0.9, True, [True, False]),
        (9, False, [True]),
        pytest.param(0.4, True, [True], marks=pytest.mark.slow),
        pytest.param(1.1, False, [True, False], marks=pytest.mark.slow),
    ],
)
def test_a_verdict_near_its_limit_is_reached_alone(seconds, passes, attempts):
    """What uses about its limit is run again; what is far below it, or never ends, is not."""
    busy, quiet, found = judged([f"burn({seconds})"])
    assert busy == quiet
    assert busy.outcomes[0] == ((True, "") if passes else (False, "timeout"))
    assert found == attempts


def test_endless_tests_count_with_their_limit():
    """Where programs run beside each other an endless test costs the tests behind it nothing more."""
    tests = ["burn(9)", "burn(0.05)", "burn(9)", "burn(9)", "burn(0.01)"]
    limits = Limits(cpu_seconds=0.9, wall_seconds=60, test_seconds=0.3)
    busy, quiet, found = judged(tests, limits=limits)
    assert busy == quiet
    assert [one.passed for one in busy.outcomes] == [False, True, False, False, False]
    assert found == [True]


@pytest.mark.parametrize(("busy_share", "attempts"), [(0.0, [True]), (0.5, [True, False])])
def test_what_the_clock_ends_is_run_again_only_if_it_computes(busy_share, attempts):
    """A program that waits would wait as long on a quiet machine; one that computes may have been slowed."""
    # Who waits does so in a few long sleeps: each costs some time, more of it on a busy machine.
    sleep = 0.02 if busy_share else 0.5
    code = (
        f"{BURN}def slow():\n    while True:\n        burn({busy_share / 50})\n        time.sleep({sleep})\n"
    )
    limits = Limits(cpu_seconds=30, wall_seconds=1.5, test_seconds=30)
    busy, quiet, found = judged(["slow()"], limits=limits, code=code, beside=0)
    assert busy == quiet
    assert busy.detail == "timeout"
    assert found == attempts


def test_several_near_their_limits_end_one_after_the_other():
    """Programs that wait for their turn alone do not wait for each other forever."""

    async def several():
        async with Watched(3) as sandbox:
            codes = [f"{BURN}n = {number}\n" for number in range(2)]
            quick = [sandbox.run(f"x = {number}", ["x = 1"]) for number in range(5)]
            near = [sandbox.run(code, ["burn(0.45)"], limits) for code in codes]
            return await asyncio.gather(*near, *quick), sandbox.attempts

    limits = Limits(cpu_seconds=3, wall_seconds=60, test_seconds=0.5)
    found, attempts = asyncio.run(several())
    assert {one.status for one in found} == {"all_passed"}
    alone = [most for tests, beside, most in attempts if not beside]
    assert alone == [1, 1]


def test_who_waits_for_a_turn_alone_can_be_cancelled():
    """The others go on."""

    async def cancelled():
        async with Watched(2) as sandbox, hogs(sandbox, 1):
            task = asyncio.create_task(sandbox.run(BURN, ["burn(0.9)"], LIMITS))
            while not any(not beside for _, beside, _ in sandbox.attempts):
                assert not task.done(), "it was not run alone"
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return await sandbox.run("x = 1", [])

    assert asyncio.run(cancelled()).status == "all_passed"
