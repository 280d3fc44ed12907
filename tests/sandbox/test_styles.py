"""Classes and functions with tests in the styles in which people and models write them.

In styles.txt `#>` is a test that passes, `#?` one that is right and not supported. Behind `#|` stands the
line of a program that is wrong. No test of forged.txt passes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest

from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

HERE = Path(__file__).parent
LIMITS = Limits(cpu_seconds=10, wall_seconds=60, test_seconds=4)


class Case(NamedTuple):
    """A program, the same with a mistake, its tests, and those that are not supported."""

    right: str
    wrong: str
    tests: list[str]
    unsupported: list[str]


def cases(file):
    """The programs of a file by their names."""
    found = {}
    for part in (HERE / file).read_text(encoding="utf-8").split("#### ")[1:]:
        name, _, text = part.partition("\n")
        tests = {mark: [] for mark in ("#> ", "#? ")}
        right, wrong = [], []
        for line in text.splitlines():
            if line[:3] in tests:
                tests[line[:3]].append(line[3:].replace("\\n", "\n"))
                continue
            good, _, bad = line.partition(" #| ")
            right.append(good)
            wrong.append(good[: len(good) - len(good.lstrip())] + bad if bad else good)
        found[name] = Case("\n".join(right), "\n".join(wrong), *tests.values())
    return found


STYLES, FORGED = cases("styles.txt"), cases("forged.txt")


@pytest.fixture(scope="module")
def verdicts():
    """What came of each program with all of its tests."""

    async def all_of():
        async with Sandbox(2) as sandbox:
            asked = {
                **{("right", name): (one.right, one.tests + one.unsupported) for name, one in STYLES.items()},
                **{("wrong", name): (one.wrong, one.tests) for name, one in STYLES.items()},
                **{("forged", name): (one.right, one.tests) for name, one in FORGED.items()},
            }
            runs = [sandbox.run(code, tests, LIMITS) for code, tests in asked.values()]
            return dict(zip(asked, await asyncio.gather(*runs), strict=True))

    return asyncio.run(all_of())


@pytest.mark.parametrize("name", STYLES)
def test_a_right_program_passes(name, verdicts):
    """All tests pass that are supported, and no others: a list of what is not would be wrong."""
    outcomes = verdicts["right", name].outcomes
    supported = len(STYLES[name].tests)
    failed = [
        (test, one.detail) for test, one in zip(STYLES[name].tests, outcomes, strict=False) if not one.passed
    ]
    assert failed == []
    assert not any(one.passed for one in outcomes[supported:])


@pytest.mark.parametrize("name", [name for name, one in STYLES.items() if one.wrong != one.right])
def test_a_wrong_program_does_not(name, verdicts):
    """The same tests tell a mistake apart."""
    assert verdicts["wrong", name].status != "all_passed"


@pytest.mark.parametrize("name", FORGED)
def test_a_program_cannot_say_what_it_is_equal_to(name, verdicts):
    """Not one test passes of a program whose instances are equal to, or before, whatever they meet."""
    outcomes = verdicts["forged", name].outcomes
    assert len(outcomes) == len(FORGED[name].tests)
    assert [test for test, one in zip(FORGED[name].tests, outcomes, strict=True) if one.passed] == []
