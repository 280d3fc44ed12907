"""What stands in the tests for instances of the program's classes.

They answer calls, but have no say where values are compared with data: `==` and the predicates of built-in
types raise NotPlain. Where two of them are compared, comparing.py says what counts.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NoReturn

from datagen.sandbox import comparing
from datagen.sandbox.functions import DATA, PREDICATES, Attribute, Function, Program, Proxy, leave
from datagen.sandbox.kinds import BUILT_IN


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


class Instance(Proxy):
    """Stands for an instance of a class of the program."""

    _program: Program
    _number: int | None
    _mixed: bool
    _guarded: bool
    _given: dict[str, Any] | None
    #: The arguments of one that the program has not heard of, and of one that it heard of late.
    _late: tuple[Any, Any] | None
    _parts: Any
    #: Whether the test made it; whether nothing has used it since; whether it was an argument; whether the
    #: program gave it before that.
    _own: bool
    _fresh: bool
    _passed: bool
    _back: bool

    @classmethod
    def _numbered(cls, number: int | None, *, guarded: bool = False) -> Instance:
        made = object.__new__(cls)
        vars(made).update(_number=number, _guarded=guarded, _mixed=False, _weighed=False, _given=None)
        vars(made).update(_late=None, _parts=(), _own=False, _fresh=False, _passed=False, _back=False)
        return made

    @classmethod
    def _given_by_test(cls, given: dict[str, object]) -> Instance:
        """A value of a data class that the program knows nothing of until it is needed there."""
        made = cls._numbered(None)
        own = cls.__name__[:1].isupper()
        vars(made).update(_given=given, _parts=[*given.values()], _own=own, _fresh=own)
        return made

    def _told(self) -> int:
        """The program's number for it."""
        if self._number is None:
            args, kwargs = ((), self._given) if self._late is None else self._late
            made = self._program.ask(None, type(self).__name__, args, kwargs)
            if type(made) is not type(self) or made._number is None:
                raise self._program.refused(type(self).__name__)
            # The program may change it from now on.
            vars(self).update(_number=made._number, _given=None, _late=None)
        assert self._number is not None  # noqa: S101
        return self._number

    def _made(self) -> int:
        """The program's number for it, which is used there."""
        vars(self).update(_fresh=False)
        return self._told()

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
        if self._guarded and self._mixed and name in DATA:
            self._refuse()
        value = self._program.ask(self._made(), name)
        if isinstance(value, Function):
            return Attribute(self._program, self._made(), name, guarded=self._guarded)
        if isinstance(value, Instance) and (name in PREDICATES or (self._guarded and name in BUILT_IN)):
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
        try:
            found = self._do("__iter__")
        except TypeError as error:
            if "object has no __iter__" not in str(error):
                raise
            found = self._items()
        return found if isinstance(found, Instance) else iter(found)

    def _items(self) -> Iterator[Any]:
        """The items of one that has `__getitem__` alone."""
        for place in itertools.count():
            try:
                item = self._do("__getitem__", place)
            except IndexError:
                return
            yield item

    def __next__(self) -> Any:  # noqa: ANN401 - anything
        return self._do("__next__", steps=True)

    def __contains__(self, item: object) -> bool:
        """What the program says of one that the test made; else the items are looked at here."""
        if self._own and not self._guarded:
            return self._says(comparing.HAS, item)
        return any(one is item or one == item for one in self)

    async def __aenter__(self) -> Any:  # noqa: ANN401 - anything
        return await self._do("__aenter__")

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        given = () if error is None else (type(error), error)
        await self._do("__aexit__", *(*given, None, None, None)[:3])

    def __aiter__(self) -> AsyncIterator[Any]:
        found = self._do("__aiter__")
        if not hasattr(found, "__anext__"):
            self._refuse()
        return found  # type: ignore[no-any-return]

    def __getitem__(self, key: object) -> Any:  # noqa: ANN401 - anything
        return self._do("__getitem__", key)

    def __setitem__(self, key: object, value: object) -> None:
        self._do("__setitem__", key, value)

    def __delitem__(self, key: object) -> None:
        self._do("__delitem__", key)

    def __enter__(self) -> Any:  # noqa: ANN401 - anything
        return self._do("__enter__")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        leave(self._program, self._made(), error)

    def __str__(self) -> str:
        return str(self._do("__str__"))

    def __repr__(self) -> str:
        return str(self._do("__repr__"))

    def __format__(self, how: str) -> str:
        return str(self._do("__format__", how))

    def __float__(self) -> float:
        return float(self._alone("__float__"))

    def __int__(self) -> int:
        return int(self._alone("__int__"))

    def __round__(self, *places: object) -> Any:  # noqa: ANN401 - a number
        return self._alone("__round__", *places)

    def _alone(self, name: str, *args: object) -> Any:  # noqa: ANN401 - anything
        """What it gives where it may not stand for plain data."""
        if self._guarded or self._mixed:
            self._refuse()
        return self._do(name, *args)

    def _says(self, name: str, *args: object) -> bool:
        """What the program answers to a question; it is not told what for."""
        before = [(one, one._fresh, one._passed) for one in args if isinstance(one, Instance)]
        answer = self._program.ask(self._told(), name, args)
        for one, fresh, passed in before:  # to be looked at changes nothing
            vars(one).update(_fresh=fresh, _passed=passed)
        if type(answer) is not bool:
            self._refuse()
        return answer

    def __bool__(self) -> bool:
        if self._guarded or self._mixed or self._weighed:
            self._refuse()
        return self._says(comparing.TRUTH)

    def __eq__(self, other: object) -> bool:
        """As comparing.py has it."""
        kind: Any = type(self)
        fields = kind._fields
        if not isinstance(other, Instance):
            if self._guarded or not self._own or self._says(comparing.EQUAL, other):
                self._refuse()
            return False
        if type(self) is type(other) and fields is not None and not (self._given is other._given is None):
            return all(_field(self, name) == _field(other, name) for name in fields)
        if self._guarded or other._guarded or (self is other and self._back):
            self._refuse()
        if (self._fresh and other._fresh) or self is other:
            return self._says(comparing.EQUAL, other)
        return self._equals(other)

    def _equals(self, other: Instance) -> bool:
        """Whether what the program gave is equal to what the test wrote."""
        written, result = (self, other) if self._late is not None else (other, self)
        if written._late is None or result._late is not None:
            self._refuse()  # the program could have given what it heard
        there = self._program.state(result._told())
        here = self._program.state(written._told())
        answer = self._says(comparing.EQUAL, other)
        if not comparing.shows(here, written._parts) or answer != (there == here):
            self._refuse()
        known = (type(written).__name__, *comparing.leaves(written._parts))
        if answer and known in self._program.unequal:
            self._refuse()
        self._program.unequal += [known] * (not answer)
        return answer

    def _refuse(self) -> NoReturn:
        raise self._program.refused(type(self).__name__)

    def __hash__(self) -> int:
        kind: Any = type(self)
        if kind._fields is not None:
            return hash(tuple(_field(self, name) for name in kind._fields))
        if self._guarded:
            raise TypeError(f"unhashable type: '{kind.__name__}'")
        answer = self._program.ask(self._told(), comparing.HASH, ())
        if type(answer) is not int:
            self._refuse()
        return answer


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


def _order(name: str) -> Callable[..., Any]:
    """A comparison of two that the test made; of others `<` could say what a test wants to hear."""

    def act(self: Instance, other: object) -> Any:  # noqa: ANN401 - NotImplemented
        both = (self, other) if isinstance(other, Instance) else ()
        if not both or any(not one._own or one._guarded or one._mixed for one in both):
            return NotImplemented
        return self._says(comparing.ORDER[name], other)

    return act


for _name in comparing.ORDER:
    setattr(Instance, _name, _order(_name))
