"""Where frames are worked on changes nothing of the results."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from cli import datagen, spawn

from datagen.data.dataset import Split
from datagen.data.source import Source
from datagen.errors import DatagenError
from datagen.runs.engines import local
from datagen.runs.frames import Frames
from datagen.runs.stage import Started


def square(number, *, off=0):
    return number * number + off


def fail_at(number, *, at):
    if number >= at:
        raise ValueError(f"no {number}")
    return number


class Item:
    """Something that a weak reference may point to."""


def nothing(_):
    return None


def die(number):
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def leave(number):
    if number == 5:
        os._exit(9)
    return number


def talk(number):
    print("a library prints this")
    return number


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Workers import this module by the name under which its functions are pickled."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    module = sys.modules[__name__]
    monkeypatch.setitem(sys.modules, "test_engines", module)
    for function in (Item, square, fail_at, nothing, die, leave, talk):
        monkeypatch.setattr(function, "__module__", "test_engines")


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_results_come_in_order(workers, count):
    """Each item's result, in the order of the items, whatever the number of workers."""
    made = local.apply(partial(square, off=1), range(count), workers)
    assert list(made) == [n * n + 1 for n in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_error_comes_out(workers):
    """An error is raised at its item's place, after the results before it."""
    made = local.apply(partial(fail_at, at=7), range(20), workers)
    assert [next(made) for _ in range(7)] == [*range(7)]
    with pytest.raises(ValueError, match="no 7"):
        next(made)


def test_a_worker_that_dies_is_one_line():
    """A worker that the system killed is told, with what to do."""
    with pytest.raises(DatagenError, match=r"a worker process was killed.*fewer workers"):
        list(local.apply(die, range(20), 2))


def test_an_error_while_workers_start_ends_at_once():
    """What is wrong with an item comes out, though workers are being started just then."""

    def items():
        yield from range(3)
        raise ValueError("bad shard")

    for _ in range(5):
        with pytest.raises(ValueError, match="bad shard"):
            list(local.apply(square, items(), 3))


def test_a_worker_that_ends_by_itself_is_one_line():
    """Only a worker that the system killed is said to lack memory."""
    with pytest.raises(DatagenError, match=r"a worker process ended early \(exit code 9\)"):
        list(local.apply(leave, range(20), 2))


def test_a_file_of_the_working_folder_is_no_module_of_a_worker(tmp_path, monkeypatch):
    """Workers import nothing from where the user happens to be."""
    for name in ("struct", "pickle", "rules", "re"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert list(local.apply(square, range(10), 2)) == [n * n for n in range(10)]


def test_what_workers_print_does_not_stand_in_the_way(capfd):
    """Whatever a library prints in a worker goes to stderr."""
    assert list(local.apply(talk, range(10), 2)) == [*range(10)]
    assert capfd.readouterr().out == ""


def test_items_are_taken_as_they_are_needed():
    """Only a few items are in memory at a time."""
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    made = local.apply(square, items(), 2)
    next(made)
    assert len(taken) < 20
    made.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_items_that_were_worked_on_leave_memory(workers):
    """An item leaves memory when the results of later ones have come; so do the first ones."""
    alive = []

    def items():
        for _ in range(50):
            one = Item()
            alive.append(weakref.ref(one))
            yield one
            del one

    made = local.apply(nothing, items(), workers)
    for _ in range(25):
        next(made)
    assert [ref() for ref in alive[:15]] == [None] * 15
    made.close()


def test_a_light_split_stays_in_this_process():
    """What a light split knows is not copied to workers, however many there are to be."""
    frames = [pl.DataFrame({"id": [str(number)]}) for number in range(10)]
    source = Source("rows", "", len(frames), lambda: iter(frames))
    split = Started(lambda frame: Split(frame, frame.clear()), is_light=True)  # no worker could be sent this
    made = Frames("some", 2, None, lambda _, __: []).splits(split, source)
    assert [(height, split.kept["id"].item()) for height, split in made] == [(1, str(n)) for n in range(10)]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A file of several frames, with what the rules and HumanEval find in it."""
    path = tmp_path_factory.mktemp("rows") / "in.jsonl"
    told = ["Write a function `f(x)` that adds one to a number.", "Add.", "Check if in given list of numbers"]
    answers = ["def f(x):\n    return x + 1", "def f(x:", "As an AI model I cannot do that.", None]
    with path.open("w") as file:
        for n in range(26_000):
            row = {"instruction": f"{told[n % 3]} {n % 50}", "output": answers[n % 4], "n": n}
            file.write(json.dumps(row) + "\n")
    return path


@pytest.mark.parametrize("stage", ["filter", "decontam"])
def test_same_digest_for_any_number_of_workers(stage, rows, tmp_path):
    """The data set is the same, byte for byte of its rows, on one process and on three."""
    found = []
    for workers in (1, 3):
        out = tmp_path / str(workers)
        assert datagen(stage, rows, "-o", out, "--workers", workers, "--quiet").code == 0
        manifest = json.loads((out / "manifest.json").read_text())
        found.append([manifest[name] for name in ("key", "digest", "dropped_digest", "dropped", "files")])
    assert found[0] == found[1]


def test_no_worker_is_left(rows, tmp_path):
    """Workers end with the process that started them, however that ends."""
    program = (
        "import sys, time\nfrom datagen.runs.engines import local\n"
        "made = local.apply(abs, range(100), 2)\nnext(made)\nprint('now', flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"now\n"
        workers = children_of(process.pid)
        assert len(workers) == 2
        process.kill()
    deadline = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def alive(pid):
    return Path(f"/proc/{pid}").exists()


def children_of(pid):
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


def test_workers_below_one_are_refused(rows):
    """There is no way to have no process."""
    assert "0 is not in the range" in spawn("filter", rows, "-o", "x", "--workers", "0").stderr
