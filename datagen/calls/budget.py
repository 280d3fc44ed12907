"""Money: what a run may spend, reserved before a call is sent and settled when it is answered."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
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
#: Less than this is not told.
_SHOWN_USD = 0.00005


class BudgetReached(DatagenError):
    """The next call could cost more than is left of --max-usd."""

    exit_code = 4


class Account(NamedTuple):
    """Whose money is spent: all runs that write one data set have one account, whatever they make there.

    Args:
        plan: what the calls are bought for, the key of a stage's or a run's plan; empty: not known yet.
        max_usd: the most that the account may spend; None for no limit.
        name: the account's name in the journal; empty: not known yet.
    """

    plan: str = ""
    max_usd: float | None = None
    name: str = ""

    def of(self, plan: str, out: Path) -> Account:
        """The account of the data set `out`; what a whole run has filled in stays.

        It is told by the real path alone. So it outlives what stands there: a recipe that was changed,
        --overwrite or a folder that was removed does not set it back.
        """
        name = hashlib.sha256(os.fsencode(directory.real(out))).hexdigest()
        return Account(self.plan or plan, self.max_usd, self.name or name)


def account_for(max_usd: float | None, asked: Sequence[Profile]) -> Account:
    """An account with a limit of money, or without one, before it is known what is made and where.

    Raises:
        UsageError: nobody said what one of those asked costs, or its answers have no limit.
    """
    for one in asked:
        if max_usd is None or not kind_of(one).costs:
            continue
        if one.price_in is None:
            raise UsageError(
                f"--max-usd needs the price of {one.name}: give price_in and price_out in a teachers file"
            )
        limits = dict(one.parameters)
        if limits.get("max_completion_tokens", limits.get("max_tokens", 1)) is None:
            raise UsageError(f"--max-usd needs a limit for the answers of {one.name}: give max_tokens")
    return Account(max_usd=max_usd)


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


def most_usd(profile: Profile, request: Request) -> float:
    """What a call can cost at most."""
    bound = Bound.of(request)
    return profile.cost(bound.tokens_in, bound.tokens_out or 0)


def most_tokens_out(request: Request) -> int | None:
    """The request's own limit for the answer."""
    parameters: dict[str, Any] = dict(request.parameters)
    return parameters.get("max_completion_tokens", parameters.get("max_tokens"))


def expected_tokens_in(request: Request) -> int:
    """About how many tokens a prompt has."""
    texts = [content for _, content in request.messages] + [request.text or ""]
    return sum(len(text.encode()) for text in texts) // BYTES_PER_TOKEN + 4 * len(texts)


class Budget:
    """What all runs of one account may spend together, in USD; what they spent stands in the journal.

    A reservation is on disk before its call is sent, so that not even kill -9 makes an account spend more.
    One process at a time has it: whoever uses it holds the lock of the data set.
    """

    def __init__(self, journal: Journal, account: str, usd: float) -> None:
        self.usd = usd
        self._journal = journal
        self._account = account
        self._awaited = journal.awaited(account)
        #: what answered calls cost, what is set aside for calls that are under way, and for all others
        self._spent, self._kept = journal.spent(account)
        self._reserved = 0.0
        self._open = 0
        self._settled = asyncio.Condition()

    async def reserve(self, profile: Profile, request: Request, *, resumable: bool = False) -> Reservation:
        """Set aside what a call can cost at most; waits while others that may leave something are under way.

        Args:
            profile: who is asked.
            request: what is asked.
            resumable: whether the call goes on at the server when the run ends. What an earlier run set aside
                for such a call is for this one too.

        Raises:
            BudgetReached: it does not fit, and nothing under way can change that.
        """
        most = most_usd(profile, request)
        key = request.key if resumable else ""
        if (taken := self._taken_over(key)) is not None:
            return taken
        async with self._settled:
            while self._spent + self._kept + self._reserved + most > self.usd + 1e-12:
                if not self._open:
                    raise self._reached(most)
                await self._settled.wait()
            self._reserved += most
            self._open += 1
        try:
            name = await self._journal.reserve(self._account, most, key=key) if most else ""
        except BaseException:
            await self.settle(Reservation("", most), 0.0)
            raise
        return Reservation(name, most)

    def _taken_over(self, key: str) -> Reservation | None:
        """The reservation that an earlier run made for a call that may still be answered."""
        name = f"{self._account}:{key}"
        if not key or name not in self._awaited:
            return None
        taken = Reservation(name, self._awaited.pop(name))
        self._open += 1
        self._kept -= taken.usd
        self._reserved += taken.usd
        return taken

    def told(self) -> str:
        """What is spent and what is set aside, in words."""
        set_aside = self._kept + self._reserved
        if set_aside < _SHOWN_USD:
            return f"${self._spent:.4f} spent"
        return f"${self._spent:.4f} spent, ${set_aside:.4f} set aside for calls without an answer"

    def _reached(self, most: float) -> BudgetReached:
        return BudgetReached(
            f"--max-usd {self.usd:g} reached: {self.told()}, by all runs with this -o;"
            f" the next call may cost ${most:.4f}; what was answered is kept,"
            " the same command with more goes on from there"
        )

    async def settle(self, reservation: Reservation, usd: float) -> None:
        """A call cost `usd`; what was set aside for it is free again."""
        async with self._settled:
            self._end(reservation)
            self._spent += usd
            self._settled.notify_all()

    def overrun(self, profile: Profile, request: Request, usd: float) -> BudgetReached:
        """Why a run ends when a server bills more than was set aside: no limit holds with it."""
        return BudgetReached(
            f"{profile.name} billed ${usd:.4f} for a call that may cost ${most_usd(profile, request):.4f} at"
            f" most (answers longer than max_tokens?), so --max-usd {self.usd:g} cannot be kept:"
            f" {self.told()}; raise max_tokens to what the server bills; what was answered is kept"
        )

    async def release(self, reservation: Reservation) -> None:
        """A call cost nothing."""
        await self.settle(reservation, 0.0)
        if reservation.name:
            await self._journal.release(reservation.name)

    async def lose(self, reservation: Reservation) -> None:
        """A call may have been paid for, and nobody gets its answer; the next attempt has its own money."""
        await self.keep(reservation)
        if reservation.name:
            await self._journal.lose(reservation.name)

    async def keep(self, reservation: Reservation) -> None:
        """A call may have been paid for, and a later run may get its answer: what was set aside stays so."""
        async with self._settled:
            self._end(reservation)
            self._kept += reservation.usd
            self._settled.notify_all()

    def _end(self, reservation: Reservation) -> None:
        self._open -= 1
        # Rounding adds up, and a rest of it would be waited for.
        self._reserved = self._reserved - reservation.usd if self._open else 0.0


class Reservation(NamedTuple):
    """Money set aside for one call; `name` is its note in the journal, empty if there is none."""

    name: str
    usd: float
