"""When refused calls say that no other prompt would fare better."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from datagen.request import CallFailed

#: A teacher is given up after this many calls in a row were refused for good, in the same words.
MAX_FAILURES_IN_A_ROW = 20
#: Counts and names of requests, which make equal refusals look different.
_NUMBERED = re.compile(r"\S*\d\S*")


@dataclass
class Refusals:
    """Counts, by teacher, the refusals in a row that may concern every prompt."""

    _rows: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, name: str, problem: CallFailed, *, has_answered: bool) -> int:
        """Count a refusal unless it says nothing of other prompts; returns how many there are in a row.

        A refusal that does not say whom it concerns may concern all (a parameter that the model does not
        know), but only while the teacher never answered. Other words than before begin a new row.

        Args:
            name: of the teacher.
            problem: the refusal.
            has_answered: whether the teacher ever answered.
        """
        if problem.concerns == "prompt" or (problem.concerns == "unknown" and has_answered):
            return 0
        words = _NUMBERED.sub("#", str(problem))
        before, count = self._rows.get(name, (words, 0))
        count = count + 1 if words == before else 1
        self._rows[name] = words, count
        return count

    def forget(self, name: str) -> None:
        """The teacher answered: what it refused before was no reason for all."""
        self._rows.pop(name, None)
