"""What crosses between a program and its tests, where tests look at more than a result."""

from __future__ import annotations

import asyncio

import pytest

from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

LIMITS = Limits(cpu_seconds=5, wall_seconds=20, test_seconds=2)
STOPS = "def f(x): raise StopIteration"
ODD = "def f(x): return object()"
ENDS = "import os\ndef f(x): os._exit(0)"
CATCHES = "raised = False\ntry: f(-1)\nexcept: raised = True\nassert raised"
ANSWERS = "class f:\n def __init__(self, x): pass\n def __getattr__(self, name): return lambda *a: 1"
RUNS_FILES = """
import sys, types
sys.modules["unittest.__main__"] = types.ModuleType("unittest.__main__")
sys.modules["unittest.__main__"].main = 1
text = "import gc, os\\nfor o in gc.get_objects():\\n"
text += "    if type(o).__name__ == 'Run': o._tell([0, True, '']); os._exit(0)"
open("test_x.py", "w").write(text)
from unittest.__main__ import main as f
del f
"""
EVALUATES = """
def f(g, s):
    g("__import__('gc') and [o._tell([0, True, '']) for o in __import__('gc').get_objects()"
      " if type(o).__name__ == 'Run']")
    g("__import__('os')._exit(0)")
"""

HOSTILE = {
    "a class that is equal to everything": (
        "from unittest.mock import _ANY as f\ndel f",
        ["assert f() == 5"],
    ),
    "a mock": ("from unittest.mock import MagicMock as S\ndel S", ["assert S().run(2)"]),
    "an equal constant": ("from unittest.mock import ANY as N\ndef f(x): return 0", ["assert N == 5"]),
    "a module that runs files": (RUNS_FILES, ["assert f(2) == 5"]),
    "stops map": (STOPS, ["assert all(map(lambda t: f(t[0]) == t[1], [(2, 5)]))"]),
    "stops a loop": (STOPS, ["for got in map(f, [2, 3]):\n    assert got == 5"]),
    "a value that counts as an error": (ODD, [CATCHES]),
    "an end that counts as an error": (ENDS, [CATCHES]),
    "an end before a return": (
        ENDS,
        ["def t():\n    try: assert f(2) == 5\n    finally: return\nt()"],
    ),
    "a predicate that says 1": (ANSWERS, ["assert f(2).isdigit()", "assert f(2).startswith('a')"]),
    "eval as an argument": (EVALUATES, ["assert f(eval, '1+2') == 3"]),
    "an argument that is cleared": (
        "def f(a): a.clear(); return a",
        ["a = [3, 1]\nassert f(a) == sorted(a)"],
    ),
    "a clearing that says how many are left": (
        "def f(a): a.clear(); return 0",
        ["a = [3, 1]\nassert f(a) == len(a)"],
    ),
    "an argument that becomes a liar": (
        "class L(list):\n __eq__ = lambda s, o: True\ndef f(a): a[0] = L()",
        ["a = [3, 1]\nf(a)\nassert a[0] == 7"],
    ),
    "dict that lies": (
        "class D(dict):\n __missing__ = lambda s, k: 5\ndef f(x): return D()",
        ["assert f(2)[1] == 5"],
    ),
}
MEMOIZE = """
def memoize(function):
    known = {}
    def call(n):
        if n not in known: known[n] = function(n)
        return known[n]
    return call
"""
UNION = """
class Union:
    def __init__(self): self.known = set()
    def union(self, a):
        new = a not in self.known
        self.known.add(a)
        return new
"""
FIB = "@memoize\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nassert fib(20) == 6765"
HONEST = {
    "sorts in place": ("def f(a): a.sort()", ["a = [3, 1]\nf(a)\nassert a == [1, 3]"]),
    "changes nested lists": (
        "def f(m):\n for r in m: r.reverse()",
        ["m = [[1, 2], [3]]\nr = m[0]\nf(m)\nassert m == [[2, 1], [3]] and r == [2, 1]"],
    ),
    "changes a dict, a set and a bytearray": (
        "def f(d, *, s, b): d['a'] = 1; s.add(2); b.append(3)",
        ["d, s, b = {}, set(), bytearray()\nf(d, s=s, b=b)\nassert (d, s, b) == ({'a': 1}, {2}, b'\\x03')"],
    ),
    "changes beside a function": (
        "def f(a, key): a.sort(key=key)",
        ["a = [1, 3]\nf(a, lambda n: -n)\nassert a == [3, 1]"],
    ),
    "memoizes a function of the test": (MEMOIZE, [FIB]),
    "calls what calls the program": (
        "def f(g): return g(2)\ndef h(x): return x + 1",
        ["assert f(lambda x: h(x)) == 3"],
    ),
    "calls back from threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def f(g, a):\n with ThreadPoolExecutor(4) as pool: return list(pool.map(g, a))",
        ["assert f(lambda n: n * n, list(range(40))) == [n * n for n in range(40)]"],
    ),
    "built-in functions as arguments": (
        "def f(g, a): return [g(x) for x in a]",
        ["assert f(len, ['a']) == [1]"],
    ),
    "a method that built-in types have": (UNION, ["u = Union()\nassert u.union(1)\nassert not u.union(1)"]),
    "an asynchronous method": (
        "class A:\n async def go(self): return 5",
        ["import asyncio\nassert asyncio.run(A().go()) == 5"],
    ),
    "the text of a KeyError": (
        "def f(d): return d['q']",
        ["try: f({})\nexcept KeyError as e: assert str(e) == \"'q'\"\nelse: assert 0"],
    ),
    "imports the solution": ("def f(x): return 5", ["from solution import f\nassert f(2) == 5"]),
    "a default dict": (
        "from collections import defaultdict\ndef f(): return defaultdict(int, a=1)",
        ["r = f()\nassert r['a'] == 1 and r['z'] == 0"],
    ),
    "a number of an enumeration": (
        "from enum import IntEnum\nclass E(IntEnum):\n A = 1\ndef f(): return E.A",
        ["assert f() == 1"],
    ),
    "a byte order mark": ("\ufeffdef f(): return 1", ["assert f() == 1"]),
    "many names": (
        "\n".join(f"def a{n}(): pass" for n in range(3000)) + "\ndef f(): return 1",
        ["assert f() == 1"],
    ),
    "names that the program imports": (
        "import math\nfrom math import pi\ndef f(): return pi",
        ["assert f() == pi"],
    ),
}


@pytest.fixture(scope="module")
def verdicts():
    async def all_of():
        async with Sandbox(2) as sandbox:
            cases = [*HOSTILE.values(), *HONEST.values()]
            return await asyncio.gather(*(sandbox.run(code, tests, LIMITS) for code, tests in cases))

    return dict(zip([*HOSTILE, *HONEST], asyncio.run(all_of()), strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_program_cannot_forge_by_what_crosses(name, verdicts):
    """No test passes of a program that sends something else than the right value."""
    assert not any(outcome.passed for outcome in verdicts[name].outcomes)


@pytest.mark.parametrize("name", HONEST)
def test_what_honest_tests_look_at_crosses(name, verdicts):
    """Changed arguments, functions, exceptions and odd values arrive as tests expect them."""
    assert verdicts[name].status == "all_passed", verdicts[name]


@pytest.mark.parametrize(
    "written", [b"garbage\\n", b"[1]\\n", b"\\xff\\n", b"x", b'["test", true, ""]\\n', b"[" * 99]
)
def test_a_test_cannot_tell_for_others(written):
    """What a test writes where its checker tells is no verdict, and costs nobody's."""
    forging = f"import os\nos.write(5, {written!r})".replace("\\\\", "\\")
    [*outcomes] = run("def f(): return 1", [forging, "assert f() == 2", "assert f() == 1"]).outcomes
    assert [outcome.passed for outcome in outcomes] == [True, False, True]


def test_a_detail_is_text_that_can_be_stored():
    """Half a character that a program sends as a reason is replaced."""
    sends = (
        "import json, os, time\ndef f():\n"
        " body = json.dumps(['not_plain', chr(0xd800)]).encode()\n"
        " os.write(3, len(body).to_bytes(4, 'little') + body)\n time.sleep(1)"
    )
    verdict = run(sends, ["assert f() == 1"])
    assert "\ufffd" in verdict.detail
    assert verdict.detail.encode()


def test_a_value_that_is_too_large_costs_only_its_test():
    """The rest of it is not taken for the next answer."""
    code = "def f(x): return 'x' * (20 << 20) if x == 1 else x"
    outcomes = run(code, ["f(1)", "assert f(2) == 2"]).outcomes
    assert [outcome.passed for outcome in outcomes] == [False, True]


def run(code, tests):
    async def one():
        async with Sandbox(1) as sandbox:
            return await sandbox.run(code, tests, LIMITS)

    return asyncio.run(one())
