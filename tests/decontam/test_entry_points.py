"""Names of items' functions: found in any spelling, and no match without code that agrees."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decontam import build_indexes, find_overlaps
from decontam.benchmarks import Item
from decontam.detectors import entry_points
from decontam.profiles import NAMES, profile

SOLUTION = (
    "def braid_harbour_ropes(ropes, knots):\n    out = []\n    for rope in sorted(ropes):\n"
    "        if rope % knots == 3:\n            out.append(rope * 7)\n"
    "        else:\n            out.append(rope // knots - 11)\n    return out\n"
)
ITEMS = [
    Item("b", "b/0", "Braid ropes.", SOLUTION[:40], SOLUTION, (), "braid_harbour_ropes"),
    Item("b", "b/1", "Knit.", "def knit(yarn):", "", (), "knit"),
    Item("b", "b/2", "Nameless.", "", "", (), ""),
    Item("b", "b/3", "Add.", "def add(a, b):", "", (), "add"),
]
ANY = entry_points.index(ITEMS, threshold=0.5)
#: Half of the solution under the item's name, in a language that keeps it.
HALF = """func BraidHarbourRopes(ropes []int, knots int) []int {
    sort.Ints(ropes)
    out := []int{}
    for _, rope := range ropes {
        if rope % knots > 5 {
            out = append(out, rope * 9)
        }
    }
    return out
}
"""


def found(text: str, index: entry_points.Index = ANY) -> list[tuple[str, str]]:
    frame = pl.DataFrame({"id": ["r"], "response": [text]})
    return [*entry_points.matches(frame, index).select("item", "excerpt").iter_rows()]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("int braidHarbourRopes(int* ropes)", "braidHarbourRopes"),
        ("func BraidHarbourRopes(ropes []int)", "BraidHarbourRopes"),
        ("Please finish braid_harbour_ropes.", "braid_harbour_ropes"),
        ("assert BRAID_HARBOUR_ROPES([1]) == 2", "BRAID_HARBOUR_ROPES"),
        ("fn braid_harbour_ropes<T: Ord>(ropes: Vec<T>)", "braid_harbour_ropes"),
        ("纺braid_harbour_ropes织", "braid_harbour_ropes"),
    ],
)
def test_any_spelling(text, name):
    """The same words in another spelling are the same name, and the excerpt is the row's own."""
    assert found(text) == [("b/0", name)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "braid harbour ropes",
        "braidharbourropes",
        "my_braid_harbour_ropes(1)",
        "braid_harbour_ropes2()",
        "rope()",
    ],
)
def test_other_names(text):
    """Words of prose and longer names are not the name."""
    assert found(text) == []


def test_one_word_counts_where_it_is_called():
    """A word of prose is no function; common ones say too little wherever they stand."""
    assert found("I knit a lot.") == []
    assert found("knit (yarn)") == found("knit(yarn)") == [("b/1", "knit")]
    assert found("def add(a, b): return a + b") == []


@pytest.mark.parametrize("name", NAMES)
def test_a_name_alone_is_no_match(name):
    """Not even the rarest: in no profile."""
    item = ITEMS[0]._replace(entry_point="zyxw_qvut_kjhg_mnbv_plok", solution="", prompt="", raw_prompt="")
    frame = pl.DataFrame({"id": ["r"], "response": ["def zyxw_qvut_kjhg_mnbv_plok(): return 1"]})
    assert find_overlaps(frame, build_indexes([item], wanted=profile(name))).height == 0


def test_a_name_and_code_agree():
    """Code that is too little alone is enough under the item's name, and not under another one."""
    indexes = build_indexes(ITEMS)
    frame = pl.DataFrame(
        {"id": ["own", "other"], "response": [HALF, HALF.replace("BraidHarbourRopes", "Weave")]}
    )
    matches = find_overlaps(frame, indexes)
    assert matches.select("row", "item").unique().rows() == [("own", "b/0")]
    assert set(matches["detector"]) == {"code", "entry_points"}
    name = matches.filter(pl.col("detector") == "entry_points").row(0, named=True)
    assert HALF[name["start"] : name["end"]] == name["excerpt"] == "BraidHarbourRopes"
    assert SOLUTION[name["item_start"] : name["item_end"]] == name["item_excerpt"] == "braid_harbour_ropes"


def test_only_what_is_sought():
    """Given what another detector has found, other items are left out."""
    frame = pl.DataFrame({"id": ["r", "s"], "response": ["braidHarbourRopes knit()"] * 2})
    asked = entry_points.matches(frame, ANY, {"r": {("b", "b/1")}})
    assert asked.select("row", "item").rows() == [("r", "b/1")]


@given(
    st.lists(st.sampled_from(["knit(", "braidHarbourRopes", "é", "_", "<", "a", "(", " ", "\ud800", "\n"]))
)
def test_any_text(pieces):
    """Any text is read, and what is found stands where it says."""
    text = "".join(pieces)
    frame = pl.DataFrame({"id": ["r"], "response": [text.encode("utf-8", "replace").decode()]})
    for start, end, excerpt in entry_points.matches(frame, ANY).select("start", "end", "excerpt").iter_rows():
        assert frame["response"][0][start:end] == excerpt
