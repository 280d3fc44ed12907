"""Starts the command line: `datagen` and `python -m datagen`."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
SIBLINGS = ("rules", "decontam", "train")


def main() -> None:
    """Run the command line; whatever a user can cause ends in one line on stderr and an exit code."""
    _leave_working_folder_alone()
    from datagen.console import run

    sys.exit(_shadowed() or run(sys.argv[1:]))


def _leave_working_folder_alone() -> None:
    """`python -m` puts the working folder first, where a user's own train.py would hide our package."""
    first = sys.path[0] if sys.path else ""
    if Path(first or os.curdir).resolve() == Path.cwd() != HOME and not getattr(
        sys.flags, "safe_path", False
    ):
        sys.path.pop(0)


def _shadowed() -> int:
    """Say so if one of our top-level packages is another distribution's; returns the exit code."""
    for name in SIBLINGS:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != HOME / name:
            sys.stderr.write(
                f"Error: the package {name} is not datagen's own but {found}; uninstall the distribution that"
                " brought it, or install datagen into an environment of its own\n"
            )
            return 1
    return 0


if __name__ == "__main__":
    main()
