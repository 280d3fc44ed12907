"""Pairs of about 60 words and 40 lines of Python, to measure on."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import polars as pl


def pairs(count: int, words: list[str]) -> pl.DataFrame:
    """Return `count` rows of 60 of the words, as they follow one another, and about 40 lines of functions."""
    functions = []
    for path in sorted(Path(ast.__file__).parent.glob("*.py")):
        source = path.read_text(encoding="utf-8", errors="replace")
        lines = source.splitlines()
        functions += [
            lines[node.lineno - 1 : node.end_lineno]
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and 3 <= (node.end_lineno or 0) - node.lineno < 40
        ]
    chosen = random.Random(0)
    rows = []
    for number in range(count):
        start = chosen.randrange(len(words) - 60)
        code: list[str] = []
        while len(code) < 40:
            one = chosen.choice(functions)
            code += [*one, ""] if len(code) + len(one) < 44 else []
        rows.append((str(number), " ".join(words[start : start + 60]), "\n".join(code)))
    return pl.DataFrame(rows, schema=["id", "instruction", "response"], orient="row")
