"""Values as text that holds data and nothing else: how the program and its tests talk to each other.

A frame is four bytes of length and a JSON text. JSON arrays are always tagged values, `[tag, ...]`; numbers
that a float holds, strings, true, false and null stand for themselves. What is decoded is made of exact
built-in and standard types, so no method of the program runs where the tests are.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import functools
import json
import socket
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from datagen.sandbox.kinds import BUILT_IN, CHANGEABLE, FACTORIES, LISTED, LISTS, MADE, MAKERS, PAIRED, PAIRS

#: An iterator is drained up to so many items, or until its items are about so many characters.
MAX_DRAINED = 200_000
MAX_DRAINED_TEXT = 4 << 20
_HEAD = 4
#: Most frames are smaller.
_USUAL = 1 << 14
_WRITE = json.JSONEncoder(separators=(",", ":")).encode
_READ = json.JSONDecoder().raw_decode


class NotPlain(Exception):
    """A value that is not plain data, or a text that is no value."""


class Closed(Exception):
    """The other side is gone."""


def send(channel: socket.socket, message: object) -> None:
    """Send one frame.

    Raises:
        Closed: nobody listens.
    """
    body = _WRITE(message).encode()
    try:
        channel.sendall(len(body).to_bytes(_HEAD, "little") + body)
    except OSError as error:
        raise Closed from error


def receive(channel: socket.socket, limit: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Receive one frame; others may follow it.

    Raises:
        Closed: the other side is gone, or sent what is no frame.
        NotPlain: the frame is larger than `limit` bytes, or no JSON.
    """
    size = _size(_exactly(channel, _HEAD), limit)
    return _value(_exactly(channel, size))


def receive_only(channel: socket.socket, limit: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Receive the one frame that the other side may send now, mostly by one call of the system.

    Raises:
        Closed: the other side is gone, or sent what is no frame.
        NotPlain: the frame is larger than `limit` bytes, or no JSON, or something follows it.
    """
    body = _some(channel, _USUAL)
    if len(body) < _HEAD:
        body += _exactly(channel, _HEAD - len(body))
    missing = _size(body[:_HEAD], limit) - (len(body) - _HEAD)
    if missing < 0:
        raise NotPlain("more than a value")
    return _value(body[_HEAD:] + _exactly(channel, missing))


def _size(head: bytes, limit: int) -> int:
    size = int.from_bytes(head, "little")
    if size > limit:
        raise NotPlain(f"a value of {size} bytes")
    return size


def _value(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        text = body.decode()
        value, end = _READ(text)
    except (ValueError, RecursionError) as error:
        raise NotPlain(type(error).__name__) from error
    if end != len(text):
        raise NotPlain("more than a value")
    return value


def _exactly(channel: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        parts.append(_some(channel, min(size, 1 << 20)))
        size -= len(parts[-1])
    return b"".join(parts)


def _some(channel: socket.socket, most: int) -> bytes:
    try:
        part = channel.recv(most)
    except OSError as error:
        raise Closed from error
    if not part:
        raise Closed
    return part


@functools.lru_cache(maxsize=1024)
def named_tuple(name: str, fields: tuple[str, ...]) -> Any:  # noqa: ANN401 - a class
    """The class of named tuples of this name with these fields; it has no other methods than any has."""
    return collections.namedtuple(name, fields)


def _no_special(value: object) -> Any:  # noqa: ANN401 - JSON
    raise NotPlain(type(value).__name__)


class Encoder:
    """Writes values.

    Args:
        special: writes what is not plain, or raises NotPlain.
        keeps: whether a generator is not plain; else it is drained.
        held: gets the lists, dicts and others that can be changed, each behind what is in it.
        places: of such, by `id`, where they are in what the other side held; they are written with it.
    """

    def __init__(
        self,
        special: Callable[[Any], Any] = _no_special,
        *,
        keeps: bool = False,
        held: list[Any] | None = None,
        places: dict[int, int] | None = None,
    ) -> None:
        self._special = special
        self._keeps = keeps
        self._held = held
        self._places = places or {}
        self._text = 0

    def encode(self, value: object) -> Any:  # noqa: ANN401 - JSON
        """The value as JSON.

        Raises:
            NotPlain: it holds something that is not data, or itself.
        """
        try:
            return self._encode(value)
        except RecursionError as error:
            raise NotPlain("nested too deeply") from error

    def _encode(self, value: Any) -> Any:  # noqa: ANN401 - anything
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return self._string(value)
        if kind is int:
            return self._integer(value)
        if kind is float:
            return value if value - value == 0 else ["f", repr(value)]
        if kind in LISTED:
            return self._noted(value, [LISTED[kind], *map(self._encode, value)])
        if kind in PAIRED:
            written: list[Any] = [PAIRED[kind]]
            if kind is collections.defaultdict:
                made = value.default_factory
                written.append(next((name for name, known in FACTORIES.items() if known is made), None))
            written += [self._encode(part) for pair in value.items() for part in pair]
            return self._noted(value, written)
        return self._rare(kind, value)

    def _noted(self, value: object, written: list[Any]) -> list[Any]:
        if self._held is not None and type(value) in CHANGEABLE:
            self._held.append(value)
        place = self._places.get(id(value))
        return written if place is None else ["keep", place, written]

    def _string(self, value: str) -> Any:  # noqa: ANN401 - JSON
        self._text += len(value)
        if value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON joins a pair of surrogates to one character
            return ["s", *map(ord, value)]
        return value

    def _integer(self, value: int) -> Any:  # noqa: ANN401 - JSON
        if -(1 << 53) < value < 1 << 53:
            return value
        self._text += value.bit_length() // 4
        return ["n", hex(value)]

    def _rare(self, kind: Any, value: Any) -> Any:  # noqa: ANN401 - anything
        if kind in (bytes, bytearray):
            self._text += len(value)
            return self._noted(value, ["b" if kind is bytes else "B", value.decode("latin-1")])
        if kind is complex:
            return ["c", repr(value.real), repr(value.imag)]
        if kind is range:
            return ["r", *map(self._integer, (value.start, value.stop, value.step))]
        if kind in MADE:
            made = [kind.__name__, *map(self._encode, MADE[kind](value))]
            zone = getattr(value, "tzinfo", None)
            return ["k", *made] if zone is None else ["z", self._zone(zone), value.fold, *made]
        if kind is type and value in vars(builtins).values():
            return ["T", str(value.__name__)]
        if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
            items, fields = [*map(self._encode, tuple.__iter__(value))], [*map(str, kind._fields)]
            return ["N", kind.__name__, fields, *items] if len(fields) == len(items) else ["t", *items]
        if self._keeps and kind is types.GeneratorType:
            return self._special(value)
        if hasattr(kind, "__next__") and hasattr(kind, "__iter__") and kind.__module__ != "solution":
            return self.drained("i", value)
        return self._special(value)

    def _zone(self, zone: datetime.tzinfo) -> Any:  # noqa: ANN401 - JSON
        if type(zone) is datetime.timezone:
            return self._encode(zone.utcoffset(None))
        module = sys.modules.get("zoneinfo")
        key = getattr(zone, "key", None)
        if module is None or type(zone) is not module.ZoneInfo or type(key) is not str:
            raise NotPlain(type(zone).__name__)
        return key

    def drained(self, tag: str, value: Iterator[Any]) -> Any:  # noqa: ANN401 - JSON
        """The items of an iterator behind a tag and whether they are cut off."""
        items: list[Any] = []
        limit = self._text + MAX_DRAINED_TEXT
        for item in value:
            items.append(self._encode(item))
            if len(items) >= MAX_DRAINED or self._text > limit:
                return [tag, True, *items]
        return [tag, False, *items]


def _cut_off(items: list[Any]) -> Iterator[Any]:
    yield from items
    raise NotPlain("an iterator that is longer than can be read")


async def _asynchronous(items: Iterator[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def _zoned(zone: Any, fold: int, value: Any) -> Any:  # noqa: ANN401 - a time, or a date and a time
    if isinstance(zone, str):
        import zoneinfo  # few programs need it

        return value.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=fold)
    return value.replace(tzinfo=datetime.timezone(zone), fold=fold)


#: What comes of reading what no Encoder wrote.
_ODD = (TypeError, ValueError, ArithmeticError, RecursionError, LookupError, AttributeError, OSError)


class Decoder:
    """Reads values.

    Args:
        special: makes something of tags that are not plain, or raises NotPlain.
        named: the class of a named tuple by its name and fields.
        held: gets what can be changed, as an Encoder's.
    """

    def __init__(
        self,
        special: Callable[[list[Any]], Any] = _no_special,
        named: Callable[[str, tuple[str, ...]], Any] = named_tuple,
        held: list[Any] | None = None,
    ) -> None:
        self._special = special
        self._named = named
        self._held = held

    def decode(self, written: Any) -> Any:  # noqa: ANN401 - any value
        """The value.

        Raises:
            NotPlain: this is no value that an Encoder wrote.
        """
        try:
            return self._decode(written)
        except _ODD as error:
            raise NotPlain(type(error).__name__) from error

    def _decode(self, written: Any) -> Any:  # noqa: ANN401 - any value
        if type(written) is not list:
            if type(written) is dict:
                raise NotPlain("object")
            return written
        tag, *rest = written
        if tag in LISTS:
            return self._noted(LISTS[tag]([self._decode(item) for item in rest]))
        if tag == "D":
            factory = FACTORIES[rest[0]] if rest[0] is not None else None
            return self._noted(collections.defaultdict(factory, self._pairs(rest[1:])))
        if tag in PAIRS:
            return self._noted(PAIRS[tag](self._pairs(rest)))
        return self._scalar(tag, rest, written)

    def _pairs(self, rest: list[Any]) -> dict[Any, Any]:
        parts = iter([self._decode(item) for item in rest])
        return dict(zip(parts, parts, strict=True))

    def _noted(self, value: Any) -> Any:  # noqa: ANN401 - any value
        if self._held is not None and type(value) in CHANGEABLE:
            self._held.append(value)
        return value

    def _scalar(self, tag: str, rest: list[Any], written: list[Any]) -> Any:  # noqa: ANN401 - any value
        match tag:
            case "n":
                return int(rest[0], 16)
            case "f":
                return float(rest[0])
            case "s":
                return "".join(map(chr, rest))
            case "b":
                return rest[0].encode("latin-1")
            case "B":
                return self._noted(bytearray(rest[0].encode("latin-1")))
            case "c":
                return complex(float(rest[0]), float(rest[1]))
            case "r":
                return range(*map(self._decode, rest))
            case "k":
                return MAKERS[rest[0]](*map(self._decode, rest[1:]))
            case "T":
                named = getattr(builtins, rest[0])
                if type(named) is type and named.__module__ == "builtins":
                    return named
        return self._made(tag, rest, written)

    def _made(self, tag: str, rest: list[Any], written: list[Any]) -> Any:  # noqa: ANN401 - any value
        match tag:
            case "N":
                made = self._named(rest[0], tuple(rest[1]))._make(map(self._decode, rest[2:]))
                for name in BUILT_IN.intersection(rest[1]):
                    if callable(getattr(made, name)):
                        raise NotPlain(f"{rest[0]} with its own {name}()")
                return made
            case "z":
                return _zoned(self._decode(rest[0]), rest[1], self._decode(["k", *rest[2:]]))
            case "i" | "a":
                items = [self._decode(item) for item in rest[1:]]
                found = _cut_off(items) if rest[0] else iter(items)
                return found if tag == "i" else _asynchronous(found)
        return self._special(written)
