"""All that is known of one row: its stages, its ancestors, and the calls that made them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datagen import journal
from datagen.data.source import Row
from datagen.journal import maintenance
from datagen.provenance import ledger
from datagen.provenance.hits import CallLookup, StageCalls, look_up
from datagen.provenance.ledger import Ledger, RowAtStage

#: The columns that say how a row was made.
MAKING = ("depth", "method", "teacher", "role", "model", "prompt_hash", "temperature", "sample")


def trace(path: Path, row_id: str) -> dict[str, Any]:
    """All that is known of a row, as JSON.

    Args:
        path: the dataset directory.
        row_id: its id, or the beginning of it.

    Raises:
        DatagenError: there is no such row, or the data set or the journal is damaged.
    """
    book = Ledger.of(path)
    found = book.find(row_id)
    last = next((one for one in reversed(found) if one.kept), found[-1])
    row = last.row
    relatives = book.relatives(row)
    # The first stage that holds the row made it.
    chain = [*_origin(row, relatives), min(found, key=lambda one: book.stages.index(one.output))]
    kept = any(one.kept and one.output == book.stages[-1] for one in found)
    dropped = None if kept else next((one for one in reversed(found) if not one.kept), None)
    answers = [] if kept or dropped else _answers(book, row, relatives)
    with _journal() as (connection, stored):
        links = [_link(one, book, relatives, connection, stored) for one in chain]
    return {
        "dataset": str(book.whole.path),
        "id": row["id"],
        "kept": kept,
        "dropped": _drop(dropped) if dropped else None,
        "answers": answers,
        "stages": [{"stage": one.stage, "kept": one.kept, **_drop_reason(one)} for one in found],
        # The first row of the chain has a parent only if the data set does not hold the parent.
        "missing_parent": chain[0].row.get("parent"),
        "chain": links,
        "journal": str(stored) if connection else None,
        "row": row,
    }


def _origin(row: Row, relatives: list[RowAtStage]) -> list[RowAtStage]:
    """The tasks that a row comes from, seed first. The task of an answer comes last."""
    task = ledger.task_of(row, relatives) if ledger.is_answer(row) else None
    before = ledger.ancestors(task.row if task else row, relatives)
    return [*before, task] if task else before


def _answers(book: Ledger, row: Row, relatives: list[RowAtStage]) -> list[dict[str, Any]]:
    """The answers to a task, and whether each is in the result."""
    fates: dict[str, dict[str, Any]] = {}
    for one in relatives:
        is_other = one.row["id"] != row["id"]  # a seed may bring an answer of its own
        if is_other and ledger.is_answer(one.row) and one.row.get("task") == row.get("task"):
            in_result = one.kept and one.output == book.stages[-1]
            fates[one.row["id"]] = {"id": one.row["id"], "kept": in_result, **_drop_reason(one)}
    return [*fates.values()]


def _drop_reason(one: RowAtStage) -> dict[str, Any]:
    return {} if one.kept else {"reason": one.row["reason"]}


def _drop(one: RowAtStage) -> dict[str, Any]:
    told = {"stage": one.stage, **{name: one.row.get(name) for name in ("reason", "dropped_by", "detail")}}
    return told | ({"overlaps": one.row["overlaps"]} if one.row.get("overlaps") else {})


@contextlib.contextmanager
def _journal() -> Iterator[tuple[sqlite3.Connection | None, Path]]:
    """A connection to the journal, None if there is no journal; and its path."""
    path = journal.default_path()
    if not path.exists():
        yield None, path
        return
    with maintenance.opened(path) as connection:
        yield connection, path


def _link(
    one: RowAtStage,
    book: Ledger,
    relatives: list[RowAtStage],
    connection: sqlite3.Connection | None,
    path: Path,
) -> dict[str, Any]:
    row = one.row
    told = {
        "id": row["id"],
        "stage": one.stage,
        "kept": one.kept,
        **{name: row[name] for name in MAKING if row.get(name) is not None},
        "instruction": row.get("instruction"),
    }
    key = row.get("request")
    if key is None:
        return told
    if connection is None:
        why = f"there is no journal {path}; if it lies elsewhere, DATAGEN_CACHE_DIR should name its folder"
        return told | {"call": {"key": key, "verdict": "absent", "why": why}}
    calls = StageCalls.of(one.output.manifest, book.whole.manifest)
    if not _made_here(one, relatives):
        calls = calls._replace(asked=0)
    return told | {"call": _call(key, look_up(connection, path, key, calls))}


def _made_here(one: RowAtStage, relatives: list[RowAtStage]) -> bool:
    """Whether the stage made this row with a call. Otherwise the row came with the stage's input."""
    if not one.output.manifest["times"].get("calls"):
        return False
    parent = one.row.get("parent")
    return ledger.is_answer(one.row) or any(
        other.output == one.output and other.row["id"] == parent for other in relatives
    )


def _call(key: str, looked_up: CallLookup) -> dict[str, Any]:
    told: dict[str, Any] = {"key": key, "verdict": looked_up.verdict, "why": looked_up.why}
    if looked_up.call is not None:
        reply = maintenance.reply_of(looked_up.call)
        told |= {"made": looked_up.call.made, "plan": looked_up.call.plan, "usd": looked_up.call.usd}
        told |= {"tokens_in": reply.tokens_in, "tokens_out": reply.tokens_out}
        if reply.adapted:
            told["adapted"] = list(reply.adapted)
    if looked_up.nearest is not None:
        differences = [one._asdict() for one in looked_up.nearest.differences]
        told["nearest"] = {**looked_up.nearest._asdict(), "differences": differences}
    return told
