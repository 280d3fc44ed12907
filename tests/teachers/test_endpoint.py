"""The stand-in server of these tests, which they rely on."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import endpoint
from endpoint import Endpoint

BODY = {"model": "m", "messages": [{"role": "user", "content": "Write `twice(x)`."}]}


def post(url, body):
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def test_answers_depend_on_the_request_alone():
    """Whoever asks the same is told the same, whatever was asked before; and it is counted."""
    with Endpoint() as one, Endpoint() as other:
        post(other.url, {**BODY, "model": "else"})
        assert post(one.url, BODY) == post(one.url, BODY) == post(other.url, BODY)
        assert post(one.url, {**BODY, "seed": 1}) != post(one.url, BODY)
        assert sorted(one.asked.values()) == sorted(one.answered.values()) == [1, 3]
        assert one.repeated() == 2


def test_as_a_process():
    """The file is a program, too: it prints its address, answers, and tells its counts."""
    command = [sys.executable, str(Path(endpoint.__file__)), "--delay", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            assert "def twice" in post(url, BODY)
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
                assert list(json.load(answer).values()) == [1]
        finally:
            process.terminate()
