"""What work costs, in units of a fixed piece of work that is timed beside it: a busy machine slows both."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable

_SOURCE = "def f(x):\n    return [y * 2 for y in x if y > 1]\n" * 100


def cost(work: Callable[[], object]) -> float:
    """CPU time of `work` as a multiple of the reference's, which takes about 15 ms of a quiet core."""
    before = _reference()
    started = time.process_time()
    work()
    taken = time.process_time() - started
    return taken / max(before, _reference())


def _reference() -> float:
    started = time.process_time()
    for _ in range(8):
        ast.parse(_SOURCE)
    return max(time.process_time() - started, 1e-6)
