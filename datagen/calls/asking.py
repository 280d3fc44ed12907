"""What asking a teacher gives, and who may be asked to ask: the real caller, or a forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from datagen.answers.thinking import spoken
from datagen.request import Prompt, Reply
from datagen.teachers import Teacher


class Answer(NamedTuple):
    """What became of one call.

    Args:
        reply: None where there is none.
        request: the call's journal key; None where it has none.
        problem: why there is no reply.
        reused: whether it was there before this run.
    """

    reply: Reply | None
    request: str | None
    problem: str = ""
    reused: bool = False

    @classmethod
    def of(cls, reply: Reply, request: str | None, *, reused: bool = False) -> Answer:
        """An answer as stages are to see it: without thinking, which the journal keeps."""
        return cls(spoken(reply), request, reused=reused)


class Asker(Protocol):
    """Whoever answers prompts: a `Caller`, or a forecast that only looks them up."""

    async def ask(
        self, teacher: Teacher, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None
    ) -> Answer:
        """See `Caller.ask`."""
        ...


@dataclass
class Tally:
    """Calls of one run.

    Args:
        asked: calls that were made and answered.
        reused: answers that came from the journal.
        failed: calls without an answer.
        tokens_in: of the calls that were made.
        tokens_out: of the calls that were made.
        usd: what the calls that were made cost.
    """

    asked: int = 0
    reused: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
