"""Copies that are planted: what they are, and that what is found of them is counted."""

from __future__ import annotations

import ast

import polars as pl
import pytest

from decontam import MATCHES, build_indexes
from decontam._stored import store
from decontam.benchmarks import Item, load
from decontam.profiles import profile
from decontam.selftest import PLANTED, counts
from decontam.transforms import CHANGES, copies, program

ITEMS = load("humaneval").items
NONE = MATCHES.to_frame()


@pytest.mark.parametrize("item", ITEMS[::20], ids=lambda item: item.task_id)
def test_renamed_programs_do_the_same(item):
    """Another name for all that it binds, and the same results; no name of the item is left."""
    renamed = copies(item)["new-names"].answer
    names = {node.name for node in ast.walk(ast.parse(renamed)) if isinstance(node, ast.FunctionDef)}
    assert item.entry_point not in renamed
    there: dict[str, object] = {}
    exec(renamed, there)
    test = item.tests[0] if "def check" in item.tests[0] else "\n".join(item.tests)
    candidates = [there[name] for name in names]
    exec(test, there)
    passed = 0
    for candidate in candidates:
        try:
            there["check"](candidate)
        except Exception:  # a helper is no solution
            continue
        passed += 1
    assert passed == 1


def test_layout_keeps_the_program():
    """The same tree but for docstrings."""
    item = ITEMS[0]
    made, original = ast.parse(copies(item)["new-layout"].answer), ast.parse(program(item))
    assert ast.dump(made.body[-1].body[-1]) == ast.dump(original.body[-1].body[-1])
    assert '"""' not in copies(item)["new-layout"].answer


def test_items_with_little_text():
    """What an item does not have is not planted; nothing is raised."""
    assert copies(Item("b", "1", "", "", "", (), "")) == {}
    assert set(copies(Item("b", "1", "Sort.", "Sort.", "def f(:", (), ""))) == {
        "verbatim",
        "wrapped-text",
        "solution",
    }


def test_a_solution_that_is_nested_too_deep():
    """It is planted as it is."""
    deep = Item("b", "1", "", "", "def f():\n    return " + "+".join(["1"] * 3_000), (), "f")
    assert set(copies(deep)) == {"solution"}


def test_what_is_found_is_counted():
    """All changes are planted; without detectors nothing is found, with them nearly all."""
    rows = pl.DataFrame({"instruction": ["Write a poem."], "response": ["Roses are red."]})
    told = counts(ITEMS, build_indexes(ITEMS), rows)
    assert set(told) == set(CHANGES)
    assert told["verbatim"] == {"planted": PLANTED, "found": PLANTED}
    assert all(one["found"] >= 0.8 * one["planted"] for one in told.values())
    blind = counts(ITEMS, build_indexes(ITEMS, []), rows.clear())
    assert {name: one["planted"] for name, one in blind.items()} == {
        name: one["planted"] for name, one in told.items()
    }
    assert all(one["found"] == 0 for one in blind.values())


def test_a_result_is_kept_for_the_same_texts_alone(tmp_path, monkeypatch):
    """Other texts, another profile, other detectors or items are measured anew; so is a damaged result."""
    measured = []
    monkeypatch.setattr("decontam.selftest.find_overlaps", lambda *_: measured.append(1) or NONE)
    rows = pl.DataFrame({"instruction": ["Write a poem."], "response": ["Roses are red."]})
    few, indexes = ITEMS[:3], build_indexes(ITEMS[:3], ["ngrams"])
    told = counts(few, indexes, rows, tmp_path)
    assert counts(few, indexes, rows, tmp_path) == told
    assert len(measured) == 1
    others = [
        (few, indexes, rows.with_columns(response=pl.lit("Violets are blue."))),
        (few, indexes, rows.with_columns(instruction=pl.lit("Write a song."))),
        (few, build_indexes(few, ["ngrams"], profile("strict")), rows),
        (few, build_indexes(few, ["minhash"]), rows),
        (ITEMS[:2], build_indexes(ITEMS[:2], ["ngrams"]), rows),
    ]
    for number, other in enumerate(others):
        counts(*other, tmp_path)
        assert len(measured) == 2 + number
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert counts(few, indexes, rows, tmp_path) == told
    assert len(measured) == 2 + len(others)
    for path in tmp_path.glob("*.index"):
        store(tmp_path, path.stem, {"verbatim": {"planted": 3, "found": "all"}}, {})
    assert counts(few, indexes, rows, tmp_path) == told


def test_no_result_is_kept_of_a_detector_that_may_change(tmp_path):
    """Of other packages' detectors nobody knows when they change."""
    indexes = build_indexes(ITEMS[:1], ["ngrams"])._replace(key="")
    counts(ITEMS[:1], indexes, pl.DataFrame({"instruction": ["Sing."]}), tmp_path)
    assert not [*tmp_path.iterdir()]
