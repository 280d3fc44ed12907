"""Answers that were made to cost time."""

import pytest
from cost import cost

from datagen.answers.code import extract_code
from datagen.answers.prompts import answer_prompt
from datagen.answers.syntax import global_names
from datagen.answers.trim import parsed

MARKS = "\N{COMBINING GRAVE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}\N{COMBINING HORN}"


@pytest.mark.parametrize("text", [f"a{MARKS * 20_000} = 1", f"from {'a.' * 30_000}b import c"])
def test_an_endless_name_is_not_parsed(text):
    """Python's parser hears no Ctrl-C during the seconds that it would take."""
    assert parsed(text) is None
    assert cost(lambda: (parsed(text), global_names(text, {"a"}), extract_code(text))) < 20


def test_a_block_is_joined_with_what_is_near_it():
    """Thousands of blocks that need each other cost no more for each than a few do."""

    def answer(blocks):
        return "".join(f"```python\ndef f{n}():\n    return f{n + 1}()\n```\n" for n in range(blocks))

    few = cost(lambda: extract_code(answer(1200)))
    assert min(cost(lambda: extract_code(answer(4800))) for _ in range(3)) < 10 * few + 60


def test_a_reference_of_hundreds_of_operators_gives_no_signature():
    """`ast.unparse` gives up on it; the prompt goes without."""
    reference = f"def f(x={' + '.join(['1'] * 500)}):\n    return x\n"
    task = {"instruction": "Do it.", "entry_point": "f", "reference": reference}
    assert answer_prompt(task, "few-shot").messages[-1][1].endswith("def")
