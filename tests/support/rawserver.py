"""A server that answers with whatever bytes a test wants, HTTP or not."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable

#: The bytes that the request with this number is answered with, from 0; endless ones end with the connection.
Script = Callable[[int, bytes], Iterable[bytes]]

GOOD = {
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "fine"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
}


def http(body: bytes, status: str = "200 OK", *headers: str, length: bool = True) -> bytes:
    """A response; without `length` it says none."""
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", *headers]
    lines += [f"content-length: {len(body)}"] if length else []
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def good(text: str = "fine") -> bytes:
    """A completion that says `text`."""
    return http(json.dumps(GOOD).replace("fine", json.dumps(text)[1:-1]).encode())


class _Handler(socketserver.BaseRequestHandler):
    server: RawServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            if self.server.greeting:
                self.request.sendall(self.server.greeting)
            while self._answer():
                pass

    def _answer(self) -> bool:
        """Answer a request; say whether another one may come."""
        came = b""
        while b"\r\n\r\n" not in came:
            more = self.request.recv(65536)
            if not more:
                return False
            came += more
        head, _, body = came.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += self.request.recv(65536)
        with self.server.lock:
            number, self.server.asked = self.server.asked, self.server.asked + 1
        for piece in self.server.script(number, head + b"\r\n\r\n" + body):
            self.request.sendall(piece)
            self.server.sent += len(piece)
        return self.server.keeps


class RawServer(socketserver.ThreadingTCPServer):
    """Listens on the loopback interface until the `with` block ends.

    Args:
        script: what is answered; bytes for always the same.
        greeting: what is sent as soon as a client connects.
        keeps: whether connections are kept for further requests.
    """

    daemon_threads, request_queue_size, allow_reuse_address = True, 512, True

    def __init__(self, script: Script | bytes, *, greeting: bytes = b"", keeps: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: Script = (lambda *_: [script]) if isinstance(script, bytes) else script
        self.greeting, self.keeps = greeting, keeps
        self.lock = threading.Lock()
        self.asked = self.sent = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients may hang up."""

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Close at once."""
        with contextlib.suppress(OSError):
            request.close()
