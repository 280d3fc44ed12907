"""Starts the command line: `datagen` and `python -m datagen`."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
from pathlib import Path

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
    except KeyboardInterrupt:  # before the command line was ready for it
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # once more ends the shutdown, without a traceback
    sys.exit(code)


def _leave_working_folder_alone() -> None:
    """`python -m` puts the working folder first, where a user's own train.py would hide our package."""
    first = sys.path[0] if sys.path else ""
    with contextlib.suppress(OSError):  # the working folder may have been removed
        is_here = Path(first or os.curdir).resolve() == Path.cwd() != HOME
        if is_here and not getattr(sys.flags, "safe_path", False):
            sys.path.pop(0)


def _have_streams() -> None:
    """A stream that the caller closed is None in Python; and people's text may not fit their encoding."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for good
        elif mode == "w":
            stream.reconfigure(errors="backslashreplace")


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
