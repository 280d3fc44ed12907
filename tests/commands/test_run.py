"""`run`: the command around pipeline.py; what a run does is in test_pipeline.py."""

from __future__ import annotations

import json
import re

import pytest
from cli import datagen


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(
        "seeds: starter\nstages:\n  - sample: {teacher: reference}\n  - filter\n  - decontam\n"
    )
    return tmp_path


def test_what_people_see():
    """One line when a stage ends, then the counts, the reasons and where the data set is; all on stderr."""
    done = datagen("run", "recipe.yaml", "-o", "OUT")
    assert (done.code, done.out) == (0, "")
    # A busy machine is shown how far a stage has come.
    lines = [line for line in done.err.splitlines() if not re.match(r"\w+: [\d,]+ of [\d,]+ \(", line)]
    assert [line.split(":")[0] for line in lines[:4]] == [
        "[1/3] sample",
        "[2/3] filter",
        "[3/3] decontam",
        "run",
    ]
    assert lines[-1] == "  OUT"


def test_quiet():
    """--quiet leaves the result only."""
    done = datagen("run", "recipe.yaml", "-o", "OUT", "--quiet")
    assert done.err.startswith("run: 240 rows in, ")


def test_json():
    """One object with the counts of the whole and of every stage."""
    done = datagen("run", "recipe.yaml", "-o", "OUT", "--json", "--quiet")
    assert done.err == ""
    told = done.json()
    assert {
        "command",
        "rows_in",
        "rows_made",
        "rows_out",
        "dropped",
        "seconds",
        "out",
        "overlaps",
    } <= told.keys()
    assert [stage["stage"] for stage in told["stages"]] == ["sample", "filter", "decontam"]
    assert told["overlaps"] == {"humaneval": 0}
    assert done.out == json.dumps(told) + "\n"


def test_until(folder):
    """--until names the stage that is made and where it is."""
    done = datagen("run", "recipe.yaml", "-o", "OUT", "--until", "filter", "--quiet")
    assert done.err.splitlines()[-1] == "  OUT/stages/02-filter"
    assert not (folder / "OUT/manifest.json").exists()
