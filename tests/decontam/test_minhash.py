"""Jaccard similarity against brute force, and signatures."""

import inspect
import zlib

import datasketch
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
    pairs = zip(*(machinery.signature(s, machinery.permutations(2048, 3)) for s in (one, other)), strict=True)
    assert sum(a == b for a, b in pairs) / 2048 == pytest.approx(0.5, abs=0.04)  # 3.6 standard errors


def test_a_signature_is_the_same_everywhere():
    """The signature of a text is fixed by its shingles and the seed, across machines and versions."""
    grams = [("a", "b"), ("b", "c"), ("c", "d")]
    by = machinery.permutations(4, 0)
    found = machinery.signature(grams, by).tolist()
    assert found == [1385604674, 936538911, 576040879, 1015362712]
    assert found == machinery.signature(grams[::-1], by).tolist()
    assert found != machinery.signature(grams, machinery.permutations(4, 1)).tolist()


def of_datasketch(texts, **given):
    """The MinHashes of sets of shingles, by datasketch alone."""
    scheme = {"scheme": "legacy"} if "scheme" in inspect.signature(datasketch.MinHash).parameters else {}
    made = [datasketch.MinHash(hashfunc=zlib.crc32, **given, **scheme) for _ in texts]
    for one, grams in zip(made, texts, strict=True):
        one.update_batch([" ".join(gram).encode() for gram in grams])
    return made


sets = st.frozensets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz\xe4")), min_size=1)


@settings(deadline=None)
@given(st.lists(sets, min_size=2, max_size=6), st.integers(0, 2**32 - 1))
def test_signatures_and_candidates_are_those_of_datasketch(texts, seed):
    """Signatures are equal, and the same pairs are candidates as in its tables."""
    by = machinery.permutations(12, seed)
    ours = [machinery.signature(grams, by) for grams in texts]
    theirs = of_datasketch(texts, num_perm=12, seed=seed)
    assert [one.tolist() for one in ours] == [one.hashvalues.tolist() for one in theirs]
    tables = datasketch.MinHashLSH(num_perm=12, params=(3, 4))
    for number, one in enumerate(theirs):
        tables.insert(number, one)
    for own, one in zip(ours, theirs, strict=True):
        found = [n for n, other in enumerate(ours) if machinery.are_candidates(own, other, rows=4)]
        assert found == sorted(tables.query(one))


def test_a_long_text_has_the_signature_of_datasketch():
    """It is hashed in several batches."""
    grams = [(str(number), "x") for number in range(10_000)]
    (theirs,) = of_datasketch([grams], num_perm=64, seed=0)
    assert machinery.signature(grams, machinery.permutations(64, 0)).tolist() == theirs.hashvalues.tolist()


def test_tiny_parts_are_left_out():
    """A part with fewer shingles than `fewest` is not indexed: chance would make it similar."""
    text = "one two three four five six"
    rows = pl.DataFrame({"id": ["x"], "instruction": [text]})
    assert minhash.matches(rows, minhash.index([item("t", text)])).height == 0
    assert minhash.matches(rows, minhash.index([item("t", text)], fewest=3))["value"].to_list() == [1.0]
