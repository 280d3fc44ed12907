"""The end of the chain: a ranked data set with all its views, and a recipe that publishes what it made."""

from __future__ import annotations

import json
from pathlib import Path

import hub
import pytest
from cli import datagen

from datagen.data.inputs import open_source

#: A student's answers: no Python, an error, and the same code as the teacher's.
WORSE = ["```python\ndef broken(:\n```", "```python\nraise ValueError(1)\n```", None]


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """Tasks of the starter set, the reference's answers and worse ones of a student, one without tests."""
    place = tmp_path_factory.mktemp("ranked")
    tasks = [row for _, row in zip(range(7), open_source("starter").iter_rows(), strict=False)]
    (place / "tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tasks))
    assert datagen("sample", place / "tasks.jsonl", "-o", place / "pairs", "--teacher", "reference").code == 0
    rows = []
    for number, row in enumerate(open_source(str(place / "pairs")).iter_rows()):
        answer = WORSE[number % 3] or row["response"]
        student = {"role": "student", "teacher": "pupil", "response": answer, "code": None, "id": None}
        both = [row, {name: value for name, value in {**row, **student}.items() if value is not None}]
        rows += [{**one, "tests": []} for one in both] if number == 0 else both
    (place / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = datagen("rank", place / "all.jsonl", "-o", place / "ranked")
    assert done.code == 0, done
    return place / "ranked"


def test_views_of_a_ranked_set(ranked, run):
    """Each config has the rows that `cat` prints, read by the library datasets and as an input."""
    done = run("publish", ranked, "me/ranked", "--json")
    assert done.code == 0, done
    configs = done.json()["configs"]
    assert configs == {
        **{"default": 12, "dropped": 2, "messages": 12, "alpaca": 12},
        **{"preference": 4, "ranked": 6, "sft": 6},
    }
    found = run.load("me/ranked")
    assert {name: len(rows) for name, rows in found.items()} == configs
    assert found["default"] == run.rows(ranked)
    assert found["dropped"] == run.rows(ranked, "--dropped")
    for view in ("messages", "alpaca", "preference", "ranked", "sft"):
        assert found[view] == run.rows(ranked, "--as", view), view
    assert run.rows("hf:me/ranked", "--as", "preference") == found["preference"]


RECIPE = """
seeds: in.jsonl
stages:
  - filter
  - publish: {to: me/set, private: true}
"""


@pytest.fixture
def recipe(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text(Path(made, "pairs.jsonl").read_text())
    Path("r.yaml").write_text(RECIPE)
    return ("run", "r.yaml", "-o", "out")


def test_recipe_that_publishes(run, recipe, server):
    """The first run publishes; the second one finds all made, and sends nothing."""
    done = run(*recipe)
    assert done.code == 0, done
    repo = server.repos["me/set"]
    assert repo.private
    assert "published: 6 files uploaded" in done.err
    assert f"{server.address}/datasets/me/set (private)" in done.err
    head, sent = repo.head, [one for one in server.asked if not one.startswith(("GET", "HEAD"))]
    again = run(*recipe)
    assert again.code == 0, again
    assert "already made" in again.err
    assert f"already published: nothing has changed since commit {head[:12]}" in again.err
    assert repo.head == head
    assert [one for one in server.asked if not one.startswith(("GET", "HEAD"))] == sent
    assert run.rows("hf:me/set") == run.rows("out")
    assert run("verify", "out").code == 0


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({"HF_TOKEN": hub.WRONG}, "does not take the token for me/set (401)"),
        ({"HF_TOKEN": hub.READER}, "the token may not do this with me/set (403)"),
        ({"HF_TOKEN": ""}, "publishing needs a token with write access to me/set"),
    ],
)
def test_recipe_without_rights(environment, part, run, recipe, server):
    """What the run made is whole all the same, and the same command goes on with a better token."""
    done = run(*recipe, "--quiet", **environment)
    assert part in done.error(1)
    assert run("verify", "out").code == 0
    assert server.repos == {}
    assert run(*recipe).code == 0
    assert len(run.rows("hf:me/set")) == 8


def test_recipe_that_evaluates_and_publishes(run, recipe, server):
    """An evaluation's folder beside the stages is no damage: the data set is published, and is ok."""
    act = "  - eval: {what: reference, benchmark: humaneval, limit: 1}\n  - publish:"
    Path("r.yaml").write_text(RECIPE.replace("  - publish:", act))
    done = run(*recipe)
    assert done.code == 0, done
    assert Path("out/stages/02-eval/manifest.json").exists()
    assert run("verify", "out").code == 0
    assert not [name for name in server.repos["me/set"].files if name.startswith("stages/")]


def test_recipe_dry_run(run, recipe, server):
    """A dry run of a recipe asks no Hub."""
    assert run(*recipe, "--dry-run").code == 0
    assert server.asked == []


def test_recipe_without_a_name(run, recipe):
    """A recipe that does not say where to is refused before it runs."""
    for wrong in ("publish", "publish: {to: nowhere}", "publish: {to: me/x, private: 3}"):
        Path("r.yaml").write_text(f"seeds: in.jsonl\nstages:\n  - filter\n  - {wrong}\n")
        assert "publish" in run(*recipe).error(2)
        assert not Path("out").exists()
