"""Test sources of models, taken apart into what stands by itself, so that one wrong assert costs no other.

Statements stay together where they share a variable. The asserts of test functions and test methods that
need nothing of these stand alone. What models add is left out: the function under test once more, prints,
and calls that run all tests.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from datagen.answers.syntax import BUILTINS, Statement, parsed
from datagen.ranking.asserts import as_assert
from datagen.ranking.cases import comes_first, is_empty
from datagen.ranking.forms import SOLUTION, copies, plain
from datagen.ranking.linked import binds, linked, loads
from datagen.ranking.programs import MOST_TEXT, rows_of, up_to

#: More cases of a loop than these stay together.
_MOST_CASES = 50
_IDENTIFIER = re.compile(r"\s*(\w+)")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)
_TEST = re.compile(r"_*(?:tests?|check)(?:_|[A-Z0-9]|$)")
#: What ties a function to its frame.
_FRAME = (
    *(ast.Return, ast.Yield, ast.YieldFrom, ast.Await, ast.Global, ast.Nonlocal, ast.AsyncFor, ast.AsyncWith),
    *(*_FUNCTIONS, ast.ClassDef),
)
#: What any `unittest.TestCase` has.
_OF_TEST_CASE = re.compile(r"assert\w+$|fail$|subTest$")


class _Piece(NamedTuple):
    """Statements that stay together.

    Args:
        place: the number of the module's statement that they come from.
        nodes: in order.
        text: theirs.
    """

    place: int
    nodes: tuple[ast.stmt, ...]
    text: str


def apart(source: str, target: str | None) -> list[str]:
    """The sources into which one of a model falls, in order; itself where it is no Python or holds no test.

    Args:
        source: as it was written.
        target: an expression for the function under test; None where it is not known.
    """
    found = _IDENTIFIER.match(target or "")
    text = plain(source, {found[1]} if found else set())
    tree = parsed(text) if text is not None else None
    if text is None or tree is None:
        return [source]
    try:
        sources = up_to(MOST_TEXT, _Module(text, tree, target, found[1] if found else "").sources())
    except RecursionError:  # `ast.unparse` of deep trees
        return [source]
    return sources or [source]


class _Module:
    """A source whose statements are sorted into definitions and pieces."""

    def __init__(self, text: str, tree: ast.Module, target: str | None, name: str) -> None:
        self._lines = [line.encode() for line in text.split("\n")]
        self._target = target
        left_out = copies(tree.body, name)
        self._body = [one for one in tree.body if one not in left_out]
        self._functions = {one.name: one for one in self._body if isinstance(one, ast.FunctionDef)}
        self._run = {*_called_without(self._body)}
        bound = Counter(name for one in self._body for name in binds(one))
        self._constants = {
            one.targets[0].id: one
            for one in self._body
            if isinstance(one, ast.Assign) and len(one.targets) == 1
            if isinstance(one.targets[0], ast.Name) and bound[one.targets[0].id] == 1
        }
        constants = {*self._constants.values()}
        self._places = {one: place for place, one in enumerate(self._body)}
        self._read: dict[ast.stmt, Set[str]] = {}
        self._definitions: dict[str, list[ast.stmt]] = {}
        for one in self._body:
            if (isinstance(one, _DEFINITIONS) and not _is_known(one)) or one in constants:
                for name in binds(one):
                    self._definitions.setdefault(name, []).append(one)

    def sources(self) -> Iterator[str]:
        """Each group of pieces behind the definitions that it needs; none where its tests need each other."""
        if self._is_driven() or self._keeps_something() or any(map(comes_first, self._body)):
            return
        pieces = [piece for place, one in enumerate(self._body) for piece in self._pieces(place, one)]
        at_top = [one for one in pieces if one.nodes[0] in self._places and not _is_case(one.nodes[0])]
        tops = {one.nodes[0] for one in at_top}
        groups = [[one] for one in pieces if one.nodes[0] not in tops]
        groups += [[at_top[n] for n in group] for group in linked([one.nodes[0] for one in at_top])]
        for group in sorted(groups, key=lambda group: group[0].place):
            nodes = [node for piece in group for node in piece.nodes]
            if any(_may_fail(node) for node in nodes):
                cases = self._cases(nodes)
                for text in cases:
                    looped = parsed(text)
                    yield self._with_definitions(text, looped.body if looped else nodes)
                if not cases:
                    yield self._with_definitions("\n".join(piece.text for piece in group), nodes)

    def _is_driven(self) -> bool:
        """Whether a statement runs tests in its own way, or a class of tests derives from another one."""
        cases = {
            one.name
            for one in self._body
            if isinstance(one, ast.ClassDef) or (isinstance(one, _FUNCTIONS) and _TEST.match(one.name))
            if isinstance(one, _FUNCTIONS) or _is_test_class(one)
        }
        return any(
            cases & (loads(one) - binds(one))
            for one in self._body
            if not self._only_runs(one) and not (isinstance(one, ast.FunctionDef) and self._names_tests(one))
        )

    def _keeps_something(self) -> bool:
        """Whether a helper changes a value of the module, which later tests look at."""
        helpers = [Statement(one).names for name, one in self._functions.items() if not _TEST.match(name)]
        return any(not (one.methods | one.stored).isdisjoint(self._constants) for one in helpers)

    def _with_definitions(self, text: str, nodes: Sequence[ast.stmt]) -> str:
        """A text behind the definitions and constants that it reads, in their order."""
        needed: set[ast.stmt] = set()
        waiting, own = [*nodes], {*nodes}
        for one in waiting:  # it grows
            if one not in self._read:
                self._read[one] = loads(one) & self._definitions.keys()
            for name in self._read[one]:
                more = [each for each in self._definitions[name] if each not in needed and each not in own]
                needed.update(more)
                waiting += more
        ordered = sorted(needed, key=lambda one: self._places[one])
        return "\n".join([*map(self._text, ordered), text])

    def _pieces(self, place: int, one: ast.stmt) -> Iterator[_Piece]:
        """What a statement of the module falls into; nothing of one that is a definition or does nothing."""
        if _does_nothing(one) or isinstance(one, ast.Import | ast.ImportFrom) or self._only_runs(one):
            return
        if isinstance(one, ast.ClassDef):
            yield from self._of_class(place, one)
        elif isinstance(one, ast.FunctionDef) and (_TEST.match(one.name) or one.name in self._run):
            yield from self._of_function(place, one)
        elif not isinstance(one, _FUNCTIONS) or one.name.startswith("test"):
            yield _Piece(place, (one,), self._text(one))

    def _only_runs(self, one: ast.stmt) -> bool:
        """Whether a statement calls a function of the source that is taken apart, or runs its tests."""
        match one:
            case ast.Expr(ast.Call(func=ast.Name(name), args=args, keywords=[])) if name in self._functions:
                function = self._functions[name]
                if not args:
                    return bool(_TEST.match(name)) or _is_open(function) or self._names_tests(function)
                return len(args) == 1 and _is_open(function) and _parameter(function) is not None
        return False

    def _names_tests(self, function: ast.FunctionDef) -> bool:
        return any(_TEST.match(name) for name in loads(function) & {*self._functions})

    def _of_function(self, place: int, one: ast.FunctionDef) -> Iterator[_Piece]:
        parameter = _parameter(one)
        argument = _argument(self._body, one.name) or self._target
        if not _is_open(one) or is_empty(one) or (parameter and not argument):
            yield _Piece(place, (one,), self._text(one))
        elif one.name.startswith(("test", "check")) or not self._names_tests(one):
            renamed = {parameter: argument} if parameter and argument else {}
            yield from self._groups(place, one.body, renamed)

    def _of_class(self, place: int, one: ast.ClassDef) -> Iterator[_Piece]:
        """The methods that need nothing of their class, and the class with the others."""
        if not _is_test_class(one):
            return
        bases = _bases(one)
        is_unittest = any(base.endswith("TestCase") for base in bases)
        methods = [m for m in one.body if isinstance(m, _FUNCTIONS)]
        prepared = any(m.name.lower().startswith(("setup", "teardown")) for m in methods)
        free = (
            []
            if prepared or one.decorator_list or bases - {"TestCase", "object"}
            else [m for m in methods if isinstance(m, ast.FunctionDef) and _stands_alone(m)]
        )
        for method in free:
            yield from self._groups(place, method.body, {}, is_method=is_unittest)
        rest = [m for m in one.body if m not in free]
        if any(isinstance(m, _FUNCTIONS) and m.name.startswith("test") for m in rest):
            gone = {row for m in free for row in rows_of(m)}
            lines = [self._lines[row - 1].decode() for row in rows_of(one) if row not in gone]
            yield _Piece(place, (one,), "\n".join(lines))

    def _groups(
        self, place: int, body: Sequence[ast.stmt], renamed: Mapping[str, str], *, is_method: bool = False
    ) -> Iterator[_Piece]:
        """The groups of statements in a function that share no variable."""
        statements = [one for one in body if not _does_nothing(one) and not _is_known(one)]
        for group in linked(statements):
            nodes = tuple(statements[number] for number in group)
            plain_asserts = [as_assert(one) for one in nodes] if is_method else []
            if plain_asserts and all(plain_asserts):
                text = "\n".join(map(str, plain_asserts))
            else:
                text = "\n".join(self._text(one, renamed) for one in nodes)
                if is_method and any("self" in loads(one) for one in nodes):
                    text = f"import unittest\nself = unittest.TestCase()\n{text}"
            yield _Piece(place, nodes, text)

    def _cases(self, nodes: Sequence[ast.stmt]) -> list[str]:
        """A loop over written-out cases as one loop for each; nothing of other statements."""
        match nodes:
            case [ast.For() as loop]:
                cases = self._written_out(loop.iter)
            case [ast.Assign(targets=[ast.Name(name)], value=cases), ast.For(iter=ast.Name(used)) as loop]:
                if name != used:
                    return []
            case _:
                return []
        if not isinstance(cases, ast.List | ast.Tuple) or len(cases.elts) > _MOST_CASES or loop.orelse:
            return []
        if any(isinstance(one, ast.Starred) for one in cases.elts):
            return []
        if not all(isinstance(one, ast.Assert) or _is_simple(one) for one in loop.body):
            return []
        body = [one for one in loop.body if not _does_nothing(one)]
        loops = (ast.For(loop.target, ast.List([one], ast.Load()), body, [], lineno=0) for one in cases.elts)
        return [*map(ast.unparse, loops)]

    def _written_out(self, node: ast.expr) -> ast.expr:
        """The value of a constant's name; of another expression itself."""
        known = self._constants.get(node.id) if isinstance(node, ast.Name) else None
        return known.value if known else node

    def _text(self, node: ast.stmt, renamed: Mapping[str, str] | None = None) -> str:
        """A statement as it was written; anew where it stands deeper, or asserts, on several lines."""
        rows = rows_of(node)
        if len(rows) > 1 and (node.col_offset or isinstance(node, ast.Assert)):
            return ast.unparse(_renamed(node, renamed or {}))
        lines = self._lines[rows[0] - 1 : rows[-1]]
        lines[-1] = lines[-1][: node.end_col_offset]
        if renamed:
            for name in sorted(_named(node, renamed), key=lambda name: -name.col_offset):
                new = renamed[name.id].encode()
                lines[0] = lines[0][: name.col_offset] + new + lines[0][name.end_col_offset :]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode()


def _is_case(one: ast.stmt) -> bool:
    return isinstance(one, (*_FUNCTIONS, ast.ClassDef))


def _bases(one: ast.ClassDef) -> Set[str]:
    return {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in one.bases}


def _is_test_class(one: ast.ClassDef) -> bool:
    return one.name.startswith("Test") or any(base.endswith("TestCase") for base in _bases(one))


def _is_simple(one: ast.stmt) -> bool:
    return isinstance(one, ast.Assign | ast.Expr)


def _does_nothing(one: ast.stmt) -> bool:
    """Whether a statement is `pass`, a text, or prints."""
    match one:
        case ast.Pass() | ast.Expr(ast.Constant()):
            return True
        case ast.Expr(ast.Call(func=ast.Name("print"))):
            return True
    return False


def _may_fail(one: ast.stmt) -> bool:
    return not isinstance(one, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Pass)


def _is_open(one: ast.FunctionDef) -> bool:
    """Whether the body of a function means the same outside of it, but for one parameter."""
    arguments = one.args
    many = [*arguments.posonlyargs, *arguments.kwonlyargs, *arguments.defaults]
    if one.decorator_list or many or arguments.vararg or arguments.kwarg or len(arguments.args) > 1:
        return False
    if arguments.args and not (one.name.startswith("check") or arguments.args[0].arg == "candidate"):
        return False
    return not any(isinstance(node, _FRAME) for below in one.body for node in ast.walk(below))


def _parameter(one: ast.FunctionDef) -> str | None:
    return one.args.args[0].arg if one.args.args else None


def _stands_alone(method: ast.FunctionDef) -> bool:
    """Whether a test method uses no more of its instance than any other one has."""
    names = [one.arg for one in method.args.args]
    if not method.name.startswith("test") or names != ["self"] or method.decorator_list:
        return False
    if method.args.vararg or method.args.kwarg or method.args.kwonlyargs or method.args.posonlyargs:
        return False
    nodes = [node for below in method.body for node in ast.walk(below)]
    own = [node for node in nodes if isinstance(node, ast.Name) and node.id == "self"]
    known = [
        node
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
        if _OF_TEST_CASE.match(node.attr) and isinstance(node.ctx, ast.Load)
    ]
    return len(own) == len(known) and not any(isinstance(node, _FRAME) for node in nodes)


def _called_without(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The functions that the statements of a module call without arguments."""
    for one in body:
        match one:
            case ast.Expr(ast.Call(func=ast.Name(name), args=[], keywords=[])):
                yield name


def _is_known(one: ast.stmt) -> bool:
    """Whether a statement imports names of the program, which tests know anyway."""
    return (
        isinstance(one, ast.ImportFrom)
        and one.module == SOLUTION
        and not any(name.asname or name.name in BUILTINS for name in one.names)
    )


def _argument(body: Sequence[ast.stmt], name: str) -> str | None:
    """`add` where the module calls `check(add)`."""
    for one in body:
        match one:
            case ast.Expr(ast.Call(func=ast.Name(called), args=[argument], keywords=[])) if called == name:
                return ast.unparse(argument)
    return None


def _named(node: ast.stmt, renamed: Mapping[str, str]) -> list[ast.Name]:
    return [one for one in ast.walk(node) if isinstance(one, ast.Name) and one.id in renamed]


def _renamed(node: ast.stmt, renamed: Mapping[str, str]) -> ast.stmt:
    for name in _named(node, renamed):
        name.id = renamed[name.id]
    return node
