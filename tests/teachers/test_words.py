"""What a server says is told in its own words, without the key, and with what to do."""

from __future__ import annotations

import asyncio
import base64
import json
from urllib.parse import quote

import cli
import pytest
from cli import datagen
from haste import hasten
from rawserver import GOOD, RawServer, http

from datagen import secrets
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, TeacherUnusable
from datagen.teachers import _words, openai_chat, profile

KEY = 'sk-Te/st+"9876543210abcdef'
TROUBLE = (Busy, CallFailed, NoAnswer, TeacherUnusable)
SPELLINGS = [
    KEY,
    KEY.upper(),
    quote(KEY, safe=""),
    json.dumps(KEY)[1:-1],
    base64.b64encode(KEY.encode()).decode(),
    KEY[:10],
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    secrets.forget()
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(openai_chat, "HASTE_SECONDS", 0.02)
    monkeypatch.setattr(cli.CACHE, "name", str(tmp_path / "cache"))
    yield
    secrets.forget()


def problem_of(sent: bytes) -> Exception:
    """What becomes of one call that is answered with this."""

    async def one():
        async with openai_chat.connect(profile(f"openai:m@{server.url}")) as teacher:
            prompt = Prompt(messages=(("user", "Write `twice(x)`."),))
            return await teacher.complete(teacher.request(prompt, seed=0, sample=0))

    with RawServer(sent) as server, pytest.raises(TROUBLE) as caught:
        asyncio.run(one())
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"error": {"message": "too long", "code": 1}}', "too long"),
        ('{"error": "too long"}', "too long"),
        ('{"detail": "Not Found"}', "Not Found"),
        ('{"object": "error", "message": "too long"}', "too long"),
        ('{"message": {"detail": [{"loc": ["body", "seed"], "msg": "no extras"}]}}', "body.seed: no extras"),
        ('{"detail": [{"loc": ["body", 0], "msg": "a"}, {"msg": "b"}]}', "body.0: a; b"),
        ('[{"error": {"message": "first"}}]', "first"),
        (
            '{"error": {"message": "Provider", "metadata": {"raw": "{\\"error\\": \\"why\\"}"}}}',
            "Provider: why",
        ),
        ('{"error": {"code": 7}}', '{"code": 7}'),
        ('{"odd": 1}', '{"odd": 1}'),
        ("plain words\n", "plain words"),
        ("<html><title>502 Bad &amp; Gateway</title>", "502 Bad & Gateway"),
        ("", "it does not say why"),
        ("{}", "it does not say why"),
        ("null", "it does not say why"),
        ("[" * 100_000, "[[["),
    ],
)
def test_words_of_a_body(body, told):
    """The words are found wherever servers put them."""
    assert told in _words.of_text(body)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("400 Bad", "the server refused with 400: why"),
        ("401 No", "refused the key (401); check OPENAI_API_KEY: why"),
        ("402 Pay", "wants to be paid (402); pay at the server, or use another: why"),
        ("404 Not Found", "knows no such model or address (404): why"),
        ("405 No", "takes no calls at this address (405); should it end in /v1 ?: why"),
        ("422 No", "the server refused with 422: why"),
        ("500 Oops", "the server refused with 500: why"),
    ],
)
def test_refusals(status, told):
    """A refusal is told with the server's words."""
    assert told in str(problem_of(http(b'{"detail": "why"}', status)))


@pytest.mark.parametrize(
    ("words", "headers", "wait"),
    [
        ("Rate limit exceeded: free-models-per-day. Add 10 credits", (), None),
        ("Limit reached on requests per day (RPD): 200. Please try again in 7m12s.", (), None),
        ("daily limit", ("retry-after: 40000",), None),
        ("You exceeded your current quota, please check your plan", (), None),
        ("Insufficient balance", (), None),
        ("Limit reached on tokens per day (TPD): try again in 12.5s.", (), 12.5),
        ("You exceeded your current quota. Please retry in 45.1s.", (), 45.1),
        ("Exceeded the rate limit; retry after 6 seconds. To raise your quota, ask", (), 6.0),
        ("Quota exceeded for tokens per minute", (), "later"),
        ("daily limit", ("retry-after: 20",), 20.0),
        ("Rate limit reached", (), "later"),
        ("Too many requests today and the holidays", (), "later"),
    ],
)
def test_limits_in_words(words, headers, wait):
    """A day's limit is told at once; a minute's is waited for, for as long as the words say."""
    body = json.dumps({"error": {"message": words}}).encode()
    problem = problem_of(http(body, "429 Too Many Requests", *headers))
    assert words in str(problem)
    if wait is None:
        assert isinstance(problem, TeacherUnusable), problem
    else:
        assert isinstance(problem, Busy), problem
        assert problem.retry_after == (None if wait == "later" else wait)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("before", [0, 85, 185])
def test_key_in_refusals(spelling, before):
    """No spelling or part of the key is told, wherever the words are cut."""
    words = "x" * before + f" {spelling} " + "y" * 300
    for body in (
        json.dumps({"error": {"message": words}}),
        json.dumps({"a": words}),
        words,
        f"<title>{words}",
    ):
        for status in ("200 OK", "400 Bad", "401 No", "404 No", "429 Wait", "500 Oops"):
            problem = str(problem_of(http(body.encode(), status, "content-type: text/plain")))
            assert spelling[:8].lower() not in problem.lower(), (status, body[:40])


@pytest.mark.parametrize("head", [f"HTTP/1.1 abc {KEY}", f"HTTP/1.1 200 OK\r\n{KEY}", f"x\0 {KEY}", KEY])
def test_key_in_what_is_no_http(head):
    """Nor is it where the server repeats it outside of any body."""
    assert "sk-Te/st" not in str(problem_of(head.encode() + b"\r\n\r\n"))


@pytest.mark.parametrize("spelling", SPELLINGS, ids=range(len(SPELLINGS)))
def test_key_in_answers(spelling, monkeypatch, tmp_path):
    """What a server writes of the key into its answers is stored nowhere and shown nowhere."""
    hasten(monkeypatch)
    answer = json.loads(json.dumps(GOOD))
    answer["model"] = f"m-{spelling}"
    answer["choices"][0]["finish_reason"] = f"stop {spelling}"
    answer["choices"][0]["message"]["content"] = (
        f"It is:\n\n```python\ndef f():\n    return {spelling!r}\n```\n"
    )
    (tmp_path / "tasks.jsonl").write_text(json.dumps({"instruction": "Write `f()`, a constant."}))
    with RawServer(http(json.dumps(answer).encode())) as server:
        ended = datagen(
            *("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", "--json", "-v"),
            *("--teacher", f"openai:m@{server.url}"),
        )
    assert server.asked, ended
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts = [ended.out.encode(), ended.err.encode(), *(path.read_bytes() for path in files)]
    assert len(files) > 2
    assert not [text for text in texts if spelling[:8].lower().encode() in text.lower()]
