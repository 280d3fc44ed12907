"""`decontam`: running code, and which of the ways of searching are used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli import datagen
from one_benchmark import ASKED, CLEAN, ITEM, OTHER, SOLUTION, given_rows, read, run, write_benchmark
from stages import survey

from datagen.overlaps.detectors import known
from datagen.sandbox.screening import Screening


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_benchmark(tmp_path)
    return tmp_path


class TestBehaviour:
    """What only running code shows."""

    COPY = (
        "def arrange(s):\n    found = []\n    for w in s.split():\n        at = 0\n"
        "        while at < len(found) and (-len(found[at]), found[at]) <= (-len(w), w):\n"
        "            at += 1\n"
        "        found.insert(at, w)\n    return found\n"
    )

    def test_copy_that_only_does_the_same(self):
        """Another algorithm under another name goes; the manifest says what ran, and what could not."""
        given_rows(
            {"instruction": CLEAN, "response": "def leap(y): return y % 4 == 0"},
            {"instruction": OTHER, "response": self.COPY},
            {"instruction": OTHER + " Or not.", "response": "def f(a):\n    print a\n"},
        )
        told = run("--json").json()
        assert told["overlaps"] == {"bench": 1}
        ran = told["behaviour"]
        assert (ran["ran"], ran["rows"], ran["not_run"]) == (True, 2, 1)
        assert "seccomp" in ran["isolation"]
        [dropped] = read("--dropped")
        assert [(one["detector"], one["part"]) for one in dropped["overlaps"]] == [
            ("behaviour", "behaviour:response")
        ]
        assert "arrange(" in dropped["detail"]

    def test_exercises_are_known_by_what_they_do(self):
        """Whatever it is called and in whatever language, gcd is an exercise; `--common drop` drops it."""
        code = (
            "int tile(int wall, int floor) {\n    while (floor) {\n        int rest = wall % floor;\n"
            "        wall = floor;\n        floor = rest;\n    }\n    return wall;\n}\n"
        )
        given_rows({"instruction": "How long are square tiles?", "response": code}, {"instruction": CLEAN})
        told = run("--json", against="humaneval").json()
        assert (told["dropped"], told["common"]) == ({}, {"humaneval": 1})
        told = run("--json", "--common", "drop", against="humaneval", out="DROPPED").json()
        assert (told["dropped"], told["rows_by_item"]["humaneval"]) == (
            {"overlaps-humaneval": 1},
            {"HumanEval/13": 1},
        )

    def test_no_run(self):
        """`--no-run` runs nothing, says so, and is another plan."""
        given_rows({"instruction": OTHER, "response": self.COPY})
        done = run("--no-run")
        assert "no code was run" in done.err
        assert run("--no-run", "--json").json()["behaviour"]["ran"] is False
        assert run("--json", out="RAN").json()["overlaps"] == {"bench": 1}

    def test_nothing_runs_twice(self, monkeypatch):
        """What came of a program is in the journal: the second time no program is run."""
        given_rows({"instruction": OTHER, "response": self.COPY + "# twice\n"})
        first = survey("decontam", "in.jsonl", against=("jsonl:bench.jsonl",))
        calls = []
        for name in ("run", "find"):
            monkeypatch.setattr(Screening, name, lambda *_, name=name, **__: calls.append(name) or [])
        again = survey("decontam", "in.jsonl", against=("jsonl:bench.jsonl",))
        assert calls == []
        assert first.manifest["overlaps"] == again.manifest["overlaps"] == {"bench": 1}

    def test_without_isolation_nothing_runs(self, monkeypatch):
        """Where the machine cannot keep code from doing harm, it is not run, and the summary says why."""
        granted = property(lambda _: "rlimits", lambda *_: None)
        monkeypatch.setattr("datagen.sandbox.screen.Screen.isolation", granted)
        given_rows({"instruction": OTHER, "response": self.COPY})
        told = survey("decontam", "in.jsonl", against=("jsonl:bench.jsonl",)).manifest
        assert (told["overlaps"], told["behaviour"]["ran"]) == ({"bench": 0}, False)
        assert told["behaviour"]["isolation"] == "rlimits"

    def test_where_no_server_starts(self, monkeypatch):
        """Where nothing can be run at all, rows are compared without it, and the manifest says so."""

        async def refused(*_, **__):
            raise OSError("no processes left")

        monkeypatch.setattr("datagen.sandbox.screen.Screen.run", refused)
        given_rows({"instruction": OTHER, "response": self.COPY}, {"instruction": ASKED})
        told = survey("decontam", "in.jsonl", against=("jsonl:bench.jsonl",)).manifest
        assert told["overlaps"] == {"bench": 1}
        assert told["behaviour"] == {"ran": False, "isolation": "", "rows": 0, "not_run": 0, "why": {}}


class TestDetectors:
    """`--detectors`: which of the ways of searching are used."""

    @pytest.mark.parametrize("name", ["cases", "code", "examples", "minhash", "ngrams", "words", "behaviour"])
    def test_each_finds_items_alone(self, name):
        """One detector finds a copy and gives all evidence; the summary says that others did not look."""
        asked = f"{ASKED} Punctuation belongs to the word before it, and several blanks count as one."
        Path("bench.jsonl").write_text(json.dumps({**ITEM, "prompt": asked}))
        given_rows(
            {"instruction": asked, "response": f"{SOLUTION}\n{ITEM['tests'][0]}\n{ITEM['tests'][1]}"},
            {"instruction": CLEAN},
        )
        done = run("--detectors", name, "--json")
        told = done.json()
        assert told["overlaps"] == {"bench": 1}
        assert told["searched"]["detectors"] == [name]
        [dropped] = read("--dropped")
        assert {one["detector"] for one in dropped["overlaps"]} == {name}
        assert ("self_test" in told) == (name != "behaviour")
        assert told["behaviour"]["ran"] == (name == "behaviour")
        said = f"searched only by {name}: what others would find is unknown"
        assert said in run("--detectors", name, out="AGAIN").err

    def test_several(self):
        """With commas or repeated; another choice is another plan, and all is what is used without."""
        given_rows({"instruction": OTHER, "response": SOLUTION}, {"instruction": CLEAN})
        assert run("--detectors", "words,code", "--json").json()["searched"]["detectors"] == ["code", "words"]
        told = run("--detectors", "code", "--detectors", "words", "--json").json()
        assert told["searched"]["detectors"] == ["code", "words"]
        assert "made by decontam from other inputs or options" in run("--detectors", "minhash").err
        assert "detectors" not in run("--json", out="ALL").json()["searched"]

    @pytest.mark.parametrize(
        ("first", "second", "said"),
        [
            ("words", "code", "no detector searched in each stage: what they would find is unknown"),
            ("words,code", "code,cases", "searched only by code: what others would find is unknown"),
            ("words", "", "searched only by words: what others would find is unknown"),
        ],
    )
    def test_stages_of_a_recipe(self, first, second, said):
        """The summary of a recipe names the detectors that searched in each of its stages."""
        given_rows({"instruction": CLEAN})
        stages = [f", detectors: '{one}'" if one else "" for one in (first, second)]
        lines = [f"  - decontam: {{against: jsonl:bench.jsonl, no-run: true{one}}}\n" for one in stages]
        Path("recipe.yaml").write_text(f"seeds: in.jsonl\nstages:\n{''.join(lines)}")
        done = datagen("run", "recipe.yaml", "-o", "ALL")
        assert f"  {said}\n" in done.err

    @pytest.mark.parametrize("granted", ["rlimits", ""])
    def test_behaviour_alone_where_nothing_can_run(self, granted, monkeypatch):
        """No row is looked at, so `--check` may not say that all is well."""
        monkeypatch.setattr("datagen.sandbox.screening.Screening.isolation", granted)
        given_rows({"instruction": OTHER, "response": SOLUTION})
        done = run("--detectors", "behaviour", "--check", out=None)
        assert done.code == 1
        assert run("--detectors", "behaviour,entry_points", "--check", out=None).err == done.err
        assert (
            f"this machine grants only {granted or 'nothing'}, and runs no code with that; name another"
            in done.err
        )
        assert run("--detectors", "behaviour,cases", "--check", out=None).code == 0

    @pytest.mark.parametrize(
        "solution", [None, "def split_text(text", "def split_text(text):\n    return text"]
    )
    def test_behaviour_alone_where_no_solution_tells_something(self, solution):
        """Nothing of such a benchmark is sought; beside another one, too."""
        item = {**ITEM, "solution": solution}
        Path("other.jsonl").write_text(json.dumps({key: item[key] for key in item if item[key] is not None}))
        given_rows({"instruction": OTHER, "response": SOLUTION})
        words = ["--detectors", "behaviour", "--against", "jsonl:other.jsonl", "--check"]
        said = "other has no solution that runs and tells something, so running code finds nothing of it;"
        assert said in run(*words, out=None).error()
        assert run("--detectors", "words", *words, out=None).code == 5

    def test_no_self_test_of_names_alone(self):
        """It tells how much comparing texts finds, and names of functions find nothing alone."""
        given_rows({"instruction": OTHER, "response": SOLUTION})
        told = run("--detectors", "entry_points,behaviour", "--json").json()
        assert "self_test" not in told
        assert told["overlaps"] == {"bench": 1}

    @pytest.mark.parametrize("more", [[], ["--no-run"]])
    def test_naming_all_is_naming_none(self, more):
        """The plan is the same, so is what the manifest says: nobody else could have looked."""
        given_rows({"instruction": OTHER, "response": SOLUTION})
        everything = [name for name in known() if not more or name != "behaviour"]
        named = run("--detectors", ",".join(everything), *more)
        assert "searched only by" not in named.err
        again = run("--json", *more)
        assert "already made" in run(*more).err
        assert "detectors" not in again.json()["searched"]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--detectors", "word"], "unknown detector word: did you mean words?"),
            (["--detectors", ""], "it names no detector; allowed: behaviour, cases"),
            (
                ["--detectors", "entry_points"],
                "finds nothing alone; name another one beside it, such as code",
            ),
            (["--detectors", "behaviour,code", "--no-run"], "--no-run forbids it; leave one of them out"),
        ],
    )
    def test_choices_that_cannot_be_used(self, words, said):
        """One line says why."""
        given_rows({"instruction": ASKED})
        done = run(*words)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert said in done.err
