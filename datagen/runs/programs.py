"""What a stage that runs programs is told of them: their limits, and whether less isolation will do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from datagen.runs import values
from datagen.runs.options import option
from datagen.sandbox.verdict import DEFAULT, Limits


@dataclass(frozen=True, kw_only=True)
class ProgramOptions:
    """The options of every stage that runs programs; see `Limits`."""

    test_seconds: float = option(
        DEFAULT.test_seconds,
        type=values.POSITIVE,
        metavar="SECONDS",
        help="CPU time of one test, and of loading a program.",
    )
    cpu_seconds: float = option(
        DEFAULT.cpu_seconds,
        type=values.POSITIVE,
        metavar="SECONDS",
        help="CPU time of a program with all its tests.",
    )
    wall_seconds: float = option(
        DEFAULT.wall_seconds,
        type=values.POSITIVE,
        metavar="SECONDS",
        help="Time by the clock of a program with all its tests.",
    )
    memory_mb: int = option(
        DEFAULT.memory_mb, type=values.whole(64, 1 << 20), metavar="MB", help="Memory of a program."
    )
    output_bytes: int = option(
        DEFAULT.output_bytes, type=values.whole(1, 1 << 30), metavar="BYTES", help="What it may print."
    )
    file_mb: int = option(
        DEFAULT.file_mb, type=values.whole(1, 1 << 16), metavar="MB", help="What its files may hold."
    )
    unsafe_run: bool = option(
        False, decides=False, help="Run programs though this machine can hardly keep them apart."
    )


_LIMITS = tuple(field.name for field in fields(ProgramOptions) if field.name != "unsafe_run")


def limits_of(options: Any) -> Limits:  # noqa: ANN401 - a stage's options, which have those above
    """The limits that a stage's options name."""
    return Limits(**{name: getattr(options, name) for name in _LIMITS})
