"""OpenAI's Files and Batches calls, made until they are answered.

Nothing at the server is deleted: OpenAI keeps the files of batches for 30 days, and they may be of use.
Source: https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

from datagen import progress
from datagen.backoff import backoff
from datagen.request import Busy, NoAnswer, TeacherUnusable
from datagen.teachers.batch.lines import WINDOW, Problem, Results, read
from datagen.teachers.batch.store import Batch
from datagen.teachers.openai_chat import OpenAIChat

#: Our name for a batch stands under this one in its metadata.
_METADATA = "datagen"
_OVER = frozenset({"completed", "failed", "expired", "cancelled", "gone"})
#: A server's clock may differ from ours by so much.
_SKEW_SECONDS = 24 * 3600.0
#: For a call that moves a whole file, and for any other.
_FILE_SECONDS, _CALL_SECONDS = 900.0, 60.0
#: How often the user hears of a batch.
_TELL_SECONDS = 60.0
#: How often what must be there is looked for: answers in a file, the file of a batch that is over.
_LOOKS = 3


class Timing(NamedTuple):
    """When things happen, in seconds.

    Args:
        quiet: a batch is sent when no request came for so long; the jobs of a stage ask all at once.
        gather: or when its first request waited so long.
        first_poll: between the first two looks at a batch.
        longest_poll: between two looks, at most.
        grace: a batch that is not listed so long after it was to be created does not exist.
        patience: how long a server that does not answer is asked again.
    """

    quiet: float = 1.0
    gather: float = 60.0
    first_poll: float = 5.0
    longest_poll: float = 60.0
    grace: float = _CALL_SECONDS + 30.0
    patience: float = 3600.0


class BatchServer:
    """The server behind a chat, for batches.

    Besides what they say, the methods raise TeacherUnusable when nothing answers, or nothing for very long,
    and what OpenAIChat.refusal makes of a refusal that no repetition mends.
    """

    def __init__(self, chat: OpenAIChat, timing: Timing) -> None:
        self.name = chat.name
        self.address = str(chat.client.base_url).rstrip("/")
        self._chat = chat
        self._client = chat.client
        self._timing = timing
        self._reached = False

    async def upload(self, name: str, content: bytes) -> str:
        """Store an input file; return the server's name for it."""
        file = f"{name}.jsonl", content
        stored = await self._patiently(
            lambda: self._client.files.create(file=file, purpose="batch", timeout=_FILE_SECONDS), "id"
        )
        return str(stored.id)

    async def create(self, batch: Batch, endpoint: str) -> str:
        """Let the server begin a batch; return its name for it. One call: a second may create a second batch.

        Raises:
            Busy, NoAnswer: it may have been created all the same.
        """
        created = await self._once(
            lambda: self._client.batches.create(
                input_file_id=batch.file_id or "",
                endpoint=endpoint,  # type: ignore[arg-type]
                completion_window=WINDOW,
                metadata={_METADATA: batch.id},
                timeout=_CALL_SECONDS,
            ),
            "id",
        )
        return str(created.id)

    async def find(self, batch: Batch) -> str | None:
        """The server's name for a batch that it may have created; None once it is certain that it has not."""
        while True:
            is_last_look = time.time() >= batch.at + self._timing.grace
            if (found := await self._listed(batch)) or is_last_look:
                return found
            await asyncio.sleep(min(1.0, self._timing.grace / 10))

    async def _listed(self, batch: Batch) -> str | None:
        after: dict[str, object] = {}
        while True:
            page = await self._patiently(partial(self._list, after), "data")
            for one in page.data:
                if one.input_file_id == batch.file_id or (one.metadata or {}).get(_METADATA) == batch.id:
                    return str(one.id)
            # The newest come first.
            if not page.data or not page.has_more or page.data[-1].created_at < batch.at - _SKEW_SECONDS:
                return None
            after = {"after": page.data[-1].id}

    async def _list(self, after: dict[str, object]) -> Any:  # noqa: ANN401
        return await self._client.batches.list(limit=100, timeout=_CALL_SECONDS, extra_query=after)

    async def until_over(self, batch: Batch) -> Any:  # noqa: ANN401 - openai's Batch, imported lazily
        """Look at a batch now and then until it is over; return it as the server tells it.

        A batch that the server does not know has the status "gone".
        """
        wait, looks = self._timing.first_poll, 0
        told_of, told_at = "", time.monotonic()
        while True:
            told = await self._patiently(lambda: self._retrieve(batch), "status")
            done, total = _done(told)
            if told.status in _OVER:
                looks += 1
                # Some servers say that a batch is over before they say where its output is.
                if told.output_file_id or not done or looks >= _LOOKS:
                    return told
            now = f"{told.status}, {done:,} of {total:,} done"
            progress.detail(f"{self.name}: batch {batch.batch_id} is {now}")
            if now != told_of and time.monotonic() - told_at >= _TELL_SECONDS:
                progress.say(f"{self.name}: batch {batch.batch_id} is {now}")
                told_of, told_at = now, time.monotonic()
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, self._timing.longest_poll)

    async def _retrieve(self, batch: Batch) -> Any:  # noqa: ANN401
        import openai

        try:
            return await self._client.batches.retrieve(batch.batch_id or "", timeout=_CALL_SECONDS)
        except openai.NotFoundError:
            return SimpleNamespace(status="gone", output_file_id=None, request_counts=None)

    async def results(self, told: Any) -> Results:  # noqa: ANN401
        """What a batch's output and error files say; half a file is fetched again: all of it is paid."""
        names = [name for name in (told.output_file_id, told.error_file_id) if name]
        for attempt in range(_LOOKS):
            contents = [await self._content(name) for name in names]
            results = await asyncio.to_thread(read, contents, self._chat.without_key)
            if not results.garbled and len(results.outcomes) >= _done(told)[0]:
                return results
            await asyncio.sleep(backoff(attempt))
        progress.say(
            f"{self.name}: batch {told.id} brought {len(results.outcomes):,} results and {results.garbled:,}"
            f" garbled lines; {_done(told)[0]:,} requests are said to be answered"
        )
        return results

    async def _content(self, name: str) -> bytes:
        import openai

        async def fetch() -> Any:  # noqa: ANN401
            try:
                return await self._client.files.content(name, timeout=_FILE_SECONDS)
            except openai.NotFoundError:
                progress.say(f"{self.name}: {self.address} has lost the file {name} of a batch")
                return SimpleNamespace(content=b"")

        content: bytes = (await self._patiently(fetch, "content")).content
        return content

    def problems(self, told: Any) -> list[Problem]:  # noqa: ANN401
        """Why a batch failed."""
        words = self._chat.without_key
        errors = getattr(told.errors, "data", None) or []
        return [Problem(str(one.code or ""), words(one.message or ""), one.line) for one in errors]

    async def _patiently(self, call: Callable[[], Awaitable[Any]], field: str) -> Any:  # noqa: ANN401
        """Make a call until it is answered."""
        attempt, began = 0, time.monotonic()
        while True:
            try:
                return await self._once(call, field)
            except (Busy, NoAnswer) as problem:
                waited = time.monotonic() - began
                # A wrong address should be told soon; a connection that broke once is nothing.
                if attempt and not self._reached:
                    raise TeacherUnusable(
                        f"{self.name}: nothing answers at {self.address} ({problem}); is the server running?"
                    ) from None
                if waited > self._timing.patience:
                    raise TeacherUnusable(f"{self.name}: no answer in {waited:.0f} s: {problem}") from None
                progress.detail(f"{self.name}: {problem}; asked again")
                await asyncio.sleep(max(backoff(attempt), getattr(problem, "retry_after", None) or 0.0))
            attempt += 1

    async def _once(self, call: Callable[[], Awaitable[Any]], field: str) -> Any:  # noqa: ANN401
        """Make a call; an answer without this field is none."""
        import openai

        try:
            answer = await call()
        except openai.APIStatusError as error:
            self._reached = True
            raise self._chat.refusal(error) from None
        except (openai.OpenAIError, ValueError) as error:
            cause = self._chat.without_key(error.__cause__ or error, 120)
            raise NoAnswer(f"no answer from the server: {cause}") from None
        self._reached = True
        if getattr(answer, field, None) is None:
            said = self._chat.without_key(answer, 100)
            raise NoAnswer(f"the server's answer is neither a batch nor a file: {said}")
        return answer


def _done(told: Any) -> tuple[int, int]:  # noqa: ANN401
    """How many of a batch's requests are answered, and how many there are."""
    counts = told.request_counts
    return getattr(counts, "completed", None) or 0, getattr(counts, "total", None) or 0
