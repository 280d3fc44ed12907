"""A benchmark of one item with tests, and rows, in the working folder: what `decontam` does with them."""

from __future__ import annotations

import json
from pathlib import Path

from cli import datagen

ASKED = "Sort the words of a text by length, longest first, and words of one length by the alphabet."
SOLUTION = (
    "def sort_words(text):\n    words = text.split()\n    words.sort(key=lambda word: (-len(word), word))\n"
    "    return words\n"
)
ITEM = {
    "task_id": "bench/1",
    "prompt": ASKED,
    "entry_point": "sort_words",
    "tests": [
        "assert sort_words('a bb ccc') == ['ccc', 'bb', 'a']",
        "assert sort_words('plum fig apple') == ['apple', 'plum', 'fig']",
        "assert sort_words('') == [] and sort_words('one') == ['one']",
    ],
    "solution": SOLUTION,
}
CLEAN = "Write a function that tells whether a year is a leap year in the Gregorian calendar."
OTHER = "Reverse the order of the lines of a file without reading the whole of it into memory at once."


def write_benchmark(folder):
    """The item, as the file that `run` compares with."""
    Path(folder, "bench.jsonl").write_text(json.dumps(ITEM) + "\n")


def given_rows(*rows):
    """Write the rows that `run` reads."""
    with open("in.jsonl", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.writelines(json.dumps(row) + "\n" for row in rows)


def run(*more, against="jsonl:bench.jsonl", out="OUT"):
    """Run `decontam` on the rows, with OUT unless that is None."""
    where = ["-o", out] if out else []
    return datagen("decontam", "in.jsonl", *where, "--against", against, *more)


def read(*more, out="OUT"):
    """The rows of OUT."""
    return [json.loads(line) for line in datagen("cat", out, *more).out.splitlines()]
