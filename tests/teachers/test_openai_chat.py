"""The teacher `openai`: what it sends, and what it makes of all that a server may answer."""

from __future__ import annotations

import asyncio
import time

import pytest
from endpoint import KEY, Endpoint

from datagen.errors import UsageError
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, TeacherUnusable
from datagen.teachers import _protocol, openai_chat, parse_profiles, profile

ASK = Prompt(messages=(("system", "Be brief."), ("user", "Write `twice(x)`.")))


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _haste(monkeypatch):
    monkeypatch.setattr(openai_chat, "HASTE_SECONDS", 0.02)


def complete(spec: str, *prompts: Prompt, samples: int = 1) -> list[Reply | Exception]:
    """Ask the teacher of openai:SPEC one after the other."""

    async def ask():
        came = []
        async with openai_chat.connect(profile(f"openai:{spec}")) as teacher:
            for prompt in prompts:
                for sample in range(samples):
                    try:
                        came.append(await teacher.complete(teacher.request(prompt, seed=5, sample=sample)))
                    except (Busy, CallFailed, NoAnswer, TeacherUnusable) as problem:
                        came.append(problem)
        return came

    return asyncio.run(ask())


def request(prompt: Prompt, *, settings=None, **wanted):
    """The request of a teacher, which a teachers file may have settings for."""
    given = {"model": "m", "base_url": "http://127.0.0.1:9/v1/", **(settings or {})}
    one = parse_profiles({"strong": given}, "here")["strong"]

    async def make():
        async with openai_chat.connect(one) as teacher:
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


def test_settings_outrank_the_prompt():
    """A teachers file's parameters stand above what suits the prompt, and --temperature above them all."""
    prompt = ASK._replace(temperature=0.7, max_tokens=9, stop=("A",))
    parameters = {
        "temperature": 0.2,
        "top_p": 0.9,
        "stop": "B",
        "max_tokens": 5,
        "extra_body": {"min_p": 0.1},
    }
    made = dict(request(prompt, settings={"parameters": parameters}).parameters)
    assert made == {"seed": 0, **parameters, "stop": ["A", "B"]}
    warm = request(prompt, settings={"parameters": parameters}, temperature=1.5)
    assert dict(warm.parameters) == made | {"temperature": 1.5}
    # null leaves a parameter out, and max_completion_tokens takes the place of max_tokens.
    left_out = {"temperature": None, "seed": None, "max_completion_tokens": 7}
    made = dict(request(prompt, settings={"parameters": left_out}).parameters)
    assert made == {"max_completion_tokens": 7, "stop": ["A"]}


def test_system_prompt_and_label_of_the_file():
    """A teachers file's system prompt replaces datagen's; its label stands for the address."""
    made = request(ASK, settings={"system": "You are terse.", "endpoint": "our-cluster"})
    assert made.messages == (("system", "You are terse."), ASK.messages[1])
    assert made.endpoint == "our-cluster"
    alone = Prompt(messages=(("user", "Hello"),))
    assert request(alone, settings={"system": "S"}).messages == (("system", "S"), ("user", "Hello"))


def test_completion_style_is_one_text():
    """A server without a chat format is sent the turns as one text, open at its end."""
    made = request(ASK, settings={"prompt": "completion"})
    assert (made.messages, made.text) == ((), "Be brief.\n\n### Task\nWrite `twice(x)`.\n\n### Answer\n")
    begun = ASK._replace(messages=(*ASK.messages, ("assistant", "def twice")))
    assert request(begun, settings={"prompt": "completion"}).text.endswith("### Answer\ndef twice")


def test_extra_body_is_sent_beside_the_rest():
    """What only one server knows goes into the body under its own name."""
    made = request(ASK, settings={"parameters": {"extra_body": {"min_p": 0.1, "guided": {"a": [1]}}}})
    sent = _protocol.body(made)
    assert (sent["min_p"], sent["guided"], sent["model"]) == (0.1, {"a": [1]}, "m")
    assert "extra_body" not in sent
    assert _protocol.path(made) == "/chat/completions"


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
        ("429-quota", TeacherUnusable, r"says that the quota is used up: .*fault 429-quota"),
        ("400", CallFailed, r"refused with 400: .*fault 400"),
        ("429-bare", Busy, r"refused with 429: .*fault 429-bare"),
        ("503", Busy, r"refused with 503: .*fault 503"),
        ("529", Busy, r"refused with 529: .*fault 529"),
        ("500", NoAnswer, r"refused with 500: .*fault 500"),
        ("502", NoAnswer, r"refused with 502: .*502"),
        ("reset", NoAnswer, "no answer from the server: .*reset by peer"),
        ("cut-body", NoAnswer, "no answer from the server: .*payload is not completed"),
        ("cut-chunked", NoAnswer, "no answer from the server: .*payload is not completed"),
        ("html", NoAnswer, r"is no completion: <!doctype html> <title>Log in"),
        ("truncated-json", NoAnswer, r"is no completion: \{"),
        ("invalid-json", NoAnswer, r"is no completion: \{'choices'"),
        ("no-choices", NoAnswer, r"is no completion: .*overloaded"),
        ("empty-choices", NoAnswer, r"is no completion: "),
        ("echo-key", CallFailed, r"refused with 400: .*you sent Bearer \*\*\*"),
    ],
)
def test_fault_is_told(fault, error, told, monkeypatch):
    """What a server does wrong is told in one line, without the key that it may repeat."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Endpoint(fault=fault) as endpoint:
        (problem,) = complete(f"m@{endpoint.url}", ASK)
        # Making a call again is the caller's affair; only the first connection gets a second chance.
        unreached = error is TeacherUnusable and "nothing answers" in told
        assert endpoint.asked.total() == (2 if unreached else 1)
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
        ('{"choices": [{"message": {"content": 5}}]}', "no completion"),
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
    assert isinstance(problem, NoAnswer)
    assert problem.maybe_billed
    assert KEY not in str(problem)
    with pytest.raises(NoAnswer, match=told):
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


def test_first_call_that_was_sent_is_not_made_again_unseen():
    """A first call that was lost on its way back may be on the bill, so it is for others to repeat it."""
    with Endpoint(fault="reset", times=1) as endpoint:
        (problem,) = complete(f"m@{endpoint.url}", ASK)
        assert endpoint.asked.total() == 1
    assert isinstance(problem, NoAnswer)
    assert problem.maybe_billed


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [("429", 7, 7), ("503-retry-after", 7, 7), ("429-date", 0.5, 3), ("429-limits", 0.01, 0.05)],
)
def test_server_says_when_to_come_again(fault, least, most):
    """Retry-After as seconds or as a date, and the limits' own headers, come with the refusal."""
    with Endpoint(fault=fault, retry_after="7") as endpoint:
        (problem,) = complete(f"m@{endpoint.url}", ASK)
    assert isinstance(problem, Busy)
    assert least <= problem.retry_after <= most


def test_server_without_hint():
    """A refusal that says nothing leaves the wait to admission."""
    with Endpoint(fault="429-bare") as endpoint:
        (problem,) = complete(f"m@{endpoint.url}", ASK)
    assert problem.retry_after is None


def test_limits_that_are_nearly_used_up_ask_for_a_pause():
    """An answer whose headers say that no further request is admitted brings the pause along."""
    with Endpoint(rpm=2, window=5.0) as endpoint:
        first, last = complete(f"m@{endpoint.url}", ASK, samples=2)
    assert first.pause == 0
    assert 3 < last.pause <= 5


def test_closed_port_is_told_soon():
    """An address where nothing listens is told at once, with the address and the cause."""
    with Endpoint() as endpoint:
        url = endpoint.url
    started = time.monotonic()
    (problem,) = complete(f"m@{url}", ASK)
    assert time.monotonic() - started < 30  # a call that is made again and again takes minutes
    assert isinstance(problem, TeacherUnusable)
    assert f"nothing answers at {url} (" in str(problem)
    assert "Connect call failed" in str(problem)


def after_an_answer(harm):
    """The error of a call to a server that has answered one before, and to which `harm` was done then."""

    async def ask():
        with Endpoint() as endpoint:
            async with openai_chat.connect(profile(f"openai:m@{endpoint.url}")) as teacher:
                await teacher.complete(teacher.request(ASK, seed=0, sample=0))
                harm(endpoint)
                await asyncio.sleep(0.02)  # until the client knows of connections that were closed
                try:
                    await teacher.complete(teacher.request(ASK, seed=0, sample=1))
                finally:
                    if endpoint._is_down:
                        endpoint.come_up()

    with pytest.raises(NoAnswer, match="no answer from the server") as caught:
        asyncio.run(ask())
    return caught.value


@pytest.mark.parametrize("fault", ["reset", "cut-body", "cut-chunked"])
def test_connection_that_breaks_later_is_no_wrong_address(fault):
    """When a server that has answered breaks off, its call may do better again, and may be on the bill."""
    assert after_an_answer(lambda endpoint: setattr(endpoint, "fault", fault)).maybe_billed


def test_call_that_found_no_server_is_not_billed():
    """A call that could not even be sent costs nothing."""
    assert not after_an_answer(Endpoint.go_down).maybe_billed


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
    assert profile(f"openai:{rest}").name == name


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
        profile(f"openai:{rest}")
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
