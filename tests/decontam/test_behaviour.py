"""Behaviour: copies are found by what their functions give, and rows cost nobody but themselves."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace

import polars as pl
import pytest

from datagen.sandbox.screening import Screening
from decontam import behaviour, runnable
from decontam._inputs import inputs_of, program_of
from decontam._programs import programs
from decontam.benchmarks import Item, load
from decontam.reverse import answered, example_evidence
from decontam.runnable import function_evidence, screened, taken


def item(number: int, name: str, code: str, *calls: str) -> Item:
    tests = "\n".join(f"    assert candidate({call}) == ''" for call in calls)
    return Item("bench", f"bench/{number}", "", "", code, (f"def check(candidate):\n{tests}",), name)


SORTED = item(
    1,
    "by_length",
    "def by_length(text):\n    return sorted(text.split(), key=lambda word: (-len(word), word))\n",
    *("'a bb ccc'", "'plum fig apple'", "'one'", "'to be or not to be'", "''"),
)
RUNS = item(
    2,
    "runs",
    "from itertools import groupby\n"
    "def runs(values):\n    return [[k, len(list(g))] for k, g in groupby(values)]\n",
    *("[1, 1, 2]", "[3, 3, 3]", "[4, 5, 5, 4]", "[7]", "[0, 0, 1, 1, 0]"),
)
ADD = item(3, "add", "def add(a, b):\n    return a + b\n", "1, 2", "5, 7", "10, 3")
SOLUTIONS = behaviour.solutions_of([SORTED, RUNS, ADD])
#: Another algorithm, other names.
COPY = (
    "Here it is:\n```python\ndef arrange(s):\n    found = []\n    for w in s.split():\n        at = 0\n"
    "        while at < len(found) and (len(found[at]) > len(w) or"
    " (len(found[at]) == len(w) and found[at] <= w)):\n            at += 1\n        found.insert(at, w)\n"
    "    return found\n```\n"
)
HOSTILE = (
    "while True:\n    pass\ndef f(a):\n    return a\n",
    "def f(a):\n    while True:\n        pass\n",
    "import os\nos._exit(0)\ndef f(a):\n    return a\n",
    "def f(a):\n    exit()\n",
    "def f(a):\n    return f(a) + f(a)\n",
    "import sys\nsys.setrecursionlimit(10**9)\ndef f(a):\n    return f(a)\n",
    "import builtins\nbuiltins.sorted = None\nbuiltins.len = None\ndef f(a):\n    return a\n",
    "def f(a):\n    return [0] * 10**12\n",
    "def f(a):\n    a.append(1)\n    return a\nclass C:\n    def g(self, a):\n        raise SystemExit\n",
    "import antigravity_of_nobody\ndef f(a):\n    return a\n",
)


@pytest.fixture(scope="module")
def screening():
    with Screening(2) as found:
        yield found


@pytest.fixture(scope="module")
def known(screening):
    return behaviour.known([SORTED, RUNS, ADD], screening.run)


def matches(rows: list[str], known, screening, *, size: int = 100) -> dict[int, list[tuple[str, str, float]]]:
    """By row, the matches, where rows come so many at a time."""
    found: dict[int, list[tuple[str, str, float]]] = {}
    for start in range(0, len(rows), size):
        part = [str(number) for number in range(start, min(start + size, len(rows)))]
        frame = pl.DataFrame({"id": part, "response": rows[start : start + size]})
        held = taken(frame)
        codes = list(dict.fromkeys(piece.code for piece in held.pieces))
        outcomes = dict(zip(codes, screened(codes, known, screening.run, screening.find), strict=True))
        evidence = [
            one for piece in held.pieces for one in function_evidence(piece, outcomes[piece.code], SOLUTIONS)
        ]
        for asked, hits in zip(held.asked, answered(held.asked, known, screening.run), strict=True):
            evidence.extend(example_evidence(asked, hits, SOLUTIONS))
        for row, _, of, _, part_of, value, threshold, excerpt, start, end, *_ in evidence:
            assert value >= threshold
            assert len(excerpt) <= 200
            assert 0 <= start < end <= len(rows[int(row)])
            found.setdefault(int(row), []).append((of, part_of, value))
    return found


def test_inputs_are_the_literal_ones_whatever_stands_around_them():
    """`round(f(x), 2)` is a call of f with x; changed inputs follow, the same ones in every run."""
    test = (
        "def check(candidate):\n    assert round(candidate(1.5, [2]), 2) == 3\n"
        "    for n in range(9):\n        candidate(n)\n"
    )
    given = Item(
        "b", "b/1", "", "def f(a, b):\n    '''\n    >>> f(3.0, [4])\n    7\n    '''\n", "", (test,), "f"
    )
    found = inputs_of(given)
    assert found[:2] == [(1.5, [2]), (3.0, [4])]
    assert len(found) > 4
    assert found == inputs_of(given)


def test_brackets_that_are_closed_stay_so():
    """Who takes groups of brackets apart asks for closed ones; who asks if they are closed has others."""
    items = {one.task_id: one for one in load("humaneval").items}
    given = inputs_of(items["HumanEval/1"])
    assert len(given) == 20
    assert all(text.count("(") == text.count(")") for (text,) in given)
    assert any(text.count("(") != text.count(")") for (text,) in inputs_of(items["HumanEval/61"]))


def test_another_algorithm_is_found_and_the_inputs_are_shown(screening, known):
    """The excerpt says on which inputs the function agrees, and how it begins."""
    held = taken(pl.DataFrame({"id": ["1"], "response": [COPY]}))
    [outcome] = screened([held.pieces[0].code], known, screening.run, screening.find)
    [found] = function_evidence(held.pieces[0], outcome, SOLUTIONS)
    assert found[:5] == ("1", "bench", "bench/1", "behaviour", "behaviour:response")
    assert "arrange('" in found[7]
    assert COPY[found[8] : found[9]].startswith("def arrange(s):")
    assert found[-5:-1] == ("solution", 0, len(SORTED.solution), SORTED.solution)
    assert found[-1].startswith("arrange('")
    assert "def arrange(s):" in found[7]


#: It needs an argument by name, so that nothing calls it but the class beside it.
COUNTED = (
    "def counted(a, *, found):\n    for one in a:\n        if found and found[-1][0] == one:\n"
    "            found[-1][1] += 1\n        else:\n            found.append([one, 1])\n    return found\n"
)
HOLDS = "class Runs:\n    def __init__(self, a):\n        self.a = a\n"


@pytest.mark.parametrize(
    ("code", "function"),
    [
        (HOLDS + "    def all(self):\n        return counted(self.a, found=[])\n", "all"),
        (
            "from typing import NamedTuple\nclass Runs(NamedTuple):\n    a: list\n"
            "    def all(self):\n        return counted(self.a, found=[])\n",
            "all",
        ),
        (HOLDS + "    @property\n    def all(self):\n        return counted(self.a, found=[])\n", "all"),
        (
            "from functools import cached_property\n" + HOLDS + "    @cached_property\n    def all(self):\n"
            "        return counted(self.a, found=[])\n",
            "all",
        ),
        ("class Runs:\n    def __call__(self, a):\n        return counted(a, found=[])\n", "__call__"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Runs:\n    a: list\n    name: str = ''\n"
            "    def all(self):\n        return counted(self.a, found=[])\n",
            "all",
        ),
        (HOLDS + "    def __iter__(self):\n        return iter(counted(self.a, found=[]))\n", "__iter__"),
        (HOLDS + "    @staticmethod\n    def all(a):\n        return counted(a, found=[])\n", "all"),
    ],
)
def test_a_class_around_a_solution_is_found(screening, known, code, function):
    """Its objects are made with the item's arguments where its methods do not take them."""
    [alone, outcome] = screened([COUNTED, COUNTED + code], known, screening.run, screening.find)
    assert alone.hits == []
    assert [(hit.item, hit.function) for hit in outcome.hits] == [("bench/2", f"Runs.{function}")]


ROTATED = item(
    4,
    "rotated",
    "def rotated(text, by):\n    return text[by % len(text):] + text[:by % len(text)] if text else ''\n",
    *("'abcdef', 2", "'benchmark', 3", "'word', 1", "'stone', 4"),
)


@pytest.mark.parametrize(
    ("first", "second", "default", "function"),
    [
        ("text", "by", "", "Turned.turn"),
        ("text", "by", "=1", "Turned.turn"),
        ("by", "text", "", "Turned().turn"),
    ],
)
def test_an_object_may_hold_any_of_the_arguments(screening, first, second, default, function):
    """The first ones or the last ones; the others go to the method."""
    code = (
        f"class Turned:\n    def __init__(self, {first}):\n        self.{first} = {first}\n"
        f"    def turn(self, {second}{default}):\n        {first} = self.{first}\n"
        "        for _ in range(by):\n            text = text[1:] + text[:1]\n        return text\n"
    )
    known = behaviour.known([ROTATED], screening.run)
    [outcome] = screened([code], known, screening.run, screening.find)
    assert [hit.function for hit in outcome.hits] == [function]


def test_two_arguments_may_come_in_another_order(screening):
    """The evidence shows the calls as the row has them."""
    code = (
        "def turn(by, text):\n    for _ in range(by):\n        text = text[1:] + text[:1]\n    return text\n"
    )
    held = taken(pl.DataFrame({"id": ["1"], "response": [code]}))
    known = behaviour.known([ROTATED], screening.run)
    [outcome] = screened([held.pieces[0].code], known, screening.run, screening.find)
    [found] = function_evidence(held.pieces[0], outcome, behaviour.solutions_of([ROTATED]))
    assert "turn(2, 'abcdef') = \"cdefab\"; " in found[7]
    assert "def turn(by, text):" in found[7]


@pytest.mark.parametrize(
    "before",
    [
        "from enum import Enum\nclass Op(Enum):\n    ADD = 1\n"
        "    def join(self, first, *rest):\n        return first\n",
        "class Bag:\n    def __init__(self, *all):\n        self.all = all\n"
        "    def add(self, first, *more):\n        return first\n",
        "class Raises(type):\n    def __getattribute__(cls, name):\n        raise KeyError\n"
        "class Odd(metaclass=Raises):\n    def f(self, a):\n        return a\n",
        "from functools import cached_property\nclass Bare:\n    p = cached_property(len)\n    del p.func\n",
        "class Same:\n    def __eq__(self, other):\n        raise KeyError\n    __hash__ = None\n"
        "class Odd:\n    __module__ = Same()\n    def f(self, a):\n        return a\n",
        "class None_:\n    def f():\n        return 0\n",
        "class Wide:\n    def __init__(self, n):\n        self.n = n\n"
        + "".join(f"    def f{n}(self, a):\n        return a\n" for n in range(70)),
        "".join(f"class C{n}:\n    def f(self, a):\n        return a\n" for n in range(200)),
    ],
    ids=lambda one: one.split()[1],
)
def test_no_class_hides_the_functions_beside_it(screening, known, before):
    """Whatever a class makes of being looked at, and however many methods it has."""
    code = f"{before}{COUNTED}def f(a):\n    return counted(a, found=[])\n"
    [outcome] = screened([code], known, screening.run, screening.find)
    assert [(hit.item, hit.function) for hit in outcome.hits] == [("bench/2", "f")]


def test_only_what_a_row_says_itself_is_a_refusal(screening):
    """Unpacking so many values raises a ValueError, too, and refuses nothing: it is another task."""
    code = "def to_front(values):\n    return values[-1:] + values[:-1]\n"
    calls = ("[1, 2, 3, 4]", "[5, 2, 8, 1]", "[5, 4, 9, 0]")
    known = behaviour.known([item(5, "to_front", code, *calls)], screening.run)
    unpacks = "def to_argb(rgba):\n    red, green, blue, alpha = rgba\n    return [alpha, red, green, blue]\n"
    own = "class Odd(Exception):\n    pass\n"
    checks = "def f(a):\n    if len(a) != 4:\n        raise {}\n    return [a[3], *a[:3]]\n"
    codes = [
        unpacks,
        checks.format("ValueError"),
        own + checks.format("Odd('four')"),
        checks.format("KeyError"),
    ]
    found = screened(codes, known, screening.run, screening.find)
    assert [len(one.hits) for one in found] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("refuses", "is_found"),
    [
        ("raise ValueError('no runs')", True),
        ("raise OddRuns", True),
        ("assert False", True),
        ("raise TypeError('no runs')", False),
        ("return []", False),
    ],
)
def test_what_a_row_refuses_does_not_count(screening, known, refuses, is_found):
    """A row may check what an item leaves open; the inputs that stand in the item count all the same."""
    own = "[[1, 1, 2], [3, 3, 3], [4, 5, 5, 4], [7], [0, 0, 1, 1, 0]]"
    begins = f"class OddRuns(Exception):\n    pass\ndef f(a):\n    if a not in {own}:\n        {refuses}\n"
    [outcome] = screened(
        [f"{COUNTED}{begins}    return counted(a, found=[])\n"], known, screening.run, screening.find
    )
    assert [hit.item for hit in outcome.hits] == ["bench/2"] * is_found
    begins = begins.replace("[0, 0, 1, 1, 0]]", "[0]]").replace("[7], ", "")
    [outcome] = screened(
        [f"{COUNTED}{begins}    return counted(a, found=[])\n"], known, screening.run, screening.find
    )
    assert outcome.hits == []


def test_who_refuses_what_an_item_asks_for_does_something_else(screening, known):
    """Where a function refuses one of the item's own inputs, nothing that it refuses is forgiven."""
    own = "[[1, 1, 2], [3, 3, 3], [4, 5, 5, 4], [7], [0, 0, 1, 1, 0]]"
    odd = "a not in own and sum(a) % 2"
    for refused, found in ((odd, ["bench/2"]), (f"a == [7] or {odd}", [])):
        begins = f"own = {own}\ndef f(a):\n    if {refused}:\n        raise ValueError\n"
        code = f"{begins}    return counted(a, found=[])\n"
        [outcome] = screened([COUNTED + code], known, screening.run, screening.find)
        assert [hit.item for hit in outcome.hits] == found


def test_what_everybody_writes_is_an_exercise(screening, known):
    """An item that an ordinary function satisfies is found as such."""
    assert [one.item for one in known if one.common] == ["bench/3"]
    [[(item, part, _)]] = matches(["def plus(x, y):\n    return x + y\n"], known, screening).values()
    assert (item, part) == ("bench/3", "exercise:response")


def blocks(*codes: str) -> str:
    return "So it is done by `arrange`:\n".join(f"```python\n{code}```\n" for code in codes)


RANK = "def rank(word):\n    return WAY * len(word), word\n"
WAY = "WAY = -1\ndef none():\n    return 0\n"
ARRANGE = "def arrange(s):\n    return sorted(s.split(), key=rank)\n"


@pytest.mark.parametrize(
    "codes",
    [
        (RANK, WAY, ARRANGE),
        (ARRANGE, WAY, RANK),
        (WAY, "nothing\n", ARRANGE, RANK),
        (RANK, WAY, "from __future__ import annotations\n" + ARRANGE),
        ("def sorted(s, t):\n    return s\n", COPY.split("```")[1].removeprefix("python\n")),
        ("s = missing()\ndef show():\n    return s\n", COPY.split("```")[1].removeprefix("python\n")),
    ],
    ids=range(6),
)
def test_blocks_of_an_answer_use_one_another(screening, known, codes):
    """A function may need what stands in another block; what needs nothing is looked at for itself."""
    assert [one[0] for one in matches([blocks(*codes)], known, screening)[0]] == ["bench/1"]


def test_where_blocks_stand_that_are_run_together(screening, known):
    """The evidence begins with the function itself; more than 32 blocks are not put together."""
    assert matches([blocks(ARRANGE, WAY)], known, screening) == {}
    answer = blocks(WAY, RANK, ARRANGE)
    pieces = taken(pl.DataFrame({"id": ["1"], "response": [answer]})).pieces
    assert [one.text.startswith("WAY") for one in pieces] == [True, False, False, True, True]
    [outcome] = screened([pieces[-1].code], known, screening.run, screening.find)
    [found] = function_evidence(pieces[-1], outcome, SOLUTIONS)
    assert answer[found[8] :].startswith("def arrange(s):")
    chain = [f"def f{n}(a):\n    return f{n + 1}(a)\n" for n in range(600)]
    assert len(programs(blocks(*chain))[0]) == 600


def test_what_is_close_to_an_ordinary_function_is_told_from_it(screening):
    """HumanEval/138 asks whether a number is a sum of four even ones above 0; "even" is right for most."""
    asked = [one for one in load("humaneval").items if one.task_id == "HumanEval/138"]
    known = behaviour.known(asked, screening.run)
    even, right = "def f(n):\n    return n % 2 == 0\n", "def f(n):\n    return n >= 8 and not n & 1\n"
    assert [one.common for one in known] == [False]
    found = screened([even, right], known, screening.run, screening.find)
    assert [[hit.item for hit in one.hits] for one in found] == [[], ["HumanEval/138"]]


def test_examples_in_any_language(screening, known):
    """Changed examples of another language's row agree with the reference; wrong ones do not."""
    rows = [
        "// pack({9, 9, 8}) gives {{9, 2}, {8, 1}}\n// pack({6, 5, 5, 5}) gives {{6, 1}, {5, 3}}\n",
        "// pack({9, 9, 8}) gives {{9, 1}, {8, 2}}\n// pack({6, 5, 5, 5}) gives {{5, 3}, {6, 1}}\n",
        "// keep([3, 1]) gives [3, 1]\n// keep([4, 8, 2]) gives [4, 8, 2]\n",
    ]
    found = matches(rows, known, screening)
    assert {row: [one[:2] for one in some] for row, some in found.items()} == {
        0: [("bench/2", "examples:response")]
    }


@pytest.mark.parametrize(("size", "workers"), [(1, 1), (3, 2), (100, 2)])
def test_hostile_rows_cost_only_themselves(known, size, workers):
    """No row's verdict depends on its neighbours, their order, the batch, or the number of workers."""
    rows = [one for hostile in HOSTILE for one in (hostile, COPY)]
    with Screening(workers) as screening:
        forth = matches(rows, known, screening, size=size)
        back = matches(rows[::-1], known, screening, size=size)
    assert sorted(forth) == list(range(1, len(rows), 2))
    assert {len(rows) - 1 - row: some for row, some in back.items()} == forth
    assert len({str(some) for some in forth.values()}) == 1


def test_slow_examples_do_not_hide_those_of_other_rows(screening):
    """A reference that takes too long for one row's example is asked anew for the next row's."""
    slow = item(
        4,
        "spread",
        "def spread(n):\n    for _ in range(10 ** min(n, 9)):\n        pass\n    return [n, n * n, n + 1]\n",
        *("1", "2", "3", "4", "5"),
    )
    items = behaviour.known([slow], screening.run)
    rows = [
        "g(9) returns [9, 81, 10]\ng(8) returns [8, 64, 9]\n",
        "g(3) returns [3, 9, 4]\ng(4) returns [4, 16, 5]\n",
    ]
    assert list(matches(rows, items, screening)) == [1]
    assert list(matches(rows[::-1], items, screening)) == [0]


def test_a_reference_at_the_limit_of_time_changes_no_other(screening):
    """A match is worth the same whether another reference gives another result, or none in time."""
    known = behaviour.known([SORTED, RUNS], screening.run)
    rows = ["g('b a') returns ['a', 'b']\ng('dd b a ccc') returns ['ccc', 'dd', 'a', 'b']\n"]
    found = []
    for text in ("!timeout", '"other"'):

        def run(jobs, text=text, **how):
            made = screening.run(jobs, **how)
            return [
                [
                    SimpleNamespace(
                        detail="",
                        functions={
                            name: [one and text for one in texts] if "len(a)" in code else texts
                            for name, texts in shown.functions.items()
                        },
                    )
                    for code, shown in zip(codes, some, strict=True)
                ]
                for (codes, _), some in zip(jobs, made, strict=True)
            ]

        other = known[0]._replace(item="bench/9", function="f", code="def f(a):\n    return len(a)\n")
        found.append(matches(rows, [*known, other], SimpleNamespace(run=run, find=screening.find)))
    assert found[0] == found[1]
    assert list(found[0]) == [0]


@pytest.mark.parametrize(
    ("text", "functions"),
    [
        ("def f(a):\n    return a\n\nprint(f(input()))\nx = f(3)\n", ["f"]),
        ("Use this. def is a keyword.\n\n    def f(a):\n        return a\n\nThat is all.", ["f"]),
        ("f = lambda a: a\n", ["f"]),
        ("class A:\n    def g(self, a):\n        return math.sqrt(a)\n", ["g"]),
        ("def g(name):\n    return open(name).read()\n\ndef f(a):\n    return a\n", ["f"]),
        ("No code, only the word def and a return.", []),
        ("def f(a):\n    print a\n", []),
    ],
)
def test_programs_in_texts(text, functions):
    """Functions are found in prose and in scripts, of which nothing else is run."""
    found, unread = programs(text)
    codes = "".join(one.code for one in found)
    assert [name for name in ("f", "g") if f"def {name}" in codes or f"{name} = lambda" in codes] == functions
    assert "print(" not in codes
    assert "x =" not in codes
    assert ("import math" in codes) == ("math" in text)
    assert bool(unread) == ("print a" in text)


def test_body_that_continues_the_prompt():
    """An answer that is but the body of the function that the task begins is run behind it."""
    found, _ = programs("    return a + 1\n", "def f(a):\n    '''One more.'''\n")
    assert [compile(one.code, "", "exec").co_names for one in found] == [("f",)]


def test_reasons_are_not_the_programs_to_choose(screening, known):
    """An error's name comes from the program, and is not repeated."""
    codes = ["raise type('x' * 5000, (Exception,), {})\n", "import nothing_of_that_name\n"]
    details = [one.detail for one in screened(codes, known, screening.run, screening.find)]
    assert details == ["raised an error of its own", "raised ModuleNotFoundError"]


def test_what_a_program_claims_costs_little(screening, known, monkeypatch):
    """However many items it says it agrees with, it is run on the inputs of a few."""
    monkeypatch.setattr(runnable, "_MOST", 2)
    jobs = []

    def run(some, **how):
        jobs.extend(some)
        return screening.run(some, **how)

    def find(codes, inputs, sought):
        return [SimpleNamespace(detail="", things=[*range(len(sought))]) for _ in codes]

    many = [known[0]._replace(item=str(number)) for number in range(5)]
    assert len(screened(["def f(a):\n    return a\n"], many, run, find)) == 1
    assert len(jobs) == 2


def test_an_item_that_does_not_run_changes_no_other():
    """Which references stand for ordinary functions does not depend on which of them could be run in time."""
    codes = [f"def f{n}(x): return x * 3 + {n % 2}" for n in range(90)]
    items = [
        Item("b", str(n), "", "", code, (f"assert f{n}({n}) == 1",), f"f{n}") for n, code in enumerate(codes)
    ]

    def shown(code, inputs, late):
        functions: dict[str, object] = {}
        if code in codes and (code != codes[1] or not late):
            exec(code, functions)
            [(name, function)] = [one for one in functions.items() if one[0] != "__builtins__"]
            functions = {name: [json.dumps(function(*given)) for given in inputs]}
        return SimpleNamespace(detail="", functions=functions)

    def run(jobs, *, alone=False, references=False, late=False):
        return [[shown(code, inputs, late) for code in some] for some, inputs in jobs]

    whole = behaviour.known(items, run)
    left = behaviour.known(items, partial(run, late=True))
    assert len(left) == 89
    assert left == [one for one in whole if one.item != "1"]


def test_a_body_may_begin_with_empty_lines():
    """Such a solution continues the prompt, too."""
    given = Item("b", "1", "", 'def f(a):\n    "Doc."\n', "\n  \n    return a\n", (), "f")
    assert "def f(a):" in program_of(given)
    assert programs(program_of(given))[0]


def test_changed_numbers_stay_positive():
    """A task on positive numbers says nothing of 0, for which its loop may never end."""
    made = inputs_of(item(7, "f", "def f(n): return n\n", "1", "2", "3"))
    assert len(made) > 3
    assert all(number > 0 for (number,) in made)


def test_an_endless_input_hides_none_behind_it(screening):
    """Each call of a reference stands by itself, also after one that does not end."""
    endless = "def f(n):\n    while n == 7:\n        pass\n    return n * n - n // 3\n"
    [found] = behaviour.known([item(8, "f", endless, "5", "7", "9", "11", "12")], screening.run)
    assert (7,) not in found.inputs
    assert {(5,), (9,), (11,), (12,)} <= set(found.inputs)


def test_a_slow_function_gets_the_easy_inputs_first(screening):
    """Other items' large numbers take it too long, but do not hide what it does."""
    items = [
        item(9, "big", "def big(n): return n % 89 * 5 + 1\n", "9973", "9888", "9777"),
        item(10, "f", "def f(n): return sum(k * k % 7 for k in range(n)) * 3 + n\n", "5", "9", "14", "23"),
    ]
    slow = (
        "def g(n):\n    while n > 9000 or n < 1:\n        pass\n"
        "    return n + 3 * sum(k * k % 7 for k in range(n))\n"
    )
    [outcome] = screened([slow], behaviour.known(items, screening.run), screening.run, screening.find)
    assert [hit.item for hit in outcome.hits] == ["bench/10"]


def test_yes_or_no_gets_more_inputs(screening):
    """The usual answer becomes no more usual by them."""
    code = "def f(xs): return len(xs) % 3 == 2 and xs[0] % 2 == 0\n"
    given = item(11, "f", code, "[1, 2, 3]", "[3, 1, 2]", "[2, 2]", "[5]", "[9, 8]")
    [found] = behaviour.known([given], screening.run)
    first = [one for one in found.inputs if one in inputs_of(given)]
    assert len(found.inputs) > len(first)
    more = found.results[len(first) :]
    assert more.count("1") >= more.count("0")


def test_known_items_survive_json(known):
    """What is stored is what was known."""
    assert behaviour.from_json(behaviour.to_json(known)) == known


def test_another_language_is_found_by_what_it_does(screening, known):
    """The function is translated; the evidence is a piece of the row as it stands there."""
    java = (
        "Sure:\n```java\nimport java.util.*;\n\npublic class Main {\n"
        "    public static List<String> order(String text) {\n"
        "        List<String> words = new ArrayList<>();\n"
        '        for (String word : text.trim().split("\\\\s+")) {\n'
        "            if (!word.isEmpty()) words.add(word);\n        }\n"
        "        words.sort((a, b) -> a.length() != b.length() ? b.length() - a.length() : a.compareTo(b));\n"
        "        return words;\n    }\n}\n```\n"
    )
    held = taken(pl.DataFrame({"id": ["1"], "response": [java]}))
    [piece] = held.pieces
    [outcome] = screened([piece.code], known, screening.run, screening.find)
    [found] = function_evidence(piece, outcome, SOLUTIONS)
    assert found[2] == "bench/1"
    assert "order(" in java[found[8] : found[9]].splitlines()[0]
    assert found[-1].startswith("order('")
