"""The process that holds the program, and nothing else: no tests, no way to a verdict.

Whatever the program does to this process, all that leaves it are frames with values (wire.py).
"""

from __future__ import annotations

import _thread
import builtins
import functools
import socket
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

from datagen.sandbox import wire

#: No program has more top-level names that a test could mean.
MAX_NAMES = 100_000
_TEXT = 2_000
_COROUTINE = 0x80  # CO_COROUTINE of a code object
#: How a value of a class that is derived from a built-in one is read as a value of that one.
_PLAIN: dict[type, Callable[[Any], Any]] = {
    int: int.__pos__,
    float: float.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__add__(b"", value),
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}


def serve(channel: socket.socket) -> None:
    """Load the program that comes first, then answer calls until nobody asks any more."""
    first = wire.receive(channel, 1 << 31)
    _Program(channel, first["value_bytes"]).serve(first["code"])


class _Program:
    """A loaded program, its objects that tests know by number, and the channel to the tests."""

    def __init__(self, channel: socket.socket, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        self._objects: list[Any] = []
        self._turn = _thread.RLock()
        self._module = types.ModuleType("solution")

    def serve(self, code: str) -> None:
        wire.send(self._channel, self._load(code))
        while True:
            self._answer(*wire.receive(self._channel, self._limit)[1:])

    def _load(self, code: str) -> list[Any]:
        sys.modules["solution"] = self._module
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                code = code.removeprefix("\ufeff")  # as in a file
                compiled = compile(code, "<solution>", "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
                return ["compile_error", type(error).__name__, _text(error)]
        try:
            exec(compiled, self._module.__dict__)
        except BaseException as error:  # the program may raise anything
            return ["raise", *_described(error)]
        names = list(self._module.__dict__.items())[:MAX_NAMES]
        return ["loaded", {name: kind for name, value in names if (kind := _kind(value))}]

    def _answer(self, target: int | None, name: str | None, args: Any, kwargs: Any) -> None:  # noqa: ANN401
        try:
            answer = self._result(target, name, args, kwargs)
        except wire.Closed:
            raise
        except wire.NotPlain as error:
            answer = ["not_plain", _text(error)]
        except BaseException as error:  # the program may raise anything
            answer = ["raise", *_described(error), _arguments(error)]
        wire.send(self._channel, answer)

    def _result(self, target: int | None, name: str | None, args: Any, kwargs: Any) -> list[Any]:  # noqa: ANN401
        """Of a call, or of an attribute when `args` is null; what a call changes follows if it gives None."""
        encode = wire.Encoder(self._special).encode
        it = self._named(name or "") if target is None else self._objects[target]
        if target is not None and name is not None:
            it = getattr(it, name)
        if args is None:
            return ["ok", encode(it)]
        decode = wire.Decoder(self._object).decode
        given, named = decode(args), decode(kwargs)
        result = it(*given, **named)
        if isinstance(result, types.CoroutineType):
            return ["awaited", encode(_waited(result))]
        if result is None and (after := _changed(given, named, [args, kwargs])) is not None:
            return ["ok", None, after]
        return ["ok", encode(result)]

    def _named(self, path: str) -> Any:  # noqa: ANN401 - anything
        """A top-level name, or what it has under a dotted path."""
        it: Any = self._module
        for part in path.split("."):
            it = getattr(it, part)
        return it

    def _special(self, value: Any) -> Any:  # noqa: ANN401 - anything
        """A number for what is not plain; what is a str of a class of its own tells the text, too."""
        kind = type(value)
        base = next((base for base in _PLAIN if issubclass(kind, base)), None)
        plain = [] if base is None else [wire.Encoder(self._special).encode(_PLAIN[base](value))]
        name = "function" if callable(value) and not isinstance(value, type) else kind.__name__
        if name != "function" and self._module.__dict__.get(name) is not kind:
            if plain:
                return plain[0]
            raise wire.NotPlain(kind.__name__)
        self._objects.append(value)
        return ["h", len(self._objects) - 1, kind.__name__ if name != "function" else name, *plain]

    def _object(self, written: list[Any]) -> Any:  # noqa: ANN401 - anything
        tag, number = written
        if tag == "h":
            return self._objects[number]
        if tag == "g":
            return self._named(number)
        if tag == "u":
            return getattr(builtins, number)
        if tag == "callback":
            return self._callback(number)
        raise wire.NotPlain(str(tag))

    def _callback(self, number: int) -> Callable[..., Any]:
        """A function of the tests that was given as an argument."""

        def call(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
            encode = wire.Encoder(self._special).encode
            message = ["callback", number, encode(args), encode(kwargs)]
            with self._turn:
                wire.send(self._channel, message)
                word, *rest = wire.receive(self._channel, self._limit)
                while word == "call":  # the test's function calls the program in its turn
                    self._answer(*rest)
                    word, *rest = wire.receive(self._channel, self._limit)
            if word == "ok":
                return wire.Decoder(self._object).decode(rest[0])
            raise _raised(rest[0])(rest[1])

        return call


def _changed(args: list[Any], kwargs: dict[str, Any], before: list[Any]) -> Any:  # noqa: ANN401 - JSON
    """The arguments as a call left them, where that differs; None where they cannot be written."""
    try:
        after = wire.Encoder(lambda _: ["keep"]).encode([args, kwargs])
    except Exception:  # one may hold itself
        return None
    return after if after != ["l", *before] else None


def _raised(name: str) -> type[Exception]:
    kind = getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError


def _waited(coroutine: Any) -> Any:  # noqa: ANN401 - anything
    import asyncio  # few programs need it, and it is large

    return asyncio.run(coroutine)


def _kind(value: object) -> str:
    """What a top-level name is to the tests: "function", "async", "class", "error:Base", or ""."""
    if isinstance(value, type):
        if not issubclass(value, BaseException):
            return "class"
        return "error:" + next(base.__name__ for base in value.__mro__ if base.__module__ == "builtins")
    if isinstance(value, types.ModuleType):
        return ""
    try:
        return "" if not callable(value) else "async" if _is_async(value) else "function"
    except BaseException:  # its class is the program's
        return ""


def _is_async(value: object) -> bool:
    """Whether it is a coroutine function; `inspect` knows it too, but would make each process larger."""
    while isinstance(value, functools.partial):
        value = value.func
    if isinstance(value, types.MethodType):
        value = value.__func__
    return isinstance(value, types.FunctionType) and bool(value.__code__.co_flags & _COROUTINE)


def _described(error: BaseException) -> tuple[str, str, str]:
    """The name of its class, of the built-in class that it is, and its text."""
    kind = type(error)
    base = next((base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"), "Exception")
    return kind.__name__, base, _text(error)


def _arguments(error: BaseException) -> Any:  # noqa: ANN401 - JSON
    try:
        return wire.Encoder().encode(tuple(error.args))
    except BaseException:  # its class is the program's
        return None


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT]
    except BaseException:  # its class is the program's
        return ""
