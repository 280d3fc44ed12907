"""What stands in the tests for functions, methods, contexts and generators of the program."""

from __future__ import annotations

import datetime
import decimal
import fractions
from collections.abc import Generator
from typing import Any, Protocol

from datagen.sandbox.comparing import State
from datagen.sandbox.kinds import BUILT_IN

#: What has an operator with plain data may have these besides.
DATA = BUILT_IN | {
    name
    for kind in (decimal.Decimal, fractions.Fraction, datetime.datetime, datetime.timedelta)
    for name in dir(kind)
}
#: Methods of built-in types that answer yes or no: of an instance of the program's class they answer nothing.
PREDICATES = frozenset(
    name for name in BUILT_IN if name.startswith("is") or name in ("startswith", "endswith", "__contains__")
)
#: Methods of sets that say how something differs from their argument.
_DIFFERENCES = ("difference", "symmetric_difference")


class Program(Protocol):
    """The program that is asked, as proxies.py has it."""

    fault: str
    unequal: list[tuple[Any, ...]]

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
        """What a function, a method or an attribute gives."""

    def state(self, number: int) -> State:
        """The attributes of an instance."""
        ...

    def refused(self, why: str) -> Exception:
        """What to raise for what is not plain."""
        ...


class Proxy:
    """What stands for an instance of a class of the program."""

    _weighed: bool


class Function:
    """Stands for a function of the program."""

    def __init__(self, program: Program, number: int | None, name: str) -> None:
        self._asked = (program, number)
        self._handle = number
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number = self._asked
        return program.ask(number, None if number is not None else self.__name__, args, kwargs)

    def _changing(self, *args: object, **kwargs: object) -> None:
        """Called where nobody takes the result."""
        program, number = self._asked
        program.ask(number, None if number is not None else self.__name__, args, kwargs, changes=True)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        """What the program keeps with it, such as a count of calls; nothing that plain data has."""
        if name.startswith("_") or name in DATA:
            raise AttributeError(name)
        program, number = self._asked
        if number is not None:
            return program.ask(number, name, guarded=True)
        return program.ask(None, f"{self.__name__}.{name}", guarded=True)

    def __bool__(self) -> bool:
        raise self._asked[0].refused("function")

    def __eq__(self, other: object) -> bool:
        raise self._asked[0].refused("function")

    def __hash__(self) -> int:
        return id(self)


def _documentation(function: Function) -> str | None:
    program, number = function._asked
    text = program.ask(number, "__doc__" if number is not None else f"{function.__name__}.__doc__")
    if text is not None and type(text) is not str:
        raise program.refused("__doc__")
    return text


def _of_cache(name: str) -> Any:  # noqa: ANN401 - a property
    """What functools.cache gives a function besides."""

    def found(function: Function) -> Function:
        program, number = function._asked
        if number is not None:
            raise AttributeError(name)
        return Function(program, None, f"{function.__name__}.{name}")

    return property(found)


for _name in ("cache_clear", "cache_info"):
    setattr(Function, _name, _of_cache(_name))
Function.__doc__ = property(_documentation)  # type: ignore[assignment]  # or each would have that of its class


class Attribute:
    """Stands for a method of an instance until it is called."""

    __doc__ = None  # as of a method without one

    def __init__(self, program: Program, number: int, name: str, *, guarded: bool) -> None:
        self._asked = (program, number, name)
        self._closed = guarded and name in BUILT_IN

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number, name = self._asked
        result = program.ask(number, name, args, kwargs)
        compares = name in _DIFFERENCES and not any(isinstance(arg, Proxy) for arg in args)
        if self._closed or name in PREDICATES or compares:
            raise program.refused(f"an instance that answers {name}()")
        if isinstance(result, Proxy) and name in BUILT_IN and (args or kwargs):
            vars(result).update(_weighed=True)
        return result

    def _changing(self, *args: object, **kwargs: object) -> None:
        """Called where nobody takes the result."""
        program, number, name = self._asked
        program.ask(number, name, args, kwargs, changes=True)


def changing(function: Any) -> Any:  # noqa: ANN401 - anything
    """What to call in the place of a function whose result nobody takes."""
    return function._changing if type(function) in (Function, Attribute) else function


class Context:
    """Stands for what a function with `contextmanager` gives."""

    def __init__(self, program: Program, number: int) -> None:
        self._asked = (program, number)

    def __enter__(self) -> Any:  # noqa: ANN401 - anything
        program, number = self._asked
        return program.ask(number, "__enter__", ())

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        leave(*self._asked, error)


def leave(program: Program, number: int, error: object) -> None:
    """End a `with`: the program hears what was raised, and cannot make it unheard."""
    if error is None:
        program.ask(number, "__exit__", (None, None, None))
    elif isinstance(error, AssertionError):
        program.fault = program.fault or "AssertionError"
    elif isinstance(error, Exception) and not program.fault:
        program.ask(number, "__exit__", (type(error), error, None))


class Steps(Generator[Any, Any, Any]):
    """Stands for a generator of the program that stays there."""

    def __init__(self, program: Program, number: int) -> None:
        self._asked = (program, number)

    def __next__(self) -> Any:  # noqa: ANN401 - anything
        return self._stepped("__next__")

    def send(self, value: Any) -> Any:  # noqa: ANN401 - anything
        """Go on with a value."""
        return self._stepped("send", value)

    def throw(self, kind: Any, value: Any = None, _: Any = None) -> Any:  # noqa: ANN401 - anything
        """Go on with an exception."""
        return self._stepped("throw", kind if value is None else value)

    def close(self) -> None:
        """End it."""
        self._stepped("close")

    def _stepped(self, name: str, *args: object) -> Any:  # noqa: ANN401 - anything
        program, number = self._asked
        return program.ask(number, name, args, steps=True, guarded=True)
