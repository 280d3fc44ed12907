"""Prompts for answers and for tests, their hashes, and the tests that an answer holds."""

from __future__ import annotations

import ast

import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen import canonical

# The names begin with `test`: imported one by one, pytest would run them.
from datagen.answers import prompts
from datagen.ranking.sampled import sampled_tests

TASK = {"instruction": "Write `add(a, b)`.", "entry_point": "add", "reference": "def add(a, b): return a + b"}
UNNAMED = {"instruction": "Write a function that adds two numbers: {a} and {b}."}
ONE, TWO = "assert add(1, 2) == 3", "assert add(0, 0) == 0"


def parse(response, entry_point="add"):
    return sampled_tests(response, entry_point)


@pytest.mark.parametrize(
    ("task", "shape", "digest"),
    [
        (TASK, "chat", "80832fa115fe"),
        (TASK, "few-shot", "17a03aa75702"),
        (UNNAMED, "chat", "b6888bfbed2c"),
        (UNNAMED, "few-shot", "c33cb627c0a9"),
    ],
    ids=repr,
)
def test_prompts_for_answers_stay_as_they_are(task, shape, digest):
    """Journals hold the answers to these very prompts: another wording would ask for all of them again."""
    prompt = prompts.answer_prompt(task, shape)
    asked = [
        prompt.messages,
        prompt.prefix,
        prompt.suffix,
        prompt.stop,
        prompt.temperature,
        prompt.max_tokens,
    ]
    assert canonical.sha256(canonical.dumps(asked))[:12] == digest


@pytest.mark.parametrize("shape", ["chat", "few-shot"])
@pytest.mark.parametrize("name", ["answer_prompt", "tests_prompt"])
def test_hash_is_of_the_wording_not_of_the_task(name, shape, monkeypatch):
    """Twelve hex digits, another one for every wording, shape and kind of prompt."""
    digest = getattr(prompts, f"{name}_hash")
    before = digest(shape)
    assert len(before) == 12
    assert int(before, 16) >= 0
    assert digest(shape) == before
    assert digest("chat") != digest("few-shot")
    assert prompts.answer_prompt_hash(shape) != prompts.tests_prompt_hash(shape)
    texts = "_SYSTEM" if name == "answer_prompt" else "_TESTS_SYSTEM"
    monkeypatch.setattr(prompts, texts, {"chat": "Hello.", "few-shot": "Hello."})
    assert digest(shape) != before


def test_hash_changes_with_examples_and_wording(monkeypatch):
    """Every part of a template counts."""
    before = prompts.tests_prompt_hash("few-shot"), prompts.tests_prompt_hash("chat")
    monkeypatch.setattr(prompts, "_TESTS_SHOTS", prompts._TESTS_SHOTS[:1])
    monkeypatch.setattr(prompts, "_TESTS_WANTED", prompts._TESTS_WANTED + " Thanks.")
    assert prompts.tests_prompt_hash("few-shot") != before[0]
    assert prompts.tests_prompt_hash("chat") != before[1]


def test_chat_is_asked_for_asserts_of_the_named_function():
    """The task, the function's name, and no solution."""
    prompt = prompts.tests_prompt(TASK, "chat")
    assert "Write `add(a, b)`." in prompt.messages[-1][1]
    assert "assert add(...) ==" in prompt.messages[-1][1]
    assert prompt.reference is None
    assert "return a + b" not in str(prompt)


def test_without_a_name_the_model_takes_the_texts_own():
    """No name is made up where the task gives none; braces of the task are its own."""
    asked = prompts.tests_prompt(UNNAMED, "chat").messages[-1][1]
    assert UNNAMED["instruction"] in asked
    assert "name that the task gives" in asked
    assert prompts.tests_prompt(UNNAMED, "few-shot").prefix == "```python\nassert"


def test_tiny_model_continues_an_assert():
    """Two examples, and the first test begun; its whole answer is read back as tests."""
    prompt = prompts.tests_prompt(TASK, "few-shot")
    assert prompt.messages[-1] == ("assistant", "```python\nassert add(")
    assert prompt.prefix == "```python\nassert add("
    assert [role for role, _ in prompt.messages].count("assistant") == 3
    assert parse(f"{prompt.prefix}1, 2) == 3\n{TWO}{prompt.suffix}") == [ONE, TWO]


@pytest.mark.parametrize(("asked", "told"), prompts._TESTS_SHOTS, ids=["total", "longest_words"])
def test_example_tests_hold(asked, told):
    """The examples that a tiny model sees are true of the solutions that it sees elsewhere."""
    tests = parse(told, None)
    assert len(tests) == 5
    known: dict[str, object] = {}
    solution = dict(prompts._SHOTS)[asked]
    exec("\n".join([*solution.split("\n")[1:-1], *tests]), known)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        (TASK, "add"),
        ({"instruction": "Write `add(a, b)`, not `sub(a, b)`."}, "add"),
        ({"instruction": "Like `area(3, 4)`: `width(box)`."}, "width"),
        ({"instruction": "Use `len(items)` in `count(items)`."}, "count"),
        (UNNAMED, None),
    ],
    ids=repr,
)
def test_wanted_function(task, name):
    """The entry point, else the first signature in the task's text that is no builtin's."""
    assert prompts.wanted_function(task) == name


@pytest.mark.parametrize(
    "response",
    [
        f"{ONE}\n{TWO}",
        f"```python\n{ONE}\n{TWO}\n```",
        f"Here:\n```python\n{ONE}\n```\nand\n```\n{TWO}\n```\n",
        f"<think>{ONE.replace('3', '4')}</think>\n```python\n{ONE}\n{TWO}\n```",
        f"```python\n{ONE}  # three\n\n{TWO}; x = 1\n{ONE}\nassert add(1,2)==3\n```".replace("\n", "\r\n"),
        f"```python\n{ONE}\n{TWO}\nassert add(1, 3) ==",
        f"Tests:\n\n- `{ONE}`\n2. {TWO}\n",
        f"def test_add():\n    {ONE}\n\nclass TestMore:\n    def test_it(self):\n        {TWO}",
        f"if __name__ == '__main__':\n    {ONE}\n    {TWO}",
        f"{ONE}\nassert True\nassert (add(1, 1) == 3, 'no')\nassert add(1, 2) == add(1, 2)\n{TWO}",
        f"{ONE}\nassert add(...) == 3\nassert add(int(input()), 1)\nassert add\nassert sub(1, 2)\n{TWO}",
        f"{ONE}\nassert add(1, 1) or True\nassert 3\nassert [add(1, 2)]\nassert lambda: add(2, 2)\n{TWO}",
        f"{ONE}\nassert add(1, 2) == 3, 'wrong'\n{TWO}",
    ],
    ids=repr,
)
def test_plain_asserts_are_read(response):
    """Asserts that stand by themselves are taken, in order and once, from whatever they stand in."""
    assert parse(response) == [ONE, TWO]


@pytest.mark.parametrize(
    ("response", "tests"),
    [
        ("assert add( 1,2 ) == 3, 'é'", ["assert add( 1,2 ) == 3, 'é'"]),
        ("assert 'é' != add(1, 2); assert add(2, 2)", ["assert 'é' != add(1, 2)", "assert add(2, 2)"]),
        ("assert add(\n    1,\n    2,\n) == 3", [ONE]),
        ("assert not add(1, -1)", ["assert not add(1, -1)"]),
        ("assert all(add(n, 1) > n for n in range(9))", ["assert all(add(n, 1) > n for n in range(9))"]),
        ("assert sorted(map(lambda x: add(x, 1), [2])) == [3]",) * 2,
        ("assert math.isclose(add(.1, .2), .3)",) * 2,
        ("assert add('''a\n''', '') == 'a'", ["assert add('a\\n', '') == 'a'"]),
        ("def check(candidate):\n    assert candidate(1, 2) == 3\n\ncheck(add)", [ONE]),
        ("def check(f):\n    assert f(1, 2) == 3\n", [ONE]),
        ("def test_it(fixture):\n    assert add(fixture, 2) == 3\n", []),
        ("I cannot do that.", []),
        ("", []),
        (None, []),
    ],
    ids=repr,
)
def test_tests_are_one_line_each(response, tests):
    """A test on one line stays as it is written; others are written anew, with the function's own name."""
    assert parse(response) == ([tests] if isinstance(tests, str) else tests)


@pytest.mark.parametrize(
    ("response", "tests"),
    [
        (f"{ONE}\nassert sub(1, 2) == 3\n{TWO}", [ONE, TWO]),
        ("def check(candidate):\n    assert candidate(1, 2) == 3\n\ncheck(add)", [ONE]),
        ("def check(candidate):\n    assert candidate(1, 2) == 3\n", []),
        ("assert len([1]) == 1", []),
    ],
    ids=repr,
)
def test_without_a_name_the_asserts_tell_it(response, tests):
    """The function that most asserts call is the one under test."""
    assert parse(response, None) == tests


def test_methods_are_called_on_their_class():
    """`Solution().run` is tested by what calls `run` of a `Solution`."""
    called = "assert Solution().run(1) == 2"
    assert parse(f"{called}\nassert Solution()\nassert run(1) == 2", "Solution().run") == [called]


def test_at_most_fifty():
    """A model caught in a loop does not fill the row."""
    tests = [f"assert add({n}, 0) == {n}" for n in range(80)]
    assert parse("\n".join(tests)) == tests[:50]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [ONE, TWO, "assert", "assert add(", "def test():", "  ", "\n", "```", "x = ", "add(1)", ":"]
        )
        | st.text(max_size=9)
    ),
    st.sampled_from(["add", "", None, " ", "a.b", "("]),
)
def test_any_answer_is_read(parts, entry_point):
    """Whatever a model writes gives asserts on one line, or none."""
    for test in parse("".join(parts), entry_point):
        assert isinstance(ast.parse(test).body[0], ast.Assert)
        assert "\n" not in test


def test_a_loop_within_one_test_is_no_test():
    """A test has at most 16,384 characters; a longer one takes no other with it."""
    begun, other = "assert add(1) == '", "assert add(2) == 2"
    longest = f"{begun}{'1' * (2**14 - len(begun) - 1)}'"
    assert parse(f"{longest}\n{other}") == [longest, other]
    assert parse(f"{longest} \n{other}") == [longest, other]
    assert parse(f"{begun}1{longest.removeprefix(begun)}\n{other}") == [other]


@pytest.mark.parametrize(
    "text",
    [
        "assert add(1) == 1;" * 3_400,
        "assert add(1) == 1\n" * 3_400 + "(",
        "".join(f"assert add({n}) == 1\n" for n in range(2_900)),
        "".join(f"def f{n}():\n assert add({n})\n" for n in range(2_200)),
        "assert add(" + "-" * 60_000 + "1)",
        "assert add(" + "a." * 30_000 + "b)",
        "assert " + "add(" * 90 + ")" * 90,
        "assert add(1)" + " + 1" * 900,
        "assert add(1) == 1" + " or add(1)" * 6_000,
        "x=\n" * 20_000 + ")",
        "assert f'{" * 1_000,
        "- " * 100_000,
        "`" * 100_000,
        "\0assert add(1)\n" * 5_000,
    ],
    ids=lambda text: text[:20],
)
def test_hostile_answers_are_cheap(text):
    """No answer makes reading its tests slow."""
    assert min(cost(lambda: parse(text)) for _ in range(3)) < 100
