"""Rows that were made to cost time: four times the text takes about four times the time."""

import polars as pl
import pytest
from cost import cost

from decontam import build_indexes, find_overlaps
from decontam._text import token_spans, tokens
from decontam.benchmarks import Item, load
from decontam.detectors import cases

ITEMS = load("humaneval").items[:20]
MARKS = "\N{COMBINING GRAVE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}\N{COMBINING HORN}"
WHOLE = "\n\n".join(f"{item.raw_prompt}{item.solution}\n{item.tests[0]}" for item in ITEMS)


def row(text):
    return pl.DataFrame({"id": ["0"], "instruction": ["Write it."], "response": [text]})


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(MARKS * 4000, id="marks on one letter"),
        pytest.param(WHOLE, id="all items"),
        pytest.param("assert candidate([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) == True\n" * 400, id="one case"),
        pytest.param("7 " * 20_000, id="one literal"),
        pytest.param(" ".join(item.prompt for item in ITEMS) * 4, id="prompts"),
        pytest.param("".join(f"```\nx = {n % 99}\n```\n" for n in range(1500)), id="tiny blocks"),
        pytest.param("".join(f"def f{n}(x):\n    return x + {n}\n\n" for n in range(700)), id="functions"),
    ],
)
def test_a_row_of_four_times_the_length_costs_about_four_times_as_much(piece):
    """Neither the marks on one letter nor the number of items found may multiply it."""
    indexes = build_indexes(ITEMS)
    find_overlaps(row(WHOLE), indexes)  # makes what an index makes when it is first needed
    single = cost(lambda: find_overlaps(row(f"a{piece}"), indexes))
    fourfold = min(cost(lambda: find_overlaps(row(f"a{piece * 4}"), indexes)) for _ in range(3))
    assert fourfold < 10 * single + 60  # before it was bounded: hundreds


def test_marks_beyond_thirty_change_no_token_but_their_own():
    """Tokens and their places stay one to one."""
    text = f"one a{MARKS * 100} two {MARKS * 100} three"
    assert len(tokens(text)) == len(token_spans(text))
    assert [token for token in tokens(text) if token.isascii()] == ["one", "two", "three"]


def test_a_row_with_a_whole_benchmark_is_searched_once():
    """What is found of every item costs little more than what is found of one."""
    indexes = build_indexes(ITEMS)
    filler = " ".join(f"w{number}" for number in range(40_000))
    find_overlaps(row(WHOLE), indexes)
    one = f"{ITEMS[0].raw_prompt}{ITEMS[0].solution}\n{ITEMS[0].tests[0]}"
    single = cost(lambda: find_overlaps(row(f"{filler}\n{one}"), indexes))
    found = min(cost(lambda: find_overlaps(row(f"{filler}\n{WHOLE}"), indexes)) for _ in range(3))
    assert found < 20 * single + 60  # searched anew for each item: 160 times


def test_tests_of_hundreds_of_operators_are_read():
    """`ast.unparse` gives up on such a callee; the lines count instead."""
    test = f"({' + '.join(['1'] * 5000)})()\nassert f(123456789, 55) == 987654321"
    indexed = cases.index([Item("b", "x", "", "", "", (test,), "f")])
    assert isinstance(indexed, cases.Index)
