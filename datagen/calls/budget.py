"""Money: what a run may spend, reserved before a call is sent and settled when it is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from datagen.data import directory
from datagen.errors import DatagenError, UsageError
from datagen.journal import Journal
from datagen.request import Request
from datagen.teachers import Profile, kind_of

#: What a chat template may add to a prompt: tokens for it all, and for each turn.
_TEMPLATE_TOKENS, _TURN_TOKENS = 128, 16
#: For estimates, not for bounds. English and code have about four characters a token; other scripts, which
#: take more bytes, have fewer.
BYTES_PER_TOKEN = 4


class BudgetReached(DatagenError):
    """The next call could cost more than is left of --max-usd."""

    exit_code = 4


class Account(NamedTuple):
    """Whose money a stage spends: the key of a run's plan (None: of its own plan), and the most USD."""

    plan: str | None
    max_usd: float | None


def account_for(max_usd: float | None, asked: Sequence[Profile]) -> Account | None:
    """The account of a stage with a limit of money, before its plan is known; None without a limit.

    Raises:
        UsageError: nobody said what one of those asked costs, or its answers have no limit.
    """
    if max_usd is None:
        return None
    for one in asked:
        if not kind_of(one).costs:
            continue
        if one.price_in is None:
            raise UsageError(
                f"--max-usd needs the price of {one.name}: give price_in and price_out in a teachers file"
            )
        limits = dict(one.parameters)
        if limits.get("max_completion_tokens", limits.get("max_tokens", 1)) is None:
            raise UsageError(f"--max-usd needs a limit for the answers of {one.name}: give max_tokens")
    return Account(None, max_usd)


class Bound(NamedTuple):
    """The most tokens that a request can take; tokens_out is None where nothing limits them."""

    tokens_in: int
    tokens_out: int | None

    @classmethod
    def of(cls, request: Request) -> Bound:
        """No tokenizer makes more tokens than a text has bytes."""
        texts = [content for _, content in request.messages] + [request.text or ""]
        size = sum(len(text.encode()) for text in texts)
        return cls(size + _TEMPLATE_TOKENS + _TURN_TOKENS * len(request.messages), most_tokens_out(request))


def most_tokens_out(request: Request) -> int | None:
    """The request's own limit for the answer."""
    parameters: dict[str, Any] = dict(request.parameters)
    return parameters.get("max_completion_tokens", parameters.get("max_tokens"))


def expected_tokens_in(request: Request) -> int:
    """About how many tokens a prompt has."""
    texts = [content for _, content in request.messages] + [request.text or ""]
    return sum(len(text.encode()) for text in texts) // BYTES_PER_TOKEN + 4 * len(texts)


class Budget:
    """What all runs of one plan may spend together, in USD; what they spent stands in the journal.

    A reservation is on disk before its call is sent, so that not even kill -9 makes a plan spend more.
    """

    def __init__(self, journal: Journal, plan: str, usd: float) -> None:
        self.usd = usd
        self._journal = journal
        self._plan = plan
        self._spent = journal.spent(plan)
        self._reserved = 0.0
        self._open = 0
        self._settled = asyncio.Condition()

    async def reserve(self, profile: Profile, request: Request) -> Reservation:
        """Set aside what a call can cost at most; waits while others that may leave something are under way.

        Raises:
            BudgetReached: it does not fit, and nothing under way can change that.
        """
        bound = Bound.of(request)
        most = profile.cost(bound.tokens_in, bound.tokens_out or 0)
        async with self._settled:
            while self._spent + self._reserved + most > self.usd + 1e-12:
                if not self._open:
                    raise self._reached(most)
                await self._settled.wait()
            self._reserved += most
            self._open += 1
        try:
            name = await self._journal.reserve(self._plan, most) if most else ""
        except BaseException:
            await self.settle(Reservation("", most), 0.0)
            raise
        return Reservation(name, most)

    def _reached(self, most: float) -> BudgetReached:
        return BudgetReached(
            f"--max-usd {self.usd:g} reached: ${self._spent:.4f} spent,"
            f" and the next call may cost ${most:.4f}; what was answered is kept,"
            " the same command with more goes on from there"
        )

    async def settle(self, reservation: Reservation, usd: float) -> None:
        """A call cost `usd` of what was reserved for it."""
        async with self._settled:
            self._open -= 1
            # Rounding adds up, and a rest of it would be waited for.
            self._reserved = self._reserved - reservation.usd if self._open else 0.0
            self._spent += usd
            self._settled.notify_all()


@contextlib.contextmanager
def opened(journal: Journal, plan: str, usd: float) -> Iterator[Budget]:
    """The budget of a plan, for one process at a time: two would spend the same rest.

    Raises:
        DatagenError: another process spends it now.
    """
    busy = "another run of the same plan with --max-usd is under way; wait for it, or leave the work to it"
    with directory.lock(journal.path.with_name(f"budget-{plan[:16]}"), busy=busy):
        yield Budget(journal, plan, usd)


class Reservation(NamedTuple):
    """Money set aside for one call; `name` is its note in the journal, empty if there is none."""

    name: str
    usd: float
