"""How a command ends: what it did, for people or as one JSON object, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datagen.data.dataset import Outcome
from datagen.errors import escaped

if TYPE_CHECKING:
    from datagen.calls.forecast import Forecast
    from datagen.runs.act import Done

FAILED_ROWS = 3


def show_forecast(
    command: str, stages: Sequence[tuple[str, Forecast]], rows_in: int, *, as_json: bool
) -> None:
    """Print what would be asked for: it is what --dry-run is there for, so on stdout."""
    from datagen.calls import forecast

    if not as_json:
        for line in forecast.lines(stages):
            click.echo(line)
        return
    nothing = {"rows_in": rows_in, "rows_made": 0, "rows_out": 0, "dropped": {}, "seconds": 0.0, "out": None}
    click.echo(json.dumps({"command": command, **nothing, **forecast.as_json(stages)}))


def exit_code(manifest: Mapping[str, Any]) -> int:
    """0 for done, 3 for done but some rows failed."""
    return FAILED_ROWS if manifest["failed"] else 0


def show(outcome: Outcome, *, out: Path | None, as_json: bool, acts: Sequence[tuple[str, Done]] = ()) -> None:
    """Print what a stage did; `out` is None where it wrote nothing. Or a run, and its acts by name."""
    if not as_json:
        for line in (*_lines(outcome, out), *(line for _, done in acts for line in done.lines)):
            click.echo(line, err=True)
        return
    manifest = outcome.manifest
    entries = [entry.name for entry in outcome.entries if entry.in_json and entry.name in manifest]
    summary = {
        "command": manifest["stage"],
        **{name: manifest[name] for name in ("rows_in", "rows_made", "rows_out", "dropped", "failed")},
        **{name: manifest[name] for name in [*entries, "notes", "digest"] if name in manifest},
        "calls": manifest["times"].get("calls", {}),
        **({"programs": programs} if (programs := manifest["times"].get("programs")) else {}),
        "seconds": manifest["times"]["seconds"],
        "already_made": outcome.already_made,
        "out": None if out is None else str(out),
        **({"acts": {name: done.told for name, done in acts}} if acts else {}),
    }
    click.echo(json.dumps(summary))


def _lines(outcome: Outcome, out: Path | None) -> Iterable[str]:
    manifest, already_made = outcome.manifest, outcome.already_made
    counts = [f"{manifest['rows_in']:,} rows in"]
    if manifest["rows_made"]:
        counts.append(f"{manifest['rows_made']:,} made")
    counts.append(f"{manifest['rows_out']:,} kept")
    dropped = manifest["dropped"]
    counts.append(f"{sum(dropped.values()):,} dropped")
    done = "already made" if already_made else f"{manifest['times']['seconds']:.1f} s"
    yield f"{manifest['stage']}: {', '.join(counts)} ({done})"
    if dropped:
        yield "  dropped: " + ", ".join(f"{reason} {rows:,}" for reason, rows in dropped.items())
    yield from (f"  {note}" for note in manifest.get("notes", ()))
    calls = manifest["times"].get("calls")
    if calls and not already_made:
        yield f"  calls: {calls.get('asked', 0):,} made, {calls.get('reused', 0):,} reused from the journal"
    for entry in outcome.entries:
        if entry.name in manifest:
            yield from entry.lines(manifest)
    if any(manifest.get("overlaps", {}).values()):
        yield from _hints_on_overlaps(out)
    if out is not None and manifest["rows_in"] and not manifest["rows_out"]:
        yield f"  nothing was kept; `datagen cat {escaped(out)} --dropped` shows why"
    if manifest["failed"]:
        why = "-v says why" if out is None else f"`datagen cat {escaped(out)} --dropped` says why"
        yield f"  {manifest['failed']:,} rows failed ({why}); the same command tries them again"
    if out is not None:
        yield f"  {escaped(out)}"


def _hints_on_overlaps(out: Path | None) -> Iterable[str]:
    """What to do about rows that overlap a benchmark."""
    if out is None:
        yield "  `-o OUT` keeps the matches, and `datagen trace OUT ID` shows what a row and its item share;"
    else:
        yield f"  `datagen trace {escaped(out)} ID` shows what a dropped row and its item share;"
    yield "  a match that is none is set aside by `--review FILE` (docs/method.md)"
