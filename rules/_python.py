"""Python source parsed once per row, for every rule that looks at code."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

MAX_CHARACTERS = 65_536


class Parsed(NamedTuple):
    """An answer's Python source with its tree, or the reason why there is none.

    tree is None when the source does not compile; error then holds the message and its line.
    instruction is the task that it answers; entry_point the function that the task names, if any.
    """

    source: str
    tree: ast.Module | None
    error: str | None
    instruction: str = ""
    entry_point: str | None = None


def parse(
    source: str,
    instruction: str = "",
    entry_point: str | None = None,
    tree: ast.Module | Exception | None = None,
) -> Parsed:
    """Parse and compile `source`, never running it.

    `compile` sees what `ast.parse` alone lets through, `return` outside a function for one.
    Hostile nesting (RecursionError, MemoryError) and null bytes (ValueError) count as errors too, and so does
    source of more than `MAX_CHARACTERS`: Python's parser takes gigabytes for some texts of that length.

    Args:
        source: what an answer holds as Python.
        instruction: the task that it answers.
        entry_point: the function that the task names, if any.
        tree: what `ast.parse(source)` returned or raised, where that is known already.
    """
    if len(source) > MAX_CHARACTERS:
        return Parsed(source, None, f"more than {MAX_CHARACTERS:,} characters", instruction, entry_point)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning for "\d" in model-written code
            tree = ast.parse(source) if tree is None else tree
            if isinstance(tree, ast.Module):
                compile(tree, "<answer>", "exec", dont_inherit=True)
                return Parsed(source, tree, None, instruction, entry_point)
            why = _message(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        why = _message(error)
    return Parsed(source, None, why, instruction, entry_point)


def _message(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.msg} (line {error.lineno})"
    return f"{type(error).__name__}: {error}"


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """All statements of a module, nested ones included, in no fixed order."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, field, None)
            if isinstance(below, list):
                waiting.extend(below)
