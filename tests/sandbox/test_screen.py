"""Every function of a program is called; hostile programs cost themselves alone, in any order and batch."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processes import children, gone

from datagen.errors import DatagenError
from datagen.sandbox import screen as screening
from datagen.sandbox.harmless import Harmless, Watch, lacks_module
from datagen.sandbox.runner import Runner
from datagen.sandbox.screen import DEFAULT, Inputs, Screen, Screened, ScreenLimits, key_of
from datagen.sandbox.screening import Screening
from datagen.sandbox.texts import MAX_TEXT, text_of
from datagen.sandbox.wire import NotPlain

SHORT = ScreenLimits(load_seconds=0.1, call_seconds=0.1, cpu_seconds=0.3, wall_seconds=60, memory_mb=512)
INPUTS = Inputs([(3,), ("ab",), (1, [2])])
#: What a program sees of the process in which others ran before: without and with a process of its own.
SEES = """
import collections, decimal, functools, heapq, json, math, random, re, string, typing
def f(a):
    return [len("abc"), math.floor(2.5), json.dumps([1, "é"]), json.loads("[1]"), random.random(),
        str(decimal.Decimal(1) / 3), bool(re.match("a+b", "aab")), collections.Counter("aab").most_common(1),
        isinstance(5, collections.abc.Sequence), str(typing.Optional[int]), heapq.nsmallest(1, [2, 1]),
        string.ascii_lowercase, sorted([3, 1]), functools.reduce(max, [1, 2]), str(typing.List[int]),
        sum([1, 2]), print(a)]
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
def depth(a): return deep(800)
"""
SEES_MORE = """
import builtins, gc, os, signal, sys, threading, time, warnings
def f(a):
    return [os.listdir("."), os.getcwd(), dict(os.environ), sys.getrecursionlimit(), threading.active_count(),
        gc.isenabled(), len(gc.callbacks), sorted(sys.modules), builtins.len("abc"), sys.gettrace(),
        len(sys.path), len(os.listdir("/dev")), len(warnings.filters), sys.stdout.closed, os.umask(0o22)]
"""
HONEST = [
    SEES,
    SEES_MORE,
    "def add(a, b=1): return a + b",
    "class Solution:\n    def g(self, a): return {a: (a, None)}",
]
HERE = Path(__file__).parent


def cases(file: str) -> dict[str, str]:
    """The programs of a file by their names."""
    parts = (HERE / file).read_text(encoding="utf-8").split("#### ")[1:]
    return {name: code for name, _, code in (part.partition("\n") for part in parts)}


#: Hostile programs: those that end soon, and those that run until they are ended.
QUICK = cases("screen_quick.txt") | {
    "deep source": "x = " + "(" * 5000 + ")" * 5000 + "\ny = " + "-" * 90000 + "1",
    "null and surrogates": "\ud800\0",
}
SLOW = cases("screen_slow.txt")


def screened(codes, inputs=INPUTS, limits=SHORT, workers=1):
    async def run():
        async with Screen(workers) as screen:
            return await screen.run(codes, inputs, limits)

    return asyncio.run(run())


def test_every_function_is_called_with_what_it_takes():
    """Functions, cached ones, coroutines, and methods; objects are made with what these do not take."""
    code = (
        "import functools\n"
        "def add(a, b=2): return a + b\n"
        "@functools.lru_cache\ndef twice(a): return 2 * a\n"
        "async def later(a): return a\n"
        "def named(a, *, b): return a\n"
        "def any(*args): return len(args)\n"
        "class Solution:\n"
        "    def __init__(self, n=1): self.n = n\n"
        "    def more(self, a, b): return (a, b, self.n)\n"
        "    @staticmethod\n    def still(a): return {a}\n"
        "    @classmethod\n    def made(cls, a): return cls.__name__\n"
        "class Needs:\n    def __init__(self, n): pass\n    def f(self, a): return a\n"
    )
    [found] = screened([code])
    assert found == Screened(
        "",
        {
            "add": ["5", "!raised TypeError", "!raised TypeError"],
            "twice": ["6", '"abab"', None],
            "later": ["3", '"ab"', None],
            "any": ["1", "1", "2"],
            "Solution.more": [None, None, "(1,[2],1)"],
            "Solution().more": [None, None, None],
            "Solution.still": ["<3>", '<"ab">', None],
            "Solution.made": ['"Solution"', '"Solution"', None],
            "Needs.f": [None, None, "[2]"],
            "Needs().f": [None, None, "1"],
            "turned.add": [None, None, "!raised TypeError"],
            "turned.any": [None, None, "2"],
        },
    )


def test_equal_texts_are_in_memory_once():
    """Thousands of programs show the same few errors for thousands of inputs."""
    found = screened(
        ["def f(a): return missing", "def g(a): return other"], inputs=Inputs([(1,), (2,), ("a",)])
    )
    texts = [text for program in found for results in program.functions.values() for text in results]
    assert texts == ["!raised NameError"] * 6
    assert len({id(text) for text in texts}) == 1


def test_a_program_that_fails_while_it_loads_is_still_called():
    """Answers often read input or run an example after their functions."""
    [found] = screened(["def f(a): return a\nn = int(input())\ndef g(a): return a\n"])
    assert found == Screened("raised EOFError", {"f": ["3", '"ab"', None]})


def test_waiting_takes_no_time():
    """A program that sleeps is screened at once."""
    codes = [
        "import time\ndef f(a): time.sleep(600)",
        "from time import sleep\nimport os\nsleep(600)\ndef f(a): return a",
    ]
    assert [one.functions["f"][0] for one in screened(codes)] == ["null", "3"]


def test_waiting_for_what_never_comes_is_ended():
    """A program that blocks without using the processor is ended long before a busy machine matters."""
    code = "import threading\ndef f(a): threading.Event().wait()"
    [found] = screened([code], limits=ScreenLimits(wall_seconds=600, idle_seconds=1))
    assert found == Screened("timeout", {})


def test_numbers_are_no_open_files():
    """A function that opens what it is given finds no line to the server under a small number."""
    inputs = Inputs([(number,) for number in range(3, 99)])
    [found] = screened(["def f(a): return open(a).read()"], inputs)
    assert set(found.functions["f"]) == {"!raised OSError"}


def test_arguments_are_new_for_each_call():
    """What a function does to its arguments, no other sees."""
    inputs = Inputs([([1],), (bytearray(b"a"),), ({"a": [1]},)])
    code = "def f(a): a.clear(); return a\ndef g(a): return a\n"
    [found] = screened([code], inputs)
    assert found.functions == {"f": ["[]", 'b""', "{}"], "g": ["[1]", 'b"a"', '{"a":[1]}']}


def test_equal_values_have_one_text():
    """Texts stand for `==`, but floats may differ a little; other values are no plain data."""
    same = [
        (1, 1.0, True),
        (0.3, 0.1 + 0.2),
        ({1, 2}, frozenset({2, 1})),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1.0}),
    ]
    for group in same:
        assert len({text_of(value) for value in group}) == 1, group
    others = [
        None,
        0,
        1,
        10**400,
        -0.5,
        float("nan"),
        float("inf"),
        "",
        "1",
        b"",
        [],
        (),
        {},
        set(),
        [1],
        (1,),
        {1},
        2j,
    ]
    others += [range(3), [[]], {1: 2}, "é", "\ud800", "x" * 5000, "x" * 5001, iter([1])]
    texts = [text_of(value) for value in others]
    assert len(set(texts)) == len(texts)
    assert all(len(text) <= MAX_TEXT and text.isascii() and text[0] != "!" for text in texts)
    with pytest.raises(NotPlain):
        text_of([object()])


def test_interrupted_while_it_ends(monkeypatch, caplog):
    """A second Ctrl-C, while servers are ended, leaves no process, and says nothing of tasks."""
    before, end = set(children(os.getpid())), Screen.__aexit__
    interrupted = threading.Event()

    def interrupt(*_):
        interrupted.set()
        raise KeyboardInterrupt

    async def ends(screen, *error):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        while not interrupted.is_set():
            await asyncio.sleep(0.01)
        await end(screen, *error)

    monkeypatch.setattr(Screen, "__aexit__", ends)
    old = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), Screening(2) as screening:
            started = screening.isolation and [pid for pid in children(os.getpid()) if pid not in before]
    finally:
        signal.signal(signal.SIGINT, old)
    gc.collect()
    assert started
    assert gone(started)
    assert caplog.records == []


def test_a_layer_that_is_none(monkeypatch):
    """A mistyped layer is told: it would leave all layers out."""
    monkeypatch.setenv("DATAGEN_SANDBOX", "seccomp,landlock")
    with pytest.raises(
        DatagenError, match="there is no layer seccomp,landlock; allowed: namespaces, seccomp"
    ):
        Screen()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("isolation", ["", "landlock+seccomp+rlimits"])
def test_hostile_programs_cost_only_themselves(isolation, monkeypatch):
    """Between hostile programs honest ones show what they show alone, and nothing is left."""
    monkeypatch.setenv("DATAGEN_SANDBOX", isolation)
    alone = screened(HONEST, limits=SHORT)
    assert [one.detail for one in alone] == [""] * len(HONEST)
    slow = {} if isolation else SLOW
    codes = [code for bad in QUICK.values() for code in (bad, SEES)] + [
        *slow.values(),
        *HONEST,
        *QUICK.values(),
        SEES_MORE,
    ]
    found = screened(codes, workers=2)
    for name, one in zip(QUICK, found[1::2], strict=False):
        assert one == alone[0], name
    assert found[-len(QUICK) - 1 - len(HONEST) : -len(QUICK) - 1] == alone
    assert found[-1] == alone[1]
    for name, one, again in zip(QUICK, found[::2], found[-len(QUICK) - 1 : -1], strict=False):
        # How far it comes until its time is over depends on the machine.
        assert one == again or name == "recursion in C", name
    for name, one in zip(slow, found[2 * len(QUICK) :], strict=False):
        assert one.detail == "timeout" or name == "loop at the end" or "!timeout" in one.functions["f"], name


@pytest.fixture(scope="module")
def one_screen():
    """A screen that lives as long as this module's tests, and what runs it."""
    with asyncio.Runner() as runner:
        screen = Screen(2)
        yield lambda codes, inputs=INPUTS: runner.run(screen.run(codes, inputs, SHORT))
        runner.run(screen.__aexit__())


CHEAP = [
    *HONEST,
    *(code for name, code in QUICK.items() if not name.startswith(("memory", "deep", "recursion in"))),
]


#: What a program of CHEAP shows when it is asked for alone.
KNOWN: dict[str, Screened] = {}


@given(st.lists(st.sampled_from(CHEAP), max_size=12), st.integers(1, 8))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_batches_change_nothing(one_screen, codes, size):
    """What a program shows depends on the program alone."""
    for code in codes:
        if code not in KNOWN:
            [KNOWN[code]] = one_screen([code])
    screening.BATCH, before = size, screening.BATCH
    try:
        assert one_screen(codes) == [KNOWN[code] for code in codes]
    finally:
        screening.BATCH = before


def test_other_inputs_and_limits_in_the_same_screen(one_screen):
    """A server learns new inputs, and forgets the old."""
    code = "def f(a): return a"
    for given_one in (1, 2, 1):
        assert one_screen([code], Inputs([(given_one,)]))[0].functions == {"f": [str(given_one)]}


def test_usual_answers_need_no_process_of_their_own():
    """What answers are made of is harmless, and what leads out of a program is not."""
    harmless = Harmless()
    usual = (
        "from math import *\nclass A(Exception):\n    def __init__(self): super().__init__(); self._x = 1\n"
        "    def __lt__(self, o): return self._x < o._x\ndef f(x: int = 1): yield x\n"
        "if __name__ == '__main__': f()\n"
    )
    for code in (
        SEES,
        usual,
        "import re\nfrom typing import *\nclass Solution:\n    def f(self, a): re.sub(a, a, a)",
    ):
        assert harmless.names(compile(code, "", "exec")) is not None
    for line in (
        *(
            "import os",
            "import datagen",
            "from json import encoder",
            "import json\njson.codecs",
            "import _testcapi",
        ),
        *(
            "f.__globals__",
            "e.tb_frame",
            "getattr(f, 'x')",
            "open('x')",
            "eval('1')",
            "__builtins__",
            "len.__self__",
        ),
        *(
            "import collections\ncollections._sys",
            "import xml",
            "import typing\ntyping.sys",
            "from re import enum",
        ),
        *(
            "class A:\n    def f(s):\n        def g(): return s.__dict__",
            "lambda: [().__class__ for _ in ()]",
        ),
    ):
        assert harmless.names(compile(line, "", "exec")) is None, line


def test_a_function_is_called_until_so_many_calls_were_late():
    """After one late call by default; with more, each call stands by itself."""
    code = "def f(n):\n    while n < 0:\n        pass\n    return n\n"
    inputs = Inputs([(1,), (-1,), (2,), (-2,), (3,)])
    for most, expected in (
        (1, ["1", "!timeout", "!timeout", "!timeout", "!timeout"]),
        (2, ["1", "!timeout", "2", "!timeout", "!timeout"]),
        (9, ["1", "!timeout", "2", "!timeout", "3"]),
    ):
        limits = ScreenLimits(call_seconds=0.02, cpu_seconds=2, wall_seconds=60, late_calls=most)
        assert screened([code], inputs, limits)[0].functions == {"f": expected}


def test_a_late_call_of_plain_code_changes_no_program_that_follows():
    """What was stopped in its own code left nothing behind; what imports gets a worker that ends."""
    plain = "def f(n):\n    while True:\n        pass\n"
    limits = ScreenLimits(call_seconds=0.02, cpu_seconds=2, wall_seconds=60)
    found = screened([plain, SEES, "import re\n" + plain, SEES], INPUTS, limits)
    assert found[0].functions == found[2].functions == {"f": ["!timeout", "!timeout", None]}
    assert found[1] == found[3] == screened([SEES], INPUTS, limits)[0]


LATE = """
import gc, signal, sys
from dataclasses import asdict
from datagen.sandbox.harmless import Harmless, Watch
from datagen.sandbox.runner import Runner
from datagen.sandbox.screen import ScreenLimits
limits = asdict(ScreenLimits(call_seconds=0.02, cpu_seconds=2, wall_seconds=60))
gc.freeze()  # as in a worker
for code in sys.argv[1:]:
    runner = Runner([(1, lambda: (7,), "tuple(int)")], limits, Harmless(), Watch())
    runner.start()
    print(runner.screened(code)["functions"]["f"][0], runner.spent)
signal.setitimer(signal.ITIMER_PROF, 0)  # it would end this process once nobody listens
"""


def test_a_worker_ends_only_where_a_library_was_stopped():
    """What a library keeps may be left half done; code of a program leaves nothing, whatever it imports."""
    codes = {
        "import re\ndef f(a):\n    while True:\n        re\n": "!timeout False",
        "import random\ndef f(a):\n    x = [1, 2] * 10**5\n    random.shuffle(x)\n": "!timeout True",
        "def f(a):\n    return sorted(range(10**5), key=lambda n: sum(range(99)))\n": "!timeout False",
        "def f(a):\n    while True:\n        try:\n            while True:\n                pass\n"
        "        except BaseException:\n            return a\n": "!timeout False",
        "import re\ndef f(a):\n    return re.escape(str(a))\n": '"7" False',
    }
    done = subprocess.run([sys.executable, "-c", LATE, *codes], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*codes.values()]


#: What a program leaves whose generators hold themselves: `finally` runs where garbage is collected.
LEAVES = """
def held(again, turns):
    try:
        itself = yield
        yield
    finally:
        if turns:
            again(again, turns - 1)
def again(again, turns, held=held):
    one = held(again, turns)
    one.send(None)
    one.send(one)
again(again, {})
"""


def test_a_program_that_could_not_be_cleaned_up_ends_its_worker():
    """What is left of it would run in the time of the next program, also where it imports nothing."""
    slow = "def held():\n    try:\n        yield\n    finally:\n        sum(range(10_000_000))\n"
    slow += "one = held()\none.send(None)\n"
    limits = asdict(SHORT) | {"call_seconds": 0.05}
    gc.collect()
    gc.freeze()  # as in a worker
    try:
        for code, spent in (("", False), (LEAVES.format(0), False), (LEAVES.format(1), True), (slow, True)):
            runner = Runner([], limits, Harmless(), Watch())
            shown = runner.screened(code)
            assert (shown and shown["detail"], runner.spent) == ("", spent), code
            gc.collect()
    finally:
        gc.unfreeze()


def test_key_stands_for_all_that_decides():
    """Code, inputs and limits are in the key, and nothing else."""
    other = ScreenLimits(call_seconds=1)
    keys = [key_of("a", INPUTS), key_of("b", INPUTS), key_of("a", Inputs([])), key_of("a", INPUTS, other)]
    assert len(set(keys)) == 4
    assert key_of("a", Inputs([(3,), ("ab",), (1, [2])]), DEFAULT) == keys[0]


def test_what_is_no_input_or_limit_is_an_error():
    """One line says what is wrong."""
    with pytest.raises(DatagenError, match="no plain data: object"):
        Inputs([(object(),)])
    with pytest.raises(DatagenError, match="call_seconds"):
        ScreenLimits(call_seconds=0)


def test_closed_screen_is_an_error():
    """Outside its `async with` nothing runs."""

    async def closed():
        async with Screen(1) as screen:
            pass
        with pytest.raises(DatagenError, match="closed"):
            await screen.run(["x = 1"], INPUTS)

    asyncio.run(closed())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
def test_cancelling_leaves_no_process():
    """A cancelled batch is ended with its processes, and the screen goes on."""

    async def cancelled():
        before = set(children(os.getpid()))
        async with Screen(1) as screen:
            task = asyncio.create_task(screen.run(["while True: pass"], INPUTS, ScreenLimits(10, 10, 60)))
            ours = []
            while len(ours) < 3:  # launcher, server, worker
                await asyncio.sleep(0.02)
                ours = [pid for pid in children(os.getpid()) if pid not in before]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await screen.run(["x = 1"], INPUTS))[0].detail == ""
        return ours

    assert gone(asyncio.run(cancelled()))


#: By what it changes: a program, and one whose results showed it.
NEIGHBOURS = {
    "a table of a class": (
        "from textwrap import TextWrapper\nTextWrapper.unicode_whitespace_trans[97] = 98\n",
        "import textwrap\ndef f(x): return textwrap.wrap('aa bb')\n",
    ),
    "the name of a function": (
        "from textwrap import wrap\nwrap.__name__ = 'other'\n",
        "from textwrap import wrap\ndef f(x): return wrap.__name__\n",
    ),
    "a class that is kept and is equal to another": (
        "from collections.abc import Mapping\nfrom statistics import NormalDist\n"
        "class Kind(type(Mapping)):\n"
        "    def __eq__(self, other): return True\n    def __hash__(self): return hash(int)\n"
        "class Number(dict, metaclass=Kind): pass\n"
        "NormalDist.__slots__['kept'] = Number\nisinstance(Number(), Mapping)\n",
        "from collections.abc import Mapping\ndef f(x): return isinstance(5, Mapping)\n",
    ),
    "random numbers": (
        "import random\nrandom.random()\n",
        "from statistics import NormalDist\ndef f(x): return NormalDist().samples(2)\n",
    ),
    "the cache of types": (
        "from typing import List\nnow = []\n"
        "class Same:\n"
        "    def __eq__(self, other): return bool(now) and 1 / 0\n"
        "    def __hash__(self): return hash(complex)\n"
        "List[Same()]\nnow.append(1)\n",
        "from typing import List\ndef f(x: List[complex]): return 5\n",
    ),
    "the cache of formats": (
        "from datetime import datetime\n"
        "class Format(str):\n"
        "    def __eq__(self, other): return True\n    def __hash__(self): return hash('%Y-%m-%d')\n"
        "datetime.strptime('5', Format('%d'))\n",
        "from datetime import datetime\ndef f(x): return datetime.strptime('2020-01-02', '%Y-%m-%d').year\n",
    ),
    "a function of a module, set by what is copied": (
        "import math\nfrom collections import UserDict\n"
        "state = (None, {'sqrt': lambda x: 99})\n"
        "own = {'__copy__': None, '__reduce_ex__': lambda self, version: (lambda: math, (), state)}\n"
        "type('U', (UserDict,), own)().copy()\n",
        "import math\ndef f(x): return math.sqrt(16)\n",
    ),
    "what an abstract class remembers": (
        "import fractions\n"
        "own = {'__subclasshook__': classmethod(lambda kind, other: True)}\n"
        "kept = type('X', (fractions.Fraction,), own)\nisinstance('a', fractions.Fraction)\n",
        "from fractions import Fraction\ndef f(x): return isinstance('a', Fraction)\n",
    ),
    "flags": (
        "import re\n"
        "class Flags(int):\n"
        "    def __eq__(self, other): return True\n    def __hash__(self): return hash(10)\n"
        "    def __or__(self, other): return self\n    __ror__ = __or__\n"
        "    def __and__(self, other): return int(self) & int(other)\n"
        "re.I | Flags(64)\n",
        "import re\ndef f(x): return re.findall('^a', 'A\\na', re.I | re.M)\n",
    ),
}


@pytest.mark.parametrize("changes", NEIGHBOURS)
def test_nothing_of_a_program_is_left_for_its_neighbour(changes):
    """What modules keep of their arguments decides nothing of the next program."""
    first, second = NEIGHBOURS[changes]
    inputs = Inputs([(1,)])
    assert screened([first, second], inputs)[1] == screened([second], inputs)[0]


def test_inputs_change_in_a_worker_that_goes_on():
    """Each program gets the inputs of its own request, unchanged by others, in a shared worker or its own."""
    change = "def f(a):\n    a.append(len(a))\n    return a\n"
    double = "def f(a):\n    return a * 2\n"
    jobs = [([change, double], [([number],), (number, number), ("ab",)]) for number in range(5)]
    with Screening(1) as screening:
        together = screening.run(jobs)
        assert together == screening.run(jobs, alone=True)
    assert [[one.functions["f"] for one in job] for job in together] == [
        [[f"[{n},1]", None, "!raised AttributeError"], [f"[{n},{n}]", None, '"abab"']] for n in range(5)
    ]


def test_reading_inputs_takes_none_of_a_program_s_time():
    """Inputs that take longer to read than a program may run: a worker that is given them, or forked anew."""
    limits = ScreenLimits(call_seconds=0.05, cpu_seconds=0.05, wall_seconds=60, memory_mb=2048)
    large = Inputs([(), *((list(range(100_000)), [number]) for number in range(10))])

    async def work() -> list[list[Screened]]:
        async with Screen(1) as screen:
            return [await screen.run(["def f(): return 1"], one, limits) for one in (INPUTS, large)]

    assert asyncio.run(work())[1] == [Screened("", {"f": ["1", *[None] * 10]})]


@pytest.mark.parametrize(
    ("code", "lacks"),
    [
        ("import numpy as np\ndef f(a): return a\n", True),
        ("'''Doc.'''\nfrom os import path, sep\nimport bs4.element, json\nclass A: pass\n", True),
        ("import json\nfrom collections import *\ndef f(a): return a\n", False),
        ("try:\n    import numpy\nexcept ImportError:\n    numpy = None\ndef f(a): return a\n", False),
        ("if False:\n    import numpy\ndef f(a): return a\n", False),
        ("def f(a): return a\nimport numpy\n", False),
        ("from .numpy import f\n", False),
        ("from . import f\n", False),
        ("f = print\n", False),
    ],
)
def test_what_lacks_a_module_needs_no_process(code, lacks):
    """Imports that can only fail are told without running, as a process of its own tells them."""
    assert lacks_module(compile(code, "", "exec")) is lacks
    with Screening(1) as screening:
        assert screening.run([([code], [(3,)])]) == screening.run([([code], [(3,)])], alone=True)


FOREIGN_USE = "from foreign import T_\ndef f(a): return T_.op('java', '/', a, 2)\n"


@pytest.mark.parametrize(
    "code",
    [
        "from foreign import T_\nT_.op = None\n",
        "from foreign import T_\ndel T_.op\n",
        "import foreign\nforeign.T_ = None\n",
        "from foreign import T_\nT_.Map.get = T_.Set.x = None\n",
        "from foreign import operators\n",
        "import foreign.operators\nforeign.operators.operate = None\n",
        "from foreign import T_\nT_.op.__globals__.clear()\n",
        "import sys\nsys.modules['foreign'].T_.op = None\n",
    ],
)
def test_what_translations_need_cannot_be_changed_for_others(code):
    """Programs may import it; what one makes of it is not what the next one finds."""
    alone = screened([FOREIGN_USE], Inputs([(7,)]))
    assert alone[0].functions == {"f": ["3"]}
    assert screened([code, FOREIGN_USE], Inputs([(7,)]))[1:] == alone


@pytest.mark.parametrize(
    "owner", ["T_.op", "T_.Map", "type(T_.new('java', 'TreeMap<Integer, Integer>'))", "T_"]
)
def test_what_a_program_sets_on_what_translations_use_is_seen(owner):
    """Functions and classes of `foreign`, also those that are no attributes of it."""
    root = Path(screening.__file__).parents[2]
    code = f"""
from datagen.sandbox.harmless import Watch
from datagen.sandbox.screener import _give_foreign
_give_foreign({str(root / "decontam" / "translate")!r})
watch = Watch()
assert not watch.changed()
from foreign import T_
{owner}.kept = 1
assert watch.changed()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=60)
