"""The unit tests in an answer of a teacher that was asked to write them."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from datagen.answers.blocks import fenced_blocks, without_carriage_returns
from datagen.answers.thinking import answer_of
from datagen.answers.trim import MAX_SOURCE, bound_names, is_guard, parsed

MAX_TESTS = 50
#: Modules that a test may use besides the builtins; whoever runs tests imports them first.
TEST_MODULES = frozenset({"math"})
_LIST_MARK = re.compile(r"^(?:[-*+]|\d{1,3}[.)])[ \t]+")
#: What a test may use: an assert that waits for input, or depends on a file, says nothing of the function.
_BUILTINS = frozenset(dir(builtins)) - {
    "input",
    "open",
    "exit",
    "quit",
    "breakpoint",
    "exec",
    "eval",
    "__import__",
}


class _Assert(NamedTuple):
    """An assert statement: its text on one line, its tree, and the names around it that are no builtins."""

    text: str
    tree: ast.Assert
    local: Set[str]


def parse_tests(response: str | None, entry_point: str | None = None) -> list[str]:
    """The tests in an answer: `assert` statements on one line each that call the function under test.

    Taken are asserts at the top level, under a main guard, and in functions and test classes, where they
    stand by themselves: besides the function they may use literals, builtins that read nothing,
    `TEST_MODULES` and names of their own comprehensions, no variable. `candidate` of a `check(candidate)`
    is the function. Asserts that always hold are left out, and repeated ones; the first 50 stay, in order.
    Never raises.

    Args:
        entry_point: the function under test; None takes the function that most of the asserts call.
    """
    text = answer_of(without_carriage_returns(response or ""))
    sources = [block.text for block in fenced_blocks(text).blocks] or [text]
    wanted = (entry_point or "").strip()
    found = [a for source in sources for a in _asserts(source[:MAX_SOURCE], wanted)]
    if not wanted:
        counts = Counter(name for a in found for name in _functions(a.tree.test))
        if not counts:
            return []
        wanted = counts.most_common(1)[0][0]  # of equals the one met first
    tests: dict[str, str] = {}
    for one in found:
        if _is_test(one, wanted):
            # `f(1)==2` and `f(1) == 2, "message"` are one test.
            tests.setdefault(_unparsed(one.tree.test), one.text)
    return list(tests.values())[:MAX_TESTS]


def _asserts(source: str, wanted: str) -> Iterator[_Assert]:
    """The asserts that stand by themselves in a source, of which parts may be prose or cut off."""
    whole = parsed(source)
    parts = [source] if whole else [part for part in _parts(source) if "assert" in part or "=" in part]
    trees = [(part, tree) for part in parts if (tree := whole or parsed(part))]
    local = frozenset().union(*(_rebound(tree.body) for _, tree in trees))
    for part, tree in trees:
        lines = part.split("\n")
        target = wanted or _checked(tree)
        for statement, names, alias in _lifted(tree.body, local, wanted):
            text = _on_one_line(statement, lines, alias, target)
            again = parsed(text) if text else None
            if text and again and isinstance(again.body[0], ast.Assert):
                yield _Assert(text, again.body[0], names)


def _parts(source: str) -> Iterator[str]:
    """Pieces that may be Python by themselves: each begins with a line that is not indented."""
    part: list[str] = []
    for line in source.split("\n"):
        bare = _LIST_MARK.sub("", line)
        if bare.startswith("`"):
            bare = bare.strip("` ")
        if part and bare[:1] not in ("", " ", "\t", ")", "]", "}"):
            yield "\n".join(part)
            part = []
        part.append(bare)
    yield "\n".join(part)


def _lifted(
    body: Sequence[ast.stmt], local: Set[str], wanted: str
) -> Iterator[tuple[ast.Assert, Set[str], str | None]]:
    """Asserts with the names they may not use and the parameter that stands for the function, if any."""
    for statement in body:
        match statement:
            case ast.Assert():
                yield statement, local, None
            case ast.If(orelse=[]) if is_guard(statement):
                yield from _lifted(statement.body, local, wanted)
            case ast.ClassDef(name=name) if name != wanted:
                yield from _lifted(statement.body, local, wanted)
            case ast.FunctionDef(name=name) if name != wanted:
                parameters = {node.arg for node in ast.walk(statement.args) if isinstance(node, ast.arg)}
                alias = parameters.pop() if len(parameters) == 1 and _takes_candidate(statement) else None
                inner = local | parameters | _rebound(statement.body)
                yield from ((s, names, alias) for s, names, _ in _lifted(statement.body, inner, wanted))


def _takes_candidate(function: ast.FunctionDef) -> bool:
    names = [argument.arg for argument in function.args.args]
    return "candidate" in names or (function.name.startswith("check") and "self" not in names)


def _checked(tree: ast.Module) -> str | None:
    """`add` where a module ends with `check(add)`."""
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(func=ast.Name(), args=[ast.Name(name)], keywords=[])):
                return name
    return None


def _rebound(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The names that statements bind; `import math` gives the name what it means anyway."""
    modules = [
        ast.Import([a for a in s.names if a.name not in TEST_MODULES]) for s in body if type(s) is ast.Import
    ]
    others = [s for s in body if type(s) is not ast.Import]
    return bound_names(ast.Module([*modules, *others], []))


def _on_one_line(
    statement: ast.Assert, lines: Sequence[str], alias: str | None, target: str | None
) -> str | None:
    """The statement as it was written; anew where it has several lines or calls by another name."""
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == alias]
    if names and not target:
        return None
    for name in names:
        name.id = target or name.id
    text = _unparsed(statement)
    if not names and statement.lineno == statement.end_lineno and text:
        line = lines[statement.lineno - 1].encode()
        text = line[statement.col_offset : statement.end_col_offset].decode()
    return None if "\n" in text else text


def _unparsed(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return ""


def _is_test(one: _Assert, wanted: str) -> bool:
    """Whether an assert checks the function `wanted`, and nothing around it decides what it means."""
    root = wanted.partition(".")[0].removesuffix("()")
    nodes = list(ast.walk(one.tree))
    own = {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    return (
        used - own <= (_BUILTINS - one.local) | (TEST_MODULES - one.local) | {root}
        and root in used - own
        and any(isinstance(node, ast.Call) and _is_call(node, wanted) for node in ast.walk(one.tree.test))
        and not any(isinstance(node, ast.Constant) and node.value is ... for node in nodes)
        and not always_holds(one.tree.test)
    )


def _is_call(call: ast.Call, wanted: str) -> bool:
    match call.func:
        case ast.Name(name):
            return name == wanted
        case ast.Attribute(attr=name):
            return name == wanted.rpartition(".")[2] != wanted
    return False


def always_holds(test: ast.expr) -> bool:
    """Whether a check is true of every function that returns: `(f(1) == 2, "message")`, `f(1) == f(1)`."""
    match test:
        case (
            ast.Constant()
            | ast.Tuple()
            | ast.List()
            | ast.Set()
            | ast.Dict()
            | ast.JoinedStr()
            | ast.Lambda()
        ):
            return True
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(always_holds, values))
        case ast.BoolOp(values=values):
            return all(map(always_holds, values))
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            return _unparsed(left) == _unparsed(right)
    return False


def _functions(test: ast.expr) -> Iterator[str]:
    """The names, not of builtins, by which a check calls functions."""
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _BUILTINS:
            yield node.func.id
