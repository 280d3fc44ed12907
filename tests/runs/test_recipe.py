"""A recipe is checked whole before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli import datagen, left_in

from datagen.errors import UsageError
from datagen.runs import recipe, registry
from datagen.teachers import profile

GOOD = """
seeds: starter
seed: 3
stages:
  - evolve: {teacher: local:smollm2, rounds: 2, limit: 24, only-evolved: true}
  - sample: {teacher: [reference], n: 2, temperature: 0.5}
  - filter
  - decontam: {against: [humaneval, 'jsonl:bench.jsonl']}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text('{"instruction": "a"}\n')
    item = {"task_id": "1", "prompt": "Sort words.", "entry_point": "f", "tests": ["f()"]}
    (tmp_path / "bench.jsonl").write_text(json.dumps(item))
    return tmp_path


def load(text: str, until: str | None = None) -> recipe.Recipe:
    Path("recipe.yaml").write_text(text, encoding="utf-8")
    return recipe.load("recipe.yaml", until)


def test_whole_recipe():
    """Stages have the options of their commands, defaults filled in, and share the seed."""
    found = load(GOOD)
    assert found.seeds == ("starter",)
    assert found.rename == {}
    assert [step.stage.name for step in found.stages] == ["evolve", "sample", "filter", "decontam"]
    evolve, sample, filtered, decontam = (vars(step.options) for step in found.stages)
    assert evolve == {
        **{"teacher": (profile("local:smollm2"),), "rounds": 2, "limit": 24, "only_evolved": True, "seed": 3},
        **{"judge": None, "method": (), "concurrency": None, "timeout": None},
    }
    assert (sample["n"], sample["temperature"], sample["seed"], sample["student"]) == (2, (0.5,), 3, None)
    assert sample["tests"] is False
    assert filtered == {"only": (), "skip": ()}
    assert decontam == {
        "against": ("humaneval", "jsonl:bench.jsonl"),
        "only_columns": (),
        "detectors": (),
        "review": None,
        "unit": "task",
        "no_self_test": False,
        "no_run": False,
        "profile": "balanced",
        "common": "keep",
        **{"judge": None, "max_judged": 1000, "embed": None, "seed": 3, "concurrency": None, "timeout": None},
    }


WITH_TEACHERS = """
seeds: starter
teachers: {teachers}
stages:
  - evolve: {{judge: strong, method: [constraint=2, breadth], timeout: 9}}
  - sample: {{teacher: [strong, reference], temperature: [0.2, 1], tests: true}}
"""
TEACHERS = "{strong: {model: m, price_in: 1, price_out: 2}, mine: {spec: local:smollm2, role: student}}"


@pytest.mark.parametrize("where", ["in the recipe", "in a file", "in a file, below teachers"])
def test_teachers_of_a_recipe(where, folder):
    """A recipe's teachers, in it or in a file of their own, may be named in its stages, or are all asked."""
    text = TEACHERS if where.endswith("recipe") else "teachers.yaml"
    (folder / "teachers.yaml").write_text(f"teachers: {TEACHERS}" if where.endswith("teachers") else TEACHERS)
    found = load(WITH_TEACHERS.format(teachers=text))
    evolve, sample = (vars(step.options) for step in found.stages)
    (strong,) = evolve["teacher"]
    assert (strong.name, strong.spec, strong.price_out) == ("strong", "openai:m", 2)
    assert evolve["judge"] == strong
    assert (evolve["method"], evolve["timeout"]) == (("constraint=2", "breadth"), 9.0)
    assert sample["teacher"] == (strong, profile("reference"))
    assert (sample["student"].name, sample["student"].role) == ("mine", "student")
    assert (sample["temperature"], sample["tests"]) == ((0.2, 1.0), True)
    assert [one.name for one in found.profiles()] == ["strong", "strong", "strong", "reference", "mine"]
    assert [one.name for one in found._replace(stop_after=1).profiles()] == ["strong", "strong"]


def test_defaults_are_those_of_the_command_line():
    """What a recipe leaves out is what the command does without the option."""
    options = load("{seeds: starter, stages: [{evolve: {teacher: local:smollm2}}, decontam]}").stages
    assert (options[0].options.rounds, options[0].options.seed) == (3, 0)
    assert options[1].options.against == ("humaneval",)


@pytest.mark.parametrize("entry", ["filter", "filter:", "filter: {}", "filter: {skip: [no-code]}"])
def test_options_may_be_left_out(entry):
    """A stage without options is its name, alone or with nothing behind the colon."""
    stage = f"{{{entry}}}" if ":" in entry else entry
    assert load(f"{{seeds: starter, stages: [{stage}]}}").stages[0].stage.name == "filter"


def test_a_seed_of_a_stage_goes_before_the_shared_one():
    """`seed` of the whole is for the stages that name none."""
    stages = "{evolve: {teacher: local:smollm2, seed: 2}}, {sample: {teacher: reference}}"
    text = f"{{seeds: starter, seed: 1, stages: [{stages}]}}"
    assert [step.options.seed for step in load(text).stages] == [2, 1]


def test_demo_comes_with_datagen(folder):
    """`demo` is a recipe of all stages, unless a file of that name lies here."""
    assert [step.stage.name for step in recipe.load("demo").stages] == registry.names()
    (folder / "demo").write_text("{seeds: starter, stages: [filter]}")
    assert [step.stage.name for step in recipe.load("demo").stages] == ["filter"]


@pytest.mark.parametrize(
    ("until", "count"), [("evolve", 1), ("sample", 2), ("filter", 3), ("decontam", 4), (None, None)]
)
def test_until(until, count):
    """--until says how many of the stages to run; the rest stays part of the recipe."""
    found = load(GOOD, until)
    assert found.stop_after == count
    assert len(found.stages) == 4


BAD = [
    ("", "a recipe has the keys seeds, seed, map, columns, teachers, stages"),
    ("[a, b]", "a recipe has the keys seeds"),
    ("just text", "a recipe has the keys seeds"),
    ("{seeds: [", "not YAML: "),
    ("a: b: c", "not YAML: "),
    ("\tseeds: starter", "not YAML: "),
    ("[" * 1500, "not YAML: "),
    ("{seeds: !!python/object/apply:os.getcwd [], stages: [filter]}", "not YAML: "),
    ("{seeds: starter, stage: [filter]}", "unknown key stage: did you mean stages?"),
    ("{seeds: starter, 7: x, stages: [filter]}", "unknown key 7: allowed: seeds"),
    ("{seeds: starter, seeds: in.jsonl, stages: [filter]}", "the key seeds is given twice"),
    ("{seeds: starter, stages: [{filter: {only: no-code, only: refusal}}]}", "the key only is given twice"),
    ("{stages: [filter]}", "seeds should name a file"),
    ("{seeds: [a], stages: [filter]}", "seeds: a does not exist"),
    ("{seeds: [], stages: [filter]}", "seeds should name a file"),
    ("{seeds: starter, columns: a, stages: [filter]}", "columns should be a list of names"),
    ("{seeds: no.jsonl, stages: [filter]}", "seeds: no.jsonl does not exist"),
    ('{seeds: "a\\0b", stages: [filter]}', "does not exist"),
    ("{seeds: starter}", "stages should be a list"),
    ("{seeds: starter, stages: []}", "stages should be a list"),
    ("{seeds: starter, stages: filter}", "stages should be a list"),
    ("{seeds: starter, stages: {filter: {}}}", "stages should be a list"),
    ("{seeds: starter, stages: [filtr]}", "stage 1: unknown stage filtr: did you mean filter?"),
    (
        "{seeds: starter, stages: [filter, {dcontam: {}}]}",
        "stage 2: unknown stage dcontam: did you mean decontam?",
    ),
    ("{seeds: starter, stages: [cat]}", "stage 1: unknown stage cat"),
    ("{seeds: starter, stages: [12]}", "stage 1: should be a stage's name"),
    ("{seeds: starter, stages: [null]}", "stage 1: should be a stage's name"),
    ("{seeds: starter, stages: [{filter: {}, decontam: {}}]}", "stage 1: should be a stage's name"),
    ("{seeds: starter, stages: [{filter: [no-code]}]}", "stage 1 (filter): options should be a mapping"),
    ("{seeds: starter, stages: [{filter: {onyl: a}}]}", "unknown option onyl: did you mean only?"),
    ("{seeds: starter, stages: [{filter: {out: a}}]}", "unknown option out: allowed: only, skip"),
    ("{seeds: starter, stages: [{filter: {only: no-cod}}]}", "unknown rule no-cod: did you mean no-code?"),
    (
        "{seeds: starter, stages: [{filter: {skip: [no-code, refusl]}}]}",
        "unknown rule refusl: did you mean refusal?",
    ),
    (
        "{seeds: starter, stages: [{filter: {only: no-code, skip: no-code}}]}",
        "stage 1 (filter): --skip leaves no rule to apply",
    ),
    ("{seeds: starter, stages: [{filter: {only: null}}]}", "only cannot be None"),
    ("{seeds: starter, stages: [{filter: {only: {a: b}}}]}", "only cannot be {'a': 'b'}"),
    ("{seeds: starter, stages: [evolve]}", "stage 1 (evolve): Missing option '--teacher'"),
    (
        "{seeds: starter, stages: [{evolve: {teacher: refrence}}]}",
        "unknown teacher refrence: did you mean reference?",
    ),
    ("{seeds: starter, stages: [{evolve: {teacher: local:smollm2, rounds: 0}}]}", "0 is not in the range"),
    (
        "{seeds: starter, stages: [{evolve: {teacher: local:smollm2, rounds: 1.5}}]}",
        "'1.5' is not a valid integer",
    ),
    (
        "{seeds: starter, stages: [{evolve: {teacher: local:smollm2, rounds: [1, 2]}}]}",
        "rounds takes one value, not a list",
    ),
    ("{seeds: starter, stages: [{evolve: {teacher: local:smollm2, rounds: yes}}]}", "rounds cannot be True"),
    (
        "{seeds: starter, stages: [{evolve: {teacher: local:smollm2, only-evolved: 1}}]}",
        "only-evolved is true or false",
    ),
    ("{seeds: starter, stages: [{sample: {teacher: reference, n: many}}]}", "'many' is not a valid integer"),
    (
        "{seeds: starter, stages: [filter, {decontam: {against: humanevl}}]}",
        "unknown benchmark humanevl: did you mean",
    ),
    ("{seeds: starter, stages: [{decontam: {against: 'jsonl:no.jsonl'}}]}", "no.jsonl is no file"),
    ("{seeds: starter, stages: [{decontam: {check: true}}]}", "unknown option check"),
    ("{seeds: starter, seed: x, stages: [filter]}", "seed should be a whole number, not x"),
    ("{seeds: starter, seed: true, stages: [filter]}", "seed should be a whole number"),
    ("{seeds: starter, stages: [{sample: {teacher: reference, max-usd: 3}}]}", "unknown option max-usd"),
    ("{seeds: starter, stages: [{sample: {teacher: reference, dry-run: true}}]}", "unknown option dry-run"),
    (
        "{seeds: starter, stages: [{sample: {teacher: reference, teachers: a.yaml}}]}",
        "stage 1 (sample): Invalid value for '--teachers': a.yaml cannot be read",
    ),
    (
        "{seeds: starter, stages: [{sample: {teacher: [reference, reference]}}]}",
        "stage 1 (sample): two teachers are called reference",
    ),
    (
        "{seeds: starter, stages: [{evolve: {teacher: reference, method: [breadth, bredth=2]}}]}",
        "unknown method bredth: did you mean breadth?",
    ),
    (
        "{seeds: starter, stages: [{evolve: {teacher: reference, method: [breadth, breadth=2]}}]}",
        "stage 1 (evolve): method breadth is given twice",
    ),
    (
        "{seeds: starter, stages: [{sample: {teacher: reference, temperature: [1, 3]}}]}",
        "3 is no temperature",
    ),
    (
        "{seeds: starter, teachers: [a], stages: [filter]}",
        "teachers should be a mapping of names to settings",
    ),
    ("{seeds: starter, teachers: {a: {}}, stages: [filter]}", "recipe.yaml, a: give model"),
    (
        "{seeds: starter, teachers: {a: {model: m}}, stages: [{evolve: {teacher: b}}]}",
        "unknown teacher b: allowed: a, ",
    ),
    (
        "{seeds: starter, teachers: {a: {model: m, role: student}}, stages: [evolve]}",
        "stage 1 (evolve): Missing option '--teacher'",
    ),
    ("{seeds: starter, map: [a], stages: [filter]}", "map should be a mapping"),
    ("{seeds: starter, map: {a: 1}, stages: [filter]}", "map should be a mapping"),
]


@pytest.mark.parametrize(("text", "says"), BAD, ids=[text[:60] or "empty" for text, _ in BAD])
def test_broken_recipe(text, says, folder):
    """Anything unknown, missing or of the wrong kind is one line with its place, before any stage runs."""
    with pytest.raises(UsageError, match="recipe"):
        load(text)
    error = datagen("run", "recipe.yaml", "-o", "OUT").error(2)
    assert says in error
    assert left_in(folder) == ["bench.jsonl", "in.jsonl", "recipe.yaml"]


def test_teachers_file_that_is_missing(folder):
    """The line names the file, which the recipe names."""
    (folder / "recipe.yaml").write_text("{seeds: starter, teachers: no.yaml, stages: [filter]}")
    assert "no.yaml cannot be read: No such file" in datagen("run", "recipe.yaml", "-o", "OUT").error(2)
    assert "OUT" not in left_in(folder)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\xff\xfe", "is not a text file in UTF-8"), (b"seeds: caf\xe9", "is not a text file in UTF-8")],
)
def test_recipe_that_is_no_text(content, says, folder):
    """A recipe in another encoding is told."""
    (folder / "recipe.yaml").write_bytes(content)
    assert says in datagen("run", "recipe.yaml", "-o", "OUT").error(2)


def test_recipe_that_is_a_folder(folder):
    """A folder is no recipe."""
    assert "cannot be read: Is a directory" in datagen("run", folder, "-o", "OUT").error(2)


def test_until_names_a_stage_of_the_recipe():
    """--until with a stage that the recipe does not have is a usage error."""
    Path("recipe.yaml").write_text("{seeds: starter, stages: [filter]}")
    error = datagen("run", "recipe.yaml", "-o", "OUT", "--until", "sample").error(2)
    assert "recipe.yaml has no stage sample to stop after" in error


def test_until_where_two_stages_have_one_name():
    """The stage is told by its number then; the error says which there are."""
    text = "{seeds: starter, stages: [decontam, filter, decontam]}"
    with pytest.raises(UsageError, match=r"has several stages decontam; name one by its number: 1, 3"):
        load(text, "decontam")
    assert load(text, "3").stop_after == 3
    with pytest.raises(UsageError, match=r"allowed: decontam, filter\), or a number from 1 to 3"):
        load(text, "filtr")


WITH_ACTS = """
seeds: starter
stages:
  - sample: {teacher: [reference]}
  - rank
  - train: {max-steps: 3}
  - eval: {benchmark: humaneval, limit: 2}
  - publish: {to: me/set, private: true}
"""


def test_acts_follow_stages():
    """Behind the stages a recipe may train, evaluate and publish; --until may name one of these."""
    found = load(WITH_ACTS)
    assert [step.stage.name for step in found.stages] == ["sample", "rank"]
    assert [deed.act.name for deed in found.acts] == ["train", "eval", "publish"]
    assert found.acts[0].options.max_steps == 3
    assert found.acts[2].options.to == "me/set"
    assert len(load(WITH_ACTS, "sample").chosen_acts()) == 0
    assert len(load(WITH_ACTS, "train").chosen_acts()) == 1
    assert len(load(WITH_ACTS, "4").chosen_acts()) == 2
    assert len(found.chosen_acts()) == 3


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ("[train]", "stage 1 (train): a stage that makes rows should come first"),
        ("[filter, train, rank]", "stage 3 (rank): it should come before train"),
        ("[filter, {train: {stepps: 1}}]", "stage 2 (train): unknown option stepps"),
        ("[filter, {train: {lr: no}}]", "stage 2 (train): "),
        ("[filter, publish]", "stage 2 (publish): publish needs the repository's name"),
        ("[filter, {publish: {to: nobody}}]", "stage 2 (publish): "),
        ("[filter, {eval: {benchmark: humanevil}}]", "stage 2 (eval): "),
        ("[filter, trian]", "unknown stage trian: "),
    ],
)
def test_wrong_acts_are_one_line(stages, says):
    """What is wrong with an act is told before anything runs."""
    with pytest.raises(UsageError) as told:
        load(f"{{seeds: starter, stages: {stages}}}")
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_seeds_of_the_command_line_take_the_place_of_the_recipes(folder):
    """`--seeds` names other seeds; the recipe's own need not be there."""
    (folder / "r.yaml").write_text("{seeds: missing.jsonl, stages: [filter]}")
    done = datagen("run", "r.yaml", "--seeds", "in.jsonl", "-o", "out", "--json")
    assert done.json()["rows_in"] == 1
