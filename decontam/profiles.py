"""Profiles: how sure a match must be, as thresholds that a person can read in `profiles.json`.

Each detector has a threshold of its own; its *share* is value / threshold. In a profile, a row overlaps an
item if

* one detector says so alone: its share is at least `alone`; or
* two agree: one of those that see what is asked (`asked`) and one of those that see what the code does
  (`done`) have at least `agree`, which is less. What has the words of an item and does what its solution
  does is no chance, though neither would be enough.

`strict` finds the most, then `balanced` (the default), `lenient` and `certain`: what one of them finds, those
before it find. `certain` has a threshold for each detector, 10 % above what any labelled clean row reaches.
A detector that the file does not know counts by its own threshold in all of them.

The *score* says how likely a match is, 0 to 1: of as many overlapping as clean rows with such shares, which
part overlaps. It is 1 / (1 + exp(-(intercept + slope ln(s)))), where s is the most that any share, or two
that agree, reach of what `balanced` asks for. It never falls if a value rises.

`bench/fit_overlap.py` makes the file, on labelled rows, and prints what the profiles find.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

#: From the one that finds the most.
NAMES = ("strict", "balanced", "lenient", "certain")
DEFAULT = "balanced"
#: Pairs with at least so much of what `strict` asks for are in doubt.
DOUBT = 0.7
FILE = Path(__file__).with_name("profiles.json")


class Profile(NamedTuple):
    """What a match asks for.

    Args:
        name: one of `NAMES`.
        alone: by detector, the share of its threshold that is enough.
        agree: the share that is enough for two that agree.
        asked: detectors that see what is asked.
        done: detectors that see what the code does.
    """

    name: str
    alone: Mapping[str, float]
    agree: float
    asked: tuple[str, ...]
    done: tuple[str, ...]

    def enough(self, detector: str) -> float:
        """The share of its threshold from which on a detector says alone that a row overlaps."""
        return self.alone.get(detector, 1.0)

    def least(self, detector: str) -> float:
        """The share of its threshold from which on a detector's values count."""
        both = (*self.asked, *self.done)
        return min(self.enough(detector), self.agree) if detector in both else self.enough(detector)


class Certainty(NamedTuple):
    """How a score comes from shares; see above."""

    intercept: float
    slope: float


def profile(name: str = DEFAULT) -> Profile:
    """The profile of that name.

    Raises:
        KeyError: it is none of `NAMES`.
    """
    return made(name, _data())


def doubtful() -> Profile:
    """A profile that finds more than `strict`: pairs of which a closer look may tell more, and no matches."""
    strict = profile(NAMES[0])
    alone = {name: round(DOUBT * share, 6) for name, share in strict.alone.items()}
    return strict._replace(name="doubtful", alone=alone, agree=round(DOUBT * strict.agree, 6))


def certainty() -> Certainty:
    """How a score comes from shares."""
    return Certainty(**_data()["certainty"])


def made(name: str, data: Mapping[str, Any]) -> Profile:
    """The profile of that name in what the file holds."""
    of = data["profiles"][name]
    return Profile(name, of["alone"], of["agree"], tuple(data["asked"]), tuple(data["done"]))


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
