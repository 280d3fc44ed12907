"""How answers and tasks spread: pass ratios, how hard tasks are, and how far teachers agree.

Covered: the pass ratios of all answers that were judged, students' too; by task, the share of teachers'
answers that pass all tests; by pair of teachers, the share of tasks on which their best answers have the same
status.
Not covered: agreement beyond chance. Cohen's kappa has no value where both teachers pass everything, which is
what one hopes for, so the plain share is given with the number of tasks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from datagen.data.manifest import Entry, maps_to, sums
from datagen.data.source import Row
from datagen.errors import one_line
from datagen.ranking.tasks import by_task
from datagen.sandbox.verdict import STATUSES

_BINS = 10
#: The names under which shares are counted: exactly 0, ten bins between, exactly 1.
SHARES = ("0", *(f"{low / _BINS:g}-{(low + 1) / _BINS:g}" for low in range(_BINS)), "1")
#: So many of the hardest and of the easiest tasks are named.
_NAMED = 5
#: Teachers whose pairs are compared, the first ones of the data set.
TEACHERS = 20
_LONGEST_NAME = 200
_BAR = 20
_BLOCKS = " ▁▂▃▄▅▆▇█"


def add(entries: dict[str, Any], judged: Sequence[Row], teachers: Sequence[str]) -> None:
    """Add rows of whole tasks, each with its status, to the values of `ENTRIES`.

    Args:
        entries: the values so far.
        judged: rows.
        teachers: whose answers are compared.
    """
    entries["pass_ratios"] = _histogram(
        [entries.get("pass_ratios", {}), *({_name(row["pass_ratio"]): 1} for row in judged)]
    )
    tasks = by_task([row for row in judged if row["role"] != "student"])
    entries["difficulty"] = _difficulty([entries.get("difficulty", {}), *map(_of_task, tasks)])
    entries["agreement"] = _agreement([*entries.get("agreement", ()), *_pairs(tasks, teachers)])


def _name(share: float) -> str:
    """The name under which a share is counted."""
    if share in (0, 1):
        return SHARES[0 if share == 0 else -1]
    # 0.3 is a little less than three tenths in floating point.
    return SHARES[1 + min(math.floor(share * _BINS + 1e-9), _BINS - 1)]


def _histogram(counts: Iterable[Mapping[str, int]]) -> dict[str, int | float]:
    added = sums(counts)
    return {name: added.get(name, 0) for name in SHARES}


def _of_task(rows: Sequence[Row]) -> dict[str, Any]:
    """The difficulty of one task, as an entry."""
    passed = sum(row["status"] == "all_passed" for row in rows)
    one = {"task": one_line(rows[0]["task"], _LONGEST_NAME), "all_passed": passed, "answers": len(rows)}
    return {"tasks": {_name(passed / len(rows)): 1}, "hardest": [one], "easiest": [one]}


def _difficulty(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tasks by the share of answers that pass all tests; the hardest and the easiest, hardest first.

    Of tasks with equal shares those with more answers are named, then those with the first ids.
    """
    filled = [part for part in parts if part]

    def first(which: str, sign: int) -> list[dict[str, Any]]:
        tasks = {one["task"]: one for part in filled for one in part[which]}
        order = sorted(tasks.values(), key=lambda one: (sign * _share(one), -one["answers"], one["task"]))
        return order[:_NAMED]

    tasks = _histogram(part["tasks"] for part in filled)
    return {"tasks": tasks, "hardest": first("hardest", 1), "easiest": first("easiest", -1)}


def _share(task: Mapping[str, Any]) -> float:
    return float(task["all_passed"] / task["answers"])


def _pairs(tasks: Iterable[Sequence[Row]], teachers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """For each task and pair of teachers who answered it whether their best answers have the same status."""
    for rows in tasks:
        best: dict[str, int] = {}
        for row in rows:
            name = row.get("teacher") or ""
            if name in teachers:
                best[name] = max(best.get(name, 0), STATUSES.index(row["status"]))
        for one, other in combinations(sorted(best), 2):
            same = int(best[one] == best[other])
            yield {"teachers": [one, other], "tasks": 1, "same": same}


def _agreement(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Pairs of teachers by their names, each with how many tasks both answered and on how many they agree."""
    found: dict[tuple[str, ...], list[int]] = {}
    for one in parts:
        counts = found.setdefault(tuple(one["teachers"]), [0, 0])
        counts[0] += one["tasks"]
        counts[1] += one["same"]
    return [
        {"teachers": [*pair], "tasks": tasks, "same": same} for pair, (tasks, same) in sorted(found.items())
    ]


def _added_ratios(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    return _histogram(one["pass_ratios"] for one in manifests)


def _added_difficulty(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    return _difficulty(one["difficulty"] for one in manifests)


def _added_agreement(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> Any:  # noqa: ANN401, ARG001
    return _agreement(pair for one in manifests for pair in one["agreement"])


def _bars(counts: Mapping[str, int]) -> str:
    """A bar for each share, of one character: a block that is as high as the count."""
    most = max(counts.values())
    return "".join(_BLOCKS[math.ceil((len(_BLOCKS) - 1) * counts[name] / most)] for name in SHARES)


def _ratio_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    counts = manifest["pass_ratios"]
    if any(counts.values()):
        yield (
            f"  answers by pass ratio: 0 [{_bars(counts)}] 1;"
            f" {counts[SHARES[0]]:,} at 0, {counts[SHARES[-1]]:,} at 1"
        )


def _difficulty_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    counts = manifest["difficulty"]["tasks"]
    if tasks := sum(counts.values()):
        yield (
            f"  {tasks:,} tasks by the share of teachers' answers that pass all tests: 0 [{_bars(counts)}] 1;"
            f" {counts[SHARES[0]]:,} solved by none, {counts[SHARES[-1]]:,} by all"
        )


def _agreement_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    shares = sorted(one["same"] / one["tasks"] for one in manifest["agreement"])
    if shares:
        between = " to ".join(dict.fromkeys(f"{share:.0%}" for share in (shares[0], shares[-1])))
        pairs = f"{len(shares):,} pairs" if len(shares) > 1 else "1 pair"
        yield f"  teachers agree: the same status on {between} of the tasks ({pairs})"


def _table(counts: Mapping[str, int], share: str, what: str) -> Iterator[str]:
    """A histogram in Markdown."""
    most = max(counts.values())
    yield from (f"| {share} | {what} | |", "|---|---|---|")
    for name in SHARES:
        bar = "#" * math.ceil(_BAR * counts[name] / most)
        yield f"| {name} | {counts[name]:,} | {f'`{bar}`' if bar else ''} |"
    yield ""


def _ratio_card(manifest: Mapping[str, Any]) -> Iterator[str]:
    if any(manifest["pass_ratios"].values()):
        yield from _table(manifest["pass_ratios"], "pass ratio", "answers")


def _difficulty_card(manifest: Mapping[str, Any]) -> Iterator[str]:
    told = manifest["difficulty"]
    if any(told["tasks"].values()):
        yield from _table(told["tasks"], "share of teachers' answers that pass all tests", "tasks")
        for which in ("hardest", "easiest"):
            yield from (f"| {which} tasks | answers that pass all tests |", "|---|---|")
            yield from (
                f"| {in_table(one['task'])} | {one['all_passed']:,} of {one['answers']:,} |"
                for one in told[which]
            )
            yield ""


def _agreement_card(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["agreement"]:
        yield from (
            "| teachers | tasks that both answered | best answers of the same status |",
            "|---|---|---|",
        )
        for one in manifest["agreement"]:
            names = ", ".join(map(in_table, one["teachers"]))
            yield f"| {names} | {one['tasks']:,} | {one['same'] / one['tasks']:.0%} |"
        yield ""
        if len(manifest["status_by"]["teacher"]) > TEACHERS:
            yield from (f"Only the first {TEACHERS} teachers of the set are compared.", "")


def in_table(name: str) -> str:
    """A name that comes from a file, so that it fits on a line and into a table."""
    return one_line(name, 60).replace("|", "\\|")


_COUNTS_OF_TASK = ("all_passed", "answers")


def _is_histogram(value: object) -> bool:
    return maps_to(int, value) and tuple(value) == SHARES  # type: ignore[arg-type]


def _is_difficulty(value: object) -> bool:
    return (
        isinstance(value, dict)
        and {*value} == {"tasks", "hardest", "easiest"}
        and _is_histogram(value["tasks"])
        and all(_are(value[which], "task", str, _COUNTS_OF_TASK) for which in ("hardest", "easiest"))
        and all(one["answers"] > 0 for which in ("hardest", "easiest") for one in value[which])
    )


def _is_agreement(value: object) -> bool:
    return _are(value, "teachers", list, ("tasks", "same")) and all(
        one["tasks"] > 0
        and len(one["teachers"]) == 2
        and all(isinstance(name, str) for name in one["teachers"])
        for one in value  # type: ignore[attr-defined]
    )


def _are(value: object, name: str, kind: type, counts: Sequence[str]) -> bool:
    """Whether it is a list of objects with a name, or names, and counts."""
    return isinstance(value, list) and all(
        isinstance(one, dict)
        and {*one} == {name, *counts}
        and isinstance(one[name], kind)
        and all(type(one[count]) is int for count in counts)
        for one in value
    )


#: The manifest entries of `rank` that tell how answers spread: answers by pass ratio; tasks by the share of
#: teachers' answers that pass all tests, with the hardest and the easiest; teachers' agreement by pair.
ENTRIES = (
    Entry("pass_ratios", add=_added_ratios, is_valid=_is_histogram, lines=_ratio_lines, card=_ratio_card),
    Entry(
        "difficulty",
        add=_added_difficulty,
        is_valid=_is_difficulty,
        lines=_difficulty_lines,
        card=_difficulty_card,
    ),
    Entry(
        "agreement",
        add=_added_agreement,
        is_valid=_is_agreement,
        lines=_agreement_lines,
        card=_agreement_card,
    ),
)
