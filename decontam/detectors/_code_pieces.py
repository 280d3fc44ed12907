"""Where code stands in a text, and the features of each piece of it."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from decontam.detectors import _code_other as other
from decontam.detectors import _code_python as python

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ \t]*\1|\Z)", re.DOTALL | re.MULTILINE)
_DEFINITION = re.compile(r"^([ \t]*)(?:async )?def \w+[^\n]*\n(?:(?:\1[ \t]+[^\n]*|[ \t]*)(?:\n|\Z))*", re.MULTILINE)
_CODE = re.compile(r"[(=]")
#: Longer pieces are cut at line ends, so that time and memory stay in bounds.
LONGEST = 100_000


class Unit(NamedTuple):
    """A function, or all that one piece of code holds.

    Args:
        start, end: where it stands in the text.
        features: what it does.
        names: the names of functions in it; none for Python, where they may have been changed.
    """

    start: int
    end: int
    features: set[str]
    names: frozenset[str]


def units(text: str) -> Iterator[Unit]:
    """Yield the functions of a text, and all code of each fenced block and of what lies outside."""
    outside = []
    last = 0
    for fence in _FENCE.finditer(text):
        outside.append((last, text[last : fence.start()]))
        last = fence.end()
        yield from _piece(fence[2], fence.start(2))
    outside.append((last, text[last:]))
    for start, piece in outside:
        if _CODE.search(piece):
            yield from _piece(piece, start)


def _piece(text: str, start: int) -> Iterator[Unit]:
    while text:
        end = len(text)
        if end > LONGEST:
            end = text.rfind("\n", LONGEST // 2, LONGEST) + 1 or LONGEST
        yield from _part(text[:end], start)
        text, start = text[end:], start + end


def _part(text: str, start: int) -> Iterator[Unit]:
    tree, rest = _parsed(text)
    if tree:
        yield from _python(tree, text, start)
        if not rest:
            return
        start, text = start + len(text) - len(rest), rest
    last = 0
    blocks = list(_DEFINITION.finditer(text))
    for block in blocks:
        inner, _ = _parsed(block[0])
        if inner:
            yield from _python(inner, block[0], start + block.start())
            text = text[: block.start()] + "\n" * (block.end() - block.start()) + text[block.end() :]
    if _CODE.search(text):
        for (first, last), features, names in other.units(text):
            yield Unit(start + first, start + last, features, frozenset(names))


def _parsed(text: str) -> tuple[ast.Module | None, str]:
    """Return the tree of Python code and what follows that is none; no tree if it is none from the start."""
    lines = textwrap.dedent(text)
    try:
        return _tree(lines), ""
    except SyntaxError as error:
        line = error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return None, text
    if line < 3:
        return None, text
    kept = text.splitlines(keepends=True)[: line - 1]
    while kept and (not kept[-1].strip() or kept[-1].rstrip().endswith((":", ",", "("))):
        kept.pop()
    try:
        return _tree(textwrap.dedent("".join(kept))), text[len("".join(kept)) :]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, text


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _python(tree: ast.Module, text: str, start: int) -> Iterator[Unit]:
    try:
        found = list(python.units(tree))
    except RecursionError:
        return
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    for node, features in found:
        if node is None:
            yield Unit(start, start + len(text), features, frozenset())
        else:
            first = offsets[min(node.lineno - 1, len(offsets) - 1)]
            yield Unit(start + first, start + offsets[min(node.end_lineno, len(offsets) - 1)], features, frozenset())
