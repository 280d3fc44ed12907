"""The shapes that every way of reaching a model shares."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

from datagen import schema
from datagen.errors import DatagenError

#: "chat" follows instructions; "few-shot" only continues examples (tiny and base models).
Shape = Literal["chat", "few-shot"]


class CallFailed(Exception):
    """One request failed for good; the row is kept in `dropped/` and asked again by the next run."""


class TeacherUnusable(DatagenError):
    """No request can succeed: nothing listens, the key is refused, the model does not exist."""


class Prompt(NamedTuple):
    """What to ask.

    messages: (role, content) turns; a last turn of the assistant is continued, not answered.
    text: instead of messages, raw text to continue.
    prefix, suffix: put around the reply's text, to make a whole of what the prompt began; `suffix`
        only where the model stopped by itself.
    stop: texts before which the model stops.
    temperature, max_tokens: what fits this prompt; None leaves it to the server.
    reference: the task's own solution; only the teacher `reference` looks at it.
    """

    messages: tuple[tuple[str, str], ...] = ()
    text: str | None = None
    prefix: str = ""
    suffix: str = ""
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    reference: str | None = None

    def whole(self, reply: Reply) -> str:
        """The reply as a whole text: some servers repeat the beginning that they continued, others do not."""
        text = reply.text if reply.text.startswith(self.prefix) else f"{self.prefix}{reply.text}"
        return f"{text.rstrip()}{self.suffix}" if self.suffix and reply.finish_reason == "stop" else text


class Request(NamedTuple):
    """One call to a model, whole: equal requests are asked once. `key` is its name in the journal.

    endpoint: the server's identity: its base URL, or the sha256 of local weights.
    parameters: every sampling parameter as (name, value), sorted by name.
    sample: index among several answers to one prompt; it makes their requests differ.
    """

    endpoint: str
    model: str
    messages: tuple[tuple[str, str], ...]
    text: str | None
    parameters: tuple[tuple[str, Any], ...]
    sample: int

    def canonical(self) -> str:
        """The request as canonical JSON."""
        return schema.canonical(self._asdict())

    @property
    def key(self) -> str:
        """The journal key: sha256 of the canonical request, as 64 hex digits."""
        return schema.sha256(self.canonical())


class Reply(NamedTuple):
    """What a model answered. model: the name that the server resolved; tokens as the server counted."""

    text: str
    finish_reason: str | None
    model: str | None
    tokens_in: int
    tokens_out: int


class Teacher(Protocol):
    """A model that evolves tasks or answers them.

    name: stands in the column `teacher`. license: of its output, if known. concurrency: calls at a
    time. journalled: whether its replies are worth keeping (a reference solution is at hand anyway).
    """

    name: str
    license: str | None
    shape: Shape
    concurrency: int
    journalled: bool

    def request(self, prompt: Prompt, *, seed: int, sample: int) -> Request:
        """The call that `prompt` means for this teacher.

        Raises CallFailed where the task lacks what this teacher needs.
        """
        ...

    async def complete(self, request: Request) -> Reply:
        """Make the call. Raises CallFailed or TeacherUnusable."""
        ...
