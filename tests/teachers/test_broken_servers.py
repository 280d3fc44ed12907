"""Servers that send no proper HTTP, or no end of it: a call that failed, soon and in little memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys

import cli
import pytest
from cli import ROOT, datagen
from haste import hasten
from rawserver import GOOD, RawServer, good, http

from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, TeacherUnusable
from datagen.teachers import openai_chat, profile

BODY = json.dumps(GOOD).encode()
LENGTH = f"content-length: {len(BODY)}"
TROUBLE = (Busy, CallFailed, NoAnswer, TeacherUnusable)


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(openai_chat, "HASTE_SECONDS", 0.02)
    monkeypatch.setattr(cli.CACHE, "name", str(tmp_path / "cache"))


def said(*lines: str | bytes, body: bytes = BODY) -> bytes:
    """A response of these lines."""
    return (
        b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\r\n\r\n" + body
    )


def ask(url: str) -> Reply | Exception:
    """What becomes of one call; whatever no caller expects is raised."""

    async def one():
        async with openai_chat.connect(profile(f"openai:m@{url}")) as teacher:
            prompt = Prompt(messages=(("user", "Write `twice(x)`."),))
            return await teacher.complete(teacher.request(prompt, seed=0, sample=0))

    try:
        return asyncio.run(one())
    except TROUBLE as problem:
        return problem


NO_HTTP = {
    "length is no number": said("HTTP/1.1 200 OK", "content-length: x"),
    "negative length": said("HTTP/1.1 200 OK", "content-length: -5"),
    "length beyond all numbers": said("HTTP/1.1 200 OK", f"content-length: {'9' * 30}"),
    "length beyond the body": said("HTTP/1.1 200 OK", "content-length: 99999999999"),
    "two lengths": said("HTTP/1.1 200 OK", "content-length: 5", "content-length: 7"),
    "list of lengths": said("HTTP/1.1 200 OK", "content-length: 5, 7"),
    "length short of the body": said("HTTP/1.1 200 OK", "content-length: 5"),
    "length and chunks": said("HTTP/1.1 200 OK", "content-length: 5", "transfer-encoding: chunked"),
    "bad chunk": said("HTTP/1.1 200 OK", "transfer-encoding: chunked", body=b"zz\r\nabc"),
    "garbage": b"\x00\x01\xff\xfegarbage\r\n\r\n",
    "http/0.9": b"<html>hello</html>",
    "nothing": b"",
    "status is no number": said("HTTP/1.1 abc OK", LENGTH),
    "status of four digits": said("HTTP/1.1 9999 OK", LENGTH),
    "reason in no charset": said(b"HTTP/1.1 200 \xff\xe9", LENGTH),
    "header without a name": said("HTTP/1.1 200 OK", ": x", LENGTH),
    "header without a colon": said("HTTP/1.1 200 OK", "xxxx", LENGTH),
    "header with a zero": said("HTTP/1.1 200 OK", "x: a\0b", LENGTH),
    "giant header": said("HTTP/1.1 200 OK", f"x: {'a' * 1_000_000}", LENGTH),
    "many headers": said("HTTP/1.1 200 OK", *(f"x{n}: 1" for n in range(20_000)), LENGTH),
    "redirect to nowhere": said("HTTP/1.1 302 Found", "location: http://[::1", "content-length: 0", body=b""),
    "no gzip": said("HTTP/1.1 200 OK", "content-encoding: gzip", LENGTH),
    "redis": b"-ERR unknown command 'POST'\r\n",
    "http/2": bytes.fromhex("000012040000000000000300000080"),
    "tls": bytes.fromhex("15030100020246"),
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_no_http(sent):
    """Bytes that are no HTTP are no answer; the call may be made again."""
    with RawServer(sent) as server:
        problem = ask(server.url)
    assert isinstance(problem, NoAnswer), problem
    assert len(str(problem).splitlines()) == 1


def test_greeting():
    """A server that speaks first, as SSH does, is no server of models; its words are told."""
    with RawServer(b"", greeting=b"SSH-2.0-OpenSSH_9.6\r\n") as server:
        problem = ask(server.url)
    assert isinstance(problem, NoAnswer)
    assert "what came is no proper HTTP" in str(problem)
    assert "SSH-2.0" in str(problem)


@pytest.mark.parametrize("line", [b"x-y: zzzzzzzz\r\n", b"HTTP/1.1 200 OKKKKKKKKK"])
def test_endless_head(line):
    """Headers without an end are given up."""

    def script(*_):
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            yield line * 1000

    with RawServer(script) as server:
        assert isinstance(ask(server.url), NoAnswer)
        assert server.sent < 50e6


@pytest.mark.parametrize(
    "charset", ["bogus", "base64", "undefined", "rot13", "idna", "a%00b", "utf-7", "\x01"]
)
def test_charset_of_a_refusal(charset):
    """A refusal stays one, whatever charset it says its words have."""
    words = json.dumps({"error": {"message": "no such thing"}}).encode()
    with RawServer(
        http(words, "400 Bad Request", f"content-type: application/json; charset={charset}")
    ) as server:
        problem = ask(server.url)
    assert isinstance(problem, CallFailed | NoAnswer), problem
    if charset != "\x01":
        assert "no such thing" in str(problem)


@pytest.mark.parametrize("status", ["500 Oops", "401 No", "400 Bad Request"])
def test_refusal_with_a_broken_body(status):
    """The status counts, even if the body cannot be read."""
    with RawServer(http(b"{}", status, "content-encoding: gzip")) as server:
        problem = ask(server.url)
    assert status[:3] in str(problem)


def test_malformed_answers_among_good_ones(monkeypatch, tmp_path):
    """Calls whose answers were malformed are made again, and the run goes on."""
    hasten(monkeypatch)
    bad = list(NO_HTTP.values())
    tasks = "".join(f"{json.dumps({'instruction': f'Write `f{n}(x)`, adding {n}.'})}\n" for n in range(60))
    (tmp_path / "tasks.jsonl").write_text(tasks)

    def script(number, _):
        content = f"Here it is:\n\n```python\ndef f(x):\n    return x + {number}\n```\n"
        yield bad[number // 3 % len(bad)] if number % 3 == 1 else good(content)

    with RawServer(script) as server:
        ended = datagen(
            *("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", "--json"),
            *("--teacher", f"openai:m@{server.url}"),
        )
    assert ended.code in {0, 3}, ended
    assert ended.json()["calls"]["failed"] == 0


def bomb(size: int, status: str = "200 OK", times: int = 1):
    """A script of a response whose body is `size` bytes when it is decompressed."""

    def script(*_):
        packed = b" " * size
        for _ in range(times):
            packed = gzip.compress(packed, 1)
        yield http(packed, status, f"content-encoding: {', '.join(['gzip'] * times)}")

    return script


def endless(status: str):
    """A script of a body without an end."""

    def script(*_):
        yield http(b"", status, length=False)
        while True:
            yield b" " * 2**20

    return script


#: Asks once and then several times at once, in a process of its own; prints what became of the latter, and
#: how many MiB they took.
_ALONE = """
import asyncio, resource, sys
from datagen.request import Prompt
from datagen.teachers import openai_chat, profile

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

async def main():
    async with openai_chat.connect(profile(f"openai:m@{sys.argv[1]}")) as teacher:
        request = teacher.request(Prompt(messages=(("user", "x"),)), seed=0, sample=0)
        await teacher.complete(request)
        before = most()
        calls = [teacher.complete(request) for _ in range(int(sys.argv[2]))]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        print({type(problem).__name__ for problem in ended}, *{*map(str, ended)}, most() - before, sep="\\n")

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("script", "kind", "told"),
    [
        (endless("200 OK"), "CallFailed", "the answer is longer than 16 MiB"),
        (endless("400 Bad Request"), "CallFailed", "refused with 400"),
        (endless("500 Oops"), "NoAnswer", "refused with 500"),
        (endless("302 Found"), "CallFailed", "refused with 302"),
        (bomb(2**27), "CallFailed", "the answer is longer than 16 MiB"),
        (bomb(2**27, times=2), "CallFailed", "the answer is longer than 16 MiB"),
        (bomb(2**27, "500 Oops"), "NoAnswer", "refused with 500"),
    ],
    ids=["endless", "endless 400", "endless 500", "endless 302", "bomb", "bomb in a bomb", "bomb 500"],
)
def test_bodies_are_bounded(script, kind, told):
    """Of a body without an end, or one that inflates to an eighth of a gigabyte, little is ever held."""
    with RawServer(lambda number, came: script(number, came) if number else [good()], keeps=True) as server:
        name, words, grown = alone(server, 1)
        assert server.sent < 100 * 2**20
    assert (name, told in words, grown < 100) == (f"{{'{kind}'}}", True, True), (name, words, grown)


@pytest.mark.parametrize("calls", [16, 64])
def test_bodies_are_bounded_together(calls):
    """However many calls meet a body without an end, they hold little at once."""
    with RawServer(
        lambda number, came: endless("200 OK")(number, came) if number else [good()], keeps=True
    ) as server:
        name, words, grown = alone(server, calls)
    assert (name, "the answer is longer than" in words) == ("{'CallFailed'}", True)
    assert grown < 300, grown


def alone(server, calls):
    """What `_ALONE` prints of so many calls: the kinds of problems, the words of one, and MiB."""
    command = [sys.executable, "-c", _ALONE, server.url, str(calls)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100, cwd=ROOT)
    name, *words, grown = done.stdout.splitlines()
    return name, words[0], int(grown)


def test_time_limit_while_told_to_go_on(monkeypatch, tmp_path):
    """Interim answers without an end do not outlast a call's time either."""
    hasten(monkeypatch)
    (tmp_path / "tasks.jsonl").write_text(json.dumps({"instruction": "Write `f(x)`."}))

    def script(*_):
        while True:
            yield b"HTTP/1.1 100 Continue\r\n\r\n" * 1000

    with RawServer(script) as server:
        line = datagen(
            *("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", "--json", "--quiet"),
            *("--teacher", f"openai:m@{server.url}", "--timeout", "1"),
        ).error(1)
    assert "openai:m" in line


def test_long_answers_are_taken():
    """What is long but bounded is an answer."""
    with RawServer(good("x" * 8 * 2**20)) as server:
        assert len(ask(server.url).text) == 8 * 2**20


def test_time_limit_while_a_body_trickles(monkeypatch, tmp_path):
    """A body that comes byte by byte without an end does not outlast a call's time."""
    hasten(monkeypatch)
    (tmp_path / "tasks.jsonl").write_text(json.dumps({"instruction": "Write `f(x)`."}))

    def script(*_):
        import time

        yield http(b"", length=False)
        while True:
            yield b" "
            time.sleep(0.01)

    with RawServer(script) as server:
        line = datagen(
            *("sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", "--json", "--quiet"),
            *("--teacher", f"openai:m@{server.url}", "--timeout", "1"),
        ).error(1)
    assert "no answer within 1 s" in line
    assert "openai:m" in line


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("foo://proxy:1", "HTTP_PROXY should begin with http://"),
        ("socks5://proxy:1", "HTTP_PROXY should begin with http://"),
        ("http://u:hidden-password@proxy:x", "HTTP_PROXY is no address"),
        ("http://[::1", "HTTP_PROXY is no address"),
        ("http://:1", "HTTP_PROXY should begin with http://"),
        ("http://u:hidden-password@127.0.0.1:9", "it is asked through a proxy"),
    ],
)
def test_unusable_proxy(monkeypatch, address, told):
    """A proxy that cannot be used is told with the variable that names it, and without its password."""
    monkeypatch.setenv("HTTP_PROXY", address)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    problem = ask("http://server.test/v1")
    assert isinstance(problem, TeacherUnusable), problem
    assert told in str(problem)
    assert "openai:m" in str(problem)
    assert "hidden" not in str(problem)


def test_proxy_that_wants_a_login(monkeypatch):
    """A proxy's 407 is about its login, not about the server."""
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with RawServer(http(b"", "407 Proxy Authentication Required")) as proxy:
        for variable, url in (
            ("HTTP_PROXY", "http://server.test/v1"),
            ("HTTPS_PROXY", "https://server.test/v1"),
        ):
            monkeypatch.setenv(variable, proxy.url.removesuffix("/v1"))
            problem = ask(url)
            assert isinstance(problem, TeacherUnusable), problem
            assert "wants a login (407); check the variables HTTP_PROXY" in str(problem)


def test_tls_where_there_is_none():
    """https:// to a server without TLS is told with what to do."""
    with RawServer(b"", greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        problem = ask(server.url.replace("http://", "https://"))
    assert isinstance(problem, TeacherUnusable)
    assert "write http:// if it has no TLS" in str(problem)
