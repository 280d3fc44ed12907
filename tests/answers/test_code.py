"""Code is found in answers, and its language."""

from __future__ import annotations

import ast

import polars as pl
import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.answers.code import CUTS, Code, _begins_as_text, extract_code, with_code
from datagen.answers.trim import MAX_SOURCE

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
    assert extract_code(response)[:2] == (text, language)


@pytest.mark.parametrize("entry_point", ["add", "a.b", "ad", None, ""])
def test_block_that_defines_the_entry_point_is_preferred(entry_point):
    """Of several blocks the one that defines the wanted function is the answer, else the first."""
    first = "```python\nprint(min(1, 2))\n```"
    found = extract_code(f"{first}\nwith\n```python\n{PYTHON}\n```", entry_point)
    assert found.text == (PYTHON if entry_point == "add" else "print(min(1, 2))")


NEEDS_HELPER = "def area(r):\n    return PI * square(r)"
HELPER = "PI = 3\n\ndef square(n):\n    return n * n"
BETTER = "def add(a, b):\n    return sum((a, b))"


def fenced(*blocks, language="python"):
    return "\n\n".join(f"```{language}\n{block}\n```" for block in blocks)


@pytest.mark.parametrize(
    ("response", "text", "cut"),
    [
        (fenced(PYTHON), PYTHON, ""),
        (f"So:\n{fenced(PYTHON)}", PYTHON, "prose"),
        (f"{fenced(PYTHON)}\nIt adds.", PYTHON, "prose"),
        (f"So: {fenced(PYTHON)}", PYTHON, "prose"),
        (f"So:\n\n{PYTHON}\n\nIt adds.", PYTHON, "prose"),
        (f"```python\n{PYTHON}", PYTHON, "unclosed-fence"),
        (f"\ufeff{PYTHON}", PYTHON, ""),
        (f"\ufeff{fenced(PYTHON)}".replace("\n", "\r"), PYTHON, ""),
        (fenced(f"{PYTHON}\n\nprint(add(1, 2))"), PYTHON, "usage"),
        (f"{PYTHON}\n\nassert add(1, 2) == 3\n", PYTHON, "tests"),
        (f"Sum:\n\n{PYTHON}\n\nprint(add(1, 2))\n\nIt adds.", PYTHON, "prose usage"),
        (
            f"<think>\n{fenced('def add(a, b): pass')}\n</think>\n\n{fenced(PYTHON)}",
            *(PYTHON, "thinking"),
        ),
        (f"Let me see.\n{fenced('def add(a): pass')}\n</think>\n{fenced(PYTHON)}", PYTHON, "thinking"),
        (f"<think>one</think>\n<think>two</think>\n{PYTHON}", PYTHON, "thinking"),
        (f"<think>\n{fenced(PYTHON)}", None, "thinking"),
        (fenced("s = '<think>' + add(1)\n# </think>"), "s = '<think>' + add(1)\n# </think>", ""),
        (fenced(PYTHON) + "\n```bash\npython x.py\n```", PYTHON, "terminal-block"),
        ("```text\nadd\n```\n" + fenced(PYTHON), PYTHON, "terminal-block"),
        (fenced(PYTHON, "print(add(1, 2))"), PYTHON, "other-block"),
        (fenced("print(add(1, 2))", PYTHON), PYTHON, "other-block"),
        (fenced(PYTHON, BETTER), BETTER, "other-block"),
        (fenced(PYTHON, BETTER + "\nprint(add(1, 2))"), BETTER, "other-block usage"),
        (fenced(PYTHON, "def add(a, b):\n    ..."), PYTHON, "other-block"),
        (fenced(PYTHON, "def add(a, b):\n    if a:"), PYTHON, "other-block"),
        (fenced(PYTHON) + "\n```python\ndef add(a, b):\n    return (a", PYTHON, "other-block"),
        (
            fenced("function add(a) {}", "function add(b) {}", language="js"),
            "function add(a) {}",
            "other-block",
        ),
        (fenced("let x;", "let add = (a) => a;", language="js"), "let add = (a) => a;", "other-block"),
        (
            fenced("class Adder:\n    def add(self, a):\n        return a\n\nprint(Adder().add(1))"),
            *("class Adder:\n    def add(self, a):\n        return a", "usage"),
        ),
    ],
    ids=repr,
)
def test_what_was_cut_is_told(response, text, cut):
    """The code of `add`, and by fixed names what of the answer is not in it."""
    found = extract_code(response, "add")
    assert (found.text, found.cut) == (text, tuple(cut.split()))


def test_names_of_cuts_keep_their_order():
    """Several cuts are told in the order of the documented table, each once."""
    blocks = fenced("x = 1", "y = 1", f"{PYTHON}\nassert add(1, 1) == 2\nprint(add(1, 2))")
    found = extract_code(f"<think>?</think>{blocks}\n```sh\nls\n```\nSo:\n```python\nprint(add", "add")
    assert found.cut == ("thinking", "prose", "other-block", "terminal-block", "tests", "usage")
    assert sorted(found.cut, key=list(CUTS).index) == list(found.cut)


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ((HELPER, NEEDS_HELPER), f"{HELPER}\n\n{NEEDS_HELPER}"),
        ((NEEDS_HELPER, HELPER), f"{HELPER}\n\n{NEEDS_HELPER}"),
        ((f"{HELPER}\nprint(square(2))", NEEDS_HELPER, "print(area(2))"), f"{HELPER}\n\n{NEEDS_HELPER}"),
        (("PI = 3", "def square(n):\n    return n", NEEDS_HELPER), None),
        (
            ("import math", "x = math.pi", "def area(r):\n    return math.pi * r"),
            "import math\n\ndef area(r):\n    return math.pi * r",
        ),
        (
            ("def area(r):\n    return np.sum(r)", "import numpy as np\nprint(area([1]))"),
            "import numpy as np\n\ndef area(r):\n    return np.sum(r)",
        ),
        (("def area(r):\n    return r", HELPER), "def area(r):\n    return r"),
        (
            ("square = 1", "x = 2", "def square(n): return 3", "def area(r): return square(r)"),
            "def square(n): return 3\n\ndef area(r): return square(r)",
        ),
    ],
    ids=repr,
)
def test_blocks_that_the_function_needs_join_it(blocks, text):
    """What the function uses and another block alone defines comes along, without that block's examples."""
    assert extract_code(fenced(*blocks), "area").text == (text or "\n\n".join(blocks))


def test_imports_alone_are_not_the_answer():
    """Without an entry point the first block that does something is taken, with the imports it needs."""
    found = extract_code(fenced("import math", "def f(x):\n    return math.sqrt(x)", "print(f(4))"))
    assert found == Code("import math\n\ndef f(x):\n    return math.sqrt(x)", "python", ("other-block",))


def test_fence_in_a_docstring_does_not_close_the_block():
    """A fence deeper in the code than the opening one is a docstring's, in a block and in a bare answer."""
    code = 'def f(x):\n    """Double.\n\n    ```\n    f(1)\n    ```\n    """\n    return 2 * x'
    assert extract_code(fenced(code)) == Code(code, "python")
    assert extract_code(code) == Code(code, "python")
    assert extract_code(f"```python\n{PYTHON}\n    ```\n\nIt adds.") == Code(PYTHON, "python", ("prose",))


NAMES = st.sampled_from(["f", "g", "add", "test_add", "main"])
FUNCTIONS = st.builds(
    "def {}({}):\n    {}{}".format,
    NAMES,
    st.sampled_from(["", "a", "a, b=1", "*args"]),
    st.sampled_from(["", '"""Say é."""\n    ', "x = [1,  2]  # odd\n\n    ", "print(3)\n    "]),
    st.sampled_from(["return 1", "return g(f)", "yield '`'", "return {\n  1: 2}", "return '\\n'"]),
)
SOURCES = st.lists(FUNCTIONS, min_size=1, max_size=3).map("\n\n\n".join)
PROSE = st.text(st.sampled_from("abc é.,!\n-1#"), max_size=30)
BEHIND = st.sampled_from(
    [
        "",
        "print(f(1))",
        "# Example\nx = f(2)\nprint(x)",
        "assert g(1) == 1",
        "if __name__ == '__main__':\n    f(1)",
    ]
)


@settings(max_examples=200, deadline=None)
@given(SOURCES, NAMES, PROSE, PROSE)
def test_functions_come_out_as_they_went_in(code, entry_point, before, after):
    """Functions in a fenced block are not touched, whatever stands around it."""
    assert extract_code(fenced(code), entry_point) == Code(code, "python")
    found = extract_code(f"{before}\n{fenced(code)}\n{after}", entry_point)
    assert found[:2] == (code, "python")
    assert ("prose" in found.cut) == bool((before + after).strip())


@settings(max_examples=200, deadline=None)
@given(st.lists(SOURCES | BEHIND, min_size=1, max_size=5), st.booleans(), NAMES | st.none())
def test_extracted_code_compiles_and_is_extracted_as_it_is(parts, split, entry_point):
    """Cutting leaves Python, and there is nothing to cut from what was extracted."""
    found = extract_code(fenced(*parts) if split else fenced("\n".join(parts)), entry_point)
    if found.text is None:
        assert not "".join(parts).strip()
    else:
        compile(found.text, "<answer>", "exec")
        assert extract_code(fenced(found.text), entry_point).text == found.text


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
        "<think></think>" * 20_000,
        "<think>" * 50_000,
        "</think>\n" * 30_000,
        "```\n     ```\n" * 20_000,
        "```python\nx = a\n```\n" * 5_000,
        "".join(f"```python\ndef f{n}():\n    return f{n + 1}()\n```\n" for n in range(1_500))
        + "```python\ndef f(): return f0()\n```",
        "```python\ndef f(): pass\n```\n" * 3_000,
        "```python\r\ndef f(): pass\r\nprint(1)\r\n" + "print(f())\r\n" * 5_000,
        "def f(): pass\n" + "\0" * 1000,
    ],
    ids=lambda text: text[:10],
)
def test_hostile_answers_are_cheap(text):
    """No answer makes finding its code slow or large: the patterns are linear, the parser is bounded."""
    assert cost(lambda: extract_code(text, "f")) < 100


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


def test_trees_of_rows_are_shown():
    """Each row's code comes with its tree or error, for code that was cut as well, and in order."""
    seen = []
    usage = f"```python\n{PYTHON}\nprint(add(1, 2))\n```"
    rows = pl.DataFrame({"instruction": ["a"] * 3, "response": [usage, "def f(:\n    pass", None]})
    with_code(rows, lambda code, _, tree: seen.append((code.text, tree)))
    assert [text for text, _ in seen] == with_code(rows)["code"].to_list()
    assert ast.dump(seen[0][1], include_attributes=True) == ast.dump(
        ast.parse(seen[0][0]), include_attributes=True
    )
    assert [type(tree) for _, tree in seen[1:]] == [SyntaxError, type(None)]


def test_empty_frame_gets_the_columns():
    """A batch without rows has the columns and types of the others."""
    assert with_code(frame(response="x").clear()).schema == with_code(frame(response="x")).schema


def test_long_source_is_not_parsed():
    """Beyond 64 KB only the looks decide: the parser would take all memory on some texts."""
    code = "x = 1\n" * (MAX_SOURCE // 6 + 1)
    assert extract_code(f"```\n{code}```").language is None
    assert extract_code(f"```\ndef f():\n    pass\n{code}```").language == "python"


def test_java_that_begins_with_an_import_is_whole():
    """A line that is Python by chance does not stand for the whole answer."""
    java = "import java.util.Scanner;\n\npublic class Sum {\n    int add(int a, int b) { return a + b; }\n}"
    assert extract_code(java).text == java


_WORDS = st.sampled_from(
    ["Here", "it", "is", "match", "type", "case", "print", "not", "def", "f", "x", "in", "None"]
)
_MARKS = st.sampled_from(
    [" ", "  ", "\n", ":", "(", ")", "'", '"', "=", "```", "```python\n", "1", "[", "]", "."]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(_WORDS, _MARKS, st.just(" ")), max_size=8).map("".join))
def test_a_text_that_is_not_parsed_is_no_python(text):
    """What is told from its first words to be no Python does not parse."""
    if _begins_as_text(text):
        with pytest.raises(SyntaxError):
            ast.parse(text)


@pytest.mark.parametrize("quotes", ["'''", '"""'])
def test_prose_in_a_string_stays_in_code_among_prose(quotes):
    """A paragraph that reads as prose is code's where a string holds it, and none where none does."""
    code = f"def f():\n    return {quotes}One\n\nHere it is\n{quotes}"
    assert extract_code(f"Here it is:\n\n{code}").text == code
    assert extract_code(f"Here it is:\n\n{code}\n\nThis function does it.").text == code


def test_fences_in_the_text_of_a_line_open_and_close_nothing():
    """Lines that hold a fence among words are the block's or the prose's like all others."""
    answer = f"A ``` b\nUse ~~~ c\n```python\n{PYTHON}\n# a ``` b\n```\nSee ```x``` here"
    assert extract_code(answer) == Code(f"{PYTHON}\n# a ``` b", "python", ("prose",))
