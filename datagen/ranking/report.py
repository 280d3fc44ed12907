"""What a ranked set tells of itself: how answers fared, and which tests were used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from datagen.data.manifest import Entry, maps_to, sums
from datagen.data.source import Row
from datagen.errors import one_line
from datagen.ranking import spread
from datagen.ranking.judging import Seen
from datagen.ranking.spread import in_table
from datagen.ranking.trust import by_reason
from datagen.sandbox.verdict import STATUSES

#: What answers are counted by, beside their status.
_BY = ("teacher", "method")
#: Teachers that the screen names; teachers, methods and authors that the card names. The manifest has all.
_ON_SCREEN, _SHOWN = 4, 30
#: A larger share of tasks whose tests cannot be used is told as a warning.
_UNUSABLE = 0.1
#: Who wrote a test that names no author.
_NOBODY = "unknown"


def add(entries: dict[str, Any], rows: Sequence[Row], seen: Seen) -> None:
    """Add judged rows, kept and dropped, to the values of `ENTRIES`."""
    judged = [row for row in rows if row["status"] is not None]
    entries["status"] = _sum(entries.get("status", {}), Counter(row["status"] for row in judged))
    by = entries.setdefault("status_by", {name: {} for name in _BY})
    for name in _BY:
        for row in judged:
            if (value := row.get(name)) is not None:
                counts = by[name].setdefault(value, {})
                by[name][value] = _sum(counts, {row["status"]: 1})
    spread.add(entries, judged, [*by["teacher"]][: spread.TEACHERS])
    tests = entries.setdefault("tests", {"trusted": 0, "kept": 0, "removed": {}})
    tests["trusted"] += seen.trusted
    tests["kept"] += seen.kept.total()
    tests["removed"] = dict(sorted(sums([tests["removed"], by_reason(seen.removed)]).items()))
    known = entries.get("unusable", {"tasks": 0, "of": 0, "example": None})
    seen_here = {"tasks": len(seen.unusable), "of": seen.tested, "example": next(iter(seen.unusable), None)}
    entries["unusable"] = _added_unusable([{"unusable": one} for one in (known, seen_here)], 0)
    authors = [entries.get("tests_by", {}), *_by_author(seen)]
    entries["tests_by"] = _added_authors([{"tests_by": one} for one in authors], 0)
    task = {row["task"]: row["test_strength"] for row in rows if row.get("test_strength") is not None}
    entries["test_strength"] = sums([entries.get("test_strength", {}), Counter(map(_tenth, task.values()))])
    entries["isolation"] = dict(sorted(sums([entries.get("isolation", {}), seen.isolation]).items()))


def _by_author(seen: Seen) -> Iterator[dict[str, dict[str, int]]]:
    """What became of the tests of models, an object each."""
    for author, count in sorted(seen.kept.items(), key=str):
        yield {author or _NOBODY: {"kept": count}}
    for (author, reason), count in sorted(seen.removed.items(), key=str):
        if author is not None:
            yield {author: {reason: count}}


def _tenth(share: float) -> str:
    """The tenth in which a share lies: `0.8` of 0.86."""
    return f"{math.floor(share * 10) / 10:.1f}"


def _sum(*counts: Mapping[str, int]) -> dict[str, int | float]:
    """Counts by status, from good to bad."""
    added = sums(counts)
    return {status: added[status] for status in reversed(STATUSES) if status in added}


def _added(name: str, manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    return (
        _sum(*(one[name] for one in manifests)) if name == "status" else sums(one[name] for one in manifests)
    )


def _added_by(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    found: dict[str, dict[str, Any]] = {name: {} for name in _BY}
    for manifest in manifests:
        for name in _BY:
            for value, counts in manifest["status_by"][name].items():
                found[name][value] = _sum(found[name].get(value, {}), counts)
    return found


def _added_authors(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    found: dict[str, Any] = {}
    for manifest in manifests:
        for author, counts in manifest["tests_by"].items():
            found[author] = sums([found.get(author, {}), counts])
    return found


def _added_tests(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    tests = [manifest["tests"] for manifest in manifests]
    return {
        "trusted": sum(one["trusted"] for one in tests),
        "kept": sum(one["kept"] for one in tests),
        "removed": sums(one["removed"] for one in tests),
    }


def _added_unusable(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    found = [manifest["unusable"] for manifest in manifests]
    return {
        "tasks": sum(one["tasks"] for one in found),
        "of": sum(one["of"] for one in found),
        "example": next((one["example"] for one in found if one["example"]), None),
    }


def _unusable_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A warning, where the tests of many tasks seem to be set up wrongly."""
    found = manifest["unusable"]
    if found["tasks"] > _UNUSABLE * found["of"]:
        yield (
            f"  warning: {found['tasks']:,} of {found['of']:,} tasks have no test that can be used; probably"
            f" the tests are set up wrongly, not the answers; the first: {one_line(found['example'], 200)}"
        )


def _is_unusable(value: object) -> bool:
    return isinstance(value, dict) and {*value} == {"tasks", "of", "example"}


def _counted(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items())


def _status_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["status"]:
        yield f"  status: {_counted(manifest['status'])}"


def _by_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    teachers = manifest["status_by"]["teacher"]
    if len(teachers) > 1:
        shown = [
            f"{one_line(name, 40)} {counts.get(STATUSES[-1], 0):,} of {sum(counts.values()):,}"
            for name, counts in [*teachers.items()][:_ON_SCREEN]
        ]
        more = len(teachers) - len(shown)
        yield f"  {STATUSES[-1]} by teacher: {', '.join(shown)}{f', and {more:,} more' if more else ''}"


def _tests_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    tests = manifest["tests"]
    removed = f" ({_counted(tests['removed'])})" if tests["removed"] else ""
    yield (
        f"  tests: {tests['trusted']:,} came with the rows, {tests['kept']:,} written by models and agreed"
        f" with, {sum(tests['removed'].values()):,} removed{removed}"
    )


def _authors_card(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["tests_by"]:
        yield "| tests by | what became of them |"
        yield "|---|---|"
        yield from (f"| {name} | {_counted(counts)} |" for name, counts in _first(manifest["tests_by"]))
        yield ""
        if len(manifest["tests_by"]) > _SHOWN:
            yield from (f"And {len(manifest['tests_by']) - _SHOWN:,} more.", "")


def _strength_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    tenths = manifest["test_strength"]
    if tenths:
        yield f"  tasks by the share of mutants killed, in tenths: {_counted(dict(sorted(tenths.items())))}"


def _isolation_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["isolation"]:
        yield f"  isolation: {_counted(manifest['isolation'])}"
    if programs := manifest["times"].get("programs"):
        yield (
            f"  programs: {programs['run']:,} run in {programs['cpu_seconds']:,.1f} s of CPU time,"
            f" {programs['reused']:,} verdicts reused from the journal"
        )


def _card(manifest: Mapping[str, Any]) -> Iterator[str]:
    for name, values in manifest["status_by"].items():
        if values:
            yield f"| {name} | {' | '.join(STATUSES)} |"
            yield f"|---{'|---' * len(STATUSES)}|"
            for value, counts in _first(values):
                yield f"| {value} | {' | '.join(str(counts.get(status, 0)) for status in STATUSES)} |"
            yield ""
            if len(values) > _SHOWN:
                yield from (f"And {len(values) - _SHOWN:,} more.", "")


def _first(values: Mapping[str, Mapping[str, int]]) -> list[tuple[str, Mapping[str, int]]]:
    """The first entries, by names that fit into a table: they come from files."""
    return [(in_table(name), counts) for name, counts in [*values.items()][:_SHOWN]]


def _tests_card(manifest: Mapping[str, Any]) -> Iterator[str]:
    (line,) = _tests_lines(manifest)
    yield f"{line.strip().capitalize()}."
    yield ""


def _is_nested(value: object) -> bool:
    return isinstance(value, dict) and all(maps_to(int, counts) for counts in value.values())


def _is_by(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_nested, value.values()))


def _is_tests(value: object) -> bool:
    return isinstance(value, dict) and {*value} == {"trusted", "kept", "removed"}


_COUNTS = partial(maps_to, int)
#: The manifest entries of `rank`: answers by status, also by teacher and by method of evolution; tests by
#: what became of them, also by author; tasks none of whose tests can be used; tasks by the share of mutants
#: that their tests kill, in tenths; answers by how their programs were kept apart.
ENTRIES = (
    Entry("status", add=partial(_added, "status"), is_valid=_COUNTS, lines=_status_lines),
    Entry("status_by", add=_added_by, is_valid=_is_by, lines=_by_lines, card=_card),
    *spread.ENTRIES,
    Entry("tests", add=_added_tests, is_valid=_is_tests, lines=_tests_lines, card=_tests_card),
    Entry("unusable", add=_added_unusable, is_valid=_is_unusable, lines=_unusable_lines),
    Entry("tests_by", add=_added_authors, is_valid=_is_nested, card=_authors_card),
    Entry("test_strength", add=partial(_added, "test_strength"), is_valid=_COUNTS, lines=_strength_lines),
    Entry("isolation", add=partial(_added, "isolation"), is_valid=_COUNTS, lines=_isolation_lines),
)
