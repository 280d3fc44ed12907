"""Normalisation: what counts as the same text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decontam._text import literal_spans, literals, shingles, token_spans, tokens

DOCSTRING = '''
    """ Return the n-th "tribonacci" number.
    >>> tri(3)
    8
    """
'''


@pytest.mark.parametrize(
    "other",
    [
        "# Return the n-th 'tribonacci' number.\n# >>> tri(3)\n# 8",
        "RETURN the   N-TH “tribonacci” number. `tri(3)` 8".replace("“", '"').replace("”", '"'),
        "\uff32eturn the n-th tribonacci number.\ttri(3)\r\n8",
    ],
    ids=["as comments", "in a chat message", "full-width letters and other white space"],
)
def test_layout_does_not_change_tokens(other):
    """A docstring, its text as comments or in a message, and compatibility forms give the same tokens."""
    assert tokens(other) == tokens(DOCSTRING)


def test_operators_are_tokens():
    """Code that differs only in an operator has different tokens."""
    assert tokens("a<=b") == ["a", "<", "=", "b"] != tokens("a>=b")


def test_cjk_characters_are_tokens_of_their_own():
    """Chinese text, which has no spaces, can be compared in pieces."""
    assert tokens("返回True和x") == ["返", "回", "true", "和", "x"]


@given(st.text(st.characters(exclude_categories=())))  # halves of surrogate pairs, too
def test_a_span_for_every_token(text):
    """Each token has a span, in order, and the text there normalises to that token."""
    spans = token_spans(text)
    assert len(spans) == len(tokens(text))
    assert [token for start, end in spans for token in tokens(text[start:end])] == tokens(text)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_shingles_are_all_runs_of_neighbours():
    """Shingles of n tokens are every run of n neighbours; a shorter text has none."""
    assert list(shingles(["a", "b", "c"], 2)) == [("a", "b"), ("b", "c")]
    assert list(shingles(["a"], 2)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('f([3.50, -7], "a b", true)', ["3.50", "7", "a b", "True"]),
        ("It's the lists' 'x1' and x2, r'y', null", ["x1", "y", "None"]),
        (r"f(\"A\", '', \'b\')", ["A", "", "b"]),
        ('"""Say "hi" 3."""', ["hi", "3"]),
        ('f("unclosed, 4)\ng("5")', ["4", "5"]),
    ],
    ids=["kinds", "apostrophes and names", "escaped quotes", "docstring", "unclosed"],
)
def test_literals(text, expected):
    """Numbers, strings on one line, truth values and nulls are literals; names and prose are not."""
    assert literals(text) == expected


@given(st.text(alphabet="ab1.'\"\\ \n(", max_size=40))
def test_a_literal_stands_where_it_says(text):
    """The place of each literal holds its value, and places are in order."""
    spans = literal_spans(text)
    plain = text.replace('"""', "   ").replace("'''", "   ")
    assert all(value in plain[start:end] for value, (start, end) in zip(literals(text), spans, strict=True))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
