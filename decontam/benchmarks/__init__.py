"""Reads benchmarks; one reader per file.

A module of this folder whose name has no leading underscore is a reader. It defines `USAGE`, what a user
writes to name the benchmark ("humaneval", "mbpp:PATH"), and `read`, which takes the path if `USAGE` has one.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from pathlib import Path

from decontam.benchmarks._item import Benchmark, BenchmarkError, Item

__all__ = ["Benchmark", "BenchmarkError", "Item", "load", "usages"]


def usages() -> dict[str, str]:
    """Return how each benchmark is named, by its reader: {"humaneval": "humaneval", "mbpp": "mbpp:PATH"}."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return {name: importlib.import_module(f"{__name__}.{name}").USAGE for name in names}


def load(spec: str) -> Benchmark:
    """Return the benchmark that `spec` names: "humaneval", "mbpp:PATH" or "jsonl:PATH".

    Raises:
        BenchmarkError: an unknown name, a path that is missing or not wanted, a file that cannot be read.
    """
    allowed = usages()
    name, _, path = spec.partition(":")
    if name not in allowed:
        near = difflib.get_close_matches(name, allowed, n=1)
        hint = f" (nearest: {allowed[near[0]]!r})" if near else ""
        raise BenchmarkError(f"unknown benchmark {spec!r}{hint}; allowed: {', '.join(allowed.values())}")
    wants_path = ":" in allowed[name]
    if wants_path != bool(path):
        raise BenchmarkError(f"benchmark {spec!r}: write {allowed[name]}")
    reader = importlib.import_module(f"{__name__}.{name}")
    result: Benchmark = reader.read(Path(path)) if wants_path else reader.read()
    return result
