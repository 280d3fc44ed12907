"""A run: stages made once, joined, continued, changed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cli
import pytest
from cli import datagen, left_in
from endpoint import Endpoint
from haste import hasten

from datagen.commands.interrupts import run_calls
from datagen.runs import pipeline, recipe
from datagen.runs.runner import How
from datagen.stages import decontam as decontam_stage
from datagen.stages import filter as filter_stage
from datagen.stages import sample as sample_stage

#: Two of these tasks are dropped by the filter, one overlaps the benchmark.
TASKS = [
    {
        "instruction": "Sort the words of a text by length, longest first, ties by the alphabet.",
        "reference": "x = 1",
    },
    {"instruction": "Add.", "reference": "x = 2"},
    {
        "instruction": "Write a function that adds two numbers.",
        "reference": "def add(a, b):\n    return a + b",
    },
    {"instruction": "Subtract.", "reference": "x = 3"},
    {
        "instruction": "Write a function that multiplies two numbers.",
        "reference": "def mul(a, b):\n    return a * b",
    },
    {"instruction": "Write a function that is not answered.", "reference": None},
]
ITEM = {
    "task_id": "b/1",
    "prompt": "Sort the words of a text by length, longest first, ties by the alphabet.",
    "entry_point": "f",
    "tests": ["assert f('a bb') == ['bb', 'a']"],
}
RECIPE = """
seeds: in.jsonl
stages:
  - sample: {teacher: reference}
  - filter: {only: [short-instruction, empty-response]}
  - decontam: {against: 'jsonl:bench.jsonl'}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(task) + "\n" for task in TASKS))
    (tmp_path / "bench.jsonl").write_text(json.dumps(ITEM))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def run(*more, expect=(0, 3)):
    done = datagen("run", "recipe.yaml", "-o", "OUT", "--json", *more)
    assert done.code in expect, done
    return done


def rows(*more, where="OUT"):
    return [json.loads(line) for line in datagen("cat", where, *more).out.splitlines()]


def manifest(where="OUT"):
    return json.loads(Path(where, "manifest.json").read_text())


def change(old: str, new: str) -> None:
    text = Path("recipe.yaml").read_text()
    assert old in text
    Path("recipe.yaml").write_text(text.replace(old, new))


def test_run_of_a_recipe():
    """OUT holds the last stage's rows, all drops with their stage, and every stage's counts."""
    told = run().json()
    assert left_in(Path("OUT")) == ["README.md", "data", "dropped", "manifest.json", "stages"]
    assert left_in(Path("OUT/stages")) == ["01-sample", "02-filter", "03-decontam"]
    assert [row["instruction"] for row in rows()] == [TASKS[2]["instruction"], TASKS[4]["instruction"]]
    drops = [(row["stage"], row["reason"], row["instruction"]) for row in rows("--dropped")]
    assert drops == [
        ("sample", "no-reference", TASKS[5]["instruction"]),
        ("filter", "short-instruction", "Add."),
        ("filter", "short-instruction", "Subtract."),
        ("decontam", "overlaps-bench", TASKS[0]["instruction"]),
    ]
    assert told["command"] == "run"
    assert told["overlaps"] == {"bench": 1}
    assert told["dropped"] == {"short-instruction": 2, "no-reference": 1, "overlaps-bench": 1}
    assert (told["rows_in"], told["rows_made"], told["rows_out"]) == (6, 0, 2)


def test_counts_add_up_for_the_run_and_for_every_stage():
    """rows_in + rows_made = rows_out + dropped, in each stage and in the whole."""
    run()
    whole = manifest()
    stages = whole["stages"]
    for counts in (whole, *stages):
        came = counts["rows_in"] + counts["rows_made"]
        assert came == counts["rows_out"] + sum(counts["dropped"].values())
    assert [s["rows_in"] for s in stages[1:]] == [s["rows_out"] for s in stages[:-1]]
    assert whole["rows_in"] == stages[0]["rows_in"] == 6
    assert whole["rows_out"] == stages[-1]["rows_out"]
    assert whole["rows_made"] == sum(s["rows_made"] for s in stages)
    for number, counts in enumerate(stages, 1):
        own = manifest(f"OUT/stages/{number:02d}-{counts['stage']}")
        assert {name: own[name] for name in counts} == counts
    assert len(rows("--dropped")) == sum(whole["dropped"].values())


def test_rows_of_the_run_are_those_of_its_last_stage():
    """The joined data set has the content digest of the last stage."""
    run()
    assert manifest()["digest"] == manifest("OUT/stages/03-decontam")["digest"]
    assert rows() == rows(where="OUT/stages/03-decontam")


def test_already_made():
    """The second time nothing runs, and no file is touched."""
    first = run().json()
    times = {path: path.stat().st_mtime_ns for path in Path("OUT").rglob("*")}
    second = run().json()
    assert (first.pop("already_made"), second.pop("already_made")) == (False, True)
    assert first == second
    assert {path: path.stat().st_mtime_ns for path in Path("OUT").rglob("*")} == times


@pytest.mark.parametrize("until", ["sample", "filter", "decontam"])
def test_until_then_on(until):
    """--until stops after a stage; the same command without it goes on from there, to the same rows."""
    run()
    whole = manifest()
    shutil.rmtree("OUT")
    told = run("--until", until).json()
    count = ["sample", "filter", "decontam"].index(until) + 1
    assert len(left_in(Path("OUT/stages"))) == count
    if count < 3:
        assert told["command"] == until
        assert told["out"] == f"OUT/stages/{count:02d}-{until}"
        assert left_in(Path("OUT")) == ["stages"]
    stamps = {path: path.stat().st_mtime_ns for path in Path("OUT/stages").rglob("*.parquet")}
    told = run()
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert manifest()["digest"] == whole["digest"]
    assert manifest()["dropped_digest"] == whole["dropped_digest"]


def test_until_of_a_finished_run():
    """--until on a whole run tells the stage that is made already and changes nothing."""
    run()
    before = Path("OUT/manifest.json").read_bytes()
    told = run("--until", "filter").json()
    assert (told["command"], told["already_made"]) == ("filter", True)
    assert Path("OUT/manifest.json").read_bytes() == before


def test_changed_recipe():
    """Another recipe for the same OUT is an error; --overwrite makes only what changed."""
    run()
    before = Path("OUT/manifest.json").read_bytes()
    change("[short-instruction, empty-response]", "[empty-response]")
    for more in ((), ("--until", "sample")):
        error = datagen("run", "recipe.yaml", "-o", "OUT", *more).error(1)
        assert (
            "OUT holds a data set made by run from other inputs or options; --overwrite replaces it" in error
        )
    assert Path("OUT/manifest.json").read_bytes() == before
    sampled = Path("OUT/stages/01-sample/manifest.json").stat().st_mtime_ns
    done = datagen("run", "recipe.yaml", "-o", "OUT", "--overwrite")
    assert "[1/3] sample: 6 in, 0 made, 5 kept, 1 dropped (already made)" in done.err
    assert "[2/3] filter: 5 in, 0 made, 5 kept, 0 dropped (0." in done.err
    assert Path("OUT/stages/01-sample/manifest.json").stat().st_mtime_ns == sampled
    assert len(rows()) == 4


def test_shortened_recipe_leaves_no_stage_behind():
    """A stage that the recipe no longer has is gone from OUT/stages."""
    run()
    change("  - filter: {only: [short-instruction, empty-response]}\n", "")
    run("--overwrite")
    assert left_in(Path("OUT/stages")) == ["01-sample", "02-decontam"]
    assert {row["stage"] for row in rows("--dropped")} == {"sample", "decontam"}


def test_changed_seeds():
    """Other seeds are other inputs, though the recipe is the same."""
    run()
    Path("in.jsonl").write_text(json.dumps(TASKS[2]) + "\n")
    assert "--overwrite replaces it" in datagen("run", "recipe.yaml", "-o", "OUT").error(1)


def test_speed_is_not_part_of_the_recipe():
    """The number of calls at a time changes no row, so a run with another is the same run."""
    run()
    change("{teacher: reference}", "{teacher: reference, concurrency: 2}")
    assert run().json()["already_made"] is True


class Broken(Exception):
    """What goes wrong in the middle."""


def broken(*_, **__):
    raise Broken


def break_stage(module, patch):
    """Let a stage of frames raise when it starts."""
    patch.setattr(module, "STAGE", replace(module.STAGE, start=broken))


@pytest.mark.parametrize(
    "breaks", [filter_stage, decontam_stage, pipeline], ids=["stage 2", "stage 3", "joining"]
)
def test_interrupted_in_the_middle(breaks, monkeypatch):
    """A run that breaks off in a stage goes on from there, to the same rows."""
    run()
    whole = manifest()
    shutil.rmtree("OUT")
    with monkeypatch.context() as patch:
        if breaks is pipeline:
            patch.setattr(pipeline, "_fill", broken)
        else:
            break_stage(breaks, patch)
        with pytest.raises(Broken):
            run()
    assert left_in(Path("OUT")) == ["stages"]
    assert not [name for name in left_in(Path("OUT/stages")) if name.startswith(".")]
    assert "OUT has no manifest.json" in datagen("cat", "OUT").error(1)
    done = datagen("run", "recipe.yaml", "-o", "OUT")
    assert done.code in (0, 3)
    assert "[1/3] sample: 6 in, 0 made, 5 kept, 1 dropped (already made)" in done.err
    assert manifest()["digest"] == whole["digest"]
    assert manifest()["dropped_digest"] == whole["dropped_digest"]


def test_first_stage_that_breaks_leaves_nothing(monkeypatch):
    """Nothing of OUT is there when not even the first stage was made."""
    monkeypatch.setattr(sample_stage, "STAGE", replace(sample_stage.STAGE, units=broken))
    with pytest.raises(Broken):
        run()
    assert left_in(Path()) == ["bench.jsonl", "in.jsonl", "recipe.yaml"]


def test_old_data_set_stays_until_the_new_one_is_whole(monkeypatch):
    """A run with --overwrite that breaks off leaves the old data set readable."""
    run()
    before = rows()
    change("[short-instruction, empty-response]", "[empty-response]")
    break_stage(decontam_stage, monkeypatch)
    with pytest.raises(Broken):
        run("--overwrite")
    assert rows() == before


def test_killed_run_goes_on(monkeypatch):
    """After SIGKILL in a stage the same command goes on, and nothing hidden stays."""
    monkeypatch.setenv("DATAGEN_CACHE_DIR", cli.CACHE.name)
    slow = (
        "import time; from datagen.stages import filter; from datagen.commands.console import run\n"
        "def wait(*given):\n    print('now', flush=True); time.sleep(60)\n"
        "filter.drop_by_rules = wait\n"
        "raise SystemExit(run(['run', 'recipe.yaml', '-o', 'OUT', '--quiet']))"
    )
    with subprocess.Popen([sys.executable, "-c", slow], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"now\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert ".OUT.lock" in left_in(Path())
    assert ".02-filter.making" in left_in(Path("OUT/stages"))
    run()
    assert left_in(Path()) == ["OUT", "bench.jsonl", "in.jsonl", "recipe.yaml"]
    assert left_in(Path("OUT/stages")) == ["01-sample", "02-filter", "03-decontam"]


def test_damaged_stage_is_made_again():
    """A stage whose rows were lost is made again, and those after it are not if it came out the same."""
    run()
    shard = next(Path("OUT/stages/02-filter/data").iterdir())
    shard.write_bytes(shard.read_bytes()[:100])
    done = datagen("run", "recipe.yaml", "-o", "OUT")
    assert "[2/3] filter: 5 in, 0 made, 3 kept, 2 dropped (0." in done.err
    assert "[3/3] decontam: 3 in, 0 made, 2 kept, 1 dropped (already made)" in done.err


@pytest.mark.parametrize("until", [(), ("--until", "decontam")])
def test_stage_that_keeps_no_row(until):
    """A stage that leaves nothing for the next one ends the run with a line that says where to look."""
    Path("in.jsonl").write_text('{"instruction": "Add.", "reference": "x = 1"}\n')
    done = datagen("run", "recipe.yaml", "-o", "OUT", "--quiet", *until)
    assert "OUT/stages/02-filter keeps no row, so nothing is left for decontam" in done.error(1)
    assert "`datagen cat OUT/stages/02-filter --dropped` shows why" in done.err
    assert rows("--dropped", where="OUT/stages/02-filter")[0]["reason"] == "short-instruction"
    assert not Path("OUT/manifest.json").exists()


def test_last_stage_that_keeps_no_row():
    """A data set without rows is a result like any other when nothing comes after it."""
    Path("in.jsonl").write_text(json.dumps(TASKS[0]) + "\n")
    told = run().json()
    assert (told["rows_out"], told["dropped"]) == (0, {"overlaps-bench": 1})
    assert rows() == []


def test_seeds_without_a_row():
    """Seeds that an earlier stage all dropped are one line, with where to look."""
    Path("one.jsonl").write_text('{"instruction": "Add."}')
    assert datagen("filter", "one.jsonl", "-o", "NONE", "--quiet").code == 0
    Path("none.yaml").write_text("{seeds: NONE, stages: [filter]}")
    line = datagen("run", "none.yaml", "-o", "RUN").error(1)
    assert "NONE keeps no row, so nothing is left for filter; `datagen cat NONE --dropped` shows why" in line


def test_failed_rows_are_tried_again(monkeypatch):
    """A run with failed rows ends with 3, and the next one tries them again."""
    monkeypatch.setattr("datagen.data.dataset.CALL_FAILED", "no-reference")
    first, second = run(expect=[3]).json(), run(expect=[3]).json()
    assert (first["failed"], second["failed"]) == (1, 1)
    assert second["already_made"] is False
    assert first["digest"] == second["digest"]


@pytest.mark.parametrize("name", ["notes.txt", "stages/notes.txt", "stages/01-mine/x", "data/more.csv"])
@pytest.mark.parametrize(
    "more", [(), ("--overwrite",), ("--until", "sample")], ids=["plain", "overwrite", "until"]
)
@pytest.mark.parametrize("made", [False, True])
def test_foreign_files_in_out(name, more, made):
    """A run writes nothing into a folder that holds somebody's files, also not with --until."""
    if made:
        run()
    path = Path("OUT") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("precious")
    before = sorted(Path("OUT").rglob("*"))
    assert "which datagen did not put there; choose another -o" in datagen(
        "run", "recipe.yaml", "-o", "OUT", *more
    ).error(1)
    assert path.read_text() == "precious"
    assert sorted(Path("OUT").rglob("*")) == before


@pytest.mark.parametrize("out", [".", "in.jsonl", "in.jsonl/x", ".."])
def test_out_that_cannot_be(out, folder):
    """-o that is the working folder, a file, below a file or above the working folder is refused."""
    before = left_in(folder)
    datagen("run", "recipe.yaml", "-o", out).error(1)
    assert left_in(folder) == before


def test_a_run_replaces_a_stage_s_data_set_and_back():
    """OUT of a single stage becomes that of a run with --overwrite, and the other way round."""
    datagen("filter", "in.jsonl", "-o", "OUT")
    assert "--overwrite replaces it" in datagen("run", "recipe.yaml", "-o", "OUT").error(1)
    run("--overwrite")
    assert manifest()["stage"] == "run"
    datagen("filter", "in.jsonl", "-o", "OUT", "--overwrite")
    assert left_in(Path("OUT")) == ["README.md", "data", "dropped", "manifest.json"]


def test_two_runs_at_once():
    """A second run of one OUT says so, whichever stage the first is at."""
    with pipeline.directory.lock(Path("OUT")):
        assert "another datagen is writing OUT" in datagen("run", "recipe.yaml", "-o", "OUT").error(1)


def test_columns_of_the_user_come_through_all_stages():
    """A column that no stage knows is in the rows and in the drops of the run."""
    Path("in.jsonl").write_text(
        "".join(json.dumps({**task, "u": {"n": n}}) + "\n" for n, task in enumerate(TASKS))
    )
    run()
    assert [row["u"]["n"] for row in rows()] == [2, 4]
    assert sorted(row["u"]["n"] for row in rows("--dropped")) == [0, 1, 3, 5]


def test_map_of_a_recipe():
    """`map` in a recipe reads the seeds' columns under other names."""
    Path("in.jsonl").write_text(json.dumps({"q": TASKS[2]["instruction"], "a": "x = 1"}) + "\n")
    change("stages:", "map: {instruction: q, reference: a}\nstages:")
    assert run().json()["rows_out"] == 1


def test_same_stage_twice():
    """A recipe may filter tasks before paying for answers, and the answers again."""
    change("  - sample", "  - filter: {only: short-instruction}\n  - sample")
    run()
    assert left_in(Path("OUT/stages")) == ["01-filter", "02-sample", "03-filter", "04-decontam"]
    assert [row["stage"] for row in rows("--dropped")] == ["filter", "filter", "sample", "decontam"]


def test_recipe_load_is_what_runs(monkeypatch):
    """`pipeline.run` takes what `recipe.load` gives."""
    monkeypatch.setenv("DATAGEN_CACHE_DIR", cli.CACHE.name)
    outcome = pipeline.run(recipe.load("recipe.yaml"), Path("OUT"), How(run_calls))
    assert outcome.manifest == manifest()


MODELS = """
seeds: in.jsonl
teachers:
  strong: {{model: big, base_url: '{strong}', price_in: 1, price_out: 10, license: MIT}}
  weak: {{model: small, base_url: '{weak}', price_in: 0.5, price_out: 1, license: MIT{more}}}
stages:
  - evolve: {{method: [constraint, breadth=0.5], judge: strong, rounds: 2}}
  - sample: {{n: 2, tests: true}}
  - filter
"""


@pytest.fixture
def models(monkeypatch, tmp_path):
    """A recipe whose teachers are two servers, and a journal of its own."""
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    hasten(monkeypatch, first_patience=0.05)
    with Endpoint() as strong, Endpoint() as weak:
        Path("recipe.yaml").write_text(MODELS.format(strong=strong.url, weak=weak.url, more=""))
        yield strong, weak


def test_usage_of_a_run(models):
    """The whole rests on the calls of all its stages; each stage tells its own, and what its methods did."""
    told = run(expect=[0]).json()
    whole = manifest()
    evolve, sample, filtered = whole["stages"]
    assert evolve["methods"].keys() <= {"constraint", "breadth"}
    assert whole["methods"] == evolve["methods"]
    card = Path("OUT/README.md").read_text()
    assert "| method | attempts | kept | why not |" in card
    for number, stage in ((1, evolve), (2, sample)):
        for name, calls in stage["usage"].items():
            assert f"| {number} {stage['stage']} | {name} | {calls['calls']:,} |" in card
    assert "usage" not in filtered
    strong, weak = models
    for name, server in (("strong", strong), ("weak", weak)):
        used = whole["usage"][name]
        assert used["calls"] == evolve["usage"][name]["calls"] + sample["usage"][name]["calls"]
        assert (used["calls"], used["tokens_in"]) == (server.answered.total(), server.tokens_in)
    spent = (strong.tokens_in + 10 * strong.tokens_out + 0.5 * weak.tokens_in + weak.tokens_out) / 1e6
    assert whole["usage_total"]["usd"] == pytest.approx(spent)
    assert whole["usage_total"]["per_kept_row"]["usd"] == pytest.approx(spent / told["rows_out"], rel=1e-3)
    assert (told["usage"], told["usage_total"]) == (whole["usage"], whole["usage_total"])
    assert whole["teachers"].keys() == {"strong", "weak"}
    assert "127.0.0.1" not in Path("OUT/manifest.json").read_text() + Path("OUT/README.md").read_text()


def test_run_without_one_of_its_teachers(models, tmp_path, monkeypatch):
    """A run goes through to its end without a teacher that is dead; the next one makes up for it."""
    strong, weak = models
    weak.fault = "500"
    first = run(expect=[3]).json()
    assert first["failed"] == first["dropped"]["call-failed"] > 0
    assert {row["teacher"] for row in rows()} == {"strong"}
    weak.fault = None
    again = run(expect=[0]).json()
    assert strong.paid_twice() == weak.paid_twice() == 0
    assert (again["failed"], again["already_made"]) == (0, False)
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "another")))
    shutil.rmtree("OUT")
    expected = run(expect=[0]).json()
    assert (again["digest"], again["usage"]) == (expected["digest"], expected["usage"])


def test_what_decides_of_a_teacher(models):
    """Other limits or prices of a teacher make nothing anew; other words or another address do."""
    strong, weak = models
    run(expect=[0])
    recipe_of = {"strong": strong.url, "weak": weak.url}
    Path("recipe.yaml").write_text(MODELS.format(**recipe_of, more=", concurrency: 3, rpm: 9000, timeout: 7"))
    assert run(expect=[0]).json()["already_made"]
    Path("recipe.yaml").write_text(MODELS.format(**recipe_of, more=", system: Be brief."))
    assert "made by run from other inputs or options" in datagen("run", "recipe.yaml", "-o", "OUT").error()
    asked = strong.asked.total()
    assert not run("--overwrite", expect=[0]).json()["already_made"]
    assert strong.paid_twice() == 0
    assert strong.asked.total() > asked
