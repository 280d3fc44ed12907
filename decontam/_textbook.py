"""Which items and which code are exercises of every textbook, which rows have without any benchmark.

An item is one if its prompt has at most 16 words, and its function is called like one of the exercises in
`detectors/_code_textbook.txt`, or its solution is much like one, or says too little to be told from others.

A row's function in another language is one if it is called like an exercise (`isPrime`, `calculateAverage`).
What is Python, the detector `code` has compared with the exercises themselves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from decontam._text import tokens
from decontam.benchmarks import Item
from decontam.detectors.code import exercise_likeness, words_of

_FOLDER = Path(__file__).parent
_WORDS = 16
_LIKE = 0.5
_LIGHT = 20.0
_CALLED = re.compile(r"\b([A-Za-z_]\w*) *\(")
_PYTHON = re.compile(r"\s*(?:async +)?def ")
_NO_NAMES = frozenset({"main", "if", "for", "while", "switch", "catch", "return", "printf", "print"})
#: Words of names that do not say what a function does.
_EMPTY = frozenset(
    "is to the by of in as up a an find get calculate compute check list array string str number numbers num"
    " recur recursive loop loops iterative short root pointers set text function nth n".split()
)


def textbook_items(items: Sequence[Item]) -> dict[tuple[str, str], str]:
    """Return the words of the prompt by benchmark and item, of those that are exercises of every textbook."""
    return {(item.benchmark, item.task_id): words(item.prompt) for item in items if _is_textbook(item)}


def words(text: str) -> str:
    """Return the words of a text, as a copy of it has them in any layout."""
    return f" {' '.join(tokens(text))} "


def is_exercise(detector: str, excerpt: str) -> bool:
    """Whether a match is a function in another language that is called like an exercise."""
    if detector != "code" or _PYTHON.match(excerpt):
        return False
    name = next((name for name in _CALLED.findall(excerpt) if name not in _NO_NAMES), "")
    return said_by(name) in _exercises()


def said_by(name: str) -> frozenset[str]:
    """Return the words of a function's name that say what it does."""
    return words_of(name) - _EMPTY


def _is_textbook(item: Item) -> bool:
    if not 0 < len(item.prompt.split()) <= _WORDS:
        return False
    bits, like = exercise_likeness(item)
    called = said_by(item.entry_point) in _exercises()
    return bool(bits) and (bits < _LIGHT or like >= _LIKE or called)


@lru_cache(maxsize=1)
def _exercises() -> frozenset[frozenset[str]]:
    text = (_FOLDER / "detectors/_code_textbook.txt").read_text(encoding="utf-8")
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return frozenset(said for name in names if (said := said_by(name)))


@lru_cache(maxsize=1)
def ordinary() -> Sequence[str]:
    """Programs with a function `f` each that says nothing of any benchmark."""
    lines = (_FOLDER / "_ordinary.txt").read_text(encoding="utf-8").splitlines()
    found = [f"f = {line}\n" for line in lines if line.startswith("lambda")]
    tree = ast.parse((_FOLDER / "detectors/_code_textbook.txt").read_text(encoding="utf-8"))
    exercises = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found += [re.sub(rf"\b{node.name}\b", "f", ast.unparse(node)) + "\n" for node in exercises]
    return tuple(found)
