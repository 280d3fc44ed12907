"""The journal: what is acknowledged stays, whatever happens to the process or the disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.errors import DatagenError
from datagen.journal import Journal, default_path, open_journal
from datagen.request import Reply, Request

REPLY = Reply("text", "stop", "model-1", 3, 4)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_PARAMETERS = st.dictionaries(_TEXT, st.one_of(_TEXT, st.integers(), st.lists(_TEXT, max_size=2)), max_size=3)
_REQUESTS = st.builds(
    Request,
    endpoint=_TEXT,
    model=_TEXT,
    messages=st.lists(st.tuples(_TEXT, _TEXT), max_size=3).map(tuple),
    text=st.one_of(st.none(), _TEXT),
    parameters=_PARAMETERS.map(lambda given: tuple(sorted(given.items()))),
    sample=st.integers(0, 5),
)


def request(number: int = 0, **fields) -> Request:
    return Request("http://h/v1", "m", (("user", f"task {number}"),), None, (("seed", 0),), 0)._replace(
        **fields
    )


def put(journal: Journal, *requests: Request, reply: Reply = REPLY) -> list[Reply]:
    async def all_at_once():
        return await asyncio.gather(*(journal.put(one, reply) for one in requests))

    return asyncio.run(all_at_once())


@given(_REQUESTS, _REQUESTS)
def test_requests_share_a_key_only_if_equal(one, other):
    """Equal requests have one key, and requests that differ in anything have two."""
    assert (one.key == other.key) == (one == other)
    assert Request(*one).key == one.key


@given(_REQUESTS, st.sampled_from(Request._fields), st.data())
def test_every_field_is_part_of_the_key(one, name, data):
    """Changing any one field of a request changes its key."""
    other = one._replace(**{name: data.draw(_REQUESTS.map(lambda drawn: getattr(drawn, name)))})
    assert (one.key == other.key) == (getattr(one, name) == getattr(other, name))


@given(_REQUESTS)
def test_canonical_request_is_the_whole_request(one):
    """The stored text tells the whole request, so that a journal can be exported."""
    told = json.loads(one.canonical)
    assert Request(**{**told, "messages": tuple(map(tuple, told["messages"]))})._replace(parameters=()) == (
        one._replace(parameters=())
    )
    assert [name for name, _ in told["parameters"]] == [name for name, _ in one.parameters]


def test_stored_reply_comes_back(tmp_path):
    """A reply is found again by an equal request, and by no other, in this process and a later one."""
    reply = Reply("line\nséparée \0", None, None, 0, 2**40)
    with open_journal(tmp_path / "j") as journal:
        assert journal.get(request()) is None
        assert put(journal, request(), reply=reply) == [reply]
        assert journal.get(request()) == reply
    with open_journal(tmp_path / "j") as journal:
        assert journal.get(request()) == reply
        assert journal.get(request(1)) is None


def test_first_reply_stands(tmp_path):
    """Of two processes that asked the same, the second gets the reply that the first one stored."""
    other = REPLY._replace(text="another sample")
    with open_journal(tmp_path / "j") as mine, open_journal(tmp_path / "j") as theirs:
        assert put(theirs, request()) == [REPLY]
        assert put(mine, request(), reply=other) == [REPLY]
        assert mine.get(request()) == REPLY


def test_many_puts_at_once(tmp_path):
    """A thousand replies that arrive at the same time are all stored."""
    with open_journal(tmp_path / "j") as journal:
        put(journal, *(request(n) for n in range(1000)))
        assert all(journal.get(request(n)) for n in range(1000))


def test_processes_share_a_new_journal(tmp_path):
    """Processes that start together and share a journal do not lock each other out."""
    program = (
        "import sys, pathlib; sys.path[:0] = sys.argv[2:]\n"
        "import test_store as t\n"
        "with t.open_journal(pathlib.Path(sys.argv[1])) as journal:\n"
        "    t.put(journal, *map(t.request, range(50)))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "j"), str(Path(__file__).parents[0])]
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(4)))
    assert [(one.returncode, one.stderr) for one in ended] == [(0, "")] * 4
    with open_journal(tmp_path / "j") as journal:
        assert all(journal.get(request(n)) for n in range(50))


def test_new_journals_are_opened_at_once(tmp_path):
    """Opening a file that another process makes at the same moment waits for that."""
    program = (
        "import sys, pathlib; from datagen.journal import Journal\n"
        "for n in range(150): Journal(pathlib.Path(sys.argv[1], str(n))).close()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(3)))
    assert [(one.returncode, one.stderr) for one in ended] == [(0, "")] * 3


def test_acknowledged_replies_survive_a_kill(tmp_path):
    """What `put` has acknowledged is there after kill -9, and the file is sound."""
    program = (
        "import asyncio, sys, pathlib; sys.path[:0] = sys.argv[2:]\n"
        "import test_store as t\n"
        "async def write(journal):\n"
        "    for n in range(10**9):\n"
        "        await journal.put(t.request(n), t.REPLY)\n"
        "        print(n, flush=True)\n"
        "with t.open_journal(pathlib.Path(sys.argv[1])) as journal: asyncio.run(write(journal))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "j"), str(Path(__file__).parents[0])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(200)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    last = max(int(line) for line in lines if line.endswith("\n"))
    with open_journal(tmp_path / "j") as journal:
        assert all(journal.get(request(n)) for n in range(last + 1))
    with contextlib.closing(sqlite3.connect(tmp_path / "j")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_given_up_put_is_stored(tmp_path, capfd):
    """A reply that was on its way to disk when the run was given up is stored, and nothing is said."""

    async def give_up(journal):
        puts = [asyncio.ensure_future(journal.put(request(n), REPLY)) for n in range(20)]
        await asyncio.sleep(0)
        assert not all(one.done() for one in puts)

    with open_journal(tmp_path / "j") as journal:
        asyncio.run(give_up(journal))
        put(journal, request(99))
    assert capfd.readouterr().err == ""
    with open_journal(tmp_path / "j") as journal:
        assert all(journal.get(request(n)) for n in (*range(20), 99))


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_file_is_told(tmp_path, content):
    """A file that is no database is told in one line that names it and what to do."""
    (tmp_path / "j").write_bytes(content)
    with (
        pytest.raises(DatagenError, match=r"journal .*/j is damaged: .*; save what can be read"),
        open_journal(tmp_path / "j") as journal,
    ):
        journal.get(request())


@pytest.mark.parametrize("stored", ["not JSON", "[1]", '{"text": "x"}', '{"unknown": 1}', "null"])
def test_damaged_reply_is_told(tmp_path, stored):
    """A reply that cannot be read is told in one line, too."""
    with open_journal(tmp_path / "j") as journal:
        put(journal, request())
    with contextlib.closing(sqlite3.connect(tmp_path / "j")) as connection, connection:
        connection.execute("UPDATE calls SET reply = ?", (stored,))
    with open_journal(tmp_path / "j") as journal, pytest.raises(DatagenError, match="is damaged"):
        journal.get(request())


def test_folder_that_is_a_file_is_told(tmp_path):
    """A cache folder that cannot be made is told in one line."""
    (tmp_path / "file").touch()
    with pytest.raises(DatagenError, match="cannot be used"), open_journal(tmp_path / "file" / "j"):
        pass


def test_full_disk_is_told(tmp_path):
    """On a full disk the reply is not acknowledged, one line says so, and what was stored before stays."""
    program = (
        "import resource, signal, sys, pathlib; sys.path[:0] = sys.argv[2:]\n"
        "import test_store as t\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "with t.open_journal(pathlib.Path(sys.argv[1])) as journal:\n"
        "    for n in range(1000):\n"
        "        try: t.put(journal, t.request(n), reply=t.REPLY._replace(text='x' * 5000))\n"
        "        except t.DatagenError as error: sys.exit(f'{n}: {error}')"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "j"), str(Path(__file__).parents[0])]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    stored, _, message = ended.stderr.strip().partition(": ")
    assert "cannot be used" in message
    assert "\n" not in message
    with open_journal(tmp_path / "j") as journal:
        assert int(stored) > 5
        assert all(journal.get(request(n)) for n in range(int(stored)))


def test_path_follows_the_environment(monkeypatch, tmp_path):
    """DATAGEN_CACHE_DIR names the folder, else datagen's own in XDG_CACHE_HOME or ~/.cache."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("DATAGEN_CACHE_DIR", raising=False)
    assert default_path() == tmp_path / ".cache" / "datagen" / "journal.sqlite"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert default_path() == tmp_path / "x" / "datagen" / "journal.sqlite"
    monkeypatch.setenv("DATAGEN_CACHE_DIR", str(tmp_path / "own"))
    assert default_path() == tmp_path / "own" / "journal.sqlite"
    assert not list(tmp_path.iterdir())
