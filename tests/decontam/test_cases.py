"""Test cases against their formula, and tests that are alike but not the same."""

import math
import re
from pathlib import Path

import polars as pl
import pytest

from decontam import build_indexes, find_overlaps
from decontam.benchmarks import Item, load
from decontam.detectors import cases

MBPP = Path(__file__).parents[3] / "shared/data/mbpp.jsonl"
DIGIT = math.log2(10)

ITEM = Item(
    "b",
    "rent",
    "",
    "",
    "",
    ('assert rent([310, 47], "Oslo") == 8391, "wrong for 2"', "assert rent([5, 266], 'Bergen') == 7043"),
    "rent",
)
# I(310, 47, oslo, 8391) = 9 digits, 4 letters; I(5, 266, bergen, 7043) = 8 digits, 6 letters.
FIRST, SECOND = int(9 * DIGIT + 8), int(8 * DIGIT + 12)


def item_of(*tests):
    return ITEM._replace(tests=tests)


def rows(*responses):
    return pl.DataFrame(
        [(str(number), "Make these succeed.", text) for number, text in enumerate(responses)],
        schema=["id", "instruction", "response"],
        orient="row",
    )


def bits(response, item=ITEM):
    """Return the bits found, above 1, or None."""
    found = cases.matches(rows(response), cases.index([item], least=1.0))
    return found["value"][0] / found["threshold"][0] if found.height else None


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (("317", "4.50"), 6 * DIGIT),
        (("5", "6", "7", "6", "5"), DIGIT + 4),
        (("True", "False", "None"), 3),
        (("oslo", "oslo"), 8 + 1),
        (("the quick brown fox jumps",), 20),
        (("", "[]"), 4),
    ],
    ids=["digits", "runs and what came before", "truth values", "characters", "a phrase", "brackets"],
)
def test_information_by_hand(case, expected):
    """Digits and characters count, what could be guessed counts 1, a phrase no more than 20."""
    assert cases.information(case) == pytest.approx(expected)


def test_bits_equal_the_formula():
    """What is found is worth the sum of the cases less the ways to choose, order and lay them."""
    first, second = (test.split(', "wrong')[0] for test in ITEM.tests)
    assert bits(f"{first}\n{second}") == pytest.approx(FIRST + SECOND - math.log2(math.perm(2, 2)))
    assert bits(second) == pytest.approx(SECOND - math.log2(math.perm(2, 1)))
    between = "\n(1, 2, 3)\n"  # three other literals: C(3 + 2, 2) ways to lay two cases among them
    ways = math.log2(math.comb(5, 2) * math.perm(2, 2))
    assert bits(f"{first}{between}{second}") == pytest.approx(FIRST + SECOND - ways)
    assert bits(f"{second}\n{second}") == bits(second)


@pytest.mark.parametrize(
    "response",
    [
        "assert pay([310, 47], 'Oslo') == 8391\nassert pay([5, 266], 'Bergen') == 7043",
        'self.assertEqual(pay([310,47], "Oslo"), 8391)\nself.assertEqual(pay([5,266], "Bergen"), 7043)',
        ">>> pay([310, 47], 'Oslo')\n8391\n>>> pay([5, 266], 'Bergen')\n7043",
        '`pay([310, 47], "Oslo")` should return `8391`, and\n`pay([5, 266], "Bergen")` gives 7043.',
        "Example 1:\nInput: costs = [310, 47], city = 'Oslo'\nOutput: 8391\n\n"
        "Example 2:\nInput: costs = [5, 266], city = 'Bergen'\nOutput: 7043",
        'assert_eq!(pay(vec![310, 47], "Oslo"), 8391); assert_eq!(pay(vec![5, 266], "Bergen"), 7043);',
    ],
    ids=["assert", "unittest", "doctest", "prose", "input and output", "Rust"],
)
def test_a_renamed_copy_in_any_layout_is_found(response):
    """The same arguments and results are found under another name, in other layouts and languages."""
    found = cases.matches(rows(response), cases.index([ITEM]))
    assert found.select("item", "detector", "part").rows() == [("rent", "cases", "tests:response")]
    assert found["excerpt"][0].startswith("310")
    assert found["excerpt"][0].endswith("7043")


def test_the_same_arguments_with_other_results_are_no_match():
    """Another function tested on the same data is another task."""
    response = "assert least([310, 47], 'Oslo') == 47\nassert least([5, 266], 'Bergen') == 5"
    assert bits(response) is None


def test_what_all_test_code_says_is_no_match():
    """Tests alike in brackets, small numbers and runs are not matched, not even one item with itself."""
    tests = ("assert f([1, 2, 3]) == [1, 2]", "assert f([]) == []", "assert f([2, 3, 4]) is True")
    assert cases.index([item_of(*tests)]).tests == []
    long = item_of(*tests, "assert f([90, 17, 254], 3318) == 41")
    assert cases.matches(rows("\n".join(tests)), cases.index([long])).height == 0


def test_tests_that_are_not_plain_asserts():
    """Assertion methods and lines that are no Python are cases; other calls and warnings are not."""
    method = item_of(
        "class T(C):\n  def test(self):\n    print(1)\n    self.assertEqual(f('\\d', 310), 8391)"
    )
    other = item_of("assert f(310, 47, 6201) = 8391\n")
    assert list(cases.index([method], least=1).tests[0].bits) == [("\\d", "310", "8391")]
    assert list(cases.index([other], least=1).tests[0].bits) == [("310", "47", "6201", "8391")]


# Starter tasks of ours that n-grams of tests took for HumanEval/3 and HumanEval/87.
ALIKE = [
    "assert thaw_days([-3, 1, 2, -1, 0]) == [1, 4]\nassert thaw_days([5, 6]) == []\n"
    "assert thaw_days([]) == []\nassert thaw_days([-1, -2, -3]) == []\n"
    "assert thaw_days([0, -1, 4, -4, 2]) == [2, 4]",
    "assert lift_log(2, [(0, 2), (0, 1)]) == [(1, 1), (3, 2)]\n"
    "assert lift_log(3, [(0, 1), (0, 5), (4, 4)]) == [(2, 5), (4, 4), (8, 1)]\n"
    "assert lift_log(3, [(0, 1)]) == [(2, 1)]\n"
    "assert lift_log(1, [(0, 1), (0, 1), (3, 1)]) == [(0, 1), (2, 1)]",
]


def test_tests_of_other_tasks_are_not_humanevals():
    """Tests that share brackets and small numbers with HumanEval's are matched by no detector."""
    assert find_overlaps(rows(*ALIKE), build_indexes(load("humaneval").items)).height == 0


def renamed(items):
    """Return a row for each item that holds its tests with the function renamed."""
    texts = ["\n".join(item.tests) for item in items]
    names = [rf"\b(candidate|{re.escape(item.entry_point or 'candidate')})\b" for item in items]
    responses = [re.sub(name, "solve", text) for name, text in zip(names, texts, strict=True)]
    return rows(*responses).with_columns(id=pl.Series([item.task_id for item in items]))


def test_humanevals_renamed_tests_are_found():
    """Tests alone name their own item, for all but one that say enough, and none but a sibling's."""
    items = load("humaneval").items
    index = cases.index(items)
    found = cases.matches(renamed(items), index)
    assert len(index.tests) >= 0.95 * len(items)
    assert found.filter(pl.col("row") == pl.col("item")).height >= len(index.tests) - 1
    others = found.filter(pl.col("row") != pl.col("item")).select("row", "item").rows()
    assert set(others) == {("HumanEval/7", "HumanEval/29"), ("HumanEval/29", "HumanEval/7")}


@pytest.mark.skipif(not MBPP.exists(), reason=f"no MBPP at {MBPP}")
def test_mbpps_renamed_tests_are_found():
    """Tests that say enough are found for each MBPP item, and name few others, which share whole tests."""
    items = load(f"mbpp:{MBPP}").items
    index = cases.index(items)
    found = cases.matches(renamed(items), index)
    assert len(index.tests) >= 0.8 * len(items)
    assert found.filter(pl.col("row") == pl.col("item")).height == len(index.tests)
    assert found.filter(pl.col("row") != pl.col("item")).height <= 60


@pytest.mark.skipif(not MBPP.exists(), reason=f"no MBPP at {MBPP}")
def test_benchmarks_with_tests_do_not_match_each_other():
    """Whole items are not another benchmark's, but for the same task and near ones.

    Vowels, gcd, prime numbers and factors, triangles and Roman numerals are in both; a sequence of sums is
    one, and there are three near ones.
    """
    ours, theirs = load("humaneval").items, load(f"mbpp:{MBPP}").items

    def whole(items):
        return pl.DataFrame(
            {
                "id": [item.task_id for item in items],
                "instruction": [item.raw_prompt for item in items],
                "response": ["\n".join([item.solution, *item.tests]) for item in items],
            }
        )

    found = find_overlaps(whole(theirs), build_indexes(ours)).select("row", "item")
    assert found.rows() == [("687", "HumanEval/13"), ("958", "HumanEval/156")]
    found = find_overlaps(whole(ours), build_indexes(theirs)).select("row", "item")
    near = {("HumanEval/109", "743"), ("HumanEval/124", "427"), ("HumanEval/124", "928")}
    same = {"25": "32", "63": "385", "64": "667", "71": "334", "96": "256"}
    roman = {("HumanEval/156", "958"), ("HumanEval/156", "961")}
    assert set(found.rows()) == {*near, *roman, *((f"HumanEval/{one}", item) for one, item in same.items())}
