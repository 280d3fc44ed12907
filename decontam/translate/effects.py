"""Finds what code changes: variables that get other values, and expressions that do more than give one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from decontam.translate.expressions import Node

#: Methods that change a string in its place.
CHANGE_TEXT = frozenset("push_back append push push_str pop_back pop clear insert erase".split())
#: Functions that change what they are given.
_CHANGING = frozenset("swap reverse sort transform getline strcpy strcat".split())
#: Methods that change what they belong to, or what they read.
_TAKING = frozenset(
    "pop push shift unshift splice sort reverse fill remove poll add delete next nextInt nextLine read"
    " pop_back push_back pop_front push_front offer put append insert erase set clear readLine".split()
)


def inner(node: Any) -> Iterator[Node]:  # noqa: ANN401 - nodes, lists of them, and what they hold
    """The nodes in a node, itself among them."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, tuple) and len(one) > 1 and isinstance(one[0], str):
            yield one
        if isinstance(one, (tuple, list)):
            waiting.extend(one)


def root(target: Node) -> str:
    """The variable in which a target lies, "" if there is none."""
    while target[:1] in {("index",), ("field",)} or target[:2] == ("un", "*"):
        target = target[2] if target[0] == "un" else target[1]
    return str(target[1]) if target[:1] == ("name",) else ""


def changes(body: Any, name: str) -> bool:  # noqa: ANN401 - as of `inner`
    """Whether code changes a variable, or an element of it."""
    for one in inner(body):
        kind = one[0]
        if kind == "assign" and len(one) == 4 and root(one[2]) == name:
            return True
        if kind in {"pre", "post"} and len(one) == 3 and root(one[2]) == name:
            return True
        if kind == "tuple=" and any(root(target) == name for target in one[1]):
            return True
        if kind == "method" and len(one) == 4 and one[2] in CHANGE_TEXT and root(one[1]) == name:
            return True
        if kind == "bin" and one[1] == ">>" and root(one[3]) == name:
            return True
        if kind == "call" and one[1][0] == "name" and one[1][1].removeprefix("std::") in _CHANGING:
            given = [part[1] if part[0] == "method" else part for part in one[2]]
            if any(root(part) == name for part in given):
                return True
    return False


def replaces(body: Any, name: str) -> bool:  # noqa: ANN401 - as of `inner`
    """Whether code gives a variable another value as a whole."""
    return any(one[0] == "assign" and len(one) == 4 and one[2] == ("name", name) for one in inner(body))


def moves(body: Any, name: str) -> bool:  # noqa: ANN401 - as of `inner`
    """Whether code gives an iterator another place."""
    return replaces(body, name) or any(
        one[0] in {"pre", "post"} and len(one) == 3 and one[2] == ("name", name) for one in inner(body)
    )


def sets_through(body: Any, name: str) -> bool:  # noqa: ANN401 - as of `inner`
    """Whether code of Rust sets what a reference stands for."""
    return any(
        one[0] == "assign" and len(one) == 4 and one[2] == ("un", "*", ("name", name)) for one in inner(body)
    )


def has_effects(node: Any) -> bool:  # noqa: ANN401 - as of `inner`
    """Whether an expression changes something."""
    return any(
        one[0] in {"assign", "pre", "post", "delete"}
        or (one[0] == "method" and len(one) == 4 and one[2] in _TAKING)
        for one in inner(node)
    )


def has_slice(node: Node) -> bool:
    """Whether a call is given part of a list that it may change: the translation would give it a copy."""
    if node[0] not in {"call", "method"}:
        return False
    parts = [*node[-1], *([node[1]] if node[0] == "method" else [])]
    return any(part[0] == "slice" or (part[0] == "un" and part[2][0] == "slice") for part in parts)
