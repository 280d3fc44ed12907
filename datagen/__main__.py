"""Starts the command line: `datagen` and `python -m datagen`."""

from __future__ import annotations

# Within the imports below Ctrl-C would print a traceback. This module needs no loading.
import _signal  # type: ignore[import-not-found]

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import contextlib  # noqa: E402
import importlib.util  # noqa: E402
import io  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

HOME = Path(__file__).resolve().parent.parent
SIBLINGS = ("rules", "decontam", "train")
INTERRUPTED = 130
THREADS = "POLARS_MAX_THREADS"
#: More than any machine has cores; polars starts as many as it is told, and hangs with some ten thousand.
MOST_THREADS = 1024


def main() -> None:
    """Run the command line; whatever a user can cause ends in one line on stderr and an exit code."""
    # Until a command begins nothing has been done. Python loses an interrupt that comes within some imports.
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        _leave_working_folder_alone()
        _have_streams()
        from datagen.commands.console import run

        code = _shadowed() or _misled() or run(sys.argv[1:])
        _end_at_once_from_now_on()
    except KeyboardInterrupt:  # before the command line was ready for it, or just after the command
        code = INTERRUPTED
        _end_at_once_from_now_on()
    sys.exit(code)


def _end_at_once_from_now_on() -> None:
    """Once more Ctrl-C ends the shutdown, without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _leave_working_folder_alone() -> None:
    """`python -m` puts the working folder first, where a user's own train.py would hide our package."""
    first = sys.path[0] if sys.path else ""
    with contextlib.suppress(OSError):  # the working folder may have been removed
        is_here = Path(first or os.curdir).resolve() == Path.cwd() != HOME
        if is_here and not getattr(sys.flags, "safe_path", False):
            sys.path.pop(0)


def _have_streams() -> None:
    """Make streams that can be used, whatever the caller did to them and whatever their encoding.

    What goes to stderr is lost where nobody takes it: work must not end for a note on it. What goes to stdout
    is the result, so writing it fails.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        _open_closed(number, flags)  # or the next file that is opened would take its place
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    encoding = sys.stderr.encoding if sys.stderr else "utf-8"
    content = io.BufferedWriter(_Unfailing(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(content, encoding, "backslashreplace", line_buffering=True)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _open_closed(number: int, flags: int) -> None:
    """Open /dev/null as a file descriptor that the caller closed, also for processes that we start."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, flags)
        os.dup2(opened, number, inheritable=True)
        if opened == number:
            os.set_inheritable(number, True)
        else:
            os.close(opened)


class _Unfailing(io.FileIO):
    """A file in which nobody minds what cannot be written."""

    def write(self, content: Any) -> int:  # noqa: ANN401 - a buffer
        """Write what can be written, and say that it was all."""
        with contextlib.suppress(OSError):
            super().write(content)
        return len(content)


def _shadowed() -> int:
    """Say so if one of our top-level packages is another distribution's; returns the exit code."""
    for name in SIBLINGS:
        spec = importlib.util.find_spec(name)
        found = [str(Path(place).resolve()) for place in (spec and spec.submodule_search_locations) or []]
        if spec and not found:
            found = [str(spec.origin)]
        if found != [str(HOME / name)]:
            sys.stderr.write(
                f"Error: the package {name} is not datagen's own but {', '.join(found) or 'missing'}; remove"
                " the distribution that brought it, or install datagen into an environment of its own\n"
            )
            return 1
    return 0


def _misled() -> int:
    """Say so if a variable would make polars panic or hang when it is imported; returns the exit code."""
    given = os.environ.get(THREADS)
    if given is None or (given.isascii() and given.isdecimal() and 0 < _number(given) <= MOST_THREADS):
        return 0
    sys.stderr.write(
        f"Error: the variable {THREADS} should be a whole number from 1 to {MOST_THREADS}, not"
        f" {given[:40]!r}; set it to one, or unset it\n"
    )
    return 2


def _number(digits: str) -> int:
    """What decimal digits say; Python reads no number of thousands of them."""
    return int(digits) if len(digits) < 20 else sys.maxsize


if __name__ == "__main__":
    main()
