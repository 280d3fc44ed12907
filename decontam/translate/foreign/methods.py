"""Calls of methods by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .container_methods import CONTAINER_METHODS
from .functions import comparing
from .number_methods import NUMBER_METHODS
from .sequence_methods import SEQUENCE_METHODS
from .text_methods import TEXT_METHODS

_METHODS = {
    name: method
    for table in (CONTAINER_METHODS, SEQUENCE_METHODS, TEXT_METHODS, NUMBER_METHODS)
    for names, method in table
    for name in names.split()
}


#: Methods of JavaScript that only lists have, and those that only strings have.
_OF_LISTS = frozenset(
    "map filter reduce reduceRight forEach sort push pop shift unshift splice reverse some every find"
    " findIndex fill join flat flatMap".split()
)
_OF_TEXT = frozenset(
    "split trim toUpperCase toLowerCase charAt charCodeAt codePointAt replace replaceAll substring substr"
    " startsWith endsWith padStart padEnd repeat match localeCompare".split()
)


def _then(f: Callable[..., Any], g: Callable[..., Any]) -> Callable[..., Any]:
    second = comparing(g)
    return lambda a, b: f(a, b) or second(a, b)


#: Methods of functions.
_CALLED: dict[str, Callable[..., Any]] = {
    "reversed": lambda f: lambda a, b: f(b, a),
    "thenComparing": _then,
    "thenComparingInt": _then,
    "negate": lambda f: lambda x: not f(x),
}


def call(g: str, o: Any, name: str, *args: Any) -> Any:
    """What a method of a value gives.

    Raises:
        NotImplementedError: no value has such a method.
    """
    if callable(o):
        return _CALLED[name](o, *args) if name in _CALLED else o(*args)
    if isinstance(o, dict) and name not in ("get", "has") and callable(o.get(name)):
        return o[name](*args)
    found = _METHODS.get(name.replace("_", "").lower())
    if found is None:
        raise NotImplementedError(name)
    if g == "js" and name in (_OF_LISTS if isinstance(o, str) else _OF_TEXT if isinstance(o, list) else ()):
        raise TypeError(name)
    return found(g, o, *args)
