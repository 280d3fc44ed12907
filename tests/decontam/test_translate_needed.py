"""The part of the runtime that a translated program uses."""

# ruff: noqa: E501 - lines of programs
from __future__ import annotations

from typing import Any

import pytest

from datagen.sandbox.harmless import Harmless
from decontam._translate_needed import runtime_for

_PROGRAMS = {
    "evens in C++": (
        'def f(a):\n    r = T_.default("cpp", "vector<int>")\n    for c in T_.each("cpp", a):\n'
        '        if T_.op("cpp", "==", T_.op("cpp", "%", c, 2), 0):\n            T_.call("cpp", r, "push_back", c)\n'
        '    T_.static("cpp", "std::sort", T_.call("cpp", r, "begin"), T_.call("cpp", r, "end"))\n    return T_.out(r)\n',
        [4, 3, 2],
        [2, 4],
    ),
    "reversed text in JavaScript": (
        'def f(s):\n    return T_.call("js", T_.call("js", T_.call("js", s, "split", ""), "reverse"), "join", "")\n',
        "abc",
        "cba",
    ),
    "vowels removed in JavaScript": (
        'def f(s):\n    return T_.call("js", s, "replace", T_.regex("[aeiou]", "gi"), "")\n',
        "HellO",
        "Hll",
    ),
    "counts in Java": (
        'def f(s):\n    m = T_.new("java", "HashMap<>")\n    for c in T_.call("java", s, "toCharArray"):\n'
        '        T_.call("java", m, "put", c, T_.op("java", "+", T_.call("java", m, "getOrDefault", c, 0), 1))\n'
        "    return T_.out(m)\n",
        "aba",
        {"a": 2, "b": 1},
    ),
    "joined in Go": (
        'def f(s):\n    return T_.static("go", "fmt.Sprintf", "%s-%05.2f", '
        'T_.static("go", "strings.Join", T_.static("go", "strings.Fields", s), ","), 1.5)\n',
        " a b",
        "a,b-01.50",
    ),
    "collected in Rust": (
        'def f(s):\n    return T_.call("rust", T_.call("rust", T_.call("rust", s, "chars"), "rev"), "collect", "String")\n',
        "abc",
        "cba",
    ),
    "a stack in C++": (
        'def f(s):\n    k = T_.default("cpp", "stack<char>")\n    for c in T_.each("cpp", s):\n'
        '        T_.call("cpp", k, "push", c)\n    r = T_.default("cpp", "string")\n'
        '    while not T_.call("cpp", k, "empty"):\n        r = T_.op("cpp", "+", r, T_.call("cpp", k, "top"))\n'
        '        T_.call("cpp", k, "pop")\n    return T_.out(r)\n',
        "abc",
        "cba",
    ),
    "the largest in C": (
        'def f(a):\n    m = T_.const("INT_MIN")\n    i = 0\n    while T_.op("c", "<", i, T_.get("c", a, "length")):\n'
        '        if T_.op("c", ">", T_.index("c", a, i), m):\n            m = T_.index("c", a, i)\n'
        '        i = T_.op("c", "+", i, 1)\n    return T_.op("c", "/", m, 2)\n',
        [1, 7, 3],
        3,
    ),
}


@pytest.mark.parametrize("name", _PROGRAMS)
def test_programs_run_with_what_they_need(name: str) -> None:
    """A program gives its result, and is harmless, with the part of the runtime that it uses."""
    program, given, result = _PROGRAMS[name]
    text = runtime_for(program) + program
    code = compile(text, "program", "exec")
    found = Harmless().names(code)
    assert found is not None
    assert not found[1]
    space: dict[str, Any] = {"__name__": "program"}
    exec(code, space)
    assert space["f"](given) == result
    assert len(text) < 40_000


def test_little_is_needed_by_little() -> None:
    """A program that uses one method gets that method, not the tables."""
    text = runtime_for("def f(a):\n    return T_.chars(a)\n")
    assert "def chars" in text
    assert "def printf" not in text
    assert " M = " not in text
