"""The prompts that ask for a harder task."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.errors import UsageError
from datagen.evolution import methods
from datagen.evolution.eliminate import Attempt, eliminated_by
from datagen.evolution.methods import (
    BREADTH_HEADING,
    IN_DEPTH,
    METHODS,
    NEW_HEADING,
    OLD_HEADING,
    draw_method,
    evolve_prompt,
    parse_weights,
    prompt_hash,
)
from datagen.request import Reply


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_chat_prompt(method):
    """A chat prompt names the method's way, and holds the task verbatim between its headings."""
    task = "Format {name} as %s\n\n\\d+ {0}"
    prompt = evolve_prompt(task, method, "chat")
    asked = prompt.messages[-1][1]
    assert [role for role, _ in prompt.messages] == ["system", "user"]
    assert method.how in asked
    heading = BREADTH_HEADING if method.in_breadth else NEW_HEADING
    assert asked.endswith(f"{OLD_HEADING}\n{task}\n\n{heading}\n")
    assert (prompt.text, prompt.prefix, prompt.stop) == (None, "", ())


@pytest.mark.parametrize("method", IN_DEPTH, ids=lambda method: method.name)
def test_few_shot_prompt(method):
    """A tiny model is shown one example of the method and goes on behind the old task, for one line."""
    prompt = evolve_prompt("Reverse a string.", method, "few-shot")
    assert prompt.text.endswith(f"Task: Reverse a string.\nHarder task: Reverse a string{method.join}")
    assert method.example in prompt.text
    assert (prompt.messages, prompt.stop) == ((), ("\n",))
    whole = prompt.whole(Reply(" the vowels stay where they are.", "stop", "m", 1, 1))
    assert whole == f"Reverse a string{method.join} the vowels stay where they are."


def test_few_shot_prompt_in_breadth():
    """In breadth the old task is shown, and the new one begins afresh."""
    breadth = METHODS[-1]
    for task in ("Reverse a string.", "Sort the list.\n[3, 1, 2]"):
        prompt = evolve_prompt(task, breadth, "few-shot")
        assert f"Task: {task}\n" in prompt.text
        assert breadth.example in prompt.text
        whole = prompt.whole(Reply(" merges two maps.", "stop", "m", 1, 1))
        assert whole == "Write a function that merges two maps."


@pytest.mark.parametrize("ending", ["", ".", "?", ":", " . "])
def test_few_shot_task_is_left_open(ending):
    """Whatever a task ends with, its continuation reads as one sentence."""
    prompt = evolve_prompt(f"Reverse a string{ending}", METHODS[0], "few-shot")
    assert prompt.prefix.startswith("Reverse a string, with the extra rule")


def test_few_shot_task_of_several_lines():
    """A task that ends with its data is not continued inside the data."""
    prompt = evolve_prompt("Sort the list.\n[3, 1, 2]", METHODS[0], "few-shot")
    assert prompt.prefix.startswith("Sort the list.\n[3, 1, 2]\n")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_examples_are_good_evolutions(method):
    """What the models are shown is itself a harder task by our own rules."""
    parent = "Write a function that adds up the prices in a list"
    begun = method.join if method.in_breadth else f"{parent}{method.join}"
    attempt = Attempt(parent, f"{begun} {method.example}", "stop", in_breadth=method.in_breadth)
    assert eliminated_by(attempt) == []


def test_methods_are_named_apart():
    """No two methods share a name, a way or an example; five are in depth, and breadth is not a default."""
    for values in list(zip(*METHODS, strict=True))[:4]:
        assert len(set(values)) == len(METHODS)
    assert [method.name for method in METHODS] == [*(method.name for method in IN_DEPTH), "breadth"]
    assert [method.in_breadth for method in METHODS] == [False] * 5 + [True]


#: The prompts of 0.1; journals hold their answers. A change of wording is paid for again, so mean it.
HASHES = {
    "constraint": ("7eafda2fa32d", "fadf49faf2d5"),
    "specialise": ("14f6c7c9cdfa", "1ce48a3f4bea"),
    "reasoning": ("e8c8a62f5ad0", "41c39c40b515"),
    "misdirection": ("db76130327db", "af015c060c8b"),
    "complexity": ("fa298f12a1e5", "bfa89631775a"),
}


@pytest.mark.parametrize("method", IN_DEPTH, ids=lambda method: method.name)
def test_wording_is_what_journals_know(method):
    """The prompts of the first version are unchanged."""
    assert (prompt_hash(method, "chat"), prompt_hash(method, "few-shot")) == HASHES[method.name]


@pytest.mark.parametrize("shape", ["chat", "few-shot"])
def test_prompt_hash_tells_wordings_apart(shape, monkeypatch):
    """Each method has its own hash, and everything that reaches a model changes it."""
    fresh = prompt_hash.__wrapped__
    hashes = {fresh(method, shape) for method in METHODS}
    assert len(hashes) == len(METHODS)
    assert all(len(found) == 12 and set(found) <= set("0123456789abcdef") for found in hashes)
    changed = {"chat": "how", "few-shot": "example"}[shape]
    hashes.add(fresh(METHODS[0]._replace(**{changed: "another"}), shape))
    for name in ("_TEMPERATURE", "_MAX_TOKENS"):
        with monkeypatch.context() as patch:
            patch.setitem(getattr(methods, name), shape, 7)
            hashes.add(fresh(METHODS[0], shape))
    monkeypatch.setattr(methods, "_SYSTEM" if shape == "chat" else "_EXAMPLE", "Another")
    hashes.add(fresh(METHODS[0], shape))
    assert len(hashes) == len(METHODS) + 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], dict.fromkeys(("constraint", "specialise", "reasoning", "misdirection", "complexity"), 1.0)),
        (["constraint=2", "breadth"], {"constraint": 2.0, "breadth": 1.0}),
        (["constraint=2,breadth"], {"constraint": 2.0, "breadth": 1.0}),
        ([" reasoning = .5 , breadth"], {"reasoning": 0.5, "breadth": 1.0}),
        (["breadth=1e300"], {"breadth": 1e300}),
    ],
)
def test_weights(words, expected):
    """Names, with or without a weight, apart or behind commas; none means the methods in depth."""
    assert parse_weights(words) == expected


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bredth"], "unknown method bredth: did you mean breadth?"),
        (["=2"], "unknown method (empty): allowed: constraint,"),
        (["breadth,"], "unknown method (empty)"),
        ([""], "unknown method (empty)"),
        (["a\nb"], "unknown method a b:"),
        (["breadth", "breadth=2"], "breadth is given twice"),
        *(
            ([f"breadth={weight}"], "number above 0")
            for weight in ("", "0", "-1", "nan", "inf", "1e999", "x", "1=2")
        ),
    ],
)
def test_wrong_weights(words, says):
    """A mistake is told in one line that names it."""
    with pytest.raises(UsageError) as error:
        parse_weights(words)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@given(st.integers())
def test_default_draw_is_the_old_one(seed):
    """Without weights the draw, and all that is drawn after it, is what it was before there were weights."""
    draw, old = random.Random(seed), random.Random(seed)
    assert draw_method(draw, parse_weights([])) == old.choice(IN_DEPTH)
    assert draw.random() == old.random()


_WEIGHTS = st.dictionaries(
    st.sampled_from([method.name for method in METHODS]),
    st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    min_size=1,
)


@given(st.integers(), _WEIGHTS, st.randoms(use_true_random=False))
def test_draw_does_not_depend_on_order(seed, weights, shuffler):
    """The same seed and weights draw the same method, in whatever order the weights are given."""
    items = list(weights.items())
    shuffler.shuffle(items)
    drawn = draw_method(random.Random(seed), weights)
    assert drawn == draw_method(random.Random(seed), dict(items))
    assert drawn.name in weights


def test_weights_are_respected():
    """A method of weight three is drawn three times as often."""
    draw, weights = random.Random(0), parse_weights(["complexity=3", "breadth"])
    drawn = Counter(draw_method(draw, weights).name for _ in range(4000))
    assert drawn.keys() == weights.keys()
    assert 2900 < drawn["complexity"] < 3100
