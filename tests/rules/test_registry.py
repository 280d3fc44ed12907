"""Rules that installed packages bring as entry points, and what the registry says of any rule."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import pytest

import rules
from rules import RULES, BrokenRuleError, CodeMeasures
from rules._registry import Registry

GOOD = '''"""Code that is too wide.

What: more.
"""
import polars as pl
from rules import Above, Rule
RULE = Rule(judges="code", measure="width", of=pl.col("code").str.len_chars(), drop_when=Above(9))
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a distribution whose entry points are given as NAME = MODULE, with the modules' sources."""

    def install(points, **modules):
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        folder = tmp_path / "mine-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text(f"[datagen.rules]\n{points}\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    yield install
    for name in ("wide_rule_module", "broken_rule_module"):
        sys.modules.pop(name, None)


def test_entry_point_gives_a_rule(installed):
    """A rule of another package has the entry point's name and stands in its place of the fixed order."""
    installed("wide-code = wide_rule_module", wide_rule_module=GOOD)
    found = Registry()
    assert set(found) == {*RULES, "wide-code"}
    assert found["wide-code"].name == "wide-code"
    assert found["wide-code"].threshold == 9
    assert found.document("wide-code") == "Code that is too wide.\n\nWhat: more."
    units = ["instruction", "response", "code", "pair"]
    assert list(found) == sorted(found, key=lambda name: (units.index(found[name].judges), name))


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("bad", "import a_module_that_is_not_there", "cannot be imported: ModuleNotFoundError"),
        ("bad", "raise SystemError('two\\nlines')", "cannot be imported: SystemError: two lines"),
        ("bad", "RULE = 3", "is no module that defines RULE"),
        ("bad", "", "is no module that defines RULE"),
        ("bad", GOOD.replace('judges="code"', 'judges="row"'), "judges is one of instruction, response"),
        ("bad", GOOD.replace("Above(9)", "9"), "drop_when is Above, Below or IsTrue"),
        ("no-code", GOOD, "has the name of another rule"),
        ("bad", GOOD.replace('"width"', '"no_code"'), "another measure as 'no_code' than the rule no-code"),
    ],
)
def test_broken_entry_point_is_named(installed, name, source, why):
    """An entry point that gives no rule is an error of one line with its name, its value and the reason."""
    installed(f"{name} = broken_rule_module", broken_rule_module=source)
    with pytest.raises(BrokenRuleError) as caught:
        list(Registry())
    text = str(caught.value)
    assert f"{name} = broken_rule_module in datagen.rules of mine" in text
    assert why in text
    assert "\n" not in text


def test_another_process_has_the_same_rules(installed):
    """The names and their order do not depend on the process that loads them."""
    folder = installed("wide-code = wide_rule_module", wide_rule_module=GOOD)
    program = "import json, rules; print(json.dumps([[n, r.threshold] for n, r in rules.RULES.items()]))"
    path = os.pathsep.join([str(folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert json.loads(done.stdout) == [[name, rule.threshold] for name, rule in Registry().items()]


def test_import_loads_no_rule():
    """Importing the package looks neither for rules nor for entry points."""
    program = "import sys, rules; print([m for m in sys.modules if m.startswith('rules.') and '._' not in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", RULES)
def test_summary_is_the_first_line(name):
    """A rule's document is its module's docstring, and its summary the first line of that."""
    module = sys.modules[f"rules.{name.replace('-', '_')}"]
    assert rules.document(name) == (module.__doc__ or "").strip()
    assert rules.summary(name) == rules.document(name).splitlines()[0]


def test_threshold_and_columns_of_a_rule():
    """A rule tells its threshold, None for a yes-or-no rule, and the columns that it reads."""
    assert RULES["short-instruction"].threshold == 4
    assert RULES["syntax-error"].threshold is None
    assert RULES["short-instruction"].reads == {"instruction"}
    assert {"code", "language"} <= RULES["syntax-error"].reads


@pytest.mark.parametrize("source", ["def f(): pass", "return 1", "x = (", "x = 1\0"])
def test_known_tree_gives_the_same_measures(source):
    """Measures from a tree or an error that is handed in are those from the source."""
    known: ast.Module | Exception
    try:
        known = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        known = error
    columns = []
    for tree in (None, known):
        measures = CodeMeasures(list(RULES.values()))
        measures.add(source, "python", "Write f.", "f", tree)
        columns.append([column.to_list() for column in measures.columns()])
    assert columns[0] == columns[1]
