"""Processes below a process, and their end."""

from __future__ import annotations

import time
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes below a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def gone(pids: list[int]) -> bool:
    """Whether all end within a while; one that nobody has reaped yet has ended too."""
    for _ in range(1000):
        states = [Path(f"/proc/{pid}/stat") for pid in pids]
        if not any(
            path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z" for path in states
        ):
            return True
        time.sleep(0.02)
    return False
