"""The pass in numpy that comes before the exact search: the same tokens, and no match is lost."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decontam._scan import LONGEST, Tokens, gram_hashes, grams_of, hashes, sieve, tokens_of
from decontam._scan_words import Stems, stems_of, word_sieve
from decontam._text import shingles, tokens
from decontam._words import bare_stems

TEXTS = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.text(st.sampled_from("aAzZ09_.>'\"#`\\ \n\x1c(é½中"), max_size=40),
    ),
    min_size=1,
    max_size=5,
)


def of(found, number):
    return found.hashes[found.owner == number].tolist()


@settings(deadline=None)
@given(TEXTS)
@example(["", "a"])
@example([">>> f(1.5)\n", "\x1cx\x1c"])
def test_the_tokens_of_a_batch_are_those_of_each_text(texts):
    """Whatever stands beside it, a text has the hashes of its own tokens and of their runs."""
    found, runs = tokens_of(tuple(texts)), grams_of(tuple(texts), 2)
    for number, text in enumerate(texts):
        words = [word for word in tokens(text) if word]
        assert of(found, number) == hashes(words).tolist()
        assert of(runs, number) == gram_hashes([*shingles(words, 2)])


@settings(deadline=None)
@given(TEXTS)
@example(["1.2.3 aB ABc", ".5", "5.", "Running the 3.0 tests"])
def test_the_stems_of_a_batch_are_those_of_each_text(texts):
    """A number with a fraction is two halves; no stem stands later than it does in its text."""
    found = stems_of(texts)
    for number, text in enumerate(texts):
        halves = [half for word in bare_stems(text) for half in word.split(".")]
        assert of(found, number) == hashes(halves).tolist()
        places = found.place[found.owner == number]
        assert (np.diff(places, prepend=0) >= 0).all()
        assert (places < max(len(bare_stems(text)), 1)).all()


def test_different_tokens_have_different_hashes():
    """Of a million short words no two are alike."""
    words = [f"{number:x}" for number in range(1_000_000)]
    assert len(np.unique(hashes(words))) == len(words)


def test_a_sieve_passes_what_reaches_enough_and_what_is_not_looked_at():
    """A key counts once in a text; too long texts pass."""
    made = sieve(zip(gram_hashes([("a",), ("b",)]), [[(0, 1.0)], [(0, 1.0), (1, 2.0)]], strict=True), [2, 2])
    texts = ("a a", "a b", "b", "c", "c" * (LONGEST + 1))
    assert made.passes(grams_of(texts, 1), 5).tolist() == [False, True, True, False, True]


@pytest.mark.parametrize("gap", [0, 20, 600])
def test_words_far_apart_make_no_candidate(gap):
    """A prompt's words count where they stand near one another, also behind much else and in long texts."""
    made = word_sieve([{"alpha": 5, "beta": 5}], [10], {"alpha": [(0, 5)]}, [5], [12])
    near = f"{'filler ' * 700} alpha {'filler ' * gap} beta"
    passed = made.passes(["nothing", near, near + " filler" * (LONGEST // 7)])
    assert passed.tolist() == [False, gap < 64, True]
    stems = stems_of([near, near + " filler" * (LONGEST // 7)])
    token, key = made.rare.located(Tokens(stems.hashes, stems.owner, ()))
    known = Stems(key.astype(np.uint64), stems.owner[token], stems.place[token])
    found = {text for windows in made.windows(known, 2) for text in windows.text.tolist()}
    assert found == ({0, 1} if gap < 64 else set())
