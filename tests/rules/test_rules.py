"""The rules: what each keeps and drops, and what holds for all of them."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules
from rules import RULES, Above, Below, IsTrue, judge

FOLDER = Path(rules.__file__).parent
CASES = Path(__file__).parent / "cases"
COLUMNS = ("instruction", "response", "code", "language", "finish_reason", "entry_point", "role")
ANY_TASK = "Write a function that does this."
ALL = list(RULES.values())
UNITS = ["instruction", "response", "code", "pair"]


def table(*rows):
    """Rows with all prepared columns; what a row leaves out is null, and its task is any."""
    filled = [dict.fromkeys(COLUMNS) | {"instruction": ANY_TASK} | row for row in rows]
    return pl.DataFrame(filled, schema=dict.fromkeys(COLUMNS, pl.String))


def cases(kind):
    return [
        pytest.param(name, row, id=f"{name}-{number}")
        for name in RULES
        for number, row in enumerate(runpy.run_path(str(CASES / f"{name.replace('-', '_')}.py"))[kind])
    ]


def dropped_by(frame, chosen=ALL, **options):
    return judge(frame, chosen, **options)["dropped_by"].to_list()


@pytest.mark.parametrize(("name", "row"), cases("KEPT"))
def test_keeps(name, row):
    """A rule does not drop a row that its case file lists as kept."""
    assert name not in dropped_by(table(row))[0]


@pytest.mark.parametrize(("name", "row"), cases("DROPPED"))
def test_drops(name, row):
    """A rule drops a row that its case file lists as dropped."""
    assert name in dropped_by(table(row))[0]


def test_sound_pair_is_kept():
    """A good answer to a good task is dropped by no rule."""
    code = "def add(a, b):\n    return a + b"
    row = {
        "instruction": "Write a function add that adds two numbers.",
        "response": f"Here it is:\n```python\n{code}\n```",
        "code": code,
        "language": "python",
        "finish_reason": "stop",
        "entry_point": "add",
        "role": "teacher",
    }
    assert dropped_by(table(row)) == [[]]


def test_every_rule_has_cases():
    """There is one case file for each rule and none besides."""
    assert {path.stem.replace("_", "-") for path in CASES.glob("*.py")} == set(RULES)


def test_names_are_the_files():
    """A rule is named like its file, with hyphens, and every public file holds one."""
    files = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    assert {name.replace("-", "_") for name in RULES} == files
    assert all(rule.name == name for name, rule in RULES.items())


@pytest.mark.parametrize("name", RULES)
def test_docstring_has_the_headings(name):
    """A rule's docstring says what, why and by which source, and gives an example of each side."""
    tree = ast.parse((FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    lines = text.splitlines()
    found = [line.partition(":")[0] for line in lines[2:] if line[:1].isalpha()]
    assert lines[0].endswith(".")
    assert found == ["What", "Why", "Source", "Kept", "Dropped"]
    assert all(line.partition(":")[2].strip() for line in lines[2:] if line[:1].isalpha())


def test_order_is_fixed():
    """Rules come by what they judge, then by name, and `dropped_by` lists them so."""
    assert list(RULES) == sorted(RULES, key=lambda name: (UNITS.index(RULES[name].judges), name))
    row = {"instruction": "Sure", "response": "Sure", "finish_reason": "length"}
    assert dropped_by(table(row)) == [
        ["short-instruction", "empty-response", "truncated-response", "no-code", "copies-instruction"]
    ]


def test_shared_measure_is_stored_once():
    """Two rules of one measure share its expression, and the frame has one column for it."""
    short, long = RULES["short-instruction"], RULES["long-instruction"]
    assert short.of is long.of
    assert judge(table({}), [short, long]).columns == ["instruction_words", "dropped_by"]


def test_measures_of_one_name_are_one():
    """No two rules store different measures under the same name."""
    assert len({(rule.measure, id(rule.of)) for rule in ALL}) == len({rule.measure for rule in ALL})


def test_tasks_without_answers_meet_instruction_rules_only():
    """Without a response column the other rules neither drop nor measure."""
    measured = judge(table({"instruction": "Sort"}, {}).select("instruction"), ALL)
    expected = {rule.measure for rule in ALL if rule.judges == "instruction"}
    assert set(measured.columns) == {*expected, "dropped_by"}
    assert measured["dropped_by"].to_list() == [["short-instruction"], []]


def test_student_is_measured_but_dropped_with_its_task_only():
    """A broken student answer keeps its measures and stays, unless its instruction goes."""
    row = {"response": "```\ndef f(", "code": "def f(", "language": "python", "role": "student"}
    measured = judge(table(row, row | {"instruction": "Sort"}, row | {"role": "teacher"}), ALL)
    assert measured["syntax_error"].to_list() == [True, True, True]
    assert measured["dropped_by"].to_list() == [
        [],
        ["short-instruction"],
        ["truncated-response", "syntax-error"],
    ]


def test_missing_columns_count_as_null():
    """Answers need no more columns than instruction and response."""
    frame = pl.DataFrame({"instruction": [ANY_TASK], "response": ["You could use a loop."]})
    assert dropped_by(frame) == [["no-code"]]


def test_null_columns_do_not_matter():
    """Columns that hold nothing but null, of no type, are measured like null strings, to the same types."""
    untyped = pl.DataFrame([dict.fromkeys(COLUMNS)] * 2)
    assert untyped.schema["code"] == pl.Null
    assert judge(untyped, ALL).equals(judge(table(*[dict.fromkeys(COLUMNS)] * 2), ALL))
    python = table({"response": "x = 1", "code": "x = 1", "language": "python", "entry_point": "f"})
    assert judge(untyped, ALL).schema == judge(python, ALL).schema


@pytest.mark.parametrize("rows", [[], [{}], [{}, {}, {}]])
def test_no_rules(rows):
    """Without rules every row is kept."""
    assert dropped_by(table(*rows), []) == [[] for _ in rows]


def test_thresholds_can_be_set():
    """A threshold replaces the rule's own for this call and for no other rule of the same measure."""
    frame = pl.DataFrame({"instruction": ["one two three four five", "one"]})
    tuned = {"short-instruction": 6, "long-instruction": 4.5}
    assert dropped_by(frame, thresholds=tuned) == [
        ["long-instruction", "short-instruction"],
        ["short-instruction"],
    ]
    assert dropped_by(frame) == [[], ["short-instruction"]]


@pytest.mark.parametrize(
    ("name", "why"), [("no-code", "yes-or-no"), ("no-cod", "not among"), ("refusal", "not among")]
)
def test_threshold_of_no_use_is_an_error(name, why):
    """A threshold for a rule that has none or that is not applied is refused by name."""
    chosen = [rule for rule in ALL if rule.name != "refusal"]
    with pytest.raises(ValueError, match=f"{name}.*{why}"):
        judge(table({}), chosen, thresholds={name: 1})


_SNIPPETS = st.sampled_from(
    [
        *"``` ' \" ` # ( ! . | é 漢字 pass return class lambda todo given prompt sorry https:// AI".split(),
        *("```python\n", "\n", "\0", "\x0c", "\r", " ", "\t", "\\"),
        *("def f():", "# your code here", "the image below.", "as an AI, I"),
    ]
)
_TEXT = st.one_of(st.none(), st.text(max_size=20), st.lists(_SNIPPETS, max_size=12).map("".join))


# On a busy machine the time says nothing about the rules.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(COLUMNS, _TEXT)
            | {
                "language": st.sampled_from(["python", "go", None]),
                "role": st.sampled_from(["student", "teacher", None]),
            }
        ),
        max_size=4,
    )
)
def test_any_text_is_judged(rows):
    """Whatever the columns hold, the frame keeps its height and drops follow from the stored measures."""
    measured = judge(table(*rows), ALL)
    assert measured.height == len(rows)
    for row, verdict in zip(rows, measured.iter_rows(named=True), strict=True):
        student = row["role"] == "student"
        expected = [
            rule.name
            for rule in ALL
            if fires(rule, verdict[rule.measure]) and not (student and rule.judges != "instruction")
        ]
        assert verdict["dropped_by"] == expected


def fires(rule, value):
    match value, rule.drop_when:
        case None, _:
            return False
        case _, Above(threshold):
            return value > threshold
        case _, Below(threshold):
            return value < threshold
        case _, IsTrue():
            return value


HOSTILE = {
    "brackets": "(" * 100_000,
    "minus signs": "-" * 100_000 + "1",
    "attributes": "a" + ".b" * 100_000,
    "sums": "1" + "+1" * 100_000,
    "blocks": "\n".join(" " * n + "if x:" for n in range(150)),
    "null bytes": "\0" * 1000,
    "one long line": "x" * 1_000_000,
    "one long string": "x = '" + "y" * 1_000_000 + "'",
    "escaped quotes": "'\\" * 200_000,
    "quotes": "'\"`" * 100_000,
    "fences": "```\n" * 50_000,
    "backticks": "`" * 300_000,
    "comments": "#" * 500_000 + " todo",
    "half a comment": "x = 1 # todo" + " ." * 300_000,
    "blank lines": "\n" * 500_000,
    "spaces": " " * 500_000 + "x",
    "placeholder in a form feed": "x = 1\n\x0c  # your code here\n",
    "huge number": "9" * 100_000,
    "continued line": "x = \\",
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_judged(text):
    """Nesting, null bytes and megabyte lines neither raise nor take long, in any column."""
    row = dict.fromkeys(COLUMNS, text) | {"language": "python", "role": None}
    assert judge(table(row, row | {"entry_point": "f"}), ALL).height == 2


def test_rules_import_no_sibling_package():
    """The rules know nothing of the rest of datagen."""
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            assert not {name.partition(".")[0] for name in names} & {"datagen", "decontam", "train"}, path
