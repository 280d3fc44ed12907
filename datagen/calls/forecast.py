"""What a model stage would ask for, and cost, without asking: `--dry-run`.

Prompts are made as the stage makes them and looked up in the journal, so what is answered already costs
nothing. Where the rows are not there yet (a later stage of a recipe), rows like those that come in stand for
them, and their number is a range.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from datagen.calls.asking import Answer, Asker
from datagen.calls.budget import expected_tokens_in, most_tokens_out
from datagen.data.source import Source
from datagen.journal import Journal, open_journal
from datagen.request import CallFailed, Prompt, Request
from datagen.teachers import Profile, Teacher, connect_all

#: Languages and tokenizers differ in how many bytes make a token.
TOKENS_IN_FACTORS = 0.8, 1.6
#: Answers of one model to like prompts differ in length; their mean, less.
TOKENS_OUT_FACTORS = 0.7, 1.4
#: A mean over fewer calls than this is not used.
LEAST_CALLS = 20
#: Without a mean: the least length of an answer, as a part of the most tokens that it may have.
LEAST_SHARE = 0.005
#: Where no prompt is known yet: tokens of a prompt, and the most of an answer.
USUAL_TOKENS_IN, USUAL_TOKENS_OUT = 300, 2048

Range = tuple[float, float]


class Rows(NamedTuple):
    """Rows that a stage will read.

    Args:
        source: these rows, or rows like them.
        least: how many at least.
        most: how many at most.
        exact: whether `source` holds the very rows.
    """

    source: Source
    least: int
    most: int
    exact: bool = True

    @classmethod
    def of(cls, source: Source) -> Rows:
        """The rows of a source that is there."""
        return cls(source, source.rows, source.rows)

    def limited(self, limit: int | None) -> Rows:
        """The first `limit` rows."""
        if limit is None:
            return self
        return Rows(self.source.limited(limit), min(self.least, limit), min(self.most, limit), self.exact)

    def becoming(self, least: int, most: int) -> Rows:
        """What a stage makes of them: so many rows, like these."""
        return Rows(self.source, least, most, exact=False)

    def without(self, useless: int) -> Rows:
        """The same where so many rows of the source are not worked on, so that fewer come of them."""
        here = max(self.source.rows, 1)
        least, most = (number - number * useless // here for number in (self.least, self.most))
        return self._replace(least=least, most=most if self.exact else self.most)


class TeacherForecast(NamedTuple):
    """What one teacher would be asked for; ranges are (low, high).

    Args:
        teacher: its name.
        calls: to be made.
        journalled: calls that are answered already.
        tokens_in: of the calls to be made.
        tokens_out: of the calls to be made.
        usd: None where no price is known.
        basis: what the ranges rest on, in words.
    """

    teacher: str
    calls: Range
    journalled: int
    tokens_in: Range
    tokens_out: Range
    usd: Range | None
    basis: str

    def as_json(self) -> dict[str, Any]:
        """Ranges as pairs; calls and tokens in whole numbers."""
        whole = {
            name: [round(x) for x in getattr(self, name)] for name in ("calls", "tokens_in", "tokens_out")
        }
        usd = None if self.usd is None else [round(x, 6) for x in self.usd]
        return {
            "teacher": self.teacher,
            **whole,
            "journalled": self.journalled,
            "usd": usd,
            "basis": self.basis,
        }


class Later(NamedTuple):
    """A call that depends on answers which are not there yet.

    Args:
        teacher: who would be asked.
        prompt: one like it; None where none is known.
        certain: whether it is made in any case.
    """

    teacher: Teacher
    prompt: Prompt | None = None
    certain: bool = True


class Forecast(NamedTuple):
    """What a stage would ask for, by teacher, and the rows that it would make, or work on, so far."""

    asked: list[TeacherForecast]
    rows: Rows


@dataclass
class _CallCount:
    """Calls of one teacher whose prompts are alike.

    Args:
        like: one of them; None where no prompt is known yet.
        calls: how many are not answered.
        journalled: how many are answered.
        tokens_in: of all prompts that were looked at.
        most_out: the most tokens that the answers to these may have.
        prompts: how many were looked at.
        later: at least and at most how many more follow answers that are missing.
    """

    like: Request | None
    calls: int = 0
    journalled: int = 0
    tokens_in: int = 0
    most_out: int = 0
    prompts: int = 0
    later: Range = (0.0, 0.0)

    def look(self, request: Request) -> None:
        self.tokens_in += expected_tokens_in(request)
        self.most_out += most_tokens_out(request) or 0
        self.prompts += 1


@dataclass
class _Lookup:
    """Answers from the journal, and counts by teacher what it does not know.

    Args:
        journal: where answers are looked up.
        counts: by teacher, then by the kind of prompt.
        asked: how often somebody was asked.
        misses: how often there was no answer.
        first: the first prompt.
    """

    journal: Journal
    counts: dict[Teacher, dict[str, _CallCount]] = field(default_factory=dict)
    asked: int = 0
    misses: int = 0
    first: Prompt | None = None
    _seen: set[str] = field(default_factory=set)

    async def ask(
        self, teacher: Teacher, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None
    ) -> Answer:
        self.asked += 1
        try:
            request = teacher.request(prompt, seed=seed, sample=sample, temperature=temperature)
        except CallFailed as problem:
            return Answer(None, None, str(problem))
        if not teacher.journalled:
            return Answer(None, None, "not asked")
        self.first = self.first or prompt
        count = self.count(teacher, request)
        reply = self.journal.get(request)
        self.misses += reply is None
        if request.key not in self._seen:  # equal requests are asked once
            self._seen.add(request.key)
            count.look(request)
            count.calls += reply is None
            count.journalled += reply is not None
        return Answer.of(reply, request.key, reused=True) if reply else Answer(None, request.key, "not asked")

    def count(self, teacher: Teacher, request: Request | None) -> _CallCount:
        """The count for calls like this one."""
        kind = "" if request is None else request.messages[0][1] if request.messages else "text"
        return self.counts.setdefault(teacher, {}).setdefault(kind, _CallCount(request))

    def expect(self, call: Later) -> None:
        """Count a call whose own prompt is not known yet."""
        count = self._like(call)
        low, high = count.later
        count.later = low + call.certain, high + 1

    def _like(self, call: Later) -> _CallCount:
        """The count for calls with such a prompt; without one, for what the teacher was asked first."""
        if call.prompt is None and call.teacher in self.counts:
            return next(iter(self.counts[call.teacher].values()))
        request = None
        if prompt := call.prompt or self.first:
            with contextlib.suppress(CallFailed):
                request = call.teacher.request(prompt, seed=0, sample=0)
        count = self.count(call.teacher, request)
        if request is not None:
            count.look(request)
        return count


async def _follow(lookup: _Lookup, units: AsyncIterator[Callable[[], Iterable[Later]]]) -> int:
    """Count the calls of all units; returns how many of these ask for nothing."""
    useless = asked = misses = 0
    async for later in units:
        useless += lookup.asked == asked
        if lookup.misses > misses:
            for call in later():
                lookup.expect(call)
        asked, misses = lookup.asked, lookup.misses
    return useless


def forecast_units(
    rows: Rows,
    profiles: Sequence[Profile],
    work: Callable[[list[Teacher], Asker], AsyncIterator[Callable[[], Iterable[Later]]]],
    wait: Callable[[Callable[[], Coroutine[Any, Any, int]]], int],
    *,
    journal: Path | None = None,
) -> Forecast:
    """What work on `rows` would ask for.

    Args:
        rows: what it is done on.
        profiles: who is asked, each once.
        work: does it with the connected teachers and an asker that only looks answers up; after each unit it
            yields a function that tells which calls follow the answers that are missing.
        wait: runs a coroutine.
        journal: the journal's file; None for the user's own.
    """
    with open_journal(journal) as opened_journal:
        lookup = _Lookup(opened_journal)

        async def follow() -> int:
            async with connect_all(profiles) as opened:
                return await _follow(lookup, work(opened, lookup))

        useless = wait(follow)
        by_name: dict[str, tuple[Profile, list[_CallCount]]] = {}
        for teacher, counts in lookup.counts.items():
            by_name.setdefault(teacher.name, (teacher.profile, []))[1].extend(counts.values())
        asked = [_asked(profile, counts, rows, opened_journal) for profile, counts in by_name.values()]
        return Forecast(asked, rows.without(useless))


class _Part(NamedTuple):
    """The ranges of one kind of calls."""

    calls: Range
    tokens_in: Range
    tokens_out: Range
    basis: str


def _asked(profile: Profile, counts: Sequence[_CallCount], rows: Rows, journal: Journal) -> TeacherForecast:
    parts = [_part(count, rows, journal) for count in counts if count.prompts or count.later[1]]
    tokens_in, tokens_out = (
        _sum([part.tokens_in for part in parts]),
        _sum([part.tokens_out for part in parts]),
    )
    usd = None
    if profile.price_in is not None:
        usd = (
            profile.cost(round(tokens_in[0]), round(tokens_out[0])),
            profile.cost(round(tokens_in[1]), round(tokens_out[1])),
        )
    journalled = sum(count.journalled for count in counts) if rows.exact else 0
    basis = "; ".join(dict.fromkeys(part.basis for part in parts))
    calls = _sum([part.calls for part in parts])
    return TeacherForecast(profile.name, calls, journalled, tokens_in, tokens_out, usd, _basis(basis, rows))


def _part(count: _CallCount, rows: Rows, journal: Journal) -> _Part:
    here = max(rows.source.rows, 1)
    low, high = count.calls + count.later[0], count.calls + count.later[1]
    if not rows.exact:
        # Rows that are not there yet are like these, but maybe none of them is answered.
        low, high = low * rows.least / here, (high + count.journalled) * rows.most / here
    each_in, most = float(USUAL_TOKENS_IN), float(USUAL_TOKENS_OUT)
    if count.prompts:
        each_in, most = count.tokens_in / count.prompts, count.most_out / count.prompts
    known, mean = journal.mean_tokens_out(count.like) if count.like else (0, 0.0)
    if known >= LEAST_CALLS:
        out = mean * TOKENS_OUT_FACTORS[0], min(mean * TOKENS_OUT_FACTORS[1], most)
        basis = f"answers as long as {known:,} in the journal, {mean:,.0f} tokens in the mean"
    else:
        out = most * LEAST_SHARE, most
        basis = (
            f"no {LEAST_CALLS} calls of it in the journal: answers of {LEAST_SHARE:.1%} to all of max_tokens"
        )
    return _Part(
        (low, high),
        (low * each_in * TOKENS_IN_FACTORS[0], high * each_in * TOKENS_IN_FACTORS[1]),
        (low * min(out), high * max(out)),
        basis,
    )


def _basis(basis: str, rows: Rows) -> str:
    if rows.exact:
        return f"prompts counted at about 4 bytes a token; {basis}"
    return f"{rows.least:,} to {rows.most:,} rows like those that come in; {basis}"


def lines(stages: Sequence[tuple[str, Forecast]]) -> list[str]:
    """The forecast as text, with a sum."""
    text = []
    for stage, forecast in stages:
        for one in forecast.asked:
            reused = f" ({one.journalled:,} more are journalled)" if one.journalled else ""
            text += [
                f"{stage}, {one.teacher}: {_shown(one.calls)} calls{reused},"
                f" {_shown(one.tokens_in)} tokens in, {_shown(one.tokens_out)} out, {_dollars(one.usd)}",
                f"    rests on: {one.basis}",
            ]
        if not forecast.asked:
            text.append(f"{stage}: no calls")
    everything = [one for _, forecast in stages for one in forecast.asked]
    return [
        *text,
        f"In all: {_shown(_sum([one.calls for one in everything]))} calls, {_in_all(everything)}",
    ]


def _in_all(asked: Sequence[TeacherForecast]) -> str:
    """The cost of all calls, as far as it is known, and of whom it is not."""
    cost, unknown = _cost(asked), _unpriced(asked)
    if cost is None or not unknown:
        return _dollars(cost)
    return f"{_dollars(cost)} and what {', '.join(unknown)} costs: no price_in and price_out"


def as_json(stages: Sequence[tuple[str, Forecast]]) -> dict[str, Any]:
    """The forecast for --json."""
    everything = [one for _, forecast in stages for one in forecast.asked]
    cost = _cost(everything)
    return {
        "dry_run": True,
        "forecast": [
            {
                "stage": stage,
                "rows": [made.rows.least, made.rows.most],
                "teachers": [a.as_json() for a in made.asked],
            }
            for stage, made in stages
        ],
        "calls": [round(x) for x in _sum([one.calls for one in everything])],
        "usd": None if cost is None else [round(x, 6) for x in cost],
        **({"usd_unknown": unknown} if (unknown := _unpriced(everything)) else {}),
    }


def _cost(asked: Sequence[TeacherForecast]) -> Range | None:
    """The sum of what is known; None where nothing is."""
    costs = [one.usd for one in asked if one.usd is not None]
    return _sum(costs) if costs or not asked else None


def _unpriced(asked: Sequence[TeacherForecast]) -> list[str]:
    return sorted({one.teacher for one in asked if one.usd is None and one.calls[1]})


def _sum(ranges: Sequence[Range]) -> Range:
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def _shown(values: Range) -> str:
    low, high = (f"{value:,.0f}" for value in values)
    return low if low == high else f"{low} to {high}"


def _dollars(usd: Range | None) -> str:
    if usd is None:
        return "cost unknown: no price_in and price_out"
    low, high = (f"${value:,.2f}" if value >= 1 else f"${value:.4f}" for value in usd)
    return low if low == high else f"{low} to {high}"
