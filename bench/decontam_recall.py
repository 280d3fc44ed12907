"""Prints how much overlap the detectors find, and how often they are wrong, on the labelled rows.

    python bench/decontam_recall.py [../shared/data/decontam_dev/dev.jsonl]

The file is no part of this repository: without it the script says so and exits 0.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from decontam import DETECTORS, build_indexes, find_overlaps
from decontam.benchmarks import load

DEV = Path(__file__).parents[2] / "shared/data/decontam_dev/dev.jsonl"


def labelled(path: Path) -> pl.DataFrame:
    """Return the labelled rows with the answer as `response`; `half` splits the tasks in two."""
    rows = pl.read_ndjson(path, infer_schema_length=None).rename({"output": "response"})
    task = pl.col("source_task_id").str.extract(r"(\d+)$").cast(pl.Int64)
    return rows.with_columns(half=(task // 2 % 2), named=pl.col("source_task_id").fill_null(""))


def flags(rows: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` with a column for each detector, `any`, and `right`: the row's own task is named."""
    found = {name: evidence.filter(pl.col("detector") == name)["row"] for name in DETECTORS}
    named = evidence.select(id="row", named="item", right=True).unique()
    return (
        rows.join(named, on=["id", "named"], how="left", maintain_order="left")
        .with_columns(pl.col("id").is_in(ids.implode()).alias(name) for name, ids in found.items())
        .with_columns(pl.any_horizontal(*DETECTORS).alias("any"), pl.col("right").fill_null(False))
    )


def shares(flagged: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Return the share of flagged rows in percent for each group."""
    percent = [pl.col(name).mean() * 100 for name in (*DETECTORS, "any", "right")]
    return flagged.group_by(*by).agg(pl.len().alias("rows"), *percent).sort(*by)


def main() -> None:
    """Print recall by level, by half of the tasks and by kind, the false positives, and the speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", nargs="?", type=Path, default=DEV)
    path = parser.parse_args().rows
    if not path.exists():
        print(f"no labelled rows at {path}: nothing to measure")
        return
    rows = labelled(path)
    indexes = build_indexes(load("humaneval").items)
    begin = time.perf_counter()
    evidence = find_overlaps(rows, indexes)
    seconds = time.perf_counter() - begin
    flagged = flags(rows, evidence)
    overlap, clean = flagged.filter(pl.col("label") == 1), flagged.filter(pl.col("label") == 0)
    unscored = flagged.filter(pl.col("label").is_null())
    pl.Config.set_tbl_rows(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    pl.Config.set_float_precision(1).set_tbl_width_chars(120)
    print("Recall by level, % (right: the task that the row was made from is among those named)")
    print(shares(overlap, "level"))
    print("Recall by level and half of the tasks, %", shares(overlap, "level", "half"), sep="\n")
    print("Recall by kind, %", shares(overlap, "level", "kind"), sep="\n")
    pl.Config.set_float_precision(2)
    print("False positives, %", shares(clean, "label"), shares(clean, "kind"), sep="\n")
    print("No agreed truth, flagged, %", shares(unscored, "kind"), sep="\n")
    print(f"{rows.height} rows in {seconds:.1f} s: {rows.height / seconds:,.0f} rows/s")


if __name__ == "__main__":
    main()
