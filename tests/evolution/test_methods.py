"""The prompts that ask for a harder task."""

from __future__ import annotations

import pytest

from datagen.evolution.eliminate import Attempt, eliminated_by
from datagen.evolution.methods import METHODS, NEW_HEADING, OLD_HEADING, evolve_prompt
from datagen.teachers import Reply


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_chat_prompt(method):
    """A chat prompt names the method's way, and holds the task verbatim between its headings."""
    task = "Format {name} as %s\n\n\\d+ {0}"
    prompt = evolve_prompt(task, method, "chat")
    asked = prompt.messages[-1][1]
    assert [role for role, _ in prompt.messages] == ["system", "user"]
    assert method.how in asked
    assert asked.endswith(f"{OLD_HEADING}\n{task}\n\n{NEW_HEADING}\n")
    assert (prompt.text, prompt.prefix, prompt.stop) == (None, "", ())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_few_shot_prompt(method):
    """A tiny model is shown one example of the method and goes on behind the old task, for one line."""
    prompt = evolve_prompt("Reverse a string.", method, "few-shot")
    assert prompt.text.endswith(f"Task: Reverse a string.\nHarder task: Reverse a string{method.join}")
    assert method.example in prompt.text
    assert (prompt.messages, prompt.stop) == ((), ("\n",))
    whole = prompt.whole(Reply(" the vowels stay where they are.", "stop", "m", 1, 1))
    assert whole == f"Reverse a string{method.join} the vowels stay where they are."


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
    begun = f"{parent}{method.join}"
    assert eliminated_by(Attempt(parent, f"{begun} {method.example}", "stop")) == []


def test_methods_are_named_apart():
    """No two methods share a name, a way or an example."""
    for values in zip(*METHODS, strict=True):
        assert len(set(values)) == len(METHODS)
    assert len({method.name for method in METHODS}) == len(METHODS)
