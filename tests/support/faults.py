"""What the stand-in server can do wrong, by name, and how that looks on the wire.

Refusals, by their status:
    400 401 404 500 502 (a proxy's HTML) 503 503-retry-after 529, and
    429 (with Retry-After in seconds), 429-date (with Retry-After as a date a second or two ahead),
    429-limits (with x-ratelimit-* headers only), 429-bare (without any hint), 429-quota (nothing left to pay)
    echo-key (400, and repeats the key)
Answers that are no completion:
    html body truncated-json invalid-json no-choices empty-choices
Completions that are odd, but answered and paid:
    null-content empty-content length surrogates other-model (says that another model wrote it)
    duplicate (the whole response twice, though asked once)
Connections:
    reset hang (no answer at all) slow (an answer after a minute)
    drip (an answer byte by byte) cut-body and cut-chunked (half of an answer, then the end)
Batches:
    batch-failed (nothing is done) batch-expired (half is done)
    batch-lost (is done, but whoever created it gets no answer)
    batch-down (asking for its state is answered with 500)
    batch-some-errors (that share of the requests fails with 500 or 429)
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import socket
import struct
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

#: Faults of a completion's content, in batches too; it is answered and paid.
CONTENT = ("null-content", "empty-content", "length", "surrogates", "other-model")
#: What is not answered with a completion, or in another way.
CALLS = (
    *("400", "401", "404", "429", "429-bare", "429-date", "429-limits", "429-quota"),
    *("500", "502", "503", "503-retry-after", "529", "echo-key"),
    *("html", "body", "truncated-json", "invalid-json", "no-choices", "empty-choices"),
    *("reset", "hang", "slow", "drip", "cut-body", "cut-chunked", "duplicate"),
)
#: Those of a whole batch, chosen when it is created.
WHOLE_BATCHES = ("batch-failed", "batch-expired", "batch-lost")
FAULTS = (*CALLS, *CONTENT, *WHOLE_BATCHES, "batch-down", "batch-some-errors")

#: What "429-limits" sends.
LIMITS = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "20ms",
}
_PROXY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
#: The official client would otherwise wait for half a second and more.
_SOON = {"retry-after-ms": "5"}
_ERRORS = {
    "400": ("invalid_request_error", "context_length_exceeded"),
    "401": ("invalid_request_error", "invalid_api_key"),
    "404": ("invalid_request_error", "model_not_found"),
    "429": ("requests", "rate_limit_exceeded"),
    "429-quota": ("insufficient_quota", "insufficient_quota"),
    "529": ("overloaded_error", None),
}


def error(message: str, kind: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def refusal(
    fault: str, *, retry_after: str, limits: Mapping[str, str]
) -> tuple[int, Any, dict[str, str]] | None:
    """Status, body and headers of a fault that is a refusal."""
    name = fault.partition("-")[0]
    if not name.isdecimal():
        return None
    if fault == "502":
        return 502, _PROXY, {"content-type": "text/html"}
    headers = {
        "429": {"retry-after": retry_after},
        "503-retry-after": {"retry-after": retry_after},
        "429-date": {"retry-after": email.utils.formatdate(time.time() + 2, usegmt=True)},
        "429-limits": dict(limits),
        **dict.fromkeys(("400", "401", "404", "500"), _SOON),
    }.get(fault, {})
    kind, code = _ERRORS.get(fault) or _ERRORS.get(name) or ("server_error", None)
    return int(name), error(f"fault {fault}", kind, code), headers


def response(status: int, content: Any, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole HTTP response; what is neither text nor bytes goes as JSON."""
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    raw = content.encode() if isinstance(content, str) else content
    return head(status, {"content-length": str(len(raw)), **(headers or {})}) + raw


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers, up to the blank line."""
    phrase = next((known.phrase for known in HTTPStatus if known == status), "Overloaded")
    lines = {"date": email.utils.formatdate(usegmt=True), "content-type": "application/json", **headers}
    named = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{named}\r\n".encode("latin-1")


def odd_body(fault: str, content: Any, body: str) -> bytes | None:
    """The response of a fault that answers with 200 and no completion."""
    if fault == "html":
        return response(200, "<!doctype html>\n<title>Log in</title>", {"content-type": "text/html"})
    if fault == "no-choices":
        return response(200, {"object": "error", "message": "overloaded"})
    texts = {
        "body": body,
        "truncated-json": json.dumps(content)[:-20],
        "invalid-json": "{'choices': [{'message': None}]}",
        "empty-choices": json.dumps({**content, "choices": []}),
    }
    return response(200, texts[fault]) if fault in texts else None


def half(fault: str, content: Any) -> bytes:
    """What "cut-body" and "cut-chunked" send before the connection ends."""
    raw = json.dumps(content).encode()
    if fault == "cut-body":
        return response(200, raw)[: -len(raw) // 2]
    chunk = raw[: len(raw) // 2]
    return head(200, {"transfer-encoding": "chunked"}) + b"%x\r\n%s\r\n" % (len(chunk), chunk)


def reset(connection: socket.socket) -> None:
    """End a connection the hard way, without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.close()


def hung_up(connection: socket.socket) -> bool:
    """Whether the other end has closed its side, as it has after kill -9."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
