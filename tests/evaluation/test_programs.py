"""What program a sample makes, and how it is tested."""

from __future__ import annotations

import pytest

from datagen.evaluation import programs
from datagen.evaluation.programs import Checks
from decontam.benchmarks import Item, load

PROMPT = 'import math\n\n\ndef area(r):\n    """Return the area.\n\n    >>> area(0)\n    0.0\n    """\n'
CHECK = "def check(candidate):\n    assert candidate(0) == 0\n"
CODE = Item("toy", "T/0", "Return the area.", PROMPT, "    return math.pi * r * r\n", (CHECK,), "area")
WORDS = Item("toy", "1", "Add.", "Write a function to add.", "", ("assert add(1, 2) == 3",), "add")
WHOLE = "import math\ndef area(r):\n    return math.pi * r ** 2"


def result(program: str, tests: Checks) -> str:
    """What the program and its tests come to, trusted as they are here: "passed" or the error's name."""
    names: dict[str, object] = {}
    try:
        exec("\n".join([program, tests.setup, *tests.tests]), names)
    except Exception as error:
        return type(error).__name__
    return "passed"


def test_a_sample_goes_on_with_the_prompt_as_it_is() -> None:
    """For a prompt that is code the program is prompt + completion, and nothing is cut from it."""
    completion = "    return 1\n\nassert area(0) == 1\nprint('x')"
    assert programs.program(CODE, completion) == PROMPT + completion


def test_a_sample_of_a_task_in_words_is_the_whole_program() -> None:
    """Words are no part of a program."""
    assert programs.program(WORDS, "def add(a, b): ...") == "def add(a, b): ..."


@pytest.mark.parametrize(
    ("prompt", "is_code"),
    [
        (PROMPT, True),
        ("def f(x):\n", True),
        ("def f(x):", True),
        ("class A:\n    def f(self):\n", True),
        ("Write a function.", False),
        ("Sort", False),
        ("x = 1", False),
        ("", False),
    ],
)
def test_prompts_that_begin_a_function_are_code(prompt: str, is_code: bool) -> None:
    """With or without a docstring; a single word is none."""
    assert programs.begins_code(CODE._replace(raw_prompt=prompt)) is is_code


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        f"Here you are:\n```python\n{WHOLE}\n```\nIt works.",
        f"```python\n{PROMPT}    return math.pi * r ** 2\n```",
        f"```python\n{WHOLE}\n\nprint(area(input()))\n```",
        "    return math.pi * r ** 2",
        "```python\n    return math.pi * r ** 2\n```",
        "<think>maybe r*r</think>\n```python\ndef area(r):\n    return math.pi * r ** 2\n```",
    ],
)
def test_what_a_model_answers_becomes_a_completion(answer: str) -> None:
    """Whole functions, fenced or not, with the prompt or without, and bodies alone work."""
    program = programs.program(CODE, programs.completion_of(CODE, answer))
    assert program.startswith(PROMPT)
    assert result(program, programs.checks_of(CODE)) == "passed"


def test_an_answer_without_code_makes_a_program_that_does_not_compile() -> None:
    """It counts as a sample that fails."""
    program = programs.program(CODE, programs.completion_of(CODE, "I am sorry, I cannot do that."))
    assert result(program, programs.checks_of(CODE)) == "SyntaxError"


def test_check_is_called_with_the_function() -> None:
    """HumanEval's tests define `check`; imports of the prompt are there for them."""
    assert programs.checks_of(CODE) == Checks(f"import math\n{CHECK}", ("check(area)",))


def test_other_tests_run_as_they_are() -> None:
    """Asserts stay single tests; a `check` that is called already is not called again."""
    assert programs.checks_of(WORDS) == Checks("", ("assert add(1, 2) == 3",))
    called = CODE._replace(tests=(f"{CHECK}check(area)",))
    assert programs.checks_of(called).tests == called.tests


def test_the_prompt_is_taken_apart() -> None:
    """The docstring without its margin, and all before it."""
    begun = programs.begun(CODE)
    assert begun is not None
    assert begun.instruction == "Return the area.\n\n>>> area(0)\n0.0"
    assert begun.signature == "import math\n\n\ndef area(r):"
    assert programs.begun(WORDS) is None


def test_all_of_humaneval_is_code_with_a_docstring() -> None:
    """Each task has its parts, and the reference solution makes a program that compiles in both ways."""
    for item in load("humaneval").items:
        begun = programs.begun(item)
        assert begun is not None, item.task_id
        assert begun.instruction, item.task_id
        assert f"def {item.entry_point}(" in begun.signature, item.task_id
        assert programs.program(item, item.solution) == item.raw_prompt + item.solution
        fenced = f"```python\n{item.raw_prompt}{item.solution}```"
        compile(programs.program(item, programs.completion_of(item, fenced)), item.task_id, "exec")
        assert programs.checks_of(item).tests == (f"check({item.entry_point})",)
