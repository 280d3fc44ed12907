"""What looking for overlaps costs, as a ratio to `compile()` of each row's code, and how soon it starts.

Each figure is the ratio of the best times of all rounds: other work on the machine only makes times longer.

usage: python bench/decontam.py [ROUNDS]     one core; needs ../shared/data
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import polars as pl

import decontam
from decontam.benchmarks import load

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


def seconds_of(*words: str) -> float:
    """Seconds that a command takes as a process of its own."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", COMMAND, *words], check=True, capture_output=True)
    return time.monotonic() - started


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
    with tempfile.TemporaryDirectory() as folder:
        ten = Path(folder) / "ten.jsonl"
        ten.write_text("".join(json.dumps(row) + "\n" for row in rows[:10]))
        pairs = [(seconds_of("decontam", str(ten)), seconds_of("--help")) for _ in range(rounds)]
    least, help_least = min(a for a, _ in pairs), min(b for _, b in pairs)
    ratio = least / help_least
    print(f"decontam of ten rows: {least:.2f} s at best, {ratio:.1f} times --help ({help_least:.2f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
