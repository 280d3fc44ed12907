"""Candidates by embeddings: the nearest item of a row, whatever the order and the size of batches."""

from __future__ import annotations

import doctest
import hashlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decontam import EVIDENCE, embedding
from decontam.benchmarks import Item
from decontam.embedding import candidates, embedded

ITEMS = [
    Item("mine", "1", "sort the words", "", "def f(x): return sorted(x)", (), "f"),
    Item("mine", "2", "sum the squares", "", "def g(x): return sum(i * i for i in x)", (), "g"),
]


def embed(texts):
    """Vectors that depend on nothing but the text; few directions, so that many are equal."""
    return np.array([[b % 3 - 1 for b in hashlib.sha256(one.encode()).digest()[:4]] for one in texts])


def frame(*texts, **more):
    rows = {"id": [str(n) for n in range(len(texts))], "instruction": [*texts], **more}
    return pl.DataFrame(rows, schema_overrides={"instruction": pl.String})


def test_vectors_of_items_are_kept(tmp_path):
    """The model is asked once; another model, other items or a broken file ask again."""
    asked = []

    def counting(texts):
        asked.append(len(texts))
        return embed(texts)

    first = embedded(ITEMS, counting, tmp_path, "one")
    again = embedded(ITEMS, counting, tmp_path, "one")
    assert len(asked) == 1
    assert (again.vectors == first.vectors).all()
    assert (again.places, again.failed) == (first.places, first.failed)
    assert (embedded(ITEMS, embed).vectors == first.vectors).all()
    embedded(ITEMS, counting, tmp_path, "other")
    embedded(ITEMS[:1], counting, tmp_path, "one")
    assert len(asked) == 3
    for path in tmp_path.glob("*.index"):
        path.write_bytes(path.read_bytes()[:-1])
    assert (embedded(ITEMS, counting, tmp_path, "one").vectors == first.vectors).all()
    assert len(asked) == 4


def test_docstring():
    """The example of the module is right."""
    assert doctest.testmod(embedding).failed == 0


def test_all_texts_are_compared():
    """Each column of a row is compared with prompt and solution; the best of all counts."""
    rows = frame("nothing like it", None, code=[ITEMS[1].solution, ITEMS[0].prompt])
    found = candidates(rows, embedded(ITEMS, vectors_of_words), vectors_of_words, 0.99)
    assert found.evidence.select("row", "item", "part", "value").rows() == [
        ("0", "2", "solution:code", 1.0),
        ("1", "1", "prompt:code", 1.0),
    ]
    assert found.evidence.schema == EVIDENCE


def vectors_of_words(texts):
    """How often each of the items' words stands in a text."""
    words = sorted({word for one in ITEMS for word in f"{one.prompt} {one.solution}".split()})
    return np.array([[1e-3, *(text.split().count(word) for word in words)] for text in texts])


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=4), max_size=12), st.integers(1, 5), st.randoms())
def test_order_and_batches_change_nothing(texts, size, random):
    """Rows in another order and in frames of another size have the same candidates, in their order."""
    known, rows = embedded(ITEMS, embed), frame(*texts)
    whole = candidates(rows, known, embed, 0.6)
    slices = [candidates(part, known, embed, 0.6) for part in rows.iter_slices(size)]
    assert pl.concat([EVIDENCE.to_frame(), *(one.evidence for one in slices)]).equals(whole.evidence)
    assert tuple(row for one in slices for row in one.failed) == whole.failed
    order = [*range(rows.height)]
    random.shuffle(order)
    mixed = candidates(rows[order], known, embed, 0.6)
    assert mixed.evidence.sort("row").equals(whole.evidence.sort("row"))
    assert {*mixed.failed} == {*whole.failed}


def test_blocks_change_nothing(monkeypatch):
    """However many texts are compared at a time, the candidates are the same."""
    rows = frame(*(f"text {n}" for n in range(50)))
    known = embedded(ITEMS, embed)
    whole = candidates(rows, known, embed, 0.5)
    assert whole.evidence.height
    monkeypatch.setattr(embedding, "_BLOCK", 7)
    assert candidates(rows, known, embed, 0.5).evidence.equals(whole.evidence)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e200])
def test_text_without_a_vector_is_told(value):
    """A row or an item of which a text has no direction is told, and never taken for unlike."""

    def broken(texts):
        return np.array([[value, value] if "broken" in text else [1.0, 0.0] for text in texts])

    items = [ITEMS[0], ITEMS[1]._replace(prompt="broken")]
    known = embedded(items, broken)
    assert known.failed == (items[1],)
    found = candidates(frame("fine", "broken"), known, broken)
    assert found.failed == ("1",)
    assert [*found.evidence["row"]] == ["0"]


@pytest.mark.parametrize("shape", [(1, 2), (3, 2), (2,), (2, 2, 2)])
def test_wrong_number_of_vectors(shape):
    """A model that gives no vector for each text cannot be used."""
    with pytest.raises(ValueError, match="2 texts have an array of the shape"):
        candidates(frame("a", "b"), embedded(ITEMS, embed), lambda _: np.ones(shape))


def test_wrong_dimension():
    """Vectors of rows and items are of one model."""
    with pytest.raises(ValueError, match="3 dimensions, those of items 4"):
        candidates(frame("a"), embedded(ITEMS, embed), lambda texts: np.ones((len(texts), 3)))


def test_nothing_to_compare():
    """No rows, or no items, have no candidates."""
    assert candidates(frame(), embedded(ITEMS, embed), embed).evidence.equals(EVIDENCE.to_frame())
    assert candidates(frame("a"), embedded([], embed), embed).evidence.equals(EVIDENCE.to_frame())


def test_value_is_rounded_before_it_is_compared():
    """Vectors that differ in their last digits, as those of batches do, decide nothing."""
    items = [Item("mine", "1", "item", "", "", (), "")]

    def at(cosine):
        across = (1 - cosine**2) ** 0.5
        return lambda texts: np.array([[1, 0] if one == "item" else [cosine, across] for one in texts])

    for cosine in (0.7 - 2e-6, 0.7, 0.7 + 2e-6):
        found = candidates(frame("row"), embedded(items, at(cosine)), at(cosine), 0.7)
        assert [*found.evidence["value"]] == [0.7]


def test_score_rises_with_the_cosine():
    """The score is a probability, and never falls where the cosine rises."""
    scores = [embedding.score(value / 100) for value in range(-100, 101)]
    assert scores == sorted(scores)
    assert 0 <= scores[0] < 0.5 < scores[-1] <= 1
