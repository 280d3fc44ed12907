"""Modules of a folder, and those that other packages name in entry points."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType


class BrokenEntryPointError(ImportError):
    """What another package brings cannot be used; the message is one line for the user."""


@cache
def modules(folder: Path, package: str, group: str) -> Mapping[str, str]:
    """Full names of modules by name: those of the folder, then those of the group; none is imported.

    Entry points are read once in a process: each look-up reads the files of all installed packages.

    Args:
        folder: its modules count whose names have no leading underscore.
        package: the folder as a package.
        group: of entry points; the name of one that the folder has already does not count.
    """
    own = sorted(m.name for m in pkgutil.iter_modules([str(folder)]) if not m.name.startswith("_"))
    found = {name: f"{package}.{name}" for name in own}
    for point in sorted(metadata.entry_points(group=group)):
        found.setdefault(point.name, point.value)
    return found


def load_module(folder: Path, package: str, group: str, name: str, *, needs: tuple[str, ...]) -> ModuleType:
    """The module of that name, which is known to be there.

    Raises:
        BrokenEntryPointError: another package brings it, and it cannot be imported or lacks one of `needs`.
    """
    where = modules(folder, package, group)[name]
    if where == f"{package}.{name}":
        return importlib.import_module(where)
    try:
        found = importlib.import_module(where)
        missing = [one for one in needs if not hasattr(found, one)]
    except Exception as error:  # another package's code may raise anything
        raise _broken(name, where, group, f"{type(error).__name__}: {error}") from None
    if missing:
        raise _broken(name, where, group, f"it defines no {' and no '.join(missing)}")
    return found


def _broken(name: str, where: str, group: str, why: str) -> BrokenEntryPointError:
    text = f"{name} (entry point {name} = {where} of {group}) cannot be used: {why}"
    return BrokenEntryPointError(" ".join(text.split()))
