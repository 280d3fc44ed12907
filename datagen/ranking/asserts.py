"""Calls of unittest as plain asserts."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from datagen.ranking.linked import loads

_COMPARED: Mapping[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq,
    "assertEquals": ast.Eq,
    "assertNotEqual": ast.NotEq,
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertIs": ast.Is,
    "assertIsNot": ast.IsNot,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
}


def as_assert(one: ast.stmt) -> str | None:
    """`assert a == b` of `self.assertEqual(a, b)`; None of what says more."""
    match one:
        case ast.Assert():
            test = one.test if not _has_self(one) else None
        case ast.Expr(ast.Call(func=ast.Attribute(ast.Name("self"), name), args=args, keywords=[])):
            test = _test(name, args)
        case _:
            return None
    return ast.unparse(ast.Assert(test)) if test is not None and not _has_self(ast.Expr(test)) else None


def _test(name: str, args: Sequence[ast.expr]) -> ast.expr | None:
    match name, args:
        case "assertTrue", [value, *_]:
            return value
        case "assertFalse", [value, *_]:
            return ast.UnaryOp(ast.Not(), value)
        case "assertIsNone", [value, *_]:
            return ast.Compare(value, [ast.Is()], [ast.Constant(None)])
        case "assertIsNotNone", [value, *_]:
            return ast.Compare(value, [ast.IsNot()], [ast.Constant(None)])
        case _, [left, right, *_] if name in _COMPARED:
            return ast.Compare(left, [_COMPARED[name]()], [right])
    return None


def _has_self(one: ast.stmt) -> bool:
    return "self" in loads(one)
