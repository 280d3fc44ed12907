"""The program as its tests see it: functions that ask for values, classes whose instances are numbers.

An instance answers method calls, but has no say where values are compared: `==`, truth and the predicates of
built-in types raise NotPlain.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import operator
import socket
import types
from collections.abc import Callable, Iterator
from typing import Any

from datagen.sandbox import wire

DETAIL = 300
#: Methods of built-in types that answer yes or no: of an instance of the program's class they answer nothing.
_PREDICATES = frozenset(
    name
    for kind in (str, list, dict, set, tuple, int, float, bytes)
    for name in dir(kind)
    if name.startswith("is") or name in ("startswith", "endswith", "__contains__")
)
#: Methods of sets that say how something differs from their argument.
_DIFFERENCES = ("difference", "symmetric_difference")
_BUILT_IN = [value for value in vars(builtins).values() if type(value) is types.BuiltinFunctionType]
#: Functions of a test end early and without a sound where these come to them.
_SILENT = (StopIteration, StopAsyncIteration)
_WHY = {b"t": "timeout", b"o": "output", b"k": "killed"}


class Died(BaseException):
    """The program's process is gone; the message says why."""


class Program:
    """The program as the tests see it, behind a channel.

    Args:
        control: to the server, which starts and ends processes.
        request: what datagen asked for: code, and limits.
    """

    def __init__(self, control: socket.socket, channel: socket.socket, request: dict[str, Any]) -> None:
        self._control = control
        self._channel: socket.socket | None = channel
        self._code = request["code"]
        self._limit = int(request["value_bytes"])
        self._callbacks: list[Callable[..., Any]] = []
        self._asking = 0
        #: Why the test that runs cannot pass, even where it catches what was raised.
        self.fault = ""
        self.errors: dict[str, type[Exception]] = {}
        self.classes: dict[str, type[Instance]] = {}

    def load(self) -> list[Any]:
        """Start the program: `["loaded", names]`, `["compile_error", name, text]` or `["raise", ...]`."""
        if self._channel is None:
            self._control.sendall(b"C")
            word, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
            if word != b"y":
                raise Died("timeout" if word == b"t" else "killed")
            self._channel = socket.socket(fileno=descriptors[0])
        answer = self._exchange({"code": self._code, "value_bytes": self._limit})
        if not isinstance(answer, list):
            raise wire.NotPlain("answer")
        return answer

    def begin(self) -> bool:
        """Tell the server that the next test begins; whether the program has to be loaded anew."""
        self._control.sendall(b"T")
        if self._channel is not None and (self._asking or self._gone(self._channel)):
            self._hang_up(self._channel)
        self._asking, self.fault = 0, ""
        return self._channel is None

    def _gone(self, channel: socket.socket) -> bool:
        try:
            return not channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _hang_up(self, channel: socket.socket) -> bytes:
        """Close the channel of a program that is gone; the server's word why."""
        channel.close()
        self._channel = None
        self._control.sendall(b"W")
        return self._control.recv(1)

    def ask(self, target: int | None, name: str | None, args: Any = None, kwargs: Any = None) -> Any:  # noqa: ANN401
        """What a function, a method or (without `args`) an attribute gives."""
        encode = wire.Encoder(self._special).encode
        called = args is not None
        message = ["call", target, name, encode(list(args)) if called else None, encode(kwargs or {})]
        self._asking += (
            1  # stays above 0 where a test ends in between: the answer that comes then is nobody's
        )
        answer = self._exchange(message)
        while answer[0] == "callback":
            answer = self._exchange(self._called_back(*answer[1:]))
        self._asking -= 1
        if answer[0] == "raise":
            raise self._error(*answer[1:])
        if answer[0] not in ("ok", "awaited"):
            raise self.refused(str(answer[1])[:DETAIL])
        decode = wire.Decoder(self._object).decode
        try:
            result = decode(answer[1])
            if len(answer) > 2 and result is None:
                _update([list(args or ()), kwargs or {}], wire.Decoder(_kept).decode(answer[2]))
        except wire.NotPlain as error:
            raise self.refused(str(error)) from None
        return _done(result) if answer[0] == "awaited" else result

    def refused(self, why: str) -> wire.NotPlain:
        """What to raise for a value that is not plain; the test cannot pass any more."""
        self.fault = self.fault or f"not_plain: {why}"
        return wire.NotPlain(why)

    def _exchange(self, message: object) -> Any:  # noqa: ANN401 - JSON
        if self._channel is None:
            self.fault = self.fault or "killed"
            raise Died("killed")
        try:
            wire.send(self._channel, message)
            return wire.receive(self._channel, self._limit)
        except wire.Closed:
            self.fault = _WHY.get(self._hang_up(self._channel), "killed")
            raise Died(self.fault) from None
        except wire.NotPlain as error:  # what follows is the rest of it
            self._hang_up(self._channel)
            raise self.refused(str(error)) from None

    def _called_back(self, number: int, args: Any, kwargs: Any) -> list[Any]:  # noqa: ANN401 - JSON
        decode = wire.Decoder(self._object).decode
        try:
            result = self._callbacks[number](*decode(args), **decode(kwargs))
            return ["ok", wire.Encoder(self._special).encode(result)]
        except Exception as error:  # what a test's function raises is the program's to handle
            if isinstance(error, AssertionError):  # but not what the test found
                self.fault = self.fault or "AssertionError"
            return ["raise", type(error).__name__, str(error)[:DETAIL]]

    def _special(self, value: Any) -> Any:  # noqa: ANN401 - anything
        if isinstance(value, Instance):
            return ["h", value._number]
        if isinstance(value, type) and issubclass(value, Instance):
            return ["g", value.__name__]
        if isinstance(value, Function):
            return ["g", value.__name__]
        if isinstance(value, Attribute):
            raise wire.NotPlain("method")
        if value is not print and any(value is one for one in _BUILT_IN):  # eval and open must not run here
            return ["u", value.__name__]
        if callable(value):
            self._callbacks.append(value)
            return ["callback", len(self._callbacks) - 1]
        raise wire.NotPlain(type(value).__name__)

    def _object(self, written: list[Any]) -> Any:  # noqa: ANN401 - anything
        tag, number, name, *plain = written
        if tag != "h" or type(number) is not int:
            raise wire.NotPlain("value")
        if name == "function":
            return Function(self, number, "function")
        if name not in self.classes:
            if plain:
                return wire.Decoder(self._object).decode(plain[0])
            raise wire.NotPlain(str(name)[:DETAIL])
        return self.classes[name]._numbered(number)

    def _error(self, name: object, base: object, text: object, args: object = None) -> Exception:
        own = self.errors.get(str(name))
        kind = own or getattr(builtins, str(base), None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)) or issubclass(kind, _SILENT):
            return RuntimeError(f"{str(name)[:80]}: {str(text)[:DETAIL]}")
        for given in (_plain(args), (str(text),)):
            with contextlib.suppress(Exception):  # UnicodeDecodeError wants five arguments
                made = kind(*given)
                if str(made) == text:
                    return made
        return RuntimeError(f"{str(name)[:80]}: {str(text)[:DETAIL]}")


def _plain(args: object) -> tuple[object, ...]:
    """The arguments of an exception."""
    found = wire.Decoder().decode(args)
    return found if type(found) is tuple else ()


_KEPT = object()


def _kept(_: object) -> object:
    """What stands for an object that is not plain, in what a call left of its arguments."""
    return _KEPT


async def _done(result: object) -> object:
    return result


def _update(old: Any, new: Any) -> Any:  # noqa: ANN401 - any value
    """Give lists, dicts and sets of a test what the program left in its copies of them.

    Returns:
        what holds the new value: `old` where it could be changed.
    """
    kind = type(old)
    if new is _KEPT or (isinstance(new, set | dict) and _KEPT in new):
        return old
    if kind is not type(new):
        return new
    if kind in (list, collections.deque, tuple):
        items = [_update(*pair) for pair in zip(old, new, strict=False)]
        items += list(new)[len(items) :]
        if kind is tuple:
            return old if len(old) == len(new) and all(map(operator.is_, items, old)) else tuple(items)
        old.clear()
        old.extend(items)
    elif kind in (dict, collections.OrderedDict, collections.defaultdict, collections.Counter):
        pairs = {key: _update(old[key], value) if key in old else value for key, value in new.items()}
        old.clear()
        old.update(pairs)
    elif kind is set:
        old.clear()
        old.update(new)
    elif kind is bytearray:
        old[:] = new
    else:
        return new
    return old


class Function:
    """Stands for a function of the program."""

    def __init__(self, program: Program, number: int | None, name: str) -> None:
        self._asked = (program, number)
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number = self._asked
        return program.ask(number, None if number is not None else self.__name__, args, kwargs)

    def __bool__(self) -> bool:
        raise self._asked[0].refused("function")

    def __eq__(self, other: object) -> bool:
        raise self._asked[0].refused("function")

    def __hash__(self) -> int:
        return id(self)


class Attribute:
    """Stands for a method of an instance until it is called."""

    def __init__(self, program: Program, number: int, name: str) -> None:
        self._asked = (program, number, name)

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number, name = self._asked
        result = program.ask(number, name, args, kwargs)
        compares = name in _DIFFERENCES and not any(isinstance(arg, Instance) for arg in args)
        if name in _PREDICATES or compares:
            raise program.refused(f"an instance that answers {name}()")
        return result


class ProgramClass(type):
    """Makes classes that stand for those of the program."""

    _program: Program

    def __call__(cls, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        return cls._program.ask(None, cls.__name__, args, kwargs)

    def __getattr__(cls, name: str) -> Any:  # noqa: ANN401 - anything
        if name.startswith("__"):
            raise AttributeError(name)
        path = f"{cls.__name__}.{name}"
        value = cls._program.ask(None, path)
        return Function(cls._program, None, path) if isinstance(value, Function) else value


class Instance:
    """Stands for an instance of a class of the program."""

    _program: Program
    _number: int

    @classmethod
    def _numbered(cls, number: int) -> Instance:
        made = object.__new__(cls)
        object.__setattr__(made, "_number", number)
        return made

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        if name.startswith("_"):
            raise AttributeError(name)
        value = self._program.ask(self._number, name)
        return Attribute(self._program, self._number, name) if isinstance(value, Function) else value

    def __setattr__(self, name: str, value: object) -> None:
        self._program.ask(self._number, "__setattr__", (name, value))

    def __delattr__(self, name: str) -> None:
        self._program.ask(self._number, "__delattr__", (name,))

    def __len__(self) -> int:
        return int(self._program.ask(self._number, "__len__", ()))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._program.ask(self._number, "__iter__", ()))

    def __getitem__(self, key: object) -> Any:  # noqa: ANN401 - anything
        return self._program.ask(self._number, "__getitem__", (key,))

    def __setitem__(self, key: object, value: object) -> None:
        self._program.ask(self._number, "__setitem__", (key, value))

    def __str__(self) -> str:
        return str(self._program.ask(self._number, "__str__", ()))

    def __repr__(self) -> str:
        return str(self._program.ask(self._number, "__repr__", ()))

    def __bool__(self) -> bool:
        raise self._program.refused(type(self).__name__)

    def __eq__(self, other: object) -> bool:
        raise self._program.refused(type(self).__name__)

    __hash__ = None  # type: ignore[assignment]
