"""Jaccard similarity against brute force, and signatures."""

import zlib

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decontam import minhash as machinery
from decontam._crc import of_texts, of_words
from decontam._text import shingles, tokens
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
    pairs = zip(*(machinery.signature(s, num_perm=2048, seed=3) for s in (one, other)), strict=True)
    assert sum(a == b for a, b in pairs) / 2048 == pytest.approx(0.5, abs=0.04)  # 3.6 standard errors


def test_a_signature_is_the_same_everywhere():
    """The signature of a text is fixed by its shingles and the seed, across machines and versions."""
    grams = [("a", "b"), ("b", "c"), ("c", "d")]
    found = [int(value) for value in machinery.signature(grams, num_perm=4, seed=0)]
    assert found == [730577700, 439329938, 113214052, 1039880368]
    assert found == [int(v) for v in machinery.signature(grams[::-1], num_perm=4, seed=0)]
    assert found != [int(v) for v in machinery.signature(grams, num_perm=4, seed=1)]


def datasketch_signature(words, n, num_perm, seed):
    """What datasketch makes of the shingles; a short text is one."""
    found = MinHash(num_perm=num_perm, seed=seed, hashfunc=zlib.crc32)
    grams = [*shingles(words, n)] or [words] * bool(words)
    found.update_batch([" ".join(gram).encode() for gram in grams])
    return found.hashvalues.tolist()


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
CODE = st.text("ab_1 \n\t#`'\"\\\\().>=é中", max_size=120)
LONG = st.builds(lambda text, times: text * times, CODE, st.integers(1, 40))
TEXTS = st.lists(st.one_of(ANY, CODE, LONG), max_size=8)
N, SEED, NUM_PERM = st.integers(1, 9), st.integers(0, 2**32 - 1), st.integers(1, 40)


@settings(deadline=None, max_examples=400)
@given(TEXTS, N, SEED, NUM_PERM)
@example(["x" * 126 + " y", "x" * 127 + " y", "", "é" * 70, "a"], 2, 0, 4)
def test_signatures_of_texts_are_those_of_datasketch(texts, n, seed, num_perm):
    """Bit for bit, whatever the texts, and whichever others are in the batch."""
    found = machinery.signatures(of_texts(texts), n=n, num_perm=num_perm, seed=seed)
    assert found.tolist() == [datasketch_signature(tokens(text), n, num_perm, seed) for text in texts]


WORDS = st.lists(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=12), max_size=6
)


@settings(deadline=None, max_examples=400)
@given(WORDS, N, SEED, NUM_PERM)
@example([["x" * 300, "y", "z"], [], [""], ["a b", "c"]], 2, 0, 4)
def test_signatures_of_words_are_those_of_datasketch(texts, n, seed, num_perm):
    """Bit for bit; words may be empty and hold spaces."""
    found = machinery.signatures(of_words(texts), n=n, num_perm=num_perm, seed=seed)
    assert found.tolist() == [datasketch_signature(words, n, num_perm, seed) for words in texts]
    for words, line in zip(texts, found, strict=True):
        if len(words) >= n:
            alone = machinery.signature(shingles(words, n), num_perm=num_perm, seed=seed)
            assert (alone == line).all()


def test_permuted_hashes_near_the_greatest():
    """All hashes of 32 bits are permuted as datasketch does, the ends of the range included."""
    crcs = np.array([0, 1, 2**31, 2**32 - 1, 2**32 - 2], np.uint32)
    for seed in range(20):
        expected = MinHash(num_perm=64, seed=seed, hashfunc=int)
        expected.update_batch(crcs.tolist())
        found = machinery._minima(crcs, np.array([len(crcs)]), 64, seed)
        assert found[0].tolist() == expected.hashvalues.tolist()


SETS = st.frozensets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz\xe4")), min_size=1)


@settings(deadline=None)
@given(st.lists(SETS, min_size=2, max_size=6), SEED)
def test_candidates_are_those_of_datasketch(texts, seed):
    """Its tables take our signatures, and find the same pairs."""
    ours = [machinery.signature(grams, num_perm=12, seed=seed) for grams in texts]
    tables = MinHashLSH(num_perm=12, params=(3, 4))
    for number, own in enumerate(ours):
        tables.insert(number, machinery.as_datasketch(own, seed=seed))
    for own in ours:
        found = [n for n, other in enumerate(ours) if machinery.are_candidates(own, other, rows=4)]
        assert found == sorted(tables.query(machinery.as_datasketch(own, seed=seed)))


def test_tiny_parts_are_left_out():
    """A part with fewer shingles than `fewest` is not indexed: chance would make it similar."""
    text = "one two three four five six"
    rows = pl.DataFrame({"id": ["x"], "instruction": [text]})
    assert minhash.matches(rows, minhash.index([item("t", text)])).height == 0
    assert minhash.matches(rows, minhash.index([item("t", text)], fewest=3))["value"].to_list() == [1.0]
