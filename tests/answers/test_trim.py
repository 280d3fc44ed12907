"""Tests, examples and guards behind an answer's code are cut; what the code needs is not."""

from __future__ import annotations

import ast

import pytest
from cost import cost
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datagen.answers.syntax import Trees
from datagen.answers.trim import trim

ADD = "def add(a, b):\n    return a + b"
STACK = "class Stack:\n    def __init__(self):\n        self.items = []"


@pytest.mark.parametrize(
    ("behind", "cut"),
    [
        ("assert add(1, 2) == 3", "tests"),
        ("\n# Tests\nassert add(1, 2) == 3\nassert add(0, 0) == 0", "tests"),
        ("x = add(1, 2)\nassert x == 3, 'wrong'", "tests usage"),
        ("for a, b, c in [(1, 2, 3)]:\n    assert add(a, b) == c", "tests"),
        ("def test_add():\n    assert add(1, 2) == 3\n\ntest_add()", "tests"),
        ("def run_tests():\n    print(add(1, 2) == 3)\n\nrun_tests()", "tests"),
        ("def check(candidate):\n    assert candidate(1, 2) == 3\n\ncheck(add)", "tests"),
        (
            "import unittest\n\nclass TestAdd(unittest.TestCase):\n    def test_it(self):\n"
            "        self.assertEqual(add(1, 2), 3)\n\nif __name__ == '__main__':\n    unittest.main()",
            "tests main-guard",
        ),
        ("class TestAdd:\n    def test_it(self):\n        assert add(1, 2) == 3", "tests"),
        ("import doctest\ndoctest.testmod()", "tests"),
        ("print(add(1, 2))  # 3", "usage"),
        ("add(1, 2)", "usage"),
        ("add(1, 2) == 3", "usage"),
        ("\n# Example usage\na = 1\nb = 2\nprint(add(a, b))\n# Output: 3", "usage"),
        ("'''\nIt is used so:\n'''\nprint(add(1, 2))", "usage"),
        ("a, b = 1, 2; print(add(a, b))", "usage"),
        ("try:\n    add(1, None)\nexcept TypeError as e:\n    print(e)", "usage"),
        ("n = int(input())\nif n > 0:\n    print(add(n, n))", "usage"),
        ("results = []\nfor n in range(3):\n    results.append(add(n, n))\nprint(results)", "usage"),
        ("sum = add(1, 2)\nprint(sum)", "usage"),
        ("if __name__ == '__main__':\n    print(add(1, 2))", "main-guard"),
        ('if "__main__" == __name__:\n    n = int(input())\n    print(add(n, n))', "main-guard"),
        ("def main():\n    print(add(1, 2))\n\nif __name__ == '__main__':\n    main()", "usage main-guard"),
        ("def main():\n    print(add(1, 2))\n\nmain()", "usage"),
    ],
    ids=repr,
)
def test_what_follows_the_wanted_function_is_cut(behind, cut):
    """Behind the wanted function asserts, examples, guards and their drivers go, with their comments."""
    assert trim(f"{ADD}\n{behind}", {"add"}) == (ADD, set(cut.split()))
    assert trim(f"{ADD}\n\n\n{behind}\n", {"add"}) == (ADD, set(cut.split()))


@pytest.mark.parametrize(
    "code",
    [
        "print('hello')",
        "n = int(input())\nprint(n * 2)\nassert n",
        "import sys\nsys.setrecursionlimit(10**6)\n\n" + ADD,
        ADD + "\n\nLIMIT = 3",
        "memo = {}\ndef add(a, b):\n    return memo.get((a, b), a + b)\nmemo[1, 2] = add(0, 3)",
        "def add(a, b):\n    return table[a] + b\n\ntable = [n for n in range(9)]",
        "table = []\ndef fill():\n    table.extend(range(9))\ndef add(a):\n    return table[a]\nfill()",
        "table = []\ndef add(a):\n    return table[a]\nfor n in range(3):\n    table.append(add(n - 1))",
        "def plus(a, b):\n    return a + b\nadd = plus",
        ADD + "\nadd.calls = 0",
        ADD + "\nregister(add)",
        ADD + "\n# It takes strings, too.",
        "print('adding')\n" + ADD,
        "def add(a, b):\n    return tested(a) + b\ndef tested(a):\n    return a",
        "def add(a, b):\n    test_all()\n    return a + b\ndef test_all():\n    assert True",
        ADD + "\nassert __debug__",
        ADD + "\nprint(add(1, 2))\ndef other():\n    return 1",
        "if __name__ == '__main__':\n    print(1)",
        "def add(a):\n    return a + Z\nif __name__ == '__main__':\n    Z = add(1)\nelse:\n    Z = 3",
        ADD + "\nprint 3",
        ADD + "\r\nprint(3)",
        "",
        "# nothing",
    ],
    ids=repr,
)
def test_what_is_needed_stays(code):
    """A program without functions, what a function uses, and what changes others stay."""
    assert trim(code, {"add"}) == (code, set())


def test_function_named_like_a_test_is_code_where_it_is_wanted():
    """`test_add` is no test where the task asks for it, nor where nothing else would be left."""
    tests = "def test_add(add):\n    assert add(1, 2) == 3"
    assert trim(f"{ADD}\n\n{tests}", {"test_add"}) == (f"{ADD}\n\n{tests}", set())
    assert trim(tests, {"add"}) == (tests, set())
    assert trim(f"{tests}\n\ntest_add(max)", {"test_add"}) == (tests, {"usage"})


@pytest.mark.parametrize(
    ("behind", "cut"),
    [
        ("assert add(1, 2) == 3", "tests"),
        ("def test_add():\n    assert add(1, 2) == 3", "tests"),
        ("# Example\nx = 1\nprint(add(x, 2))", "usage"),
        ("# Driver code to test above\nfor n in range(3):\n    print(add(n, n))", "usage"),
        ("if __name__ == '__main__':\n    x = 3\n    print(add(x, 2))", "main-guard"),
        ("if __name__ == '__main__':\n    assert add(1, 2) == 3", "main-guard"),
        ("print(add(1, 2))", ""),
        ("x = 1\nfor n in range(3):\n    print(add(x, n))", ""),
        ("def main():\n    print(add(1, 2))\n\nif __name__ == '__main__':\n    main()", ""),
        ("if __name__ == '__main__':\n    print(add(int(input()), 2))", ""),
        ("if __name__ == '__main__':\n    app = make(add)\n    app.run()", ""),
        ("if __name__ == '__main__':\n    while True:\n        print(add(1, 2))", ""),
        ("# Test\nlist = [1]\nadd(list, list)\nprnt(list)", ""),
    ],
    ids=repr,
)
def test_without_a_wanted_function_a_program_keeps_its_work(behind, cut):
    """Where no function is known to be wanted, only what cannot be the program's output goes."""
    code = f"{ADD}\n\n{behind}"
    assert trim(code) == ((ADD, set(cut.split())) if cut else (code, set()))


def test_a_driver_at_the_end_goes_where_another_function_is_wanted():
    """A function at the end that only shows the wanted one is cut, though nothing stands behind it."""
    assert trim(f"{ADD}\n\ndef main():\n    print(add(1, 2))", {"add"}) == (ADD, {"usage"})


def test_examples_of_a_class_go_with_its_instances():
    """What is called on an instance made behind the class is an example of it."""
    behind = "s = Stack()\ns.push(1)\ns.items[0].x = 2\nprint(s.items)"
    assert trim(f"{STACK}\n\n{behind}", {"Stack"}) == (STACK, {"usage"})


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("def f():\n\treturn 1  # one\n\n# Example\nprint(f())", "def f():\n\treturn 1  # one"),
        ("def f():\n    return 1\n    # done\n# Example\nprint(f())", "def f():\n    return 1\n    # done"),
        ("def f():\n    return 1\n# O(1)\n\n# Example\nprint(f())", "def f():\n    return 1\n# O(1)"),
        ("def f():\n    return 1\nprint(f())\nX = 'é'  # kept\n", "def f():\n    return 1\nX = 'é'  # kept"),
        ("def f():\n    return 1\nX = 1; print(f())", "def f():\n    return 1\nX = 1; print(f())"),
        ("def f():\n    return 'é\x0c'\n\x0c\nprint('é'); f()", "def f():\n    return 'é\x0c'"),
    ],
    ids=repr,
)
def test_what_stays_is_unchanged(code, left):
    """Lines, tabs and comments of what stays are as they were; a comment goes with what it speaks of."""
    assert trim(code, {"f"}).text == left


_STATEMENTS = st.sampled_from(
    [
        *(
            "def f(n):\n    return n",
            "def g(n):\n    return f(n) + X",
            "def main():\n    print(f(1))",
            "X = 3",
        ),
        *("class A:\n    def f(self):\n        pass", "def test_f():\n    assert f(1)", "print(f(2)); y = 2"),
        *(
            "assert f(1) == 1",
            "print(x)",
            "x = f(1)",
            "x = X",
            "f(1)",
            "# Example",
            "",
            "X += 1",
            "import math",
        ),
        *("if __name__ == '__main__':\n    main()", "for n in range(3):\n    print(f(n))", "x.append(f(1))"),
        *("y = 1", "print(math.pi, y)", "'text'", "f = g", "del x", "a = A()", "a.f()", "x = 1; y = x", "\\"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_STATEMENTS, max_size=12), st.sampled_from([(), ("f",), ("g",), ("A", "x"), ("missing",)]))
@example(
    [
        *("del x", "for n in range(3):\n    print(f(n))", "def test_f():\n    assert f(1)"),
        *("f = g", "f(1)"),
    ],
    ("A", "x"),
)
def test_trimmed_once_is_trimmed_for_good(statements, wanted):
    """What is left compiles, holds what was wanted, and has nothing more to cut."""
    code = "\n".join(statements)
    trees = Trees()
    left = trim(code, wanted, trees)
    known = trees.known(left.text)
    if isinstance(known, ast.Module):
        assert ast.dump(known, include_attributes=True) == ast.dump(
            ast.parse(left.text), include_attributes=True
        )
    assert trim(left.text, wanted) == (left.text, set())
    assert left.cut or left.text == code
    if left.cut:
        ast.parse(left.text)
        lines = iter(code.split("\n"))
        assert all(line.rstrip() in map(str.rstrip, lines) for line in left.text.split("\n"))


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    pass\n" + "x = 1\n" * 10_000,
        "def f():\n    pass\n" + "f();" * 15_000,
        "def f():\n    pass\n" + "".join(f"x{n} = f(x{n - 1})\n" for n in range(3000)) + "print(x2999)",
        "".join(f"x{n} = {n}\n" for n in range(2000))
        + "def f(): x1\n"
        + "".join(f"y{n} = f(y)\n" for n in range(2000)),
        "def f():\n    pass\nprint(" + "f()." * 2000 + "x)",
        "def f():\n    pass\nprint(" + "-" * 3000 + "f())",
        "def f():\n    pass\n" + "# test\n\n" * 7000 + "print(f())",
        "def f(): pass\n" * 4000,
        "def test():\n assert f()\n" * 2500,
    ],
    ids=lambda code: code[-20:],
)
def test_long_sources_are_cheap(code):
    """The time grows with the source, not with its square."""
    assert cost(lambda: trim(code, {"f"})) < 100
