"""The functions of a program that can be called with given arguments."""

from __future__ import annotations

import dis
import functools
import math
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

#: So many functions and methods of a program are called, the first that it defines.
MAX_FUNCTIONS = 64
#: What the code of programs calls its file.
FILE = "<solution>"
_VARIADIC = 4  # a flag of code objects: takes any number of arguments
_SUSPENDED = 0x20 | 0x80 | 0x200  # flags of generators, coroutines and asynchronous generators
_RETURN, _CONSTANT = dis.opmap["RETURN_VALUE"], dis.opmap["LOAD_CONST"]
_names_in: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_bases_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_cached: type = type(functools.lru_cache(len))


class Function(NamedTuple):
    """What can be called: its dotted name, how many arguments it takes, and how to call it."""

    name: str
    least: int
    most: float
    call: Callable[[Any], Any]
    code: types.CodeType


def returns_nothing(code: types.CodeType) -> bool:
    """Whether a function can return no value but None."""
    if code.co_flags & _SUSPENDED:
        return False
    operations = code.co_code[::2]
    place = operations.find(_RETURN)
    while place >= 0:
        if operations[place - 1] != _CONSTANT:  # in most functions, soon
            return False
        place = operations.find(_RETURN, place + 1)
    before: dis.Instruction | None = None
    for found in dis.get_instructions(code):
        if found.opname == "RETURN_CONST":
            nothing = found.argval is None
        elif found.opname == "RETURN_VALUE":
            loaded = before is not None and before.opname == "LOAD_CONST" and before.argval is None
            nothing = loaded and not found.is_jump_target
        else:
            nothing = True
        if not nothing:
            return False
        before = found
    return True


def functions(space: dict[str, Any]) -> Iterator[Function]:
    """The functions of a program, and the methods of its classes that are made without arguments."""
    found = list(_all_functions(space))
    return iter(found[:MAX_FUNCTIONS])


def _all_functions(space: dict[str, Any]) -> Iterator[Function]:
    for name, value in list(space.items()):
        if type(name) is not str:
            continue
        function = _own(value)
        if function is not None:
            yield from _function(name, function, 0, functools.partial(_called, value))
        elif isinstance(value, type) and _names_in(value).get("__module__") == "solution":
            yield from _methods(name, value)


def _methods(name: str, kind: type) -> Iterator[Function]:
    """The methods that a class itself defines, called on a new instance each time."""
    made = next(
        (_names_in(base)["__init__"] for base in _bases_of(kind) if "__init__" in _names_in(base)), None
    )
    makers = [] if made is None or _own(made) is None else list(_function(name, made, 1, kind))
    if makers and makers[0].least > 0:
        return
    for method, value in list(_names_in(kind).items()):
        if type(method) is not str or (method.startswith("__") and method.endswith("__")):
            continue
        bound = 0 if type(value) is staticmethod else 1
        inner = value.__func__ if type(value) in (staticmethod, classmethod) else value
        function = _own(inner)
        if function is not None:
            yield from _function(
                f"{name}.{method}", function, bound, functools.partial(_method, kind, method)
            )


def _own(value: object) -> types.FunctionType | None:
    """The function of the program that a value is, or wraps in a cache."""
    if type(value) is _cached:
        value = getattr(value, "__wrapped__", None)
    if type(value) is types.FunctionType and value.__code__.co_filename == FILE:
        return value
    return None


def _function(
    name: str, function: types.FunctionType, bound: int, call: Callable[[Any], Any]
) -> Iterator[Function]:
    """The function, unless it needs arguments by name."""
    code = function.__code__
    if code.co_kwonlyargcount <= len(function.__kwdefaults__ or ()):
        most = code.co_argcount - bound
        least = max(most - len(function.__defaults__ or ()), 0)
        yield Function(name, least, math.inf if code.co_flags & _VARIADIC else most, call, code)


def _called(function: Callable[..., Any], given: Any) -> Any:  # noqa: ANN401 - anything
    return function(*given)


def _method(kind: Callable[[], Any], name: str, given: Any) -> Any:  # noqa: ANN401 - anything
    return getattr(kind(), name)(*given)
