"""The teacher `openai`: what it sends, and what it makes of all that a server may answer."""

from __future__ import annotations

import asyncio
import time

import pytest
from endpoint import KEY, Endpoint

from datagen.errors import UsageError
from datagen.teachers import CallFailed, Prompt, Reply, TeacherUnusable, openai_chat

ASK = Prompt(messages=(("system", "Be brief."), ("user", "Write `twice(x)`.")))


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def complete(spec: str, *prompts: Prompt, samples: int = 1) -> list[Reply | Exception]:
    """Ask the teacher of openai:SPEC one after the other."""

    async def ask():
        came = []
        async with openai_chat.connect(spec) as teacher:
            for prompt in prompts:
                for sample in range(samples):
                    try:
                        came.append(await teacher.complete(teacher.request(prompt, seed=5, sample=sample)))
                    except (CallFailed, TeacherUnusable) as problem:
                        came.append(problem)
        return came

    return asyncio.run(ask())


def request(prompt: Prompt, **wanted):
    async def make():
        async with openai_chat.connect("m@http://127.0.0.1:9/v1/") as teacher:
            return teacher.request(prompt, **{"seed": 0, "sample": 0} | wanted)

    return asyncio.run(make())


def test_request_says_everything():
    """A request holds the address, the model, the turns and all sampling parameters, sorted by name."""
    prompt = ASK._replace(temperature=0.0, stop=("```",), max_tokens=9)
    made = request(prompt, seed=3, sample=2)
    assert made.endpoint == "http://127.0.0.1:9/v1"
    assert made.model == "m"
    assert made.messages == prompt.messages
    assert made.parameters == (("max_tokens", 9), ("seed", 5), ("stop", ["```"]), ("temperature", 0.0))
    assert made.sample == 2
    assert request(Prompt(text="once upon")).text == "once upon"
    assert request(ASK).parameters == (("max_tokens", 2048), ("seed", 0))


def test_chat_and_text_are_answered():
    """Turns go to the chat call and raw text to the completion call; usage and model are the server's."""
    with Endpoint() as endpoint:
        chat, text = complete(f"stand-in@{endpoint.url}", ASK, Prompt(text="Task: sort.\nHarder task:"))
    assert chat == Reply(chat.text, "stop", "stand-in-2026", 7, 11)
    assert "def twice" in chat.text
    assert text.text.startswith(" ")


@pytest.mark.parametrize(
    ("fault", "error", "told"),
    [
        ("401", TeacherUnusable, r"m: http.* refused the key \(401\); check OPENAI_API_KEY"),
        ("404", TeacherUnusable, r"knows no such model or address \(404\): .*fault 404"),
        ("500", CallFailed, r"refused with 500: .*fault 500"),
        ("reset", TeacherUnusable, "nothing answers at"),
        ("html", CallFailed, r"is no completion: <!doctype html> <title>Log in"),
        ("truncated-json", CallFailed, r"is no completion: \{"),
        ("no-choices", CallFailed, r"is no completion: .*overloaded"),
        ("echo-key", CallFailed, r"refused with 400: .*you sent Bearer \*\*\*"),
    ],
)
def test_fault_is_told(fault, error, told, monkeypatch):
    """What a server does wrong is told in one line, without the key that it may repeat."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Endpoint(fault=fault) as endpoint:
        (problem,) = complete(f"m@{endpoint.url}", ASK)
    assert isinstance(problem, error)
    with pytest.raises(error, match=told):
        raise problem
    assert KEY not in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "no completion: nothing"),
        ("null", "no completion: null"),
        ("[]", "no completion"),
        ("3", "no completion"),
        ('{"choices": {"a": 1}}', "no completion"),
        ('{"choices": "abc"}', "no completion"),
        ('{"choices": [null]}', "no completion"),
        ('{"choices": [{"message": null}]}', "no completion"),
        ('{"choices": [{"message": {"content": ["part"]}}]}', "no completion"),
        ('{"choices": [{"text": 5}]}', "no completion"),
        ("[" * 100_000, "no completion"),
        (f'{{"detail": "you sent {KEY}"}}', r"no completion: \{\"detail\": \"you sent \*\*\*\"\}"),
    ],
)
def test_what_is_no_completion_is_told(body, told, monkeypatch):
    """JSON that is no completion fails its call in one line, and nothing else."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Endpoint(fault="body", body=body) as endpoint:
        (problem,) = complete(f"m@{endpoint.url}", ASK)
    assert isinstance(problem, CallFailed)
    assert KEY not in str(problem)
    with pytest.raises(CallFailed, match=told):
        raise problem


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ('{"choices": [{"message": {"content": null}}]}', Reply("", None, None, 0, 0)),
        (
            '{"choices": [{"text": "a\\ud800b", "finish_reason": "s\\udc00"}]'
            ', "model": "\\ud83d\\ude00 \\ud83d"}',
            Reply("a?b", "s?", "\N{GRINNING FACE} ?", 0, 0),
        ),
        (
            '{"choices": [{"text": "t", "finish_reason": ["x"]}], "model": 5,'
            ' "usage": {"prompt_tokens": "9"}}',
            Reply("t", None, None, 0, 0),
        ),
        ('{"choices": [{"text": "t"}], "usage": [1]}', Reply("t", None, None, 0, 0)),
    ],
)
def test_careless_completion_is_read(body, reply):
    """A completion is read as far as it is one: odd fields are left out, half surrogate pairs replaced."""
    with Endpoint(fault="body", body=body) as endpoint:
        assert complete(f"m@{endpoint.url}", ASK) == [reply]


def test_reply_cut_by_the_server_says_so():
    """A reply that ended at its limit keeps its text and tells why it stopped."""
    with Endpoint(fault="length") as endpoint:
        (reply,) = complete(f"m@{endpoint.url}", ASK)
    assert (reply.finish_reason, reply.text[:10]) == ("length", "Here it is")


@pytest.mark.parametrize("fault", ["500", "reset"])
def test_passing_fault_is_no_failure(fault):
    """A call that fails for a moment is made again, from the very first one on."""
    with Endpoint(fault=fault, times=1) as endpoint:
        replies = complete(f"m@{endpoint.url}", ASK, samples=2)
        assert all(isinstance(reply, Reply) for reply in replies)
        assert endpoint.answered.total() == 2
        assert endpoint.asked.total() == 4


def test_patience_lasts_from_the_first_answer_on():
    """Five repetitions are granted to a server that is there, also before it has answered any call."""
    with Endpoint(fault="500", times=6) as endpoint:
        (reply,) = complete(f"m@{endpoint.url}", ASK)
    assert isinstance(reply, Reply)


def test_retry_after_is_heeded():
    """A server that asks for a pause of a second gets one."""
    with Endpoint(fault="429", times=1) as endpoint:
        started = time.monotonic()
        (reply,) = complete(f"m@{endpoint.url}", ASK)
    assert isinstance(reply, Reply)
    assert time.monotonic() - started >= 1


def test_closed_port_is_told_soon():
    """An address where nothing listens is told within seconds, with the address and the cause."""
    with Endpoint() as endpoint:
        url = endpoint.url
    started = time.monotonic()
    (problem,) = complete(f"m@{url}", ASK)
    assert time.monotonic() - started < 4
    assert isinstance(problem, TeacherUnusable)
    assert f"nothing answers at {url} (" in str(problem)


def test_server_that_leaves_is_no_wrong_address():
    """When a server that has answered goes away, its calls fail but it is not called unusable."""

    async def ask():
        with Endpoint() as endpoint:
            async with openai_chat.connect(f"m@{endpoint.url}") as teacher:
                await teacher.complete(teacher.request(ASK, seed=0, sample=0))
                endpoint.fault = "reset"
                teacher._client = teacher._client.with_options(max_retries=0)
                await teacher.complete(teacher.request(ASK, seed=0, sample=1))

    with pytest.raises(CallFailed, match="no answer from the server"):
        asyncio.run(ask())


@pytest.mark.parametrize(
    ("rest", "name"),
    [
        ("gpt-4o", "openai:gpt-4o"),
        ("org/model:latest@http://127.0.0.1:1/v1", "openai:org/model:latest"),
        ("@cf/org/model@https://host/v1", "openai:@cf/org/model"),
        ("m@http://[::1]:8000/v1", "openai:m"),
    ],
)
def test_name_has_no_address(rest, name):
    """A teacher is called by its model; addresses stay out of columns and manifests."""
    openai_chat.check(rest)
    assert openai_chat.public_name(rest) == name


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("", "names no model"),
        ("@http://h/v1", "names no model"),
        ("m@", "http://HOST:PORT/v1"),
        ("m@ftp://x", "beginning with http:// or https://"),
        ("m@localhost:8000/v1", "beginning with http:// or https://"),
        ("m@http:///v1", "http://HOST:PORT/v1"),
        ("m@http://a b/v1", "http://HOST:PORT/v1"),
        ("m@http://h:99999/v1", "malformed"),
        ("m@http://h:x/v1", "malformed"),
        ("m@http://[::1/v1", "malformed"),
        ("m@http://a..b/v1", "malformed"),
        ("m@http://h\n/v1", "http://HOST:PORT/v1"),
        ("m@http://me:hidden@h/v1", "no name, key or query"),
        ("m@me:hidden@h/v1", "beginning with http:// or https://"),
        ("m@http://h/v1?key=hidden", "no name, key or query"),
        ("m@http://h/v1#hidden", "no name, key or query"),
    ],
)
def test_malformed_address_is_told(rest, told):
    """What cannot be an address is told at once, and nothing secret in it is repeated."""
    with pytest.raises(UsageError, match=told) as caught:
        openai_chat.check(rest)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["h:8000", "http://me:hidden@h/v1", "http://h/v1?key=hidden", "http://h:99999", "ftp://h"]
)
def test_malformed_address_in_the_environment_is_told(url, monkeypatch):
    """OPENAI_BASE_URL is checked like an address on the command line."""
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(TeacherUnusable, match=r"^OPENAI_BASE_URL") as caught:
        complete("m", ASK)
    assert "hidden" not in str(caught.value)


def test_address_in_the_environment_is_used(monkeypatch):
    """Without an address in the SPEC, OPENAI_BASE_URL says where the server is."""
    with Endpoint() as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{endpoint.url}/")
        (reply,) = complete("m", ASK)
    assert isinstance(reply, Reply)


@pytest.mark.parametrize("key", ["sk-sécret", "sk-hid\nden"])
def test_impossible_key_is_told(key, monkeypatch):
    """A key that no header can hold is told without repeating it."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(TeacherUnusable, match=r"^OPENAI_API_KEY holds characters") as caught:
        complete("m@http://127.0.0.1:9/v1", ASK)
    assert key not in str(caught.value)


def test_missing_key_is_told():
    """OpenAI's own address without a key is told before anything is sent."""
    with pytest.raises(TeacherUnusable, match="needs a key"):
        complete("gpt-4o", ASK)


def test_key_is_sent_without_what_surrounds_it(monkeypatch):
    """A line break behind the key, as files have it, does no harm."""
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    with Endpoint(key=KEY) as endpoint:
        (reply,) = complete(f"m@{endpoint.url}", ASK)
    assert isinstance(reply, Reply)
