"""`decontam`: tasks that overlap a benchmark go with all their answers, and with the evidence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from cli import CACHE, ROOT, datagen, left_in
from hypothesis import given, settings
from hypothesis import strategies as st
from one_benchmark import ASKED, CLEAN, ITEM, OTHER, SOLUTION, given_rows, read, run, write_benchmark
from stages import make, survey

from datagen.data import inputs
from decontam.benchmarks import load

DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_benchmark(tmp_path)
    return tmp_path


class TestTasks:
    """What goes."""

    def test_clean_rows_stay(self):
        """Rows that share nothing with a benchmark are kept as they are."""
        given_rows({"instruction": CLEAN, "u": 1}, {"instruction": OTHER, "u": None})
        assert run("--json").json()["dropped"] == {}
        assert [(row["instruction"], row["u"]) for row in read()] == [(CLEAN, 1), (OTHER, None)]

    def test_task_goes_with_all_its_answers(self):
        """One answer that holds the solution takes the whole task along: teachers' and student's rows."""
        given_rows(
            {"instruction": CLEAN, "response": "def leap(y): return y % 4 == 0"},
            {"instruction": OTHER, "response": "I do not know."},
            {"instruction": OTHER, "response": SOLUTION},
            {"instruction": OTHER, "response": "", "role": "student"},
        )
        told = run("--json").json()
        assert told["dropped"] == {"overlaps-bench": 3}
        assert told["overlaps"] == {"bench": 1}
        assert [row["instruction"] for row in read()] == [CLEAN]
        dropped = read("--dropped")
        assert [row["reason"] for row in dropped] == ["overlaps-bench"] * 3
        assert [row["dropped_by"] for row in dropped] == [["overlaps-bench"]] * 3
        assert [bool(row["overlaps"]) for row in dropped] == [False, True, False]
        assert dropped[0]["detail"] == "another answer to this task overlaps"

    @pytest.mark.parametrize("instruction", ["", "Complete the code."])
    def test_rows_without_a_task_stand_alone(self, instruction):
        """An instruction that says nothing over quite different answers is no task: one row goes, not all."""
        codes = [
            "def mean(values):\n    return sum(values) / len(values)",
            "class Stack:\n    def push(self, item):\n        self.items.append(item)",
            "import csv\nwith open('table.csv') as file:\n    print(next(csv.reader(file)))",
            SOLUTION,
        ]
        given_rows(*({"instruction": instruction, "response": code} for code in codes))
        told = run("--json").json()
        assert (told["overlaps"], told["dropped_with_task"], told["rows_out"]) == ({"bench": 1}, 0, 3)
        assert [row["response"] for row in read("--dropped")] == [SOLUTION]

    def test_rows_with_code_alone_stand_alone_too(self):
        """Where there is no response, the code says whether rows answer one task."""
        codes = [
            "def mean(values):\n    return sum(values) / len(values)",
            "import csv, io",
            "class Stack: pass",
        ]
        rows = [{"instruction": "Complete the code.", "code": code} for code in [*codes, SOLUTION]]
        given_rows(*rows)
        assert run("--json").json()["dropped"] == {"overlaps-bench": 1}

    def test_few_words_are_a_task_where_answers_are_alike(self):
        """Answers to a short task share names, and go together."""
        answers = [
            "def sort_words(text):\n    return order(text.split())  # by length",
            "def by_length(text):\n    words = text.split('-')\n    return sorted(words)",
            SOLUTION,
        ]
        given_rows(*({"instruction": "Sort the words by length.", "response": one} for one in answers))
        told = run("--json").json()
        assert (told["dropped"], told["dropped_with_task"]) == ({"overlaps-bench": 3}, 2)

    def test_unit(self):
        """`--unit row` drops the row alone; the summary says what goes with its task."""
        given_rows(*({"instruction": OTHER, "response": answer} for answer in ("1", "2", "3", SOLUTION)))
        assert "3 of 4 dropped rows overlap nothing themselves" in run().err
        assert datagen("cat", "OUT", "--dropped").out.count("another answer to this task") == 3
        told = run("--json", "--unit", "row", out="ROWS").json()
        assert (told["dropped"], told["dropped_with_task"]) == ({"overlaps-bench": 1}, 0)

    @pytest.mark.parametrize(
        "row",
        [
            {"instruction": ASKED},
            {"prompt": ASKED},
            {"instruction": "Do this:", "input": ASKED},
            {"instruction": CLEAN, "output": SOLUTION},
            {"instruction": CLEAN, "response": f"Here:\n```python\n{SOLUTION}```"},
            {"instruction": CLEAN, "response": "See the code.", "reference": SOLUTION},
            {"instruction": CLEAN, "code": SOLUTION},
            {"instruction": CLEAN, "response": "See the code.", "code": SOLUTION},
            {"instruction": CLEAN, "response": None, "code": SOLUTION},
            {"instruction": CLEAN, "tests": ["assert True", *ITEM["tests"]]},
            {"messages": [{"role": "user", "content": ASKED}]},
        ],
        ids=lambda row: "+".join(row),
    )
    def test_wherever_it_stands(self, row):
        """The instruction, the answer, its code, the reference and the tests are all compared."""
        given_rows(row)
        assert run("--json").json()["overlaps"] == {"bench": 1}

    def test_evidence(self):
        """Every match is in `overlaps`, and `detail` says the first in words."""
        given_rows({"instruction": ASKED, "response": SOLUTION})
        run()
        (row,) = read("--dropped")
        assert {"benchmark", "item", "detector", "part", "value", "threshold", "excerpt"} <= row["overlaps"][
            0
        ].keys()
        assert all(match["value"] >= match["threshold"] / 2 for match in row["overlaps"])
        assert row["overlaps"][0]["level"] in {"same", "near", "logic"}
        assert 0.5 < row["overlaps"][0]["score"] <= 1
        assert {match["item"] for match in row["overlaps"]} == {"bench/1"}
        assert {match["part"] for match in row["overlaps"]} >= {"prompt:instruction", "solution:response"}
        assert row["detail"].startswith("bench bench/1 by ")

    def test_two_benchmarks(self, folder):
        """Each benchmark is counted; the reason is the first that matched."""
        item = {**ITEM, "task_id": "other/1", "prompt": OTHER, "solution": "", "tests": []}
        (folder / "other.jsonl").write_text(json.dumps(item) + "\n")
        given_rows({"instruction": ASKED}, {"instruction": OTHER}, {"instruction": CLEAN})
        told = run("--against", "jsonl:other.jsonl", "--json").json()
        assert told["overlaps"] == {"bench": 1, "other": 1}
        assert told["dropped"] == {"overlaps-bench": 1, "overlaps-other": 1}

    def test_order_of_benchmarks_is_no_other_result(self):
        """A benchmark named twice is read once."""
        given_rows({"instruction": ASKED})
        assert run("--against", "jsonl:bench.jsonl", "--json").json()["overlaps"] == {"bench": 1}

    def test_empty_texts(self):
        """Rows without text in them are compared without complaint."""
        given_rows(
            {"instruction": "", "response": None, "tests": None, "reference": None},
            {"instruction": " ", "response": "", "tests": [], "reference": ""},
            {"instruction": "\u2028\0", "response": "\U0001f600", "tests": [None, ""], "reference": "x"},
        )
        assert run("--json").json()["rows_out"] == 3


class TestWhatIsTold:
    """What the manifest and the summary say."""

    def test_items(self):
        """How many items of a benchmark are in the set, however often."""
        given_rows({"instruction": ASKED}, {"instruction": CLEAN, "response": SOLUTION})
        ended = run("--json")
        assert ended.json()["items"] == {"bench": {"found": 1, "of": 1}}
        assert "bench: 2 rows overlap 1 of its 1 items" in run("--overwrite").err

    def test_self_test(self):
        """Copies of the benchmark's items are planted in memory: the rows stay as they are."""
        given_rows({"instruction": CLEAN, "response": "def leap(y): return y % 4 == 0"})
        ended = run("--json")
        assert ended.json()["self_test"]["verbatim"] == {"planted": 1, "found": 1}
        assert ended.json()["overlaps"] == {"bench": 0}
        assert [row["instruction"] for row in read()] == [CLEAN]
        assert "planted copies found" in run("--overwrite").err
        told = run("--no-self-test", "--json", out="OTHER").json()
        assert "self_test" not in told
        assert json.loads(Path("OTHER/manifest.json").read_text())["options"]["self_test"] is False

    def test_trace_shows_each_match(self):
        """What a dropped row was matched with, by what, how strongly, and where."""
        given_rows({"instruction": ASKED, "response": SOLUTION})
        run()
        (row,) = read("--dropped")
        told = datagen("trace", "OUT", row["id"], "--json").json()
        assert told["dropped"]["overlaps"] == row["overlaps"]
        shown = datagen("trace", "OUT", row["id"]).out
        words = " ".join(shown.split())
        assert "\n  bench bench/1: the same text, score 1.00\n" in shown
        for detector in {match["detector"] for match in row["overlaps"]}:
            own = [match for match in row["overlaps"] if match["detector"] == detector]
            lines = [
                f"{detector} {one['value']:.2f} of {one['threshold']:.2f} needed ({one['part']})"
                for one in own
            ]
            assert any(line in words for line in lines)

    def test_places_are_those_of_the_texts(self):
        """The piece of the row stands in its column, and that of the item in the benchmark's file."""
        given_rows({"instruction": f"Hi 😀\r\n\u200b{ASKED}", "tests": ["assert True", *ITEM["tests"]]})
        run("--no-run")
        (row,) = read("--dropped")
        assert {match["part"].partition(":")[2] for match in row["overlaps"]} >= {"instruction", "tests"}
        for match in row["overlaps"]:
            value = row[match["part"].partition(":")[2]]
            text = value if isinstance(value, str) else "\n".join(value)
            of = {"tests": "\n".join(ITEM["tests"])}.get(match["item_part"]) or ITEM["prompt"]
            assert text[match["start"] : match["end"]].startswith(match["excerpt"])
            if match["item_part"] != "raw_prompt":
                assert of[match["item_start"] : match["item_end"]].startswith(match["item_excerpt"])

    def test_what_was_found(self):
        """Rows by level, rows by item and the worst rows first, in --json, card and summary."""
        given_rows({"instruction": CLEAN}, {"instruction": ASKED}, {"instruction": ASKED + " Be quick."})
        told = run("--no-run", "--json").json()
        assert told["levels"]["bench"] == {
            "same": 2, "near": 0, "logic": 0, "decided": 0, "common": 0,
        }  # fmt: skip
        assert told["rows_by_item"] == {"bench": {"bench/1": 2}}
        worst = told["worst_rows"]["bench"]
        assert [one["id"] for one in worst] == [row["id"] for row in read("--dropped")]
        assert {(one["item"], one["level"]) for one in worst} == {("bench/1", "same")}
        assert all("ngrams" in one["detectors"] for one in worst)
        assert f"| `{worst[0]['id']}` | `bench/1` | the same text |" in Path("OUT/README.md").read_text()
        shown = run("--no-run").err
        assert "bench: 2 rows overlap 1 of its 1 items\n    the same text 2\n" in shown
        assert "items with the most rows: bench/1 (2)\n    worst rows " in shown
        assert f"\n    {worst[0]['id']}  bench/1  the same text  {worst[0]['score']:.2f}   " in shown
        assert "`datagen trace out/it ID` shows" in run("--no-run", out="out/it").err
        assert "`-o OUT` keeps the matches" in run("--no-run", out=None).err

    def test_nothing_found(self):
        """Without overlap there is no table, and nothing to do."""
        given_rows({"instruction": CLEAN})
        ended = run("--no-run", "--no-self-test")
        assert "worst" not in ended.err
        assert "trace" not in ended.err

    def test_what_was_searched(self):
        """All text by default; with `--only-columns`, the share of it is said."""
        given_rows({"instruction": CLEAN, "response": "x" * 300, "note": "y" * 100, "label": "short"})
        assert run("--json").json()["searched"] == {
            "columns": ["instruction", "note", "response"],
            "share": 1.0,
        }
        ended = run("--only-columns", "response", out="OTHER")
        assert "searched response: 62.0% of the text; the rest may overlap" in ended.err


class TestReview:
    """What a person decided is applied again."""

    def decided(self, **more):
        row = {"benchmark": "bench", "item": "bench/1", "decision": "keep", **more}
        with open("review.jsonl", "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(json.dumps(row) + "\n")
        return ("--review", "review.jsonl")

    def task(self, number=0):
        datagen("decontam", "in.jsonl", "-o", "ALL", "--against", "jsonl:bench.jsonl", "--overwrite")
        dropped = read("--dropped", out="ALL")
        return [*dropped, *read(out="ALL")][number]

    def test_keep(self):
        """A match that somebody looked at is no reason any more; without the file it is."""
        given_rows(
            {"instruction": ASKED}, {"instruction": CLEAN, "response": SOLUTION}, {"instruction": OTHER}
        )
        review = self.decided(task=self.task()["task"], note="we wrote it first")
        told = run("--json", *review).json()
        assert (told["overlaps"], told["rows_out"]) == ({"bench": 1}, 2)
        assert told["reviewed"]["kept"] >= 1
        assert told["reviewed"] | {"kept": 1} == {"kept": 1, "dropped": 0, "unused": 0}
        assert [row["instruction"] for row in read()] == [ASKED, OTHER]

    def test_drop(self):
        """A task goes because somebody said so, with the note."""
        given_rows({"instruction": CLEAN}, {"instruction": OTHER})
        review = self.decided(task=self.task(1)["task"], decision="drop", note="a story about bench/1")
        told = run("--json", *review).json()
        assert told["dropped"] == {"overlaps-bench": 1}
        assert told["reviewed"] == {"kept": 0, "dropped": 1, "unused": 0}
        (row,) = read("--dropped")
        assert row["instruction"] == OTHER
        assert row["detail"] == "bench bench/1 by review: a story about bench/1"

    def test_a_row_alone(self):
        """The id of a row names no other row of its task."""
        given_rows(*({"instruction": OTHER, "response": str(number)} for number in range(3)))
        review = self.decided(task=self.task(1)["id"], decision="drop")
        run(*review, "--unit", "row")
        assert [row["response"] for row in read()] == ["0", "2"]

    def test_decisions_about_other_benchmarks(self):
        """What is decided about an item that nothing is compared with decides nothing."""
        given_rows({"instruction": OTHER})
        review = self.decided(task=self.task()["task"], benchmark="mbpp", item="9", decision="drop")
        told = run("--json", *review).json()
        assert (told["dropped"], told["reviewed"]["unused"]) == ({}, 1)

    def test_decisions_that_meet_nothing(self):
        """They are counted and said: the rows may have changed since."""
        given_rows({"instruction": ASKED})
        assert "1 decisions meet nothing here" in run(*self.decided(task="0" * 16)).err

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            (
                '{"task": "a", "benchmark": "b", "item": "c", "decision": "maybe"}',
                "'maybe' is not allowed; give keep",
            ),
            ('{"task": "a", "benchmark": "b", "item": "c"}', "line 1: missing field 'decision'"),
            (
                '{"task": 3, "benchmark": "b", "item": "c", "decision": "keep"}',
                "'task' must be a string, not int",
            ),
            ('{"task": "a", "benchmark": "b", "item": "c", "decision": "keep", "x": 1}', "unknown field 'x'"),
            ("[1]", "line 1: must be a JSON object, not list"),
            ("{", "line 1: not JSON"),
        ],
    )
    def test_bad_files(self, line, told):
        """One line with the place and what is allowed."""
        given_rows({"instruction": ASKED})
        Path("bad.jsonl").write_text(line + "\n")
        outcome = datagen(*"decontam in.jsonl --against jsonl:bench.jsonl --review bad.jsonl".split())
        assert told in outcome.err
        assert len(outcome.err.splitlines()) == 1

    def test_contradiction(self):
        """Two decisions about one match have to agree."""
        given_rows({"instruction": ASKED})
        self.decided(task="a")
        review = self.decided(task="a", decision="drop")
        told = datagen("decontam", "in.jsonl", "--against", "jsonl:bench.jsonl", *review).err
        assert "line 2: it decides otherwise than review.jsonl line 1" in told


class TestCheck:
    """--check and what happens without -o."""

    @pytest.mark.parametrize("out", [None, "OUT"])
    @pytest.mark.parametrize(("asked", "code"), [(ASKED, 5), (CLEAN, 0)])
    def test_exit_code(self, asked, code, out):
        """--check ends with 5 if anything overlaps and with 0 if not, with OUT and without."""
        given_rows({"instruction": asked}, {"instruction": OTHER})
        done = run("--check", out=out)
        assert (done.code, done.out) == (code, "")
        assert run("--check", out=out).code == code
        if out:
            assert len(read()) == 2 - (code == 5)

    def test_without_check_overlap_is_no_error(self):
        """Finding overlap is what the command is for."""
        given_rows({"instruction": ASKED})
        assert run(out=None).code == run().code == 0

    def test_without_out_nothing_is_written(self, folder):
        """Without -o it only says what overlaps."""
        given_rows({"instruction": ASKED}, {"instruction": CLEAN})
        done = run(out=None)
        assert done.err.splitlines()[:2] == [
            f"decontam: 2 rows in, 1 kept, 1 dropped ({done.err.split('(')[1].split(')')[0]})",
            "  dropped: overlaps-bench 1",
        ]
        assert left_in(folder) == ["bench.jsonl", "in.jsonl"]

    def test_json_is_the_same_with_and_without_out(self):
        """The survey tells the counts that the data set would have."""
        given_rows({"instruction": ASKED}, {"instruction": CLEAN}, {"instruction": ASKED, "u": 1})
        surveyed, made = run("--json", out=None).json(), run("--json").json()
        assert (surveyed["out"], made["out"]) == (None, "OUT")
        for name in ("command", "rows_in", "rows_made", "rows_out", "dropped", "failed", "overlaps"):
            assert surveyed[name] == made[name]

    def test_tasks_and_standard_input(self):
        """Tasks without answers can be checked before paying for answers, also from a pipe."""
        rows = json.dumps({"instruction": ASKED}).encode()
        done = datagen("decontam", "-", "--against", "jsonl:bench.jsonl", "--check", "--json", stdin=rows)
        assert (done.code, done.json()["overlaps"]) == (5, {"bench": 1})


class TestBenchmarks:
    """--against."""

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "no items"),
            (b"{", "not JSON"),
            (b"[]", "must be a JSON object"),
            (b"{}", "no prompt, solution or tests"),
            (b"caf\xe9", "cannot be read"),
        ],
        ids=["empty", "cut", "list", "no fields", "latin-1"],
    )
    @pytest.mark.parametrize("out", [None, "OUT"])
    def test_unreadable_file(self, content, says, out, folder):
        """A benchmark's file that exists and is broken is exit 1."""
        (folder / "bench.jsonl").write_bytes(content)
        given_rows({"instruction": CLEAN})
        error = run(out=out).error(1)
        assert "bench.jsonl" in error
        assert says in error
        assert left_in(folder) == ["bench.jsonl", "in.jsonl"]

    def test_changed_benchmark_is_another_plan(self, folder):
        """What decides is what the benchmark says, not what its file is called."""
        given_rows({"instruction": CLEAN})
        run()
        assert run("--json").json()["already_made"] is True
        (folder / "moved.jsonl").write_text(json.dumps(ITEM) + "\n\n")
        assert "--overwrite replaces it" in run(against="jsonl:moved.jsonl").error(1)
        (folder / "bench.jsonl").write_text(json.dumps({**ITEM, "prompt": CLEAN}) + "\n")
        assert "--overwrite replaces it" in run().error(1)

    def test_humaneval_is_the_default(self):
        """HumanEval comes along: without --against its 164 tasks are compared."""
        done = datagen("decontam", "starter", "-o", "OUT", "--json")
        assert done.json()["overlaps"] == {"humaneval": 0}

    def test_mbpp(self):
        """MBPP's own file is read, and its tasks are found."""
        path = DATA / "mbpp.jsonl"
        if not path.exists():
            pytest.skip(f"{path} is not there: a user's checkout has no shared data")
        items = [json.loads(line) for line in path.read_text().splitlines()]
        given_rows(
            *[{"instruction": item["text"], "response": item["code"]} for item in items[:50]],
            {"instruction": CLEAN},
        )
        told = run("--json", "--no-run", against=f"mbpp:{path}").json()
        assert told["overlaps"]["mbpp"] >= 45
        assert read()[-1]["instruction"] == CLEAN


TEXTS = st.sampled_from([ASKED, CLEAN, OTHER, SOLUTION, "", "caf\u00e9 \U0001f600"])
ROW = st.fixed_dictionaries({"instruction": TEXTS, "response": st.one_of(st.none(), TEXTS)})


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=10), st.integers(1, 11))
def test_batches_change_nothing(tmp_path_factory, rows, batch):
    """The same digests come out whatever the size of a batch, also when a task's rows are far apart."""
    folder = tmp_path_factory.mktemp("batches")
    (folder / "bench.jsonl").write_text(json.dumps(ITEM) + "\n")
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"against": [f"jsonl:{folder / 'bench.jsonl'}"], "no_run": True, "no_self_test": True}

    def digests(out):
        found = make("decontam", folder / "in.jsonl", folder / out, **options).manifest
        surveyed = survey("decontam", folder / "in.jsonl", **options).manifest
        assert surveyed["overlaps"] == found["overlaps"]
        assert surveyed["dropped"] == found["dropped"]
        return found["digest"], found["dropped_digest"], found["overlaps"]

    whole = digests("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "BATCH_ROWS", batch)
        assert digests("batches") == whole


@pytest.mark.parametrize(
    ("name", "rows", "more"), [("code_alpaca_2k", 2017, []), ("new_codealpaca", 4535, ["--no-run"])]
)
def test_real_files(name, rows, more):
    """CodeAlpaca goes through whole; some of its textbook tasks are HumanEval's, nearly all are not."""
    path = DATA / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not there: a user's checkout has no shared data")
    told = datagen("decontam", path, "-o", "OUT", "--json", *more).json()
    assert told["rows_in"] == rows
    assert told["rows_out"] + sum(told["dropped"].values()) == rows
    assert told["rows_out"] > 0.95 * rows


@pytest.mark.parametrize(
    "row",
    [
        {"task": "TEXT"},
        {"model": "TEXT"},
        {"messages": [{"role": "user", "content": "TEXT"}]},
        {"notes": {"deep": [{"er": "TEXT"}]}},
        {"rejected": "TEXT"},
    ],
)
def test_all_text_is_searched(row, tmp_path, monkeypatch):
    """Wherever a benchmark's solution stands in a row, `--check` finds it."""
    monkeypatch.chdir(tmp_path)
    item = load("humaneval").items[0]
    text = json.dumps(f"{item.raw_prompt}{item.solution}")[1:-1]
    whole = json.dumps({"instruction": "Solve it, please.", "response": "x = 1", **row}).replace("TEXT", text)
    Path("in.jsonl").write_text(whole)
    assert datagen("decontam", "in.jsonl", "--check").code == 5
    searched = datagen("decontam", "in.jsonl", "--check", "--only-columns", "response")
    assert searched.code == 0


@pytest.mark.parametrize(
    "value",
    [
        {SOLUTION: 1},
        {"a": {"b": [{SOLUTION: True}]}},
        [{SOLUTION.encode(): b"x"}],
        [SOLUTION.encode(), b"\xff\xfe"],
        {"image": {"bytes": SOLUTION.encode(), "path": None}},
        [[[SOLUTION.encode()]], [[None]], []],
    ],
    ids=["key", "nested key", "key beside bytes", "bytes", "bytes in objects", "lists of bytes"],
)
def test_keys_and_nested_bytes_are_searched(value, folder):
    """What stands in the keys of objects, or as bytes inside of lists and objects, could be learned too."""
    if isinstance(value, list) and isinstance(value[0], dict):
        value = [{key.decode(): below for key, below in value[0].items()}]
    pl.DataFrame({"instruction": [CLEAN, OTHER], "more": [None, value]}).write_parquet("in.parquet")
    done = datagen("decontam", "in.parquet", "-o", "OUT", "--against", "jsonl:bench.jsonl", "--json").json()
    assert done["overlaps"] == {"bench": 1}
    assert [row["instruction"] for row in read()] == [CLEAN]


def test_keys_of_other_rows_are_no_text_of_a_row():
    """All rows of a file share the columns; only the row whose key it is overlaps."""
    given_rows({"instruction": CLEAN, "more": {"x": 1}}, {"instruction": OTHER, "more": {SOLUTION: 1}})
    assert run("--json").json()["dropped"] == {"overlaps-bench": 1}


class TestStart:
    """What it takes to begin."""

    def test_with_a_kept_index_nothing_heavy_is_imported(self):
        """The second time even rows that repeat an item need no datasketch, which brings scipy."""
        given_rows({"instruction": ASKED, "response": SOLUTION}, {"instruction": CLEAN})
        assert run(out=None).code == 0
        given_rows({"instruction": f"{ASKED} Thank you.", "response": SOLUTION})  # the self-test runs, too
        heavy = [
            "datasketch",
            "scipy",
            "numpy.ma",
            "openai",
            "yaml",
            "huggingface_hub",
            "torch",
            "ray",
            "rich",
        ]
        heavy += ["datagen.teachers.openai_chat", "datagen.teachers.batch"]
        program = (
            "import sys\nfrom datagen.commands import console\n"
            "console.run(['decontam', 'in.jsonl', '--against', 'jsonl:bench.jsonl'])\n"
            f"sys.exit(','.join(name for name in {heavy!r} if name in sys.modules) or 0)"
        )
        environment = {**os.environ, "DATAGEN_CACHE_DIR": CACHE.name}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "1 dropped" in done.stderr


class TestProfiles:
    """How sure a match must be, and what is no match."""

    def test_profiles_are_part_of_the_plan(self):
        """A copy goes in every profile, and the manifest says what the profile asked for."""
        given_rows({"instruction": ASKED, "response": SOLUTION}, {"instruction": CLEAN})
        for name in ("strict", "certain"):
            told = run("--profile", name, "--json", out=name).json()
            assert told["dropped"] == {"overlaps-bench": 1}
            assert json.loads(Path(name, "manifest.json").read_text())["options"]["profile"]["name"] == name

    def test_unknown_profile(self):
        """Names are checked."""
        given_rows({"instruction": CLEAN})
        done = run("--profile", "sure")
        assert done.code == 2
        assert "'strict', 'balanced', 'lenient', 'certain'" in done.err

    def test_textbook_exercises_stay_and_are_counted(self):
        """A row that only shares gcd with a benchmark is kept, counted, and dropped on demand."""
        asked = "Write a function for the greatest common divisor of two integers a and b."
        given_rows({"instruction": asked, "response": "def f(a, b):\n    return b"}, {"instruction": CLEAN})
        told = run("--json", against="humaneval").json()
        assert (told["dropped"], told["common"]) == ({}, {"humaneval": 1})
        assert told["overlaps"] == {"humaneval": 0}
        assert "1 rows more share only textbook exercises" in run(against="humaneval", out="again").err
        told = run("--common", "drop", "--json", against="humaneval", out="OUT2").json()
        assert (told["dropped"], told["common"]) == ({"overlaps-humaneval": 1}, {"humaneval": 0})
