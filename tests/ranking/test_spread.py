"""How answers and tasks spread, in the manifest, on the screen and in the card."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.ranking import report, spread
from datagen.ranking.judging import Seen
from datagen.sandbox.verdict import STATUSES

STATUS = {0.0: "runtime_error", 1.0: "all_passed"}


def row(task, teacher, ratio, status=None, role="teacher"):
    status = status or STATUS.get(ratio, "partial")
    return {"task": task, "teacher": teacher, "pass_ratio": ratio, "status": status, "role": role}


def made(*units):
    """The entries of a manifest from rows, a list for each unit."""
    entries = {}
    for rows in units:
        report.add(entries, rows, Seen())
    return json.loads(json.dumps(entries))


def said(entries, part="lines"):
    manifest = {**entries, "times": {"seconds": 1.0}}
    return [line for one in report.ENTRIES for line in getattr(one, part)(manifest)]


def test_pass_ratios_are_counted_in_ten_bins_and_at_both_ends():
    """Exactly 0 and exactly 1 have counts of their own; a bin has its lower end."""
    ratios = [0.0, 1e-9, 0.1, 3 / 10, 0.7, 0.95, 1 - 1e-12, 1.0, 1.0]
    found = made([row("t", f"m{n}", ratio) for n, ratio in enumerate(ratios)])["pass_ratios"]
    assert tuple(found) == spread.SHARES
    assert {name: count for name, count in found.items() if count} == {
        **{"0": 1, "0-0.1": 1, "0.1-0.2": 1, "0.3-0.4": 1, "0.7-0.8": 1},
        **{"0.9-1": 2, "1": 2},
    }


@given(st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_each_share_lies_in_its_bin(share):
    """In whole numbers, a bin holds its lower end and not its upper one."""
    passed, of = share
    (name,) = (name for name, count in made([row("t", "m", passed / of)])["pass_ratios"].items() if count)
    if passed in (0, of):
        assert name == ("1" if passed else "0")
    else:
        assert spread.SHARES.index(name) == 1 + passed * 10 // of


def test_tasks_by_how_hard_they_are():
    """Students' answers do not count; of equal shares more answers come first, then the id."""
    rows = [
        row("even", "a", 1.0),
        row("even", "b", 0.5),
        row("solved", "a", 1.0),
        row("solved", "s", 0.0, role="student"),
    ]
    rows += [row("hard", teacher, 0.0) for teacher in "abc"] + [row("also", "a", 0.9)]
    found = made(rows)["difficulty"]
    assert {name: count for name, count in found["tasks"].items() if count} == {"0": 2, "0.5-0.6": 1, "1": 1}
    assert [(one["task"], one["all_passed"], one["answers"]) for one in found["hardest"]] == [
        ("hard", 0, 3),
        ("also", 0, 1),
        ("even", 1, 2),
        ("solved", 1, 1),
    ]
    assert [one["task"] for one in found["easiest"]] == ["solved", "even", "hard", "also"]
    assert len(made([row(f"t{n}", "a", 1.0) for n in range(9)])["difficulty"]["easiest"]) == 5


def test_teachers_agree_where_their_best_answers_have_the_same_status():
    """For each pair: the tasks that both answered, and those on which the best of each fare alike."""
    found = made(
        [row("1", "b", 1.0), row("1", "b", 0.0), row("1", "a", 1.0), row("1", "s", 1.0, role="student")],
        [row("2", "b", 0.5), row("2", "a", 0.8), row("2", "c", 0.0)],
        [row("3", "a", 1.0), row("3", "b", 0.0), row("3", None, 0.0)],
    )["agreement"]
    assert found == [
        {"teachers": ["a", "b"], "tasks": 3, "same": 2},
        {"teachers": ["a", "c"], "tasks": 1, "same": 0},
        {"teachers": ["b", "c"], "tasks": 1, "same": 0},
    ]


def test_pairs_of_many_teachers_are_bounded():
    """Only the first teachers of a set are compared, and the card says so."""
    rows = [row("t", f"m{n:03}", 1.0) for n in range(60)]
    entries = made(rows)
    assert len(entries["agreement"]) == spread.TEACHERS * (spread.TEACHERS - 1) // 2
    assert f"Only the first {spread.TEACHERS} teachers of the set are compared." in said(entries, "card")


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from("pqr"),
        st.sampled_from(["a", "b", "c|d", None]),
        st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        st.sampled_from(STATUSES),
        st.sampled_from(["teacher", "student"]),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(ROWS, ROWS)
def test_two_stages_add_up_to_what_one_would_say(first, second):
    """The entries of a run are those of all its rows, whatever stage or unit had them."""
    second = [{**one, "task": one["task"] * 2} for one in second]  # a task is in one unit
    both = made(first, second)
    stages = [made(first), made(second)]
    for entry in report.ENTRIES:
        assert entry.is_valid(both[entry.name]), entry.name
        assert entry.add(stages, 0) == both[entry.name], entry.name
    assert len(said(both)) <= 9
    json.dumps(said(both, "card"))


def test_a_set_without_judged_rows_says_nothing():
    """No bar, no table."""
    entries = made([])
    assert said(entries) == ["  tests: 0 came with the rows, 0 written by models and agreed with, 0 removed"]
    assert not [line for line in said(entries, "card") if line.startswith("|")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pass_ratios", {}),
        ("pass_ratios", dict.fromkeys(spread.SHARES, 0.5)),
        ("difficulty", {"tasks": dict.fromkeys(spread.SHARES, 0), "hardest": [{}], "easiest": []}),
        ("difficulty", []),
        ("agreement", [{"teachers": ["a"], "tasks": 1, "same": 1}]),
        ("agreement", [{"teachers": ["a", "b"], "tasks": 0, "same": 0}]),
        ("agreement", {"a": 1}),
    ],
)
def test_damaged_entries_are_seen(name, value):
    """What a manifest says is looked at before it is shown."""
    (entry,) = (one for one in spread.ENTRIES if one.name == name)
    assert not entry.is_valid(value)


def test_lines_for_people():
    """The screen has a bar of a character for each share, and the card has tables."""
    rows = [row(f"t{n}", teacher, ratio) for n in range(8) for teacher, ratio in (("a", 1.0), ("b|c", n / 8))]
    entries = made(rows)
    lines = said(entries)
    assert "  all_passed by teacher: a 8 of 8, b|c 0 of 8" in lines
    assert "  answers by pass ratio: 0 [▁ ▁▁▁ ▁▁▁▁ █] 1; 1 at 0, 8 at 1" in lines
    assert any(line.endswith("0 solved by none, 0 by all") for line in lines)
    assert "  teachers agree: the same status on 0% of the tasks (1 pair)" in lines
    card = said(entries, "card")
    assert "| a, b\\|c | 8 | 0% |" in card
    assert "| 1 | 8 | `####################` |" in card
    assert card.count("| t0 | 1 of 2 |") == 2
