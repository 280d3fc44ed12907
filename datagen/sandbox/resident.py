"""Which programs can follow each other in one candidate, where tests are trusted: functions over plain data.

Such a program is harmless (harmless.py), and besides it makes no class, sets no attribute, prints nothing,
draws nothing, asks no clock, and reads no attributes by `format`. So it changes nothing that outlives it, and
nothing that was before changes what it does: its verdict is the one that it gets in a process of its own. All
others get such a process.
"""

from __future__ import annotations

import resource
import types

from datagen.sandbox import harmless

#: A class, and what differs where other programs were before: output, draws, clocks, contexts, caches.
_OWN = frozenset(
    "__qualname__ type print input time random samples now today utcnow localtime"
    " decimal Decimal getcontext setcontext localcontext format format_map".split()
)
#: The process ends once it holds so much more than at its start: the next program would find too little.
_GROWTH_KB = 64 << 10


class Resident:
    """Lets programs into a process, one after the other."""

    def __init__(self) -> None:
        self._harmless = harmless.Harmless()
        self._names: set[str] = set()
        self._most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + _GROWTH_KB

    def admits(self, code: types.CodeType) -> bool:
        """Whether a program can run here."""
        names, sets = self._harmless.names(code) or (set(_OWN), True)
        admitted = not sets and _OWN.isdisjoint(names)
        self._names = names if admitted else set()
        return admitted

    def ready(self) -> bool:
        """Forget the program before; whether another one can come."""
        harmless.forget(self._names)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= self._most
