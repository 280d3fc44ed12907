"""The way of a task through the judge, with verdicts that are reached in this process."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.answers.syntax import same_code
from datagen.ranking.judging import Seen, Terms, rank, told
from datagen.ranking.situations import BONUS, LEVELS, Scale, parse_levels
from datagen.ranking.trust import by_reason
from datagen.sandbox.verdict import Limits, Outcome, Verdict

TERMS = Terms(None, 1, Scale(parse_levels(",".join(map(str, LEVELS))), BONUS))
RIGHT = "def f(x):\n    return x + 1\n"
DOCUMENTED = 'def f(x):\n    """Adds one."""\n    return x + 1  # one more\n'
WRONG = "def f(x):\n    return 1 if x == 0 else x\n"
RAISES = "def f(x):\n    raise KeyError(x)\n"
BROKEN = "def f(x) return x"
TESTS = ["assert f(0) == 1", "assert f(1) == 2"]
CODES = [RIGHT, RIGHT + "# the end\n", DOCUMENTED, WRONG, RAISES, BROKEN, ""]


class Here:
    """Runs programs of these tests in this process, and counts them."""

    def __init__(self, delay=None):
        self.runs: list[tuple[str, tuple[str, ...]]] = []
        self._delay = delay

    limits = Limits()

    async def verdict(self, code, tests, *, setup="", limits=None, repetition=0):
        self.runs.append((code, tuple(tests)))
        await asyncio.sleep(self._delay() if self._delay else 0)
        names: dict[str, object] = {}
        try:
            exec(code, names)
        except SyntaxError as error:
            return Verdict("compile_error", 0.0, (), f"SyntaxError: {error.msg}", "here")
        exec(setup, names)
        outcomes = tuple(self._outcome(test, names) for test in tests)
        passed = sum(one.passed for one in outcomes)
        wrong = any(one.detail == "AssertionError" for one in outcomes)
        status = "all_passed" if passed == len(tests) else "partial" if passed or wrong else "runtime_error"
        return Verdict(status, passed / len(tests), outcomes, "", "here")

    def _outcome(self, test, names):
        try:
            exec(test, dict(names))
        except Exception as error:
            return Outcome(False, type(error).__name__)
        return Outcome(True, "")


def answer(code, number=0, **more):
    known = {"id": f"id-{number}", "task": "t", "instruction": "i", "code": code, "response": code}
    return known | {"language": "python", "tests": TESTS, "teacher": f"t{number}"} | more


def ranked(*rows, terms=TERMS, judge=None):
    """Rank rows of one task; returns them and what was counted."""
    seen, rows = Seen(), [dict(row) for row in rows]
    asyncio.run(rank(rows, terms, judge or Here(), seen))
    return rows, seen


def shown(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def test_four_situations():
    """Each answer gets its status, ratio, score and rank, and what it failed at."""
    rows, seen = ranked(*(answer(code, n) for n, code in enumerate([BROKEN, RAISES, WRONG, RIGHT])))
    assert shown(rows, "status", "pass_ratio", "score", "rank", "reason") == [
        ("compile_error", 0.0, -1.0, 4, None),
        ("runtime_error", 0.0, -0.6, 3, None),
        ("partial", 0.5, -0.3, 2, None),
        ("all_passed", 1.0, 1.0, 1, None),
    ]
    assert [row["verdict"] for row in rows] == [
        "SyntaxError: expected ':'",
        "2 of 2 failed, first assert f(0) == 1: KeyError",
        "1 of 2 failed, first assert f(1) == 2: AssertionError",
        None,
    ]
    assert (seen.trusted, seen.kept, seen.removed, seen.isolation) == (2, {}, {}, {"here": 4})


def test_students_broken_answers_stay():
    """They are needed as rejected answers, whatever is wrong with them."""
    rows, _ = ranked(
        answer(RIGHT), *(answer(code, n, role="student") for n, code in enumerate((BROKEN, None, ""), 1))
    )
    assert shown(rows, "role", "status", "rank", "verdict", "reason") == [
        ("teacher", "all_passed", 1, None, None),
        ("student", "compile_error", 2, "SyntaxError: expected ':'", None),
        ("student", "compile_error", 3, "no code", None),
        ("student", "compile_error", 4, "no code", None),
    ]


def test_student_by_name():
    """The answers of the teacher that --student names are the student's."""
    rows, _ = ranked(answer(RIGHT), answer(RIGHT, 1), terms=TERMS._replace(student="t0"))
    assert shown(rows, "role", "score", "rank") == [("student", 1.0, 2), ("teacher", 1.05, 1)]


def test_teacher_below_student():
    """The task is dropped with all its answers, which keep their status, score and rank."""
    rows, _ = ranked(answer(WRONG), answer(RIGHT, 1, role="student"))
    assert shown(rows, "reason", "status", "score", "rank") == [
        ("teacher-below-student", "partial", -0.3, 2),
        ("teacher-below-student", "all_passed", 1.0, 1),
    ]


def test_other_languages_are_dropped_one_by_one():
    """Only Python is run; what is in another language goes, the rest of the task stays."""
    rows, seen = ranked(answer("f = x => x", language="javascript"), answer(RIGHT, 1, language=None))
    assert shown(rows, "reason", "status") == [("not-python", None), (None, "all_passed")]
    assert rows[0]["detail"] == "its code is javascript"
    assert seen.isolation == {"here": 1}


@pytest.mark.parametrize(
    ("tests", "reason"), [(None, "no-tests"), ([], "no-tests"), (["it adds one"], "tests-no-python")]
)
def test_tasks_without_tests_are_dropped(tests, reason):
    """Nothing is run; the reason says what is missing."""
    judge = Here()
    rows, _ = ranked(answer(RIGHT, tests=tests), answer(BROKEN, 1, tests=tests, role="student"), judge=judge)
    assert shown(rows, "reason", "dropped_by", "status") == [(reason, [reason], None)] * 2
    assert judge.runs == []


def test_answers_may_bring_tests_of_their_own():
    """A row's own tests judge it; one without is judged by those of its task."""
    other = ["assert g(0) == 1"]
    rows, seen = ranked(
        answer(RIGHT),
        answer(RIGHT.replace(" f(", " g("), 1, tests=other),
        answer(RIGHT, 2, tests=None),
        answer(RIGHT, 3, tests=["no Python"]),
    )
    assert [row["status"] for row in rows[:2]] == ["all_passed", "all_passed"]
    assert shown(rows[2:], "status", "pass_ratio") == [("partial", 2 / 3)] * 2
    assert (seen.trusted, by_reason(seen.removed)) == (3, {"no-python": 1})


def test_old_places_are_forgotten():
    """A ranked set can be ranked again: what it says of status and rank is written anew."""
    rows, _ = ranked(
        answer(RIGHT, rank=7, status="partial", tests=None, score=9.0, verdict="x", pass_ratio=0.5)
    )
    assert shown(rows, "status", "rank", "score", "verdict", "pass_ratio") == [(None,) * 5]


WRITTEN = [{"author": "t0", "test": test} for test in (*TESTS, "assert f(1) == 3", "no test")]
SAME = "def f(x):\n    # comment\n    return x + 1\n"
OTHER = "def f(x):\n    return 1 + x\n"
THIRD = "def f(x):\n    y = x\n    return y + 1\n"


def written(code, number=0, **more):
    return answer(code, number, tests=None, generated_tests=WRITTEN, **more)


def test_written_tests_are_kept_by_agreement():
    """Those that three different answers satisfy stay, in the rows too; the others are counted by reasons."""
    judge = Here()
    answers = [RIGHT, OTHER, THIRD, WRONG]
    rows, seen = ranked(
        *(written(code, n) for n, code in enumerate(answers)), written(WRONG, 5, role="student"), judge=judge
    )
    assert shown(rows, "status") == [("all_passed",)] * 3 + [("partial",)] * 2
    assert [row["generated_tests"] for row in rows] == [WRITTEN[:2]] * 5
    assert seen.kept == {"t0": 2}
    assert seen.removed == {("t0", "no-python"): 1, ("t0", "answers-disagree"): 1}
    everything = tuple(one["test"] for one in WRITTEN[:3])
    assert [code for code, tests in judge.runs if tests == everything] == answers
    assert {tests for _, tests in judge.runs} == {everything, everything[:2]}


@pytest.mark.parametrize("codes", [(RIGHT, OTHER), (RIGHT, SAME, RIGHT), (RIGHT, OTHER, BROKEN)])
def test_two_answers_cannot_outvote_a_test(codes):
    """Equal answers count once, and one that does not compile has no vote; the task is dropped."""
    rows, seen = ranked(*(written(code, n) for n, code in enumerate(codes)))
    assert shown(rows, "reason", "detail") == [("too-few-tests", "kept 0, too-few-answers 3")] * len(codes)
    assert by_reason(seen.removed) == {"no-python": 1, "too-few-answers": 3}
    assert [row["generated_tests"] for row in rows] == [WRITTEN] * len(codes)


def test_students_do_not_vote():
    """Only teachers' answers say whether a test is right."""
    rows, _ = ranked(written(RIGHT), written(OTHER, 1), written(THIRD, 2, role="student"))
    assert {row["reason"] for row in rows} == {"too-few-tests"}


@pytest.mark.parametrize(("least", "reason"), [(2, None), (3, "too-few-tests")])
def test_min_tests(least, reason):
    """It is about tests that models wrote; those that came with the rows are never too few."""
    rows = [written(code, n) for n, code in enumerate([RIGHT, OTHER, THIRD])]
    found, _ = ranked(*rows, terms=TERMS._replace(min_tests=least))
    assert {row["reason"] for row in found} == {reason}
    found, _ = ranked(answer(RIGHT), terms=TERMS._replace(min_tests=50))
    assert found[0]["reason"] is None


def test_order_of_completion_does_not_matter():
    """Whichever program ends first, the same rows come out."""
    rows = [written(code, n) for n, code in enumerate([RIGHT, OTHER, WRONG, THIRD, BROKEN, RAISES, SAME])]
    rows.append(written(WRONG, 9, role="student"))
    expected = ranked(*rows)
    for seed in range(5):
        draw = random.Random(seed)
        assert ranked(*rows, judge=Here(lambda draw=draw: draw.random() / 200)) == expected


def test_what_a_program_says_stays_on_one_line():
    """Words of untrusted programs are cut, and cannot drive a terminal."""
    said = told(
        Verdict("runtime_error", 0.0, (Outcome(False, "E\x1b[31m\n" + "x" * 900),), "", ""), ["assert f()"]
    )
    assert said is not None
    assert len(said) <= 300
    assert said.isprintable()


def test_several_wrong_answers_do_not_outvote_right_ones():
    """Two right answers agree with each other and with the right tests; the wrong ones differ."""
    wrong = [f"def f(x):\n    return {n} if x else 1\n" for n in (5, 6, 7)]
    rows, _ = ranked(*(written(code, n) for n, code in enumerate([*wrong, RIGHT, OTHER])))
    assert rows[0]["generated_tests"] == WRITTEN[:2]
    assert shown(rows, "status") == [("partial",)] * 3 + [("all_passed",)] * 2


def test_oracle_decides():
    """A test that the oracle's answer fails is removed, whoever satisfies it; no other answer is needed."""
    codes = [WRONG, WRONG + "\ny = 1", WRONG + "\ny = 2", RIGHT]
    rows = [written(code, n) for n, code in enumerate(codes)]
    found, seen = ranked(*rows, terms=TERMS._replace(oracle="t3"))
    assert found[0]["generated_tests"] == WRITTEN[:2]
    assert seen.removed == {("t0", "no-python"): 1, ("t0", "oracle-disagrees"): 1}
    found, _ = ranked(rows[-1], terms=TERMS._replace(oracle="t3"))
    assert shown(found, "status", "reason") == [("all_passed", None)]


@pytest.mark.parametrize("code", [BROKEN, None])
def test_an_oracle_that_does_not_compile_decides_nothing(code):
    """Then answers have to agree, as in a task that the oracle did not answer."""
    rows = [written(one, n) for n, one in enumerate([RIGHT, OTHER, THIRD, code])]
    found, seen = ranked(*rows, terms=TERMS._replace(oracle="t3"))
    assert found[0]["generated_tests"] == WRITTEN[:2]
    assert by_reason(seen.removed) == {"no-python": 1, "answers-disagree": 1}


class Changing(Here):
    """A test with `flaky` in it holds once for each program, and never again."""

    def _outcome(self, test, names):
        if "flaky" in test and len(self.runs) > 3:
            return Outcome(False, "AssertionError")
        return super()._outcome(test, names)


def test_flaky_tests_are_removed():
    """What is kept holds three times for the answers that it is kept for."""
    tests = [*WRITTEN[:2], {"author": "t1", "test": "assert f(0) == 1, 'flaky'"}]
    rows = [
        answer(code, n, tests=None, generated_tests=tests) for n, code in enumerate([RIGHT, OTHER, THIRD])
    ]
    judge = Changing()
    found, seen = ranked(*rows, judge=judge)
    assert found[0]["generated_tests"] == WRITTEN[:2]
    assert seen.removed == {("t1", "flaky"): 1}
    kept = tuple(one["test"] for one in WRITTEN[:2])
    assert [tests for code, tests in judge.runs if code == RIGHT].count(kept) >= 2


class Repeating(Here):
    """Knows what it judged, as a journal does; counts what is really run."""

    def __init__(self):
        super().__init__()
        self._known = {}

    limits = Limits()

    async def verdict(self, code, tests, *, setup="", limits=None, repetition=0):
        key = code, tuple(tests), limits, repetition
        if key not in self._known:
            self._known[key] = await super().verdict(code, tests, setup=setup)
        return self._known[key]


@pytest.mark.parametrize("tests", [WRITTEN[:2], WRITTEN])
def test_each_test_is_really_run_three_times(tests):
    """Also where all tests are kept, so that the first repetition would be known from the journal."""
    rows = [
        answer(code, n, tests=None, generated_tests=tests) for n, code in enumerate([RIGHT, OTHER, THIRD])
    ]
    judge = Repeating()
    ranked(*rows, judge=judge)
    assert [len([1 for code, _ in judge.runs if code == one]) for one in (RIGHT, OTHER, THIRD)] == [3] * 3


def test_strength_is_the_share_of_mutants_killed():
    """Tests of models are tried on wrong variants of answers that satisfy them; it is null elsewhere."""
    rows = [written(code, n) for n, code in enumerate([RIGHT, OTHER, THIRD])]
    found, _ = ranked(*rows, terms=TERMS._replace(mutants=8))
    assert found[0]["test_strength"] == 1.0
    assert found == ranked(*rows, terms=TERMS._replace(mutants=8))[0]
    assert shown(ranked(*rows)[0], "test_strength") == [(None,)] * 3
    assert ranked(answer(RIGHT), terms=TERMS._replace(mutants=8))[0][0]["test_strength"] is None


def test_weak_tests_drop_the_task():
    """Tests that nearly all mutants satisfy rank nothing; the rows keep their status."""
    tests = [{"author": "t0", "test": "assert f(0) != 'no text'"}]
    rows = [
        answer(code, n, tests=None, generated_tests=tests) for n, code in enumerate([RIGHT, OTHER, THIRD])
    ]
    found, _ = ranked(*rows, terms=TERMS._replace(mutants=6))
    assert shown(found, "reason", "status", "test_strength") == [("weak-tests", "all_passed", 0.0)] * 3
    assert found[0]["detail"] == "they kill 0 of 6 mutants"
    assert ranked(*rows, terms=TERMS._replace(mutants=3))[0][0]["reason"] is None


def test_too_few_tests_keep_the_status():
    """A task that is dropped for too few tests says how its answers fare with those that are left."""
    rows = [written(code, n) for n, code in enumerate([RIGHT, OTHER, THIRD, WRONG])]
    found, _ = ranked(*rows, terms=TERMS._replace(min_tests=3, mutants=5))
    assert shown(found, "reason", "status", "rank") == [
        ("too-few-tests", "all_passed", 1),
        ("too-few-tests", "all_passed", 2),
        ("too-few-tests", "all_passed", 3),
        ("too-few-tests", "partial", 4),
    ]


class Moody(Here):
    """Says of each program something else when it is run again."""

    limits = Limits()

    async def verdict(self, code, tests, **more):
        verdict = await super().verdict(code, tests, **more)
        return verdict if len(self.runs) == 1 else verdict._replace(status="partial", pass_ratio=0.5)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_equal_answers_of_two_teachers_fare_alike(order):
    """Answers that differ in comments and layout are run once: one verdict; then the shorter, then the id."""
    equal = [answer(RIGHT, 0), answer("def f(x):  # more\n\n    return (x + 1)\n", 1)]
    judge = Moody()
    rows, seen = ranked(*(equal[number] for number in order), judge=judge)
    assert len(judge.runs) == 1
    found = sorted(rows, key=lambda row: row["id"])
    assert shown(found, "id", "status", "pass_ratio", "score", "rank", "reason") == [
        ("id-0", "all_passed", 1.0, 1.0, 1, None),
        ("id-1", "all_passed", 1.0, 1.0, 1, "duplicate-answer"),
    ]
    assert found[1]["detail"] == "the same code as id-0 of t0"
    assert seen.isolation == {"here": 2}
    same, _ = ranked(*(answer(RIGHT, number) for number in order))
    assert {row["id"]: row["reason"] for row in same} == {"id-0": None, "id-1": "duplicate-answer"}


def test_a_student_and_a_teacher_may_have_the_same_code():
    """Only answers of one role are duplicates of each other; ranks count what stays."""
    codes = [(RIGHT, "teacher"), (DOCUMENTED, "teacher"), (DOCUMENTED, "student"), (RIGHT, "student")]
    codes += [("", "teacher"), ("", "teacher"), (BROKEN, "teacher"), (BROKEN, "teacher"), (WRONG, "teacher")]
    rows, _ = ranked(*(answer(code, number, role=role) for number, (code, role) in enumerate(codes)))
    assert [row["id"] for row in rows if row["reason"] == "duplicate-answer"] == ["id-1", "id-2", "id-7"]
    kept = [row for row in rows if row["reason"] is None]
    assert sorted(row["rank"] for row in kept) == [1, 2, 3, 4, 5, 6]
    assert shown(rows[1:3], "status", "score", "rank") == [("all_passed", 1.05, 1), ("all_passed", 1.0, 2)]


def test_a_task_that_is_dropped_says_so_of_all_its_answers():
    """Its reason comes before that of a single answer."""
    rows, _ = ranked(answer(WRONG), answer(WRONG, 1), answer(RIGHT, 2, role="student"))
    assert {row["reason"] for row in rows} == {"teacher-below-student"}
    assert [row["rank"] for row in rows] == [2, 3, 1]


@given(st.lists(st.tuples(st.sampled_from(CODES), st.booleans(), st.integers(0, 2)), min_size=1, max_size=8))
def test_duplicates_lose_no_row(answers):
    """Each role keeps each of its codes once, whatever the order of rows, and no row vanishes."""
    made = [
        answer(code, number, role="student" if student else "teacher", teacher=f"t{teacher}")
        for number, (code, student, teacher) in enumerate(answers)
    ]
    rows, _ = ranked(*made)
    back, _ = ranked(*reversed(made))
    assert rows == back[::-1]
    assert [row["id"] for row in rows] == [one["id"] for one in made]
    if not {"teacher-below-student", "no-teacher-answer"} & {row["reason"] for row in rows}:
        kept = [row for row in rows if row["reason"] is None]
        assert sorted(row["rank"] for row in kept) == [*range(1, len(kept) + 1)]
        codes = [(row["role"], same_code(row["code"])) for row in kept if row["code"].strip()]
        assert len({*codes}) == len(codes)
        assert {*codes} == {(row["role"], same_code(row["code"])) for row in rows if row["code"].strip()}


def test_equal_code_with_tests_of_its_own_is_run_by_itself():
    """What a row brings decides its verdict, whoever has the same code."""
    judge = Here()
    rows, _ = ranked(answer(RIGHT), answer(RIGHT, 1, tests=["assert f(0) == 7"]), judge=judge)
    assert shown(rows, "status", "pass_ratio") == [("all_passed", 1.0), ("partial", 0.0)]


def test_a_docstring_makes_another_program():
    """A program may read it, so it is run by itself."""
    judge = Here()
    ranked(answer(RIGHT), answer("def f(x):\n    'Adds.'\n    return x + 1\n", 1), judge=judge)
    assert len(judge.runs) == 2


def test_tests_that_lack_a_name_are_told_apart_from_wrong_ones():
    """A test that each answer fails with the same NameError is removed as such; the task is counted."""
    lacking = [{"author": "a", "test": f"assert near(f({n}), {n + 1})"} for n in range(2)]
    rows = [
        answer(code, n, tests=None, generated_tests=lacking) for n, code in enumerate((RIGHT, WRONG, RAISES))
    ]
    found, seen = ranked(*rows)
    assert by_reason(seen.removed) == {"missing-name": 2}
    assert (seen.tested, len(seen.unusable)) == (1, 1)
    assert seen.unusable[0] == "assert near(f(0), 1): kept 0, missing-name 2"
    assert {row["reason"] for row in found} == {"too-few-tests"}
    _, seen = ranked(answer(WRONG), answer(RAISES, 1))
    assert (seen.tested, seen.unusable) == (1, [])
