"""Tell why one row is in a data set or not, where it came from, and which model calls made it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from datagen import journal
from datagen.data.source import Row
from datagen.errors import one_line
from datagen.journal import maintenance
from datagen.provenance import ledger
from datagen.provenance.hits import Asked, Judged, judge
from datagen.provenance.ledger import Ledger, Sighting
from datagen.runs import values

_TEXT = 100
_SHOWN = 12
#: What a row says of how it was made.
_MAKING = ("depth", "method", "teacher", "role", "model", "prompt_hash", "temperature", "sample")


@click.command(epilog="Example: datagen trace out/demo 3fa91c")
@click.argument("where", metavar="DATASET", type=values.InputPath())
@click.argument("row_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(where: str, row_id: str, *, as_json: bool) -> int:
    """Tell why a row is in a data set or not, and which calls made it.

    ID may be the beginning of an id. Works for rows that were dropped, at any stage, too. Each call is looked
    up in the journal: a hit was there before, a miss was asked for, and the nearest stored call says why.
    """
    told = trace(Ledger.of(Path(where)), row_id)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, default=str))
    else:
        for line in _lines(told):
            click.echo(line)
    return 0


def trace(book: Ledger, row_id: str) -> dict[str, Any]:
    """All that is known of a row, as JSON.

    Raises:
        DatagenError: there is no such row, or the data set or the journal is damaged.
    """
    found = book.find(row_id)
    last = next((one for one in reversed(found) if one.kept), found[-1])
    row = last.row
    relatives = book.relatives(row)
    # Where it stands first is where it was made.
    chain = [*_origin(row, relatives), min(found, key=lambda one: book.stages.index(one.place))]
    kept = any(one.kept and one.place == book.stages[-1] for one in found)
    dropped = None if kept else next((one for one in reversed(found) if not one.kept), None)
    answers = [] if kept or dropped else _answers(book, row, relatives)
    with _journal() as (connection, path):
        links = [_link(one, book, relatives, connection, path) for one in chain]
    return {
        "command": "trace",
        "dataset": str(book.whole.path),
        "id": row["id"],
        "kept": kept,
        "dropped": _drop(dropped) if dropped else None,
        "answers": answers,
        "stages": [{"stage": one.stage, "kept": one.kept, **_drop_reason(one)} for one in found],
        "missing_parent": _missing_parent(chain),
        "chain": links,
        "journal": str(path) if connection else None,
        "row": row,
    }


def _origin(row: Row, relatives: list[Sighting]) -> list[Sighting]:
    """The tasks behind a row, seed first; of an answer its own task comes last."""
    task = ledger.task_of(row, relatives) if ledger.is_answer(row) else None
    before = ledger.ancestors(task.row if task else row, relatives)
    return [*before, task] if task else before


def _missing_parent(chain: list[Sighting]) -> str | None:
    """The id of the row that the chain begins with, if the data set does not hold it."""
    parent: str | None = chain[0].row.get("parent")
    return parent


def _answers(book: Ledger, row: Row, relatives: list[Sighting]) -> list[dict[str, Any]]:
    """What became of the answers to a task that is itself no row of the result."""
    fates: dict[str, dict[str, Any]] = {}
    for one in relatives:
        if ledger.is_answer(one.row) and one.row.get("task") == row.get("task"):
            in_result = one.kept and one.place == book.stages[-1]
            fates[one.row["id"]] = {"id": one.row["id"], "kept": in_result, **_drop_reason(one)}
    return [*fates.values()]


def _drop_reason(one: Sighting) -> dict[str, Any]:
    return {} if one.kept else {"reason": one.row["reason"]}


def _drop(one: Sighting) -> dict[str, Any]:
    return {"stage": one.stage, **{name: one.row.get(name) for name in ("reason", "dropped_by", "detail")}}


@contextlib.contextmanager
def _journal() -> Iterator[tuple[sqlite3.Connection | None, Path]]:
    path = journal.default_path()
    if not path.exists():
        yield None, path
        return
    with maintenance.opened(path) as connection:
        yield connection, path


def _link(
    one: Sighting, book: Ledger, relatives: list[Sighting], connection: sqlite3.Connection | None, path: Path
) -> dict[str, Any]:
    row = one.row
    told = {
        "id": row["id"],
        "stage": one.stage,
        "kept": one.kept,
        **{name: row[name] for name in _MAKING if row.get(name) is not None},
        "instruction": row.get("instruction"),
    }
    key = row.get("request")
    if key is None:
        return told
    if connection is None:
        why = f"there is no journal {path}; if it lies elsewhere, DATAGEN_CACHE_DIR should name its folder"
        return told | {"call": {"key": key, "verdict": "absent", "why": why}}
    asked = Asked.by(one.place.manifest, book.whole.manifest)
    if not _made_here(one, relatives):
        asked = asked._replace(asked=0)
    return told | {"call": _call(key, judge(connection, path, key, asked))}


def _made_here(one: Sighting, relatives: list[Sighting]) -> bool:
    """Whether the stage asked for this row; it may have come with the stage's input instead."""
    if not one.place.manifest["times"].get("calls"):
        return False
    parent = one.row.get("parent")
    return ledger.is_answer(one.row) or any(
        other.place == one.place and other.row["id"] == parent for other in relatives
    )


def _call(key: str, judged: Judged) -> dict[str, Any]:
    told: dict[str, Any] = {"key": key, "verdict": judged.verdict, "why": judged.why}
    if judged.call is not None:
        reply = maintenance.reply_of(judged.call)
        told |= {"made": judged.call.made, "plan": judged.call.plan, "usd": judged.call.usd}
        told |= {"tokens_in": reply.tokens_in, "tokens_out": reply.tokens_out}
    if judged.nearest is not None:
        differences = [one._asdict() for one in judged.nearest.differences]
        told["nearest"] = {**judged.nearest._asdict(), "differences": differences}
    return told


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The same for people."""
    yield from _verdict(told)
    yield f"stages: {', '.join(map(_passed, told['stages']))}"
    yield "comes from:"
    if told["missing_parent"]:
        yield f"  {told['missing_parent']}, which this data set does not hold"
    for link in told["chain"]:
        making = ", ".join(f"{name} {link[name]}" for name in _MAKING if name in link)
        yield f"  {link['id']} ({link['stage']}{': ' if making else ''}{making})"
        yield f"    {one_line(link['instruction'] or '(no instruction)', _TEXT)}"
        if "call" in link:
            yield from _call_lines(link["call"])


def _verdict(told: Mapping[str, Any]) -> Iterator[str]:
    if told["kept"]:
        yield f"{told['id']} is in {told['dataset']}"
    elif dropped := told["dropped"]:
        where, why = told["dataset"], f"{dropped['stage']} dropped it as {dropped['reason']}"
        yield f"{told['id']} is not in {where}: {why}"
        others = [name for name in dropped["dropped_by"] or [] if name != dropped["reason"]]
        if others:
            yield f"  it would have been dropped by {', '.join(others)} too"
        if dropped["detail"]:
            yield f"  {one_line(dropped['detail'], 10 * _TEXT)}"
    else:
        answers = told["answers"]
        kept = sum(one["kept"] for one in answers)
        yield (f"{told['id']} is a task; of its {len(answers):,} answers {kept:,} are in {told['dataset']}")
        for one in answers:
            yield f"  {one['id']}: {'kept' if one['kept'] else one.get('reason', 'went on')}"


def _passed(stage: Mapping[str, Any]) -> str:
    return f"{stage['stage']} {'kept it' if stage['kept'] else 'dropped it (' + stage['reason'] + ')'}"


def _call_lines(call: Mapping[str, Any]) -> Iterator[str]:
    if "made" in call:
        cost = f", ${call['usd']:.6f}" if call["usd"] else ""
        tokens = f"{call['tokens_in']:,} tokens in, {call['tokens_out']:,} out"
        yield f"    call {call['key'][:_SHOWN]} of {call['made']}: {tokens}{cost}"
        yield f"    {call['why']}"
    else:
        yield f"    call {call['key'][:_SHOWN]}: {call['why']}"
