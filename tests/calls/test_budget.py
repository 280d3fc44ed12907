"""Money: what is reserved and spent never exceeds what the user allows, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.calls.budget import Account, Bound, Budget, BudgetReached, expected_tokens_in, most_tokens_out
from datagen.journal import open_journal
from datagen.request import Reply, Request
from datagen.teachers import Profile

DEAR = Profile("openai:m", "dear", price_in=0.0, price_out=1e6)


def request(tokens_out, number=0):
    """A request that costs one dollar for each token that it may be answered with."""
    return Request("e", "m", (("user", f"task {number}"),), None, (("max_tokens", tokens_out),), 0)


calls = st.lists(
    st.tuples(
        st.integers(0, 50), st.floats(0, 1), st.sampled_from(["answered", "refused", "lost", "killed"])
    ),
    min_size=1,
    max_size=40,
)


@given(calls, st.integers(1, 400), st.integers(1, 8), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_never_more_than_allowed(planned, usd, at_once, draw):
    """Answered, refused, lost or killed, in any order and several at a time: the journal never says more."""

    async def work(journal):
        budget = Budget(journal, "plan", usd)
        places = asyncio.Semaphore(at_once)
        stopped = []

        async def call(number, most, share, end):
            asked = request(most, number)
            async with places:
                if stopped:
                    return
                try:
                    reservation = await budget.reserve(DEAR, asked)
                except BudgetReached:
                    stopped.append(number)
                    return
                assert reservation.usd == most
                assert sum(journal.spent("plan")) <= usd + 1e-9
                await asyncio.sleep(draw.random() / 1000)
                await settle(number, asked, share * most, end, reservation)

        async def settle(number, asked, cost, end, reservation):
            if end == "answered":
                reply = Reply(f"{number}", "stop", "m", 1, 1)
                await journal.put(asked, reply, account="plan", usd=cost, reserved=reservation.name)
                await budget.settle(reservation, cost)
            elif end == "refused":
                await budget.release(reservation)
            else:  # its note stays
                await budget.lose(reservation)

        await asyncio.wait_for(asyncio.gather(*(call(n, *one) for n, one in enumerate(planned))), 20)
        assert sum(journal.spent("plan")) <= usd + 1e-9
        assert sum(journal.spent("plan")) == pytest.approx(budget._spent + budget._kept)
        if not stopped:
            await asyncio.wait_for(budget.reserve(DEAR, request(0)), 1)

    with tempfile.TemporaryDirectory() as folder, open_journal(Path(folder) / "j") as journal:
        asyncio.run(work(journal))


def test_what_was_spent_before_counts(tmp_path):
    """Calls of earlier runs, and reservations of runs that were killed, are part of what is spent."""

    async def spend():
        with open_journal(tmp_path / "j") as journal:
            budget = Budget(journal, "plan", 10)
            kept = await budget.reserve(DEAR, request(4))
            await journal.put(
                request(4), Reply("", "stop", "m", 1, 1), account="plan", usd=3, reserved=kept.name
            )
            await budget.reserve(DEAR, request(5))  # kill -9

    async def resume(usd):
        with open_journal(tmp_path / "j") as journal:
            await Budget(journal, f"plan of {usd}", 10).reserve(DEAR, request(10))
            await asyncio.wait_for(Budget(journal, "plan", usd).reserve(DEAR, request(3)), 1)

    asyncio.run(spend())
    with pytest.raises(
        BudgetReached, match=r"--max-usd 10 reached: \$3.0000 spent, \$5.0000 set aside for calls without"
    ):
        asyncio.run(resume(10))
    asyncio.run(resume(11))


def test_a_call_waits_for_what_others_may_leave(tmp_path):
    """While calls are under way that may cost less than reserved, the next one waits; then it goes on."""

    async def work(journal):
        budget = Budget(journal, "plan", 10)
        first = await budget.reserve(DEAR, request(8))
        second = asyncio.ensure_future(budget.reserve(DEAR, request(9)))
        third = asyncio.ensure_future(budget.reserve(DEAR, request(2)))
        assert (await third).usd == 2
        assert not second.done()
        await budget.settle(first, 0.0)
        await asyncio.sleep(0.01)
        assert not second.done()
        await budget.settle(await third, 1.0)
        assert (await second).usd == 9
        await budget.settle(await second, 9.0)
        with pytest.raises(BudgetReached) as reached:
            await budget.reserve(DEAR, request(1))
        assert reached.value.exit_code == 4

    with open_journal(tmp_path / "j") as journal:
        asyncio.run(asyncio.wait_for(work(journal), 5))


def test_rounding_leaves_nobody_waiting(tmp_path):
    """However sums of large and small amounts are rounded, a budget in which nothing is open says so."""
    draw = random.Random(0)

    async def work(journal):
        budget = Budget(journal, "plan", 1e9)
        free = DEAR._replace(price_out=0.1 * 1e6 / 3)
        for _ in range(20):
            opened = [await budget.reserve(free, request(draw.randrange(1, 10**6))) for _ in range(8)]
            draw.shuffle(opened)
            for one in opened:
                await budget.settle(one, 0.0)
        with pytest.raises(BudgetReached):
            await asyncio.wait_for(budget.reserve(DEAR, request(2 * 10**9)), 5)

    with open_journal(tmp_path / "j") as journal:
        asyncio.run(work(journal))


def test_cancelled_while_it_is_noted(tmp_path):
    """A call that is given up while its reservation is written holds nothing back from others."""

    async def work(journal):
        budget = Budget(journal, "plan", 10)
        first = asyncio.ensure_future(budget.reserve(DEAR, request(8)))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await asyncio.wait_for(budget.reserve(DEAR, request(10)), 1)

    with open_journal(tmp_path / "j") as journal:
        assert asyncio.run(work(journal)).usd == 10


def test_a_call_that_another_process_stored_first_was_paid_too(tmp_path):
    """Of two runs that ask the same at once both spend; the journal holds one answer and both costs."""

    async def work(journal):
        budget = Budget(journal, "plan", 10)
        reservation = await budget.reserve(DEAR, request(4))
        with open_journal(journal.path) as other:
            first = Reply("first", "stop", "m", 1, 1)
            await other.put(request(4), first, account="other", usd=3.0)
        kept = await journal.put(
            request(4), Reply("second", "stop", "m", 1, 1), account="plan", usd=3.0, reserved=reservation.name
        )
        return kept.text, sum(journal.spent("plan")), sum(journal.spent("other"))

    with open_journal(tmp_path / "j") as journal:
        assert asyncio.run(work(journal)) == ("first", 4.0, 3.0)


def test_what_costs_nothing_is_not_noted(tmp_path):
    """A teacher without a price, or with price 0, goes on when the money is gone, and writes no note."""

    async def work(journal):
        budget = Budget(journal, "plan", 1)
        await budget.settle(await budget.reserve(DEAR, request(1)), 1.0)
        reservation = await budget.reserve(Profile("local:x", "x"), request(100))
        return reservation

    with open_journal(tmp_path / "j") as journal:
        assert asyncio.run(work(journal)) == ("", 0.0)


def test_a_call_that_goes_on_without_us_has_one_reservation(tmp_path):
    """What a killed run set aside for a call of a batch is there for the next run, also at the limit."""

    async def killed(journal):
        await Budget(journal, "a", 10).reserve(DEAR, request(8), resumable=True)

    async def collect(journal):
        budget = Budget(journal, "a", 10)
        taken = await budget.reserve(DEAR, request(8), resumable=True)
        assert tuple(journal.spent("a")) == (0.0, 8.0)
        reply = Reply("x", "stop", "m", 1, 1)
        await journal.put(request(8), reply, account="a", usd=3.0, reserved=taken.name)
        await budget.settle(taken, 3.0)
        assert tuple(journal.spent("a")) == (3.0, 0.0)
        return await budget.reserve(DEAR, request(7, 1))

    for work in (killed, killed, collect):
        with open_journal(tmp_path / "j") as journal:
            asyncio.run(asyncio.wait_for(work(journal), 5))


def test_the_next_attempt_of_a_lost_call_has_its_own_money(tmp_path):
    """A batch that was billed and lost its answer counts, and so does the one that is sent after it."""

    async def work(journal):
        budget = Budget(journal, "a", 10)
        await budget.lose(await budget.reserve(DEAR, request(4), resumable=True))
        await budget.keep(await budget.reserve(DEAR, request(4), resumable=True))
        assert tuple(journal.spent("a")) == (0.0, 8.0)
        again = Budget(journal, "a", 10)
        assert (await again.reserve(DEAR, request(4), resumable=True)).usd == 4
        assert tuple(journal.spent("a")) == (0.0, 8.0)

    with open_journal(tmp_path / "j") as journal:
        asyncio.run(asyncio.wait_for(work(journal), 5))


def test_what_another_run_collected_is_not_set_aside(tmp_path):
    """A batch's answer is paid by the run that collected it, not by the one that had sent it."""

    async def work(journal):
        await Budget(journal, "a", 10).reserve(DEAR, request(4), resumable=True)
        await journal.put(request(4), Reply("x", "stop", "m", 1, 1), account="b", usd=3.0)
        Budget(journal, "a", 10)
        return [tuple(journal.spent(name)) for name in "ab"]

    with open_journal(tmp_path / "j") as journal:
        assert asyncio.run(work(journal)) == [(0.0, 0.0), (3.0, 0.0)]


def test_an_account_is_its_folder(tmp_path):
    """Other links to a folder lead to the same account; what was filled in for a whole run stays."""
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    one = Account(max_usd=1.0).of("plan", tmp_path / "out")
    assert one.max_usd == 1.0
    assert one == Account(max_usd=1.0).of("plan", tmp_path / "link")
    assert one == one.of("a stage's plan", tmp_path / "out" / "stages" / "01-evolve")
    assert one.name != Account().of("plan", tmp_path / "other").name


@given(st.lists(st.text(), max_size=4), st.none() | st.text())
def test_bound(texts, text):
    """No tokenizer makes more tokens than there are bytes; the estimate lies below the bound."""
    asked = Request("e", "m", tuple(("user", one) for one in texts), text, (("max_tokens", 7),), 0)
    bound = Bound.of(asked)
    assert bound.tokens_in >= sum(len(one.encode()) for one in [*texts, text or ""])
    assert 0 <= expected_tokens_in(asked) <= bound.tokens_in
    assert bound.tokens_out == 7


@pytest.mark.parametrize(
    ("parameters", "most"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({}, None),
    ],
)
def test_most_tokens_out(parameters, most):
    """The limit of an answer is that of the request, by either name."""
    assert most_tokens_out(Request("e", "m", (), "t", tuple(parameters.items()), 0)) == most
