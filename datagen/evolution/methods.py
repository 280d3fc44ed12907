"""The ways of evolving a task, and the prompts that ask for it.

In-depth evolving makes a task harder, as in PanGu-Coder2 (arXiv 2307.14936, section 3.3): the new task asks
for a function, stands alone and is about as long as the old one. Its paper lists no methods; these are the
five kinds of WizardCoder (arXiv 2306.08568). In-breadth evolving, which WizardLM (arXiv 2304.12244) has
besides and the other two left out, sets another task of the same field. The words are ours.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from datagen import canonical
from datagen.errors import UsageError, nearest, one_line
from datagen.request import Prompt, Shape


class Method(NamedTuple):
    """One way of evolving a task.

    Args:
        how: what a model that follows instructions is told to do.
        join: where a model that only continues text goes on: behind the old task, or in a task of its own.
        example: such a continuation, shown to it first.
        in_breadth: whether the new task takes the old one's place in its field, instead of making it harder.
    """

    name: str
    how: str
    join: str
    example: str
    in_breadth: bool = False


#: What is drawn from unless weights say otherwise.
IN_DEPTH: tuple[Method, ...] = (
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

_BREADTH = Method(
    "breadth",
    "set a wholly new exercise of the same field, on something that is asked for less often",
    "Write a function that",
    "finds the two vouchers that together come closest to a bill without exceeding it",
    in_breadth=True,
)

#: All methods; a draw goes through them in this order.
METHODS: tuple[Method, ...] = (*IN_DEPTH, _BREADTH)
_BY_NAME = {method.name: method for method in METHODS}

#: Headings of the prompts; eliminate.py looks for them in what comes back.
OLD_HEADING, NEW_HEADING, BREADTH_HEADING = "### Original exercise", "### Harder exercise", "### New exercise"

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

_BREADTH_CHAT = """\
Look at the exercise below only to see which field it belongs to, then {how}. Do not make it harder or vary \
it: who solved the original has not yet solved yours.

What the new exercise must be like:
- about as difficult and about as long as the original;
- clear, reasonable, and solvable with code by a person who never saw the original;
- complete in itself: it does not mention or refer to the original, and holds all data that it speaks of;
- solved by writing a single function.

Write the text of the new exercise and nothing else: no heading, no solution, no remark on your choice.

{old}
{instruction}

{new}
"""

_EXAMPLE = "Write a function that adds up the prices in a list"
_TEMPERATURE = {"chat": 1.0, "few-shot": 0.7}
_MAX_TOKENS = {"chat": 1024, "few-shot": 96}


def evolve_prompt(instruction: str, method: Method, shape: Shape) -> Prompt:
    """The prompt that asks a teacher of `shape` to evolve `instruction` by `method`."""
    temperature, max_tokens = _TEMPERATURE[shape], _MAX_TOKENS[shape]
    if shape == "chat":
        template, new = (_BREADTH_CHAT, BREADTH_HEADING) if method.in_breadth else (_CHAT, NEW_HEADING)
        text = template.format(how=method.how, old=OLD_HEADING, new=new, instruction=instruction)
        messages = (("system", _SYSTEM), ("user", text))
        return Prompt(messages=messages, temperature=temperature, max_tokens=max_tokens)
    label = "Another task of its field" if method.in_breadth else "Harder task"
    shown = f"Task: {_EXAMPLE}.\n{label}: {_begun(_EXAMPLE, method)} {method.example}.\n\n"
    begun = _begun(instruction, method)
    return Prompt(
        text=f"{shown}Task: {instruction}\n{label}: {begun}",
        prefix=begun,
        stop=("\n",),
        temperature=temperature,
        max_tokens=max_tokens,
    )


def _begun(instruction: str, method: Method) -> str:
    """The new task as far as the prompt writes it.

    In depth this is the old task, open at its end; behind several lines, often data, a new sentence.
    """
    if method.in_breadth:
        return method.join
    old = instruction.rstrip()
    return (f"{old}\nDo this" if "\n" in old else old.rstrip(".:;,?! ")) + method.join


@cache
def prompt_hash(method: Method, shape: Shape) -> str:
    """Twelve hex digits that name the wording of the prompt, whatever the task; they stand on every row.

    Everything that reaches a model is in it, so that rows of different wordings can be told apart.
    """
    # Tasks of several lines are continued in other words.
    prompts = [evolve_prompt(task, method, shape) for task in ("{task}", "{task}\n{data}")]
    sent = [[p.messages, p.text, p.stop, p.temperature, p.max_tokens] for p in prompts]
    return canonical.sha256(canonical.dumps(sent))[:12]


def parse_weights(words: Sequence[str]) -> dict[str, float]:
    """How often each method is drawn, relative to the others, from words such as `constraint=2,breadth`.

    A name alone weighs 1, a method that is not named is not drawn; no words mean the in-depth methods.
    Raises UsageError.

    >>> parse_weights(["constraint=2", "breadth"])
    {'constraint': 2.0, 'breadth': 1.0}
    """
    weights: dict[str, float] = {}
    for part in ",".join(words).split(",") if words else [method.name for method in IN_DEPTH]:
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if name not in _BY_NAME:
            raise UsageError(f"unknown method {one_line(name, 40) or '(empty)'}: {nearest(name, _BY_NAME)}")
        if name in weights:
            raise UsageError(f"method {name} is given twice; give it once, as {name} or {name}=WEIGHT")
        weights[name] = _weight(name, number) if equals else 1.0
    return weights


def _weight(name: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        given = one_line(number, 40) or "nothing"
        raise UsageError(f"method {name}: its weight should be a number above 0, such as 2, not {given}")
    return weight


def draw_method(draw: random.Random, weights: Mapping[str, float]) -> Method:
    """One of the methods that `weights` names, by their weights; see `parse_weights`.

    Equal weights take one step of `draw.choice`, the draw of the versions that had no weights.
    """
    methods = [method for method in METHODS if method.name in weights]
    heaviest = max(weights.values())
    # Divided, because the sum of finite weights may not be finite.
    shares = [weights[method.name] / heaviest for method in methods]
    return draw.choice(methods) if min(shares) == 1 else draw.choices(methods, shares)[0]
