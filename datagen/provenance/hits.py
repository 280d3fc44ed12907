"""Whether a call of a stage was in the journal before (a hit) or was made (a miss), and why."""

from __future__ import annotations

import calendar
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from datagen.journal import maintenance
from datagen.journal.damage import DamagedJournal, errors_explained
from datagen.journal.maintenance import Call
from datagen.provenance import misses
from datagen.provenance.misses import NearestCall

Verdict = Literal["hit", "miss", "unknown", "absent"]
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_SHOWN = 12


class StageCalls(NamedTuple):
    """The calls of a stage: their number, and the time in which they were made.

    Args:
        began: in seconds since 1970, to within a second, because the manifest holds whole seconds.
        ended: likewise.
        plans: the keys of the stage's own plan and of its run's.
        asked: how many calls were made; None if not known.
        reused: how many answers came from the journal; None if not known.
    """

    began: float
    ended: float
    plans: frozenset[str]
    asked: int | None
    reused: int | None

    @classmethod
    def of(cls, stage: Mapping[str, Any], whole: Mapping[str, Any]) -> StageCalls:
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


class CallLookup(NamedTuple):
    """What the journal says of one call.

    Args:
        verdict: whether the call was there before the stage began.
        why: the reason, in words.
        call: as it is stored; None if the journal does not hold it.
        nearest: the stored call that comes nearest to a miss, if any is similar.
    """

    verdict: Verdict
    why: str
    call: Call | None = None
    nearest: NearestCall | None = None


def look_up(connection: sqlite3.Connection, path: Path, key: str, calls: StageCalls) -> CallLookup:
    """What the journal says of a call: whether it was there before the stage began, and why not.

    A miss is compared with the whole journal: see misses.py.

    Args:
        connection: to the journal.
        path: of the journal, for error lines.
        key: of the call.
        calls: those of the stage.

    Raises:
        DatagenError: the journal is damaged.
    """
    with errors_explained(path):
        call = maintenance.find(connection, key)
        if call is None:
            why = f"the journal {path} does not hold it: it was pruned, failed, or asked with another journal"
            return CallLookup("absent", why)
        if not call.is_sound():
            raise DamagedJournal(path, f"the call {key[:_SHOWN]} is not as it was stored")
        verdict = _verdict(call, calls)
        if verdict != "miss":
            return CallLookup(verdict, _why(verdict, call, calls), call)
        before = time.strftime(_FORMAT, time.gmtime(calls.began))
        nearest = misses.nearest(connection, call, before, calls.plans)
    return CallLookup(verdict, _why_missed(nearest), call, nearest)


def _verdict(call: Call, calls: StageCalls) -> Verdict:
    made = _seconds(call.made)
    if made > calls.ended:
        return "unknown"  # pruned, and made again since
    if calls.asked == 0:
        return "hit"
    if calls.reused == 0:
        return "miss"
    if made + 1.0 <= calls.began or (call.plan and call.plan not in calls.plans):
        return "hit"
    # A call of the stage's own plan, made in the second in which the stage began, counts as the stage's.
    return "miss" if made >= calls.began + 1.0 or call.plan else "unknown"


def _why(verdict: Verdict, call: Call, calls: StageCalls) -> str:
    if verdict == "hit":
        return f"hit: asked before, on {call.made}, by {_buyer(call, calls)}"
    if _seconds(call.made) > calls.ended:
        return f"asked again on {call.made}, after this was made: what the journal held then is gone"
    return f"hit or miss cannot be told: made on {call.made}, in the second in which the stage began"


def _buyer(call: Call, calls: StageCalls) -> str:
    if not call.plan:
        return "a run that left no name"
    return "an earlier run of the same plan" if call.plan in calls.plans else f"the plan {call.plan[:_SHOWN]}"


def _why_missed(nearest: NearestCall | None) -> str:
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
