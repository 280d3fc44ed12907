"""Claims on calls: of processes that share a journal, one at a time makes a call, the others wait for it.

A claim is a lock of the kernel's on one byte of a file beside the journal. It ends with its process, so
that a killed one blocks nobody, and it costs no write to the disk.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from datagen import progress

#: Seconds between two looks at a call that another process makes, first and at most.
_FIRST_LOOK, _LONGEST_LOOK = 0.05, 0.5
#: After so many seconds the user is told that calls wait for another process.
_TOLD_SECONDS = 2.0
#: A process that was stopped, or hangs, keeps its claims; after so long the others go on without it.
LONGEST_WAIT = 900.0


class Claims:
    """The calls that this process makes now. Batches have claims of their own, which outlive a process."""

    def __init__(self, journal: Path) -> None:
        """Claim calls of the journal at this path; the file is opened with the first claim."""
        self._path = journal.with_name(f"{journal.name}-claims")
        self._handle: int | None = None
        self._told = False

    @asynccontextmanager
    async def claimed(self, key: str, stopping: asyncio.Event) -> AsyncIterator[None]:
        """Hold the claim on the call with this key, as soon as no other process does.

        The block begins without the claim where locks do not work, when `stopping` is set, and after
        `LONGEST_WAIT`.
        """
        await self._take(key, stopping)
        try:
            yield
        finally:
            self._lock(key, fcntl.F_UNLCK)

    async def _take(self, key: str, stopping: asyncio.Event) -> None:
        wait, began = _FIRST_LOOK, time.monotonic()
        while not self._lock(key, fcntl.F_WRLCK):
            waited = time.monotonic() - began
            if stopping.is_set() or waited > LONGEST_WAIT:
                return
            if waited > _TOLD_SECONDS and not self._told:
                self._told = True
                progress.say("Waiting for another process that asks the same; its answers are used here too")
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), wait)
            wait = min(2 * wait, _LONGEST_LOOK)

    def close(self) -> None:
        """Give all claims back."""
        if self._handle is not None:
            os.close(self._handle)

    def _lock(self, key: str, kind: int) -> bool:
        """Change the lock on the byte of a key; returns False if another process has it."""
        # Where no lock is to be had, two processes may both pay: better than that neither can work.
        if (handle := self._opened()) is None:
            return True
        at = int(key[:15], 16)
        try:
            if hasattr(fcntl, "F_OFD_SETLK"):  # unlike older locks, it ends with this file's handle alone
                fcntl.fcntl(handle, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, at, 1, 0))
            else:
                how = fcntl.LOCK_UN if kind == fcntl.F_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB
                fcntl.lockf(handle, how, 1, at)
        except OSError as error:
            return error.errno not in {errno.EAGAIN, errno.EACCES}
        return True

    def _opened(self) -> int | None:
        if self._handle is None:
            with suppress(OSError):
                self._handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        return self._handle
