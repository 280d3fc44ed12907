"""The programs that a text holds: what can be run of them, wherever it stands.

Functions in C, C++, Java, JavaScript, TypeScript, Go and Rust are translated to Python (`translate/`).
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from decontam.detectors._code_pieces import DEFINITION, FENCE, parsed
from decontam.translate.program import translated
from decontam.translate.tokens import TAGS, language_of

_DEFINES = re.compile(r"\b(?:def|lambda)\b")
_LONGEST = 100_000
#: Programs of a text that may use one another; of more each stands alone.
_BLOCKS = 32
#: What a text has that holds a function in braces, and no Python does.
_BRACED = re.compile(
    r"[)>\w\]] ?\{[ \t]*(?://[^\n]*)?\n|\n\s*\{[ \t]*\n|=> *[{(\[\w]|;[ \t]*\n\s*\}|\) ?\{ *\w"
)
#: What defines a function in braces.
_FUNCTION = re.compile(
    r"\b(?!(?:if|for|while|switch|catch)\b)\w+[ \t]?\([^(){};]{0,300}\)[^\n;{}()]{0,60}\{|=>[ \t]?\{"
)
#: How a function begins whose body an answer gives: in backticks, or the last line of what stands before.
_HEAD = re.compile(r"`((?:[^`\n]|\n(?!\n)){3,300}\))([^`\n]{0,100})`")
#: Statements that a program needs before its functions are called. Others only show or test something.
_KEPT = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AnnAssign),
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: A function that waits for a file or for somebody has no result to compare.
_NEEDS = re.compile(r"\b(?:open|input)\(")
_FUTURE = re.compile(r"^from __future__ import [^\n]*\n", re.MULTILINE)
#: What answers use and forget to import.
_FORGOTTEN = {
    "from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, Union": re.compile(
        r"\b(?:List|Dict|Tuple|Optional|Union|Any|Set|Iterable|Callable)\b"
    ),
    "import math": re.compile(r"\bmath\."),
    "import re": re.compile(r"\bre\."),
    "import collections": re.compile(r"\bcollections\."),
    "import itertools": re.compile(r"\bitertools\."),
    "import functools": re.compile(r"\bfunctools\."),
    "import string": re.compile(r"\bstring\.\w"),
    "import heapq": re.compile(r"\bheapq\."),
    "from collections import Counter, OrderedDict, defaultdict, deque": re.compile(
        r"\b(?:Counter|defaultdict|OrderedDict|deque)\("
    ),
    "from functools import lru_cache, reduce": re.compile(r"\b(?:reduce\(|lru_cache\b)"),
}


class Program(NamedTuple):
    """Code that defines functions.

    Args:
        code: what is run: without statements that only show something, with imports that were forgotten.
        start: where it begins in the text, in characters.
        end: where it ends.
    """

    code: str
    start: int
    end: int


def programs(text: str, before: str = "") -> tuple[list[Program], int]:
    """The programs in a text, and in how many places code seems to stand of which nothing can be called.

    Args:
        text: prose, fenced or not, or code.
        before: what stands before it, where the text may be the body of a function begun there.
    """
    found: dict[str, Program] = {}
    unread = 0
    for program in _in_braces(text, before) if _BRACED.search(text) else ():
        if program:
            found.setdefault(program.code, program)
        unread += program is None
    if not _DEFINES.search(text) and not (before and text[:1] in {" ", "\t"}):
        return list(found.values()), unread
    pieces = list(_pieces(text))
    if before and text[:1] in {" ", "\t"} and "def " in before:
        pieces.append((before.rstrip("\n") + "\n" + text, 0))
    python: list[Program] = []
    for piece, start in pieces:
        some = list(_of_piece(piece[:_LONGEST], start))
        python.extend(some)
        unread += not some and bool(re.search(r"^[ \t]*+def \w", piece, re.MULTILINE))
    for program in _with_others(python):
        found.setdefault(program.code, program)
    return list(found.values()), unread


def _with_others(found: list[Program]) -> list[Program]:
    """Programs of one text; behind them those that use what others define, together with these."""
    if not 1 < len(found) <= _BLOCKS or sum(len(one.code) for one in found) > _LONGEST:
        return found
    names = [_names(one.code) for one in found]
    whole: list[Program] = []
    for number, (_, missing) in enumerate(names):
        needed = {number}
        while more := {n for n in range(len(found)) if n not in needed and names[n][0] & missing}:
            needed |= more
            missing = missing.union(*(names[n][1] for n in more)).difference(*(names[n][0] for n in needed))
        if len(needed) > 1:
            parts = [found[n] for n in (*sorted(needed - {number}), number)]
            code = "\n".join(one.code for one in parts)
            code = "".join(_FUTURE.findall(code)) + _FUTURE.sub("", code)
            whole.append(Program(code, min(one.start for one in parts), max(one.end for one in parts)))
    return [*found, *whole]


def _names(code: str) -> tuple[set[str], set[str]]:
    """The names that a program defines for others, and those that it uses and nowhere defines."""
    tree = parsed(code)[0]
    if tree is None:
        return set(), set()
    top = {node.name for node in tree.body if isinstance(node, (*_FUNCTIONS, ast.ClassDef))}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            top |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and not _is_read(one)}
    used: set[str] = set()
    bound = {*dir(builtins)}
    for one in ast.walk(tree):
        if isinstance(one, ast.Name):
            (used if _is_read(one) else bound).add(one.id)
        elif isinstance(one, ast.arg):
            bound.add(one.arg)
        elif isinstance(one, ast.alias):
            bound.add((one.asname or one.name).partition(".")[0])
        elif isinstance(one, (*_FUNCTIONS, ast.ClassDef, ast.ExceptHandler)):
            bound.add(one.name or "")
    return top, used - top - bound


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def _in_braces(text: str, before: str) -> Iterator[Program | None]:
    """Translations of what is in another language: fenced blocks, or all of a text without any.

    None stands for code of which nothing can be translated.
    """
    fences = list(FENCE.finditer(text))
    for fence in fences:
        tag = re.split(r"[\s{}:,]", fence[0].lstrip("`~ \t").partition("\n")[0].strip(), maxsplit=1)[
            0
        ].lower()
        if tag in TAGS or not tag:
            code = translated(fence[2][:_LONGEST], tag)
            if code:
                yield Program(code, fence.start(2), fence.end(2))
            elif _FUNCTION.search(fence[2]) and language_of(fence[2], tag):
                yield None
    if fences:
        return
    code = translated(text[:_LONGEST])
    if code:
        yield Program(code, 0, len(text))
    elif _FUNCTION.search(text) and language_of(text):
        yield None
    if before and text.count("}") > text.count("{") and len(text) <= _LONGEST and len(before) <= _LONGEST:
        for head in list(_HEAD.finditer(before))[:2]:
            whole = f"{head[1]}{head[2]}{_arrow(head[1])} {{\n{text}"
            code = translated(whole, _language_before(before, whole))
            if code:
                yield Program(code, 0, len(text))


def _arrow(head: str) -> str:
    """What stands between the head of a function and its body."""
    return " =>" if re.match(r"(?:const|let|var) \w+ = ", head) else ""


def _language_before(before: str, code: str) -> str:
    """The language that a task asks for, else the one that the code seems to be in."""
    asked = re.search(r"\b(c\+\+|java(?:script)?|typescript|go|golang|rust)(?![\w+#])", before.lower())
    return asked[1] if asked else language_of(code)


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Fenced blocks, and what lies outside of them."""
    last = 0
    for fence in FENCE.finditer(text):
        yield text[last : fence.start()], last
        yield fence[2], fence.start(2)
        last = fence.end()
    yield text[last:], last


def _of_piece(text: str, start: int) -> Iterator[Program]:
    if not _DEFINES.search(text):
        return
    tree, read = parsed(text)
    code = _runnable(tree, text[:read]) if tree else ""
    if code:
        yield Program(code, start, start + read)
    if read < len(text):
        rest = text[read:]
        imports = "".join(re.findall(r"^(?:import|from) [^\n]+\n", rest, re.MULTILINE)[:20])
        blocks = [block for block in DEFINITION.finditer(rest) if parsed(block[0])[0]]
        whole = "\n".join(textwrap.dedent(block[0]) for block in blocks)
        if whole:
            first, last = blocks[0].start(), blocks[-1].end()
            yield Program(_with_imports(whole, imports), start + read + first, start + read + last)


def _runnable(tree: ast.Module, text: str) -> str:
    """The statements of a program that its functions may need; "" where it defines no function."""
    defines = any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) for node in tree.body
    )
    if not defines and "lambda" not in text:
        return ""
    defined = {node.name for node in tree.body if isinstance(node, _FUNCTIONS)}
    lines = textwrap.dedent(text).splitlines() if text[:1] in " \t\n\r" else text.splitlines()
    kept: list[str] = []
    for node in tree.body:
        if isinstance(node, _KEPT) and not _runs(node, defined):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            statement = lines[first - 1 : node.end_lineno]
            if not (isinstance(node, _FUNCTIONS) and _NEEDS.search("\n".join(statement))):
                kept.extend(statement)
    code = "\n".join(kept) + "\n"
    return _with_imports(code) if _DEFINES.search(code) else ""


def _runs(node: ast.stmt, defined: set[str]) -> bool:
    """Whether a statement only keeps what one of the functions gives, or what somebody types."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or isinstance(node.value, ast.Lambda):
        return False
    called = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return any(isinstance(one, ast.Name) and one.id in {*defined, "input"} for one in called)


def _with_imports(code: str, imports: str = "") -> str:
    missing = [line for line, used in _FORGOTTEN.items() if used.search(code) and line not in code]
    future = "from __future__" in code
    return f"{imports}{code}" if future else "".join(f"{line}\n" for line in missing) + imports + code
