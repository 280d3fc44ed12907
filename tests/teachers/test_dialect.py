"""Servers that refuse parts of a request: what datagen sends instead, remembers, and records."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from cli import datagen
from loopback import CUT, ask, completion, serving

import datagen as dg
from datagen.journal import Journal, store
from datagen.request import CallFailed, NoAnswer, Prompt, Reply, TeacherUnusable
from datagen.teachers import _dialect, _stream, openai_chat, parse_profiles
from datagen.teachers._dialect import SYSTEM, Dialect

ASK = Prompt(messages=(("system", "Be brief."), ("user", "Write `twice(x)`.")), temperature=0.7)
AS_COMPLETION_TOKENS = "max_tokens as max_completion_tokens"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def unsupported(name, words="Unsupported parameter: '{}' is not supported with this model."):
    return {"error": {"message": words.format(name), "type": "invalid_request_error", "param": name,
                      "code": "unsupported_parameter"}}  # fmt: skip


def reasoning(_, body):
    """A model as OpenAI's reasoning models are."""
    if "max_tokens" in body:
        words = "Unsupported parameter: '{}' is not supported. Use 'max_completion_tokens' instead."
        return 400, unsupported("max_tokens", words)
    if body.get("temperature", 1) != 1:
        words = "Unsupported value: '{}' does not support 0.7. Only the default (1) value is supported."
        return 400, unsupported("temperature", words)
    return 200, completion()


def test_refused_parts_are_left_out_and_remembered():
    """Each refusal is met once; later requests are sent as the server wants them, and replies say so."""
    with serving(reasoning) as server:
        replies = ask(server, ASK, ASK, ASK)
    assert len(server.asked) == 2 + 3
    assert server.asked[-1] == {
        "model": "m",
        "messages": [{"role": role, "content": text} for role, text in ASK.messages],
        "max_completion_tokens": 2048,
        "seed": 7,
    }
    adapted = (AS_COMPLETION_TOKENS, "without temperature")
    assert replies == [Reply("done", "stop", "m-1", 5, 2, adapted=adapted)] * 3


def test_calls_that_begin_together_all_recover():
    """First calls that are refused at the same time are each made again, and none of them fails."""
    barrier = threading.Barrier(8)

    def answer(path, body):
        if "max_tokens" in body:
            barrier.wait(60)
        return reasoning(path, body)

    with serving(answer) as server:
        replies = ask(server, *[ASK] * 8, together=True)
        assert {reply.text for reply in replies} == {"done"}
        assert sum("max_tokens" in body for body in server.asked) == 8


def test_change_is_told_once(capsys):
    """People see one line for each change, not one for each row."""
    with serving(reasoning) as server:
        ask(server, *[ASK] * 5, together=True)
    told = [line for line in capsys.readouterr().err.splitlines() if "t: " in line]
    assert told == [
        "t: it wants max_completion_tokens instead of max_tokens",
        "t: it does not take temperature, which is left out",
    ]


SENT = {
    "model": "m",
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}],
    "max_tokens": 9,
    "seed": 1,
    "temperature": 0.7,
    "stop": ["END"],
}


@pytest.mark.parametrize(
    ("refusal", "change"),
    [
        (unsupported("max_tokens"), AS_COMPLETION_TOKENS),
        (unsupported("seed"), "without seed"),
        (unsupported("stop"), "without stop"),
        (
            {"message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"],
                                     "msg": "Extra inputs are not permitted", "input": 5}]}},
            "without seed",
        ),
        ({"detail": [{"loc": ["body", "seed"], "msg": "extra fields not permitted"}]}, "without seed"),
        ({"detail": "Unknown field: seed"}, "without seed"),
        ("Unrecognized request argument supplied: seed", "without seed"),
        ({"error": "property 'seed' is unsupported"}, "without seed"),
        ({"error": {"message": "1 validation error for ChatRequest\nseed\n  Extra inputs are not permitted"
                               " [type=extra_forbidden, input_value=5]"}}, "without seed"),
        ({"error": {"message": "invalid temperature: only 1 is allowed for this model"}},
         "without temperature"),
        ({"error": {"message": "`temperature` is deprecated for this model."}}, "without temperature"),
        ({"error": {"message": "litellm.UnsupportedParamsError: x does not support parameters: ['stop']"}},
         "without stop"),
        ({"error": {"message": "Provider returned error", "code": 400,
                    "metadata": {"raw": json.dumps(unsupported("seed"))}}}, "without seed"),
        ({"object": "error", "message": "System role not supported", "code": 400}, SYSTEM),
        ({"error": {"message": "Developer instruction is not enabled for models/gemma-3-27b-it"}}, SYSTEM),
        ({"error": {"message": "Unsupported value: 'messages[0].role' does not support 'system' with this"
                               " model.", "param": "messages[0].role", "code": "unsupported_value"}}, SYSTEM),
        ({"message": "Conversation roles must alternate user/assistant/user/assistant/..."}, SYSTEM),
        ({"error": {"message": "'system' is not one of ['user', 'assistant'] - 'messages.0.role'"}}, SYSTEM),
        ({"message": "Only user and assistant roles are supported!"}, SYSTEM),
        ({"error": {"message": "This model only support stream mode, please enable the stream parameter to"
                               " access the model. "}}, "streamed"),
        ({"error": {"message": "Stream must be set to true"}}, "streamed"),
        ({"error": {"message": "parameter.enable_thinking must be set to false for non-streaming calls"}},
         "streamed"),
        ("Non-streaming requests are not supported for this model", "streamed"),
    ],
)  # fmt: skip
def test_words_that_name_a_cure(refusal, change):
    """Bodies of refusals come in many shapes; what they object to is read from each."""
    words = refusal if isinstance(refusal, str) else json.dumps(refusal)
    for status in (400, 422):
        assert Dialect().cured(SENT, "http://h/v1", status, words) == Dialect(frozenset({change}))
    assert Dialect().cured(SENT, "http://h/v1", 403, words) is None


@pytest.mark.parametrize(
    "refusal",
    [
        "",
        "bad request",
        "[" * 10_000,
        [[[]]],
        None,
        {"error": None},
        {"error": {"message": "max_tokens is too large: 9. This model supports at most 5 completion tokens.",
                   "param": "max_tokens", "code": "invalid_value"}},
        {"message": "This model's maximum context length is 4096 tokens. You requested 4472 tokens."},
        {"error": {"message": "temperature must be between 0 and 1, other values are not supported"}},
        {"error": {"message": "Invalid value. It must be between 0 and 2.", "param": "temperature",
                   "code": "unsupported_value"}},
        {"error": {"message": "'temperature' does not support 3 here. Only 0 to 1, in this range.",
                   "param": "temperature", "code": "unsupported_value"}},
        {"error": {"message": "The image input is not supported. Allowed: temperature, seed, max_tokens."}},
        {"error": {"message": "Unsupported parameter: 'top_p' is not supported", "param": "top_p"}},
        {"error": {"message": "Please stop, this model is not supported"}},
        {"error": {"message": "The model m is not supported"}},
        {"error": {"message": "streaming is not supported"}},
        {"detail": [{"loc": ["body"], "msg": "value error", "input": {"message": "seed not supported"}}]},
    ],
)  # fmt: skip
def test_words_that_name_no_cure(refusal):
    """A value that the server dislikes is the user's to change, as is whatever else is wrong."""
    words = refusal if isinstance(refusal, str) else json.dumps(refusal)
    assert Dialect().cured(SENT, "http://h/v1", 400, words) is None


def test_refusal_that_stays_is_told():
    """A server that refuses whatever is sent ends the call with its last words, and nothing is learnt."""

    def answer(_, body):
        name = next((name for name in ("max_tokens", "max_completion_tokens", "seed") if name in body), "x")
        return 400, unsupported(name)

    with serving(answer) as server:
        first, second = ask(server, ASK, ASK)
    assert isinstance(first, CallFailed)
    assert "'max_completion_tokens' is not supported" in str(first)
    assert str(second) == str(first)
    assert len(server.asked) == 4


def test_wrong_guess_is_not_kept():
    """A change that led to no answer does not count for other requests."""

    def answer(_, body):
        if "bad" in body["messages"][-1]["content"]:
            return 400, unsupported("seed" if "seed" in body else "x", "{} is not permitted")
        return 200, completion()

    with serving(answer) as server:
        failed, fine = ask(server, Prompt(messages=(("user", "bad"),)), ASK)
    assert isinstance(failed, CallFailed)
    assert fine.adapted == ()
    assert "seed" in server.asked[-1]


def test_system_message_goes_in_front_of_the_users():
    """A server without system messages is asked the same in one message; a begun answer stays."""

    def answer(_, body):
        if body["messages"][0]["role"] == "system":
            return 400, {"object": "error", "message": "System role not supported", "code": 400}
        return 200, completion()

    begun = ASK._replace(messages=(*ASK.messages, ("assistant", "def")))
    plain = Prompt(messages=(("user", "Hello"),))
    with serving(answer) as server:
        replies = ask(server, ASK, begun, plain)
    user = {"role": "user", "content": "Be brief.\n\nWrite `twice(x)`."}
    sent = [body["messages"] for body in server.asked[1:]]
    assert sent == [[user], [user, {"role": "assistant", "content": "def"}],
                    [{"role": "user", "content": "Hello"}]]  # fmt: skip
    assert [reply.adapted for reply in replies] == [(SYSTEM,), (SYSTEM,), ()]


def test_stop_that_is_refused_is_kept_here():
    """Where the server does not stop at a text, the answer is cut there."""

    def answer(_, body):
        return (400, unsupported("stop")) if "stop" in body else (200, completion("one\nEND two"))

    with serving(answer) as server:
        (reply,) = ask(server, ASK._replace(stop=("two", "END")))
    assert (reply.text, reply.finish_reason, reply.adapted) == ("one\n", "stop", ("without stop",))


def test_users_own_parameters_stay():
    """What only the user's file asks for is not left out behind the user's back."""
    with serving(lambda *_: (400, unsupported("top_p"))) as server:
        (problem,) = ask(server, ASK, parameters={"top_p": 0.5})
    assert isinstance(problem, CallFailed)
    assert len(server.asked) == 1


def test_journal_keeps_how_a_request_was_sent(tmp_path):
    """The key is of the request as it was meant, and the reply tells what was left out."""
    with serving(reasoning) as server:
        (reply,) = ask(server, ASK)
        given = {"model": "m", "base_url": f"{server.address}/v1"}

    async def kept():
        async with openai_chat.connect(parse_profiles({"t": given}, "f")["t"]) as teacher:
            request = teacher.request(ASK, seed=5, sample=0)
        journal = Journal(tmp_path / "journal.sqlite")
        await journal.put(request, reply)
        found = journal.get(request)
        journal.close()
        return request, found

    request, found = asyncio.run(kept())
    assert dict(request.parameters)["max_tokens"] == 2048
    assert found == reply
    assert found.adapted == (AS_COMPLETION_TOKENS, "without temperature")


def test_data_set_tells_how_its_calls_were_sent(tmp_path):
    """Manifest, card and rows say that the temperature was not what was asked for."""
    (tmp_path / "tasks.jsonl").write_text(json.dumps({"instruction": "Write add(a, b)."}))
    text = "```python\ndef add(a, b):\n    return a + b\n```"

    def answer(_, body):
        return (400, unsupported("temperature")) if "temperature" in body else (200, completion(text))

    with serving(answer) as server:
        spec = f"openai:m@{server.address}/v1"
        for folder in ("one", "two"):  # the second rests on the journal alone
            out = tmp_path / folder
            words = ["--teacher", spec, "--temperature", "0.2", "--json"]
            ended = datagen("sample", tmp_path / "tasks.jsonl", "-o", out, *words)
            told = json.loads(ended.out)["usage"]["openai:m"]
            assert told["adapted"] == {"without temperature": 1}
            assert "openai:m: without temperature (1 calls)" in (out / "README.md").read_text()
    rows = dg.open(tmp_path / "two").kept.collect().to_dicts()
    assert [row["temperature"] for row in rows] == [None]
    assert len(server.asked) == 2
    traced = datagen("trace", tmp_path / "two", rows[0]["id"])
    assert "sent otherwise than meant: without temperature" in traced.out


def test_a_run_remembers_from_stage_to_stage(tmp_path):
    """What one stage learnt the next ones know, and a later run in the same process begins anew."""
    (tmp_path / "tasks.jsonl").write_text(json.dumps({"instruction": "Write add(a, b)."}))
    text = "```python\ndef add(a, b):\n    return a + b\n```"

    def answer(_, body):
        return (400, unsupported("seed")) if "seed" in body else (200, completion(text))

    with serving(answer) as server:
        teacher = {"model": "m", "base_url": f"{server.address}/v1", "concurrency": 1}
        stages = [{"sample": {"teacher": "t", "n": n}} for n in (1, 2)]
        recipe = {"seeds": str(tmp_path / "tasks.jsonl"), "teachers": {"t": teacher}, "stages": stages}
        for refused in (1, 2):
            recipe["teachers"]["t"]["system"] = f"Answer {refused}."
            (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
            ended = datagen("run", tmp_path / "recipe.yaml", "-o", tmp_path / f"out-{refused}", "--json")
            assert ended.code == 0, ended
            assert ended.err.count("it does not take seed") == 1
            assert sum("seed" in body for body in server.asked) == refused
            assert len(server.asked) == refused * 3


@pytest.mark.parametrize("adapted", [5, "seed", [5], ["\ud800"], {"a": 1}])
def test_journal_refuses_other_adaptations(adapted):
    """What is no list of texts is no reply."""
    good = json.loads(Reply("t", None, None, 1, 1).stored())
    assert store.reply_of_json(dict(good)) == Reply("t", None, None, 1, 1)
    assert "adapted" not in good
    assert store.reply_of_json({**good, "adapted": adapted}) is None


def events(*contents, done=True, separator="\n\n"):
    texts = [content if isinstance(content, str) else json.dumps(content) for content in contents]
    return "".join(f"data: {text}{separator}" for text in [*texts, *(["[DONE]"] if done else [])]).encode()


def delta(text, reason=None, **more):
    return {
        "model": "m-1",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}],
        **more,
    }


USAGE = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}


def streaming(stream):
    def answer(_, body):
        if not body.get("stream"):
            return 400, {"error": {"message": "This model only support stream mode, please enable it."}}
        return 200, stream

    return answer


@pytest.mark.parametrize(
    ("stream", "reply"),
    [
        (events(delta("do"), delta("n\u00e9", "length"), USAGE), Reply("don\u00e9", "length", "m-1", 5, 2)),
        (events(delta("do"), delta("ne", "stop"), done=False), Reply("done", "stop", "m-1", 0, 0)),
        (events(delta(None), delta("a"), separator="\r\n\r\n"), Reply("a", None, "m-1", 0, 0)),
        (b": wait\n\nevent: x\nid: 3\n" + events(delta("a", "stop")), Reply("a", "stop", "m-1", 0, 0)),
        (events({"choices": [{"text": "a", "finish_reason": "stop"}]}), Reply("a", "stop", None, 0, 0)),
        (completion("whole"), Reply("whole", "stop", "m-1", 5, 2)),
    ],
)
def test_stream_is_put_together(stream, reply):
    """A server that only streams is streamed from; what comes is the same reply as from any other."""
    with serving(streaming(stream)) as server:
        first, second = ask(server, ASK, ASK)
    assert first == second == reply
    assert [body.get("stream", False) for body in server.asked] == [False, True, True]


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (b"", "ended before"),
        (events(delta("a"), done=False), "ended before"),
        (events(delta("a"), done=False)[:-20], "no completion"),
        (events(delta("a"), {"error": {"message": "overloaded"}}), "broke off: .*overloaded"),
        (events(delta("a"), "null"), "no completion"),
        (events(delta(5, "stop")), "no completion"),
        (events(delta(["part"], "stop")), "no completion"),
        (b"<html>Log in</html>", "ended before"),
    ],
)
def test_broken_stream_is_no_answer(stream, told):
    """Half an answer is none, and may be on the bill."""
    with serving(streaming(stream)) as server:
        (problem,) = ask(server, ASK)
    assert isinstance(problem, NoAnswer)
    assert problem.maybe_billed
    with pytest.raises(NoAnswer, match=told):
        raise problem


@pytest.mark.parametrize(
    "stream", [events(*[delta("x" * 100)] * 30, done=False), b"data: " + b"x" * 3000, b"data: x\n" * 600]
)
def test_endless_stream_is_no_answer(stream, monkeypatch):
    """What is assembled has a bound."""
    monkeypatch.setattr(_stream, "MOST_BYTES", 2000)
    with serving(streaming(stream)) as server:
        (problem,) = ask(server, ASK)
    with pytest.raises(NoAnswer, match="does not end"):
        raise problem


def test_refusal_that_breaks_off_while_streaming():
    """A refusal whose body is cut is the refusal that its status tells, streamed or not."""

    def answer(_, body):
        return (400, CUT) if body.get("stream") else streaming(b"")(_, body)

    with serving(answer) as server:
        (problem,) = ask(server, ASK)
    assert isinstance(problem, CallFailed)
    assert "400" in str(problem)


def test_stream_options_that_are_refused():
    """A server that streams without stream_options is asked without them."""

    def answer(_, body):
        if "stream_options" in body:
            return 400, unsupported("stream_options")
        return streaming(events(delta("a", "stop")))(_, body)

    with serving(answer) as server:
        (reply,) = ask(server, ASK)
    assert reply == Reply("a", "stop", "m-1", 0, 0)
    assert len(server.asked) == 3


def test_every_change_leaves_other_requests_alone():
    """What a change does not concern is sent as it was meant."""
    text = {"model": "m", "prompt": "Once"}
    for name in _dialect.CHANGES:
        if name != _dialect.STREAM:
            assert Dialect(frozenset({name})).said(text) == text


def test_answer_of_a_wrong_address_names_the_cure():
    """Some servers answer 200 at any address; where it has no version, the error asks about it."""
    with serving(lambda *_: (200, {"error": "Unexpected endpoint or method."})) as server:
        (bare,) = ask(server, ASK, path="")
        (given,) = ask(server, ASK, path="/v1")
    assert str(bare).endswith("; should the address end in /v1 ?")
    assert "should the address" not in str(given)


def at_v1(path, _):
    return (200, completion()) if path == "/v1/chat/completions" else (404, {"detail": "Not Found"})


def test_address_without_version_is_tried_with_one():
    """Where the address as it was given is not there, /v1 below it is tried, once."""
    with serving(at_v1) as server:
        replies = ask(server, ASK, ASK, path="")
    assert replies == [Reply("done", "stop", "m-1", 5, 2)] * 2
    assert server.paths == ["/chat/completions", "/v1/chat/completions", "/v1/chat/completions"]


def test_address_that_is_nowhere_is_told_as_given():
    """Where /v1 is not there either, the first refusal is what the user hears."""
    with serving(lambda path, _: (404, {"error": {"message": f"no {path}"}})) as server:
        (bare,) = ask(server, ASK, path="")
        (given,) = ask(server, ASK, path="/v2")
    assert isinstance(bare, TeacherUnusable)
    assert "no /chat/completions" in str(bare)
    assert isinstance(given, TeacherUnusable)
    assert len(server.paths) == 3


@pytest.mark.parametrize(
    "ending", ["/v1/chat/completions", "/v1/chat/completions/", "/v1/completions", "/v1/"]
)
def test_ending_of_an_address_is_cut(ending, monkeypatch):
    """An address as it stands in a provider's example of curl works, and means the same requests."""
    with serving(at_v1) as server:
        (reply,) = ask(server, ASK, path=ending)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.address}{ending}")
        assert openai_chat.base_url_of(openai_chat.parse("m")) == f"{server.address}/v1"
    assert reply.text == "done"
    assert server.paths == ["/v1/chat/completions"]
