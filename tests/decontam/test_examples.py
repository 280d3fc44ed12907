"""Examples of an item in rows: what is one function's behaviour, and what any row may say."""

import math

import polars as pl
import pytest

from decontam.benchmarks import Item, load
from decontam.detectors import examples

PROMPT = 'def rent(days, city):\n    """\n    >>> rent([31, 47], "Oslo")\n    839\n    """\n'
ITEM = Item("b", "rent", "", PROMPT, "", ("assert rent([5, 26], 'Rome') == 704",), "rent")


def rows(*responses):
    return pl.DataFrame(
        [(str(number), "Solve it.", text) for number, text in enumerate(responses)],
        schema=["id", "instruction", "response"],
        orient="row",
    )


def found(response, items=(ITEM,), **options):
    evidence = examples.matches(rows(response), examples.index(items, **options))
    return dict(evidence.select("item", "value").iter_rows())


@pytest.mark.parametrize(
    "response",
    [
        '>>> pay([31, 47], "Oslo")\n839',
        'assert_eq!(pay(vec![31, 47], "Oslo"), 839);',
        "Input: days = {31, 47}, city = 'Oslo'\nOutput: 839.0",
        "| [31, 47], 'Oslo' | 839 |",
        "assert.equal(pay([5, 26], 'Rome'), 704)",
        "对于 [31, 47], “Oslo” 结果是 839",
        "eq(704, pay(new int[]{5, 26}, 'Rome'));\neq(839, pay(List.of(31, 47), 'Oslo'));",
        "expect(pay([31, 47], 'Oslo')).toEqual(839)",
        "If the days are [31, 47] and the city is 'Oslo' you should get 839.",
        "[1] in 'Bonn' costs 20, and for [31, 47] with 'Oslo' it is 839.",
    ],
    ids="doctest Rust input-output table hidden-test Chinese result-first matcher conditions second".split(),
)
def test_one_telling_example_is_enough(response):
    """An example of the prompt or of the tests is found under another name, in any layout."""
    assert set(found(response)) == {"rent"}


def test_value_by_hand():
    """The value is the information of the pairs less the choice among the row's pairs."""
    first = 7 * math.log2(10) + 8  # 31, 47, 839; Oslo
    assert found('f([31, 47], "Oslo") == 839')["rent"] == pytest.approx(first / 40)
    two = 'f([31, 47], "Oslo") == 839\nf(1) == 2\n'
    assert found(two)["rent"] == pytest.approx((first - 1) / 40)
    assert found("[31, 47], 'Oslo' => 839")["rent"] == pytest.approx((first - 3) / 40)


def test_another_result_is_another_function():
    """The same arguments with other results are no match, at no threshold."""
    assert found("f([31, 47], 'Oslo') == 78", threshold=0.01) == {}


def test_light_pairs_count_only_together():
    """One pair of digits is in many rows; several of the same item are its behaviour."""
    tests = ("assert f(5) == 4", "assert f(6) == 8", "assert f(7) == 14", "assert f(9) == 52")
    item = ITEM._replace(raw_prompt="", tests=tests, entry_point="f")
    assert found("g(6) == 8", [item]) == {}
    assert set(found("g(5) == 4\ng(6) == 8\ng(7) == 14", [item])) == {"rent"}


def test_truths_that_are_asserted():
    """Whether a truth is written or only asserted, in the item or in the row, is of no matter."""
    written = ITEM._replace(raw_prompt="", tests=("assert f([31, 47, 86, 55, 91]) == True",), entry_point="f")
    asserted = written._replace(tests=("assert f([31, 47, 86, 55, 91])",))
    for item in (written, asserted):
        for row in ("assertTrue(g(List.of(31, 47, 86, 55, 91)));", "g([31, 47, 86, 55, 91]) == True"):
            assert set(found(row, [item])) == {"rent"}, (item, row)


def test_a_result_in_words():
    """A result that is told in words is the number."""
    item = ITEM._replace(raw_prompt="", tests=("assert f([31, 47, 86, 55, 91]) == 4",), entry_point="f")
    assert set(found("For 31, 47, 86, 55, 91 it's four cars.", [item])) == {"rent"}


def test_rows_do_not_depend_on_each_other():
    """A batch gives each row what it gets alone."""
    texts = ['f([31, 47], "Oslo") == 839', "nothing", "g([5, 26], 'Rome') == 704"]
    index = examples.index([ITEM])
    alone = [examples.matches(rows(text), index)["value"].to_list() for text in texts]
    assert examples.matches(rows(*texts), index)["value"].to_list() == [
        value for values in alone for value in values
    ]


def test_humanevals_own_examples_are_found():
    """Nearly every item is found by its own tests, and none by another's but siblings."""
    items = load("humaneval").items
    index = examples.index(items)
    frame = pl.DataFrame(
        {
            "id": [item.task_id for item in items],
            "instruction": "Make these succeed.",
            "response": ["\n".join(item.tests).replace("candidate", "solve") for item in items],
        }
    )
    pairs_found = examples.matches(frame, index).select("row", "item").rows()
    own = {row for row, item in pairs_found if row == item}
    assert len(own) >= 0.95 * len(items)
    others = {frozenset(pair) for pair in pairs_found if pair[0] != pair[1]}
    assert others <= {frozenset(f"HumanEval/{n}" for n in two) for two in ((7, 29), (40, 43))}
