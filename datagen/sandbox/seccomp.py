"""Filters for system calls: no other program, no other process's memory or signals, and no new process.

There are two. `install_shared` is for the server, which still starts and ends programs; all that it forks
have it too. `Own` is what a program gets besides: it is short, because each program pays for it.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct

from datagen.sandbox import isolate

_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000
_LOAD, _EQUAL, _ANY, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
_CLONE_THREAD = 0x00010000
#: Stands for the number of the process in a filter that is not installed yet.
_SELF = 0x7EAD_BEEF
#: F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP: ways to have a signal sent to another process.
_OWNERS = {"fcntl": (8, 10, 15), "ioctl": (0x8901, 0x8902)}
#: Calls that change the mode, owner, times, attributes or size of files that this user owns, which Landlock
#: lets pass (truncate until its third version): chmod, chown, utime, setxattr, removexattr and their kin.
_OF_FILES: dict[str, tuple[int, ...]] = {
    "x86_64": (
        76,
        *range(90, 95),
        132,
        188,
        189,
        190,
        197,
        198,
        199,
        235,
        260,
        261,
        268,
        280,
        452,
        463,
        466,
        469,
    ),
    "aarch64": (45, 52, 53, 54, 55, 88, 5, 6, 7, 14, 15, 16, 452, 463, 466, 469),
}

_Line = tuple[int, int, int, int]


@functools.cache
def granted() -> bool:
    """Whether this machine is one whose system calls are known here, and its kernel filters them."""
    if not isolate.wants("seccomp") or isolate.MACHINE not in isolate.CALLS:
        return False
    try:
        isolate.call("prctl", isolate.PR_SET_SECCOMP, 2, None, 0, 0)
    except OSError as error:
        return error.errno == errno.EFAULT  # it would have read a filter
    return False


def install_shared() -> None:
    """Filter the calls of this process, which can still fork and end its children.

    Raises:
        OSError: the kernel has no filters.
    """
    _install(*_program(_shared()))


class Own:
    """The filter that takes forks and signals from a process; made before the fork, so that it is cheap.

    Args:
        shares_files: whether the process sees files of its user that are not its own.
    """

    def __init__(self, *, shares_files: bool) -> None:
        lines = _own(shares_files=shares_files)
        self._body, self._described = _program(lines)
        marker = struct.pack("=I", _SELF)
        self._places = [at for at in range(4, 8 * len(lines), 8) if self._body.raw[at : at + 4] == marker]

    def install(self) -> None:
        """Filter the calls of this process from now on.

        Raises:
            OSError: the kernel has no filters.
        """
        for at in self._places:
            struct.pack_into("=I", self._body, at, os.getpid())
        _install(self._body, self._described)


def _program(lines: list[_Line]) -> tuple[ctypes.Array[ctypes.c_char], ctypes.Array[ctypes.c_char]]:
    """A filter as the kernel wants it: its lines, and what says where they are."""
    code = b"".join(struct.pack("=HBBI", *line) for line in lines)
    body = ctypes.create_string_buffer(code)
    return body, ctypes.create_string_buffer(struct.pack("@HP", len(lines), ctypes.addressof(body)))


def _install(body: ctypes.Array[ctypes.c_char], described: ctypes.Array[ctypes.c_char]) -> None:
    assert body  # noqa: S101 - it has to live as long as `described`, which holds its address
    isolate.call("prctl", isolate.PR_SET_SECCOMP, 2, described, 0, 0)


def _shared() -> list[_Line]:
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
    # Limits and processors are about itself only, sockets about this machine.
    for name, allowed in (("prlimit64", 0), ("sched_setaffinity", 0), ("socket", 1)):
        lines += _only(calls[name], _EQUAL, allowed)
    for name, refused in _OWNERS.items():
        lines += _never(calls[name], refused)
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _own(*, shares_files: bool) -> list[_Line]:
    calls = isolate.CALLS[isolate.MACHINE]
    lines = [(_LOAD, 0, 0, _NUMBER)]
    for number in _OF_FILES[isolate.MACHINE] if shares_files else ():
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    for name in ("fork", "vfork", "tkill"):
        if name in calls:
            lines += [(_EQUAL, 0, 1, calls[name]), (_RETURN, 0, 0, _REFUSE)]
    lines += [(_EQUAL, 0, 1, calls["clone3"]), (_RETURN, 0, 0, _UNKNOWN)]
    for name in ("kill", "tgkill"):
        lines += _only(calls[name], _EQUAL, _SELF)
    return [*lines, *_only(calls["clone"], _ANY, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW)]


def _only(number: int, test: int, value: int) -> list[_Line]:
    """Allow a call only where its first argument passes a test."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST),
        (test, 1, 0, value),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _never(number: int, values: tuple[int, ...]) -> list[_Line]:
    """Refuse a call where its second argument is one of these."""
    tests = [line for value in values for line in ((_EQUAL, 0, 1, value), (_RETURN, 0, 0, _REFUSE))]
    return [
        (_EQUAL, 0, 2 + len(tests), number),
        (_LOAD, 0, 0, _SECOND),
        *tests,
        (_RETURN, 0, 0, _ALLOW),
    ]
