"""The process that holds the program, and nothing else: no tests, no way to a verdict.

Whatever the program does to this process, all that leaves it are frames with values (wire.py).
"""

from __future__ import annotations

import _thread
import builtins
import contextlib
import enum
import functools
import socket
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

from datagen.sandbox import comparing, kinds, shown, wire
from datagen.sandbox.resident import Resident

#: No program has more top-level names that a test could mean.
MAX_NAMES = 100_000
_TEXT = 2_000
_COROUTINE = 0x80  # CO_COROUTINE of a code object


def serve(channel: socket.socket, resident: Resident | None = None) -> None:
    """Load the program that comes first, then answer calls until nobody asks any more.

    Args:
        channel: to the tests.
        resident: lets others follow that program; None for one program.
    """
    from datagen.sandbox import deterministic  # as for the checker

    message = wire.receive_only(channel, 1 << 31)
    while resident is None or resident.ready():
        deterministic.begin(message["begins"])
        message = _Program(channel, message["value_bytes"], resident).serve(message["code"])


class _Program:
    """A loaded program, its objects that tests know by number, and the channel to the tests."""

    def __init__(self, channel: socket.socket, limit: int, resident: Resident | None) -> None:
        self._channel = channel
        self._limit = limit
        self._resident = resident
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}  # by `id`
        self._turn = _thread.RLock()
        self._module = types.ModuleType("solution")
        self._over = False  # whether another program has the channel

    def serve(self, code: str) -> Any:  # noqa: ANN401 - JSON
        """Answer calls; the message with the program that follows."""
        wire.send(self._channel, self._load(code))
        while type(message := wire.receive_only(self._channel, self._limit)) is list:
            self._answer(*message[1:])
        self._over = True
        return message

    def _load(self, code: str) -> list[Any]:
        sys.modules["solution"] = self._module
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                code = code.removeprefix("\ufeff")  # as in a file
                compiled = compile(code, "<solution>", "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
                if self._resident:
                    return ["refused"]
                return ["compile_error", type(error).__name__, _text(error)]
        if self._resident and not self._resident.admits(compiled):
            return ["refused"]
        try:
            exec(compiled, self._module.__dict__)
        except BaseException as error:  # the program may raise anything
            return ["raise", *_described(error)]
        names = list(self._module.__dict__.items())[:MAX_NAMES]
        return ["loaded", {name: kind for name, value in names if (kind := _safely_kind(name, value))}]

    def _answer(self, target: int | None, name: str | None, args: Any, kwargs: Any, how: str = "") -> None:  # noqa: ANN401
        try:
            answer = self._result(target, name, args, kwargs, how)
        except wire.Closed:
            raise
        except wire.NotPlain as error:
            answer = ["not_plain", _text(error)]
        except BaseException as error:  # the program may raise anything
            answer = ["raise", *_described(error), _arguments(error), *_more(error)]
        wire.send(self._channel, answer)

    def _result(self, target: int | None, name: str | None, args: Any, kwargs: Any, how: str) -> list[Any]:  # noqa: ANN401
        """Of a call, or of an attribute when `args` is null; what a call changes follows if it gives None.

        With `c` in `how`, what a call changes follows whatever it gives; with `g` generators stay here.
        """
        encode = wire.Encoder(self._special, keeps="g" in how).encode
        it = self._named(name or "") if target is None else self._objects[target]
        if name == comparing.STATE:
            return ["ok", shown.state(it, self._is_own)]
        if name in shown.ASKED:
            it = functools.partial(shown.ASKED[name], it)
        elif target is not None and name is not None:
            it = getattr(it, name)
        if args is None:
            return ["ok", encode(it)]
        held: list[Any] = []
        handles: dict[int, Any] = {}

        def found(written: list[Any]) -> Any:  # noqa: ANN401 - anything
            handles[len(held)] = written
            held.append(self._object(written))
            return held[-1]

        decode = wire.Decoder(found, self._named_tuple, held).decode
        given, named = decode(args), decode(kwargs)
        result = it(*given, **named)
        if isinstance(result, types.CoroutineType):
            return ["awaited", encode(_waited(result))]
        after = None
        if result is None or "c" in how:
            after = self._changed([given, named], held, ["l", args, kwargs], handles)
        if after is not None:
            return ["ok", encode(result), after]
        return ["ok", encode(result)]

    def _changed(self, args: list[Any], held: list[Any], before: Any, handles: dict[int, Any]) -> Any:  # noqa: ANN401 - JSON
        """What the tests gave, as a call left it; None where that is the same, or cannot be written.

        Args:
            args: the arguments by place and those by name.
            held: what in them can be changed or is not plain, told by its place there.
            before: what the tests wrote.
            handles: what stands in it for objects, by their place.
        """
        if len(held) == len(args):  # these alone
            return None
        places = {id(one): place for place, one in reversed([*enumerate(held)])}

        def special(value: object) -> Any:  # noqa: ANN401 - JSON
            if id(value) in places:
                return ["keep", places[id(value)]]
            try:
                return self._special(value)
            except wire.NotPlain:
                return ["keep"]

        try:
            after = wire.Encoder(special, places=places).encode(args)
            return after if _without_places(after, handles) != before else None
        except Exception:  # one may hold itself
            return None

    def _named(self, path: str) -> Any:  # noqa: ANN401 - anything
        """A top-level name, or what it has under a dotted path."""
        it: Any = self._module
        for part in path.split("."):
            it = getattr(it, part)
        return it

    def _special(self, value: Any) -> Any:  # noqa: ANN401 - anything
        """A number for what is not plain; what is a str of a class of its own tells the text, too."""
        kind = type(value)
        base = next((base for base in shown.PLAIN if issubclass(kind, base)), None)
        plain = [] if base is None else [wire.Encoder(self._special).encode(shown.PLAIN[base](value))]
        own = self._is_own(kind)
        if plain and not own:
            return plain[0]
        if isinstance(value, enum.Enum) and own:
            return ["E", kind.__name__, value.name, *plain]
        if isinstance(value, types.AsyncGeneratorType):
            return wire.Encoder(self._special).drained("a", iter(_waited(_listed(value))))
        name = kind.__name__
        if not own:
            manages = isinstance(value, contextlib._GeneratorContextManager)
            steps = kind is types.GeneratorType
            if not manages and not steps and (not callable(value) or isinstance(value, type)):
                raise wire.NotPlain(name)
            name = "context" if manages else "generator" if steps else "function"
        number = self._numbers.setdefault(id(value), len(self._objects))
        if number == len(self._objects):
            self._objects.append(value)
        return ["h", number, name, *plain]

    def _is_own(self, kind: type) -> bool:
        """Whether a class is the program's."""
        return kind.__module__ == "solution" or self._module.__dict__.get(kind.__name__) is kind

    def _named_tuple(self, name: str, fields: tuple[str, ...]) -> Any:  # noqa: ANN401 - a class
        """The program's own class for a named tuple of the tests, if it has one."""
        own = self._module.__dict__.get(name)
        is_one = isinstance(own, type) and issubclass(own, tuple) and getattr(own, "_fields", None) == fields
        return own if is_one else wire.named_tuple(name, fields)

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
        if tag == "x":
            return self._exception(*number)
        if tag == "slice":
            return slice(*number)
        raise wire.NotPlain(str(tag))

    def _callback(self, number: int) -> Callable[..., Any]:
        """A function of the tests that was given as an argument."""

        def call(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
            if self._over:  # such as in a generator that is closed late
                raise RuntimeError("the tests have ended")
            encode = wire.Encoder(self._special).encode
            message = ["callback", number, encode(args), encode(kwargs)]
            with self._turn:
                wire.send(self._channel, message)
                word, *rest = wire.receive_only(self._channel, self._limit)
                while word == "call":  # the test's function calls the program in its turn
                    self._answer(*rest)
                    word, *rest = wire.receive_only(self._channel, self._limit)
            if word == "ok":
                return wire.Decoder(self._object).decode(rest[0])
            raise self._exception(*rest)

        return call

    def _exception(self, name: str, text: str) -> BaseException:
        """An exception that the tests raised, of the program's class or a built-in one of that name."""
        for kind in (self._module.__dict__.get(name), getattr(builtins, name, None)):
            if isinstance(kind, type) and issubclass(kind, Exception):
                with contextlib.suppress(Exception):  # its class may want other arguments
                    return kind(text)
        return RuntimeError(text)


def _without_places(written: Any, handles: dict[int, Any]) -> Any:  # noqa: ANN401 - JSON
    """Arguments as the tests would write them: `handles` are what stood for objects, by place."""
    match written:
        case ["keep", int(place)]:
            return handles[place]
        case ["keep", int(), inner]:
            return _without_places(inner, handles)
        case [*parts]:
            return [_without_places(part, handles) for part in parts]
    return written


def _waited(coroutine: Any) -> Any:  # noqa: ANN401 - anything
    import asyncio  # few programs need it, and it is large

    return asyncio.run(coroutine)


async def _listed(items: Any) -> list[Any]:  # noqa: ANN401 - an asynchronous generator
    found = []
    async for item in items:
        found.append(item)
        if len(found) > wire.MAX_DRAINED:
            break
    return found


#: What of a program's constants its tests may name.
_CONSTANTS = frozenset((int, float, complex, str, bytes, bool, list, tuple, dict, set, frozenset))


def _safely_kind(name: str, value: object) -> list[Any] | None:
    try:
        return _kind(name, value)
    except BaseException:  # its class is the program's
        return None


def _kind(name: str, value: Any) -> list[Any] | None:  # noqa: ANN401 - anything
    """What a top-level name is to the tests: a word, and of a class what they need to make one like it."""
    if isinstance(value, type):
        bases = [base.__name__ for base in value.__mro__[1:] if base.__module__ == "solution"]
        if issubclass(value, BaseException):
            known = next(base.__name__ for base in value.__mro__ if base.__module__ == "builtins")
            return ["error", bases, known]
        return ["library", [], []] if value in kinds.DATA else [*_data(value), bases]
    if isinstance(value, types.ModuleType):
        return None
    if type(value) in _CONSTANTS:
        return None if name.startswith("__") else ["value"]
    if not callable(value):
        return None
    return ["async"] if _is_async(value) else ["function"]


def _data(kind: Any) -> list[Any]:  # noqa: ANN401 - a class
    """The word for a class, and its fields where these are all that there is to its values."""
    if issubclass(kind, enum.Enum):
        base = next((base for base in (int, str) if issubclass(kind, base)), None)
        if base is None or issubclass(kind, enum.Flag):
            return ["enum", list(kind.__members__), None]
        return ["enum", list(kind.__members__), [shown.PLAIN[base](one) for one in kind.__members__.values()]]
    if issubclass(kind, tuple) and (fields := getattr(kind, "_fields", None)):
        extra = [n for n in vars(kind) if not n.startswith("_") and n not in fields]
        if not extra and kind.__eq__ is tuple.__eq__ and "__init__" not in vars(kind):
            return ["named", list(fields), wire.Encoder().encode(kind._field_defaults)]
        return ["record", []]
    if "__dataclass_fields__" in vars(kind) and _is_generated(kind):
        import dataclasses  # the program has loaded it

        fields = dataclasses.fields(kind)
        if all(field.init and field.compare and not field.kw_only for field in fields):
            missing = dataclasses.MISSING
            free = [f.name for f in fields if (f.default, f.default_factory) != (missing, missing)]
            return ["data", [field.name for field in fields], free]
    return ["class", []]


def _is_generated(kind: Any) -> bool:  # noqa: ANN401 - a class
    """Whether a data class has no way of its own to make or compare its values."""
    wanted = kind.__dataclass_params__
    made = all(kind.__dict__[name].__code__.co_filename == "<string>" for name in ("__init__", "__eq__"))
    return bool(wanted.init and wanted.eq and made and not hasattr(kind, "__post_init__"))


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


def _more(error: BaseException) -> list[Any]:
    """Names of the program's classes that an error belongs to besides its own, and its attributes."""
    found: dict[str, Any] = {}
    try:
        names = [base.__name__ for base in type(error).__mro__[1:] if base.__module__ == "solution"]
        for name, value in list(error.__dict__.items()):
            with contextlib.suppress(Exception):  # what is not plain stays here
                if type(name) is str and not name.startswith("_"):
                    found[name] = wire.Encoder().encode(value)
    except BaseException:  # its class is the program's
        return [[], {}]
    return [names, found]


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT]
    except BaseException:  # its class is the program's
        return ""
