"""Tell why one row is in a data set or not, where it came from, and which model calls made it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from datagen.errors import escaped, one_line
from datagen.overlaps.passages import lines_of_matches
from datagen.provenance.trace import MAKING, trace
from datagen.runs import values

_TEXT = 100
_SHOWN = 12


@click.command(epilog="Example: datagen trace out/demo 3fa91c")
@click.argument("where", metavar="DATASET", type=values.InputPath())
@click.argument("row_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(where: str, row_id: str, *, as_json: bool) -> int:
    """Tell why a row is in a data set or not, and which calls made it.

    ID may be the beginning of an id. Works for rows that were dropped, at any stage, too. Each call is looked
    up in the journal: a hit was there before, a miss was asked for, and the nearest stored call says why.
    """
    told = trace(Path(where), row_id)
    if as_json:
        click.echo(json.dumps({"command": "trace", **told}, ensure_ascii=False, default=str))
    else:
        for line in _lines(told):
            click.echo(line)
    return 0


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The lines for people."""
    yield from _verdict(told)
    yield from _rank(told["row"])
    yield f"stages: {', '.join(map(_passed, told['stages']))}"
    yield "comes from:"
    if told["missing_parent"]:
        yield f"  {told['missing_parent']}, which this data set does not hold"
    for link in told["chain"]:
        making = ", ".join(f"{name} {link[name]}" for name in MAKING if name in link)
        yield f"  {link['id']} ({link['stage']}{': ' if making else ''}{making})"
        yield f"    {one_line(link['instruction'] or '(no instruction)', _TEXT)}"
        if "call" in link:
            yield from _call_lines(link["call"])


def _verdict(told: Mapping[str, Any]) -> Iterator[str]:
    if told["kept"]:
        yield f"{told['id']} is in {escaped(told['dataset'])}"
        yield from lines_of_matches(told["row"], told["row"].get("overlaps") or ())
    elif dropped := told["dropped"]:
        where, why = escaped(told["dataset"]), f"{dropped['stage']} dropped it as {dropped['reason']}"
        yield f"{told['id']} is not in {where}: {why}"
        others = [name for name in dropped["dropped_by"] or [] if name != dropped["reason"]]
        if others:
            yield f"  it would have been dropped by {', '.join(others)} too"
        matches = dropped.get("overlaps", ())
        if dropped["detail"] and not matches:
            yield f"  {one_line(dropped['detail'], 10 * _TEXT)}"
        yield from lines_of_matches(told["row"], matches)
    else:
        answers = told["answers"]
        kept = sum(one["kept"] for one in answers)
        where = escaped(told["dataset"])
        yield f"{told['id']} is a task; of its {len(answers):,} answers {kept:,} are in {where}"
        for one in answers:
            yield f"  {one['id']}: {'kept' if one['kept'] else one.get('reason', 'went on')}"


def _rank(row: Mapping[str, Any]) -> Iterator[str]:
    """How the code of a ranked row fared, and the end of what it printed."""
    if row.get("status"):
        yield f"its code: {one_line(': '.join(filter(None, (row['status'], row.get('verdict')))), 5 * _TEXT)}"
    if row.get("output_tail"):
        yield f"  its output ended with {one_line(row['output_tail'], 5 * _TEXT)}"


def _passed(stage: Mapping[str, Any]) -> str:
    return f"{stage['stage']} {'kept it' if stage['kept'] else 'dropped it (' + stage['reason'] + ')'}"


def _call_lines(call: Mapping[str, Any]) -> Iterator[str]:
    if "made" in call:
        cost = f", ${call['usd']:.6f}" if call["usd"] else ""
        tokens = f"{call['tokens_in']:,} tokens in, {call['tokens_out']:,} out"
        yield f"    call {call['key'][:_SHOWN]} of {call['made']}: {tokens}{cost}"
        yield f"    {call['why']}"
        if "adapted" in call:
            yield f"    sent otherwise than meant: {one_line(', '.join(call['adapted']))}"
    else:
        yield f"    call {call['key'][:_SHOWN]}: {call['why']}"
