"""The process that starts and ends programs: small, exec'd, and without code or tests of its own.

datagen writes a request to the socket at standard input: a frame with the limits, which this process reads,
and one with code and tests, which only the checker reads. The checker alone hands the code on to the
candidate. What the checker tells goes back on the same line when no process of the program is left.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from datagen.sandbox import candidate, checker, clean, isolate, landlock, seccomp, wire

#: What programs import most: forked processes find it loaded. Each library slows every fork.
_PRELOADED = (
    "abc ast array bisect calendar cmath collections contextlib copy dataclasses datetime decimal"
    " enum fractions functools heapq inspect io itertools json math numbers operator os random re statistics"
    " string struct sys textwrap time traceback types typing unicodedata warnings"
).split()
_POLL_SECONDS = 0.02
_GRACE_SECONDS = 1.0
_TOLD_BYTES = 8 << 20
_NO_PROCESSES = 64


def main() -> int:
    """Serve until the socket at standard input ends."""
    isolate.end_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _PRELOADED:
        importlib.import_module(name)
    os.environ.clear()
    os.environ.update({"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": "/tmp"})
    place, wanted = sys.argv[1:3]
    isolate.use_only(wanted)
    for flags in _attempts():
        code = _launch(flags, place)
        if code is not None:
            return code
    return 1


def _attempts() -> list[int]:
    """What to ask the kernel for, best first; 0 is nothing."""
    if not isolate.wants("namespaces"):
        return [0]
    with_user = isolate.SERVER_NAMESPACES | isolate.USER_NAMESPACE
    return [with_user, isolate.SERVER_NAMESPACES, 0] if os.getuid() == 0 else [with_user, 0]


def _launch(flags: int, place: str) -> int | None:
    """Run a server below this process: its exit status, or None where the kernel refuses it."""
    here, there = socket.socketpair()
    try:
        pid = isolate.fork(flags)
    except OSError:
        return None
    if not pid:
        here.close()
        try:
            _serve(flags, place, there)
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


def _serve(flags: int, place: str, launcher: socket.socket) -> None:
    """What the forked server does: settle, say so, serve."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    isolate.end_with_parent()
    if launcher.recv(1) != b"g":
        return
    granted = ["seccomp", "rlimits"] if seccomp.granted() else ["rlimits"]
    if flags:
        isolate.make_root()
        isolate.make_tmp(64)
        granted.insert(0, "namespaces")
        if seccomp.granted():
            seccomp.prepared(1)
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
    launcher.sendall(b"y")
    launcher.close()
    with socket.socket(fileno=0) as line:
        wire.send(line, "+".join(granted))
        gc.collect()
        gc.freeze()
        server = Server(line, bool(flags), place, user, rules)
        with contextlib.suppress(wire.Closed):
            while True:
                server.program()
    os._exit(0)


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
        namespaces: whether processes get a pid namespace of their own.
        place: the temporary folder.
        user: whom programs run as, if not as this process.
        rules: of Landlock, where there is some.
    """

    def __init__(
        self, line: socket.socket, namespaces: bool, place: str, user: int | None, rules: int | None
    ) -> None:
        self.rules = rules
        self.line = line
        self.namespaces = namespaces
        self.place = place
        self.user = user
        self.tmp_mb = 64

    def program(self) -> None:
        """Run the next program and tell what came of it."""
        limits = wire.receive(self.line, 1 << 16)
        if self.namespaces and limits["file_mb"] != self.tmp_mb:
            self._renew(limits["file_mb"])
        job = Job(self, limits)
        try:
            answer = job.run()
        finally:
            job.end()
        if any(os.scandir(self.place)):
            self._renew(limits["file_mb"])
        wire.send(self.line, answer)

    def _set_rules(self) -> None:
        """Landlock knows files, not names: a new folder needs new rules."""
        if self.rules is not None:
            os.close(self.rules)
            self.rules = landlock.ruleset(isolate.seen(), self.place)

    def _renew(self, megabytes: int) -> None:
        if not self.namespaces:
            clean.empty(self.place)
            return
        os.chdir("/")
        isolate.make_tmp(megabytes)
        os.chdir("/tmp")
        self.tmp_mb = megabytes
        self._set_rules()

    def confine(self, limits: dict[str, Any]) -> None:
        """Take from a forked process what it does not need."""
        processes = _NO_PROCESSES if self.namespaces or self.user is not None else None
        if not (processes or seccomp.granted()):
            processes = _NO_PROCESSES + isolate.processes_of_user()
        isolate.limit(limits["cpu_seconds"], limits["memory_mb"], limits["file_mb"], processes)
        os.setsid()
        isolate.drop_privileges(self.user)
        if self.rules is not None:
            landlock.restrict(self.rules)
        isolate.end_with_parent()
        if seccomp.granted():
            seccomp.install()

    def fork(self) -> int:
        """A child, in a pid namespace of its own where there are some."""
        return isolate.fork(isolate.NEW_PID if self.namespaces else 0)


class Job:
    """One program: its processes, their time, and what the checker tells."""

    def __init__(self, server: Server, limits: dict[str, Any]) -> None:
        self._server = server
        self._limits = limits
        self._told = bytearray()
        self._printed = 0
        self._spent = 0.0  # CPU time of candidates that have ended
        self._began = 0.0  # CPU time of all when the test began
        self._began_there = 0.0  # and of the checker
        self._ends = time.monotonic() + limits["wall_seconds"]
        self._over = False
        self._why = b"k"
        self._candidate = 0
        self._output = -1
        self._control, far_control = socket.socketpair()
        channel, far_channel = socket.socketpair()
        self._told_by, tell = os.pipe()
        self._checker = server.fork()
        if not self._checker:
            _child(lambda: self._check(far_control, channel, tell))
        self._poll = select.poll()
        far_control.close()
        channel.close()
        os.close(tell)
        self._start(far_channel)
        self._poll.register(self._told_by, select.POLLIN)
        self._poll.register(self._control, select.POLLIN)
        self._poll.register(server.line, getattr(select, "POLLRDHUP", select.POLLHUP))

    def _check(self, control: socket.socket, channel: socket.socket, tell: int) -> None:
        request = wire.receive(self._server.line, 1 << 31)
        self._server.confine(self._limits)
        _keep([control, channel, tell], None)
        control, channel = socket.socket(fileno=3), socket.socket(fileno=4)
        value_bytes = self._limits["value_mb"] << 20
        request |= {"value_bytes": value_bytes, "restarts": self._limits["restarts"]}
        checker.serve(request, control, channel, checker.teller(5, request.pop("seal")))

    def _start(self, channel: socket.socket) -> None:
        """Fork a candidate at one end of a channel."""
        output, printed = os.pipe()
        self._candidate = self._server.fork()
        if not self._candidate:
            _child(lambda: self._execute(channel, printed))
        os.close(printed)
        channel.close()
        self._output = output
        self._poll.register(output, select.POLLIN)

    def _execute(self, channel: socket.socket, printed: int) -> None:
        self._server.confine(self._limits)
        _keep([channel], printed)
        candidate.serve(socket.socket(fileno=3))

    def run(self) -> list[str]:
        """Wait until the checker has told all: `[why it was ended or "", lines]`."""
        while True:
            for descriptor, _ in self._poll.poll(_POLL_SECONDS * 1000):
                if descriptor == self._server.line.fileno():
                    raise wire.Closed
                if descriptor == self._output:
                    self._read_output()
                elif descriptor == self._control.fileno():
                    self._obey()
                    break  # descriptors may have changed
                elif descriptor == self._told_by and not self._listen():
                    return ["", self._told.decode(errors="replace")]
            if self._watch():
                return ["timeout", self._told.decode(errors="replace")]

    def _listen(self) -> bool:
        part = os.read(self._told_by, 1 << 16)
        self._told += part
        return bool(part) and len(self._told) < _TOLD_BYTES

    def _read_output(self) -> None:
        part = os.read(self._output, 1 << 16)
        self._printed += len(part)
        if not part:
            self._poll.unregister(self._output)
        if self._printed > self._limits["output_bytes"]:
            self._kill_candidate(b"o")

    def _obey(self) -> None:
        for word in self._control.recv(64):
            if word == ord("T"):
                self._began, self._began_there = self._cpu(), _cpu_of(self._checker)
            elif word == ord("W"):
                self._reap()
                self._control.sendall(self._why)
            elif word == ord("C"):
                self._again()

    def _again(self) -> None:
        self._reap()
        if self._over:
            self._control.sendall(b"t")
            return
        self._why = b"k"
        near, far = socket.socketpair()
        self._start(far)
        with near:
            socket.send_fds(self._control, [b"y"], [near.fileno()])

    def _watch(self) -> bool:
        """End what ran too long; whether the checker itself did."""
        used, now = self._cpu(), time.monotonic()
        if used > self._limits["cpu_seconds"] or now > self._ends:
            self._over = True
        late = max(used - self._began - self._limits["test_seconds"], used - self._limits["cpu_seconds"])
        itself = 2 * (_cpu_of(self._checker) - self._began_there) > used - self._began
        if self._over or (late > 0 and not itself) or late > _GRACE_SECONDS / 2:
            self._kill_candidate(b"t")
        if (late > 0 and itself) or late > _GRACE_SECONDS / 2 or now > self._ends + _GRACE_SECONDS / 2:
            with contextlib.suppress(OSError):
                os.kill(self._checker, signal.SIGUSR1)
        return bool(late > _GRACE_SECONDS or now > self._ends + _GRACE_SECONDS)

    def _cpu(self) -> float:
        return self._spent + _cpu_of(self._candidate) + _cpu_of(self._checker)

    def _kill_candidate(self, why: bytes) -> None:
        if self._candidate and self._why == b"k":
            self._why = why
            os.kill(self._candidate, signal.SIGKILL)

    def _reap(self) -> None:
        if not self._candidate:
            return
        os.kill(self._candidate, signal.SIGKILL)
        _, status, usage = os.wait4(self._candidate, 0)
        used = usage.ru_utime + usage.ru_stime
        self._spent += used
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            self._why = b"t"
        self._candidate = 0
        with contextlib.suppress(KeyError):
            self._poll.unregister(self._output)
        os.close(self._output)
        self._output = -1

    def end(self) -> None:
        """Leave no process and no descriptor."""
        self._reap()
        os.kill(self._checker, signal.SIGKILL)
        os.waitpid(self._checker, 0)
        isolate.end_children()  # orphans come to this process
        self._control.close()
        os.close(self._told_by)


def _cpu_of(pid: int) -> float:
    if not pid or not isolate.LINUX:
        return 0.0
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the kernel's name for the clock of a process
    except OSError:
        return 0.0


def _child(act: Any) -> None:  # noqa: ANN401
    """Do it in a forked process, and never come back."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        act()
    finally:
        os._exit(0)


def _keep(kept: list[Any], output: int | None) -> None:
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
