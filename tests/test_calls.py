"""Model calls: in order, each paid once, and stopped without losing any."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from functools import partial

import pytest

from datagen import progress
from datagen.calls import MAX_FAILURES_IN_A_ROW, Caller, in_order, run_calls
from datagen.errors import DatagenError, InterruptedRun
from datagen.journal import open_journal
from datagen.teachers import CallFailed, Prompt, Reply, Request, TeacherUnusable


class Scripted:
    """A teacher whose calls end when the test says so: `script` gets the prompt's text."""

    license = None
    shape = "chat"
    journalled = True

    def __init__(self, script=None, *, name="scripted", concurrency=4):
        self.name = name
        self.concurrency = concurrency
        self.script = script
        self.asked = []
        self.at_once = self.most_at_once = 0

    def request(self, prompt, *, seed, sample):
        return Request("e", self.name, (), prompt.text, (("seed", seed),), sample)

    async def complete(self, request):
        self.asked.append(request.text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.script:
                await self.script(request.text)
        finally:
            self.at_once -= 1
        return Reply(f"answer to {request.text}", "stop", "m", 1, 2)


@pytest.fixture
def caller(tmp_path):
    with open_journal(tmp_path / "j") as journal:
        yield Caller(journal)


def ask(caller, teacher, text, sample=0):
    return caller.ask(teacher, Prompt(text=str(text)), seed=0, sample=sample)


def run(caller, teacher, texts, window=8):
    """Ask for all `texts`, and return what came back in the order in which it came."""

    async def work():
        jobs = (partial(ask, caller, teacher, text) for text in texts)
        async with aclosing(in_order(jobs, window=window, caller=caller)) as answers:
            return [answer.reply.text if answer.reply else answer.problem async for answer in answers]

    return run_calls(work, caller)


def test_results_come_in_the_order_of_the_jobs(caller):
    """However long each call takes, its result comes where its job stood."""
    draw = random.Random(0)

    async def script(_):
        for _ in range(draw.randrange(20)):
            await asyncio.sleep(0)

    assert run(caller, Scripted(script), range(60)) == [f"answer to {n}" for n in range(60)]


def test_limits_hold(caller):
    """A teacher never has more calls under way than it allows, and no more jobs are begun than the window."""
    begun = []

    async def script(_):
        await asyncio.sleep(0.001)

    teacher = Scripted(script, concurrency=3)
    run(caller, teacher, (begun.append(n) or n for n in range(30)))
    assert teacher.most_at_once == 3

    async def look():
        jobs = (partial(ask, caller, teacher, begun.append(n) or f"more {n}") for n in range(100))
        async with aclosing(in_order(jobs, window=5, caller=caller)) as answers:
            begun.clear()
            async for _ in answers:
                break
            assert len(begun) == 5

    asyncio.run(look())


def test_concurrency_of_the_run_replaces_the_teachers(tmp_path):
    """--concurrency counts for every teacher, up and down."""
    for number in (1, 7):
        with open_journal(tmp_path / str(number)) as journal:
            teacher = Scripted()
            run(Caller(journal, number), teacher, range(20))
            assert teacher.most_at_once == number


def test_equal_requests_are_asked_once(caller):
    """Equal requests under way, and later ones, share one call; another sample is another request."""
    teacher = Scripted()
    assert run(caller, teacher, [1, 1, 2, 1, 2], window=3) == [f"answer to {n}" for n in (1, 1, 2, 1, 2)]
    assert teacher.asked == ["1", "2"]
    asyncio.run(ask(caller, teacher, 1, sample=1))
    assert teacher.asked == ["1", "2", "1"]
    assert (caller.tally.asked, caller.tally.reused, caller.tally.failed) == (3, 3, 0)
    assert (caller.tally.tokens_in, caller.tally.tokens_out) == (3, 6)


def test_shared_call_that_fails(caller):
    """When a shared call fails, all who share it are told; it counts as one failure and as nothing reused."""

    async def script(text):
        if text == "bad":
            raise CallFailed("no")

    teacher = Scripted(script)
    assert run(caller, teacher, ["bad", "bad", "good"]) == ["no", "no", "answer to good"]
    assert teacher.asked == ["bad", "good"]
    assert (caller.tally.asked, caller.tally.reused, caller.tally.failed) == (1, 0, 1)


def test_calls_in_flight_are_kept_when_a_job_fails(caller):
    """An error that ends the run waits for the calls in flight and stores their answers."""
    both = asyncio.Event()

    async def script(text):
        if text == "bad":
            both.set()
            raise TeacherUnusable("gone")
        await both.wait()
        await asyncio.sleep(0.01)

    teacher = Scripted(script)
    with pytest.raises(TeacherUnusable, match="gone"):
        run(caller, teacher, ["slow", "bad", *range(20)])
    assert caller.journal.get(teacher.request(Prompt(text="slow"), seed=0, sample=0))


def test_error_stops_all_calls_at_once(caller):
    """No call is begun once an error has ended the run, even while the first job is still under way."""
    failed = asyncio.Event()

    async def script(text):
        if text == "bad":
            failed.set()
            raise TeacherUnusable("gone")
        await failed.wait()
        for _ in range(50):
            await asyncio.sleep(0)

    teacher = Scripted(script, concurrency=2)
    with pytest.raises(TeacherUnusable, match="gone"):
        run(caller, teacher, ["slow", "bad", *range(20)])
    assert teacher.asked == ["slow", "bad"]


def test_answer_that_cannot_be_stored_ends_the_run(caller, monkeypatch):
    """When the journal cannot store an answer no further one is paid for, and that is what the run says."""

    async def full(request, reply):
        raise DatagenError("the disk is full")

    monkeypatch.setattr(caller.journal, "put", full)
    teacher = Scripted(concurrency=2)
    with pytest.raises(DatagenError, match="the disk is full"):
        run(caller, teacher, range(50), window=50)
    assert len(teacher.asked) <= 4


def test_consumer_that_fails_loses_no_answer(caller):
    """When the rows cannot be written, the answers that were in flight are in the journal all the same."""
    teacher = Scripted()

    async def work():
        jobs = (partial(ask, caller, teacher, n) for n in range(8))
        async with aclosing(in_order(jobs, window=8, caller=caller)) as answers:
            async for _ in answers:
                raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_calls(work, caller)
    stored = [
        n for n in teacher.asked if caller.journal.get(teacher.request(Prompt(text=n), seed=0, sample=0))
    ]
    assert stored == teacher.asked


def test_failures_in_a_row_stop_the_run(caller):
    """After too many failures with no answer between them the run stops and names the last."""

    async def script(text):
        if int(text) > 2:
            raise CallFailed(f"fault {text}")

    teacher = Scripted(script, concurrency=1)
    with pytest.raises(
        TeacherUnusable, match=rf"^{MAX_FAILURES_IN_A_ROW} calls failed in a row.*fault 22; .*goes on"
    ):
        run(caller, teacher, range(200))
    assert len(teacher.asked) == 3 + MAX_FAILURES_IN_A_ROW


def test_failures_with_answers_between_do_not_stop(caller):
    """A teacher that fails often but not always is not given up."""

    async def script(text):
        if int(text) % 10:
            raise CallFailed("overloaded")

    came = run(caller, Scripted(script), range(100))
    assert came.count("overloaded") == 90


def test_no_answer_at_all_is_an_error(caller):
    """When every call failed there is no data set to be made, and one line says why."""

    async def script(_):
        raise CallFailed("the server refused with 500")

    with pytest.raises(TeacherUnusable, match=r"no call was answered.*refused with 500"):
        run(caller, Scripted(script), range(3))


def test_stop_is_heard_before_the_first_call(caller):
    """A Ctrl-C during the loading of a model stops the run before anything is asked."""
    teacher = Scripted()

    async def work():
        # As a signal does that came while the loop was blocked.
        asyncio.get_running_loop().call_soon_threadsafe(caller.stop, InterruptedRun("interrupted"))
        async with aclosing(in_order([partial(ask, caller, teacher, 1)], window=8, caller=caller)) as answers:
            async for _ in answers:
                pass

    with pytest.raises(InterruptedRun):
        run_calls(work, caller)
    assert teacher.asked == []


def test_stop_lets_journalled_answers_pass(caller):
    """After a Ctrl-C what the journal knows is still answered; only new calls are refused."""
    teacher = Scripted()
    run(caller, teacher, [1])

    async def work():
        caller.stop(InterruptedRun("interrupted"))
        assert (await ask(caller, teacher, 1)).reply
        with pytest.raises(InterruptedRun):
            await ask(caller, teacher, 2)

    with pytest.raises(InterruptedRun):
        run_calls(work, caller)
    assert teacher.asked == ["1"]


def test_run_that_was_stopped_never_ends_well(caller):
    """Stopped while its last call is in flight, a run is interrupted too, so that no next stage begins."""
    teacher = Scripted()

    async def work():
        call = asyncio.ensure_future(ask(caller, teacher, 1))
        await asyncio.sleep(0)
        caller.stop(InterruptedRun("interrupted"))
        await call

    with pytest.raises(InterruptedRun):
        run_calls(work, caller)


def test_long_end_is_explained(caller, monkeypatch, capsys):
    """A run that ends while calls are in flight says what it waits for, but not at once."""
    progress.configure(quiet=False, verbose=False)
    failed = asyncio.Event()

    async def script(text):
        if text == "bad":
            failed.set()
            raise TeacherUnusable("gone")
        await failed.wait()
        while "Stopping" not in capsys.readouterr().err:
            await asyncio.sleep(0.005)

    monkeypatch.setattr(Caller.stop, "__kwdefaults__", {"patience": 0.01})
    with pytest.raises(TeacherUnusable, match="gone"):
        run(caller, Scripted(script), ["slow", "bad"])


def test_failed_request_is_no_failed_call(caller):
    """A task that lacks what a teacher needs is answered with the reason; no call was made, none failed."""

    class Lacking(Scripted):
        def request(self, *_, **__):
            raise CallFailed("no reference")

    assert run(caller, Lacking(), [1, 2]) == ["no reference"] * 2
    assert caller.tally.failed == 0
