"""Evolve seeds into harder tasks (Evol-Instruct).

Each seed is the start of a chain: in every round its latest task is evolved by a method and a teacher
that are drawn for it. An attempt that fails is dropped with its reason and the chain goes on from the
task that it had, as WizardLM returns such tasks to the pool.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from datagen import canonical, progress
from datagen.calls.budget import Account
from datagen.calls.caller import Answer, Asker
from datagen.calls.caller import caller as open_caller
from datagen.calls.forecast import Forecast, Rows, chain_forecast
from datagen.calls.jobs import in_order, run_calls
from datagen.commands import options
from datagen.data import dataset, schema
from datagen.data.dataset import CALL_FAILED, Outcome, RowWriter
from datagen.data.manifest import Plan
from datagen.data.source import Row, Source
from datagen.evolution.eliminate import Attempt, eliminated_by
from datagen.evolution.judge import judge_prompt, judged_equal
from datagen.evolution.methods import draw_method, evolve_prompt, parse_weights, prompt_hash
from datagen.request import Prompt
from datagen.runs import values
from datagen.teachers import Profile, Teacher, check_all, connect_all, identities, public_settings

_COLUMNS = (
    *("task", "teacher", "seed_id", "parent", "depth", "method", "prompt_hash", "request", "model"),
    *("finish_reason", "license", "entry_point"),
)
JUDGED_EQUAL = "judged-equal"


class _Ways(NamedTuple):
    """How to evolve: who is drawn, by which methods, how often, and who judges."""

    teachers: Sequence[Teacher]
    judge: Teacher | None
    weights: Mapping[str, float]
    rounds: int
    seed: int


def make(
    source: Source,
    out: Path,
    *,
    teacher: Sequence[Profile],
    judge: Profile | None = None,
    method: Sequence[str] = (),
    rounds: int = 3,
    limit: int | None = None,
    only_evolved: bool = False,
    seed: int = 0,
    concurrency: int | None = None,
    timeout: float | None = None,
    account: Account | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Write the seeds (unless `only_evolved`) and their evolutions, each seed followed by its own.

    Args:
        teacher: each attempt draws one of them. judge: says whether an attempt changed anything. method:
            NAME or NAME=WEIGHT; none for the five in-depth ones. rounds: attempts per seed. limit: only the
            first seeds. seed: decides every draw, with the row's id; it travels in the requests too. account:
            whose money it is.

    Raises:
        DatagenError: a teacher cannot be used, or `out` holds another data set.
    """
    profiles = check(teacher=teacher, judge=judge, method=method)
    weights = parse_weights(method)
    plan = planned(
        source,
        teacher=teacher,
        judge=judge,
        method=method,
        rounds=rounds,
        limit=limit,
        only_evolved=only_evolved,
        seed=seed,
    )
    if done := dataset.already_made(out, plan, overwrite=overwrite):
        return done
    seeds = source.limited(limit)
    with (
        open_caller(plan.key(), account=account, concurrency=concurrency, timeout=timeout) as caller,
        dataset.writing(out, plan) as writer,
    ):
        rows = RowWriter(writer, seeds.schema(), _COLUMNS)
        known = _ids(seeds)
        table: dict[str, Counter[str]] = {}

        async def work() -> None:
            async with connect_all(profiles) as opened:
                caller.use(opened[: len(teacher)], needed=opened[-1] if judge else None)
                ways = _Ways(opened[: len(teacher)], opened[-1] if judge else None, weights, rounds, seed)
                jobs = (partial(_chain, row, ways, caller) for row in seeds.iter_rows())
                chains = in_order(jobs, window=caller.window(opened), caller=caller)
                with progress.track("evolve", seeds.rows) as advance:
                    async with aclosing(chains):
                        async for chain in chains:
                            _add(rows, chain, known, table, only_evolved=only_evolved)
                            advance(1)

        run_calls(work, caller)
        rows.flush()
        writer.take_calls(caller.counts(), caller.usage.as_json(), public_settings(profiles))
        writer.extra["methods"] = {name: dict(table[name]) for name in sorted(table)}
    return writer.outcome(out)


def planned(
    source: Source,
    *,
    teacher: Sequence[Profile],
    judge: Profile | None = None,
    method: Sequence[str] = (),
    rounds: int = 3,
    limit: int | None = None,
    only_evolved: bool = False,
    seed: int = 0,
    **_: object,
) -> Plan:
    """All that decides what `make` writes."""
    chosen = {
        **{"teacher": [one.name for one in teacher], "judge": judge.name if judge else None},
        **{"method": parse_weights(method), "rounds": rounds, "limit": limit},
        **{"only_evolved": only_evolved, "seed": seed},
    }
    return Plan("evolve", [source], chosen, identities(check(teacher=teacher, judge=judge, method=method)))


def check(
    *, teacher: Sequence[Profile], judge: Profile | None = None, method: Sequence[str] = (), **_: object
) -> list[Profile]:
    """Everyone who is asked; raises UsageError where options cannot work, before a recipe runs."""
    parse_weights(method)
    check_all([*teacher, *([judge] if judge and judge not in teacher else [])])
    return [*teacher, *([judge] if judge else [])]


def forecast(
    rows: Rows,
    *,
    teacher: Sequence[Profile],
    judge: Profile | None = None,
    method: Sequence[str] = (),
    rounds: int = 3,
    limit: int | None = None,
    only_evolved: bool = False,
    seed: int = 0,
    **_: object,
) -> Forecast:
    """What `make` would ask for, without asking; chains are followed as far as the journal knows them."""
    profiles = check(teacher=teacher, judge=judge, method=method)
    rows = rows.limited(limit)
    count = len(teacher)

    def ways(opened: Sequence[Teacher]) -> _Ways:
        return _Ways(opened[:count], opened[-1] if judge else None, parse_weights(method), rounds, seed)

    made = chain_forecast(
        rows,
        profiles,
        lambda row, opened, asker: _chain(row, ways(opened), asker),
        rounds=rounds,
        verdict=(lambda row: judge_prompt(row["instruction"], row["instruction"])) if judge else None,
    )
    rows = made.rows
    most = rows.most * (rounds + (not only_evolved))
    return made._replace(rows=rows.becoming(0 if only_evolved else rows.least, most))


def _ids(source: Source) -> frozenset[str]:
    return frozenset(row_id for frame in source.frames() for row_id in frame["id"])


class _Chain(NamedTuple):
    """A seed and what became of the attempts to evolve it."""

    seed: Row
    kept: list[Row]
    dropped: list[Row]


async def _chain(seed_row: Row, ways: _Ways, asker: Asker) -> _Chain:
    """Evolve one seed `rounds` times.

    A call that fails ends the chain for this run: what would follow depends on its answer, and the next
    run asks for it again.
    """
    latest = seed_row = {
        **seed_row,
        "seed_id": seed_row.get("seed_id") or seed_row["id"],
        "depth": seed_row.get("depth") or 0,
    }
    chain = _Chain(seed_row, [], [])
    failures = 0
    for number in range(ways.rounds if seed_row["instruction"].strip() else 0):
        draw = random.Random(f"{ways.seed}:{seed_row['id']}:{number}")
        method, teacher = draw_method(draw, ways.weights), draw.choice(ways.teachers)
        prompt = evolve_prompt(latest["instruction"], method, teacher.shape)
        # After a failed attempt the same task is asked for another sample, not for the same answer.
        answer = await asker.ask(teacher, prompt, seed=ways.seed, sample=failures)
        child = _child(latest, number, method.name, teacher, prompt, answer)
        child["prompt_hash"] = prompt_hash(method, teacher.shape)
        if answer.reply is None:
            chain.dropped.append(_dropped(child, [CALL_FAILED], answer.problem))
            break
        texts = latest["instruction"], child["instruction"]
        reasons = eliminated_by(
            Attempt(*texts, answer.reply.finish_reason, prompt.prefix, in_breadth=method.in_breadth)
        )
        if not reasons and ways.judge:
            verdict = await asker.ask(ways.judge, judge_prompt(*texts), seed=ways.seed, sample=0)
            if verdict.reply is None:
                chain.dropped.append(_dropped(child, [CALL_FAILED], f"the judge: {verdict.problem}"))
                break
            # What it says unreadably does not speak against the attempt.
            reasons = [JUDGED_EQUAL] if judged_equal(verdict.reply.text) else []
        if reasons:
            chain.dropped.append(_dropped(child, reasons))
            failures += 1
        else:
            chain.kept.append(child)
            latest, failures = child, 0
    return chain


def _child(parent: Row, number: int, method: str, teacher: Teacher, prompt: Prompt, answer: Answer) -> Row:
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
        "method": method,
        "request": answer.request,
        "model": reply.model if reply else None,
        "finish_reason": reply.finish_reason if reply else None,
        "license": schema.combined_license(parent.get("license"), teacher.profile.license),
        "entry_point": name if name and re.search(rf"\b{re.escape(name)}\(", instruction) else None,
    }


def _dropped(row: Row, reasons: list[str], detail: str | None = None) -> Row:
    return row | {"reason": reasons[0], "dropped_by": reasons, "detail": detail}


def _add(
    rows: RowWriter,
    chain: _Chain,
    known: frozenset[str],
    table: dict[str, Counter[str]],
    *,
    only_evolved: bool,
) -> None:
    """Hand on a chain; of seeds that were evolved just so before, the children are among the seeds.

    table: for each method how many attempts were kept, and why the others were not.
    """
    reason = "seed-left-out" if only_evolved else ""
    if not chain.seed["instruction"].strip():
        reason = "empty-instruction"
    seed_dropped = [_dropped(chain.seed, [reason])] if reason else []
    repeated = [_dropped(row, ["repeated-task"]) for row in chain.kept if row["id"] in known]
    evolved = [row for row in chain.kept if row["id"] not in known]
    for outcome, row in [
        *(("kept", row) for row in evolved),
        *((row["reason"], row) for row in (*repeated, *chain.dropped)),
    ]:
        table.setdefault(row["method"], Counter())[outcome] += 1
    rows.add(
        evolved if reason else [chain.seed, *evolved],
        [*seed_dropped, *repeated, *chain.dropped],
        rows_in=1,
        rows_made=len(chain.kept) + len(chain.dropped),
    )


@click.command(
    epilog="Example: datagen evolve starter -o out/evolved --teacher local:smollm2 --limit 10 --rounds 2"
)
@options.input_argument("SEEDS")
@options.teacher_options
@click.option(
    "--judge",
    type=values.TeacherSpec(),
    metavar="SPEC",
    help="Who says whether an attempt asks for anything new; default: nobody.",
)
@click.option(
    "--method",
    multiple=True,
    type=values.MethodWeight(),
    metavar="NAME[=WEIGHT]",
    help="Method to draw, and how often; repeat for more. Default: all but breadth, equally often.",
)
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True, help="Attempts per seed.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Take only the first N seeds.")
@click.option("--only-evolved", is_flag=True, help="Leave the seeds themselves out of the result.")
@options.model_options
@options.stage_options()
def command(**given: Any) -> int:  # noqa: ANN401 - Click's parameters, passed on to `make`
    """Evolve seeds into harder tasks.

    SEEDS is a file, a dataset directory, - (JSONL) or starter (the tasks that come with datagen).
    Attempts that fail are in OUT/dropped with their reason.
    """
    return options.run_model_stage(make, forecast, given)
