"""The prompts that ask a teacher to answer a task."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping

from datagen.teachers import Prompt, Shape

_SYSTEM = {
    "chat": "You are an expert programmer. Answer with one fenced code block that solves the task.",
    "few-shot": "You write short, correct Python functions. Answer with code only.",
}
_SHOTS = (
    (
        "Write a function `total(prices)` that adds up the prices in a list and skips negative ones.",
        "```python\ndef total(prices):\n    return sum(price for price in prices if price >= 0)\n```",
    ),
    (
        "Write a function `longest_words(text, n)` that returns a text's n longest words, longest first.",
        "```python\ndef longest_words(text, n):\n    words = text.split()\n"
        "    words.sort(key=len, reverse=True)\n    return words[:n]\n```",
    ),
)
_NAMED = re.compile(r"`([A-Za-z_]\w*)\(([^()`]*)\)`")


def answer_prompt(task: Mapping[str, object], shape: Shape) -> Prompt:
    """The prompt for one task.

    A tiny model is shown two examples and the beginning of its answer, up to the signature where the
    task gives one: so nine answers in ten parse, otherwise hardly one.
    """
    instruction = str(task["instruction"])
    reference = task.get("reference")
    prompt = Prompt(messages=(("system", _SYSTEM[shape]),), reference=str(reference) if reference else None)
    if shape == "chat":
        return prompt._replace(messages=(*prompt.messages, ("user", instruction)))
    shots = [turn for asked, told in _SHOTS for turn in (("user", asked), ("assistant", told))]
    begun = f"```python\n{_signature(task) or 'def'}"
    return prompt._replace(
        messages=(*prompt.messages, *shots, ("user", instruction), ("assistant", begun)),
        prefix=begun,
        suffix="\n```",
        stop=("```",),
        temperature=0.2,
        max_tokens=320,
    )


def _signature(task: Mapping[str, object]) -> str | None:
    """`def name(args):` as the task states it: in its text, else by its reference's first line."""
    entry_point, reference = task.get("entry_point"), task.get("reference")
    for name, arguments in _NAMED.findall(str(task["instruction"])):
        # What stands behind a name may be an example's values: `area(3, 4)`.
        if name == (entry_point or name) and _parsed(f"def {name}({arguments}): ..."):
            return f"def {name}({arguments}):"
    for node in _parsed(str(reference)) if entry_point and reference else []:
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            return f"def {node.name}({ast.unparse(node.args)}):"
    return None


def _parsed(code: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
