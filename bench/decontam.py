"""What looking for overlaps costs, as a ratio to `compile()` of each row's code, and how soon it starts.

Each figure is the ratio of the best times of all rounds: other work on the machine only makes times longer.

Then the same of pairs of 60 words and 40 lines of Python (functions of the standard library under other
pairs' words), each detector alone and all together, all against twice the items, and the peak of memory.

Then how many rows a second whose code can be run are looked at, in the whole command and in what running
code adds to it, with two workers; beside it how fast this machine runs an empty loop.

usage: python bench/decontam.py [ROUNDS] [PAIRS]     two cores; needs ../shared/data; 5 rounds, 3,000 pairs
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import polars as pl
from pairs import pairs

import decontam
from decontam import detectors
from decontam.benchmarks import Item, load

DATA = Path(__file__).parents[2] / "shared/data"
COMMAND = "from datagen.commands.console import run; import sys; sys.exit(run(sys.argv[1:]))"


def seconds_to_compile(texts: list[str]) -> float:
    """Seconds for `compile()` of each text that is Python."""
    started = time.process_time()
    for text in texts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(text, "<row>", "exec")
            except (SyntaxError, ValueError):
                continue
    return time.process_time() - started


def seconds_of(*words: str, cache: Path | None = None) -> float:
    """Seconds that a command takes as a process of its own, with a copy of a cache if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        where = os.environ | ({"XDG_CACHE_HOME": folder} if cache else {})
        if cache:
            shutil.copytree(cache, folder, dirs_exist_ok=True)
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", COMMAND, *words], check=True, capture_output=True, env=where)
        return time.monotonic() - started


def compare_pairs(frame: pl.DataFrame, items: list[Item], rounds: int) -> None:
    """Print what each detector costs on the pairs, all of them, and all with twice the items."""
    texts = frame["response"].to_list()
    twice = [*items, *(item._replace(benchmark=f"{item.benchmark}2") for item in items)]
    indexes = {name: decontam.build_indexes(items, [name]) for name in detectors.names()}
    indexes |= {"all": decontam.build_indexes(items), "all, twice the items": decontam.build_indexes(twice)}
    times: dict[str, list[float]] = {name: [] for name in indexes}
    compiled = []
    for _ in range(rounds):
        compiled.append(seconds_to_compile(texts))
        for name, index in indexes.items():
            started = time.process_time()
            decontam.find_overlaps(frame, index)
            times[name].append(time.process_time() - started)
    for name, found in times.items():
        print(f"{name}: {min(found) / min(compiled):.2f} times compile() of {len(texts):,} pairs' code")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:,.0f} MB")


def compare_running(frame: pl.DataFrame, rounds: int) -> None:
    """Print how many rows whose code runs a second the command looks at, and how many while it runs code.

    What is known of the benchmark is kept, what came of a program is not.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, cache = Path(folder) / "rows.jsonl", Path(folder) / "cache"
        words = ["decontam", str(path), "--workers", "2", "--no-self-test", "--quiet"]
        where = os.environ | {"XDG_CACHE_HOME": str(cache)}
        runs = partial(subprocess.run, check=True, capture_output=True, env=where)
        pl.DataFrame(
            {"instruction": ["Pad it."], "response": ["def f(q):\n    return q.zfill(7)"]}
        ).write_ndjson(path)
        runs([sys.executable, "-c", COMMAND, *words])
        frame.write_ndjson(path)
        timed = [
            (seconds_of(*words, cache=cache), seconds_of(*words, "--no-run", cache=cache))
            for _ in range(rounds)
        ]
        done = runs([sys.executable, "-c", COMMAND, *words, "--json"])
    rows = json.loads(done.stdout)["behaviour"]["rows"]
    whole, unrun = (min(some) for some in zip(*timed, strict=True))
    started = time.process_time()
    for _ in range(10_000_000):
        pass
    loop = time.process_time() - started
    print(
        f"rows whose code runs: {rows:,}, {rows / whole:,.0f} a second in the whole command ({whole:.1f} s), "
        f"{rows / (whole - unrun):,.0f} in what running adds; 10,000,000 empty loops take {loop:.2f} s here"
    )


def main() -> int:
    """Print the ratios of the best times, and the least and most of the rounds' own ratios."""
    if not (DATA / "new_codealpaca.json").exists():
        print(f"skipped: {DATA} is not there")
        return 0
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rows = json.loads((DATA / "new_codealpaca.json").read_text())
    texts = [row["output"] for row in rows]
    frame = pl.DataFrame(
        {
            "id": [str(number) for number in range(len(rows))],
            "instruction": [f"{row['instruction']}\n{row['input']}" for row in rows],
            "response": texts,
        }
    )
    for names, specs in (
        ("humaneval", ["humaneval"]),
        ("both", ["humaneval", f"mbpp:{DATA / 'mbpp.jsonl'}"]),
    ):
        indexes = decontam.build_indexes([item for spec in specs for item in load(spec).items])
        rounds_of: list[tuple[float, float]] = []
        for _ in range(rounds):
            whole = seconds_to_compile(texts)
            started = time.process_time()
            decontam.find_overlaps(frame, indexes)
            rounds_of.append((time.process_time() - started, whole))
        ratios = [found / whole for found, whole in rounds_of]
        best = min(found for found, _ in rounds_of) / min(whole for _, whole in rounds_of)
        shown = f"{best:.2f} (rounds {min(ratios):.2f} to {max(ratios):.2f})"
        print(f"find_overlaps against {names}: {shown} times compile() of {len(rows):,} rows' code")
    words = [word for row in rows for word in row["instruction"].split()]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3_000
    compare_pairs(pairs(count, words), [item for spec in specs for item in load(spec).items], rounds)
    compare_running(frame, rounds)
    with tempfile.TemporaryDirectory() as folder:
        ten = Path(folder) / "ten.jsonl"
        ten.write_text("".join(json.dumps(row) + "\n" for row in rows[:10]))
        timed = [(seconds_of("decontam", str(ten)), seconds_of("--help")) for _ in range(rounds)]
    least, help_least = min(a for a, _ in timed), min(b for _, b in timed)
    ratio = least / help_least
    print(f"decontam of ten rows: {least:.2f} s at best, {ratio:.1f} times --help ({help_least:.2f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
