"""Whether a test checks the function that a task asks for, told from its syntax tree.

Only what runs counts: the body of a function that the test defines and never names does not.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set

from datagen.answers.syntax import bound_names, parsed
from datagen.ranking.forms import SOLUTION

#: Why a test of a model is not used.
NOT_CALLED, CHECKS_NOTHING = "not-called", "checks-nothing"

_IDENTIFIER = re.compile(r"\s*(\w+)")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BLOCKS = (ast.Try, ast.If, ast.For, ast.While, ast.With, ast.AsyncFor, ast.AsyncWith)
#: What asserts by a call, in unittest and pytest; of two values that are compared, neither is the other.
_ASSERTS, _EQUAL = (
    re.compile(r"assert\w+$|raises$"),
    re.compile(r"assert(List|Dict|Set|Tuple|Count|AlmostE|E)\w+$"),
)
#: Calls that look at a function and do not call it.
_LOOKS = frozenset("callable hasattr isinstance issubclass type id repr str print bool dir vars".split())


def wanted_names(entry_point: str | None, codes: Sequence[str]) -> frozenset[str]:
    """The names that a test has to call.

    Args:
        entry_point: `f`, or `Solution().run`, of which the first part counts; None where it is not known.
        codes: of the answers: without an entry point, what most of them define; where they share nothing, all
            that they define.
    """
    if found := _IDENTIFIER.match(entry_point or ""):
        return frozenset({found[1]})
    counts = Counter(name for code in codes for name in _defined(code))
    return _most(counts, codes) or frozenset(counts)


def shared_names(codes: Sequence[str]) -> frozenset[str]:
    """What most of several answers define; one alone does not say what it has to be tested by."""
    return (
        _most(Counter(name for code in codes for name in _defined(code)), codes)
        if len(codes) > 1
        else frozenset()
    )


def _most(counts: Mapping[str, int], codes: Sequence[str]) -> frozenset[str]:
    return frozenset(name for name, count in counts.items() if 2 * count > len(codes))


def _defined(code: str) -> Set[str]:
    tree = parsed(code)
    return {one.name for one in tree.body if isinstance(one, _DEFINITIONS)} if tree else set()


def tests_itself(test: str, codes: Sequence[str]) -> bool:
    """Whether a test defines what it tests: of what the answers define, it uses only what it defines, too."""
    tree = parsed(test)
    if tree is None:
        return False
    defined = {name for code in codes for name in _defined(code)}
    own = {one.name for one in tree.body if isinstance(one, _DEFINITIONS)} & defined
    others = [one for one in tree.body if getattr(one, "name", None) not in own]
    used = {node.id for node in ast.walk(ast.Module(others, [])) if isinstance(node, ast.Name)} & defined
    named = {part for node in ast.walk(tree) if isinstance(node, ast.alias) for part in node.name.split(".")}
    return bool(own & used) and not used - own and named.isdisjoint({SOLUTION, *defined})


def fault(tree: ast.Module, wanted: Set[str]) -> str:
    """Why a test says nothing of the function, or "".

    Args:
        tree: of the test; what stands under `if False:` is taken out of it.
        wanted: names of the function; one that the test binds itself is another function.
    """
    _drop_dead(tree)
    running = _running(tree)
    names = _with_aliases(running, wanted - _own(tree))
    if not any(_calls(node, names) for node in running):
        return NOT_CALLED
    depends = _depending(running, names)
    said = (_says(node, names, depends) for node in running)
    return "" if any(said) else CHECKS_NOTHING


def _drop_dead(tree: ast.Module) -> None:
    """Leave out what stands under `if False:`."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            below = getattr(node, field, None)
            if isinstance(below, list):
                below[:] = [alive for one in below for alive in _alive(one)]


def _alive(one: ast.stmt) -> list[ast.stmt]:
    while isinstance(one, ast.If) and isinstance(one.test, ast.Constant) and not one.test.value:
        if len(one.orelse) != 1:
            return one.orelse
        (one,) = one.orelse
    return [one]


def _own(tree: ast.Module) -> Set[str]:
    """The names that a test binds itself; what it imports from the program is the program's."""
    others = [one for one in tree.body if not (isinstance(one, ast.ImportFrom) and one.module == SOLUTION)]
    return bound_names(ast.Module(others, []))


def _says(node: ast.AST, names: Set[str], depends: Set[str]) -> bool:
    """Whether a node fails by what the function gives: an assert, an error that has to come, a failure."""
    match node:
        case ast.Assert(test=test):
            return _touches(test, names, depends) and not always_holds(test)
        case ast.Call(func=ast.Attribute(attr=name), args=[first, second, *_]) if _EQUAL.match(name):
            same = always_holds(ast.Compare(first, [ast.Eq()], [second]))
            return _touches(node, names, depends) and not same
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(name)) if _ASSERTS.match(name):
            return _touches(node, names, depends)
        case ast.With(items=items) if any(_expects(one.context_expr) for one in items):
            return any(_touches(one, names, depends) for one in node.body)
    return isinstance(node, _BLOCKS) and _touches(node, names, depends) and any(map(_fails, ast.walk(node)))


def _expects(node: ast.expr) -> bool:
    """Whether a context is `pytest.raises(...)` or `self.assertRaises(...)`."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(name)):
            return _ASSERTS.match(name) is not None
    return False


def _fails(node: ast.AST) -> bool:
    """Whether a node is `assert False`, `raise AssertionError` or `self.fail()`."""
    match node:
        case ast.Assert(test=ast.Constant(value)):
            return not value
        case ast.Raise(exc=ast.expr()):
            return True
        case ast.Call(func=ast.Attribute(attr="fail")):
            return True
    return False


def _running(tree: ast.Module) -> list[ast.AST]:
    """The nodes of a test that are reached: of definitions only those whose name is used."""
    waiting = {one.name: one for one in tree.body if isinstance(one, _DEFINITIONS)}
    nodes = [node for one in tree.body if not isinstance(one, _DEFINITIONS) for node in ast.walk(one)]
    for node in nodes:  # it grows
        if isinstance(node, ast.Name) and (found := waiting.pop(node.id, None)):
            nodes += ast.walk(found)
    return nodes


def _with_aliases(running: Sequence[ast.AST], names: Set[str]) -> Set[str]:
    """The names, those that are given their value, `candidate = f`, and the module `solution`."""
    found = set(names)
    for node in running:
        match node:
            case ast.Assign(targets=[ast.Name(alias)], value=ast.Name(name)) if name in found:
                found.add(alias)
            case ast.ImportFrom(module=module, names=imported) if module == SOLUTION:
                found.update(one.asname for one in imported if one.asname and one.name in names)
            case ast.Import(names=imported):
                found.update(one.asname or one.name for one in imported if one.name == SOLUTION)
    return found


def _calls(node: ast.AST, names: Set[str]) -> bool:
    """Whether a node calls one of the names, or hands it to another call: `f(1)`, `map(f, [1])`."""
    if not isinstance(node, ast.Call):
        return False
    if _root(node.func) in names:
        return True
    looks = isinstance(node.func, ast.Name) and node.func.id in _LOOKS
    handed = [*node.args, *(one.value for one in node.keywords)]
    return not looks and any(isinstance(one, ast.Name) and one.id in names for one in handed)


def _root(node: ast.AST) -> str | None:
    """`Solution` of `Solution().run`."""
    while True:
        match node:
            case ast.Call(func=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
                node = inner
            case ast.Name(name):
                return name
            case _:
                return None


def _depending(running: Sequence[ast.AST], names: Set[str]) -> Set[str]:
    """The names that may hold what the function gave: results, changed arguments, caught errors."""
    own = {one.name: one for one in running if isinstance(one, _DEFINITIONS)}
    depends: set[str] = set()
    while True:
        before = len(depends)
        for node in running:
            if not isinstance(node, ast.expr) or isinstance(node, ast.Call | ast.NamedExpr):
                depends.update(_reached(node, names, depends, own))
        if len(depends) == before:
            return depends


def _reached(node: ast.AST, names: Set[str], depends: Set[str], own: Mapping[str, ast.stmt]) -> Iterator[str]:
    """The names that one node makes depend on the function."""
    match node:
        case ast.Call(func=called) if _touches(node, names, depends):
            function = own.get(_root(called) or "")
            if _calls(node, names) or _root(called) in depends:
                yield from _named(node)  # it may change its arguments
            elif isinstance(called, ast.Attribute):
                yield from _named(called)  # `results.append(f(1))`
            if isinstance(function, ast.FunctionDef):
                yield from (one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg))
        case ast.Assign(targets=targets) if _touches(node, names, depends):
            yield from (name for target in targets for name in _named(target))
        case (
            ast.AnnAssign(target=target)
            | ast.AugAssign(target=target)
            | ast.NamedExpr(target=target)
            | ast.comprehension(target=target)
        ) if _touches(node, names, depends):
            yield from _named(target)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            if _touches(node, names, depends):
                yield name
        case _ if isinstance(node, _BLOCKS) and _touches(node, names, depends):
            stored = (one for one in ast.walk(node) if isinstance(one, ast.Name))
            yield from (one.id for one in stored if isinstance(one.ctx, ast.Store))


def _named(node: ast.AST) -> Iterator[str]:
    return (one.id for one in ast.walk(node) if isinstance(one, ast.Name))


def _touches(node: ast.AST, names: Set[str], depends: Set[str]) -> bool:
    """Whether the function is called below a node, or something read that depends on it."""
    return any(
        _calls(one, names) or (isinstance(one, ast.Name) and one.id in depends) for one in ast.walk(node)
    )


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


def _unparsed(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return ""
