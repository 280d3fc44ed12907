"""JSON becomes a frame without any value changing, whatever the types and wherever chunks end."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from datagen.data.inputs import json_rows
from datagen.data.inputs.kinds import MAX_DEPTH


def parse(*rows: object) -> pl.DataFrame:
    return json_rows.parse("x", b"".join(json.dumps(row).encode() + b"\n" for row in rows))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
WHOLE = st.integers(-(2**63), 2**63 - 1)
KEYS = st.sampled_from(["a", "b", "", "caf\u00e9", "x.y"])
#: A type is a strategy for its values: drawn once for a column, then used for each row.
TYPES = st.recursive(
    st.sampled_from([TEXT, NUMBERS, WHOLE, st.booleans(), st.none()]),
    lambda inner: st.one_of(
        inner.map(lambda kind: st.lists(st.one_of(st.none(), kind), max_size=3)),
        st.dictionaries(KEYS, inner, min_size=1, max_size=3).map(
            lambda kinds: st.fixed_dictionaries(
                {}, optional={k: st.one_of(st.none(), v) for k, v in kinds.items()}
            )
        ),
    ),
    max_leaves=5,
)


@st.composite
def tables(draw):
    columns = draw(st.dictionaries(st.sampled_from(["u", "v", ""]), TYPES, min_size=1, max_size=3))
    row = st.fixed_dictionaries(
        {"i": st.just("x")}, optional={k: st.one_of(st.none(), v) for k, v in columns.items()}
    )
    return draw(st.lists(row, min_size=1, max_size=7))


def same(read: object, given: object) -> bool:
    """Whether a table's value says what the JSON said: null may stand for what JSON left out."""
    if isinstance(given, dict):
        if not given:
            return read is None or all(value is None for value in read.values())
        return isinstance(read, dict) and all(same(read.get(key), given.get(key)) for key in {*given, *read})
    if isinstance(given, list):
        return isinstance(read, list) and len(read) == len(given) and all(map(same, read, given))
    if isinstance(given, dict | list | bool | str | None):
        return type(read) is type(given) and read == given
    return read == given and isinstance(read, int | float)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.integers(1, 8))
def test_read_equals_written(rows, chunk_rows):
    """Unicode, nulls and nested columns come back as they were, whatever the size of a chunk."""
    whole = parse(*rows)
    assert all(map(same, whole.to_dicts(), rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "CHUNK_ROWS", chunk_rows)
        assert_frame_equal(parse(*rows), whole)


@settings(max_examples=100, deadline=None)
@given(tables())
def test_every_table_can_be_written_as_parquet(rows):
    """Empty lists, empty objects and columns of nulls have a type that Parquet knows."""
    frame = parse(*rows)
    content = io.BytesIO()
    frame.write_parquet(content)
    content.seek(0)
    assert_frame_equal(pl.read_parquet(content), frame)


@pytest.mark.parametrize("chunk_rows", [1, 2, 1000])
@pytest.mark.parametrize(
    ("values", "read"),
    [
        ((1, "x"), ["1", "x"]),
        (("x", 1), ["x", "1"]),
        ((1, 2.0, 2.5, "x"), ["1", "2", "2.5", "x"]),
        ((True, 1), ["true", "1"]),
        ((1.5, False), ["1.5", "false"]),
        (([1], ["x"]), [["1"], ["x"]]),
        (([[1]], [1]), [["[1]"], ["1"]]),
        (({"a": 1}, {"a": "x"}), [{"a": "1"}, {"a": "x"}]),
        (({"a": [1]}, {"a": {"b": 1}}), [{"a": "[1]"}, {"a": '{"b": 1}'}]),
        (({"a": 1}, {"b": 2}, "x"), ['{"a": 1}', '{"b": 2}', "x"]),
        (("x", ["x"]), ["x", '["x"]']),
    ],
    ids=str,
)
def test_two_types_are_text(values, read, chunk_rows, monkeypatch):
    """A place where values are of two types holds JSON texts, the same in one chunk or in several."""
    monkeypatch.setattr(json_rows, "CHUNK_ROWS", chunk_rows)
    assert parse(*[{"u": value} for value in values])["u"].to_list() == read


@pytest.mark.parametrize("chunk_rows", [1, 1000])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ((None, 1, None), pl.Int64()),
        ((1, 2.5, 3), pl.Float64()),
        (([], None, ["x"]), pl.List(pl.String)),
        (([1], [2.5]), pl.List(pl.Float64)),
        (({}, {"a": 1}, {"b": [0.5, 1]}), pl.Struct({"a": pl.Int64, "b": pl.List(pl.Float64)})),
        (({}, None), pl.Null()),
        (([], {}), pl.List(pl.Null)),
        (([{}], []), pl.List(pl.Null)),
        ((2**63 - 1, -(2**63)), pl.Int64()),
    ],
    ids=str,
)
def test_types_are_those_of_the_whole_column(values, dtype, chunk_rows, monkeypatch):
    """A type that only later rows show is the type of the whole column."""
    monkeypatch.setattr(json_rows, "CHUNK_ROWS", chunk_rows)
    frame = parse(*[{"u": value} for value in values])
    assert frame.schema["u"] == dtype
    assert all(map(same, frame["u"].to_list(), values))


def test_columns_keep_their_order():
    """Columns stand in the order in which they first come up."""
    assert parse({"b": 1}, {"a": 1, "b": 2}, {"c": 1}).columns == ["b", "a", "c"]


def test_the_last_of_two_equal_keys_counts():
    """JSON leaves open what equal keys mean; Python's parser takes the last, and so do we."""
    assert json_rows.parse("x", b'{"a": 1, "a": 2}').rows() == [(2,)]


@pytest.mark.parametrize("depth", [1, 30, 31, 32, 33, 100])
def test_depth(depth):
    """31 levels inside a column can be stored; a column with more is JSON text."""
    value: object = 1
    for _ in range(depth):
        value = [value]
    read = parse({"u": value}, {"u": None})["u"].to_list()
    assert read == ([value, None] if depth <= MAX_DEPTH else [json.dumps(value), None])


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (2**64, "18446744073709551616"),
        ("a \ud800", "a \\ud800"),
        ({"\udfff": 1}, '{"\\udfff": 1}'),
        ({f"k{n}": 1 for n in range(1001)}, json.dumps({f"k{n}": 1 for n in range(1001)})),
    ],
    ids=["65 bits", "surrogate", "surrogate key", "keys"],
)
def test_what_no_table_holds_is_text(value, read):
    """Numbers beyond 64 bits, halves of surrogate pairs and objects of a thousand keys become texts."""
    assert parse({"u": value}, {"u": None})["u"].to_list() == [read, None]


def test_numbers_that_are_none():
    """NaN is null; an infinite number, and one of thousands of digits, is text."""
    frame = json_rows.parse("x", b'{"a": NaN, "b": 1e999, "c": ' + b"9" * 5000 + b"}\n" + b'{"a": 1}')
    assert frame.rows() == [(None, "Infinity", "9" * 5000), (1, None, None)]


@pytest.mark.parametrize("order", [[2**53 + 1, 0.5, 3], [0.5, 3, 2**53 + 1], [3, -(2**53) - 1, 0.5]])
@pytest.mark.parametrize("chunk", [1, 8192])
@pytest.mark.parametrize("nested", [False, True])
def test_large_whole_numbers_beside_fractions(order, chunk, nested, monkeypatch):
    """Such a column is text, with all digits of the whole numbers; a fraction would round them."""
    monkeypatch.setattr(json_rows, "CHUNK_ROWS", chunk)
    values = parse(*({"a": [value] if nested else value} for value in order))["a"].to_list()
    assert values == [[str(value)] if nested else str(value) for value in order]


@pytest.mark.parametrize("values", [[2**53 + 1, 3], [2**53, 0.5], [1e300, 0.5]])
def test_numbers_that_one_type_holds_stay_numbers(values):
    """Large whole numbers alone, and fractions beside those that they hold, are numbers."""
    assert parse(*({"a": value} for value in values))["a"].to_list() == values
