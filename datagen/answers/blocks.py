"""The fenced blocks of a Markdown text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# The text is a model's: every pattern here is linear, so none begins with what can span lines.
_OPENING = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([\w+#.-]*)")
_OPENING_IN_LINE = re.compile(r"(?<!`)(```)([A-Za-z][\w+#.-]*)[ \t]*$")
#: How a line begins that is Python and hardly prose.
PYTHON_BEGINS = re.compile(
    r"^(?:def[ \t]|async[ \t]+def[ \t]|class[ \t]+\w|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b|@\w)",
    re.MULTILINE,
)


class Block(NamedTuple):
    """A fenced block: the language its fence names ("" for none), its text, and whether the fence closes."""

    language: str
    text: str
    closed: bool = True


class Blocks(NamedTuple):
    """The fenced blocks of an answer that are not blank, and whether text stands outside of them."""

    blocks: list[Block]
    prose: bool


def without_carriage_returns(text: str) -> str:
    """`text` with LF line ends and without a byte order mark, as Python's own reader takes it."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def fenced_blocks(text: str) -> Blocks:
    """The fenced blocks of a Markdown text with LF line ends, in order."""
    lines = text.split("\n")
    blocks: list[Block] = []
    outside: list[str] = []
    any_indent = False
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        opens = _OPENING.match(line) or _OPENING_IN_LINE.search(line)
        if opens is None:
            outside.append(line)
            continue
        indent, fence, language = opens.groups() if opens.re is _OPENING else ("", *opens.groups())
        outside.append(line[: opens.start()])
        closes = _closing(lines, number, fence, None if any_indent else len(indent))
        if closes is None and not any_indent:
            # Only a fence deeper than the text closes it: from here on, take any. So each line is read
            # three times at most.
            any_indent = True
            closes = _closing(lines, number, fence, None)
        inside = [part.removeprefix(indent) for part in lines[number:closes]]
        blocks.append(Block(language, "\n".join(inside).rstrip(), closes is not None))
        number = len(lines) if closes is None else closes + 1
    blocks = [block for block in blocks if block.text.strip()]
    return Blocks(blocks, any(part.strip() for part in outside))


def _closing(lines: Sequence[str], start: int, fence: str, indent: int | None) -> int | None:
    """The line that closes a block; where `indent` is given, not one in the examples of a docstring."""
    for number in range(start, len(lines)):
        line = lines[number].strip(" \t")
        if len(line) >= len(fence) and line == fence[0] * len(line):
            deep = len(lines[number]) - len(lines[number].lstrip(" \t"))
            if indent is None or deep < indent + 4:
                return number
    return None
