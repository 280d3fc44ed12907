"""Vectors as replies: what a server sends is a vector or an error, and the journal gives it back."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.request import EMBED, EMBEDDING, Reply, Request
from datagen.teachers import vector_of
from datagen.teachers._vectors import parse_embedding

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)


def answer(embedding, **more):
    return {"data": [{"embedding": embedding}], **more}


@given(st.lists(st.floats(width=32) | st.integers(-(2**24), 2**24), min_size=1, max_size=9))
def test_numbers_come_back(numbers):
    """What 32 bits can hold comes out of the reply as it went in."""
    reply = parse_embedding(answer(numbers, usage={"prompt_tokens": 3}, model="m"))
    assert np.array_equal(vector_of(reply), np.array(numbers, np.float32), equal_nan=True)
    assert (reply.model, reply.tokens_in, reply.tokens_out, reply.finish_reason) == ("m", 3, 0, EMBEDDING)
    assert Reply(**json.loads(reply.stored())) == reply


@given(JSON, JSON, JSON)
def test_anything_else(data, embedding, usage):
    """Any other JSON is an error that a client knows, or a vector."""
    for body in (data, {"data": data}, answer(embedding, usage=usage)):
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
            assert len(vector_of(parse_embedding(body)))


@given(st.text(max_size=12))
def test_text_that_is_no_vector(text):
    """A reply of another kind has no vector, or some numbers: never an error."""
    assert vector_of(Reply(text, None, None, 0, 0)) is None or len(text) % 4 == 0


@pytest.mark.parametrize(("tokens_in", "is_counted"), [(3, True), (0, False)])
def test_vectors_have_no_tokens(tokens_in, is_counted):
    """A vector's call is counted when the server says what it read; a text's with what it wrote, too."""
    vector = Reply("AAAA", EMBEDDING, "m", tokens_in, 0)
    assert vector.is_counted == is_counted
    assert not vector._replace(finish_reason="stop").is_counted


def test_keys():
    """A text that is to be embedded is another call than one that is to be continued."""
    request = Request("http://h/v1", "m", (), "text", (EMBED,), 0)
    assert request.embeds
    assert not request._replace(parameters=()).embeds
    assert request.key != request._replace(parameters=()).key
