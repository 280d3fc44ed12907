"""Tests read from teachers' answers, then run in the real sandbox on right and wrong programs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from datagen.ranking.programs import SETUP
from datagen.ranking.sampled import sampled_tests
from datagen.ranking.trust import basis_of
from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

RIGHT = """
class TooSmall(ValueError): pass
def f(x):
    if x < 0:
        raise TooSmall("below 0")
    return x + 1
"""
WRONG = "class TooSmall(ValueError): pass\ndef f(x): return None\n"
PARTS = [
    part.partition("\n")
    for part in Path(__file__).with_name("answers.txt").read_text(encoding="utf-8").split("#### ")[1:]
]
ANSWERS = {head.partition(" ")[2]: (int(head.split()[0]), text) for head, _, text in PARTS}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_give_their_tests(name):
    """Each shape gives its tests, and `rank` takes each of them for one."""
    count, text = ANSWERS[name]
    tests = sampled_tests(text, "f")
    assert len(tests) == count
    entries = [{"author": "a", "test": test} for test in tests]
    basis = basis_of([{"generated_tests": entries, "entry_point": "f", "code": RIGHT}])
    assert ([one.test for one in basis.written], basis.removed) == (tests, {})


def test_right_programs_pass_and_wrong_ones_fail():
    """No test asks the copy of the solution that the answer holds."""
    suites = {name: sampled_tests(text, "f") for name, (_, text) in ANSWERS.items()}

    async def ratios(code):
        async with Sandbox(2) as sandbox:
            jobs = (sandbox.run(code, tests, Limits(), setup=SETUP) for tests in suites.values())
            return dict(zip(suites, [one.pass_ratio for one in await asyncio.gather(*jobs)], strict=True))

    assert {name for name, ratio in asyncio.run(ratios(RIGHT)).items() if ratio != 1} == set()
    assert {name for name, ratio in asyncio.run(ratios(WRONG)).items() if ratio} == set()
