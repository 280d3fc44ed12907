"""Values of other languages in Python: characters, containers, and what is common to them."""

from __future__ import annotations

import collections
import re
from collections.abc import Callable
from typing import Any

from .numbers import whole

#: Names, without underscores and in small letters, and what they do: with a language, the owner, arguments.
Methods = tuple[tuple[str, Callable[..., Any]], ...]


class Char(str):
    """A character outside of JavaScript: it takes part in arithmetic."""


class Builder(list[Any]):
    """A string that is being built: characters, in their order."""


class Deque(list[Any]):
    """Java's Deque and LinkedList, C++'s queue: what is popped is the first element."""


class Heap(list[Any]):
    """A priority queue: the sort key, then the elements with the next one last."""


class Map(collections.defaultdict[Any, Any]):
    """A map with the default of its values."""


class Tree(Map):
    """A map ordered by its keys."""


class Set(dict[Any, Any]):
    """A set in the order of insertion."""


class TreeSet(Set):
    """A set ordered by its elements."""


class Iter(tuple[Any, ...]):
    """A place in a container: the container, the place, and -1 where it goes backwards."""


class Regex(tuple[Any, ...]):
    """A pattern and whether it is used for all places."""


def char(x: Any) -> Char:
    """A character, given as one or by its code."""
    return Char(chr(x) if isinstance(x, int) else x)


def is_text(x: Any) -> bool:
    """Whether a value is a string and no character."""
    return isinstance(x, str) and not isinstance(x, Char)


def chars(x: Any) -> list[Any]:
    """The characters of a string; a list is given back as it is."""
    return x if isinstance(x, list) else [Char(c) for c in x]


def to_text(x: Any) -> str:
    """A string of what may be a list of characters, which ends at the first 0."""
    if not isinstance(x, list):
        return str(x)
    return "".join([chr(c) if isinstance(c, int) else c for c in x]).split("\0", 1)[0]


def letter(x: Any) -> Any:
    """One character, given as a text or a code."""
    return chr(x) if isinstance(x, int) else x


def regex(pattern: str, flags: str = "") -> Regex:
    """A regular expression of JavaScript."""
    pattern = re.sub(r"\(\?<(?![=!])", "(?P<", pattern).replace("[^]", r"[\s\S]")
    return Regex(("(?a" + "".join(c for c in flags if c in "ims") + ")" + pattern, "g" in flags))


def key_of(x: Any) -> Any:
    """What stands for a value among the keys of a map."""
    if isinstance(x, (list, tuple)):
        return tuple([key_of(i) for i in x]) if not isinstance(x, Builder) else "".join(x)
    return x


def is_map(o: Any) -> bool:
    """Whether a value is a map."""
    return isinstance(o, dict) and not isinstance(o, Set)


def length(o: Any) -> int:
    """The number of elements or characters."""
    return len(o) - isinstance(o, Heap) if not isinstance(o, Builder) else len("".join(o))


def length_of(x: Any) -> Any:
    """A size, which may be given by a list of that size."""
    return whole(x) if isinstance(x, (int, float)) else len(x)


def sorted_keys(o: Any) -> list[Any]:
    """The keys of a map or set, in its order."""
    return sorted(o) if isinstance(o, (Tree, TreeSet, set, frozenset)) else list(o)


def each(g: str, x: Any) -> Any:
    """What a loop over a value yields."""
    if isinstance(x, Builder):
        x = "".join(x)
    if isinstance(x, str):
        return list(x) if g == "js" else chars(x)
    if isinstance(x, Heap):
        return x[:0:-1]
    if isinstance(x, (Set, set, frozenset)):
        return sorted_keys(x)
    if isinstance(x, dict):
        return [(k, x[k]) for k in sorted_keys(x)]
    if isinstance(x, int):
        return range(x)
    if isinstance(x, Iter):
        return each(g, x[0][x[1] :])
    return x


def pairs(g: str, x: Any) -> Any:
    """The places or keys with their values."""
    if isinstance(x, dict) and not isinstance(x, Set):
        return each(g, x)
    return list(enumerate(each(g, x))) if not isinstance(x, list) else enumerate(x)


def keys(x: Any) -> Any:
    """The places or keys, numbers first as in JavaScript."""
    if isinstance(x, Map) or not isinstance(x, dict):
        return sorted_keys(x) if isinstance(x, dict) else range(x if isinstance(x, int) else len(x))
    numbers = [k for k in x if isinstance(k, int) or k.isdigit()]
    return sorted(numbers, key=int) + [k for k in x if k not in numbers]


def into(x: Any) -> Any:
    """A copy of an argument in which tuples are lists."""
    if isinstance(x, (list, tuple)):
        return [into(i) for i in x]
    if isinstance(x, dict):
        return {k: into(v) for k, v in x.items()}
    return Set.fromkeys(sorted(x, key=repr)) if isinstance(x, (set, frozenset)) else x


_SORTS: dict[str, Any] = {"number": (int, float), "text": (str, list), "items": (list, dict)}


def given(sort: str, x: Any) -> Any:
    """An argument of a language with types: a "number", "text" or "items".

    Raises:
        TypeError: it is of another sort. Text may come as a list of characters.
    """
    fits = x is None or isinstance(x, _SORTS[sort])
    if not fits or (sort == "text" and isinstance(x, list) and not all(isinstance(c, str) for c in x)):
        raise TypeError(sort)
    return x


def copied(x: Any) -> Any:
    """A copy of a container with all that it holds, as C++ makes one; anything else as it is."""
    if isinstance(x, list):
        made = type(x)()
        made += [copied(i) for i in x]
        return made
    if isinstance(x, dict):
        new = type(x)(x.default_factory) if isinstance(x, Map) else type(x)()
        new.update({k: copied(v) for k, v in x.items()})
        return new
    return x


def out(x: Any) -> Any:
    """A result as a plain value of Python."""
    if isinstance(x, Builder):
        return "".join(x)
    if isinstance(x, (list, tuple)):
        return [out(i) for i in (x[1:] if isinstance(x, Heap) else x)]
    if isinstance(x, (Set, set, frozenset)):
        return {key_of(out(i)) if isinstance(i, tuple) else out(i) for i in x}
    if isinstance(x, dict):
        return {out(k) if isinstance(k, str) else k: out(x[k]) for k in sorted_keys(x)}
    return str(x) if isinstance(x, str) else x


def compare(a: Any, b: Any) -> int:
    """-1, 0 or 1, by which comes first."""
    a, b = [list(x) if isinstance(x, tuple) else x for x in (a, b)]
    return int(a > b) - int(a < b)


def needed(found: Any) -> Any:
    """What unwrap gives: a value, not None."""
    if found is None:
        raise ValueError("there is no value")
    return found


def fail() -> Any:
    """What a program raises itself.

    Raises:
        ValueError: always.
    """
    raise ValueError


def filled(items: Any, size: Any, zero: Any) -> Any:
    """A list with zeros up to a size."""
    return items + [zero] * (size - len(items))


def floats(x: Any) -> Any:
    """A value whose integers are floats."""
    if isinstance(x, list):
        return [floats(i) for i in x]
    return float(x) if isinstance(x, int) and not isinstance(x, bool) else x
