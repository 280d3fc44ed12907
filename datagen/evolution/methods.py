"""The ways of making a task harder, and the prompts that ask for it.

In-depth evolving only, as in PanGu-Coder2 (arXiv 2307.14936, section 3.3): the new task asks for a
function, stands alone and is about as long as the old one. Its paper lists no methods; these are the
five kinds of WizardCoder (arXiv 2306.08568). The words are ours.
"""

from __future__ import annotations

from typing import NamedTuple

from datagen.teachers import Prompt, Shape


class Method(NamedTuple):
    """One way of making a task harder.

    how: what a model that follows instructions is told to do.
    join: where a model that only continues text goes on behind the old task.
    example: such a continuation, shown to it first.
    """

    name: str
    how: str
    join: str
    example: str


METHODS: tuple[Method, ...] = (
    Method(
        "constraint",
        "add one or two requirements that a solution must also meet",
        ", with the extra rule that",
        "negative prices are skipped and a discount in percent is taken off the sum",
    ),
    Method(
        "specialise",
        "replace an everyday requirement by a rarer and more exact one",
        ", but the input is instead",
        "a list of pairs of a price in cents and a currency code, and there is a sum for each currency",
    ),
    Method(
        "reasoning",
        "ask for something that takes several steps of reasoning where now one is enough",
        ", and then also",
        "find the smallest group of prices that makes up at least half of the sum, largest first",
    ),
    Method(
        "misdirection",
        "show a plausible but wrong attempt in a few lines of code, and ask for a correct solution",
        "; a mistake that many make here is",
        "to begin the sum with the first price, which then counts twice and fails for an empty list",
    ),
    Method(
        "complexity",
        "demand a better running time or less memory than the obvious solution needs",
        ", as fast as possible:",
        "go through the prices once, keep no copy of the list, and stop as soon as the sum exceeds a limit",
    ),
)

#: Headings of the prompts; eliminate.py looks for them in what comes back.
OLD_HEADING, NEW_HEADING = "### Original exercise", "### Harder exercise"

_SYSTEM = "You set programming exercises for experienced developers."
_CHAT = """\
Make the exercise below somewhat harder. A good way for this one: {how}. You may also find another way.

What the harder exercise must be like:
- clear, reasonable, and solvable with code by a person who never saw the original;
- complete in itself: it does not mention or refer to the original;
- any table, code or input of the original is still in it;
- of about the same length as the original;
- solved by writing a single function.

Write the text of the harder exercise and nothing else: no heading, no solution, no remark on what changed.

{old}
{instruction}

{new}
"""

_EXAMPLE = "Write a function that adds up the prices in a list"
_TEMPERATURE = {"chat": 1.0, "few-shot": 0.7}
_MAX_TOKENS = {"chat": 1024, "few-shot": 96}


def evolve_prompt(instruction: str, method: Method, shape: Shape) -> Prompt:
    """The prompt that asks a teacher of `shape` to make `instruction` harder by `method`."""
    temperature, max_tokens = _TEMPERATURE[shape], _MAX_TOKENS[shape]
    if shape == "chat":
        text = _CHAT.format(how=method.how, old=OLD_HEADING, new=NEW_HEADING, instruction=instruction)
        messages = (("system", _SYSTEM), ("user", text))
        return Prompt(messages=messages, temperature=temperature, max_tokens=max_tokens)
    begun = _begun(instruction.rstrip()) + method.join
    shown = f"Task: {_EXAMPLE}.\nHarder task: {_EXAMPLE}{method.join} {method.example}.\n\n"
    return Prompt(
        text=f"{shown}Task: {instruction}\nHarder task: {begun}",
        prefix=begun,
        stop=("\n",),
        temperature=temperature,
        max_tokens=max_tokens,
    )


def _begun(instruction: str) -> str:
    """The old task, open at its end; behind several lines, often data, a new sentence."""
    return f"{instruction}\nDo this" if "\n" in instruction else instruction.rstrip(".:;,?! ")
