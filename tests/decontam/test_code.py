"""`code`: the reference solution is found whatever its names, layout, order and language are."""

import ast
import random
import re
import string

import polars as pl
import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from decontam.benchmarks import Item, load
from decontam.detectors import _code_pieces, code
from decontam.detectors._code_pieces import units

ITEMS = load("humaneval").items
INDEX = code.index(ITEMS)
LOW = code.index(ITEMS, thresholds={"python": 0.01, "other": 0.01})
BY_NAME = {item.entry_point: item for item in ITEMS}
SOLUTION = """
def close_pairs(values, limit):
    found = []
    for first, one in enumerate(values):
        for second, other in enumerate(values):
            if first < second and abs(one - other) * 2 <= limit + 0.25:
                found.append((first, second, "close"))
    return sorted(found, key=lambda pair: pair[1] - pair[0])
"""
TOY = Item("toy", "toy/1", "", "", SOLUTION, (), "close_pairs")


def whole(item):
    return f"{item.raw_prompt}{item.solution}"


def found(text, index=INDEX, instruction="Complete the code."):
    frame = pl.DataFrame({"id": ["0"], "instruction": [instruction], "response": [text]})
    return code.matches(frame, index)


def value(text, index):
    return found(text, index)["value"].max()


def test_an_equal_solution_is_found_with_evidence():
    """The evidence names the item, the part, the value and the function in the row."""
    item = BY_NAME["has_close_elements"]
    [row] = found(f"Here it is:\n\n{whole(item)}\nIt compares all pairs.").to_dicts()
    assert (row["item"], row["part"], row["detector"]) == (item.task_id, "solution:response", "code")
    assert row["threshold"] <= row["value"] < 1
    assert row["excerpt"].startswith("def has_close_elements")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "def f(a, b):\n  r = list()\n  for i in range(len(a)):\n    for j in range(len(a)):\n"
            "      if i < j and b + 0.25 >= 2 * abs(a[i] - a[j]):\n        r.append((i, j, 'close'))\n"
            "  r = sorted(r, key=lambda p: p[1] - p[0])\n  return r",
            id="restructured",
        ),
        pytest.param(
            "class Pairs:\n    def __init__(self):\n        self.n = 0\n\n"
            + "\n".join(
                f"    {line}" for line in SOLUTION.strip().replace("(values", "(self, values").splitlines()
            ),
            id="a method",
        ),
        pytest.param(f"```python\n{SOLUTION}```\nand\n```\nnothing\n```", id="fenced"),
        pytest.param(f"Sure! This is it.\n{SOLUTION}\nHope that helps :)", id="in prose"),
        pytest.param(f"print 'Python 2'\n\n{SOLUTION}", id="beside what does not parse"),
        pytest.param(SOLUTION[: SOLUTION.index("    return")], id="most of it"),
        pytest.param(
            "public static List<int[]> closePairs(List<Double> v, double limit) {\n"
            "    List<Object[]> found = new ArrayList<>();\n"
            "    for (int i = 0; i < v.size(); i++) {\n        for (int j = 0; j < v.size(); ++j) {\n"
            "            if (i < j && Math.abs(v.get(i) - v.get(j)) * 2 <= limit + 0.25) {\n"
            '                found.add(new Object[]{i, j, "close"});\n            }\n        }\n    }\n'
            "    return found;\n}",
            id="Java",
        ),
        pytest.param(
            "const closePairs = (values, limit) => {\n  const found = []\n"
            "  values.forEach((one, i) => { for (let j = 0; j < values.length; j++) {\n"
            "    if (i < j && Math.abs(one - values[j]) * 2 <= limit + 0.25) found.push([i, j, 'close'])\n"
            "  }})\n  return found.sort((a, b) => (a[1] - a[0]) - (b[1] - b[0]))\n}",
            id="JavaScript",
        ),
        pytest.param(
            "func ClosePairs(values []float64, limit float64) []Pair {\n\tvar found []Pair\n"
            "\tfor i, one := range values {\n\t\tfor j, other := range values {\n"
            "\t\t\tif i < j && math.Abs(one-other)*2 <= limit+0.25 {\n"
            '\t\t\t\tfound = append(found, Pair{i, j, "close"})\n\t\t\t}\n\t\t}\n\t}\n\treturn found\n}',
            id="Go",
        ),
        pytest.param(
            "fn close_pairs(values: &[f64], limit: f64) -> Vec<(usize, usize, &str)> {\n"
            "    let mut found = vec![];\n    for i in 0..values.len() {\n"
            "        for j in 0..values.len() {\n"
            "            if i < j && (values[i] - values[j]).abs() * 2.0 <= limit + 0.25 {\n"
            '                found.push((i, j, "close"));\n            }\n        }\n    }\n    found\n}',
            id="Rust",
        ),
    ],
)
def test_a_solution_in_another_dress_is_found(text):
    """Restructured, as a method, in prose, beside broken code, and in other languages."""
    index = code.index([TOY])
    assert found(text, index)["item"].to_list() == ["toy/1"]
    assert found("", index, instruction=text)["part"].to_list() == ["solution:instruction"]


@pytest.mark.parametrize(
    "text",
    [
        "def count(s):\n    return len(s)",
        "def add(a, b):\n    return a + b",
        "def common(a, b):\n    return [x for x in a if x in b]",
        "def fact(n):\n    if n == 0:\n        return 1\n    return n * fact(n - 1)",
        "def fib(n):\n    if n == 0:\n        return 0\n    if n == 1:\n        return 1\n"
        "    return fib(n-1) + fib(n-2)",
        "int gcd(int a, int b) { while (b) { int t = b; b = a % b; a = t; } return a; }",
        "bool isPalindrome(string s) {\n  return s == string(s.rbegin(), s.rend());\n}",
        "Just prose (of a kind): it says nothing; nothing at all.",
    ],
)
def test_textbook_exercises_are_no_match(text):
    """What is too small or too common says nothing, however equal it is to an item."""
    assert found(text).is_empty()


def test_items_without_code_are_left_out():
    """Items without a solution make no match, and an index of none is empty."""
    index = code.index([TOY._replace(solution=""), TOY._replace(solution="no code")])
    assert index.solutions == []
    assert found(SOLUTION, index).is_empty()


def test_what_else_is_indexed_does_not_matter():
    """The value for an item depends on its own benchmark alone."""
    alone = found(SOLUTION, code.index([TOY]))
    together = found(SOLUTION, code.index([*ITEMS, TOY])).filter(pl.col("benchmark") == "toy")
    assert alone.equals(together)


class Renamed(ast.NodeTransformer):
    """Gives each variable, parameter and function of a program another name."""

    def __init__(self, tree, names):
        own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        own |= {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self.names = dict(zip(sorted(own), names, strict=False))

    def visit_arg(self, node):
        return ast.arg(self.names.get(node.arg, node.arg))

    def visit_Name(self, node):
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.name = self.names.get(node.name, node.name)
        return node


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ITEMS), st.randoms(use_true_random=False))
def test_names_layout_and_order_do_not_change_the_value(item, chance):
    """Consistent renaming, another layout and independent functions in another order: the same value."""
    tree = ast.parse(whole(item))
    names = [f"{chance.choice(string.ascii_lowercase)}_{number}" for number in range(100)]
    renamed = ast.unparse(Renamed(tree, names).visit(ast.parse(whole(item))))
    functions = [
        renamed,
        "def other_one(z):\n    return z.strip() * 3",
        "def other_two(q):\n    print(q, 17)",
    ]
    first = "\n\n".join([whole(item), *functions[1:]])
    chance.shuffle(functions)
    again = re.sub(r"(?m)^( +)", r"\1\1", "\n\n\n".join(functions))
    same = [found(text, LOW).select("item", "value").sort("item") for text in (first, again)]
    assert same[0].equals(same[1])


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="(){}[]<>;:,.=+-*/'\"`#\\ \n\tabif0 1é", max_size=300))
def test_any_text_is_read(text):
    """No text makes the reader fail."""
    found(text, LOW)
    found(f"def f(a):\n    return {text}\n```\n{text}", LOW)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("(" * 20_000, id="parentheses"),
        pytest.param("{[(" * 7000, id="brackets"),
        pytest.param("f(x){" * 5000, id="functions"),
        pytest.param("if (a) else " * 2000, id="branches"),
        pytest.param("a ? b : " * 3000, id="choices"),
        pytest.param("for (" * 4000, id="loops"),
        pytest.param("x = 'a\n" * 4000, id="open strings"),
        pytest.param("/* " * 8000, id="open comments"),
        pytest.param("a<b,<" * 5000, id="generics"),
        pytest.param("def f(a):\n  (\n" * 500, id="broken functions"),
        pytest.param("```\nx = 1\n" * 500, id="fences"),
        pytest.param("-" * 20_000 + "1", id="signs"),
        pytest.param("\x00\x01\x7f;\n" * 5000, id="binary"),
        pytest.param(SOLUTION * 20, id="the solution"),
    ],
)
def test_hostile_rows_take_time_in_proportion(piece):
    """Four times the text takes about four times the time, and nothing fails."""
    found(piece)
    single = cost(lambda: found(piece))
    fourfold = min(cost(lambda: found(piece * 4)) for _ in range(2))
    assert fourfold < 10 * single + 60


def test_lone_surrogates_are_read():
    """Texts that no frame can hold may stand in a benchmark's file."""
    assert [unit.features for unit in units(f"{SOLUTION}\nx = '\ud800'")]
    assert len(code.index([TOY._replace(solution=f"{SOLUTION}\n# \ud800 \udfff")]).solutions) == 1


def test_a_row_does_not_depend_on_its_neighbours():
    """Rows together give what each gives alone, in the rows' order."""
    texts = [whole(item) for item in ITEMS[:12]]
    random.Random(0).shuffle(texts)
    ids = [str(number) for number in range(len(texts))]
    frame = pl.DataFrame({"id": ids, "instruction": [""] * len(ids), "response": texts})
    alone = [code.matches(frame[number : number + 1], INDEX) for number in range(len(ids))]
    assert code.matches(frame, INDEX).equals(pl.concat(alone))


@pytest.mark.parametrize("after", ["", "\n\ndef check(candidate):\n    assert candidate([1], 2) == []\n"])
def test_a_completion_is_python(after):
    """The body of a function without its first line is read as Python, whatever follows."""
    body = SOLUTION.partition(":\n")[2]
    first, *_ = units(body + after)
    assert not first.other
    assert body[first.start : first.end].strip() == body.strip()


def test_functions_in_other_languages_are_compared_one_by_one():
    """What a function does is not added to the functions behind it, whatever their number."""
    text = "int f(int a) { return a * 3; }\nint g(int b) { return b + 77; }\n"
    first, second, _ = [unit for unit in units(text) if unit.other]
    assert "77" not in first.features
    assert "3" not in second.features
    assert (first.names, second.names) == ({"f"}, {"g"})


@pytest.mark.parametrize(
    "text",
    [
        "`" * 200_000,
        "lambda x" + "\n" * 100_000,
        "f(a) {" + "/* " * 30_000,
        "f(a) {" + '\\"' * 30_000,
        "def f(:\n" + " " * 90_000,
        "".join(f"int a{n}(int b) {{ return b + {n}; }}\n" for n in range(2_500)),
    ],
    ids=["backticks", "line ends", "comments", "strings", "spaces", "functions"],
)
def test_hostile_texts_are_read_in_time(text):
    """Each of these took minutes, or memory with the square of its length."""
    assert cost(lambda: list(units(text))) < 200


WORDS = st.sampled_from(
    ["Write", "a", "return", "if", "x", "for", "match", "type", "print", "f", "not", "=", "("]
)


@settings(deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=6), st.sampled_from(["", "\n\nx = 1", ",\ny = (1\n\nz = 2", "\n'"])
)
def test_what_counts_as_prose_is_no_python(words, rest):
    """A text is left unparsed only if no line of it is read as Python."""
    text = " ".join(words) + rest
    if _code_pieces._PROSE.match(text):
        for end in range(text.find("\n") % (len(text) + 1), len(text) + 1):
            with pytest.raises(SyntaxError):
                ast.parse(text[:end])
