"""Reads the benchmarks that rows are compared with, from files or from the Hub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from datagen import progress
from datagen.data.inputs import files, on_hub
from datagen.data.inputs.files import File
from datagen.data.inputs.kinds import Kind
from datagen.errors import DatagenError, UsageError
from datagen.hub import address
from datagen.runs import values
from decontam.benchmarks import (
    Benchmark,
    BenchmarkError,
    Records,
    address_of,
    load,
    path_and_fields,
    usages,
)

DEFAULT = "humaneval"
#: Benchmarks of the Hub have their tasks in this split.
_SPLIT = "test"


class Spec(values.UsageSpec):
    """A benchmark as `datagen list benchmarks` shows them; the file exists, or the address is one."""

    def __init__(self) -> None:
        super().__init__("benchmark", usages, _check)


def _check(name: str, rest: str) -> None:
    place, _ = path_and_fields(rest)
    if where := address_of(name, place):
        address.parse(where)
    elif not os.path.isfile(place):  # noqa: PTH113 - False for a name too long, too
        raise UsageError(f"{place} is no file; give the path of the benchmark's file")


def read(specs: Sequence[str]) -> list[Benchmark]:
    """Load the benchmarks; the Hub is asked at most once for each.

    Raises:
        DatagenError: a name is unknown, a file or data set cannot be read or lacks a field; one line.
        UsageError: two of them have one name.
    """
    notes: list[str] = []
    try:
        found = [load(spec, partial(_on_hub, notes=notes)) for spec in dict.fromkeys(specs)]
    except BenchmarkError as error:
        raise DatagenError(str(error)) from None
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two benchmarks are called {name}, so matches could not be told apart; give one as a file"
                " of another name: jsonl:PATH"
            )
    for note in notes:
        progress.say(note)
    return found


def _on_hub(text: str, notes: list[str]) -> Records:
    wanted = address.parse(text)
    found = on_hub.fetched_splits(text, _SPLIT)
    notes += [found.note] if found.note else []
    name = wanted.repo.partition("/")[2] + (f"-{wanted.config}" if wanted.config else "")
    return Records(name, text, _rows(found.files, text), _pinned(text, wanted, found.revision))


def _pinned(text: str, wanted: address.Address, commit: str) -> str:
    """The address with the commit for the revision."""
    start = f"{address.PREFIX}{wanted.repo}"
    rest = text.removeprefix(start).removeprefix(f"@{wanted.revision}")
    return f"{start}@{commit}{rest}"


def _rows(found: Sequence[File], shown: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in found:
        number = 0
        for frame in files.frames(file, Kind()):
            for row in frame.iter_rows(named=True):
                number += 1
                yield (
                    f"{shown} ({file.shown}, row {number})",
                    {name: _plain(one) for name, one in row.items()},
                )


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell
    """A value as JSON would have it; in a table an object's keys that are missing are nulls."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    return [_plain(one) for one in value] if isinstance(value, list) else value
