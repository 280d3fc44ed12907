"""Counts how common what code does is in ordinary code: writes `decontam/detectors/_code_common.txt`.

    python bench/common_code.py

Counted are the functions of Python's standard library, and apart from them those of
`decontam/detectors/_code_textbook.txt`.
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

from decontam.detectors import _code_python as python
from decontam.detectors.code import words_of

TABLE = Path(__file__).parents[1] / "decontam/detectors/_code_common.txt"
TEXTBOOK = TABLE.with_name("_code_textbook.txt")
#: What fewer of 10,000 functions have is not listed: it is rare.
LEAST = 20


def functions(path: Path) -> Iterator[set[str]]:
    """Yield the features of each function and method in a file, tests excepted."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("test"):
            yield python.features(node.body)


def shares(paths: list[Path], more: int = 0) -> dict[str, float]:
    """Return for each feature the share of functions that have it, with `more` functions that have all."""
    counts: Counter[str] = Counter()
    of = 0
    for path in paths:
        for found in functions(path):
            counts.update(found)
            of += 1
    return {feature: (count + more) / (of + more) for feature, count in counts.items()}


def names(path: Path) -> set[str]:
    """Return the words of the names of a file's functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {word for name in defined for word in words_of(name)}


def main() -> None:
    """Write the table: each line has functions of 10,000, a tab, and the feature or a word of names."""
    warnings.simplefilter("ignore")
    library = Path(sysconfig.get_path("stdlib"))
    paths = [path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts]
    found = shares(paths)
    # A textbook is a sample of a few: what one exercise has, the next would have, too.
    for feature, share in shares([TEXTBOOK], more=1).items():
        found[feature] = max(found.get(feature, 0), share)
    found |= dict.fromkeys((f"def {word}" for word in names(TEXTBOOK)), 1.0)
    rows = {feature: round(10_000 * share) for feature, share in found.items() if feature.isprintable()}
    lines = [f"{share}\t{feature}\n" for feature, share in sorted(rows.items()) if share >= LEAST]
    TABLE.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} features, {TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
