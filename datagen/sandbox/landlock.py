"""Files that a process may read, and the one folder where it may write, by the kernel's Landlock."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from datagen.sandbox import isolate

_VERSION = 1
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
#: All accesses to files of the first version: making, removing and the rest are 16 to 4096.
_ALL = (1 << 13) - 1
_OF_FILES = _EXECUTE | _WRITE | _READ
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_PATH_BENEATH = 1


def ruleset(seen: Iterable[str], place: str) -> int | None:
    """A descriptor of the rules: `seen` to read, `place` to write; None where the kernel has no Landlock."""
    if not isolate.wants("landlock") or isolate.MACHINE not in isolate.CALLS:
        return None
    try:
        version = isolate.system_call("landlock_create_ruleset", 0, 0, _VERSION)
        handled = _ALL | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
        attributes = ctypes.create_string_buffer(struct.pack("=Q", handled))
        rules = isolate.system_call("landlock_create_ruleset", attributes, 8, 0)
    except OSError:
        return None
    for path in seen:
        _allow(rules, path, _READ | _LIST | _EXECUTE)
    for name in ("null", "zero", "random", "urandom"):
        _allow(rules, f"/dev/{name}", _READ | _WRITE)
    _allow(rules, place, handled & ~_EXECUTE)
    return rules


def _allow(rules: int, path: str, access: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_PATH)
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, descriptor))
        isolate.system_call("landlock_add_rule", rules, _PATH_BENEATH, rule, 0)
        os.close(descriptor)


def restrict(rules: int) -> None:
    """Hold this process, and all that it starts, to the rules."""
    isolate.system_call("landlock_restrict_self", rules, 0)
