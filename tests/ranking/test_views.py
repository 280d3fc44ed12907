"""`datagen cat --as ranked`, `--as preference` and `--as sft`."""

from __future__ import annotations

import json

import pytest
from cli import datagen


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def row(instruction, code, score, rank, role="teacher", **more):
    more = {"response": f"Here:\n{code}", "status": "partial", "teacher": "a"} | more
    return {"instruction": instruction, "code": code, "score": score, "rank": rank, "role": role, **more}


def cat(rows, *words):
    with open("in.jsonl", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.writelines(json.dumps(row) + "\n" for row in rows)
    done = datagen("cat", "in.jsonl", *words)
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


def pairs(rows, *words):
    found = cat(rows, "--as", "preference", *words)
    assert all({*one} == {"prompt", "chosen", "rejected", "score_chosen", "score_rejected"} for one in found)
    return [(one["prompt"], one["chosen"], one["rejected"]) for one in found]


MIXED = [
    row("one", "good", 1.0, 1),
    row("two", "fair", -0.3, 1),
    row("one", "bad", -0.6, 3, "student"),
    row("one", "so", -0.3, 2),
    row("two", "poor", -1.0, 2, "student"),
]


def test_ranked_gives_a_task_a_line():
    """Answers stand together, the best first, though the rows of a task do not follow each other."""
    one, two = cat(MIXED, "--as", "ranked")
    assert (one["prompt"], two["prompt"]) == ("one", "two")
    assert [answer["code"] for answer in one["responses"]] == ["good", "so", "bad"]
    assert [answer["score"] for answer in one["responses"]] == [1.0, -0.3, -0.6]
    assert [answer["role"] for answer in one["responses"]] == ["teacher", "teacher", "student"]
    assert {"response", "code", "score", "rank", "status", "role", "teacher"} <= {*one["responses"][0]}


def test_preference_pairs_teachers_with_the_student():
    """Each teacher's answer is chosen over each worse one of the student."""
    assert pairs(MIXED) == [("one", "good", "bad"), ("one", "so", "bad"), ("two", "fair", "poor")]
    first = cat(MIXED, "--as", "preference")[0]
    assert (first["score_chosen"], first["score_rejected"]) == (1.0, -0.6)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("one", "a", 1.0, 1), row("one", "b", -0.3, 2), row("one", "c", -1.0, 3)], [("one", "a", "c")]),
        ([row("one", "a", 1.0, 1), row("one", "b", 1.0, 2)], []),
        ([row("one", "a", 1.0, 1)], []),
        ([row("one", "a", -0.3, 2), row("one", "b", 1.0, 1, "student")], []),
        ([row("one", "a", 1.05, 1), row("one", "a", 1.0, 2, "student")], []),
        (
            [row("one", "a", 1.0, 1), row("one", None, -1.0, 2, "student", response="No.")],
            [("one", "a", "No.")],
        ),
        ([row("one", "a", 1.0, 1), row("one", None, -1.0, 2, "student", response="")], []),
    ],
)
def test_preference_edges(rows, expected):
    """Without a student the best is paired with the worst; ties, equal and empty answers make no pair."""
    assert pairs(rows) == expected


RATIOS = [
    row("one", "best", 1.0, 1, pass_ratio=1.0),
    row("one", "good", -0.3, 2, pass_ratio=0.8),
    row("one", "half", -0.3, 3, pass_ratio=0.4),
    row("one", "none", -0.6, 4, pass_ratio=0.0),
]


def test_preference_by_acecoders_rules():
    """Pairs lie far enough apart, the chosen answer passes most tests, the rejected one some."""
    apart = [("one", "best", "half"), ("one", "good", "half")]
    assert pairs(RATIOS, "--gap", 0.4) == apart
    assert pairs(RATIOS, "--gap", 0.5) == apart[:1]
    assert pairs(RATIOS, "--gap", 0.2) == [("one", "best", "good"), *apart]
    student = [*RATIOS[:2], {**RATIOS[2], "role": "student"}, {**RATIOS[3], "role": "student"}]
    assert pairs(student, "--gap", 0.4) == apart
    assert pairs([{**one, "pass_ratio": None} for one in RATIOS], "--gap", 0.4) == []


def test_gap_is_for_preference_alone(folder):
    """One line says where it belongs."""
    cat(RATIOS)
    assert "--gap is for --as preference" in datagen("cat", "in.jsonl", "--gap", 0.4).error(2)


def test_preference_takes_equal_codes_once():
    """What differs in comments and layout only is one answer, and makes no pair with itself."""
    rows = [
        row("one", "x = 1", 1.0, 1),
        row("one", "x  =  1  # one", 1.0, 2),
        row("one", "x = 2", -0.3, 3, "student"),
        row("one", "x = 1 # again", -0.6, 4, "student"),
    ]
    assert pairs(rows) == [("one", "x = 1", "x = 2")]


def test_sft_gives_the_best_right_answer():
    """One line for each task that a teacher answered rightly: prompt and completion."""
    rows = [
        row("one", "second", 1.0, 2, status="all_passed"),
        row("one", "first", 1.05, 1, status="all_passed"),
        row("two", "wrong", -0.3, 1),
        row("three", "student's", 1.0, 1, "student", status="all_passed"),
        row("four", None, 1.0, 1, status="all_passed", response="Text."),
    ]
    assert cat(rows, "--as", "sft") == [
        {"prompt": "one", "completion": "first"},
        {"prompt": "four", "completion": "Text."},
    ]


def test_limit_counts_what_is_printed():
    """--limit is about tasks and pairs, and cuts no task."""
    (one,) = cat(MIXED, "--as", "ranked", "--limit", 1)
    assert len(one["responses"]) == 3
    assert pairs(MIXED, "--limit", 2) == [("one", "good", "bad"), ("one", "so", "bad")]


@pytest.mark.parametrize("shape", ["ranked", "preference", "sft"])
@pytest.mark.parametrize(
    ("more", "what"), [({}, "no column score"), ({"score": None, "rank": 1}, "a row has no score")]
)
def test_rows_that_are_not_ranked(folder, shape, more, what):
    """One line says what is missing, and what to do."""
    rows = [{"instruction": "i", "response": "r", **more}, {"instruction": "j", "response": "r"}]
    (folder / "in.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    line = datagen("cat", "in.jsonl", "--as", shape).error(1)
    assert what in line
    assert "datagen rank" in line


def test_whole_scores_are_read(folder):
    """A file whose scores are whole numbers is read as well."""
    assert pairs([row("one", "a", 1, 1), row("one", "b", 0, 2)]) == [("one", "a", "b")]
