"""The program as its tests see it: something to ask for values, which may be objects (instances.py)."""

from __future__ import annotations

import builtins
import collections
import contextlib
import socket
import types
from collections.abc import Callable
from functools import partial
from typing import Any

from datagen.sandbox import wire
from datagen.sandbox.classes import Member, ProgramClass
from datagen.sandbox.comparing import STATE, State, state_of
from datagen.sandbox.functions import Attribute, Context, Function, Steps
from datagen.sandbox.instances import Instance
from datagen.sandbox.kinds import CHANGEABLE

DETAIL = 300
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
        channel: to the process that has the program.
        request: what datagen asked for: code, and limits.
        resident: whether that process has other programs before and afterwards, and may refuse this one.
    """

    def __init__(
        self,
        control: socket.socket,
        channel: socket.socket | None,
        request: dict[str, Any],
        *,
        resident: bool = False,
    ) -> None:
        self._control = control
        self._channel = channel
        self._resident = channel if resident else None
        self._code = request["code"]
        self._begins = request["begins"]
        self._limit = int(request["value_bytes"])
        self._callbacks: list[Callable[..., Any]] = []
        self._asking = 0
        #: Whether generators of the program stay there.
        self.keeps_generators = False
        #: Why the test that runs cannot pass, even where it catches what was raised.
        self.fault = ""
        #: What the program has heard in this test because something was compared with it, and was not equal.
        self.unequal: list[tuple[Any, ...]] = []
        self.errors: dict[str, type[Exception]] = {}
        self.classes: dict[str, Any] = {}
        self._others: dict[str, Any] = {}
        self._instances: dict[int, Any] = {}  # of classes that the test names, by number

    def load(self) -> list[Any]:
        """Start the program: `["loaded", names]`, `["compile_error", name, text]` or `["raise", ...]`."""
        if self._channel is None:
            self._channel = self._another(b"C")
        message = {"code": self._code, "value_bytes": self._limit, "begins": self._begins}
        answer = self._exchange(message)
        if answer == ["refused"] and self._channel is self._resident:
            self._channel = self._another(b"F")
            answer = self._exchange(message)
        if not isinstance(answer, list):
            raise wire.NotPlain("answer")
        return answer

    def _another(self, why: bytes) -> socket.socket:
        """A channel to a process that has had no program."""
        self._control.sendall(why)
        word, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if word != b"y":
            raise Died("timeout" if word == b"t" else "killed")
        return socket.socket(fileno=descriptors[0])

    def begin(self) -> bool:
        """Prepare for the next test; whether the program has to be loaded anew, in a time of its own."""
        if self._channel is not None and (self._asking or self._gone(self._channel)):
            self._hang_up(self._channel)
        if self._channel is None:
            self._control.sendall(b"T")
        self._asking, self.fault = 0, ""
        self._instances.clear()
        self.unequal.clear()
        return self._channel is None

    def close(self) -> socket.socket | None:
        """Hang up for good, but for the resident: the channel to it, unless it is gone.

        A resident whose last answer nobody has taken is ended too: the next program would get it.
        """
        if self._channel is not None and self._channel is self._resident and self._asking:
            self._hang_up(self._channel)
        elif self._channel is not None and self._channel is not self._resident:
            self._channel.close()
        self._channel = None
        return self._resident

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
        if channel is self._resident:
            self._resident = None
        self._control.sendall(b"W")
        return self._control.recv(1)

    def ask(
        self,
        target: int | None,
        name: str | None,
        args: Any = None,  # noqa: ANN401
        kwargs: Any = None,  # noqa: ANN401
        *,
        steps: bool = False,
        guarded: bool = False,
        changes: bool = False,
    ) -> Any:  # noqa: ANN401
        """What a function, a method or (without `args`) an attribute gives.

        Args:
            target: the number of the object that is asked; None for a top-level name.
            name: of what is asked for.
            args: of a call.
            kwargs: of a call.
            steps: whether StopIteration ends an iteration.
            guarded: whether the object that is asked may stand for plain data, and so what it gives.
            changes: whether nobody takes the result, so that arguments hold what the program left in them.
        """
        held: list[object] = []

        def special(value: object) -> Any:  # noqa: ANN401 - JSON
            held.append(value)
            return self._special(value)

        encode = wire.Encoder(special, held=held).encode
        called = args is not None
        message = ["call", target, name, encode(list(args)) if called else None, encode(kwargs or {})]
        message += ["c" * changes + "g" * self.keeps_generators]
        answer = self._answered(message)
        if answer[0] == "raise":
            if steps and answer[1] == "StopIteration":
                raise StopIteration
            raise self._error(*answer[1:])
        if answer[0] not in ("ok", "awaited"):
            raise self.refused(str(answer[1])[:DETAIL])
        known = not guarded and (target is not None or str(name).partition(".")[0] in self.classes)

        def found(written: list[Any]) -> Any:  # noqa: ANN401 - anything
            match written:
                case ["keep"]:
                    return object()  # it is equal to nothing
                case ["keep", int(place)]:
                    return held[place]
                case ["keep", int(place), inner]:
                    return _updated(held[place], changed(inner))
            return self._object(written, known=known)

        changed = wire.Decoder(found).decode
        try:
            result = wire.Decoder(partial(self._object, known=known)).decode(answer[1])
            if len(answer) > 2 and (changes or result is None):
                changed(answer[2])
        except wire.NotPlain as error:
            raise self.refused(str(error)) from None
        return _done(result) if answer[0] == "awaited" else result

    def _answered(self, message: object) -> Any:  # noqa: ANN401 - JSON
        """The answer to a call; what it calls back is answered in between."""
        # It stays above 0 where a test ends in between: the answer that comes then is nobody's.
        self._asking += 1
        answer = self._exchange(message)
        while answer[0] == "callback":
            answer = self._exchange(self._called_back(*answer[1:]))
        self._asking -= 1
        return answer

    def state(self, number: int) -> State:
        """The attributes of an instance, as the program's process shows them.

        Raises:
            NotPlain: they are not plain.
        """
        answer = self._answered(["call", number, STATE, None, ["d"], ""])
        if answer[0] != "ok" or not isinstance(answer[1], list):
            raise self.refused(str(answer[1])[:DETAIL])
        try:
            return state_of(answer[1])
        except wire.NotPlain as error:
            raise self.refused(str(error)) from None

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
            return wire.receive_only(self._channel, self._limit)
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
            number = value._made()
            vars(value).update(_passed=True)
            return ["h", number]
        if isinstance(value, Member):
            return ["g", value._path]
        if isinstance(value, ProgramClass | Function):
            return ["g", value.__name__] if getattr(value, "_handle", None) is None else ["h", value._handle]
        if type(value) is slice:
            return ["slice", [value.start, value.stop, value.step]]
        if isinstance(value, Steps):
            return ["h", value._asked[1]]
        if isinstance(value, Attribute):
            raise wire.NotPlain("method")
        if isinstance(value, Exception):
            return ["x", [type(value).__name__, str(value)[:DETAIL]]]
        if isinstance(value, type) and value in self.errors.values():
            return ["g", value.__name__]
        if value is not print and any(value is one for one in _BUILT_IN):  # eval and open must not run here
            return ["u", value.__name__]
        if callable(value):
            self._callbacks.append(value)
            return ["callback", len(self._callbacks) - 1]
        raise wire.NotPlain(type(value).__name__)

    def _object(self, written: list[Any], *, known: bool = False) -> Any:  # noqa: ANN401 - anything
        """Something of the program's that is not plain.

        Args:
            written: what came.
            known: whether an object gave it. What a function gives may stand for plain data, so methods that
                plain data have are closed there.
        """
        tag, number, name, *plain = written
        if tag == "E" and isinstance(number, str) and isinstance(name, str):
            if number not in self.classes and plain:
                return wire.Decoder().decode(plain[0])
            return self._class(number, Member)._member(name)
        if tag != "h" or type(number) is not int or type(name) is not str:
            raise wire.NotPlain("value")
        if name == "function":
            return Function(self, number, "function")
        if name == "context":
            return Context(self, number)
        if name == "generator":
            return Steps(self, number)
        if name not in self.classes and plain:
            return wire.Decoder(partial(self._object, known=known)).decode(plain[0])
        kind = self._class(name, Instance)
        if name not in self.classes:
            return kind._numbered(number, guarded=not known)
        found: Any = self._instances.get(number)
        if type(found) is not kind:
            found = self._instances[number] = kind._numbered(number)
        else:
            vars(found).update(_fresh=False, _back=found._back or not found._passed)
        return found

    def _class(self, name: str, base: type) -> Any:  # noqa: ANN401 - a class
        """The class that stands for a class of the program's; of one that no test names, it is made here."""
        found = self.classes.get(name) or self._others.get(name)
        if found is None:
            found = self._others[name] = ProgramClass(
                name, (base,), {"_program": self, "__module__": "solution"}
            )
        if not issubclass(found, base):
            raise wire.NotPlain(name[:DETAIL])
        return found

    def _error(
        self,
        name: object,
        base: object,
        text: object,
        args: object = None,
        others: Any = (),  # noqa: ANN401 - names
        attributes: Any = None,  # noqa: ANN401 - JSON by name
    ) -> Exception:
        known = (self.errors.get(str(one)) for one in (name, *others))
        own = next((kind for kind in known if kind), None)
        kind = own or getattr(builtins, str(base), None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)) or issubclass(kind, _SILENT):
            return RuntimeError(f"{str(name)[:80]}: {str(text)[:DETAIL]}")
        for given in (_plain(args), (str(text),)):
            with contextlib.suppress(Exception):  # UnicodeDecodeError wants five arguments
                made = kind(*given)
                if str(made) == text:
                    if own is not None:
                        decoded = {key: wire.Decoder().decode(value) for key, value in attributes.items()}
                        made.__dict__.update(decoded)
                    return made
        return RuntimeError(f"{str(name)[:80]}: {str(text)[:DETAIL]}")


def _plain(args: object) -> tuple[object, ...]:
    """The arguments of an exception."""
    found = wire.Decoder().decode(args)
    return found if type(found) is tuple else ()


async def _done(result: object) -> object:
    return result


def _updated(old: Any, new: Any) -> Any:  # noqa: ANN401 - any value
    """What an argument of a test is after a call: `old`, holding what the program left in its copy."""
    kind = type(old)
    if kind is not type(new):
        return new
    if kind in (list, collections.deque):
        old.clear()
        old.extend(new)
    elif kind is bytearray:
        old[:] = new
    elif kind in CHANGEABLE:
        old.clear()
        old.update(new)
    return old
