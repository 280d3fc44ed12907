"""One program while it runs: its processes, their time, and what the checker tells."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from datagen.sandbox import isolate, wire
from datagen.sandbox.processes import BEYOND, Candidate, Checker

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 1.0
_TOLD_BYTES = 8 << 20
#: So many of the last bytes that a program printed are told.
_TAIL_BYTES = 2_000
#: Beside other programs, a test is near a limit of CPU time from this share of it on, up to `BEYOND`.
NEAR = 0.8
#: A program that uses less than this share of its wall time waits for something: no busy machine slows it.
_WAITS = 0.01


class Job:
    """Runs a program.

    Args:
        line: to datagen: the checker reads the program and its tests there.
        another: a candidate that waits, where the first one died or does not take the program.
        limits: of the program.
        checker: has not begun.
        first: the candidate that gets the program: the checker's resident, or one that waits.
        beside: whether other programs may run at the same time. Then its time is over a little later, and
            `run` tells whether it came near its limits.
    """

    def __init__(
        self,
        line: socket.socket,
        another: Callable[[], Candidate],
        limits: dict[str, Any],
        checker: Checker,
        first: Candidate,
        beside: bool,
    ) -> None:
        self._line = line
        self._another = another
        self._limits = limits
        more = BEYOND if beside else 1.0
        self._test_seconds, self._cpu_seconds = limits["test_seconds"] * more, limits["cpu_seconds"] * more
        self._beside = beside
        self._near = self._late = False  # whether the test was ended for its time
        self._checker = checker
        self._candidate: Candidate | None = None
        self._told = bytearray()
        self._printed = 0
        self._tail = b""
        #: Whether the resident has the program, or had it and is gone.
        self.in_resident = first is checker.resident
        # CPU time of candidates that have ended; of the time before
        self._spent = -cpu_of(checker.pid) - (cpu_of(first.pid) if self.in_resident else 0.0)
        self._began = self._began_there = 0.0  # CPU time of all when the test began, and of the checker
        self._ends = time.monotonic() + limits["wall_seconds"]
        self._watches = time.monotonic() + _POLL_SECONDS
        self._over = False
        self._why = b"k"
        self._interrupted = False
        #: Whether the checker is ready for another program.
        self.clean = False
        self._poll = select.poll()
        self._poll.register(checker.control, select.POLLIN)
        self._poll.register(line, getattr(select, "POLLRDHUP", select.POLLHUP))
        checker.programs += 1
        self._mark()
        self._start(first)

    def _start(self, started: Candidate) -> None:
        """Give the checker a candidate."""
        self._candidate = started
        self._poll.register(started.output, select.POLLIN)
        if started.channel.fileno() < 0:
            self._checker.control.sendall(b"r")
            return
        word = b"s" if started is self._checker.resident else b"y"
        socket.send_fds(self._checker.control, [word], [started.channel.fileno()])
        started.channel.close()

    def run(self) -> dict[str, Any]:
        """Wait until the checker has told all.

        Returns:
            ended: why the program was ended, or "".
            told: the lines of the checker.
            tail: the end of what the program printed, a character for each byte.
            near: whether the verdict has to be reached with nothing beside it.
            cpu_seconds: CPU time of the program and its tests.

        Raises:
            wire.Closed: datagen is gone.
        """
        while True:
            for descriptor, _ in self._poll.poll(_POLL_SECONDS * 1000):
                if descriptor == self._line.fileno():
                    raise wire.Closed
                if descriptor == self._checker.control.fileno():
                    if self._obey():
                        return self._answer("")
                    break  # descriptors may have changed
                if self._candidate and descriptor == self._candidate.output:
                    self._read_output()
            if time.monotonic() >= self._watches:
                if self._listen():
                    self._mark()  # of the last test: the next one has begun
                if self._watch():
                    return self._answer("timeout")
                if len(self._told) >= _TOLD_BYTES:
                    return self._answer("")

    def _answer(self, ended: str) -> dict[str, Any]:
        self._drain()
        used = self._cpu()
        self._mark()
        return {
            "ended": ended,
            "told": self._all_told(),
            "tail": self._tail.decode("latin-1"),
            "near": self._beside and self._near,
            "cpu_seconds": round(used, 4),
        }

    def _listen(self) -> bool:
        """Read what the checker has told; whether there was anything. Nobody wakes up for it at once."""
        told = len(self._told)
        with contextlib.suppress(BlockingIOError):
            while len(self._told) < _TOLD_BYTES and (part := os.read(self._checker.told, 1 << 16)):
                self._told += part
        return len(self._told) > told

    def _all_told(self) -> str:
        self._listen()
        self.clean = self.clean and len(self._told) < _TOLD_BYTES
        return self._told.decode(errors="replace")

    def _mark(self) -> None:
        """A test ends, and the next one begins."""
        if self._beside:
            self._weigh()
        self._late = False
        self._began, self._began_there = self._cpu(), cpu_of(self._checker.pid)

    def _weigh(self) -> None:
        """Look whether the test that ends decides nothing that another machine may decide otherwise.

        One that was ended counts with its limit, as it does where nothing else runs.
        """
        used, limit = self._cpu(), self._limits["cpu_seconds"]
        own = used - self._began
        if self._late:
            self._spent -= max(own - self._limits["test_seconds"], 0.0)
            self._over = self._over or self._cpu() >= limit
        elif not self._over and max(own / self._limits["test_seconds"], used / limit) >= NEAR:
            self._near = True

    def _read_output(self) -> None:
        assert self._candidate is not None  # noqa: S101 - it is its output
        part = os.read(self._candidate.output, 1 << 16)
        left = self._limits["output_bytes"] - self._printed
        if left > 0:  # what comes later depends on when the program is ended
            self._tail = (self._tail + part[:left])[-_TAIL_BYTES:]
        self._printed += len(part)
        if not part:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._candidate.output)
        if self._printed > self._limits["output_bytes"]:
            self._kill_candidate(b"o")

    def _drain(self) -> None:
        """Read what the candidate has printed until now."""
        while self._candidate and self._printed <= self._limits["output_bytes"]:
            if not select.select([self._candidate.output], [], [], 0)[0]:
                return
            before = self._printed
            self._read_output()
            if self._printed == before:  # it is closed
                return

    def _obey(self) -> bool:
        """Do what the checker asks for; whether it is done."""
        words = self._checker.control.recv(64)
        for word in words:
            if word == ord("T"):
                self._mark()
            elif word == ord("W"):
                self._reap()
                self._checker.control.sendall(self._why)
            elif word == ord("C"):
                self._again()
            elif word == ord("F"):
                self._leave_resident()
        self.clean = words[-1:] == b"D" and not self._over and not self._interrupted
        return not words or words[-1:] in (b"D", b"E")

    def _again(self) -> None:
        self._reap()
        if self._over:
            self._checker.control.sendall(b"t")
            return
        self._why = b"k"
        self._start(self._another())

    def _leave_resident(self) -> None:
        """Give the program, which the resident does not take, a process of its own."""
        assert self._candidate is not None  # noqa: S101 - it has just answered
        self._spent += cpu_of(self._candidate.pid)
        self._poll.unregister(self._candidate.output)
        self.in_resident = False
        self._start(self._another())

    def _watch(self) -> bool:
        """End what ran too long; whether the checker itself did."""
        used, now = self._cpu(), time.monotonic()
        self._watches = now + _POLL_SECONDS
        if now > self._ends and used > _WAITS * self._limits["wall_seconds"]:
            self._near = True
        if used > self._cpu_seconds or now > self._ends:
            self._over = True
        late = max(used - self._began - self._test_seconds, used - self._cpu_seconds)
        self._late = self._late or late > 0 or self._over
        itself = 2 * (cpu_of(self._checker.pid) - self._began_there) > used - self._began
        if self._over or (late > 0 and not itself) or late > _GRACE_SECONDS / 2:
            self._kill_candidate(b"t")
        if (late > 0 and itself) or late > _GRACE_SECONDS / 2 or now > self._ends + _GRACE_SECONDS / 2:
            self._interrupted = True
            with contextlib.suppress(OSError):
                os.kill(self._checker.pid, signal.SIGUSR1)
        return bool(late > _GRACE_SECONDS or now > self._ends + _GRACE_SECONDS)

    def _cpu(self) -> float:
        there = cpu_of(self._candidate.pid) if self._candidate else 0.0
        return self._spent + there + cpu_of(self._checker.pid)

    def _kill_candidate(self, why: bytes) -> None:
        if self._candidate and self._why == b"k":
            self._why = why
            self._candidate.kill()

    def _reap(self) -> None:
        if self._candidate is None:
            return
        self._drain()
        if self._candidate is self._checker.resident:
            self._checker.resident = None
        used, status = self._candidate.end()
        self._spent += used
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            self._why = b"t"
        with contextlib.suppress(KeyError):
            self._poll.unregister(self._candidate.output)
        self._candidate = None

    def kill(self) -> None:
        """Make the program end; the checker and its resident stay."""
        if self._candidate is not self._checker.resident:
            self._kill_candidate(b"k")

    def end(self) -> None:
        """Wait for the end of the program."""
        if self._candidate is not self._checker.resident:
            self._reap()


def cpu_of(pid: int) -> float:
    """CPU time of a process, in seconds; 0 for one that is gone."""
    if not isolate.LINUX:
        return 0.0
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the kernel's name for the clock of a process
    except OSError:
        return 0.0
