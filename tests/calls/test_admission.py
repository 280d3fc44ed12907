"""Admission: how many calls at a time, how fast, and what happens to an endpoint that is busy or dead."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import selectors

import pytest
from cli import datagen
from endpoint import Endpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen import progress
from datagen.backoff import LONGEST_SECONDS
from datagen.calls.admission import Gate, GivenUp, Window, backoff


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is to do."""

    def __init__(self):
        self.now = 1000.0
        super().__init__(selectors.SelectSelector())
        select = self._selector.select

        def jump(timeout):
            assert timeout is not None, "nobody will ever be woken again"
            self.now += timeout
            return select(0)

        self._selector.select = jump

    def time(self):
        return self.now


def in_virtual_time(work):
    """Run `work(loop)`; it ends at once, however long it takes by its own clock."""
    loop = VirtualTime()
    try:
        return loop.run_until_complete(work(loop))
    finally:
        loop.close()


def busiest(moments, seconds):
    """The most units within any so many seconds (the end excluded), of (moment, units) in order."""
    most, inside, first = 0.0, 0.0, 0
    for moment, units in moments:
        inside += units
        while moments[first][0] <= moment - seconds:
            inside -= moments[first][1]
            first += 1
        most = max(most, inside)
    return most


arrivals = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 400)), min_size=1, max_size=120)


@given(arrivals, st.integers(1, 3000), st.floats(0, 0.5))
@settings(deadline=None)
def test_no_minute_sees_more_requests_than_its_limit(pauses, rpm, jitter):
    """However requests arrive, and though some take longer, a sliding minute holds at most rpm of them."""
    draw, now = random.Random(0), [0.0]
    window = Window.of_requests(rpm, lambda: now[0])
    sent = []
    for pause, burst in pauses:
        now[0] += pause * 60 / rpm
        for _ in range(min(burst, rpm // 4 + 2)):
            while (wait := window.wait_for(1)) > 0:
                now[0] += wait
            window.take(now[0], 1)
            sent.append((now[0], 1))
    assert busiest(sent, 60) <= rpm
    assert busiest(sent, 60 / max(rpm, 60)) <= max(1, rpm // 60)
    heard = sorted((moment + draw.uniform(0, jitter), units) for moment, units in sent)
    assert busiest(heard, 60) <= rpm


@pytest.mark.parametrize("rpm", [0.5, 1, 7, 59, 60, 61, 119, 500, 30000])
def test_a_limit_is_used_to_the_full(rpm):
    """Who always has something to send gets at least 95 % of the limit, rounded down."""
    now = [0.0]
    window = Window.of_requests(rpm, lambda: now[0])
    sent, minutes = 0, max(3, 3 / rpm)
    while now[0] < 60 * minutes:
        if (wait := window.wait_for(1)) > 0:
            now[0] += wait
        else:
            window.take(now[0], 1)
            sent += 1
    assert 0.95 * rpm * minutes <= sent <= rpm * minutes + max(1, rpm / 60)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 5000), st.integers(0, 5000)), max_size=80))
def test_no_minute_sees_more_tokens_than_its_limit(calls):
    """Tokens count as reserved until an answer tells how many they were; what is too large goes alone."""
    now, tpm = [0.0], 4000
    window = Window(tpm, 60, lambda: now[0])
    sent = []
    for pause, reserved, used in calls:
        now[0] += pause
        while (wait := window.wait_for(reserved)) > 0:
            now[0] += wait
        window.take(now[0], reserved)
        sent.append((now[0], reserved))
        inside = [units for moment, units in sent if moment > now[0] - 60]
        assert sum(inside) <= tpm or [units for units in inside if units] == [reserved]
        if used < reserved:
            window.correct(now[0], used - reserved)
            sent[-1] = now[0], used


def test_what_was_reserved_too_much_is_free_again():
    """Answers shorter than they might have been leave room for other calls."""
    now = [5.0]
    window = Window(1000, 60, lambda: now[0])
    window.take(5.0, 900)
    assert window.wait_for(200) > 59
    window.correct(5.0, 100 - 900)
    assert window.wait_for(900) == 0
    now[0] = 70.0
    window.correct(5.0, -5000)
    window.take(70.0, 1000)
    assert window.wait_for(1) > 59


def test_fast_limits_take_little_memory():
    """A hundred thousand requests within a minute are kept as a few slices."""
    now = [0.0]
    window = Window(1e9, 60, lambda: now[0])
    for number in range(100_000):
        now[0] = number / 2000
        window.take(now[0], 1)
    assert len(window._slices) < 110


outcomes = st.sampled_from(["answer", "answer", "answer", "busy", "later", "fail", "cancel", "raise"])
scripts = st.lists(
    st.tuples(st.floats(0, 3), st.floats(0, 5), st.lists(outcomes, min_size=1, max_size=4)), max_size=40
)


@given(scripts, st.integers(1, 6), st.none() | st.integers(5, 600), st.none() | st.integers(500, 9000))
@settings(deadline=None)
def test_whatever_happens_everyone_comes_through(calls, cap, rpm, tpm):
    """Calls that are answered, refused, cancelled or fail at random: limits hold, and none waits for ever."""

    async def work(loop):
        gate = Gate("e", cap, rpm=rpm, tpm=tpm, patience=1e9, clock=loop.time)
        entered = []

        async def call(start, seconds, ends):
            await asyncio.sleep(start)
            for attempt, end in enumerate(ends):
                moment = await gate.enter(100)
                entered.append((loop.time(), 1))
                assert gate.under_way <= cap
                try:
                    await asyncio.sleep(seconds)
                    if end == "raise":
                        raise LookupError
                except BaseException:
                    gate.leave()
                    raise
                if end == "answer":
                    gate.answered(moment, 100, 30)
                    return "answered"
                if end == "fail":
                    wait = gate.failed(attempt, "500")
                else:
                    wait = gate.refused(moment, attempt, {"busy": None, "later": 2.0}.get(end, 0.0))
                await asyncio.sleep(wait)
            return "given up"

        tasks = [asyncio.ensure_future(call(*one)) for one in calls]
        for task, (start, seconds, ends) in zip(tasks, calls, strict=True):
            if "cancel" in ends:
                loop.call_later(start + seconds * 1.5, task.cancel)
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1e6)
        assert gate.under_way == 0
        assert not gate._queue
        assert 1 <= gate.width <= cap
        if rpm:
            assert busiest(entered, 60) <= rpm
        if tpm:
            assert gate._tokens._used >= 0

    progress.configure(quiet=True, verbose=False)
    in_virtual_time(work)
    progress.configure(quiet=False, verbose=False)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 4))
@settings(deadline=None)
def test_first_come_first_served(cancelled, cap):
    """Calls enter in the order in which they queued; those who gave up waiting hold nobody up."""

    async def work(loop):
        gate = Gate("e", cap, rpm=600, clock=loop.time)
        order = []

        async def call(number):
            moment = await gate.enter(1)
            order.append(number)
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                gate.leave()
                raise
            gate.answered(moment, 1, 1)

        tasks = [asyncio.ensure_future(call(number)) for number in range(len(cancelled))]
        await asyncio.sleep(0)
        for task, gives_up in zip(tasks, cancelled, strict=True):
            if gives_up:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == sorted(order)
        assert {number for number, gives_up in enumerate(cancelled) if not gives_up} <= {*order}
        return gate.under_way

    assert in_virtual_time(work) == 0


def test_a_turn_that_came_too_late_goes_to_the_next():
    """A call that is cancelled just when it might begin leaves its place."""

    async def work(loop):
        gate = Gate("e", 1, clock=loop.time)
        first = await gate.enter(1)
        second, third = asyncio.ensure_future(gate.enter(1)), asyncio.ensure_future(gate.enter(1))
        await asyncio.sleep(0)
        gate.answered(first, 1, 1)
        second.cancel()
        await third
        assert gate.under_way == 1
        gate.leave()
        return gate.under_way

    assert in_virtual_time(work) == 0


def test_width_halves_once_for_calls_that_were_refused_together():
    """Eight refusals of one moment are one sign; answers widen it again, one by one, up to the cap."""

    async def work(loop):
        gate = Gate("e", 8, clock=loop.time)

        async def round_of(end):
            moments = [await gate.enter(1) for _ in range(int(gate.width))]
            await asyncio.sleep(1)
            for moment in moments:
                end(moment)
            await asyncio.sleep(1)
            return int(gate.width)

        def refuse(moment):
            gate.refused(moment, 0, None)

        def answer(moment):
            gate.answered(moment, 1, 1)

        falls = [await round_of(refuse) for _ in range(5)]
        rises = [await round_of(answer) for _ in range(12)]
        return falls, rises

    falls, rises = in_virtual_time(work)
    assert falls == [4, 2, 1, 1, 1]
    assert rises == sorted(rises)
    assert rises[:3] == [2, 2, 3]
    assert rises[-1] == 8


def test_what_the_server_asks_for_holds_for_every_call():
    """Retry-After of one refusal keeps all others away, too, and is told if it is long."""

    async def work(loop):
        gate = Gate("e", 4, clock=loop.time)
        first = await gate.enter(1)
        gate.refused(first, 0, 20.0)
        started = loop.time()
        await gate.enter(1)
        assert loop.time() - started == pytest.approx(20)
        gate.answered(loop.time(), 1, 1, pause=3.0)
        await gate.enter(1)
        return loop.time() - started

    assert in_virtual_time(work) == pytest.approx(23)


def test_who_refuses_without_a_word_is_asked_seldom():
    """However many calls wait, an endpoint that says nothing but "busy" gets one every few seconds."""

    async def work(loop):
        gate = Gate("e", 8, clock=loop.time)

        async def one():
            for attempt in range(100):
                moment = await gate.enter(1)
                asked.append(moment)
                await asyncio.sleep(0.01)
                if loop.time() > started + 60:
                    gate.answered(moment, 1, 1)
                    return
                await asyncio.sleep(gate.refused(moment, attempt, None))

        asked = []
        started = loop.time()
        await asyncio.gather(*(one() for _ in range(200)))
        assert len([moment for moment in asked if started + 10 < moment < started + 60]) <= 50 / 4 + 1
        return loop.time() - started

    # Once it answers, the others follow soon.
    assert in_virtual_time(work) < 75


def test_a_pause_longer_than_the_patience_is_not_waited_for(capsys):
    """Who has to wait for an hour is told so now, and the others go on."""

    async def work(loop):
        gate = Gate("e", 1, patience=60, clock=loop.time)
        first = await gate.enter(1)
        waiting = asyncio.ensure_future(gate.enter(1))
        await asyncio.sleep(0)
        gate.refused(first, 0, 3600.0)
        with pytest.raises(GivenUp, match="it is busy and wants no call for 3600 s"):
            await waiting
        with pytest.raises(GivenUp):
            await gate.enter(1)
        return loop.time()

    assert in_virtual_time(work) == 1000


def test_a_server_that_always_says_at_once_is_not_hurried():
    """Retry-After: 0 again and again makes a call wait longer and longer."""
    gate = Gate("e", 1)
    waits = [[_refused(gate, attempt) for _ in range(50)] for attempt in range(12)]
    assert max(waits[0]) <= 0.1
    assert max(waits[11]) > 10
    assert max(itertools.chain(*waits)) <= LONGEST_SECONDS


def _refused(gate, attempt):
    gate.under_way += 1
    return gate.refused(0.0, attempt, 0.0)


def test_backoff_grows_and_varies():
    """Each attempt waits about twice as long as the one before, at most a minute, and never two alike."""
    for attempt in range(20):
        waits = [backoff(attempt) for _ in range(100)]
        most = min(60.0, 0.5 * 2**attempt)
        assert most / 2 <= min(waits) < max(waits) <= most
        assert len({*waits}) > 90
    assert backoff(10**9) <= 60


def test_a_dead_endpoint_is_left_alone(capsys):
    """After five failures in a row one call at a time probes it, ever more rarely, until one is answered."""
    progress.configure(quiet=False, verbose=False)

    async def work(loop):
        gate = Gate("e", 16, patience=1e6, clock=loop.time)
        alive_from = loop.time() + 200
        attempts = []

        async def call():
            for attempt in itertools.count():
                moment = await gate.enter(1)
                attempts.append((loop.time(), gate.under_way))
                await asyncio.sleep(0.1)
                if loop.time() >= alive_from:
                    gate.answered(moment, 1, 1)
                    return
                await asyncio.sleep(gate.failed(attempt, "500"))

        gate._heard = True
        await asyncio.gather(*(call() for _ in range(64)))
        return attempts, alive_from, loop.time()

    attempts, alive_from, end = in_virtual_time(work)
    dead = [moment for moment, _ in attempts if 1000.5 < moment < alive_from]
    assert 5 <= len(dead) <= 10
    pauses = [after - before for before, after in itertools.pairwise(dead)]
    assert pauses[-1] > 20 > pauses[0]
    assert {at_once for moment, at_once in attempts if moment in dead} == {1}
    assert max(at_once for _, at_once in attempts) == 16
    assert end - alive_from < 70
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "e does not answer (500); it is tried again now and then",
        "e answers again",
    ]


def test_calls_under_way_do_not_prolong_a_pause():
    """When a server restarts, all calls fail in the same moment; that is one failure, not sixty-four."""

    async def work(loop):
        gate = Gate("e", 64, clock=loop.time)
        for _ in range(64):
            await gate.enter(1)
        for _ in range(64):
            gate.failed(0, "reset")
        started = loop.time()
        await gate.enter(1)
        return loop.time() - started

    assert in_virtual_time(work) == pytest.approx(1, abs=0.11)


@pytest.mark.parametrize("ever", [False, True])
def test_patience_ends(ever, capsys):
    """An endpoint that never answered is given up soon; one that did, when its patience is used up."""

    async def work(loop):
        gate = Gate("e", 4, patience=120, clock=loop.time)
        if ever:
            gate.answered(await gate.enter(1), 1, 1)
        started = loop.time()
        with contextlib.suppress(GivenUp):
            for number in itertools.count():
                await gate.enter(1)
                await asyncio.sleep(gate.failed(number and 1, "500"))
                if number < 5:
                    gate._failures = max(gate._failures, number + 1)
        assert gate.given_up.endswith("s: 500")
        assert gate.under_way == 0
        return loop.time() - started

    seconds = in_virtual_time(work)
    assert (120 if ever else 10) <= seconds <= (240 if ever else 40)


def test_a_busy_endpoint_keeps_the_whole_patience():
    """A server that loads a model anew says 503 for minutes; then it answers."""

    async def work(loop):
        gate = Gate("e", 2, clock=loop.time)
        attempt = 0
        while loop.time() < 1000 + 280:
            moment = await gate.enter(1)
            await asyncio.sleep(gate.refused(moment, attempt, None))
            attempt += 1
        gate.answered(await gate.enter(1), 1, 1)
        return gate.given_up

    assert in_virtual_time(work) is None


def seeds(folder, count):
    rows = [{"instruction": f"Write `task_{n}(x)` that adds {n} to x."} for n in range(count)]
    path = folder / "seeds.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def sample(folder, endpoint, count, **settings):
    teachers = folder / "teachers.yaml"
    teachers.write_text(json.dumps({"t": {"model": "m", "base_url": endpoint.url, **settings}}))
    ended = datagen("sample", seeds(folder, count), "--teachers", teachers, "-o", folder / "out", "--json")
    assert ended.code == 0, ended
    return ended


def test_a_stated_limit_is_never_passed(tmp_path, monkeypatch):
    """With the server's own limit in the teachers file, the server refuses nothing and is kept busy."""
    # The first connections take as long as in a whole minute, which this server shortens to two seconds.
    monkeypatch.setattr(Window, "_SLACK", 0.1)
    with Endpoint(rpm=40, window=2.0) as endpoint:
        ended = sample(tmp_path, endpoint, 58, rpm=1200, concurrency=32)
        assert ended.json()["rows_out"] == endpoint.answered.total() == 58
        assert endpoint.refused == {}


def test_a_limit_that_nobody_stated_is_found(tmp_path):
    """Without a word on limits a run adapts to the server's refusals, loses no row and pays nothing twice."""
    with Endpoint(rpm=60, window=1.0) as endpoint:
        ended = sample(tmp_path, endpoint, 110, concurrency=32)
        assert ended.json()["rows_out"] == 110
        assert endpoint.paid_twice() == 0
        assert endpoint.refused["rpm"] < 100


def test_the_number_at_a_time_is_found(tmp_path):
    """A server that takes four at a time gets about four at a time, whatever the user's cap."""
    with Endpoint(at_most_at_once=4, delay=0.02) as endpoint:
        ended = sample(tmp_path, endpoint, 160, concurrency=64)
        assert ended.json()["rows_out"] == 160
        assert endpoint.paid_twice() == 0
        assert endpoint.refused["at-once"] < 200


@pytest.mark.parametrize("fault", ["429", "429-date", "429-limits", "429-bare", "503-retry-after", "529"])
def test_every_way_of_refusing(tmp_path, fault):
    """Seconds, dates, x-ratelimit headers or nothing at all: the call is put off and then answered."""
    with Endpoint(fault=fault, share=0.3, times=1, retry_after="1") as endpoint:
        ended = sample(tmp_path, endpoint, 12, concurrency=4)
        assert ended.json()["rows_out"] == 12
        assert endpoint.injected[fault] >= 1
        assert endpoint.asked.total() == 12 + endpoint.injected[fault]
        if fault in {"429", "503-retry-after"}:
            assert endpoint.arrivals[-1] - endpoint.arrivals[0] >= 1


def test_a_dead_endpoint_does_not_stop_the_others(tmp_path):
    """A teacher that answers nothing but 500 is given up, which is told; the other's rows are there."""
    with Endpoint(fault="500") as dead, Endpoint() as alive:
        teachers = tmp_path / "teachers.yaml"
        at = {"dead": dead.url, "alive": alive.url}
        teachers.write_text(
            json.dumps({name: {"model": "m", "base_url": url, "patience": 0.3} for name, url in at.items()})
        )
        ended = datagen(
            "sample", seeds(tmp_path, 40), "--teachers", teachers, "-o", tmp_path / "out", "--json"
        )
        assert ended.code == 3
        assert ended.json()["rows_out"] == alive.answered.total() == 40
        assert ended.json()["dropped"] == {"call-failed": 40}
        assert "dead does not answer (the server refused with 500" in ended.err
        assert "dead is given up for this run (no answer in " in ended.err
        assert dead.asked.total() < 40
