"""Fits the profiles of `decontam` on labelled rows: writes `decontam/profiles.json`.

    python bench/fit_overlap.py [--check]

Needs ../shared/data/decontam_dev/dev.jsonl; without it the script says so and exits 0. With --check it writes
nothing and exits 1 if the file is not what it would write. The recall and the false positives that it prints
are those of rows on which nothing was fitted: the tasks of the benchmark are in five folds, five times over.

`alone` and `agree` are the pair on a grid that finds the most of levels 3 and 4 (the mean of the two) with no
more false positives than the profile may have. These are well below what is wanted, and `certain` has a
margin: thresholds drift. Another detector takes part as soon as its file is there.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from decontam import detectors
from decontam._verdicts import agreement, share
from decontam.benchmarks import Item, load
from decontam.overlaps import build_indexes, evidence_of
from decontam.profiles import FILE, NAMES, Profile, made

DEV = Path(__file__).parents[2] / "shared/data/decontam_dev/dev.jsonl"
#: Detectors that see what is asked, and what code does; one that is not there does not count.
ASKED, DONE = ("entry_points", "words"), ("behaviour", "code")
#: The share of clean rows that a profile may take on the rows it is fitted on.
MOST = {"strict": 0.01, "balanced": 0.003, "lenient": 0.0015}
MARGIN = 1.1
FLOOR = 0.3
ALONE = [round(0.8 + 0.05 * step, 2) for step in range(11)]
#: Less than half of either is too little on benchmarks of shorter items.
AGREE = [round(0.5 + 0.05 * step, 2) for step in range(9)]
FOLDS, REPEATS = 5, 5


class Rows(NamedTuple):
    """Labelled rows, and the most that any item reaches of each.

    Args:
        table: `id`, `label` (1 overlap, 0 clean, null not known), `level`, `kind`, `task`.
        shares: by row and detector, the most of value / threshold.
        agreed: by row, the most that what is asked and what is done both reach.
        names: of the detectors, in the order of the columns of `shares`.
    """

    table: pl.DataFrame
    shares: np.ndarray
    agreed: np.ndarray
    names: tuple[str, ...]

    @property
    def clean(self) -> np.ndarray:
        """Which rows are labelled clean."""
        return (self.table["label"] == 0).fill_null(False).to_numpy()

    def at(self, level: int) -> np.ndarray:
        """Which rows overlap, at that level."""
        return ((self.table["label"] == 1) & (self.table["level"] == level)).fill_null(False).to_numpy()

    def found(self, wanted: Profile) -> np.ndarray:
        """Which rows overlap in that profile."""
        least = np.array([wanted.enough(name) for name in self.names])
        found: np.ndarray = (self.shares >= least).any(axis=1) | (self.agreed >= wanted.agree)
        return found


def asked_and_done() -> dict[str, list[str]]:
    """The detectors that are there, of those that see what is asked, and what is done."""
    there = detectors.names()
    return {
        "asked": [name for name in ASKED if name in there],
        "done": [name for name in DONE if name in there],
    }


def everything() -> Profile:
    """A profile that lets all detectors report values from `FLOOR` of their thresholds on."""
    return Profile(
        "all", dict.fromkeys(detectors.names(), FLOOR), FLOOR, *map(tuple, asked_and_done().values())
    )


def labelled(path: Path) -> pl.DataFrame:
    """The labelled rows; those of one `task` are not torn apart by folds."""
    table = pl.read_ndjson(path, infer_schema_length=None)
    own = pl.col("source_task_id").str.starts_with("HumanEval/").fill_null(False)
    text = pl.col("instruction").fill_null("")
    return table.with_columns(task=pl.when(own).then("source_task_id").otherwise(text))


def measured(table: pl.DataFrame, evidence: pl.DataFrame) -> Rows:
    """The rows with what the evidence says of them."""
    names = tuple(detectors.names())
    pairs = evidence.with_columns(_share=share())
    agreed = pairs.group_by("row", "item").agg(agreed=agreement(everything()))
    agreed = agreed.group_by("row").agg(pl.col("agreed").max())
    most = pairs.group_by("row", "detector").agg(pl.col("_share").max())
    most = most.pivot(on="detector", on_columns=names, index="row", values="_share")
    wide = (
        table.select(row="id")
        .join(most, on="row", how="left", maintain_order="left")
        .join(agreed, on="row", how="left", maintain_order="left")
        .fill_null(0.0)
    )
    return Rows(table, wide.select(names).to_numpy(), wide["agreed"].to_numpy(), names)


def searched(table: pl.DataFrame, items: Sequence[Item]) -> pl.DataFrame:
    """The evidence of rows; their columns are those of `Rows.table`, with `instruction` and `output`."""
    rows = table.select("id", "instruction", response="output")
    return evidence_of(rows, build_indexes(items, wanted=everything()))


def read(table: pl.DataFrame, items: Sequence[Item]) -> Rows:
    """Search rows for the items; columns as for `searched`."""
    return measured(table, searched(table, items))


def fitted(rows: Rows, used: np.ndarray) -> dict[str, Any]:
    """What `profiles.json` holds, fitted on the rows that are `used`."""
    data: dict[str, Any] = {**asked_and_done(), "profiles": {}}
    before = (0.0, 0.0)
    for name, most in MOST.items():
        before = _best(rows, used, most, before)
        data["profiles"][name] = {"alone": dict.fromkeys(rows.names, before[0]), "agree": before[1]}
    clean = used & rows.clean
    highest = rows.shares[clean].max(axis=0, initial=0.0)
    data["profiles"]["certain"] = {
        "alone": {
            name: _up(max(before[0], MARGIN * most)) for name, most in zip(rows.names, highest, strict=True)
        },
        "agree": _up(max(before[1], MARGIN * rows.agreed[clean].max(initial=0.0))),
    }
    data["certainty"] = _certainty(strengths(rows, made("balanced", data)), rows, used)
    return data


def _best(rows: Rows, used: np.ndarray, most: float, least: tuple[float, float]) -> tuple[float, float]:
    """The shares, at least those of `least`, that find the most, and of clean rows no more than `most`."""
    clean, hard = used & rows.clean, [used & rows.at(3), used & rows.at(4)]
    top = rows.shares.max(axis=1)
    best = (-1.0, least)
    for alone, agree in product(ALONE, AGREE):
        if alone < least[0] or agree < least[1]:
            continue
        found = (top >= alone) | (rows.agreed >= agree)
        recall = float(np.mean([found[of].mean() for of in hard]))
        if found[clean].mean() <= most and recall > best[0]:
            best = (recall, (alone, agree))
    return best[1]


def _up(share_: float) -> float:
    return math.ceil(round(100 * share_, 6)) / 100


def strengths(rows: Rows, balanced: Profile) -> np.ndarray:
    """By row, what the score is made of."""
    found: np.ndarray = np.maximum(rows.shares.max(axis=1), rows.agreed / balanced.agree)
    return found


def _certainty(strength: np.ndarray, rows: Rows, used: np.ndarray) -> dict[str, float]:
    """Intercept and slope of a logistic curve over ln(strength), both classes with the same weight."""
    overlap = (rows.table["label"] == 1).fill_null(False).to_numpy()
    told = used & (strength > 0) & (overlap | rows.clean)
    x, y = np.log(strength[told]), overlap[told].astype(float)
    weight = np.where(y == 1, 1 / (used & overlap).sum(), 1 / (used & rows.clean).sum())
    design, beta = np.column_stack([np.ones_like(x), x]), np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        curve = design.T @ (design * (weight * p * (1 - p))[:, None])
        beta = beta + np.linalg.solve(curve, design.T @ (weight * (y - p)))
    return {"intercept": round(float(beta[0]), 2), "slope": round(float(beta[1]), 2)}


def folds(tasks: Sequence[str], seed: int) -> np.ndarray:
    """The fold of each row, by its task."""
    return np.array([hashlib.sha256(f"{seed} {task}".encode()).digest()[0] % FOLDS for task in tasks])


def held_out(rows: Rows) -> Iterator[tuple[np.ndarray, Mapping[str, Any]]]:
    """Yield which rows are tested, and what was fitted on the others."""
    for seed in range(REPEATS):
        number = folds(rows.table["task"].to_list(), seed)
        for fold in range(FOLDS):
            yield number == fold, fitted(rows, number != fold)


def text(data: Mapping[str, Any]) -> str:
    """The file: a line for each profile."""
    profiles = ",\n".join(f'    "{name}": {json.dumps(data["profiles"][name])}' for name in NAMES)
    rest = [f'  "{key}": {json.dumps(data[key])}' for key in ("asked", "done", "certainty")]
    return "{\n" + ",\n".join(rest) + ',\n  "profiles": {\n' + profiles + "\n  }\n}\n"


def _shown(values: Sequence[float]) -> str:
    return f"{100 * np.nanmean(values):6.2f} ±{100 * np.nanstd(values):5.2f}"


def report(rows: Rows) -> None:
    """Print what the profiles find of rows on which they were not fitted, by level and by kind."""
    tests = list(held_out(rows))
    print(f"Held-out tasks, % (mean and spread of {len(tests)} folds)")
    print(
        f"{'profile':10s} {'level 1':>13s} {'level 2':>13s} {'level 3':>13s} {'level 4':>13s} {'clean':>13s}"
    )
    for name in NAMES:
        found = [(tested, rows.found(made(name, data))) for tested, data in tests]
        groups = [*map(rows.at, (1, 2, 3, 4)), rows.clean]
        print(f"{name:10s}", *(_shown([hit[of & test].mean() for test, hit in found]) for of in groups))
    print("\nBy kind, balanced")
    found = [(tested, rows.found(made("balanced", data))) for tested, data in tests]
    labels = rows.table.filter(pl.col("label").is_not_null()).select("label", "level", "kind").unique()
    for _, level, kind in labels.sort("level", "kind").iter_rows():
        of = (rows.table["kind"] == kind).to_numpy()
        shares = [hit[of & test].mean() for test, hit in found if (of & test).any()]
        print(f"  {level} {kind:30s} {_shown(shares)}   {of.sum()} rows")
    _report_scores(rows, tests)


def _report_scores(rows: Rows, tests: Sequence[tuple[np.ndarray, Mapping[str, Any]]]) -> None:
    """Print which part of the rows with such scores overlaps, if there were as many of both."""
    overlap = (rows.table["label"] == 1).fill_null(False).to_numpy()
    bins: dict[int, list[tuple[float, bool]]] = {}
    for test, data in tests:
        strength = strengths(rows, made("balanced", data))
        by = data["certainty"]
        for at in np.flatnonzero(test & (strength > 0) & (overlap | rows.clean)):
            score = 1 / (1 + math.exp(-(by["intercept"] + by["slope"] * math.log(strength[at]))))
            bins.setdefault(min(int(score * 5), 4), []).append((score, bool(overlap[at])))
    ratio = overlap.sum() / rows.clean.sum()
    print("\nScores on held-out tasks: mean score, and the part that overlaps (both classes weighted alike)")
    for at in sorted(bins):
        mean = np.mean([score for score, _ in bins[at]])
        yes = sum(hit for _, hit in bins[at]) / ratio
        no = sum(not hit for _, hit in bins[at])
        print(
            f"  {at / 5:.1f} to {(at + 1) / 5:.1f}: {mean:.2f}  {yes / (yes + no):.2f}   {len(bins[at])} rows"
        )


def main() -> int:
    """Write the file, or compare it, and print what it finds."""
    if not DEV.exists():
        print(f"no labelled rows at {DEV}: nothing to fit")
        return 0
    rows = read(labelled(DEV), load("humaneval").items)
    found = text(fitted(rows, np.ones(rows.table.height, bool)))
    print(found)
    if "--check" in sys.argv[1:]:
        same = FILE.read_text(encoding="utf-8") == found
        print(f"{FILE.name} is {'what' if same else 'not what'} this script makes")
        return 0 if same else 1
    FILE.write_text(found, encoding="utf-8")
    report(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
