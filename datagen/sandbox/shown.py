"""What the program's process shows of an instance: plain parts, attributes, and answers to operators."""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from typing import Any

from datagen.sandbox import comparing, wire

#: An instance with more others in it is not shown.
MOST = 10_000
#: How a value of a class that is derived from a built-in one is read as a value of that one.
PLAIN: dict[type, Callable[[Any], Any]] = {
    int: int.__pos__,
    float: float.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__add__(b"", value),
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}
#: What is asked of an instance by a name that no attribute has.
ASKED: dict[str, Callable[..., Any]] = {
    comparing.EQUAL: operator.eq,
    comparing.TRUTH: bool,
    comparing.HASH: hash,
    comparing.HAS: operator.contains,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def state(value: object, is_own: Callable[[type], bool]) -> Any:  # noqa: ANN401 - JSON
    """The class of an instance and its attributes, with those of instances in them.

    Args:
        value: the instance.
        is_own: whether a class is the program's.

    Raises:
        NotPlain: an attribute is neither plain nor an instance.
    """
    above: list[int] = []
    seen = 0

    def special(one: Any) -> Any:  # noqa: ANN401 - anything
        nonlocal seen
        seen += 1
        kind = type(one)
        if not is_own(kind) or seen > MOST:
            raise wire.NotPlain(kind.__name__)
        if isinstance(one, enum.Enum):
            return ["E", kind.__name__, one.name]
        if id(one) in above:
            return ["o", above.index(id(one))]
        above.append(id(one))
        pairs = [[name, encode(value)] for name, value in sorted(_attributes(one).items())]
        above.pop()
        return ["o", kind.__name__, *pairs]

    encode = wire.Encoder(special).encode
    return special(value)


def _attributes(one: Any) -> dict[str, Any]:  # noqa: ANN401 - an instance
    found = {str(name): value for name, value in getattr(one, "__dict__", {}).items()}
    for kind in type(one).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(one, name):
                found[name] = getattr(one, name)
    base = next((base for base in PLAIN if isinstance(one, base)), None)
    return found if base is None else found | {"": PLAIN[base](one)}
