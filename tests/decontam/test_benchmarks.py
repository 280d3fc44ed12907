"""Readers: what they give, and what they say about a benchmark that cannot be read."""

import gzip
import json
from pathlib import Path

import pytest

from decontam.benchmarks import BenchmarkError, load, usages

MBPP = Path(__file__).parents[3] / "shared/data/mbpp.jsonl"
USAGES = [
    "hf:OWNER/NAME[@REVISION][:[CONFIG/]SPLIT][:FIELD=NAME,...]",
    *("humaneval", "jsonl:PATH[:FIELD=NAME,...]", "mbpp:PATH"),
]
GOOD = {
    "task_id": "a/1",
    "prompt": "Return x twice.",
    "entry_point": "twice",
    "tests": ["assert twice(2) == 4"],
}


def write(path, *records):
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def test_humaneval_has_all_its_items():
    """HumanEval is read whole from the installed package, each item with all it needs."""
    benchmark = load("humaneval")
    assert (benchmark.name, benchmark.license, len(benchmark.items)) == ("humaneval", "MIT", 164)
    assert all(item.prompt and item.solution and item.tests and item.entry_point for item in benchmark.items)


def test_humaneval_prompt_is_words_without_code_and_examples():
    """The prompt holds the docstring's words; signature, doctests and their output stay in raw_prompt."""
    item = load("humaneval").items[0]
    assert item.prompt == (
        "Check if in given list of numbers, are any two numbers closer to each other than\ngiven threshold."
    )
    assert item.raw_prompt.startswith("from typing import List")


@pytest.mark.parametrize(
    ("number", "start", "gone"),
    [(38, "takes as input string encoded", "cycling groups"), (80, "You are given a string s.", "is_happy(")],
    ids=["the last docstring of two", "examples without a doctest prompt"],
)
def test_humaneval_prompts_of_other_shapes(number, start, gone):
    """Of two docstrings the last counts, and lines that call the function are examples."""
    prompt = load("humaneval").items[number].prompt
    assert prompt.startswith(start)
    assert gone not in prompt


def test_revision_is_the_content(tmp_path):
    """The revision is the same for the same items and another when one letter differs."""
    one = load(f"jsonl:{write(tmp_path / 'x.jsonl', GOOD)}")
    again = load(f"jsonl:{write(tmp_path / 'x.jsonl', dict(reversed(GOOD.items())))}")
    other = load(f"jsonl:{write(tmp_path / 'x.jsonl', GOOD | {'prompt': 'Return x thrice.'})}")
    assert one == again
    assert one.revision != other.revision


def test_jsonl_is_named_after_its_file(tmp_path):
    """A JSON-lines benchmark bears its file's stem, and takes HumanEval's field names and gzip too."""
    record = {"task_id": 7, "prompt": "p", "entry_point": "f", "test": "check(f)", "canonical_solution": "s"}
    path = tmp_path / "private.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(record).encode()))
    (item,) = load(f"jsonl:{path}").items
    assert item == ("private", "7", "p", "p", "s", ("check(f)",), "f")


def test_mbpp_sanitized_names_its_words_prompt(tmp_path):
    """The sanitized file is a JSON list with `prompt` for `text`; its imports come before each test."""
    record = {
        "task_id": 2,
        "prompt": "Add.",
        "code": "def add(a, b):\n    return a + b",
        "test_imports": ["import math"],
        "test_list": ["assert set([add(1, 2)]) == {3}"],
    }
    path = tmp_path / "sanitized-mbpp.json"
    path.write_text(json.dumps([record]))
    (item,) = load(f"mbpp:{path}").items
    assert item.prompt == "Add."
    assert item.tests == ("import math\nassert set([add(1, 2)]) == {3}",)
    assert item.entry_point == "add"


@pytest.mark.skipif(not MBPP.exists(), reason=f"no MBPP at {MBPP}")
def test_mbpp_has_all_its_items():
    """google-research's file is read whole, each item with words, tests and the function they call."""
    benchmark = load(f"mbpp:{MBPP}")
    assert (benchmark.license, len(benchmark.items)) == ("CC-BY-4.0", 974)
    assert all(item.prompt and item.tests and item.entry_point for item in benchmark.items)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "humanevl",
            f"unknown benchmark 'humanevl' (nearest: 'humaneval'); allowed: {', '.join(USAGES)}",
        ),
        ("apps", f"unknown benchmark 'apps'; allowed: {', '.join(USAGES)}"),
        ("hf:me/x", "benchmark 'hf:me/x': it cannot be read from the Hub here; give a file"),
        ("mbpp:hf:me/x", "benchmark 'mbpp:hf:me/x': it cannot be read from the Hub here; give a file"),
        ("mbpp", "benchmark 'mbpp': write mbpp:PATH"),
        ("humaneval:x.jsonl", "benchmark 'humaneval:x.jsonl': write humaneval"),
        ("mbpp:nowhere.jsonl", "no such file: nowhere.jsonl"),
    ],
)
def test_what_is_wrong_with_a_name(spec, message):
    """A benchmark that is misspelt, lacks its path or is not there gives one line that says what to write."""
    with pytest.raises(BenchmarkError) as caught:
        load(spec)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps(GOOD) + "\n{oops\n", "{path} line 2: not JSON: Expecting property name"),
        (json.dumps(GOOD) + "\n\n[1]\n", "{path} line 3: must be a JSON object, not list"),
        (
            json.dumps({"task_id": "a", "x": 1}),
            "{path} line 1: no prompt, solution or tests among the fields 'task_id', 'x'; name them behind",
        ),
        (json.dumps(GOOD) + "\n" + json.dumps(GOOD), "{path} line 2: task_id 'a/1' was already used"),
        ("\n", "{path}: no items"),
        ("\udcff", "{path}: cannot be read: 'utf-8'"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path, content, message):
    """A file that cannot be used gives one line with its name, the line and the field."""
    path = tmp_path / "mine.jsonl"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(BenchmarkError) as caught:
        load(f"jsonl:{path}")
    assert str(caught.value).startswith(message.format(path=path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("record", "fields", "item"),
    [
        ({"question": "Add.", "answer": "x"}, "", ("1", "Add.", "x", ())),
        (
            {"task_id": 7, "text": "Add.", "code": "x", "test_list": ["a", "b"]},
            "",
            ("7", "Add.", "x", ("a", "b")),
        ),
        ({"question_content": "Add.", "question_id": "q"}, "", ("q", "Add.", "", ())),
        ({"prompt": "no", "wish": "Add."}, ":prompt=wish", ("1", "Add.", "", ())),
        ({"a": "x", "b": [1, {"c": 2}]}, ":solution=a,tests=b", ("1", "", "x", ("1", '{"c": 2}'))),
    ],
)
def test_fields_of_other_files(tmp_path, record, fields, item):
    """Usual names are known, others can be told."""
    (tmp_path / "qa.jsonl").write_text(json.dumps(record))
    (found,) = load(f"jsonl:{tmp_path}/qa.jsonl{fields}").items
    assert (found.task_id, found.raw_prompt, found.solution, found.tests) == item


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("promt=question", "unknown field 'promt' (nearest: 'prompt')"),
        ("prompt=wish", "missing field 'wish', which is to be the prompt"),
    ],
)
def test_fields_that_are_none(tmp_path, fields, message):
    """A field that does not exist, here or in the file, is one line."""
    (tmp_path / "qa.jsonl").write_text(json.dumps({"question": "Add."}))
    with pytest.raises(BenchmarkError) as caught:
        load(f"jsonl:{tmp_path}/qa.jsonl:{fields}")
    assert message in str(caught.value)


def test_every_file_is_a_benchmark():
    """The folder is the registry: a reader's file name is what a user writes."""
    assert [*usages()] == ["hf", "humaneval", "jsonl", "mbpp"]
    assert [*usages().values()] == USAGES
