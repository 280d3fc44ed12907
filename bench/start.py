"""How long `decontam` takes with ten rows: CPU seconds of whole processes, with and without kept indexes.

    python bench/start.py [--against BENCHMARK ...] [--times N]

The first line is the first run in an empty cache folder; the others are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROW = {"instruction": "Write a function that adds 3 to each number.", "response": "def f(x):\n    return x"}
CASES = {
    "python -m datagen --version": None,
    "decontam": [],
    "decontam --no-self-test": ["--no-self-test"],
    "decontam --no-self-test --no-run": ["--no-self-test", "--no-run"],
}


def seconds(words: list[str], place: Path) -> float:
    """CPU seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "DATAGEN_CACHE_DIR": str(place / "cache")}
    subprocess.run(
        [sys.executable, "-m", "datagen", *words], env=environment, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", action="append")
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    against = [word for one in given.against or ["humaneval"] for word in ("--against", one)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows = place / "rows.jsonl"
        rows.write_text("".join(json.dumps({**ROW, "n": n}) + "\n" for n in range(10)))
        command = ["decontam", str(rows), *against, "--workers", "1"]
        print(f"{seconds(command, place):6.2f} s  decontam, nothing kept yet")
        for name, more in CASES.items():
            words = ["--version"] if more is None else [*command, *more]
            kept, anew = [], []
            for _ in range(given.times):
                kept.append(seconds(words, place))
                if more is not None:
                    shutil.rmtree(place / "cache" / "indexes")
                    anew.append(seconds(words, place))
            told = f", index built anew {statistics.median(anew):.2f} s" if anew else ""
            print(f"{statistics.median(kept):6.2f} s  {name}{told}")


if __name__ == "__main__":
    main()
