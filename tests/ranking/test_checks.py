"""Whether a test says something of the function, with tests as models write them."""

from __future__ import annotations

import ast

import pytest

from datagen.ranking.checks import CHECKS_NOTHING, NOT_CALLED, fault, wanted_names

SAYS = [
    "assert f(1) == 2",
    "assert not f(1)",
    "assert math.isclose(f(1), 2)",
    "got = f(1)\nassert got == 2",
    "a = [2, 1]\nf(a)\nassert a == [1, 2]",
    "candidate = f\nassert candidate(1) == 2",
    "assert list(map(f, [1])) == [2]",
    "assert sorted([1, 2], key=f)[0] == 2",
    "def check(candidate):\n    assert candidate(1) == 2\ncheck(f)",
    "def test_it():\n    assert f(1) == 2\ntest_it()",
    "class TestIt:\n    def test_it(self):\n        assert f(1) == 2\nTestIt().test_it()",
    "try:\n    f(-1)\n    assert False\nexcept ValueError:\n    pass",
    "try:\n    f(-1)\nexcept ValueError:\n    raised = True\nassert raised",
    "for x in range(3):\n    assert f(x) == x + 1",
    "for got in f(1):\n    assert got",
    "assert all(f(x) for x in [1])",
    "assert (got := f(1)) and got == 2",
    "results = []\nresults.append(f(1))\nassert results == [2]",
    "results = {}\nresults[1] = f(1)\nassert results == {1: 2}",
    "helper = lambda x: f(x)\nassert helper(1) == 2",
    "assert f(1) == 2\nassert True",
]
NOTHING = [
    "f(1)\nassert True",
    "f(1)\nassert 1 == 1",
    "got = f(1)\nassert 2 == 2",
    'assert (f(1) == 2, "message")',
    "assert f(1) == f(1)",
    "assert f(1) == 2 or True",
    "f(1)",
    "x = f(1)\ndef test():\n    assert x == 2",
    "y = 3\nf(1)\nassert y == 3",
]
UNCALLED = [
    "assert True",
    "assert f is not None",
    "assert callable(f)",
    "assert g(1) == 2",
    "assert f == 2",
    "def f(x):\n    return 2\nassert f(1) == 2",
    "f = lambda x: 2\nassert f(1) == 2",
    "def test_it():\n    assert f(1) == 2",
    "f.cache = 1\nassert f.cache == 1",
]


@pytest.mark.parametrize("test", SAYS)
def test_what_says_something(test):
    """An assert depends on what the function gave, changed or raised."""
    assert fault(ast.parse(test), {"f"}) == ""


@pytest.mark.parametrize("test", NOTHING)
def test_what_checks_nothing(test):
    """The function is called, but no assert can fail by what it gives."""
    assert fault(ast.parse(test), {"f"}) == CHECKS_NOTHING


@pytest.mark.parametrize("test", UNCALLED)
def test_what_does_not_call_the_function(test):
    """Naming it is no call; a function of the test's own, or one that nobody calls, is none either."""
    assert fault(ast.parse(test), {"f"}) == NOT_CALLED


@pytest.mark.parametrize(
    ("entry_point", "codes", "names"),
    [
        ("f", ["def g(): ..."], {"f"}),
        (" Solution().run ", [], {"Solution"}),
        (None, ["def f(): ...\ndef g(): ...", "def f(): ...", "class A: ..."], {"f"}),
        ("", ["def f(): ...", "def g(): ..."], {"f", "g"}),
        (None, ["def f(", "x = 1"], set()),
        ("!", ["def f(): ..."], {"f"}),
    ],
)
def test_names_that_a_test_has_to_call(entry_point, codes, names):
    """The entry point, else what most answers define, else whatever they define."""
    assert wanted_names(entry_point, codes) == names


def test_methods_of_a_class_that_is_asked_for():
    """An entry point may be a method; then the class is what has to be used."""
    assert fault(ast.parse("s = Solution()\nassert s.run(1) == 2"), {"Solution"}) == ""
    assert fault(ast.parse("s = Stack()\ns.push(1)\nassert len(s.items) == 1"), {"Stack"}) == ""
