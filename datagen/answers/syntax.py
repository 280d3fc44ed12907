"""Syntax trees of Python answers, each text parsed once, and what statements do with names."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

#: Longer text is not parsed: Python's parser takes quadratic memory for `from a.a.a...`.
MAX_SOURCE = 2**16

#: Longer runs of marks and longer dotted names are no code; Python's parser takes quadratic time for them.
_MOST_MARKS = 500
_MOST_DOTS = 1000
_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS},}}")
_DOTTED = re.compile(r"\w++(?:[ \t\\\n]*+\.[ \t\\\n]*+\w++)*+")

BUILTINS = frozenset(dir(builtins))

_WORD = re.compile(r"\w+")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)  # faster in `isinstance` than a union

_WITH_DOCSTRING = (ast.Module, *_DEFINITIONS)
_SIMPLE = (ast.Expr, ast.Assign, ast.Assert, ast.Return)  # the most usual ones without a block
_LEAVES = (ast.Constant, ast.expr_context)
_NOTHING = nullcontext()


#: The filter that `warnings.simplefilter("ignore")` puts first.
_IGNORE_ALL = ("ignore", None, Warning, None, 0)

#: Fields that hold no node with a name in it.
_PLAIN = frozenset({"ctx", "op", "ops", "id", "attr", "asname", "arg", "module", "level", "type_comment"})
#: For each kind of node that is looked at its other fields.
_BELOW: Mapping[type, tuple[str, ...]] = {
    kind: tuple(field for field in kind._fields if field not in _PLAIN)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST) and not issubclass(kind, _LEAVES)
}


class Trees:
    """The syntax trees of the texts of one answer; each text is parsed once."""

    def __init__(self) -> None:
        self._known: dict[str, ast.Module | Exception] = {}

    def of(self, text: str) -> ast.Module | None:
        """The syntax tree of `text`; None where it is no Python, too long or too deep."""
        if len(text) > MAX_SOURCE:
            return None
        if text not in self._known:
            self._known[text] = ValueError("an endless name") if has_endless_name(text) else _parse(text)
        found = self._known[text]
        return found if isinstance(found, ast.Module) else None

    def known(self, text: str) -> ast.Module | Exception | None:
        """What parsing `text` gave: its tree or the error; None where it was not parsed."""
        return self._known.get(text)

    def put(self, text: str, tree: ast.Module) -> None:
        """Take `tree` for the tree of `text`."""
        self._known[text] = tree


def has_endless_name(text: str) -> bool:
    """Whether Python's parser would take seconds for one name in `text`, in a call that hears no Ctrl-C."""
    if text.count(".") > _MOST_DOTS and any(one.count(".") > _MOST_DOTS for one in _DOTTED.findall(text)):
        return True
    runs = [] if text.isascii() else _MARKS.findall(text)
    return any(sum(map(bool, map(unicodedata.combining, run))) > _MOST_MARKS for run in runs)


def without_warnings() -> AbstractContextManager[object]:
    """Ignore what Python warns of in a model's code; costs nothing inside of another one."""
    if warnings.filters and warnings.filters[0] == _IGNORE_ALL:
        return _NOTHING
    return warnings.catch_warnings(action="ignore")


def _parse(text: str) -> ast.Module | Exception:
    try:
        with without_warnings():
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error.with_traceback(None)  # a traceback would keep the frames of its callers


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of `text`; None where it is no Python, too long or too deep."""
    return Trees().of(text)


def same_code(text: str) -> str:
    """What programs have in common that differ in comments, layout and docstrings; of no Python the text."""
    tree = parsed(text)
    if tree is None:
        return text
    try:
        for node in ast.walk(tree):
            if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
        return ast.dump(tree)
    except RecursionError:
        return text


def normalised(text: str) -> str:
    """What programs have in common that differ in comments and layout only; of what is no Python the text."""
    tree = parsed(text)
    if tree is None:
        return text
    try:
        return ast.dump(tree)
    except RecursionError:
        return text


def bound_names(tree: ast.Module) -> frozenset[str]:
    """The names that a module's statements bind."""
    return frozenset().union(*(Statement(node).bound for node in tree.body))


def unresolved(text: str, among: Set[str], trees: Trees) -> frozenset[str]:
    """Those of the names `among` that a source uses as globals, but neither binds nor has as builtins."""
    tree = trees.of(text)
    used = global_names(text, among) - BUILTINS if tree else None
    return used - bound_names(tree) if tree and used else frozenset()


def nested_statements(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Statements and all below them, in the order of `ast.walk`, with handlers and cases; no expressions."""
    waiting: list[ast.AST] = list(body)
    for node in waiting:  # it grows
        yield node
        if isinstance(node, _SIMPLE):
            continue
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            below = getattr(node, field, None)
            if isinstance(below, list):
                waiting.extend(below)


class Names(NamedTuple):
    """What a statement does with names, nested statements included.

    Fields:
        bound: the names that it binds; of a definition its own name alone.
        loaded: the names that it reads.
        called: what its calls begin with: `f` of `f(x)`, `s` of `s.push(1)` and `s[0].pop()`.
        methods: the names whose methods it calls: `s` of `s.push(1)`.
        stored: the names of the objects whose attributes or elements it sets or deletes; "" for one
            without a name.
        asserts: whether there is an assert in it.
    """

    bound: Set[str]
    loaded: Set[str]
    called: Set[str]
    methods: Set[str]
    stored: Set[str]
    asserts: bool


class Statement:
    """A statement of the module; its tree is walked once, when its names are asked for."""

    def __init__(self, node: ast.stmt) -> None:
        self.node = node
        self._names: Names | None = None

    @property
    def names(self) -> Names:
        if self._names is None:
            self._names = _names(self.node)
        return self._names

    @property
    def bound(self) -> Set[str]:
        return {self.node.name} if isinstance(self.node, _DEFINITIONS) else self.names.bound


def global_names(text: str, among: Set[str]) -> frozenset[str]:
    """Those of the names `among` that a source uses as globals, in functions too; more if that is not clear.

    Symbol tables are slow. None is made where no such name stands in the text as a word, unless it could be
    spelt in another way: with letters that Python normalises, or as the mangled name of a class.
    """
    words = {name for name in among if name in text} and among & set(_WORD.findall(text))
    if has_endless_name(text):
        return frozenset(words)
    mangled = any(name[:1] == "_" and "__" in name for name in among)
    if not words and not mangled and text.isascii():
        return frozenset()
    names: set[str] = set()
    try:
        with without_warnings():
            tables = [symtable.symtable(text, "<answer>", "exec")]
        while tables:
            table = tables.pop()
            module = table.get_type() == "module"
            symbols = map(table.lookup, among & set(table.get_identifiers()))
            names.update(s.get_name() for s in symbols if (s.is_referenced() if module else s.is_global()))
            tables.extend(table.get_children())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(words)
    return frozenset(names)


def _names(statement: ast.stmt) -> Names:
    """What a statement does with names, from one walk of its tree."""
    bound, loaded, called, methods, stored = set[str](), set[str](), set[str](), set[str](), set[str]()
    asserts = False
    changes = isinstance(statement, ast.AugAssign)
    for node in inside(statement):  # the hottest loop of extraction: `match` takes three times longer
        if isinstance(node, ast.Name):
            is_load = isinstance(node.ctx, ast.Load)
            if not is_load:
                bound.add(node.id)
            if is_load or changes:
                loaded.add(node.id)
        elif isinstance(node, ast.Call):
            root = _root(node.func) or ""
            called.add(root)
            if isinstance(node.func, ast.Attribute):
                methods.add(root)
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            if not isinstance(node.ctx, ast.Load):
                stored.add(_root(node) or "")
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, _DEFINITIONS):
            bound.add(node.name)
        elif isinstance(node, ast.Assert):
            asserts = True
    return Names(
        bound={statement.name} if isinstance(statement, _DEFINITIONS) else bound,
        loaded=loaded,
        called=called - {""},
        methods=methods - {""},
        stored=stored,
        asserts=asserts,
    )


def inside(statement: ast.stmt) -> list[ast.AST]:
    """The nodes of a statement in the order of `ast.walk`, without constants, contexts and operators."""
    nodes: list[ast.AST] = [statement]
    for node in nodes:  # it grows
        for field in _BELOW[type(node)]:
            value = getattr(node, field, None)
            if isinstance(value, list):
                nodes.extend([below for below in value if type(below) in _BELOW])
            elif value is not None and type(value) in _BELOW:
                nodes.append(value)
    return nodes


def _root(node: ast.AST) -> str | None:
    """The name that a chain of attributes and subscripts begins with, four links at most."""
    for _ in range(4):
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        else:
            break
    return node.id if isinstance(node, ast.Name) else None
