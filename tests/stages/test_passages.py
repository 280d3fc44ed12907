"""How the two passages of a match are shown."""

from __future__ import annotations

import re

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.overlaps.found import found
from datagen.overlaps.passages import lines_of_matches, passage
from decontam import MATCHES


def test_marks_stand_under_what_matches():
    """Where a line holds more than the match, `^` marks it; emojis take two places."""
    text = "one\nsee 😀 two three\nfour"
    assert [*passage(text, text.index("two"), text.index(" three"))] == [
        "      | see 😀 two three",
        "               ^^^",
    ]
    assert [*passage(text, 4, text.index("\nfour"))] == ["      | see 😀 two three"]


def test_what_is_cut_is_said():
    """Long lines end in an ellipsis, and what is not shown is counted."""
    assert [*passage("x" * 500, 0, 500)] == [f"      | {'x' * 95}…"]
    assert [*passage("a\n" * 20, 0, 40)][-1] == "      … 24 more characters"
    assert [*passage("abc", 0, 3, more=7)] == ["      | abc…", "      … 7 more characters"]


@settings(deadline=None)
@given(st.text(max_size=300), st.data())
def test_no_control_character_reaches_the_screen(text, data):
    """Whatever a row holds, each line can be printed as it is, and is short."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    for line in passage(f"\x1b[31m{text}", start, end + 5):
        assert line.isprintable()
        assert len(line) < 1000


def match(**more):
    return {
        "benchmark": "b", "item": "b/1", "detector": "ngrams", "part": "prompt:response", "value": 0.9,
        "threshold": 0.5, "excerpt": "two words", **more,
    }  # fmt: skip


def test_matches_of_older_data_sets():
    """Without places the excerpt is shown, and nothing of the item."""
    assert [*lines_of_matches({"response": "two words"}, [match()])] == [
        "  b b/1",
        "    by ngrams 0.90 of 0.50 needed (prompt:response)",
        "    row: two words",
    ]


def test_a_decision_is_no_text_of_the_row():
    """What a person or a judge says is told as theirs, also where a column is called like the judge."""
    why = match(detector="judge", part="local:response", value=1.0, threshold=1.0, excerpt="Both sort.")
    shown = [*lines_of_matches({"response": "two words"}, [why, match()])]
    assert shown[2:] == ["    the judge says: Both sort.", "    row: two words"]
    note = match(detector="review", part="task", excerpt="It is a copy.")
    assert [*lines_of_matches({}, [note])][2:] == ["    the review says: It is a copy."]


def test_an_item_that_somebody_decided_about_is_shown_once():
    """A decision has a score of its own, and is about the same item as what detectors found."""
    some = [match(score=0.9), match(item="b/2", score=0.95), match(detector="review", part="task", score=1.0)]
    shown = [*lines_of_matches({"response": "two words"}, some)]
    assert [line for line in shown if line.startswith("  b ")] == [
        "  b b/1: score 1.00",
        "  b b/2: score 0.95",
    ]


def test_places_that_are_not_in_the_text():
    """Nothing is cut from where nothing is."""
    for start, end in ((5, 500), (-3, 4), (7, 7)):
        shown = [*lines_of_matches({"response": "two words"}, [match(start=start, end=end)])]
        assert shown[-1] == "    row: two words"


def test_the_surest_item_comes_first():
    """Both passages are shown of the three surest items; how many are left out is said."""
    some = [match(item=f"b/{n:02}", score=n / 20, level="near", agreed="f(1) = 2") for n in range(20)]
    shown = [*lines_of_matches({"response": "two words"}, some)]
    assert shown[0] == "  b b/19: nearly the same, score 0.95"
    assert sum("both agree on: f(1) = 2" in line for line in shown) == 3
    assert len([line for line in shown if re.match(r"  b b/\d", line)]) == 12
    assert shown[-1] == "  and 8 more items; --json shows all"


def test_worst_rows_do_not_depend_on_the_order_of_detectors():
    """Of a row its closest item counts; the closest level comes before the highest score."""
    rows = [
        {"row": row, "benchmark": "b", "item": item, "detector": name, "level": level, "score": score}
        for row, item, name, level, score in [
            ("r1", "b/1", "words", "near", 0.99),
            ("r2", "b/2", "words", "logic", 0.9),
            ("r2", "b/2", "ngrams", "same", 0.9),
            ("r2", "b/1", "words", "near", 0.95),
            ("r3", "b/3", "review", None, 1.0),
        ]
    ]
    for given_rows in (rows, rows[::-1]):
        told = found(pl.DataFrame(given_rows, schema=MATCHES), ["b", "other"], {"b": 4})
        assert [(one["id"], one["item"], one["level"]) for one in told["worst_rows"]["b"]] == [
            ("r2", "b/2", "same"),
            ("r1", "b/1", "near"),
            ("r3", "b/3", "decided"),
        ]
        assert told["worst_rows"]["b"][0]["detectors"] == ["ngrams", "words"]
        assert told["levels"]["b"] == {"same": 1, "near": 1, "logic": 0, "decided": 1, "common": 4}
        assert told["rows_by_item"] == {"b": {"b/1": 2, "b/2": 1, "b/3": 1}, "other": {}}
        assert told["worst_rows"]["other"] == []
