"""Runs model calls until they end or the user presses Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from datagen.calls.caller import INTERRUPTED, Caller
from datagen.calls.jobs import rare_collection
from datagen.errors import InterruptedRun

T = TypeVar("T")


def run_calls(work: Callable[[], Coroutine[Any, Any, T]], caller: Caller | None) -> T:
    """The result of `work`; the first Ctrl-C lets the calls in flight finish, the second gives them up.

    Args:
        work: what makes the calls.
        caller: through which it makes them; None where it only looks answers up.

    Raises:
        InterruptedRun: the user stopped it; the message says how to go on.
        TeacherUnusable: calls were made, and none was answered.
    """
    if caller is None:
        return asyncio.run(work())
    with rare_collection(), contextlib.suppress(asyncio.CancelledError):
        result = asyncio.run(_interruptible(work, caller))
        if not caller.stopped_by:
            caller.check_answered()
            return result
    raise caller.stopped_by or InterruptedRun(INTERRUPTED)


async def _interruptible(work: Callable[[], Coroutine[Any, Any, T]], caller: Caller) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work())

    def interrupt() -> None:
        if caller.stopped_by:
            task.cancel()
        caller.stop(InterruptedRun(INTERRUPTED), patience=0)

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, interrupt)
    try:
        return await task
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
