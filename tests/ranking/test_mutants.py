"""Programs with one point changed."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.answers.syntax import normalised
from datagen.ranking.mutants import mutants, of_answers

CODE = """def f(xs: list[int], most: int = 3) -> int:
    \"\"\"Add 1 to all.\"\"\"
    total = 0
    for x in xs:
        if x < most and x not in (1, 2):
            total += x * 2
        else:
            continue
    return total
"""


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a == b", {"a != b"}),
        ("a in b", {"a not in b"}),
        ("a + b", {"a - b"}),
        ("a and b", {"a or b"}),
        ("not a", {"a"}),
        ("-a", {"a"}),
        ("f(2)", {"f(3)", "f(1)"}),
        ("True", {"False"}),
        ("g(a) if a else b", {"g(a) if not a else b"}),
        ("[x for x in a if x]", {"[x for x in a if not x]"}),
        ("'text'", set()),
        ("f'{1 + 2}'", set()),
    ],
)
def test_changes_of_an_expression(code, changed):
    """Comparisons, numbers, operators and conditions are changed, texts are not."""
    found = mutants(f"x = {code}", 50)
    assert {*found} == {f"x = {one}" for one in changed} | {"pass"}


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("def f():\n    return x", {"return None"}),
        ("def f():\n    return None", set()),
        ("def f():\n    x += y", {"x -= y", "pass"}),
        ("def f():\n    raise E", {"pass"}),
        ("def f():\n    g()", {"pass"}),
        ('def f():\n    "1 < 2"', set()),
        ("import x", set()),
        ("@g(1)\ndef f(x: 1) -> 2: ...", set()),
        ("if __name__ == '__main__':\n    print(f(1) + 1)", set()),
        ("def f(", set()),
        ("", set()),
    ],
)
def test_changes_of_a_statement(code, changed):
    """Results are replaced and statements deleted; docstrings, imports, annotations and the guard stay."""
    assert {one.split("\n")[-1].strip() for one in mutants(code, 50)} == changed


def test_each_mutant_is_another_program():
    """No two are equal, none is the program itself, and all differ from it in little."""
    found = mutants(CODE, 1000)
    assert len(found) == len({*map(normalised, found)}) > 15
    assert normalised(CODE) not in {*map(normalised, found)}
    lines = ast.unparse(ast.parse(CODE)).split("\n")
    for one in found:
        changed = one.split("\n")
        assert sum(a != b for a, b in zip(lines, changed, strict=True)) == 1


def test_the_draw_is_seeded():
    """The same arguments give the same programs, in another process and with another hash seed too."""
    found = mutants(CODE, 6, seed=4)
    assert len(found) == 6
    assert found == mutants(CODE, 6, seed=4) != mutants(CODE, 6, seed=5)
    assert found[:3] == mutants(CODE, 3, seed=4)
    script = f"from datagen.ranking.mutants import mutants; print(ascii(mutants({CODE!r}, 6, seed=4)))"
    for seed in "01":
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == ascii(found)


def test_mutants_of_several_answers_in_turns():
    """Each answer gives some, and none of them is another answer."""
    one, other = "def f(x):\n    return x < 1", "def f(x):\n    return x <= 1"
    found = of_answers([one, other], 5)
    assert len(found) == 5
    assert not {*map(normalised, found)} & {normalised(one), normalised(other)}
    far = "def g(x):\n    return x + 5"
    assert [code[4] for code in of_answers([one, far], 4)] == ["f", "g", "f", "g"]
    assert of_answers([], 5) == []


@given(st.text(max_size=40) | st.sampled_from(["x = 1e400", "x = 10 ** 9", "x = " + "9" * 5000, "(" * 300]))
def test_whatever_is_handed_in(text: str):
    """Any text gives programs or nothing, never an error."""
    assert all(ast.parse(one) for one in mutants(text, 5))
