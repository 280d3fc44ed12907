"""Prints what finds how much overlap: each detector, all but one, the profiles, and what others use.

    python bench/decontam_quality.py

On the rows labelled for HumanEval, and on rows that `bench/benchmark_rows.py` makes of MBPP, for which
nothing was tuned. Needs ../shared/data; without it the script says so and exits 0. Recall and false positives
are in %, behind them the spread over five folds of the tasks. F1 counts levels 1 to 4; how many rows are
clean is artificial. `bench/fit_overlap.py` prints the profiles on tasks on which they were not fitted.

The peers are re-made in a few lines each: any common n-gram of words, a substring, and MinHash of 5-word
shingles with datasketch, each against the item's words, whole prompt, solution and tests.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl
from datasketch import MinHash, MinHashLSH

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmark_rows import rows as made_rows
from fit_overlap import DEV, Rows, folds, labelled, measured, searched

from decontam import build_indexes, find_overlaps
from decontam.benchmarks import Item, load
from decontam.profiles import NAMES, profile

ROOT = Path(__file__).resolve().parents[1]
DATA = DEV.parents[1]
_WORD = re.compile(r"\w+")


def texts(item: Item) -> list[str]:
    """What of an item the peers look for."""
    return [text for text in (item.prompt, item.raw_prompt, item.solution, *item.tests) if text.strip()]


def of_rows(table: pl.DataFrame) -> list[str]:
    """All text of each row."""
    pairs = zip(table["instruction"], table["output"], strict=True)
    return [f"{instruction or ''}\n{output or ''}" for instruction, output in pairs]


def grams(text: str, n: int) -> set[tuple[str, ...]]:
    """The n-grams of the words of a text, in lower case."""
    words = _WORD.findall(text.lower())
    return {tuple(words[at : at + n]) for at in range(len(words) - n + 1)}


def any_gram(table: pl.DataFrame, items: Sequence[Item], n: int) -> np.ndarray:
    """Rows that have any n-gram of words in common with an item."""
    sought = set(chain.from_iterable(grams(text, n) for item in items for text in texts(item)))
    return np.array([not sought.isdisjoint(grams(text, n)) for text in of_rows(table)])


def substring(table: pl.DataFrame, items: Sequence[Item]) -> np.ndarray:
    """Rows that hold an item's words or solution, white space aside."""
    sought = [" ".join(text.split()) for item in items for text in (item.prompt, item.solution)]
    sought = [text for text in sought if text]
    return np.array([any(one in " ".join(text.split()) for one in sought) for text in of_rows(table)])


def minhash(table: pl.DataFrame, items: Sequence[Item], threshold: float) -> np.ndarray:
    """Rows whose text, instruction or answer is as similar as that to a text of an item."""

    def signed(text: str) -> MinHash:
        found = MinHash(num_perm=128)
        found.update_batch([" ".join(gram).encode() for gram in sorted(grams(text, 5))])
        return found

    lsh = MinHashLSH(threshold=threshold, num_perm=128)
    signatures: dict[str, MinHash] = {}
    for number, text in enumerate(text for item in items for text in texts(item) if grams(text, 5)):
        signatures[str(number)] = signed(text)
        lsh.insert(str(number), signatures[str(number)])

    def found(text: str) -> bool:
        own = signed(text)
        return any(signatures[key].jaccard(own) >= threshold for key in lsh.query(own))

    pairs = zip(of_rows(table), table["instruction"], table["output"], strict=True)
    return np.array([any(found(text) for text in row if text and grams(text, 5)) for row in pairs])


def peers() -> Iterator[tuple[str, Callable[[pl.DataFrame, Sequence[Item]], np.ndarray]]]:
    """What others use, by name."""
    yield "MinHash 0.7", lambda table, items: minhash(table, items, 0.7)
    yield "MinHash 0.5", lambda table, items: minhash(table, items, 0.5)
    yield "13-gram", lambda table, items: any_gram(table, items, 13)
    yield "8-gram", lambda table, items: any_gram(table, items, 8)
    yield "substring", substring


def with_code_run(table: pl.DataFrame, against: str) -> np.ndarray:
    """Rows that the command drops by themselves: it runs their code, too."""
    with tempfile.TemporaryDirectory() as place:
        given, out = Path(place, "rows.jsonl"), Path(place, "out")
        table.select("id", "instruction", response="output").write_ndjson(given)
        words = ["decontam", str(given), "-o", str(out), "--against", against]
        more = ["--unit", "row", "--no-self-test", "--quiet"]
        subprocess.run([sys.executable, "-m", "datagen", *words, *more], check=True, cwd=ROOT)
        dropped = pl.read_parquet(out / "dropped" / "*.parquet")["id"]
    return table["id"].is_in(dropped.implode()).to_numpy()


def ours(
    rows: Rows, evidence: pl.DataFrame, items: Sequence[Item], against: str
) -> Iterator[tuple[str, np.ndarray]]:
    """What the detectors find: each alone, all but one, any, the profiles, and what is dropped."""
    for number, name in enumerate(rows.names):
        yield f"{name} alone", rows.shares[:, number] >= 1
    for name in rows.names:
        others = measured(rows.table, evidence.filter(pl.col("detector") != name))
        yield f"balanced without {name}", others.found(profile())
    yield "any detector", (rows.shares >= 1).any(axis=1)
    for name in reversed(NAMES):
        yield name, rows.found(profile(name))
    frame = rows.table.select("id", "instruction", response="output")
    matches = find_overlaps(frame, build_indexes(items)).filter(~pl.col("common"))
    yield "balanced, dropped", rows.table["id"].is_in(matches["row"].unique().implode()).to_numpy()
    yield "balanced, code run", with_code_run(rows.table, against)


def line(name: str, rows: Rows, found: np.ndarray) -> str:
    """A line of the table."""
    number = folds(rows.table["task"].to_list(), 0)
    told = []
    for of in (*map(rows.at, (1, 2, 3, 4)), rows.clean):
        parts = [found[of & (number == fold)].mean() for fold in np.unique(number[of])]
        told.append(f"{100 * found[of].mean():6.2f} ±{100 * np.std(parts):4.1f}" if of.any() else " " * 12)
    overlap = np.logical_or.reduce([rows.at(level) for level in (1, 2, 3, 4)])
    hit = (found & overlap).sum()
    f1 = 2 * hit / (overlap.sum() + found[overlap | rows.clean].sum())
    return f"{name:26s} {'  '.join(told)}  {f1:.3f}"


def print_table(title: str, table: pl.DataFrame, items: Sequence[Item], against: str) -> None:
    """Print what each method finds."""
    evidence = searched(table, items)
    rows = measured(table, evidence)
    print(f"\n{title}: {int(rows.clean.sum())} clean of {table.height} rows, {len(items)} items")
    heads = "".join(f"{head:14s}" for head in ("level 1", "level 2", "level 3", "level 4", "clean"))
    print(f"{'':27s}{heads}F1")
    for name, find in peers():
        print(line(name, rows, find(table, items)))
    for name, found in ours(rows, evidence, items, against):
        print(line(name, rows, found))
        if name.startswith("balanced, "):
            print_kinds(rows, found)


def print_kinds(rows: Rows, dropped: np.ndarray) -> None:
    """Print by kind what is found, and what of it is dropped: the rest are textbook exercises."""
    found = rows.found(profile())
    print("\nby kind, balanced            found   dropped, %")
    for level, kind in rows.table.select("level", "kind").unique().sort("level", "kind").iter_rows():
        of = (rows.table["kind"] == kind).to_numpy()
        print(
            f"  {level} {kind:28s}{100 * found[of].mean():6.2f}  {100 * dropped[of].mean():6.2f}  {of.sum()}"
        )


def of_mbpp(items: Sequence[Item]) -> pl.DataFrame:
    """Rows made of every third item of MBPP, and clean rows of HumanEval and Code Alpaca."""
    alpaca = json.loads((DATA / "code_alpaca_2k.json").read_text(encoding="utf-8"))
    chosen = random.Random(0).sample(alpaca, 1000)
    pairs = [(f"{row['instruction']}\n{row['input']}", row["output"]) for row in chosen]
    return made_rows(items[::3], load("humaneval").items, pairs)


def main() -> int:
    """Print both tables."""
    if not DEV.exists():
        print(f"no labelled rows at {DEV}: nothing to measure")
        return 0
    print_table("HumanEval, labelled rows", labelled(DEV), load("humaneval").items, "humaneval")
    if (DATA / "mbpp.jsonl").exists():
        against = f"mbpp:{DATA / 'mbpp.jsonl'}"
        items = load(against).items
        print_table("MBPP, rows made of it", of_mbpp(items), items, against)
    return 0


if __name__ == "__main__":
    sys.exit(main())
