"""Recorded calls answered again, without any model: a journal, or what `datagen journal export` writes.

For reruns without a network, for tests, and to share what was generated. It is strict: a recorded call
answers a request only if the messages (or the text), the sample's index, seed, temperature, max_tokens and
stop are equal, a missing one included, and if whatever else is asked now (`parameters` of a teachers file,
such as top_p) was asked then. Parameters that only the recording has, such as the `extra_body` that `local:`
sends, say how its server was set up and do not matter. Endpoint and model do not matter either, but an answer
is never chosen at random: where recordings of several models fit, `replay:PATH#MODEL` chooses one, and
`endpoint` in a teachers file one of several endpoints.

Only hashes and positions stay in memory, and the replies are read when asked for. A compressed file is
unpacked into a temporary one first. To replay a journal that runs still write to, copy it or export it: its
content is part of what a run is known by.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from datagen import canonical, packed
from datagen.errors import UsageError, nearest, one_line
from datagen.journal import recording as recordings
from datagen.journal.recording import BadRecording, Export, JournalFile, RecordedCall
from datagen.request import CallFailed, Reply, Request, TeacherUnusable
from datagen.teachers._kind import Kind
from datagen.teachers._protocol import Built, RequestBuilder
from datagen.teachers._teacher import Profile, Style

CONCURRENCY = 64
#: What datagen itself decides for a call; unlike other parameters, one that is not asked must be missing too.
_DECIDED = ("max_tokens", "seed", "stop", "temperature")


class RecordedModel(NamedTuple):
    """A recording, and which of its models answers; None where any may."""

    path: Path
    model: str | None


def parse(rest: str) -> RecordedModel:
    """PATH or PATH#MODEL; a path may hold a "#" too, so the longest that is a file counts.

    Raises:
        UsageError: there is no such file.
    """
    if not rest:
        raise UsageError("replay: names no file; write replay:PATH of a journal or of its export")
    parts = rest.split("#")
    for end in range(len(parts), 0, -1):
        path = Path("#".join(parts[:end]))
        if os.path.isfile(path):  # noqa: PTH113 - pathlib's raises an error for what it may not see
            return RecordedModel(path, "#".join(parts[end:]) or None)
    raise UsageError(f"replay:{one_line(rest)}: there is no such file")


def public_name(target: RecordedModel) -> str:
    """replay:NAME or replay:NAME#MODEL, without folders and endings."""
    stem = Path(target.path.name.removesuffix(".gz").removesuffix(".zst")).stem
    return f"replay:{stem}#{target.model}" if target.model else f"replay:{stem}"


def identity(profile: Profile) -> str:
    """The sha256 of the file, and what is chosen from it."""
    path, model = profile.target
    with _errors_explained(profile.name):
        digests = [canonical.file_sha256(part) for part in (path, recordings.log_of(path)) if part.is_file()]
    return canonical.dumps([digests, model, profile.endpoint])


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[Replay]:
    """A teacher that answers from the file; it is read through once.

    Raises:
        TeacherUnusable: the file is no recording, is damaged, or holds nothing that is wanted.
    """
    path, model = profile.target
    with ExitStack() as stack:
        recording = await asyncio.to_thread(_read, stack, path, profile, model)
        yield Replay(recording, profile)


def _read(stack: ExitStack, path: Path, profile: Profile, model: str | None) -> Recording:
    with _errors_explained(profile.name):
        return Recording(stack.enter_context(recordings.opened(path)), model=model, endpoint=profile.endpoint)


@contextmanager
def _errors_explained(name: str) -> Iterator[None]:
    try:
        yield
    except (BadRecording, sqlite3.Error, OSError, packed.Incomplete) as error:
        raise TeacherUnusable(f"{name} cannot be replayed: {one_line(error)}") from None


class Replay(Built):
    """Answers what was asked before as it was answered then."""

    #: The recording itself is at hand.
    journalled = False

    def __init__(self, recording: Recording, profile: Profile) -> None:
        filled = profile._replace(concurrency=profile.concurrency or CONCURRENCY, price_in=0.0, price_out=0.0)
        self._recording = recording
        # Most recordings are of servers with this protocol.
        style: Style = "chat" if recording.has_chat else "few-shot"
        super().__init__(RequestBuilder(filled, model="", endpoint="replay", default_style=style))

    async def complete(self, request: Request) -> Reply:
        with _errors_explained(self.name):
            return self._recording.answer(request)


class Recording:
    """Finds recorded calls by what was asked.

    has_chat: whether something was asked in the way that models which follow instructions are asked.
    """

    def __init__(self, file: Export | JournalFile, *, model: str | None, endpoint: str | None) -> None:
        """Read the file through. model, endpoint: only calls of these count; None for all."""
        self._file = file
        self._model, self._endpoint = model, endpoint
        self.has_chat = False
        self._places: dict[int, tuple[int, ...]] = {}
        models: set[str] = set()
        for place, request in file.requests():
            models.add(request.model)
            if self._counts(request):
                key = _topic(request, request.sample)
                self._places[key] = (*self._places.get(key, ()), place)
                turns = request.messages
                self.has_chat = self.has_chat or bool(turns and turns[-1][0] != "assistant")
        if not models:
            raise BadRecording("it holds no calls")
        if model is not None and model not in models:
            raise BadRecording(
                f"it holds no call of the model {one_line(model, 60)}: {nearest(model, sorted(models))}"
            )
        if not self._places:
            raise BadRecording(f"it holds no such call to the endpoint {one_line(endpoint, 60)}")

    def _counts(self, request: Request) -> bool:
        return self._model in {None, request.model} and self._endpoint in {None, request.endpoint}

    def answer(self, request: Request) -> Reply:
        """The recorded reply to such a request.

        Raises:
            CallFailed: none was recorded, or several that are not told apart; the text says what differs.
        """
        found = self._calls(request, request.sample)
        fitting = [call for call in found if not _differences(request, call.request)]
        if not fitting:
            raise CallFailed(self._why_missing(request, found or self._calls(request, 0)))
        if problem := _ambiguity(fitting):
            raise CallFailed(problem)
        return fitting[0].reply

    def _calls(self, request: Request, sample: int) -> list[RecordedCall]:
        """The calls of the same topic, in an order that does not depend on the file's format."""
        places = self._places.get(_topic(request, sample), ())
        found = [call for place in places for call in self._file.at(place) if self._counts(call.request)]
        return sorted(found, key=lambda call: (call.key, call.reply.text))

    def _why_missing(self, request: Request, found: list[RecordedCall]) -> str:
        differences = [_differences(request, call.request) for call in found]
        nearest_one = min(filter(None, differences), key=len, default=None)
        if nearest_one is None:
            return (
                f"not recorded: no recorded call has this {'text' if request.text else 'last user message'}"
            )
        return f"not recorded: the nearest recorded call differs in {', '.join(nearest_one)}"


def _topic(request: Request, sample: int) -> int:
    """A hash of the text or of what the user said last, and the sample."""
    said = [content for role, content in request.messages if role == "user"]
    topic = request.text if request.text is not None else said[-1:]
    return int(canonical.sha256(canonical.dumps([topic, sample]))[:16], 16)


def _parameters(request: Request) -> dict[str, Any]:
    """Parameters by name; what newer servers call max_completion_tokens is max_tokens."""
    named = dict(request.parameters)
    if "max_completion_tokens" in named:
        named["max_tokens"] = named.pop("max_completion_tokens")
    return named


def _differences(asked: Request, recorded: Request) -> list[str]:
    """In what a recorded request is not the one that is asked, in words; empty if it fits."""
    found = []
    if asked.text != recorded.text:
        found.append("the text")
    if asked.messages != recorded.messages:
        system = [[turn for turn in request.messages if turn[0] == "system"] for request in (asked, recorded)]
        found.append("the messages" if system[0] == system[1] else "the system prompt")
    now, then = _parameters(asked), _parameters(recorded)
    values = [(name, then.get(name), now.get(name)) for name in sorted({*_DECIDED, *now})]
    return found + [
        f"{name} (recorded {one_line(old, 40)}, asked {one_line(new, 40)})"
        for name, old, new in [("sample", recorded.sample, asked.sample), *values]
        if old != new
    ]


def _ambiguity(fitting: list[RecordedCall]) -> str:
    """Why recorded calls that all fit are no answer; empty if they are one."""
    models = sorted({call.request.model for call in fitting})
    if len(models) > 1:
        return f"recorded of several models ({', '.join(models)}); choose one: replay:PATH#MODEL"
    if len({(call.reply.text, call.reply.finish_reason) for call in fitting}) == 1:
        return ""
    endpoints = sorted({call.request.endpoint for call in fitting})
    if len(endpoints) > 1:
        shown = one_line(", ".join(endpoints), 120)
        return f"recorded at several endpoints ({shown}); choose one with `endpoint` in a teachers file"
    named = [_parameters(call.request) for call in fitting]
    names = sorted({name for one in named for name in one if any(one[name] != o.get(name) for o in named)})
    what = f"with different {', '.join(names)}" if names else "with different replies"
    return f"recorded several times, {what}; say which under `parameters` in a teachers file"


KIND = Kind(
    name="replay",
    summary="replay:PATH[#MODEL]: recorded calls again, from a journal or its export (.jsonl, .gz, .zst)",
    parse=parse,
    public_name=public_name,
    identity=identity,
    connect=connect,
)
