"""Where evidence stands: in the row's own text and in the item's, however they are compared."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decontam import find_overlaps
from decontam._evidence import text_of
from decontam._text import literals, shingles, tokens
from decontam._words import bare_stems
from decontam.benchmarks import Item
from decontam.detectors import code, names
from decontam.overlaps import build_indexes
from decontam.pairs import pairs

PROMPT = (
    "Given a list of warehouse crates, stack the heavier crates below the lighter ones\r\n"
    "and return how many towers of at most seven crates the forklift must build."
)
SOLUTION = (
    "def towers(crates, limit):\n    built = 0\n    for weight in sorted(crates, reverse=True):\n"
    "        if weight % 7 == limit:\n            built += weight // 3\n        elif built > 19:\n"
    "            built = built * 5 - len(crates)\n    return built\n"
)
TESTS = (
    "def check(candidate):\n    assert candidate([310, 42, 917], 5) == 7043\n"
    "    assert candidate([88, 641, 5023], 9) == 1275\n",
    "assert candidate([777, 12, 4096], 2) == 9310  # last\n",
)
RAW = f'def towers(crates, limit):\n    """{PROMPT}\n    >>> towers([310, 42, 917], 5)\n    7043\n    """\n'
OTHERS = "Count the vowels of a sentence.", "Tell whether a year is a leap year in the Gregorian calendar."
ITEM = Item("b", "b/0", PROMPT, RAW, SOLUTION, TESTS, "towers")
ITEMS = [ITEM, *(Item("b", f"b/{n}", text, text, "", (), "") for n, text in enumerate(OTHERS, 1))]
INDEXES = build_indexes(ITEMS)
#: Zero-width characters, characters beyond the BMP, marks, line ends, full width, quotes, Chinese.
ODD = "\u200b\u200d\ufeff\u00ad😀🧱\u0301\r\n\u2028\x0b\uff21\ufb01\u201c\u3000中'\"`\\>>>#"
NOISE = st.text(st.sampled_from(ODD) | st.characters(exclude_categories=("Cs",)), max_size=30)


def found_in(text: str) -> list[dict]:
    frame = pl.DataFrame({"id": ["r"], "instruction": [None], "response": [text]})
    frame = frame.with_columns(pl.col("instruction").cast(pl.String))
    return [one for one in find_overlaps(frame, INDEXES).iter_rows(named=True) if one["item"] == "b/0"]


def pieces(match: dict, text: str) -> tuple[str, str]:
    """The matching pieces of the row and of the item, cut from the very texts."""
    ours = text[match["start"] : match["end"]]
    theirs = text_of(ITEM, match["item_part"])[match["item_start"] : match["item_end"]]
    assert 0 <= match["start"] < match["end"] <= len(text)
    assert ours.startswith(match["excerpt"])
    assert theirs.startswith(match["item_excerpt"])
    assert len(match["excerpt"]) == min(len(ours), 200)
    assert len(match["item_excerpt"]) == min(len(theirs), 400)
    return ours, theirs


def has_case(ours: str, theirs: str) -> bool:
    """Whether both texts have the literals of a case, one after the other."""
    cases = [tuple(literals(line.partition("assert ")[2])) for test in TESTS for line in test.splitlines()]
    return any(
        case in set(shingles(literals(ours), len(case))) & set(shingles(literals(theirs), len(case)))
        for case in cases
        if case
    )


def has_pair(ours: str, theirs: str) -> bool:
    """Whether both texts hold one example."""
    return bool({str(pair[:2]) for pair in pairs(ours)} & {str(pair[:2]) for pair in pairs(theirs)})


def has_literals(ours: str, theirs: str) -> bool:
    """Whether ours has the literals of theirs, one after the other: brackets that are broken read otherwise
    when what stands before them is cut off.
    """
    said = literals(theirs)
    return tuple(said) in set(shingles(literals(ours), len(said)))


AGREE = {
    "ngrams": lambda ours, theirs: {*shingles(tokens(ours), 4)} & {*shingles(tokens(theirs), 4)},
    "minhash": lambda ours, theirs: {*shingles(tokens(ours), 4)} & {*shingles(tokens(theirs), 4)},
    "words": lambda ours, theirs: {*bare_stems(ours)} & {*bare_stems(theirs)},
    "cases": has_case,
    "examples": lambda ours, theirs: has_pair(ours, theirs) or has_literals(ours, theirs),
    "code": lambda ours, theirs: {*bare_stems(ours)} & {*bare_stems(theirs)},
    "entry_points": lambda ours, theirs: ours == theirs == "towers",
}


def test_every_detector_of_text_is_held_to_it():
    """A new detector comes with what its pieces must have in common."""
    assert {*AGREE} == {*names()}


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([PROMPT, RAW, SOLUTION, "\n".join(TESTS), RAW + SOLUTION + TESTS[1]]),
    st.lists(NOISE, min_size=2, max_size=4),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_pieces_hold_what_both_sides_share(copy, noise, chance, windows):
    """Cut from the original texts and normalised anew, both pieces have what the detector compares."""
    text = copy.replace("\n", "\r\n") if windows and "\r" not in copy else copy
    for one in noise[1:-1]:  # inside, at the end of some line or word
        at = chance.choice([place for place, letter in enumerate(text) if letter.isspace()])
        text = text[:at] + one + text[at:]
    text = f"{noise[0]}\n\n{text}\n\n{noise[-1]}"
    for match in found_in(text):
        ours, theirs = pieces(match, text)
        assert AGREE[match["detector"]](ours, theirs), match


def test_an_example_in_broken_brackets():
    """What is read as an argument stands in the piece, though the piece alone would be read otherwise."""
    text = "\n".join(TESTS).replace("[310, 42", "[310,< 42")
    [match] = (one for one in found_in(text) if one["detector"] == "examples")
    ours, theirs = pieces(match, text)
    assert ours.startswith("310,< 42, 917], 5) == 7043")
    assert has_literals(ours, theirs)


@pytest.mark.parametrize("name", sorted(AGREE))
def test_each_detector_says_where(name):
    """The piece is the copy, and not what stands around it."""
    before, after = "Sure! 😀\u200b\r\nLook:\n\n", "\n\nHope that helps 🧱.\n"
    copy = {"cases": "\n".join(TESTS), "examples": "\n".join(TESTS), "code": f"```python\n{SOLUTION}```"}
    copy["entry_points"] = copy["code"]
    copy = copy.get(name, PROMPT)
    text = f"{before}{copy}{after}"
    match = next(one for one in found_in(text) if one["detector"] == name)
    ours, theirs = pieces(match, text)
    assert ours.strip() in copy or name == "minhash"
    assert AGREE[name](ours, theirs)
    if name == "examples":
        assert match["agreed"].startswith("candidate([310, 42, 917], 5) = 7043; candidate([88")


def test_a_name_inside_a_word_moves_nothing():
    """Zero-width characters inside words stay inside the piece, and count as characters."""
    text = "\u200b".join(PROMPT)
    [match] = [one for one in found_in(text) if one["detector"] == "words"]
    assert pieces(match, text)[0].replace("\u200b", "").startswith("Given a list of warehouse")


def test_a_function_is_found_in_a_long_text():
    """The piece of `code` is one function of several, counted from the text's begin."""
    words = random.Random(0).choices(["alpha", "beta", "gamma", "😀"], k=300)
    text = f"{' '.join(words)}\n\n```python\ndef other(a):\n    return a + 1\n\n\n{SOLUTION}```\n"
    frame = pl.DataFrame({"id": ["r"], "response": [text]})
    match = code.matches(frame, INDEXES.detectors["code"]).row(0, named=True)
    assert text[match["start"] : match["end"]].rstrip() == SOLUTION.rstrip()
