"""Unbiased pass@k (Chen et al. 2021): the chance that one of k samples of a task passes.

    pass@k = mean over tasks of 1 - C(n - c, k) / C(n, k)      n samples of a task, c of them pass

C(n, k) is too large for floating point, so the quotient is taken as a product. 1 - (1 - c/n)^k would be
biased, and is not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

#: What is reported where nobody names a k, as far as there are so many samples of every task.
USUAL = (1, 10, 100)


class Tried(NamedTuple):
    """How many samples of a task there are, and how many of them pass."""

    samples: int
    passed: int


def of_task(tried: Tried, k: int) -> float:
    """1 - C(n - c, k) / C(n, k) for one task.

    Raises:
        ValueError: there are fewer than k samples, or the counts are none.
    """
    n, c = tried
    if not (1 <= k <= n and 0 <= c <= n):
        raise ValueError(f"pass@{k} of {c} passed among {n} samples")
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / number for number in range(n - c + 1, n + 1))


def mean(tasks: Sequence[Tried], k: int) -> float:
    """Mean pass@k of the tasks.

    Raises:
        ValueError: there is no task, or one of them has fewer than k samples.
    """
    if not tasks:
        raise ValueError("pass@k of no task")
    return math.fsum(of_task(one, k) for one in tasks) / len(tasks)


def standard_error(share: float, tasks: int) -> float:
    """The binomial standard error of a share of tasks: what another draw of as many tasks would change."""
    return math.sqrt(max(0.0, share * (1.0 - share)) / tasks)


def usual(least: int) -> tuple[int, ...]:
    """Those of `USUAL` that can be had where every task has at least `least` samples."""
    return tuple(k for k in USUAL if k <= least)
