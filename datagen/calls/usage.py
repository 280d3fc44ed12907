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
#: Of these calls the server did not say how many tokens it counted; left out where there are none.
_UNCOUNTED = "uncounted"
#: True where `usd` is only a part of the cost, because the rest is not known; left out elsewhere.
_AT_LEAST = "usd_at_least"
#: How many calls were sent otherwise than they were meant, by the way; left out where there are none.
_ADAPTED = "adapted"


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
        names = (*_COUNTED, _UNCOUNTED)
        _, counts = self._teachers.setdefault(profile.name, (profile, dict.fromkeys(names, 0)))
        more = 1, reply.tokens_in, reply.tokens_out, int(not reply.is_counted)
        for name, number in zip(names, more, strict=True):
            counts[name] += number
        if reply.adapted:
            self._adapted.setdefault(profile.name, Counter()).update(reply.adapted)

    def as_json(self) -> dict[str, dict[str, Any]]:
        """By teacher: calls, tokens_in, tokens_out and usd; uncounted and usd_at_least where they matter.

        usd is what the known tokens cost, and None where nobody said a price or no tokens are known.
        `adapted` counts the calls that were sent otherwise than they were meant, where there are any.
        """
        return {
            name: _told(*counted) | _adaptations(self._adapted.get(name, Counter()))
            for name, counted in sorted(self._teachers.items())
        }


def _adaptations(adapted: Counter[str]) -> dict[str, dict[str, int]]:
    return {_ADAPTED: dict(sorted(adapted.items()))} if adapted else {}


def _told(profile: Profile, counts: Mapping[str, int]) -> dict[str, Any]:
    costs_nothing = profile.price_in == profile.price_out == 0
    is_unknown = profile.price_in is None or (counts[_UNCOUNTED] == counts["calls"] and not costs_nothing)
    usd = None if is_unknown else round(profile.cost(counts["tokens_in"], counts["tokens_out"]), 9)
    is_least = bool(counts[_UNCOUNTED]) and not is_unknown and not costs_nothing
    return _entry({name: counts[name] for name in _COUNTED}, usd, counts[_UNCOUNTED], is_least=is_least)


def _entry(counts: Mapping[str, int], usd: float | None, uncounted: int, *, is_least: bool) -> dict[str, Any]:
    return {
        **counts,
        "usd": usd,
        **({_UNCOUNTED: uncounted} if uncounted else {}),
        **({_AT_LEAST: True} if is_least else {}),
    }


def total(usages: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The usage of several stages by teacher."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for usage in usages:
        for name, counts in usage.items():
            found.setdefault(name, []).append(counts)
    return {name: _sum(parts) for name, parts in found.items()}


def _sum(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of all calls, and of the costs that are known."""
    counts = {what: sum(one[what] for one in parts) for what in _COUNTED}
    costs = [one["usd"] for one in parts if one["usd"] is not None]
    usd = round(sum(costs), 9) if costs or not parts else None
    is_least = usd is not None and (len(costs) < len(parts) or any(one.get(_AT_LEAST) for one in parts))
    uncounted = sum(one.get(_UNCOUNTED, 0) for one in parts)
    adapted = sum((Counter(one.get(_ADAPTED, {})) for one in parts), Counter[str]())
    return _entry(counts, usd, uncounted, is_least=is_least) | _adaptations(adapted)


def summary(usage: Mapping[str, Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:
    """Totals over all teachers, and for each row that was kept; whose cost is not known, or only a part."""
    whole = _sum([*usage.values()])
    usd = whole["usd"]
    per_row = {
        "tokens": round((whole["tokens_in"] + whole["tokens_out"]) / rows_kept, 3) if rows_kept else None,
        "usd": round(usd / rows_kept, 9) if rows_kept and usd is not None else None,
    }
    unknown = sorted(name for name, one in usage.items() if one["usd"] is None or one.get(_AT_LEAST))
    return {**whole, **({"usd_unknown": unknown} if unknown else {}), "per_kept_row": per_row}


def _table(manifest: Mapping[str, Any]) -> list[str]:
    usage = manifest["usage"]
    if not usage:
        return []
    rows = [
        f"| {name} | {c['calls']:,} | {_tokens(c, 'tokens_in')} | {_tokens(c, 'tokens_out')} | {dollars(c)} |"
        for name, c in usage.items()
    ]
    adapted = [
        f"- {name}: {how} ({calls:,} calls)"
        for name, c in usage.items()
        for how, calls in c.get(_ADAPTED, {}).items()
    ]
    if adapted:
        adapted = ["Sent otherwise than asked for, because the server refuses it so:", "", *adapted, ""]
    whole = manifest["usage_total"]
    per_row = dollars({**whole, "usd": whole["per_kept_row"]["usd"]})
    return [
        *("| teacher | calls | tokens in | tokens out | USD |", "|---|---|---|---|---|", *rows, ""),
        *(f"USD for each row kept: {per_row}.", ""),
        *adapted,
    ]


def _tokens(counts: Mapping[str, Any], what: str) -> str:
    """A number of tokens; a server need not say it of each call."""
    if counts.get(_UNCOUNTED, 0) == counts["calls"] and counts["calls"]:
        return "unknown"
    return f"at least {counts[what]:,}" if counts.get(_UNCOUNTED) else f"{counts[what]:,}"


def dollars(counts: Mapping[str, Any], sign: str = "") -> str:
    """What calls cost, in words: "unknown", or "at least" what is known."""
    if counts["usd"] is None:
        return "unknown"
    usd = f"{counts['usd']:,.6f}".rstrip("0").rstrip(".")
    return f"at least {sign}{usd}" if counts.get(_AT_LEAST) else f"{sign}{usd}"


def _lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    whole = manifest["usage_total"]
    unknown = whole.get("usd_unknown", [])
    cost = "cost unknown" if whole["usd"] is None else dollars(whole, "$")
    cost += f" (not known of {', '.join(unknown)})" if unknown and whole["usd"] is not None else ""
    each = whole["per_kept_row"]
    if each["tokens"] is not None and not whole.get(_UNCOUNTED):
        cost += f"; {each['tokens']:,.0f} tokens"
        cost += f", {dollars({**whole, 'usd': each['usd']}, '$')}" if each["usd"] else ""
        cost += " for each row kept"
    yield f"  tokens: {_tokens(whole, 'tokens_in')} in, {_tokens(whole, 'tokens_out')} out, {cost}"
    if whole.get(_UNCOUNTED):
        calls = "1 call" if whole[_UNCOUNTED] == 1 else f"{whole[_UNCOUNTED]:,} calls"
        yield f"  {calls} came back without their number of tokens; --max-usd counts the most they can cost"


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
