"""A data set of three shards and a run of two stages, copied for each test."""

from __future__ import annotations

import json
import shutil

import pytest
from cli import datagen

from datagen.data import dataset

ROWS = [
    *(
        {
            "instruction": f"Write a Python function that adds {n} to each number of a list.",
            "response": f"```python\ndef add_{n}(numbers):\n    return [x + {n} for x in numbers]\n```",
            "license": "MIT",
        }
        for n in range(9)
    ),
    {"instruction": "Write a function that sorts words by their length.", "response": "", "license": "MIT"},
    {
        "instruction": "Write a function that reverses a string.",
        "response": "I'm sorry, I can't help with that.",
    },
]
RECIPE = "seeds: in.jsonl\nstages:\n  - filter: {only: empty-response}\n  - filter: {skip: syntax-error}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set of three shards, and a run of two stages."""
    place = tmp_path_factory.mktemp("made")
    (place / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (place / "r.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr(dataset, "SHARD_ROWS", 3)
        assert datagen("filter", "in.jsonl", "-o", "D").code == 0
        assert datagen("run", "r.yaml", "-o", "R").code == 0
    return place


@pytest.fixture(autouse=True)
def folder(made, tmp_path, monkeypatch):
    for name in ("D", "R"):
        shutil.copytree(made / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
