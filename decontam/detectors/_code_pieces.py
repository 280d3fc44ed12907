"""Where code stands in a text, and what each piece of it does."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
import warnings
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from decontam.detectors import _code_other as other
from decontam.detectors import _code_python as python

FENCE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[^\n]*+\n(.*?)(?:^[ \t]*+\1|\Z)", re.DOTALL | re.MULTILINE)
#: The first line of a Python function with all lines that are indented more.
DEFINITION = re.compile(
    r"^([ \t]*+)(?:async )?def \w[^\n]*+\n(?:\1[ \t][^\n]*+(?:\n|\Z)|[ \t]*+\n)*+", re.MULTILINE
)
#: The body of a function without its first line, such as a completion.
_BODY = re.compile(r"(?:[ \t]*+\n)*+(?:[ \t]++\S[^\n]*+(?:\n|\Z)(?:[ \t]*+\n)*+)++")
#: What no prose has: a call or an assignment.
_CODE = re.compile(r"\w\(|[\w\])] *[-+*/]?= *[\w(\[{'\"]")
#: What code in braces and broken Python have: a block, an arrow, the end of a statement, a branch.
_OTHER = re.compile(r"[){]\s*\n|;\s*\n|=>|;\s*}|\)\s*{|:[ \t]*\n[ \t]+\S")
#: Two words with which no Python begins, such as "Write a": a name behind a name, neither of them a keyword.
_KEYWORD = rf"(?:{'|'.join([*keyword.kwlist, *keyword.softkwlist])})\b"
_PROSE = re.compile(rf"\s*+(?!{_KEYWORD})[A-Za-z]\w*+[ \t]++(?!{_KEYWORD})[A-Za-z]")
#: A line as Python's parser counts them, and the ends of lines that only `str.splitlines` knows.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+\Z")
_OTHER_LINE_ENDS = re.compile(r"[\x0b\x0c\x1c-\x1e]")
#: Longer pieces are cut at line ends, so that time and memory stay in bounds.
_LONGEST = 100_000


class Unit(NamedTuple):
    """A function, or all that one piece of code holds.

    Args:
        start: where it begins in the text, in characters.
        end: where it ends.
        features: what it does.
        names: the functions that it defines or calls; none for Python.
        other: whether it was not read as Python.
    """

    start: int
    end: int
    features: set[str]
    names: frozenset[str]
    other: bool


def units(text: str) -> Iterator[Unit]:
    """Yield the functions of a text, and all code of each fenced block and of what lies outside of these."""
    last = 0
    for fence in FENCE.finditer(text) if "```" in text or "~~~" in text else ():
        yield from _cut(text[last : fence.start()], last)
        yield from _cut(fence[2], fence.start(2))
        last = fence.end()
    yield from _cut(text[last:], last)


def _cut(text: str, start: int) -> Iterator[Unit]:
    at = 0
    while at < len(text):
        end = min(len(text), at + _LONGEST)
        if end < len(text):
            end = text.rfind("\n", at + _LONGEST // 2, end) + 1 or end
        piece = text[at:end]
        if "return" in piece or (("(" in piece or "=" in piece) and _CODE.search(piece)):
            yield from _piece(piece, start + at)
        at = end


def _piece(text: str, start: int) -> Iterator[Unit]:
    tree, read = parsed(text)
    if tree:
        yield from _python(tree, text[:read], start)
    start, text = start + read, text[read:]
    if not read and (body := _BODY.match(text)):
        inner, read = parsed(body[0])
        if inner:
            yield from _python(inner, body[0][:read], start)
            start, text = start + read, text[read:]
    for block in DEFINITION.finditer(text):
        inner, read = parsed(block[0])
        if inner:
            yield from _python(inner, block[0][:read], start + block.start())
            text = f"{text[: block.start()]}{' ' * (read - 1)}\n{text[block.start() + read :]}"
    if _OTHER.search(text):
        for first, last, features, names in other.units(text):
            yield Unit(start + first, start + last, features, names, other=True)


def parsed(text: str) -> tuple[ast.Module | None, int]:
    """Return the tree of the Python code with which a text begins, and how many characters it has."""
    if _PROSE.match(text):
        return None, 0
    try:
        return _tree(text), len(text)
    except SyntaxError as error:
        line = error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return None, 0
    if line < 3:
        return None, 0
    kept = text.splitlines(keepends=True)[: line - 1]
    while kept and (not kept[-1].strip() or kept[-1].rstrip().endswith((":", ",", "("))):
        kept.pop()
    begin = "".join(kept)
    try:
        return _tree(begin), len(begin)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, 0


def _tree(text: str) -> ast.Module:
    if text.startswith((" ", "\t", "\n", "\r")):
        text = textwrap.dedent(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _python(tree: ast.Module, text: str, start: int) -> Iterator[Unit]:
    try:
        found = list(python.units(tree))
    except RecursionError:
        return
    plain = text.isascii() and not _OTHER_LINE_ENDS.search(text)
    lines = text.splitlines(keepends=True) if plain else _LINE.findall(text)
    ends = [0, *accumulate(map(len, lines))]
    for node, features in found:
        first, last = (node.lineno - 1, node.end_lineno or 0) if node else (0, len(ends))
        begin, end = ends[min(first, len(ends) - 1)], ends[min(last, len(ends) - 1)]
        yield Unit(start + begin, start + end, features, frozenset(), other=False)
