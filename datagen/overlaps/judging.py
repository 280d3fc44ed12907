"""Asks a model about rows that are in doubt, for `decontam`; and says which rows it did not judge.

In doubt are pairs of a row and an item that are no match, but reach a part of what the profile `strict` asks
for. A pair without a verdict is told: it is never taken for clean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import polars as pl

import decontam
from datagen.calls.asking import Answer
from datagen.data.manifest import Entry, maps_to, sums
from datagen.data.source import Source
from datagen.overlaps import texts
from datagen.request import CUT_OFF, Prompt
from datagen.runs.stage import Over
from datagen.teachers import Profile
from decontam import judge
from decontam.benchmarks import Item
from decontam.overlaps import Indexes

#: Tokens of an answer, at most.
_MAX_TOKENS = 512
_LEVELS = judge.VERDICTS[:-1]
_PAIR = ("row", "benchmark", "item")
#: Why a pair has no verdict.
OVER_LIMIT, TOO_LONG = "over --max-judged", "texts too long"
NO_ANSWER, OTHER_FORM = "no answer", "answer in another form"


class Judged(NamedTuple):
    """What became of the pairs in doubt.

    Args:
        matches: those that overlap, with the evidence that put them in doubt; columns as the doubts.
        unanswered: rows that stay in doubt because a call failed, with the problem.
        unknown: all rows that stay in doubt, with a reason.
        pairs: how many were in doubt.
        verdicts: how often each was given.
    """

    matches: pl.DataFrame
    unanswered: Mapping[str, str]
    unknown: Mapping[str, str]
    pairs: int
    verdicts: Counter[str]


def doubts(
    evidence: pl.DataFrame, rows: pl.Series, indexes: Indexes, matches: pl.DataFrame, *, common: bool
) -> pl.DataFrame:
    """The evidence of pairs that are no match and in doubt; columns as in `decontam.MATCHES`.

    Args:
        evidence: all that the detectors say.
        rows: the ids of all rows.
        indexes: what `build_indexes` returned for the profile `doubtful`.
        matches: what the evidence amounts to in the profile that is used; a person may set some aside.
        common: whether a textbook exercise is in doubt, too.
    """
    found = decontam.matched(evidence, rows, indexes)
    found = found.join(matches.select(_PAIR).unique(), on=_PAIR, how="anti", maintain_order="left")
    return found if common else found.filter(~pl.col("common"))


def judged(
    doubtful: pl.DataFrame,
    source: Source,
    over: Over,
    items: Sequence[Item],
    names: Sequence[str],
    *,
    most: int,
    teacher: Profile,
) -> Judged:
    """Ask about pairs in doubt, the likeliest first.

    Args:
        doubtful: their evidence, in the order of the rows; columns as in `decontam.MATCHES`, and more.
        source: the rows.
        over: applies a function to each frame, and asks.
        items: of the benchmarks.
        names: the columns that are searched; none for all text.
        most: how many pairs to ask about.
        teacher: who is asked.
    """
    pairs = doubtful.group_by(_PAIR, maintain_order=True).agg(pl.col("score").first())
    ordered = [*pairs.sort("score", descending=True, maintain_order=True).select(_PAIR).iter_rows()]
    asked = ordered[:most]
    read = _read(frozenset(row for row, *_ in asked), source, over, names)
    known = {(item.benchmark, item.task_id): item for item in items}
    questions = {pair: judge.question(read[pair[0]], known[pair[1:]]) for pair in asked}
    put = {pair: one for pair, one in questions.items() if one is not None}
    answers = over.ask([_prompt(one) for one in put.values()], teacher)
    heard = {pair: _heard(one, answer) for (pair, one), answer in zip(put.items(), answers, strict=True)}
    why = dict.fromkeys(ordered[most:], OVER_LIMIT)
    why |= {pair: TOO_LONG for pair, one in questions.items() if one is None}
    why |= {pair: one for pair, one in heard.items() if isinstance(one, str)}
    verdicts = {pair: one for pair, one in heard.items() if isinstance(one, judge.Verdict)}
    overlapping = {pair: one for pair, one in verdicts.items() if one.level in _LEVELS}
    matches = _matches(doubtful, overlapping, teacher.name)
    overlap = set(matches["row"])
    problems = {
        pair[0]: f"the judge: {answer.problem}"
        for pair, answer in zip(put, answers, strict=True)
        if answer.reply is None and pair[0] not in overlap
    }
    return Judged(
        matches,
        problems,
        {pair[0]: reason for pair, reason in why.items() if pair[0] not in overlap},
        len(ordered),
        Counter(one.level for one in verdicts.values()),
    )


def told(said: Judged, gone: Container[str]) -> dict[str, Any]:
    """The manifest's entry.

    Args:
        said: what became of the pairs in doubt.
        gone: rows that go for another reason, whatever a judge would say.
    """
    why = Counter(reason for row, reason in said.unknown.items() if row not in gone)
    return {
        "pairs": said.pairs,
        "verdicts": {name: said.verdicts[name] for name in judge.VERDICTS},
        "rows": said.matches["row"].n_unique(),
        "not_judged": why.total(),
        "why": dict(sorted(why.items())),
    }


def _heard(question: judge.Question, answer: Answer) -> judge.Verdict | str:
    """What an answer says, or why it says nothing."""
    if answer.reply is None:
        return NO_ANSWER
    if answer.reply.finish_reason in CUT_OFF:
        return OTHER_FORM
    return judge.verdict(answer.reply.text, question.mark) or OTHER_FORM


def _prompt(question: judge.Question) -> Prompt:
    messages = (("system", judge.SYSTEM), ("user", question.text))
    return Prompt(messages=messages, temperature=0.0, max_tokens=_MAX_TOKENS)


def _read(ids: frozenset[str], source: Source, over: Over, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """By row, its texts that are searched."""
    found: dict[str, dict[str, str]] = {}
    for rows in over(partial(_texts_of, ids=ids, names=names), source) if ids else ():
        found.update(rows)
    return found


def _texts_of(frame: pl.DataFrame, ids: frozenset[str], names: Sequence[str]) -> dict[str, dict[str, str]]:
    rows = texts.searchable(frame.filter(pl.col("id").is_in(list(ids))), names)
    return {row.pop("id"): {name: text for name, text in row.items() if text} for row in rows.to_dicts()}


def _matches(
    doubtful: pl.DataFrame, found: Mapping[tuple[str, str, str], judge.Verdict], teacher: str
) -> pl.DataFrame:
    """A match of the detector "judge" for each pair, before what put it in doubt; it stands in no text."""
    said = pl.DataFrame(
        [
            (*pair, "judge", teacher, 1.0, 1.0, verdict.reason, verdict.level)
            for pair, verdict in found.items()
        ],
        schema={
            **dict.fromkeys((*_PAIR, "detector", "part"), pl.String),
            **dict.fromkeys(("value", "threshold"), pl.Float64),
            **dict.fromkeys(("excerpt", "level"), pl.String),
        },
        orient="row",
    )
    here = doubtful.join(said.select(_PAIR), on=_PAIR, how="semi")
    pairs = here.unique(_PAIR, keep="first", maintain_order=True).select(*_PAIR, "task", "score", "common")
    judgements = pairs.join(said, on=_PAIR, how="left", maintain_order="left")
    return pl.concat([here.clear(), judgements, here], how="diagonal")


def not_judged(manifest: Mapping[str, Any]) -> int:
    """How many rows stay in doubt."""
    return int(manifest.get("judged", {}).get("not_judged", 0))


def _lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    told = manifest["judged"]
    verdicts = ", ".join(f"{name} {pairs:,}" for name, pairs in told["verdicts"].items())
    yield (
        f"  judge: {told['pairs']:,} pairs of a row and an item in doubt ({verdicts});"
        f" {told['rows']:,} rows overlap"
    )
    if told["not_judged"]:
        why = ", ".join(f"{reason} {rows:,}" for reason, rows in told["why"].items())
        yield f"  judge: {told['not_judged']:,} rows in doubt were not judged and may overlap ({why})"


def _card(manifest: Mapping[str, Any]) -> Iterator[str]:
    for line in _lines(manifest):
        yield from (f"{line.strip().capitalize()}.", "")


def _added(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    told = [one["judged"] for one in manifests]
    return {
        **sums({name: one[name] for name in ("pairs", "rows", "not_judged")} for one in told),
        **{name: sums(one[name] for one in told) for name in ("verdicts", "why")},
    }


def _is_valid(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return (
        isinstance(value, dict)
        and value.keys() == {"pairs", "verdicts", "rows", "not_judged", "why"}
        and maps_to(int, {name: value[name] for name in ("pairs", "rows", "not_judged")})
        and all(maps_to(int, value[name]) for name in ("verdicts", "why"))
    )


ENTRY = Entry("judged", add=_added, is_valid=_is_valid, lines=_lines, card=_card)
