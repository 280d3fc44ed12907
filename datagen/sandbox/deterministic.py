"""What differs from run to run, made the same for every program: the wall clock, and what the kernel draws.

A server calls `install` once, before it forks; each program then costs one call of `begin`.

Covered: `time` and `datetime` begin at a fixed moment and go on from there, in UTC. `os.urandom`, and with it
`secrets`, `uuid4`, `SystemRandom` and a `Random` without a seed, draw the same in each program. There is one
processor.
Not covered: how far the clock has come when a program reads it, `uuid1`, times of files, what reads the
kernel's clock or /dev/urandom by itself, addresses (`id()`), numbers of processes, the machine's name.
"""

from __future__ import annotations

import ctypes
import datetime
import gc
import os
import random
import time
from time import struct_time
from typing import Any

#: 2024-01-01 12:00 UTC, in seconds since 1970.
MOMENT = 1_704_110_400
_NANO = 10**9
_monotonic_ns = time.monotonic_ns
_gmtime, _localtime, _asctime, _strftime = time.gmtime, time.localtime, time.asctime, time.strftime
_clock_gettime, _clock_gettime_ns = time.clock_gettime, time.clock_gettime_ns
_seed = random.Random.seed


class _Clock:
    """The functions of `time` that say what time it is; unlike functions, methods can be in any class."""

    begins_at_ns = 0

    def time_ns(self) -> int:
        return MOMENT * _NANO + _monotonic_ns() - self.begins_at_ns

    def time(self) -> float:
        return self.time_ns() / _NANO

    def gmtime(self, seconds: float | None = None, /) -> struct_time:
        return _gmtime(self.time() if seconds is None else seconds)

    def localtime(self, seconds: float | None = None, /) -> struct_time:
        return _localtime(self.time() if seconds is None else seconds)

    def ctime(self, seconds: float | None = None, /) -> str:
        return _asctime(self.localtime(seconds))

    def asctime(self, *when: Any) -> str:  # noqa: ANN401 - what the original takes
        return _asctime(*when or (self.localtime(),))

    def strftime(self, form: str, *when: Any) -> str:  # noqa: ANN401
        return _strftime(form, *when or (self.localtime(),))

    def clock_gettime(self, which: int, /) -> float:
        return self.time() if which == time.CLOCK_REALTIME else _clock_gettime(which)

    def clock_gettime_ns(self, which: int, /) -> int:
        return self.time_ns() if which == time.CLOCK_REALTIME else _clock_gettime_ns(which)


class _Kernel:
    """The functions of `os` that say something about the machine, or draw."""

    drawing = random.Random(0)

    def urandom(self, size: int, /) -> bytes:
        return self.drawing.randbytes(size)

    def getrandom(self, size: int, flags: int = 0) -> bytes:  # noqa: ARG002 - as the original
        return self.drawing.randbytes(size)

    def cpu_count(self) -> int:
        return 1


_clock, _kernel = _Clock(), _Kernel()


def now() -> int:
    """A moment to `begin` at, which all processes of this machine know."""
    return _monotonic_ns()


def begin(at: int, seed: int | None = None) -> None:
    """Let the clock stand at `MOMENT` at the moment `at`; draw anew by a seed, if one is given."""
    _clock.begins_at_ns = at
    if seed is not None:
        _seed(_kernel.drawing, seed)


def install() -> None:
    """Replace in this process what tells the time, and what draws, for good."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    for module, ours in ((time, _clock), (os, _kernel)):
        for name in dir(ours):
            if not name.startswith("_") and hasattr(module, name):
                setattr(module, name, getattr(ours, name))
    if hasattr(os, "process_cpu_count"):
        os.process_cpu_count = _kernel.cpu_count
    random._urandom = _kernel.urandom  # type: ignore[attr-defined]
    setattr(random.Random, "seed", _seeded)  # noqa: B010 - mypy lets no method be assigned
    random.seed = random._inst.seed
    # `date.today` asks `time.time`, but these two the kernel. A class derived from it would be another type.
    kind = datetime.datetime
    (methods,) = (one for one in gc.get_referents(vars(kind)) if type(one) is dict)
    methods.update(now=classmethod(_now), utcnow=classmethod(_utcnow))
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
    begin(now())


def _now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
    return cls.fromtimestamp(_clock.time(), tz)


def _utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
    return cls.fromtimestamp(_clock.time(), datetime.UTC).replace(tzinfo=None)


def _seeded(self: random.Random, a: Any = None, version: int = 2) -> None:  # noqa: ANN401 - what a seed may be
    """Without a seed `Random` would ask the kernel, past `os.urandom`."""
    _seed(self, _kernel.drawing.getrandbits(256) if a is None else a, version)
