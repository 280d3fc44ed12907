"""Recall and false positives on labelled rows, where the checkout has them."""

import runpy
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from decontam import build_indexes, find_overlaps
from decontam.benchmarks import load

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "bench/decontam_recall.py"
DEV = ROOT.parent / "shared/data/decontam_dev/dev.jsonl"
# Measured: 100.0, 100.0, 92.2 and 75.4 %, false positives 0.23 %.
FLOORS = {1: 0.995, 2: 0.995, 3: 0.90, 4: 0.72}
CEILING = 0.003


@pytest.mark.skipif(not DEV.exists(), reason=f"no labelled rows at {DEV}")
def test_recall_and_false_positives_on_labelled_rows():
    """Recall by level is at least, and the false-positive rate at most, slightly worse than measured."""
    rows = pl.read_ndjson(DEV, infer_schema_length=None).rename({"output": "response"})
    found = find_overlaps(
        rows.select("id", "instruction", "response"), build_indexes(load("humaneval").items)
    )
    rows = rows.with_columns(flagged=pl.col("id").is_in(found["row"].unique().implode()))
    overlap, clean = rows.filter(pl.col("label") == 1), rows.filter(pl.col("label") == 0)
    recall = dict(overlap.group_by("level").agg(pl.col("flagged").mean()).iter_rows())
    assert {level: recall[level] for level in FLOORS if recall[level] < FLOORS[level]} == {}
    assert clean["flagged"].sum() / clean.height <= CEILING


@pytest.mark.skipif(not DEV.exists(), reason=f"no labelled rows at {DEV}")
def test_the_task_that_was_copied_is_the_one_named():
    """Verbatim and reworded rows name the very task that they were made from."""
    rows = pl.read_ndjson(DEV, infer_schema_length=None).rename({"output": "response"})
    rows = rows.filter(pl.col("level").is_in([1, 2]) & (pl.col("label") == 1))
    found = find_overlaps(
        rows.select("id", "instruction", "response"), build_indexes(load("humaneval").items)
    ).select(id="row", source_task_id="item")
    named = rows.join(found.unique(), on=["id", "source_task_id"], how="semi")
    assert named.height / rows.height >= 0.97


def test_the_recall_script_does_without_the_rows(tmp_path):
    """Without the labelled rows the script says so and succeeds."""
    done = subprocess.run(
        [sys.executable, BENCH, tmp_path / "absent.jsonl"], capture_output=True, text=True, check=True
    )
    assert "no labelled rows" in done.stdout
    assert "main" in runpy.run_path(str(BENCH))
