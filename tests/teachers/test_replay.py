"""The teacher `replay`: which recorded call answers which request, and what a damaged recording ends in."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import sqlite3
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import cli
import pytest
import zstandard
from cli import datagen
from endpoint import Endpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen import canonical
from datagen.errors import DatagenError, UsageError
from datagen.request import CallFailed, Prompt, Reply, Request, TeacherUnusable
from datagen.teachers import profile, replay

ASK = Prompt(messages=(("system", "Be brief."), ("user", "Write `twice(x)`.")))
BEGUN = Prompt(
    messages=(("system", "Code only."), ("user", "Write `f(x)`."), ("assistant", "```python\ndef f(x):")),
    stop=("```",),
    temperature=0.2,
    max_tokens=320,
)
TEXT = Prompt(text="Task: Sort.\nHarder task:", stop=("\n",), temperature=0.8, max_tokens=60)
PARAMETERS = {"max_tokens": 2048, "seed": 0}


def call(prompt=ASK, says="answer", *, model="m", endpoint="http://127.0.0.1:1/v1", sample=0, **parameters):
    """A recorded call, as (request, reply)."""
    values = {**PARAMETERS, **parameters}
    request = Request(endpoint, model, prompt.messages, prompt.text, tuple(sorted(values.items())), sample)
    return request, Reply(says, "stop", f"{model}-2026", 7, 3)


def line(request, reply):
    """What `datagen journal export` writes for a call."""
    content = {
        "key": request.key,
        "request": request._asdict(),
        "reply": json.loads(reply.stored()),
        "made": "2026-11-23T20:00:00Z",
    }
    return json.dumps(content)


def exported(path: Path, *calls) -> Path:
    path.write_text("".join(f"{line(*one)}\n" for one in calls))
    return path


def journal(path: Path, *calls) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute(
            "CREATE TABLE calls (key TEXT PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL,"
            " made TEXT NOT NULL, digest TEXT, plan TEXT, usd REAL) WITHOUT ROWID"
        )
        for request, reply in calls:
            stored = reply.stored()
            digest = canonical.sha256(request.canonical + stored)
            base.execute(
                "INSERT INTO calls VALUES (?, ?, ?, '2026-11-23T20:00:00Z', ?, '', 0)",
                (request.key, request.canonical, stored, digest),
            )
        base.commit()
    return path


def ask(path, prompt=ASK, *, seed=0, sample=0, temperature=None, choose="", **settings):
    """What the teacher says to one prompt."""

    async def connected():
        async with replay.connect(
            profile(f"replay:{path}{choose}")._replace(name="replay:x", **settings)
        ) as teacher:
            request = teacher.request(prompt, seed=seed, sample=sample, temperature=temperature)
            return await teacher.complete(request)

    return asyncio.run(connected())


def settled(path, **settings):
    """The teacher's profile, style and whether it is journalled."""

    async def connected():
        async with replay.connect(profile(f"replay:{path}")._replace(name="replay:x", **settings)) as teacher:
            return teacher.profile, teacher.shape, teacher.journalled, teacher.name

    return asyncio.run(connected())


@pytest.fixture(params=["sqlite", "jsonl", "jsonl.gz", "jsonl.zst"])
def record(request, tmp_path):
    """Writes calls in one of the formats that are read."""

    def write(*calls):
        path = tmp_path / f"calls.{request.param}"
        if request.param == "sqlite":
            return journal(path, *calls)
        plain = exported(tmp_path / "plain", *calls)
        if request.param == "jsonl.gz":
            path.write_bytes(gzip.compress(plain.read_bytes()))
        elif request.param == "jsonl.zst":
            path.write_bytes(zstandard.compress(plain.read_bytes()))
        else:
            plain.rename(path)
        return path

    return write


def test_answers_what_was_recorded(record):
    """Each recorded call answers its own request, whichever the format, and nothing is left beside it."""
    path = record(*(call(says=f"answer {n}", seed=5 + n, sample=n) for n in range(3)))
    beside = sorted(path.parent.iterdir())
    for n in (2, 0, 1):
        assert ask(path, seed=5, sample=n) == Reply(f"answer {n}", "stop", "m-2026", 7, 3)
    assert sorted(path.parent.iterdir()) == beside


def test_profile_is_filled(record):
    """It costs nothing, many calls run at once, and its replies need no journal: they are at hand."""
    profile, shape, journalled, name = settled(record(call()), price_in=1.0, price_out=2.0)
    assert (profile.concurrency, profile.price_in, profile.price_out) == (64, 0.0, 0.0)
    assert (shape, journalled, name) == ("chat", False, "replay:x")


@pytest.mark.parametrize(
    ("asked", "differs"),
    [
        ({"temperature": 1.0}, r"differs in temperature \(recorded 0.5, asked 1.0\)$"),
        ({"temperature": 0.5, "seed": 3}, r"differs in seed \(recorded 0, asked 3\)$"),
        ({"temperature": 0.5, "sample": 2}, r"differs in sample \(recorded 0, asked 2\), seed"),
        ({}, r"differs in temperature \(recorded 0.5, asked None\)$"),
        ({"temperature": 0.5, "system": "You are terse."}, "differs in the system prompt$"),
        ({"temperature": 0.5, "parameters": (("top_p", 0.9),)}, r"top_p \(recorded None, asked 0.9\)$"),
        ({"temperature": 0.5, "parameters": (("max_tokens", 9),)}, r"max_tokens \(recorded 2048, asked 9\)$"),
        ({"temperature": 0.5, "parameters": (("stop", "x"),)}, r"stop \(recorded None, asked \['x'\]\)$"),
        (
            {"prompt": Prompt(messages=(("user", "Another."),))},
            "no recorded call has this last user message$",
        ),
        ({"prompt": Prompt(text="Another.")}, "no recorded call has this text$"),
        (
            {"temperature": 0.5, "prompt": Prompt(messages=(*ASK.messages, ("assistant", "def")))},
            "differs in the messages$",
        ),
    ],
)
def test_changed_request_is_a_miss(record, asked, differs):
    """Whatever is asked otherwise than it was recorded fails, and the line says what."""
    path = record(call(temperature=0.5), call(temperature=0.1, says="colder"))
    with pytest.raises(CallFailed, match=f"^not recorded: .*{differs}"):
        ask(path, **asked)


def test_few_shot_recording_of_a_local_model(record):
    """What `local:smollm2` was asked replays in its own style, without its `extra_body`."""
    extra = {"extra_body": {"cache_prompt": False}}
    path = record(
        call(BEGUN, "\n    return x", stop=["```"], temperature=0.2, max_tokens=320, **extra),
        call(TEXT, " and reverse", stop=["\n"], temperature=0.8, max_tokens=60, **extra),
    )
    assert settled(path)[1] == "few-shot"
    assert ask(path, BEGUN).text == "\n    return x"
    assert ask(path, TEXT).text == " and reverse"
    with pytest.raises(CallFailed, match="extra_body"):
        ask(path, TEXT, parameters=(("extra_body", {"cache_prompt": True}),))


def test_style_is_the_profiles_before_the_recordings(record):
    """A recording of chats is asked for chats, unless the profile says otherwise."""
    path = record(call(), call(TEXT))
    assert settled(path)[1] == "chat"
    assert settled(path, prompt_style="few-shot")[1] == "few-shot"
    assert settled(path, prompt_style="completion")[1] == "few-shot"


def test_completion_style(record):
    """What was asked as one text, of a server without chat, replays with the same style."""
    text = "Be brief.\n\n### Task\nWrite `twice(x)`.\n\n### Answer\n"
    assert ask(record(call(Prompt(text=text))), prompt_style="completion").text == "answer"


def test_numbers_and_names_that_mean_the_same(record):
    """1 is 1.0, and max_completion_tokens is what newer servers call max_tokens."""
    request, reply = call(temperature=1)
    named = tuple(("max_completion_tokens" if n == "max_tokens" else n, v) for n, v in request.parameters)
    path = record((request._replace(parameters=named), reply))
    assert ask(path, temperature=1.0) == reply


def test_several_models_must_be_chosen_from(record):
    """Where several models were asked the same, none answers until one is chosen."""
    path = record(call(says="a", model="org/a"), call(says="b", model="b"), call(TEXT, "only b", model="b"))
    with pytest.raises(CallFailed, match=r"several models \(b, org/a\); choose one: replay:PATH#MODEL"):
        ask(path)
    assert ask(path, choose="#org/a").text == "a"
    assert ask(path, choose="#b").text == "b"
    with pytest.raises(TeacherUnusable, match=r"no call of the model or/a: did you mean org/a\?"):
        ask(path, choose="#or/a")


def test_several_endpoints(record):
    """One model at two endpoints answers where they agree; otherwise the profile's endpoint chooses."""
    path = record(
        call(says="a", endpoint="one"),
        call(says="b", endpoint="two"),
        *(call(says="same", endpoint=endpoint, seed=4) for endpoint in ("one", "two")),
    )
    with pytest.raises(CallFailed, match=r"several endpoints \(one, two\)"):
        ask(path)
    assert ask(path, endpoint="two").text == "b"
    assert ask(path, seed=4).text == "same"
    with pytest.raises(TeacherUnusable, match="no such call to the endpoint three"):
        ask(path, endpoint="three")


def test_settings_that_the_recording_varied_must_be_said(record):
    """Two replies that only differ in a parameter that is not asked now are not chosen from at random."""
    path = record(call(says="a", top_p=0.9), call(says="b", top_p=0.5))
    with pytest.raises(CallFailed, match="with different top_p; say which"):
        ask(path)
    assert ask(path, parameters=(("top_p", 0.5),)).text == "b"


def test_names_and_paths(tmp_path):
    """A path may hold a "#"; the public name has no folder."""
    plain = exported(tmp_path / "calls.jsonl", call())
    odd = exported(tmp_path / "run#1.jsonl", call(model="a#b"))
    packed = exported(tmp_path / "x.jsonl.gz", call())
    names = [profile(f"replay:{rest}").name for rest in (f"{plain}#m", packed, odd, f"{odd}#a#b")]
    assert names == ["replay:calls#m", "replay:x", "replay:run#1", "replay:run#1#a#b"]
    assert ask(odd, choose="#a#b").text == "answer"
    for rest in ("", str(tmp_path), str(tmp_path / "none.jsonl"), f"{tmp_path}/none#m", "x" * 5000, "a\0b"):
        with pytest.raises(UsageError, match=r"^replay:"):
            profile(f"replay:{rest}")


def test_identity_is_the_content(tmp_path):
    """An equal copy is the same recording, another content or another choice is not."""
    one = exported(tmp_path / "one.jsonl", call())
    two = exported(tmp_path / "two.jsonl", call())
    other = exported(tmp_path / "other.jsonl", call(says="else"))

    def identity(path, choose="", **settings):
        return replay.identity(profile(f"replay:{path}{choose}")._replace(name="x", **settings))

    assert identity(one) == identity(two)
    assert len({identity(one), identity(other), identity(one, "#m"), identity(one, endpoint="e")}) == 4


def test_journal_that_is_being_written(tmp_path):
    """A journal that another process has open is read with what is not in its main file yet."""
    path = journal(tmp_path / "journal.sqlite", call(says="old"))
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA wal_autocheckpoint = 0")
        request, reply = call(says="new", seed=1)
        base.execute(
            "INSERT INTO calls VALUES (?, ?, ?, '2026-11-23T20:00:00Z', NULL, '', 0)",
            (request.key, request.canonical, reply.stored()),
        )
        base.commit()
        assert (ask(path).text, ask(path, seed=1).text) == ("old", "new")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_journal_in_a_folder_that_is_read_only(tmp_path):
    """A shared recording needs no right to write."""
    path = journal(tmp_path / "journal.sqlite", call())
    tmp_path.chmod(0o555)
    try:
        assert ask(path).text == "answer"
    finally:
        tmp_path.chmod(0o755)


GOOD = json.loads(line(*call()))


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "not JSON",
        "[]",
        "7",
        '{"key": "x"}',
        "[" * 100_000,
        json.dumps({**GOOD, "request": "text"}),
        json.dumps({**GOOD, "reply": None}),
        json.dumps({**GOOD, "reply": {**GOOD["reply"], "text": None}}),
        json.dumps({**GOOD, "reply": {**GOOD["reply"], "text": "\ud83d"}}),
        json.dumps({**GOOD, "reply": {**GOOD["reply"], "tokens_in": "7"}}),
        json.dumps({**GOOD, "request": {**GOOD["request"], "messages": [["user"]]}}),
        json.dumps(
            {**GOOD, "request": {**GOOD["request"], "messages": [{"role": "user", "content": "x"}, 1]}}
        ),
        json.dumps({**GOOD, "request": {**GOOD["request"], "parameters": [["top_p", float("nan")]]}}),
        json.dumps({**GOOD, "request": {**GOOD["request"], "sample": True}}),
    ],
)
def test_damaged_line_is_named(tmp_path, bad):
    """A line that is no recorded call ends in one line with its number; an empty file in another."""
    path = tmp_path / "calls.jsonl"
    path.write_text(f"{line(*call())}\n\n{bad}\n" if bad else "\n")
    with pytest.raises(
        TeacherUnusable, match="line 3 is no recorded call" if bad else "holds no calls"
    ) as caught:
        ask(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"SQLite format 3\0" + b"x" * 3000, "cannot be replayed"),
        (b"SQLite format 3\0", "cannot be replayed"),
        (b"\x1f\x8bnonsense", "cannot be replayed"),
        (gzip.compress(line(*call()).encode())[:-12], "cannot be replayed"),
        (b"\x28\xb5\x2f\xfdnonsense", "cannot be replayed"),
        (b"\xff\xfe\x00\n", "line 1 is no recorded call"),
        (b"PK\x03\x04\x00", "line 1 is no recorded call"),
    ],
)
def test_file_that_is_none(tmp_path, content, says):
    """A file that is not what its first bytes promise ends in one line."""
    path = tmp_path / "calls"
    path.write_bytes(content)
    with pytest.raises(TeacherUnusable, match=says):
        ask(path)


def test_journal_damage(tmp_path):
    """Another database, an unknown row, and a reply that is not as it was stored: one line each."""
    path = tmp_path / "other.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE calls (name TEXT)")
        base.commit()
    with pytest.raises(TeacherUnusable, match="no journal of datagen"):
        ask(path)
    for change in (
        "UPDATE calls SET reply = replace(reply, 'answer', 'ANSWER')",
        "UPDATE calls SET request = '{}'",
        "UPDATE calls SET reply = x'ff'",
        "UPDATE calls SET request = x'ff'",
        "UPDATE calls SET key = 'X'",
        "UPDATE calls SET key = x'ff'",
        "UPDATE calls SET key = ''",
    ):
        damaged = journal(tmp_path / f"{abs(hash(change))}.sqlite", call())
        with contextlib.closing(sqlite3.connect(damaged)) as base:
            base.execute(change)
            base.commit()
        with pytest.raises(TeacherUnusable, match=r"the call.* is damaged"):
            ask(damaged)
    stranger = journal(
        tmp_path / "stranger.sqlite", (SimpleNamespace(key=canonical.sha256("{}"), canonical="{}"), call()[1])
    )
    with pytest.raises(TeacherUnusable, match=r"the call.* is damaged: request should be an object with"):
        ask(stranger)
    with pytest.raises(TeacherUnusable, match="holds no calls"):
        ask(journal(tmp_path / "empty.sqlite"))


@settings(max_examples=150, deadline=None)
@given(
    cut=st.integers(0, 400),
    put=st.binary(max_size=6),
    at=st.integers(0, 400),
    packed=st.sampled_from(["", "gz", "sql"]),
)
def test_bytes_changed_anywhere_end_in_a_reply_or_one_line(tmp_path_factory, cut, put, at, packed):
    """Whatever a recording's bytes become, nothing but a reply or an error of ours comes of it."""
    path = tmp_path_factory.mktemp("changed") / "calls"
    if packed == "sql":
        content = journal(path, call()).read_bytes()
        at, cut = at * 40, 0
    else:
        content = line(*call()).encode() + b"\n"
        content = gzip.compress(content) if packed else content
    end = len(content) - cut
    path.write_bytes((content[:at] + put + content[at + len(put) :])[: max(end, 0)])
    with contextlib.suppress(CallFailed, DatagenError):
        ask(path)


def test_errors_of_a_run_stay_what_they_are(tmp_path):
    """What goes wrong elsewhere while a recording is open is not told as its damage."""

    async def fail():
        async with replay.connect(profile(f"replay:{exported(tmp_path / 'calls.jsonl', call())}")):
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        asyncio.run(fail())


def test_memory_does_not_hold_the_texts(tmp_path):
    """The replies of a large recording stay on disk."""
    prompts = [Prompt(messages=(("user", f"Write number {n}."),)) for n in range(1000)]
    path = exported(tmp_path / "calls.jsonl", *(call(prompt, "x" * 20_000) for prompt in prompts))
    assert path.stat().st_size > 20e6
    tracemalloc.start()
    try:
        assert ask(path, prompts[-1]).text == "x" * 20_000
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < 2e6


def test_a_run_is_made_again_from_an_export(tmp_path, monkeypatch):
    """Without the server, and with an empty journal, an export gives the rows of the run it is of."""

    def made(out, teachers, cache):
        monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / cache)))
        (tmp_path / "teachers.yaml").write_text(teachers)
        options = ("--teachers", tmp_path / "teachers.yaml", "--teacher", "strong", "--json", "--quiet")
        evolved = datagen("evolve", "starter", "-o", tmp_path / out, "--limit", 6, "--rounds", 2, *options)
        answers = datagen("sample", tmp_path / out, "-o", tmp_path / f"{out}-rows", "-n", 2, *options)
        return evolved.json(), answers.json()

    with Endpoint() as endpoint:
        first = made("first", f"strong: {{spec: '{endpoint.teacher}'}}", "cache")
        assert datagen("journal", "export", "-o", tmp_path / "calls.jsonl.zst").code == 0
    again = made("again", f"strong: {{spec: 'replay:{tmp_path}/calls.jsonl.zst'}}", "empty")
    for one, other in zip(first, again, strict=True):
        assert one["digest"] == other["digest"]
        assert one["calls"]["asked"] > other["calls"]["asked"] == 0
        assert one["rows_out"] == other["rows_out"] > 0


@pytest.mark.parametrize("missing", [range(1), range(40, 41), range(30)], ids=["first", "last", "most"])
def test_tasks_that_were_not_recorded_fail_alone(tmp_path, monkeypatch, missing):
    """Of 41 tasks those that were recorded are answered, and each other one says why it is not."""
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    tasks = [{"instruction": f"Write `task_{n}(x)` that adds {n} to x."} for n in range(41)]
    recorded = [task for number, task in enumerate(tasks) if number not in missing]
    for name, rows in (("all", tasks), ("recorded", recorded)):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    def sample(tasks, *options):
        return datagen("sample", tmp_path / tasks, "--json", "--quiet", *options)

    with Endpoint() as endpoint:
        assert sample("recorded.jsonl", "-o", tmp_path / "a", "--teacher", endpoint.teacher).code == 0
    assert datagen("journal", "export", "-o", tmp_path / "calls.jsonl").code == 0
    again = sample("all.jsonl", "-o", tmp_path / "b", "--teacher", f"replay:{tmp_path}/calls.jsonl")
    assert (again.code, again.json()["rows_out"]) == (3, len(recorded))
    shown = datagen("cat", tmp_path / "b", "--dropped").out.splitlines()
    assert [json.loads(line)["instruction"] for line in shown] == [tasks[n]["instruction"] for n in missing]
    assert all("not recorded: no recorded call has this" in line for line in shown)
