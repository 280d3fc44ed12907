"""What a program may use, and what running it against its tests showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from datagen.errors import DatagenError

#: What can come of a program, from bad to good.
STATUSES = ("compile_error", "runtime_error", "partial", "all_passed")


@dataclass(frozen=True)
class Limits:
    """What one program with all its tests may use. A verdict depends on it, so it is part of a journal key.

    Args:
        cpu_seconds: CPU time of the program and its tests together.
        wall_seconds: time by the clock; generous, so that a busy machine changes no verdict.
        test_seconds: CPU time of one test, and of loading the program.
        memory_mb: address space of a process.
        output_bytes: what the program may print.
        file_mb: what its temporary folder may hold.
        value_mb: size of one argument or result on its way between program and tests.
        restarts: how often a program that died or ran too long is started again for its other tests.
    """

    cpu_seconds: float = 10.0
    wall_seconds: float = 30.0
    test_seconds: float = 5.0
    memory_mb: int = 2048
    output_bytes: int = 1 << 20
    file_mb: int = 64
    value_mb: int = 16
    restarts: int = 8

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 < value < 1 << 40 and not (name == "restarts" and value == 0):
                raise DatagenError(f"limit {name}={value}: it has to be a number above 0")

    def to_json(self) -> dict[str, Any]:
        """The limits by their names."""
        return asdict(self)


#: What a program may use where nobody says otherwise.
DEFAULT = Limits()


class Outcome(NamedTuple):
    """What one test showed.

    Args:
        passed: the test raised nothing.
        detail: "" or why not: "AssertionError", "TypeError: ...", "timeout", "memory", "not_plain", "killed".
    """

    passed: bool
    detail: str = ""


class Verdict(NamedTuple):
    """What a program did with its tests.

    Args:
        status: one of STATUSES.
        pass_ratio: tests passed by tests given, 0.0 to 1.0.
        outcomes: one for each test, in their order.
        detail: why the status is what it is: the first failure, or "".
        isolation: what the machine granted, such as "namespaces+seccomp+rlimits".
        output_tail: the end of what a program wrote to stderr, or wrote to stdout and flushed, if it raised
            while it was loaded, or ended; else "". What is not printable is escaped as Python does it.
    """

    status: str
    pass_ratio: float
    outcomes: tuple[Outcome, ...]
    detail: str
    isolation: str
    output_tail: str = ""

    def to_json(self) -> dict[str, Any]:
        """The verdict in types that JSON knows."""
        return {**self._asdict(), "outcomes": [list(outcome) for outcome in self.outcomes]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Verdict:
        """The verdict that `to_json` wrote."""
        outcomes = tuple(Outcome(bool(passed), str(detail)) for passed, detail in value["outcomes"])
        return cls(
            str(value["status"]),
            float(value["pass_ratio"]),
            outcomes,
            str(value["detail"]),
            str(value["isolation"]),
            str(value.get("output_tail", "")),  # verdicts of older versions have none
        )


#: Details of a test that say "its result is wrong", not "it broke".
_WRONG = "AssertionError"


def judged(outcomes: Sequence[Outcome], isolation: str) -> Verdict:
    """The verdict on a program that compiles, from the outcome of each test."""
    passed = sum(outcome.passed for outcome in outcomes)
    if passed == len(outcomes):
        return Verdict("all_passed", 1.0, tuple(outcomes), "", isolation)
    failures = [outcome.detail for outcome in outcomes if not outcome.passed]
    broke = [detail for detail in failures if not detail.startswith(_WRONG)]
    status = "runtime_error" if broke and not passed else "partial"
    detail = broke[0] if status == "runtime_error" else failures[0]
    return Verdict(status, passed / len(outcomes), tuple(outcomes), detail, isolation)
