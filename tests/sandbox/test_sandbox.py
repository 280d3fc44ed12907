"""Programs are judged by what their functions give, inside limits, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from processes import children, gone

from datagen.errors import DatagenError
from datagen.sandbox.run import Sandbox, run
from datagen.sandbox.verdict import DEFAULT, STATUSES, Limits, Outcome, Verdict

#: The limit by the clock is the one that a busy machine reaches: it is ample but where it is what is tested.
SHORT = Limits(cpu_seconds=4, wall_seconds=60, test_seconds=1, memory_mb=512)
ADD = "def add(a, b):\n    return a + b\n"
LOOP = "def f():\n    while True: pass\n"


def judge(code, tests=(), limits=DEFAULT, **more):
    return asyncio.run(run(code, tests, limits, **more))


def test_statuses():
    """Each status comes from what it is named after."""
    assert judge(ADD, ["assert add(1, 2) == 3"]).status == "all_passed"
    assert judge(ADD, ["assert add(1, 2) == 3", "assert add(1, 1) == 3"])[:2] == ("partial", 0.5)
    assert judge(ADD, ["assert add(1, 1) == 3"])[:2] == ("partial", 0.0)
    assert judge(ADD, ["assert add(1, 'a') == 3"]).status == "runtime_error"
    assert judge("def f(:", ["assert f()"]).status == "compile_error"
    assert judge("a\0b", ["assert f()"]).status == "compile_error"
    assert judge("1 / 0", ["assert f()"]).detail == "ZeroDivisionError: division by zero"


def test_without_tests():
    """Without tests a program is loaded: that it compiles and raises nothing is all that can be said."""
    assert judge(ADD)[:3] == ("all_passed", 1.0, ())
    assert judge("1 / 0").status == "runtime_error"
    assert judge("(").status == "compile_error"


def test_outcomes_are_in_order_with_details():
    """Every test has its outcome, in its place, on one printable line."""
    code = "def f(n):\n    if n == 2: raise ValueError('a\\nb\\x1b')\n    return n\n"
    verdict = judge(code, ["assert f(1) == 1", "f(2)", "assert f(3) == 4", "assert f(object()) == 1"])
    assert [outcome.passed for outcome in verdict.outcomes] == [True, False, False, False]
    assert [outcome.detail for outcome in verdict.outcomes] == [
        "",
        "ValueError: a b\ufffd",
        "AssertionError",
        "not_plain: object",
    ]


def test_verdict_goes_through_json():
    """What is journalled is what was found."""
    verdict = Verdict("partial", 0.5, (Outcome(True), Outcome(False, "timeout")), "timeout", "rlimits")
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert verdict.status in STATUSES


def test_limits_have_to_be_numbers_above_zero():
    """A limit that is no limit is an error."""
    with pytest.raises(DatagenError, match="wall_seconds"):
        Limits(wall_seconds=0)


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("def f():\n    while True: pass\n", "timeout"),
        ("def f():\n    return len(bytearray(1 << 30))\n", "memory"),
        ("def f():\n    while True: print('x' * 1000)\n", "output"),
        ("def f():\n    open('x', 'wb').write(bytes(65 << 20))\n", "OSError: [Errno 27] File too large"),
        ("def f():\n    return 'x' * (17 << 20)\n", "not_plain: a value of 17825801 bytes"),
        ("import os\ndef f():\n    os._exit(0)\n", "killed"),
        ("def f():\n    return object()\n", "not_plain: object"),
    ],
)
def test_each_limit_has_its_name(code, detail):
    """What a program used up stands in the detail."""
    verdict = judge(code, ["f()"], SHORT)
    assert (verdict.status, verdict.detail) == ("runtime_error", detail)


def test_waiting_is_limited_by_the_clock():
    """A program that uses no CPU time is ended too."""
    verdict = judge("import time\ndef f(): time.sleep(600)\n", ["f()", "f()"], Limits(wall_seconds=3))
    assert verdict.outcomes == (Outcome(False, "timeout"),) * 2


def test_a_test_that_never_ends_is_ended():
    """A loop in a test is a timeout of that test; what comes after it still runs."""
    verdict = judge(ADD, ["while True: pass", "assert add(1, 1) == 2"], SHORT)
    assert verdict.outcomes == (Outcome(False, "timeout"), Outcome(True))


def test_after_a_crash_other_tests_get_a_fresh_program():
    """A test that ends the program costs the tests behind it nothing."""
    code = "import os\nseen = []\ndef f(n):\n    seen.append(n)\n    return len(seen) if n else os._exit(0)\n"
    tests = ["assert f(1) == 1", "f(0)", "assert f(1) == 1"]
    assert [outcome.passed for outcome in judge(code, tests).outcomes] == [True, False, True]


def test_classes_and_exceptions_of_the_program():
    """Tests use the program's classes, and catch its exceptions."""
    code = (
        "class Full(ValueError): pass\n"
        "class Stack:\n"
        "    limit = 2\n"
        "    def __init__(self): self.items = []\n"
        "    def push(self, item):\n"
        "        if len(self.items) == self.limit: raise Full('no room')\n"
        "        self.items.append(item)\n"
        "        return self\n"
        "    def __len__(self): return len(self.items)\n"
        "def total(stack, key): return sum(map(key, stack.items))\n"
    )
    tests = [
        "s = Stack()\ns.push(1).push(2)\nassert s.items == [1, 2] and len(s) == Stack.limit",
        "s = Stack().push(1).push(2)\n"
        "try:\n    s.push(3)\nexcept Full as e:\n    assert str(e) == 'no room'\n"
        "else:\n    assert False",
        "s = Stack().push(1).push(2)\nassert total(s, lambda n: n * 10) == 30 and isinstance(s, Stack)",
        "s = Stack()\ns.items = [4]\nassert total(s, key=int) == 4",
    ]
    assert judge(code, tests).outcomes == (Outcome(True),) * 4


def test_async_functions_and_functions_as_results():
    """A coroutine is awaited in the tests, a returned function is called there."""
    code = "async def f(n): return n\ndef adder(a): return lambda b: a + b\n"
    tests = ["import asyncio\nassert asyncio.run(f(3)) == 3", "assert adder(1)(2) == 3"]
    assert judge(code, tests).status == "all_passed"


def test_setup_runs_beside_the_tests():
    """Set-up code defines what tests use, and if it raises, every test fails by it."""
    setup = "import math\ndef check(candidate):\n    assert candidate(1, 2) == math.floor(3.5)\n"
    assert judge(ADD, ["check(add)"], setup=setup).status == "all_passed"
    assert judge(ADD, ["add(1, 2)"], setup="1 / 0").detail == "ZeroDivisionError: division by zero"


def test_neighbours_do_not_matter():
    """Programs that run in the same server before and beside change nothing."""
    bad = "import builtins, os\nbuiltins.len = None\nopen('left', 'w')\nos.environ['LEFT'] = '1'\n" + LOOP
    good = "import os\ndef g(): return os.listdir('.'), os.environ.get('LEFT'), len('abc')\n"

    async def many():
        async with Sandbox(2) as sandbox:
            pairs = [((bad, ["f()"]), (good, ["assert g() == ([], None, 3)"]))] * 4
            return await asyncio.gather(*(sandbox.run(*one, SHORT) for pair in pairs for one in pair))

    assert [verdict.status for verdict in asyncio.run(many())] == ["runtime_error", "all_passed"] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_is_left(monkeypatch, tmp_path):
    """After the sandbox no process and no file is there, whatever the programs tried to leave."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(1000,)).start()\n"
        "for _ in range(200):\n    os.mkdir('d')\n    os.chdir('d')\n    open('x', 'w')\n"
        "try:\n    os.fork() or time.sleep(1000)\nexcept OSError: pass\n"
    )
    for isolation in ("", "landlock+seccomp+rlimits"):
        monkeypatch.setenv("DATAGEN_SANDBOX", isolation)
        before = set(children(os.getpid()))
        assert judge(code).status == "all_passed"
        assert set(children(os.getpid())) == before
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("isolation", ["", "landlock+seccomp+rlimits"])
def test_cancelling_ends_the_program(isolation, monkeypatch):
    """A cancelled run leaves no process, and the sandbox goes on."""
    monkeypatch.setenv("DATAGEN_SANDBOX", isolation)
    before = set(children(os.getpid()))

    async def cancelled():
        async with Sandbox(1) as sandbox:
            task = asyncio.create_task(sandbox.run(LOOP, ["f()"]))
            ours = []
            while len(ours) < 4:  # launcher, server, checker, candidate
                await asyncio.sleep(0.02)
                ours = [pid for pid in children(os.getpid()) if pid not in before]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await sandbox.run(ADD, ["assert add(1, 1) == 2"])).status == "all_passed"
        return ours

    ours = asyncio.run(cancelled())
    assert gone(ours)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("isolation", ["", "landlock+seccomp+rlimits"])
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_programs_end_with_datagen(isolation, sent, tmp_path):
    """When datagen is killed or interrupted, its servers and programs end too, and no folder stays."""
    program = f"import asyncio\nfrom datagen.sandbox.run import run\nasyncio.run(run({LOOP!r}, ['f()']))"
    ours = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"DATAGEN_SANDBOX": isolation, "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in range(1000):
        if len(children(ours.pid)) >= 4:  # launcher, server, checker, candidate
            break
        time.sleep(0.02)
    below = children(ours.pid)
    assert len(below) >= 4
    ours.send_signal(sent)
    ours.wait(30)
    assert gone(below)
    assert list(tmp_path.iterdir()) == []


def test_closing_ends_what_still_runs():
    """Leaving the sandbox with programs running ends them with an error, not with a verdict."""

    async def left():
        async with Sandbox(1) as sandbox:
            task = asyncio.create_task(sandbox.run(LOOP, ["f()"]))
            await asyncio.sleep(1)
        with pytest.raises(DatagenError, match="closed"):
            await task

    asyncio.run(left())


def test_the_documented_example_prints_what_is_said():
    """The program in docs/sandbox.md is run as it stands."""
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    program = page.partition("```python\n")[2].partition("```")[0]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "all_passed 1.0"
    assert f"prints `{done.stdout.strip()}`" in page


def test_what_is_in_the_way_of_values_comes_through():
    """Every plain value is the same on the other side, there and back."""
    values = [
        "0, -1, 2**53, -(2**9000), True, None, 1.5, -0.0, 1e400, -1e400",
        "'', 'é', '\\ud800', '\\ud83d\\ude00', '\\ud83d' + '\\ude00', b'\\xff', bytearray(b'a')",
        "[], (), {}, set(), frozenset({1}), [[1], (2,)], {(1, 2): {'a': [3]}}, 1j, range(3, 9, 2)",
        "Counter('aab'), deque([1]), OrderedDict(a=1), Decimal('1.10'), Fraction(1, 3), date(2020, 1, 2)",
    ]
    setup = (
        "from collections import *\nfrom decimal import *\nfrom fractions import *\nfrom datetime import *\n"
    )
    tests = [
        f"for v in [{line}]:\n    assert same(v) == v and type(same(v)) is type(v), v\n" for line in values
    ]
    tests.append("v = same(float('nan'))\nassert v != v")
    tests.append("assert list(same(iter([1, 2]))) == [1, 2] and next(many()) == 0")
    code = "import itertools\ndef same(v): return v\ndef many(): return itertools.count()\n"
    assert judge(code, tests, setup=setup).outcomes == (Outcome(True),) * 6


@pytest.mark.parametrize(
    ("code", "tests", "tail"),
    [
        ("import sys\nprint('why', file=sys.stderr)\n1 / 0", ["f()"], "why\\n"),
        ("import sys, os\nprint('last', file=sys.stderr)\nos._exit(1)", ["f()"], "last\\n"),
        ("import os\ndef f():\n    os.write(1, b'a')\n    os.write(2, b'b')\n    os._exit(0)", ["f()"], "ab"),
        (
            "import os\nos.write(2, b'\\x1b[2J\\xff\\xed\\xa0\\x80\\r')\n1 / 0",
            [],
            r"\x1b[2J\xff\xed\xa0\x80\r",
        ),
        ("import os\nos.write(2, 'é\\u202e'.encode())\n1 / 0", [], "é\\u202e"),
        ("import os\nos.write(2, b'0123456789' * 50_000)\n1 / 0", [], "0123456789" * 40),
        # Where nothing was ended, nobody needs to know what was printed; nor where it depends on the clock.
        ("import os\nos.write(2, b'noise')\ndef f(): return 1", ["assert f() == 1", "assert f() == 2"], ""),
        ("import os\nos.write(2, b'noise')\nwhile True: pass", ["f()"], ""),
    ],
)
def test_the_end_of_what_a_program_printed(code, tests, tail):
    """Of a program that raised while it was loaded, or ended, the last of its output is told, escaped."""
    verdict = judge(code, tests, SHORT)
    assert verdict.output_tail == tail
    assert verdict.output_tail.isprintable()
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_the_end_of_too_much_output_is_the_same_each_time():
    """It ends where the limit is, not where the program happened to be ended."""
    code = (
        "import os\ndef f():\n    n = 0\n    while True:\n        n += 1\n        os.write(1, b'%d\\n' % n)\n"
    )
    limits = Limits(output_bytes=100_000, wall_seconds=60)
    first, second = (judge(code, ["f()"], limits) for _ in range(2))
    assert first.detail == "output"
    assert first == second
    printed = "".join(f"{n}\n" for n in range(1, 30_000))[:100_000]
    assert first.output_tail == printed[-400:].replace("\n", "\\n")


def test_verdicts_of_older_versions_are_read():
    """They have no tail."""
    verdict = Verdict("partial", 0.5, (Outcome(True), Outcome(False, "timeout")), "timeout", "rlimits")
    old = {name: value for name, value in verdict.to_json().items() if name != "output_tail"}
    assert Verdict.from_json(old) == verdict


def test_too_much_output_is_seen_though_the_program_ends_at_once():
    """Which of the two is noticed first does not depend on how busy the server is."""
    code = "import os\ndef f():\n    os.write(1, b'x' * 60_000)\n    os._exit(0)\n"
    verdict = judge(code, ["f()"], Limits(output_bytes=50_000))
    assert (verdict.detail, verdict.output_tail) == ("output", "x" * 400)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such layers")
def test_programs_that_close_the_folder_cost_the_next_one_nothing(monkeypatch):
    """Without namespaces the temporary folder is the program's own."""
    monkeypatch.setenv("DATAGEN_SANDBOX", "landlock+seccomp+rlimits")
    closing = "import os\nos.chmod(os.environ['TMPDIR'], 0)\n"

    async def statuses():
        async with Sandbox(2) as sandbox:
            await asyncio.gather(*(sandbox.run(closing + f"# {n}\n", ["f()"]) for n in range(2)))
            return [(await sandbox.run(ADD, ["assert add(1, 1) == 2"])).status for _ in range(3)]

    assert asyncio.run(statuses()) == ["all_passed"] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such layers")
@pytest.mark.parametrize("isolation", ["", "landlock+seccomp+rlimits"])
def test_files_of_the_user_stay_as_they_are(isolation, monkeypatch, tmp_path):
    """Landlock knows nothing of modes and times: a program could change those of all that its user owns."""
    monkeypatch.setenv("DATAGEN_SANDBOX", isolation)
    file = tmp_path / "file"
    file.touch(0o600)
    code = (
        "import contextlib, os\n"
        f"path = {str(file)!r}\n"
        "for act in (lambda: os.chmod(path, 0o777), lambda: os.utime(path, (1, 1)),\n"
        "            lambda: os.chown(path, -1, -1), lambda: os.truncate(path, 9),\n"
        "            lambda: os.setxattr(path, 'user.x', b'1')):\n"
        "    with contextlib.suppress(OSError):\n        act()\n"
    )
    before = file.stat()
    judge(code)
    after = file.stat()
    assert (after.st_mode, after.st_ctime_ns, after.st_size) == (before.st_mode, before.st_ctime_ns, 0)


def test_a_sandbox_that_cannot_be_started_leaves_no_folder(tmp_path, monkeypatch):
    """One line says why, whatever is missing: a program to run, descriptors, or a temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(DatagenError, match="cannot start a sandbox"):
        judge(ADD)
    assert [*tmp_path.iterdir()] == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(DatagenError, match="cannot start a sandbox"):
        judge(ADD)
