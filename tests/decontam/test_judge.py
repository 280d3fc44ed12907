"""The question about a row and an item, and what counts as an answer to it."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decontam.benchmarks import Item
from decontam.judge import LONGEST, VERDICTS, Verdict, question, verdict

ITEM = Item(
    "b", "b/1", "Sort words.", "def f(words):\n    '''Sort words.'''", "    return sorted(words)", (), "f"
)
MARK = "0123456789ab"


def answer(**changed):
    return json.dumps({"mark": MARK, "reason": "Both sort.", "verdict": "near", **changed})


@given(st.dictionaries(st.text(), st.text(), max_size=3), st.text())
def test_no_text_holds_the_mark(row, prompt):
    """What separates the texts occurs in none of them, and is the same for the same texts."""
    asked = question(row, ITEM._replace(prompt=prompt, raw_prompt=prompt))
    assert re.fullmatch("[0-9a-f]{12}", asked.mark)
    assert not any(asked.mark in text.lower() for text in (*row, *row.values(), prompt))
    assert asked == question(row, ITEM._replace(prompt=prompt, raw_prompt=prompt))


@given(st.text(min_size=1).filter(str.strip))
def test_texts_are_shown_verbatim_between_marks(text):
    """The judge sees the row as it is."""
    asked = question({"response": text}, ITEM)
    assert f"<<{asked.mark} row, response>>\n{text}\n<<{asked.mark} end>>" in asked.text
    assert f"<<{asked.mark} benchmark, solution>>\n{ITEM.solution}\n<<{asked.mark} end>>" in asked.text


def test_a_mark_that_a_text_foresees_is_not_used():
    """A row that holds the mark that it would have gets another."""
    first = question({"response": "x"}, ITEM).mark
    # No text can hold the hash of itself, so the column's name and case try what they can.
    for row in ({"response": first}, {first: "x"}, {"response": first.upper()}):
        assert question(row, ITEM).mark not in (first, first.upper())


def test_a_long_text_is_not_cut():
    """What cannot be shown whole is not asked about."""
    assert question({"response": "x" * LONGEST}, ITEM) is None
    assert question({"response": "x" * (LONGEST - 300)}, ITEM) is not None


@pytest.mark.parametrize("level", VERDICTS)
def test_verdicts(level):
    """Each verdict is read, also in a fence and over several lines."""
    assert verdict(answer(verdict=level), MARK) == Verdict(level, "Both sort.")
    assert verdict(f"```json\n{answer(verdict=level)}\n```\n", MARK) == Verdict(level, "Both sort.")
    assert verdict(json.dumps(json.loads(answer(verdict=level)), indent=2), MARK).level == level


def test_a_reason_is_text():
    """Half of a surrogate pair, which JSON may hold and a table may not, is replaced."""
    assert verdict(answer(reason="It sorts \ud83d."), MARK) == Verdict("near", "It sorts ?.")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "different",
        "I cannot help with that.",
        answer(verdict="same or near"),
        answer(verdict="Different"),
        answer(verdict=["different"]),
        answer(verdict=None),
        answer(mark="0123456789ac"),
        answer(mark=123456789),
        answer(reason=None),
        answer(more=1),
        json.dumps({"mark": MARK, "verdict": "different"}),
        f"[{answer()}]",
        f"{answer()} {answer()}",
        f"Here it is: {answer()}",
        f"{answer()}\nThe rest of the row.",
        answer()[:-1],
        answer()[:-1] + ', "verdict": "different"}',
        "[" * 100_000,
        "NaN",
    ],
)
def test_what_is_no_answer(said):
    """Anything but one object of the form, with the mark, says nothing."""
    assert verdict(said, MARK) is None


@given(st.text())
def test_texts_are_no_answers(text):
    """Whatever a model writes is read or refused, and never raises."""
    assert verdict(text, MARK) is None
    assert verdict(answer(reason=text), MARK).level == "near"


def test_a_reason_is_one_line_of_200_characters():
    """The reason goes into a data set as an excerpt does."""
    assert verdict(answer(reason="a\nb\t" + "c" * 300), MARK).reason == "a b " + "c" * 196
