"""Finds rows that overlap with benchmarks: training on them would make evaluation worthless.

    from decontam import build_indexes, find_overlaps
    from decontam.benchmarks import load

    evidence = find_overlaps(frame, build_indexes(load("humaneval").items))

A *detector* is one module with `index` and `matches`; a *benchmark* is one module in `benchmarks/`. The
package knows nothing of the rest of datagen.
"""

from decontam._evidence import SCHEMA as EVIDENCE
from decontam.overlaps import DETECTORS, build_indexes, find_overlaps

__all__ = ["DETECTORS", "EVIDENCE", "build_indexes", "find_overlaps"]
