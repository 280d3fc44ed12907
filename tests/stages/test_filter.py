"""`filter`: what a rule drops, what goes with it, and what is stored."""

from __future__ import annotations

import json

import polars as pl
import pytest
from cli import ROOT, datagen
from hypothesis import given, settings
from hypothesis import strategies as st
from stages import make

from datagen.answers.code import with_code
from datagen.data import inputs
from datagen.errors import UsageError
from datagen.stages.filter import drop_by_rules
from rules import RULES

DATA = ROOT.parent / "shared" / "data"
GOOD = "Write a function that adds two numbers."
ANSWER = "```python\ndef add(a, b):\n    return a + b\n```"
BROKEN = "```python\ndef add(a, b) return a + b\n```"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*rows, more=(), out="OUT"):
    """Filter rows given as dicts; returns what was kept and what was dropped."""
    with open("in.jsonl", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.writelines(json.dumps(row) + "\n" for row in rows)
    done = datagen("filter", "in.jsonl", "-o", out, "--overwrite", *more)
    assert done.code == 0, done
    return read(out), read(out, "--dropped")


def read(out, *more):
    return [json.loads(line) for line in datagen("cat", out, *more).out.splitlines()]


def row(instruction=GOOD, response=ANSWER, **more):
    return {"instruction": instruction, "response": response, **more}


class TestUnits:
    """What goes when a rule fires."""

    def test_instruction_rule_drops_the_task_with_all_answers(self):
        """A bad instruction takes every answer to it along, teachers' and student's, good and broken."""
        bad = [row("Add.", ANSWER), row("Add.", BROKEN), row("Add.", BROKEN, role="student")]
        kept, dropped = run(row(), *bad)
        assert [r["instruction"] for r in kept] == [GOOD]
        assert [r["reason"] for r in dropped] == ["short-instruction"] * 3

    @pytest.mark.parametrize("response", [BROKEN, "", "I cannot help with that.", None], ids=repr)
    def test_response_and_code_rules_drop_one_row(self, response):
        """A bad answer of a teacher goes alone; the other answers to its task stay."""
        kept, dropped = run(row(), row(response=response), row(role="teacher"))
        assert len(kept) == 2
        assert len(dropped) == 1
        assert dropped[0]["response"] == response

    @pytest.mark.parametrize("response", [BROKEN, "", "I cannot help with that.", None], ids=repr)
    def test_student_rows_leave_only_with_their_task(self, response):
        """The student's broken answers are needed as rejected ones."""
        kept, dropped = run(row(response=response, role="student"), row("Add.", role="student"))
        assert [r["response"] for r in kept] == [response]
        assert [r["reason"] for r in dropped] == ["short-instruction"]

    def test_tasks_without_answers(self):
        """Tasks alone are judged by their instruction only."""
        kept, dropped = run({"instruction": GOOD}, {"instruction": "Add."})
        assert [r["instruction"] for r in kept] == [GOOD]
        assert [r["reason"] for r in dropped] == ["short-instruction"]
        assert [name for name in kept[0] if name.startswith("measure_")] == [
            f"measure_{measure}" for measure in dict.fromkeys(
                rule.measure for rule in RULES.values() if rule.judges == "instruction"
            )
        ]  # fmt: skip


class TestEvidence:
    """What is stored of a verdict."""

    def test_reason_is_the_first_and_dropped_by_all(self):
        """`reason` is the first rule in the fixed order, `dropped_by` every rule that fired."""
        _, (dropped,) = run(row("Add.", BROKEN))
        assert dropped["reason"] == dropped["dropped_by"][0] == "short-instruction"
        assert "syntax-error" in dropped["dropped_by"]
        assert dropped["dropped_by"] == [name for name in RULES if name in dropped["dropped_by"]]

    def test_measures_of_all_rows_are_stored(self):
        """Kept and dropped rows carry every measure, so a threshold can be chosen afterwards."""
        (kept,), (dropped,) = run(row(), row(response=BROKEN))
        names = {f"measure_{rule.measure}" for rule in RULES.values()}
        assert names <= kept.keys()
        assert names <= dropped.keys()
        assert kept["measure_instruction_words"] == dropped["measure_instruction_words"] == 7
        assert (kept["measure_syntax_error"], dropped["measure_syntax_error"]) == (False, True)

    def test_counts_and_thresholds_stand_in_the_manifest(self, folder):
        """The manifest counts by reason and names the rules with their thresholds."""
        run(row(), row("Add."), row(response=""))
        manifest = json.loads((folder / "OUT/manifest.json").read_text())
        assert manifest["dropped"] == {"empty-response": 1, "short-instruction": 1}
        assert manifest["options"]["rules"].keys() == RULES.keys()
        assert manifest["options"]["rules"]["short-instruction"] == 4

    def test_measures_are_made_anew(self):
        """Filtering what was filtered replaces the measures; it does not add more."""
        run(row(), out="first")
        datagen("filter", "first", "-o", "second")
        assert read("second") == read("first")

    def test_columns_that_datagen_does_not_know_pass_through(self):
        """A user's columns are the same in kept and dropped rows."""
        kept, dropped = run(row(u={"a": [1]}, v=None), row("Add.", u={"a": []}, v=True))
        assert (kept[0]["u"], kept[0]["v"]) == ({"a": [1]}, None)
        assert (dropped[0]["u"], dropped[0]["v"]) == ({"a": []}, True)

    def test_code_of_the_answer_is_stored(self):
        """`code` and `language` are found in the answer and kept beside it."""
        kept, _ = run(row())
        assert (kept[0]["code"], kept[0]["language"]) == ("def add(a, b):\n    return a + b", "python")


class TestChoice:
    """--only and --skip."""

    def test_only(self):
        """--only applies the named rules and measures nothing else."""
        kept, dropped = run(row("Add.", BROKEN), row(), more=["--only", "syntax-error"])
        assert [r["dropped_by"] for r in dropped] == [["syntax-error"]]
        assert [name for name in kept[0] if name.startswith("measure_")] == ["measure_syntax_error"]

    @pytest.mark.parametrize(
        "more",
        [
            ["--only", "short-instruction,syntax-error"],
            ["--only", "syntax-error", "--only", "short-instruction"],
            ["--only", " syntax-error , short-instruction ,"],
            ["--only", "syntax-error,syntax-error,short-instruction"],
        ],
        ids=" ".join,
    )
    def test_lists(self, more):
        """Names may be repeated options or one list with commas; their order changes nothing."""
        _, (dropped,) = run(row("Add.", BROKEN), more=more)
        assert dropped["dropped_by"] == ["short-instruction", "syntax-error"]

    def test_skip(self):
        """--skip leaves out what it names, and wins over --only."""
        kept, _ = run(row("Add.", BROKEN), more=["--skip", "short-instruction,syntax-error"])
        assert len(kept) == 1
        _, (dropped,) = run(
            row("Add.", BROKEN),
            more=["--only", "short-instruction,syntax-error", "--skip", "short-instruction"],
        )
        assert dropped["dropped_by"] == ["syntax-error"]

    def test_no_rule_left(self):
        """Skipping every rule is a mistake."""
        error = datagen("filter", "starter", "-o", "OUT", "--skip", ",".join(RULES)).error(2)
        assert "--skip leaves no rule to apply" in error

    def test_same_choice_in_other_words_is_the_same_data_set(self):
        """What decides is which rules apply, not how they were named."""
        run(row(), more=["--only", "no-code,refusal"])
        done = datagen("filter", "in.jsonl", "-o", "OUT", "--only", "refusal", "--only", "no-code", "--json")
        assert done.json()["already_made"] is True

    def test_data_set_without_rows(self):
        """A data set that kept no row is an input like any other."""
        run(row("Add."))
        done = datagen("filter", "OUT", "-o", "AGAIN", "--json")
        assert (done.code, done.json()["rows_in"], done.json()["rows_out"]) == (0, 0, 0)

    def test_only_instruction_rules_extract_no_code(self):
        """Columns are prepared only where a chosen rule reads them."""
        kept, _ = run(row(), more=["--only", "short-instruction"])
        assert "code" not in kept[0]

    def test_unknown_rule_in_python(self):
        """The function refuses what the command line refuses."""
        with pytest.raises(UsageError, match="unknown rule no-cod: did you mean no-code"):
            make("filter", "starter", "OUT", only=["no-cod"])


ROW = st.fixed_dictionaries(
    {
        "instruction": st.sampled_from([GOOD, "Add.", "caf\u00e9 \U0001f600", " "]),
        "response": st.sampled_from([ANSWER, BROKEN, None, "", "x = 1", "Sure!\r\n```\r\nx\r\n```"]),
        "role": st.sampled_from([None, "teacher", "student"]),
    }
)


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12), st.integers(1, 13))
def test_batches_change_nothing(tmp_path_factory, rows, batch):
    """The same digests come out whatever the size of a batch: also when a batch has no Python at all."""
    folder = tmp_path_factory.mktemp("batches")
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def digests(out):
        found = make("filter", folder / "in.jsonl", folder / out).manifest
        assert found["rows_in"] == len(rows)
        return found["digest"], found["dropped_digest"]

    whole = digests("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "BATCH_ROWS", batch)
        assert digests("batches") == whole


def test_order_is_that_of_the_input():
    """Kept and dropped rows stand in the order in which they came."""
    rows = [row(n=n) if n % 3 else row("Add.", n=n) for n in range(20)]
    kept, dropped = run(*rows)
    assert [r["n"] for r in kept] == [n for n in range(20) if n % 3]
    assert [r["n"] for r in dropped] == [n for n in range(20) if not n % 3]


def test_task_of_two_rows_is_judged_once():
    """Rows of one task get the same verdict of instruction rules: they share the instruction."""
    frame = pl.DataFrame({"instruction": ["Add."] * 3, "response": [ANSWER, BROKEN, None]})
    split = drop_by_rules(with_code(frame), [RULES["short-instruction"]])
    assert (split.kept.height, split.dropped.height) == (0, 3)


@pytest.mark.parametrize(("name", "rows"), [("code_alpaca_2k", 2017), ("new_codealpaca", 4535)])
def test_real_files(name, rows):
    """CodeAlpaca goes through whole: every row is kept or dropped for a reason, most are kept."""
    path = DATA / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not there: a user's checkout has no shared data")
    told = datagen("filter", path, "-o", "OUT", "--json").json()
    assert told["rows_in"] == rows
    assert told["rows_out"] + sum(told["dropped"].values()) == rows
    assert told["rows_out"] > rows / 2
