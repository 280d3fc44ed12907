"""Trusted tests are checked by one process after the other, with the verdicts that they would get alone."""

from __future__ import annotations

import asyncio

import pytest

from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits, Outcome

SHORT = Limits(cpu_seconds=4, wall_seconds=60, test_seconds=1, memory_mb=512)
ADD = "def add(a, b):\n    return a + b\n"
#: A test that counts how often its process has run it.
COUNT = "import heapq\nheapq.seen = getattr(heapq, 'seen', 0) + 1\nraise ValueError(heapq.seen)"
PROGRAMS = [
    (ADD, ["assert add(1, 2) == 3", "assert add(1, 1) == 3"]),
    ("def add(:", ["assert add(1, 2) == 3"]),
    ("1 / 0", ["assert add(1, 2) == 3"]),
    ("import os\ndef add(a, b): return os._exit(0) if a else b\n", ["add(1, 2)", "assert add(0, 2) == 2"]),
    ("def add(a, b):\n    while a: pass\n    return b\n", ["add(1, 2)", "assert add(0, 2) == 2"]),
    ("import random\ndef add(a, b): return random.random()\n", ["raise ValueError(add(1, 2))"]),
    (ADD, ["import random\nraise ValueError(random.random())"]),
    (ADD, ["while True: pass", "assert add(1, 1) == 2"]),
    (ADD, ["b = bytearray(1 << 30)", "assert add(1, 1) == 2"]),
    (ADD, ["import builtins\nbuiltins.len = None", "assert add(1, 1) == 2"]),
    (ADD, ["assert len('abc') == add(1, 2)"]),
]


def details(programs, *, trusted):
    async def one_by_one():
        async with Sandbox(1) as sandbox:
            return [await sandbox.run(*one, SHORT, trusted=trusted) for one in programs]

    return asyncio.run(one_by_one())


def test_trust_changes_no_verdict():
    """Every kind of end is the same for trusted tests, whatever ran before them in the same process."""
    alone = details(PROGRAMS, trusted=False)
    assert details(PROGRAMS, trusted=True) == alone
    assert alone[-1].status == "all_passed"


def test_only_trusted_tests_share_a_process():
    """What a test leaves in its process is there for the next one only where both are trusted."""
    counted = [(ADD, [COUNT])] * 3
    assert [one.detail for one in details(counted, trusted=False)] == ["ValueError: 1"] * 3
    assert [one.detail for one in details(counted, trusted=True)] == [f"ValueError: {n}" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    "test",
    [
        *("while True: pass", "bytearray(1 << 30)", "import builtins\nbuiltins.x = 1"),
        *("import math\nmath.pi = 3", "import os\nos.environ['A'] = '1'", "import os\nos.chdir('/')"),
        *("import decimal\ndecimal.getcontext().prec = 3", "import sys\nsys.modules['json'] = None"),
    ],
)
def test_a_checker_that_is_not_as_it_was_is_replaced(test):
    """After a limit in it, or a change that others would see, a checker has no more programs."""
    found = details([(ADD, [COUNT]), (ADD, [test]), (ADD, [COUNT])], trusted=True)
    assert [found[0].detail, found[2].detail] == ["ValueError: 1", "ValueError: 1"]


def test_no_program_sends_signals_by_a_file():
    """A file that reports to a process would end it: no program can name another one there."""
    code = (
        "import fcntl, os, socket\n"
        "def f(pid):\n"
        "    a, b = socket.socketpair()\n"
        "    try:\n        fcntl.fcntl(a, fcntl.F_SETOWN, pid)\n"
        "    except PermissionError:\n        return 'refused'\n"
    )
    verdict = details([(code, ["assert f(1) == 'refused'"])], trusted=True)[0]
    if "seccomp" not in verdict.isolation:
        pytest.skip("this machine has no filters for system calls")
    assert verdict.outcomes == (Outcome(True),)


def test_what_a_program_fills_is_not_taken_from_the_next():
    """Classes of named tuples are kept; a checker that has grown by them ends."""
    forged = (
        "import sys\n"
        "c = sys.modules['datagen.sandbox.candidate']\n"
        "def answer(self, *_):\n"
        "    c.wire.send(self._channel, ['ok', ['N', name, [f'a{n}' for n in range(80_000)]]])\n"
        "c._Program._answer = answer\n"
        "def f(): pass\n"
    )
    programs = [(f"name = 'R{number}'\n{forged}", ["f()"]) for number in range(6)]
    first, *filled, after = details([(ADD, [COUNT]), *programs, (ADD, [COUNT])], trusted=True)
    assert {one.detail for one in filled} <= {"not_plain: TypeError", "timeout"}
    assert first.detail == after.detail == "ValueError: 1"
