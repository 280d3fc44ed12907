"""Empties a folder that a hostile program may have filled: no depth, name or mode stops it."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator


def empty(folder: str) -> None:
    """Remove all that a folder holds.

    A nested folder is moved to the top before it is emptied, so that no path grows long and nothing recurses.
    """
    names = (f".moved-{number}" for number in itertools.count())
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while found := [entry.name for entry in os.scandir(top)]:
            for name in found:
                _remove(top, name, names)
    finally:
        os.close(top)


def _remove(top: int, name: str, names: Iterator[str]) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return
    os.chmod(name, 0o700, dir_fd=top)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for entry in [found.name for found in os.scandir(inner)]:
            if stat.S_ISDIR(os.stat(entry, dir_fd=inner, follow_symlinks=False).st_mode):
                os.chmod(entry, 0o700, dir_fd=inner)
                os.rename(entry, _free(top, names), src_dir_fd=inner, dst_dir_fd=top)
            else:
                os.unlink(entry, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _free(top: int, names: Iterator[str]) -> str:
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=top, follow_symlinks=False)
            continue
        return name
    raise AssertionError
