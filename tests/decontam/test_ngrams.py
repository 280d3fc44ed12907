"""Weighted containment against its formula."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decontam._text import shingles, tokens
from decontam.benchmarks import Item
from decontam.detectors import ngrams

ALL = {"prompt": 0.3, "raw_prompt": 0.3, "solution": 0.3, "piece": 0.95}
SENTENCE = "count how many lamps stay lit after every third switch of the corridor has been pressed twice"


def item(task, prompt, benchmark="b"):
    return Item(benchmark, task, prompt, prompt, "", (), "")


def rows(*instructions):
    return pl.DataFrame({"id": [str(n) for n in range(len(instructions))], "instruction": instructions})


def values(instruction, items, **options):
    found = ngrams.matches(rows(instruction), ngrams.index(items, **options))
    return dict(found.select("item", "value").iter_rows())


words = st.lists(st.sampled_from("abcdef"), max_size=30).map(" ".join)


@given(st.lists(words.filter(bool), min_size=1, max_size=4), words)
def test_containment_equals_the_formula(prompts, text):
    """Matches are exactly the items whose containment in the best stretch, counted naively, is enough."""
    n, floor, least = 2, 3.0, ALL["prompt"]
    sets = [{*zip(p.split(), p.split()[1:], strict=False)} for p in prompts]
    count = len(prompts)
    expected = {}
    for number, (prompt, own) in enumerate(zip(prompts, sets, strict=True)):
        weight = {g: math.log(1 + count / sum(g in s for s in sets)) / math.log(1 + count) for g in own}
        mass = max(sum(weight.values()), floor)
        at = list(zip(text.split(), text.split()[1:], strict=False))
        width = 2 * len(prompt.split())
        stretches = [own & set(at[start : start + width]) for start in range(max(1, len(at)))]
        value = max(sum(weight[g] for g in stretch) for stretch in stretches) / mass
        expected[str(number)] = value
    items = [item(str(number), prompt) for number, prompt in enumerate(prompts)]
    found = values(text, items, n=n, floor=floor, thresholds=ALL)
    for task, value in expected.items():
        if task in found:
            assert found[task] == pytest.approx(value, abs=0.01)  # weights are whole thousandths
        else:
            assert value < least + 0.01


def test_a_short_item_in_a_long_row_is_found_whole():
    """Containment does not fall with the length of the row."""
    long = "The weather was fine. " * 500
    assert values(f"{long}{SENTENCE}. {long}", [item("x", SENTENCE)]) == {"x": 1.0}


def test_words_scattered_over_a_long_row_are_no_match():
    """The pieces of an item count only where they stand close together."""
    pieces = SENTENCE.split()
    scattered = ("\n" + "filler " * 60).join(" ".join(pieces[at : at + 6]) for at in range(0, len(pieces), 6))
    together = " ".join(" ".join(pieces[at : at + 6]) + " filler" for at in range(0, len(pieces), 6))
    assert values(scattered, [item("x", SENTENCE)], thresholds=ALL) == {}
    assert set(values(together, [item("x", SENTENCE)], thresholds=ALL)) == {"x"}


def test_what_is_too_short_to_tell_never_matches():
    """A part of three n-grams is in many texts by chance, so not even a verbatim copy is a match."""
    assert values("Add two numbers x and y", [item("x", "Add two numbers x and y")]) == {}


def test_what_all_items_say_weighs_little():
    """The same share of an item counts more if it is its own than if all items of the benchmark say it."""
    opening = "write a python function that takes a list of integers and"
    items = [item(str(n), f"{opening} {' '.join(f'w{n}_{k}' for k in range(8))}") for n in range(50)]
    common = values(opening, items, thresholds=dict.fromkeys(ALL, 0.0001))
    own = values(items[3].prompt.removeprefix(opening), items, thresholds=ALL)
    assert max(common.values()) < 0.15
    assert own["3"] > 0.4


def test_other_benchmarks_change_no_verdict():
    """Weights come from an item's own benchmark: indexing a second one leaves the values of the first."""
    first = [item(str(n), f"{SENTENCE} number {n} of many") for n in range(5)]
    second = [item(f"o{n}", SENTENCE, "other") for n in range(20)]
    text = f"please {SENTENCE} number 2"
    alone, both = values(text, first), values(text, first + second)
    assert alone == {task: both[task] for task in alone}
    assert alone


SOLUTION = [
    "    div = number // num[i]",
    "    number %= num[i]",
    "    while div:",
    "        res += sym[i]",
    "        div -= 1",
    "    if a[i:i + l] == pat[j:j + l]:",
    "        return True",
    "    total = sum(int(digit) for digit in str(abs(number)))",
    "    return res.lower()",
]
OTHERS = [f"for n in range({k}):\n    print(n, w{k} + n, v{k}[n:])" for k in range(20)]


def solved(solutions):
    return ngrams.index([Item("b", str(k), "", "", one, (), "") for k, one in enumerate(solutions)])


@given(st.integers(0, 8), st.integers(1, 9), st.booleans())
def test_lines_of_a_solution_alone_are_found(first, count, reverse):
    """Some lines of a solution are a piece of it if they are worth enough, and no other solution has them."""
    lines = SOLUTION[first : first + count]
    text = "\n".join(lines)
    order = [*OTHERS, "\n".join(SOLUTION)]
    found = ngrams.matches(rows(text), solved(order[::-1] if reverse else order))
    grams = {*shingles(tokens(text), 4)}
    assert {*found["item"]} == ({"0" if reverse else "20"} if len(grams) > 5 else set())
    assert all(value == 1.0 for part, value in found.select("part", "value").iter_rows() if "piece" in part)


def test_lines_of_a_solution_among_others_are_no_piece():
    """What holds more than lines of one solution is judged by how much of the solution it holds."""
    index = solved([*OTHERS, "\n".join(SOLUTION)])
    piece, other = "\n".join(SOLUTION[:3]), "print(total / counted, end=None)\n"
    assert ngrams.matches(rows(piece), index)["part"].to_list() == ["piece:instruction"]
    assert ngrams.matches(rows(piece + "\n" + other), index).is_empty()
    assert ngrams.matches(rows(SOLUTION[6], "return True", ""), index).is_empty()


def test_a_piece_is_one_however_low_the_thresholds():
    """Who looks for more finds what others find, with the same values."""
    index = solved([*OTHERS, "\n".join(SOLUTION)])
    lower = index._replace(thresholds={name: one / 3 for name, one in index.thresholds.items()})
    for count in range(2, 9):
        text = rows("\n".join(SOLUTION[:count]))
        found, more = (ngrams.matches(text, one).rows_by_key("part") for one in (index, lower))
        assert {part: more[part][0][4] for part in found} == {part: one[0][4] for part, one in found.items()}
