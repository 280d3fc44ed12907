"""A chat server that says something at once, to measure how fast a client is.

    python bench/null_server.py --port 0 --delay 0.2

prints its port and answers every POST with a completion until its stdin is closed. An evolving prompt gets
the old task and one more sentence, any other prompt a Python function; what it says depends on the body
alone. It reads of HTTP and JSON no more than it must, so trust it with nothing but datagen's own requests.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import hashlib
import sys
import threading

_OLD, _NEW, _BREADTH = rb"### Original exercise\n", rb"\n\n### Harder exercise", rb"\n\n### New exercise"
_WHAT = (
    *(b"ignores case", b"accepts nested lists", b"keeps the original order", b"supports negative numbers"),
    *(b"skips missing entries", b"handles endless streams", b"merges equal neighbours"),
    *(b"rejects empty arguments", b"works on tuples too", b"treats None as zero", b"rounds half to even"),
)
_HOW = (
    *(b"in a single pass", b"without any import", b"with constant memory", b"even for a million entries"),
    *(b"up to a bound called limit", b"unless told otherwise", b"and counts how often it did so"),
    *(b"as long as a flag is set", b"and returns positions instead of values"),
)
_BODY = (
    b'{"id":"chatcmpl-%x","object":"chat.completion","created":0,"model":"null-2026","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"%b"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def say(body: bytes) -> bytes:
    """The response to a request's body. The old task is copied as JSON writes it, escapes and all."""
    number = int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big")
    what, how = _WHAT[number % len(_WHAT)], _HOW[number // 16 % len(_HOW)]
    start = body.find(_OLD)
    if start >= 0 and (end := body.rfind(_NEW)) > start:
        said = b"%b It %b %b, for as many as %d values." % (
            body[start + len(_OLD) : end],
            what,
            how,
            number % 10**6,
        )
    elif start >= 0 and body.rfind(_BREADTH) > start:
        said = b"Write `other_%x(given)`, which %b %b, for up to %d values." % (
            number,
            what,
            how,
            number % 10**6,
        )
    else:
        said = rb"Here it is:\n\n```python\ndef %b(*given):\n    return given, %d\n```" % (
            _name(body),
            number,
        )
    tokens_in, tokens_out = len(body) // 4, len(said) // 4
    content = _BODY % (number, said, tokens_in, tokens_out, tokens_in + tokens_out)
    return _HEAD % len(content) + content


def _name(body: bytes) -> bytes:
    """The function that a task asks for, as in `name(`."""
    words = body.partition(b"`")[2].partition(b"(")[0]
    return words if words.isalnum() or words.replace(b"_", b"").isalnum() else b"solve"


class Connection(asyncio.Protocol):
    """One client's connection, which is kept open."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        if self._unread:
            data = self._unread + data
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                break
            length = _length(data[:end])
            if len(data) < end + 4 + length:
                break
            answer = say(data[end + 4 : end + 4 + length])
            if self._delay:
                self._loop.call_later(self._delay, self._write, answer)
            else:
                self._transport.write(answer)
            data = data[end + 4 + length :]
        self._unread = data

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


@functools.lru_cache(maxsize=256)
def _length(head: bytes) -> int:
    """The length of the body that a head announces."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def serve(port: int, delay: float) -> None:
    """Print the port, and answer until stdin is closed."""
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def wait() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(closed.set)

    server = await loop.create_server(lambda: Connection(delay), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=wait, daemon=True).start()
    await closed.wait()


def main() -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description="A chat server that costs nothing.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.delay))


if __name__ == "__main__":
    main()
