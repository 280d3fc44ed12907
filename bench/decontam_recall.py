"""Prints how much overlap the detectors find, and how often they are wrong, on the labelled rows.

    python bench/decontam_recall.py [../shared/data/decontam_dev/dev.jsonl] [--no-run]

The file is no part of this repository: without it the script says so and exits 0. No labelled row that is
clean holds unit tests. So where MBPP is too, whole items of one benchmark are compared with the other
benchmark and with their own, as are rows of nothing but an item's tests with the function renamed.

The columns `behaviour` (a row's functions) and `reverse` (references on a row's examples) need the sandbox.
Their thresholds are cross-validated: chosen on four fifths of the tasks so that no clean row is above, with a
margin, and applied to the last fifth.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from datagen.sandbox.screening import Screening
from decontam import EVIDENCE, behaviour, build_indexes, detectors, evidence_of, find_overlaps, matched
from decontam.benchmarks import Item, load
from decontam.reverse import answered, example_evidence
from decontam.runnable import function_evidence, screened, taken

DATA = Path(__file__).parents[2] / "shared/data"
NAMES = [*detectors.names(), "behaviour", "reverse"]
DEV, MBPP = DATA / "decontam_dev/dev.jsonl", DATA / "mbpp.jsonl"


def labelled(path: Path) -> pl.DataFrame:
    """Return the labelled rows with the answer as `response`; `half` splits the tasks in two."""
    rows = pl.read_ndjson(path, infer_schema_length=None).rename({"output": "response"})
    task = pl.col("source_task_id").str.extract(r"(\d+)$").cast(pl.Int64)
    return rows.with_columns(half=(task // 2 % 2), named=pl.col("source_task_id").fill_null(""))


def flags(rows: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` with a column for each detector, `any`, and `right`: the row's own task is named."""
    found = {name: evidence.filter(pl.col("detector") == name)["row"] for name in NAMES}
    named = evidence.select(id="row", named="item", right=True).unique()
    return (
        rows.join(named, on=["id", "named"], how="left", maintain_order="left")
        .with_columns(pl.col("id").is_in(ids.implode()).alias(name) for name, ids in found.items())
        .with_columns(pl.any_horizontal(*NAMES).alias("any"), pl.col("right").fill_null(False))
    )


def shares(flagged: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Return the share of flagged rows in percent for each group."""
    percent = [pl.col(name).mean() * 100 for name in (*NAMES, "any", "right")]
    return flagged.group_by(*by).agg(pl.len().alias("rows"), *percent).sort(*by)


def by_behaviour(rows: pl.DataFrame, items: Sequence[Item]) -> pl.DataFrame:
    """Return the evidence of running code, `reverse` being that of a row's examples; print the time."""
    begin, used = time.perf_counter(), _cpu_seconds()
    with Screening(2) as screening:
        known = behaviour.known(items, screening.run)
    print(f"{len(known)} of {len(items)} references: {_passed(begin, used)}")
    held, solutions = taken(rows), behaviour.solutions_of(items)
    codes = list(dict.fromkeys(piece.code for piece in held.pieces))
    begin, used = time.perf_counter(), _cpu_seconds()
    with Screening(2) as screening:
        outcomes = dict(zip(codes, screened(codes, known, screening.run, screening.find), strict=True))
    ran = sum(not one.detail for one in outcomes.values())
    print(f"{len(codes)} programs, {ran} ran: {_passed(begin, used)}")
    found = [
        one for piece in held.pieces for one in function_evidence(piece, outcomes[piece.code], solutions)
    ]
    begin, used = time.perf_counter(), _cpu_seconds()
    with Screening(2) as screening:
        answers = answered(held.asked, known, screening.run)
    print(f"{len(held.asked)} sets of examples: {_passed(begin, used)}")
    reverse = [
        one
        for asked, hits in zip(held.asked, answers, strict=True)
        for one in example_evidence(asked, hits, solutions)
    ]
    found += [(*one[:3], "reverse", *one[4:]) for one in reverse]
    return pl.DataFrame(found, schema=EVIDENCE, orient="row")


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def _passed(begin: float, used: float) -> str:
    own = _cpu_seconds() - used
    return f"{time.perf_counter() - begin:.1f} s, {own:.1f} s CPU in this process and its ended children"


def cross_validated(rows: pl.DataFrame, evidence: pl.DataFrame, folds: int = 5, margin: float = 0.05) -> None:
    """Print what thresholds give that were chosen on other tasks; clean rows are dealt to folds by number."""
    task = pl.col("source_task_id").str.extract(r"(\d+)$").cast(pl.Int64) // 2
    dealt = rows.with_row_index("n").with_columns(
        fold=pl.when(pl.col("label") == 1).then(task).otherwise(pl.col("n")) % folds
    )
    for name in ("behaviour", "reverse"):
        best = evidence.filter(pl.col("detector") == name).group_by(id="row").agg(pl.col("value").max())
        scored = dealt.join(best, on="id", how="left").with_columns(pl.col("value").fill_null(0.0))
        told = []
        for fold in range(folds):
            clean = scored.filter((pl.col("label") == 0) & (pl.col("fold") != fold))["value"].sort()
            threshold = clean[-1 - clean.len() // 1000] + margin  # one clean row of 1,000 may be above
            out = scored.filter(pl.col("fold") == fold).with_columns(found=pl.col("value") >= threshold)
            shares = [out.filter(pl.col("label") == label)["found"].mean() for label in (1, 0)]
            told.append(f"{threshold:.2f}: {shares[0]:.1%}/{shares[1]:.2%}")
        print(f"{name}, threshold: found/false in the fold left out: {', '.join(told)}")


def whole(item: Item) -> tuple[str, str, str]:
    """Return a row (id, instruction, response) that holds all of an item."""
    return item.task_id, item.raw_prompt, "\n".join([item.solution, *item.tests])


def renamed_tests(item: Item) -> tuple[str, str, str]:
    """Return a row that holds nothing but an item's tests, with the function renamed."""
    name = rf"\b(candidate|{re.escape(item.entry_point or 'candidate')})\b"
    return item.task_id, "Make these succeed.", re.sub(name, "solve", "\n".join(item.tests))


def pairs(rows: list[tuple[str, str, str]], items: Sequence[Item]) -> pl.DataFrame:
    """Return the distinct (row, item) that are found, with the part of the item."""
    frame = pl.DataFrame(rows, schema=["id", "instruction", "response"], orient="row")
    part = pl.col("part").str.extract("^([^:]+)")
    return find_overlaps(frame, build_indexes(items)).select("row", "item", part).unique()


def compare_benchmarks() -> None:
    """Print which items are found in rows that hold tests: another benchmark's, other items', their own."""
    benchmarks = {"humaneval": load("humaneval").items, "mbpp": load(f"mbpp:{MBPP}").items}
    for name, items in benchmarks.items():
        for other, sought in benchmarks.items():
            found = pairs([whole(item) for item in items], sought).filter(pl.col("row") != pl.col("item"))
            counts = dict(found.group_by("part").len().sort("part").iter_rows())
            print(f"whole items of {name} taken for other items of {other}: {counts or 'none'}")
        found = pairs([renamed_tests(item) for item in items], items).filter(pl.col("part") == "tests")
        own = found.filter(pl.col("row") == pl.col("item")).height
        others = found.height - own
        print(f"renamed tests of {name}: {own / len(items):.1%} found, {others} other items named")


def main() -> None:
    """Print recall by level, by half of the tasks and by kind, the false positives, and the speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", nargs="?", type=Path, default=DEV)
    parser.add_argument("--no-run", action="store_true", help="leave out what has to run code")
    options = parser.parse_args()
    path = options.rows
    if not path.exists():
        print(f"no labelled rows at {path}: nothing to measure")
        return
    rows = labelled(path)
    items = load("humaneval").items
    indexes = build_indexes(items)
    texts = rows.select("id", "instruction", "response")
    begin = time.perf_counter()
    evidence = evidence_of(texts, indexes)
    seconds = time.perf_counter() - begin
    if not options.no_run:
        decided = dict(behaviour.THRESHOLDS)
        behaviour.THRESHOLDS.update(function=0.2, examples=0.1)
        ran = by_behaviour(texts, items)
        behaviour.THRESHOLDS.update(decided)
        cross_validated(rows, ran)
        least = (
            pl.when(pl.col("detector") == "reverse").then(decided["examples"]).otherwise(decided["function"])
        )
        evidence = pl.concat([evidence, ran.filter(pl.col("value") >= least)])
    flagged = flags(rows, matched(evidence, rows["id"], indexes))
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
    if MBPP.exists():
        compare_benchmarks()


if __name__ == "__main__":
    main()
