"""The test functions and test classes of a source, and the calls that run them one by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from datagen.answers.syntax import parsed

Function = ast.FunctionDef | ast.AsyncFunctionDef
#: More cases of a parametrized function than these are run as one test.
_MOST_CASES = 50
#: What fixtures give that take others can need more text than any machine has.
_LONGEST_CALL = 2_000
#: Names by which a parameter means the function under test.
_CANDIDATES = frozenset({"candidate"})
_SET_UP = "setup_method"
#: Functions that test runners call before a test.
_FIRST = ("setup_module", "setUpModule", "setup_function")


class Case(NamedTuple):
    """A call that runs a test.

    Args:
        text: statements.
        left_out: methods of its class that it does not need.
    """

    text: str
    left_out: tuple[Function, ...] = ()


class Cases(NamedTuple):
    """The tests that a source only defines.

    Args:
        calls: of those that can be run.
        idle: how many cannot: they take what nobody gives, such as a fixture of pytest's own, are skipped,
            or would end before their first statement, as generators do.
    """

    calls: tuple[Case, ...]
    idle: int


def cases_of(tree: ast.Module, target: str | None) -> Cases:
    """The tests that a source defines and does not run.

    Args:
        tree: of the source.
        target: an expression for the function under test, which `check(candidate)` takes.
    """
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    run = {
        _root(node.func)
        for statement in tree.body
        if isinstance(statement, ast.Expr | ast.Assert | ast.Assign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    }
    functions = {one.name: one for one in tree.body if isinstance(one, Function)}
    fixtures = {name: one for name, one in functions.items() if _has_decorator(one, "fixture")}
    given = _given(fixtures)
    needs = {name: _required(functions[name].args) for name in _FIRST if name in functions}
    first = [f"{name}({', '.join(['None'] * len(names))})" for name, names in needs.items()]
    first += [value for name, value in given.items() if _is_automatic(fixtures[name])]
    found: list[Case] = []
    idle = 0
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            cases = None if statement.name in run else _of_class(statement, tree)
        elif isinstance(statement, Function) and statement.name not in run | fixtures.keys():
            cases = _of_function(statement, given, target, is_used=statement.name in named)
        else:
            cases = None
        if cases is not None:
            found += [case._replace(text="\n".join([*first, case.text])) for case in cases.calls]
            idle += cases.idle
    return Cases(tuple(found), idle)


def _given(fixtures: Mapping[str, Function]) -> dict[str, str]:
    """The calls that make what fixtures give; none where that is nobody, or the call too long."""
    given: dict[str, str] = {}
    while True:
        more = {
            name: call
            for name, function in fixtures.items()
            if name not in given and given.keys() >= {*(needs := _required(function.args))}
            if len(call := f"{name}({', '.join(f'{one}={given[one]}' for one in needs)})") <= _LONGEST_CALL
        }
        if not more:
            return given
        given |= more


def _is_automatic(function: Function) -> bool:
    """Whether a fixture comes before each test: `pytest.fixture(autouse=True)`."""
    return any(
        isinstance(node, ast.keyword) and node.arg == "autouse"
        for decorator in function.decorator_list
        for node in ast.walk(decorator)
    )


def comes_first(one: ast.stmt) -> bool:
    """Whether a test runner calls a function before each test."""
    is_fixture = isinstance(one, Function) and _has_decorator(one, "fixture")
    return isinstance(one, Function) and (one.name in _FIRST or (is_fixture and _is_automatic(one)))


def _of_function(
    function: Function, fixtures: Mapping[str, str], target: str | None, *, is_used: bool
) -> Cases | None:
    """The calls of a test function; None where it is another one."""
    is_check = function.name == "check"
    if not function.name.startswith("test") and not is_check:
        return None
    if _is_skipped(function) or is_empty(function):
        return Cases((), 1)
    needs = _required(function.args)
    many = [one for one in map(_parametrized, function.decorator_list) if one is not None]
    for names, _ in many:
        needs = [one for one in needs if one not in names]
    given = [f"{name}={fixtures[name]}" for name in needs if name in fixtures]
    rest = [name for name in needs if name not in fixtures]
    takes = len(rest) == 1 and not given and (is_check or rest[0] in _CANDIDATES or rest[0] == target)
    if takes and target and not many:
        given, rest = [_argument(target)], []
    if rest or (is_check and not needs):
        return None if is_used or not needs else Cases((), 1)
    name, arguments = function.name, ", ".join(given)
    if len(many) == 1 and (count := many[0][1]) is not None and count <= _MOST_CASES:
        calls = [f"{name}.case({', '.join([str(number), *given])})" for number in range(count)]
    else:
        calls = [f"{name}({arguments})"]
    return Cases(tuple(Case(_as_statement(one, function)) for one in calls), 0)


def _argument(target: str) -> str:
    """`Solution().run` is an expression; what is none stands for no argument."""
    tree = parsed(target)
    is_one = tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)
    return target if is_one else ""


def _as_statement(call: str, function: Function) -> str:
    """What runs a call: a coroutine is awaited; what a test without asserts returns has to be true."""
    if isinstance(function, ast.AsyncFunctionDef):
        return f"import asyncio\nasyncio.run({call})"
    below = [*ast.walk(function)]
    answers = any(isinstance(one, ast.Return) and one.value is not None for one in below)
    checks = any(isinstance(one, ast.Assert | ast.With | ast.Raise) for one in below)
    return f"assert {call}" if answers and not checks else call


def _required(arguments: ast.arguments) -> list[str]:
    """The parameters without a default."""
    plain = [*arguments.posonlyargs, *arguments.args]
    plain = plain[: len(plain) - len(arguments.defaults)]
    more = [
        one
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    return [one.arg for one in (*plain, *more)]


def _parametrized(decorator: ast.expr) -> tuple[list[str], int | None] | None:
    """The parameters that `pytest.mark.parametrize` gives, and how many cases if they are written out."""
    match decorator:
        case ast.Call(func=ast.Attribute(attr="parametrize"), args=[names, *values]):
            if isinstance(names, ast.Constant):
                words = str(names.value).replace(",", " ").split()
            else:
                words = [str(one.value) for one in ast.walk(names) if isinstance(one, ast.Constant)]
            match values:
                case [ast.List(elts=cases) | ast.Tuple(elts=cases)]:
                    written = not any(isinstance(one, ast.Starred) for one in cases)
                    return words, len(cases) if written and cases else None
            return words, None
    return None


def _is_skipped(one: Function | ast.ClassDef) -> bool:
    return any(
        _has_decorator(one, name)
        for name in ("skip", "skipIf", "skipUnless", "skipif", "xfail", "expectedFailure")
    )


def is_empty(function: Function) -> bool:
    """Whether a call of it runs no statement: it is a generator, or has none."""
    waiting: list[ast.AST] = [*function.body]
    for one in waiting:  # it grows
        if isinstance(one, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(one, Function | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(one)
    for statement in function.body:
        match statement:
            case ast.Return(value=None | ast.Constant(None)):
                return True
            case ast.Pass() | ast.Expr(ast.Constant()) | ast.If(test=ast.Constant(False), orelse=[]):
                pass
            case _:
                return False
    return True


def _has_decorator(one: Function | ast.ClassDef, name: str) -> bool:
    """Whether a decorator is `name`, `pytest.name` or `pytest.name(...)`."""
    for decorator in one.decorator_list:
        node = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) == name:
            return True
    return False


def _of_class(one: ast.ClassDef, tree: ast.Module) -> Cases | None:
    """The calls of the test methods of a class; None where it is no class of tests."""
    lineage = [*_lineage(one, tree)]
    bases = [_base(base) for each in lineage for base in each.bases]
    is_unittest = any(base.endswith("TestCase") for base in bases)
    awaits = any(base.endswith("AsyncioTestCase") for base in bases)
    if not is_unittest and not one.name.startswith("Test"):
        return None
    methods = {m.name: m for each in reversed(lineage) for m in each.body if isinstance(m, Function)}
    tests = [method for name, method in methods.items() if name.startswith("test")]
    if any(
        _base(base) == one.name for each in tree.body if isinstance(each, ast.ClassDef) for base in each.bases
    ):
        return None  # the classes that derive from it have its tests
    calls, idle = list[Case](), 0
    spare = _not_named(one, tests)
    for method in tests:
        text = (
            None
            if any(map(_is_skipped, (one, method))) or is_empty(method)
            else _of_method(one, method, methods, is_unittest, awaits)
        )
        if text is None:
            idle += 1
        else:
            others = tuple(other for other in spare if other is not method)
            calls.append(Case(text, others if len(others) < len(one.body) else ()))
    return Cases(tuple(calls), idle)


def _of_method(
    one: ast.ClassDef,
    method: Function,
    methods: dict[str, Function],
    is_unittest: bool,
    awaits: bool,
) -> str | None:
    """The call of a method on an instance of its own; None where it takes what nobody gives."""
    many = [found for found in map(_parametrized, method.decorator_list) if found is not None]
    given = {name for names, _ in many for name in names}
    own = set() if _has_decorator(method, "staticmethod") else {*_required(method.args)[:1]}
    if {*_required(method.args)} - given - own:
        return None
    name = one.name
    if is_unittest:
        if isinstance(method, ast.AsyncFunctionDef) and not awaits:
            return None
        first = f"{name}.setUpClass()\n" if "setUpClass" in methods else ""
        return f"{first}{name}({method.name!r}).debug()"
    if isinstance(method, ast.AsyncFunctionDef):
        return f"import asyncio\nasyncio.run({name}().{method.name}())"
    prepare = [m for m in ("setup_class", _SET_UP) if m in methods]
    prepare += [m for m, one in methods.items() if _has_decorator(one, "fixture") and _is_automatic(one)]
    if not prepare:
        return f"{name}().{method.name}()"
    if any(len(_required(methods[m].args)) > 1 for m in prepare):
        return None
    lines = [f"instance = {name}()", *(f"instance.{m}()" for m in prepare), f"instance.{method.name}()"]
    return "\n".join(lines)


def _not_named(one: ast.ClassDef, tests: Sequence[Function]) -> list[Function]:
    """The test methods of a class that nothing in it names."""
    named = {node.attr for node in ast.walk(one) if isinstance(node, ast.Attribute)}
    among = {*tests}
    return [m for m in one.body if isinstance(m, Function) and m in among and m.name not in named]


def _lineage(one: ast.ClassDef, tree: ast.Module) -> Iterator[ast.ClassDef]:
    """A class, and those of the source that it derives from."""
    classes = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
    waiting = [one]
    for each in waiting:  # it grows
        yield each
        waiting += [
            classes[name]
            for base in each.bases
            if (name := _base(base)) in classes and classes[name] not in waiting
        ]


def _root(node: ast.expr) -> str:
    """`TestF` of `TestF().test_it`."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")


def _base(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
