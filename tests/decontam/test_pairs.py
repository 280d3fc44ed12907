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
    "Input: xs = [3, 1], k = 2, Output: 7",
    "assertEquals(7, Box.f(new int[]{3, 1}, 2));",
    "assertEquals(7, f(new int[]{3, 1}, 2), 0.5);",
    "Assert.Equal(7, Box.F(new[] {3, 1}, 2));\nAssert.Equal(8, F(3));",
    'assert.Equal(t, 7, f([]int{3, 1}, 2), "pays")',
    "assert_eq!(7, f(&vec![3, 1], 2));",
    "EXPECT_EQ(7,\n          box::f({3, 1}, 2));",
    "$this->assertSame(7, $box->f([3, 1], 2));",
    "assert 7 == f([3, 1], 2)",
    "expect(f([3, 1], 2)).toBe(7);",
    "expect(f([3, 1], 2)).to eq(7)",
    "expect(f([3, 1], 2)).to.equal(7);",
    "f([3, 1], 2).should.equal(7);",
    "assertThat(f(new int[]{3, 1}, 2)).isEqualTo(7);",
    "assertThat(f(new int[]{3, 1}, 2), is(7));",
    "if got := f([]int{3, 1}, 2); got != 7 {",
    "assert(f({3, 1}, 2) == 7);",
    "If the list is [3, 1] and k is 2 you should get 7.",
    "For [3, 1] and 2 the answer is 7, while [4] and 5 give 9.",
    "Given [3, 1] with k = 2 it returns 7",
    "[3, 1] turned by 2 gives 7, [4] turned by 5 gives 8.",
    "[9] and 4 gives 1, [3, 1] and 2 gives 7.",
    "The result for [9] with 4 is 1; for [3, 1] with 2 it is 7.",
    "From [9] to 4 she makes 1, from [3, 1] to 2 7 and from [6] to 3 8.",
    "With [3, 1] and two, you get seven.",
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
    "text", ["f(x) == 3", "f(3)\ng(4)", "f(3)" + " word" * 20 + " 4", "It's a 6\" 'pipe", "1. 5", ""]
)
def test_what_is_no_example(text):
    """Variables, the next call's arguments and values far away make no pair."""
    assert pairs(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "const text = 'hello world';\nconst letter = 'l';",
        'cout << "Error: no number" << endl;\n  return 1;',
        'if (s == "a") {\n  name = "b";\n}\nreturn 0;',
    ],
)
def test_statements_of_code_are_no_examples(text):
    """A second variable is no result of the first, and what is returned none of what is shown."""
    assert [pair for pair in pairs(text) if pair.between.lstrip()[:1] in {";", "<"}] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for [1, 2, 3] the answer is 6, while [4] gives 4", [(([1, 2, 3],), 6), (([4],), 4)]),
        ("f(3) is 5 and f(4) is 8", [((3,), 5), ((4,), 8)]),
        ("given 5 it returns 8; with 6 it returns 13", [((5,), 8), ((6,), 13)]),
        ("With one lamp there is 1 way, with two lamps 5, with three 18.", [((2,), 5), ((3,), 18)]),
        ("For lamps 4, 1, 9 it's twelve.", [(([4, 1, 9],), 12)]),
        ("With k = 3 it gives 1, 5, 2. On 4 it gives 6.", [((3,), [1, 5, 2]), ((4,), 6)]),
        ("4 gives 6, then 3, then 1.", [((4,), [6, 3, 1])]),
        ("assertEquals(3, f(2));\nassertEquals(4, f(5));", [((2,), 3), ((5,), 4)]),
        ("assertTrue(f(2));\nassertFalse(f(3), 'odd');", [((2,), True), ((3,), False)]),
        ("assert(f(2));\nassert(!f(3));", [((2,), True), ((3,), False)]),
        ("expect(f(2)).toBeTruthy(); expect(f(3)).toBeNull()", [((2,), True), ((3,), None)]),
        ("f(0xFF) == 0b11", [((255,), 3)]),
    ],
)
def test_several_examples(text, expected):
    """Each example has its own arguments, and results of one value or of several."""
    found = [(pair.arguments, pair.result) for pair in pairs(text)]
    assert [one for one in expected if one not in found] == []


def test_the_result_before_is_no_argument():
    """What one example gives is not taken for the first argument of the next one."""
    found = pairs("[1] and [2] gives 'no', [3] and [4] gives 'yes'.")
    assert [pair.arguments for pair in found if pair.result == "yes"] == [([3], [4])]


def test_the_next_assertion_gives_no_result():
    """Where the result comes first, the value behind the call is of the next assertion."""
    found = pairs("assertEquals(3, f(2));\nassertEquals(4, f(5));")
    assert [(pair.arguments, pair.result) for pair in found] == [((2,), 3), ((5,), 4)]


@pytest.mark.parametrize("text", ["expect(f(2)).not.toBe(3)", "print(3, f(2))", "assertEquals(x, f(2))"])
def test_what_is_not_asserted_to_be_equal(text):
    """Other calls with a value and a call, and negations say nothing of the call's result."""
    assert pairs(text) == []


def test_a_number_ends_a_sentence():
    """The full stop behind a number is none of a decimal."""
    [pair] = pairs("For 4 the answer is 288.")
    assert repr(pair.result) == "288"


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
    "piece",
    [
        "(",
        "f(",
        "[1,",
        '"\\',
        "f(1) 2 ",
        "[" * 60 + "1" + "]" * 60,
        "'a' ",
        "1_",
        "5 and ",
        "5 is 3, ",
        "two is 3 to ",
        "assertEquals(3, f(2));",
        "f(2)).toBe(3).a.b",
        ", a.b::c(1)",
    ],
)
def test_four_times_the_text_costs_about_four_times_as_much(piece):
    """Brackets that stay open and strings that do not end take no more than their length."""
    text = piece * (8_000 // len(piece))
    single = cost(lambda: pairs(text))
    assert min(cost(lambda: pairs(text * 4)) for _ in range(2)) < 10 * single + 60
