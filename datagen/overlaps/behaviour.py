"""Runs the code of rows and of benchmarks for `decontam`, nothing twice; and says what was not run."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import cached_property, partial
from typing import Any, NamedTuple, cast

import polars as pl

import decontam
from datagen import canonical
from datagen.errors import DatagenError
from datagen.journal.verdicts import Verdicts, open_verdicts
from datagen.runs.stage import Over
from datagen.sandbox.screen import VERSION, Found, Screened
from datagen.sandbox.screening import LIMITS, REFERENCES, Screening
from decontam import behaviour, runnable
from decontam._inputs import Input
from decontam.behaviour import Hit
from decontam.benchmarks import Benchmark, Item
from decontam.reverse import Asked, answered, example_evidence
from decontam.runnable import Outcome, function_evidence, screened

#: What to do where running code cannot find anything.
_ANOTHER = "name another one of --detectors beside behaviour"


class Taken(NamedTuple):
    """What can be run of a frame's rows, and all its rows as `row` and `task`."""

    held: runnable.Taken
    rows: pl.DataFrame


class Behaviour:
    """Runs what rows hold, and counts what could not be run.

    Args:
        items: of the benchmarks.
        screening: runs programs; None to run nothing.
        known: what came of programs before.
    """

    def __init__(self, items: Sequence[Item], screening: Screening | None, known: Verdicts | None) -> None:
        self._items = items
        self._solutions = behaviour.solutions_of(items)
        self._screening = screening
        self._known = known
        self._counts: Counter[str] = Counter()
        self._why: Counter[str] = Counter()
        #: Whether code may be run, if this machine can keep it from doing harm.
        self.wanted = screening is not None

    @cached_property
    def _isolation(self) -> str:
        """What the machine grants, once that is known; "" where nothing can be run."""
        with suppress(DatagenError, OSError):  # then nothing is run, and the manifest says so
            return self._screening.isolation if self._screening else ""
        return ""

    @cached_property
    def _runs(self) -> bool:
        return "seccomp" in self._isolation.split("+")

    def check(self) -> None:
        """Nothing where code can be run, and every benchmark has a solution to compare it with.

        Raises:
            DatagenError: this machine cannot keep code from doing harm, or no solution of a benchmark runs.
        """
        if not self._runs:
            raise DatagenError(
                f"this machine grants only {self._isolation or 'nothing'}, and runs no code with that;"
                f" {_ANOTHER}, such as code"
            )
        left = {one.benchmark for one in self._items} - {one.benchmark for one in self._sought}
        if left:
            raise DatagenError(
                f"{min(left)} has no solution that runs and tells something, so running code finds nothing of"
                f" it; {_ANOTHER}, such as words"
            )

    def told(self) -> dict[str, Any]:
        """What was run, and what not, as the manifest says it."""
        counts = {"rows": self._counts["rows"], "not_run": self._counts["not_run"]}
        why = dict(sorted(self._why.items()))
        return {"ran": self._runs, "isolation": self._isolation, **counts, "why": why}

    @cached_property
    def _stored(self) -> list[dict[str, Any]]:
        """What is known of the items, as JSON; only where there is something to compare with it."""
        named = [list(item) for item in self._items]
        reach = partial(self._reach, lambda _: [behaviour.to_json(behaviour.known(self._items, self._run))])
        [stored] = reach([["items", named]])
        return cast(list[dict[str, Any]], stored)

    @cached_property
    def _digest(self) -> str:
        return canonical.sha256(canonical.dumps(self._stored))

    @cached_property
    def _sought(self) -> list[behaviour.Known]:
        """What is known of the items; only where something is run, as it takes a while to read."""
        return behaviour.from_json(self._stored)

    def added(self, evidence: pl.DataFrame, taken: Taken | None) -> pl.DataFrame:
        """The evidence of a frame, and what running its code adds to it."""
        if (
            taken is None
            or not (taken.held.pieces or taken.held.asked or taken.held.unread)
            or not self._runs
        ):
            return evidence
        pieces, asked = taken.held.pieces, taken.held.asked
        outcomes = self._outcomes(list(dict.fromkeys(one.code for one in pieces)))
        self._count(taken, outcomes)
        found = [
            one for piece in pieces for one in function_evidence(piece, outcomes[piece.code], self._solutions)
        ]
        for some, hits in zip(asked, self._answers(asked), strict=True):
            found.extend(example_evidence(some, hits, self._solutions))
        if not found:
            return evidence
        new = pl.DataFrame(found, schema=decontam.EVIDENCE, orient="row")
        new = new.sort("value", descending=True, maintain_order=True)
        new = new.unique(["row", "benchmark", "item", "part"], keep="first", maintain_order=True)
        return pl.concat([evidence, new])

    def _outcomes(self, codes: list[str]) -> dict[str, Outcome]:
        if not codes:
            return {}
        reached = self._reach(
            lambda places: [
                list(one) for one in screened([codes[n] for n in places], self._sought, self._run, self._find)
            ],
            [["program", self._digest, code] for code in codes],
        )
        return {
            code: Outcome(detail, [Hit(*hit) for hit in hits])
            for code, (detail, hits) in zip(codes, reached, strict=True)
        }

    def _answers(self, asked: list[Asked]) -> list[list[Hit]]:
        if not asked:
            return []
        reached = self._reach(
            lambda places: [
                list(hits) for hits in answered([asked[n] for n in places], self._sought, self._run)
            ],
            [["examples", self._digest, repr(one.arguments), repr(one.results)] for one in asked],
        )
        return [[Hit(*hit) for hit in hits] for hits in reached]

    def _run(self, jobs: Sequence[behaviour.Job], **how: bool) -> list[list[Screened]]:
        assert self._screening is not None  # noqa: S101 - nothing runs without it
        return self._screening.run(jobs, **how)

    def _find(self, codes: Sequence[str], inputs: Sequence[Input], sought: behaviour.Sought) -> list[Found]:
        assert self._screening is not None  # noqa: S101 - nothing runs without it
        return self._screening.find(codes, inputs, sought)

    def _reach(self, reach: Callable[[list[int]], list[Any]], what: Sequence[list[Any]]) -> list[Any]:
        """What came of things, as JSON: looked up, else reached, all missing ones at once, and stored."""
        about = {
            "screened": VERSION,
            "python": sys.version_info[:2],
            "limits": [asdict(LIMITS), asdict(REFERENCES)],
            **behaviour.settings(),
        }
        keys = [canonical.sha256(canonical.dumps({**about, "what": one})) for one in what]
        stored = [self._known.get(key) if self._known else None for key in keys]
        missing = [place for place, one in enumerate(stored) if one is None]
        for place, made in zip(missing, reach(missing) if missing else [], strict=True):
            stored[place] = text = canonical.dumps(made)
            try:
                stored[place] = self._known.put(keys[place], text) if self._known else text
            except DatagenError:  # no room for more: the rest is reached anew the next time
                self._known = None
        return [json.loads(one) for one in stored if one is not None]

    def _count(self, taken: Taken, outcomes: Mapping[str, Outcome]) -> None:
        """Count rows of which some code ran, and others that hold code, with the reasons."""
        why = dict.fromkeys(taken.held.unread, "not Python 3, not translated, or needs files")
        for piece in taken.held.pieces:
            detail = outcomes[piece.code].detail
            why[piece.row] = detail and (why.get(piece.row, detail) and detail)
        self._counts["rows"] += sum(not reason for reason in why.values())
        self._counts["not_run"] += sum(bool(reason) for reason in why.values())
        self._why.update(reason for reason in why.values() if reason)


@contextmanager
def running(benchmarks: Sequence[Benchmark], over: Over, *, wanted: bool) -> Iterator[Behaviour]:
    """What runs code, if it is wanted, and if this machine can."""
    items = [item for benchmark in benchmarks for item in benchmark.items]
    if not wanted or os.name != "posix":
        yield Behaviour(items, None, None)
        return
    with ExitStack() as stack:
        known = None
        with suppress(DatagenError):  # it only saves time
            known = stack.enter_context(open_verdicts(over.journal))
        screening = stack.enter_context(Screening(over.workers))
        yield Behaviour(items, screening, known)
