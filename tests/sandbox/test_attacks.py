"""Programs that try to be believed are not, and odd programs that are right are."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import pytest

from datagen.sandbox.verdict import Limits

HERE = Path(__file__).parent
TESTS = [
    "assert f(2) == 2 * 2 + 1",
    "r = f(3)\nassert isinstance(r, int) and abs(r - 7) < 1e-9",
    "assert all(f(n) == 2 * n + 1 for n in (4, 5))",
]
#: Short, because many of these programs end by a limit alone.
LIMITS = Limits(cpu_seconds=1.2, wall_seconds=4, test_seconds=0.4, memory_mb=1024, file_mb=32)
#: What programs must never see, and never leave.
CANARY, MARK = "sk-canary-4711", "datagen-was-here"
NOBODY = 65534
#: By what a layer stands for in `#!` lines of hostile.txt.
STANDS_FOR = {
    "namespaces": {"files", "network", "others"},
    "landlock": {"files"},
    "seccomp": {"filter", "network", "others"},
}


class Case(NamedTuple):
    """A program of hostile.txt or honest.txt.

    Args:
        code: the program, with its `#>` and `#!` lines, which are comments.
        tests: its own, from lines that begin with `#>`, where a line's end is written as a backslash and n;
            else those that all have.
        needs: what has to be kept from it; else it does what it tries, and then gives the right value.
    """

    code: str
    tests: list[str]
    needs: set[str]


def cases(file: str) -> dict[str, Case]:
    """The programs of a file by their names."""
    found = {}
    for part in (HERE / file).read_text(encoding="utf-8").split("#### ")[1:]:
        name, _, code = part.partition("\n")
        assert name not in found
        lines = code.splitlines()
        tests = [line[3:].replace("\\n", "\n") for line in lines if line.startswith("#> ")]
        needs = {word for line in lines if line.startswith("#! ") for word in line[3:].split()}
        found[name] = Case(code, tests or TESTS, needs)
    return found


HOSTILE, HONEST = cases("hostile.txt"), cases("honest.txt")
#: The first program of each class: what each layer set has to pass in every run of the tests.
CORE = {name: HOSTILE[name] for name in {n.partition(":")[0]: n for n in reversed(HOSTILE)}.values()}


def run(programs, layers="", *, limits=LIMITS, user=None, denied=False):
    """The verdicts by name; checks that nothing is left of the programs, and that none saw the key."""
    held = {name: case for name, case in programs.items() if not case.needs - granted(layers)}
    asked = {"limits": asdict(limits), "programs": [case[:2] for case in held.values()]}
    words = [python(user), "-B", str(HERE / "run_programs.py"), *["denied"] * denied]
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # what a program leaves running becomes this process's child
    before = below()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o1777)
        done = subprocess.run(
            words,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            cwd="/",
            env={**ENVIRONMENT, "DATAGEN_SANDBOX": layers, "TMPDIR": folder, "HOME": folder},
            **({} if user is None else {"user": user, "group": user, "extra_groups": []}),
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert os.listdir(folder) == []  # noqa: PTH208
    assert below() == before
    assert CANARY not in done.stdout + done.stderr
    left = [path for place in PLACES for path in Path(place).glob(f"{MARK}*")]
    for path in left:
        path.unlink()
    assert left == [], left
    return dict(zip(held, json.loads(done.stdout), strict=True))


ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "DATAGEN_CANARY": CANARY, "OPENAI_API_KEY": CANARY}
PLACES = [
    "/",
    "/usr/lib",
    "/etc",
    "/root",
    "/home",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    str(Path(os.__file__).parent),
]


def granted(layers: str) -> set[str]:
    """What a set of layers keeps from programs; "" is all of them."""
    return {what for word, whats in STANDS_FOR.items() if not layers or word in layers for what in whats}


def below() -> set[str]:
    """The children of this process."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def python(user: int | None) -> str:
    """A Python that this user can run; skips the test where there is none."""
    if user is None:
        return sys.executable
    say = "import sys; sys.path.insert(0, sys.argv[1]); import datagen.sandbox.run"
    for found in (sys.executable, shutil.which("python3", path="/usr/bin")):
        words = [str(found), "-c", say, str(HERE.parents[1])]
        with contextlib.suppress(PermissionError):
            if not subprocess.run(
                words, user=user, group=user, extra_groups=[], stderr=subprocess.DEVNULL, cwd="/"
            ).returncode:
                return str(found)
    pytest.skip("no Python here that another user can run")


def believed(found):
    return {name: verdict for name, verdict in found.items() if verdict["status"] == "all_passed"}


def as_user(user):
    """The user to run as: this one, or nobody if this is root."""
    if user is not None and os.getuid() != 0:
        pytest.skip("only root can become another user")
    return user


linux = pytest.mark.skipif(sys.platform != "linux", reason="there are layers on Linux alone")


def test_the_suite_is_broad():
    """Many programs in many classes, each with a name of its own."""
    assert len(HOSTILE) >= 120
    assert len({name.partition(":")[0] for name in HOSTILE}) >= 30
    assert len(HONEST) >= 30


@linux
@pytest.mark.timeout(600)
def test_no_hostile_program_is_believed():
    """Whatever a program does instead of computing, it is not all_passed, and leaves nothing."""
    found = run(HOSTILE)
    assert len(found) == len(HOSTILE)
    assert believed(found) == {}
    assert all(len(verdict["outcomes"]) == len(HOSTILE[name].tests) for name, verdict in found.items())


SETS = [
    "namespaces+seccomp+rlimits",
    "namespaces+landlock+rlimits",
    "landlock+seccomp+rlimits",
    "seccomp+rlimits",
]


@linux
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("layers", "user"), [("landlock+seccomp+rlimits", None), ("seccomp+rlimits", NOBODY)]
)
def test_none_of_each_class_is_believed_with_less(layers, user):
    """One program of each class, where namespaces are missing, and where files are open besides."""
    found = run(CORE, layers, user=as_user(user))
    assert {verdict["isolation"] for verdict in found.values()} == {
        "+".join(sorted(layers.split("+"), key=ORDER.index))
    }
    assert believed(found) == {}


ORDER = ["namespaces", "seccomp", "landlock", "rlimits"]


@linux
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("user", [None, NOBODY])
@pytest.mark.parametrize("layers", SETS)
def test_none_is_believed_without_a_layer(layers, user):
    """Each layer can be missing, for root and for a plain user."""
    assert believed(run(HOSTILE, layers, user=as_user(user))) == {}


@linux
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("user", [None, NOBODY])
def test_none_is_believed_where_namespaces_are_denied(user):
    """As in a container that refuses unshare and clone."""
    found = run(HOSTILE, user=as_user(user), denied=True)
    assert not any("namespaces" in verdict["isolation"] for verdict in found.values())
    assert believed(found) == {}


@linux
@pytest.mark.timeout(600)
def test_odd_programs_that_are_right_pass():
    """An unusual way to the right value is not held against a program."""
    found = run(HONEST, limits=Limits(wall_seconds=60))
    assert {name: verdict for name, verdict in found.items() if verdict["status"] != "all_passed"} == {}
