"""`verify` on what a recipe made: its stages, how their counts fit together, and what its acts left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli import datagen
from tampering import DROPPED, lines, manifest


def told_stage(number: int, **changes):
    stages = json.loads(Path("R/manifest.json").read_text())["stages"]
    stages[number] |= changes
    return manifest("R", stages=stages)


def other_input(where: str):
    (told,) = json.loads(Path(where, "manifest.json").read_text())["inputs"]
    return manifest(where, inputs=[told | {"sha256": "2" * 64}])


FIRST = "stages/01-filter"
BOTH = "01-filter, 02-filter (manifest.json)"
#: How a run is changed, and for each line that is told a part of it.
RUN_TAMPERINGS = {
    "rows_in": (
        lambda: manifest("R", rows_in=12),
        ["rows_in: expected 11, the rows of inputs, found 12"],
    ),
    "rows_made": (
        lambda: manifest("R", rows_made=1),
        ["rows_made: expected 0 as the run's stages have it, found 1"],
    ),
    "another input": (lambda: other_input("R"), ["inputs: expected "]),
    "another input of the first stage": (
        lambda: other_input(f"R/{FIRST}"),
        [f"{FIRST}: key: expected "],
    ),
    "another version": (lambda: manifest("R", datagen="9"), ["datagen: expected "]),
    "a last digest": (
        lambda: told_stage(1, digest="0" * 64),
        ["stages[2].digest: expected "],
    ),
    "a count of the card": (
        lambda: Path("R/README.md").write_text(Path("R/README.md").read_text().replace("**9**", "**90**")),
        ["README.md: expected 9 rows kept, found 90"],
    ),
    "rows in the stages": (
        lambda: told_stage(0, rows_out=7),
        [
            "stages[1].rows_out: expected 10 as in stages/01-filter, found 7",
        ],
    ),
    "a stage's key": (lambda: told_stage(1, key="x"), ["stages[2].key: expected "]),
    "a stage's reason": (
        lambda: told_stage(1, dropped={}),
        [
            "stages[2].dropped: ",
        ],
    ),
    "no list": (lambda: manifest("R", stages={}), ["stages: expected a list of the run's stages, found {}"]),
    "odd entries": (
        lambda: manifest("R", stages=[{"stage": 1}]),
        ["stages: expected a list of the run's stages"],
    ),
    "a stage's shard": (
        lambda: Path("R", FIRST, DROPPED).write_bytes(b"PAR1"),
        [f"{FIRST}: {DROPPED}: expected a Parquet file"],
    ),
    "a stage's manifest": (
        lambda: manifest(f"R/{FIRST}", rows_out=11),
        [f"{FIRST}: rows_out: expected 11 rows in data/ (manifest.json), found 10"],
    ),
    "a stage less": (lambda: shutil.rmtree(f"R/{FIRST}"), [f"stages: expected {BOTH}, found 02-filter"]),
    "a stage more": (
        lambda: shutil.copytree(f"R/{FIRST}", "R/stages/03-filter"),
        [f"stages: expected {BOTH}, found 01-filter, 02-filter, 03-filter"],
    ),
    "stages of other rows": (
        lambda: (shutil.rmtree("R/stages/02-filter"), shutil.copytree("D", "R/stages/02-filter")),
        ["stages[2].key: expected "],
    ),
}


@pytest.mark.parametrize("kind", RUN_TAMPERINGS)
def test_tampering_with_runs(kind):
    """Of a run the stages' data sets are looked at, and how their counts fit together."""
    tamper, parts = RUN_TAMPERINGS[kind]
    tamper()
    found = lines("R")
    assert len(found) == len(parts), found
    for part in parts:
        assert any(part in line for line in found), (part, found)


def test_copy_of_a_run():
    """A copy without the stages' folders, with what the Hub and its client add, is ok."""
    shutil.rmtree("R/stages")
    Path("R/.gitattributes").write_text("*.parquet filter=lfs\n")
    Path("R/.cache/huggingface").mkdir(parents=True)
    Path("R/.cache/huggingface/x").write_text("")
    assert datagen("verify", "R").code == 0


def test_folders_of_acts():
    """What a recipe did with its data set stands beside the stages: a model, or an evaluation's data set."""
    shutil.copytree("D", "R/stages/04-eval")
    Path("R/stages/03-train").mkdir()
    Path("R/stages/03-train/model.safetensors").write_bytes(b"x")
    assert datagen("verify", "R").code == 0
    manifest("R/stages/04-eval", rows_out=7)
    (line,) = lines("R")
    assert line.startswith("stages/04-eval: rows_out: expected 7 rows in data/")
