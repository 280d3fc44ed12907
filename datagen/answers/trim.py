"""Which part of a Python answer is its code: tests, examples and guards that follow it are cut.

All of it is decided on the syntax tree and done by whole lines, so what stays is what the model wrote. Only
what stands behind the last function or class is looked at; a program without either stays whole.

Where the wanted function is known, all that calls it there, prints or guards goes, and so do functions that
only test or show it. Where it is not, the answer may be a program whose output was asked for. Then these
alone go: asserts and test functions; prints and calls below a comment that calls them an example; and a
guard that only shows or tests with values of its own. A guard that reads input, or hands over to a function
without arguments like `main()`, is the program's work and stays.

Source: SelfCodeAlign and WizardCoder cut guards and example usage by searching the text; which statements
belong to them, and the care for the others, is ours.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

from datagen.answers.syntax import (
    BUILTINS,
    MAX_SOURCE,
    Definition,
    Statement,
    Trees,
    bound_names,
    global_names,
    inside,
    nested_statements,
    parsed,
)

__all__ = ["MAX_SOURCE", "Trimmed", "bound_names", "is_guard", "parsed", "trim"]

_TEST_NAME = re.compile(r"_*(?:run_|all_)*(?:unit_?)?tests?(?:_|[A-Z0-9]|$)|check$")
_DRIVER_NAME = re.compile(r"_*(?:main|demo|driver|usage|(?:run_)?(?:examples?|demo))(?:_usage)?$")
_SAYS_EXAMPLE = re.compile(r"#.*\b(?:examples?|usage|tests?|testing|demos?|driver|try it)\b", re.IGNORECASE)
_TEST_RUNNERS = frozenset({"doctest", "unittest", "pytest"})
_PRINTERS = frozenset({"print", "pprint", "display"})
_READS = frozenset({"input", "open", "sys", "os", "argparse", "exit", "quit"})

_Import = ast.Import | ast.ImportFrom
_Binding = ast.Assign | ast.AnnAssign | ast.AugAssign | _Import
_Compound = ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.If | ast.Try | ast.Match


class Trimmed(NamedTuple):
    """What is left of a source, and what was cut: "tests", "usage", "main-guard"."""

    text: str
    cut: frozenset[str]


class _Group(NamedTuple):
    """Statements that share lines, and those lines: from `start` up to, not including, `end`, from 0."""

    statements: Sequence[Statement]
    start: int
    end: int


class _Code(NamedTuple):
    """What the code above the cut knows: its definitions, its globals, and those of them asked for."""

    wanted: frozenset[str]
    defined: frozenset[str]
    classes: frozenset[str]
    variables: frozenset[str]


def trim(text: str, wanted: Collection[str] = (), trees: Trees | None = None) -> Trimmed:
    """`text` without the tests, examples and guards behind its code.

    Args:
        text: Python source with LF line ends; anything else comes back as it is.
        wanted: the names that were asked for; those that `text` does not bind do not count.
        trees: the trees known so far; that of the result is added where no parse is needed for it.
    """
    trees = Trees() if trees is None else trees
    trimmed, cut = _trimmed_once(text, wanted, trees), frozenset[str]()
    while trimmed.text != text:
        # What stays may have been needed by what is gone now.
        text, cut = trimmed.text, cut | trimmed.cut
        trimmed = _trimmed_once(text, wanted, trees)
    return Trimmed(text, cut)


def _trimmed_once(text: str, wanted: Collection[str], trees: Trees) -> Trimmed:
    tree = trees.of(text)
    whole = Trimmed(text, frozenset())
    if tree is None or "\r" in text or not tree.body:
        return whole
    last_node = tree.body[-1]
    if isinstance(last_node, Definition) and _definition_label(last_node, driver=True) is None:
        return whole  # the most usual answer: whatever is asked for, nothing stands behind its code
    groups = list(_groups(tree.body))
    asked = _asked([s for group in groups for s in group.statements], frozenset(wanted))
    last = next((n for n in reversed(range(len(groups))) if _holds_code(groups[n], asked)), None)
    if last is None or last == len(groups) - 1:
        return whole
    head, tail = groups[: last + 1], groups[last + 1 :]
    lines = text.split("\n")
    code = _known(head, asked)
    needed = _needed("\n".join(lines[: head[-1].end]), tail)
    # Whatever was asked for decides it without an example.
    example = 0 if asked else _example_begins(lines, head[-1], tail)
    labels = _labels(tail, code, needed, example)
    cut = [number for number, label in enumerate(labels) if label is not None]
    if not cut:
        return whole
    left = "\n".join(_without(lines, [head[-1], *tail], {number + 1 for number in cut})).rstrip()
    at_end = len(cut) == len(tail) - cut[0]
    if at_end and "\\\n" not in f"{left}\n":
        stays = [s.node for group in groups[: last + 1 + cut[0]] for s in group.statements]
        trees.put(left, ast.Module(stays, []))
    # A lone backslash between statements is all that could break it.
    return Trimmed(left, frozenset().union(*(labels[n] or () for n in cut))) if trees.of(left) else whole


def _asked(statements: Sequence[Statement], wanted: frozenset[str]) -> frozenset[str]:
    """Those of `wanted` that are bound; a definition's name is looked at first, it needs no walk."""
    names = frozenset(s.node.name for s in statements if isinstance(s.node, Definition))
    if wanted - names - {""}:
        names = names.union(*(s.bound for s in statements))
    return names & wanted


def _holds_code(group: _Group, asked: Set[str]) -> bool:
    return any(_is_code(statement, asked) for statement in group.statements)


def _needed(head: str, tail: Sequence[_Group]) -> frozenset[str]:
    """Those globals of the source `head` that the statements behind it bind or call methods of.

    No other name decides anything.
    """
    statements = [s for group in tail for s in group.statements]
    return global_names(head, frozenset().union(*(s.bound | s.names.methods for s in statements)))


def _groups(body: Sequence[ast.stmt]) -> Iterator[_Group]:
    """`a = 1; print(a)` is one group: only whole lines are cut."""
    group: list[Statement] = []
    start = end = 0
    for statement in body:
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))]) - 1
        if group and first >= end:
            yield _Group(group, start, end)
            group = []
        start = start if group else first
        group.append(Statement(statement))
        end = statement.end_lineno or statement.lineno
    yield _Group(group, start, end)


def _is_code(statement: Statement, asked: Set[str]) -> bool:
    """Whether what follows this statement may be cut, but not the statement itself."""
    node = statement.node
    if asked and statement.bound & asked:
        return True
    if isinstance(node, Definition):
        return _definition_label(node, driver=bool(asked)) is None
    return not is_guard(node) and any(isinstance(below, Definition) for below in nested_statements([node]))


def _definition_label(node: Definition, *, driver: bool) -> str | None:
    """What a definition is for, if not for the code itself: "tests", or a driver's "usage"."""
    if isinstance(node, ast.ClassDef):
        bases = [b.attr if isinstance(b, ast.Attribute) else getattr(b, "id", "") for b in node.bases]
        methods = [s.name for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
        tests = node.name.startswith("Test") and any(name.startswith("test") for name in methods)
        return "tests" if tests or any(base.endswith("TestCase") for base in bases) else None
    is_test, is_driver = _TEST_NAME.match(node.name), _DRIVER_NAME.match(node.name)
    if not is_test and not is_driver:
        return None
    nodes = inside(node)
    if any(isinstance(n, ast.Return | ast.Yield) and n.value is not None for n in nodes):
        return None
    if is_test and (driver or any(isinstance(n, ast.Assert) for n in nodes)):
        return "tests"
    return "usage" if driver and is_driver and not node.decorator_list else None


def _known(head: Sequence[_Group], asked: frozenset[str]) -> _Code:
    statements = [s for group in head for s in group.statements]
    definitions = [s.node for s in statements if isinstance(s.node, Definition)]
    names = frozenset(node.name for node in definitions)
    imported = frozenset().union(*(s.bound for s in statements if isinstance(s.node, _Import)))
    return _Code(
        wanted=asked,
        defined=names,
        classes=frozenset(node.name for node in definitions if isinstance(node, ast.ClassDef)),
        variables=frozenset().union(*(s.bound for s in statements)) - names - imported,
    )


def _example_begins(lines: Sequence[str], last: _Group, tail: Sequence[_Group]) -> int:
    """The number of the first group of `tail` under a comment that speaks of an example or a test."""
    for number, (above, group) in enumerate(pairwise([last, *tail])):
        if any(_SAYS_EXAMPLE.match(line.lstrip()) for line in lines[above.end : group.start]):
            return number
    return len(tail)


def _labels(
    tail: Sequence[_Group], code: _Code, needed: frozenset[str], example: int
) -> list[frozenset[str] | None]:
    """For each group None, if it stays, or what it is; empty for what only others that are cut need."""
    labels: list[frozenset[str] | None] = [None] * len(tail)
    bound = frozenset().union(*(s.bound for group in tail for s in group.statements))
    own = bound - needed - code.variables
    kept, gone = set(needed - (BUILTINS - code.variables)), set[str]()
    below_is_cut = False
    # Upwards, so that what a kept statement needs is known before what binds it.
    for number in reversed(range(len(tail))):
        statements = tail[number].statements
        used = gone if len(statements) == 1 else set(gone)
        found: list[str | None] = []
        for statement in reversed(statements):
            shown = bool(code.wanted) or number >= example
            label = _label(statement, code, own=own, kept=kept, used=used, shown=shown)
            if label is None and below_is_cut and _is_text(statement.node):
                label = ""
            found.append(label)
            if label is not None:
                used |= statement.names.loaded
        below_is_cut = None not in found
        if below_is_cut:
            gone |= used
            labels[number] = frozenset(label for label in found if label)
        else:
            kept.update(*(statement.names.loaded for statement in statements))
    return labels


def _label(
    statement: Statement, code: _Code, *, own: Set[str], kept: Set[str], used: Set[str], shown: bool
) -> str | None:
    """None if the statement stays.

    own: names bound behind the code alone. kept: names that what stays needs. used: those that only what
    is cut needs. shown: whether a call here is an example, not the program's work.
    """
    node, names = statement.node, statement.names
    bound, loaded, called = names.bound, names.loaded, names.called
    subjects = code.wanted or code.defined
    if bound & kept or bound & code.defined or _changes_others(statement, own, code.variables, kept):
        return None
    if isinstance(node, Definition):
        label = _definition_label(node, driver=bool(code.wanted))
        return label if label == "usage" or loaded & subjects or node.name in used else None
    if is_guard(node):
        return "main-guard" if code.wanted or _only_shows(statement, code) else None
    if loaded & own & kept:
        return None  # it may change what a statement that stays looks at
    if isinstance(node, _Binding):
        needless = (bound | names.stored) & used or called & code.wanted
        return ("usage" if called & code.wanted else "") if needless else None
    if not isinstance(node, ast.Expr | ast.Assert | _Compound):
        return None
    if isinstance(node, ast.Expr) and (called & _TEST_RUNNERS or any(map(_TEST_NAME.match, called & own))):
        return "tests"
    if names.asserts:
        return "tests" if loaded & (code.defined | subjects | own) else None
    return "usage" if shown and called & (subjects | own | _PRINTERS) else None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def is_guard(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":` without an `else`."""
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    match statement.test:
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
            return True
        case ast.Compare(ast.Constant("__main__"), [ast.Eq()], [ast.Name("__name__")]):
            return True
    return False


def _only_shows(guard: Statement, code: _Code) -> bool:
    """Whether a guard prints or tests what the code's functions make of given values, and nothing else."""
    called = guard.names.called
    if guard.names.loaded & _READS or not (guard.names.asserts or called & (_PRINTERS | _TEST_RUNNERS)):
        return False
    for node in inside(guard.node):
        match node:
            case ast.While() | ast.Global() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return False
            case ast.Call(func=ast.Name(name), args=[], keywords=[]):
                if name in code.defined - code.classes:
                    return False
    return called <= code.defined | guard.bound | _PRINTERS | _TEST_RUNNERS | BUILTINS


def _changes_others(statement: Statement, own: Set[str], variables: Set[str], kept: Set[str]) -> bool:
    """Whether it stores into an object that is not its own, or calls a method of a variable that stays."""
    if isinstance(statement.node, Definition):
        return False
    names = statement.names
    return not names.stored <= own or not names.methods.isdisjoint(variables & kept)


def _without(lines: Sequence[str], groups: Sequence[_Group], cut: Set[int]) -> Iterator[str]:
    """The lines without those of the groups numbered in `cut` (never 0) and of the comments on them."""
    yield from lines[: groups[0].end]
    for number, (above, group) in enumerate(pairwise(groups), start=1):
        gap = lines[above.end : group.start]
        owned = _lines_of_above(gap)
        if number - 1 not in cut:
            yield from gap[:owned]
        if number not in cut:
            yield from gap[owned:]
            yield from lines[group.start : group.end]
    if len(groups) - 1 not in cut:
        yield from lines[groups[-1].end :]


def _lines_of_above(gap: Sequence[str]) -> int:
    """How many lines between two statements belong to the upper one.

    Indented comments do, and those right below it unless they stand right above the other one too.
    """
    indented = [number for number, line in enumerate(gap, start=1) if line[:1].isspace() and line.strip()]
    touching = next((number for number, line in enumerate(gap) if not line.strip()), 0)
    return max([touching, *indented])
