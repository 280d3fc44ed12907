"""Programs of a task run side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from datagen.sandbox.verdict import Limits, Verdict

T = TypeVar("T")

#: How the details of such tests begin.
_MISSING = ("NameError", "ImportError", "ModuleNotFoundError", "AttributeError: module ")


class Judges(Protocol):
    """Says how programs fare with tests: a `Judge`."""

    @property
    def limits(self) -> Limits:
        """Of each program, where nothing else is said."""
        ...

    def verdict(
        self,
        code: str,
        tests: Sequence[str],
        *,
        setup: str = "",
        limits: Limits | None = None,
        repetition: int = 0,
    ) -> Coroutine[Any, Any, Verdict]:
        """The verdict on a program; a repetition runs it again."""
        ...


async def together(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order; when a job raises, the others end first, so that their verdicts are stored."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


def passed(verdict: Verdict) -> frozenset[int]:
    """The numbers of the tests that a program satisfies."""
    return frozenset(number for number, one in enumerate(verdict.outcomes) if one.passed)


def missing_name(details: Iterable[str]) -> str:
    """What all outcomes lack, where each is the same NameError or ImportError; else "".

    Then the tests need something that is not there, and say nothing of the answers.
    """
    same = {*details}
    (one,) = same if len(same) == 1 else ("",)
    return one if one.startswith(_MISSING) else ""
