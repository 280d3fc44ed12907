"""Python's collector of garbage, where many objects are made of which none is garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected(*, old: bool = False) -> Iterator[None]:
    """Look for no cycles of garbage meanwhile; syntax trees and indexes are many objects, and have none.

    Args:
        old: whether what was made stays: it counts as old in the end, or the next look would go through it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if old:
            others_froze = gc.get_freeze_count() > 0
            gc.freeze()
            if not others_froze:
                gc.unfreeze()
        if was_on:
            gc.enable()
