"""Test sources as people and models write them, made into plain Python statements.

Four things are rewritten, whatever the program under test defines: a session with `>>>` becomes asserts;
what would start a test runner is left out; so is a copy of the function that the data name as the one under
test; and an import of that function becomes one from `solution`, the module by which a sandbox knows the
program.
"""

from __future__ import annotations

import ast
import doctest
import sys
from collections.abc import Iterator, Sequence, Set
from itertools import accumulate
from typing import NamedTuple

from datagen.answers.syntax import bound_names, parsed
from datagen.answers.trim import is_guard

#: The module by which tests import the program.
SOLUTION = "solution"
#: What tests that know no better call the module of the program.
_PLACEHOLDERS = frozenset(
    "answer candidate code implementation main module my_module my_solution program response script solution"
    " solutions submission target task your_code your_file your_module your_script your_solution".split()
)
#: Packages that tests use for themselves: a function of theirs is not the program's.
_PACKAGES = frozenset(
    "attr attrs hypothesis matplotlib networkx nose numpy pandas parameterized pydantic pytest requests"
    " scipy sklearn sortedcontainers sympy tensorflow torch".split()
)
#: Modules that tests use without importing them.
_FRAMEWORKS = ("pytest", "unittest")
#: What starts a test runner.
_RUNNERS = frozenset({"TestLoader", "TestSuite", "TextTestRunner", "defaultTestLoader", "testmod"})


class _Edit(NamedTuple):
    """Text to put in the place of some bytes."""

    first: int
    end: int
    text: str


def plain(source: str, wanted: Set[str], entry_point: str = "") -> str | None:
    """A test source as Python statements; None where it is no Python.

    Args:
        source: as it was written.
        wanted: names of the function under test: a module of no known package that they are imported from
            is the program's.
        entry_point: its name where the data say it: a definition of it in the test would hide the program's.
    """
    text = source.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    tree = parsed(text)
    if tree is None and ">>>" in text:
        text = _from_session(text) or ""
        tree = parsed(text)
    if tree is None or not text:
        return None
    starts = _starts(text)
    try:
        edits = [*_without_runners(starts, tree), *_imports(starts, tree, wanted)]
        edits += [_Edit(*_span(starts, one), "pass") for one in copies(tree.body, entry_point)]
        text = _edited(text, edits)
    except RecursionError:  # `ast.unparse` of deep trees
        return None
    again = parsed(text)
    if again is None:
        return None
    names = {node.id for node in ast.walk(again) if isinstance(node, ast.Name)} - bound_names(again)
    return "\n".join([*(f"import {name}" for name in _FRAMEWORKS if name in names), text])


def _edited(text: str, edits: list[_Edit]) -> str:
    """The text with its edits; one inside of another is left out."""
    data, end = text.encode(), 0
    parts: list[bytes] = []
    for one in sorted(edits):
        if one.first >= end:
            parts += [data[end : one.first], one.text.encode()]
            end = one.end
    return b"".join([*parts, data[end:]]).decode()


def _starts(text: str) -> list[int]:
    """Where the lines of a text begin, in bytes."""
    return [0, *accumulate(len(line) + 1 for line in text.encode().split(b"\n"))]


def _span(starts: Sequence[int], node: ast.stmt) -> tuple[int, int]:
    """The first byte of a statement, its decorators included, and the one behind it."""
    last = node.end_lineno or node.lineno
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    column = node.col_offset if first == node.lineno else 0  # the @ is before the decorator
    return starts[first - 1] + column, starts[last - 1] + (node.end_col_offset or 0)


def copies(body: Sequence[ast.stmt], name: str) -> list[ast.stmt]:
    """The definitions of a name among statements, and of the errors that they raise."""
    found = [one for one in body if name and _is_copy(one, name)]
    raised = {
        word.id
        for copy in found
        for node in ast.walk(copy)
        if isinstance(node, ast.Raise) and node.exc
        for word in ast.walk(node.exc)
        if isinstance(word, ast.Name)
    }
    return [one for one in body if one in found or (isinstance(one, ast.ClassDef) and one.name in raised)]


def _is_copy(one: ast.stmt, name: str) -> bool:
    match one:
        case ast.FunctionDef(name=own) | ast.AsyncFunctionDef(name=own) | ast.ClassDef(name=own):
            return own == name
        case ast.Assign(targets=[ast.Name(own)], value=ast.Lambda()):
            return own == name
        case ast.Try() | ast.If():
            return any(
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name
                for node in ast.walk(one)
            )
    return False


def _without_runners(starts: Sequence[int], tree: ast.Module) -> Iterator[_Edit]:
    """Take what stands under a main guard as if it stood without; leave out what starts a test runner."""
    modules, gone = _framework_names(tree)
    classes = {one.name for one in tree.body if isinstance(one, ast.ClassDef) and _is_unittest(one)}
    for statement in tree.body:
        guard = statement if isinstance(statement, ast.If) and is_guard(statement) else None
        body = guard.body if guard else [statement]
        stays = []
        for one in body:
            if isinstance(one, ast.Import | ast.ImportFrom) or not _runs_tests(one, modules, gone, classes):
                stays.append(one)
            else:
                gone |= bound_names(ast.Module([one], []))
        if guard or not stays:
            yield _Edit(*_span(starts, statement), "\n".join(map(ast.unparse, stays)))


def _framework_names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names by which a source knows the test frameworks, and those of their runners."""
    modules, runners = {*_FRAMEWORKS}, set[str]()
    for node in tree.body:
        match node:
            case ast.Import(names=names):
                modules |= {one.asname for one in names if one.asname and one.name in _FRAMEWORKS}
            case ast.ImportFrom(module="pytest" | "unittest", names=names):
                runners |= {one.asname or one.name for one in names if one.name in {"main", *_RUNNERS}}
    return modules, runners


def _is_unittest(one: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("TestCase") for base in one.bases)


def _runs_tests(statement: ast.stmt, modules: Set[str], gone: Set[str], classes: Set[str]) -> bool:
    """Whether a statement runs tests by `modules` or `classes`, or uses a name of what is gone.

    What a `TestCase` does by `run` fails in its result, which nobody may look at.
    """
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    for node in ast.walk(statement):
        match node:
            case ast.Attribute(value=ast.Name(name), attr="main") if name in modules:
                return True
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(name)), attr="run")
                | ast.Call(func=ast.Name(name))
            ) if name in classes:
                return True
            case ast.Attribute(attr=name) | ast.Name(name) if name in _RUNNERS:
                return True
            case ast.Name(name, ctx=ast.Load()) if name in gone:
                return True
    return False


def _imports(starts: Sequence[int], tree: ast.Module, wanted: Set[str]) -> Iterator[_Edit]:
    """Import from `solution` what is the program's.

    `import *` is left out: the names of the program are there anyway, below those of the test.
    """
    attributes = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module, names=names):
                own = module is None or _is_programs(module, {one.name for one in names}, wanted)
                if own and names[0].name == "*":
                    yield _Edit(*_span(starts, node), "pass")
                elif own and module is None:  # `from . import solution`
                    yield _Edit(
                        *_span(starts, node), ast.unparse(ast.Import([_renamed(one) for one in names]))
                    )
                elif own:
                    yield _Edit(*_span(starts, node), ast.unparse(ast.ImportFrom(SOLUTION, names, 0)))
            case ast.Import(names=names):
                own_names = [
                    one.name
                    for one in names
                    if _is_programs(
                        one.name, {b for a, b in attributes if a == (one.asname or one.name)}, wanted
                    )
                ]
                if own_names:
                    changed = [_renamed(one) if one.name in own_names else one for one in names]
                    yield _Edit(*_span(starts, node), ast.unparse(ast.Import(changed)))


def _renamed(one: ast.alias) -> ast.alias:
    name = one.asname or one.name.partition(".")[0]
    return ast.alias(SOLUTION, None if name == SOLUTION else name)


def _is_programs(module: str, names: Set[str], wanted: Set[str]) -> bool:
    """Whether a module is the program: nothing that the program defines decides it."""
    root = module.partition(".")[0]
    if root in _PACKAGES or root in sys.stdlib_module_names:
        return False
    return root in _PLACEHOLDERS or bool(names & wanted) or root in wanted


def _from_session(text: str) -> str | None:
    """The asserts that a session with `>>>` stands for; None where it is none."""
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return None
    statements = [_from_example(one) for one in examples]
    return None if None in statements else "\n".join(one for one in statements if one)


def _from_example(example: doctest.Example) -> str | None:
    """What an example says: the value as Python writes it, what is printed, or the error."""
    source = example.source.strip("\n")
    tree = parsed(source)
    if tree is None:
        return None
    wanted = example.want.strip("\n")
    if example.exc_msg is not None:
        error = example.exc_msg.partition(":")[0].strip().rpartition(".")[2]
        lines = source.replace("\n", "\n    ")
        return f"try:\n    {lines}\nexcept {error}:\n    pass\nelse:\n    raise AssertionError('no {error}')"
    if not wanted:
        return source
    match tree.body:
        case [ast.Expr(ast.Call(func=ast.Name("print"), args=[value], keywords=[]))]:
            return f"assert str({ast.unparse(value)}) == {wanted!r}"
        case [ast.Expr(ast.Call(func=ast.Name("print"), args=[_, _, *_] as values, keywords=[]))]:
            texts = " ".join(["%s"] * len(values))
            return f"assert {texts!r} % {ast.unparse(ast.Tuple(values))} == {wanted!r}"
        case [ast.Expr(value)]:
            return f"assert {_equal(ast.unparse(value), wanted)}"
    return None


def _equal(value: str, wanted: str) -> str:
    try:
        ast.literal_eval(wanted)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return f"repr({value}) == {wanted!r}"
    return f"({value}) == ({wanted})"
