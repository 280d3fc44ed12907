"""Mechanical changes to a benchmark item: what a copy of it may look like in a row.

No model is asked, so what is found of these copies is more than what is found of reworded ones.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import keyword
import random
import re
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

from decontam.benchmarks import Item

WIDTH = 8


class Copy(NamedTuple):
    """An item as a row might hold it.

    Args:
        asked: what stands in the instruction.
        answer: what stands in the answer.
    """

    asked: str
    answer: str


def copies(item: Item) -> dict[str, Copy]:
    """The copies of an item by the name of the change; those for which it has no text are left out."""
    made: dict[str, Copy] = {}
    for name, change in CHANGES.items():
        with contextlib.suppress(RecursionError):  # the solution is nested too deep to be written anew
            if (copy := change(item)) is not None:
                made[name] = copy
    return made


def program(item: Item) -> str:
    """The reference solution as a program that can be read alone; "" where there is none.

    A solution that is the body of a function follows what a model is shown.
    """
    for text in (item.solution, f"{item.raw_prompt}{item.solution}"):
        if item.solution.strip() and _tree(text) is not None:
            return text
    return item.solution


def _verbatim(item: Item) -> Copy | None:
    return Copy(item.raw_prompt, program(item)) if item.raw_prompt.strip() else None


def _wrapped(item: Item) -> Copy | None:
    """The words with line ends where there were none."""
    words = item.prompt.split()
    if not words:
        return None
    lines = (" ".join(words[start : start + WIDTH]) for start in range(0, len(words), WIDTH))
    return Copy("\n".join(lines), "")


def _half(item: Item) -> Copy | None:
    """The second half of the words, if that is enough to be known again."""
    words = item.prompt.split()
    return Copy(" ".join(words[len(words) // 2 :]), "") if len(words) >= 4 * WIDTH else None


def _solution(item: Item) -> Copy | None:
    return Copy("", program(item)) if item.solution.strip() else None


def _layout(item: Item) -> Copy | None:
    """The solution without comments and docstrings, as Python itself would lay it out."""
    tree = _tree(program(item))
    return None if tree is None or not tree.body else Copy("", ast.unparse(_without_docstrings(tree)))


def _renamed(item: Item) -> Copy | None:
    """The solution with other names for its functions, parameters and variables, without docstrings."""
    tree = _tree(program(item))
    if tree is None or not tree.body:
        return None
    tree = _without_docstrings(tree)
    draw = random.Random(item.task_id)
    names = {name: f"{draw.choice('abcdefgh')}{number}" for number, name in enumerate(_own_names(tree))}
    return Copy("", ast.unparse(_Renamed(names).visit(tree)))


def _tests(item: Item) -> Copy | None:
    tests = "\n".join(item.tests)
    name = re.escape(item.entry_point or "candidate")
    return Copy("", re.sub(rf"\b({name}|candidate)\b", "solve", tests)) if tests.strip() else None


#: What is done to an item, by name.
CHANGES: Mapping[str, Callable[[Item], Copy | None]] = {
    "verbatim": _verbatim,
    "wrapped-text": _wrapped,
    "half-text": _half,
    "solution": _solution,
    "new-layout": _layout,
    "new-names": _renamed,
    "tests": _tests,
}


def _tree(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _own_names(tree: ast.Module) -> list[str]:
    """Names that the program itself binds, in their order."""
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found[node.name] = None
        elif isinstance(node, ast.arg):
            found[node.arg] = None
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = None
    return [name for name in found if not (keyword.iskeyword(name) or hasattr(builtins, name))]


class _Renamed(ast.NodeTransformer):
    """Other names for some."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self._names.get(node.arg, node.arg)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.name = self._names.get(node.name, node.name)
        self.generic_visit(node)
        return node
