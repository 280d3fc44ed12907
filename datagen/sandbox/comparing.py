"""What counts where two instances of the program's classes are compared.

The program's `__eq__` is asked, but does not decide alone. A result is equal to what the test wrote if

* both have the same class and the same attributes, as the program's process shows them (shown.py);
* the result's were shown before the program heard what the test wrote;
* what the test wrote is among the attributes of the instance that was made of it;
* `__eq__` says so, too.

Where these say different things, nothing is said: NotPlain. Of two instances that the test wrote and that
nothing has used since, `__eq__` decides: it is what the test asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from datagen.sandbox import wire

#: Names by which instances are asked for what is no method (candidate.py).
EQUAL, STATE, TRUTH, HASH, HAS = "==", "{}", "?", "#", "in"
#: How many values an instance may have besides those that it was made of.
FEW = 2
ORDER = {"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}


class State:
    """The class of an instance, and its attributes."""

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        self.name, self.attributes = name, attributes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.name == other.name and self.attributes == other.attributes

    def __hash__(self) -> int:
        return hash(self.name)


def state_of(written: list[Any]) -> State:
    """Read what the program's process shows of an instance that is part of another.

    Raises:
        NotPlain: it is nothing that it shows.
    """
    match written:
        case ["o", str(name), *pairs]:
            return State(name, {str(key): _read(value) for key, value in pairs})
        case ["o", int(above)]:
            return State("", {"above": above})
        case ["E", str(kind), str(name), *_]:
            return State(kind, {"member": name})
    raise wire.NotPlain("an attribute")


_read: Callable[[Any], Any] = wire.Decoder(state_of).decode


def leaves(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any value
    """The numbers, texts and other single values in a value.

    Of an instance that the test wrote these are those of its arguments, of a member it is the name.
    """
    if isinstance(value, State):
        value = [*value.attributes.values()]
    elif hasattr(type(value), "_program"):
        value = value._parts
    if isinstance(value, dict):
        value = value.items()
    if isinstance(value, str | bytes | type) or not hasattr(value, "__iter__"):
        yield value
        return
    for one in value:
        yield from leaves(one)


def shows(state: State, given: object) -> bool:
    """Whether the single values that an instance was made of are in its state, and few others.

    Without any there are none. An instance that had all numbers in it would have those of any other.
    """
    wanted = {one for one in leaves(given) if one is not None}
    found = {one for one in leaves(state) if one is not None}
    more = found - wanted
    if any(type(one) is bool for one in wanted) and more & {False, True}:
        return False  # it has both
    return bool(wanted) and wanted <= found and len(more) <= FEW
