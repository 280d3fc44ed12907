"""Verdicts on programs: looked up in the journal by what was judged, else reached and stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence
from dataclasses import asdict
from typing import Protocol

from datagen import canonical
from datagen.errors import DatagenError
from datagen.sandbox.verdict import Limits, Verdict

#: Part of each key. It grows when a program may get another verdict than before.
VERSION = 8
#: What a judge without a sandbox says of a program that nobody has run.
UNKNOWN = Verdict("", 0.0, (), "not run", "")


class Runs(Protocol):
    """Runs a program with its tests: a `Sandbox`."""

    async def run(
        self, code: str, tests: Sequence[str], limits: Limits, *, setup: str = "", trusted: bool = False
    ) -> Verdict:
        """The verdict on `code`."""
        ...


class Known(Protocol):
    """Where verdicts are stored, as JSON: the journal's."""

    def get(self, key: str) -> str | None:
        """The verdict stored under `key`."""
        ...

    def put(self, key: str, verdict: str) -> str:
        """Store a verdict, and return the one that is stored."""
        ...


class Stops(Protocol):
    """What can end a run: the one who makes its calls."""

    stopped_by: DatagenError | None
    stopping: asyncio.Event


class Judge:
    """Says how programs fare with their tests."""

    def __init__(
        self,
        known: Known,
        sandbox: Runs | None = None,
        limits: Limits | None = None,
        run: Stops | None = None,
        *,
        unsafe: bool = False,
    ) -> None:
        """Judge programs.

        Args:
            known: verdicts that were reached before.
            sandbox: runs the others; None to run nothing, so that their verdict is `UNKNOWN`.
            limits: of each program; None for the defaults.
            run: when it is stopped, programs under way are given up; None for a run that nothing stops.
            unsafe: whether the machine may lack what keeps programs apart: such verdicts are stored apart.
        """
        self._known = known
        self._sandbox = sandbox
        self._limits = limits or Limits()
        self._run = run
        self._unsafe = unsafe
        self._underway: dict[str, asyncio.Task[Verdict]] = {}
        #: Programs that were run, and verdicts that were known.
        self.programs_run, self.reused = 0, 0

    @property
    def limits(self) -> Limits:
        """Of each program, where nothing else is said."""
        return self._limits

    async def verdict(
        self,
        code: str,
        tests: Sequence[str],
        *,
        setup: str = "",
        trusted: bool = False,
        limits: Limits | None = None,
        repetition: int = 0,
    ) -> Verdict:
        """The verdict on a program, which is run only if no equal one was ever judged.

        Args:
            code: the program, without its tests.
            tests: Python statements, each of which holds if it raises nothing.
            setup: Python statements to run before the tests, where the tests run.
            trusted: whether the tests are a benchmark's (`Sandbox.run`); no verdict depends on it.
            limits: of this program; None for the judge's own.
            repetition: 1 for running it a second time, and so on: each repetition has a verdict of its own.

        Raises:
            DatagenError: the journal cannot be used, no program can be run here, or the run was stopped.
        """
        limits = limits or self._limits
        key = key_of(code, tests, setup, limits, repetition, unsafe=self._unsafe)
        if (stored := self._known.get(key)) is not None:
            self.reused += 1
            return Verdict.from_json(json.loads(stored))
        if self._sandbox is None:
            return UNKNOWN
        if key not in self._underway:
            running = self._sandbox.run(code, tests, limits, setup=setup, trusted=trusted)
            task = asyncio.ensure_future(self._reach(key, running))
            self._underway[key] = task
            task.add_done_callback(lambda _: self._underway.pop(key, None))
        return await self._unless_stopped(self._underway[key])

    async def _unless_stopped(self, task: asyncio.Task[Verdict]) -> Verdict:
        """The verdict, unless the run is stopped before: unlike a call, a program is not paid for."""
        if self._run is None:
            return await task
        stopping = asyncio.ensure_future(self._run.stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if self._run.stopped_by and (task.cancelled() or not task.done()):
            task.cancel()
            raise self._run.stopped_by
        return await task

    async def _reach(self, key: str, running: Awaitable[Verdict]) -> Verdict:
        verdict = await running
        self.programs_run += 1
        stored = self._known.put(key, canonical.dumps(verdict.to_json()))
        return Verdict.from_json(json.loads(stored))


def key_of(
    code: str,
    tests: Sequence[str],
    setup: str,
    limits: Limits,
    repetition: int = 0,
    *,
    unsafe: bool = False,
) -> str:
    """The key under which a verdict is stored: sha256 of all that decides it but the machine.

    The first run has no repetition in its key, which is that of any other run of the program. Verdicts that
    were reached where programs may hardly be kept apart have keys of their own.
    """
    what = {"version": VERSION, "code": code, "tests": [*tests], "setup": setup, "limits": asdict(limits)}
    again = {"repetition": repetition} if repetition else {}
    apart = {"unsafe": True} if unsafe else {}
    return canonical.sha256(canonical.dumps(what | again | apart))
