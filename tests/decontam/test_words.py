"""Words of a prompt in rows: forms, synonyms, order, and what says too little."""

from random import Random

import polars as pl
import pytest
from cost import cost
from hypothesis import given
from hypothesis import strategies as st

from decontam._words import bare_stems, frequencies, stems
from decontam.benchmarks import Item, load
from decontam.detectors import words

PROMPT = (
    "Count the lanterns of a harbour whose flames stay lit after every third gust, and list the ships below."
)
ITEM = Item("b", "lanterns", PROMPT, PROMPT, "", (), "count_lanterns")
INDEX = words.index(load("humaneval").items)


def rows(*instructions):
    return pl.DataFrame({"id": [str(n) for n in range(len(instructions))], "instruction": instructions})


def found(text, items=(ITEM,), **options):
    evidence = words.matches(rows(text), words.index(items, **options))
    return dict(evidence.select("item", "value").iter_rows())


@pytest.mark.parametrize(
    "other",
    ["hasCloseElements", "has_close_elements", "HAS CLOSE ELEMENTS", "has clo\u200bse ele\u00adments"],
)
def test_one_name_in_many_spellings(other):
    """Identifiers are split into their words, and what cannot be seen does not count."""
    assert bare_stems(other) == bare_stems("has close elements")


@pytest.mark.parametrize(
    ("one", "other"),
    [("three", "3"), ("maximum", "largest"), ("sorted lists", "sorting array"), ("entries", "entry")],
)
def test_words_for_the_same_thing(one, other):
    """Numbers, synonyms and endings make no difference."""
    assert bare_stems(one) == bare_stems(other)


@given(st.text())
def test_a_place_for_every_stem(text):
    """Stems come with their places, in order, and what stands there gives the same stem."""
    found = stems(text)
    assert [stem for stem, _, _ in found] == bare_stems(text)
    assert all(bare_stems(text[start:end]) == [stem] for stem, start, end in found)


def test_frequencies_are_shares():
    """The table that ships holds shares of all words, those of ordinary words above those of rare ones."""
    assert 0.9 < sum(frequencies().values()) < 1
    assert frequencies()[bare_stems("list")[0]] > 100 * frequencies()["*"] > 0


@pytest.mark.parametrize(
    "text",
    [
        PROMPT,
        "// Lists ships below, counts a harbour's lanterns. Every third gust, the flames stay lit.",
        "def lantern_count(harbour):\n    # flames stay lit after the third gust\n    ships_below = [...]",
        "x " * 2000 + PROMPT + " y" * 2000,
    ],
    ids=["verbatim", "reworded", "as code", "in a long row"],
)
def test_a_copy_in_other_words_is_found(text):
    """Synonyms, other order and other forms are found, wherever they stand."""
    assert set(found(text)) == {"lanterns"}


def test_the_same_words_far_apart_are_no_match():
    """Words that are scattered over a long row say nothing about it."""
    assert found((" filler" * 30).join(PROMPT.split())) == {}


def test_short_and_common_prompts_never_match():
    """What a few common words say is no item."""
    plain = ITEM._replace(prompt="Return the sum of two numbers", entry_point="add")
    assert found("Return the sum of two numbers", [plain]) == {}


def test_another_benchmark_changes_no_value():
    """Weights come from an item's own benchmark."""
    others = [ITEM._replace(benchmark="other", task_id=str(n)) for n in range(5)]
    assert found(PROMPT, [ITEM])["lanterns"] == found(PROMPT, [ITEM, *others])["lanterns"]


def direct(text, prompt):
    """The value of the best stretch, and its place, from each stretch on its own."""
    stemmed = stems(text)
    best = (0.0, 0, 0, 0)
    for last, (word, _, end) in enumerate(stemmed):
        if word in prompt.words:
            first = max(last - prompt.width + 1, 0)
            while stemmed[first][0] not in prompt.words:
                first += 1
            held = [stem for stem, *_ in stemmed[first : last + 1]]
            said = sum(prompt.words[one] for one in {*held} if one in prompt.words)
            near = {pair for pair in words._near(held) if pair in prompt.pairs}
            total = said + prompt.missing + min(sum(prompt.pairs[pair] for pair in near), said / 2)
            value = min(max(total / prompt.scale, 0.0), 1.0)
            best = max(best, (value, -last, stemmed[first][1], end), key=lambda one: one[0])
    return best[0], *best[2:]


@given(
    st.lists(st.sampled_from([*PROMPT.split(), "list", "value", "x", "zebra " * 20]), max_size=80).map(
        " ".join
    )
)
def test_the_best_stretch_is_the_best_of_all(text):
    """The value and place are those of each stretch looked at on its own, and no candidate is missed."""
    low = words.index([ITEM], threshold=0.2)
    wanted = direct(text, low.prompts[0])
    found = [*words.matches(rows(text), low).select("value", "start", "end").iter_rows()]
    assert found == ([wanted] if wanted[0] >= 0.2 else [])


def test_a_long_row_of_prompts_words_is_searched_in_time():
    """It takes 5 units, and 17 on a busy machine; word by word it would take 40."""
    every = [word for item in load("humaneval").items for word in item.prompt.split()]
    drawn = Random(0)
    hostile = " ".join(drawn.choice(every) for _ in range(80_000))
    assert min(cost(lambda: words.matches(rows(hostile), INDEX)) for _ in range(3)) < 30


def test_rows_do_not_depend_on_each_other():
    """A batch gives each row what it gets alone."""
    texts = [item.prompt for item in load("humaneval").items[:8]]
    alone = [row for text in texts for row in words.matches(rows(text), INDEX)["value"]]
    assert words.matches(rows(*texts), INDEX)["value"].to_list() == alone


@pytest.mark.parametrize("text", ["\x00\xff", "", "\u200b" * 500, "list " * 5000, "9" * 5000])
def test_any_text_is_searched(text):
    """No text fails."""
    assert words.matches(rows(text), INDEX).height == 0


@pytest.mark.parametrize(
    "text", [PROMPT, " ".join(i.prompt for i in load("humaneval").items[:10]), "a\u200b" * 500]
)
def test_four_times_the_text_costs_about_four_times_as_much(text):
    """Neither repetition nor many candidates multiply the time."""
    piece = f"{text} " * 10
    words.matches(rows(piece), INDEX)
    single = cost(lambda: words.matches(rows(piece), INDEX))
    assert min(cost(lambda: words.matches(rows(piece * 4), INDEX)) for _ in range(2)) < 10 * single + 60


def test_items_that_are_sought_are_found_as_if_all_were():
    """With items named by row, the evidence is that of these items among the evidence of all."""
    items = load("humaneval").items
    known = words.index(items, threshold=0.1)
    rows = pl.DataFrame(
        {"id": ["a", "b"], "text": ["\n".join(items[at].prompt for at in (0, 5, 100)), items[1].prompt]}
    )
    every = words.matches(rows, known)
    named = {"a": {(one.benchmark, one.task_id) for one in items[:60]}}
    wanted = every.filter((pl.col("row") == "a") & pl.col("item").is_in([item for _, item in named["a"]]))
    assert 1 < wanted.height < every.height
    assert words.matches(rows, known, named).equals(wanted)
