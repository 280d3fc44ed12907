"""Evolve seeds into harder tasks.

This is Evol-Instruct: each seed is the start of a chain. In every round its latest task is evolved by a
method and a teacher that are drawn for it. An attempt that fails is dropped with its reason and the chain
goes on from the task that it had, as WizardLM returns such tasks to the pool.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from datagen import canonical
from datagen.calls import usage
from datagen.calls.asking import Answer
from datagen.calls.forecast import Later
from datagen.data import schema
from datagen.data.dataset import CALL_FAILED
from datagen.data.manifest import Entry, sums
from datagen.data.source import Row, Source
from datagen.errors import UsageError
from datagen.evolution.eliminate import Attempt, eliminated_by
from datagen.evolution.judge import judge_prompt, judged_equal
from datagen.evolution.methods import Method, draw_method, evolve_prompt, parse_weights, prompt_hash
from datagen.request import Prompt
from datagen.runs import values
from datagen.runs.options import ModelOptions, described, option, teachers_option
from datagen.runs.stage import EachStage, Made, Tools
from datagen.teachers import Profile, Teacher, kind_of

_COLUMNS = (
    *("task", "teacher", "seed_id", "parent", "depth", "method", "prompt_hash", "request", "model"),
    *("finish_reason", "license", "entry_point"),
)
JUDGED_EQUAL = "judged-equal"


@dataclass(frozen=True, kw_only=True)
class Options(ModelOptions):
    """Options of `evolve`. `seed` decides every draw, with the row's id; it travels in the requests too."""

    teacher: tuple[Profile, ...] = teachers_option()
    judge: Profile | None = option(
        None,
        type=values.TeacherSpec(),
        metavar="SPEC",
        help="Who says whether an attempt asks for anything new; default: nobody.",
    )
    method: tuple[str, ...] = option(
        (),
        type=values.MethodWeight(),
        metavar="NAME[=WEIGHT]",
        help="Method to draw, and how often; repeat for more. Default: all but breadth, equally often.",
    )
    rounds: int = option(3, type=values.whole(1, 20), help="Attempts per seed.")
    limit: int | None = option(None, type=values.whole(1), metavar="N", help="Take only the first N seeds.")
    only_evolved: bool = option(False, help="Leave the seeds themselves out of the result.")


class _Seed(NamedTuple):
    """A seed of a stage's input.

    Args:
        row: its columns.
        known: the ids of all seeds: where seeds were evolved before, their children are among them.
        verdicts: how often the judge said something of its attempts, and how often that was unreadable.
    """

    row: Row
    known: frozenset[str]
    verdicts: Counter[str]


@cache
def _weights(words: tuple[str, ...]) -> dict[str, float]:
    return parse_weights(words)


def _asks(options: Options) -> list[Profile]:
    """The teachers, then the judge."""
    return [*options.teacher, *([options.judge] if options.judge else [])]


def _check(options: Options) -> None:
    _weights(options.method)
    for one in _asks(options):
        if kind_of(one).needs_reference:
            raise UsageError(
                f"{one.name} only repeats solutions; it can neither evolve nor judge: name a model"
            )


def _decides(options: Options) -> dict[str, Any]:
    return {**described(options), "method": _weights(options.method)}


def _units(seeds: Source, options: Options) -> Iterator[_Seed]:  # noqa: ARG001
    known = frozenset(row_id for frame in seeds.frames() for row_id in frame["id"])
    return (_Seed(row, known, Counter()) for row in seeds.iter_rows())


def _draw(options: Options, seed_id: str, number: int, teachers: Sequence[Teacher]) -> tuple[Method, Teacher]:
    """The method and the teacher of an attempt; the answers before it do not matter."""
    draw = random.Random(f"{options.seed}:{seed_id}:{number}")
    return draw_method(draw, _weights(options.method)), draw.choice(teachers[: len(options.teacher)])


async def _each(seed: _Seed, options: Options, tools: Tools) -> Made:
    """Evolve one seed `rounds` times.

    A call that fails ends the chain for this run: what would follow depends on its answer, and the next run
    asks for it again.
    """
    origin = {"seed_id": seed.row.get("seed_id") or seed.row["id"], "depth": seed.row.get("depth") or 0}
    row = seed.row | origin
    if not row["instruction"].strip():
        return Made([], [_dropped(row, ["empty-instruction"])])
    kept, dropped = await _chain(row, options, tools, seed.verdicts)
    repeated = [_dropped(one, ["repeated-task"]) for one in kept if one["id"] in seed.known]
    evolved = [one for one in kept if one["id"] not in seed.known]
    if options.only_evolved:
        return Made(evolved, [_dropped(row, ["seed-left-out"]), *repeated, *dropped])
    return Made([row, *evolved], [*repeated, *dropped])


async def _chain(
    row: Row, options: Options, tools: Tools, verdicts: Counter[str]
) -> tuple[list[Row], list[Row]]:
    """The attempts to evolve a seed: those that succeeded, and the others with their reasons."""
    latest = row
    kept: list[Row] = []
    dropped: list[Row] = []
    failures = 0
    for number in range(options.rounds):
        method, teacher = _draw(options, row["id"], number, tools.teachers)
        prompt = evolve_prompt(latest["instruction"], method, teacher.shape)
        # After a failed attempt the same task is asked for another sample, not for the same answer.
        answer = await tools.asker.ask(teacher, prompt, seed=options.seed, sample=failures)
        child = _child(latest, number, method, teacher, prompt, answer)
        if answer.reply is None:
            dropped.append(_dropped(child, [CALL_FAILED], answer.problem))
            break
        texts = latest["instruction"], child["instruction"]
        reasons = eliminated_by(
            Attempt(*texts, answer.reply.finish_reason, prompt.prefix, in_breadth=method.in_breadth)
        )
        if not reasons and options.judge:
            verdict = await tools.asker.ask(
                tools.teachers[-1], judge_prompt(*texts), seed=options.seed, sample=0
            )
            if verdict.reply is None:
                dropped.append(_dropped(child, [CALL_FAILED], f"the judge: {verdict.problem}"))
                break
            # An answer that cannot be parsed counts as "no objection".
            equal = judged_equal(verdict.reply.text)
            verdicts.update(given=1, unreadable=equal is None)
            reasons = [JUDGED_EQUAL] if equal else []
        if reasons:
            dropped.append(_dropped(child, reasons))
            failures += 1
        else:
            kept.append(child)
            latest, failures = child, 0
    return kept, dropped


def _later(seed: _Seed, made: Made, options: Options, tools: Tools) -> Iterator[Later]:
    """The rest of a chain whose last answer is missing: who is drawn is known, what is judged is not."""
    attempts = len(_attempts(seed, made))
    for number in range(attempts, options.rounds):
        yield Later(_draw(options, seed.row["id"], number, tools.teachers)[1])
    if options.judge:
        text = seed.row["instruction"]
        # Of an attempt that has a text only the verdict is missing.
        verdicts = options.rounds - attempts + (not made.dropped[-1]["instruction"])
        for _ in range(verdicts):
            yield Later(tools.teachers[-1], judge_prompt(text, text), certain=False)


def _child(parent: Row, number: int, method: Method, teacher: Teacher, prompt: Prompt, answer: Answer) -> Row:
    """The row of attempt `number`; without a reply its instruction is empty."""
    reply = answer.reply
    instruction = prompt.whole(reply).strip() if reply else ""
    name = parent.get("entry_point")
    return {
        **schema.without_answer(parent),
        "id": canonical.row_id(instruction, parent["id"], number),
        "task": canonical.row_id(instruction),
        "instruction": instruction,
        "teacher": teacher.name,
        "parent": parent["id"],
        "depth": parent["depth"] + 1,
        "method": method.name,
        "prompt_hash": prompt_hash(method, teacher.shape),
        "request": answer.request,
        "model": reply.model if reply else None,
        "finish_reason": reply.finish_reason if reply else None,
        "license": schema.combined_license(parent.get("license"), teacher.profile.license),
        "entry_point": name if name and re.search(rf"\b{re.escape(name)}\(", instruction) else None,
    }


def _dropped(row: Row, reasons: list[str], detail: str | None = None) -> Row:
    return row | {"reason": reasons[0], "dropped_by": reasons, "detail": detail}


def _attempts(seed: _Seed, made: Made) -> list[Row]:
    """The rows of a chain without its seed's own."""
    return [row for row in (*made.kept, *made.dropped) if row["id"] != seed.row["id"]]


def _tally(entries: dict[str, Any], seed: _Seed, made: Made) -> None:
    """Count for each method how many attempts were kept, and why the others were not."""
    table: dict[str, dict[str, int]] = entries.get("methods", {})
    for row in _attempts(seed, made):
        counts = table.setdefault(row["method"], {})
        outcome = row.get("reason") or "kept"
        counts[outcome] = counts.get(outcome, 0) + 1
    entries["methods"] = dict(sorted(table.items()))
    if seed.verdicts:
        entries["verdicts"] = dict(Counter(entries.get("verdicts", {})) + seed.verdicts)


def _methods_card(manifest: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {sum(counts.values()):,} | {counts.get('kept', 0):,} | {_lost(counts)} |"
        for name, counts in manifest["methods"].items()
    ]
    return ["| method | attempts | kept | why not |", "|---|---|---|---|", *rows, ""] if rows else []


def _lost(counts: Mapping[str, int]) -> str:
    lost = sorted(((n, reason) for reason, n in counts.items() if reason != "kept"), reverse=True)
    return ", ".join(f"{reason} {n:,}" for n, reason in lost) or "-"


def _methods_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    for name, counts in manifest["methods"].items():
        attempts, kept = sum(counts.values()), counts.get("kept", 0)
        yield f"  {name}: {kept:,} of {attempts:,} kept ({kept / attempts:.0%})"


def _added_methods(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    names = sorted({name for one in manifests for name in one["methods"]})
    return {name: sums(one["methods"].get(name, {}) for one in manifests) for name in names}


def _added_verdicts(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    return sums(one["verdicts"] for one in manifests)


def _verdicts_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    verdicts = manifest["verdicts"]
    if unreadable := verdicts.get("unreadable", 0):
        judged = f"{unreadable:,} of {verdicts['given']:,} answers"
        yield f"  judge: {judged} hold no verdict; they count as no objection"


def _verdicts_card(manifest: Mapping[str, Any]) -> list[str]:
    return [line for told in _verdicts_lines(manifest) for line in (f"{told.strip().capitalize()}.", "")]


STAGE = EachStage(
    name="evolve",
    options=Options,
    asks=_asks,
    units=_units,
    each=_each,
    columns=lambda options: _COLUMNS,  # noqa: ARG005
    makes=lambda options: (0, options.rounds) if options.only_evolved else (1, options.rounds + 1),
    argument="SEEDS",
    limit=lambda options: options.limit,
    needed=lambda options: options.judge,
    check_options=_check,
    later=_later,
    decides=_decides,
    tally=_tally,
    entries=(
        *usage.ENTRIES,
        Entry("methods", add=_added_methods, lines=_methods_lines, card=_methods_card),
        Entry("verdicts", add=_added_verdicts, lines=_verdicts_lines, card=_verdicts_card),
    ),
    help="""Evolve seeds into harder tasks.

    SEEDS is a file, a dataset directory, - (JSONL) or starter (the tasks that come with datagen).
    Attempts that fail are in OUT/dropped with their reason.
    """,
    example="datagen evolve starter -o out/evolved --teacher local:smollm2 --limit 10 --rounds 2",
)
