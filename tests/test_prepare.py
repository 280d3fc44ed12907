"""Code is found in answers, and its language."""

from __future__ import annotations

import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen import prepare
from datagen.prepare import Code, extract_code, with_code

PYTHON = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    ("response", "text", "language"),
    [
        (f"```python\n{PYTHON}\n```", PYTHON, "python"),
        (f"Here you are:\n\n```py\n{PYTHON}\n```\nIt adds.", PYTHON, "python"),
        (f"```Python3\n{PYTHON}\n```", PYTHON, "python"),
        (f"```py3\n{PYTHON}\n```", PYTHON, "python"),
        (f"``` python title=x\n{PYTHON}\n```", PYTHON, "python"),
        (f"~~~python\n{PYTHON}\n~~~", PYTHON, "python"),
        (f"````md\n```python\n{PYTHON}\n```\n````", f"```python\n{PYTHON}\n```", "md"),
        (f"```\n{PYTHON}\n```", PYTHON, "python"),
        (f"```python\n{PYTHON}", PYTHON, "python"),
        (f"```python\n{PYTHON}\n```".replace("\n", "\r\n"), PYTHON, "python"),
        (f"Text\r\n```python\r\n{PYTHON}\r\n```\r\nmore\r\n", PYTHON, "python"),
        (f"1. So:\n   ```python\n   {PYTHON.replace(chr(10), chr(10) + '   ')}\n   ```\n", PYTHON, "python"),
        ("```js\nlet x = 1;\n```", "let x = 1;", "javascript"),
        ("```C++\nint x;\n```", "int x;", "cpp"),
        ("```c#\nint x;\n```", "int x;", "c#"),
        ("```\nSELECT * FROM t;\n```", "SELECT * FROM t;", None),
        (PYTHON, PYTHON, "python"),
        (f"\n\n{PYTHON}\n", PYTHON, "python"),
        ("print(1)", "print(1)", "python"),
        (f"You can write:\n\n{PYTHON}\n\nThat adds two numbers.", PYTHON, "python"),
        ("for (int i = 0; i < 3; i++) {\n  f(i);\n}", "for (int i = 0; i < 3; i++) {\n  f(i);\n}", None),
        ("SELECT *\nFROM t;", "SELECT *\nFROM t;", None),
        ("I cannot do that.", None, None),
        ("42", None, None),
        ("yes", None, None),
        ("Use `add` for it.", None, None),
        ("```\n```", None, None),
        ("```x = 1```", None, None),
        ("", None, None),
        (" \n", None, None),
        (None, None, None),
    ],
    ids=repr,
)
def test_extract_code(response, text, language):
    """The first fenced block, else what reads as code; a language by its common name, or by its looks."""
    assert extract_code(response) == Code(text, language)


@pytest.mark.parametrize("entry_point", ["add", "a.b", "ad", None, ""])
def test_block_that_defines_the_entry_point_is_preferred(entry_point):
    """Of several blocks the one that defines the wanted function is the answer, else the first."""
    first = "```python\nprint(add(1, 2))\n```"
    found = extract_code(f"{first}\nwith\n```python\n{PYTHON}\n```", entry_point)
    assert found.text == (PYTHON if entry_point == "add" else "print(add(1, 2))")


@pytest.mark.parametrize(
    "text",
    [
        "`" * 100_000,
        "```\n" * 30_000,
        "```python\nx\n" * 20_000,
        "(\n" * 50_000,
        "import x\n\n" * 20_000,
        "def f(\n\n" * 20_000,
        " " * 200_000 + "x",
        "from " + "a." * 100_000,
        "f'{" * 1000,
        "x[" * 1000,
        "a," * 100_000,
        "-" * 100_000 + "1",
    ],
    ids=lambda text: text[:10],
)
def test_hostile_answers_are_cheap(text):
    """No answer makes finding its code slow or large: the patterns are linear, the parser is bounded."""
    started = time.process_time()
    extract_code(text, "f")
    assert time.process_time() - started < 2


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=60),
    st.sampled_from(["", "```python\n", "```\n", "~~~\n", "def f():\n  "]),
    st.text(max_size=20),
)
def test_any_text_is_taken(text, opening, end):
    """Any answer gives code or none, never an error, and no code without text."""
    found = extract_code(text + opening + end, "f")
    assert found.text is None or found.text.strip()
    assert found.language is None or found.text is not None


def frame(**columns):
    return pl.DataFrame({"instruction": ["a"], **{name: [value] for name, value in columns.items()}})


def code_of(**columns):
    return with_code(frame(**columns)).select("code", "language").row(0)


def test_tasks_have_no_code():
    """Rows without answers are left as they are."""
    assert with_code(frame(language="x")).columns == ["instruction", "language"]


@pytest.mark.parametrize(
    ("brought", "expected"),
    [
        ({}, (PYTHON, "python")),
        ({"code": "x = 1"}, ("x = 1", "python")),
        ({"code": "x = 1", "language": "Lua"}, ("x = 1", "lua")),
        ({"language": "Py"}, (PYTHON, "python")),
        ({"language": "c++"}, (PYTHON, "cpp")),
        ({"code": None, "language": None}, (PYTHON, "python")),
        ({"code": ""}, ("", None)),
    ],
    ids=repr,
)
def test_what_a_row_brings_is_kept(brought, expected):
    """`code` and `language` of the input are not replaced, but a language gets its common name."""
    assert code_of(response=f"```python\n{PYTHON}\n```", **brought) == expected


def test_prepared_twice_is_prepared_once():
    """Preparing what is prepared changes nothing."""
    once = with_code(frame(response=f"```python\n{PYTHON}\n```"))
    assert with_code(once).equals(once)


def test_empty_frame_gets_the_columns():
    """A batch without rows has the columns and types of the others."""
    assert with_code(frame(response="x").clear()).schema == with_code(frame(response="x")).schema


def test_long_source_is_not_parsed():
    """Beyond 64 KB only the looks decide: the parser would take all memory on some texts."""
    code = "x = 1\n" * (prepare.MAX_SOURCE // 6 + 1)
    assert extract_code(f"```\n{code}```").language is None
    assert extract_code(f"```\ndef f():\n    pass\n{code}```").language == "python"
