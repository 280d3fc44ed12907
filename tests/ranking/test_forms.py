"""Tests in the forms in which people and models write them, run in the real sandbox."""

from __future__ import annotations

import asyncio
import keyword
import re
from pathlib import Path

import pytest

from datagen.ranking.programs import SETUP, suite_of
from datagen.ranking.trust import basis_of, by_reason
from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

RIGHT = """
BASE = 1
class TooSmall(ValueError): pass
def f(x):
    if x < 0:
        raise TooSmall(f"{x} is below 0")
    return x + BASE
async def later(x): return f(x)
"""
WRONG = "class TooSmall(ValueError): pass\ndef f(x): return None\nasync def later(x): return None\n"


def forms():
    """The sources of forms.txt by their forms, with how many tests each has."""
    text = Path(__file__).with_name("forms.txt").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in text.split("#### ")[1:]]
    return {head.partition(" ")[2]: (int(head.split()[0]), source) for head, _, source in parts}


FORMS = forms()


def judged(programs):
    """The verdicts of the real sandbox on programs with their tests and setup."""

    async def all_of_them():
        async with Sandbox(2) as sandbox:
            jobs = (sandbox.run(code, tests, Limits(), setup=setup) for code, tests, setup in programs)
            return await asyncio.gather(*jobs)

    return asyncio.run(all_of_them())


def outcomes(verdict):
    return [one.passed or one.detail for one in verdict.outcomes]


def test_trusted():
    """Each form gives its tests; a right answer satisfies all of them, and a wrong one none."""
    suites = {name: suite_of([source], "f") for name, (_, source) in FORMS.items()}
    assert {name: len(suite.tests) for name, suite in suites.items()} == {n: c for n, (c, _) in FORMS.items()}
    right = judged((RIGHT, suite.tests, suite.setup) for suite in suites.values())
    assert {n: outcomes(v) for n, v in zip(suites, right, strict=True) if v.status != "all_passed"} == {}
    wrong = judged((WRONG, suite.tests, suite.setup) for suite in suites.values())
    assert {n: outcomes(v) for n, v in zip(suites, wrong, strict=True) if v.pass_ratio} == {}


def written(source, codes=(RIGHT,), entry_point="f"):
    entry = [{"author": "a", "test": source}]
    return basis_of([{"generated_tests": entry, "entry_point": entry_point, "code": code} for code in codes])


def test_written_by_models():
    """The same tests count as calling the function, and need nothing but themselves."""
    found = {name: written(source) for name, (_, source) in FORMS.items()}
    assert {name: dict(basis.removed) for name, basis in found.items() if basis.removed} == {}
    few = {n: c for n, (c, _) in FORMS.items() if len(found[n].written) < c}
    assert few == {}  # asserts that stand by themselves in a function are taken apart
    for code, passes in ((RIGHT, 1.0), (WRONG, 0.0)):
        verdicts = judged((code, [one.test for one in basis.written], SETUP) for basis in found.values())
        wrong = {n: outcomes(v) for n, v in zip(found, verdicts, strict=True) if v.pass_ratio != passes}
        assert wrong == {}


def test_tests_that_are_kept_can_be_read_again():
    """What is written into generated_tests gives the same tests when it is ranked again."""
    for name, (_, source) in FORMS.items():
        kept = [one.test for one in written(source).written]
        again = [one.test for test in kept for one in written(test).written]
        assert again == kept, name


#: What a program may bind to each name that tests use, so as to be asked in the place of what they mean.
LIES = {
    "a function": "def {name}(*a, **k): return True\n",
    "a class": "class {name}(metaclass=Yes):\n    def __init__(self, *a, **k): pass\n"
    "    def __getattr__(self, name): return lambda *a, **k: True\n"
    "    def __eq__(self, other): return True\n    def __enter__(self): return self\n"
    "    def __exit__(self, *a): return True\n    def __call__(self, *a, **k): return self\n",
    "an object": "{name} = Yes('{name}', (), {{'__eq__': lambda a, b: True}})()\n",
    "a constant": "{name} = 2\n",
    "an error": "class {name}(BaseException): pass\n",
}
META = """
class Yes(type):
    def __getattr__(cls, name): return lambda *a, **k: True
    def __eq__(cls, other): return True
    def __instancecheck__(cls, other): return True
    __hash__ = type.__hash__
"""
OWN = {"f", "later", "TooSmall", "ValueError"}


def liars(source):
    """Programs that bind every name of a test, and give nothing."""
    names = sorted({*re.findall(r"[A-Za-z_]\w*", source), "pytest", "unittest", "solution"} - OWN)
    for lie in LIES.values():
        bound = "".join(lie.format(name=name) for name in names if not keyword.iskeyword(name))
        yield META + bound + WRONG


@pytest.mark.slow
def test_no_program_is_believed_by_the_names_that_it_binds():
    """Whatever it calls pytest, unittest, solution, check or test_f, no test of any form asks it."""
    tried = [
        (name, lie, suite_of([source], "f"), program)
        for name, (_, source) in FORMS.items()
        for lie, program in zip(LIES, liars(source), strict=True)
    ]
    verdicts = judged((program, suite.tests, suite.setup) for _, _, suite, program in tried)
    passed = {one[:2]: outcomes(v) for one, v in zip(tried, verdicts, strict=True) if v.pass_ratio}
    assert passed == {}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def test_f(tmp_path):\n    assert f(1) == 2", "needs-arguments"),
        ("def test_f(x, y):\n    assert f(x) == y", "needs-arguments"),
        ("def check(candidate, other):\n    assert candidate(1) == 2", "needs-arguments"),
        ("class TestF:\n    def test_f(self, capsys):\n        assert f(1) == 2", "needs-arguments"),
        ("@pytest.mark.skip\ndef test_f():\n    assert f(1) == 2", "needs-arguments"),
        *(
            (source, "needs-arguments")  # real test runners run none of them
            for source in (
                "def test_f():\n    yield\n    assert f(1) == 2",
                "def same(a, b): assert a == b\ndef test_f():\n    yield same, f(1), 2",
                "def check(candidate):\n    yield candidate(1)\n    assert False",
                "class TestF:\n    def test_f(self):\n        yield 1\n        assert f(1) == 2",
                "@pytest.mark.parametrize('x', [1])\ndef test_f(x):\n    yield\n    assert f(x) == 2",
                "class TestF(unittest.TestCase):\n    async def test_f(self):\n        assert f(1) == 2",
                "def test_f():\n    pass",
                'def test_f():\n    """\n    >>> f(1)\n    2\n    """',
                "def test_f():\n    'No more.'\n    return\n    assert f(1) == 2",
                "def test_f():\n    if False:\n        assert f(1) == 2",
                "@pytest.fixture(params=[1])\ndef x(request): return 1\ndef test_f(x): assert f(x) == 2",
            )
        ),
        ("class TestF:\n    x = 1", "checks-nothing"),
        (">>> f(1)\n", None),
        (">>> f(\n2\n", "no-python"),
        ("print(f(1))", None),
        ("f(1)", None),
    ],
)
def test_what_is_not_run_has_a_reason(source, reason):
    """No form is left out without a word; what calls the function and asserts nothing is for trust alone."""
    basis = basis_of([{"tests": [source], "entry_point": "f"}])
    assert by_reason(basis.removed) == ({reason: 1} if reason else {})
    assert len(basis.suite.tests) == (0 if reason else 1)
    found = written(source)
    assert by_reason(found.removed) == {reason or "checks-nothing": 1} or reason == "checks-nothing"
    assert found.written == ()


FIXTURES = "from pytest import fixture\n" + "".join(
    f"@fixture\ndef {name}{n}({f'a{n - 1}, b{n - 1}' if n else ''}): return 1\n"
    for n in range(60)
    for name in "ab"
)
CHAIN = "".join(f"a{n} = [a{n - 1}]\n" if n else "a0 = [1]\n" for n in range(1200)) + "".join(
    f"assert f(a{n}) == 1\n" for n in range(600, 1200)
)


def test_the_text_of_tests_is_bounded():
    """Fixtures that take two others double what each gives; each test has a copy of what it uses."""
    assert suite_of([f"{FIXTURES}def test_f(a59): assert f(a59) == 1"]).idle == 1
    assert len(suite_of([f"{FIXTURES}def test_f(a3): assert f(a3) == 1"]).tests) == 1
    assert suite_of([CHAIN]).tests == (CHAIN.strip(),)
    assert [one.test for one in written(CHAIN).written] == [CHAIN.strip()]


def test_what_stands_under_if_false_checks_nothing():
    dead = "f(1)\nif False:\n    assert f(1) == 2\n"
    assert written(dead).written == ()
    assert len(written(f"{dead}else:\n    assert f(2) == 3\n").written) == 1


def test_nothing_a_program_defines_makes_a_test_ask_it():
    """A helper that a test imports from a package is not the program's, whatever one answer defines."""
    source = "from some_helpers import is_two\nassert is_two(f(1))"
    liar = "def f(x): return 0\ndef is_two(x): return True\n"
    rows = [{"tests": [source], "entry_point": None, "code": code} for code in (liar, RIGHT, WRONG)]
    for some in (rows[:1], rows):
        suite = basis_of(some).suite
        assert "some_helpers" in suite.tests[0]
        assert judged([(liar, suite.tests, suite.setup)])[0].pass_ratio == 0


def test_without_entry_point_the_module_is_told_by_what_answers_share():
    """A module of any name is the program's if most of several answers define what is imported from it."""
    rows = [
        {"tests": ["from adding import f\nassert f(1) == 2"], "entry_point": None, "code": code}
        for code in (RIGHT, WRONG)
    ]
    assert basis_of(rows).suite.tests == ("from solution import f\nassert f(1) == 2",)


def test_each_test_sees_its_own_constants():
    """A constant that one source binds is not there for those of another, which mean the program's."""
    suite = suite_of(["BASE = 9\nassert f(BASE) == 10", "assert f(1) == 1 + BASE", "x = 1\nassert f(x) == 2"])
    assert outcomes(judged([(RIGHT, suite.tests, suite.setup)])[0]) == [True, True, True]
    assert suite.setup == SETUP


HONEST = Path(__file__).parents[1] / "sandbox/honest.txt"


def test_honest_programs_of_the_attack_suite_pass():
    """What the sandbox believes is believed by way of `rank`, too."""
    programs = []
    for part in HONEST.read_text(encoding="utf-8").split("#### ")[1:]:
        own = [line[3:].replace("\\n", "\n") for line in part.splitlines() if line.startswith("#> ")]
        suite = suite_of(own or ["assert f(2) == 5", "r = f(3)\nassert r == 7"], None, frozenset({"f"}))
        programs.append((part.partition("\n")[2], suite.tests, suite.setup))
    verdicts = judged(programs)
    assert [(p[0], v) for p, v in zip(programs, verdicts, strict=True) if v.status != "all_passed"] == []
