"""Code that was made to cost time: Python's parser and compiler hear no Ctrl-C while they work."""

import polars as pl
import pytest
from cost import cost

from rules import RULES, judge
from rules._python import parse

MARKS = "\N{COMBINING GRAVE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}\N{COMBINING HORN}"
ORDINARY = "def f(x):\n    return [y * 2 for y in x if y > 1]\n" * 1200


def nested(depth, line):
    """`try` and `finally` inside of `finally`."""
    tries = (f"{' ' * n}try:\n{' ' * n} {line}\n{' ' * n}finally:\n" for n in range(1, depth + 1))
    return f"def f():\n for x in y:\n  pass\n{''.join(tries)}{' ' * (depth + 1)}pass\n"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(f"a{MARKS * 20_000} = 1", id="marks on one letter"),
        pytest.param(f"from {'a.' * 30_000}b import c", id="dotted import"),
        pytest.param(f"import x, {'a . ' * 15_000}b", id="dotted import with spaces"),
        pytest.param(nested(25, "pass"), id="finally in finally"),
        pytest.param(nested(14, "return g()"), id="ways out of finally"),
        pytest.param(
            "def f():\n try:\n" + "  if x: return 1\n" * 2000 + " finally:\n" + "  g()\n" * 2000,
            id="many ways out",
        ),
    ],
)
def test_what_would_take_seconds_is_no_code(source):
    """It costs no more than ordinary code of the greatest length."""
    ordinary = cost(lambda: parse(ORDINARY))
    assert min(cost(lambda: parse(source)) for _ in range(3)) < 5 * ordinary + 60
    assert parse(source).error
    frame = pl.DataFrame(
        {"instruction": ["Do it."], "response": ["x"], "code": [source], "language": ["python"]}
    )
    assert judge(frame, [RULES["syntax-error"]])["dropped_by"].to_list() == [["syntax-error"]]


@pytest.mark.parametrize(
    "source",
    [
        "x = '" + "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * 3000 + "'",
        "x = 'e" + MARKS * 20 + "'",
        nested(3, "return g()"),
        "x = 'a.b.c.d. ' * 3\n" + "# and. so. on.\n" * 1000,
    ],
)
def test_other_code_is_still_code(source):
    """Lines that are drawn, some marks, a few `finally` and many dots are ordinary."""
    assert parse(source).error is None
