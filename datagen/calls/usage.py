"""What a data set rests on: calls, tokens and cost per teacher, each call once whatever run made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datagen.data.manifest import Entry
from datagen.request import Reply
from datagen.teachers import Profile

_COUNTED = ("calls", "tokens_in", "tokens_out")


@dataclass
class Usage:
    """Adds up the answers that a stage was given; from the journal or asked now makes no difference."""

    _seen: set[bytes] = field(default_factory=set)
    _teachers: dict[str, tuple[Profile, dict[str, int]]] = field(default_factory=dict)
    _adapted: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, profile: Profile, key: str, reply: Reply) -> None:
        """Count the call with this journal key, unless it was counted."""
        short = bytes.fromhex(key[:32])
        if short in self._seen:
            return
        self._seen.add(short)
        _, counts = self._teachers.setdefault(profile.name, (profile, dict.fromkeys(_COUNTED, 0)))
        for name, more in zip(_COUNTED, (1, reply.tokens_in, reply.tokens_out), strict=True):
            counts[name] += more
        if reply.adapted:
            self._adapted.setdefault(profile.name, Counter()).update(reply.adapted)

    def as_json(self) -> dict[str, dict[str, Any]]:
        """By teacher: calls, tokens_in, tokens_out, and usd where prices are known.

        `adapted` counts the calls that were sent otherwise than they were meant, where there are any.
        """
        return {
            name: {**counts, "usd": _usd(profile, counts), **_told(self._adapted.get(name))}
            for name, (profile, counts) in sorted(self._teachers.items())
        }


def _told(adapted: Mapping[str, int] | None) -> dict[str, dict[str, int]]:
    return {"adapted": dict(sorted(adapted.items()))} if adapted else {}


def _usd(profile: Profile, counts: Mapping[str, int]) -> float | None:
    """None where nobody said what the teacher costs."""
    if profile.price_in is None:
        return None
    return round(profile.cost(counts["tokens_in"], counts["tokens_out"]), 9)


def total(usages: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The usage of several stages by teacher."""
    sums: dict[str, dict[str, Any]] = {}
    for usage in usages:
        for name, counts in usage.items():
            so_far = sums.setdefault(name, {**dict.fromkeys(_COUNTED, 0), "usd": 0.0})
            for what in _COUNTED:
                so_far[what] += counts[what]
            known = so_far["usd"] is not None and counts["usd"] is not None
            so_far["usd"] = round(so_far["usd"] + counts["usd"], 9) if known else None
            so_far |= _told(Counter(so_far.get("adapted", {})) + Counter(counts.get("adapted", {})))
    return sums


def summary(usage: Mapping[str, Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:
    """Totals over all teachers, and for each row that was kept."""
    tokens = {what: sum(counts[what] for counts in usage.values()) for what in _COUNTED}
    costs = [counts["usd"] for counts in usage.values()]
    usd = round(sum(costs), 9) if None not in costs else None
    per_row = {
        "tokens": round((tokens["tokens_in"] + tokens["tokens_out"]) / rows_kept, 3) if rows_kept else None,
        "usd": round(usd / rows_kept, 9) if rows_kept and usd is not None else None,
    }
    return {**tokens, "usd": usd, "per_kept_row": per_row}


def _table(manifest: Mapping[str, Any]) -> list[str]:
    usage = manifest["usage"]
    if not usage:
        return []
    rows = [
        f"| {name} | {c['calls']:,} | {c['tokens_in']:,} | {c['tokens_out']:,} | {_dollars(c['usd'])} |"
        for name, c in usage.items()
    ]
    per_row = _dollars(manifest["usage_total"]["per_kept_row"]["usd"])
    adapted = [
        f"- {name}: {how} ({calls:,} calls)"
        for name, c in usage.items()
        for how, calls in c.get("adapted", {}).items()
    ]
    if adapted:
        adapted = ["Sent otherwise than asked for, because the server refuses it so:", "", *adapted, ""]
    return [
        *("| teacher | calls | tokens in | tokens out | USD |", "|---|---|---|---|---|", *rows, ""),
        *(f"USD for each row kept: {per_row}.", ""),
        *adapted,
    ]


def _dollars(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:,.6f}".rstrip("0").rstrip(".")


def _lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    total = manifest["usage_total"]
    cost = "" if total["usd"] is None else f", ${_dollars(total['usd'])}"
    each = total["per_kept_row"]
    if each["tokens"] is not None:
        cost += f"; {each['tokens']:,.0f} tokens" + (f", ${_dollars(each['usd'])}" if each["usd"] else "")
        cost += " for each row kept"
    yield f"  tokens: {total['tokens_in']:,} in, {total['tokens_out']:,} out{cost}"


def _added(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    return total(one["usage"] for one in manifests)


def _added_total(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:
    return summary(_added(manifests, rows_kept), rows_kept)


def _all_teachers(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    return {name: one for manifest in manifests for name, one in manifest["teachers"].items()}


#: The manifest entries of every stage that asks models. What the whole rests on, by teacher; the sum of it;
#: and how each teacher was asked.
ENTRIES = (
    Entry("usage", add=_added, card=_table),
    Entry("usage_total", add=_added_total, lines=_lines),
    Entry("teachers", add=_all_teachers, in_json=False),
)
