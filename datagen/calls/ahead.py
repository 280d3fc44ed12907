"""When work may begin before its turn, and when it is given up before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from datagen.calls.admission import Gate

T = TypeVar("T")


def may_run_ahead(gates: Iterable[Gate]) -> bool:
    """Whether an endpoint that answers nothing holds up the others, and each of them has room for more."""
    alive = [gate for gate in gates if not gate.given_up]
    free = [gate for gate in alive if not gate.is_stuck]
    return 0 < len(free) < len(alive) and all(gate.has_room for gate in free)


class Ends:
    """Tells whoever waits that another call has ended."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def happened(self) -> None:
        """A call ended."""
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    def next(self) -> asyncio.Future[None]:
        """Done once another call has ended."""
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_future()
        return self._next


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What comes of some work, or None where `stopping` is set before it ends; it is cancelled then."""
    under_way = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({under_way, stop}, return_when=asyncio.FIRST_COMPLETED)
        if under_way.done() or not stopping.is_set():
            return await under_way
        return None
    finally:
        under_way.cancel()
        stop.cancel()
