"""A package of one file adds a stage, a rule, a teacher, a benchmark or a detector."""

from __future__ import annotations

import json
import os
import re

import pytest
from cli import ROOT, spawn

ROWS = [
    {"instruction": f"Write a function `add_{n}(x)` that adds {n} to x and returns the sum.", "output": code}
    for n, code in enumerate(["def add_0(x):\n    return x", "toy", "def add_2(x):\n    return x + 2"])
]
STAGE = '''
"""Drop rows whose position is even."""

from dataclasses import dataclass
from functools import partial

from datagen.data import schema
from datagen.data.dataset import Split
from datagen.data.manifest import Entry, sums
from datagen.runs import values
from datagen.runs.options import option
from datagen.runs.stage import FrameStage, Started
import polars as pl


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the toy."""

    first: int = option(0, type=values.whole(0, 1), help="Which to drop first.")


def split(frame, first):
    goes = pl.Series([n % 2 == first for n in range(frame.height)], dtype=pl.Boolean)
    reason = pl.lit("even-row").alias("reason")
    return Split(frame.filter(~goes), frame.filter(goes).with_columns(reason))


STAGE = FrameStage(
    name="toy",
    options=Options,
    decides=vars,
    start=lambda source, options, over: Started(
        partial(split, first=options.first), {"toys": {"seen": source.rows}}
    ),
    entries=(
        Entry(
            "toys",
            add=lambda manifests, rows: sums(one["toys"] for one in manifests),
            lines=lambda manifest: [f"  toys seen: {manifest['toys']['seen']}"],
            card=lambda manifest: [f"Toys seen: {manifest['toys']['seen']}.", ""],
        ),
    ),
    help="Drop rows whose position is even.",
    example="datagen toy in.jsonl -o out",
)
'''
RULE = '''
"""A response that is the word toy."""

import polars as pl

from rules import IsTrue, Rule

RULE = Rule(judges="response", measure="toy", of=pl.col("response") == "toy", drop_when=IsTrue())
'''
TEACHER = '''
"""Says toy."""

from contextlib import asynccontextmanager

from datagen.request import Reply, Request
from datagen.teachers import Kind


class Toy:
    shape = "chat"
    journalled = False
    resumable = False

    def __init__(self, profile):
        self.profile = profile._replace(concurrency=1, price_in=0.0, price_out=0.0)
        self.name = profile.name

    def request(self, prompt, *, seed, sample, temperature=None):
        return Request("toy", "toy", prompt.messages, None, (), sample)

    async def complete(self, request):
        return Reply("```python\\ndef toy():\\n    return 1\\n```", "stop", None, 0, 0)


@asynccontextmanager
async def connect(profile):
    yield Toy(profile)


KIND = Kind(
    name="toy",
    summary="toy: says toy",
    parse=lambda rest: rest,
    public_name=lambda target: "toy",
    identity=lambda profile: "toy",
    connect=connect,
)
'''
BENCHMARK = '''
"""One item."""

from decontam.benchmarks import Item, benchmark

USAGE = "toybench"
TEXT = "Write a function that plays with all of the toys of a box until the box is empty again."


def read():
    return benchmark("toybench", "MIT", [Item("toybench", "toy/1", TEXT, TEXT, "", (), "")])
'''
DETECTOR = '''
"""Finds the word toy."""

import polars as pl

from decontam import EVIDENCE


def index(items, *, word="toy"):
    return [items[0].task_id, word]


def matches(frame, index):
    hits = frame.filter(pl.col("response").fill_null("").str.contains(index[1], literal=True))["id"]
    found = {"benchmark": "humaneval", "item": index[0], "detector": "toy", "part": "solution:response"}
    rows = [{"row": row, **found, "value": 1.0, "threshold": 1.0, "excerpt": "toy"} for row in hits]
    return pl.DataFrame(rows, schema=EVIDENCE)
'''
FILES = {
    "stages": ("toy_stage", "toy", STAGE),
    "rules": ("toy_rule", "toy-answer", RULE),
    "teachers": ("toy_teacher", "toy", TEACHER),
    "benchmarks": ("toy_benchmark", "toybench", BENCHMARK),
    "detectors": ("toy_detector", "toy", DETECTOR),
}


@pytest.fixture
def run(tmp_path):
    """Runs datagen in a folder where a package of the given kind is installed."""
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))

    def install(kind, content=None, name=None):
        module, default, text = FILES[kind]
        name = name or default
        folder = tmp_path / "site"
        information = folder / "toys-1.dist-info"
        information.mkdir(parents=True, exist_ok=True)
        (folder / f"{module}.py").write_text(content or text)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1\n")
        (information / "entry_points.txt").write_text(f"[datagen.{kind}]\n{name} = {module}\n")

    def datagen(*words, kind, content=None, name=None):
        install(kind, content, name)
        path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
        return spawn(*words, cwd=tmp_path, env={"PYTHONPATH": path})

    return datagen


def told(done, code=0):
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


class TestStage:
    def test_command(self, run, tmp_path):
        """It is a command with its options; its entry is in --json, manifest, card and summary."""
        found = told(run("toy", "in.jsonl", "-o", "out", "--first", "1", "--json", kind="stages"))
        assert (found["rows_out"], found["dropped"], found["toys"]) == (2, {"even-row": 1}, {"seen": 3})
        manifest = json.loads((tmp_path / "out/manifest.json").read_text())
        assert (manifest["toys"], manifest["options"]) == ({"seen": 3}, {"first": 1})
        assert "Toys seen: 3." in (tmp_path / "out/README.md").read_text()
        assert "  toys seen: 3" in run("toy", "in.jsonl", "-o", "out2", kind="stages").stderr
        assert "toy       Drop rows whose position is even." in run("--help", kind="stages").stdout

    def test_recipe(self, run, tmp_path):
        """A recipe names it as any other; the run's manifest adds its entry up."""
        recipe = {"seeds": "in.jsonl", "stages": [{"toy": {"first": 1}}, "filter", "toy"]}
        (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
        found = told(run("run", "recipe.yaml", "-o", "out", "--json", kind="stages"))
        assert found["toys"] == {"seen": 5}
        assert [stage["stage"] for stage in found["stages"]] == ["toy", "filter", "toy"]
        assert found["stages"][2]["toys"] == {"seen": 2}
        (tmp_path / "recipe.yaml").write_text(json.dumps(recipe | {"stages": [{"toy": {"frist": 1}}]}))
        done = run("run", "recipe.yaml", "-o", "out", kind="stages")
        assert "unknown option frist: did you mean first?" in done.stderr

    @pytest.mark.parametrize("name", ["near-toy", "toy_2"])
    def test_any_name(self, name, run, tmp_path):
        """A run of a stage with hyphens or digits in its name is made once, then known again."""
        kind = {"kind": "stages", "name": name, "content": STAGE.replace('name="toy"', f'name="{name}"')}
        (tmp_path / "recipe.yaml").write_text(json.dumps({"seeds": "in.jsonl", "stages": [name]}))
        assert told(run("run", "recipe.yaml", "-o", "out", "--json", **kind))["already_made"] is False
        assert told(run("run", "recipe.yaml", "-o", "out", "--json", **kind))["already_made"] is True
        assert told(run(name, "in.jsonl", "-o", "one", "--json", **kind))["command"] == name

    def test_two_names(self, run):
        """A stage that calls itself otherwise than its entry point is one line."""
        done = run("toy", "in.jsonl", "-o", "out", kind="stages", content=STAGE.replace('"toy",', '"yot",'))
        assert "the stage toy (toy_stage, an entry point of datagen.stages) calls itself yot" in done.stderr

    def test_example_of_the_docs(self, run, tmp_path):
        """The stage that docs/architecture.md shows works as it stands there."""
        page = ROOT / "docs" / "architecture.md"
        if not page.exists():
            pytest.skip("the installed package has no docs")
        (content,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
        rows = [{"instruction": "Sortiere große Listen."}, ROWS[0]]
        (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        words = ("ascii", "in.jsonl", "-o", "out", "--json")
        found = told(run(*words, kind="stages", content=content, name="ascii"))
        assert found["dropped"] == {"other-letters": 1}

    def test_broken(self, run):
        """One that cannot be imported is one line, and the others work."""
        done = run("toy", "in.jsonl", "-o", "out", kind="stages", content="import nothing_of_the_kind")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "Error: the stage toy (toy_stage, an entry point of datagen.stages) cannot" in done.stderr
        assert run("list", "methods", kind="stages", content="1 / 0").returncode == 0

    def test_undeclared_entry(self, run):
        """A value for an entry that is not declared is a bug, not lost without a word."""
        content = STAGE.replace('{"toys": {"seen"', '{"tois": {"seen"')
        done = run("toy", "in.jsonl", "-o", "out", kind="stages", content=content)
        assert "toy declares no manifest entry tois" in done.stderr


class TestRule:
    def test_command_and_recipe(self, run, tmp_path):
        """It drops rows, is listed, and may be named by `--only` and in a recipe."""
        found = told(run("filter", "in.jsonl", "-o", "out", "--only", "toy-answer", "--json", kind="rules"))
        assert found["dropped"] == {"toy-answer": 1}
        assert "toy-answer" in run("list", "rules", kind="rules").stdout
        recipe = {"seeds": "in.jsonl", "stages": [{"filter": {"only": "toy-answer"}}]}
        (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
        assert told(run("run", "recipe.yaml", "-o", "run", "--json", kind="rules"))["rows_out"] == 2

    def test_in_workers(self, run, tmp_path):
        """Worker processes know it, too."""
        rows = [ROWS[n % 3] | {"n": n} for n in range(30_000)]
        (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        words = ("filter", "in.jsonl", "-o", "out", "--only", "toy-answer", "--workers", "2", "--json")
        assert told(run(*words, kind="rules"))["dropped"] == {"toy-answer": 10_000}


class TestTeacher:
    def test_command_and_recipe(self, run, tmp_path):
        """It answers tasks, is listed, and may be named in a recipe."""
        words = ("sample", "in.jsonl", "-o", "out", "--teacher", "toy", "--json")
        assert told(run(*words, kind="teachers"))["rows_out"] == 3
        assert "toy: says toy" in run("list", "teachers", kind="teachers").stdout
        recipe = {"seeds": "in.jsonl", "stages": [{"sample": {"teacher": "toy"}}]}
        (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
        assert told(run("run", "recipe.yaml", "-o", "run", "--json", kind="teachers"))["rows_out"] == 3


class TestBenchmark:
    def test_command_and_recipe(self, run, tmp_path):
        """Rows are compared with it; it is listed, and may be named in a recipe."""
        text = "Write a function that plays with all of the toys of a box until the box is empty again."
        (tmp_path / "in.jsonl").write_text(json.dumps({"instruction": text}))
        found = told(run("decontam", "in.jsonl", "--against", "toybench", "--json", kind="benchmarks"))
        assert found["overlaps"] == {"toybench": 1}
        assert "toybench" in run("list", "benchmarks", kind="benchmarks").stdout
        recipe = {"seeds": "in.jsonl", "stages": [{"decontam": {"against": "toybench"}}]}
        (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
        found = told(run("run", "recipe.yaml", "-o", "run", "--json", kind="benchmarks"))
        assert found["overlaps"] == {"toybench": 1}


class TestDetector:
    def test_command_and_recipe(self, run, tmp_path):
        """It finds rows, and its settings are part of the plan."""
        found = told(run("decontam", "in.jsonl", "-o", "out", "--json", kind="detectors"))
        assert found["overlaps"] == {"humaneval": 1}
        options = json.loads((tmp_path / "out/manifest.json").read_text())["options"]
        assert options["detectors"]["toy"] == {"word": "toy"}
        (tmp_path / "recipe.yaml").write_text(json.dumps({"seeds": "in.jsonl", "stages": ["decontam"]}))
        assert told(run("run", "recipe.yaml", "-o", "run", "--json", kind="detectors"))["rows_out"] == 2

    def test_a_name_that_is_taken(self, run):
        """What runs code is called `behaviour`; a package's detector of that name does not count."""
        listed = run("list", "detectors", kind="detectors", name="behaviour").stdout
        assert listed.count("behaviour") == 1
        assert "toy" not in listed
        words = ["decontam", "in.jsonl", "-o", "out", "--no-run", "--json"]
        assert told(run(*words, kind="detectors", name="behaviour"))["overlaps"] == {"humaneval": 0}
