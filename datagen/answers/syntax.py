"""Syntax trees of Python answers, each text parsed once, and what statements do with names."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

#: Longer text is not parsed: Python's parser takes quadratic memory for `from a.a.a...`.
MAX_SOURCE = 2**16

BUILTINS = frozenset(dir(builtins))

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Trees:
    """The syntax trees of the texts of one answer; each text is parsed once."""

    def __init__(self) -> None:
        self._known: dict[str, ast.Module | Exception] = {}

    def of(self, text: str) -> ast.Module | None:
        """The syntax tree of `text`; None where it is no Python, too long or too deep."""
        if len(text) > MAX_SOURCE:
            return None
        if text not in self._known:
            self._known[text] = _parse(text)
        found = self._known[text]
        return found if isinstance(found, ast.Module) else None

    def known(self, text: str) -> ast.Module | Exception | None:
        """What parsing `text` gave: its tree or the error; None where it was not parsed."""
        return self._known.get(text)

    def put(self, text: str, tree: ast.Module) -> None:
        """Take `tree` for the tree of `text`."""
        self._known[text] = tree


def _parse(text: str) -> ast.Module | Exception:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error.with_traceback(None)  # a traceback would keep the frames of its callers


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of `text`; None where it is no Python, too long or too deep."""
    return Trees().of(text)


def bound_names(tree: ast.Module) -> frozenset[str]:
    """The names that a module's statements bind."""
    return frozenset().union(*(Statement(node).bound for node in tree.body))


def unresolved(text: str, trees: Trees) -> frozenset[str]:
    """The global names that a source uses but neither binds nor finds among the builtins."""
    tree = trees.of(text)
    return global_names(text) - bound_names(tree) - BUILTINS if tree else frozenset()


def nested_statements(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Statements and all below them, in the order of `ast.walk`, with handlers and cases; no expressions."""
    waiting: deque[ast.AST] = deque(body)
    while waiting:
        node = waiting.popleft()
        yield node
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            below = getattr(node, field, None)
            if isinstance(below, list):
                waiting.extend(below)


class Names(NamedTuple):
    """What a statement does with names, nested statements included.

    Fields:
        bound: the names that it binds; of a definition its own name alone.
        loaded: the names that it reads.
        called: what its calls begin with: `f` of `f(x)`, `s` of `s.push(1)` and `s[0].pop()`.
        methods: the names whose methods it calls: `s` of `s.push(1)`.
        stored: the names of the objects whose attributes or elements it sets or deletes; "" for one
            without a name.
        asserts: whether there is an assert in it.
    """

    bound: frozenset[str]
    loaded: frozenset[str]
    called: frozenset[str]
    methods: frozenset[str]
    stored: frozenset[str]
    asserts: bool


class Statement:
    """A statement of the module; its tree is walked once, when its names are asked for."""

    def __init__(self, node: ast.stmt) -> None:
        self.node = node

    @cached_property
    def names(self) -> Names:
        return _names(self.node)

    @property
    def bound(self) -> frozenset[str]:
        return frozenset({self.node.name}) if isinstance(self.node, Definition) else self.names.bound


def global_names(text: str) -> frozenset[str]:
    """The global names that a source uses, in functions too; more of them where it is not clear."""
    names: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables = [symtable.symtable(text, "<answer>", "exec")]
        while tables:
            table = tables.pop()
            module = table.get_type() == "module"
            names.update(
                s.get_name() for s in table.get_symbols() if (s.is_referenced() if module else s.is_global())
            )
            tables.extend(table.get_children())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(re.findall(r"\w+", text))
    return frozenset(names)


def _names(statement: ast.stmt) -> Names:
    """What a statement does with names, from one walk of its tree."""
    bound, loaded, called, methods, stored = set[str](), set[str](), set[str](), set[str](), set[str]()
    asserts = False
    changes = isinstance(statement, ast.AugAssign)
    for node in _below(statement):
        match node:
            case ast.Name(id=name, ctx=context):
                if not isinstance(context, ast.Load):
                    bound.add(name)
                if changes or isinstance(context, ast.Load):
                    loaded.add(name)
            case ast.Attribute(ctx=context) | ast.Subscript(ctx=context):
                if not isinstance(context, ast.Load):
                    stored.add(_root(node) or "")
            case ast.Call(func=function):
                root = _root(function) or ""
                called.add(root)
                if isinstance(function, ast.Attribute):
                    methods.add(root)
            case ast.alias(name=name, asname=asname):
                bound.add(asname or name.partition(".")[0])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Assert():
                asserts = True
    own = {statement.name} if isinstance(statement, Definition) else bound
    return Names(
        bound=frozenset(own),
        loaded=frozenset(loaded),
        called=frozenset(called - {""}),
        methods=frozenset(methods - {""}),
        stored=frozenset(stored),
        asserts=asserts,
    )


def _below(statement: ast.stmt) -> list[ast.AST]:
    """The nodes of a statement that can hold a name, as `ast.walk` gives them."""
    nodes: list[ast.AST] = [statement]
    for node in nodes:  # it grows
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                nodes.extend(below for below in value if isinstance(below, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context | ast.Constant):
                nodes.append(value)
    return nodes


def _root(node: ast.AST) -> str | None:
    """The name that a chain of attributes and subscripts begins with, four links at most."""
    for _ in range(4):
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
    return node.id if isinstance(node, ast.Name) else None
