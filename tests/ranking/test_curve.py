"""Answers tell right tests from planted wrong ones: a small slice of what `bench/test_trust.py` measures."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import pytest

from decontam.benchmarks import load

BENCH = Path(__file__).parents[2] / "bench/test_trust.py"
MBPP = Path(__file__).parents[3] / "shared/data/mbpp.jsonl"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("trust_bench", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def shares(bench, folder, spec, count):
    found = bench.measured(load(spec).items[:count], folder / "journal.sqlite")
    assert len(found) > count / 2
    for right in (8, 5, 3):
        kept, removed = bench.shares(found, "ours", right, same=False, draws=3)
        assert kept >= 0.98, (spec, right)
        assert removed >= 0.95, (spec, right)
        kept, _ = bench.shares(found, "majority", right, same=False, draws=3)
        assert kept < 0.98 or right > 4


def test_humaneval(bench, tmp_path):
    """With three right answers of eight, 98 % of the right tests stay and 95 % of the wrong ones go."""
    shares(bench, tmp_path, "humaneval", 7)


@pytest.mark.slow
def test_mbpp(bench, tmp_path):
    """The same with MBPP's three asserts a task."""
    if not MBPP.exists():
        pytest.skip("MBPP is not here (../shared/data/mbpp.jsonl)")
    shares(bench, tmp_path, f"mbpp:{MBPP}", 40)


def test_what_is_planted_is_wrong_and_seeded(bench):
    """Each changed assert differs from the real one, and the same item gives the same ones."""
    for item in load("humaneval").items[:30]:
        task = bench.tasks_of(item, random.Random(1))
        assert task == bench.tasks_of(item, random.Random(1))
        assert all(test != task.real[number] for number, test in task.planted.items())
        assert len(task.planted) <= max(1, round(0.3 * len(task.real)))
