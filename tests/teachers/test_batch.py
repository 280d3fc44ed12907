"""The teacher that sends its calls as batches: each request is paid once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path

import batches as stand_in
import pytest
from endpoint import KEY, Endpoint

from datagen import teachers
from datagen.calls.budget import Budget, most_usd
from datagen.calls.caller import Caller
from datagen.journal import Journal, open_journal
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, TeacherUnusable
from datagen.teachers import openai_chat
from datagen.teachers.batch import pool
from datagen.teachers.batch.lines import Problem, read, refused
from datagen.teachers.batch.pool import OpenAIBatch
from datagen.teachers.batch.server import Timing
from datagen.teachers.batch.store import FILE

QUICK = Timing(quiet=0.05, gather=5.0, first_poll=0.02, longest_poll=0.05, grace=0.4, patience=20.0)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@asynccontextmanager
async def opened(endpoint: Endpoint, path: Path, *, timing: Timing = QUICK, **options):
    async with openai_chat.connect(teachers.profile(endpoint.teacher)) as chat:
        teacher = OpenAIBatch(chat, path, timing=timing, **options)
        try:
            yield teacher
        finally:
            await teacher.close()


def requests(teacher: OpenAIBatch, numbers) -> list:
    prompts = [Prompt(messages=(("user", f"Write `f{number}(x)`."),)) for number in numbers]
    return [teacher.request(prompt, seed=1, sample=0) for prompt in prompts]


async def answer(teacher: OpenAIBatch, journal: Journal, request, attempts: int = 6):
    """What the Caller does: look it up, ask it, ask it again, store it."""
    if found := journal.get(request):
        return found
    for attempt in range(attempts):
        try:
            return await journal.put(request, await teacher.complete(request))
        except (Busy, NoAnswer):
            if attempt == attempts - 1:
                raise
        except (CallFailed, TeacherUnusable) as problem:
            return problem


def ask(endpoint: Endpoint, path: Path, numbers, *, attempts: int = 6, **options) -> list:
    """Ask all at once, and return replies or errors in order."""

    async def go():
        with open_journal(path) as journal:
            async with opened(endpoint, path, **options) as teacher:
                asked = [answer(teacher, journal, one, attempts) for one in requests(teacher, numbers)]
                return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(go())


def check(replies: list, numbers) -> None:
    """Each request has its own answer."""
    for reply, number in zip(replies, numbers, strict=True):
        assert isinstance(reply, Reply), reply
        assert f"def f{number}(" in reply.text


def rows(path: Path, query: str) -> list:
    """Of the journal, or of the file of batches beside it."""
    path = path if "calls" in query else path.with_name(FILE)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def in_files(endpoint: Endpoint, change) -> None:
    """Change the content of output and error files before they are stored."""
    original = endpoint.batches._store

    def store(filename, content, purpose):
        return original(filename, change(content) if purpose == "batch_output" else content, purpose)

    endpoint.batches._store = store


# What goes well


def test_requests_become_one_batch_and_are_matched_by_name(path):
    """All that is asked at once goes as one batch, and its shuffled results find their requests."""
    with Endpoint() as endpoint:
        check(ask(endpoint, path, range(20)), range(20))
        assert endpoint.batches_created == 1
        (batch,) = endpoint.batches.created.values()
        sent = [
            json.loads(line)
            for line in endpoint.batches.files[batch.told["input_file_id"]].content.splitlines()
        ]
        results = endpoint.batches.files[batch.told["output_file_id"]].content.splitlines()
        assert [json.loads(line)["custom_id"] for line in results] != [one["custom_id"] for one in sent]
        assert {one["custom_id"] for one in sent} == {key for (key,) in rows(path, "SELECT key FROM calls")}
        assert batch.told["metadata"]["datagen"].startswith("datagen-")
        assert endpoint.paid_twice() == endpoint.repeated() == 0


def test_answered_requests_need_no_batch(path):
    """What a batch brought is in the journal, and its second copy goes as soon as the next batch is sent."""
    with Endpoint() as endpoint:
        first = ask(endpoint, path, range(5))
        assert ask(endpoint, path, range(5)) == first
        check(ask(endpoint, path, [7]), [7])
        assert endpoint.batches_created == 2
        assert rows(path, "SELECT COUNT(*) FROM batch_requests") == [(1,)]
        assert rows(path, "SELECT DISTINCT step FROM batches") == [("done",)]


def test_chat_and_text_go_in_batches_of_their_own(path):
    """A batch is for one kind of call."""

    async def go(endpoint):
        async with opened(endpoint, path) as teacher:
            (chat,) = requests(teacher, [1])
            text = teacher.request(Prompt(text="once upon"), seed=0, sample=0)
            return await asyncio.gather(teacher.complete(chat), teacher.complete(text))

    with Endpoint() as endpoint:
        chat, text = asyncio.run(go(endpoint))
        assert "def f1(" in chat.text
        assert text.text.startswith(" it ")
        what = {batch.told["endpoint"] for batch in endpoint.batches.created.values()}
        assert what == {"/v1/chat/completions", "/v1/completions"}


@pytest.mark.parametrize("limit", [{"most_requests": 4}, {"most_bytes": 1000}])
def test_a_batch_has_limits(path, limit):
    """What is more than fits into one file goes in several."""
    with Endpoint() as endpoint:
        check(ask(endpoint, path, range(10), **limit), range(10))
        sizes = [len(batch.lines) for batch in endpoint.batches.created.values()]
        contents = [
            file.content for file in endpoint.batches.files.values() if file.told["purpose"] == "batch"
        ]
        assert len(sizes) >= 3
        assert max(sizes) <= limit.get("most_requests", 10)
        assert max(map(len, contents)) <= limit.get("most_bytes", 1e9)
        assert endpoint.repeated() == 0


def test_a_trickle_does_not_wait_for_ever(path):
    """Requests that keep coming do not keep the first ones from being sent."""

    async def go(endpoint):
        async with opened(endpoint, path, timing=QUICK._replace(quiet=0.4, gather=0.5)) as teacher:
            calls = []
            for request in requests(teacher, range(12)):
                calls.append(asyncio.ensure_future(teacher.complete(request)))
                await asyncio.sleep(0.15)
            return await asyncio.gather(*calls)

    with Endpoint() as endpoint:
        check(asyncio.run(go(endpoint)), range(12))
        assert 2 <= endpoint.batches_created <= 6


def test_equal_requests_share_an_answer(path):
    """A request that is asked twice at once is sent once, and giving one of them up leaves the other."""

    async def go(endpoint):
        async with opened(endpoint, path) as teacher:
            (request,) = requests(teacher, [3])
            calls = [asyncio.ensure_future(teacher.complete(request)) for _ in range(3)]
            await asyncio.sleep(0.01)
            calls[0].cancel()
            return await asyncio.gather(*calls[1:])

    with Endpoint() as endpoint:
        one, other = asyncio.run(go(endpoint))
        assert one == other
        assert endpoint.asked.total() == 1


def test_given_up_before_it_is_sent_is_not_sent(path):
    """What nobody waits for any more stays out of the batch."""

    async def go(endpoint):
        async with opened(endpoint, path, timing=QUICK._replace(quiet=0.3)) as teacher:
            calls = [asyncio.ensure_future(teacher.complete(one)) for one in requests(teacher, range(4))]
            await asyncio.sleep(0.05)
            calls[2].cancel()
            return await asyncio.gather(*calls, return_exceptions=True)

    with Endpoint() as endpoint:
        came = asyncio.run(go(endpoint))
        assert isinstance(came.pop(2), asyncio.CancelledError)
        check(came, [0, 1, 3])
        assert endpoint.asked.total() == 3


def test_profile_suits_batches(path, monkeypatch):
    """Unless the user says otherwise a batch teacher takes many requests and waits as long as it takes."""
    monkeypatch.setenv("DATAGEN_CACHE_DIR", str(path.parent))
    monkeypatch.setattr(pool, "TIMING", QUICK)

    async def go(profile):
        async with pool.connect(profile) as teacher:
            assert (teacher.resumable, teacher.journalled, teacher.shape) == (True, True, "chat")
            return teacher.profile, await teacher.complete(requests(teacher, [1])[0])

    with Endpoint() as endpoint:
        given = teachers.profile(endpoint.teacher)._replace(mode="batch")
        filled, reply = asyncio.run(go(given))
        assert (filled.concurrency, filled.timeout) == (10_000, None)
        check([reply], [1])
        filled, _ = asyncio.run(go(given._replace(concurrency=3, timeout=7.0)))
        assert (filled.concurrency, filled.timeout) == (3, 7.0)


def test_caller_resubmits_what_failed(path):
    """Through the Caller, requests that failed inside a batch go into another, and only those."""

    async def go(endpoint, journal):
        async with opened(endpoint, path) as teacher:
            teacher.profile = teacher.profile._replace(concurrency=1000, timeout=None)
            caller = Caller(journal)
            caller.use([teacher])
            prompts = [Prompt(messages=(("user", f"Write `f{number}(x)`."),)) for number in range(40)]
            return await asyncio.gather(*(caller.ask(teacher, one, seed=1, sample=0) for one in prompts))

    with Endpoint(fault="batch-some-errors", share=0.1, times=1) as endpoint, open_journal(path) as journal:
        answers = asyncio.run(go(endpoint, journal))
        check([answer.reply for answer in answers], range(40))
        failed = endpoint.injected["batch-some-errors"]
        assert 0 < failed < 40
        assert endpoint.asked.total() == 40 + failed
        assert endpoint.paid_twice() == 0


# What goes wrong inside a batch


@pytest.mark.parametrize("fault", ["batch-some-errors", "batch-expired", "batch-down", "batch-lost"])
def test_faults_are_ridden_out(path, fault):
    """Failed lines, half a batch, no word of its state, none of its creation: all is answered."""
    with Endpoint(fault=fault, share=0.5 if fault == "batch-some-errors" else 1, times=2) as endpoint:
        check(ask(endpoint, path, range(30)), range(30))
        assert endpoint.injected[fault] > 0
        assert endpoint.paid_twice() == 0
        if fault in {"batch-down", "batch-lost"}:
            assert endpoint.batches_created == 1
            assert endpoint.repeated() == 0


def test_only_the_undone_part_of_an_expired_batch_is_sent_again(path):
    """What an expired batch did is used, and the rest goes into the next one."""
    with Endpoint(fault="batch-expired", times=1) as endpoint:
        check(ask(endpoint, path, range(9)), range(9))
        assert [len(batch.lines) for batch in endpoint.batches.created.values()] == [9, 5]


def test_no_room_is_said_to_be_busy(path):
    """A batch that finds no room is Busy, with a time to wait that doubles, and leaves nothing behind."""
    with Endpoint(fault="batch-failed") as endpoint:

        async def go():
            async with opened(endpoint, path) as teacher:
                (request,) = requests(teacher, [1])
                for _ in range(2):
                    try:
                        await teacher.complete(request)
                    except Busy as problem:
                        yield problem

        async def both():
            return [problem async for problem in go()]

        first, second = asyncio.run(both())
        assert "no room at the server: Enqueued token limit" in str(first)
        assert (first.retry_after, second.retry_after) == (60.0, 120.0)
        assert rows(path, "SELECT * FROM batch_requests") == []
        endpoint.fault = None
        check(ask(endpoint, path, [1]), [1])


def test_a_bad_line_does_not_fail_the_others(path, monkeypatch):
    """Where the server names the line that made it refuse a batch, only that request fails for good."""
    original = stand_in._read

    def picky(content, endpoint):
        lines, problems = original(content, endpoint)
        bad = [number for number, line in enumerate(lines, 1) if "f3(" in json.dumps(line.body)]
        return lines, problems + [stand_in._problem("invalid_value", "no f3, please", line) for line in bad]

    monkeypatch.setattr(stand_in, "_read", picky)
    with Endpoint() as endpoint:
        came = ask(endpoint, path, range(6))
        assert "failed at this request: no f3, please" in str(came[3])
        assert isinstance(came.pop(3), CallFailed)
        check(came, [0, 1, 2, 4, 5])
        assert endpoint.asked.total() == 5


def test_cancelled_batch_is_not_sent_again(path):
    """A person who cancels a batch means it: what was done is used, the rest fails in this run."""
    with Endpoint(batch_polls=1000) as endpoint:

        def cancel():
            endpoint.wait_for(asked=4)
            (name,) = endpoint.batches.created
            urllib.request.urlopen(f"{endpoint.url}/batches/{name}/cancel", data=b"").close()

        thread = threading.Thread(target=cancel)
        thread.start()
        came = ask(endpoint, path, range(4))
        thread.join()
        assert all("cancelled" in str(one) for one in came if isinstance(one, CallFailed))
        assert sum(isinstance(one, CallFailed) for one in came) >= 2
        assert endpoint.batches_created == 1


def drop_first(content: bytes) -> bytes:
    return content.split(b"\n", 1)[1]


def cut(content: bytes) -> bytes:
    return content[:-40]


def no_completion(content: bytes) -> bytes:
    first, rest = content.split(b"\n", 1)
    return (
        json.dumps({**json.loads(first), "response": {"status_code": 200, "body": []}}).encode()
        + b"\n"
        + rest
    )


@pytest.mark.parametrize("change", [drop_first, cut, no_completion])
def test_lost_answers_are_asked_again(path, change):
    """A request whose line is missing, cut or no completion goes into the next batch, and only that one."""
    with Endpoint() as endpoint:
        original = endpoint.batches._store
        in_files(endpoint, change)

        def then_well(*given):
            stored = changed(*given)
            if given[2] == "batch_output":
                endpoint.batches._store = original
            return stored

        changed, endpoint.batches._store = endpoint.batches._store, then_well
        check(ask(endpoint, path, range(5)), range(5))
        assert [len(batch.lines) for batch in endpoint.batches.created.values()] == [5, 1]


def test_odd_lines_do_no_harm(path, capsys):
    """Doubled lines, blank ones, strange ones and results that nobody asked for change nothing."""

    def change(content):
        lines = content.splitlines()
        error = {"custom_id": json.loads(lines[0])["custom_id"], "error": {"code": "server_error"}}
        stranger = {**json.loads(lines[0]), "custom_id": "0" * 64}
        extra = [b"", lines[1], json.dumps(error).encode(), json.dumps(stranger).encode()]
        return b"\n".join([json.dumps(error).encode(), *reversed(lines), *extra]) + b"\n"

    with Endpoint() as endpoint:
        in_files(endpoint, change)
        check(ask(endpoint, path, range(5)), range(5))
        assert endpoint.batches_created == 1
    assert "1 results that were not asked for are ignored" in capsys.readouterr().err


def test_half_a_download_is_fetched_again(path):
    """A file that came incomplete is fetched again: all of it is paid."""
    with Endpoint() as endpoint:
        original = endpoint.batches._files
        fetched = []

        def files(method, words, raw, content_type):
            status, content = original(method, words, raw, content_type)
            if words[1:] == ["content"]:
                fetched.append(words[0])
                content = content if len(fetched) > 1 else content[: len(content) // 2]
            return status, content

        endpoint.batches._files = files
        check(ask(endpoint, path, range(6)), range(6))
        assert len(fetched) == 2
        assert endpoint.batches_created == 1


@pytest.mark.parametrize(
    ("result", "outcome", "words"),
    [
        (
            {"response": {"status_code": 400, "body": {"error": {"message": "too long"}}}},
            CallFailed,
            "400.*too long",
        ),
        ({"response": {"status_code": 429, "body": None}}, Busy, "429"),
        ({"response": {"status_code": 503, "body": "down"}}, Busy, "503.*down"),
        ({"response": {"status_code": 500, "body": {}}}, NoAnswer, "500"),
        ({"response": {"status_code": 200, "body": {"choices": []}}}, NoAnswer, "no completion"),
        ({"response": None, "error": {"code": "batch_expired", "message": "late"}}, Busy, "late"),
        (
            {"response": None, "error": {"code": "batch_cancelled", "message": "no"}},
            CallFailed,
            "cancelled: no",
        ),
        ({"response": None, "error": {"code": "request_timeout", "message": "slow"}}, NoAnswer, "slow"),
        ({"error": "odd"}, NoAnswer, "odd"),
        ({}, NoAnswer, "failed"),
    ],
)
def test_result_lines(result, outcome, words):
    """Each kind of failure inside a batch says whether asking again makes sense."""
    results = read([json.dumps({"custom_id": "k", **result}).encode()], str)
    assert results.garbled == 0
    with pytest.raises(outcome, match=words):
        raise results.outcomes["k"]


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"3", b'{"custom_id": "k", "response": {"status_code": "x"}}', b"\xff"]
)
def test_garbled_lines_are_counted(line):
    """A line that cannot be read is no result."""
    assert read([line], str) == ({}, 1)


@pytest.mark.parametrize(
    ("problems", "outcomes"),
    [
        ([Problem("token_limit_exceeded", "full", None)], [Busy, Busy]),
        ([Problem("billing_hard_limit_reached", "pay", None)], [TeacherUnusable] * 2),
        ([Problem("invalid_url", "what", 2)], [Busy, CallFailed]),
        ([Problem("odd", "elsewhere", 77)], [CallFailed] * 2),
        ([], [CallFailed] * 2),
    ],
)
def test_reasons_of_a_failed_batch(problems, outcomes):
    """Why a batch failed decides who is to blame, and whether to come again."""
    made = refused(problems, {"one": 1, "two": 2}, retry_after=9.0)
    assert [type(made["one"]), type(made["two"])] == outcomes


# What goes wrong around it


def test_refused_key(path, monkeypatch):
    """A refused key ends it at once, and leaves nothing behind."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with Endpoint(key=KEY) as endpoint:
        came = ask(endpoint, path, range(3))
        assert all(isinstance(one, TeacherUnusable) for one in came)
        assert "refused the key (401); check OPENAI_API_KEY" in str(came[0])
        assert rows(path, "SELECT * FROM batches") == []


def test_wrong_address(path):
    """Where nothing listens, that is said soon."""
    with Endpoint() as endpoint:
        pass
    (problem,) = ask(endpoint, path, [1])
    assert isinstance(problem, TeacherUnusable)
    assert "nothing answers at http://127.0.0.1" in str(problem)


def test_server_away_while_a_batch_runs(path):
    """A server that goes away and comes back has the batch still, and the run still waits for it."""
    with Endpoint(batch_seconds=1.5) as endpoint:

        def restart():
            endpoint.wait_for(asked=5)
            endpoint.go_down()
            endpoint._closing.wait(1.0)
            endpoint.come_up()

        thread = threading.Thread(target=restart)
        thread.start()
        check(ask(endpoint, path, range(5)), range(5))
        thread.join()
        assert endpoint.batches_created == 1


def test_creation_that_failed_is_made_again(path):
    """Creating a batch is tried again only once it is certain that the server has none."""
    with Endpoint() as endpoint:
        original, tries = endpoint.batches._create, []

        def create(raw):
            tries.append(raw)
            return (500, {"error": {"message": "no"}}) if len(tries) == 1 else original(raw)

        endpoint.batches._create = create
        check(ask(endpoint, path, range(3)), range(3))
        assert len(tries) == 2
        assert len({json.loads(raw)["metadata"]["datagen"] for raw in tries}) == 1


def test_creation_that_is_refused_fails_its_requests(path):
    """A server that takes no such batch says so, and its requests may be asked again."""
    with Endpoint() as endpoint:
        endpoint.batches._create = lambda _: (400, {"error": {"message": "no such endpoint"}})
        (problem,) = ask(endpoint, path, [1])
        assert isinstance(problem, CallFailed)
        assert "400: no such endpoint" in str(problem).replace(
            "Error code: ", ""
        ) or "no such endpoint" in str(problem)
        assert rows(path, "SELECT * FROM batches") == rows(path, "SELECT * FROM batch_requests") == []


def test_batch_that_the_server_forgot(path):
    """A batch that the server denies is not bought again unasked, until its files have expired."""
    with Endpoint(batch_polls=1000) as endpoint:
        leave_running(endpoint, path, range(3))
        endpoint.batches.created.clear()
        came = ask(endpoint, path, range(3))
        assert all(isinstance(one, CallFailed) and "knows no batch" in str(one) for one in came)
        assert endpoint.batches_created == 0
        with contextlib.closing(sqlite3.connect(path.with_name(FILE))) as connection, connection:
            connection.execute("UPDATE batches SET at = at - 31 * 24 * 3600")
        endpoint.batches.polls = 1
        check(ask(endpoint, path, range(3)), range(3))


# Going on


def leave_running(endpoint: Endpoint, path: Path, numbers) -> None:
    """Send a batch, and end the run while it is under way."""

    async def go():
        async with opened(endpoint, path) as teacher:
            calls = [asyncio.ensure_future(teacher.complete(one)) for one in requests(teacher, numbers)]
            while not teacher._watchers:
                await asyncio.sleep(0.02)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(go())


def test_interrupted_run_goes_on(path):
    """The next run waits for the batch of the one before, and sends only what is new."""
    with Endpoint(batch_polls=1000) as endpoint:
        leave_running(endpoint, path, range(6))
        endpoint.batches.polls = 1
        check(ask(endpoint, path, range(8)), range(8))
        assert [len(batch.lines) for batch in endpoint.batches.created.values()] == [6, 2]
        assert endpoint.repeated() == endpoint.paid_twice() == 0


def test_answers_nobody_asked_for_are_kept(path):
    """A run that asks for part of an earlier batch keeps all of it, for later runs without the server."""
    with Endpoint(batch_polls=1000) as endpoint:
        leave_running(endpoint, path, range(6))
        endpoint.batches.polls = 1
        check(ask(endpoint, path, [2]), [2])
        endpoint.batches.created.clear()
        endpoint.batches.files.clear()
        check(ask(endpoint, path, range(6)), range(6))
        assert endpoint.asked.total() == 6
        assert endpoint.batches_created == 0


def test_two_at_once_share_their_batches(path):
    """Two processes on one journal never send a request twice: each waits for what the other has sent."""
    with Endpoint(batch_seconds=0.5) as endpoint:

        async def both():
            with open_journal(path) as journal:
                async with opened(endpoint, path) as one, opened(endpoint, path) as other:
                    asked = [answer(one, journal, each) for each in requests(one, range(10))]
                    asked += [answer(other, journal, each) for each in requests(other, range(5, 15))]
                    return await asyncio.gather(*asked)

        came = asyncio.run(both())
        check(came, [*range(10), *range(5, 15)])
        assert endpoint.repeated() == endpoint.paid_twice() == 0
        assert endpoint.batches_created == 2


PROGRAM = """
import asyncio, json, os, signal, sys
sys.path[:0] = [{root!r}, {root!r} + "/tests/support", {root!r} + "/tests/teachers"]
from datagen.teachers.batch import server, store
import test_batch as t

step = sys.argv[3]

def killing(owner, name, when=lambda *given: True):
    original = getattr(owner, name)
    def die(*given):
        if when(*given):
            os.kill(os.getpid(), signal.SIGKILL)
    if asyncio.iscoroutinefunction(original):
        async def wrapped(*given, **named):
            result = await original(*given, **named)
            die(*given)
            return result
    else:
        def wrapped(*given, **named):
            result = original(*given, **named)
            die(*given)
            return result
    setattr(owner, name, wrapped)

Store, BatchServer = store.Store, server.BatchServer
count = []
{{
    "noted": lambda: killing(Store, "claim"),
    "uploaded": lambda: killing(BatchServer, "upload"),
    "creating": lambda: killing(Store, "advance", lambda _, batch, step: step == "creating"),
    "created": lambda: killing(BatchServer, "create"),
    "sent": lambda: killing(Store, "advance", lambda _, batch, step: step == "sent"),
    "looking": lambda: killing(BatchServer, "_retrieve"),
    "fetching": lambda: killing(BatchServer, "_content"),
    "fetched": lambda: killing(BatchServer, "results"),
    "kept": lambda: killing(Store, "finish"),
    "journalled": lambda: killing(t.Journal, "put", lambda *_: count.append(1) or len(count) > 3),
    "nowhere": lambda: None,
}}[step]()

class Known:
    teacher = sys.argv[1]

if "limited" in sys.argv:
    replies = t.ask_limited(Known, t.Path(sys.argv[2]), range(8))
else:
    replies = t.ask(Known, t.Path(sys.argv[2]), range(8))
t.check(replies, range(8))
"""
STEPS = [
    "noted",
    "uploaded",
    "creating",
    "created",
    "sent",
    "looking",
    "fetching",
    "fetched",
    "kept",
    "journalled",
]


def run(endpoint: Endpoint, path: Path, step: str, *more: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(root=str(ROOT))
    command = [sys.executable, "-c", program, endpoint.teacher, str(path), step, *more]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step(path, step):
    """After kill -9 at any step the next run answers every request, and none is paid twice."""
    with Endpoint(batch_polls=2) as endpoint:
        killed = run(endpoint, path, step)
        assert killed.returncode == -signal.SIGKILL, killed
        paid = endpoint.answered.total()
        check(ask(endpoint, path, range(8)), range(8))
        assert endpoint.paid_twice() == 0
        assert endpoint.answered.total() == 8
        assert endpoint.batches_created == 1
        assert (paid > 0) == (step in STEPS[6:]) or step == "looking"


#: USD for a million tokens, where a test counts money.
PRICES = {"price_in": 1.0, "price_out": 1e4}


def ask_limited(endpoint: Endpoint, path: Path, numbers) -> list:
    """Ask all at once with a limit that is just enough for the most that these calls can cost."""

    async def go():
        with open_journal(path) as journal:
            async with opened(endpoint, path) as teacher:
                teacher.profile = teacher.profile._replace(**PRICES)
                most = sum(most_usd(teacher.profile, one) for one in requests(teacher, numbers))
                caller = Caller(journal, "plan", "account", Budget(journal, "account", most))
                prompts = [Prompt(messages=(("user", f"Write `f{number}(x)`."),)) for number in numbers]
                asked = [caller.ask(teacher, prompt, seed=1, sample=0) for prompt in prompts]
                return [one.reply for one in await asyncio.gather(*asked)]

    return asyncio.run(go())


@pytest.mark.parametrize("step", ["noted", "creating", "sent", "fetched", "kept", "journalled"])
def test_killed_at_the_limit(path, step):
    """A batch is collected after kill -9 though all the money is set aside: it is for that very batch."""
    with Endpoint(batch_polls=2) as endpoint:
        killed = run(endpoint, path, step, "limited")
        assert killed.returncode == -signal.SIGKILL, killed
        check(ask_limited(endpoint, path, range(8)), range(8))
        assert endpoint.paid_twice() == 0
        assert endpoint.batches_created == 1
        with open_journal(path) as journal:
            spent, set_aside = journal.spent("account")
        billed = endpoint.tokens_in * PRICES["price_in"] + endpoint.tokens_out * PRICES["price_out"]
        assert (spent, set_aside) == (pytest.approx(billed / 1e6), 0)


@pytest.mark.slow
def test_killed_at_all_steps_in_turn(path):
    """A run that is killed at one step after the other gets to its end all the same."""
    with Endpoint(batch_polls=2) as endpoint:
        for step in STEPS:
            run(endpoint, path, step)
        done = run(endpoint, path, "nowhere")
        assert done.returncode == 0, done
        assert endpoint.paid_twice() == 0
        assert endpoint.answered.total() == 8


def test_batch_of_a_killed_process_is_taken_over(path):
    """Another process that shares the journal goes on with what a killed one left at the server."""
    with Endpoint(batch_polls=3) as endpoint:
        assert run(endpoint, path, "created").returncode == -signal.SIGKILL
        done = [run(endpoint, path, "nowhere"), run(endpoint, path, "nowhere")]
        assert [one.returncode for one in done] == [0, 0], done
        assert endpoint.batches_created == 1
        assert "goes on with batch" in done[0].stderr
        assert "batch" not in done[1].stderr


def test_two_processes_at_once(path):
    """Two processes that want the same at the same moment send it once, and both get it."""
    with Endpoint(batch_seconds=1.0) as endpoint:
        done = []
        threads = [
            threading.Thread(target=lambda: done.append(run(endpoint, path, "nowhere"))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [one.returncode for one in done] == [0, 0], done
        assert endpoint.batches_created == 1
        assert endpoint.answered.total() == 8


def test_outcome_does_not_depend_on_order(tmp_path):
    """Batches of other sizes, in another order, with other failures: the same replies."""
    with Endpoint() as endpoint:
        plain = ask(endpoint, tmp_path / "one" / "j", range(12))
    with Endpoint(fault="batch-some-errors", share=0.5, times=2) as endpoint:
        stormy = ask(endpoint, tmp_path / "two" / "j", reversed(range(12)), most_requests=5)
    assert plain == stormy[::-1]
