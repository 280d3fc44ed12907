"""Model calls: in order, each paid once, and stopped without losing any."""

from __future__ import annotations

import asyncio
import collections
import random
import time
from contextlib import aclosing
from functools import partial

import pytest
from haste import hasten

from datagen import progress
from datagen.calls import admission
from datagen.calls.caller import ATTEMPTS, Caller
from datagen.calls.jobs import in_order
from datagen.calls.refusals import MAX_FAILURES_IN_A_ROW
from datagen.commands.interrupts import run_calls
from datagen.errors import DatagenError, InterruptedRun
from datagen.journal import open_journal
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, Request, TeacherUnusable
from datagen.teachers import Profile


class Scripted:
    """A teacher whose calls end when the test says so: `script` gets the prompt's text.

    What the script returns, if anything, is the model that answers.
    """

    shape = "chat"
    journalled = True
    resumable = False

    def __init__(self, script=None, *, name="scripted", concurrency=4, model=None, **settings):
        self.profile = Profile(f"openai:{name}", name, concurrency=concurrency, **settings)
        self.name = name
        self.model = model or name
        self.script = script
        self.asked = []
        self.at_once = self.most_at_once = 0

    def request(self, prompt, *, seed, sample, temperature=None):
        parameters = (
            (("seed", seed),) if temperature is None else (("seed", seed), ("temperature", temperature))
        )
        return Request("e", self.model, (), prompt.text, parameters, sample)

    async def complete(self, request):
        self.asked.append(request.text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            model = await self.script(request.text) if self.script else None
        finally:
            self.at_once -= 1
        return Reply(f"answer to {request.text}", "stop", model or "m", 1, 2)


@pytest.fixture(autouse=True)
def _haste(monkeypatch):
    hasten(monkeypatch)
    progress.configure(quiet=False, verbose=False)


@pytest.fixture
def caller(tmp_path):
    with open_journal(tmp_path / "j") as journal:
        yield Caller(journal)


def troubled(trouble, times=1):
    """A script that raises what `trouble()` makes, so often for each text."""
    met = collections.Counter()

    async def script(text):
        met[text] += 1
        if met[text] <= times:
            raise trouble()

    return script


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
            run(Caller(journal, concurrency=number), teacher, range(20))
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

    async def full(request, reply, **_):
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
            raise CallFailed(f"fault {text}", concerns="all")

    teacher = Scripted(script, concurrency=1)
    with pytest.raises(
        TeacherUnusable, match=rf"^{MAX_FAILURES_IN_A_ROW} calls failed in a row.*fault 22; .*goes on"
    ):
        run(caller, teacher, range(200))
    assert len(teacher.asked) == 3 + MAX_FAILURES_IN_A_ROW


def refusing(*, longest, **refusal):
    """A teacher that refuses the texts up to `longest`, one after the other."""

    async def script(text):
        if int(text) <= longest:
            raise CallFailed(f"{text} tokens are too many", **refusal)

    return Scripted(script, concurrency=1)


def test_refusals_of_prompts_stop_nothing(caller):
    """However many prompts are refused first, each for itself, those behind them are asked."""
    came = run(caller, refusing(longest=99, concerns="prompt"), range(110))
    assert came == [f"{n} tokens are too many" for n in range(100)] + [
        f"answer to {n}" for n in range(100, 110)
    ]


def test_refusals_without_a_reason_stop_nothing_once_one_prompt_was_answered(caller):
    """Whoever answered one prompt has no reason to refuse all, whether that was now or in an earlier run."""
    assert run(caller, refusing(longest=-1), [100])
    again = Caller(caller.journal)
    came = run(again, refusing(longest=99), [100, *range(110)])
    assert came.count("answer to 100") == 2
    assert came[-1] == "answer to 109"
    assert not again.stopped_by


def test_refusals_without_a_reason_that_differ_stop_nothing(caller):
    """What holds for every prompt is refused in the same words; different ones speak of the prompts."""

    async def script(text):
        if text != "50":
            raise CallFailed(f"the word {'a' * int(text)} is not allowed")

    assert run(caller, Scripted(script, concurrency=1), range(51))[-1] == "answer to 50"


def test_same_refusal_of_every_prompt_stops_the_run(caller):
    """A teacher that never answered and refuses all alike, numbers aside, is not asked for ever."""
    teacher = refusing(longest=999)
    with pytest.raises(TeacherUnusable, match=rf"^{MAX_FAILURES_IN_A_ROW} calls failed in a row, the last"):
        run(caller, teacher, range(200))
    assert len(teacher.asked) == MAX_FAILURES_IN_A_ROW


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


def test_answers_without_a_journal_count_as_answers(caller):
    """What a recording or a reference answered is an answer: one missing task costs its row alone."""

    class Recorded(Scripted):
        journalled = False

    async def script(text):
        if text == "7":
            raise CallFailed("not recorded")

    came = run(caller, Recorded(script), range(41))
    assert came == ["not recorded" if n == 7 else f"answer to {n}" for n in range(41)]


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


# Retries


@pytest.mark.parametrize(
    "trouble", [lambda: NoAnswer("500"), lambda: Busy("429"), lambda: Busy("429", 0.002)]
)
def test_passing_trouble_is_no_failure(caller, trouble):
    """A call that gets no answer, or is put off, is made again until it is answered; it counts once."""
    teacher = Scripted(troubled(trouble, times=3))
    assert run(caller, teacher, range(6)) == [f"answer to {n}" for n in range(6)]
    assert collections.Counter(teacher.asked) == dict.fromkeys("012345", 4)
    assert (caller.tally.asked, caller.tally.failed, caller.tally.tokens_out) == (6, 0, 12)


def test_attempts_are_bounded(caller):
    """A call that never gets an answer, though others do, fails after so many attempts, and says so."""

    async def script(text):
        if text == "bad":
            raise NoAnswer("the server refused with 500")

    teacher = Scripted(script)
    came = run(caller, teacher, ["bad", *range(50)])
    assert came[0] == f"the server refused with 500 (asked {ATTEMPTS} times)"
    assert teacher.asked.count("bad") == ATTEMPTS
    assert caller.tally.failed == 1


def test_calls_that_stay_unanswered_give_nobody_up(caller):
    """Many calls without any answer at the end of a run, after all others: their rows fail, the rest stays.

    What is asked again and again ends last, so there is no answer between such failures.
    """
    many = 2 * MAX_FAILURES_IN_A_ROW

    async def script(text):
        if int(text) % 2:
            raise NoAnswer("no completion")

    came = run(caller, Scripted(script), range(2 * many), window=4 * many)
    assert [text.startswith("answer") for text in came] == [True, False] * many
    assert (caller.tally.asked, caller.tally.failed) == (many, many)


def test_refusals_that_went_out_together_give_nobody_up(caller):
    """Of many calls at a time, those that are refused end first; that says nothing of the others."""

    async def script(text):
        if int(text) < 2 * MAX_FAILURES_IN_A_ROW:
            raise CallFailed("too long")
        await asyncio.sleep(0.01)

    teacher = Scripted(script, concurrency=3 * MAX_FAILURES_IN_A_ROW)
    came = run(caller, teacher, range(60), window=100)
    assert [text.startswith("answer") for text in came] == [False] * 40 + [True] * 20


def test_slow_answer_is_given_up(tmp_path):
    """--timeout ends a call that takes longer, which is then made again as one that got no answer."""

    async def script(text):
        if text == "slow":
            await asyncio.sleep(30)

    teacher = Scripted(script, timeout=60)
    started = time.monotonic()
    with open_journal(tmp_path / "j") as journal:
        came = run(Caller(journal, timeout=0.02), teacher, ["slow", 1, 2])
    assert time.monotonic() - started < 25  # a slow answer takes 30 s
    assert came == [f"no answer within 0.02 s (asked {ATTEMPTS} times)", "answer to 1", "answer to 2"]
    assert teacher.asked.count("slow") == ATTEMPTS


def test_timeout_of_the_teacher(caller):
    """Without --timeout the teacher's own one counts."""

    async def script(_):
        await asyncio.sleep(30)

    with pytest.raises(TeacherUnusable, match=r"no answer within 0.01 s"):
        run(caller, Scripted(script, timeout=0.01), [1])


def test_pause_that_a_server_asks_for_is_kept(caller):
    """When an answer says that the limit is used up, nothing is sent until it is not."""

    class Limited(Scripted):
        async def complete(self, request):
            sent.append(time.monotonic())
            return (await super().complete(request))._replace(pause=0.5 if request.text == "0" else 0.0)

    sent = []
    run(caller, Limited(concurrency=1), range(3))
    assert sent[1] - sent[0] >= 0.5
    assert sent[2] - sent[1] < 0.5


def test_stop_ends_the_waiting(caller, monkeypatch):
    """Calls that wait to be made again, or to be admitted, are not waited for when the run is stopped."""
    monkeypatch.setattr(admission, "backoff", lambda _, **__: 60.0)

    async def script(_):
        asyncio.get_running_loop().call_later(0.05, caller.stop, InterruptedRun("interrupted"))
        raise NoAnswer("500")

    teacher = Scripted(script, concurrency=1)
    started = time.monotonic()
    with pytest.raises(InterruptedRun):
        run(caller, teacher, range(4))
    assert time.monotonic() - started < 30  # the backoff is 60 s


# Teachers that are given up


def test_dead_endpoint_is_given_up(caller, monkeypatch):
    """A server that answers no call at all ends the run once the first patience is used up."""
    monkeypatch.setattr(admission, "FIRST_PATIENCE", 0.05)

    async def script(_):
        raise NoAnswer("the server refused with 502")

    teacher = Scripted(script)
    with pytest.raises(TeacherUnusable, match=r"^scripted: no answer in 0 s: the server refused with 502$"):
        run(caller, teacher, range(500))
    assert len(teacher.asked) < 200


def test_endpoint_that_answered_is_waited_for(caller, monkeypatch, capsys):
    """A server that answered before may be away for longer; people are told when it goes and comes."""
    monkeypatch.setattr(admission, "FIRST_PATIENCE", 0.0)
    away = range(20, 32)

    async def script(_):
        if len(teacher.asked) in away:
            raise NoAnswer("gone")

    teacher = Scripted(script, concurrency=2)
    assert run(caller, teacher, range(40)) == [f"answer to {n}" for n in range(40)]
    told = capsys.readouterr().err
    assert told.count("scripted does not answer (gone)") == 1
    assert told.count("scripted answers again") == 1


def two_teachers(caller, first, second, texts):
    """Ask one teacher for the even texts and another for the odd ones, and return what came."""

    async def work():
        caller.use([first, second])
        jobs = (partial(ask, caller, (first, second)[text % 2], text) for text in texts)
        async with aclosing(in_order(jobs, window=16, caller=caller)) as answers:
            return [answer.reply.text if answer.reply else answer.problem async for answer in answers]

    return run_calls(work, caller)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: TeacherUnusable("bad: the key is refused"),
        lambda: CallFailed("the server refused with 400"),
        lambda: NoAnswer("the server refused with 500"),
    ],
)
def test_others_go_on_without_one(caller, monkeypatch, capsys, trouble):
    """Of two teachers one may be lost: the other's answers are kept, and it is said once."""
    monkeypatch.setattr(admission, "FIRST_PATIENCE", 0.02)

    async def script(_):
        raise trouble()

    good, bad = Scripted(name="good"), Scripted(script, name="bad")
    came = two_teachers(caller, good, bad, range(200))
    assert came[::2] == [f"answer to {n}" for n in range(0, 200, 2)]
    assert not any(text.startswith("answer") for text in came[1::2])
    assert len(bad.asked) < 60
    assert capsys.readouterr().err.count("bad is given up for this run (") == 1
    assert (caller.tally.asked, caller.tally.failed) == (100, 100)


def both(caller, good, bad, texts, **bounds):
    """Ask two teachers for each text, as jobs that need both; returns what came of each."""

    async def job(text):
        answers = await asyncio.gather(ask(caller, good, text), ask(caller, bad, text))
        return [answer.reply.text if answer.reply else answer.problem for answer in answers]

    async def work():
        caller.use([good, bad])
        jobs = (partial(job, text) for text in texts)
        async with aclosing(in_order(jobs, window=16, caller=caller, **bounds)) as came:
            return [one async for one in came]

    return run_calls(work, caller)


@pytest.mark.parametrize(
    "trouble", [None, lambda: NoAnswer("gone"), lambda: Busy("429", 0.5), lambda: Busy("503", None)]
)
@pytest.mark.timeout(60)
def test_dead_teacher_holds_nobody_up(caller, monkeypatch, trouble):
    """While one teacher hangs or refuses, the other gets its calls for all rows, and no row is lost."""
    monkeypatch.setattr(admission, "QUIET", 0.0)
    monkeypatch.setattr(admission, "FIRST_PATIENCE", 1000.0)
    monkeypatch.setattr(admission, "FIRST_PAUSE", 0.5)
    monkeypatch.setattr(admission, "LONGEST_PAUSE", 0.5)
    monkeypatch.setattr(admission, "backoff", lambda *_, **__: 0.5)
    through = asyncio.Event()

    async def answers(text):
        if text == "199":
            through.set()

    async def is_dead(_):
        if trouble and not through.is_set():
            raise trouble()
        await through.wait()

    good, bad = Scripted(answers, name="good"), Scripted(is_dead, name="bad")
    came = both(caller, good, bad, range(200))
    assert came == [[f"answer to {n}"] * 2 for n in range(200)]


@pytest.mark.timeout(60)
def test_rows_that_wait_for_a_dead_teacher_are_bounded(caller, monkeypatch):
    """No more rows are held than the bound, however long a teacher is dead."""
    monkeypatch.setattr(admission, "QUIET", 0.0)
    full = asyncio.Event()
    begun = []

    async def answers(text):
        if text == "39":
            full.set()

    async def hangs(_):
        await full.wait()
        for _ in range(50):
            await asyncio.sleep(0)
        most_begun.append(len(begun))

    most_begun = []
    good, bad = Scripted(answers, name="good"), Scripted(hangs, name="bad", concurrency=1)
    both(caller, good, bad, (begun.append(n) or n for n in range(60)), most=40)
    assert most_begun[0] == 40


def test_slow_teacher_is_no_dead_one(caller):
    """While all teachers answer, no more rows are held than the window."""
    begun, ended = [], []

    async def script(text):
        await asyncio.sleep(0.001)
        ended.append(text)
        held.append(len(begun) - len(ended) // 2)

    held = []
    teachers = Scripted(script, name="fast", concurrency=32), Scripted(script, name="slow", concurrency=1)
    both(caller, *teachers, (begun.append(n) or n for n in range(60)))
    assert max(held) <= 16 + 1


def test_nobody_is_left(caller):
    """When the last teacher is lost the run ends, and what was answered is kept."""
    both = asyncio.Event()

    async def first(_):
        raise TeacherUnusable("first: the key is refused")

    async def second(text):
        if int(text) > 9:
            both.set()
            raise TeacherUnusable("second: the key is refused")

    with pytest.raises(TeacherUnusable, match=r"^second: the key is refused; what was answered is kept"):
        two_teachers(caller, Scripted(first, name="first"), Scripted(second, name="second"), range(100))
    assert caller.tally.asked == 5


# What is told of the answers


def test_another_model_is_told_once(caller, capsys):
    """When a server answers as another model, one line says so, however often it goes to and fro."""

    async def script(text):
        return "big-2" if int(text) in {5, 7, 9} else "big-1"

    run(caller, Scripted(script, concurrency=1), range(10))
    told = [line for line in capsys.readouterr().err.splitlines() if "answered as" in line]
    assert told == ["scripted answered as big-1, now as big-2"]


def test_usage_counts_each_call_once(caller, tmp_path):
    """What a data set rests on is the same whether its calls were made now, before, or shared."""
    texts = [1, 2, 1, 3, 2]
    priced = {"price_in": 1e6, "price_out": 2e6}
    run(caller, Scripted(**priced), texts)
    expected = {"scripted": {"calls": 3, "tokens_in": 3, "tokens_out": 6, "usd": 15.0}}
    assert caller.usage.as_json() == expected
    again = Caller(caller.journal)
    run(again, Scripted(**priced), [4, *texts])
    assert again.tally.asked == 1
    assert again.usage.as_json()["scripted"]["calls"] == 4
    assert again.tally.usd == 5.0
    last = Caller(caller.journal)
    run(last, Scripted(**priced), texts)
    assert last.usage.as_json() == expected
    assert (last.tally.asked, last.tally.usd) == (0, 0)


def test_usage_without_prices(caller):
    """Nobody knows what a teacher without prices costs."""
    run(caller, Scripted(), [1])
    assert caller.usage.as_json()["scripted"]["usd"] is None


def test_teachers_of_one_model_share_its_limits(caller):
    """Two teachers behind one endpoint and model together have no more calls under way than it allows."""
    at_once = []

    async def script(_):
        at_once.append(first.at_once + second.at_once)
        await asyncio.sleep(0.001)

    first, second = (Scripted(script, name=name, model="same", concurrency=3) for name in ("first", "second"))
    two_teachers(caller, first, second, range(60))
    assert max(at_once) == 3


def test_temperatures_are_different_requests(caller):
    """The same prompt at another temperature is another call."""
    teacher = Scripted()

    async def work():
        for temperature in (None, 0.0, 0.5, 0.0):
            await caller.ask(teacher, Prompt(text="x"), seed=0, sample=0, temperature=temperature)

    run_calls(work, caller)
    assert (caller.tally.asked, caller.tally.reused) == (3, 1)
