"""The shapes that every way of reaching a model shares."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

from datagen import schema
from datagen.errors import DatagenError

#: "chat" follows instructions; "few-shot" only continues examples (tiny and base models).
Shape = Literal["chat", "few-shot"]
#: How a model is to be prompted; "completion" is few-shot for servers that know no chat.
Style = Literal["chat", "few-shot", "completion"]
Role = Literal["teacher", "student"]


class CallFailed(Exception):
    """One request failed for good; the row is kept in `dropped/` and asked again by the next run."""


class Busy(Exception):
    """The server is there and wants less of us (429, 503).

    retry_after: seconds that it asks us to wait, None if it does not say.
    """

    def __init__(self, words: str, retry_after: float | None = None) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class NoAnswer(Exception):
    """The call may do better when it is made again: no connection, a server's own error, half an answer.

    maybe_billed: whether the server may have answered, and only we did not get it.
    """

    def __init__(self, words: str, *, maybe_billed: bool = False) -> None:
        super().__init__(words)
        self.maybe_billed = maybe_billed


class TeacherUnusable(DatagenError):
    """No request can succeed: nothing listens, the key is refused, the model does not exist."""


class Profile(NamedTuple):
    """How one teacher is reached and asked; from a SPEC, or from a teachers file (_profiles.py).

    spec: how it is named on the command line. name: stands in the column `teacher`. label: the endpoint's
    identity in the journal; None for the base URL, or the sha256 of local weights. key_env: the environment
    variable that holds the key. system: the system prompt, instead of datagen's own. parameters: sampling
    parameters as (name, value), which outrank what suits a prompt; a value None leaves that one out.
    style: how to prompt it. license: of its output. concurrency: calls at a time, at most. rpm, tpm:
    requests and tokens per minute, at most. price_in, price_out: USD for a million tokens. timeout: seconds
    for one call. patience: seconds without any answer until it is given up. mode: "batch" sends calls through
    OpenAI's Batch API. What is None is for the kind of teacher to decide.
    """

    spec: str
    name: str
    label: str | None = None
    key_env: str | None = None
    system: str | None = None
    parameters: tuple[tuple[str, Any], ...] = ()
    style: Style | None = None
    role: Role = "teacher"
    license: str | None = None
    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    timeout: float | None = None
    patience: float | None = None
    mode: Literal["live", "batch"] = "live"

    @property
    def kind(self) -> str:
        """The word before the SPEC's colon."""
        return self.spec.partition(":")[0]

    @property
    def rest(self) -> str:
        """What stands behind the SPEC's colon."""
        return self.spec.partition(":")[2]

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """USD for so many tokens; 0 without prices."""
        return (tokens_in * (self.price_in or 0) + tokens_out * (self.price_out or 0)) / 1e6


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


class _Request(NamedTuple):
    endpoint: str
    model: str
    messages: tuple[tuple[str, str], ...]
    text: str | None
    parameters: tuple[tuple[str, Any], ...]
    sample: int


class Request(_Request):
    """One call to a model, whole: equal requests are asked once. `key` is its name in the journal.

    endpoint: the server's identity: a declared label, its base URL, or the sha256 of local weights.
    parameters: every sampling parameter as (name, value), sorted by name.
    sample: index among several answers to one prompt; it makes their requests differ.
    """

    @cached_property
    def canonical(self) -> str:
        """The request as canonical JSON."""
        return schema.canonical(self._asdict())

    @cached_property
    def key(self) -> str:
        """The journal key: sha256 of the canonical request, as 64 hex digits."""
        return schema.sha256(self.canonical)


class Reply(NamedTuple):
    """What a model answered. model: the name that the server resolved; tokens as the server counted.

    pause: seconds for which the server wants no further call; it is not kept in the journal.
    """

    text: str
    finish_reason: str | None
    model: str | None
    tokens_in: int
    tokens_out: int
    pause: float = 0.0

    def stored(self) -> str:
        """What the journal keeps, as JSON."""
        content = self._asdict()
        del content["pause"]
        return json.dumps(content)


class Teacher(Protocol):
    """A model that evolves tasks or answers them.

    profile: with everything filled in that this kind of teacher decides. name: the profile's.
    journalled: whether its replies are worth keeping (a reference solution is at hand anyway).
    """

    profile: Profile
    shape: Shape
    journalled: bool

    @property
    def name(self) -> str:
        """What stands in the column `teacher`."""
        ...

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        """The call that `prompt` means for this teacher.

        temperature: what the user asked for, above all else; None: what the profile or the prompt says.
        Raises CallFailed where the task lacks what this teacher needs.
        """
        ...

    async def complete(self, request: Request) -> Reply:
        """Make the call, once. Raises Busy, NoAnswer, CallFailed or TeacherUnusable."""
        ...
