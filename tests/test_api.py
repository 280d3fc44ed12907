"""Python's way to the stages: the same results as the command line's, wherever it is called from."""

from __future__ import annotations

import asyncio
import dataclasses
import doctest
import json
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest
from cli import datagen as run_command

import datagen as dg
from datagen.api import _Common
from datagen.errors import DatagenError, UsageError
from datagen.runs import registry
from datagen.runs.options import fields_of

ROWS = [
    {
        "instruction": "Write a function `add(a, b)` that adds two numbers.",
        "output": "def add(a, b): return a + b",
    },
    {"instruction": "Write a function `twice(x)` that doubles x.", "output": "def twice(x:"},
    {"instruction": "Sort.", "output": "sorted"},
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAGEN_CACHE_DIR", str(tmp_path / "cache"))
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def test_a_stage_gives_frames():
    """Rows kept and dropped are lazy frames; the manifest is that of the command line."""
    made = dg.filter("in.jsonl", out="python")
    assert run_command("filter", "in.jsonl", "-o", "command").code == 0
    command = json.loads(Path("command/manifest.json").read_text())
    assert {made.manifest[name] == command[name] for name in ("key", "digest", "dropped_digest")} == {True}
    assert isinstance(made.kept, pl.LazyFrame)
    assert made.kept.collect()["response"].to_list() == [ROWS[0]["output"]]
    assert made.dropped.collect()["reason"].to_list() == ["syntax-error", "short-instruction"]
    assert repr(made) == "<datagen filter: 3 rows in, 0 made, 1 kept, 2 dropped; python>"


@pytest.mark.parametrize("rows", [pl.DataFrame(ROWS), pl.LazyFrame(ROWS), "in.jsonl", Path("in.jsonl")])
def test_rows_may_be_a_frame_or_a_path(rows):
    """A frame, a lazy one and a file of the same rows give the same rows."""
    assert dg.filter(rows).kept.collect()["instruction"].to_list() == [ROWS[0]["instruction"]]


def test_none_is_the_default():
    """A wrapper may hand on what it was not given."""
    made = dg.filter("in.jsonl", only=None, skip=None, columns=None)
    assert made.manifest["key"] == dg.filter("in.jsonl").manifest["key"]


def test_rows_of_another_kind():
    """What is neither frame nor path is told with what to do."""
    with pytest.raises(
        UsageError, match="rows should be a frame, a data set, a path or a list of paths, not list"
    ):
        dg.filter(ROWS)


def test_stages_follow_each_other():
    """What a stage makes is what the next one reads; without `out` it lies in a temporary folder."""
    made = dg.filter(pl.DataFrame(ROWS))
    place = made.path
    clean = dg.decontam(made)
    assert clean.manifest["overlaps"] == {"humaneval": 0}
    assert clean.kept.collect().height == 1
    assert place.exists()
    del made
    assert not place.exists()


def test_columns_are_renamed():
    """`columns` is --map."""
    frame = pl.DataFrame(ROWS).rename({"instruction": "question"})
    assert dg.filter(frame, columns={"instruction": "question"}).kept.collect().height == 1


def test_open():
    """A data set that the command line made is opened by its folder."""
    assert run_command("filter", "in.jsonl", "-o", "out").code == 0
    opened = dg.open("out")
    assert (opened.manifest["stage"], opened.kept.collect().height) == ("filter", 1)
    with pytest.raises(DatagenError, match=r"nothing has no manifest\.json"):
        dg.open("nothing")


def test_run():
    """A recipe runs as on the command line, up to a stage if wanted."""
    Path("recipe.yaml").write_text("{seeds: starter, stages: [{sample: {teacher: reference}}, filter]}")
    assert dg.run("recipe.yaml", "out", until="sample").manifest["stage"] == "sample"
    made = dg.run("recipe.yaml", "out")
    assert [stage["stage"] for stage in made.manifest["stages"]] == ["sample", "filter"]
    assert dg.run("recipe.yaml", "out", until=1).manifest["stage"] == "sample"
    with pytest.raises(UsageError, match="workers should be 1 to 1024"):
        dg.run("recipe.yaml", "out", workers=0)
    with pytest.raises(UsageError, match="run: unknown keyword overwrit: did you mean overwrite"):
        dg.run("recipe.yaml", "out", overwrit=True)


@pytest.mark.parametrize("stage", registry.names())
def test_a_stage_s_own_keywords_reach_it(stage):
    """None has the name of a keyword that every stage takes, which would be taken for that."""
    own = {field.name for field in fields_of(registry.stage(stage).options)}
    common = {field.name for field in dataclasses.fields(_Common)}
    assert own & common == set()


def test_columns_are_searched_and_all_are_kept():
    """`only_columns` limits what `decontam` looks at, and `read_columns` what is read."""
    made = dg.decontam(pl.DataFrame(ROWS), only_columns=["instruction"], no_run=True)
    assert made.manifest["searched"]["columns"] == ["instruction"]
    assert made.kept.collect()["response"].to_list() == [row["output"] for row in ROWS]


@pytest.mark.parametrize(
    ("stage", "keywords", "words"),
    [
        ("filter", {"onyl": "no-code"}, "filter: unknown keyword onyl: did you mean only?"),
        ("filter", {"overwrit": True}, "unknown keyword overwrit: did you mean overwrite?"),
        ("filter", {"only": ["no-cod"]}, "filter: only: unknown rule no-cod: did you mean no-code?"),
        ("decontam", {"against": "humanevil"}, "did you mean humaneval?"),
        ("sample", {}, "sample: teacher is missing: Who is asked"),
        ("sample", {"teacher": "refrence"}, "sample: teacher: unknown teacher refrence"),
        ("sample", {"teacher": "reference", "n": 0}, "sample: n: 0 is not in the range"),
        ("sample", {"teacher": "reference", "n": 1.5}, "sample: n is a whole number, not 1.5"),
        ("sample", {"teacher": "reference", "n": True}, "sample: n is a whole number, not True"),
        ("sample", {"teacher": "reference", "n": [1, 2]}, "sample: n takes one value, not several"),
        ("sample", {"teacher": "reference", "tests": "yes"}, "sample: tests is True or False, not yes"),
        ("sample", {"teacher": "openai:m", "max_usd": 1}, "needs the price of openai:m"),
        ("filter", {"only": 5}, "filter: only: unknown rule 5"),
        ("filter", {"only": [None]}, "filter: only cannot be None"),
        ("filter", {"workers": -1}, "workers should be 1 to 1024, or None, not -1"),
        ("filter", {"workers": "2"}, "workers should be 1 to 1024, or None, not 2"),
        ("filter", {"overwrite": 1}, "overwrite should be True or False, not 1"),
        ("filter", {"columns": "a=b"}, "columns should be a mapping of new names"),
        ("sample", {"teacher": "reference", "teachers": 5}, "teachers should be a path or a mapping, not 5"),
        ("sample", {"teacher": "reference", "max_usd": -1}, "max_usd should be a number above 0, not -1"),
        ("sample", {"teacher": "reference", "journal": 5}, "journal should be a path, not 5"),
        ("evolve", {"teacher": "reference"}, "can neither evolve nor judge"),
    ],
)
def test_mistakes_are_one_line(stage, keywords, words):
    """What is wrong with a keyword is said as the command line says it."""
    with pytest.raises(UsageError) as caught:
        dg.make(stage, "in.jsonl", **keywords)
    assert words in str(caught.value)


def test_models_are_asked_where_a_loop_runs():
    """In a notebook an event loop runs already."""

    async def cell():
        return dg.sample("starter", teacher="reference")

    assert asyncio.run(cell()).kept.collect().height == 240


def test_models_are_asked_in_a_thread():
    """A thread of the caller's own may make a data set."""
    made = []
    thread = threading.Thread(target=lambda: made.append(dg.sample("starter", teacher="reference")))
    thread.start()
    thread.join(60)
    assert made[0].manifest["rows_out"] == 240


def test_the_journal_may_lie_anywhere(folder):
    """`journal` names the file; the user's own is not touched."""
    from endpoint import Endpoint

    with Endpoint() as endpoint:
        made = dg.sample("in.jsonl", teacher=endpoint.teacher, journal=folder / "mine/calls.sqlite")
        again = dg.sample(
            "in.jsonl", teacher=endpoint.teacher, journal=folder / "mine/calls.sqlite", out="again"
        )
        assert endpoint.asked.total() == 3
    assert made.manifest["digest"] == again.manifest["digest"]
    assert (folder / "mine/calls.sqlite").exists()
    assert not (folder / "cache").exists()


def test_teachers_may_be_given_as_a_mapping():
    """`teachers` is a teachers file or its content; without `teacher` all of its teachers are asked."""
    made = dg.sample("starter", teachers={"expert": {"spec": "reference"}})
    assert made.kept.collect()["teacher"].unique().to_list() == ["expert"]


def test_importing_costs_nothing():
    """`import datagen` imports neither polars nor Click; the names come when they are asked for."""
    program = (
        "import sys, datagen as dg\n"
        "assert {*dg.__all__} <= {*dir(dg)}\n"
        "print([m for m in ('polars', 'click', 'openai', 'rules') if m in sys.modules])\n"
        "dg.filter\n"
        "print('polars' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]
    with pytest.raises(AttributeError, match="no attribute 'filtre'"):
        dg.filtre  # noqa: B018


@pytest.mark.parametrize("name", sorted({*dg.__all__} - {"__version__"}))
def test_names_are_documented(name):
    """Every public name has a docstring."""
    assert (getattr(dg, name).__doc__ or "").strip()


def test_examples_of_the_docs_run(folder):
    """The examples in docs/python.md do what they say."""
    page = Path(dg.__file__).parents[1] / "docs" / "python.md"
    if not page.exists():
        pytest.skip("the installed package has no docs")
    Path("pairs.jsonl").write_text(Path("in.jsonl").read_text())
    found = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 5
    assert found.failed == 0
