"""What stands in the tests for classes of the program, and for members of its enumerations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from datagen.sandbox.functions import Function, Program
from datagen.sandbox.instances import Instance
from datagen.sandbox.kinds import BUILT_IN
from datagen.sandbox.wire import NotPlain


class ProgramClass(type):
    """Makes classes that stand for those of the program."""

    _program: Program
    #: Fields of a data class whose values are made and compared as its fields are; None for any other class.
    _fields: Sequence[str] | None = None
    #: Those that need not be given.
    _free: Sequence[str] = ()
    #: Whether its instances arrive as named tuples; those of other classes stay with the program.
    _is_record = False

    def __call__(cls, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        if cls._fields is not None and (given := _bound(cls._fields, cls._free, args, kwargs)) is not None:
            return cls._given_by_test(given)
        if issubclass(cls, Member) and cls._values and len(args) == 1 and not kwargs:
            for name, value in cls._values.items():  # the program would know what its result is compared with
                if value == args[0]:
                    return cls._member(name)
        made: object = cls._program.ask(None, cls.__name__, args, kwargs)
        if isinstance(made, Instance) and (made._passed or made._back):
            vars(made).update(_back=True)  # the test had it before
        elif cls.__name__[:1].isupper() and isinstance(made, Instance):
            vars(made).update(_own=True, _fresh=True)
        return made

    def _later(cls, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        """An instance that the program hears of only when it is needed there."""
        made: Any
        if cls._is_record:
            made = cls(*args, **kwargs)
            if not _holds(made, args, kwargs):
                raise cls._program.refused(cls.__name__)
            return made
        if cls._fields is not None or not issubclass(cls, Instance):
            return cls(*args, **kwargs)
        try:
            given = _kept(args), _kept(kwargs)
        except NotPlain:
            return cls(*args, **kwargs)
        made = cls._numbered(None)
        vars(made).update(_late=given, _parts=given, _own=True, _fresh=True)
        return made

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

    def __setattr__(cls, name: str, value: object) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            cls._program.ask(None, f"{cls.__name__}.__class__.__setattr__", (cls, name, value))

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


def later(kind: Any) -> Any:  # noqa: ANN401 - anything
    """What to call in the place of a class whose instance is compared with something."""
    return kind._later if isinstance(kind, ProgramClass) else kind


def _holds(record: Any, args: tuple[object, ...], kwargs: dict[str, object]) -> bool:  # noqa: ANN401
    """Whether a named tuple holds what the test made it of."""
    fields = getattr(record, "_fields", ())
    held = isinstance(record, tuple) and record[: len(args)] == args
    return held and all(name in fields and getattr(record, name) == kwargs[name] for name in kwargs)


def _kept(value: Any) -> Any:  # noqa: ANN401 - any value
    """A copy of an argument that nothing can change.

    Raises:
        NotPlain: it may be changed.
    """
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        return kind(map(_kept, value))
    if kind is dict:
        return {key: _kept(one) for key, one in value.items()}
    fixed = value is None or kind in (bool, int, float, complex, str, bytes) or isinstance(value, Member)
    if fixed or (isinstance(value, Instance) and value._late is not None):
        return value
    raise NotPlain(kind.__name__)


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
    #: The built-in class that members are instances of, and what they are there.
    _plain: Any = object
    _values: dict[str, Any] = {}  # noqa: RUF012 - each class has its own
    _known: dict[str, Member]
    _path: str
    name: str

    @classmethod
    def _member(cls, name: str) -> Member:
        if "_known" not in vars(cls):
            cls._known = {}
        if name not in cls._known:
            given = () if cls._plain is object else (cls._values[name],)
            made = cls._plain.__new__(cls, *given)
            vars(made).update(name=name, _name_=name, _path=f"{cls.__name__}.{name}", _parts=name)
            cls._known[name] = made
        return cls._known[name]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        if name.startswith("_"):
            raise AttributeError(name)
        path = f"{self._path}.{name}"
        value = self._program.ask(None, path)
        if isinstance(value, Function | Instance) and name in BUILT_IN:
            raise self._program.refused(f"an instance that answers {name}()")
        return Function(self._program, None, path) if isinstance(value, Function) else value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)

    def __str__(self) -> str:
        return str(self._program.ask(None, f"{self._path}.__str__", ()))

    def __repr__(self) -> str:
        return str(self._program.ask(None, f"{self._path}.__repr__", ()))

    def __bool__(self) -> bool:
        if self._plain is not object:
            return bool(self._values[self.name])
        raise self._program.refused(self._path)
