"""`dedup`: what repeats what, what goes with it, and what is stored."""

from __future__ import annotations

import json

import polars as pl
import pytest
from cli import datagen
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stages import make

from datagen.data import inputs
from decontam.duplicates import code_words, instruction_words

TASK = "Write a Python function `total(prices)` that adds up all prices in a list and returns the sum."
LIKE = TASK.replace("sum.", "total.")
OTHER = "Explain how a hash table resolves two keys that fall into the same bucket of its array."
CODE = (
    "def total(prices):\n    result = 0\n    for price in prices:\n        result += price\n    return result"
)
COMMENTED = CODE.replace("result = 0", "result = 0  # nothing yet")
LIKE_CODE = CODE.replace("return result", "return result + 0")
OTHER_CODE = "def first(words):\n    return sorted(words)[0]"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(rows, path="in.jsonl"):
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.writelines(json.dumps(row) + "\n" for row in rows)


def run(*rows, more=()):
    """Deduplicate rows given as dicts; returns what was kept and what was dropped."""
    write([{"n": number, **row} for number, row in enumerate(rows)])
    done = datagen("dedup", "in.jsonl", "-o", "OUT", "--overwrite", *more)
    assert done.code == 0, done
    return read("OUT"), read("OUT", "--dropped")


def read(out, *more):
    return [json.loads(line) for line in datagen("cat", out, *more).out.splitlines()]


def row(instruction=TASK, response=CODE, **more):
    return {"instruction": instruction, "response": response, **more}


def numbers(rows):
    return [one["n"] for one in rows]


def reasons(dropped):
    return {one["n"]: one["reason"] for one in dropped}


class TestInstructions:
    """Tasks, which are kept or dropped as a whole."""

    def test_first_task_stays_with_all_its_answers(self):
        """The task that comes later goes, its student's row too; the earlier one keeps every answer."""
        student = row(LIKE, "x", role="student")
        rows = [row(), row(LIKE, OTHER_CODE), row(response=OTHER_CODE), student, row(OTHER, "No.")]
        kept, dropped = run(*rows)
        assert numbers(kept) == [0, 2, 4]
        assert reasons(dropped) == dict.fromkeys([1, 3], "near-duplicate-instruction")
        assert {one["duplicate_of"] for one in dropped} == {kept[0]["id"]}

    def test_similarity_is_the_true_one(self):
        """The column and the detail say the Jaccard similarity and the row that was kept."""
        (kept,), (dropped,) = run({"instruction": TASK}, {"instruction": LIKE})
        one, other = (instruction_words(text) for text in (TASK, LIKE))
        a, b = ({tuple(words[k : k + 5]) for k in range(len(words) - 4)} for words in (one, other))
        assert dropped["measure_similarity"] == len(a & b) / len(a | b)
        assert dropped["dropped_by"] == ["near-duplicate-instruction"]
        assert dropped["detail"] == f"instruction: similarity 0.789 to that of row {kept['id']}"

    def test_equal_but_for_case_and_layout(self):
        """Instructions of the same words are exact duplicates, whatever the threshold."""
        same = TASK.upper().replace(" ", "\n ")
        _, (dropped,) = run({"instruction": TASK}, {"instruction": same}, more=["--threshold", "1"])
        assert (dropped["reason"], dropped["measure_similarity"]) == ("duplicate-instruction", 1.0)

    def test_task_that_comes_twice_without_answers(self):
        """Rows of one task with nothing to tell them apart are duplicates."""
        kept, dropped = run({"instruction": TASK}, {"instruction": OTHER}, {"instruction": TASK})
        assert numbers(kept) == [0, 1]
        assert reasons(dropped) == {2: "duplicate-instruction"}

    def test_answers_to_one_task_stay(self):
        """The answers to a task are no duplicates because they share it."""
        kept, _ = run(row(), row(response=OTHER_CODE), row(response="Use a loop."))
        assert numbers(kept) == [0, 1, 2]

    @pytest.mark.parametrize("short", ["Complete the code.", "...", "\"'`"])
    def test_short_instruction_with_answers_does_not_decide(self, short):
        """An instruction of fewer words than a shingle says too little: its answers decide."""
        rows = [row(short), row(short.lower() + " ", OTHER_CODE), row(short.lower(), COMMENTED)]
        kept, dropped = run(*rows)
        assert numbers(kept) == [0, 1]
        assert reasons(dropped) == {2: "duplicate-code"}

    def test_short_instructions_without_answers(self):
        """Without answers nothing else tells them apart; other short ones are never near duplicates."""
        kept, dropped = run(
            *({"instruction": one} for one in ("Sort a list.", "sort a list .", "Sort a set."))
        )
        assert numbers(kept) == [0, 2]
        assert reasons(dropped) == {1: "duplicate-instruction"}

    def test_no_chains(self):
        """A is like B, B is like C, A is not like C: A and C stay."""
        words = [f"word{number}" for number in range(30)]
        texts = [" ".join(words[start : start + 24]) for start in (0, 3, 6)]
        kept, dropped = run(*({"instruction": text} for text in texts))
        assert numbers(kept) == [0, 2]
        assert [(one["n"], one["duplicate_of"]) for one in dropped] == [(1, kept[0]["id"])]


class TestCode:
    """The code of teachers' rows."""

    def test_reasons(self):
        """Code that is equal but for comments, and code that is alike, go each with their reason."""
        kept, dropped = run(
            row(), row(OTHER, COMMENTED), row("Add up what a list of prices holds.", LIKE_CODE)
        )
        assert numbers(kept) == [0]
        assert reasons(dropped) == {1: "duplicate-code", 2: "near-duplicate-code"}
        assert {one["duplicate_of"] for one in dropped} == {kept[0]["id"]}

    def test_code_in_fences(self):
        """What is compared is the code of the answer, not what is said around it; no column is added."""
        kept, (dropped,) = run(row(), row(OTHER, f"Here you are:\n```python\n{COMMENTED}\n```\nGood luck!"))
        assert dropped["reason"] == "duplicate-code"
        assert "code" not in kept[0]

    def test_own_column_of_code(self):
        """A column `code` is compared as it stands."""
        rows = [row(response="One.", code=CODE), row(OTHER, "Two.", code=COMMENTED)]
        assert reasons(run(*rows)[1]) == {1: "duplicate-code"}

    def test_student_rows_are_neither_dropped_nor_kept_instead(self):
        """A student's row leaves only with its task, and no teacher's row repeats it."""
        student = row(role="student")
        kept, _ = run(student, row(OTHER, role="teacher"), row(OTHER, role="student"), student)
        assert numbers(kept) == [0, 1, 2, 3]

    def test_rows_of_dropped_tasks_are_no_originals(self):
        """Code of a task that goes keeps no other row out."""
        kept, _ = run(row(response="One."), row(LIKE, CODE), row(OTHER, CODE))
        assert numbers(kept) == [0, 2]

    def test_task_whose_only_row_repeats_code(self):
        """What repeats such a task names the row that is kept instead of it, and says by which way."""
        kept, dropped = run(row(OTHER), row(response=COMMENTED), row(LIKE, "No."))
        assert numbers(kept) == [0]
        assert {one["duplicate_of"] for one in dropped} == {kept[0]["id"]}
        assert f"{dropped[0]['id']}, whose code repeats that of row {kept[0]['id']}" in dropped[1]["detail"]

    def test_java(self):
        """Code of other languages is compared without its layout."""
        java = "class A {\n    static int add(int a, int b) {\n        return a + b;\n    }\n}"
        kept, dropped = run(
            row(response=f"```java\n{java}\n```"), row(OTHER, f"```java\n{' '.join(java.split())}\n```")
        )
        assert (numbers(kept), reasons(dropped)) == ([0], {1: "duplicate-code"})

    def test_answers_without_code(self):
        """Text is a duplicate only among the answers to one task: "True" may answer many."""
        kept, dropped = run(row(response="True"), row(OTHER, "True"), row(response=" True "))
        assert numbers(kept) == [0, 1]
        assert reasons(dropped) == {2: "duplicate-response"}


class TestRun:
    """Options, counts, manifest, errors."""

    def test_decisions_stand_in_the_manifest(self, folder):
        """Threshold, permutations and all that makes the signatures are part of the plan."""
        run(row(), row(LIKE))
        found = json.loads((folder / "OUT/manifest.json").read_text())
        assert found["options"] == {
            **{"threshold": 0.7, "num_perm": 128},
            "signatures": {
                **{"version": 2, "seed": 0, "shingle_words": 5, "bands": 32, "rows": 4, "bucket": 64}
            },
        }
        assert found["dropped"] == {"near-duplicate-instruction": 1}

    def test_threshold(self):
        """A higher threshold keeps what is less alike."""
        rows = [{"instruction": TASK}, {"instruction": LIKE}]
        assert [len(run(*rows, more=["--threshold", one])[0]) for one in ("0.78", "0.79")] == [1, 2]

    @pytest.mark.parametrize("value", ["0", "-1", "1.1", "nan", "x"])
    def test_wrong_threshold(self, value):
        """What is allowed is said in one line."""
        error = datagen("dedup", "starter", "-o", "OUT", "--threshold", value).error(2)
        assert f"{value} is not allowed; give a number above 0, at most 1" in error

    def test_too_few_permutations(self):
        """A threshold that the signatures cannot find is refused, with the number that they need."""
        command = ("dedup", "starter", "-o", "OUT", "--threshold", "0.02")
        error = datagen(*command, "--num-perm", "16").error(2)
        assert "finds only 28% of the pairs; give --num-perm 114 or more" in error
        assert datagen(*command, "--num-perm", "114").code == 0

    def test_set_that_was_deduplicated(self):
        """What was kept has no duplicates, and the columns are made anew."""
        run(row(), row(LIKE), row(OTHER, COMMENTED))
        done = datagen("dedup", "OUT", "-o", "AGAIN", "--json").json()
        assert (done["rows_in"], done["rows_out"], done["dropped"]) == (1, 1, {})
        assert {"duplicate_of", "measure_similarity"} <= {*pl.read_parquet("AGAIN/dropped/*.parquet").columns}

    def test_own_column_is_told(self):
        """A column that would be lost is refused."""
        write([row(duplicate_of="x")])
        assert "--map my_duplicate_of=duplicate_of" in datagen("dedup", "in.jsonl", "-o", "OUT").error()


TEXTS = st.lists(st.sampled_from("abcd"), min_size=0, max_size=9).map(" ".join)
ROW = st.fixed_dictionaries(
    {
        "instruction": TEXTS,
        "response": st.one_of(st.none(), TEXTS, st.sampled_from([CODE, COMMENTED, LIKE_CODE, OTHER_CODE])),
        "role": st.sampled_from([None, "teacher", "student"]),
    }
)


def shingles(words):
    return {tuple(words[k : k + 5]) for k in range(max(1, len(words) - 4))}


def similarity(one, other):
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(st.lists(ROW, min_size=1, max_size=14), st.integers(1, 15))
def test_properties(tmp_path_factory, rows, batch):
    """Every row is kept or dropped; no two kept texts are alike; each dropped row names a kept one."""
    folder = tmp_path_factory.mktemp("rows")
    # The first row has all columns in text, whatever the others hold.
    write([row("z", "z", role="teacher"), *rows], folder / "in.jsonl")
    made = make("dedup", folder / "in.jsonl", folder / "out")
    kept, dropped = (pl.read_parquet(folder / "out" / part / "*.parquet") for part in ("data", "dropped"))
    assert kept.height + dropped.height == made.manifest["rows_in"]
    by_id = {one["id"]: one for one in kept.iter_rows(named=True)}
    assert set(dropped["duplicate_of"]) <= by_id.keys()
    assert all(value >= 0.7 for value in dropped["measure_similarity"])
    words = {one["task"]: instruction_words(one["instruction"]) for one in by_id.values()}
    long = [one for one in words.values() if len(one) >= 5]
    assert all(similarity(a, b) < 0.7 for k, a in enumerate(long) for b in long[:k])
    codes = [one["response"] for one in by_id.values() if one["role"] != "student"]
    codes = [code_words(code, "python") for code in codes if code and code.startswith("def ")]
    assert all(similarity(a, b) < 0.7 for k, a in enumerate(codes) for b in codes[:k])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "BATCH_ROWS", batch)
        again = make("dedup", folder / "in.jsonl", folder / "batches").manifest
    assert [again[name] for name in ("digest", "dropped_digest")] == [
        made.manifest[name] for name in ("digest", "dropped_digest")
    ]


def test_workers_change_nothing():
    """Several processes give the digests that one gives."""
    rows = [
        row(f"Sort the {n % 50} words of a line by length, the longest ones first; print {n}.", f"{n}")
        for n in range(99)
    ]
    write(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "BATCH_ROWS", 20)
        found = [
            datagen("dedup", "in.jsonl", "-o", f"OUT{workers}", "--workers", workers, "--json").json()
            for workers in (1, 2)
        ]
    assert found[0]["rows_in"] == 99
    assert 0 < found[0]["rows_out"] < 99
    assert found[0]["digest"] == found[1]["digest"]
