"""What Python code does, from its syntax tree."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import Any

from decontam.detectors._code_features import NOTHING, VARIABLE, Features, Shape

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BUILTINS = frozenset(dir(builtins))
_SILENT = frozenset({ast.Name, ast.Load, ast.Store, ast.Del})
_MODULES = frozenset({"math", "np", "collections", "itertools", "functools", "re"})
_OPERATORS: dict[type[ast.AST], str] = {
    **{
        ast.Add: "+",
        ast.Sub: "-",
        ast.Mult: "*",
        ast.Div: "/",
        ast.FloorDiv: "/",
        ast.Mod: "%",
        ast.Pow: "**",
    },
    **{
        ast.BitAnd: "&",
        ast.BitOr: "|",
        ast.BitXor: "^",
        ast.LShift: "<<",
        ast.RShift: ">>",
        ast.MatMult: "@",
    },
    **{ast.Lt: "<", ast.LtE: "<", ast.Gt: ">", ast.GtE: ">", ast.Eq: "==", ast.NotEq: "==", ast.Is: "=="},
    **{ast.IsNot: "==", ast.In: "in", ast.NotIn: "in", ast.UAdd: "+", ast.USub: "-", ast.Invert: "~"},
}


def units(tree: ast.Module) -> Iterator[tuple[_Function | None, set[str]]]:
    """Yield each function and method that stands in no other one, with what it does; then all code together.

    All together, which has no node, is left out where there is but one function.
    """
    rest: list[ast.stmt] = []
    whole: list[set[str]] = []
    waiting = list(tree.body)
    for node in waiting:
        if isinstance(node, _Function):
            whole.append(features(node.body))
            yield node, whole[-1]
        elif isinstance(node, ast.ClassDef):
            waiting.extend(node.body)
        else:
            rest.append(node)
    if rest or len(whole) > 1:
        yield None, features(rest).union(*whole)


def features(nodes: Iterable[ast.stmt]) -> set[str]:
    """Return what statements do.

    Raises:
        RecursionError: they are nested too deep.
    """
    reader = _Reader()
    for node in nodes:
        reader.see(node, "")
    return reader.found


class _Reader(Features):
    """Goes through a tree from the leaves up; each method says how its node is seen from outside."""

    def see(self, node: ast.AST | None, path: str) -> Shape:
        if node is None:
            return NOTHING
        method = _METHODS.get(type(node))
        if method is not None:
            shape: Shape = method(self, node, path)
            return shape
        for child in ast.iter_child_nodes(node):
            if type(child) not in _SILENT:
                self.see(child, path)
        return VARIABLE

    def all(self, nodes: Iterable[ast.AST | None], path: str) -> list[Shape]:
        # Names are half of all nodes.
        return [VARIABLE if type(node) is ast.Name else self.see(node, path) for node in nodes]

    def nothing(self, node: ast.AST, path: str) -> Shape:  # noqa: ARG002
        return VARIABLE

    def constant(self, node: ast.Constant, path: str = "") -> Shape:  # noqa: ARG002
        value = node.value
        if isinstance(value, str):
            return self.literal(f'"{value}"')
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return self.literal(str(int(value)))
        if isinstance(value, int) and abs(value) >= 1 << 64:
            return self.literal("big")  # of which Python may refuse to say the digits
        return self.literal(str(value))

    def formatted(self, node: ast.JoinedStr, path: str) -> Shape:
        return self.note("+", *self.all(node.values, path))

    def inside(self, node: Any, path: str) -> Shape:  # noqa: ANN401
        return self.see(node.value, path)

    def attribute(self, node: ast.Attribute, path: str) -> Shape:
        if isinstance(node.value, ast.Name):
            return self.note("." + node.attr, VARIABLE)
        return self.call(node.attr, self.see(node.value, path))

    def called(self, node: ast.Call, path: str) -> Shape:
        arguments = self.all([*node.args, *(one.value for one in node.keywords)], path)
        self.found.update(f"{one.arg}=" for one in node.keywords)
        match node.func:
            case ast.Name("range") if arguments:
                return self.counted(*arguments)
            case ast.Name(name) if name in _BUILTINS:
                return self.call(name, *arguments)
            case ast.Attribute(ast.Name(name), attribute) if name in _MODULES:
                return self.call(attribute, *arguments)
            case ast.Attribute(owner, attribute):
                return self.call(attribute, self.see(owner, path), *arguments)
        self.see(node.func, path)
        return self.unknown(*arguments)

    def binary(self, node: ast.BinOp, path: str) -> Shape:
        left, right = self.see(node.left, path), self.see(node.right, path)
        return self.operation(_OPERATORS[type(node.op)], left, right)

    def augmented(self, node: ast.AugAssign, path: str) -> Shape:
        target, value = self.see(node.target, path), self.see(node.value, path)
        return self.operation(_OPERATORS[type(node.op)], target, value)

    def unary(self, node: ast.UnaryOp, path: str) -> Shape:
        match node:
            case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
                return self.constant(ast.Constant(-value))
            case ast.UnaryOp(ast.Not(), inner):
                return self.see(inner, path)
        return self.operation(_OPERATORS[type(node.op)], self.see(node.operand, path))

    def boolean(self, node: ast.BoolOp, path: str) -> Shape:
        first, *others = self.all(node.values, path)
        for other in others:
            first = self.note("and", first, other)
        return first

    def compared(self, node: ast.Compare, path: str) -> Shape:
        sides = self.all([node.left, *node.comparators], path)
        names = [_OPERATORS[type(operator)] for operator in node.ops]
        made = [self.operation(*one) for one in zip(names, sides, sides[1:], strict=False)]
        return made[0] if len(made) == 1 else self.note("and", *made)

    def subscript(self, node: ast.Subscript, path: str) -> Shape:
        owner = self.see(node.value, path)
        if not isinstance(node.slice, ast.Slice):
            return self.element(owner, self.see(node.slice, path))
        bounds = self.all([node.slice.lower, node.slice.upper, node.slice.step], path)
        if bounds == [NOTHING, NOTHING, ("-1", "-1", "-1")]:
            return self.note("reverse", owner)
        return self.note("slice", owner, *bounds[: 3 if node.slice.step else 2])

    def branch(self, node: ast.If, path: str) -> Shape:
        self.note("if", self.see(node.test, path))
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.operand, ast.Name):
            self.note("==", self.note("len", VARIABLE), self.literal("0"))
        inner = self.flow(path, "if")
        self.all(node.body, inner)
        chained = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
        self.all(node.orelse, path if chained else inner)
        return VARIABLE

    def choice(self, node: ast.IfExp, path: str) -> Shape:
        self.note("if", self.see(node.test, path))
        self.flow(path, "if")
        return self.note("?", *sorted(self.all([node.body, node.orelse], path)))

    def for_each(self, node: ast.For | ast.AsyncFor, path: str) -> Shape:
        inner = self.loop(path, self.see(node.iter, path))
        self.all([node.target, *node.body, *node.orelse], inner)
        return VARIABLE

    def as_long(self, node: ast.While, path: str) -> Shape:
        self.see(node.test, path)
        self.all([*node.body, *node.orelse], self.flow(path, "loop"))
        return VARIABLE

    def comprehension(self, node: Any, path: str) -> Shape:  # noqa: ANN401
        for one in node.generators:
            path = self.loop(path, self.see(one.iter, path))
            for test in one.ifs:
                self.note("if", self.see(test, path))
                path = self.flow(path, "if")
        if isinstance(node, ast.DictComp):
            return self.note("comp", self.see(node.key, path), self.see(node.value, path))
        shape = self.see(node.elt, path)
        if isinstance(node, ast.ListComp):
            self.note("append", VARIABLE, shape)
        return self.note("comp", shape)

    def returned(self, node: ast.Return, path: str) -> Shape:
        self.flow(path, "return")
        return self.note("return", self.see(node.value, path))

    def broken(self, node: ast.Break, path: str) -> Shape:  # noqa: ARG002
        self.flow(path, "break")
        return VARIABLE

    def assigned(self, node: ast.Assign, path: str) -> Shape:
        value = self.see(node.value, path)
        for target in self.all(node.targets, path):
            if target[0] != "v":
                self.note("=", target, value)
        return VARIABLE

    def items(self, node: ast.Tuple | ast.List | ast.Set, path: str) -> Shape:
        return self.note("list", *self.all(node.elts, path))

    def pairs(self, node: ast.Dict, path: str) -> Shape:
        both = zip(node.keys, node.values, strict=True)
        return self.note("list", *self.all([one for pair in both for one in pair], path))

    def statement(self, node: ast.Expr, path: str) -> Shape:
        return VARIABLE if isinstance(node.value, ast.Constant) else self.see(node.value, path)

    def within(self, node: _Function, path: str) -> Shape:
        self.all(node.body, path)
        return VARIABLE

    def unnamed(self, node: ast.Lambda, path: str) -> Shape:
        return self.see(node.body, path)


_METHODS: dict[type[ast.AST], Any] = {
    **dict.fromkeys(
        [ast.Name, ast.arguments, ast.Import, ast.ImportFrom, ast.Continue, ast.Pass, ast.Global],
        _Reader.nothing,
    ),
    **{ast.Constant: _Reader.constant, ast.JoinedStr: _Reader.formatted, ast.FormattedValue: _Reader.inside},
    **{ast.Attribute: _Reader.attribute, ast.Call: _Reader.called, ast.BinOp: _Reader.binary},
    **{ast.AugAssign: _Reader.augmented, ast.UnaryOp: _Reader.unary, ast.BoolOp: _Reader.boolean},
    **{ast.Compare: _Reader.compared, ast.Subscript: _Reader.subscript, ast.If: _Reader.branch},
    **{ast.IfExp: _Reader.choice, ast.For: _Reader.for_each, ast.AsyncFor: _Reader.for_each},
    **{ast.While: _Reader.as_long, ast.ListComp: _Reader.comprehension, ast.SetComp: _Reader.comprehension},
    **{
        ast.GeneratorExp: _Reader.comprehension,
        ast.DictComp: _Reader.comprehension,
        ast.Return: _Reader.returned,
    },
    **{ast.Break: _Reader.broken, ast.Assign: _Reader.assigned, ast.AnnAssign: _Reader.inside},
    **{ast.Tuple: _Reader.items, ast.List: _Reader.items, ast.Set: _Reader.items, ast.Dict: _Reader.pairs},
    **{ast.Expr: _Reader.statement, ast.FunctionDef: _Reader.within, ast.AsyncFunctionDef: _Reader.within},
    **{ast.Lambda: _Reader.unnamed},
}
