"""Tests as a sandbox takes them, from the forms in which data sets write them.

A test may be one assert, several of them, HumanEval's `def check(candidate)`, or pytest's `def test_...()`.
Where the asserts stand by themselves each becomes a test, so that an answer may satisfy some of them.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from datagen.answers.syntax import parsed
from datagen.answers.tests import TEST_MODULES

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_PREPARE = (*_DEFINITIONS, ast.Assign, ast.AnnAssign, ast.AugAssign)
#: What comes before every test.
SETUP = "\n".join(f"import {name}" for name in sorted(TEST_MODULES))


class Suite(NamedTuple):
    """What a program is judged by.

    Args:
        tests: Python statements, each of which holds if it raises nothing.
        setup: Python statements that come first: imports and definitions.
    """

    tests: tuple[str, ...]
    setup: str = SETUP


def is_python(source: str) -> bool:
    """Whether a test can be run at all."""
    return parsed(_lines_ended(source)) is not None


def suite_of(sources: Sequence[str], entry_point: str | None = None) -> Suite:
    """The tests in sources that are Python; those that check nothing give none.

    Args:
        sources: as a data set has them.
        entry_point: the function under test, for `def check(candidate)` that nobody calls.
    """
    setup, tests = [SETUP], []
    taken: dict[str, str] = {}
    for source in map(_lines_ended, sources):
        tree = parsed(source)
        if tree is None:
            continue
        one = _Source(source, tree, (entry_point or "").strip())
        if one.only_prepares():
            setup += [source] if source not in setup else []
            continue
        named = one.definitions()
        if named is None or any(taken.get(name, text) != text for name, text in named.items()):
            tests += one.whole()
            continue
        setup += [text for text in one.texts_of_definitions() if text not in setup]
        taken.update(named)
        tests += one.tests()
    return Suite(tuple(dict.fromkeys(tests)), "\n".join(setup))


def _lines_ended(source: str) -> str:
    return source.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


class _Source:
    """A test as it was written, with its tree."""

    def __init__(self, text: str, tree: ast.Module, entry_point: str) -> None:
        self._text, self._tree, self._entry_point = text, tree, entry_point
        self._lines = [line.encode() for line in text.split("\n")]

    def definitions(self) -> dict[str, str] | None:
        """The texts of what it defines, by names; None where its statements cannot be taken apart."""
        found: dict[str, str] = {}
        if self._changes_something():
            return None
        for statement in self._tree.body:
            if isinstance(statement, ast.Assert | ast.Expr):
                continue
            names = _names(statement)
            if names is None or any(name in found for name in names):
                return None
            found |= dict.fromkeys(names, self._source_of(statement))
        return found

    def _changes_something(self) -> bool:
        """Whether a statement may change what later ones look at, as `f(a)` does that sorts `a`."""
        own = {one.name for one in self._functions()}
        changeable: set[str] = set()
        uses: Counter[str] = Counter()
        for statement in self._tree.body:
            match statement:
                case ast.Assign(targets=[ast.Name(name)], value=value) if _is_changeable(value):
                    changeable.add(name)
                case ast.Expr(ast.Call(func=ast.Name(name))) if name in own:
                    pass
                case ast.Expr(value) if not isinstance(value, ast.Constant) and len(self._tree.body) > 1:
                    return True
                case ast.Assert():
                    uses.update({node.id for node in ast.walk(statement) if isinstance(node, ast.Name)})
        return any(uses[name] > 1 for name in changeable)

    def texts_of_definitions(self) -> list[str]:
        """What comes before its tests."""
        return [self._source_of(one) for one in self._tree.body if not isinstance(one, ast.Assert | ast.Expr)]

    def tests(self) -> Iterator[str]:
        """Its asserts and calls, one by one."""
        for statement in self._tree.body:
            if isinstance(statement, ast.Assert) or _does_something(statement):
                inside = self._inside(statement)
                yield from [self._source_of(statement)] if inside is None else inside
        for call in self._missing_calls():
            inside = self._inside(call)
            yield from [ast.unparse(call)] if inside is None else inside

    def whole(self) -> list[str]:
        """The source as one test, with the calls that it leaves out."""
        return ["\n".join([self._text, *(ast.unparse(call) for call in self._missing_calls())])]

    def only_prepares(self) -> bool:
        """Whether it defines and assigns, and checks nothing."""
        prepares = all(isinstance(one, _PREPARE) or _is_text(one) for one in self._tree.body)
        return prepares and not [*self._missing_calls()]

    def _missing_calls(self) -> Iterator[ast.Expr]:
        """Calls of `check` and of test functions, where the source only defines them."""
        called = {
            node.func.id
            for statement in self._tree.body
            if not isinstance(statement, _DEFINITIONS)
            for node in ast.walk(statement)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        for function in self._functions():
            if function.name in called:
                continue
            if function.name == "check" and len(function.args.args) == 1 and self._entry_point:
                yield _call("check", self._entry_point)
            elif function.name.startswith("test") and not _parameters(function):
                yield _call(function.name)

    def _functions(self) -> list[ast.FunctionDef]:
        return [one for one in self._tree.body if isinstance(one, ast.FunctionDef)]

    def _inside(self, statement: ast.stmt) -> list[str] | None:
        """The asserts of `check` where a statement calls it and they stand by themselves; else None."""
        match statement:
            case ast.Expr(ast.Call(func=ast.Name(name), args=[argument], keywords=[])):
                functions = [one for one in self._functions() if one.name == name]
                if len(functions) == 1 and [*_parameters(functions[0])] == functions[0].args.args[:1]:
                    return self._asserts(functions[0], ast.unparse(argument))
        return None

    def _asserts(self, function: ast.FunctionDef, value: str) -> list[str] | None:
        body = [one for one in function.body if not isinstance(one, ast.Pass) and not _is_text(one)]
        if not all(isinstance(one, ast.Assert) for one in body):
            return None
        # Such as `assert True`, which every program satisfies.
        checks = [
            one for one in body if isinstance(one, ast.Assert) and not isinstance(one.test, ast.Constant)
        ]
        name = function.args.args[0].arg
        return [f"{name} = {value}\n{self._source_of(one)}" for one in checks]

    def _source_of(self, node: ast.stmt) -> str:
        """The text of a statement, its decorators included; of several lines the first begins at its left."""
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        last = node.end_lineno or first
        lines = self._lines[first - 1 : last]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode()


def _names(statement: ast.stmt) -> list[str] | None:
    """The names that a definition binds; None of a statement that is more than a definition."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [one.asname or one.name.partition(".")[0] for one in names if one.name != "*"]
        case ast.Assign(targets=[ast.Name(name)], value=value):
            return None if any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(value)) else [name]
    return None


def _is_changeable(value: ast.expr) -> bool:
    kinds = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    return any(isinstance(node, kinds) for node in ast.walk(value))


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    return [node for node in ast.walk(function.args) if isinstance(node, ast.arg)]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _does_something(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)


def _call(name: str, *arguments: str) -> ast.Expr:
    """`name(argument, ...)`; an entry point may be `Solution().run`."""
    source = f"{name}({', '.join(arguments)})"
    tree = parsed(source) or parsed(f"{name}()")
    assert tree is not None  # noqa: S101 - both parts are names
    call = tree.body[0]
    assert isinstance(call, ast.Expr)  # noqa: S101
    return call
