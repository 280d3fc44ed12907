"""What every reader makes: items, and the benchmark that holds them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class BenchmarkError(ValueError):
    """A benchmark that cannot be read; the message is one line for the user."""


class Item(NamedTuple):
    """One task of a benchmark.

    Args:
        benchmark: the name of the benchmark.
        task_id: unique inside the benchmark.
        prompt: what is asked, in words, without code and examples; may be empty.
        raw_prompt: what a model is shown: for HumanEval signature, docstring and examples.
        solution: the reference solution; may be empty.
        tests: programs that fail by raising; each can run alone after the solution.
        entry_point: the name of the function that is asked for; may be empty.
    """

    benchmark: str
    task_id: str
    prompt: str
    raw_prompt: str
    solution: str
    tests: tuple[str, ...]
    entry_point: str


class Benchmark(NamedTuple):
    """A benchmark as read.

    Args:
        name: in `overlaps`, and in reasons.
        license: SPDX name, or "unknown".
        revision: the sha256 of its items.
        items: in the file's order.
        versions: of the distributions that the items come from; empty for a file of the user's.
        source: the data set of the Hub that they were read from, at its commit; "" for any other place.
    """

    name: str
    license: str
    revision: str
    items: tuple[Item, ...]
    versions: Mapping[str, str] = {}
    source: str = ""


def benchmark(
    name: str,
    license: str,  # noqa: A002
    items: Sequence[Item],
    versions: Mapping[str, str] | None = None,
    source: str = "",
) -> Benchmark:
    """Return the benchmark of `items`; its revision depends on nothing but their content and order."""
    content = json.dumps([item._asdict() for item in items], ensure_ascii=True, separators=(",", ":"))
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Benchmark(name, license, digest, tuple(items), versions or {}, source)


_DOCSTRING = re.compile(r"(\"\"\"|''')(.*?)\1", re.DOTALL)


def asked(raw_prompt: str, entry_point: str) -> str:
    """Return what a prompt asks in words: its last docstring, or all of it, without the examples.

    Examples are doctests with their output, up to the next blank line, and lines that call `entry_point`.
    """
    docstrings = _DOCSTRING.findall(raw_prompt)
    lines, in_example = [], False
    for line in (docstrings[-1][1] if docstrings else raw_prompt).splitlines():
        text = line.strip()
        in_example = text.startswith(">>>") or (in_example and text != "")
        calls = bool(entry_point) and f"{entry_point}(" in text
        if not in_example and not calls:
            lines.append(text)
    return "\n".join(lines).strip()
