"""Finds rows that overlap with benchmarks: training on them would make evaluation worthless.

    from decontam import build_indexes, find_overlaps
    from decontam.benchmarks import load

    evidence = find_overlaps(frame, build_indexes(load("humaneval").items))

A *detector* is one module in `detectors/`, a *benchmark* one in `benchmarks/`. The package knows nothing of
the rest of datagen.
"""

from decontam._evidence import SCHEMA as EVIDENCE
from decontam._registry import BrokenEntryPointError
from decontam.overlaps import build_indexes, find_overlaps

__all__ = ["EVIDENCE", "BrokenEntryPointError", "build_indexes", "find_overlaps"]
