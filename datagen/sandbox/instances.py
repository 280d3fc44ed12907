"""What stands in the tests for functions, classes and objects of the program.

They answer calls, but have no say where values are compared: `==` with data, truth and the predicates of
built-in types raise NotPlain. Where objects can be compared, one side is what the test itself wrote.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, Protocol

_PLAIN = (str, list, dict, set, tuple, range, int, float, bytes, bytearray, complex)
_BUILT_IN = frozenset(name for kind in _PLAIN for name in dir(kind))
#: What has an operator with plain data may have these besides.
_DATA = _BUILT_IN | {
    name
    for kind in (decimal.Decimal, fractions.Fraction, datetime.datetime, datetime.timedelta)
    for name in dir(kind)
}
#: Methods of built-in types that answer yes or no: of an instance of the program's class they answer nothing.
_PREDICATES = frozenset(
    name for name in _BUILT_IN if name.startswith("is") or name in ("startswith", "endswith", "__contains__")
)
#: Methods of sets that say how something differs from their argument.
_DIFFERENCES = ("difference", "symmetric_difference")


class Program(Protocol):
    """The program that is asked, as proxies.py has it."""

    fault: str

    def ask(
        self,
        target: int | None,
        name: str | None,
        args: Any = None,  # noqa: ANN401
        kwargs: Any = None,  # noqa: ANN401
        *,
        steps: bool = False,
        guarded: bool = False,
    ) -> Any:  # noqa: ANN401
        """What a function, a method or an attribute gives."""

    def refused(self, why: str) -> Exception:
        """What to raise for what is not plain."""
        ...


class Function:
    """Stands for a function of the program."""

    def __init__(self, program: Program, number: int | None, name: str) -> None:
        self._asked = (program, number)
        self._handle = number
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number = self._asked
        return program.ask(number, None if number is not None else self.__name__, args, kwargs)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        """What the program keeps with it, such as a count of calls; nothing that plain data has."""
        if name.startswith("_") or name in _DATA:
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
        self._closed = guarded and name in _BUILT_IN

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        program, number, name = self._asked
        result = program.ask(number, name, args, kwargs)
        compares = name in _DIFFERENCES and not any(isinstance(arg, Instance) for arg in args)
        if self._closed or name in _PREDICATES or compares:
            raise program.refused(f"an instance that answers {name}()")
        return result


class ProgramClass(type):
    """Makes classes that stand for those of the program."""

    _program: Program
    #: Fields of a data class whose values are made and compared as its fields are; None for any other class.
    _fields: Sequence[str] | None = None
    #: Those that need not be given.
    _free: Sequence[str] = ()

    def __call__(cls, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        if cls._fields is not None and (given := _bound(cls._fields, cls._free, args, kwargs)) is not None:
            return cls._given_by_test(given)
        return cls._program.ask(None, cls.__name__, args, kwargs)

    def __getattr__(cls, name: str) -> Any:  # noqa: ANN401 - anything
        if name.startswith("__"):
            raise AttributeError(name)
        path = f"{cls.__name__}.{name}"
        if issubclass(cls, Member) and name in cls._members:
            return cls._member(name)
        value = cls._program.ask(None, path)
        if isinstance(value, Member) and value._path != path:  # the test means what it writes
            raise cls._program.refused(path)
        return Function(cls._program, None, path) if isinstance(value, Function) else value

    def __getitem__(cls, name: Any) -> Any:  # noqa: ANN401 - a member, or the class of `Stack[int]`
        if all(isinstance(one, type) for one in (name if name and isinstance(name, tuple) else (name,))):
            return cls
        if not issubclass(cls, Member) or name not in cls._members:
            raise KeyError(name)
        return cls._member(name)

    def __iter__(cls) -> Iterator[Any]:
        if not issubclass(cls, Member):
            raise TypeError(f"'{cls.__name__}' is not iterable")
        return iter([cls._member(name) for name in cls._members])

    def __len__(cls) -> int:
        return len(cls._members) if issubclass(cls, Member) else 0

    def __bool__(cls) -> bool:
        return True


def _bound(
    fields: Sequence[str], free: Sequence[str], args: Sequence[object], kwargs: dict[str, object]
) -> dict[str, object] | None:
    """The fields that a call gives, or None where it is not clear which."""
    found = {**dict(zip(fields, args, strict=False)), **kwargs}
    clear = len(found) == len(args) + len(kwargs) and {*found} <= {*fields}
    return found if clear and {*fields} <= {*found, *free} else None


class Member:
    """Stands for a member of an enumeration: each is there once."""

    _program: Program
    _members: Sequence[str] = ()
    _known: dict[str, Member]
    _path: str
    name: str

    @classmethod
    def _member(cls, name: str) -> Member:
        if "_known" not in vars(cls):
            cls._known = {}
        if name not in cls._known:
            made = object.__new__(cls)
            vars(made).update(name=name, _name_=name, _path=f"{cls.__name__}.{name}")
            cls._known[name] = made
        return cls._known[name]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        if name.startswith("_"):
            raise AttributeError(name)
        path = f"{self._path}.{name}"
        value = self._program.ask(None, path)
        if isinstance(value, Function | Instance) and name in _BUILT_IN:
            raise self._program.refused(f"an instance that answers {name}()")
        return Function(self._program, None, path) if isinstance(value, Function) else value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)

    def __str__(self) -> str:
        return str(self._program.ask(None, f"{self._path}.__str__", ()))

    def __repr__(self) -> str:
        return str(self._program.ask(None, f"{self._path}.__repr__", ()))

    def __bool__(self) -> bool:
        raise self._program.refused(self._path)


class Context:
    """Stands for what a function with `contextmanager` gives."""

    def __init__(self, program: Program, number: int) -> None:
        self._asked = (program, number)

    def __enter__(self) -> Any:  # noqa: ANN401 - anything
        program, number = self._asked
        return program.ask(number, "__enter__", ())

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        _leave(*self._asked, error)


def _leave(program: Program, number: int, error: object) -> None:
    """End a `with`: the program hears what was raised, and cannot make it unheard."""
    if error is None:
        program.ask(number, "__exit__", (None, None, None))
    elif isinstance(error, AssertionError):
        program.fault = program.fault or "AssertionError"
    elif isinstance(error, Exception) and not program.fault:
        program.ask(number, "__exit__", (type(error), error, None))


def _operator(name: str, *, binary: bool) -> Callable[..., Any]:
    """An operator.

    Between an instance and plain data it has to give an instance. Else a program could answer 0 when a test
    asks how far its result is from the right one.
    """

    def act(self: Instance, *others: object) -> Any:  # noqa: ANN401 - anything
        result = self._do(name, *others)
        mixed = any(not isinstance(other, Instance) or other._mixed for other in others) or self._mixed
        if mixed and not isinstance(result, Instance):
            raise self._program.refused(f"{type(self).__name__}.{name}")
        if mixed:
            vars(result).update(_mixed=True, _guarded=result._guarded or self._guarded)
        return result

    if binary:
        return lambda self, other: act(self, other)
    return lambda self: act(self)


class Instance:
    """Stands for an instance of a class of the program."""

    _program: Program
    _number: int | None
    _mixed: bool
    _guarded: bool
    _given: dict[str, Any] | None

    @classmethod
    def _numbered(cls, number: int | None, *, guarded: bool = False) -> Instance:
        made = object.__new__(cls)
        vars(made).update(_number=number, _guarded=guarded, _mixed=False, _given=None)
        return made

    @classmethod
    def _given_by_test(cls, given: dict[str, object]) -> Instance:
        """A value of a data class that the program knows nothing of until it is needed there."""
        made = cls._numbered(None)
        vars(made).update(_given=given)
        return made

    def _made(self) -> int:
        """The program's number for it."""
        if self._number is None:
            made = self._program.ask(None, type(self).__name__, (), self._given)
            if type(made) is not type(self) or made._number is None:
                raise self._program.refused(type(self).__name__)
            vars(self).update(_number=made._number, _given=None)  # the program may change it from now on
        assert self._number is not None  # noqa: S101
        return self._number

    def _do(self, name: str, *args: object, steps: bool = False) -> Any:  # noqa: ANN401 - anything
        """What one of its special methods gives; to have none is a TypeError, as Python has it.

        What may stand for plain data, and has met what the test compares it with, gives nothing.
        """
        if self._guarded and self._mixed and name not in _OPERATORS:
            self._refuse()
        try:
            return self._program.ask(self._made(), name, args, steps=steps, guarded=self._guarded)
        except AttributeError as error:
            if f"no attribute '{name}'" not in str(error):
                raise
            raise TypeError(f"'{type(self).__name__}' object has no {name}") from None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        if name.startswith("_"):
            raise AttributeError(name)
        if self._given is not None and name in self._given:
            return self._given[name]
        if self._guarded and self._mixed and name in _DATA:
            self._refuse()
        value = self._program.ask(self._made(), name)
        if isinstance(value, Function):
            return Attribute(self._program, self._made(), name, guarded=self._guarded)
        if isinstance(value, Instance) and (name in _PREDICATES or (self._guarded and name in _BUILT_IN)):
            raise self._program.refused(f"an instance that answers {name}()")
        return value

    def __setattr__(self, name: str, value: object) -> None:
        self._do("__setattr__", name, value)

    def __delattr__(self, name: str) -> None:
        self._do("__delattr__", name)

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        if self._guarded and self._mixed:
            self._refuse()
        return self._program.ask(self._made(), "__call__", args, kwargs)

    def __len__(self) -> int:
        return int(self._do("__len__"))

    def __iter__(self) -> Iterator[Any]:
        found = self._do("__iter__")
        return found if isinstance(found, Instance) else iter(found)

    def __next__(self) -> Any:  # noqa: ANN401 - anything
        return self._do("__next__", steps=True)

    def __getitem__(self, key: object) -> Any:  # noqa: ANN401 - anything
        return self._do("__getitem__", key)

    def __setitem__(self, key: object, value: object) -> None:
        self._do("__setitem__", key, value)

    def __delitem__(self, key: object) -> None:
        self._do("__delitem__", key)

    def __enter__(self) -> Any:  # noqa: ANN401 - anything
        return self._do("__enter__")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        _leave(self._program, self._made(), error)

    def __str__(self) -> str:
        return str(self._do("__str__"))

    def __repr__(self) -> str:
        return str(self._do("__repr__"))

    def __bool__(self) -> bool:
        raise self._program.refused(type(self).__name__)

    def __eq__(self, other: object) -> bool:
        """Whether fields are equal, where the class has only these and the test itself gave those of one."""
        kind: Any = type(self)
        fields = kind._fields
        if type(self) is not type(other) or fields is None or not isinstance(other, Instance):
            self._refuse()
        if self._given is None and other._given is None:
            self._refuse()
        return all(_field(self, name) == _field(other, name) for name in fields)

    def _refuse(self) -> NoReturn:
        raise self._program.refused(type(self).__name__)

    __hash__ = None  # type: ignore[assignment]


def _field(one: Instance, name: str) -> Any:  # noqa: ANN401 - anything
    """A field; of one that the test made, what it did not give is the default of its class."""
    if one._given is None:
        return one._program.ask(one._number, name)
    if name in one._given:
        return one._given[name]
    return one._program.ask(None, f"{type(one).__name__}.{name}")


_BINARY = "add sub mul matmul truediv floordiv mod pow and or xor lshift rshift".split()
_UNARY = [f"__{_name}__" for _name in "neg pos abs invert".split()]
_OPERATORS = frozenset([*_UNARY, *(f"__{side}{_name}__" for _name in _BINARY for side in ("", "r"))])
for _name in _OPERATORS:
    setattr(Instance, _name, _operator(_name, binary=_name not in _UNARY))
