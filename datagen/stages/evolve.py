"""Evolve seeds into harder tasks (Evol-Instruct, in depth).

Each seed is the start of a chain: in every round its latest task is evolved by a method and a teacher
that are drawn for it. An attempt that fails is dropped with its reason and the chain goes on from the
task that it had, as WizardLM returns such tasks to the pool.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import click

from datagen import calls, dataset, options, progress, schema
from datagen.dataset import CALL_FAILED, Outcome, RowWriter
from datagen.evolution.eliminate import Attempt, eliminated_by
from datagen.evolution.methods import METHODS, evolve_prompt
from datagen.manifest import Plan
from datagen.source import Row, Source
from datagen.teachers import Teacher, check_all, connect_all, public_name

_COLUMNS = (
    "task",
    "teacher",
    "seed_id",
    "parent",
    "depth",
    "method",
    "request",
    "model",
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
    check_all(teacher)
    chosen = {"teacher": [public_name(spec) for spec in teacher], "rounds": rounds, "limit": limit}
    plan = Plan("evolve", [source], {**chosen, "only_evolved": only_evolved, "seed": seed}, tuple(teacher))
    if done := dataset.already_made(out, plan, overwrite=overwrite):
        return done
    seeds = source.limited(limit)
    with calls.caller(concurrency) as caller, dataset.writing(out, plan) as writer:
        rows = RowWriter(writer, seeds.schema(), _COLUMNS)

        async def work() -> None:
            with progress.track("evolve", seeds.rows) as advance:
                async with connect_all(teacher) as teachers:
                    jobs = (partial(_chain, row, teachers, caller, rounds, seed) for row in seeds.iter_rows())
                    chains = calls.in_order(jobs, window=caller.window(teachers), caller=caller)
                    async with aclosing(chains):
                        async for row, attempts in chains:
                            _add(rows, row, attempts, only_evolved=only_evolved)
                            advance(1)

        calls.run_calls(work, caller)
        rows.flush()
        writer.calls = caller.counts()
    return writer.outcome(out)


async def _chain(
    seed_row: Row, teachers: Sequence[Teacher], caller: calls.Caller, rounds: int, seed: int
) -> tuple[Row, list[Row]]:
    """Evolve one seed `rounds` times; an attempt with a `reason` failed."""
    latest = seed_row = {
        **seed_row,
        "seed_id": seed_row.get("seed_id") or seed_row["id"],
        "depth": seed_row.get("depth") or 0,
    }
    attempts: list[Row] = []
    failures = 0
    for number in range(rounds if seed_row["instruction"].strip() else 0):
        draw = random.Random(f"{seed}:{seed_row['id']}:{number}")
        method, teacher = draw.choice(METHODS), draw.choice(teachers)
        prompt = evolve_prompt(latest["instruction"], method, teacher.shape)
        # After a failed attempt the same task is asked for another sample, not for the same answer.
        answer = await caller.ask(teacher, prompt, seed=seed, sample=failures)
        reply = answer.reply
        child = {
            **{name: value for name, value in latest.items() if name not in schema.ANSWER_COLUMNS},
            "instruction": prompt.whole(reply).strip() if reply else "",
            "teacher": teacher.name,
            "parent": latest["id"],
            "depth": latest["depth"] + 1,
            "method": method.name,
            "request": answer.request,
            "model": reply.model if reply else None,
            "license": schema.combined_license(latest.get("license"), teacher.license),
        }
        name = latest.get("entry_point")
        child["entry_point"] = name if name and f"{name}(" in child["instruction"] else None
        child["task"] = schema.row_id(child["instruction"])
        child["id"] = schema.row_id(child["instruction"], latest["id"], number)
        if reply is None:
            reasons, detail = [CALL_FAILED], answer.problem
        else:
            texts = latest["instruction"], child["instruction"]
            attempt = Attempt(*texts, method.name, reply.finish_reason, prompt.prefix)
            reasons, detail = eliminated_by(attempt), None
        attempts.append(child)
        if reasons:
            child |= {"reason": reasons[0], "dropped_by": reasons, "detail": detail}
            failures += 1
        else:
            latest, failures = child, 0
    return seed_row, attempts


def _add(rows: RowWriter, seed_row: Row, attempts: list[Row], *, only_evolved: bool) -> None:
    kept = [row for row in attempts if "reason" not in row]
    dropped = [row for row in attempts if "reason" in row]
    if not seed_row["instruction"].strip():
        dropped.insert(0, {**seed_row, "reason": "empty-instruction"})
    elif only_evolved:
        dropped.insert(0, {**seed_row, "reason": "seed-left-out"})
    else:
        kept.insert(0, seed_row)
    rows.add(kept, dropped, rows_in=1, rows_made=len(attempts))


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
