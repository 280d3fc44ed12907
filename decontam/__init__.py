"""Finds rows that overlap with benchmarks: training on them would make evaluation worthless.

    from decontam import build_indexes, evidence_of, find_overlaps, matched
    from decontam.benchmarks import load

    evidence = find_overlaps(frame, build_indexes(load("humaneval").items))

A *detector* is one module in `detectors/`, a *benchmark* one in `benchmarks/`, and a *profile* says how sure
a match must be (`profiles.py`). The package knows nothing of the rest of datagen.
"""

from decontam._evidence import SCHEMA as EVIDENCE
from decontam._registry import BrokenEntryPointError
from decontam._verdicts import MATCHES
from decontam.overlaps import build_indexes, evidence_of, find_overlaps, matched
from decontam.profiles import profile

__all__ = [
    "EVIDENCE",
    "MATCHES",
    "BrokenEntryPointError",
    "build_indexes",
    "evidence_of",
    "find_overlaps",
    "matched",
    "profile",
]
