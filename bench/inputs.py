"""What reading a million rows costs: memory, and CPU as a ratio to `json.loads` of each line.

usage: python bench/inputs.py [ROWS]     1,000,000 by default; some 500 MB in a temporary folder
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

WORDS = "write a function that takes the list of numbers and returns their sorted even sum as text".split()


def rows_file(folder: Path, rows: int) -> Path:
    """A file of rows in Alpaca's shape, about 400 bytes each."""
    draw = random.Random(0)
    path = folder / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            text = " ".join(draw.choices(WORDS, k=20))
            code = f"def f{number}(xs):\n    return sorted(x for x in xs if x % 2 == {number % 2})\n"
            row = {"instruction": f"{text} {number}", "input": "", "output": code * 3}
            file.write(json.dumps(row) + "\n")
    return path


def plain(path: str) -> None:
    """The peer: each line parsed, and forgotten."""
    with Path(path).open(encoding="utf-8") as file:
        for line in file:
            json.loads(line)


def read(path: str) -> None:
    """All rows as a stage gets them: checked, identified, in frames."""
    from datagen.data import inputs

    sum(frame.height for frame in inputs.open_source(path).frames())


def cat(path: str) -> None:
    """`datagen cat`, printing nowhere."""
    from datagen.commands.console import run

    sys.stdout = Path("/dev/null").open("w")  # noqa: SIM115
    run(["cat", path])


def filtered(path: str) -> None:
    """`datagen filter` in one process."""
    from datagen.commands.console import run

    run(["filter", path, "-o", f"{path}.out", "--workers", "1", "--quiet"])


WAYS = {"plain": plain, "read": read, "cat": cat, "filter": filtered}


def measured(way: str, path: Path) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one way, in a process of its own."""
    program = [sys.executable, __file__, way, str(path)]
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def main() -> int:
    """Measure all ways, or, with a way and a path, be the process that is measured."""
    if len(sys.argv) == 3:
        started = time.process_time()
        out = sys.stdout
        WAYS[sys.argv[1]](sys.argv[2])
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
        print(time.process_time() - started, peak, file=out)
        return 0
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = rows_file(Path(folder), rows)
        base, _ = measured("plain", path)
        for way in ("read", "cat", "filter"):
            seconds, peak = measured(way, path)
            print(f"{way}: {rows:,} rows, {peak:,.0f} MB, {seconds / base:.1f} times json.loads of each line")
    return 0


if __name__ == "__main__":
    sys.exit(main())
