"""Python source parsed once per row, for every rule that looks at code."""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

MAX_CHARACTERS = 65_536
#: Nodes of syntax that `compile` is given at most, those counted again that it writes out again.
MAX_COMPILED = 200_000

#: Longer runs of marks and longer dotted names are no code; Python's parser takes quadratic time for them.
_MOST_MARKS = 500
_MOST_DOTS = 1000
_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS},}}")
_DOTTED = re.compile(r"\w++(?:[ \t\\\n]*+\.[ \t\\\n]*+\w++)*+")

#: The filter that `warnings.simplefilter("ignore")` puts first.
_IGNORE_ALL = ("ignore", None, Warning, None, 0)
_NOTHING = nullcontext()


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
    if _has_endless_name(source):
        return Parsed(source, None, "a name of thousands of parts or marks", instruction, entry_point)
    try:
        with without_warnings():  # SyntaxWarning for "\d" in model-written code
            tree = ast.parse(source) if tree is None else tree
            if isinstance(tree, ast.Module):
                if "finally" in source and _compiled_size(tree) > MAX_COMPILED:
                    return Parsed(source, None, "finally blocks inside of others", instruction, entry_point)
                compile(tree, "<answer>", "exec", dont_inherit=True)
                return Parsed(source, tree, None, instruction, entry_point)
            why = _message(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        why = _message(error)
    return Parsed(source, None, why, instruction, entry_point)


def without_warnings() -> AbstractContextManager[object]:
    """Ignore warnings; costs nothing where they are ignored already, as around the rows of a frame."""
    if warnings.filters and warnings.filters[0] == _IGNORE_ALL:
        return _NOTHING
    return warnings.catch_warnings(action="ignore")


def _message(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.msg} (line {error.lineno})"
    return f"{type(error).__name__}: {error}"


def _has_endless_name(text: str) -> bool:
    """Whether Python's parser would take seconds for one name in `text`, in a call that hears no Ctrl-C."""
    if text.count(".") > _MOST_DOTS and any(one.count(".") > _MOST_DOTS for one in _DOTTED.findall(text)):
        return True
    runs = [] if text.isascii() else _MARKS.findall(text)
    return any(sum(map(bool, map(unicodedata.combining, run))) > _MOST_MARKS for run in runs)


_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def _compiled_size(tree: ast.Module) -> int:
    """How many nodes `compile` goes through: a `finally` block once for each way out of its `try`."""
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # it grows
        nodes.extend(below for field in _BLOCKS for below in _block(node, field))
    sizes: dict[ast.AST, tuple[int, int]] = {}
    for node in reversed(nodes):
        parts = {field: [sizes[below] for below in _block(node, field)] for field in _BLOCKS}
        final = parts.pop("finalbody")
        inside = [one for part in parts.values() for one in part]
        exits = isinstance(node, ast.Return | ast.Break | ast.Continue) + sum(out for _, out in inside)
        ways = 2 + exits  # also to its end, and by an exception
        size = _own_size(node) + sum(size for size, _ in inside) + ways * sum(size for size, _ in final)
        exits += ways * sum(out for _, out in final)
        local = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        sizes[node] = min(size, MAX_COMPILED + 1), 0 if local else min(exits, MAX_COMPILED)
    return sizes[tree][0]


def _block(node: ast.AST, field: str) -> list[ast.AST]:
    below = getattr(node, field, None)
    return below if isinstance(below, list) else []


def _own_size(node: ast.AST) -> int:
    """The nodes of a statement without those of the statements in it."""
    own = [value for field, value in ast.iter_fields(node) if field not in _BLOCKS]
    parts = [part for value in own for part in (value if isinstance(value, list) else [value])]
    return 1 + sum(1 for part in parts if isinstance(part, ast.AST) for _ in ast.walk(part))


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
