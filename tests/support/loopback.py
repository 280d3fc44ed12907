"""A small loopback server whose answers a test writes itself, and a teacher that asks it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from datagen.request import Busy, CallFailed, NoAnswer, TeacherUnusable
from datagen.teachers import openai_chat, parse_profiles

#: A body that ends before it should.
CUT = object()


class Server(ThreadingHTTPServer):
    """A loopback server. answer(path, body) gives a status, and JSON, text or a stream's bytes."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked = []
        self.paths = []
        self.headers = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """A client that has gone is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        self.server.paths.append(self.path)
        self.server.headers.append(dict(self.headers))
        status, content = self.server.answer(self.path, body)
        if content is CUT:
            self._cut(status)
            return
        is_stream = isinstance(content, bytes)
        raw = content if is_stream else json.dumps(content).encode() if content is not None else b""
        self.send_response(status)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        if is_stream:
            self.send_header("connection", "close")
            self.close_connection = True
        else:
            self.send_header("content-length", str(len(raw)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(raw)

    def _cut(self, status):
        self.send_response(status)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b"{")
        self.close_connection = True


@contextlib.contextmanager
def serving(answer):
    with Server(answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def completion(text="done", **more):
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "choices": [choice],
        "model": "m-1",
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        **more,
    }


def ask(server, *prompts, path="/v1", together=False, **settings):
    """The replies of one teacher, or what they ended in."""
    given = {"model": "m", "base_url": f"{server.address}{path}", **settings}

    async def one(teacher, prompt, sample):
        try:
            return await teacher.complete(teacher.request(prompt, seed=5, sample=sample))
        except (Busy, CallFailed, NoAnswer, TeacherUnusable) as problem:
            return problem

    async def every():
        async with openai_chat.connect(parse_profiles({"t": given}, "f")["t"]) as teacher:
            calls = [one(teacher, prompt, number) for number, prompt in enumerate(prompts)]
            return await asyncio.gather(*calls) if together else [await call for call in calls]

    return asyncio.run(every())
