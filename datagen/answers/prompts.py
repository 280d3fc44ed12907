"""The prompts that ask a teacher to answer a task, and to write tests for one."""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from datagen import canonical
from datagen.answers.trim import parsed
from datagen.request import Prompt, Shape

_SYSTEM = {
    "chat": "You are an expert programmer. Answer with one fenced code block that solves the task.",
    "few-shot": "You write short, correct Python functions. Answer with code only.",
}
_TESTS_SYSTEM = {
    "chat": "You check other people's Python functions. You write tests from a task's description alone.",
    "few-shot": "You write assert statements that check a Python function. Answer with code only.",
}
_TESTS_WANTED = """\
Below is a programming task. Leave it unsolved and write tests for its solutions instead: eight to twelve \
Python assert statements that every correct solution satisfies.

- Each stands on one line of its own, like `assert {call} == expected`, with literal values on both sides.
- {name}
- Begin with ordinary cases. Then take the edges that the text speaks of: empty, single, smallest, largest, \
repeated or invalid values, and ties.
- Work out every expected value by hand from the text. Leave out what the text does not decide.
- Compare floating-point results by `math.isclose`.
- No imports, variables, loops, test functions or comments.

Answer with one fenced Python block.

Task:

{instruction}"""
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
_TESTS_SHOTS = (
    (
        _SHOTS[0][0],
        "```python\nassert total([3, 4, 5]) == 12\nassert total([3, -4, 5]) == 8\nassert total([-1]) == 0\n"
        "assert total([7]) == 7\nassert total([]) == 0\n```",
    ),
    (
        _SHOTS[1][0],
        '```python\nassert longest_words("a tiny garden", 1) == ["garden"]\n'
        'assert longest_words("a tiny garden", 2) == ["garden", "tiny"]\n'
        'assert longest_words("oak", 3) == ["oak"]\nassert longest_words("oak elm", 0) == []\n'
        'assert longest_words("", 2) == []\n```',
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
    return _few_shot(prompt, _SHOTS, instruction, f"```python\n{_signature(task) or 'def'}")


def tests_prompt(task: Mapping[str, object], shape: Shape) -> Prompt:
    """The prompt for tests of one task, written from its text alone: `sampled_tests` reads the answer.

    It never holds a solution, so a test cannot repeat a solution's mistakes. Where neither `entry_point` nor
    a signature in backticks names the function, the model is to take the name that the text uses.
    """
    instruction, name = str(task["instruction"]), wanted_function(task)
    prompt = Prompt(messages=(("system", _TESTS_SYSTEM[shape]),))
    if shape == "few-shot":
        begun = f"```python\nassert {name}(" if name else "```python\nassert"
        return _few_shot(prompt, _TESTS_SHOTS, instruction, begun)
    told = (
        f"Call the function `{name}`."
        if name
        else "Call the function by the very name that the task gives it."
    )
    asked = _TESTS_WANTED.format(call=f"{name or 'name'}(...)", name=told, instruction=instruction)
    return prompt._replace(messages=(*prompt.messages, ("user", asked)))


def answer_prompt_hash(shape: Shape) -> str:
    """12 hex digits that change with the wording and settings of `answer_prompt`, not with the task."""
    return _prompt_hash(answer_prompt, shape)


def tests_prompt_hash(shape: Shape) -> str:
    """12 hex digits that change with the wording and settings of `tests_prompt`, not with the task."""
    return _prompt_hash(tests_prompt, shape)


def wanted_function(task: Mapping[str, object]) -> str | None:
    """The function that a task asks for: its `entry_point`, else the first signature in its text."""
    if task.get("entry_point"):
        return str(task["entry_point"])
    return next((name for name, _ in _signatures(task) if name not in dir(builtins)), None)


def _few_shot(prompt: Prompt, shots: Sequence[tuple[str, str]], instruction: str, begun: str) -> Prompt:
    turns = [turn for asked, told in shots for turn in (("user", asked), ("assistant", told))]
    return prompt._replace(
        messages=(*prompt.messages, *turns, ("user", instruction), ("assistant", begun)),
        prefix=begun,
        suffix="\n```",
        stop=("```",),
        temperature=0.2,
        max_tokens=320,
    )


def _prompt_hash(make: Callable[[Mapping[str, object], Shape], Prompt], shape: Shape) -> str:
    """A digest of the prompts for two made-up tasks, one with a name and one without: every branch shows."""
    prompts = [
        make(task, shape) for task in ({"instruction": ""}, {"instruction": "`f(x)`", "entry_point": "f"})
    ]
    parts = [(p.messages, p.prefix, p.suffix, p.stop, p.temperature, p.max_tokens) for p in prompts]
    return canonical.sha256(canonical.dumps(parts))[:12]


def _signature(task: Mapping[str, object]) -> str | None:
    """`def name(args):` as the task states it: in its text, else by its reference's first line."""
    entry_point, reference = task.get("entry_point"), task.get("reference")
    for name, arguments in _signatures(task):
        if name == (entry_point or name):
            return f"def {name}({arguments}):"
    tree = parsed(str(reference)) if entry_point and reference else None
    for node in tree.body if tree else []:
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            with contextlib.suppress(RecursionError):  # a default of hundreds of operators
                return f"def {node.name}({ast.unparse(node.args)}):"
    return None


def _signatures(task: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The names and parameters of the functions in a task's text."""
    for name, arguments in _NAMED.findall(str(task["instruction"])):
        # What stands behind a name may be an example's values: `area(3, 4)`.
        if parsed(f"def {name}({arguments}): ..."):
            yield name, arguments
