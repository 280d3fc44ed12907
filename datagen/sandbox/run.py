"""Runs a program against tests: `await run(code, tests)`, or many of them in one `Sandbox`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar

from datagen.errors import DatagenError, escaped, one_line
from datagen.sandbox.verdict import DEFAULT, Limits, Outcome, Verdict, judged

_ROOT = str(Path(__file__).parents[2])
_START = "import sys; sys.path.insert(0, sys.argv[3]); from datagen.sandbox import {0}; sys.exit({0}.main())"
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
#: The variable with the layers that may be used, joined by "+"; all are used where it is not set.
ONLY = "DATAGEN_SANDBOX"
_HEAD = 4
_DETAIL = 400
_TAIL = 400
#: Details of a test whose program was ended.
_TIMEOUT, _ENDED = "timeout", {"killed", "output"}
#: How long a server may take to end after its line is closed; then it is killed.
_PATIENCE_SECONDS = 5.0


class _Lost(Exception):
    """The server ended without an answer."""


class _Answer(NamedTuple):
    """What a server says of a program.

    Args:
        ended: why the program was ended, or "".
        told: what its checker told of loading (-1) and of each test: what came of it and why.
        tail: the end of what the program printed.
        near: whether the verdict has to be reached with nothing beside it.
        cpu_seconds: CPU time of the program and its tests.
    """

    ended: str
    told: dict[int, tuple[Any, str]]
    tail: str
    near: bool
    cpu_seconds: float


class _Worker:
    """A server process and the line to it."""

    def __init__(self, wanted: str, limits: Limits, serves: str = "server") -> None:
        options = ["-s", "-P", "-S", *["-B"] * sys.dont_write_bytecode]
        words = [sys.executable, *options, "-c", _START.format(serves)]
        try:
            with contextlib.ExitStack() as undone:
                self._place = tempfile.mkdtemp(prefix="datagen-sandbox-")
                undone.callback(os.rmdir, self._place)
                self._line, far = socket.socketpair()
                undone.callback(self._line.close)
                with far:
                    self._process = subprocess.Popen(
                        [*words, self._place, wanted, _ROOT, json.dumps(limits.to_json())],
                        stdin=far.fileno(),
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        env=_ENVIRONMENT,
                        cwd="/",
                        start_new_session=True,  # Ctrl-C is for datagen, which then ends its servers
                    )
                undone.pop_all()
        except OSError as error:
            raise DatagenError(f"cannot start a sandbox: {error}") from error
        self._line.setblocking(False)
        self.limits, self.isolation = limits, ""

    async def _send(self, *messages: object) -> None:
        bodies = [json.dumps(message, separators=(",", ":")).encode() for message in messages]
        frames = b"".join(len(body).to_bytes(_HEAD, "little") + body for body in bodies)
        await asyncio.get_running_loop().sock_sendall(self._line, frames)

    async def _frame(self) -> bytes:
        """The next frame; the server sends none that nobody waits for."""
        body = bytearray()
        while len(body) < _HEAD or len(body) < _HEAD + int.from_bytes(body[:_HEAD], "little"):
            part = await asyncio.get_running_loop().sock_recv(self._line, 1 << 16)
            if not part:
                raise _Lost
            body += part
        return bytes(body[_HEAD:])

    async def granted(self) -> str:
        """What keeps its programs apart, which it says once.

        Raises:
            _Lost: the server is gone.
        """
        if not self.isolation:
            try:
                self.isolation = str(json.loads(await self._frame()))
            except (OSError, ValueError) as error:
                raise _Lost from error
            if not {"namespaces", "landlock"} & {*self.isolation.split("+")}:
                from datagen.sandbox import isolate  # not for every system

                isolate.hide_memory()  # /proc would show programs the environment of this process
        return self.isolation

    async def ask(self, request: dict[str, Any], *, trusted: bool, beside: bool) -> _Answer:
        """What came of a program.

        Args:
            request: `code`, `tests` and `setup`.
            trusted: whether a checker that had other programs can have it, and have others after it.
            beside: whether other programs may run at the same time.

        Raises:
            _Lost: the server is gone.
        """
        seal = secrets.token_hex(16)
        try:
            await self.granted()
            answer: dict[str, Any] = {"again": True}
            for alone in (False, True):
                if answer["again"]:
                    how = {"trusted": trusted, "beside": beside, "alone": alone}
                    await self._send(how, {**request, "seal": seal})
                    answer = json.loads(await self._frame())
        except (OSError, ValueError) as error:
            raise _Lost from error
        told = _told(answer["told"].split("\n")[:-1], seal)  # what has no end was cut off
        return _Answer(answer["ended"], told, _tail(answer["tail"]), answer["near"], answer["cpu_seconds"])

    def hang_up(self) -> None:
        """Make whoever waits for an answer give up."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """End the server and all that it started."""
        self._line.close()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while self._process.poll() is None:
                    await asyncio.sleep(0.005)
        except TimeoutError:
            self._process.kill()
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            shutil.rmtree(self._place, ignore_errors=True)


W = TypeVar("W", bound=_Worker)
T = TypeVar("T")


class Pool(Generic[W]):
    """Servers that wait for work, and their end.

    Args:
        workers: programs that run at the same time; as many as there are processors.
    """

    def __init__(self, workers: int | None = None) -> None:
        if os.name != "posix":
            raise DatagenError(f"programs cannot be run on {sys.platform}: use Linux, or WSL on Windows")
        self._wanted = _layers(os.environ.get(ONLY, ""))
        self._idle: list[W] = []
        self._workers = workers or _processors()
        self._free = asyncio.Semaphore(self._workers)
        self._busy: set[W] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True
        while self._idle:
            self._retire(self._idle.pop())
        for worker in self._busy:
            worker.hang_up()
        while self._closing or self._busy:
            await asyncio.gather(*self._closing, return_exceptions=True)
            await asyncio.sleep(0)

    def _with(self, limits: Limits) -> W | None:
        """An idle server with these limits, if there is one; else one that has others makes room."""
        for place, worker in enumerate(self._idle):
            if worker.limits == limits:
                return self._idle.pop(place)
        if self._idle and len(self._idle) + len(self._busy) >= self._workers:
            self._retire(self._idle.pop(0))
        return None

    async def _served(
        self, limits: Limits, start: Callable[[str, Limits], W], ask: Callable[[W], Awaitable[T]]
    ) -> T:
        """What a server answers.

        Args:
            limits: that the server has to have.
            start: starts a server, where none with these limits is idle.
            ask: asks it; where the server ends without an answer, another one is asked.

        Raises:
            DatagenError: the pool is closed, or two new servers ended.
        """
        tries = 2
        while tries:
            if self._closed:
                raise DatagenError("the sandbox is closed: run programs inside its `async with`")
            idle = self._with(limits)
            tries -= idle is None  # an idle one may have ended by what the program before left
            worker = idle or start(self._wanted, limits)
            self._busy.add(worker)
            try:
                answer = await ask(worker)
            except _Lost:
                self._retire(worker)
                continue
            except BaseException:  # cancelled too: the program must not go on
                self._retire(worker)
                raise
            finally:
                self._busy.discard(worker)
            self._idle.append(worker)
            return answer
        raise DatagenError(
            "the sandbox ended without an answer, twice: is memory or the number of processes short?"
        )

    def _retire(self, worker: W) -> None:
        task = asyncio.create_task(worker.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class Sandbox(Pool[_Worker]):
    """Runs programs in processes that can do nothing but compute.

    Use it as `async with Sandbox() as sandbox`; at its end no process is left. A program that comes near a
    limit of time beside others is run again with nothing beside it, so that what else runs decides nothing.

    Args:
        workers: programs that run at the same time; as many as there are processors.
    """

    def __init__(self, workers: int | None = None) -> None:
        super().__init__(workers)
        self._beside = (workers or _processors()) > 1
        self._running = 0
        self._alone = asyncio.Lock()
        self._open, self._quiet = asyncio.Event(), asyncio.Event()  # none runs alone; none runs beside others
        self._open.set()
        self._quiet.set()
        #: CPU time of all programs and their tests.
        self.cpu_seconds = 0.0

    async def run(
        self,
        code: str,
        tests: Sequence[str],
        limits: Limits = DEFAULT,
        *,
        setup: str = "",
        trusted: bool = False,
    ) -> Verdict:
        """What a program does with its tests.

        Args:
            code: the program; its top-level functions and classes are there in the tests, by their names.
            tests: Python source each; a test passes if it raises nothing.
            limits: what the program may use.
            setup: source that runs before each test, beside it.
            trusted: whether tests and setup are from someone who has no interest in verdicts, such as the
                authors of a benchmark: one process then checks many programs, which is faster.
        """
        request = {"code": code, "tests": list(tests), "setup": setup}
        async with self._free:
            async with self._counted():
                verdict, near = await self._attempt(request, limits, trusted, self._beside)
            if near:
                async with self._nothing_beside():
                    verdict, _ = await self._attempt(request, limits, trusted, False)
            return verdict

    @contextlib.asynccontextmanager
    async def _counted(self) -> AsyncGenerator[None]:
        """A program's time beside others; it begins when none runs, or waits to run, alone."""
        while self._alone.locked():
            await self._open.wait()
        self._running += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._quiet.set()

    @contextlib.asynccontextmanager
    async def _nothing_beside(self) -> AsyncGenerator[None]:
        """A program's time alone."""
        async with self._alone:
            self._open.clear()
            try:
                await self._quiet.wait()
                yield
            finally:
                self._open.set()

    async def _attempt(
        self, request: dict[str, Any], limits: Limits, trusted: bool, beside: bool
    ) -> tuple[Verdict, bool]:
        """The verdict, and whether it has to be reached with nothing beside it."""

        async def ask(worker: _Worker) -> tuple[_Answer, str]:
            return await worker.ask(request, trusted=trusted, beside=beside), worker.isolation

        answer, isolation = await self._served(limits, _Worker, ask)
        self.cpu_seconds += answer.cpu_seconds
        return _verdict(answer, len(request["tests"]), isolation), answer.near

    async def granted(self) -> str:
        """What keeps programs apart here, such as "namespaces+seccomp+landlock+rlimits"."""
        async with self._free:
            return await self._served(DEFAULT, _Worker, _Worker.granted)


def _layers(words: str) -> str:
    """The layers that may be used, as they were given; a word that names none is refused."""
    from datagen.sandbox.isolate import LAYERS  # not for every system

    if unknown := [word for word in words.split("+") if words and word not in LAYERS]:
        allowed = ", ".join(LAYERS)
        raise DatagenError(
            f"{ONLY}: there is no layer {one_line(unknown[0], 40)}; allowed: {allowed}, joined by +"
        )
    return words


def _told(lines: Sequence[str], seal: str) -> dict[int, tuple[Any, str]]:
    """What a checker told: of loading (-1) and of each test, what came of it and why.

    A test may write there, too: what does not begin with the seal is not the checker's.
    """
    told: dict[int, tuple[Any, str]] = {}
    for line in lines:
        if line.startswith(f'["{seal}", '):
            _, number, what, detail = json.loads(line)
            told[number] = what, "".join(c if c.isprintable() else "\ufffd" for c in detail[:_DETAIL])
    return told


def _tail(printed: str) -> str:
    """The end of what a program printed, a character for each byte, in printable characters."""
    text = printed.encode("latin-1").decode(errors="backslashreplace")
    return escaped(text[-_TAIL:])


def _verdict(answer: _Answer, tests: int, isolation: str) -> Verdict:
    """The verdict from what the checker told before it ended, or was ended."""
    why = answer.ended or "killed"
    word, detail = answer.told.get(-1, ("raise", why))
    if word != "loaded":
        outcomes = (Outcome(False, detail),) * tests
        status = "compile_error" if word == "compile_error" else "runtime_error"
        tail = "" if detail == _TIMEOUT else answer.tail
        return Verdict(status, 0.0, outcomes, detail, isolation, tail)
    found = (answer.told.get(number, (False, why)) for number in range(tests))
    verdict = judged([Outcome(passed is True, text) for passed, text in found], isolation)
    details = {one.detail for one in verdict.outcomes}
    # How far a program comes until its time is over differs from run to run.
    if _TIMEOUT not in details and details & _ENDED:
        return verdict._replace(output_tail=answer.tail)
    return verdict


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def run(code: str, tests: Sequence[str], limits: Limits = DEFAULT, *, setup: str = "") -> Verdict:
    """What one program does with its tests, in a sandbox of its own; see `Sandbox.run`."""
    async with Sandbox(workers=1) as sandbox:
        return await sandbox.run(code, tests, limits, setup=setup)
