"""Which tests are trusted, and which of those that models wrote can say anything, before anything is run."""

from __future__ import annotations

import pytest

from datagen.ranking import trust
from datagen.ranking.trust import basis_of, by_reason, different


def row(tests=None, written=None, entry_point="f"):
    entries = None if written is None else [{"author": "a", "test": test} for test in written]
    return {"tests": tests, "generated_tests": entries, "entry_point": entry_point}


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
        ([row(written=["assert f(1)", "assert g(1)", "assert 1 == 1"])], "", {"not-called": 2}),
        ([row(written=["assert f(1)", "f(1)\nassert True"])], "", {"checks-nothing": 1, "not-called": 1}),
    ],
)
def test_what_cannot_be_used_is_counted(rows, problem, removed):
    """A task without any test that can be run has a problem; single tests are removed by reasons."""
    basis = basis_of(rows)
    assert (basis.problem, by_reason(basis.removed)) == (problem, removed)


def test_what_is_removed_is_told_by_author():
    """Who wrote a test that cannot be used is counted with the reason; tests of the input have no author."""
    basis = basis_of([row(written=["it adds", "assert f(1)"]), row(written=["assert True"])])
    assert basis.removed == {("a", "no-python"): 1, ("a", "not-called"): 1}
    assert basis_of([row(tests=["it adds"])]).removed == {(None, "no-python"): 1}


def test_without_entry_point_the_function_is_one_that_answers_share():
    """A test has to call what most answers define."""
    rows = [row(written=["assert f(1)", "assert helper(1)"], entry_point=None) for _ in range(3)]
    codes = [
        "def f(x): return 1",
        "def f(x): return helper(x)\ndef helper(x): return x",
        "def f(x): return 2",
    ]
    for one, code in zip(rows, codes, strict=True):
        one["code"] = code
    basis = basis_of(rows)
    assert [one.test for one in basis.written] == ["assert f(1)"]
    assert by_reason(basis.removed) == {"not-called": 1}


def test_different_answers():
    """Comments and layout make no other answer; what does not parse is compared as text; no code is none."""
    codes = [
        "def f(): return 1",
        "def f():\n    # one\n    return 1\n",
        "def f(): return 2",
        "def f(",
        "def f(",
        " ",
    ]
    assert different(codes) == [codes[0], codes[2], codes[3]]


def test_policy_is_part_of_the_plan():
    """A change of what is trusted makes ranked sets anew."""
    assert isinstance(trust.POLICY, int)
