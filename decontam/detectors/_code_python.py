"""Features of Python code, from its syntax tree."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from decontam.detectors._code_features import NOTHING, VARIABLE, Features, Shape

_NAMES = frozenset(dir(builtins))
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_OPERATORS: dict[type[ast.AST], str] = {
    **{ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "/", ast.Mod: "%", ast.Pow: "**"},
    **{ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@"},
    **{ast.Lt: "<", ast.LtE: "<", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "==", ast.Is: "=="},
    **{ast.IsNot: "==", ast.In: "in", ast.NotIn: "in", ast.UAdd: "+", ast.USub: "-", ast.Invert: "~"},
}


def units(tree: ast.Module) -> Iterator[tuple[ast.AST | None, set[str]]]:
    """Yield the features of each function and method that stands in no other one, and of the rest together.

    The rest, what runs when the module is imported, comes without a node.
    """
    rest: list[ast.stmt] = []
    waiting = list(tree.body)
    whole: list[set[str]] = []
    for node in waiting:
        if isinstance(node, _FUNCTION):
            whole.append(_of(node.body))
            yield node, whole[-1]
        elif isinstance(node, ast.ClassDef):
            waiting.extend(node.body)
        else:
            rest.append(node)
    if rest:
        whole.append(_of(rest))
    if len(whole) > 1 or rest:
        yield None, set().union(*whole)


def _of(nodes: list[ast.stmt]) -> set[str]:
    visitor = _Visitor()
    for node in nodes:
        visitor.see(node, "")
    return visitor.features.found


class _Visitor:
    """Goes through a tree from the leaves up; each method returns how a node is seen from outside."""

    def __init__(self) -> None:
        self.features = Features()
        self.methods: dict[type[ast.AST], object] = {}

    def see(self, node: ast.AST | None, path: str) -> Shape:
        if node is None:
            return NOTHING
        method = getattr(self, "_" + type(node).__name__.lower(), None)
        if method is not None:
            shape: Shape = method(node, path)
            return shape
        for child in ast.iter_child_nodes(node):
            self.see(child, path)
        return VARIABLE

    def all(self, nodes, path):
        return [self.see(node, path) for node in nodes]

    def _name(self, node, path):
        return VARIABLE

    _arguments = _import = _importfrom = _continue = _pass = _global = _name

    def _constant(self, node, path):
        if isinstance(node.value, str):
            return self.features.literal(f'"{node.value}"')
        if isinstance(node.value, float) and node.value.is_integer() and abs(node.value) < 1e15:
            return self.features.literal(str(int(node.value)))
        return self.features.literal(str(node.value))

    def _joinedstr(self, node, path):
        return self.features.note("+", *self.all(node.values, path))

    def _formattedvalue(self, node, path):
        return self.see(node.value, path)

    def _attribute(self, node, path):
        if isinstance(node.value, ast.Name) and node.attr != "length":
            return self.features.note("." + node.attr, VARIABLE)
        return self.features.call(node.attr, self.see(node.value, path))

    def _call(self, node, path):
        called = node.func
        arguments = self.all([*node.args, *(one.value for one in node.keywords)], path)
        self.features.found.update(f"{one.arg}=" for one in node.keywords)
        if isinstance(called, ast.Name):
            if called.id == "range" and arguments:
                return self.features.counted(*arguments)
            if called.id not in _NAMES:
                return self.features.note("call", *arguments)
            return self.features.call(called.id, *arguments)
        if isinstance(called, ast.Attribute):
            owner = called.value
            if isinstance(owner, ast.Name) and owner.id in {"math", "np", "collections", "itertools", "functools", "re"}:
                return self.features.call(called.attr, *arguments)
            return self.features.call(called.attr, self.see(owner, path), *arguments)
        return self.features.note("call", self.see(called, path), *arguments)

    def _binop(self, node, path):
        return self.features.operation(_OPERATORS[type(node.op)], self.see(node.left, path), self.see(node.right, path))

    def _augassign(self, node, path):
        return self.features.operation(_OPERATORS[type(node.op)], self.see(node.target, path), self.see(node.value, path))

    def _unaryop(self, node, path):
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and isinstance(node.operand.value, int | float):
            return self._constant(ast.Constant(-node.operand.value), path)
        inner = self.see(node.operand, path)
        return inner if isinstance(node.op, ast.Not) else self.features.operation(_OPERATORS[type(node.op)], inner)

    def _boolop(self, node, path):
        shapes = self.all(node.values, path)
        made = shapes[0]
        for one in shapes[1:]:
            made = self.features.note("and", made, one)
        return made

    def _compare(self, node, path):
        sides = self.all([node.left, *node.comparators], path)
        made = [
            self.features.operation(_OPERATORS[type(op)], left, right)
            for op, left, right in zip(node.ops, sides, sides[1:], strict=False)
        ]
        return made[0] if len(made) == 1 else self.features.note("and", *made)

    def _subscript(self, node, path):
        owner = self.see(node.value, path)
        if isinstance(node.slice, ast.Slice):
            parts = [self.see(one, path) for one in (node.slice.lower, node.slice.upper, node.slice.step)]
            if parts == [NOTHING, NOTHING, ("-1", "-1", "-1")]:
                return self.features.note("reverse", owner)
            return self.features.note("slice", owner, *parts[: 3 if node.slice.step else 2])
        return self.features.element(owner, self.see(node.slice, path))

    def _if(self, node, path):
        self.features.note("if", self.see(node.test, path))
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.operand, ast.Name):
            self.features.note("==", self.features.note("len", VARIABLE), self.features.literal("0"))
        inner = self.features.flow(path, "if")
        self.all(node.body, inner)
        chained = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
        self.all(node.orelse, path if chained else inner)
        return VARIABLE

    def _ifexp(self, node, path):
        self.features.note("if", self.see(node.test, path))
        self.features.flow(path, "if")
        return self.features.note("?", *sorted(self.all([node.body, node.orelse], path)))

    def _for(self, node, path):
        inner = self.features.loop(path, self.see(node.iter, path))
        self.all([node.target, *node.body, *node.orelse], inner)
        return VARIABLE

    _asyncfor = _for

    def _while(self, node, path):
        self.see(node.test, path)
        self.all([*node.body, *node.orelse], self.features.flow(path, "loop"))
        return VARIABLE

    def _comprehension_of(self, node, path):
        for one in node.generators:
            path = self.features.loop(path, self.see(one.iter, path))
            for test in one.ifs:
                self.features.note("if", self.see(test, path))
                path = self.features.flow(path, "if")
        if isinstance(node, ast.DictComp):
            return self.features.note("comp", self.see(node.key, path), self.see(node.value, path))
        shape = self.see(node.elt, path)
        if isinstance(node, ast.ListComp):
            self.features.note("append", VARIABLE, shape)
        return self.features.note("comp", shape)

    _listcomp = _setcomp = _generatorexp = _dictcomp = _comprehension_of

    def _return(self, node, path):
        self.features.flow(path, "return")
        return self.features.note("return", self.see(node.value, path))

    def _break(self, node, path):
        self.features.flow(path, "break")
        return VARIABLE

    def _assign(self, node, path):
        value = self.see(node.value, path)
        for target in self.all(node.targets, path):
            if target[0] != "v":
                self.features.note("=", target, value)
        return VARIABLE

    def _annassign(self, node, path):
        return self.see(node.value, path)

    def _tuple(self, node, path):
        return self.features.note("list", *self.all(node.elts, path))

    _list = _set = _tuple

    def _dict(self, node, path):
        return self.features.note("list", *self.all([one for pair in zip(node.keys, node.values, strict=True) for one in pair], path))

    def _expr(self, node, path):
        return VARIABLE if isinstance(node.value, ast.Constant) else self.see(node.value, path)

    def _functiondef(self, node, path):
        self.all(node.body, path)
        return VARIABLE

    _asyncfunctiondef = _functiondef

    def _lambda(self, node, path):
        return self.see(node.body, path)
