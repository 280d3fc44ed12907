"""What programs agree with: the same as all results say, in as few calls as it takes."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.sandbox.callables import returns_nothing
from datagen.sandbox.harmless import Harmless, Watch
from datagen.sandbox.runner import Runner
from datagen.sandbox.screen import Inputs, Screen, ScreenLimits
from datagen.sandbox.texts import as_list
from decontam.behaviour import plain

SHORT = ScreenLimits(load_seconds=0.1, call_seconds=0.1, cpu_seconds=0.3, wall_seconds=60, memory_mb=512)
COUNTS = """
calls = []
def count(a):
    calls.append(a)
    return len(calls)
"""


def found(codes, inputs, sought, limits=SHORT):
    """What each program agrees with."""

    async def run():
        async with Screen(1) as screen:
            return await screen.find(codes, Inputs(inputs, sought), limits)

    return asyncio.run(run())


def screened(codes, inputs):
    """What each program shows."""

    async def run():
        async with Screen(1) as screen:
            return await screen.run(codes, Inputs(inputs), SHORT)

    return asyncio.run(run())


@given(st.text('(i)[]te"r,1', max_size=12))
def test_texts_are_compared_as_decontam_writes_them(text):
    """Sought are texts in which `decontam` made lists of tuples and iterators; the worker makes the same."""
    assert as_list(text) == plain(text)
    assert as_list(f"iter{text}") == plain(f"iter{text}")


#: Programs over one argument, some of which raise, print, keep state or take another number of arguments.
COMPARED = [
    "def f(a): return a\n",
    "def f(a): return a + a\ndef g(a): return len(a)\n",
    "def f(a): return [a, a]\ndef g(a): return (a, a)\n",
    "def f(a): return ord(a)\n",
    "def f(a):\n    if a != 'x': raise TypeError(a)\n    return 1\n",
    "def f(a):\n    print(a)\n",
    "def f(): return 1\n",
    "class A:\n    def f(self, a): return str(a)\n",
    "def f(a):\n    yield a\n    yield a\n",
    "def f(a): return {'x': 1}.get(a) + 1\n",
]


RESULTS = st.sampled_from(['"x"', "2", "1", '["x","x"]', "null"])


@given(
    st.lists(st.sampled_from(["x", "ab", "", 1, 2, [1], ["x"]]), min_size=1, max_size=7, unique_by=repr),
    st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.integers(0, 6), st.sampled_from(['"x"', "2", "1", '["x","x"]', "null"])),
                max_size=4,
            ),
            st.integers(1, 3),
        ),
        max_size=4,
    ),
)
@settings(max_examples=8, deadline=None)
def test_what_is_found_is_what_the_results_say(values, sought):
    """However few calls are made, and in whatever order: the same as with all results."""
    inputs = [(value,) for value in values]
    sought = [
        ([*{place: text for place, text in results if place < len(inputs)}.items()], enough)
        for results, enough in sought
    ]
    expected = [
        {
            number
            for number, (results, enough) in enumerate(sought)
            for texts in one.functions.values()
            if sum(as_list(texts[place] or "") == text for place, text in results) >= enough
        }
        for one in screened(COMPARED, inputs)
    ]
    assert [set(one.things) for one in found(COMPARED, inputs, sought)] == expected


def test_calls_that_can_tell_nothing_are_left_out():
    """None after too much differs or enough agrees, of what returns nothing, or of a kind refused twice."""
    inputs = [("a",), ("b",), ("c",), (1,)]
    tells = COUNTS + "{}def after(*a):\n    return -len(calls)\n"
    apart = tells.format("def f(a):\n    return count(a) and 'no'\n")
    alike = tells.format("def f(a):\n    return count(a) and 'yes'\n")
    nothing = tells.format("def f(a):\n    print(count(a))\n")
    refused = tells.format("def f(a):\n    return count(a) and a + 1\n")
    yes = [(place, '"yes"') for place in range(3)]
    endless = tells.format("def g(a):\n    return g(a)\ndef f(a):\n    return count(a) and g(a)\n")
    #: `count` is called itself, too, and `counted` has everything called with the last input.
    for wanted, made in (
        ((yes, 2), {apart: 3 + 3, alike: 3 + 3, nothing: 3, refused: 3 + 3, endless: 3 + 3}),
        ((yes, 1), {apart: 4 + 4, alike: 4 + 2, nothing: 4, refused: 4 + 3, endless: 4 + 3}),
    ):
        for code, calls in made.items():
            counted = ([(3, str(-calls))], 1)
            [one] = found([code], inputs, [wanted, counted])
            assert one.things == ([0, 1] if code == alike else [1]), code


def test_why_nothing_could_be_compared():
    """It is a timeout where no call came to an end, also beside functions that no input fits."""
    late = "def f(a):\n    while a is a:\n        pass\n    return a\n"
    codes = {
        late: "timeout",
        late + "def g(a, b, c):\n    return a\n": "timeout",
        late + "def g(a):\n    return a\n": "",
        late + "def g(a):\n    return a.b\n": "",
        "def g(a, b, c):\n    return a\n": "",
        "x = 1\n": "no function",
        "x = y\n": "raised NameError",
        "def g(a):\n    return a\nx = y\n": "",
    }
    said = [one.detail for one in found([*codes], [(1,)], [([(0, "2")], 1)])]
    assert said == [*codes.values()]


@pytest.mark.parametrize(
    ("code", "given", "gives"),
    [
        ("def f(a): return ord(a)", "x", "120"),
        ("import re\ndef f(a): return re.search('x', a).start()", "x", "0"),
        ("def f(a): return {'x': 1}.get(a) + 1", "x", "2"),
        ("def f(a):\n    if a != 'x': raise TypeError(a)\n    return 1", "x", "1"),
        ("def f(a):\n    n = 0\n    for t, m in a: n += m\n    return n", [("x", 1)], "1"),
    ],
)
def test_calls_that_a_value_decides_are_made(code, given, gives):
    """An error that names no type, or None's, may be one of the value: others of its kind are called."""
    kind = [("a", "b"), (1, "c")] if isinstance(given, list) else "ab"
    inputs = [(kind,), (kind * 2,), (kind * 3,), (given,)]
    [one] = found([code], inputs, [([(place, gives) for place in range(4)], 1)])
    assert one == ("", [0])


def test_inputs_are_not_looked_at_in_a_program_s_time():
    """The first that takes so many arguments would have less time than those that follow."""
    made = []
    inputs = [(1, lambda: made.append(1) or ([1],), "tuple(list(int))")]
    runner = Runner(inputs, asdict(SHORT), Harmless(), Watch(), [([(0, "1")], 1), ([(0, "2")], 1)])
    shown = runner.screened("def f(a): return 1\ndef g(a, b=1): return 2\ndef h(a):\n    pass\n")
    assert shown == {"detail": "", "found": [0, 1]}
    assert len(made) == 2


def test_what_can_only_return_none():
    """Whatever the compiler makes of it; of some functions it cannot be said, and they are called."""
    nothing = [
        "",
        "return",
        "return None",
        "if a: return\n    print(a)",
        "for x in a:\n        if x: return None",
        "with a: return",
        "try: a()\n    except Exception: return\n    finally: print(a)",
        "raise ValueError",
    ]
    something = [
        "return a",
        "return 0",
        "return a or None",
        "return None if a else 1",
        "return a if a else None",
        "return a and None",
        "if a: return 1",
        "with a: return 5",
        "try: return a\n    finally: print(None)",
        "for x in a:\n        try: return x\n        finally: x = None",
        "while True:\n        if a: return [None]",
        "match a:\n        case 1: return 'a'",
        "return (x := None, a)[1]",
        "yield",
    ]
    codes = {text: compile(f"def f(a):\n    {text or 'pass'}\n", "", "exec") for text in nothing + something}
    found = {text: returns_nothing(code.co_consts[0]) for text, code in codes.items()}
    assert [text for text in something if found[text]] == []
    assert [text for text in nothing if not found[text]] == []
