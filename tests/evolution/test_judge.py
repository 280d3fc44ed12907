"""What a model is asked about two tasks, and how its verdict is read."""

from __future__ import annotations

import pytest
from cost import cost
from hypothesis import example, given
from hypothesis import strategies as st

from datagen.evolution.judge import judge_prompt, judged_equal
from datagen.evolution.words import words

EQUAL = [
    "Equal",
    "equal.",
    "EQUAL!",
    "**Equal**",
    '"Equal"',
    "Verdict: equal",
    "Verdict: EQUAL.",
    "**Verdict:** `equal`",
    "> *Verdict*: “Equal”",
    '{"verdict": "equal"}',
    "They are equal.",
    "A and B are identical.",
    "The two tasks are equivalent.",
    "They are not different.",
    "Therefore, the two exercises are the same.",
    "B seems different at first, with other names.\nBut the demands agree.\n\nVerdict: equal",
    "Verdict: different\nOn second thoughts only the names changed.\nVerdict: equal",
    "Verdict: equal\r\n\r\nAnything else?",
    "Verdict: Equal",
]
DIFFERENT = [
    "Not Equal",
    "not equal.",
    "NOT EQUAL",
    "**Not Equal**",
    '"not equal"',
    "'Not-Equal'",
    "not_equal",
    "Non-equal.",
    "unequal",
    "Unequal!",
    "Different",
    "Verdict: different",
    "Verdict: **DIFFERENT**",
    "verdict - different.",
    "# Verdict\n\nDifferent.",
    "They are not equal.",
    "They aren't equal.",
    "A isn’t equal to B.",
    "These exercises are not the same.",
    "At first they look equal.\nVerdict: different",
    "Verdict: equal\nBut B wants a stable order.\nVerdict: not equal",
    '{"verdict": "different"}',
]
UNREADABLE = [
    "",
    " \n",
    "Verdict:",
    "Verdict: equal or different",
    "Equal / Not Equal",
    "Equal, Not Equal",
    "equal different",
    "not equal, not different",
    "Verdict: equal?",
    "Verdict: ≠ equal",
    "Verdict: != equal",
    "~~equal~~",
    "❌ equal",
    "Verdict: almost equal",
    "Verdict: equally deep",
    "Verdict: not not equal",
    "Verdict: equal\nWait, they are quite different after all.",
    "It would be wrong to say that they are equal.",
    "Neither equal nor hard.",
    "Are they equal? No.",
    "I cannot tell.",
    "yes",
    "相同",
    "结论：不 equal",
    "Urteil: gleich",
    "Вердикт: одинаковы",
    "Both sort a list and both ask for",
    'End with a line of its own, either "Verdict: equal" or "Verdict: different".',
    "inequality",
    "sameness",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in EQUAL),
        *((text, False) for text in DIFFERENT),
        *((text, None) for text in UNREADABLE),
    ],
)
def test_verdict(text, expected):
    """A verdict is read as it is meant, or not at all."""
    assert judged_equal(text) is expected


_SAYS = st.sampled_from([("equal", True), ("same", True), ("unequal", False), ("different", False)])
_CASES = st.sampled_from([str.upper, str.lower, str.title])
_AROUND = st.sampled_from(["", "*", "**", "`", '"', "'", "_", "> ", "- "])


@given(_SAYS, st.booleans(), _CASES, _AROUND, st.sampled_from(["", ".", "!", "\n", " "]))
def test_negation_turns_every_verdict(says, negated, case, around, end):
    """However it is dressed, "not" before a verdict turns it."""
    word, equal = says
    line = f"{around}{case(('not ' if negated else '') + word)}{around}{end}"
    assert judged_equal(line) is (equal != negated)


@given(st.text(), _SAYS)
@example("They are not equal.", ("equal", True))
def test_what_was_weighed_before_does_not_count(before, says):
    """The verdict's own line decides, whatever stands above it."""
    assert judged_equal(f"{before}\nVerdict: {says[0]}") is says[1]


@given(st.text())
def test_any_text_is_read(text):
    """No text makes the parser fail, and without a word that decides there is no verdict."""
    verdict = judged_equal(text)
    if not any(word in text.casefold() for word in ("equal", "same", "identical", "equivalent", "differ")):
        assert verdict in {None, judged_equal(text.casefold())}


@given(
    st.sampled_from(["equal", "different"]), st.sampled_from(["almost", "hardly", "if", "but", "no", "或"])
)
def test_any_other_word_makes_a_line_unreadable(word, other):
    """Half a verdict is none."""
    assert judged_equal(f"Verdict: {other} {word}") is None
    assert judged_equal(f"Verdict: {word} {other}") is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["equal ", "not ", "n't ", "\n", "equal\n", "'", "n'", "a", "\u0301", "(", "Verdict: "]
)
def test_long_answers_take_no_time(piece):
    """200 KB of anything are read at once."""
    text = piece * (200_000 // len(piece))
    assert cost(lambda: judged_equal(text)) < 100


def test_judge_prompt():
    """The judge gets both tasks verbatim, draws nothing at random and has room for a short reason."""
    old, new = "Format {name} as %s\n\n{0}", "Sort\n```\n{new} {old}\n```"
    prompt = judge_prompt(old, new)
    assert [role for role, _ in prompt.messages] == ["system", "user"]
    asked = prompt.messages[-1][1]
    assert f"<exercise-A>\n{old}\n</exercise-A>" in asked
    assert f"<exercise-B>\n{new}\n</exercise-B>" in asked
    assert (prompt.text, prompt.temperature) == (None, 0.0)
    assert 100 <= prompt.max_tokens <= 300


def test_the_question_is_no_verdict():
    """A judge that repeats what it was asked has not judged."""
    assert judged_equal(judge_prompt("Sort a list.", "Sort a list of names.").messages[-1][1]) is None


def test_marks_without_end_take_no_longer():
    """64,000 marks on one letter are no work for minutes: normalisation would sort them."""
    marks = "\N{COMBINING GRAVE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}" * 32_000
    assert cost(lambda: judged_equal(f"a{marks}\nVerdict: equal")) < 20
    assert judged_equal(f"a{marks}\nVerdict: equal") is True
    assert cost(lambda: words(f"b{marks} c")) < 20
