"""The Python of an answer of a teacher that was asked to write tests: fences, sessions, lines among prose."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from datagen.answers.blocks import fenced_blocks, without_carriage_returns
from datagen.answers.languages import common_name
from datagen.answers.syntax import MAX_SOURCE, parsed
from datagen.answers.thinking import answer_of

#: Languages that the fence of a test may name.
_LANGUAGES = frozenset({"", "python", "pycon", "doctest", "pytest", "unittest"})
_LIST_MARK = re.compile(r"^(?:[-*+]|\d{1,3}[.)])[ \t]+")
#: Where text is cut off, so many last lines may be what does not parse.
_CUT_LINES = 8
#: What stands among prose and is hardly prose itself.
_STATEMENTS = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assert),
    *(ast.Assign, ast.AugAssign, ast.With, ast.For, ast.While, ast.If, ast.Try),
)


def test_sources(response: str | None) -> list[str]:
    """The Python sources of an answer, one for each fence; of lines among prose those that are Python.

    A source is Python or a session with `>>>`. What is cut off at the end of the answer is left out. Never
    raises.
    """
    text = answer_of(without_carriage_returns(response or ""))
    blocks = fenced_blocks(text).blocks
    named = [block.text for block in blocks if common_name(block.language) in _LANGUAGES]
    sources = named if blocks else [text]
    return [found for source in sources if (found := _python(source[:MAX_SOURCE]))]


def _python(source: str) -> str:
    """The source where it is Python or a session, else those of its parts that are Python."""
    if parsed(source) or re.search(r"^[ \t]*>>> ", source, re.MULTILINE):
        return source
    parts = [*_parts(source)]
    statements = [part for part in parts[:-1] if _is_statement(part)]
    lines = parts[-1].split("\n")
    for end in range(len(lines), max(0, len(lines) - _CUT_LINES), -1):
        if _is_statement(rest := "\n".join(lines[:end])):
            return "\n".join([*statements, rest])
    return "\n".join(statements)


def _parts(source: str) -> Iterator[str]:
    """Pieces that may be Python by themselves: each begins with a line that is not indented."""
    part: list[str] = []
    decorators = False
    for line in source.split("\n"):
        bare = _LIST_MARK.sub("", line)
        if bare.startswith("`"):
            bare = bare.strip("` ")
        begins = bare[:1] not in ("", " ", "\t", ")", "]", "}") and not decorators
        if part and begins and not bare.startswith(("else:", "elif ", "except", "finally:")):
            yield "\n".join(part)
            part = []
        part.append(bare)
        decorators = bare.startswith("@")
    yield "\n".join(part)


def _is_statement(part: str) -> bool:
    tree = parsed(part)
    return (
        tree is not None
        and bool(tree.body)
        and all(
            isinstance(one, _STATEMENTS) or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Call))
            for one in tree.body
        )
    )
