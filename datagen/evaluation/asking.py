"""How a model is asked for a benchmark's task, and the completion that its answer means.

* A chat model is told to complete the code in a fenced block, or is given the words and what checks them.
* A model that only continues text (`few-shot`) sees two examples, then the prompt as the beginning of its own
  answer.
* A trained model is asked in the format that it was trained in: the docstring between triple quotation marks,
  then the signature; what it writes behind the function is cut off.

Where such a model was stopped by its longest answer, what it began behind the function is cut off, too.
"""

from __future__ import annotations

import re

from datagen.answers import prompts
from datagen.evaluation import programs
from datagen.evaluation.programs import Begun
from datagen.request import Prompt, Reply
from datagen.teachers import Profile, Shape
from datagen.teachers.transformers_local import KIND as TRAINED
from decontam.benchmarks import Item
from train import format as training

#: Tokens of an answer that only goes on with a function.
MAX_TOKENS = 384
#: Tests that a task in words shows, for the function's name and arguments.
_SHOWN_TESTS = 3
#: What begins a statement behind the function, so that the model may stop there.
_BEHIND = tuple(
    f"\n{word}"
    for word in (
        "def ",
        "class ",
        "if ",
        "for ",
        "print(",
        "assert ",
        "import ",
        "from ",
        "#",
        "@",
        "```",
        '"""',
    )
)
#: The same for a whole program, which may import and define more than one function.
_BEHIND_PROGRAM = ("\nif __name__", "\nprint(", "\nassert ", "\n```", '\n"""')
#: A line at the margin: what closes a bracket may belong to the function yet.
_AT_MARGIN = re.compile(r"\n(?=[^\s)\]}])")


def prompt_for(item: Item, profile: Profile, shape: Shape) -> Prompt:
    """The prompt for a task.

    Args:
        item: the task.
        profile: who is asked.
        shape: the form in which prompts are made for it.
    """
    begun = programs.begun(item)
    whole = item.raw_prompt + item.solution if programs.begins_code(item) else item.solution
    if profile.kind == TRAINED.name and profile.prompt_style is None:
        return _trained(item, begun)
    if shape == "few-shot" and programs.begins_code(item):
        return _continued(item)
    task = {"instruction": _instruction(item), "entry_point": item.entry_point, "reference": None}
    return prompts.answer_prompt(task, shape)._replace(reference=whole if item.solution else None)


def completion(item: Item, prompt: Prompt, reply: Reply) -> str:
    """The completion that the reply to a prompt means."""
    whole = prompt.whole(reply)
    is_cut = prompt.text is not None or reply.finish_reason == "length"
    if not (prompt.prefix and is_cut and whole.startswith(prompt.prefix)):
        return programs.completion_of(item, whole)
    body = whole[len(prompt.prefix) :]
    behind = _AT_MARGIN.search(body)
    return programs.completion_of(item, prompt.prefix + (body[: behind.start()] if behind else body))


def _trained(item: Item, begun: Begun | None) -> Prompt:
    if begun is None:
        text = training.prompt(_instruction(item))
        return Prompt(text=text, stop=_BEHIND_PROGRAM, max_tokens=MAX_TOKENS)
    return Prompt(
        text=training.prompt(begun.instruction, begun.signature),
        prefix=begun.signature,
        stop=_BEHIND,
        max_tokens=MAX_TOKENS,
    )


def _continued(item: Item) -> Prompt:
    """The prompt as the beginning of the model's own answer; no blank end, after which tiny models stop."""
    task = {"instruction": item.prompt or item.raw_prompt, "entry_point": item.entry_point}
    prompt = prompts.answer_prompt(task, "few-shot")
    prefix = f"```python\n{item.raw_prompt.strip()}"
    return prompt._replace(
        messages=(*prompt.messages[:-1], ("assistant", prefix)), prefix=prefix, max_tokens=MAX_TOKENS
    )


def _instruction(item: Item) -> str:
    if programs.begins_code(item):
        asked = "Complete this Python function. Answer with all of it."
        return f"{asked}\n\n```python\n{item.raw_prompt.strip()}\n```"
    lines = [item.raw_prompt.strip()]
    if item.tests:
        shown = "\n".join(item.tests[:_SHOWN_TESTS])
        lines.append(f"Your code has to satisfy these tests:\n\n```python\n{shown}\n```")
    elif item.entry_point:
        lines.append(f"Call the function `{item.entry_point}`.")
    return "\n\n".join(lines)
