"""A filter for system calls: no new process, no other program, no other process's memory or signals."""

from __future__ import annotations

import ctypes
import functools
import os
import struct

from datagen.sandbox import isolate

_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000
_LOAD, _EQUAL, _ANY, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x00010000


@functools.cache
def granted() -> bool:
    """Whether this machine is one whose system calls are known here, and its kernel filters them."""
    if not isolate.wants("seccomp") or isolate.MACHINE not in isolate.CALLS:
        return False
    pid = os.fork()
    if not pid:
        try:
            isolate.drop_privileges(None)
            install()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def install() -> None:
    """Filter the calls of this process from now on.

    Raises:
        OSError: the kernel has no filters.
    """
    code = prepared(os.getpid())
    body = ctypes.create_string_buffer(code)
    described = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(body)))
    isolate.call("prctl", isolate.PR_SET_SECCOMP, 2, described, 0, 0)


@functools.cache
def prepared(own: int) -> bytes:
    """The filter for a process of this number; made before a fork it costs the child nothing."""
    return b"".join(struct.pack("=HBBI", *line) for line in _lines(own))


def _lines(own: int) -> list[tuple[int, int, int, int]]:
    calls = isolate.CALLS[isolate.MACHINE]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, isolate.ARCHITECTURES[isolate.MACHINE]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if isolate.MACHINE == "x86_64":  # the x32 calls have other numbers
        lines += [(0x35, 0, 1, 0x40000000), (_RETURN, 0, 0, _REFUSE)]
    for name, number in calls.items():
        if name not in isolate.WATCHED:
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    lines += [(_EQUAL, 0, 1, calls["clone3"]), (_RETURN, 0, 0, _UNKNOWN)]
    lines += [(_EQUAL, 0, 1, calls["capset"]), (_RETURN, 0, 0, _REFUSE)]
    lines += [(_EQUAL, 0, 1, calls["tkill"]), (_RETURN, 0, 0, _REFUSE)]
    # Signals and limits are about itself only, sockets about this machine.
    for name, allowed in (("kill", own), ("tgkill", own), ("prlimit64", 0), ("socket", 1)):
        lines += _first_argument(calls[name], _EQUAL, allowed)
    lines += _first_argument(calls["clone"], _ANY, _CLONE_THREAD)
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _first_argument(number: int, test: int, value: int) -> list[tuple[int, int, int, int]]:
    """Allow a call only where its first argument passes a test."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (test, 1, 0, value),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
