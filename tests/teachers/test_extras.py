"""Query and headers of a teachers file: what is sent, what stays out of files, keys and errors."""

from __future__ import annotations

import asyncio

import pytest
from endpoint import Endpoint
from loopback import ask, completion, serving

from datagen.errors import UsageError
from datagen.request import Prompt, TeacherUnusable
from datagen.teachers import identities, openai_chat, parse_profiles, public_settings

ASK = Prompt(messages=(("system", "Be brief."), ("user", "Write `twice(x)`.")))
SECRET = "s3cr3t-of-the-tests"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_KEY", SECRET)


def profile(**settings):
    return parse_profiles({"t": {"model": "m", "base_url": "http://127.0.0.1:9/v1", **settings}}, "f")["t"]


def key(one):
    async def made():
        async with openai_chat.connect(one) as teacher:
            return teacher.request(ASK, seed=0, sample=0).key

    return asyncio.run(made())


def test_query_and_headers_are_sent():
    """They go with each call; $NAME is filled from the environment."""
    settings = {
        "query": {"api-version": "2024-10-21", "n": 2},
        "headers": {"X-Title": "our project", "api-key": "$GATEWAY_KEY"},
    }
    with serving(lambda *_: (200, completion())) as server:
        (reply,) = ask(server, ASK, **settings)
    assert reply.text == "done"
    assert server.paths == ["/v1/chat/completions?api-version=2024-10-21&n=2"]
    sent = {name.lower(): value for name, value in server.headers[0].items()}
    assert (sent["x-title"], sent["api-key"]) == ("our project", SECRET)


def test_key_in_a_header_of_its_own():
    """The key may stand in both places, and a header of the file outranks what datagen sends."""
    with serving(lambda *_: (200, completion())) as server:
        ask(server, ASK, headers={"X-Title": "t"})
        ask(server, ASK, headers={"api-key": "$GATEWAY_KEY"}, key_env="GATEWAY_KEY")
        ask(server, ASK, headers={"authorization": "$GATEWAY_KEY"})
    sent = [
        {name.lower(): value for name, value in one.items()}.get("authorization") for one in server.headers
    ]
    assert sent == ["Bearer none", f"Bearer {SECRET}", SECRET]


def test_they_change_neither_keys_nor_plans():
    """Answers are found again after a change of query or headers, and the world does not see them."""
    plain, extra = profile(), profile(query={"api-version": "1"}, headers={"api-key": "$GATEWAY_KEY"})
    assert key(plain) == key(extra)
    assert identities([plain]) == identities([extra])
    assert public_settings([plain]) == public_settings([extra])


def test_date_of_yaml_is_a_text():
    """YAML reads some versions as numbers."""
    assert profile(query={"api-version": 1.5}).query == (("api-version", "1.5"),)


@pytest.mark.parametrize("setting", ["query", "headers"])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("X: hidden1", "should be a mapping"),
        (["hidden1"], "should be a mapping"),
        ({5: "hidden1"}, "has a name that none can have"),
        ({"a b": "hidden1"}, "has a name that none can have"),
        ({"a:hidden1": "x"}, "has a name that none can have"),
        ({"a\n": "hidden1"}, "has a name that none can have"),
        ({"": "hidden1"}, "has a name that none can have"),
        ({"X-A": "a", "x-a": "b"}, "has x-a twice"),
        ({"X": "hidden1\nY: z"}, "X should be a text of plain characters"),
        ({"X": "hidden1\u00e9"}, "X should be a text of plain characters"),
        ({"X": ["hidden1"]}, "X should be a text of plain characters"),
        ({"X": True}, "X should be a text of plain characters"),
        ({"X": None}, "X should be a text of plain characters"),
        ({"X": ""}, "X should be a text of plain characters"),
        ({"Authorization": "hidden1"}, "Authorization may be secret"),
        ({"api-key": "hidden1"}, "api-key may be secret"),
        ({"X-Auth-Token": "hidden1"}, "X-Auth-Token may be secret"),
        ({"Cookie": "hidden1"}, "Cookie may be secret"),
        ({"X": "Bearer hidden1"}, "X may be secret"),
        ({"X": "sk-hidden1hidden1"}, "X may be secret"),
        ({"X": "hidden1hidden1hidden1hidden1hidden1"}, "X may be secret"),
        ({"X": "${hidden1}"}, "X may be secret"),
        ({"X": "$hidden-1"}, "X may be secret"),
    ],
)
def test_what_cannot_stand_there_is_told(setting, given, told):
    """One line tells it, and repeats no value: that may be a key."""
    with pytest.raises(UsageError, match=f"^f, t: {setting} {told}") as caught:
        profile(**{setting: given})
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["Content-Type", "content-length", "Host", "Transfer-Encoding", "Connection"]
)
def test_headers_of_the_protocol_stay(name):
    """What datagen sets itself is not to be had."""
    with pytest.raises(UsageError, match=f"headers cannot hold {name}, which datagen sets itself"):
        profile(headers={name: "x"})


def test_other_kinds_have_neither():
    """Only servers have addresses and headers."""
    with pytest.raises(UsageError, match="headers is for servers with OpenAI's protocol"):
        parse_profiles({"t": {"spec": "reference", "headers": {"X": "y"}}}, "f")


@pytest.mark.parametrize("value", [None, " ", "hid\nden", "hidd\u00e9n"])
def test_variable_that_holds_no_value_is_told(value, monkeypatch):
    """A missing or impossible value is told by the variable's name before anything is sent."""
    monkeypatch.delenv("GATEWAY_KEY")
    if value is not None:
        monkeypatch.setenv("GATEWAY_KEY", value)
    with pytest.raises(TeacherUnusable, match="GATEWAY_KEY") as caught:
        key(profile(headers={"api-key": "$GATEWAY_KEY"}))
    assert "hid" not in str(caught.value)


def test_server_that_repeats_a_secret():
    """A secret header does not come back in an error line."""
    with Endpoint(fault="body", body=f"you sent {SECRET}") as endpoint:

        async def asked():
            settings = {"base_url": endpoint.url, "headers": {"api-key": "$GATEWAY_KEY"}}
            async with openai_chat.connect(profile(**settings)) as teacher:
                await teacher.complete(teacher.request(ASK, seed=0, sample=0))

        with pytest.raises(Exception, match=r"you sent \*\*\*"):
            asyncio.run(asked())


def test_empty_system_prompt_sends_none():
    """`system: ""` leaves datagen's own system message out, and sends no other."""
    with serving(lambda *_: (200, completion())) as server:
        ask(server, ASK, system="")
        ask(server, ASK, system=None)
    assert server.asked[0]["messages"] == [{"role": "user", "content": "Write `twice(x)`."}]
    assert server.asked[1]["messages"][0]["role"] == "system"
    assert key(profile(system="")) != key(profile())
    assert identities([profile(system="")]) != identities([profile()])
    with pytest.raises(UsageError, match="system should be a text"):
        profile(system="  ")
