"""Makes items of records, with error lines that name the file, the line and the field; reads JSON files."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from decontam.benchmarks._item import BenchmarkError, Item

Record = Mapping[str, Any]


class Records(NamedTuple):
    """The records of a benchmark, wherever they come from.

    Args:
        name: what a benchmark without a name of its own is called after them.
        shown: what error lines call the whole.
        rows: each with what error lines call its place; in order.
        source: where they are from, as `Benchmark.source`.
    """

    name: str
    shown: str
    rows: Iterable[tuple[str, Mapping[str, Any]]]
    source: str = ""


def in_file(path: Path) -> Records:
    """Return the records of a .json or .jsonl file, or .gz of it; it is read when they are gone through."""
    return Records(Path(path.name.removesuffix(".gz")).stem, str(path), records(path))


def items_of(found: Records, make: Callable[[Record], Item]) -> list[Item]:
    """Return the items that `make` builds from records.

    Raises:
        BenchmarkError: no such file, a line that is not a JSON object, a field that is missing or of
            another type, a task_id used twice, no items.
    """
    items: dict[str, Item] = {}
    for place, record in found.rows:
        try:
            item = make(record)
        except BenchmarkError as error:
            raise BenchmarkError(f"{place}: {error}") from None
        if item.task_id in items:
            raise BenchmarkError(f"{place}: task_id {item.task_id!r} was already used")
        items[item.task_id] = item
    if not items:
        raise BenchmarkError(f"{found.shown}: no items")
    return list(items.values())


def text(record: Record, *names: str) -> str:
    """Return the string in the first of the fields `names` that the record has."""
    return _field(record, names, (str,), "a string")  # type: ignore[no-any-return]


def strings(record: Record, *names: str) -> tuple[str, ...]:
    """Return the strings in the first of the fields `names` that the record has; a lone string is a list."""
    value = _field(record, names, (str, list), "a list of strings")
    value = [value] if isinstance(value, str) else value
    if not all(isinstance(entry, str) for entry in value):
        raise BenchmarkError(f"field {names[0]!r} must be a list of strings")
    return tuple(value)


def task_id(record: Record) -> str:
    """Return the id of a record as text: MBPP counts its tasks, others name them."""
    return str(_field(record, ("task_id",), (str, int), "a string or a number"))


def _field(record: Record, names: tuple[str, ...], kinds: tuple[type, ...], kind: str) -> Any:  # noqa: ANN401
    for name in names:
        if record.get(name) is not None:
            if not isinstance(record[name], kinds):
                raise BenchmarkError(f"field {name!r} must be {kind}, not {type(record[name]).__name__}")
            return record[name]
    raise BenchmarkError(f"missing field {' or '.join(map(repr, names))}")


def records(path: Path) -> Iterator[tuple[str, Record]]:
    content = _content(path)
    if path.name.removesuffix(".gz").endswith(".json"):
        values = _parsed(content, str(path))
        if not isinstance(values, list):
            raise BenchmarkError(f"{path}: must hold a list of objects")
        numbered = [(f"{path} record {number}", value) for number, value in enumerate(values, 1)]
    else:
        lines = [(f"{path} line {number}", line) for number, line in enumerate(content.split("\n"), 1)]
        numbered = [(place, _parsed(line, place)) for place, line in lines if line.strip()]
    for place, value in numbered:
        if not isinstance(value, dict):
            raise BenchmarkError(f"{place}: must be a JSON object, not {type(value).__name__}")
        if not json.dumps(value, ensure_ascii=False).isascii():
            _check_text(value, place)
        yield place, value


def _check_text(value: Mapping[str, Any], place: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BenchmarkError(f"{place}: half of a surrogate pair, which is no text") from None


def _content(path: Path) -> str:
    if not path.is_file():
        raise BenchmarkError(f"no such file: {path}")
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{path}: cannot be read: {error}") from None


def _parsed(content: str, place: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise BenchmarkError(f"{place}: not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise BenchmarkError(f"{place}: nested too deep, or a number of thousands of digits") from None
