"""The functions of a program that can be called with given arguments."""

from __future__ import annotations

import dis
import functools
import itertools
import math
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

#: So many functions and methods of a program are called, and so many in other ways, too.
MAX_FUNCTIONS = 64
#: How the names begin of functions that are called with the second argument first.
TURNED = "turned."
#: What the code of programs calls its file.
FILE = "<solution>"
_VARIADIC = 4  # a flag of code objects: takes any number of arguments
_SUSPENDED = 0x20 | 0x80 | 0x200  # flags of generators, coroutines and asynchronous generators
_RETURN, _CONSTANT = dis.opmap["RETURN_VALUE"], dis.opmap["LOAD_CONST"]
#: What a class defines itself, whatever it says of that.
names_in: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_bases_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_OF_CLASSES = (staticmethod, classmethod)
#: Of the methods that Python itself calls, those that are called as others.
_SPECIAL = frozenset(
    f"__{name}__" for name in "call str repr len iter bool int float contains getitem".split()
)
_PROPERTIES = (property, functools.cached_property)
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


def functions(space: dict[str, Any]) -> list[Function]:
    """The functions of a program, then the methods of its classes, then other ways to call both.

    Each call of a method makes an object, with the arguments that the method does not take: in "Class.method"
    with the first ones, in "Class().method" with the last. "turned.name" is a function of two arguments that
    gets the second one first.
    """
    plain: list[Function] = []
    methods: list[Function] = []
    others: list[Function] = []
    for name, value in list(space.items()):
        for one in _of_value(name, value):
            (plain if "." not in one.name else others if "()." in one.name else methods).append(one)
    found = [*plain, *methods][:MAX_FUNCTIONS]
    others += [
        one._replace(name=f"{TURNED}{one.name}", least=2, most=2, call=functools.partial(_turned, one.call))
        for one in plain
        if one.least <= 2 <= one.most
    ]
    return [*found, *others[:MAX_FUNCTIONS]]


def _of_value(name: object, value: Any) -> list[Function]:  # noqa: ANN401 - anything
    """What can be called of a value; nothing if it raises when it is looked at."""
    try:
        function = _own(value)
        if type(name) is not str:
            return []
        if function is not None:
            return list(_function(name, function, 0, functools.partial(_called, value)))
        kind = names_in(value) if issubclass(type(value), type) else {}
        module = kind.get("__module__")
        is_own = type(module) is str and module == "solution"
        return list(itertools.islice(_methods(name, value), 2 * MAX_FUNCTIONS)) if is_own else []
    except Exception:  # whatever the program made of it
        return []


def _methods(name: str, kind: Any) -> Iterator[Function]:  # noqa: ANN401 - a class
    """The methods and properties that a class itself defines."""
    makes = _constructor(kind)
    for method, value in list(names_in(kind).items()):
        if type(method) is not str or (
            method.startswith("__") and method.endswith("__") and method not in _SPECIAL
        ):
            continue
        function = _own(_inner(value))
        if function is None:
            continue
        call = functools.partial(_of_class, kind, method)
        for one in _function(f"{name}.{method}", function, type(value) is not staticmethod, call):
            if type(value) in _OF_CLASSES:
                yield one
            else:
                get = _got if type(value) in _PROPERTIES else _method
                yield from _split(one, functools.partial(get, kind, method), makes)


def _inner(value: Any) -> object:  # noqa: ANN401 - anything
    """What a property or a method of a class is made of; the value itself if it is none."""
    if type(value) in _OF_CLASSES:
        return value.__func__
    return value.fget if type(value) is property else value.func if type(value) in _PROPERTIES else value


def _split(
    method: Function, call: Callable[[tuple[Any, ...], tuple[Any, ...]], Any], makes: tuple[int, float]
) -> Iterator[Function]:
    """A method with its object: who of both gets which arguments.

    Args:
        method: what is called.
        call: calls it; it is given what the object is made with, and what the method gets.
        makes: how few and how many arguments objects are made with.
    """
    # An object that can be made with nothing holds only what the method cannot take.
    fewest, most = makes
    first = fewest + method.least if fewest else method.most + 1
    longest = most + method.most
    whole = method._replace(least=fewest + method.least, most=longest)

    def held(count: int) -> int:
        return int(min(count - method.least, most)) if count >= first else 0

    def front(given: tuple[Any, ...]) -> Any:  # noqa: ANN401 - anything
        kept = held(len(given))
        return call(given[:kept], given[kept:])

    def back(given: tuple[Any, ...]) -> Any:  # noqa: ANN401 - anything
        rest = len(given) - held(len(given))
        return call(given[rest:], given[:rest])

    yield whole._replace(call=front)
    if method.least and math.isfinite(first) and first <= longest:
        yield whole._replace(name=method.name.replace(".", "().", 1), least=int(first), call=back)


def _constructor(kind: type) -> tuple[int, float]:
    """How few and how many arguments objects of a class are made with; none where that is not known."""
    for name in ("__init__", "__new__"):
        made = next((names_in(base)[name] for base in _bases_of(kind) if name in names_in(base)), None)
        made = made.__func__ if type(made) is staticmethod else made
        if type(made) is types.FunctionType:
            for one in _function(name, made, 1, kind):
                return one.least, one.most
    return 0, 0


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
    """The function, unless it needs arguments by name, or is a method that takes no object."""
    code = function.__code__
    most = code.co_argcount - bound
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        return
    if code.co_flags & _VARIADIC or most >= 0:
        least = max(most - len(function.__defaults__ or ()), 0)
        yield Function(name, least, math.inf if code.co_flags & _VARIADIC else most, call, code)


def _turned(call: Callable[[Any], Any], given: Any) -> Any:  # noqa: ANN401 - anything
    return call(given[::-1])


def _called(function: Callable[..., Any], given: Any) -> Any:  # noqa: ANN401 - anything
    return function(*given)


def _of_class(kind: type, name: str, given: tuple[Any, ...]) -> Any:  # noqa: ANN401 - anything
    return getattr(kind, name)(*given)


def _method(kind: type, name: str, held: tuple[Any, ...], given: tuple[Any, ...]) -> Any:  # noqa: ANN401 - anything
    return getattr(kind(*held), name)(*given)


def _got(kind: type, name: str, held: tuple[Any, ...], _: tuple[Any, ...]) -> Any:  # noqa: ANN401 - anything
    return getattr(kind(*held), name)
