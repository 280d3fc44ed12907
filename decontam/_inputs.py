"""Inputs for the functions of items: the literal ones of their examples and tests, and changed ones."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from decontam.benchmarks import Item
from decontam.pairs import pairs

Input = tuple[Any, ...]

#: Inputs of an item that stand in its texts, with those that are made of them, and where results say little.
GIVEN, MOST, MANY = 12, 20, 60
#: Above it loops over a number take long. Such inputs are left out where others are enough.
LARGE, ENOUGH = 10_000, 6
_LONGEST = 2_000  # of an input, in characters
_TRIES = 200


def inputs_of(item: Item, most: int = MOST) -> list[Input]:
    """The inputs of an item: first those in its tests and prompt, then changed ones; none comes twice.

    The changes are drawn by a generator of the item's own, so that they are the same in every run. Fewer are
    the first of many. Where all inputs are brackets that are closed, two are put together: most functions of
    these take no others.

    Args:
        item: the item.
        most: how many inputs there are at most.
    """
    given = literal_of(item)
    found = {repr(one): one for one in given}
    draw = random.Random(f"{item.benchmark}:{item.task_id}")
    nested = all(map(_is_nested, given))
    for _ in range(_TRIES if given else 0):
        if len(found) >= most:
            break
        one = draw.choice(given)
        one = _joined(one, draw.choice(given)) if nested else _changed(one, draw)
        if _is_written(one, written := repr(one)):
            found.setdefault(written, one)
    quick = [one for one in found.values() if is_quick(one)]
    return quick if len(quick) >= ENOUGH else list(found.values())


def literal_of(item: Item) -> list[Input]:
    """The inputs that stand in an item's tests and prompt, the first `GIVEN` of them."""
    found: dict[str, Input] = {}
    for one in (*_of_tests(item), *_of_prompt(item)):
        if len(found) < GIVEN and _is_written(one, written := repr(one)):
            found.setdefault(written, one)
    return list(found.values())


def _is_written(given: Input, written: str) -> bool:
    """Whether an input can be read again from its text, which infinity cannot."""
    try:
        return len(written) <= _LONGEST and bool(ast.literal_eval(written) == given)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def is_quick(value: Any, most: int = LARGE) -> bool:  # noqa: ANN401 - any literal
    """Whether no number in a value is above `most`."""
    return largest(value) <= most


def largest(value: Any) -> float:  # noqa: ANN401 - any literal
    """The largest number in a value, without its sign; 0 if there is none."""
    if isinstance(value, (list, tuple, dict)):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return max(map(largest, parts), default=0)
    return abs(value) if isinstance(value, (int, float)) else 0


def slowness(given: Input) -> tuple[bool, float]:
    """What inputs are sorted by, so that those come last for which functions may take long.

    After a timeout a function is not called again. Loops over a number take long for a large one, and loops
    down to 1 never end for one that is not whole and positive.
    """
    endless = any(isinstance(one, float) or (isinstance(one, int) and one <= 0) for one in given)
    return endless, largest(given)


def program_of(item: Item) -> str:
    """The reference as a program: with what stands before it in the prompt if it is but a function's body."""
    first = next((line for line in item.solution.splitlines() if line.strip()), "")
    return f"{item.raw_prompt}{item.solution}" if first.startswith((" ", "\t")) else item.solution


def _of_prompt(item: Item) -> Iterator[Input]:
    for pair in pairs(item.raw_prompt):
        if pair.called and pair.called == item.entry_point:
            yield pair.arguments


def _of_tests(item: Item) -> Iterator[Input]:
    """The literal arguments of calls; what stands around a call, such as `round`, is of no matter."""
    for test in item.tests:
        try:
            tree = ast.parse(test)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or node.keywords or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in {"candidate", item.entry_point}:
                try:
                    yield tuple(ast.literal_eval(one) for one in node.args)
                except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                    continue


def _changed(given: Input, draw: random.Random) -> Input:
    """One of the arguments is changed; all stay of their kind."""
    if not given:
        return given
    place = draw.randrange(len(given))
    return (*given[:place], _other(given[place], draw), *given[place + 1 :])


def _is_nested(given: Input) -> bool:
    """Whether an input is texts of brackets, all of them closed: one that is changed would be none."""
    return bool(given) and all(isinstance(one, str) and _closes(one) for one in given)


def _closes(text: str) -> bool:
    left = "".join(text.split())
    while left != (left := re.sub(r"\(\)|\[\]|\{\}", "", left)):
        pass
    return not left


def _joined(given: Input, other: Input) -> Input:
    """Each text with that of another input behind it."""
    return tuple(one + more for one, more in zip(given, other, strict=False))


def _other(value: Any, draw: random.Random) -> Any:  # noqa: ANN401 - any literal
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        other = draw.choice([value + 1, value + 2, value * 2, value - 1, value + 7])
        return max(other, 1) if value > 0 else abs(other) if value == 0 else other
    if isinstance(value, float):
        return round(draw.choice([value + 1, value * 2, value + 0.5]), 6)
    if isinstance(value, str):
        return "".join(_rearranged(value, draw, lambda letter: letter.swapcase()))
    if isinstance(value, (list, tuple)):
        return type(value)(_rearranged(value, draw, lambda one: _other(one, draw)))
    if isinstance(value, dict) and value:
        kept = draw.randrange(len(value))
        return {key: one for number, (key, one) in enumerate(value.items()) if number != kept}
    return value


def _rearranged(values: Sequence[Any], draw: random.Random, change: Callable[[Any], Any]) -> list[Any]:
    found = list(values)
    if not found:
        return found
    way, place = draw.randrange(5), draw.randrange(len(found))
    if way == 0:
        found.reverse()
    elif way == 1:
        del found[place]
    elif way == 2:
        found.insert(draw.randrange(len(found) + 1), found[place])
    elif way == 3:
        draw.shuffle(found)
    else:
        found[place] = change(found[place])
    return found
