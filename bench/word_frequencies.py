"""Makes the table of word frequencies that `decontam` weighs words with, from the docstrings of Python.

    python bench/word_frequencies.py > decontam/_frequencies.txt

Read are the modules of the standard library that runs this, without tests. What is written are counts: the
stems with at least 3 occurrences, then one line with the sum of all counts.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from decontam._words import stems

LEAST = 3
SKIPPED = {"site-packages", "test", "tests", "idlelib", "lib2to3", "__pycache__"}


def docstrings(folder: Path) -> Iterator[str]:
    """Yield the docstrings of modules, classes and functions."""
    for path in sorted(folder.rglob("*.py")):
        if SKIPPED & {*path.parts}:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""


def main() -> None:
    """Print the table."""
    counts = Counter(
        stem for text in docstrings(Path(sysconfig.get_path("stdlib"))) for stem, _, _ in stems(text)
    )
    kept = {stem: count for stem, count in counts.items() if count >= LEAST and stem.isascii()}
    for stem in sorted(kept):
        print(stem, kept[stem])
    print("*", counts.total())


if __name__ == "__main__":
    main()
