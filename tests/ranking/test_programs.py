"""Tests taken apart: what is run before them, and what each of them is."""

from __future__ import annotations

import pytest

from datagen.ranking.programs import is_python, suite_of

HUMANEVAL = """

METADATA = {'author': 'us', 'dataset': 'test'}


def check(candidate):
    # two cases
    assert candidate(1, 2) == 3
    assert candidate([
        1,
    ], [2]) == [1, 2], "lists"
    assert True, "always"

"""
LOOP = "def check(candidate):\n    for n in range(3):\n        assert candidate(n, 0) == n\n"


def run(suite, code):
    """How many tests of a suite hold for code, run in one namespace as a sandbox would."""
    names: dict[str, object] = {}
    exec(code, names)
    exec(suite.setup, names)
    held = 0
    for test in suite.tests:
        try:
            exec(test, names)
        except Exception:
            continue
        held += 1
    return held, len(suite.tests)


ADD = "def add(a, b):\n    return a + b\n"
ONLY_NUMBERS = "def add(a, b):\n    return a + b if isinstance(a, int) else None\n"


@pytest.mark.parametrize(
    ("sources", "tests"),
    [
        (["assert add(1, 2) == 3", "assert add(0, 0) == 0"], 2),
        (["assert add(1, 2) == 3\nassert add(0, 0) == 0\n"], 2),
        (["assert add(1, 2) == 3; assert add(0, 0) == 0\r\nassert add(1, 1) == 2"], 3),
        (["import math\nassert math.isclose(add(0.1, 0.2), 0.3)", "assert add(1, 2) == 3"], 2),
        (["x = 1\nassert add(x, 2) == 3\nx = 2\nassert add(x, 2) == 4"], 1),
        (["got = add(1, 2)\nassert got == 3"], 1),
        (["for n in range(3):\n    assert add(n, 0) == n"], 1),
        (["def test_add():\n    assert add(1, 2) == 3\n\ndef test_more():\n    assert add(2, 2) == 4"], 2),
        ([HUMANEVAL], 2),
        ([HUMANEVAL + "\ncheck(add)\n"], 2),
        ([LOOP], 1),
        ([HUMANEVAL, LOOP], 3),
        (["def close(a, b):\n    return abs(a - b) < 1\nassert close(add(1, 2), 3)"], 1),
        (
            [
                "def one():\n    return 1\nassert add(one(), 0) == 1",
                "def one():\n    return 2\nassert add(one(), 0) == 2",
            ],
            2,
        ),
        (["n = int('3')\nn += 1", "assert add(n, 0) == 4"], 1),
        (["try:\n    add(1, '')\nexcept TypeError:\n    pass\nelse:\n    raise ValueError"], 1),
        (["assert math.floor(add(1.5, 0)) == 1"], 1),
    ],
)
def test_right_answer_satisfies_all(sources, tests):
    """Whatever form tests have, each assert is one, and a right answer satisfies all."""
    assert run(suite_of(sources, "add"), ADD) == (tests, tests)


def test_answers_satisfy_some_of_humanevals_asserts():
    """The asserts of `check(candidate)` are told apart."""
    assert run(suite_of([HUMANEVAL], "add"), ONLY_NUMBERS) == (1, 2)


def test_wrong_answer_fails_each():
    """A function that returns nothing satisfies none of them."""
    sources = [HUMANEVAL, LOOP, "def test_add():\n    assert add(1, 2) == 3"]
    assert run(suite_of(sources, "add"), "def add(a, b):\n    pass\n") == (0, 4)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# nothing",
        "import math",
        "'text'",
        "x = 1",
        "x = int('1')",
        "def check(candidate):\n    pass",
        "class A:\n    pass",
    ],
)
def test_what_checks_nothing_is_no_test(source):
    """Definitions, comments and texts alone give no test, nor does an empty `check`."""
    assert suite_of([source], "f").tests == ()


def test_methods_are_tested():
    """An entry point may be a method, as LeetCode has them."""
    code = "class Solution:\n    def add(self, a, b):\n        return a + b\n"
    assert run(suite_of([HUMANEVAL], "Solution().add"), code) == (2, 2)


@pytest.mark.parametrize("entry_point", ["not a name!", "", None, "a\nb", "__import__('os')"])
def test_any_entry_point(entry_point):
    """What a data set calls the entry point never raises here."""
    suite_of([HUMANEVAL], entry_point)


@pytest.mark.parametrize(
    "source",
    [
        "a = [3, 1]\nf(a)\nassert a == [1, 3]",
        "a = [3, 1]\nassert f(a) is None\nassert a == [1, 3]",
        "a = {'k': [2, 1]}\nassert f(a['k']) is None\nassert a['k'] == [1, 2]\nassert len(a) == 1",
    ],
)
def test_what_changes_an_argument_stays_with_what_looks_at_it(source):
    """An argument that is sorted in place is looked at in the same test."""
    assert suite_of([source]).tests == (source,)


def test_is_python():
    """Prose is no Python; an assert with Windows line ends is."""
    assert is_python("assert f(1)\r\nassert f(2)\r\n")
    assert not is_python("assert that f of one is two")
    assert not is_python("assert f(")


def test_repeated_tests_count_once():
    """The same assert from several rows is one test."""
    assert suite_of(["assert f(1)", "assert f(1)\n"]).tests == ("assert f(1)",)
