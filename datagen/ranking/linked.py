"""Which statements share a variable."""

from __future__ import annotations

import ast
from collections.abc import Sequence, Set

from datagen.answers.syntax import Statement


def linked(statements: Sequence[ast.stmt]) -> list[list[int]]:
    """The numbers of statements in groups: two are in one where a variable that one binds is the other's.

    A variable that is bound anew, and not from itself, is another one from there on.
    """
    group = [*range(len(statements))]

    def root(number: int) -> int:
        while group[number] != number:
            group[number] = number = group[group[number]]
        return number

    owner: dict[str, int] = {}
    for number, one in enumerate(statements):
        read, bound = loads(one), binds(one)
        anew = fresh(one) - read
        for name in (read | bound) - anew:
            if name in owner:
                first, second = sorted((root(owner[name]), root(number)))
                group[second] = first
        owner.update(dict.fromkeys(bound, number))
    found: dict[int, list[int]] = {}
    for number in range(len(statements)):
        found.setdefault(root(number), []).append(number)
    return [*found.values()]


def loads(one: ast.stmt) -> Set[str]:
    """The names that a statement reads, those deeper inside included."""
    return Statement(one).names.loaded


def binds(one: ast.stmt) -> Set[str]:
    """The names that a statement binds; those of comprehensions are their own."""
    match one:
        case ast.Expr() | ast.Assert():
            return {node.target.id for node in ast.walk(one) if isinstance(node, ast.NamedExpr)}
        case ast.Assign() | ast.AnnAssign():
            return fresh(one)
    return Statement(one).bound


def fresh(one: ast.stmt) -> Set[str]:
    """The names to which a statement gives another value, whatever they were."""
    match one:
        case ast.Assign(targets=targets):
            found = targets
        case ast.AnnAssign(target=target, value=ast.expr()) | ast.For(target=target):
            found = [target]
        case ast.Import() | ast.ImportFrom():
            return Statement(one).bound
        case _:
            return set()
    nodes = (node for target in found for node in ast.walk(target))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
