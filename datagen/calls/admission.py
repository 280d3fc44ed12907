"""Admission to one endpoint and model: how many calls at a time, how fast, and when to leave it alone.

Concurrency follows additive increase and multiplicative decrease, as TCP does: it begins at the user's cap,
halves when the server is busy, once for all calls that were under way together, and grows by one for every
round of answers. Requests and tokens per minute are counted over sliding windows. An endpoint at which
`FAILURES_TO_PAUSE` calls failed in a row is left alone for a while (a circuit breaker); then one call at a
time probes it, until one is answered or its patience is used up.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable

from datagen import progress
from datagen.backoff import backoff

FAILURES_TO_PAUSE = 5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: An endpoint that refuses so many calls in a row that were sent alone, and does not say when to come, gets
#: the next one after 0.5, 1, 2... seconds, at last 4. Otherwise every waiting call would ask again by itself.
ALONE_TO_PAUSE, LONGEST_BUSY = 3, 4.0
#: The user hears of a pause that a server asks for if it is at least this long, in seconds.
TOLD_PAUSE = 10.0
#: Seconds without any answer until an endpoint is given up for this run. A server that loads a model takes
#: minutes; one that never answered at all is probably the wrong address.
PATIENCE, FIRST_PATIENCE = 300.0, 10.0
#: An endpoint with calls under way is stuck after so many seconds without an answer; others need not wait.
QUIET = 10.0

Clock = Callable[[], float]


class GivenUp(Exception):
    """No call to this endpoint is made any more in this run; the words say why."""


class Window:
    """Lets at most `most` units through within any `seconds`.

    This is a sliding window. A token bucket lets more than a minute's limit through within a minute when it
    is full at the start or fills up in a lull, and a server that counts exactly refuses the rest.
    """

    #: Calls may arrive at the server closer together than they left, so the window is a little longer.
    _SLACK = 0.01
    #: Units are counted in slices of this part of `seconds`: memory does not grow with the limit.
    _SLICE = 0.01

    def __init__(self, most: float, seconds: float, clock: Clock) -> None:
        self._most = most
        self._seconds = seconds * (1 + self._SLACK)
        self._slice = seconds * self._SLICE
        self._clock = clock
        self._used = 0.0
        self._slices: dict[int, float] = {}  # in the order of time

    @classmethod
    def of_requests(cls, per_minute: float, clock: Clock) -> Window:
        """For requests: no minute sees more than its limit, nor a second more than a second's part of it.

        Servers count over shorter times than a minute, too.
        Source: https://platform.openai.com/docs/guides/rate-limits ("may be quantized").
        """
        at_once = max(1, int(per_minute / 60))
        times_a_minute = per_minute if per_minute < 1 else int(per_minute / at_once)
        return cls(at_once, 60 / times_a_minute, clock)

    def wait_for(self, units: float) -> float:
        """Seconds until `units` may be taken; more than fit at all may be, when there is nothing else."""
        now = self._forget()
        over = self._used + min(units, self._most) - self._most
        if over <= 0:
            return 0.0
        for number, taken in self._slices.items():
            over -= taken
            if over <= 0:
                return max(0.0, self._end(number) - now)
        return 0.0

    def take(self, moment: float, units: float) -> None:
        """Count units as taken at `moment`, which is now."""
        number = int(moment / self._slice)
        self._slices[number] = self._slices.get(number, 0.0) + units
        self._used += units

    def correct(self, moment: float, units: float) -> None:
        """Correct what was counted at `moment` by `units`, which may be negative."""
        self._forget()
        number = int(moment / self._slice)
        if number in self._slices:
            self._slices[number] += units
            self._used += units

    def _end(self, number: int) -> float:
        """When a slice is forgotten: the last moment in it is `seconds` ago."""
        return (number + 1) * self._slice + self._seconds

    def _forget(self) -> float:
        now = self._clock()
        while self._slices and self._end(number := next(iter(self._slices))) <= now:
            self._used -= self._slices.pop(number)
        if not self._slices:
            self._used = 0.0
        return now


class Gate:
    """Lets calls to one endpoint and model through, in the order in which they came.

    Args:
        name: for people.
        cap: calls at a time, at most.
        rpm: requests per minute; None for no limit.
        tpm: tokens per minute; None for no limit.
        patience: seconds without an answer until the endpoint is given up; None for `PATIENCE`.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        name: str,
        cap: int,
        *,
        rpm: float | None = None,
        tpm: float | None = None,
        patience: float | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self.cap = cap
        self.width = float(cap)
        self.under_way = 0
        self.given_up: str | None = None
        self._patience = PATIENCE if patience is None else patience
        self._requests = Window.of_requests(rpm, clock) if rpm else None
        self._tokens = Window(tpm, 60, clock) if tpm else None
        self._clock = clock
        self._queue: deque[tuple[asyncio.Future[float], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed_until = 0.0
        self._decreased = float("-inf")
        self._failures = 0
        self._unanswered_since: float | None = None
        self._heard = False
        self._quiet_since = 0.0
        self._alone = 0

    @property
    def is_stuck(self) -> bool:
        """Whether calls wait here for an endpoint that answers none of them."""
        if self.given_up:
            return False
        in_trouble = self._failures > 0 or self._unanswered_since is not None
        return in_trouble or (self.under_way > 0 and self._clock() - self._quiet_since >= QUIET)

    @property
    def has_room(self) -> bool:
        """Whether further calls would soon be sent; as many may queue as are under way."""
        return self.under_way + len(self._queue) < 2 * self.cap

    async def enter(self, tokens: float) -> float:
        """Wait until a call that may use `tokens` may be sent; returns the moment, as its name later on.

        Raises:
            GivenUp: the endpoint is given up.
        """
        if self.given_up:
            raise GivenUp(self.given_up)
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._queue.append((turn, tokens))
        self._admit()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()
            else:
                self._admit()  # past this one, which may have been the next
            raise

    def _admit(self) -> None:
        while self._queue:
            turn, tokens = self._queue[0]
            wait = 0.0 if turn.done() else self._wait(tokens)
            if wait is None:
                return
            if wait > 0:
                self._admit_in(wait)
                return
            self._queue.popleft()
            if not turn.done():
                entered = self._clock()
                if not self.under_way:
                    self._quiet_since = entered
                self.under_way += 1
                for window, units in ((self._requests, 1.0), (self._tokens, tokens)):
                    if window:
                        window.take(entered, units)
                turn.set_result(entered)

    def _wait(self, tokens: float) -> float | None:
        """Seconds until the next call may go; None: not before one that is under way ends."""
        if self.under_way >= (1 if self._failures >= FAILURES_TO_PAUSE else int(self.width)):
            return None
        waits = [self._closed_until - self._clock()]
        waits += [self._requests.wait_for(1)] if self._requests else []
        waits += [self._tokens.wait_for(tokens)] if self._tokens else []
        return max(waits)

    def _admit_in(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._admit)

    def answered(self, entered: float, reserved: float, used: float, pause: float = 0.0) -> None:
        """A call was answered.

        Args:
            entered: what `enter` returned.
            reserved: tokens, as expected before.
            used: tokens, as counted afterwards.
            pause: seconds for which the server wants no other call.
        """
        self._is_alive()
        if self._tokens:
            self._tokens.correct(entered, used - reserved)
        if pause:
            self._close_for(pause)
        self.width = min(float(self.cap), self.width + 1 / self.width)
        self.leave()

    def turned_down(self) -> None:
        """A call was refused for good: that says nothing about the others, but the endpoint is there."""
        self._is_alive()
        self.leave()

    def _is_alive(self) -> None:
        if self._failures >= FAILURES_TO_PAUSE:
            progress.say(f"{self.name} answers again")
        self._failures, self._unanswered_since, self._heard = 0, None, True
        self._quiet_since, self._alone = self._clock(), 0

    def refused(self, entered: float, attempt: int, retry_after: float | None) -> float:
        """The endpoint is busy (429, 503); returns the seconds after which to queue for the call again.

        Args:
            entered: what `enter` returned.
            attempt: from 0.
            retry_after: what the server asks for, in seconds.
        """
        self._heard = True
        if entered > self._decreased:
            self._alone += self.width <= 1
            self._decreased = self._clock()
            self.width = max(1.0, self.width / 2)
        if retry_after is not None:
            # The server speaks of this endpoint, not of this call.
            if retry_after > self._patience:
                self.give_up(f"it is busy and wants no call for {retry_after:.0f} s")
            self._close_for(retry_after)
        elif self._alone >= ALONE_TO_PAUSE:
            self._close_for(min(LONGEST_BUSY, FIRST_PAUSE * 2.0 ** min(self._alone - ALONE_TO_PAUSE - 1, 10)))
        self._unanswered(self._patience, "it is busy")
        self.leave()
        # With its own word on when to come, a little spread is enough; unless it keeps saying so.
        return backoff(attempt, least=0.0, first=0.1) if retry_after is not None else backoff(attempt)

    def failed(self, attempt: int, why: str) -> float:
        """A call got no answer (no connection, 500); returns the seconds after which to queue again.

        Only first attempts tell that an endpoint is dead: what is left at the end of a run may be nothing
        but calls that it cannot answer. Nor does it count again what was under way already when it was left
        alone.

        Args:
            attempt: from 0.
            why: in words.
        """
        paused = self._failures >= FAILURES_TO_PAUSE
        if (attempt == 0 and not paused) or (paused and self._clock() >= self._closed_until):
            self._failures += 1
            over = self._failures - FAILURES_TO_PAUSE
            if over >= 0:
                self._pause(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(over, 10)), why, first=over == 0)
                self._unanswered(self._patience if self._heard else min(self._patience, FIRST_PATIENCE), why)
        self.leave()
        return backoff(attempt)

    def _pause(self, seconds: float, why: str, *, first: bool) -> None:
        if first:
            progress.say(f"{self.name} does not answer ({why}); it is tried again now and then")
        else:
            progress.detail(f"{self.name} does not answer ({why}); it is tried again in {seconds:.0f} s")
        self._close_for(seconds * random.uniform(0.9, 1.1), told=True)

    def _unanswered(self, patience: float, why: str) -> None:
        now = self._clock()
        if self._unanswered_since is None:
            self._unanswered_since = now
        if now - self._unanswered_since >= patience:
            self.give_up(f"no answer in {now - self._unanswered_since:.0f} s: {why}")

    def _close_for(self, seconds: float, *, told: bool = False) -> None:
        now = self._clock()
        if seconds >= TOLD_PAUSE and not told and self._closed_until < now + seconds / 2:
            progress.say(f"{self.name} asks for a pause of {seconds:.0f} s")
        self._closed_until = max(self._closed_until, now + seconds)

    def give_up(self, why: str) -> None:
        """Let no call through any more; those that wait are told."""
        if self.given_up is None:
            self.given_up = why
            self.dismiss(GivenUp(why))

    def dismiss(self, error: Exception) -> None:
        """End the waiting of all calls that wait now."""
        while self._queue:
            turn, _ = self._queue.popleft()
            if not turn.done():
                turn.set_exception(error)

    def leave(self) -> None:
        """A call ended, whatever became of it."""
        self.under_way -= 1
        self._admit()
