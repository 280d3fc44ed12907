"""A stand-in for a model's server: OpenAI's protocol on the loopback interface, without a model.

    with Endpoint(fault="500", share=0.3) as endpoint:
        datagen("evolve", "starter", "-o", out, "--teacher", endpoint.teacher)

Or as a process of its own: `python tests/support/endpoint.py --port 8000 --delay 0.1`.

What it says depends on the body of a request alone, so the order in which requests come does not matter.
An evolving prompt gets a plausible harder task; about one in eight gets what must be eliminated: the old
task again, a refusal, or the prompt's own words. Everything else gets a Python function in a fence.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import json
import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = (
    *("401", "404", "429", "500", "reset", "html", "no-choices", "null-content", "length", "surrogates"),
    *("slow", "echo-key", "truncated-json", "body"),
)
KEY = "sk-secret-of-the-tests"
_WHAT = (
    *("ignores case", "accepts nested lists", "keeps the original order", "runs in linear time"),
    *("supports negative numbers", "skips missing entries", "handles endless streams", "rounds half to even"),
    *("merges equal neighbours", "rejects empty arguments", "works on tuples too", "treats None as zero"),
)
_HOW = (
    *("in a single pass", "without any import", "with constant memory", "even for a million entries"),
    *("up to a bound called limit", "unless told otherwise", "and counts how often it did so"),
    *("as long as a flag is set", "and returns positions instead of values", "for every second element only"),
)


def digest(path: str, body: Any) -> str:
    """The hash by which requests are counted: of the path's end and the body's content."""
    shape = "chat" if path.endswith("/chat/completions") else "text"
    return hashlib.sha256(json.dumps([shape, body], sort_keys=True).encode()).hexdigest()


def digest_of_journalled(request: str) -> str:
    """The hash of what the endpoint was sent, from the canonical request in the journal."""
    content = json.loads(request)
    body = {"model": content["model"], **dict(content["parameters"])}
    if content["text"] is not None:
        return digest("/completions", {**body, "prompt": content["text"]})
    turns = [{"role": role, "content": text} for role, text in content["messages"]]
    return digest("/chat/completions", {**body, "messages": turns})


def reply(body: Any) -> str:
    """What the model says."""
    number = int(digest("", body)[:8], 16)
    extra = f"{_WHAT[number % len(_WHAT)]} {_HOW[number // 100 % len(_HOW)]}"
    if "prompt" in body:
        return f" it {extra}"
    asked = body["messages"][-1]["content"]
    evolving = re.search(r"### Original exercise\n(.*)\n\n### Harder exercise", asked, re.DOTALL)
    if evolving is None:
        name = (re.search(r"`(\w+)\(", asked) or [None, "solve"])[1]
        return f"Here it is:\n\n```python\ndef {name}(*given):\n    return given, {number}\n```"
    bad = (
        evolving[1],
        "I'm sorry, but I cannot help with that.",
        f"### Harder exercise\n{evolving[1]} Also sort, count and print everything twice.",
    )
    if number % 8 == 0:
        return bad[number // 8 % len(bad)]
    return f"{evolving[1]} It {extra} (variant {number % 1000})."


class Endpoint(ThreadingHTTPServer):
    """The server; in a `with` block it answers.

    delay: seconds each answer takes. fault: one of FAULTS, for that `share` of the requests whose hash
    says so, `times` times for each of them (None: always). hold_after: so many requests are answered,
    later ones wait until `release()`. key: all other keys meet 401. body: what the fault "body" answers.
    Change `fault` or `hold_after` at any time.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        *,
        delay: float = 0.0,
        fault: str | None = None,
        share: float = 1.0,
        times: int | None = None,
        hold_after: int | None = None,
        key: str | None = None,
        body: str = "",
        port: int = 0,
    ) -> None:
        assert fault is None or fault in FAULTS
        super().__init__(("127.0.0.1", port), _Handler)
        self.delay = delay
        self.fault = fault
        self.share = share
        self.times = times
        self.hold_after = hold_after
        self.key = key
        self.body = body
        #: by hash of the body: how often a request came, how often it was answered with a completion
        self.asked: collections.Counter[str] = collections.Counter()
        self.answered: collections.Counter[str] = collections.Counter()
        #: what was asked, by hash
        self.bodies: dict[str, Any] = {}
        self.most_at_once = self._at_once = 0
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def teacher(self) -> str:
        """A teacher SPEC."""
        return f"openai:stand-in@{self.url}"

    def __enter__(self) -> Endpoint:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.release()
        self.shutdown()
        self.server_close()

    def hold(self, after: int) -> None:
        """Forget all counts, answer so many requests from now on, and let later ones wait."""
        self.asked.clear()
        self.answered.clear()
        self._released.clear()
        self.hold_after = after

    def release(self) -> None:
        """Answer what was held, and hold nothing more."""
        self.hold_after = None
        self._released.set()

    def wait_for(self, *, asked: int = 0, answered: int = 0, seconds: float = 60) -> None:
        """Return when so many requests came and so many of them were answered."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: self.asked.total() >= asked and self.answered.total() >= answered, seconds
            )
        assert came, f"{self.asked.total()} asked, {self.answered.total()} answered in {seconds} s"

    def repeated(self) -> int:
        """How many requests came a second time, or oftener."""
        return self.asked.total() - len(self.asked)

    def begin(self, key: str) -> str | None:
        """Count a request, wait as long as its answer takes, and say which fault it meets."""
        with self._changed:
            self.asked[key] += 1
            order = self.asked.total()
            met = self.fault if int(key[:8], 16) < self.share * 2**32 else None
            fault = met if self.times is None or self.asked[key] <= self.times else None
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self._changed.notify_all()
        if self.hold_after is not None and order > self.hold_after:
            self._released.wait()
        self._closing.wait(60 if fault == "slow" else self.delay)
        return fault

    def end(self, key: str | None) -> None:
        """Count an answer; None if there was none."""
        with self._changed:
            self._at_once -= 1
            if key:
                self.answered[key] += 1
            self._changed.notify_all()

    def handle_error(self, *_: object) -> None:
        """A client that was killed is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Endpoint

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """How often each request came."""
        self._send(200, dict(self.server.asked))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = digest(self.path, body)
        self.server.bodies[key] = body
        fault = self.server.begin(key)
        if self.server.key and self.headers["authorization"] != f"Bearer {self.server.key}":
            fault = "401"
        content = _completion(self.path, body, fault)
        # Before the answer is sent, because a client may go on as soon as it has it.
        self.server.end(key if fault in {None, "null-content", "length", "surrogates", "slow"} else None)
        if fault in {"401", "404", "429", "500"}:
            # The client would otherwise wait for half a second and more.
            wait = {"retry-after": "1"} if fault == "429" else {"retry-after-ms": "5"}
            self._send(int(fault), {"error": {"message": f"fault {fault}"}}, wait)
        elif fault == "echo-key":
            said = f"bad request, you sent {self.headers['authorization']}"
            self._send(400, {"error": {"message": said}})
        elif fault == "reset":
            self._reset()
        elif fault == "html":
            self._send(200, "<!doctype html>\n<title>Log in</title>", {"content-type": "text/html"})
        elif fault == "body":
            self._send(200, self.server.body)
        elif fault == "truncated-json":
            self._send(200, json.dumps(content)[:-20], {"content-type": "application/json"})
        elif fault == "no-choices":
            self._send(200, {"object": "error", "message": "overloaded"})
        else:
            self._send(200, content)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        raw = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        headers = {"content-type": "application/json", "content-length": str(len(raw)), **(headers or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.close()
        self.close_connection = True


def _completion(path: str, body: Any, fault: str | None) -> dict[str, Any]:
    said: str | None = reply(body)
    if fault == "null-content":
        said = None
    elif fault == "surrogates":
        said = f"\ud83d Half a pair: {said}"
    elif fault == "length":
        said = str(said)[:-9]
    choice: dict[str, Any] = {"index": 0, "finish_reason": "length" if fault == "length" else "stop"}
    is_chat = path.endswith("/chat/completions")
    choice |= {"message": {"role": "assistant", "content": said}} if is_chat else {"text": said}
    return {
        "id": "1",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": 0,
        "model": f"{body['model']}-2026",
        "choices": [choice],
        "usage": {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for a model's server.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--times", type=int)
    parser.add_argument("--hold-after", type=int)
    with Endpoint(**vars(parser.parse_args())) as endpoint:
        print(endpoint.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
