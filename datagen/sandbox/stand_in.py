"""What stands for pytest where tests run: the part of it that tests of one function use.

The real one is not there on every machine, takes long to load, and collects files. Nothing of the program
under test runs here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_NUMBERS = (int, float, complex)
#: In the flags of code; `inspect` would be slow to load.
_GENERATOR, _COROUTINE = 0x20, 0x80


class _Mark:
    """`pytest.mark`: only `parametrize` does anything."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a decorator, with or without arguments
        return _parametrize if name == "parametrize" else _unchanged


mark = _Mark()


def _unchanged(*given: Any, **_: Any) -> Any:  # noqa: ANN401
    if len(given) == 1 and callable(given[0]):
        return given[0]
    return lambda function: function


def _parametrize(names: str | Sequence[str], values: Any, **_: Any) -> Any:  # noqa: ANN401
    words = names.replace(",", " ").split() if isinstance(names, str) else [*names]
    cases = [dict(zip(words, _values(one, len(words)), strict=True)) for one in values]

    def decorate(function: Callable[..., Any]) -> Any:  # noqa: ANN401
        def case(number: int, *own: Any, **given: Any) -> Any:  # noqa: ANN401
            return function(*own, **given, **cases[number])

        def every(*own: Any, **given: Any) -> Any:  # noqa: ANN401
            if not cases:
                raise ValueError("no cases to test")
            found = [case(number, *own, **given) for number in range(len(cases))]
            waits = getattr(function, "__code__", case.__code__).co_flags & _COROUTINE
            return _awaited(found) if waits else all(found)

        every.case = case  # type: ignore[attr-defined]
        return every

    return decorate


async def _awaited(found: Sequence[Any]) -> None:
    for one in found:
        await one


def _values(value: Any, count: int) -> Sequence[Any]:  # noqa: ANN401
    if type(value) is _Param:
        return value.values
    return (value,) if count == 1 else value


class _Param:
    def __init__(self, *values: Any, **_: Any) -> None:  # noqa: ANN401
        self.values = values


param = _Param


def fixture(*given: Any, **_: Any) -> Any:  # noqa: ANN401
    """A function whose value a test takes; of a generator the first."""
    if not (len(given) == 1 and callable(given[0])):
        return fixture
    function = given[0]
    if function.__code__.co_flags & _GENERATOR:
        return lambda *one, **more: next(function(*one, **more))
    return function


class raises:
    """A block, or a call, that has to raise an error."""

    def __init__(
        self,
        expected_exception: Any,  # noqa: ANN401
        *call: Any,  # noqa: ANN401
        match: str | None = None,
        **given: Any,  # noqa: ANN401
    ) -> None:
        self._expected, self._match = expected_exception, match
        self.type: Any = None
        self.value: Any = None
        if call:
            with self:
                call[0](*call[1:], **given)

    def __enter__(self) -> Any:  # noqa: ANN401
        return self

    def __exit__(self, kind: Any, value: Any, _: Any) -> bool:  # noqa: ANN401
        if kind is None:
            raise AssertionError("it did not raise")
        if not issubclass(kind, self._expected):
            return False
        self.type, self.value = kind, value
        if self._match is not None:
            self.match(self._match)
        return True

    def match(self, pattern: str) -> bool:
        """Whether the error's text has the pattern."""
        if not re.search(pattern, str(self.value)):
            raise AssertionError("the error has another text")
        return True


class approx:
    """A value that is equal to others nearby."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        expected: Any,  # noqa: ANN401
        rel: float | None = None,
        abs: float | None = None,  # noqa: A002 - pytest's name
        nan_ok: bool = False,
    ) -> None:
        self._expected, self._nan_ok = expected, nan_ok
        self._abs = 1e-12 if abs is None else abs
        self._rel = rel if rel is not None else 1e-6 if abs is None else 0.0

    def __eq__(self, other: object) -> bool:
        return self._near(self._expected, other)

    def __repr__(self) -> str:
        return f"approx({self._expected!r})"

    def _near(self, one: Any, other: Any) -> bool:  # noqa: ANN401
        if isinstance(one, Mapping):
            return (
                type(other) is type(one)
                and one.keys() == other.keys()
                and all(self._near(one[key], other[key]) for key in one)
            )
        if isinstance(one, list | tuple):
            return type(other) is type(one) and len(one) == len(other) and all(map(self._near, one, other))
        if type(one) not in _NUMBERS or type(other) not in _NUMBERS:
            return type(other) is type(one) and bool(one == other)
        if one != one or other != other:
            return self._nan_ok and one != one and other != other
        return bool(one == other) or bool(
            abs(one - other) <= max(self._rel * abs(one), self._abs) and abs(one) != float("inf")
        )


def fail(reason: str = "", **_: Any) -> None:  # noqa: ANN401
    """End a test that failed."""
    raise AssertionError(reason)
