"""`journal`: what is in the journal's file, a copy of it, and what is not needed any more."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import cli
import pytest
from cli import datagen

from datagen.journal import damage, open_journal
from datagen.request import Reply, Request
from datagen.teachers import openai_chat, profile

MODELS = ("big", "small")


def request(number: int, model: str = "big", **fields) -> Request:
    return Request("http://h/v1", model, (("user", f"task {number}"),), None, (("seed", 0),), 0)._replace(
        **fields
    )


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A journal of its own, with three calls of each of two models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    monkeypatch.setattr(damage, "_CREATION_SECONDS", 0.02)

    async def fill(opened):
        for number in range(3):
            for model in MODELS:
                reply = Reply(f"answer {number}", "stop", model, 10, number)
                await opened.put(request(number, model), reply, plan="p", usd=0.25)
        await opened.reserve("p", 1.5)

    with open_journal(tmp_path / "cache" / "journal.sqlite") as opened:
        asyncio.run(fill(opened))
    return tmp_path


def ok(*words):
    done = datagen("journal", *words)
    assert done.code == 0, done
    return done


def spoil(folder):
    path = folder / "cache" / "journal.sqlite"
    raw = path.read_bytes()
    assert raw.count(b"answer 2") == 2
    path.write_bytes(raw.replace(b"answer 2", b"answer 3", 1))


def test_without_subcommand():
    """`datagen journal` alone prints its help, a usage error; a mistyped subcommand names the nearest."""
    alone, helped = datagen("journal"), datagen("journal", "--help")
    assert (alone.code, helped.code) == (2, 0)
    assert alone.out == helped.out
    assert all(f"\n  {name} " in alone.out for name in ("stats", "export", "import", "prune"))
    error = datagen("journal", "exprot").error(2)
    assert "unknown subcommand exprot: did you mean export?" in error


@pytest.mark.parametrize("name", ["stats", "export", "import", "prune"])
def test_help_ends_with_an_example(name):
    """Every subcommand's help ends with a command that can be typed."""
    assert f"\n  Example: datagen journal {name}" in ok(name, "--help").out


def test_stats(folder):
    """Calls are counted by model and endpoint, for people and as JSON."""
    told = ok("stats", "--json").json()
    assert (told["calls"], told["tokens_in"], told["tokens_out"], told["usd"]) == (6, 60, 6, 1.5)
    assert (told["reservations"], told["reserved_usd"]) == (1, 1.5)
    assert told["bytes"] > 0
    assert told["journal"] == str(folder / "cache" / "journal.sqlite")
    assert [(one["model"], one["endpoint"], one["calls"]) for one in told["by_model"]] == [
        (model, "http://h/v1", 3) for model in MODELS
    ]
    assert told["first"] <= told["last"]
    lines = ok("stats").out.splitlines()
    assert lines[0].endswith("6 calls")
    assert lines[-3].split()[:6] == ["big", "http://h/v1", "3", "30", "3", "0.7500"]
    assert len({line.index("Z") for line in lines[-3:]}) == 1


def test_stats_of_none(folder, monkeypatch):
    """A journal that does not exist holds no calls, and is not made."""
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(folder / "none")))
    assert "0 calls" in ok("stats").out
    told = ok("stats", "--json").json()
    assert (told["exists"], told["calls"], told["first"]) == (False, 0, None)
    assert "there is no journal" in datagen("journal", "export").error()
    assert "there is no journal" in datagen("journal", "prune", "--model", "m", "--yes").error()
    assert not (folder / "none").exists()


def test_export_and_import(folder, monkeypatch):
    """What one journal exports another can take; standard output and a file hold the same."""
    printed = ok("export").out
    assert ok("export", "-o", "x.jsonl").out == ""
    assert (folder / "x.jsonl").read_text() == printed
    calls = [json.loads(line) for line in printed.splitlines()]
    assert [call["key"] for call in calls] == sorted(
        request(n, model).key for n in range(3) for model in MODELS
    )
    assert [*calls[0]] == ["key", "request", "reply", "made", "plan", "usd", "account"]
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(folder / "other")))
    told = ok("import", "x.jsonl", "--json").json()
    assert (told["stored"], told["known"], told["conflicts"]) == (6, 0, 0)
    assert "0 calls brought" in ok("import", "x.jsonl").err
    assert ok("export").out == printed


def test_export_of_some(folder):
    """--model, --endpoint and --since choose; a name that no call has names the nearest."""
    assert len(ok("export", "--model", "big").out.splitlines()) == 3
    assert len(ok("export", "--model", "big", "--model", "small").out.splitlines()) == 6
    assert ok("export", "--since", "2999-01-01").out == ""
    assert (
        len(ok("export", "--since", "2020-01-01T00:00:00Z", "--endpoint", "http://h/v1").out.splitlines())
        == 6
    )
    assert "did you mean small?" in datagen("journal", "export", "--model", "smal").error(2)
    assert "no call of the endpoint" in datagen(
        "journal", "export", "--endpoint", "x", "-o", "x.jsonl"
    ).error(2)
    assert "--since" in datagen("journal", "export", "--since", "yesterday").error(2)
    assert "--json needs -o" in datagen("journal", "export", "--json").error(2)
    assert cli.left_in(folder) == ["cache"]


def test_damaged_journal(folder):
    """Of a damaged journal the rest is saved (3); counting and removing say what to do."""
    spoil(folder)
    done = datagen("journal", "export", "-o", "x.jsonl", "--json")
    assert (done.code, done.json()["calls"], done.json()["broken"]) == (3, 5, 1)
    assert "5 calls were saved" in done.err
    assert len((folder / "x.jsonl").read_text().splitlines()) == 5
    path = folder / "cache" / "journal.sqlite"
    raw = bytearray(path.read_bytes())
    raw[100:200] = bytes(100)
    path.write_bytes(raw)
    for words in (["stats"], ["prune", "--model", "big", "--yes"], ["import", "x.jsonl"]):
        error = datagen("journal", *words).error()
        assert "is damaged: " in error
        assert "datagen journal export" in error
    done = datagen("journal", "export")
    assert (done.code, len(done.out.splitlines())) == (3, 5)


def test_broken_import(folder):
    """A line that is no call is told in one line."""
    (folder / "x.jsonl").write_text('{"key": 1}\n')
    assert "x.jsonl, line 1: " in datagen("journal", "import", "x.jsonl").error()
    assert "does not exist" in datagen("journal", "import", "y.jsonl").error(2)


def test_prune(folder):
    """Removing needs a filter and --yes; --dry-run only counts."""
    assert "say which calls" in datagen("journal", "prune", "--yes").error(2)
    assert "add --yes" in datagen("journal", "prune", "--model", "big").error(2)
    assert "3 calls would be removed" in ok("prune", "--model", "big", "--dry-run").err
    assert ok("prune", "--older-than", "1", "--yes", "--json").json()["calls"] == 0
    assert ok("prune", "--before", "2020-01-01", "--model", "big", "--yes", "--json").json()["calls"] == 0
    assert "did you mean big?" in datagen("journal", "prune", "--model", "bg", "--yes").error(2)
    told = ok("prune", "--model", "big", "--older-than", "0", "--yes", "--json").json()
    assert told["dry_run"] is False
    ok("prune", "--model", "small", "--yes")
    assert ok("stats", "--json").json()["calls"] == 3 - told["calls"]


@pytest.mark.parametrize(("answer", "left"), [("y", 3), ("n", 6), ("\x03", 6)])
def test_prune_asks_on_a_terminal(folder, answer, left):
    """On a terminal it asks; no is an answer, Ctrl-C an interruption."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "datagen", "journal", "prune", "--model", "big"]
    environment = {**os.environ, "DATAGEN_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(cli.ROOT)}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b"?" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, answer.encode() + b"\n")
    with contextlib.suppress(OSError):
        while more := os.read(ours, 1000):
            shown += more
    assert process.wait(30) == (130 if answer == "\x03" else 0)
    os.close(ours)
    assert b"Traceback" not in shown
    assert b"Remove 3 calls from" in shown
    assert ok("stats", "--json").json()["calls"] == left


def test_no_key_is_stored(folder, monkeypatch):
    """Neither the file nor an export holds the key that a teacher is asked with."""
    secret = "sk-verysecret123"
    monkeypatch.setenv("OPENAI_API_KEY", secret)

    async def ask(opened):
        from datagen.request import Prompt

        async with openai_chat.connect(profile("openai:m@http://127.0.0.1:9/v1")) as teacher:
            asked = teacher.request(Prompt(messages=(("user", "task"),)), seed=0, sample=0)
            await opened.put(asked, Reply("answer", "stop", "m", 1, 1))

    with open_journal(folder / "cache" / "journal.sqlite") as opened:
        asyncio.run(ask(opened))
    assert "127.0.0.1" in ok("export").out
    assert secret not in ok("export").out
    assert all(secret.encode() not in path.read_bytes() for path in (folder / "cache").iterdir())


def test_export_while_a_run_writes(folder):
    """A journal that another process has open for writing can be counted and exported."""
    with contextlib.closing(sqlite3.connect(folder / "cache" / "journal.sqlite")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM calls")
        assert ok("stats", "--json").json()["calls"] == 6
        assert len(ok("export").out.splitlines()) == 6
        connection.rollback()
