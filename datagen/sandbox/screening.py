"""Screens programs for callers that are not asynchronous: an event loop in a thread of its own.

So it works where a loop runs already, as in notebooks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import cached_property
from typing import Any, Self, TypeVar

from datagen.sandbox.screen import Found, Inputs, Screen, Screened, ScreenLimits, Sought

T = TypeVar("T")

#: Programs, and what their functions are called with.
Job = tuple[Sequence[str], Sequence[Sequence[object]]]
#: What a program may use while its behaviour is compared: less than elsewhere, because there are many.
LIMITS = ScreenLimits(
    load_seconds=0.1,
    call_seconds=0.012,
    cpu_seconds=0.3,
    wall_seconds=20.0,
    idle_seconds=1.0,
    memory_mb=256,
)
#: For references: a third of the time of a row's function, so that a copy of one is never at the limit. Each
#: call stands by itself, however many run out of time.
REFERENCES = replace(LIMITS, call_seconds=0.004, cpu_seconds=10.0, wall_seconds=120.0, late_calls=1 << 20)
#: Programs that are under way at a time; more wait here, not in the screen.
_JOBS = 64


class Screening:
    """A `Screen` behind plain calls; use it as `with Screening(workers) as screening`.

    Its servers start while the caller does other work; `isolation` waits for the first one.

    Args:
        workers: servers, each of which runs one program at a time.
    """

    def __init__(self, workers: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="datagen-screen", daemon=True)
        self._screen = Screen(workers)

    def __enter__(self) -> Self:
        self._thread.start()
        self._first = self._submitted(self._all([(["f = 1\n"], [(1,)])]))
        return self

    @cached_property
    def isolation(self) -> str:
        """What the machine grants, such as "namespaces+seccomp+rlimits".

        Raises:
            DatagenError: this machine can run no program.
            OSError: the same.
        """
        self._wait(self._first)
        return self._screen.isolation

    def __exit__(self, *_: object) -> None:
        stopped = self._submitted(self._stop())
        try:
            stopped.result()
        except BaseException:  # a second interrupt: servers end all the same
            wait([stopped])
            raise
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _serve(self) -> None:
        """Run the loop, and close it: Python 3.11 takes a thread whose join is interrupted for ended."""
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _stop(self) -> None:
        """Give up what is under way, and end the servers."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._screen.__aexit__()

    def run(
        self, jobs: Sequence[Job], *, alone: bool = False, references: bool = False
    ) -> list[list[Screened]]:
        """For each job what each of its programs shows; in their order.

        Args:
            jobs: programs and inputs.
            alone: whether each program gets a process in which no other ran, however harmless it is.
            references: whether the programs are references (`REFERENCES`).
        """
        limits = REFERENCES if references else LIMITS
        return self._wait(self._submitted(self._all(jobs, limits, alone=alone)))

    def find(self, codes: Sequence[str], inputs: Sequence[Sequence[object]], sought: Sought) -> list[Found]:
        """For each program what it agrees with of what is sought; see `Screen.find`."""
        return self._wait(self._submitted(self._screen.find(codes, Inputs(inputs, sought), LIMITS)))

    async def _all(
        self, jobs: Sequence[Job], limits: ScreenLimits = LIMITS, *, alone: bool = False
    ) -> list[list[Screened]]:
        some = asyncio.Semaphore(_JOBS)

        async def one(codes: Sequence[str], inputs: Sequence[Sequence[object]]) -> list[Screened]:
            async with some:
                return await self._screen.run(codes, Inputs(inputs), limits, alone=alone)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(codes, inputs)) for codes, inputs in jobs]
        return [task.result() for task in tasks]

    def _submitted(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _wait(self, future: Future[T]) -> T:
        try:
            return future.result()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        except BaseException:  # an interrupt
            future.cancel()
            raise
