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
    # No other line opens or closes a block.
    fences = [number for number, line in enumerate(lines) if "```" in line or "~~~" in line]
    blocks: list[Block] = []
    outside: list[str] = []
    any_indent = False
    done = 0  # all lines above this one are in `blocks` or `outside`
    for place, number in enumerate(fences, start=1):
        line = lines[number]
        opens = (_OPENING.match(line) or _OPENING_IN_LINE.search(line)) if number >= done else None
        if opens is None:
            continue
        indent, fence, language = opens.groups() if opens.re is _OPENING else ("", *opens.groups())
        outside += [*lines[done:number], line[: opens.start()]]
        closes = _closing(lines, fences, place, fence, None if any_indent else len(indent))
        if closes is None and not any_indent:
            # Only a fence deeper than the text closes it: from here on, take any. So each line is read
            # three times at most.
            any_indent = True
            closes = _closing(lines, fences, place, fence, None)
        inside = [part.removeprefix(indent) for part in lines[number + 1 : closes]]
        blocks.append(Block(language, "\n".join(inside).rstrip(), closes is not None))
        done = len(lines) if closes is None else closes + 1
    blocks = [block for block in blocks if block.text.strip()]
    return Blocks(blocks, bool("".join([*outside, *lines[done:]]).strip()))


def _closing(
    lines: Sequence[str], fences: Sequence[int], start: int, fence: str, indent: int | None
) -> int | None:
    """The line that closes a block; where `indent` is given, not one in the examples of a docstring."""
    for place in range(start, len(fences)):
        number = fences[place]
        line = lines[number].strip(" \t")
        if len(line) >= len(fence) and line == fence[0] * len(line):
            deep = len(lines[number]) - len(lines[number].lstrip(" \t"))
            if indent is None or deep < indent + 4:
                return number
    return None
