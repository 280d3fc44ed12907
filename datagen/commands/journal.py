"""The journal's file: what is in it, a copy of it, and what is not needed any more."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from datagen import journal
from datagen.commands.summary import FAILED_ROWS
from datagen.errors import DatagenError, UsageError, nearest
from datagen.journal import maintenance, transfer
from datagen.journal.maintenance import CallFilter, Stats

F = TypeVar("F", bound=Callable[..., Any])

_SECONDS_A_DAY = 86_400
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]


class _Subcommands(click.Group):
    """Names the nearest where a subcommand is unknown."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            ctx.fail(f"unknown subcommand {args[0]}: {nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Subcommands, epilog="Example: datagen journal stats")
def command() -> None:
    """Count, save, bring back or remove stored model calls.

    The journal holds every model call of all runs, so that each is paid once. It is one file,
    journal.sqlite in DATAGEN_CACHE_DIR, else in ~/.cache/datagen, and holds no keys. Dates are UTC.
    """


def _json_option(decorated: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(decorated)


def _which(decorated: F) -> F:
    """--model, --endpoint: of whom."""
    model = click.option(
        *("--model", "models"),
        multiple=True,
        metavar="NAME",
        help="Only calls of this model; repeat for more.",
    )
    endpoint = click.option(
        *("--endpoint", "endpoints"),
        multiple=True,
        metavar="NAME",
        help="Only calls of this endpoint, named as stats names it; repeat for more.",
    )
    return model(endpoint(decorated))


def _moment(ctx: click.Context, param: click.Parameter, value: datetime | None) -> str | None:  # noqa: ARG001
    return f"{value.isoformat()}Z" if value else None


def _date(name: str, words: str) -> Callable[[F], F]:
    return click.option(
        name,
        type=click.DateTime(_DATES),
        callback=_moment,
        metavar="DATE",
        help=f"{words}, such as 2026-01-31.",
    )


@command.command(epilog="Example: datagen journal stats --json")
@_json_option
def stats(*, as_json: bool) -> int:
    """Count the calls of each model, and what they cost."""
    path = journal.default_path()
    counted = maintenance.stats(path) if path.exists() else Stats({}, 0, 0.0)
    if as_json:
        click.echo(json.dumps(_stats_json(path, counted), ensure_ascii=False))
    else:
        for text in _stats_lines(path, counted):
            click.echo(text)
    return 0


def _stats_json(path: Path, counted: Stats) -> dict[str, Any]:
    entries = [
        {"model": model, "endpoint": endpoint, **asdict(count)}
        for (model, endpoint), count in counted.by_model.items()
    ]
    totals = {
        name: sum(entry[name] for entry in entries) for name in ("calls", "tokens_in", "tokens_out", "usd")
    }
    return {
        "command": "journal stats",
        "journal": str(path),
        "exists": path.exists(),
        "bytes": maintenance.size(path),
        **totals,
        "first": min((entry["first"] for entry in entries), default=None),
        "last": max((entry["last"] for entry in entries), default=None),
        "reservations": counted.reservations,
        "reserved_usd": counted.reserved,
        "by_model": entries,
    }


def _stats_lines(path: Path, counted: Stats) -> Sequence[str]:
    told = _stats_json(path, counted)
    if not told["exists"]:
        return [f"{path} does not exist: no call was stored yet (0 calls)"]
    shown = [f"{path}: {_size(told['bytes'])}, {told['calls']:,} calls"]
    if counted.reservations:
        shown.append(
            f"{counted.reservations:,} calls under way or cut off may cost ${counted.reserved:.4f} in all"
        )
    rows = [("model", "endpoint", "calls", "tokens in", "tokens out", "USD", "first", "last")]
    for entry in [*told["by_model"], {**told, "model": "all", "endpoint": ""}]:
        numbers = [f"{entry[name]:,}" for name in ("calls", "tokens_in", "tokens_out")]
        rows.append(
            (
                *(entry["model"], entry["endpoint"], *numbers, f"{entry['usd']:,.4f}"),
                *(entry["first"] or "", entry["last"] or ""),
            )
        )
    return [*shown, "", *_table(rows, right=range(2, 6))] if told["calls"] else shown


def _table(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """Columns under each other, those of the numbers `right` at their right edge."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if place in right else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _size(bytes_: int) -> str:
    return f"{bytes_ / 1e6:,.1f} MB"


@command.command(epilog="Example: datagen journal export -o calls.jsonl.zst")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="New file, .jsonl, .jsonl.gz or .jsonl.zst; default: standard output.",
)
@_which
@_date("--since", "Only calls made at this date or later")
@_json_option
def export(
    out: Path | None, models: tuple[str, ...], endpoints: tuple[str, ...], since: str | None, *, as_json: bool
) -> int:
    """Print calls as JSON lines, in the order of their keys.

    Each line has key, request, reply, made, plan, usd and account. Of a damaged journal what can be read is
    saved, and the command ends with 3.
    """
    if as_json and out is None:
        raise UsageError("--json needs -o FILE: standard output cannot hold the calls too")
    path = _existing()
    calls = 0
    with contextlib.ExitStack() as stack:
        write: Callable[[bytes], object] = lambda text: click.echo(text, nl=False)  # noqa: E731
        if out is not None:
            write = stack.enter_context(transfer.written(out))
        found = stack.enter_context(maintenance.everything(path, CallFilter(models, endpoints, since)))
        for call in found.calls:
            write(transfer.line(call))
            calls += 1
    lost = bool(found.problem or found.broken)
    if as_json:
        summary = {"command": "journal export", "journal": str(path), "calls": calls, "out": str(out)}
        click.echo(json.dumps({**summary, "broken": len(found.broken), "problem": found.problem or None}))
    elif out is not None:
        click.echo(f"{calls:,} calls saved in {out}", err=True)
    if lost:
        what = found.problem or "not all calls are as they were stored"
        click.echo(
            f"Warning: the journal is damaged ({what}): {calls:,} calls were saved; {len(found.broken):,}"
            " could be seen, not read, and what stood on unreadable pages is lost",
            err=True,
        )
    return FAILED_ROWS if lost else 0


def _existing() -> Path:
    path = journal.default_path()
    if not path.exists():
        raise DatagenError(
            f"there is no journal {path}: no call was stored yet, or DATAGEN_CACHE_DIR should name its folder"
        )
    return path


@command.command("import", epilog="Example: datagen journal import calls.jsonl.zst")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_json_option
def import_(file: Path, *, as_json: bool) -> int:
    """Bring the calls of FILE into the journal.

    FILE is an export, or the journal.sqlite of another machine. A call that is here already stays as it is.
    Everything is looked at before anything is stored.
    """
    path = journal.default_path()
    done = transfer.bring_in(file, path)
    if as_json:
        click.echo(json.dumps({"command": "journal import", "journal": str(path), **done._asdict()}))
        return 0
    click.echo(f"{done.stored:,} calls brought into {path}, {done.known:,} were there already", err=True)
    if done.conflicts:
        click.echo(f"  {done.conflicts:,} of those have another reply here, which stays", err=True)
    return 0


@command.command(epilog="Example: datagen journal prune --older-than 90 --dry-run")
@click.option(
    "--older-than", type=click.IntRange(0, 36_500), metavar="DAYS", help="Only calls made more than DAYS ago."
)
@_date("--before", "Only calls made before this date")
@_which
@click.option("--dry-run", is_flag=True, help="Count them, remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
def prune(
    older_than: int | None,
    before: str | None,
    models: tuple[str, ...],
    endpoints: tuple[str, ...],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Remove calls for good, and free their space.

    Runs that need them again pay for them again; what they cost no longer counts towards a --max-usd. Where
    several options are given, all of them must hold.
    """
    moments = [before] if before else []
    if older_than is not None:
        moments.append(
            time.strftime(
                "%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, time.time() - older_than * _SECONDS_A_DAY))
            )
        )
    wanted = CallFilter(models, endpoints, before=min(moments, default=None))
    if wanted == CallFilter():
        raise UsageError(
            "say which calls: --older-than, --before, --model or --endpoint (to remove all, delete the file)"
        )
    may_ask = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    if not (dry_run or yes or may_ask):
        raise UsageError("this removes calls for good; add --yes, or --dry-run to see how many")
    path = _existing()
    calls = maintenance.count(path, wanted)
    if calls and not (dry_run or yes) and not _confirmed(calls, path):
        click.echo("nothing was removed", err=True)
        return 0
    return _remove(path, wanted, calls, dry_run=dry_run, as_json=as_json)


def _confirmed(calls: int, path: Path) -> bool:
    """Ask; the end of the input is an interruption."""
    # Not `click.confirm`: it imports what edits the line after its question, and an import can lose a Ctrl-C.
    signal.siginterrupt(signal.SIGINT, True)
    click.echo(f"Remove {calls:,} calls from {path}? [y/N]: ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise KeyboardInterrupt
    return answer.strip().lower() in ("y", "yes")


def _remove(path: Path, wanted: CallFilter, calls: int, *, dry_run: bool, as_json: bool) -> int:
    before = maintenance.size(path)
    done = maintenance.Pruned(calls, before, "") if dry_run else maintenance.prune(path, wanted)
    if as_json:
        summary = {"command": "journal prune", "journal": str(path), "calls": done.calls, "dry_run": dry_run}
        sizes = {"bytes_before": before, "bytes": done.bytes, "kept_open": done.kept_open or None}
        click.echo(json.dumps({**summary, **sizes}))
    elif dry_run:
        click.echo(f"{calls:,} calls would be removed from {path}", err=True)
    else:
        click.echo(
            f"{done.calls:,} calls removed from {path} ({_size(before)}, now {_size(done.bytes)})", err=True
        )
        if done.kept_open:
            click.echo(f"  the file did not shrink ({done.kept_open}); new calls use the space", err=True)
    return 0
