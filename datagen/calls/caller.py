"""Model calls: many at a time, and each paid once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from datagen import progress
from datagen.calls.admission import Gate, GivenUp
from datagen.calls.ahead import Ends, may_run_ahead, unless
from datagen.calls.asking import Answer, Tally
from datagen.calls.budget import Account, Budget, Reservation, expected_tokens_in, most_tokens_out, most_usd
from datagen.calls.refusals import MAX_FAILURES_IN_A_ROW, Refusals
from datagen.calls.usage import Usage
from datagen.errors import DatagenError
from datagen.journal import Journal, open_journal
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, Request, TeacherUnusable
from datagen.teachers import Teacher, kind_of

#: Attempts per call while the endpoint answers other calls.
ATTEMPTS = 6
#: Attempts per call while the endpoint says that it is busy and takes other calls.
BUSY_ATTEMPTS = 100
#: A run that ends says that it waits when its calls in flight take longer than this.
PATIENCE_SECONDS = 2.0

GOES_ON = "what was answered is kept, the same command goes on from there"
INTERRUPTED = f"interrupted; {GOES_ON}"


class _Unanswered(Exception):
    """All attempts of a call ended without an answer."""


@dataclass
class Caller:
    """Asks teachers through the journal, each endpoint and model through its gate.

    Args:
        journal: where answers are looked up and stored.
        plan: what the calls are bought for: the key of a stage's or a run's plan.
        account: the name of the account that pays for them.
        budget: what the account may spend; None for no limit.
        concurrency: calls at a time to each teacher; None for the teacher's own.
        timeout: seconds for a call; None for the teacher's own.
        tally: this run's calls.
        usage: the calls that the data set rests on, whatever run made them.
        stopped_by: why no call begins any more: Ctrl-C, or the first error that ends the run.
        in_flight: calls that were sent and are not answered.
        ends: tells when a call has ended.
        last_problem: why the last call that failed did.
        _gates: by endpoint and model.
        _underway: calls that are not answered, by journal key; an equal call waits for the same answer.
        _refusals: calls in a row that were refused for good.
        _teachers: who may be asked, by name.
        _needed: the name of the teacher that the work cannot do without.
        _gone: teachers that were given up, by name, with the reason.
        _users: names of teachers, by endpoint and model.
        _models: the model names that the server answered under, by teacher.
        _answered_by: names of the teachers that answered something, now or in an earlier run.
        stopping: set when `stopped_by` is.
    """

    journal: Journal
    plan: str = ""
    account: str = ""
    budget: Budget | None = None
    concurrency: int | None = None
    timeout: float | None = None
    tally: Tally = field(default_factory=Tally)
    usage: Usage = field(default_factory=Usage)
    stopped_by: DatagenError | None = None
    in_flight: int = 0
    ends: Ends = field(default_factory=Ends)
    last_problem: str = ""
    _gates: dict[tuple[str, str], Gate] = field(default_factory=dict)
    _underway: dict[str, asyncio.Future[Answer]] = field(default_factory=dict)
    _refusals: Refusals = field(default_factory=Refusals)
    _teachers: dict[str, Teacher] = field(default_factory=dict)
    _needed: str = ""
    _gone: dict[str, str] = field(default_factory=dict)
    _users: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _models: dict[str, list[str]] = field(default_factory=dict)
    _answered_by: set[str] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def use(self, teachers: Sequence[Teacher], *, needed: Teacher | None = None) -> None:
        """Note who will be asked: when one is given up, the others go on, unless it is `needed`."""
        self._teachers |= {teacher.name: teacher for teacher in teachers if teacher.journalled}
        self._needed = needed.name if needed else ""

    async def ask(
        self, teacher: Teacher, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None
    ) -> Answer:
        """The teacher's answer to `prompt`: from the journal, from an equal call under way, or asked now.

        Raises:
            TeacherUnusable: no call to any teacher can succeed.
            InterruptedRun: the user stopped the run and the journal does not know the answer.
            BudgetReached: the call could cost more than is left.
            DatagenError: the journal cannot be used.
        """
        try:
            request = teacher.request(prompt, seed=seed, sample=sample, temperature=temperature)
        except CallFailed as problem:
            progress.detail(f"{teacher.name}: {problem}")
            return Answer(None, None, str(problem))
        if not teacher.journalled:
            return await self._unjournalled(teacher, request)
        if request.key in self._underway:
            answer = await asyncio.shield(self._underway[request.key])
            self.tally.reused += answer.reply is not None
            return answer
        if (reply := self.journal.get(request)) is not None:
            self.tally.reused += 1
            return self._answered(teacher, request, reply, reused=True)
        call = asyncio.ensure_future(self._call(teacher, request))
        self._underway[request.key] = call
        call.add_done_callback(lambda _: self._ended(request.key))
        return await call

    def _ended(self, key: str) -> None:
        self._underway.pop(key, None)
        self.ends.happened()

    async def _unjournalled(self, teacher: Teacher, request: Request) -> Answer:
        try:
            reply = await teacher.complete(request)
        except (CallFailed, NoAnswer, Busy) as problem:
            return self._failed(teacher, request, str(problem))._replace(request=None)
        self._answered_by.add(teacher.name)
        return Answer.of(reply, None)

    def _answered(self, teacher: Teacher, request: Request, reply: Reply, *, reused: bool = False) -> Answer:
        self.usage.add(teacher.profile, request.key, reply)
        self._answered_by.add(teacher.name)
        known = self._models.setdefault(teacher.name, [])
        if reply.model and reply.model not in known:
            if known:
                progress.say(f"{teacher.name} answered as {known[-1]}, now as {reply.model}")
            known.append(reply.model)
        return Answer.of(reply, request.key, reused=reused)

    async def _call(self, teacher: Teacher, request: Request) -> Answer:
        """Make a call, or wait for another process that makes it and use its answer."""
        if teacher.resumable:  # batches have claims of their own
            return await self._made(teacher, request)
        async with self.journal.claims.claimed(request.key, self.stopping):
            if self.journal.has(request.key) and (reply := self.journal.get(request)) is not None:
                self.tally.reused += 1
                return self._answered(teacher, request, reply, reused=True)
            return await self._made(teacher, request)

    async def _made(self, teacher: Teacher, request: Request) -> Answer:
        try:
            reply = await self._reply(teacher, request)
        except CallFailed as problem:
            answer = self._failed(teacher, request, str(problem))
            self._refused(teacher, problem)
            await self.journal.note_failure(request, self.plan, str(problem))
            return answer
        except (GivenUp, _Unanswered) as problem:
            # Whether the endpoint is dead is for the gate to decide.
            return self._failed(teacher, request, str(problem))
        except TeacherUnusable as error:
            self._give_up(teacher, str(error))
            return self._failed(teacher, request, str(error))
        except DatagenError as error:
            self.stop(error)
            raise
        return self._answered(teacher, request, reply)

    async def _reply(self, teacher: Teacher, request: Request) -> Reply:
        """Make a call until it is answered, or there is no sense in it any more."""
        gate = self._gate(teacher, request)
        tokens = expected_tokens_in(request) + (most_tokens_out(request) or 0)
        unanswered = busy = 0
        while True:
            if self.stopped_by:
                raise self.stopped_by
            if teacher.name in self._gone:
                raise GivenUp(self._gone[teacher.name])
            try:
                entered = await gate.enter(tokens)
            except GivenUp as reason:
                self._give_up(teacher, str(reason), for_all=not self.tally.reused)
                if unanswered:
                    await self.journal.note_failure(request, self.plan, str(reason))
                raise
            try:
                reply, reservation = await self._send(teacher, request)
                # Stored before the next call begins, so that a kill costs no more calls than are in flight.
                stored = await self._store(teacher, request, reply, reservation)
            except Busy as problem:
                words, wait = str(problem), gate.refused(entered, busy, problem.retry_after)
                busy += 1
            except NoAnswer as problem:
                words, wait = str(problem), gate.failed(unanswered, str(problem))
                unanswered += 1
            except CallFailed:
                gate.turned_down()
                raise
            except BaseException:
                gate.leave()
                raise
            else:
                used = reply.tokens_in + reply.tokens_out
                gate.answered(entered, tokens, used or tokens, reply.pause)
                self._refusals.forget(teacher.name)
                return stored
            progress.detail(f"{teacher.name}: {words}")
            if unanswered >= ATTEMPTS or busy >= BUSY_ATTEMPTS:
                await self.journal.note_failure(request, self.plan, words)
                raise _Unanswered(f"{words} (asked {unanswered + busy} times)")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), wait)

    async def _send(self, teacher: Teacher, request: Request) -> tuple[Reply, Reservation | None]:
        """Make a call once, within its time and the budget."""
        reservation = None
        if self.budget:
            reservation = await self.budget.reserve(teacher.profile, request, resumable=teacher.resumable)
        if self.stopped_by or teacher.name in self._gone:
            # The run may have ended while this call waited for admission or for money.
            await self._end(Budget.release, reservation)
            raise self.stopped_by or GivenUp(self._gone[teacher.name])
        self.in_flight += 1
        try:
            # A call of a batch goes on at the server without us, so it has no time limit here.
            seconds = None if teacher.resumable else self.timeout or teacher.profile.timeout
            try:
                async with asyncio.timeout(seconds):
                    return await self._complete(teacher, request), reservation
            except TimeoutError:
                raise NoAnswer(f"no answer within {seconds:g} s", maybe_billed=True) from None
        except NoAnswer as problem:
            # The server may have answered and billed it: then the reservation stays in the journal.
            await self._end(Budget.lose if problem.maybe_billed else Budget.release, reservation)
            raise
        except (Busy, CallFailed, TeacherUnusable):
            await self._end(Budget.release, reservation)
            raise
        except BaseException:
            # The call may be billed, or go on without us: its reservation stays as it is.
            await self._end(Budget.keep, reservation)
            raise
        finally:
            self.in_flight -= 1

    async def _store(
        self, teacher: Teacher, request: Request, reply: Reply, reservation: Reservation | None
    ) -> Reply:
        """Store a reply and what it cost; returns what the journal holds."""
        usd = teacher.profile.cost(reply.tokens_in, reply.tokens_out)
        if not reply.is_counted:
            usd = most_usd(teacher.profile, request)  # the server does not say what it counted
        name = reservation.name if reservation else ""
        told = {"plan": self.plan, "account": self.account, "reserved": name}
        try:
            stored = await self.journal.put(request, reply, usd=usd, **told)
        except BaseException:
            # The call is billed: its reservation stays, and calls that wait for money hear of it.
            await self._end(Budget.keep, reservation)
            raise
        if reservation and self.budget:
            await self.budget.settle(reservation, usd)
            if usd > most_usd(teacher.profile, request) + 1e-12:
                self.stop(self.budget.overrun(teacher.profile, request, usd))
        self.tally.asked += 1
        self.tally.tokens_in += stored.tokens_in
        self.tally.tokens_out += stored.tokens_out
        self.tally.usd += usd
        return stored

    async def _end(
        self, how: Callable[[Budget, Reservation], Awaitable[None]], of: Reservation | None
    ) -> None:
        """End a call's reservation without an answer, by one of the budget's ways."""
        if of and self.budget:
            await how(self.budget, of)

    async def _complete(self, teacher: Teacher, request: Request) -> Reply:
        """The teacher's reply; a run that ends waits only for calls that are paid and do not go on alone."""
        if kind_of(teacher.profile).costs and not teacher.resumable:
            return await teacher.complete(request)
        if (reply := await unless(self.stopping, teacher.complete(request))) is not None:
            return reply
        raise self.stopped_by or GivenUp("the run ends")

    def stop(self, why: DatagenError, *, patience: float = PATIENCE_SECONDS) -> None:
        """Begin no further call; those in flight end first, and if that takes longer than `patience`, say so.

        The first reason stands.
        """
        if self.stopped_by is None:
            self.stopped_by = why
            self.stopping.set()
            for gate in self._gates.values():
                gate.dismiss(why)
            asyncio.get_running_loop().call_later(max(patience, 0.05), self._say_waiting)

    def _say_waiting(self) -> None:
        if self.in_flight:
            calls = "1 call" if self.in_flight == 1 else f"{self.in_flight} calls"
            progress.say(f"Stopping: {calls} in flight end first (Ctrl-C gives them up)")

    def cap(self, teacher: Teacher) -> int:
        """Calls to a teacher at a time, at most."""
        return self.concurrency or teacher.profile.concurrency or 1

    def window(self, teachers: Sequence[Teacher]) -> int:
        """How many jobs to have under way, so that no teacher waits while others are slow."""
        return 4 * sum(map(self.cap, teachers))

    def may_run_ahead(self) -> bool:
        """Whether more jobs may begin than the window has places for."""
        return may_run_ahead(self._gates.values())

    def counts(self) -> dict[str, int | float]:
        """The tally for the manifest."""
        return asdict(self.tally) | {"usd": round(self.tally.usd, 9)}

    def _gate(self, teacher: Teacher, request: Request) -> Gate:
        """The gate of an endpoint and model; two teachers behind one share the first one's limits."""
        profile = teacher.profile
        where = request.endpoint, request.model
        if where not in self._gates:
            self._gates[where] = Gate(
                teacher.name, self.cap(teacher), rpm=profile.rpm, tpm=profile.tpm, patience=profile.patience
            )
        self._users.setdefault(where, set()).add(teacher.name)
        return self._gates[where]

    def _failed(self, teacher: Teacher, request: Request, problem: str) -> Answer:
        progress.detail(f"{teacher.name}: {problem}")
        self.last_problem = f"{teacher.name}: {problem}"
        self.tally.failed += 1
        return Answer(None, request.key, problem)

    def _refused(self, teacher: Teacher, problem: CallFailed) -> None:
        """Count a call that was refused for good; calls that went out together count no more than one."""
        has_answered = teacher.name in self._answered_by
        count = self._refusals.add(teacher.name, problem, has_answered=has_answered)
        if count >= max(MAX_FAILURES_IN_A_ROW, self.cap(teacher)):
            why = f"{count} calls failed in a row, the last because {self.last_problem}"
            self._give_up(teacher, why, for_all=not self.tally.reused)

    def _give_up(self, teacher: Teacher, why: str, *, for_all: bool = True) -> None:
        """Ask this teacher nothing more; where it was the last one, the run ends.

        Args:
            teacher: who is given up.
            why: in words.
            for_all: whether that may end the run. Where the journal answered some rows, the calls that are
                left may all have failed before; then a data set without their rows is better than none.
        """
        if teacher.name in self._gone:
            return
        self._gone[teacher.name] = why
        for where, users in self._users.items():
            if users <= self._gone.keys():
                self._gates[where].dismiss(GivenUp(why))
        is_last = self._gone.keys() >= self._teachers.keys() or teacher.name == self._needed
        if is_last and for_all:
            if teacher.name not in why:
                why = f"{teacher.name}: {why}"
            self.stop(TeacherUnusable(f"{why}; {GOES_ON}" if self.tally.asked else why))
        else:
            then = "the next run asks it again" if is_last else "the others go on"
            progress.say(f"{teacher.name} is given up for this run ({why}); {then}")

    def check_answered(self) -> None:
        """Raise TeacherUnusable if calls were made, and not one of them was answered."""
        if self.tally.failed and not self._answered_by:
            raise TeacherUnusable(f"no call was answered, the last because {self.last_problem}")


@contextmanager
def caller(
    account: Account,
    *,
    path: Path | None = None,
    concurrency: int | None = None,
    timeout: float | None = None,
) -> Iterator[Caller]:
    """A caller that spends the money of an account; where that has a limit, hold the data set's lock.

    Args:
        account: whose money it is, and what is bought for it.
        path: the journal's file; None for the user's own.
        concurrency: calls at a time to each teacher, instead of its own.
        timeout: seconds for a call, instead of the teacher's own.
    """
    with open_journal(path) as journal:
        budget = None if account.max_usd is None else Budget(journal, account.name, account.max_usd)
        yield Caller(journal, account.plan, account.name, budget, concurrency, timeout)
