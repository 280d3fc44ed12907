"""The processes that screen programs: a server, which runs none of them, and workers that it throws away.

A worker runs the harmless programs (harmless.py) of many requests one after the other, with the inputs of
each, and tells what each program showed as soon as it is done. A program that is not harmless, that ended its
worker, or of which a request says so, gets a worker to itself. Both are confined as the candidates of the
server are.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import marshal
import os
import resource
import select
import signal
import socket
import sys
import time
import types
import warnings
from typing import Any

from datagen.sandbox import harmless, server, wire
from datagen.sandbox.job import cpu_of
from datagen.sandbox.runner import Input, Runner, Sought, kind_of

#: What a worker says of itself before what a program showed: it goes on, or is spent. Nothing more follows
#: where the program needs a worker to itself, and where it was given inputs.
_GOES_ON, _SPENT = b"g", b"s"
_POLL_SECONDS = 0.02
_GRACE_SECONDS = 0.2
_ANSWER_BYTES = 32 << 20
#: A worker ends after so many programs, and once it has held so much more memory than at its start.
_PROGRAMS = 5_000
_GROWTH_KB = 64 << 10
_FIXED = frozenset({str, int, float, bool, type(None)})
_LINE = 251  # the descriptor of a worker to the server
_ENDED = {why: f'{{"detail":"{why}","functions":{{}},"found":[]}}'.encode() for why in ("timeout", "killed")}


def main() -> int:
    """Serve until the socket at standard input ends."""
    _give_foreign(f"{sys.argv[3]}/decontam/translate")
    return server.main(Screener)


def _give_foreign(folder: str) -> None:
    """Let programs import `foreign`, on which translations of other languages to Python are built.

    They see nothing of it but what they need: the names of its parts are no names of theirs.
    """
    sys.path.insert(0, folder)
    whole = importlib.import_module(harmless.FOREIGN)
    sys.path.pop(0)
    seen = sys.modules[harmless.FOREIGN] = types.ModuleType(harmless.FOREIGN)
    seen.T_ = whole.T_  # type: ignore[attr-defined]


class _Ended(Exception):
    """A worker is gone, or has to go: "timeout" or "killed"."""


class _Child:
    """A forked process: its number, the socket to it, and what it sent that nobody has read yet."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.line = line
        self._read = bytearray()

    def frame(self) -> bytes | None:
        """The next frame, if it is there."""
        size = int.from_bytes(self._read[:4], "little")
        if size > _ANSWER_BYTES:
            raise _Ended("killed")
        if len(self._read) < 4 or len(self._read) < 4 + size:
            return None
        found = bytes(self._read[4 : 4 + size])
        del self._read[: 4 + size]
        return found

    def listen(self) -> None:
        """Read what is there."""
        try:
            part = self.line.recv(1 << 18)
        except OSError:
            part = b""
        if not part:
            raise _Ended("killed")
        self._read += part

    def end(self) -> None:
        """Leave no process."""
        self.line.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Screener(server.Server):
    """Screens one batch of programs after the other."""

    def __init__(self, *given: Any) -> None:  # noqa: ANN401 - as of Server
        super().__init__(*given)
        warnings.simplefilter("ignore")
        time.sleep = _at_once  # type: ignore[assignment] # there it takes whatever is an index, too
        self._harmless = harmless.Harmless()
        self._watch = harmless.Watch()
        self._written: list[Any] = []  # inputs
        self._sought: Sought | None = None  # what programs are compared with
        self._inputs: list[Input] | None = None  # the same, where a worker was forked that has them
        self._has_inputs = False  # whether the resident has them
        self._allowed: dict[str, Any] = {}
        self._clean = True  # whether the temporary folder is empty
        self._resident: _Child | None = None
        gc.collect()
        gc.freeze()

    def program(self) -> bool:
        """Screen the next batch and tell what came of it: a frame for each program, all in one.

        Returns:
            Whether there can be another one.
        """
        try:
            batch = wire.receive(self._line, 1 << 31)
        except wire.Closed:
            self._end_resident()
            raise
        if batch["limits"] != self._allowed:
            self._end_resident()
            self._allowed = batch["limits"]
        if "inputs" in batch:
            self._written, self._inputs, self._has_inputs = batch["inputs"], None, False
            self._sought = batch["sought"]
        codes = batch["codes"]
        told = [b""] * len(codes)
        waiting = [] if batch["alone"] else list(range(len(codes)))
        while waiting:
            waiting = waiting[self._together([codes[number] for number in waiting], waiting, told) :]
        for number, code in enumerate(codes):
            if not told[number]:
                told[number] = self._alone(code)
        body = b"".join(len(one).to_bytes(4, "little") + one for one in told)
        self._line.sendall(len(body).to_bytes(4, "little") + body)
        return self._clean

    def _together(self, codes: list[str], numbers: list[int], told: list[bytes]) -> int:
        """Have programs screened by the worker that others used; for how many that is settled."""
        worker = self._with_inputs()
        with contextlib.suppress(wire.Closed):  # then it ended while it was idle, and tells nothing
            wire.send(worker.line, [codes, None, None])
        for done, number in enumerate(numbers):
            try:
                word, text = self._answer(worker)
            except _Ended as ended:
                self._end_resident()
                if str(ended) == "timeout":
                    told[number] = _ENDED["timeout"]
                return done + 1  # what was killed is asked again, alone
            told[number] = text
            if word == _SPENT:
                self._end_resident()
                return done + 1
        return len(codes)

    def _with_inputs(self) -> _Child:
        """The worker that others used, which has the inputs now; a new one where that cannot read them.

        To read them is no part of a program, and takes none of its time.
        """
        worker = self._resident
        if worker is not None and not self._has_inputs:
            try:
                with contextlib.suppress(wire.Closed):
                    wire.send(worker.line, [[], self._written, self._sought])
                self._answer(worker)
            except _Ended:
                self._end_resident()
        if self._resident is None:
            self._resident = self._fork(shared=True)
        self._has_inputs = True
        return self._resident

    def _alone(self, code: str) -> bytes:
        """What a program shows in a worker of its own."""
        worker = self._fork(shared=False)
        try:
            wire.send(worker.line, [[code], None, None])
            return self._answer(worker)[1]
        except (_Ended, wire.Closed) as ended:
            return _ENDED["timeout" if str(ended) == "timeout" else "killed"]
        finally:
            worker.end()
            self._clean = self._swept() and self._clean

    def _fork(self, *, shared: bool) -> _Child:
        if self._inputs is None:
            self._inputs = [_input(written) for written in self._written]
        inputs = self._inputs
        return _Child(*self._forks.worker(lambda line: self._work(line, inputs, shared=shared)))

    def _work(self, line: socket.socket, inputs: list[Input], *, shared: bool) -> None:
        os.dup2(line.detach(), _LINE)  # `open(3)` is what a function does that is called with 3
        os.close(3)
        judge = self._harmless if shared else None
        runner = Runner(inputs, self._allowed, judge, self._watch, self._sought)
        _serve(socket.socket(fileno=_LINE), runner)

    def _answer(self, worker: _Child) -> tuple[bytes, bytes]:
        """What a worker tells of its next program.

        Raises:
            _Ended: it ended, or runs too long.
            Closed: datagen is gone.
        """
        poll = select.poll()
        poll.register(worker.line, select.POLLIN)
        poll.register(self._line, getattr(select, "POLLRDHUP", select.POLLHUP))
        began = cpu_of(worker.pid)
        moved = time.monotonic()
        ends, used = moved + self._allowed["wall_seconds"], 0.0
        while (frame := worker.frame()) is None:
            for descriptor, _ in poll.poll(_POLL_SECONDS * 1000):
                if descriptor == self._line.fileno():
                    raise wire.Closed
                worker.listen()
            before, used, now = used, cpu_of(worker.pid) - began, time.monotonic()
            moved = now if used > before else moved
            if used > self._allowed["cpu_seconds"] + _GRACE_SECONDS or now > ends:
                raise _Ended("timeout")
            if now - moved > self._allowed["idle_seconds"]:
                raise _Ended("timeout")
        return frame[:1], frame[1:]

    def _end_resident(self) -> None:
        if self._resident is not None:
            self._resident.end()
            self._resident = None


def _at_once(seconds: float, /) -> None:
    """Stands for `time.sleep`: waiting changes no result, and would keep other programs waiting."""


def _input(written: Any) -> Input:  # noqa: ANN401 - JSON
    """How many arguments there are, what makes them anew (or gives them if they are fixed), and their kind.

    The kind is found here, once: it would take the time of the first program that needs it.
    """
    decode = wire.Decoder().decode
    with contextlib.suppress(ValueError):  # what holds a type that marshal does not know
        packed = marshal.dumps(decode(written))
        value = marshal.loads(packed)
        if wire.Encoder().encode(value) == written:
            fixed = all(type(one) in _FIXED for one in value)
            make = (lambda: value) if fixed else (lambda: marshal.loads(packed))
            return len(written) - 1, make, kind_of(value)
    return len(written) - 1, lambda: decode(written), kind_of(decode(written))


def _serve(line: socket.socket, runner: Runner) -> None:
    """Screen what comes until nobody asks any more."""
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + _GROWTH_KB
    left = _PROGRAMS
    gc.freeze()  # what is there now lasts: `gc.collect` after each program need not look at it
    runner.start()
    while True:
        codes, inputs, sought = wire.receive(line, 1 << 31)
        if inputs is not None:
            runner.give([_input(written) for written in inputs], sought)
            gc.freeze()
            _tell(line, _GOES_ON)
        for code in codes:
            left -= 1
            told = runner.screened(code)
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            body = _SPENT if runner.spent or left == 0 or held > grown else _GOES_ON
            if told is not None:
                body += json.dumps(told, separators=(",", ":")).encode()
            _tell(line, body)


def _tell(line: socket.socket, body: bytes) -> None:
    line.sendall(len(body).to_bytes(4, "little") + body)
