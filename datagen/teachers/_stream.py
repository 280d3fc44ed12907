"""A completion that comes in pieces, as server-sent events, put together again.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from datagen.teachers._protocol import THOUGHTS, part_text

#: No completion is longer; neither is one event.
MOST_BYTES = 16 * 2**20


class Broken(Exception):
    """What came is no whole completion."""


class _Assembly:
    """What the events told so far."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.thoughts: list[str] = []
        self.size = 0
        self.finish_reason: Any = None
        self.model: Any = None
        self.usage: Any = None
        self.is_whole = False

    def take(self, data: str) -> None:
        """Add the data of one event."""
        if data.strip() == "[DONE]":
            self.is_whole = True
            return
        event = json.loads(data)
        if event.get("error"):
            raise Broken(f"the server's stream broke off: {data}")
        self.model = event.get("model") or self.model
        self.usage = event.get("usage") or self.usage
        for choice in event.get("choices") or []:
            if choice.get("index", 0) == 0:
                self._add(choice)

    def _add(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message") or {}
        piece = delta.get("content") or choice.get("text") or ""
        if isinstance(piece, list):  # of parts
            piece = "".join(part_text(part) for part in piece if part.get("type") == "text")
        thought = next((delta[name] for name in THOUGHTS if delta.get(name)), "")
        self.pieces.append(piece)
        self.thoughts.append(thought)
        self.size += len(piece) + len(thought)
        if self.size > MOST_BYTES:
            raise Broken("the server's stream does not end")
        if reason := choice.get("finish_reason"):
            self.finish_reason, self.is_whole = reason, True

    def completion(self) -> dict[str, Any]:
        """The completion, as a server that does not stream sends it."""
        if not self.is_whole:
            raise Broken("the server's stream ended before its answer did")
        message = {"content": "".join(self.pieces), THOUGHTS[0]: "".join(self.thoughts) or None}
        choice = {"message": message, "finish_reason": self.finish_reason}
        return {"choices": [choice], "model": self.model, "usage": self.usage}


async def read(response: Any) -> bytes:  # noqa: ANN401 - of a transport that openai's client chooses
    """The body of the completion that a response tells in a stream, or else as a whole.

    Raises:
        Broken: it ends too early, never ends, or is none.
    """
    is_plain = "json" in response.headers.get("content-type", "")
    try:
        return await (whole if is_plain else assembled)(response.aiter_bytes())
    except Broken:
        raise
    except Exception as error:  # of the transport below openai's client, whose versions have several
        raise Broken(f"no answer from the server: {error.__cause__ or error}") from None
    finally:
        await response.aclose()


async def assembled(chunks: AsyncIterator[bytes]) -> bytes:
    """The body of the completion that a stream tells.

    Raises:
        Broken: it ends too early, never ends, or is none.
    """
    assembly = _Assembly()
    try:
        async for data in _events(chunks):
            assembly.take(data)
            if data.strip() == "[DONE]":
                break
        return json.dumps(assembly.completion()).encode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Broken("the server's stream is no completion") from None


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    """A body that is no stream, though one was asked for.

    Raises:
        Broken: it never ends.
    """
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > MOST_BYTES:
            raise Broken("the server's answer does not end")
    return bytes(body)


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The data of each event. A last one without the blank line behind it counts, too."""
    data: list[str] = []
    size = 0
    async for line in _lines(chunks):
        if not line and data:
            yield "\n".join(data)
            data, size = [], 0
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" ").decode(errors="replace"))
            size += len(line)
            if size > MOST_BYTES:
                raise Broken("the server's stream does not end")
    if data:
        yield "\n".join(data)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield bytes(line.removesuffix(b"\r"))
        if len(rest) > MOST_BYTES:
            raise Broken("the server's stream does not end")
    yield bytes(rest)
