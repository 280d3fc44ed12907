"""The processes of a program: how they are forked, what each keeps, and what it gives up."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps
import contextlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from datagen.sandbox import candidate, checker, isolate, landlock, seccomp
from datagen.sandbox.resident import Resident

#: Threads and processes of the user that programs run as: of one server, or of all where they share the user.
_OF_ONE, _OF_ALL = 64, 1024
#: Where programs run beside each other, each is ended at this share of a limit of CPU time.
BEYOND = 1.2
#: Calls under way in each process where it begins: no less than at any place where one is forked.
_DEPTH = 11


class Candidate:
    """A process that waits for a program, seen from the server.

    Args:
        pid: its number.
        channel: the end of its channel that a checker gets; closed once one has it.
        output: where it can be read what the program prints.
    """

    def __init__(self, pid: int, channel: socket.socket, output: int) -> None:
        self.pid = pid
        self.channel = channel
        self.output = output

    def kill(self) -> None:
        """Make it end."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> tuple[float, int]:
        """Kill it and wait for its end: the CPU time that it used, and its status."""
        os.kill(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        self.channel.close()
        os.close(self.output)
        return usage.ru_utime + usage.ru_stime, status


class Checker:
    """A process that waits for a program's tests, seen from the server.

    Args:
        pid: its number.
        control: the server says on it what to do, and the checker what it needs.
        told: what it tells can be read there, without waiting.
    """

    def __init__(self, pid: int, control: socket.socket, told: int) -> None:
        os.set_blocking(told, False)
        self.pid = pid
        self.control = control
        self.told = told
        #: How many programs it has had.
        self.programs = 0
        #: The candidate that it asks for one program after the other.
        self.resident: Candidate | None = None

    def kill(self) -> None:
        """Make it end, and its resident."""
        os.kill(self.pid, signal.SIGKILL)
        if self.resident:
            self.resident.kill()

    def end(self) -> None:
        """Wait until it has ended, by `kill`."""
        os.waitpid(self.pid, 0)
        if self.resident:
            self.resident.end()
        self.control.close()
        os.close(self.told)


class Forks:
    """Starts the processes of one server.

    Args:
        limits: of each program.
        line: to datagen; only a checker keeps it, to read tests.
        user: whom programs run as, if not as this process.
        rules: of Landlock, where there is some.
        namespaces: whether this process can make namespaces.
        settled: whether this process has given up all that programs must not have, except to fork and to
            kill, which it needs itself.
    """

    def __init__(
        self,
        limits: dict[str, Any],
        line: socket.socket,
        user: int | None,
        rules: int | None,
        *,
        namespaces: bool,
        settled: bool,
    ) -> None:
        self._limits = limits
        self._line = line
        self._user = user
        self._rules = rules
        self._own = seccomp.Own(shares_files=not namespaces) if settled else None
        self._flags = isolate.NEW_PID if namespaces and not settled else 0
        processes = _OF_ONE if namespaces else None if user is None else _OF_ALL
        cpu_seconds = limits["cpu_seconds"] * (BEYOND if isolate.LINUX else 1)  # there the server watches it
        self._rlimits = isolate.limits_of(cpu_seconds, limits["memory_mb"], limits["file_mb"], processes)
        if settled:  # what this process can do with too is inherited
            mine = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)
            isolate.limit({kind: self._rlimits.pop(kind) for kind in mine})
        self._counts_user = processes is None and not settled  # RLIMIT_NPROC is all that stops forks
        self._lasting = {**self._rlimits}
        self._lasting.pop(resource.RLIMIT_CPU)  # it has many programs; the server watches each one's time
        #: Whether processes cannot reach each other, so that some may wait while a program runs.
        self.apart = namespaces or settled

    def candidate(self, *, lasting: bool = False) -> Candidate:
        """A process that waits for a program; for one, or for many that are harmless, one after the other."""
        near, far = socket.socketpair()
        output, printed = os.pipe()
        pid = self._fork(
            self._lasting if lasting else self._rlimits,
            [far],
            printed,
            lambda: candidate.serve(_at(3), Resident() if lasting else None),
        )
        far.close()
        os.close(printed)
        return Candidate(pid, near, output)

    def checker(self, *, lasting: bool) -> Checker:
        """A process that waits for tests; of one program, or of many, one after the other."""
        near, far = socket.socketpair()
        told, tell = os.pipe()
        more = {
            "value_bytes": self._limits["value_mb"] << 20,
            "restarts": self._limits["restarts"],
            "lasting": lasting,
        }
        pid = self._fork(
            self._lasting if lasting else self._rlimits,
            [far, self._line, tell],
            None,
            lambda: checker.attend(_at(3), _at(4), 5, more),
        )
        far.close()
        os.close(tell)
        return Checker(pid, near, told)

    def worker(self, act: Callable[[socket.socket], object]) -> tuple[int, socket.socket]:
        """The number of a process that does `act` with its end of a channel, and the other end."""
        near, far = socket.socketpair()
        pid = self._fork(self._rlimits, [far], None, lambda: act(_at(3)))
        far.close()
        return pid, near

    def _fork(
        self,
        rlimits: dict[int, int],
        kept: Sequence[int | socket.socket],
        output: int | None,
        act: Callable[[], object],
    ) -> int:
        if self._counts_user:
            rlimits = {**rlimits, resource.RLIMIT_NPROC: _OF_ONE + isolate.processes_of_user()}
        pid = isolate.fork(self._flags)
        if pid:
            return pid
        try:
            isolate.limit(rlimits)
            if self._own is None:
                os.setsid()
                isolate.drop_privileges(self._user)
                if self._rules is not None:
                    landlock.restrict(self._rules)
            isolate.end_with_parent()
            if self._own is not None:
                self._own.install()
            _keep(kept, output)
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)  # `signal` would make enums of it
            with contextlib.suppress(BaseException):
                _at_depth(act, _depth())
        finally:
            os._exit(0)


def _depth() -> int:
    """How many calls are under way."""
    depth, frame = 0, sys._getframe().f_back
    while frame:
        depth, frame = depth + 1, frame.f_back
    return depth


def _at_depth(act: Callable[[], object], depth: int) -> None:
    """Act below as many calls wherever the fork was: recursion ends after as many calls in each process."""
    if depth < _DEPTH:
        _at_depth(act, depth + 1)
    else:
        act()


def _at(descriptor: int) -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptor)  # or it would ask the kernel


def _keep(kept: Sequence[int | socket.socket], output: int | None) -> None:
    """Leave the descriptors `kept` as 3, 4 and so on; standard output goes to `output` or nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    free = 200  # above all that are open
    os.dup2(null, free)
    os.dup2(null if output is None else output, free + 1)
    for number, descriptor in enumerate(kept):
        os.dup2(descriptor if isinstance(descriptor, int) else descriptor.fileno(), free + 2 + number)
    os.dup2(free, 0)
    os.dup2(free + 1, 1)
    os.dup2(free + 1, 2)
    for number in range(len(kept)):
        os.dup2(free + 2 + number, 3 + number)
    os.closerange(3 + len(kept), 1 << 16)
