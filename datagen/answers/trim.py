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
import builtins
import re
import symtable
import warnings
from collections.abc import Collection, Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

#: Longer text is not parsed: Python's parser takes quadratic memory for `from a.a.a...`.
MAX_SOURCE = 2**16

_TEST_NAME = re.compile(r"_*(?:run_|all_)*(?:unit_?)?tests?(?:_|[A-Z0-9]|$)|check$")
_DRIVER_NAME = re.compile(r"_*(?:main|demo|driver|usage|(?:run_)?(?:examples?|demo))(?:_usage)?$")
_SAYS_EXAMPLE = re.compile(r"#.*\b(?:examples?|usage|tests?|testing|demos?|driver|try it)\b", re.IGNORECASE)
_TEST_RUNNERS = frozenset({"doctest", "unittest", "pytest"})
_PRINTERS = frozenset({"print", "pprint", "display"})
_READS = frozenset({"input", "open", "sys", "os", "argparse", "exit", "quit"})
_BUILTINS = frozenset(dir(builtins))

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Import = ast.Import | ast.ImportFrom
_Binding = ast.Assign | ast.AnnAssign | ast.AugAssign | _Import
_Compound = ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.If | ast.Try | ast.Match


class Trimmed(NamedTuple):
    """What is left of a source, and what was cut: "tests", "usage", "main-guard"."""

    text: str
    cut: frozenset[str]


class _Group(NamedTuple):
    """Statements that share lines, and those lines: from `start` up to, not including, `end`, from 0."""

    statements: Sequence[ast.stmt]
    start: int
    end: int


class _Code(NamedTuple):
    """What the code above the cut knows: its definitions, its globals, and those of them asked for."""

    wanted: frozenset[str]
    defined: frozenset[str]
    classes: frozenset[str]
    variables: frozenset[str]


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of `text`; None where it is no Python, too long or too deep."""
    if len(text) > MAX_SOURCE:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def bound_names(tree: ast.Module) -> frozenset[str]:
    """The names that a module's statements bind."""
    return frozenset().union(*map(_bound, tree.body))


def unresolved(text: str) -> frozenset[str]:
    """The global names that a source uses but neither binds nor finds among the builtins."""
    tree = parsed(text)
    return _globals(text) - bound_names(tree) - _BUILTINS if tree else frozenset()


def trim(text: str, wanted: Collection[str] = ()) -> Trimmed:
    """`text` without the tests, examples and guards behind its code.

    Args:
        text: Python source with LF line ends; anything else comes back as it is.
        wanted: the names that were asked for; those that `text` does not bind do not count.
    """
    tree = parsed(text)
    whole = Trimmed(text, frozenset())
    if tree is None or "\r" in text or not tree.body:
        return whole
    asked = bound_names(tree) & frozenset(wanted)
    groups = list(_groups(tree.body))
    code = [n for n, group in enumerate(groups) if any(_is_code(s, asked) for s in group.statements)]
    if not code:
        return whole
    head, tail = groups[: code[-1] + 1], groups[code[-1] + 1 :]
    lines = text.split("\n")
    needed = _globals("\n".join(lines[: head[-1].end]))
    labels = _labels(tail, _known(head, asked), needed, _example_begins(lines, head[-1], tail))
    cut = [number for number, label in enumerate(labels) if label is not None]
    if not cut:
        return whole
    left = "\n".join(_without(lines, [head[-1], *tail], {number + 1 for number in cut})).rstrip()
    # A lone backslash between statements is all that could break it.
    return Trimmed(left, frozenset().union(*(labels[n] or () for n in cut))) if parsed(left) else whole


def _groups(body: Sequence[ast.stmt]) -> Iterator[_Group]:
    """`a = 1; print(a)` is one group: only whole lines are cut."""
    group: list[ast.stmt] = []
    start = end = 0
    for statement in body:
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))]) - 1
        if group and first >= end:
            yield _Group(group, start, end)
            group = []
        start = start if group else first
        group.append(statement)
        end = statement.end_lineno or statement.lineno
    yield _Group(group, start, end)


def _is_code(statement: ast.stmt, asked: Set[str]) -> bool:
    """Whether what follows this statement may be cut, but not the statement itself."""
    if _bound(statement) & asked:
        return True
    if isinstance(statement, _Definition):
        return _definition_label(statement, driver=bool(asked)) is None
    return not is_guard(statement) and any(isinstance(node, _Definition) for node in ast.walk(statement))


def _definition_label(node: _Definition, *, driver: bool) -> str | None:
    """What a definition is for, if not for the code itself: "tests", or a driver's "usage"."""
    if isinstance(node, ast.ClassDef):
        bases = [b.attr if isinstance(b, ast.Attribute) else getattr(b, "id", "") for b in node.bases]
        methods = [s.name for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
        tests = node.name.startswith("Test") and any(name.startswith("test") for name in methods)
        return "tests" if tests or any(base.endswith("TestCase") for base in bases) else None
    inside = list(ast.walk(node))
    if any(isinstance(n, ast.Return | ast.Yield) and n.value is not None for n in inside):
        return None
    if _TEST_NAME.match(node.name) and any(isinstance(n, ast.Assert) for n in inside):
        return "tests"
    if driver and _TEST_NAME.match(node.name):
        return "tests"
    return "usage" if driver and _DRIVER_NAME.match(node.name) and not node.decorator_list else None


def _known(head: Sequence[_Group], asked: frozenset[str]) -> _Code:
    statements = [s for group in head for s in group.statements]
    definitions = [s for s in statements if isinstance(s, _Definition)]
    names = frozenset(s.name for s in definitions)
    imported = frozenset().union(*(_bound(s) for s in statements if isinstance(s, _Import)))
    return _Code(
        wanted=asked,
        defined=names,
        classes=frozenset(s.name for s in definitions if isinstance(s, ast.ClassDef)),
        variables=frozenset().union(*map(_bound, statements)) - names - imported,
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
    bound = frozenset().union(*(_bound(s) for group in tail for s in group.statements))
    own = bound - needed - code.variables
    kept, gone = set(needed - (_BUILTINS - code.variables)), set[str]()
    below_is_cut = False
    # Upwards, so that what a kept statement needs is known before what binds it.
    for number in reversed(range(len(tail))):
        statements = tail[number].statements
        used = gone if len(statements) == 1 else set(gone)
        found: list[str | None] = []
        for statement in reversed(statements):
            shown = bool(code.wanted) or number >= example
            label = _label(statement, code, own=own, kept=kept, used=used, shown=shown)
            if label is None and below_is_cut and _is_text(statement):
                label = ""
            found.append(label)
            if label is not None:
                used |= _loaded(statement)
        below_is_cut = None not in found
        if below_is_cut:
            gone |= used
            labels[number] = frozenset(label for label in found if label)
        else:
            kept.update(*map(_loaded, statements))
    return labels


def _label(
    statement: ast.stmt, code: _Code, *, own: Set[str], kept: Set[str], used: Set[str], shown: bool
) -> str | None:
    """None if the statement stays.

    own: names bound behind the code alone. kept: names that what stays needs. used: those that only what
    is cut needs. shown: whether a call here is an example, not the program's work.
    """
    bound, loaded = _bound(statement), _loaded(statement)
    subjects = code.wanted or code.defined
    if bound & kept or bound & code.defined or _changes_others(statement, own, code.variables, kept):
        return None
    if isinstance(statement, _Definition):
        label = _definition_label(statement, driver=bool(code.wanted))
        return label if label == "usage" or loaded & subjects or statement.name in used else None
    if is_guard(statement):
        return "main-guard" if code.wanted or _only_shows(statement, code) else None
    if loaded & own & kept:
        return None  # it may change what a statement that stays looks at
    called = _called(statement)
    if isinstance(statement, _Binding):
        needless = (bound | _stored_into(statement)) & used or called & code.wanted
        return ("usage" if called & code.wanted else "") if needless else None
    if not isinstance(statement, ast.Expr | ast.Assert | _Compound):
        return None
    if isinstance(statement, ast.Expr) and (
        called & _TEST_RUNNERS or any(map(_TEST_NAME.match, called & own))
    ):
        return "tests"
    if any(isinstance(node, ast.Assert) for node in ast.walk(statement)):
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


def _only_shows(guard: ast.stmt, code: _Code) -> bool:
    """Whether a guard prints or tests what the code's functions make of given values, and nothing else."""
    called = _called(guard)
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(guard))
    if _loaded(guard) & _READS or not (asserts or called & (_PRINTERS | _TEST_RUNNERS)):
        return False
    for node in ast.walk(guard):
        match node:
            case ast.While() | ast.Global() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return False
            case ast.Call(func=ast.Name(name), args=[], keywords=[]):
                if name in code.defined - code.classes:
                    return False
    return called <= code.defined | _bound(guard) | _PRINTERS | _TEST_RUNNERS | _BUILTINS


def _changes_others(statement: ast.stmt, own: Set[str], variables: Set[str], kept: Set[str]) -> bool:
    """Whether it stores into an object that is not its own, or calls a method of a variable that stays."""
    if isinstance(statement, _Definition):
        return False
    methods = (
        _root(node.func)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )
    return not _stored_into(statement) <= own or any(name in variables and name in kept for name in methods)


def _stored_into(statement: ast.stmt) -> set[str]:
    """The names of the objects whose attributes or elements it sets or deletes; "" for one without a name."""
    return {
        _root(node) or ""
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
    }


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


def _globals(text: str) -> frozenset[str]:
    """The global names that a source uses, in functions too; more of them where it is not clear."""
    names: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables = [symtable.symtable(text, "<answer>", "exec")]
        while tables:
            table = tables.pop()
            module = table.get_type() == "module"
            names.update(
                s.get_name() for s in table.get_symbols() if (s.is_referenced() if module else s.is_global())
            )
            tables.extend(table.get_children())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(re.findall(r"\w+", text))
    return frozenset(names)


def _bound(statement: ast.stmt) -> frozenset[str]:
    if isinstance(statement, _Definition):
        return frozenset({statement.name})
    names: set[str] = set()
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.alias(name=name, asname=asname):
                names.add(asname or name.partition(".")[0])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
    return frozenset(names)


def _loaded(statement: ast.stmt) -> frozenset[str]:
    found = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    own = isinstance(statement, ast.AugAssign)
    return frozenset(name.id for name in found if own or isinstance(name.ctx, ast.Load))


def _called(statement: ast.stmt) -> frozenset[str]:
    """What calls begin with: `f` of `f(x)`, `s` of `s.push(1)` and `s[0].pop()`."""
    roots = (_root(node.func) for node in ast.walk(statement) if isinstance(node, ast.Call))
    return frozenset(root for root in roots if root)


def _root(node: ast.AST) -> str | None:
    """The name that a chain of attributes and subscripts begins with, four links at most."""
    for _ in range(4):
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
    return node.id if isinstance(node, ast.Name) else None
