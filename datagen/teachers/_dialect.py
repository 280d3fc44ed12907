"""What a server refuses of a request, learnt from its own words, and what is sent to it instead.

Models differ in what they take: some want `max_completion_tokens`, some have no seed, some know no system
message. Such a refusal is certain and costs nothing, so the call is made again in the way the server wants.
The request itself, and with it its key in the journal, stays as it was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from datagen.request import WITHOUT_TEMPERATURE, Reply

Body = dict[str, Any]

#: Statuses of a request that is refused for what stands in it, and of an address that is not there.
_REFUSED, _MISSING = frozenset({400, 422}), frozenset({404, 405})
#: A server may repeat a whole prompt in its words; what it objects to stands at their beginning.
_WORDS = 600
#: Servers wrap each other's refusals; nobody wraps them deeper.
_DEPTH = 8


class Change(NamedTuple):
    """One way in which a request is sent otherwise than it was meant.

    Args:
        told: what people read about it.
        apply: makes the body that is sent; a body that it does not concern stays equal.
        recorded: whether it can change the answer, so that the reply has to tell it.
    """

    told: str
    apply: Callable[[Body], Body]
    recorded: bool = True


def _renamed(old: str, new: str) -> Change:
    def apply(body: Body) -> Body:
        return {new if name == old else name: value for name, value in body.items()}

    return Change(f"it wants {new} instead of {old}", apply)


def _without(left_out: str) -> Change:
    def apply(body: Body) -> Body:
        return {name: value for name, value in body.items() if name != left_out}

    return Change(f"it does not take {left_out}, which is left out", apply, left_out != "stream_options")


def _system_in_user(body: Body) -> Body:
    """Put the system message in front of the first message of the user."""
    if not _has_system(body):
        return body
    system, *rest = body["messages"]
    for place, message in enumerate(rest):
        if message["role"] == "user":
            whole = f"{system['content']}\n\n{message['content']}"
            return body | {"messages": [*rest[:place], message | {"content": whole}, *rest[place + 1 :]]}
    return body | {"messages": [{"role": "user", "content": system["content"]}, *rest]}


def _streamed(body: Body) -> Body:
    return body | {"stream": True, "stream_options": {"include_usage": True}}


SYSTEM, STREAM, VERSION = "system in user message", "streamed", "/v1"
CHANGES: Mapping[str, Change] = {
    "max_tokens as max_completion_tokens": _renamed("max_tokens", "max_completion_tokens"),
    "max_completion_tokens as max_tokens": _renamed("max_completion_tokens", "max_tokens"),
    "without seed": _without("seed"),
    WITHOUT_TEMPERATURE: _without("temperature"),
    "without stop": _without("stop"),
    SYSTEM: Change("it takes no system message, which is put in front of the user's", _system_in_user),
    STREAM: Change("it only streams, so answers are streamed", _streamed, recorded=False),
    "without stream_options": _without("stream_options"),
    VERSION: Change("its address ends in /v1", dict, recorded=False),
}
#: What a refusal of each parameter leads to. A user's other parameters are not changed behind their back.
_CURES = {
    "max_tokens": "max_tokens as max_completion_tokens",
    "max_completion_tokens": "max_completion_tokens as max_tokens",
    **{name: f"without {name}" for name in ("seed", "temperature", "stop", "stream_options")},
}
#: A request cannot be changed in both ways: neither name is taken then.
_OPPOSITE = {
    "max_tokens as max_completion_tokens": "max_completion_tokens as max_tokens",
    "max_completion_tokens as max_tokens": "max_tokens as max_completion_tokens",
}

#: "stop" is a plain word, too, so it counts only where it is quoted or called a parameter.
_NAMES = re.compile(
    r"\b(max_tokens|max_completion_tokens|seed|temperature|stream_options)\b"
    r"|(?<=['\"`.])(stop)(?=['\"`])|\b(stop)(?= (?:parameter|sequence))",
)
_UNWANTED = re.compile(
    r"not (?:be )?(?:support|permit|allow|accept|enabl|recogni|available|implement|one of)|n't support"
    r"|unsupported|unrecogni|unknown|unexpected|extra[ _](?:input|field|forbidden)|deprecated|no longer"
    r"|\binstead\b|forbidden|only (?:the )?default|only [\d.]+ is (?:allowed|supported)",
)
#: Such words are about a value, and another value would do: that is for the user to decide.
_VALUE = re.compile(
    r"too (?:large|small|high|low|long|many)|between|at (?:most|least)|(?:less|greater|more) than|range"
    r"|maximum|minimum|exceed",
)
_ONLY_DEFAULT = re.compile(r"only (?:the )?default|only [\d.]+ is (?:allowed|supported)")
_SYSTEM = re.compile(
    r"\b(?:system|developer)[ _-]?(?:role|message|prompt|instruction)|\broles?\b|['\"`]system['\"`]"
)
_ROLES = re.compile(r"roles? must alternate|only .{0,20}roles? (?:is|are) (?:supported|allowed)")
_STREAMS = re.compile(
    r"only support\w*:? (?:\w+ )?stream|stream\w* (?:mode )?(?:is|are) (?:\w+ )?required|for non-stream"
    r"|stream['\"`]? (?:parameter )?(?:must|should|has to) be (?:set to )?['\"`]?(?:true|enabled)"
    r"|requires? (?:\w+ )?stream|non-stream\w* .{0,40}(?:not |un)support",
)


class Dialect(NamedTuple):
    """How requests are sent to one model of one server.

    Args:
        changes: names among CHANGES.
    """

    changes: frozenset[str] = frozenset()

    def said(self, meant: Body) -> Body:
        """The body that is sent for one that is meant."""
        for name, change in CHANGES.items():
            if name in self.changes:
                meant = change.apply(meant)
        return meant

    def cured(self, sent: Body, address: str, status: int, words: str) -> Dialect | None:
        """How to send a request again that was refused.

        Args:
            sent: the body that was refused.
            address: the server's base URL, as it was given.
            status: of the refusal.
            words: the body of the refusal.

        Returns:
            None where the refusal does not say that another form of the request would do.
        """
        name = None
        if status in _REFUSED:
            name = _cure(sent, words)
        elif status in _MISSING and not has_version(address):
            name = VERSION
        if name is None or name in self.changes or _OPPOSITE.get(name) in self.changes:
            return None
        return Dialect(self.changes | {name})

    def finished(self, reply: Reply, meant: Body) -> Reply:
        """A reply that tells how its request was changed, and ends where the request wanted it to end."""
        used = [name for name in CHANGES if name in self.changes and CHANGES[name].recorded]
        adapted = tuple(name for name in used if CHANGES[name].apply(meant) != meant)
        if "without stop" in adapted:
            reply = _stopped(reply, meant["stop"])
        return reply._replace(adapted=adapted)


#: What was learnt in a run of several stages, by the teacher's name, address and model; None outside of one.
_learnt: ContextVar[dict[tuple[str, str, str], Dialect] | None] = ContextVar("learnt", default=None)


@contextmanager
def remembered() -> Iterator[None]:
    """Let what one teacher learns of a server hold for all that ask it until the block ends."""
    token = _learnt.set({})
    try:
        yield
    finally:
        _learnt.reset(token)


def learnt() -> dict[tuple[str, str, str], Dialect]:
    """Where a teacher keeps what it learns: with the others of its run, or alone."""
    known = _learnt.get()
    return {} if known is None else known


def has_version(address: str) -> bool:
    """Whether an address has a part such as /v1."""
    return re.search(r"/v\d", urlsplit(address).path) is not None


def _has_system(body: Body) -> bool:
    messages = body.get("messages") or [{"role": None}]
    return bool(messages[0]["role"] == "system")


def _stopped(reply: Reply, stops: list[str]) -> Reply:
    places = [place for stop in stops if (place := reply.text.find(stop)) >= 0]
    return reply._replace(text=reply.text[: min(places)], finish_reason="stop") if places else reply


class _Complaint(NamedTuple):
    """One thing that a server objects to. about: the field that it names beside its words."""

    about: str
    words: str


def _cure(sent: Body, words: str) -> str | None:
    """The change that a refusal asks for, if it does."""
    for about, said in _complaints(words):
        if _STREAMS.search(said) and not sent.get("stream"):
            return STREAM
        is_value = _VALUE.search(said) and not _ONLY_DEFAULT.search(said)
        for clause in re.split(r"[.;!]\s", said):
            named = about if _NAMES.search(about) else clause
            names = [next(filter(None, found)) for found in _NAMES.findall(named)]
            name = next((name for name in names if name in sent), None)
            unwanted = _UNWANTED.search(clause)
            if name and unwanted and not is_value:
                return _CURES[name]
            refused = _ROLES.search(clause) or (not name and unwanted and _SYSTEM.search(clause))
            if refused and _has_system(sent):
                return SYSTEM
    return None


def _complaints(text: str) -> list[_Complaint]:
    """What the body of a refusal objects to, whatever its shape: they differ between servers."""
    try:
        found = list(_walked(json.loads(text), _DEPTH))
    except (ValueError, RecursionError):
        found = []
    return found or [_Complaint("", text[:_WORDS].lower())]


def _walked(value: object, depth: int) -> Iterator[_Complaint]:
    if depth and isinstance(value, list):
        for entry in value:
            yield from _walked(entry, depth - 1)
    elif isinstance(value, str):
        if value.lstrip().startswith("{"):  # OpenRouter passes the refusal of another server on as a text
            yield from _complaints(value) if depth > _DEPTH - 4 else ()
        else:
            yield _Complaint("", value[:_WORDS].lower())
    elif depth and isinstance(value, dict):
        texts = [value[key] for key in ("code", "type", "msg", "message") if isinstance(value.get(key), str)]
        if texts:
            yield _Complaint(_about(value), ": ".join(texts)[:_WORDS].lower())
        for key, entry in value.items():
            # What was sent may be repeated under "input"; it is not what the server says.
            if key not in {"input", "ctx", "code", "type", "param", "loc", "object"}:
                yield from _walked(entry, depth - 1)


def _about(value: dict[Any, Any]) -> str:
    where = value.get("param") or value.get("loc")
    parts = where if isinstance(where, list) else [where]
    return ".".join(part for part in parts if isinstance(part, str)).lower()[:_WORDS]
