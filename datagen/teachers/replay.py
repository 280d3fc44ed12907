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
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import quote

from datagen import canonical, packed
from datagen.errors import UsageError, nearest, one_line
from datagen.request import CallFailed, Prompt, Reply, Request, TeacherUnusable
from datagen.teachers._kind import Kind
from datagen.teachers._protocol import RequestBuilder
from datagen.teachers._teacher import Profile, Style

CONCURRENCY = 64
#: What datagen itself decides for a call; unlike other parameters, one that is not asked must be missing too.
_DECIDED = ("max_tokens", "seed", "stop", "temperature")


class _Unfit(Exception):
    """The file is no recording, or none of what is wanted; the text says why."""


#: What reading untrusted content ends in.
_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
_UNREADABLE = (_Unfit, sqlite3.Error, OSError, packed.Incomplete)


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
        digests = [canonical.file_sha256(part) for part in (path, _log(path)) if part.is_file()]
    return canonical.dumps([digests, model, profile.endpoint])


def _log(path: Path) -> Path:
    """Where SQLite keeps what is not in the journal's main file yet."""
    return path.with_name(f"{path.name}-wal")


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
        return Recording(_open(stack, path), model=model, endpoint=profile.endpoint)


@contextmanager
def _errors_explained(name: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise TeacherUnusable(f"{name} cannot be replayed: {one_line(error)}") from None


class Replay:
    """Answers what was asked before as it was answered then."""

    #: The recording itself is at hand.
    journalled = False
    resumable = False

    def __init__(self, recording: Recording, profile: Profile) -> None:
        self.profile = profile._replace(
            concurrency=profile.concurrency or CONCURRENCY, price_in=0.0, price_out=0.0
        )
        self._recording = recording
        # Most recordings are of servers with this protocol.
        style: Style = "chat" if recording.has_chat else "few-shot"
        self._builder = RequestBuilder(self.profile, model="", endpoint="replay", default_style=style)
        self.shape = self._builder.shape

    @property
    def name(self) -> str:
        return self.profile.name

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        return self._builder.request(prompt, seed=seed, sample=sample, temperature=temperature)

    async def complete(self, request: Request) -> Reply:
        with _errors_explained(self.name):
            return self._recording.answer(request)


class _Call(NamedTuple):
    key: str
    request: Request
    reply: Reply


class Recording:
    """Finds recorded calls by what was asked.

    has_chat: whether something was asked in the way that models which follow instructions are asked.
    """

    def __init__(self, file: _Lines | _Journal, *, model: str | None, endpoint: str | None) -> None:
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
            raise _Unfit("it holds no calls")
        if model is not None and model not in models:
            raise _Unfit(
                f"it holds no call of the model {one_line(model, 60)}: {nearest(model, sorted(models))}"
            )
        if not self._places:
            raise _Unfit(f"it holds no such call to the endpoint {one_line(endpoint, 60)}")

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

    def _calls(self, request: Request, sample: int) -> list[_Call]:
        """The calls of the same topic, in an order that does not depend on the file's format."""
        places = self._places.get(_topic(request, sample), ())
        found = [call for place in places for call in self._file.at(place) if self._counts(call.request)]
        return sorted(found, key=lambda call: (call.key, call.reply.text))

    def _why_missing(self, request: Request, found: list[_Call]) -> str:
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


def _ambiguity(fitting: list[_Call]) -> str:
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


def _open(stack: ExitStack, path: Path) -> _Lines | _Journal:
    """A journal, or its export, plain or packed; recognised by its first bytes."""
    file = stack.enter_context(path.open("rb"))
    if file.read(16).startswith(b"SQLite format 3\0"):
        return _Journal(stack, path)
    file.seek(0)
    packing = packed.by_content(path)
    if packing is None:
        return _Lines(file)
    plain = stack.enter_context(tempfile.TemporaryFile(prefix="datagen-"))  # noqa: SIM115 - the stack's
    with packed.reading(path, packing) as content:
        shutil.copyfileobj(content, plain, 1 << 20)
    plain.seek(0)
    return _Lines(plain)


class _Lines:
    """What `datagen journal export` writes: a JSON object a line. A place is a line's first byte."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def requests(self) -> Iterator[tuple[int, Request]]:
        place = 0
        for number, line in enumerate(self._file, 1):
            if line.strip():
                yield place, _line(line, f"line {number}").request
            place += len(line)

    def at(self, place: int) -> list[_Call]:
        self._file.seek(place)
        return [_line(self._file.readline(), f"the line at byte {place}")]


def _line(line: bytes, where: str) -> _Call:
    try:
        content = json.loads(line)
        return _Call(str(content.get("key", "")), _request(content["request"]), _reply(content["reply"]))
    except _DAMAGE:
        raise _Unfit(f"{where} is no recorded call: {one_line(line[:60].decode(errors='replace'))}") from None


class _Journal:
    """A journal's SQLite file. A place is the first 16 hex digits of the calls' keys, as a number."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        # Where nobody has it open, reading it should leave no files beside it, nor need to.
        how = "mode=ro" if _log(path).exists() else "immutable=1"
        self._base = sqlite3.connect(
            f"file:{quote(str(path))}?{how}", uri=True, timeout=60, check_same_thread=False
        )
        stack.callback(self._base.close)
        columns = {row[1] for row in self._base.execute("PRAGMA table_info(calls)")}
        if not columns >= {"key", "request", "reply"}:
            raise _Unfit("it is a SQLite file, but no journal of datagen")
        digest = "digest" if "digest" in columns else "NULL"
        self._select = f"SELECT key, request, reply, {digest} FROM calls WHERE key >= ? AND key < ?"

    def requests(self) -> Iterator[tuple[int, Request]]:
        for key, request in self._base.execute("SELECT key, request FROM calls ORDER BY key"):
            try:
                place = int(key[:16], 16)
                if not key.startswith(f"{place:016x}"):
                    raise ValueError(key)
                yield place, _request(json.loads(request))
            except _DAMAGE:
                raise _Unfit(f"the call {one_line(key, 12)} is damaged") from None

    def at(self, place: int) -> list[_Call]:
        found = self._base.execute(self._select, (f"{place:016x}", f"{place:016x}g")).fetchall()
        return [_row(*row) for row in found]


def _row(key: str, request: str, reply: str, digest: str | None) -> _Call:
    try:
        if digest not in {None, canonical.sha256(request + reply)}:
            raise ValueError(digest)
        return _Call(key, _request(json.loads(request)), _reply(json.loads(reply)))
    except _DAMAGE:
        raise _Unfit(f"the call {one_line(key, 12)} is damaged") from None


def _request(content: Any) -> Request:  # noqa: ANN401 - of a file that anyone may have written
    """A request as the journal keeps it; whatever else `content` is ends in an exception."""
    text, sample = content["text"], content["sample"]
    if not isinstance(text, str | None) or type(sample) is not int:
        raise TypeError(content)
    made = Request(
        endpoint=_text(content["endpoint"]),
        model=_text(content["model"]),
        messages=tuple((_text(role), _text(said)) for role, said in content["messages"]),
        text=text,
        parameters=tuple((_text(name), value) for name, value in content["parameters"]),
        sample=sample,
    )
    made.canonical.encode()  # NaN and halves of surrogate pairs
    return made


def _reply(content: Any) -> Reply:  # noqa: ANN401 - of a file that anyone may have written
    finish_reason, model = content.get("finish_reason"), content.get("model")
    counts = content.get("tokens_in", 0), content.get("tokens_out", 0)
    if not all(type(count) is int and count >= 0 for count in counts):
        raise TypeError(counts)
    return Reply(
        text=_text(content["text"]),
        finish_reason=None if finish_reason is None else _text(finish_reason),
        model=None if model is None else _text(model),
        tokens_in=counts[0],
        tokens_out=counts[1],
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode()  # halves of surrogate pairs
    return value


KIND = Kind(
    name="replay",
    summary="replay:PATH[#MODEL]: recorded calls again, from a journal or its export (.jsonl, .gz, .zst)",
    parse=parse,
    public_name=public_name,
    identity=identity,
    connect=connect,
)
