"""A judge runs each program once, whoever asks, and knows it again from the journal."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from datagen.errors import DatagenError
from datagen.journal.verdicts import open_verdicts
from datagen.sandbox.judge import UNKNOWN, Judge, key_of
from datagen.sandbox.verdict import Limits, Outcome, Verdict

PASSED = Verdict("partial", 0.5, (Outcome(True, ""), Outcome(False, "AssertionError")), "", "none")


class Counted:
    """A sandbox that counts programs instead of running them."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(
        self, code: str, tests: Sequence[str], limits: Limits, *, setup: str = "", trusted: bool = False
    ) -> Verdict:
        self.runs += 1
        await asyncio.sleep(0.01)
        return PASSED


def test_equal_programs_are_run_once_also_at_the_same_moment_and_in_a_later_run(tmp_path: Path) -> None:
    """Five askers at once and one more in a later run: one program is run, all get its verdict."""
    journal, sandbox = tmp_path / "journal.sqlite", Counted()

    async def ask(times: int) -> list[Verdict]:
        with open_verdicts(journal) as verdicts:
            judge = Judge(verdicts, sandbox)
            return await asyncio.gather(
                *(judge.verdict("def f(): ...", ["assert f()"]) for _ in range(times))
            )

    assert asyncio.run(ask(5)) == [PASSED] * 5
    assert asyncio.run(ask(1)) == [PASSED]
    assert sandbox.runs == 1


def test_all_that_decides_a_verdict_is_in_its_key() -> None:
    """Code, tests, set-up, limits and a repetition each give another key; the first run has the old one."""
    keys = {
        key_of("a", ["t"], "s", Limits()),
        key_of("b", ["t"], "s", Limits()),
        key_of("a", ["u"], "s", Limits()),
        key_of("a", ["t", "u"], "s", Limits()),
        key_of("a", ["t"], "r", Limits()),
        key_of("a", ["t"], "s", Limits(cpu_seconds=1.5)),
        key_of("a", ["t"], "s", Limits(), repetition=1),
        key_of("a", ["t"], "s", Limits(), repetition=2),
    }
    assert len(keys) == 8
    assert key_of("a", ["t"], "s", Limits(), repetition=0) == key_of("a", ["t"], "s", Limits())


def test_a_repetition_is_run_again(tmp_path: Path) -> None:
    """A program that is asked for again is run again, and each run's verdict is stored by itself."""
    sandbox = Counted()
    with open_verdicts(tmp_path / "journal.sqlite") as verdicts:
        judge = Judge(verdicts, sandbox)
        for repetition in (0, 1, 2, 0, 1, 2):
            asyncio.run(judge.verdict("x = 1", ["assert x"], repetition=repetition))
    assert sandbox.runs == 3


def test_without_a_sandbox_nothing_is_run(tmp_path: Path) -> None:
    """A dry run only looks verdicts up."""
    with open_verdicts(tmp_path / "journal.sqlite") as verdicts:
        assert asyncio.run(Judge(verdicts).verdict("x = 1", [])) == UNKNOWN


def test_a_verdict_that_was_changed_is_refused(tmp_path: Path) -> None:
    """A verdict whose text is not the one that was stored stops the run with one line."""
    journal = tmp_path / "journal.sqlite"
    with open_verdicts(journal) as verdicts:
        asyncio.run(Judge(verdicts, Counted()).verdict("x = 1", []))
    connection = sqlite3.connect(journal)
    with connection:
        connection.execute("UPDATE verdicts SET verdict = replace(verdict, 'partial', 'all_passed')")
    connection.close()
    with open_verdicts(journal) as verdicts, pytest.raises(DatagenError, match="not as it was stored"):
        asyncio.run(Judge(verdicts).verdict("x = 1", []))


class Endless:
    """A sandbox whose programs never end."""

    async def run(
        self, code: str, tests: Sequence[str], limits: Limits, *, setup: str = "", trusted: bool = False
    ) -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError("cannot be")


class Run:
    """A run that somebody stops."""

    def __init__(self) -> None:
        self.stopped_by: DatagenError | None = None
        self.stopping = asyncio.Event()


def test_a_stopped_run_waits_for_no_program(tmp_path: Path) -> None:
    """Two who wait for one endless program both end with what stopped the run."""

    async def stop() -> list[object]:
        with open_verdicts(tmp_path / "journal.sqlite") as verdicts:
            run = Run()
            judge = Judge(verdicts, Endless(), run=run)
            asked = [asyncio.ensure_future(judge.verdict("x", ["f()"])) for _ in range(2)]
            await asyncio.sleep(0)
            run.stopped_by = DatagenError("stopped")
            run.stopping.set()
            return await asyncio.gather(*asked, return_exceptions=True)

    assert [str(one) for one in asyncio.run(stop())] == ["stopped", "stopped"]
