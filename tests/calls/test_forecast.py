"""--dry-run: nothing is asked, and what it tells is what the run then does."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli import datagen, left_in
from endpoint import KEY, Endpoint

PRICES = {"price_in": 1.0, "price_out": 4.0}
KEYS = {
    *("command", "rows_in", "rows_made", "rows_out", "dropped", "seconds", "out"),
    *("dry_run", "forecast", "calls", "usd"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with tasks, one twice and one empty, and a journal of its own."""
    texts = [f"Write `task_{n}(x)` that adds {n} to x and tells what came of it." for n in range(24)]
    rows = [{"instruction": text} for text in [*texts, texts[0], " "]]
    (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cli.CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    return tmp_path


@pytest.fixture
def endpoint():
    with Endpoint() as opened:
        yield opened


def teachers(folder, *servers, **settings):
    """A teachers file with one teacher at each server: a, b, ..."""
    content = {
        name: {"model": f"model-{name}", "base_url": server.url, **PRICES, **settings}
        for name, server in zip("abcd", servers, strict=False)
    }
    (folder / "teachers.yaml").write_text(json.dumps(content))
    return "--teachers", "teachers.yaml"


def forecast(*words):
    ended = datagen(*words, "-o", "dry", "--dry-run", "--json")
    assert (ended.code, ended.err) == (0, ""), ended
    told = ended.json()
    assert {*told} - {"usd_unknown"} == KEYS
    nothing = {"rows_made": 0, "rows_out": 0, "dropped": {}, "seconds": 0.0, "out": None, "dry_run": True}
    assert {name: told[name] for name in nothing} == nothing
    assert "dry" not in left_in(Path.cwd())
    return told


def check(told, made, usage):
    """What a run really used, without what was there before, lies in the ranges: by teacher and in all."""
    by_name = {one["teacher"]: one for one in told["teachers"]}
    for name, used in usage.items():
        said = by_name[name]
        for what in ("calls", "tokens_in", "tokens_out", "usd"):
            low, high = said[what]
            assert low - 1e-9 <= used[what] <= high + 1e-9, (name, what, said, used)
    low, high = told["rows"]
    assert low <= made["rows_out"] <= high


def run(*words, out="out", code=0):
    ended = datagen(*words, "-o", out, "--json")
    assert ended.code == code, ended
    return ended.json()


STAGES = {
    "sample": ("sample", "in.jsonl"),
    "samples": ("sample", "in.jsonl", "-n", "3", "--temperature", "0.2", "--temperature", "1"),
    "tests": ("sample", "in.jsonl", "--tests"),
    "evolve": ("evolve", "in.jsonl", "--rounds", "3"),
    "judged": ("evolve", "in.jsonl", "--teacher", "a", "--judge", "b", "--rounds", "3"),
    "only": ("evolve", "in.jsonl", "--only-evolved", "--limit", "7", "--method", "breadth"),
}


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
@pytest.mark.parametrize("name", STAGES)
def test_the_run_lies_in_the_ranges(folder, endpoint, name, known):
    """Calls, tokens and cost by teacher, whether the journal knows the models or not; nothing is asked."""
    words = (*STAGES[name], *teachers(folder, endpoint, endpoint))
    if known:
        other = [
            {"instruction": f"Write `other_{n}(y)` that turns {n} around, as often as asked."}
            for n in range(30)
        ]
        (folder / "other.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in other))
        more = [word for word in words[2:] if word not in {"--limit", "7"}]
        run(words[0], "other.jsonl", *more, out="other")
    asked = endpoint.asked.total()
    told = forecast(*words)
    assert endpoint.asked.total() == asked
    (stage,) = told["forecast"]
    assert (told["command"], stage["stage"]) == (words[0], words[0])
    assert told["rows_in"] == 26
    made = run(*words)
    check(stage, made, made["usage"])
    if name != "judged":
        calls = sum(one["calls"] for one in made["usage"].values())
        assert told["calls"][0] <= calls <= told["calls"][1]
    if known:
        high = sum(one["usd"][1] for one in stage["teachers"])
        assert high < 6 * made["usage_total"]["usd"]
        assert "in the journal, " in stage["teachers"][0]["basis"]
    else:
        assert "no 20 calls of it in the journal" in stage["teachers"][0]["basis"]


@pytest.mark.parametrize("name", ["sample", "tests", "evolve"])
def test_calls_of_one_teacher_are_exact(folder, endpoint, name):
    """Without a judge and other teachers to draw from, the number of calls is no range."""
    words = (*STAGES[name], *teachers(folder, endpoint))
    told = forecast(*words)
    run(*words)
    assert told["calls"] == [endpoint.asked.total()] * 2


@pytest.mark.parametrize("name", STAGES)
def test_the_rest_of_a_half_done_run(folder, endpoint, name):
    """What is journalled is told and costs nothing again; the ranges are for what is left."""
    words = (*STAGES[name], *teachers(folder, endpoint, endpoint))
    # Some calls fail for good, so their rows are missing.
    endpoint.faults = {"400": 0.3}
    half = run(*words, code=3)
    endpoint.faults = {}
    asked, billed = endpoint.asked.total(), endpoint.tokens_billed
    told = forecast(*words)
    assert endpoint.asked.total() == asked
    (stage,) = told["forecast"]
    journalled = sum(one["journalled"] for one in stage["teachers"])
    assert journalled == sum(one["calls"] for one in half["usage"].values())
    made = run(*words, "--overwrite")
    usage = {
        name: {what: used[what] - half["usage"].get(name, {}).get(what, 0) for what in used}
        for name, used in made["usage"].items()
    }
    assert (
        sum(one["tokens_in"] + one["tokens_out"] for one in usage.values()) == endpoint.tokens_billed - billed
    )
    check(stage, made, usage)
    # Afterwards there is nothing to ask for any more.
    told = forecast(*words)
    assert (told["calls"], told["usd"]) == ([0, 0], [0, 0])


RECIPE = {
    "seeds": "in.jsonl",
    "teachers": "teachers.yaml",
    "stages": [
        {"evolve": {"teacher": "a", "judge": "b", "rounds": 2}},
        {"sample": {"teacher": ["a", "b"], "n": 2}},
        "filter",
    ],
}


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
def test_a_recipe_stage_by_stage(folder, endpoint, known):
    """Each stage's ranges hold the run's counts, though later stages' rows are not there yet."""
    teachers(folder, endpoint, endpoint)
    (folder / "recipe.yaml").write_text(json.dumps(RECIPE))
    if known:
        rows = [{"instruction": f"Write `other_{n}(y)` that turns {n} around and around."} for n in range(30)]
        (folder / "other.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        (folder / "other.yaml").write_text(json.dumps({**RECIPE, "seeds": "other.jsonl"}))
        run("run", "other.yaml", out="other")
    asked = endpoint.asked.total()
    told = forecast("run", "recipe.yaml")
    assert endpoint.asked.total() == asked
    assert [stage["stage"] for stage in told["forecast"]] == ["evolve", "sample", "filter"]
    assert told["forecast"][2]["teachers"] == []
    made = run("run", "recipe.yaml")
    for stage, said in zip(made["stages"], told["forecast"], strict=True):
        check(said, stage, stage.get("usage", {}))
    low, high = told["usd"]
    assert low <= made["usage_total"]["usd"] <= high
    # The finished run has nothing more to ask for, and tells so.
    ended = datagen("run", "recipe.yaml", "-o", "out", "--dry-run", "--json").json()
    assert (ended["calls"], ended["usd"]) == ([0, 0], [0, 0])


def test_a_recipe_whose_first_stage_is_done(folder, endpoint):
    """A stage that is made has nothing to ask for; the next one's forecast is for its very rows."""
    teachers(folder, endpoint, endpoint)
    (folder / "recipe.yaml").write_text(json.dumps(RECIPE))
    first = datagen("run", "recipe.yaml", "-o", "out", "--until", "evolve", "--json").json()
    told = datagen("run", "recipe.yaml", "-o", "out", "--dry-run", "--json").json()
    evolve, sample, _ = told["forecast"]
    assert all(one["calls"] == [0, 0] for one in evolve["teachers"])
    assert sum(one["calls"][0] for one in sample["teachers"]) == told["calls"][0] == told["calls"][1]
    made = run("run", "recipe.yaml")
    assert sum(one["calls"] for one in made["stages"][1]["usage"].values()) == told["calls"][0]
    assert first["rows_out"] > 0


def test_a_judge_may_be_one_of_the_teachers(folder, endpoint):
    """The same teacher in two roles is told once, with the calls of both."""
    words = ("evolve", "in.jsonl", "--teacher", "a", "--judge", "a", *teachers(folder, endpoint))
    told = forecast(*words)
    (one,) = told["forecast"][0]["teachers"]
    made = run(*words)
    check(told["forecast"][0], made, made["usage"])
    assert one["calls"] == [75, 150]


def test_for_people(folder, endpoint):
    """Without --json it is a few lines on stdout, with what they rest on, and nothing else."""
    words = ("evolve", "in.jsonl", "--limit", "5", *teachers(folder, endpoint))
    ended = datagen(*words, "-o", "dry", "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("evolve, a: 15 calls, ")
    assert " tokens in, " in lines[0]
    assert ", $0.0" in lines[0]
    assert lines[1].startswith("    rests on: prompts counted at about 4 bytes a token; no 20 calls of it")
    assert lines[2].startswith("In all: 15 calls, $0.0")
    run(*words)
    assert "(15 more are journalled)" in datagen(*words, "-o", "dry", "--dry-run").out
    assert endpoint.asked.total() == 15


def test_without_prices_the_cost_is_unknown(folder, endpoint):
    """Nobody guesses a price."""
    words = ("sample", "in.jsonl", *teachers(folder, endpoint, price_in=None, price_out=None))
    told = forecast(*words)
    assert (told["usd"], told["forecast"][0]["teachers"][0]["usd"]) == (None, None)
    assert "cost unknown: no price_in and price_out" in datagen(*words, "-o", "x", "--dry-run").out


def test_a_teacher_without_a_price_hides_no_other(folder, endpoint):
    """The sum is of what is known, and says of whom it is not."""
    teachers(folder, endpoint, endpoint)
    content = json.loads((folder / "teachers.yaml").read_text())
    del content["b"]["price_in"], content["b"]["price_out"]
    (folder / "teachers.yaml").write_text(json.dumps(content))
    words = ("sample", "in.jsonl", "--teachers", "teachers.yaml")
    told = forecast(*words)
    known = {one["teacher"]: one["usd"] for one in told["forecast"][0]["teachers"]}
    assert known["b"] is None
    assert (told["usd"], told["usd_unknown"]) == (known["a"], ["b"])
    assert "and what b costs: no price_in" in datagen(*words, "-o", "x", "--dry-run").out


@pytest.mark.parametrize("name", [*STAGES, "run"])
def test_what_is_made_needs_no_key(folder, monkeypatch, name):
    """A dry run of what is there says 0 calls without a key and without a server."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Endpoint() as gone:
        options = teachers(folder, gone, gone, key_env="OPENAI_API_KEY")
        (folder / "recipe.yaml").write_text(json.dumps(RECIPE))
        words = ("run", "recipe.yaml") if name == "run" else (*STAGES[name], *options)
        run(*words)
    monkeypatch.delenv("OPENAI_API_KEY")
    ended = datagen(*words, "-o", "out", "--dry-run", "--json")
    assert ended.code == 0, ended
    assert (ended.json()["calls"], ended.json()["usd"]) == ([0, 0], [0, 0])
    assert "0 calls" in datagen(*words, "-o", "out", "--dry-run").out


def test_what_is_on_nobodys_bill(folder):
    """The reference is asked nothing."""
    told = forecast("sample", "in.jsonl", "--teacher", "reference")
    assert (told["calls"], told["forecast"][0]["teachers"]) == ([0, 0], [])
    assert (
        "sample: no calls"
        in datagen("sample", "in.jsonl", "--teacher", "reference", "-o", "x", "--dry-run").out
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sample", "in.jsonl", "--teacher", "nobody:x"], 2),
        (["sample", "nothing.jsonl", "--teacher", "reference"], 2),
        (["sample", "in.jsonl", "--teachers", "nothing.yaml"], 2),
        (["sample", "in.jsonl", "--teacher", "openai:m"], 1),
        (["evolve", "in.jsonl", "--teacher", "reference", "--method", "depth"], 2),
        (["run", "nothing.yaml"], 2),
    ],
)
def test_errors_are_those_of_the_run(words, code, monkeypatch):
    """What would stop the run stops its forecast, with the same line."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    real = datagen(*words, "-o", "out").error(code)
    assert datagen(*words, "-o", "out", "--dry-run").error(code) == real


def test_a_budget_is_checked_too(folder, endpoint):
    """--max-usd without prices is an error of a dry run as well, and none with them."""
    words = ("sample", "in.jsonl", "-o", "x", "--dry-run", "--max-usd", "1")
    assert datagen(*words, *teachers(folder, endpoint)).code == 0
    unpriced = teachers(folder, endpoint, price_in=None, price_out=None)
    assert "--max-usd needs the price of a" in datagen(*words, *unpriced).error(2)


def test_draws_are_known_beforehand(folder, endpoint):
    """Who is drawn for an attempt does not depend on answers, so each teacher's calls are no range."""
    words = ("evolve", "in.jsonl", "--rounds", "3", *teachers(folder, endpoint, endpoint))
    told = {one["teacher"]: one["calls"] for one in forecast(*words)["forecast"][0]["teachers"]}
    usage = run(*words)["usage"]
    assert told == {name: [used["calls"]] * 2 for name, used in usage.items()}
    assert {*told} == {"a", "b"}


def test_other_languages_have_fewer_bytes_a_token(folder, endpoint):
    """A prompt in Chinese is counted as more tokens than one of as many letters in English."""
    counts = []
    for text in (
        "Write a function that adds two numbers",
        "编写一个函数将两个数字相加并返回它们的总和结果作为整数输出谢谢大家的帮助再见",
    ):
        (folder / "one.jsonl").write_text(json.dumps({"instruction": text * 20}))
        told = forecast("sample", "one.jsonl", *teachers(folder, endpoint))
        counts.append(told["forecast"][0]["teachers"][0]["tokens_in"][0])
    assert counts[1] > 1.5 * counts[0]
