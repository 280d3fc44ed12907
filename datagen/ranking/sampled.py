"""The tests in an answer of a teacher that was asked to write them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from datagen.answers.syntax import BUILTINS, parsed
from datagen.answers.tests import test_sources
from datagen.ranking.apart import apart
from datagen.ranking.checks import fault
from datagen.ranking.forms import plain
from datagen.ranking.programs import suite_of

MAX_TESTS = 50
#: What the tests of an answer have together, in characters: each has a copy of the definitions it uses.
MAX_TEXT = 2**16
#: A longer piece that cannot be taken apart, in lines or characters, is a model caught in a loop.
_MOST_LINES, _MOST_CHARACTERS = 300, 2**14
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IDENTIFIER = re.compile(r"\s*(\w+)")
#: A test that waits for input, or depends on a file, says nothing of the function.
_READS = frozenset({"input", "open", "exit", "quit", "breakpoint", "exec", "eval", "__import__"})


def sampled_tests(response: str | None, entry_point: str | None = None) -> list[str]:
    """The tests in an answer, each as Python that `datagen rank` takes for one test and that needs no other.

    An assert that stands by itself is one line. What builds on each other stays together, behind the
    definitions that it uses. Left out are tests that do not call the function, say nothing of it, or repeat
    another one; the first 50 stay, in order. Never raises.

    Args:
        response: Markdown, with whatever the teacher says around the tests.
        entry_point: the function under test, `f` or `Solution().run`; None takes the function that most
            checks call.
    """
    sources = test_sources(response)
    target = (entry_point or "").strip() or _most_called(sources)
    found = _IDENTIFIER.match(target or "")
    if target is None or found is None:
        return []
    tests: dict[str, str] = {}
    size = 0
    for test in _tests(sources, target):
        tree = parsed(test)
        if tree and not fault(tree, {found[1]}) and _is_whole(tree, target):
            size += len(test)
            if len(tests) == MAX_TESTS or size > MAX_TEXT:
                break
            tests.setdefault(_meaning(tree), test)
    return list(tests.values())


def _tests(sources: Sequence[str], target: str) -> Iterator[str]:
    """The tests of each source; one that has none comes before the others, for what it defines."""
    defined = ""
    for source in sources:
        tree = parsed(source)
        whole = f"{defined}{source}" if tree else source
        sessions = _sessions(tree, target) if tree else []
        found = False
        for part in (part for one in (whole, *sessions) for part in dict.fromkeys(apart(one, target))):
            if part.count("\n") >= _MOST_LINES or len(part) > _MOST_CHARACTERS:
                continue
            for test in suite_of([part], target).tests:
                found = True
                yield test
        if not found and tree:
            defined = f"{whole}\n"


def _sessions(tree: ast.Module, target: str) -> list[str]:
    """The sessions in the docstrings of the function under test, where an answer repeats it."""
    found = _IDENTIFIER.match(target)
    texts = [
        ast.get_docstring(node) or ""
        for top in tree.body
        if isinstance(top, _DEFINITIONS) and found and top.name == found[1]
        for node in ast.walk(top)
        if isinstance(node, _DEFINITIONS)
    ]
    return [text for text in texts if ">>> " in text]


def _is_whole(tree: ast.Module, target: str) -> bool:
    """Whether a test has no `...` for what it leaves open, reads nothing, and calls the method it should."""
    nodes = [*ast.walk(tree)]
    attribute = target.rpartition(".")[2] if "." in target else None
    return (
        not any(isinstance(one, ast.Constant) and one.value is ... for one in nodes)
        and not any(isinstance(one, ast.Name) and one.id in _READS for one in nodes)
        and (not attribute or any(isinstance(one, ast.Attribute) and one.attr == attribute for one in nodes))
    )


def _meaning(tree: ast.Module) -> str:
    """What a test has in common with those that differ in layout and messages only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            node.msg = None
    try:
        return ast.dump(tree)
    except RecursionError:
        return ""


def _most_called(sources: Sequence[str]) -> str | None:
    """The function that most checks call; of equals the one met first."""
    counts: Counter[str] = Counter()
    for source in sources:
        tree = parsed(plain(source, frozenset()) or "")
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Assert) or (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr.startswith("assert")
            ):
                counts.update(
                    one.func.id
                    for one in ast.walk(node)
                    if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
                    if one.func.id not in BUILTINS and one.func.id != "candidate"
                )
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
                counts.update(one.id for one in node.args if isinstance(one, ast.Name))
    return counts.most_common(1)[0][0] if counts else None
