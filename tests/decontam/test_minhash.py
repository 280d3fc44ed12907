"""Jaccard similarity against brute force, and signatures."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decontam import minhash as machinery
from decontam.benchmarks import Item
from decontam.detectors import minhash

words = st.lists(st.sampled_from("abcd"), min_size=1, max_size=25)


def gram_set(tokens, n):
    return frozenset(zip(*(tokens[k:] for k in range(n)), strict=False))


def item(task, prompt):
    return Item("b", task, prompt, prompt, "", (), "")


@settings(deadline=None, max_examples=60)
@given(st.lists(words, min_size=1, max_size=5), st.lists(words, min_size=1, max_size=5))
def test_matches_are_those_of_brute_force(prompts, texts):
    """What is reported is the true Jaccard similarity, and no pair above the threshold is missed.

    One row in each of 128 bands: a pair at the threshold is missed with probability 0.6^128.
    """
    items = [item(str(number), " ".join(prompt)) for number, prompt in enumerate(prompts)]
    rows = pl.DataFrame({"id": range(len(texts)), "instruction": [" ".join(text) for text in texts]})
    index = minhash.index(items, n=2, rows=1, bands=128, fewest=2)
    found = {(r, i): v for r, i, v in minhash.matches(rows, index).select("row", "item", "value").iter_rows()}
    expected = {}
    for number, prompt in enumerate(prompts):
        for row, text in enumerate(texts):
            one, other = gram_set(prompt, 2), gram_set(text, 2)
            if len(one) >= 2 and len(one & other) >= 0.4 * len(one | other):
                expected[str(row), str(number)] = len(one & other) / len(one | other)
    assert found == expected


@pytest.mark.parametrize(("similarity", "expected"), [(0.1, 0.28), (0.2, 0.73), (0.3, 0.951), (0.5, 0.9999)])
def test_probability_of_a_candidate(similarity, expected):
    """The probabilities that the module's docstring quotes follow from its formula."""
    found = machinery.candidate_probability(similarity, rows=2, bands=32)
    assert found == pytest.approx(expected, abs=0.005)


def test_signatures_agree_as_often_as_the_sets():
    """The share of equal places in two signatures estimates the Jaccard similarity of the sets."""
    one = frozenset((f"w{k}", "of", "a", "set") for k in range(300))
    other = frozenset((f"w{k}", "of", "a", "set") for k in range(100, 400))
    assert machinery.jaccard(one, other) == 0.5
    pairs = zip(
        *(machinery.signature(s, num_perm=2048, seed=3).hashvalues for s in (one, other)), strict=True
    )
    assert sum(a == b for a, b in pairs) / 2048 == pytest.approx(0.5, abs=0.04)  # 3.6 standard errors


def test_a_signature_is_the_same_everywhere():
    """The signature of a text is fixed by its shingles and the seed, across machines and versions."""
    grams = [("a", "b"), ("b", "c"), ("c", "d")]
    found = [int(value) for value in machinery.signature(grams, num_perm=4, seed=0).hashvalues]
    assert found == [1385604674, 936538911, 576040879, 1015362712]
    assert found == [int(v) for v in machinery.signature(grams[::-1], num_perm=4, seed=0).hashvalues]
    assert found != [int(v) for v in machinery.signature(grams, num_perm=4, seed=1).hashvalues]


def test_tiny_parts_are_left_out():
    """A part with fewer shingles than `fewest` is not indexed: chance would make it similar."""
    text = "one two three four five six"
    rows = pl.DataFrame({"id": ["x"], "instruction": [text]})
    assert minhash.matches(rows, minhash.index([item("t", text)])).height == 0
    assert minhash.matches(rows, minhash.index([item("t", text)], fewest=3))["value"].to_list() == [1.0]
