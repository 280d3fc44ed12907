"""Model calls, many at a time and each paid once; results in the order in which they were asked for."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, TypeVar

from datagen import progress
from datagen.errors import DatagenError, InterruptedRun
from datagen.journal import Journal, open_journal
from datagen.teachers import CallFailed, Prompt, Reply, Request, Teacher, TeacherUnusable

T = TypeVar("T")


#: So many failures of one teacher in a row, none between them answered, and the run stops.
MAX_FAILURES_IN_A_ROW = 20
#: A run that ends waits so long for its calls in flight before it says so.
PATIENCE_SECONDS = 2.0

GOES_ON = "what was answered is kept, the same command goes on from there"
INTERRUPTED = f"interrupted; {GOES_ON}"


class Answer(NamedTuple):
    """What became of one call: a reply with its journal key, or the reason why there is none."""

    reply: Reply | None
    request: str | None
    problem: str = ""


@dataclass
class Tally:
    """Calls of one run: asked for now, found in the journal, failed; and tokens of the calls made now."""

    asked: int = 0
    reused: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass
class Caller:
    """Asks teachers through the journal, with at most `teacher.concurrency` calls of each at a time.

    stopped_by: why no call is begun any more: the user's Ctrl-C, or the first error that ends the run.
    """

    journal: Journal
    concurrency: int | None = None
    tally: Tally = field(default_factory=Tally)
    stopped_by: DatagenError | None = None
    in_flight: int = 0
    last_problem: str = ""
    _limits: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _underway: dict[str, asyncio.Future[Answer]] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    async def ask(self, teacher: Teacher, prompt: Prompt, *, seed: int, sample: int) -> Answer:
        """The teacher's answer to `prompt`: from the journal, from an equal call under way, or asked now.

        Raises:
            TeacherUnusable: no call to this teacher can succeed.
            InterruptedRun: the user stopped the run and the journal does not know the answer.
            DatagenError: the journal cannot be used.
        """
        try:
            request = teacher.request(prompt, seed=seed, sample=sample)
        except CallFailed as problem:
            progress.detail(f"{teacher.name}: {problem}")
            return Answer(None, None, str(problem))
        if not teacher.journalled:
            return Answer(await teacher.complete(request), None)
        if (reply := self.journal.get(request)) is not None:
            self.tally.reused += 1
            return Answer(reply, request.key)
        if request.key in self._underway:
            answer = await asyncio.shield(self._underway[request.key])
            self.tally.reused += answer.reply is not None
            return answer
        call = asyncio.ensure_future(self._call(teacher, request))
        self._underway[request.key] = call
        call.add_done_callback(lambda _: self._underway.pop(request.key, None))
        return await call

    async def _call(self, teacher: Teacher, request: Request) -> Answer:
        try:
            async with self._limit(teacher):
                if self.stopped_by:
                    raise self.stopped_by
                self.in_flight += 1
                try:
                    reply = await teacher.complete(request)
                    self._failures[teacher.name] = 0
                    # Stored before the next call begins, so that a kill costs no more calls than these.
                    reply = await self.journal.put(request, reply)
                finally:
                    self.in_flight -= 1
        except CallFailed as problem:
            return self._failed(teacher, request, str(problem))
        except DatagenError as error:
            self.stop(error)
            raise
        self.tally.asked += 1
        self.tally.tokens_in += reply.tokens_in
        self.tally.tokens_out += reply.tokens_out
        return Answer(reply, request.key)

    def stop(self, why: DatagenError, *, patience: float = PATIENCE_SECONDS) -> None:
        """Begin no further call; those in flight end first, and if that takes longer than `patience`, say so.

        The first reason stands.
        """
        if self.stopped_by is None:
            self.stopped_by = why
            asyncio.get_running_loop().call_later(patience, self._say_waiting)

    def _say_waiting(self) -> None:
        if self.in_flight:
            progress.say(f"Stopping: {self.in_flight} calls in flight end first (Ctrl-C gives them up)")

    def window(self, teachers: Sequence[Teacher]) -> int:
        """How many jobs to have under way, so that no teacher waits while others are slow."""
        return 4 * sum(self.concurrency or teacher.concurrency for teacher in teachers)

    def counts(self) -> dict[str, int]:
        """The tally for the manifest."""
        return asdict(self.tally)

    def _limit(self, teacher: Teacher) -> asyncio.Semaphore:
        if teacher.name not in self._limits:
            self._limits[teacher.name] = asyncio.Semaphore(self.concurrency or teacher.concurrency)
        return self._limits[teacher.name]

    def _failed(self, teacher: Teacher, request: Request, problem: str) -> Answer:
        progress.detail(f"{teacher.name}: {problem}")
        self.last_problem = f"{teacher.name}: {problem}"
        self.tally.failed += 1
        self._failures[teacher.name] = self._failures.get(teacher.name, 0) + 1
        if self._failures[teacher.name] >= MAX_FAILURES_IN_A_ROW:
            self.stop(
                TeacherUnusable(
                    f"{MAX_FAILURES_IN_A_ROW} calls failed in a row, the last because {self.last_problem};"
                    f" {GOES_ON}"
                )
            )
        return Answer(None, request.key, problem)

    def check_answered(self) -> None:
        """Raise TeacherUnusable if calls were made, and not one of them was answered."""
        if self.tally.failed and not self.tally.asked and not self.tally.reused:
            raise TeacherUnusable(f"no call was answered, the last because {self.last_problem}")


@contextmanager
def caller(concurrency: int | None) -> Iterator[Caller]:
    """A caller on the user's journal."""
    with open_journal() as journal:
        yield Caller(journal, concurrency)


async def in_order(
    jobs: Iterable[Callable[[], Awaitable[T]]], *, window: int, caller: Caller
) -> AsyncGenerator[T]:
    """Run jobs at the same time and yield their results in the order of `jobs`.

    At most `window` of them are under way or wait to be yielded, so memory stays bounded. When a job
    raises, the calls in flight are let finish (they are paid for) before the error goes on.
    """
    pending: deque[asyncio.Future[T]] = deque()
    # Lets a Ctrl-C be heard that was pressed while something blocked, such as the loading of a model.
    await asyncio.sleep(0.001)
    try:
        for job in jobs:
            if caller.stopped_by:
                raise caller.stopped_by
            pending.append(asyncio.ensure_future(job()))
            if len(pending) >= window:
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


def run_calls(work: Callable[[], Coroutine[Any, Any, T]], caller: Caller) -> T:
    """Run `work` to its end, or until Ctrl-C: once lets the calls in flight finish, twice gives them up.

    Raises:
        InterruptedRun: the user stopped it; the message says how to go on.
        TeacherUnusable: calls were made, and none was answered.
    """
    with contextlib.suppress(asyncio.CancelledError):
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
