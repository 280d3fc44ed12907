"""Duplicates inside one set: words, candidates, and what is compared with what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from decontam import duplicates
from decontam.duplicates import Match, Settings, code_words, instruction_words


def grams(words: Sequence[str], n: int) -> set[tuple[str, ...]]:
    """The shingles, from their definition; a short text is one."""
    return {tuple(words[k : k + n]) for k in range(max(1, len(words) - n + 1))}


def jaccard(one: Sequence[str], other: Sequence[str], n: int) -> float:
    a, b = grams(one, n), grams(other, n)
    return len(a & b) / len(a | b)


def repeated(texts: Sequence[Sequence[str]], by: Settings) -> dict[int, Match]:
    sketches = [*duplicates.sketches_of_words(texts, by)]
    shared = duplicates.buckets(np.stack([one.keys for one in sketches]))
    hashed = {number: duplicates.hashes(words, by.n) for number, words in enumerate(texts)}
    return duplicates.repeated([one.digest for one in sketches], shared, hashed, by.threshold)


TEXTS = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), min_size=1, max_size=12)


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_what_is_found_is_what_brute_force_finds(texts, threshold):
    """A text goes if it is like one that was kept before; the most similar one is named with the true J.

    One row in each of 128 bands: a pair at 0.3 is missed with probability 1e-20.
    """
    by = Settings(threshold, rows=1, bands=128, n=2)
    kept: list[int] = []
    expected: dict[int, tuple[int, float]] = {}
    for number, words in enumerate(texts):
        equal = [k for k in kept if texts[k] == words]
        likeness = [(jaccard(texts[k], words, 2), -k) for k in kept]
        best, place = max(likeness, default=(0.0, 0))
        if equal:
            expected[number] = equal[0], 1.0
        elif best >= threshold:
            expected[number] = -place, best
        else:
            kept.append(number)
    found = repeated(texts, by)
    assert {number: (match.kept, match.similarity) for number, match in found.items()} == expected
    assert all(match.exact == (texts[number] == texts[match.kept]) for number, match in found.items())


@pytest.mark.parametrize(
    ("threshold", "num_perm", "rows", "bands"), [(0.7, 128, 4, 32), (0.7, 256, 5, 51), (1.0, 128, 128, 1)]
)
def test_bands_follow_from_the_threshold(threshold, num_perm, rows, bands):
    """The bands are the longest that find a pair at the threshold with probability 0.999."""
    by = duplicates.settings(threshold, num_perm)
    assert (by.rows, by.bands) == (rows, bands)
    assert by.probability >= 0.999
    more = by._replace(rows=rows + 1, bands=num_perm // (rows + 1))
    assert rows == num_perm or more.probability < 0.999


DIGEST = "15c09df88a7f15a86e3f8b27027e9670"
KEYS = ["32f3e05c81d431b7", "805543e76cad51ee", "a4d8c63f4e90e1d7", "cc0689cc77c087c7"]


def test_sketches_are_stable():
    """The same text has the same sketch on every machine and in every version."""
    [one] = duplicates.sketches_of_words(["return the sum of a list of numbers".split()], Settings(0.7, 4, 4))
    assert one.digest.hex() == DIGEST
    assert [f"{key:016x}" for key in one.keys.tolist()] == KEYS


def test_texts_in_one_bucket_are_not_all_compared(monkeypatch):
    """Texts that share bands, but are not alike, are compared with a bounded number of others each."""
    start = [f"w{number}" for number in range(60)]
    texts = [[*start, *(f"{number}-{k}" for k in range(20))] for number in range(600)]
    compared: list[int] = []
    real = duplicates._most_similar

    def counted(own, candidates, grams):
        compared.append(len(candidates))
        return real(own, candidates, grams)

    monkeypatch.setattr(duplicates, "_most_similar", counted)
    monkeypatch.setattr(duplicates, "BUCKET", 4)
    by = duplicates.settings(0.7, 128)
    assert repeated(texts, by) == {}
    assert len(compared) > 500
    assert max(compared) <= 4 * by.bands


class TestWords:
    """What counts of a text."""

    def test_instruction(self):
        """Case, space, quotes and Markdown do not count."""
        assert instruction_words("Write `f(x)`,\n\n  please.") == instruction_words('write f(x), "please" .')

    @pytest.mark.parametrize(
        "code",
        [
            "def f(a):  # adds\n    return a + '#1'",
            'def f(a):\n    """Add."""\n    return a + "#1"',
            "'''Module.'''\n# on top\ndef f(a):\n\n    # doc\n    r'''Add.\n    more'''\n    return a+'#1'#",
        ],
    )
    def test_python_without_comments_and_docstrings(self, code):
        """Comments, docstrings, layout and the kind of quotes do not count; what is in strings does."""
        expected = ["def", "f", "(", "a", ")", ":", "return", "a", "+", '"#1']
        assert code_words(code, "python") == expected

    @pytest.mark.parametrize("code", ["x = {'a':'b'}", 'f("""q""")', "x[:'a']", "b'x' + rb'y' + f'{z}'"])
    def test_other_strings_stay(self, code):
        """A string that is no docstring is a word."""
        assert any(word.lstrip("brf").startswith('"') for word in code_words(code, "python"))
        assert code_words("print('a')", "python") != code_words("print(a)", "python")
        assert code_words("print(b'a')", "python") != code_words("print('a')", "python")

    def test_only_comments(self):
        """Python that is all comments is compared by them."""
        assert code_words("# nothing\n", "python") == ["#", "nothing"]

    @pytest.mark.parametrize("language", ["java", None])
    def test_other_languages(self, language):
        """Elsewhere only layout does not count."""
        assert code_words("int a = 1;  // one", language) == "int a = 1 ; / / one".split()

    @pytest.mark.parametrize("code", ['"' * 60_000, '"""' + '\\"""' * 30_000, "'\\" * 60_000, "rb" * 60_000])
    def test_hostile_python(self, code):
        """Strings that never end take linear time."""
        assert cost(lambda: code_words(code, "python")) < 100


def test_long_texts_take_little_memory():
    """A text of 200,000 words has the signature that its shingles have together."""
    words = [str(number % 50_000) for number in range(200_000)]
    by = Settings(0.7, 4, 32)
    one, other = duplicates.sketches_of_words([words, words[:50_004]], by)
    assert (one.keys == other.keys).all()


@pytest.mark.parametrize("joined", ["a\0b", "a b", "a\xffb", "a\nb"])
def test_no_word_looks_like_two(joined):
    """Words are equal only one by one, whatever characters they hold."""
    by = Settings(0.7, 4, 32)
    one, other = duplicates.sketches_of_words([["a", "b"], [joined]], by)
    assert one.digest != other.digest
    assert one.digest == duplicates.digest(["a", "b"])
    assert other.digest == duplicates.digest([joined])
    assert (duplicates.hashes(["a", "b"], 5) != duplicates.hashes([joined], 5)).all()
