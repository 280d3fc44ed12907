"""How the stand-in server reads requests, and writes answers or what a fault makes of them."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import faults as wire
from replies import completion, digest

if TYPE_CHECKING:
    from endpoint import Endpoint


class Handler(BaseHTTPRequestHandler):
    """What one connection asks."""

    protocol_version = "HTTP/1.1"
    server: Endpoint

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.server.connected(self.connection, True)

    def finish(self) -> None:
        self.server.connected(self.connection, False)
        super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """How often each request came, or what files and batches there are."""
        if urlsplit(self.path).path.endswith("/stats"):
            self._send(wire.response(200, self.server.stats()))
        elif not self._batches(b""):
            self._send(wire.response(200, dict(self.server.asked)))

    def do_DELETE(self) -> None:
        """Delete a file."""
        if not self._batches(b""):
            self._send(wire.response(404, wire.error("there is nothing to delete")))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"] or 0))
        if self._batches(raw):
            return
        try:
            body = json.loads(raw)
        except ValueError:
            self._send(wire.response(400, wire.error("the body is no JSON")))
            return
        key = digest(self.path, body)
        fault, refusal = self.server.begin(key, body)
        if refusal is not None:
            said = wire.error("Rate limit reached", "requests", "rate_limit_exceeded")
            self._send(wire.response(429, said, refusal))
            return
        if not self._may_enter():
            fault = "401"
        content = completion(self.path, body, fault, self.server.says)
        if not self._fail(fault, content):
            self._answer(key, content, fault)

    def _may_enter(self) -> bool:
        return not self.server.key or self.headers["authorization"] == f"Bearer {self.server.key}"

    def _batches(self, raw: bytes) -> bool:
        """Answer a request for files or batches; say whether it was one."""
        parts = urlsplit(self.path)
        _, *words = parts.path.removeprefix("/v1").split("/")
        if not words or words[0] not in {"files", "batches"}:
            return False
        if not self._may_enter():
            self._send(wire.response(401, wire.error("fault 401", "invalid_request_error")))
            return True
        query = dict(parse_qsl(parts.query))
        answer = self.server.batches.answer(
            self.command, words, query, raw, self.headers["content-type"] or ""
        )
        if answer is None:
            self._reset()
        else:
            self._send(wire.response(*answer))
        return True

    def _fail(self, fault: str | None, content: Any) -> bool:
        """Do what a fault does instead of an answer; say whether it does."""
        server = self.server
        if fault == "echo-key":
            refusal = 400, wire.error(f"bad request, you sent {self.headers['authorization']}"), {}
        else:
            refusal = wire.refusal(fault or "", retry_after=server.retry_after, limits=server.limits)
        raw = wire.response(*refusal) if refusal else wire.odd_body(fault or "", content, server.body)
        if raw is None and fault not in {"reset", "hang", "cut-body", "cut-chunked"}:
            return False
        if fault == "hang":
            server.wait_until_closed(self.connection)
        # Before the answer is sent, because a client may go on as soon as it has it.
        server.end()
        if raw is not None:
            self._send(raw)
        elif fault == "reset":
            self._reset()
        else:
            if fault != "hang":
                self._send(wire.half(str(fault), content))
            self.close_connection = True
        return True

    def _answer(self, key: str, content: Any, fault: str | None) -> None:
        raw = wire.response(200, content, self.server.limit_headers())
        if fault == "duplicate":
            raw *= 2
        if fault == "drip":
            start = raw.index(b"\r\n\r\n") + 4
            self._send(raw[:start])
            for place in range(start, len(raw) - 1):
                if self.server.wait_until_closed(self.connection, self.server.drip_seconds):
                    break
                self._send(raw[place : place + 1])
            raw = raw[-1:]
        if not self.server.deliver(key, content["usage"], raw, self.connection):
            self.close_connection = True

    def _send(self, raw: bytes) -> None:
        try:
            self.connection.sendall(raw)
        except OSError:
            self.close_connection = True

    def _reset(self) -> None:
        wire.reset(self.connection)
        self.close_connection = True
