"""OpenAI's Batch API: the same calls at half the price, answered within a day.

Requests gather in a pool, go to the server as one file, and are answered when their batch is over. What may
be at the server is on disk before it is sent (store.py), so a run that is interrupted or killed at any
step finds its batches again, and the next one waits for them instead of buying their answers anew.

Source: https://platform.openai.com/docs/guides/batch
"""

from __future__ import annotations

import asyncio
import copy
import secrets
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from datagen import progress
from datagen.backoff import backoff
from datagen.errors import DatagenError
from datagen.journal import default_path
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, Request, Shape, TeacherUnusable
from datagen.teachers import openai_chat
from datagen.teachers._teacher import Profile
from datagen.teachers.batch.lines import WINDOW, Outcome, endpoint, fitting, left_over, refused
from datagen.teachers.batch.server import BatchServer, Timing
from datagen.teachers.batch.store import Batch, Store

TIMING = Timing()
#: OpenAI takes five times as many in one batch; with more under way at a time a run takes much memory.
CONCURRENCY = 10_000
#: The most requests and bytes in one batch; a little less than the 200 MB that OpenAI allows.
#: Source: https://platform.openai.com/docs/guides/batch
MOST_REQUESTS, MOST_BYTES = 50_000, 195_000_000
#: Seconds without any answer to a call until an endpoint is given up: a batch that expires takes a day.
GATE_PATIENCE_SECONDS = 2 * 24 * 3600.0
#: OpenAI keeps a batch's files so long; a batch that is unknown after that will not come back.
KEPT_SECONDS = 30 * 24 * 3600.0
#: Where the server has no room for a batch: the first wait, and the longest.
_ROOM_SECONDS, _LONGEST_ROOM_SECONDS = 60.0, 3600.0
_PROBLEMS = (DatagenError, Busy, CallFailed, NoAnswer)


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[OpenAIBatch]:
    """A teacher whose calls go through batches, on the user's journal; the batches go on when it is left.

    Raises:
        TeacherUnusable: it cannot be had; see openai_chat.connect.
    """
    async with openai_chat.connect(profile) as chat:
        # What openai_chat fills in suits live calls: no batch is answered within minutes.
        filled = chat.profile._replace(
            concurrency=profile.concurrency or CONCURRENCY,
            timeout=profile.timeout,
            patience=profile.patience or GATE_PATIENCE_SECONDS,
        )
        batches = OpenAIBatch(chat, default_path(), profile=filled)
        try:
            yield batches
        finally:
            await batches.close()


class OpenAIBatch:
    """A model behind OpenAI's Batch API; to be closed in the end."""

    journalled = True
    #: An interrupted call is not lost: asked again, in this run or a later one, it waits for the same batch.
    resumable = True

    def __init__(
        self,
        chat: openai_chat.OpenAIChat,
        journal_path: Path,
        *,
        profile: Profile | None = None,
        timing: Timing | None = None,
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Ask what `chat` would ask; what is under way is noted beside the journal.

        Args:
            chat: the same model, asked live.
            journal_path: where the journal is.
            profile: instead of the chat's own.
            most_requests: in one batch.
            most_bytes: in one batch.
        """
        self.profile = profile or chat.profile
        self.shape: Shape = chat.shape
        self._chat = chat
        self._journal_path = journal_path
        self._timing = timing or TIMING
        self._server = BatchServer(chat, self._timing)
        self._most = most_requests, most_bytes
        self._store: Store | None = None
        self._pool: dict[str, Request] = {}
        self._came = asyncio.Event()
        self._waiting: dict[str, list[asyncio.Future[Reply]]] = {}
        #: by our name of a batch: the keys that wait for it, and who looks after it
        self._joined: dict[str, set[str]] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._gatherer: asyncio.Task[None] | None = None
        self._broken: BaseException | None = None
        self._picked_up: set[str] = set()
        self._without_room = 0

    @property
    def name(self) -> str:
        return self.profile.name

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        return self._chat.request(prompt, seed=seed, sample=sample, temperature=temperature)

    async def complete(self, request: Request) -> Reply:
        """The reply to a request, once its batch is over; one that is in a batch already waits for that.

        Busy and NoAnswer mean that it may be asked again: it goes into another batch then.
        """
        if self._broken:
            raise self._broken
        if self._gatherer is None:
            self._gatherer = self._begin(self._gather())
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        waiters = self._waiting.setdefault(request.key, [])
        waiters.append(future)
        self._pool[request.key] = request
        self._came.set()
        try:
            return await future
        finally:
            waiters.remove(future)
            if not waiters:
                del self._waiting[request.key]
                self._pool.pop(request.key, None)

    async def close(self) -> None:
        """Leave the batches to the server."""
        tasks = [*self._watchers.values(), *([self._gatherer] if self._gatherer else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for future in [one for waiters in self._waiting.values() for one in waiters]:
            future.cancel()
        if self._store:
            await asyncio.to_thread(self._store.close)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What nobody expected ends all waiting."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = error
            self._resolve(dict.fromkeys(self._waiting, error))

    def _resolve(self, outcomes: Mapping[str, Reply | BaseException]) -> None:
        for key, outcome in outcomes.items():
            self._pool.pop(key, None)
            for future in self._waiting.get(key, ()):
                if future.done():
                    continue
                if isinstance(outcome, Reply):
                    future.set_result(outcome)
                else:
                    # One of its own for each, because a traceback grows wherever an exception is raised.
                    future.set_exception(copy.copy(outcome))

    async def _gather(self) -> None:
        store = self._store = await asyncio.to_thread(Store, self._journal_path, self._server.address)
        while True:
            await self._quiet()
            while self._pool:
                first = next(iter(self._pool.values()))
                kind = first.model, endpoint(first)
                alike = [one for one in self._pool.values() if (one.model, endpoint(one)) == kind]
                lines = await asyncio.to_thread(fitting, alike, *self._most)
                # Meanwhile some may have been given up.
                lines = {key: line for key, line in lines.items() if self._pool.pop(key, None)}
                await self._send(store, first, lines)

    async def _quiet(self) -> None:
        """Return when there are requests, and no more are to be expected soon."""
        await self._came.wait()
        latest = time.monotonic() + self._timing.gather
        while len(self._pool) < self._most[0] and time.monotonic() < latest:
            self._came.clear()
            try:
                async with asyncio.timeout(self._timing.quiet):
                    await self._came.wait()
            except TimeoutError:
                return

    async def _send(self, store: Store, first: Request, lines: Mapping[str, bytes]) -> None:
        """Send as one batch what is neither answered nor in another; all are like `first`."""
        mine: Iterable[str] = lines
        try:
            async with store.sending():
                await self._pick_up(store, first.model)
                name = f"datagen-{secrets.token_hex(16)}"
                batch = Batch(name, store.address, first.model, "uploading", time.time(), None, None)
                claim = await asyncio.to_thread(store.claim, batch, lines)
                mine = claim.mine
                self._resolve(claim.replies)
                for key, other in claim.elsewhere.items():
                    self._join(store, other, [key])
                if claim.mine:
                    content = b"".join(lines[key] for key in claim.mine)
                    batch = await self._begin_batch(store, batch, endpoint(first), content)
                    self._join(store, batch, mine)
                    progress.say(
                        f"{self.name}: batch {batch.batch_id} sent with {_requests(len(claim.mine))};"
                        f" it may take {WINDOW}, and goes on when this run ends"
                    )
        except _PROBLEMS as problem:
            self._resolve(dict.fromkeys(mine, problem))

    async def _begin_batch(self, store: Store, batch: Batch, what: str, content: bytes) -> Batch:
        """Upload a batch's file and let the server begin; a batch that cannot exist is forgotten."""
        try:
            file_id = await self._server.upload(batch.id, content)
        except _PROBLEMS:
            await asyncio.to_thread(store.forget, batch)
            raise
        attempt, began = 0, time.monotonic()
        while True:
            batch = await asyncio.to_thread(store.advance, batch, "creating", file_id=file_id)
            try:
                batch_id = await self._server.create(batch, what)
            except (Busy, NoAnswer) as problem:
                found = await self._server.find(batch)
                if found is None:
                    if isinstance(problem, Busy) or time.monotonic() - began > self._timing.patience:
                        await asyncio.to_thread(store.forget, batch)
                        raise
                    await asyncio.sleep(backoff(attempt))
                    attempt += 1
                    continue
                batch_id = found
            except (CallFailed, TeacherUnusable):
                await asyncio.to_thread(store.forget, batch)
                raise
            return await asyncio.to_thread(store.advance, batch, "sent", batch_id=batch_id)

    async def _pick_up(self, store: Store, model: str) -> None:
        """Go on where earlier runs, or processes that died, have stopped."""
        for batch in await asyncio.to_thread(store.unfinished):
            sent = batch
            if batch.step != "sent":
                found = await self._server.find(batch) if batch.step == "creating" else None
                if found is None:
                    await asyncio.to_thread(store.forget, batch)
                    continue
                sent = await asyncio.to_thread(store.advance, batch, "sent", batch_id=found)
            if sent.model == model and model not in self._picked_up:
                progress.say(f"{self.name}: goes on with batch {sent.batch_id}, which was sent before")
                self._join(store, sent, [])
        self._picked_up.add(model)

    def _join(self, store: Store, batch: Batch, keys: Iterable[str]) -> None:
        """Answer these requests when that batch is over."""
        if batch.address != store.address:
            # Of an endpoint with a label that has moved since.
            problem = CallFailed(f"it is in batch {batch.batch_id} at {batch.address}; finish that one first")
            self._resolve(dict.fromkeys(keys, problem))
            return
        self._joined.setdefault(batch.id, set()).update(keys)
        if batch.id not in self._watchers:
            self._watchers[batch.id] = self._begin(self._watch(store, batch))

    async def _watch(self, store: Store, batch: Batch) -> None:
        outcomes: dict[str, Outcome] = {}
        problem: Exception = NoAnswer("its batch ended just then")
        try:
            told = await self._server.until_over(batch)
            # Another process may have finished it first, and have taken its failed requests out of it.
            lines = dict.fromkeys(self._joined[batch.id], 0) | await asyncio.to_thread(store.lines, batch)
            outcomes = await self._outcomes(store, batch, told, lines)
            replies = {key: one for key, one in outcomes.items() if isinstance(one, Reply)}
            await asyncio.to_thread(store.finish, batch, replies)
            of = f"{len(replies):,} of {_requests(len(lines))} answered"
            progress.say(f"{self.name}: batch {batch.batch_id} {told.status}, {of}")
        except _PROBLEMS as error:
            outcomes, problem = {}, error
        del self._watchers[batch.id]
        self._resolve({**dict.fromkeys(self._joined.pop(batch.id), problem), **outcomes})

    async def _outcomes(
        self,
        store: Store,
        batch: Batch,
        told: Any,  # noqa: ANN401
        lines: Mapping[str, int],
    ) -> dict[str, Outcome]:
        """What became of each of a batch's requests.

        Raises:
            CallFailed: the server does not know the batch, though it should.
        """
        if told.status == "gone":
            if time.time() - batch.at < KEPT_SECONDS:
                raise CallFailed(
                    f"{store.address} knows no batch {batch.batch_id} (another account's key?); its calls are"
                    " made anew with `mode: live`, or 30 days after it was sent"
                )
            return dict.fromkeys(lines, Busy("its batch is too old", 0.0))
        if told.status == "failed":
            wait = min(_LONGEST_ROOM_SECONDS, _ROOM_SECONDS * 2.0 ** min(self._without_room, 10))
            self._without_room += 1
            outcomes = refused(self._server.problems(told), lines, retry_after=wait)
        else:
            self._without_room = 0
            outcomes = {key: left_over(told.status) for key in lines}
        results = (await self._server.results(told)).outcomes
        if unknown := len(results.keys() - lines.keys()):
            said = f"{unknown:,} results that were not asked for are ignored"
            progress.say(f"{self.name}: batch {batch.batch_id}: {said}")
        return {key: results.get(key, outcome) for key, outcome in outcomes.items()}


def _requests(number: int) -> str:
    return "1 request" if number == 1 else f"{number:,} requests"
