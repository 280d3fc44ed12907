"""How long `filter` works on a row, as a multiple of `compile()` of the row's code.

    python bench/rules.py

judges CodeAlpaca and MBPP answers on one core, in two sets. Simple: one function, bare or in one fenced block
with a line above it. Mixed: also tests, examples or a guard behind the code, thinking before it, several
blocks, prose around bare code, a fence that does not close. Each figure is the median of several alternations
of both, timed by the process's own clock.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["POLARS_MAX_THREADS"] = "1"  # read when polars is imported
sys.path.insert(0, str(Path(__file__).parent.parent))  # in this folder `rules` would be this file

import argparse
import ast
import json
import random
import re
import statistics
import time
import warnings
from collections.abc import Callable

import polars as pl

from datagen.answers.code import with_code
from datagen.stages.filter import drop_by_rules
from rules import RULES

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
FENCE = "```"


def answers() -> list[tuple[str, str, str]]:
    """The instruction, the code and the first defined name of every answer that parses as a definition."""
    rows = [row for name in ("new_codealpaca", "code_alpaca_2k") for row in _read(DATA / f"{name}.json")]
    pairs = [(row["instruction"], row["output"]) for row in rows]
    lines = (DATA / "mbpp.jsonl").read_text(encoding="utf-8").splitlines()
    pairs += [(row["text"], row["code"].replace("\r", "")) for row in map(json.loads, lines)]
    found = [(task, code, re.search(r"^(?:def|class) (\w+)", code, re.MULTILINE)) for task, code in pairs]
    return [(task, code, name[1]) for task, code, name in found if name and _parses(code)]


def _read(path: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):
        return False
    return True


def simple(code: str, name: str) -> list[str]:  # noqa: ARG001
    """The simple shapes of an answer."""
    return [code, f"Here it is:\n\n{FENCE}python\n{code}\n{FENCE}"]


def mixed(code: str, name: str) -> list[str]:
    """The simple shapes and those with more around the code."""
    opens, call = f"{FENCE}python\n", f"print({name}(1))"
    block = f"{opens}{code}\n{FENCE}"
    return [
        *simple(code, name),
        f"{code}\n\nassert {name}(1) == 1\nassert {name}(2) == 2",
        f"{opens}{code}\n\n# Example usage\nx = 3\nprint({name}(x))\n{FENCE}\nIt prints a number.",
        f"{opens}{code}\n\nif __name__ == '__main__':\n    {call}\n{FENCE}",
        f"<think>Which one?\n{opens}x\n{FENCE}</think>\n{block}",
        f"{opens}import math\n{FENCE}\nThen\n{block}\nRun\n{FENCE}bash\npython x.py\n{FENCE}\n"
        f"{opens}{call}\n{FENCE}",
        f"Here it is:\n\n{code}\n\nThis function does it.",
        f"{opens}{code}",
    ]


def ratio(rows: pl.DataFrame, times: int) -> float:
    """The median, over `times` alternations, of the time of `drop_by_rules` over that of `compile()`."""
    prepared = with_code(rows)
    codes = prepared.filter(pl.col("language") == "python")["code"].to_list()
    rules = list(RULES.values())
    found = []
    for _ in range(times):
        before = _seconds(lambda: _compile(codes))
        judged = _seconds(lambda: drop_by_rules(rows, rules))
        found.append(2 * judged / (before + _seconds(lambda: _compile(codes))))
    return statistics.median(found)


def _compile(codes: list[str]) -> None:
    for code in codes:
        try:
            compile(code, "<answer>", "exec", dont_inherit=True)
        except SyntaxError:
            continue


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> int:
    """Print both ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=2000, help="rows of each set (default: 2000)")
    parser.add_argument("--times", type=int, default=7, help="alternations (default: 7)")
    options = parser.parse_args()
    if not DATA.is_dir():
        print("skipped: the folder ../shared/data is absent")
        return 0
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore")
    dice = random.Random(0)
    known = answers()
    for label, shapes in (("simple", simple), ("mixed", mixed)):
        chosen = [dice.choice(known) for _ in range(options.rows)]
        rows = [(task, dice.choice(shapes(code, name)), name) for task, code, name in chosen]
        frame = pl.DataFrame(rows, schema=["instruction", "response", "entry_point"], orient="row")
        print(f"{label}: {ratio(frame, options.times):.2f} times compile() of each row's code", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
