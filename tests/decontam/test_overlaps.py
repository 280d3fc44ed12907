"""The detectors together: what is found, where, and in which order."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from decontam import MATCHES, build_indexes, find_overlaps
from decontam.benchmarks import load

ROOT = Path(__file__).parents[2]
ITEMS = load("humaneval").items
MAD = ITEMS[4]

CHATTER = "Hello! I have been stuck on my homework all evening, and my teacher wants it tomorrow morning. "
UNRELATED = [
    ("Write a SQL query that lists the ten customers with the largest orders.", "SELECT name FROM customers"),
    ("Explain the difference between a process and a thread.", "A process owns memory; threads share it."),
    (
        "Write a Python function that sorts a list with bubble sort.",
        "def bubble(xs):\n    for i in range(len(xs)):\n        for j in range(len(xs) - 1):\n"
        "            if xs[j] > xs[j + 1]:\n                xs[j], xs[j + 1] = xs[j + 1], xs[j]\n"
        "    return xs",
    ),
    ("Make the heading of this page blue.\n<h1>Hi</h1>", "<h1 style='color: blue'>Hi</h1>"),
    ("Return the list of all numbers in a given list that are not negative.", None),
]


@pytest.fixture(scope="module")
def indexes():
    return build_indexes(ITEMS)


def frame(*pairs):
    rows = [(f"r{number}", *pair) for number, pair in enumerate(pairs)]
    return pl.DataFrame(
        rows, schema={"id": pl.String, "instruction": pl.String, "response": pl.String}, orient="row"
    )


def copies():
    noised = MAD.raw_prompt.replace("calculate", "compute").replace("difference", "diference")
    return frame(
        *UNRELATED,
        (f"{CHATTER}{MAD.raw_prompt}{CHATTER * 5}", None),
        (CHATTER, f"Sure!\n```python\n{MAD.raw_prompt}{MAD.solution}```\nHope it helps."),
        (noised.replace("Mean Absolute Deviation", "mean absolute deviations"), "pass"),
        ("Complete the code.", ITEMS[12].solution),
        (ITEMS[100].prompt, ""),
    )


def test_a_copy_inside_chatter_is_found(indexes):
    """An item copied into a longer question or answer is found, and the evidence names it and its place."""
    found = find_overlaps(copies(), indexes)
    for row, part in (("r5", "raw_prompt:instruction"), ("r6", "solution:response")):
        own = found.filter(row=row, part=part)
        assert own["item"].to_list() == ["HumanEval/4"] * own.height
        assert "ngrams" in own["detector"]
        assert set(own["benchmark"]) == {"humaneval"}


def test_a_reworded_copy_is_found(indexes):
    """An item with changed words and slips is found by all detectors of its words."""
    found = find_overlaps(copies(), indexes).filter(row="r7", item="HumanEval/4")
    assert set(found["detector"]) == {"minhash", "ngrams", "words"}


def test_a_solution_or_the_words_alone_are_found(indexes):
    """The reference solution alone in an answer, and the words alone in a question, are found."""
    found = find_overlaps(copies(), indexes)
    assert "solution:response" in found.filter(row="r8", item="HumanEval/12")["part"]
    assert "prompt:instruction" in found.filter(row="r9", item="HumanEval/100")["part"]


def test_unrelated_rows_have_no_match(indexes):
    """Rows on other tasks give no evidence at all, though it keeps its columns."""
    found = find_overlaps(frame(*UNRELATED), indexes)
    assert found.height == 0
    assert found.schema == MATCHES


def test_the_excerpt_stands_in_the_row(indexes):
    """An excerpt is a piece of the very text that matched, at most 200 characters long."""
    rows = copies()
    texts = {row: {"instruction": i, "response": r} for row, i, r in rows.iter_rows()}
    found = find_overlaps(rows, indexes)
    assert found.height > 5
    for row, part, excerpt in found.select("row", "part", "excerpt").iter_rows():
        assert 0 < len(excerpt) <= 200
        assert excerpt in texts[row][part.split(":")[1]]


def test_the_excerpt_shows_the_copy_and_not_the_chatter(indexes):
    """The excerpt of an n-gram match begins where the copied text begins."""
    found = find_overlaps(copies(), indexes).filter(row="r5", detector="ngrams", part="prompt:instruction")
    assert found["excerpt"][0].startswith("For a given list of input numbers")


def test_a_value_reaches_its_threshold(indexes):
    """Every piece of evidence has threshold <= value <= 1, but for two detectors that agree."""
    found = find_overlaps(copies(), indexes)
    reached = pl.col("value").is_between(pl.col("threshold"), 1)
    below = found.filter(~reached)
    assert set(below["detector"]) <= {"words", "code", "entry_points"}
    assert set(below["level"]) <= {"logic"}
    assert below.join(found.filter(reached), on=["row", "item"], how="anti").height == 0


def test_batches_give_the_same_as_the_whole(indexes):
    """Evidence does not depend on how the rows are cut into batches."""
    rows = copies()
    whole = find_overlaps(rows, indexes)
    for size in (1, 3):
        parts = [find_overlaps(batch, indexes) for batch in rows.iter_slices(size)]
        assert pl.concat(parts).equals(whole)


def test_evidence_follows_the_order_of_the_rows(indexes):
    """Rows in another order give the same evidence, in that order."""
    rows = copies().with_columns(id="r" + pl.int_range(100, 100 - pl.len(), -1).cast(pl.String))
    found, reverse = find_overlaps(rows, indexes), find_overlaps(rows.reverse(), indexes)
    first = list(dict.fromkeys(found["row"]))
    assert list(dict.fromkeys(reverse["row"])) == first[::-1]
    assert all(found.filter(row=row).equals(reverse.filter(row=row)) for row in first)


def test_the_order_of_the_items_does_not_matter():
    """The same items in another order give the same evidence."""
    rows = copies()
    assert find_overlaps(rows, build_indexes(ITEMS[::-1])).equals(find_overlaps(rows, build_indexes(ITEMS)))


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_indexes_can_be_sent_to_another_process(used):
    """Pickled indexes give the same evidence, whether or not they have searched before."""
    rows, sent = copies(), build_indexes(ITEMS)
    expected = find_overlaps(rows, build_indexes(ITEMS))
    if used:
        find_overlaps(rows, sent)
    assert find_overlaps(rows, pickle.loads(pickle.dumps(sent))).equals(expected)
    assert expected.height > 5


def test_rows_without_text(indexes):
    """Empty and null questions and answers are nobody's copy and no error, nor is a lack of answers."""
    rows = frame((None, None), ("", ""), ("   ", "\n"), ("...", None), (MAD.prompt, None))
    assert set(find_overlaps(rows, indexes)["row"]) == {"r4"}
    assert set(find_overlaps(rows.drop("response"), indexes)["row"]) == {"r4"}
    assert find_overlaps(rows.clear(), indexes).height == 0


def test_ids_may_be_numbers(indexes):
    """A row is named by its id as text, whatever the type of the id."""
    rows = pl.DataFrame({"id": [41, 42], "instruction": ["Hi.", MAD.raw_prompt]})
    assert set(find_overlaps(rows, indexes)["row"]) == {"42"}


def test_hash_seed_does_not_matter():
    """Two interpreters with different hash seeds write the same bytes."""
    program = (
        "import polars as pl\n"
        "from decontam import MATCHES, build_indexes, find_overlaps\n"
        "from decontam.benchmarks import load\n"
        "items = load('humaneval').items[:40]\n"
        "rows = pl.DataFrame({'id': range(40), 'instruction': [i.raw_prompt for i in items],"
        " 'response': [i.solution for i in items]})\n"
        "print(find_overlaps(rows, build_indexes(items)).write_json())\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1")
    ]
    assert outputs[0] == outputs[1]
    assert b"HumanEval/39" in outputs[0]
