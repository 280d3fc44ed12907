"""How far long work is: a bar on a terminal, a plain line now and then elsewhere. All of it on stderr."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

PLAIN_SECONDS = 10.0

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
_verbose: ContextVar[bool] = ContextVar("verbose", default=False)
#: Whether a bar is shown: a terminal has place for one.
_shown: ContextVar[bool] = ContextVar("shown", default=False)


def configure(*, quiet: bool, verbose: bool) -> None:
    """Show less or more from now on; errors and results are shown in any case."""
    _quiet.set(quiet)
    _verbose.set(verbose)


def say(text: str) -> None:
    """One line for people."""
    if not _quiet.get():
        sys.stderr.write(f"{text}\n")


def detail(text: str) -> None:
    """One line for people who asked for details (-v)."""
    if _verbose.get():
        sys.stderr.write(f"{text}\n")


@contextlib.contextmanager
def track(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Follow `total` steps of work (None: unknown) and yield a function that reports more done.

    On a terminal, work inside of other work that is followed shows no bar of its own.
    """
    is_terminal = sys.stderr.isatty()
    if _quiet.get() or (is_terminal and _shown.get()):
        yield lambda _: None
    elif is_terminal:
        _shown.set(True)
        try:
            with _bar(what, total) as advance:
                yield advance
        finally:
            _shown.set(False)
    else:
        yield _lines(what, total)


@contextlib.contextmanager
def _bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")
        started = time.monotonic()

        def advance(more: int) -> None:
            bar.advance(task, more)
            rate = bar.tasks[0].completed / max(time.monotonic() - started, 1e-9)
            bar.update(task, rate=f"{rate:,.1f}/s")

        yield advance


def _lines(what: str, total: int | None) -> Callable[[int], None]:
    started = last = time.monotonic()
    done = 0

    def advance(more: int) -> None:
        nonlocal done, last
        done += more
        now = time.monotonic()
        if now - last < PLAIN_SECONDS:
            return
        last = now
        rate = done / (now - started)
        of = f" of {total:,}" if total else ""
        # The first few steps tell little about the rest: a server warms up, a model is loaded.
        left = f", {(total - done) / rate:,.0f} s left" if total and done >= max(3, total // 50) else ""
        say(f"{what}: {done:,}{of} ({rate:,.1f}/s{left})")

    return advance
