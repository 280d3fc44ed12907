"""Jobs that make calls: many at a time, results in order, and an end that loses no answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar

from datagen.calls.caller import GOES_ON, Caller
from datagen.errors import InterruptedRun

T = TypeVar("T")


#: Jobs that are under way or wait to be yielded while a teacher answers nothing: some 100 MB of rows.
MOST_AHEAD = 10_000
#: Passes of the event loop until a job that was begun has reached the teachers that it asks.
_PASSES = 8
#: Seconds after which to look again whether a teacher is stuck.
_LOOK = 0.2


async def in_order(
    jobs: Iterable[Callable[[], Awaitable[T]]], *, window: int, caller: Caller, most: int = MOST_AHEAD
) -> AsyncGenerator[T]:
    """Run jobs at the same time and yield their results in the order of `jobs`.

    At most `window` of them are under way or wait to be yielded, so memory stays bounded. While a teacher
    answers nothing, its jobs fill the window; then there may be up to `most`, as far as the other teachers
    have room for calls. When a job raises, the calls in flight are let finish (they are paid for) before the
    error goes on.
    """
    pending: deque[asyncio.Future[T]] = deque()
    # Lets a Ctrl-C be heard that was pressed while something blocked, such as the loading of a model.
    await asyncio.sleep(0.001)
    try:
        for job in jobs:
            if caller.stopped_by:
                raise caller.stopped_by
            pending.append(asyncio.ensure_future(job()))
            while len(pending) >= window:
                if len(pending) < most and await _runs_ahead(pending[0], caller):
                    break
                yield await pending[0]
                pending.popleft()
        while pending:
            yield await pending[0]
            pending.popleft()
    except asyncio.CancelledError:
        for job_under_way in pending:
            job_under_way.cancel()
        raise
    finally:
        if pending:
            caller.stop(InterruptedRun(f"the run ended early; {GOES_ON}"))
            await asyncio.gather(*pending, return_exceptions=True)


async def _runs_ahead(first: asyncio.Future[T], caller: Caller) -> bool:
    """Wait until the first job is done, or another may be begun before; returns whether that is so."""
    for _ in range(_PASSES):
        if first.done() or not caller.may_run_ahead():
            break
        await asyncio.sleep(0)
    while not first.done():
        if caller.may_run_ahead():
            return True
        either: set[asyncio.Future[Any]] = {first, caller.ends.next()}
        await asyncio.wait(either, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
    return False


@contextlib.contextmanager
def rare_collection() -> Iterator[None]:
    """Look for unreachable cycles a hundred times less often.

    A call leaves hardly any, and each look at everything that a long run holds stops all calls for 0.1 s.
    """
    before = gc.get_threshold()
    gc.set_threshold(100 * before[0], *before[1:])
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
