"""The journal's file: damage is noticed, what can be read is saved, and nothing wrong is ever read."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from datagen.errors import DatagenError, UsageError
from datagen.journal import Journal, damage, maintenance, open_journal, salvage, store, transfer
from datagen.journal.maintenance import Call, CallFilter, everything
from datagen.request import Reply, Request

TESTS = str(Path(__file__).parents[0])
PAGE = 4096
CALLS = 2000


def request(number: int, **fields) -> Request:
    text = f"task {number} " + "x" * (number * 37 % 900)
    return Request("http://h/v1", "m", (("user", text),), None, (("seed", 0),), 0)._replace(**fields)


def reply(number: int) -> Reply:
    return Reply(f"answer {number} é " + "y" * 1000, "stop", "m-1", 3, 4)


def fill(path: Path, numbers: range, plan: str = "p") -> None:
    async def all_at_once(opened):
        await asyncio.gather(*(opened.put(request(n), reply(n), plan=plan, usd=0.5) for n in numbers))

    with open_journal(path) as opened:
        asyncio.run(all_at_once(opened))


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "journal.sqlite"
    fill(path, range(CALLS))
    return path


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(damage, "_CREATION_SECONDS", 0.02)


def page_of(raw: bytes, kind: int, number: int = 0) -> int:
    """Where the page begins that is the first, second, … of a kind and holds calls."""
    pages = [at for at in range(PAGE, len(raw), PAGE) if raw[at] == kind]
    return [at for at in pages if b'{"endpoint"' in raw[at : at + PAGE]][number]


def change(raw: bytearray, at: int, mask: int) -> None:
    raw[at] ^= mask


def blank(raw: bytearray, begin: int, end: int) -> None:
    raw[begin:end] = bytes(end - begin)


def leaf(raw: bytearray) -> int:
    return page_of(raw, salvage._LEAF, 5)


def interior(raw: bytearray) -> int:
    return page_of(raw, salvage._INTERIOR)


#: kind of damage -> how it is done, and how many of the calls can be lost by it, at most
DAMAGE = {
    "header": (lambda raw: blank(raw, 0, 16), 0),
    "page size": (lambda raw: change(raw, 16, 0x30), 0),
    "table name": (lambda raw: change(raw, raw.index(b"TABLE calls") + 6, 1), 0),
    "column name": (lambda raw: change(raw, raw.index(b"digest TEXT"), 1), 0),
    "reply text": (lambda raw: change(raw, raw.index(b"yyyyy"), 1), 1),
    "request text": (lambda raw: change(raw, raw.index(b'{"endpoint"') + 20, 1), 1),
    "no UTF-8": (lambda raw: change(raw, raw.index(b"yyyyy"), 0x80), 1),
    "key": (lambda raw: change(raw, raw.index(b'{"endpoint"') - 20, 1), 1),
    "interior cells": (lambda raw: blank(raw, interior(raw) + 12, interior(raw) + 40), 60),
    "interior page": (lambda raw: blank(raw, interior(raw), interior(raw) + PAGE), 60),
    "cell count": (lambda raw: change(raw, leaf(raw) + 4, 1), 12),
    "zero page": (lambda raw: blank(raw, leaf(raw), leaf(raw) + PAGE), 12),
    "cut inside a page": (lambda raw: raw.__delitem__(slice(len(raw) - PAGE + 200, None)), 12),
    "cut off": (lambda raw: raw.__delitem__(slice(len(raw) * 2 // 3, None)), CALLS),
    "not a database": (lambda raw: raw.__setitem__(slice(None), b"garbage" * 1000), CALLS),
}


def spoil(raw: bytearray, kind: str) -> None:
    DAMAGE[kind][0](raw)


@pytest.fixture(params=DAMAGE)
def spoiled(request, sound, tmp_path) -> tuple[Path, int]:
    raw = bytearray(sound.read_bytes())
    spoil(raw, request.param)
    assert raw != sound.read_bytes()
    path = tmp_path / "journal.sqlite"
    path.write_bytes(raw)
    return path, DAMAGE[request.param][1]


def readable(path: Path, numbers: range) -> int:
    """How many calls are found; raises if one is damaged, but only when all were asked for."""
    found, told = 0, []
    with open_journal(path) as opened:
        for number in numbers:
            try:
                assert opened.get(request(number)) == reply(number)
                found += 1
            except DatagenError as error:
                told.append(error)
    if told:
        raise told[0]
    return found


def test_damage_is_told_and_nothing_wrong_is_read(spoiled):
    """With a damaged file every call is right or an error: none is wrong, none silently missing."""
    path, _ = spoiled
    with pytest.raises(DatagenError) as told:
        assert readable(path, range(CALLS)) == CALLS, "told, but by get"
    error = str(told.value)
    assert "is damaged: " in error
    assert "datagen journal export" in error
    assert "\n" not in error


@pytest.mark.parametrize(
    "kind", ["reply text", "request text", "key", "zero page", "interior page", "interior cells"]
)
def test_damage_is_told_without_the_look_at_open(kind, sound, tmp_path, monkeypatch):
    """In a file too large to be checked whole, these are noticed where they matter."""
    monkeypatch.setattr(store, "CHECKED_BYTES", 0)
    raw = bytearray(sound.read_bytes())
    spoil(raw, kind)
    (tmp_path / "j").write_bytes(raw)
    with pytest.raises(DatagenError, match="is damaged: "):
        readable(tmp_path / "j", range(CALLS))


def test_undamaged_rest_is_saved(spoiled, tmp_path):
    """An export saves what is not damaged, says that something is, and can be imported."""
    path, most_lost = spoiled
    before = path.read_bytes()
    saved = tmp_path / "saved.jsonl.zst"
    with transfer.written(saved) as write, everything(path, CallFilter()) as found:
        kept = [write(transfer.line(call)) for call in found.calls]
        assert found.problem or found.broken
    assert CALLS - most_lost <= len(kept) <= CALLS - bool(most_lost)
    assert path.read_bytes() == before
    fresh = tmp_path / "fresh" / "journal.sqlite"
    assert transfer.bring_in(saved, fresh) == (len(kept), 0, 0)
    with open_journal(fresh) as opened:
        answers = [opened.get(request(n)) for n in range(CALLS)]
    assert all(answer in {None, reply(n)} for n, answer in enumerate(answers))
    assert sum(answer is not None for answer in answers) == len(kept)


def test_random_damage(tmp_path):
    """Whatever byte of a file is changed: no call is wrong or silently missing, the others can be saved."""
    fill(tmp_path / "j", range(60))
    raw = (tmp_path / "j").read_bytes()
    draw = random.Random(7)
    for _ in range(60):
        spoiled = bytearray(raw)
        # Pages of text are many, and their damage is the simplest.
        at = draw.choice(
            [draw.randrange(100), draw.randrange(len(raw)), draw.randrange(len(raw)) // PAGE * PAGE]
        )
        spoiled[at + draw.randrange(12) if at + 12 < len(raw) else at] ^= draw.randrange(1, 256)
        path = tmp_path / "spoiled"
        path.write_bytes(spoiled)
        with contextlib.suppress(DatagenError):
            readable(path, range(60))
        for left in tmp_path.glob("spoiled*"):
            left.unlink()
        path.write_bytes(spoiled)
        with everything(path, CallFilter()) as found:
            calls = {call.key: call for call in found.calls}
        assert all(
            calls[request(n).key].reply == reply(n).stored() for n in range(60) if request(n).key in calls
        )
        assert len(calls) == 60 or found.problem or found.broken
        assert len(calls) >= 60 - 15
        path.unlink()


def test_emptied_file_is_told(tmp_path):
    """A file of 0 bytes is not taken for a new journal."""
    (tmp_path / "j").touch()
    for use in (Journal, maintenance.stats):
        with pytest.raises(DatagenError, match=r"journal .*/j is empty"):
            use(tmp_path / "j")


def test_write_ahead_log_is_saved_too(tmp_path):
    """What only the write-ahead log of a killed process holds is saved when the file itself is damaged."""
    path = tmp_path / "j"
    program = (
        "import os, sys, pathlib; sys.path[:0] = sys.argv[2:]\n"
        "import test_maintenance as t\n"
        "t.fill(pathlib.Path(sys.argv[1]), range(40))\n"
        "opened = t.Journal(pathlib.Path(sys.argv[1]))\n"
        "puts = lambda: (opened.put(t.request(n), t.reply(n)) for n in range(40, 60))\n"
        "async def more(): await t.asyncio.gather(*puts())\n"
        "t.asyncio.run(more()); os._exit(9)"
    )
    command = [sys.executable, "-c", program, str(path), TESTS]
    assert subprocess.run(command, check=False).returncode == 9
    assert path.with_name("j-wal").stat().st_size > 0
    raw = bytearray(path.read_bytes())
    raw[:16] = bytes(16)
    path.write_bytes(raw)
    with everything(path, CallFilter()) as found:
        assert {call.key for call in found.calls} == {request(n).key for n in range(60)}


@pytest.mark.slow
def test_twenty_kills(tmp_path):
    """After each of twenty kill -9 while writing, all that was acknowledged is there."""
    program = (
        "import sys, pathlib; sys.path[:0] = sys.argv[3:]\n"
        "import test_maintenance as t\n"
        "async def write(opened):\n"
        "    for n in range(int(sys.argv[2]), 10**9):\n"
        "        await opened.put(t.request(n), t.reply(n))\n"
        "        print(n, flush=True)\n"
        "with t.open_journal(pathlib.Path(sys.argv[1])) as opened: t.asyncio.run(write(opened))"
    )
    path, draw, acknowledged = tmp_path / "j", random.Random(3), 0
    for _ in range(20):
        command = [
            sys.executable,
            "-c",
            program,
            str(path),
            str(acknowledged),
            TESTS,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(draw.randrange(1, 150))]
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.readlines()
        acknowledged = max(int(line) for line in lines if line.endswith("\n")) + 1
        assert readable(path, range(acknowledged)) == acknowledged
    assert sum(count.calls for count in maintenance.stats(path).by_model.values()) >= acknowledged


def old_journal(path: Path, numbers: range) -> None:
    """A file as version 0.1.0 wrote it."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE calls (key TEXT PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL,"
            " made TEXT NOT NULL) WITHOUT ROWID"
        )
        rows = [
            (request(n).key, request(n).canonical, reply(n).stored(), "2026-01-02T03:04:05Z") for n in numbers
        ]
        connection.executemany("INSERT INTO calls VALUES (?, ?, ?, ?)", rows)


def test_old_journal(tmp_path):
    """A file of version 0.1.0 can be counted, exported, imported and completed."""
    old_journal(tmp_path / "old", range(5))
    (count,) = maintenance.stats(tmp_path / "old").by_model.values()
    assert (count.calls, count.tokens_in, count.usd, count.first) == (5, 15, 0.0, "2026-01-02T03:04:05Z")
    with everything(tmp_path / "old", CallFilter()) as found:
        assert [(call.usd, call.plan, call.digest) for call in found.calls] == [(None, None, None)] * 5
    assert transfer.bring_in(tmp_path / "old", tmp_path / "new") == (5, 0, 0)
    assert readable(tmp_path / "new", range(5)) == readable(tmp_path / "old", range(5)) == 5


@pytest.mark.parametrize("suffix", transfer.SUFFIXES)
def test_export_comes_back(suffix, tmp_path):
    """What is exported and imported is what was stored, and equal journals make equal files."""
    fill(tmp_path / "j", range(30))
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        with transfer.written(file) as write, everything(tmp_path / "j", CallFilter()) as found:
            for call in found.calls:
                write(transfer.line(call))
    assert files[0].read_bytes() == files[1].read_bytes()
    assert transfer.bring_in(files[0], tmp_path / "k") == (30, 0, 0)
    assert transfer.bring_in(files[0], tmp_path / "k") == (0, 30, 0)
    with everything(tmp_path / "j", CallFilter()) as one, everything(tmp_path / "k", CallFilter()) as other:
        assert list(one.calls) == list(other.calls)


def test_first_answer_stays(tmp_path):
    """An import does not replace a reply; that it has another one is counted."""
    fill(tmp_path / "j", range(3))
    with open_journal(tmp_path / "k") as opened:
        asyncio.run(opened.put(request(1), reply(7)))
    assert transfer.bring_in(tmp_path / "j", tmp_path / "k") == (2, 1, 1)
    with open_journal(tmp_path / "k") as opened:
        assert opened.get(request(1)) == reply(7)


def good_line(number: int = 0) -> bytes:
    canonical = request(number).canonical
    return transfer.line(Call(request(number).key, canonical, reply(number).stored(), "2026-01-02T03:04:05Z"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((b"{", b"["), "not JSON"),
        ((b'"made"', b'"maid"'), "should be an object with"),
        ((b"task 1", b"task 2"), "key is not the sha256"),
        ((b'"key":"', b'"key":"0'), "key is not the sha256"),
        ((b'"sample":0', b'"sample":"0"'), "sample a whole number"),
        ((b'"messages":[["user",', b'"messages":[['), "pairs of a role and a text"),
        ((b'"seed",0', b'"seed"'), "pairs of a name and a value"),
        ((b'"model":"m"', b'"model":null'), "endpoint and model"),
        ((b'"tokens_in": 3', b'"tokens_in": "3"'), "its reply should have"),
        ((b'"tokens_in": 3, ', b""), "its reply should have"),
        ((b"2026-01-02T", b"2026-01-02 "), "made should be a moment"),
        ((b'"usd": null', b'"usd": -1'), "usd a number"),
        ((b'"usd": null', b'"usd": NaN'), "usd a number"),
        ((b'"plan": null', b'"plan": 3'), "plan and account text"),
        ((b"yyyy", b"\xff\xff"), "not UTF-8"),
        ((b'"usd": null', b'"usd": ' + b"[" * 9000 + b"]" * 9000), "line 2"),
    ],
)
def test_broken_line_is_named(change, words, tmp_path):
    """A line that is no call is named, and nothing is imported."""
    file = tmp_path / "x.jsonl"
    assert change[0] in good_line(1)
    file.write_bytes(good_line() + good_line(1).replace(*change, 1))
    with pytest.raises(DatagenError, match=r"x\.jsonl, line 2: .*nothing was imported") as told:
        transfer.bring_in(file, tmp_path / "j")
    assert words in str(told.value)
    assert not (tmp_path / "j").exists()


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst"])
def test_packed_file_cut_off_is_told(suffix, tmp_path):
    """A packed file that ends too early is told, and nothing is imported."""
    file = tmp_path / f"x{suffix}"
    with transfer.written(file) as write:
        for number in range(50):
            write(good_line(number))
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DatagenError, match=r"is not a whole (gzip|zstd) file"):
        transfer.bring_in(file, tmp_path / "j")
    assert not (tmp_path / "j").exists()


def test_export_is_whole_or_not_there(tmp_path):
    """What cannot be finished is not left, what is there is not replaced, other names are refused."""

    def half():
        with transfer.written(tmp_path / "x.jsonl") as write:
            write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.jsonl").write_text("precious")
    with pytest.raises(DatagenError, match="is there already"), transfer.written(tmp_path / "x.jsonl"):
        pass
    with pytest.raises(UsageError, match="should end in"), transfer.written(tmp_path / "x.txt"):
        pass
    with (
        pytest.raises(DatagenError, match="cannot write"),
        transfer.written(tmp_path / "no" / "x.jsonl"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


def test_damaged_journal_is_not_imported(sound, tmp_path):
    """Another journal's file is imported only if it is sound."""
    shutil.copy(sound, tmp_path / "good")
    assert transfer.bring_in(tmp_path / "good", tmp_path / "j") == (CALLS, 0, 0)
    for kind in ("reply text", "zero page"):
        raw = bytearray(sound.read_bytes())
        spoil(raw, kind)
        (tmp_path / "bad").write_bytes(raw)
        with pytest.raises(DatagenError, match="is damaged: "):
            transfer.bring_in(tmp_path / "bad", tmp_path / "k")
        assert not (tmp_path / "k").exists()


def test_pruned_calls_are_gone(tmp_path):
    """Removed calls cannot be read any more, not even page by page, and the file shrinks."""
    fill(tmp_path / "j", range(200))
    fill(tmp_path / "j", range(200, 210), plan="q")
    before = maintenance.size(tmp_path / "j")
    with contextlib.closing(sqlite3.connect(tmp_path / "j")) as connection, connection:
        connection.execute("UPDATE calls SET made = '2025-01-01T00:00:00Z' WHERE plan = 'p'")
    wanted = CallFilter(before="2025-06-01T00:00:00Z")
    assert maintenance.count(tmp_path / "j", wanted) == 200
    done = maintenance.prune(tmp_path / "j", wanted)
    assert (done.calls, done.kept_open) == (200, "")
    assert done.bytes < before / 5
    rows = [values for values in salvage.records(tmp_path / "j") if values and len(values) == 8]
    assert len(rows) == 10
    assert readable(tmp_path / "j", range(200, 210)) == 10


def test_prune_beside_a_reader(tmp_path, monkeypatch):
    """While another process reads the file, calls are removed all the same; only the file stays as large."""
    monkeypatch.setattr(maintenance, "_VACUUM_PATIENCE", 0.1)
    fill(tmp_path / "j", range(100))
    with contextlib.closing(sqlite3.connect(tmp_path / "j")) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM calls").fetchone() == (100,)
        done = maintenance.prune(tmp_path / "j", CallFilter(models=("m",)))
        assert done.calls == 100
        assert done.kept_open
        assert reader.execute("SELECT COUNT(*) FROM calls").fetchone() == (100,)
    assert maintenance.stats(tmp_path / "j").by_model == {}


def test_prune_refuses_a_damaged_file(sound, tmp_path):
    """Nothing is removed from a file that is damaged."""
    raw = bytearray(sound.read_bytes())
    spoil(raw, "zero page")
    (tmp_path / "j").write_bytes(raw)
    for use in (maintenance.count, maintenance.prune):
        with pytest.raises(DatagenError, match="is damaged: "):
            use(tmp_path / "j", CallFilter(models=("m",)))
