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
    return found(g, o, *args)
