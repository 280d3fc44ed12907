"""`cat`: rows in the shape that a trainer or a person wants."""

from __future__ import annotations

import json

import pytest
from cli import datagen

ROWS = [
    {"instruction": "caf\u00e9 \U0001f600", "response": "a\nb", "tests": ["x"], "u": {"n": 1.5}},
    {"instruction": "second of them", "response": None, "tests": None, "u": None},
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def cat(*words):
    done = datagen("cat", *words)
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def test_jsonl():
    """By default rows are printed whole, in order, text as it is."""
    rows = cat("in.jsonl")
    assert [{name: row[name] for name in ROWS[0]} for row in rows] == ROWS
    assert all(row["id"] and row["task"] for row in rows)
    assert "caf\u00e9 \U0001f600" in datagen("cat", "in.jsonl").out


@pytest.mark.parametrize(
    ("shape", "first", "second"),
    [
        (
            "messages",
            {
                "messages": [
                    {"role": "user", "content": "caf\u00e9 \U0001f600"},
                    {"role": "assistant", "content": "a\nb"},
                ]
            },
            {"messages": [{"role": "user", "content": "second of them"}]},
        ),
        (
            "alpaca",
            {"instruction": "caf\u00e9 \U0001f600", "input": "", "output": "a\nb"},
            {"instruction": "second of them", "input": "", "output": ""},
        ),
        (
            "sharegpt",
            {
                "conversations": [
                    {"from": "human", "value": "caf\u00e9 \U0001f600"},
                    {"from": "gpt", "value": "a\nb"},
                ]
            },
            {"conversations": [{"from": "human", "value": "second of them"}]},
        ),
    ],
)
def test_shapes(shape, first, second):
    """Chat, Alpaca and ShareGPT rows hold the question and, where there is one, the answer."""
    found = [
        {name: value for name, value in row.items() if name != "id"} for row in cat("in.jsonl", "--as", shape)
    ]
    assert found == [first, second]


@pytest.mark.parametrize("shape", ["messages", "alpaca", "jsonl"])
def test_what_is_printed_can_be_read(shape, folder):
    """What `cat` prints, every stage reads, with the same instructions and answers."""
    (folder / "again.jsonl").write_text(datagen("cat", "in.jsonl", "--as", shape).out)
    again = cat("again.jsonl")
    assert [row["instruction"] for row in again] == [row["instruction"] for row in ROWS]
    assert [row["response"] or None for row in again] == [row["response"] for row in ROWS]


def test_starter():
    """The tasks that come with datagen can be looked at."""
    assert len(cat("starter")) == 240


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (2, 2), (9, 2)])
def test_limit(limit, count):
    """--limit prints the first rows."""
    assert cat("in.jsonl", "--limit", str(limit)) == cat("in.jsonl")[:count]


def test_dropped(folder):
    """--dropped prints the other rows, with their reasons."""
    datagen("filter", "in.jsonl", "-o", "OUT", "--only", "empty-response")
    assert [row["instruction"] for row in cat("OUT")] == []
    assert [row["reason"] for row in cat("OUT", "--dropped")] == ["empty-response"] * 2
    assert cat("OUT", "--dropped", "--as", "alpaca")[1]["instruction"] == "second of them"
    assert "in.jsonl is no dataset directory" in datagen("cat", "in.jsonl", "--dropped").error(1)


def test_map():
    """--map reads a file's columns under other names, as in the stages."""
    done = datagen("cat", "in.jsonl", "--map", "my_tests=tests")
    assert json.loads(done.out.splitlines()[0])["my_tests"] == ["x"]
    assert done.err == "in.jsonl: neither task nor answer, but kept: the text columns my_tests\n"
