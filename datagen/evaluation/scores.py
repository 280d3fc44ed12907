"""What an evaluation found, as the entries of its manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datagen.calls import usage
from datagen.data.manifest import Entry, maps_to
from datagen.data.source import Row
from datagen.evaluation import pass_at_k
from datagen.evaluation.pass_at_k import Tried


@dataclass
class Scores:
    """Adds up rows; pass@k is told only when all samples are there.

    Args:
        ks: of pass@k.
        expected: how many samples there should be.
    """

    ks: Sequence[int]
    expected: int
    _samples: Counter[str] = field(default_factory=Counter)
    _passed: Counter[str] = field(default_factory=Counter)
    _status: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Sequence[Row]) -> None:
        """Count judged samples."""
        for row in rows:
            self._samples[row["task_id"]] += 1
            self._passed[row["task_id"]] += row["passed"]
            self._status[row["status"]] += 1

    def fill(self, entries: dict[str, Any]) -> None:
        """Write what is known now into a manifest's entries."""
        found = self._samples.total()
        tasks = [Tried(count, self._passed[task]) for task, count in self._samples.items()]
        shares = {} if found < self.expected else {k: pass_at_k.mean(tasks, k) for k in self.ks}
        entries["pass_at_k"] = {str(k): round(share, 9) for k, share in shares.items()}
        entries["standard_error"] = {
            str(k): round(pass_at_k.standard_error(share, len(tasks)), 9) for k, share in shares.items()
        }
        entries["status"] = dict(self._status)
        entries["samples"] = {
            "expected": self.expected,
            "judged": found,
            "missing": self.expected - found,
            "passed": self._passed.total(),
            "tasks": len(tasks),
        }


def _lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    about, samples = manifest["benchmark"], manifest["samples"]
    yield (
        f"  {about['name']}: {samples['tasks']:,} of {about['tasks']:,} tasks attempted,"
        f" {samples['judged']:,} samples, {samples['passed']:,} passed"
    )
    for k, share in manifest["pass_at_k"].items():
        error = manifest["standard_error"][k]
        yield f"  pass@{k}: {share:.4f} (binomial standard error {error:.4f})"
    if samples["missing"]:
        yield (
            f"  no pass@k: {samples['missing']:,} of {samples['expected']:,} samples are missing,"
            " because their calls failed"
        )


def _status_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["status"]:
        yield "  programs: " + ", ".join(f"{name} {count:,}" for name, count in manifest["status"].items())


def _isolation_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["isolation"]:
        yield f"  isolation: {', '.join(manifest['isolation'])}"


def _card(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield from (line.strip() + "\n" for line in _lines(manifest))


ENTRIES = (
    Entry("pass_at_k", is_valid=lambda value: maps_to((int, float), value), lines=_lines, card=_card),
    Entry("standard_error", is_valid=lambda value: maps_to((int, float), value)),
    Entry("status", is_valid=lambda value: maps_to(int, value), lines=_status_lines),
    Entry("samples", is_valid=lambda value: maps_to(int, value)),
    Entry("benchmark", is_valid=lambda value: isinstance(value, dict)),
    Entry("isolation", is_valid=lambda value: maps_to(int, value), lines=_isolation_lines),
    *usage.ENTRIES,
)
