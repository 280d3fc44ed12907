"""Examples in texts: arguments and results in the syntax of many languages."""

import json

import pytest
from cost import cost
from hypothesis import given
from hypothesis import strategies as st

from decontam.pairs import flat, pairs

SHOWN = [
    "assert f([3, 1], 2) == 7",
    ">>> f([3, 1], 2)\n7",
    "self.assertEqual(f([3, 1], 2), 7)",
    "assert_eq!(f(vec![3, 1], 2), 7);",
    "System.out.println(f(new int[]{3, 1}, 2)); // gives 7",
    "fmt.Println(f([]int{3, 1}, 2)) // 7",
    "Input: xs = {3, 1}, k = 2\nOutput: 7",
    "输入：xs = [3, 1], k = 2\n输出：7",
    "[3, 1], 2 => 7",
    "| [3, 1], 2 | 7 |",
    "Für [3, 1] und 2 ist die Antwort 7. f([3, 1], 2) ergibt 7",
]


@pytest.mark.parametrize("text", SHOWN)
def test_the_same_example_in_many_ways(text):
    """Calls, labels, arrows and tables give the same arguments and result."""
    assert ([3, 1], 2, 7) in [(*pair.arguments, pair.result) for pair in pairs(text)]


@pytest.mark.parametrize(
    ("text", "arguments", "result"),
    [
        ("f(true, null) -> 'a\\'b'", (True, None), "a'b"),
        ("f({a: 1, 'b': [2.5]}) // {}", ({"a": 1, "b": [2.5]},), {}),
        ("f(-3, 1e3)\n-0.5", (-3, 1000.0), -0.5),
        ("assert not f([1])", ([1],), False),
        ("assert f([1])", ([1],), True),
        ("f(List.of(1, 2), Some(3)) == (4,)", ((1, 2), 3), 4),
    ],
)
def test_values(text, arguments, result):
    """Literals of several languages become Python's values."""
    assert [(pair.arguments, pair.result) for pair in pairs(text)] == [(arguments, result)]


@pytest.mark.parametrize(
    "text", ["f(x) == 3", "f(3)\ng(4)", "f(3)" + " word" * 20 + " 4", "It's a 6\" 'pipe", ""]
)
def test_what_is_no_example(text):
    """Variables, the next call's arguments and values far away make no pair."""
    assert pairs(text) == []


plain = st.recursive(
    st.integers(-999, 999) | st.booleans() | st.none() | st.text("abc xyz", max_size=5),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(plain, min_size=1, max_size=3), plain)
def test_a_call_in_python_and_in_json_gives_its_own_literals(arguments, result):
    """What is written as a call comes back, in the spelling of Python and of JavaScript."""
    expected = [*flat(arguments)], [*flat(result)]
    for spell in (repr, json.dumps):
        text = f"f({', '.join(map(spell, arguments))}) == {spell(result)}"
        found = [([*flat(pair.arguments)], [*flat(pair.result)]) for pair in pairs(text) if pair.called]
        assert found == [expected]


@given(st.text(alphabet="f(1,[]){}'\"\\ =>\n-a:\ud800\x00é", max_size=60))
def test_any_text_is_read(text):
    """No text fails, and spans lie inside it."""
    assert all(0 <= pair.span[0] < pair.span[1] <= len(text) for pair in pairs(text))


@pytest.mark.parametrize(
    "piece", ["(", "f(", "[1,", '"\\', "f(1) 2 ", "[" * 60 + "1" + "]" * 60, "'a' ", "1_"]
)
def test_four_times_the_text_costs_about_four_times_as_much(piece):
    """Brackets that stay open and strings that do not end take no more than their length."""
    text = piece * (8_000 // len(piece))
    single = cost(lambda: pairs(text))
    assert min(cost(lambda: pairs(text * 4)) for _ in range(2)) < 10 * single + 60
