"""Methods that change lists, maps, sets, queues and builders."""

from __future__ import annotations

from typing import Any

from .elements import behind, index, span
from .formatting import show
from .functions import apply
from .texts import cut
from .values import (
    Builder,
    Deque,
    Heap,
    Iter,
    Set,
    chars,
    each,
    into,
    is_map,
    key_of,
    length,
    sorted_keys,
    to_text,
)


def add(g: str, o: Any, *x: Any) -> Any:
    """Put an element behind the others, to its place or into a set; or add a number to a large one."""
    if type(o) is int:
        return o + x[0]
    if isinstance(o, Set):
        new = key_of(x[-1]) not in o
        o[key_of(x[-1])] = None
        return o if g == "js" else new
    if isinstance(o, dict):
        pair = x if len(x) == 2 else x[0]
        new = key_of(pair[0]) not in o
        before = o.get(key_of(pair[0]))
        if new or g != "cpp":
            o[key_of(pair[0])] = pair[1]
        return o if g == "js" else new if g == "cpp" else before
    if isinstance(o, Heap):
        place = heap_place(o, x[0])
        o.insert(place, x[0])
        return True
    if isinstance(o, Builder):
        o.append(show(g, x[0] if len(x) < 3 else cut(g, x[0], x[1], x[2])))
        return o
    if len(x) == 2 and g in ("java", "rust"):
        o.insert(x[0], x[1])
        return None
    o.extend(x)
    return len(o) if g == "js" else True


def heap_place(o: Any, x: Any) -> int:
    """Where an element goes in a queue."""
    low, high, key = 1, len(o), o[0]
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if key(x) < key(o[middle]) else (middle + 1, high)
    return low


def insert(g: str, o: Any, *x: Any) -> Any:
    """Put elements in a place."""
    if isinstance(o, Builder):
        text = "".join(o)
        o[:] = [text[: x[0]], show(g, x[1]), text[x[0] :]]
        return o
    if isinstance(o, dict) and isinstance(x[0], Iter):
        return add_all(g, o, span(*x)[3])
    if isinstance(o, (dict, Heap)) or len(x) == 1:
        return add(g, o, *x)
    if isinstance(o, str):
        return o[: x[0]] + to_text(x[1]) + o[x[0] :]
    place = x[0][1] if isinstance(x[0], Iter) else x[0]
    if place > len(o):
        raise IndexError(place)
    o[place:place] = span(x[1], x[2])[3] if len(x) > 2 else [x[1]]
    return None


def add_all(g: str, o: Any, x: Any, *more: Any) -> Any:
    """Add all elements of another."""
    if more:
        o[x:x] = list(each(g, more[0]))
        return True
    before = len(o)
    for i in list(each(g, x)):
        add(g, o, i)
    return o if g in ("js", "go") else len(o) != before


def pop(g: str, o: Any, place: Any = None) -> Any:
    """What pop and remove give: an element by its place, or the one whose turn it is."""
    if isinstance(o, Set):
        return o.pop(sorted_keys(o)[0])
    size = length(o)
    if not size:
        if g in ("js", "rust"):
            return None
        raise IndexError("it is empty")
    if isinstance(place, Iter):
        place = place[1]
    return o.pop((0 if isinstance(o, Deque) else -1) if place is None else place)


def shift(g: str, o: Any, *missing: Any) -> Any:
    """Take the first element."""
    if not length(o):
        if missing or g in ("js", "rust"):
            return None
        raise IndexError("it is empty")
    return o[0:1][0] if isinstance(o, str) else o.pop() if isinstance(o, Heap) else o.pop(0)


def peek(g: str, o: Any, *missing: Any) -> Any:
    """The first element."""
    if not length(o):
        if missing or g in ("rust", "js"):
            return None
        raise IndexError("it is empty")
    if isinstance(o, Heap):
        return o[-1]
    if isinstance(o, dict):
        return each(g, o)[0]
    return o[0]


def top(g: str, o: Any) -> Any:
    """The element on top of a stack, or the next of a queue."""
    if not isinstance(o, (Heap, Deque)) and len(o):
        return each(g, o)[-1] if isinstance(o, dict) else index(g, o, len(o) - 1)
    return peek(g, o)


def last_of(g: str, o: Any) -> Any:
    """The last element."""
    if isinstance(o, Heap):
        return peek(g, o)
    o = each(g, o)
    return (o[-1] if len(o) else None) if g in ("rust", "js") else o[len(o) - 1 if len(o) else 0]


def remove(g: str, o: Any, *x: Any) -> Any:
    """Take out an element, by its place or itself, or a key."""
    if isinstance(o, dict):
        k = x[0]
        k = behind(g, k) if isinstance(k, Iter) else key_of(k)
        k = k[0] if isinstance(x[0], Iter) and not isinstance(o, Set) else k
        k = k if k in o else show("js", k)
        there = k in o
        value = o.pop(k, None)
        return value if g in ("java", "rust") and not isinstance(o, Set) else there
    if isinstance(o, Builder):
        text = "".join(o)
        o[:] = [text[: x[0]] + text[x[1] if len(x) > 1 else x[0] + 1 :]]
        return o
    if g == "cpp":
        if isinstance(o, str):
            return o[: x[0]] + (o[x[0] + x[1] :] if len(x) > 1 else "")
        low = x[0][1] if isinstance(x[0], Iter) else x[0]
        high = low + 1 if len(x) < 2 else x[1][1] if isinstance(x[1], Iter) else low + x[1]
        del o[low:high]
        return Iter((o, low, 1))
    if not x:
        return shift(g, o)
    if isinstance(x[0], int) and not isinstance(o, Heap):
        if not 0 <= x[0] < len(o):
            raise IndexError(x[0])
        return o.pop(x[0])
    there = x[0] in o
    if there:
        o.remove(x[0])
    return there


def retain(o: Any, f: Any) -> Any:
    """Keep only the elements for which a function holds."""
    if isinstance(o, dict):
        gone = [k for k in list(o) if not (f(k) if isinstance(o, Set) else f(k, o[k]))]
        for k in gone:
            del o[k]
    else:
        o[:] = [x for x in o if f(x)]
    return True


def splice(o: Any, start: Any, size: Any = None, *new: Any) -> Any:
    """Replace part of a list, and give what was there."""
    start = max(len(o) + start, 0) if start < 0 else min(start, len(o))
    end = len(o) if size is None else start + max(size, 0)
    gone = o[start:end]
    o[start:end] = new
    return gone


def drain(o: Any, places: Any) -> Any:
    """Take out the elements of places that follow one another."""
    return splice(o, places[0], min(len(places), len(o) - places[0])) if places else []


def fill_part(g: str, o: Any, value: Any, *places: Any) -> Any:
    """Give elements a value."""
    if len(places) == 2 and g == "java":
        value, places = places[1], (value, places[0])
    for i in range(len(o))[slice(*places)] if len(places) == 2 else range(places[0] if places else 0, len(o)):
        o[i] = into(value) if g != "js" else value
    return o


def resize(o: Any, size: Any, value: Any = 0) -> Any:
    """Give a list a size."""
    if isinstance(o, str):
        return o[:size]
    o[size:] = [into(value) for _ in range(size - len(o))]
    return None


def push(g: str, o: Any, *x: Any) -> Any:
    """Put elements behind the others."""
    if isinstance(o, str):  # strings of C++ and Rust that the program gives a new value
        return o + "".join([to_text(i) for i in x])
    if isinstance(o, Deque) and g == "java":
        return unshift(o, x)
    if isinstance(o, (Heap, dict, Builder)):
        return add(g, o, *x)
    o.extend(x)
    return len(o) if g == "js" else None


def unshift(o: Any, x: Any) -> int:
    """Put elements before the others."""
    o[:0] = x
    return len(o)


def put_all(o: Any, x: Any) -> None:
    """Replace all elements."""
    o[:] = x


def put_pair(a: Any, b: Any) -> None:
    """Swap the elements of two lists."""
    a[:], b[:] = list(b), list(a)


def swap(o: Any, i: Any, j: Any) -> None:
    """Swap two elements."""
    o[i], o[j] = o[j], o[i]


def swap_remove(_g: str, o: Any, k: Any) -> Any:
    """Take out an element, and put the last one to its place."""
    swap(o, k, -1)
    return o.pop()


def reverse(o: Any) -> Any:
    """Reverse a list in place."""
    o[:] = "".join(o)[::-1] if isinstance(o, Builder) else o[::-1]
    return o


def concat(g: str, o: Any, x: Any) -> Any:
    """Texts or lists joined."""
    if isinstance(o, str):
        return o + "".join([show(g, i) for i in x])
    if g == "rust":
        return "".join(o) if o and isinstance(o[0], str) else [i for y in o for i in y]
    return o + [i for y in x for i in (y if isinstance(y, list) else [y])]


def copy_of(g: str, o: Any) -> Any:
    """A copy."""
    if isinstance(o, (str, Builder)) and g in ("java", "rust"):
        return to_text(o) if g == "rust" else chars(to_text(o))
    return (
        into(o) if g == "rust" else o.copy() if isinstance(o, dict) else list(o) if isinstance(o, list) else o
    )


def assign_all(o: Any, x: Any) -> Any:
    """Take over the entries of others."""
    for i in x:
        o.update(i)
    return o


def array_from(g: str, x: Any, f: Any) -> Any:
    """JavaScript's Array.from."""
    if is_map(x) and "length" in x:
        x = [None] * x["length"]
    x = [list(i) if isinstance(i, tuple) else i for i in each(g, x)]
    return x if f is None else [apply(f, i, place) for place, i in enumerate(x)]
