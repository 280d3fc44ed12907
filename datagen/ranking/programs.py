"""Tests as a sandbox takes them, from the forms in which data sets write them.

A test may be one assert, several of them, HumanEval's `def check(candidate)`, pytest's `def test_...()`, a
`unittest.TestCase`, or a session with `>>>`. Where the asserts stand by themselves each becomes a test, so
that an answer may satisfy some of them. Each test has a copy of those definitions of its own source that it
uses.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from datagen.answers.syntax import parsed
from datagen.ranking.cases import Case, cases_of
from datagen.ranking.forms import plain

_PREPARE = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Pass),
)
#: Where copies of definitions make more text than this of a source, its tests stay one.
MOST_TEXT = 2**20
_IDENTIFIER = re.compile(r"\s*(\w+)")
#: A source that uses these may use any of its definitions.
_DYNAMIC = frozenset("eval exec globals locals vars".split())
#: What comes before every test.
SETUP = "import math"


class Suite(NamedTuple):
    """What a program is judged by.

    Args:
        tests: Python statements, each of which holds if it raises nothing.
        setup: Python statements that come first: imports and definitions.
        idle: how many test functions nothing can call, because they take what nobody gives.
    """

    tests: tuple[str, ...]
    setup: str = SETUP
    idle: int = 0


def is_python(source: str) -> bool:
    """Whether a test can be run at all."""
    return plain(source, frozenset()) is not None


def suite_of(sources: Sequence[str], entry_point: str | None = None, shared: Set[str] = frozenset()) -> Suite:
    """The tests in sources that are Python; those that check nothing give none.

    Args:
        sources: as a data set has them.
        entry_point: the function under test, for `def check(candidate)` that nobody calls, and for the module
            that it is imported from.
        shared: without an entry point, names that the answers share: the only one is the function under test.
    """
    setup, tests, idle = [SETUP], list[str](), 0
    target = (entry_point or "").strip() or (next(iter(shared)) if len(shared) == 1 else None)
    found = _IDENTIFIER.match(target or "")
    wanted = {found[1]} if found else shared
    for source in sources:
        text = plain(source, wanted, found[1] if found and entry_point else "")
        tree = None if text is None else parsed(text)
        if text is None or tree is None:
            continue
        one = _Source(text, tree, target)
        idle += one.idle
        if one.only_prepares():
            setup += [text] if text not in setup and not one.idle else []
        else:
            tests += one.tests()
    return Suite(tuple(dict.fromkeys(tests)), "\n".join(setup), idle)


class _Source:
    """A test as it was written, with its tree."""

    def __init__(self, text: str, tree: ast.Module, target: str | None) -> None:
        self._text, self._tree = text, tree
        self._lines = [line.encode() for line in text.split("\n")]
        self._cases, self.idle = cases_of(tree, target)
        self._words: dict[ast.AST, Set[str]] = {}
        #: The definitions that any test needs, and those of each name.
        self._always: list[ast.stmt] = []
        self._bound: dict[str, list[ast.stmt]] = {}
        everything = not _DYNAMIC.isdisjoint(_words(tree))
        for one in tree.body:
            if not isinstance(one, ast.Assert | ast.Expr | ast.Pass):
                names = _names(one)
                if everything or not names:
                    self._always.append(one)
                for name in names or ():
                    self._bound.setdefault(name, []).append(one)

    def only_prepares(self) -> bool:
        """Whether it defines and assigns, and checks nothing."""
        return not self._cases and all(isinstance(one, _PREPARE) or _is_text(one) for one in self._tree.body)

    def tests(self) -> list[str]:
        """Its asserts and calls one by one, or in one where they cannot be taken apart."""
        found = None
        if self._is_separable():
            found = up_to(MOST_TEXT, self._apart())
        elif self._cases and all(isinstance(one, (*_PREPARE, ast.Expr)) for one in self._tree.body):
            found = up_to(MOST_TEXT, map(self._behind_all, self._cases))
        return ["\n".join([self._text, *(one.text for one in self._cases)])] if found is None else found

    def _behind_all(self, case: Case) -> str:
        return "\n".join([*(self._without(one, case) for one in self._tree.body), case.text])

    def _apart(self) -> Iterator[str]:
        for statement in self._tree.body:
            if isinstance(statement, ast.Assert) or (
                isinstance(statement, ast.Expr) and not _is_text(statement)
            ):
                inside = self._inside(statement)
                for text in [self._source_of(statement)] if inside is None else inside:
                    yield self._with_definitions(text, Case(""))
        for case in self._cases:
            called = parsed(case.text)
            inside = self._inside(called.body[0]) if called and len(called.body) == 1 else None
            for text in [case.text] if inside is None else inside:
                yield self._with_definitions(text, case)

    def _with_definitions(self, text: str, case: Case) -> str:
        """A test behind the definitions that it uses."""
        tree = parsed(text)
        needed = {*self._always}
        waiting = [_words(tree) if tree else set(), *(self._words_of(one, case) for one in needed)]
        for names in waiting:  # it grows
            for name in names & self._bound.keys():
                more = [one for one in self._bound[name] if one not in needed]
                needed.update(more)
                waiting += (self._words_of(one, case) for one in more)
        ordered = sorted(needed, key=lambda one: one.lineno)
        return "\n".join([*(self._without(one, case) for one in ordered), text])

    def _words_of(self, one: ast.stmt, case: Case) -> Set[str]:
        """The names in a definition, of a class without the methods that a case does not need."""
        if not isinstance(one, ast.ClassDef) or not case.left_out:
            return self._known(one)
        left_out = {*case.left_out}
        return set[str]().union(
            *(self._known(below) for below in ast.iter_child_nodes(one) if below not in left_out)
        )

    def _known(self, node: ast.AST) -> Set[str]:
        if node not in self._words:
            self._words[node] = _words(node)
        return self._words[node]

    def _without(self, statement: ast.stmt, case: Case) -> str:
        """The text of a statement, of a class without the methods that a case does not need."""
        if not isinstance(statement, ast.ClassDef) or not case.left_out:
            return self._source_of(statement)
        drop = {number for one in case.left_out for number in rows_of(one)} & {*rows_of(statement)}
        if not drop:
            return self._source_of(statement)
        return "\n".join(self._lines[row - 1].decode() for row in rows_of(statement) if row not in drop)

    def _is_separable(self) -> bool:
        """Whether each statement defines, asserts or calls, and means the same without the others."""
        if self._changes_something():
            return False
        found: set[str] = set()
        for statement in self._tree.body:
            if isinstance(statement, ast.Assert | ast.Expr):
                continue
            names = _names(statement)
            if names is None or any(name in found for name in names):
                return False
            found.update(names)
        return True

    def _changes_something(self) -> bool:
        """Whether a statement may change what later ones look at, as `f(a)` does that sorts `a`."""
        own = {
            one.name
            for one in self._functions()
            if not one.decorator_list and not any(isinstance(node, ast.Global) for node in ast.walk(one))
        }
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
                case ast.Assert() | ast.FunctionDef() | ast.ClassDef():
                    uses.update({node.id for node in ast.walk(statement) if isinstance(node, ast.Name)})
        return any(uses[name] > 1 for name in changeable)

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
        rows = rows_of(node)
        lines = self._lines[rows[0] - 1 : rows[-1]]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode()


def up_to(most: int, texts: Iterable[str]) -> list[str] | None:
    """The texts; None where they have more than `most` characters together."""
    found: list[str] = []
    for text in texts:
        most -= len(text)
        if most < 0:
            return None
        found.append(text)
    return found


def _names(statement: ast.stmt) -> list[str] | None:
    """The names that a definition binds; None of a statement that is more than a definition."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [one.asname or one.name.partition(".")[0] for one in names if one.name != "*"]
        case ast.Pass():
            return []
        case (
            ast.Assign(targets=[ast.Name(name)], value=value)
            | ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value)
        ):
            return None if any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(value)) else [name]
    return None


def _is_changeable(value: ast.expr) -> bool:
    kinds = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    return any(isinstance(node, kinds) for node in ast.walk(value))


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    return [node for node in ast.walk(function.args) if isinstance(node, ast.arg)]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def rows_of(node: ast.stmt) -> range:
    """The numbers of a statement's lines, its decorators included."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    return range(first, (node.end_lineno or first) + 1)


def _words(tree: ast.AST) -> set[str]:
    """The names in a tree."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Global):
            found.update(node.names)
    return found
