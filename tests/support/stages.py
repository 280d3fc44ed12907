"""Runs a stage from Python, as the command line does, with the options as keywords."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datagen.commands.interrupts import run_calls
from datagen.data import inputs
from datagen.data.dataset import Outcome
from datagen.runs import registry, runner
from datagen.runs.options import from_keywords
from datagen.runs.runner import How


def make(name: str, where: Path | str, out: Path | str, **options: Any) -> Outcome:
    """Make a data set in one process."""
    stage = registry.stage(name)
    chosen = from_keywords(stage.options, name, options)
    return runner.make(stage, inputs.open_source(str(where)), Path(out), chosen, How(run_calls, workers=1))


def survey(name: str, where: Path | str, **options: Any) -> Outcome:
    """What `make` would keep and drop."""
    stage = registry.stage(name)
    chosen = from_keywords(stage.options, name, options)
    return runner.survey(stage, inputs.open_source(str(where)), chosen, How(run_calls, workers=1))
