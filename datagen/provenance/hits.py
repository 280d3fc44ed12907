"""Whether a data set's model calls were in the journal already (hits) or asked for (misses), and why."""

from __future__ import annotations

import calendar
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from datagen.journal import maintenance
from datagen.journal.damage import DamagedJournal, told
from datagen.journal.maintenance import Call
from datagen.provenance import misses
from datagen.provenance.misses import Nearest

Verdict = Literal["hit", "miss", "unknown", "absent"]
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_SHOWN = 12


class Asked(NamedTuple):
    """When and for what a stage asked.

    began, ended: seconds since 1970, to within a second: the stage's clock is known to whole seconds.
    plans: the keys of the stage's own plan and of its run's. asked, reused: its calls; None if not known.
    """

    began: float
    ended: float
    plans: frozenset[str]
    asked: int | None
    reused: int | None

    @classmethod
    def by(cls, stage: Mapping[str, Any], whole: Mapping[str, Any]) -> Asked:
        """From the manifests of a stage and of the data set that it belongs to."""
        times = stage["times"]
        calls = times.get("calls") or {}
        ended = _seconds(times.get("made", "")) + 1.0
        return cls(
            began=ended - 1.0 - times["seconds"],
            ended=ended,
            plans=frozenset((stage["key"], whole["key"])),
            asked=calls.get("asked"),
            reused=calls.get("reused"),
        )


class Judged(NamedTuple):
    """What is known of one call. why: in words. call: as it is stored. nearest: to a miss, if any is."""

    verdict: Verdict
    why: str
    call: Call | None = None
    nearest: Nearest | None = None


def judge(connection: sqlite3.Connection, path: Path, key: str, asked: Asked) -> Judged:
    """Look a journal key up, and say whether it was there before the stage began.

    A miss goes through the whole journal for the call that comes nearest: see misses.py.

    Raises:
        DatagenError: the journal is damaged.
    """
    with told(path):
        call = maintenance.find(connection, key)
        if call is None:
            why = f"the journal {path} does not hold it: it was pruned, failed, or asked with another journal"
            return Judged("absent", why)
        if not call.is_sound():
            raise DamagedJournal(path, f"the call {key[:_SHOWN]} is not as it was stored")
        verdict = _verdict(call, asked)
        if verdict != "miss":
            return Judged(verdict, _why(verdict, call, asked), call)
        before = time.strftime(_FORMAT, time.gmtime(asked.began))
        nearest = misses.nearest(connection, call, before, asked.plans)
    return Judged(verdict, _why_missed(nearest), call, nearest)


def _verdict(call: Call, asked: Asked) -> Verdict:
    made = _seconds(call.made)
    if made > asked.ended:
        return "unknown"  # removed since, and asked once more
    if asked.asked == 0:
        return "hit"
    if asked.reused == 0:
        return "miss"
    if made + 1.0 <= asked.began or (call.plan and call.plan not in asked.plans):
        return "hit"
    # Of what one plan bought, an interrupted run's calls are older than a second as a rule.
    return "miss" if made >= asked.began + 1.0 or call.plan else "unknown"


def _why(verdict: Verdict, call: Call, asked: Asked) -> str:
    if verdict == "hit":
        return f"hit: asked before, on {call.made}, by {_buyer(call, asked)}"
    if _seconds(call.made) > asked.ended:
        return f"asked again on {call.made}, after this was made: what the journal held then is gone"
    return f"hit or miss cannot be told: made on {call.made}, in the second in which the stage began"


def _buyer(call: Call, asked: Asked) -> str:
    if not call.plan:
        return "a run that left no name"
    return "an earlier run of the same plan" if call.plan in asked.plans else f"the plan {call.plan[:_SHOWN]}"


def _why_missed(nearest: Nearest | None) -> str:
    if nearest is None:
        return "miss: no similar call was stored"
    differences = ", ".join(one.words() for one in nearest.differences)
    return (
        f"miss: nothing equal was stored; nearest is {nearest.key[:_SHOWN]} of {nearest.made[:10]}, which"
        f" differs in {differences}"
    )


def _seconds(moment: str) -> float:
    try:
        return float(calendar.timegm(time.strptime(moment, _FORMAT)))
    except (ValueError, TypeError):
        return 0.0
