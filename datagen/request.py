"""A model call: what is asked, what comes back, and the ways in which it can fail."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Literal, NamedTuple

from datagen import canonical
from datagen.errors import DatagenError

#: Stands in `Request.parameters` where the text is to be embedded, not continued.
EMBED = ("embed", True)
#: Stands in `Reply.finish_reason` where the text is a vector.
EMBEDDING = "embedding"
#: Stands in `Reply.adapted` where the server takes no temperature.
WITHOUT_TEMPERATURE = "without temperature"
#: "chat" follows instructions; "few-shot" only continues examples (tiny and base models).
Shape = Literal["chat", "few-shot"]


#: Whom a refusal concerns: this prompt alone, every prompt, or nobody knows.
Concerns = Literal["prompt", "all", "unknown"]


class CallFailed(Exception):
    """One request failed for good; the row is kept in `dropped/` and asked again by the next run.

    concerns: "prompt" where the refusal speaks of this one (too long, filtered), "all" where no other
        prompt would fare better (no access).
    """

    def __init__(self, words: str, *, concerns: Concerns = "unknown") -> None:
        super().__init__(words)
        self.concerns = concerns


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

    @property
    def embeds(self) -> bool:
        """Whether a vector is asked for, not a text."""
        return EMBED in self.parameters

    @cached_property
    def canonical(self) -> str:
        """The request as canonical JSON."""
        return canonical.dumps(self._asdict())

    @cached_property
    def key(self) -> str:
        """The journal key: sha256 of the canonical request, as 64 hex digits."""
        return canonical.sha256(self.canonical)


#: Types of the parts of a content that tell what a model thought, and are no part of its answer.
THINKING_PARTS = frozenset({"thinking", "reasoning", "redacted_thinking"})
#: How a model says that it was stopped in the middle of its answer.
CUT_OFF = frozenset(
    {"length", "content_filter", "error", "safety", "sensitive", "recitation", "prohibited_content"}
)


class Reply(NamedTuple):
    """What a model answered. model: the name that the server resolved; tokens as the server counted.

    pause: seconds for which the server wants no further call; it is not kept in the journal.
    adapted: how the request was sent otherwise than it was meant, because the server refused it so.
    thinking: what the model thought, where the server tells it apart from the text.
    """

    text: str
    finish_reason: str | None
    model: str | None
    tokens_in: int
    tokens_out: int
    pause: float = 0.0
    adapted: tuple[str, ...] = ()
    thinking: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether the server said how many tokens it counted: no prompt has none, and vectors are none."""
        wrote = self.finish_reason != EMBEDDING and (self.text or self.thinking)
        return bool(self.tokens_in and (self.tokens_out or not wrote))

    def stored(self) -> str:
        """What the journal keeps, as JSON; `adapted` and `thinking` only where there is something to tell."""
        content = self._asdict()
        del content["pause"]
        for name in ("adapted", "thinking"):
            if not content[name]:
                del content[name]
        return json.dumps(content)
