"""The task's own reference solution as an answer: the paper's human expert."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datagen.errors import UsageError
from datagen.prepare import Code, extract_code
from datagen.teachers._teacher import CallFailed, Prompt, Reply, Request, Shape

KIND = "reference"
SUMMARY = "reference: the task's own reference solution (column `reference`)"


def check(rest: str) -> None:
    """Raise UsageError if anything stands behind `reference`."""
    if rest:
        raise UsageError(f"reference:{rest}: the teacher reference takes nothing behind it")


def public_name(rest: str) -> str:  # noqa: ARG001 - nothing stands behind it
    """reference."""
    return KIND


def identity(rest: str) -> str:
    """Nothing more to tell."""
    return rest


@asynccontextmanager
async def connect(rest: str) -> AsyncIterator[Reference]:  # noqa: ARG001 - every teacher takes it
    """The teacher; nothing has to be opened."""
    yield Reference()


class Reference:
    """Answers every prompt with the solution that came with the task."""

    name = "reference"
    license: str | None = None
    shape: Shape = "chat"
    concurrency = 16
    journalled = False

    def request(self, prompt: Prompt, *, seed: int, sample: int) -> Request:  # noqa: ARG002 - nothing random
        if not prompt.reference:
            raise CallFailed("the task has no reference solution")
        return Request("reference", "reference", (("assistant", prompt.reference),), None, (), sample)

    async def complete(self, request: Request) -> Reply:
        text = request.messages[0][1]
        if "```" not in text and extract_code(text) == Code(text.strip("\n").rstrip(), "python"):
            text = f"```python\n{text.rstrip()}\n```"
        return Reply(text, "stop", None, 0, 0)
