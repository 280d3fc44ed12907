"""`datagen rank`: answers run with their tests, from pairs to a ranked set."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cli
import polars as pl
import pytest
from cli import datagen, left_in

from datagen.data import inputs
from datagen.errors import DatagenError
from datagen.sandbox.run import Sandbox

RIGHT = "def twice(x):\n    return 2 * x\n"
HALF = "def twice(x):\n    return 4 if x == 2 else 0\n"
RAISES = "def twice(x):\n    return x.no_such_name\n"
BROKEN = "def twice(x) return 2 * x\n"
TESTS = ["assert twice(2) == 4", "assert twice(3) == 6"]
ASKED = "Write `twice(x)` that doubles a number."


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a journal of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    return tmp_path


@pytest.fixture
def programs(monkeypatch):
    """The programs that are really run, in the order in which they begin."""
    began: list[str] = []
    run = Sandbox.run

    async def counted(self, code, *arguments, **options):
        began.append(code)
        return await run(self, code, *arguments, **options)

    monkeypatch.setattr(Sandbox, "run", counted)
    return began


def answer(code, teacher="big", instruction=ASKED, **more):
    response = f"Here it is:\n```python\n{code}```\n"
    return {"instruction": instruction, "response": response, "teacher": teacher, "tests": TESTS, **more}


def write(rows, name="in.jsonl"):
    with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.writelines(json.dumps(row) + "\n" for row in rows)


def run(rows, *more, out="OUT", name="in.jsonl"):
    """Rank rows; returns what --json says, after checking its identity, and the rows."""
    write(rows, name)
    ended = datagen("rank", name, "-o", out, "--json", "--quiet", *more)
    assert ended.code == 0, ended
    summary = ended.json()
    assert summary["rows_in"] == summary["rows_out"] + sum(summary["dropped"].values())
    return summary, read(out), read(out, "dropped")


def read(out="OUT", part="data"):
    return pl.read_parquet(f"{out}/{part}/*.parquet").to_dicts()


def shown(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def test_four_situations():
    """Every answer gets status, pass ratio, score and rank; the student's broken one stays."""
    rows = [
        answer(HALF),
        answer(RIGHT, "other"),
        answer(RAISES, "other"),
        answer(BROKEN, "small", role="student"),
    ]
    summary, kept, dropped = run(rows)
    assert shown(kept, "status", "pass_ratio", "score", "rank", "role") == [
        ("partial", 0.5, -0.3, 2, "teacher"),
        ("all_passed", 1.0, 1.0, 1, "teacher"),
        ("runtime_error", 0.0, -0.6, 3, "teacher"),
        ("compile_error", 0.0, -1.0, 4, "student"),
    ]
    assert dropped == []
    assert summary["status"] == {"all_passed": 1, "partial": 1, "runtime_error": 1, "compile_error": 1}
    assert summary["status_by"]["teacher"]["other"] == {"all_passed": 1, "runtime_error": 1}
    assert summary["tests"] == {"trusted": 2, "kept": 0, "removed": {}}
    assert sum(summary["isolation"].values()) in (3, 4)
    assert [row["code"] for row in kept] == [code.rstrip("\n") for code in (HALF, RIGHT, RAISES, BROKEN)]


def test_starter_references_and_broken_variants():
    """All references of the starter tasks satisfy their tests, no broken variant does or stands first."""
    tasks = [*inputs.open_source("starter").iter_rows()][:24]
    variants = [
        ("broken", "compile_error", lambda code: code.replace("return", "retrun x", 1)),
        ("none", "compile_error", lambda _: ""),
        ("gone", "runtime_error", lambda code: code.replace("def ", "def other_", 1)),
    ]
    rows = []
    for task in tasks:
        brought = {name: task[name] for name in ("instruction", "entry_point", "tests")}
        rows += [
            {
                **brought,
                "code": change(task["reference"]),
                "response": "-",
                "teacher": name,
                "role": "student",
            }
            for name, _, change in variants
        ]
        rows.append({**brought, "response": task["reference"], "teacher": "reference"})
    summary, kept, _ = run(rows)
    by_teacher = summary["status_by"]["teacher"]
    assert by_teacher == {"reference": {"all_passed": 24}} | {
        name: {status: 24} for name, status, _ in variants
    }
    assert {row["rank"] for row in kept if row["teacher"] == "reference"} == {1}
    assert [row["id"] for row in kept] == [row["id"] for row in inputs.open_source("in.jsonl").iter_rows()]


def many(count=12):
    """Answers of a teacher and of a student to tasks of their own, some broken."""
    rows = []
    for number in range(count):
        task = {
            "instruction": f"{ASKED} Number {number}.",
            "tests": [*TESTS, f"assert twice({number + 9}) == {2 * number + 18}"],
        }
        wrong = (HALF, RAISES, BROKEN)[number % 3]
        rows += [answer(RIGHT, "big", **task), answer(wrong, "small", **task)]
    return rows


def test_output_order_is_input_order():
    """Answers of a task need not follow each other: two files behind each other give the same places."""
    rows = many()
    _, kept, _ = run(rows, "--student", "small")
    mixed = random.Random(5).sample(rows, len(rows))
    _, again, _ = run(mixed, "--student", "small", out="AGAIN")
    key = ("instruction", "teacher")
    assert shown(again, *key) == shown(mixed, *key)
    places = ("instruction", "teacher", "status", "score", "rank")
    assert sorted(shown(again, *places)) == sorted(shown(kept, *places))


def test_any_number_of_workers_gives_the_same_set():
    """One worker or three, journal or none: the digest is the same."""
    rows = many()
    digests = set()
    for workers in (1, 3):
        cli.CACHE.name = f"cache-{workers}"
        digests.add(run(rows, "--student", "small", "--workers", workers, out=f"OUT-{workers}")[0]["digest"])
    assert len(digests) == 1


def test_the_summary_is_short_and_the_card_has_the_rest():
    """A line for each matter on the screen; hardest tasks and pairs of teachers in the card and in --json."""
    rows = [answer(RIGHT, f"t{n}", instruction=ASKED) for n in range(7)] + many()
    summary, _, _ = run(rows, "--student", "small")
    said = datagen("rank", "in.jsonl", "-o", "OUT", "--student", "small").err.splitlines()
    assert len(said) <= 12, said
    assert "  all_passed by teacher: t0 1 of 1, t1 1 of 1, t2 1 of 1, t3 1 of 1, and 5 more" in said
    assert "  teachers agree: the same status on 100% of the tasks (21 pairs)" in said
    assert summary["pass_ratios"]["1"] == 19
    assert summary["difficulty"]["tasks"]["1"] == 13
    assert summary["difficulty"]["easiest"][0]["answers"] == 7
    assert {one["same"] for one in summary["agreement"]} == {1}
    assert summary["programs"]["run"] == 1 + len(many())
    assert summary["programs"]["cpu_seconds"] > 0
    card = Path("OUT/README.md").read_text(encoding="utf-8")
    assert "| t0, t1 | 1 | 100% |" in card
    assert "| hardest tasks | answers that pass all tests |" in card
    again, _, _ = run(rows, "--student", "small", out="AGAIN")
    assert again["programs"] == {"run": 0, "reused": 1 + len(many()), "cpu_seconds": 0.0}
    assert Path("AGAIN/README.md").read_text(encoding="utf-8") == card


def test_student_better_than_all_teachers():
    """Such a task is dropped with that reason, and its rows keep their status."""
    rows = [answer(HALF), answer(RIGHT, "small"), *many(2)]
    summary, kept, dropped = run(rows, "--student", "small")
    assert summary["dropped"] == {"teacher-below-student": 2}
    assert shown(dropped, "status", "score", "reason") == [
        ("partial", -0.3, "teacher-below-student"),
        ("all_passed", 1.0, "teacher-below-student"),
    ]
    assert len(kept) == 4


def test_ties_go_to_the_teacher():
    """In the same situation the teacher's answer is worth the bonus more."""
    rows = [answer(HALF, "small"), answer(HALF.replace("0", "1"))]
    _, kept, _ = run(rows, "--student", "small", "--bonus", "0.1", "--levels", "0,1,2,3")
    assert shown(kept, "role", "score", "rank") == [("student", 2.0, 2), ("teacher", 2.1, 1)]


def test_only_the_students_answers():
    """A task that no teacher answered cannot be learned from."""
    summary, _, _ = run([answer(RIGHT, "small"), *many(1)], "--student", "small")
    assert summary["dropped"] == {"no-teacher-answer": 1}


def test_other_rows_that_cannot_be_judged():
    """Tasks without tests that can be run are dropped with their reasons, other languages row by row."""
    rows = [
        answer(RIGHT, instruction="a", tests=None),
        answer(RIGHT, instruction="b", tests=["it doubles"]),
        answer(RIGHT, instruction="c", tests=["twice = 1"]),
        answer(RIGHT, instruction="d", language="ruby"),
        answer(RIGHT, instruction="d"),
    ]
    summary, kept, dropped = run(rows)
    assert shown(dropped, "instruction", "reason") == [
        ("a", "no-tests"),
        ("b", "tests-no-python"),
        ("c", "no-tests"),
        ("d", "not-python"),
    ]
    assert [row["instruction"] for row in kept] == ["d"]
    assert summary["tests"]["removed"] == {"no-python": 1, "checks-nothing": 1}


def test_tests_of_models_are_kept_by_agreement():
    """Without trusted tests those that most different answers satisfy are used; the summary says so."""
    written = [{"author": "big", "test": test} for test in (*TESTS, "assert twice(2) == 5", "no test")]
    codes = [RIGHT, "def twice(x):\n    return x + x\n", "def twice(x):\n    return x * 2\n", HALF]
    rows = [answer(code, f"t{n}", tests=None, generated_tests=written) for n, code in enumerate(codes)]
    summary, kept, _ = run(rows)
    assert summary["tests"] == {"trusted": 0, "kept": 2, "removed": {"answers-disagree": 1, "no-python": 1}}
    assert shown(kept, "status") == [("all_passed",)] * 3 + [("partial",)]
    assert [row["generated_tests"] for row in kept] == [written[:2]] * 4
    assert summary["tests_by"] == {"big": {"kept": 2, "answers-disagree": 1, "no-python": 1}}
    (strength,) = {row["test_strength"] for row in kept}
    assert strength > 0.5
    assert sum(summary["test_strength"].values()) == 1
    said = datagen("rank", "in.jsonl", "-o", "OUT").err
    assert "tests: 0 came with the rows, 2 written by models and agreed with, 2 removed" in said
    card = Path("OUT/README.md").read_text(encoding="utf-8")
    assert "Tests: 0 came with the rows, 2 written by models" in card
    assert "| t3 | 0 | 0 | 1 | 0 |" in card
    summary, _, dropped = run(rows, "--min-tests", 3, out="MORE")
    assert summary["dropped"] == {"too-few-tests": 4}
    assert dropped[0]["detail"] == "kept 2, answers-disagree 1"


def test_tests_that_say_nothing_and_flaky_ones():
    """Each is removed with its reason; one that holds now and then is found by running it again."""
    flaky = "import os\nassert twice(1) == 2 and os.urandom(1)[0] < 10"
    steady = "assert twice(5) == 10"
    tests = [
        steady,
        "assert True",
        "assert twice is not None",
        "twice(1)\nassert 1 == 1",
        steady + " ",
        flaky,
    ]
    written = [{"author": "big", "test": test} for test in tests]
    codes = [RIGHT, "def twice(x):\n    return x + x\n", "def twice(x):\n    return x * 2\n"]
    rows = [answer(code, f"t{n}", tests=None, generated_tests=written) for n, code in enumerate(codes)]
    summary, kept, _ = run(rows)
    assert kept[0]["generated_tests"] == written[:1]
    removed = summary["tests"]["removed"]
    assert removed.pop("flaky", 0) + removed.pop("answers-disagree", 0) == 1
    assert removed == {"not-called": 3, "checks-nothing": 1, "repeated": 1}


def test_oracle():
    """What its answer fails is removed, though three others satisfy it."""
    written = [{"author": "big", "test": test} for test in (*TESTS, "assert twice(2) == 5")]
    wrong = [f"def twice(x):\n    return 5 if x == 2 else {n}\n" for n in range(3)]
    rows = [
        answer(code, f"t{n}", tests=None, generated_tests=written) for n, code in enumerate([*wrong, RIGHT])
    ]
    summary, kept, _ = run(rows, "--oracle", "t3")
    assert summary["tests"]["removed"] == {"oracle-disagrees": 1}
    assert shown(kept, "status")[3] == ("all_passed",)


def test_pass_ratio():
    """With --pass-ratio partial answers have scores between partial and all_passed."""
    _, kept, _ = run([answer(HALF), answer(RIGHT, "other")], "--pass-ratio")
    assert shown(kept, "score") == [(0.325,), (1.0,)]


def test_humaneval_tests():
    """`check(candidate)` is taken apart, so that an answer may satisfy a part of it."""
    check = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 6\n"
    rows = [answer(code, entry_point="twice", tests=check) for code in (RIGHT, HALF)]
    _, kept, _ = run(rows)
    assert shown(kept, "status", "pass_ratio") == [("all_passed", 1.0), ("partial", 0.5)]


def test_unknown_columns_pass_through_and_a_ranked_set_can_be_ranked_again():
    """A user's columns stay; ranking what was ranked gives the same rows."""
    rows = [{**row, "topic": {"n": number}} for number, row in enumerate(many(3))]
    first, kept, _ = run(rows, "--student", "small")
    assert [row["topic"] for row in kept] == [row["topic"] for row in rows]
    again = datagen("rank", "OUT", "-o", "AGAIN", "--json", "--quiet").json()
    assert again["digest"] == first["digest"]


def test_already_made():
    """The same command does nothing; another level is another set, which --overwrite writes."""
    run(many(2))
    assert run(many(2))[0]["already_made"]
    assert "--overwrite" in datagen("rank", "in.jsonl", "-o", "OUT", "--levels=-1,-0.5,0,1").error(1)
    _, kept, _ = run(many(2), "--levels=-1,-0.5,0,1", "--overwrite")
    assert kept[1]["score"] == 0.0


def test_no_rows(folder):
    """A set without rows is ranked, too: nothing comes out, and --json has all its keys."""
    write([answer(RIGHT, response="")])
    datagen("filter", "in.jsonl", "-o", "NONE", "--only", "empty-response")
    summary = datagen("rank", "NONE", "-o", "OUT", "--json", "--quiet").json()
    assert (summary["rows_in"], summary["rows_out"], summary["status"]) == (0, 0, {})
    assert summary["tests"] == {"trusted": 0, "kept": 0, "removed": {}}


def test_hostile_rows():
    """Names, code and tests that no one writes by hand end in a status or a reason, never in a traceback."""
    codes = [
        "\0",
        "x" * 300_000,
        "(" * 5_000,
        "def twice(x):\n    return 2 * x\n" + "# \u202e\n",
        "\ud800",
        "-" * 9_000,
    ]
    rows = [answer(code, f"a|b\n\x1b[31m{n}", entry_point="no name!") for n, code in enumerate(codes)]
    rows += [{**row, "code": code, "response": None} for row, code in zip(rows, codes, strict=True)]
    tests = ["\0", "(" * 5_000, "assert " + "-" * 9_000 + "1", "x" * 300_000]
    rows += [
        answer(RIGHT, instruction="other", tests=tests),
        answer(RIGHT, instruction="third", tests=["assert 1"] * 900),
    ]
    summary, _, _ = run(rows)
    assert sum(summary["status"].values()) + sum(summary["dropped"].values()) >= len(rows)
    said = datagen("rank", "in.jsonl", "-o", "OUT").err
    assert "\x1b" not in said
    assert "\x1b" not in Path("OUT/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("rows", "more", "code", "says"),
    [
        ([answer(RIGHT, tests=None)], [], 1, "in.jsonl has no tests to rank by"),
        ([{"instruction": ASKED, "tests": TESTS}], [], 1, "in.jsonl has no answers"),
        ([answer(RIGHT)], ["--student", "bg"], 1, "--student bg: no answer is from there; did you mean big?"),
        ([answer(RIGHT, None)], ["--student", "x"], 1, "no row names a teacher"),
        ([answer(RIGHT)], ["--oracle", "bg"], 1, "--oracle bg: no answer is from there; did you mean big?"),
        ([answer(RIGHT)], ["--mutants", "-1"], 2, "--mutants"),
        ([answer(RIGHT)], ["--levels", "1,2,3"], 2, "--levels is not '1,2,3'"),
        ([answer(RIGHT)], ["--bonus", "0.3"], 2, "--bonus is not 0.3"),
        ([answer(RIGHT)], ["--min-tests", "0"], 2, "--min-tests"),
    ],
)
def test_what_cannot_be_ranked(folder, rows, more, code, says):
    """One clear line, before any program is run, and nothing is written."""
    write(rows)
    ended = datagen("rank", "in.jsonl", "-o", "OUT", "--quiet", *more)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert "OUT" not in left_in(folder)


def test_programs_are_run_once(programs):
    """Equal programs of a task share a verdict, and other levels or another OUT run nothing again."""
    rows = [answer(RIGHT, "a"), answer(RIGHT, "b"), answer(HALF, "c"), *many(3)]
    run(rows)
    assert len(programs) == 2 + 6
    run(rows, "--levels=0,1,2,3", out="OTHER")
    run(rows[::-1], out="THIRD")
    assert len(programs) == 2 + 6


def test_verdicts_of_the_journal_need_no_sandbox(programs, monkeypatch):
    """A machine that cannot keep programs apart ranks what was judged elsewhere; a new program it refuses."""
    rows = [answer(RIGHT), answer(HALF, "other")]
    _, kept, _ = run(rows)
    monkeypatch.setenv("DATAGEN_SANDBOX", "rlimits")
    _, again, _ = run(rows, out="AGAIN")
    assert (again, len(programs)) == (kept, 2)
    write([*rows, answer(RAISES)])
    assert "--unsafe-run" in datagen("rank", "in.jsonl", "-o", "NEW").error(1)


def test_equal_answers_make_no_pairs(folder):
    """Of teachers with the same code one stays, in all views; the other is in dropped/ with its id."""
    rows = [answer(RIGHT), answer(f"{RIGHT}# done\n", "other"), answer(HALF, "other")]
    rows += [answer(RIGHT, instruction=f"{ASKED} Again.")]
    summary, kept, dropped = run(rows)
    assert summary["dropped"] == {"duplicate-answer": 1}
    assert shown(kept, "rank", "teacher") == [(1, "big"), (2, "other"), (1, "big")]
    assert shown(dropped, "status", "reason", "dropped_by", "detail") == [
        ("all_passed", "duplicate-answer", ["duplicate-answer"], f"the same code as {kept[0]['id']} of big")
    ]
    assert summary["status"] == {"all_passed": 3, "partial": 1}
    views = [json.loads(line) for line in datagen("cat", "OUT", "--as", "ranked").out.splitlines()]
    assert [len(one["responses"]) for one in views] == [2, 1]


def test_what_a_program_printed_last_is_shown_and_not_digested(folder, monkeypatch):
    """`output_tail` is in the rows and in `trace`; what differs from run to run there changes no digest."""
    code = (
        "import sys, time\nprint('lost at', time.monotonic_ns(), file=sys.stderr)\nraise ValueError('no')\n"
    )
    rows = [answer(RIGHT), answer(code, "other")]
    _, kept, _ = run(rows)
    assert kept[0]["output_tail"] is None
    told = datagen("trace", "OUT", kept[1]["id"]).out
    assert "its code: runtime_error: 2 of 2 failed" in told
    assert f"its output ended with {kept[1]['output_tail']}" in told
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(folder / "another")))
    _, again, _ = run(rows, out="AGAIN")
    assert again[1]["output_tail"] != kept[1]["output_tail"]
    assert again[1]["output_tail"].startswith("lost at ")
    one, other = (json.loads((folder / out / "manifest.json").read_text()) for out in ("OUT", "AGAIN"))
    assert one["digest"] == other["digest"]


def test_a_run_that_ends_early_goes_on(programs, monkeypatch):
    """What was judged before an error is not run again, and the set is that of an undisturbed run."""
    rows = many()
    counted = Sandbox.run

    async def dying(self, code, *arguments, **options):
        if len(programs) == 7:
            raise DatagenError("the sandbox is gone")
        return await counted(self, code, *arguments, **options)

    monkeypatch.setattr(Sandbox, "run", dying)
    write(rows)
    line = datagen("rank", "in.jsonl", "-o", "OUT", "--student", "small", "--quiet").error(1)
    assert "the sandbox is gone" in line
    monkeypatch.setattr(Sandbox, "run", counted)
    stored = _stored("cache")
    assert stored == 7
    programs.clear()
    summary, _, _ = run(rows, "--student", "small")
    assert len(programs) == len(rows) - stored
    cli.CACHE.name = "another"
    assert run(rows, "--student", "small", out="WHOLE")[0]["digest"] == summary["digest"]


def test_a_killed_run_goes_on(folder, programs):
    """After SIGKILL the same command runs only the programs that have no verdict yet."""
    slow = "def twice(x):\n    import time\n    time.sleep(0.05)\n    return 2 * x\n"
    rows = [answer(f"{slow}# {n}\n", f"t{n}", instruction=f"{ASKED} {n}") for n in range(60)]
    write(rows)
    command = [sys.executable, "-m", "datagen", "rank", "in.jsonl", "-o", "OUT", "--quiet", "--workers", "1"]
    environment = {**os.environ, "DATAGEN_CACHE_DIR": str(folder / "cache")}
    child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while _stored("cache") < 5 and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    stored = _stored("cache")
    assert stored >= 5
    summary, _, _ = run(rows)
    assert summary["status"] == {"all_passed": 60}
    assert len(programs) == len(rows) - stored


def _stored(cache):
    """How many verdicts a journal holds."""
    try:
        connection = sqlite3.connect(f"file:{cache}/journal.sqlite?mode=ro", uri=True)
        try:
            return connection.execute("SELECT COUNT(*) FROM verdicts").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


def test_a_run_tells_what_its_stage_tells(folder):
    """The entries of rank stand in the run's manifest too, and fit its stages; so do the programs."""
    write(many(2))
    Path("r.yaml").write_text("seeds: in.jsonl\nstages:\n  - rank: {student: small}\n")
    ended = datagen("run", "r.yaml", "-o", "RUN", "--json", "--quiet")
    assert ended.code == 0, ended
    told = ended.json()
    assert (told["programs"]["run"], told["programs"]["reused"]) == (4, 0)
    assert sum(told["pass_ratios"].values()) == 4
    assert len(told["difficulty"]["hardest"]) == 2
    assert datagen("verify", "RUN").code == 0


def test_tests_that_are_set_up_wrongly_are_told():
    """Where no test of many tasks can be used, one line says so with an example; otherwise there is none."""
    rows = [
        answer(code, teacher, f"{ASKED} {number}", tests=tests)
        for number, tests in enumerate([["from no_such import near\nassert near(twice(2), 4)"], TESTS])
        for code, teacher in ((RIGHT, "a"), (HALF, "b"))
    ]
    write(rows)
    ended = datagen("rank", "in.jsonl", "-o", "OUT")
    assert ended.code == 0
    (line,) = [line for line in ended.err.splitlines() + ended.out.splitlines() if "warning: 1 of 2" in line]
    assert "near(twice(2), 4): ModuleNotFoundError: No module named 'no_such'" in line
    write(rows[2:])
    assert "no test that can be used" not in str(datagen("rank", "in.jsonl", "-o", "OUT2"))


@pytest.mark.parametrize("trusted", [True, False])
def test_tests_as_people_write_them(trusted):
    """pytest, unittest, check and sessions count, with the rows or written by a teacher."""
    tests = [
        "from your_module import twice\n\ndef test_it():\n    x = 2\n    assert twice(x) == 4\n",
        "class T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(twice(3), 6)",
        "def check(candidate):\n    assert candidate(4) == 8",
        ">>> twice(5)\n10\n",
    ]
    brought = (
        {"tests": tests} if trusted else {"generated_tests": [{"author": "a", "test": t} for t in tests]}
    )
    codes = [RIGHT, RIGHT.replace("2 * x", "x + x"), RIGHT.replace("2 * x", "x * 2"), HALF]
    rows = [answer(code, f"t{n}", entry_point="twice", **brought) for n, code in enumerate(codes)]
    for row in rows:
        if not trusted:
            del row["tests"]
    summary, kept, _ = run(rows)
    assert summary["tests"] == {"trusted": 4 * trusted, "kept": 4 * (not trusted), "removed": {}}
    assert [row["pass_ratio"] for row in kept] == [1.0, 1.0, 1.0, 0.25]


COPY = "def twice(x):\n    return x * 2\n\n"


@pytest.mark.parametrize(
    "test", [COPY + "assert twice(2) == 4", COPY + "def test_it():\n    assert twice(2) == 4"]
)
def test_a_test_that_brings_the_function_judges_no_answer(test):
    """It would test its own copy; where the entry point is known, the copy is left out."""
    rows = [answer(RIGHT, "a", tests=[test]), answer(HALF.replace("2", "9"), "b", tests=[test])]
    summary, kept, dropped = run(rows)
    assert kept == []
    assert shown(dropped, "reason", "detail") == [("no-tests", "own-copy 1")] * 2
    assert summary["tests"]["removed"] == {"own-copy": 1}
    known = [row | {"entry_point": "twice"} for row in rows]
    _, kept, _ = run(known, out="KNOWN")
    assert shown(kept, "teacher", "status") == [("a", "all_passed"), ("b", "partial")]


def test_a_helper_that_a_program_defines_too_stays_the_test_s():
    helper = "def check(f):\n    assert f(2) == 4\n\ncheck(twice)"
    again = "def near(a, b):\n    return a == b or near(b, a)\n"
    forged = "def twice(x):\n    return 0\n\ndef check(f):\n    pass\n\ndef near(a, b):\n    return True\n"
    _, kept, _ = run([answer(forged, tests=[helper, again, "assert near(twice(2), 4)"])])
    assert shown(kept, "status", "pass_ratio") == [("runtime_error", 0.0)]
