"""How long to wait before something is tried again."""

from __future__ import annotations

import random

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 60.0


def backoff(attempt: int, *, least: float = 0.5, first: float = FIRST_SECONDS) -> float:
    """Seconds before the next attempt: exponential in `attempt`, with jitter, at most a minute.

    Source: "Exponential Backoff And Jitter", https://aws.amazon.com/blogs/architecture (equal jitter).

    Args:
        attempt: how many attempts there were before, from 0.
        least: the part of the wait that is not drawn, from 0 to 1.
        first: the most seconds after the first attempt.
    """
    most = min(LONGEST_SECONDS, first * 2.0 ** min(attempt, 16))
    return random.uniform(most * least, most)
