"""Runs of datagen in processes of their own that something goes wrong with, and what became of them.

The tests of faults and bench/faults.py share this: the former assert, the latter prints.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from endpoint import Endpoint, digest_of_journalled

#: fault -> how it is injected: share of the requests and how often each of them, None for always
PASSING: dict[str, dict[str, Any]] = {
    **{name: {"times": 2} for name in ("429", "429-bare", "429-date", "429-limits", "500", "502", "503")},
    **{name: {"times": 2} for name in ("529", "cut-body", "cut-chunked", "reset", "truncated-json", "html")},
    **{name: {"times": 2} for name in ("no-choices", "empty-choices", "invalid-json")},
    **{name: {"times": 1} for name in ("hang", "drip")},
    **{name: {"times": None} for name in ("duplicate", "other-model")},
}
LASTING = ("500", "400", "invalid-json", "cut-body")


class Ended(NamedTuple):
    """A run's end: exit code, seconds, the manifest if it came to one, and what it said."""

    code: int
    seconds: float
    manifest: dict[str, Any]
    said: str


class Run:
    """`datagen sample` of some tasks, or a recipe of some 2,000 calls, with a journal of its own."""

    def __init__(self, folder: Path, endpoint: Endpoint, *, tasks: int = 120, recipe: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.out, self.cache = folder / "out", folder / "cache"
        seeds, teachers = folder / "seeds.jsonl", folder / "teachers.yaml"
        text = "Write `task_{0}(values)` that adds {0} to each of its values and keeps their order."
        rows = [{"instruction": text.format(number)} for number in range(tasks)]
        seeds.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        settings = {"model": "stand-in", "base_url": endpoint.url, "concurrency": 8, "timeout": 2}
        teachers.write_text(json.dumps({"stand-in": settings}))
        if recipe:
            stages = [{"evolve": {"rounds": 2}}, {"sample": {"n": 2}}]
            plan = {"seeds": str(seeds), "teachers": {"stand-in": settings}, "stages": stages}
            (folder / "recipe.yaml").write_text(json.dumps(plan))
            words = ["run", str(folder / "recipe.yaml")]
        else:
            words = ["sample", str(seeds), "--teachers", str(teachers)]
        self.command = [sys.executable, "-m", "datagen", *words, "-o", str(self.out), "--quiet"]
        self.environment = {**os.environ, "DATAGEN_CACHE_DIR": str(self.cache)}

    def start(self) -> subprocess.Popen[str]:
        """Begin a run."""
        return subprocess.Popen(
            self.command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, seconds: float = 300) -> Ended:
        """Run to the end."""
        started = time.monotonic()
        process = self.start()
        _, said = process.communicate(timeout=seconds)
        path = self.out / "manifest.json"
        manifest = json.loads(path.read_text()) if path.exists() else {}
        return Ended(process.returncode, time.monotonic() - started, manifest, said)

    def rows(self, part: str = "data") -> list[dict[str, Any]]:
        """The rows that were kept, or dropped, without what depends on where the server was."""
        frame = pl.read_parquet(self.out / part / "*.parquet")
        return frame.drop("request").to_dicts()

    def journalled(self) -> set[str]:
        """What the journal holds, as the endpoint counts it."""
        path = self.cache / "journal.sqlite"
        if not path.exists():
            return set()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            try:
                stored = connection.execute("SELECT request FROM calls").fetchall()
            except sqlite3.OperationalError:  # killed before there was a table
                return set()
        return {digest_of_journalled(request) for (request,) in stored}


class Kill(NamedTuple):
    """One SIGKILL: when, how many answers were safe then, and which requests were under way."""

    number: int
    after_seconds: float
    journalled: int
    in_flight: frozenset[str]


def kill_again_and_again(
    run: Run, endpoint: Endpoint, kills: int, calls: int, seed: int = 0
) -> Iterator[Kill]:
    """Start a run of `calls` calls and kill it at a random moment, so many times.

    The moments are spread over the whole run, the time before its first call included.

    Raises AssertionError if it ended by itself before it was killed so often.
    """
    draw = random.Random(seed)
    for number in range(1, kills + 1):
        process = run.start()
        started, asked = time.monotonic(), endpoint.asked.total()
        further = draw.randint(0, 2 * calls // (kills + kills // 5 + 1))
        latest = started + (draw.uniform(0.05, 0.6) if further == 0 else 60)
        while endpoint.asked.total() < asked + further and time.monotonic() < latest:
            assert process.poll() is None, f"it ended with {process.returncode} before kill {number}"
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05))
        process.kill()
        process.communicate()
        seconds = time.monotonic() - started
        safe = run.journalled()
        yield Kill(number, seconds, len(safe), frozenset(endpoint.asked.keys() - safe))


def paid_twice_unexcused(endpoint: Endpoint, kills: Sequence[Kill]) -> int:
    """Answered requests that were asked again though no kill hit them while they were under way."""
    excused = frozenset().union(*(kill.in_flight for kill in kills))
    return sum(count - 1 for key, count in endpoint.answered.items() if count > 1 and key not in excused)
