"""The process that starts and ends programs: small, exec'd, and without code or tests of its own.

datagen writes a request to the socket at standard input: a frame that says whether the tests are trusted and
whether other programs may run beside this one, which this process reads, and one with code and tests, which
only the checker reads. The checker alone hands the code on to the candidate. What the checker tells goes back
on the same line when the program's processes are killed. While a program runs, the processes for the next
one are forked: they wait, and know nothing yet.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from datagen.sandbox import candidate, clean, isolate, landlock, seccomp, wire
from datagen.sandbox.job import Job
from datagen.sandbox.processes import Candidate, Checker, Forks

#: What programs import most: forked processes find it loaded. Each library slows every fork.
_PRELOADED = (
    "abc array bisect cmath collections contextlib copy datetime decimal enum fractions functools heapq io"
    " itertools json math numbers operator os random re statistics string struct sys time types typing"
    " unicodedata warnings"
).split()
#: How many processes are forked ahead at a time: a fork makes the next writes to memory slow, here too.
_AHEAD = 4
#: So many calls of a function make the interpreter specialise it.
_REHEARSALS = 10
#: A checker that lasts is replaced after so many programs, so that leaks stay small.
_MOST_PROGRAMS = 1_000


def main(kind: type[Server] | None = None) -> int:
    """Serve until the socket at standard input ends, as a `Server` or what is derived from it."""
    isolate.end_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _preload()
    _rehearse()
    os.environ.clear()
    os.environ.update({"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": "/tmp", "TZ": "UTC"})
    place, wanted = sys.argv[1:3]
    isolate.use_only(wanted)
    for flags in _attempts():
        code = _launch(flags, place, kind or Server)
        if code is not None:
            return code
    return 1


def _preload() -> None:
    """Import what programs need, with a `random` that is the same in each of them."""
    register = os.register_at_fork
    os.register_at_fork = lambda **_: None  # or `random` would be seeded anew in each forked process
    try:
        for name in _PRELOADED:
            importlib.import_module(name)
    finally:
        os.register_at_fork = register
    from datagen.sandbox import deterministic  # it needs `random`

    deterministic.install()
    sys.modules["random"].seed(0)
    sys.dont_write_bytecode = True


def _rehearse() -> None:
    """Run a program here, so that the interpreter has specialised what a candidate does before the forks."""
    code = (
        "def f(items):\n    'Sum.'\n    return [sum(items), {'a': (1.5, items)}, ''.join(map(str, items))]\n"
    )
    call = ["call", None, "f", *map(wire.Encoder().encode, ([[1, 2]], {}))]
    for _ in range(_REHEARSALS):
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # both frames wait there
        with near, far, contextlib.suppress(wire.Closed):
            wire.send(near, {"code": code, "value_bytes": 1 << 20, "begins": 0})
            wire.send(near, call)
            near.shutdown(socket.SHUT_WR)
            candidate.serve(far)
    del sys.modules["solution"]


def _attempts() -> list[int]:
    """What to ask the kernel for, best first; 0 is nothing."""
    if not isolate.wants("namespaces"):
        return [0]
    with_user = isolate.SERVER_NAMESPACES | isolate.USER_NAMESPACE
    return [with_user, isolate.SERVER_NAMESPACES, 0] if os.getuid() == 0 else [with_user, 0]


def _launch(flags: int, place: str, kind: type[Server]) -> int | None:
    """Run a server below this process: its exit status, or None where the kernel refuses it."""
    here, there = socket.socketpair()
    try:
        pid = isolate.fork(flags)
    except OSError:
        return None
    if not pid:
        here.close()
        try:
            _serve(flags, place, there, kind)
        finally:
            os._exit(1)
    there.close()
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
    with contextlib.suppress(OSError):
        if flags & isolate.USER_NAMESPACE:
            isolate.map_users(pid)
        here.sendall(b"g")
    granted = here.recv(1) == b"y"
    if granted:  # this process must not keep the line open, nor be looked into
        isolate.hide_memory()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
    status = os.waitpid(pid, 0)[1]
    if granted:
        clean.empty(place)
        Path(place).rmdir()  # datagen does it too, unless it was killed
    return os.waitstatus_to_exitcode(status) if granted else None


def _serve(flags: int, place: str, launcher: socket.socket, kind: type[Server]) -> None:
    """What the forked server does: settle, say so, serve."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    isolate.end_with_parent()
    if launcher.recv(1) != b"g":
        return
    limits = json.loads(sys.argv[4])
    granted = ["seccomp", "rlimits"] if seccomp.granted() else ["rlimits"]
    if flags:
        isolate.make_root()
        isolate.make_tmp(limits["file_mb"])
        granted.insert(0, "namespaces")
        place = "/tmp"
    rules = landlock.ruleset(isolate.seen(), place)
    if rules is not None:
        granted.insert(-1, "landlock")
    isolate.adopt_orphans()
    isolate.hide_memory()
    os.environ["HOME"] = place
    os.environ["TMPDIR"] = place
    os.chdir(place)
    # Root stays root only where it can neither fork without end nor write.
    other = flags or not seccomp.granted() or rules is None or _readable_to_nobody()
    user = isolate.NOBODY if os.getuid() == 0 and other else None
    if user is not None and not flags:
        os.chown(place, user, user)
    sys.path[:], sys.argv[:] = [path for path in sys.path if path != sys.argv[3]], [""]
    with socket.socket(fileno=0) as line:
        forks = Forks(limits, line, user, rules, namespaces=bool(flags), settled=seccomp.granted())
        if seccomp.granted():
            _settle(user, rules)
        launcher.sendall(b"y")
        launcher.close()
        wire.send(line, "+".join(granted))
        gc.collect()
        gc.freeze()
        server = kind(line, forks, limits, place)
        with contextlib.suppress(wire.Closed):
            while server.program():
                pass
        server.end()
    os._exit(0)


def _settle(user: int | None, rules: int | None) -> None:
    """Give up here what no program may have: so each of them has less to do."""
    isolate.drop_privileges(user)
    if rules is not None:
        landlock.restrict(rules)
    isolate.end_with_parent()  # a change of the user undid it
    seccomp.install_shared()


def _readable_to_nobody() -> bool:
    """Whether a program can still import where it runs as another user."""
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.setresuid(isolate.NOBODY, isolate.NOBODY, isolate.NOBODY)
            Path(os.__file__).stat()
            os._exit(0)
        os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


class Server:
    """Runs one program after the other.

    Args:
        line: to datagen.
        forks: starts processes.
        limits: of each program.
        place: the temporary folder.
    """

    def __init__(self, line: socket.socket, forks: Forks, limits: dict[str, Any], place: str) -> None:
        self._line = line
        self._forks = forks
        self._limits = limits
        self._place = place
        self._candidates: list[Candidate] = []  # that wait for a program
        self._checkers: list[Checker] = []  # that wait for tests
        self._lasting: Checker | None = None  # the one that has had trusted tests

    def program(self) -> bool:
        """Run the next program and tell what came of it; whether there can be another one."""
        how = wire.receive(self._line, 1 << 16)
        lasting = bool(how["trusted"]) and self._forks.apart
        checker = self._checker(lasting)
        if lasting and not how["alone"]:
            checker.resident = first = checker.resident or self._forks.candidate(lasting=True)
        else:
            first = self._candidate()
        job = Job(self._line, self._candidate, self._limits, checker, first, bool(how["beside"]))
        if self._forks.apart and not self._candidates:
            self._candidates += [self._forks.candidate() for _ in range(_AHEAD)]
        if self._forks.apart and not lasting and not self._checkers:
            self._checkers += [self._forks.checker(lasting=False) for _ in range(_AHEAD)]
        try:
            answer = job.run()
        except wire.Closed:
            checker.kill()
            job.end()
            checker.end()
            raise
        job.kill()
        # What came near a limit in a process that had other programs is not their fault or luck.
        answer["again"] = job.in_resident and not (job.clean and checker.resident)
        keep = lasting and job.clean and checker.programs < _MOST_PROGRAMS
        if keep:
            self._lasting = checker
        else:
            checker.kill()
        try:
            wire.send(self._line, answer)
        finally:
            job.end()
            if not keep:
                checker.end()
        if not self._forks.apart:  # else no program leaves a process, and others wait
            isolate.end_children()  # orphans come to this process
        return (job.in_resident and job.clean) or self._swept()  # there no program can write a file

    def end(self) -> None:
        """Leave no process that waits."""
        lasting = [self._lasting] if self._lasting else []
        for checker in [*self._checkers, *lasting]:
            checker.kill()
            checker.end()
        for one in self._candidates:
            one.end()

    def _candidate(self) -> Candidate:
        """One for the next program."""
        return self._candidates.pop() if self._candidates else self._forks.candidate()

    def _checker(self, lasting: bool) -> Checker:
        """One for the next program."""
        if lasting:
            found, self._lasting = self._lasting, None
            return found or self._forks.checker(lasting=True)
        return self._checkers.pop() if self._checkers else self._forks.checker(lasting=False)

    def _swept(self) -> bool:
        """Whether the temporary folder is empty again."""
        try:
            with contextlib.suppress(PermissionError):  # where it is not ours, it is not the program's either
                Path(self._place).chmod(0o1777 if self._place == "/tmp" else 0o700)
            if any(os.scandir(self._place)):
                clean.empty(self._place)
        except OSError:  # the first versions of Landlock let nothing be moved
            return False
        return True
