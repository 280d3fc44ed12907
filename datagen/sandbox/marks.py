"""Marks in tests where a program must hear less, or may change more.

* Where a test writes `P(1, 2)` as a side of `==`, `!=` or `assertEqual`, the program hears of it only when
  the other side has been looked at (comparing.py).
* Where a test throws away what a call gives, what the call changed of its arguments may come back.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

#: What a marked test has as names that no test can write.
LATE, CHANGES = "@late", "@changes"
_ASSERTS = re.compile(r"assert(Not)?(\w*)Equals?$")
_GUARDED = (ast.Try, ast.With, ast.AsyncWith, ast.TryStar)


def marked(source: str) -> ast.Module:
    """The tree of a test with its marks.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(source)
    sides = [side for node in ast.walk(tree) for side in _sides(node)]
    for call in [*_written(sides), *_assigned(tree, sides)]:
        call.func = _marked(LATE, call.func)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            node.value.func = _marked(CHANGES, node.value.func)
    return ast.fix_missing_locations(tree)


def _marked(mark: str, function: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(mark, ast.Load()), [function], [])


def _sides(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions that are compared by equality."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            if all(isinstance(one, ast.Eq | ast.NotEq) for one in ops):
                yield from (left, *others)
        case ast.Call(func=ast.Attribute(attr=name), args=[one, other, *_]) if _ASSERTS.match(name):
            yield from (one, other)


def _written(sides: list[ast.expr]) -> Iterator[ast.Call]:
    """The calls of classes in sides, those in lists and in arguments of such calls included."""
    waiting = [*sides]
    for node in waiting:  # it grows
        match node:
            case ast.Call(func=ast.Name(name), args=args, keywords=more) if name[:1].isupper():
                yield node
                waiting += [*args, *(one.value for one in more)]
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                waiting += items
            case ast.Dict(values=items):
                waiting += items


def _assigned(tree: ast.Module, sides: list[ast.expr]) -> Iterator[ast.Call]:
    """The calls of classes in values of names that are sides and nothing else, such as `expected`."""
    compared = {id(side) for side in sides}
    asked = {side.id for side in sides if isinstance(side, ast.Name)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = [node.id for node in names if not isinstance(node.ctx, ast.Load)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load) and id(node) not in compared}
    guarded = {id(below) for node in ast.walk(tree) if isinstance(node, _GUARDED) for below in ast.walk(node)}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value) if (
                stored.count(name) == 1 and name in asked - read and id(node) not in guarded
            ):
                yield from _written([value])
