"""The task's own reference solution as an answer: the paper's human expert."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datagen.answers.code import extract_code
from datagen.errors import UsageError
from datagen.request import CallFailed, Prompt, Reply, Request, Shape
from datagen.teachers._kind import Kind
from datagen.teachers._teacher import Profile


def parse(rest: str) -> None:
    """Nothing: there is one such teacher.

    Raises:
        UsageError: anything stands behind `reference`.
    """
    if rest:
        raise UsageError(f"reference:{rest}: the teacher reference takes nothing behind it")


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[Reference]:
    """The teacher; nothing has to be opened."""
    yield Reference(profile._replace(concurrency=16, price_in=0.0, price_out=0.0))


class Reference:
    """Answers every prompt with the solution that came with the task."""

    shape: Shape = "chat"
    journalled = False
    resumable = False

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    @property
    def name(self) -> str:
        return self.profile.name

    def request(
        self,
        prompt: Prompt,
        *,
        seed: int,  # noqa: ARG002 - nothing random
        sample: int,
        temperature: float | None = None,  # noqa: ARG002 - nothing random
    ) -> Request:
        if not prompt.reference:
            raise CallFailed("the task has no reference solution")
        return Request("reference", "reference", (("assistant", prompt.reference),), None, (), sample)

    async def complete(self, request: Request) -> Reply:
        text = request.messages[0][1]
        found = extract_code(text)
        if "```" not in text and found.language == "python" and "prose" not in found.cut:
            text = f"```python\n{text.rstrip()}\n```"
        return Reply(text, "stop", None, 0, 0)


KIND = Kind(
    name="reference",
    summary="reference: the task's own reference solution (column `reference`)",
    parse=parse,
    public_name=lambda _: "reference",
    identity=lambda _: "",
    connect=connect,
    answers_once=True,
    needs_reference=True,
)
