"""The process that holds the tests: it asks the program for values, and is the only one that can tell.

Nothing of the program runs here. Its functions stand as proxies that send arguments and receive values, its
classes as proxies whose instances are numbers. An instance answers method calls, but has no say where values
are compared: `==`, truth and the predicates of built-in types raise.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import signal
import socket
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from datagen.sandbox import wire

_DETAIL = 300
#: Methods of built-in types: an instance of the program's class answers none of them with true or false.
_PREDICATES = frozenset(name for kind in (str, list, dict, set, tuple, int, float, bytes) for name in dir(kind))
_WHY = {b"t": "timeout", b"o": "output", b"k": "killed"}


class TestTimeout(BaseException):
    """The test itself, not the program, used up its time."""


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
        return self._channel is None

    def ask(self, target: int | None, name: str | None, args: Any = None, kwargs: Any = None) -> Any:  # noqa: ANN401
        """What a function, a method or (without `args`) an attribute gives."""
        encode = wire.Encoder(self._special).encode
        called = args is not None
        message = ["call", target, name, encode(list(args)) if called else None, encode(kwargs or {})]
        answer = self._exchange(message)
        while answer[0] == "callback":
            answer = self._exchange(self._called_back(*answer[1:]))
        if answer[0] == "ok":
            return wire.Decoder(self._object).decode(answer[1])
        if answer[0] == "raise":
            raise self._error(*answer[1:])
        raise wire.NotPlain(str(answer[1])[:_DETAIL])

    def _exchange(self, message: object) -> Any:  # noqa: ANN401 - JSON
        if self._channel is None:
            raise Died("killed")
        try:
            wire.send(self._channel, message)
            return wire.receive(self._channel, self._limit)
        except wire.Closed:
            self._channel.close()
            self._channel = None
            self._control.sendall(b"W")
            raise Died(_WHY.get(self._control.recv(1), "killed")) from None

    def _called_back(self, number: int, args: Any, kwargs: Any) -> list[Any]:  # noqa: ANN401 - JSON
        decode = wire.Decoder(self._object).decode
        try:
            result = self._callbacks[number](*decode(args), **decode(kwargs))
            return ["ok", wire.Encoder(self._special).encode(result)]
        except Exception as error:  # what a test's function raises is the program's to handle
            return ["raise", type(error).__name__, str(error)[:_DETAIL]]

    def _special(self, value: Any) -> Any:  # noqa: ANN401 - anything
        if isinstance(value, Instance):
            return ["h", value._number]
        if isinstance(value, type) and issubclass(value, Instance):
            return ["g", value.__name__]
        if isinstance(value, Function):
            return ["g", value.__name__]
        if isinstance(value, Attribute):
            raise wire.NotPlain("method")
        if callable(value):
            self._callbacks.append(value)
            return ["f", len(self._callbacks) - 1]
        raise wire.NotPlain(type(value).__name__)

    def _object(self, written: list[Any]) -> Any:  # noqa: ANN401 - anything
        tag, number, name = written
        if tag != "h" or type(number) is not int:
            raise wire.NotPlain("value")
        if name == "function":
            return Function(self, number, "function")
        if name not in self.classes:
            raise wire.NotPlain(str(name)[:_DETAIL])
        return self.classes[name]._numbered(number)

    def _error(self, name: object, base: object, text: object) -> Exception:
        kind = self.errors.get(str(name)) or getattr(builtins, str(base), None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            return RuntimeError(f"{str(name)[:80]}: {str(text)[:_DETAIL]}")
        try:
            return kind(str(text))
        except TypeError:  # UnicodeDecodeError wants five arguments
            return RuntimeError(f"{str(name)[:80]}: {str(text)[:_DETAIL]}")


class Function:
    """Stands for a function of the program."""

    def __init__(self, program: Program, number: int | None, name: str) -> None:
        self._asked = (program, number)
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number = self._asked
        return program.ask(number, None if number is not None else self.__name__, args, kwargs)

    def __bool__(self) -> bool:
        raise wire.NotPlain("function")

    def __eq__(self, other: object) -> bool:
        raise wire.NotPlain("function")

    def __hash__(self) -> int:
        return id(self)


class Attribute:
    """Stands for a method of an instance until it is called."""

    def __init__(self, program: Program, number: int, name: str) -> None:
        self._asked = (program, number, name)

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number, name = self._asked
        result = program.ask(number, name, args, kwargs)
        if type(result) is bool and name in _PREDICATES:
            raise wire.NotPlain(f"an instance that answers {name}()")
        return result


class _Class(type):
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
        made._number = number
        return made

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        if name.startswith("_"):
            raise AttributeError(name)
        value = self._program.ask(self._number, name)
        return Attribute(self._program, self._number, name) if isinstance(value, Function) else value

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
        raise wire.NotPlain(type(self).__name__)

    def __eq__(self, other: object) -> bool:
        raise wire.NotPlain(type(self).__name__)

    __hash__ = None  # type: ignore[assignment]


def serve(
    request: dict[str, Any], control: socket.socket, channel: socket.socket, tell: Callable[[Any], None]
) -> None:
    """Load the program, run its tests one by one, and tell what came of each."""
    run = Run(request, Program(control, channel, request), tell)
    signal.signal(signal.SIGUSR1, lambda *_: run.interrupt())
    run.all()


class Run:
    """One program with its tests."""

    def __init__(self, request: dict[str, Any], program: Program, tell: Callable[[Any], None]) -> None:
        self._request = request
        self._program = program
        self._tell = tell
        self._restarts = int(request["restarts"])
        self._inside = False
        self._names: dict[str, str] = {}

    def all(self) -> None:
        """Tell `["load", status, detail]`, then `["test", passed, detail]` for each test."""
        loaded = self._loaded()
        self._tell(["load", *loaded])
        if loaded[0] != "loaded":
            return
        for number, test in enumerate(self._request["tests"]):
            detail = self._outcome(f"<test {number + 1}>", test)
            self._tell(["test", not detail, detail])

    def interrupt(self) -> None:
        """Called by the signal of the server: the test used up its time here."""
        if self._inside:
            self._inside = False
            raise TestTimeout

    def _loaded(self) -> tuple[str, str]:
        self._program.begin()
        try:
            word, *rest = self._program.load()
        except (Died, wire.NotPlain, ValueError) as error:
            return "raise", str(error)
        if word == "loaded":
            self._names = {str(name): str(kind) for name, kind in rest[0].items()}
            return "loaded", ""
        name, text = str(rest[0]), str(rest[-1])
        return ("compile_error" if word == "compile_error" else "raise"), _line(name, text)

    def _outcome(self, file: str, test: str) -> str:
        if self._program.begin():
            if not self._restarts:
                return "killed"
            self._restarts -= 1
            status, detail = self._loaded()
            if status != "loaded":
                return detail
        self._inside = True
        try:
            self._attempt(file, test)
        except (TestTimeout, Died) as error:
            return str(error) or "timeout"
        except wire.NotPlain as error:
            return f"not_plain: {error}"
        except MemoryError:
            return "memory"
        except BaseException as error:  # a test may raise anything
            return _line(type(error).__name__, _text(error))
        finally:
            self._inside = False
        return ""

    def _attempt(self, file: str, test: str) -> None:
        setup = self._request["setup"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prepared = [compile(setup, "<setup>", "exec", dont_inherit=True)] if setup else []
            body = compile(test, file, "exec", dont_inherit=True)
            module = types.ModuleType("tests")
            sys.modules["tests"] = module
            module.__dict__.update(self._namespace({name for part in (*prepared, body) for name in _names(part)}))
            for part in (*prepared, body):
                exec(part, module.__dict__)

    def _namespace(self, wanted: set[str]) -> dict[str, Any]:
        """Proxies for names that the tests use; of a built-in's name only where nothing else is used."""
        mine = {name: self._names[name] for name in wanted if name in self._names}
        if any(not hasattr(builtins, name) for name in mine):
            mine = {name: kind for name, kind in mine.items() if not hasattr(builtins, name)}
        made = {name: self._proxy(name, kind) for name, kind in mine.items()}
        missing = wanted - made.keys() - set(dir(builtins))
        return {**made, **_imported(self._request["code"], missing)}

    def _proxy(self, name: str, kind: str) -> object:
        program = self._program
        if kind == "class":
            program.classes[name] = _Class(name, (Instance,), {"_program": program})
            return program.classes[name]
        if kind.startswith("error:"):
            base = getattr(builtins, kind.partition(":")[2], Exception)
            base = base if isinstance(base, type) and issubclass(base, Exception) else Exception
            program.errors[name] = type(name, (base,), {})
            return program.errors[name]
        if kind == "async":
            return _async(Function(program, None, name))
        return Function(program, None, name)


def _async(function: Function) -> Callable[..., Any]:
    async def call(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        return function(*args, **kwargs)

    return call


def _names(code: types.CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _imported(code: str, missing: set[str]) -> dict[str, Any]:
    """What the program imports of the standard library under names that its tests use."""
    if not any(name in code for name in missing):
        return {}
    found: dict[str, Any] = {}
    for node in ast.parse(code).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        node.names = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in missing]
        root = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name if node.names else ""
        if node.names and root.partition(".")[0] in _IMPORTABLE:
            exec(compile(ast.Module([node], []), "<imports>", "exec"), found)
    found.pop("__builtins__", None)
    return found


#: Importing a module of this list does nothing but import it.
_IMPORTABLE = sys.stdlib_module_names - {"antigravity", "this", "idlelib", "turtle", "turtledemo", "__main__"}


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a test's own class
        return ""


def _line(name: str, text: str) -> str:
    """The name of an exception and its text, on one printable line; a failed assert has its name alone."""
    if name == "MemoryError":
        return "memory"
    line = " ".join(f"{name}: {text}".split()) if text else name
    return "".join(c if c.isprintable() else "\ufffd" for c in line)[:_DETAIL]


def teller(descriptor: int) -> Callable[[Any], None]:
    """A function that writes one JSON line to a descriptor."""

    def tell(message: Any) -> None:  # noqa: ANN401 - JSON
        body = json.dumps(message).encode() + b"\n"
        while body:
            body = body[os.write(descriptor, body) :]

    return tell
