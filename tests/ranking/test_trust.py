"""Which tests are trusted, and which are kept because answers agree with them."""

from __future__ import annotations

import pytest

from datagen.ranking import trust
from datagen.ranking.trust import Written, agreed, basis_of, different
from datagen.sandbox.verdict import Outcome, Verdict


def row(tests=None, written=None, entry_point="f"):
    entries = None if written is None else [{"author": "a", "test": test} for test in written]
    return {"tests": tests, "generated_tests": entries, "entry_point": entry_point}


def verdict(*passed, status="partial"):
    outcomes = tuple(Outcome(one, "" if one else "AssertionError") for one in passed)
    return Verdict(status, sum(passed) / max(1, len(passed)), outcomes, "", "none")


def test_tests_of_the_input_are_trusted():
    """They stand before what models wrote, whichever row of the task brings them."""
    basis = basis_of([row(written=["assert f(1)"]), row(tests=["assert f(2)", "assert f(3)"])])
    assert basis.suite.tests == ("assert f(2)", "assert f(3)")
    assert (basis.written, basis.problem, basis.removed) == ((), "", {})


@pytest.mark.parametrize(
    ("rows", "problem", "removed"),
    [
        ([row()], "no-tests", {}),
        ([row(tests=[])], "no-tests", {}),
        ([row(tests=[""]), row(tests=[None])], "no-tests", {}),
        ([row(tests=["it adds"])], "tests-no-python", {"no-python": 1}),
        ([row(tests=["x = 1"])], "no-tests", {"checks-nothing": 1}),
        ([row(tests=["it adds", "assert f(1)"])], "", {"no-python": 1}),
        ([row(written=["it adds"])], "tests-no-python", {"no-python": 1}),
        ([row(written=["f(1)"])], "no-tests", {"checks-nothing": 1}),
        ([row(written=["assert f(1)", "assert  f( 1 )", "it adds"])], "", {"repeated": 1, "no-python": 1}),
        ([row(written=["assert f(1)"]), row(written=["assert f(1)"])], "", {}),
    ],
)
def test_what_cannot_be_used_is_counted(rows, problem, removed):
    """A task without any test that can be run has a problem; single tests are removed by reasons."""
    basis = basis_of(rows)
    assert (basis.problem, basis.removed) == (problem, removed)


TWO = [Written("a", "assert f(1)"), Written("b", "assert f(2)")]


@pytest.mark.parametrize(
    ("verdicts", "kept", "removed"),
    [
        ([verdict(True, True)] * 3, [0, 1], {}),
        ([verdict(True, False)] * 3, [0], {"answers-disagree": 1}),
        ([verdict(True, True), verdict(True, False), verdict(False, False)], [0], {"answers-disagree": 1}),
        ([verdict(True, True)] * 2 + [verdict(False, False)] * 2, [], {"answers-disagree": 2}),
        ([verdict(True, True)] * 2, [], {"too-few-answers": 2}),
        ([], [], {"too-few-answers": 2}),
        ([verdict(True, True)] * 2 + [verdict(status="compile_error")], [], {"too-few-answers": 2}),
        ([verdict(True, True)] * 3 + [verdict(status="compile_error")] * 4, [0, 1], {}),
        ([verdict(True, True)] * 3 + [verdict(status="runtime_error")] * 3, [], {"answers-disagree": 2}),
    ],
)
def test_most_answers_must_agree(verdicts, kept, removed):
    """More than half of at least three answers that compile; half of them is not enough."""
    found, lost = agreed(TWO, verdicts)
    assert ([TWO.index(one) for one in found], lost) == (kept, removed)


def test_different_answers():
    """Comments and layout make no other answer; what does not parse is compared as text."""
    codes = [
        "def f(): return 1",
        "def f():\n    # one\n    return 1\n",
        "def f(): return 2",
        "def f(",
        "def f(",
    ]
    assert different(codes) == [codes[0], codes[2], codes[3]]


def test_policy_is_part_of_the_plan():
    """A change of what is trusted makes ranked sets anew."""
    assert isinstance(trust.POLICY, int)
