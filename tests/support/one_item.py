"""A benchmark of one item beside rows, in a folder of the test's own, for `decontam`."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import cli
from haste import hasten

ITEM = {
    "task_id": "bench/1",
    "prompt": "Sort the words of a text by length, longest first, and words of one length by the alphabet.",
    "entry_point": "sort_words",
    "solution": "def sort_words(text):\n    return sorted(text.split(), key=lambda one: (-len(one), one))\n",
}
#: The item in other words, and what is none.
ALIKE = "Order the words in a string so that the longest come first; equally long words go alphabetically."
CLEAN = "Write a function that tells whether a year is a leap year in the Gregorian calendar."
#: What keeps a run short.
OPTIONS = ["--against", "jsonl:bench.jsonl", "--no-run", "--no-self-test"]


def work_in(folder, monkeypatch):
    """Go to a folder with the item, a cache of its own, and calls that wait little."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(folder / "cache")))
    hasten(monkeypatch)
    (folder / "bench.jsonl").write_text(json.dumps(ITEM) + "\n")


def write(*instructions, **more):
    """Write rows of these instructions."""
    rows = "".join(json.dumps({"instruction": one, **more}) + "\n" for one in instructions)
    Path("in.jsonl").write_text(rows, encoding="utf-8")
