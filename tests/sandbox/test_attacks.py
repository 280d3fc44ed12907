"""Programs that try to be believed are not, and odd programs that are right are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

HERE = Path(__file__).parent
TESTS = [
    "assert f(2) == 2 * 2 + 1",
    "r = f(3)\nassert isinstance(r, int) and abs(r - 7) < 1e-9",
    "assert all(f(n) == 2 * n + 1 for n in (4, 5))",
]
#: Short, because many of these programs end by a limit alone.
LIMITS = Limits(cpu_seconds=3, wall_seconds=8, test_seconds=1, memory_mb=1024, file_mb=32)


def cases(file: str) -> dict[str, str]:
    """The programs of a file by their names."""
    parts = (HERE / file).read_text(encoding="utf-8").split("#### ")[1:]
    return {name: code for name, _, code in (part.partition("\n") for part in parts)}


async def verdicts(programs, tests, limits):
    async with Sandbox(2) as sandbox:
        found = await asyncio.gather(*(sandbox.run(code, tests, limits) for code in programs.values()))
    return dict(zip(programs, found, strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("isolation", ["namespaces", "rlimits"])
def test_no_hostile_program_is_believed(isolation, monkeypatch):
    """Whatever a program does instead of computing, it is not all_passed, with or without namespaces."""
    monkeypatch.setenv("DATAGEN_SANDBOX", isolation)
    found = asyncio.run(verdicts(cases("hostile.txt"), TESTS, LIMITS))
    assert len(found) >= 60
    assert {name: verdict for name, verdict in found.items() if verdict.status == "all_passed"} == {}
    for verdict in found.values():
        assert len(verdict.outcomes) == len(TESTS)


def test_odd_programs_that_are_right_pass():
    """An unusual way to the right value is not held against a program."""
    limits = Limits(wall_seconds=60)
    tests = [test.replace("isinstance(r, int) and ", "") for test in TESTS]
    found = asyncio.run(verdicts(cases("honest.txt"), tests, limits))
    assert len(found) >= 15
    assert {name: verdict for name, verdict in found.items() if verdict.status != "all_passed"} == {}
