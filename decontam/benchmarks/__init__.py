"""Reads benchmarks; one reader per file, and the folder is the registry.

A module of this folder whose name has no leading underscore is a reader. It defines `USAGE`, what a user
writes to name the benchmark ("humaneval", "mbpp:PATH"), and `read`, which takes the path if `USAGE` has one;
what it returns is made by `benchmark`. One that can take its records from a data set of the Hugging Face Hub
defines `from_records`, too, and then PATH may be hf:OWNER/NAME. `EXAMPLE` is a use of it for `datagen list`.
Other packages add theirs by entry points of the group `datagen.benchmarks`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from decontam._registry import load_module, modules
from decontam.benchmarks._files import Records
from decontam.benchmarks._item import Benchmark, BenchmarkError, Item, benchmark

__all__ = [
    "Benchmark",
    "BenchmarkError",
    "Item",
    "Records",
    "address_of",
    "benchmark",
    "choices",
    "example",
    "load",
    "path_and_fields",
    "summary",
    "usages",
]

GROUP = "datagen.benchmarks"
#: Stands in the usage of a reader that takes names of fields behind the path.
_FIELDS = "[:FIELD=NAME"
#: How a data set of the Hugging Face Hub begins where a path may stand, and the reader of any such.
HUB = "hf:"
_MAP = re.compile(r"(.+?):(\w+=[^,=]+(?:,\w+=[^,=]+)*)", re.DOTALL)


def _reader(name: str) -> ModuleType:
    return load_module(Path(__file__).parent, __name__, GROUP, name, needs=("USAGE", "read"))


def usages() -> dict[str, str]:
    """Return how each benchmark is named, by its reader: {"humaneval": "humaneval", "mbpp": "mbpp:PATH"}.

    Raises:
        BrokenEntryPointError: another package brings one that cannot be used.
    """
    names = modules(Path(__file__).parent, __name__, GROUP)
    return {name: str(_reader(name).USAGE) for name in names}


def choices() -> str:
    """Return the usages in words: "humaneval, mbpp:PATH or jsonl:PATH"; those of a file's path come last."""
    plain = [usage.partition("[")[0] for usage in usages().values()]
    *others, last = sorted(plain, key=lambda usage: (":" in usage, usage.startswith("jsonl"), usage))
    return f"{', '.join(others)} or {last}"


def summary(name: str) -> str:
    """Return the first line of what the reader says of itself."""
    return (_reader(name).__doc__ or "").strip().partition("\n")[0]


def example(name: str) -> str:
    """Return how the reader's benchmark may be named, such as "jsonl:private.jsonl:prompt=question"."""
    reader = _reader(name)
    return str(getattr(reader, "EXAMPLE", reader.USAGE))


def load(spec: str, hub: Callable[[str], Records] | None = None) -> Benchmark:
    """Return the benchmark that `spec` names: "humaneval", "mbpp:PATH" or "jsonl:PATH:prompt=question".

    Args:
        spec: how it is named, see `usages`.
        hub: reads a data set of the Hub, given "hf:OWNER/NAME" and what may follow; None for no Hub.

    Raises:
        BenchmarkError: an unknown name, a path that is missing or not wanted, a file that cannot be read.
        BrokenEntryPointError: another package brings one that cannot be used.
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
    reader = _reader(name)
    if not wants_path:
        result: Benchmark = reader.read()
        return result
    place, fields = path_and_fields(path)
    if fields and _FIELDS not in allowed[name]:
        raise BenchmarkError(f"benchmark {spec!r}: write {allowed[name]}")
    address = address_of(name, place)
    if address and not (hub and hasattr(reader, "from_records")):
        raise BenchmarkError(f"benchmark {spec!r}: it cannot be read from the Hub here; give a file")
    given = (hub(address),) if address and hub else (Path(place),)
    read = reader.from_records if address else reader.read
    result = read(*given, fields) if fields else read(*given)
    return result


def address_of(name: str, place: str) -> str:
    """Return the data set of the Hub that stands behind a reader's name, such as "hf:me/x"; "" for a path."""
    return f"{HUB}{place}" if f"{name}:" == HUB else place if place.startswith(HUB) else ""


def path_and_fields(text: str) -> tuple[str, dict[str, str]]:
    """Return the path and the names of fields in "PATH:FIELD=NAME,..."; a file of that name is a path."""
    found = _MAP.fullmatch(text)
    if not found or os.path.isfile(text):  # noqa: PTH113 - False for a name too long, too
        return text, {}
    pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in found[2].split(",")]
    return found[1], dict(pairs)
