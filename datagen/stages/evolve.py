"""Evolve seeds into harder tasks (Evol-Instruct, in depth).

Each seed is the start of a chain: in every round its latest task is evolved by a method and a teacher
that are drawn for it. An attempt that fails is dropped with its reason and the chain goes on from the
task that it had, as WizardLM returns such tasks to the pool.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from datagen import calls, dataset, options, progress, schema
from datagen.dataset import CALL_FAILED, Outcome, RowWriter
from datagen.evolution.eliminate import Attempt, eliminated_by
from datagen.evolution.methods import METHODS, evolve_prompt
from datagen.manifest import Plan
from datagen.source import Row, Source
from datagen.teachers import Prompt, Teacher, check_all, connect_all, identities, public_name

_COLUMNS = (
    "task",
    "teacher",
    "seed_id",
    "parent",
    "depth",
    "method",
    "request",
    "model",
    "finish_reason",
    "license",
    "entry_point",
)


def make(
    source: Source,
    out: Path,
    *,
    teacher: Sequence[str],
    rounds: int = 3,
    limit: int | None = None,
    only_evolved: bool = False,
    seed: int = 0,
    concurrency: int | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Write the seeds (unless `only_evolved`) and their evolutions, each seed followed by its own.

    Args:
        teacher: SPECs; each attempt draws one of them. rounds: attempts per seed. limit: only the
            first seeds. seed: decides every draw, with the row's id; it travels in the requests too.

    Raises:
        DatagenError: a teacher cannot be used, or `out` holds another data set.
    """
    check(teacher=teacher)
    chosen = {"teacher": [public_name(spec) for spec in teacher], "rounds": rounds, "limit": limit}
    plan = Plan(
        "evolve", [source], {**chosen, "only_evolved": only_evolved, "seed": seed}, identities(teacher)
    )
    if done := dataset.already_made(out, plan, overwrite=overwrite):
        return done
    seeds = source.limited(limit)
    with calls.caller(concurrency) as caller, dataset.writing(out, plan) as writer:
        rows = RowWriter(writer, seeds.schema(), _COLUMNS)
        known = {row_id for frame in seeds.frames() for row_id in frame["id"]}

        async def work() -> None:
            with progress.track("evolve", seeds.rows) as advance:
                async with connect_all(teacher) as teachers:
                    jobs = (partial(_chain, row, teachers, caller, rounds, seed) for row in seeds.iter_rows())
                    chains = calls.in_order(jobs, window=caller.window(teachers), caller=caller)
                    async with aclosing(chains):
                        async for chain in chains:
                            _add(rows, chain, known, only_evolved=only_evolved)
                            advance(1)

        calls.run_calls(work, caller)
        rows.flush()
        writer.calls = caller.counts()
    return writer.outcome(out)


def check(*, teacher: Sequence[str], **_: object) -> None:
    """Raise UsageError where the SPECs cannot work, so that a recipe is checked before it runs."""
    check_all(teacher)


class _Chain(NamedTuple):
    """A seed and what became of the attempts to evolve it."""

    seed: Row
    kept: list[Row]
    dropped: list[Row]


async def _chain(
    seed_row: Row, teachers: Sequence[Teacher], caller: calls.Caller, rounds: int, seed: int
) -> _Chain:
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
    for number in range(rounds if seed_row["instruction"].strip() else 0):
        draw = random.Random(f"{seed}:{seed_row['id']}:{number}")
        method, teacher = draw.choice(METHODS), draw.choice(teachers)
        prompt = evolve_prompt(latest["instruction"], method, teacher.shape)
        # After a failed attempt the same task is asked for another sample, not for the same answer.
        answer = await caller.ask(teacher, prompt, seed=seed, sample=failures)
        child = _child(latest, number, method.name, teacher, prompt, answer)
        if answer.reply is None:
            chain.dropped.append(_dropped(child, [CALL_FAILED], answer.problem))
            break
        texts = latest["instruction"], child["instruction"]
        reasons = eliminated_by(Attempt(*texts, answer.reply.finish_reason, prompt.prefix))
        if reasons:
            chain.dropped.append(_dropped(child, reasons))
            failures += 1
        else:
            chain.kept.append(child)
            latest, failures = child, 0
    return chain


def _child(
    parent: Row, number: int, method: str, teacher: Teacher, prompt: Prompt, answer: calls.Answer
) -> Row:
    """The row of attempt `number`; without a reply its instruction is empty."""
    reply = answer.reply
    instruction = prompt.whole(reply).strip() if reply else ""
    name = parent.get("entry_point")
    return {
        **schema.without_answer(parent),
        "id": schema.row_id(instruction, parent["id"], number),
        "task": schema.row_id(instruction),
        "instruction": instruction,
        "teacher": teacher.name,
        "parent": parent["id"],
        "depth": parent["depth"] + 1,
        "method": method,
        "request": answer.request,
        "model": reply.model if reply else None,
        "finish_reason": reply.finish_reason if reply else None,
        "license": schema.combined_license(parent.get("license"), teacher.license),
        "entry_point": name if name and re.search(rf"\b{re.escape(name)}\(", instruction) else None,
    }


def _dropped(row: Row, reasons: list[str], detail: str | None = None) -> Row:
    return row | {"reason": reasons[0], "dropped_by": reasons, "detail": detail}


def _add(rows: RowWriter, chain: _Chain, known: set[str], *, only_evolved: bool) -> None:
    """Hand on a chain; of seeds that were evolved just so before, the children are among the seeds."""
    reason = "seed-left-out" if only_evolved else ""
    if not chain.seed["instruction"].strip():
        reason = "empty-instruction"
    seed_dropped = [_dropped(chain.seed, [reason])] if reason else []
    repeated = [_dropped(row, ["repeated-task"]) for row in chain.kept if row["id"] in known]
    evolved = [row for row in chain.kept if row["id"] not in known]
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
@options.teacher_option
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
    return options.exit_code(options.run_stage(make, given))
