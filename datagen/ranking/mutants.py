"""Programs that differ from an answer in one point, and are most likely wrong.

How many of them a task's tests refuse is how strong the tests are. A point is a comparison, a number, an
operator, a condition, a returned value or a statement of the syntax tree; each has one to three changes.

Not changed: texts, annotations, decorators, imports, definitions as a whole, and the main guard, which no
test runs. A change may leave the meaning as it is, so that no test can refuse it: the share is below 1 even
for perfect tests. Source: Jia and Harman, An Analysis and Survey of the Development of Mutation Testing,
2011.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from datagen.answers.syntax import parsed
from datagen.answers.trim import is_guard

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    **{ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt)},
    **{ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt)},
    **{ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,)},
    **{ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)},
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult},
    **{ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift},
    **{ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd},
}
_DELETED = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Raise,
    ast.Break,
    ast.Continue,
    ast.Delete,
)
_UNCHANGED = (ast.Import, ast.ImportFrom, ast.JoinedStr)
_CONDITIONS = frozenset({"test", "ifs"})
_NO_CODE = frozenset({"annotation", "returns", "decorator_list", "type_params", "type_comment", "ctx"})


class _Point(NamedTuple):
    """A place in a tree, and what may stand there instead."""

    parent: ast.AST
    field: str
    place: int | None
    new: ast.AST


def mutants(code: str, count: int, seed: int = 0) -> list[str]:
    """Up to `count` different programs with one point of `code` changed; none where it is not Python.

    Programs with the same syntax tree count as one.

    Args:
        code: a program.
        count: how many are wanted; a short program has fewer.
        seed: of the draw; the same arguments give the same programs.
    """
    tree = parsed(code)
    if tree is None or count < 1:
        return []
    points = [*_points(tree)]
    random.Random(f"{seed} {code}").shuffle(points)
    found: dict[str, str] = {}
    known = {ast.dump(tree)}
    for point in points:
        changed = _changed(tree, point)
        again = parsed(changed) if changed else None
        if changed is None or again is None or (same := ast.dump(again)) in known:
            continue
        known.add(same)
        found[same] = changed
        if len(found) == count:
            break
    return list(found.values())


def of_answers(codes: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Up to `count` mutants of several right programs, in turns; none is one of these programs."""
    right = {ast.dump(tree) for code in codes if (tree := parsed(code))}
    found: dict[str, str] = {}
    for turn in zip_longest(*(mutants(code, count, seed) for code in codes)):
        for one in turn:
            tree = parsed(one) if one else None
            if one and tree and (same := ast.dump(tree)) not in right:
                found.setdefault(same, one)
    return list(found.values())[:count]


def _changed(tree: ast.Module, point: _Point) -> str | None:
    """The program with a point changed; the tree stays as it was."""
    held = getattr(point.parent, point.field)
    place = point.place
    new = point.new if place is None else [*held[:place], point.new, *held[place + 1 :]]
    setattr(point.parent, point.field, new)
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (RecursionError, ValueError):  # a number of too many digits
        return None
    finally:
        setattr(point.parent, point.field, held)


def _points(tree: ast.Module) -> Iterator[_Point]:
    """All changes of a tree, from its top to its leaves."""
    waiting: list[ast.AST] = [tree]
    for parent in waiting:  # it grows
        for field, value in ast.iter_fields(parent):
            if field in _NO_CODE:
                continue
            for place, child in enumerate(value) if isinstance(value, list) else ((None, value),):
                if isinstance(child, ast.AST) and not _is_no_code(child):
                    waiting.append(child)
                    changes = _conditions(child) if field in _CONDITIONS else _instead(child)
                    yield from (_Point(parent, field, place, new) for new in changes)


def _is_no_code(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    return isinstance(node, _UNCHANGED) or (isinstance(node, ast.If) and is_guard(node))


def _conditions(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a condition."""
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.expr():
            yield ast.UnaryOp(ast.Not(), node)
            yield from _instead(node)


def _instead(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=right):
            for number, op in enumerate(ops):
                for kind in _COMPARISONS[type(op)]:
                    yield ast.Compare(left, [*ops[:number], kind(), *ops[number + 1 :]], right)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)](), right)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=value):
            yield from _other_values(value)
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.stmt():
            yield from _other_statements(node)


def _other_values(value: object) -> Iterator[ast.Constant]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield from (ast.Constant(value + 1), ast.Constant(value - 1))


def _other_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    if isinstance(node, ast.AugAssign) and type(node.op) in _OPERATORS:
        yield ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)
    if isinstance(node, _DELETED):
        yield ast.Pass()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
