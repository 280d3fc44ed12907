"""What a manifest says about a run."""

from __future__ import annotations

import json

import pytest
from cli import datagen

import datagen as package
from datagen.data import manifest
from datagen.data.manifest import Counts, Plan
from datagen.data.source import Source


def source(digest: str = "0") -> Source:
    return Source("in.jsonl", digest, 1, lambda: iter([]))


def test_key_is_stable():
    """The same plan has the same key in every process and on every machine."""
    plan = Plan("filter", [source()], {"only": ["a"], "n": 1}, ("x",))
    again = Plan("filter", [source()], {"n": 1, "only": ["a"]}, ("x",))
    assert plan.key() == again.key()
    assert plan.key().isalnum()
    assert len(plan.key()) == 20


@pytest.mark.parametrize(
    "other",
    [
        Plan("dedup", [source()], {"n": 1}),
        Plan("filter", [source("1")], {"n": 1}),
        Plan("filter", [source(), source()], {"n": 1}),
        Plan("filter", [source()], {"n": 2}),
        Plan("filter", [source()], {"n": "1"}),
        Plan("filter", [source()], {"n": 1, "m": None}),
        Plan("filter", [source()], {"n": 1}, ("",)),
    ],
    ids=["stage", "digest", "number of inputs", "value", "type", "option", "private"],
)
def test_key_tells_plans_apart(other):
    """Anything that decides the result decides the key."""
    assert Plan("filter", [source()], {"n": 1}).key() != other.key()


def test_private_part_is_not_written(tmp_path):
    """Addresses decide the key and stand nowhere else."""
    plan = Plan("sample", [source()], {}, ("http://secret.example",))
    content = manifest.compose(plan, Counts().as_json(), digests={}, extra={}, times={})
    assert "secret" not in json.dumps(content)
    assert content["key"] == plan.key()


def test_reasons_are_sorted_by_number():
    """What was dropped most comes first; equal numbers by name."""
    counts = Counts()
    counts.dropped.update({"b": 1, "c": 5, "a": 1})
    assert [*counts.as_json()["dropped"].items()] == [("c", 5), ("a", 1), ("b", 1)]


def test_only_times_and_environment_differ_between_equal_runs(tmp_path, monkeypatch):
    """Two equal runs write the same manifest but for when, how fast and where."""
    monkeypatch.chdir(tmp_path)
    contents = []
    for out in ("a", "b"):
        assert datagen("filter", "starter", "-o", out).code == 0
        content = json.loads((tmp_path / out / "manifest.json").read_text())
        assert {*content.pop("times")} == {"made", "seconds", "calls"}
        assert {*content.pop("environment")} == {"python", "system", "packages"}
        contents.append(content)
    assert contents[0] == contents[1]
    assert contents[0]["datagen"] == package.__version__
    assert contents[0]["inputs"] == [
        {"name": "starter", "sha256": contents[0]["inputs"][0]["sha256"], "rows": 240}
    ]


def test_identity_in_the_manifest(tmp_path, monkeypatch):
    """rows_in + rows_made = rows_out + all that was dropped."""
    monkeypatch.chdir(tmp_path)
    made = datagen("sample", "starter", "-o", "OUT", "--teacher", "reference", "--json").json()
    assert made["rows_in"] + made["rows_made"] == made["rows_out"] + sum(made["dropped"].values()) == 240


def test_what_is_read_is_what_was_written(tmp_path):
    """A manifest survives the way to disk, and no other file appears beside it."""
    plan = Plan("filter", [source()], {"text": "caf\u00e9 \U0001f600"})
    content = manifest.compose(
        plan,
        Counts().as_json(),
        digests={"digest": "a", "dropped_digest": "b", "files": {"data/x": "c"}},
        extra={"overlaps": {"humaneval": 0}},
        times={"seconds": 0.5, "calls": {"asked": 1}},
    )
    manifest.write(tmp_path, content)
    assert manifest.read(tmp_path) == content
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
