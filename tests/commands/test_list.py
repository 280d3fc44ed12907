"""`list`: what there is to choose from."""

from __future__ import annotations

import pytest
from cli import datagen

from datagen.commands.list import KINDS
from datagen.evolution.methods import METHODS
from datagen.overlaps.detectors import known
from datagen.teachers import kinds
from decontam.benchmarks import usages
from rules import RULES

ALL = {
    "rules": [*RULES],
    "teachers": [*kinds()],
    "benchmarks": [*usages().values()],
    "detectors": known(),
    "methods": [method.name for method in METHODS],
}


@pytest.mark.parametrize("what", KINDS)
def test_everything_is_listed(what):
    """Each name has a line of its own that says what it is, the same as with --json."""
    done = datagen("list", what)
    assert (done.code, done.err) == (0, "")
    told = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert [*told] == ALL[what]
    assert all(told.values())
    assert datagen("list", what, "--json").json() == {
        name: " ".join(text.split()) for name, text in told.items()
    }
