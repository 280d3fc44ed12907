"""Columns that several stages read, computed once: the code of an answer and its language."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from datagen.answers.blocks import PYTHON_BEGINS, Block, fenced_blocks, without_carriage_returns
from datagen.answers.languages import common_name
from datagen.answers.syntax import Trees, bound_names, nested_statements, unresolved, without_warnings
from datagen.answers.thinking import answer_of
from datagen.answers.trim import trim
from datagen.data import schema

#: What extraction leaves out of an answer, by the name that `Code.cut` gives it, in its order.
CUTS = {
    "thinking": "what stood in a <think> block before the answer",
    "prose": "text outside the code",
    "other-block": "another fenced block that is not needed by the one taken",
    "terminal-block": "a fenced block with commands or output",
    "unclosed-fence": "nothing, but the fence never closes: the code may be incomplete",
    "main-guard": '`if __name__ == "__main__":` behind the code',
    "tests": "asserts, test functions and classes, doctest and unittest runs behind the code",
    "usage": "prints and example calls behind the code",
}

# The text is a model's: every pattern here is linear, so none begins with what can span lines.
# Only Python ends such a line with a colon; `import x` alone begins Java, Swift and Haskell too.
_PYTHON_SIGNS = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(|class[ \t]+\w)[^\n{;]*:[ \t]*(?:#[^\n]*)?$", re.MULTILINE
)
_CODE_LINE = re.compile(
    r"[;{}]\s*$|^\s*(?:[<#@/*$]|--)|\)\s*$|^\s*\w[\w.\[\]]*\s*[+:]?=\s"
    r"|^\s*(?:select|insert|update|delete|create|alter|from|where)\b"
    r"|^\s*(?:echo|fi|do|done|then|else|elif|end|puts|print|return|def|func|fn|local)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_TWO_WORDS = re.compile(r"([A-Za-z]+) +([A-Za-z]+)\b|```")
#: Without these no string spans lines.
_MANY_LINES = re.compile(r"\\|\"\"\"|'''")
_KEYWORDS = frozenset({*keyword.kwlist, *keyword.softkwlist})
_DEFINES = re.compile(
    r"\b(?:def|function|func|fn|class)[ \t]+(?=(\w+))|\b(?:const|let|var)[ \t]+(?=(\w+)[ \t]*=)"
    r"|^(\w+)(?=[ \t]*=[ \t]*lambda\b)",
    re.MULTILINE,
)
MAX_PARAGRAPHS = 50
#: Blocks before a block, and behind it, that are looked at for what it needs.
MAX_BLOCKS = 50

#: Blocks that show how to install or what comes out, where another one holds the code.
_TERMINAL = frozenset("bash sh shell zsh console cmd powershell text txt plaintext output stdout".split())


class Code(NamedTuple):
    """Code found in an answer; both None where there is none, language None where it is not known.

    Args:
        text: the code itself.
        language: its language.
        cut: what of the answer was left out, names of `CUTS` in their order.
    """

    text: str | None
    language: str | None
    cut: tuple[str, ...] = ()


def extract_code(response: str | None, entry_point: str | None = None) -> Code:
    """The code of an answer, without what does not belong to the function `entry_point`.

    With fences: the block that defines `entry_point`, else the first one that is not for a terminal and,
    in Python, does more than import (an unclosed one runs to the end). Where several blocks define it, the
    last one that compiles and is no stub: models correct themselves downwards, and shorten what they quote.
    Other Python blocks join it where it uses names that they alone bind. Without fences: the whole answer
    if it is or reads as code, else the Python in its prose. What a model thinks before it answers counts
    for nothing. From Python, tests, examples and guards behind the code are cut (trim.py).
    """
    return _extracted(response, entry_point, Trees())


def _extracted(response: str | None, entry_point: str | None, trees: Trees) -> Code:
    """The code of an answer, as `extract_code` says; `trees` then knows the trees of what was parsed."""
    if not response:
        return Code(None, None)
    wanted = _wanted_name(entry_point)
    response = without_carriage_returns(response)
    text = answer_of(response)
    found = _find(text, wanted, trees)
    if len(text) < len(response):
        found = found._replace(cut=("thinking", *found.cut))
    if found.text and found.language == "python":
        text, cut = trim(found.text, _names_that_hold(found.text, wanted, trees), trees)
        if text is not found.text:
            found = found._replace(text=text, cut=(*found.cut, *cut))
    return found._replace(cut=tuple(name for name in CUTS if name in found.cut)) if found.cut else found


def _find(text: str, wanted: str, trees: Trees) -> Code:
    """The code before tests and examples are cut from it."""
    bare = text.strip("\n").rstrip()
    # A fence is no Python, except in a string: then the docstring of a bare answer holds it.
    if not _begins_as_text(bare) and _is_python(bare, trees):
        return Code(bare, "python")
    blocks, prose = fenced_blocks(text)
    if blocks:
        return _from_blocks(blocks, wanted, ("prose",) if prose else (), trees)
    if "```" in text:
        return Code(None, None)
    inner = _python_in_prose(bare, trees)
    if inner is not None:
        return Code(inner, "python", () if inner == bare else ("prose",))
    if bare.startswith("#!") or _PYTHON_SIGNS.search(bare) or _reads_as_code(bare):
        return Code(bare, _guess(bare, trees))
    return Code(None, None)


def _begins_as_text(text: str) -> bool:
    """Whether a fence or two words that are no keywords stand first: no Python begins so.

    A failing parse takes longer.
    """
    begins = _TWO_WORDS.match(text)
    return begins is not None and _KEYWORDS.isdisjoint(begins.groups())


def _from_blocks(blocks: Sequence[Block], wanted: str, cut: tuple[str, ...], trees: Trees) -> Code:
    if len(blocks) == 1:
        block = blocks[0]
        language = common_name(block.language) or _guess(block.text, trees)
        return Code(block.text, language, cut if block.closed else (*cut, "unclosed-fence"))
    found = [_Found(block.text, _tree(block, trees), _defines(block.text, wanted)) for block in blocks]
    chosen = _choice(blocks, found, wanted)
    language = common_name(blocks[chosen].language)
    text, taken = blocks[chosen].text, [chosen]
    if found[chosen].tree is not None and language in ("", "python"):
        text, taken = _joined(found, chosen, trees)
    left = {*range(len(blocks))} - {*taken}
    kinds = {"terminal-block" if blocks[n].language.lower() in _TERMINAL else "other-block" for n in left}
    if not all(blocks[number].closed for number in taken):
        kinds.add("unclosed-fence")
    return Code(text, language or _guess(text, trees), (*cut, *kinds))


class _Found(NamedTuple):
    """A block's text, its tree if it is Python that does something, and whether it defines what is wanted."""

    text: str
    tree: ast.Module | None
    defines: bool


def _tree(block: Block, trees: Trees) -> ast.Module | None:
    """The syntax tree of a block that may be Python and does something."""
    if common_name(block.language) not in ("", "python"):
        return None
    tree = trees.of(block.text)
    return tree if tree is not None and _does_something(tree) else None


def _choice(blocks: Sequence[Block], found: Sequence[_Found], wanted: str) -> int:
    """The number of the block that answers."""
    defining = [number for number, one in enumerate(found) if one.defines]
    if len(defining) > 1:
        whole = (n for n in reversed(defining) if (tree := found[n].tree) and not _is_stub(tree, wanted))
        return next(whole, defining[0])
    if defining:
        return defining[0]
    numbers = [n for n, block in enumerate(blocks) if block.language.lower() not in _TERMINAL]
    working = (n for n in numbers if (tree := found[n].tree) is None or not _only_imports(tree))
    return next(working, numbers[0] if numbers else 0)


def _joined(found: Sequence[_Found], chosen: int, trees: Trees) -> tuple[str, list[int]]:
    """The text of a block together with the Python blocks whose names it needs, and the numbers of all."""
    binding: dict[str, int] = {}
    above, below = max(0, chosen - MAX_BLOCKS), min(len(found), chosen + 1 + MAX_BLOCKS)
    for number in (*range(below - 1, chosen, -1), *range(above, chosen)):
        tree = found[number].tree
        if tree is not None and not found[number].defines:
            # What is above the block counts before what is below it, and the nearest one first.
            binding.update(dict.fromkeys(bound_names(tree), number))
    texts = {chosen: found[chosen].text}
    missing = list(unresolved(found[chosen].text, binding.keys(), trees)) if binding else []
    needed: dict[int, set[str]] = {}
    while missing:
        name = missing.pop()
        number = binding.get(name, chosen)
        if number == chosen or name in needed.get(number, ()):
            continue
        if number not in needed:
            missing.extend(unresolved(found[number].text, binding.keys(), trees))
        needed.setdefault(number, set()).add(name)
    for number, names in needed.items():
        texts[number] = trim(found[number].text, names, trees).text
    if not needed:
        return found[chosen].text, [chosen]
    # The block comes last: what it needs may have been told after it.
    joined = "\n\n".join(texts[number] for number in [*sorted(needed), chosen])
    return (joined, sorted(texts)) if trees.of(joined) else (found[chosen].text, [chosen])


def _only_imports(tree: ast.Module) -> bool:
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)


def _is_stub(tree: ast.Module, name: str) -> bool:
    """Whether the last definition of `name` has no body, as where an answer quotes a signature."""
    functions = (node for node in nested_statements(tree.body) if isinstance(node, ast.FunctionDef))
    found = [node for node in functions if node.name == name]
    return bool(found) and all(
        isinstance(node, ast.Pass | ast.Raise)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in found[-1].body
    )


def _wanted_name(entry_point: str | None) -> str:
    """`Solution` of `Solution().run`, as the rule missing-function has it; "" for none."""
    return (entry_point or "").strip().partition(".")[0].removesuffix("()")


def _defines(text: str, name: str) -> bool:
    if name not in text or not name:
        return False
    if _WORD.fullmatch(name):
        return any(name in found.groups() for found in _DEFINES.finditer(text))
    name = re.escape(name)
    words = rf"\b(?:def|function|func|fn|class)[ \t]+{name}\b|\b(?:const|let|var)[ \t]+{name}[ \t]*="
    return re.search(rf"{words}|^{name}[ \t]*=[ \t]*lambda\b", text, re.MULTILINE) is not None


def _names_that_hold(text: str, name: str, trees: Trees) -> frozenset[str]:
    """`name` and the classes that have a method of that name: `Solution` where `two_sum` is wanted."""
    tree = trees.of(text) if name else None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)] if tree else []
    return frozenset({name}) | {
        c.name for c in classes if any(getattr(s, "name", "") == name for s in c.body)
    }


def _python_in_prose(text: str, trees: Trees) -> str | None:
    """From the first line that begins Python up to the last paragraph with which it still compiles."""
    begins = PYTHON_BEGINS.search(text)
    if begins is None:
        return None
    paragraphs = text[begins.start() :].split("\n\n")
    for end in range(min(len(paragraphs), MAX_PARAGRAPHS), 0, -1):
        candidate = "\n\n".join(paragraphs[:end]).rstrip()
        if _begins_as_text(paragraphs[end - 1]) and not _MANY_LINES.search(candidate):
            continue  # two words in a row that no string holds: to parse the whole would take longer
        tree = trees.of(candidate)
        # Java's `import java.util.Scanner;` is Python too.
        if tree is not None and _does_something(tree) and not _only_imports(tree):
            return candidate
    return None


def _guess(text: str, trees: Trees) -> str | None:
    return "python" if _is_python(text, trees) or _PYTHON_SIGNS.search(text) else None


def _is_python(text: str, trees: Trees) -> bool:
    tree = trees.of(text)
    return tree is not None and _does_something(tree)


def _does_something(tree: ast.Module) -> bool:
    """A single word or number compiles too, but is no code."""
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body)


def _reads_as_code(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return 2 * sum(bool(_CODE_LINE.search(line)) for line in lines) >= len(lines) > 0


#: Called for each row with its code, its entry point, and what parsing the code gave: the tree, the error, or
#: None where it was not parsed. No tree is held once the next row is looked at.
See = Callable[[Code, str | None, ast.Module | Exception | None], None]


def _code_of(
    response: str | None,
    code: str | None,
    language: str | None,
    entry_point: str | None,
    *,
    see: See | None = None,
) -> Code:
    """What a row brings, and what is missing of it from its answer."""
    trees = Trees()
    found = _extracted(response, entry_point, trees) if code is None else Code(code, _guess(code, trees))
    if language and (named := common_name(language)):
        found = found._replace(language=named)
    if see is not None:
        see(found, entry_point, None if found.text is None else trees.known(found.text))
    return found


def with_code(frame: pl.DataFrame, see: See | None = None) -> pl.DataFrame:
    """`frame` with the columns `code` and `language`, where it has answers; those it brings are kept.

    Args:
        frame: rows as they were read.
        see: is called once a row, in the frame's order, where the frame has answers.
    """
    if "response" not in frame.columns:
        return frame
    frame = schema.with_columns(frame, ["code", "language", "entry_point", "finish_reason", "role"])
    if frame.height == 0:
        return frame
    rows = frame.select("response", "code", "language", "entry_point").iter_rows()
    with without_warnings():
        found = [_code_of(*row, see=see) for row in rows]
    return frame.with_columns(
        pl.Series("code", [c.text for c in found], pl.String),
        pl.Series("language", [c.language for c in found], pl.String),
    )
