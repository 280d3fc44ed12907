"""The prompts that ask a teacher to answer a task, and to write tests for one; how its tests are read."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from datagen import schema
from datagen.extraction import MAX_SOURCE, bound_names, is_guard, parsed
from datagen.prepare import answer_of, fenced_blocks, without_carriage_returns
from datagen.teachers import Prompt, Shape

MAX_TESTS = 50
#: Modules that a test may use besides the builtins; whoever runs tests imports them first.
TEST_MODULES = frozenset({"math"})

_SYSTEM = {
    "chat": "You are an expert programmer. Answer with one fenced code block that solves the task.",
    "few-shot": "You write short, correct Python functions. Answer with code only.",
}
_TESTS_SYSTEM = {
    "chat": "You check other people's Python functions. You write tests from a task's description alone.",
    "few-shot": "You write assert statements that check a Python function. Answer with code only.",
}
_TESTS_WANTED = """\
Below is a programming task. Leave it unsolved and write tests for its solutions instead: eight to twelve \
Python assert statements that every correct solution satisfies.

- Each stands on one line of its own, like `assert {call} == expected`, with literal values on both sides.
- {name}
- Begin with ordinary cases. Then take the edges that the text speaks of: empty, single, smallest, largest, \
repeated or invalid values, and ties.
- Work out every expected value by hand from the text. Leave out what the text does not decide.
- Compare floating-point results by `math.isclose`.
- No imports, variables, loops, test functions or comments.

Answer with one fenced Python block.

Task:

{instruction}"""
_SHOTS = (
    (
        "Write a function `total(prices)` that adds up the prices in a list and skips negative ones.",
        "```python\ndef total(prices):\n    return sum(price for price in prices if price >= 0)\n```",
    ),
    (
        "Write a function `longest_words(text, n)` that returns a text's n longest words, longest first.",
        "```python\ndef longest_words(text, n):\n    words = text.split()\n"
        "    words.sort(key=len, reverse=True)\n    return words[:n]\n```",
    ),
)
_TESTS_SHOTS = (
    (
        _SHOTS[0][0],
        "```python\nassert total([3, 4, 5]) == 12\nassert total([3, -4, 5]) == 8\nassert total([-1]) == 0\n"
        "assert total([7]) == 7\nassert total([]) == 0\n```",
    ),
    (
        _SHOTS[1][0],
        '```python\nassert longest_words("a tiny garden", 1) == ["garden"]\n'
        'assert longest_words("a tiny garden", 2) == ["garden", "tiny"]\n'
        'assert longest_words("oak", 3) == ["oak"]\nassert longest_words("oak elm", 0) == []\n'
        'assert longest_words("", 2) == []\n```',
    ),
)
_NAMED = re.compile(r"`([A-Za-z_]\w*)\(([^()`]*)\)`")
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


def answer_prompt(task: Mapping[str, object], shape: Shape) -> Prompt:
    """The prompt for one task.

    A tiny model is shown two examples and the beginning of its answer, up to the signature where the
    task gives one: so nine answers in ten parse, otherwise hardly one.
    """
    instruction = str(task["instruction"])
    reference = task.get("reference")
    prompt = Prompt(messages=(("system", _SYSTEM[shape]),), reference=str(reference) if reference else None)
    if shape == "chat":
        return prompt._replace(messages=(*prompt.messages, ("user", instruction)))
    return _few_shot(prompt, _SHOTS, instruction, f"```python\n{_signature(task) or 'def'}")


def tests_prompt(task: Mapping[str, object], shape: Shape) -> Prompt:
    """The prompt for tests of one task, written from its text alone: `parse_tests` reads the answer.

    It never holds a solution, so a test cannot repeat a solution's mistakes. Where neither `entry_point` nor
    a signature in backticks names the function, the model is to take the name that the text uses.
    """
    instruction, name = str(task["instruction"]), wanted_function(task)
    prompt = Prompt(messages=(("system", _TESTS_SYSTEM[shape]),))
    if shape == "few-shot":
        begun = f"```python\nassert {name}(" if name else "```python\nassert"
        return _few_shot(prompt, _TESTS_SHOTS, instruction, begun)
    told = (
        f"Call the function `{name}`."
        if name
        else "Call the function by the very name that the task gives it."
    )
    asked = _TESTS_WANTED.format(call=f"{name or 'name'}(...)", name=told, instruction=instruction)
    return prompt._replace(messages=(*prompt.messages, ("user", asked)))


def answer_prompt_hash(shape: Shape) -> str:
    """12 hex digits that change with the wording and settings of `answer_prompt`, not with the task."""
    return _prompt_hash(answer_prompt, shape)


def tests_prompt_hash(shape: Shape) -> str:
    """12 hex digits that change with the wording and settings of `tests_prompt`, not with the task."""
    return _prompt_hash(tests_prompt, shape)


def wanted_function(task: Mapping[str, object]) -> str | None:
    """The function that a task asks for: its `entry_point`, else the first signature in its text."""
    if task.get("entry_point"):
        return str(task["entry_point"])
    return next((name for name, _ in _signatures(task) if name not in dir(builtins)), None)


def _few_shot(prompt: Prompt, shots: Sequence[tuple[str, str]], instruction: str, begun: str) -> Prompt:
    turns = [turn for asked, told in shots for turn in (("user", asked), ("assistant", told))]
    return prompt._replace(
        messages=(*prompt.messages, *turns, ("user", instruction), ("assistant", begun)),
        prefix=begun,
        suffix="\n```",
        stop=("```",),
        temperature=0.2,
        max_tokens=320,
    )


def _prompt_hash(make: Callable[[Mapping[str, object], Shape], Prompt], shape: Shape) -> str:
    """A digest of the prompts for two made-up tasks, one with a name and one without: every branch shows."""
    prompts = [
        make(task, shape) for task in ({"instruction": ""}, {"instruction": "`f(x)`", "entry_point": "f"})
    ]
    parts = [(p.messages, p.prefix, p.suffix, p.stop, p.temperature, p.max_tokens) for p in prompts]
    return schema.sha256(schema.canonical(parts))[:12]


def _signature(task: Mapping[str, object]) -> str | None:
    """`def name(args):` as the task states it: in its text, else by its reference's first line."""
    entry_point, reference = task.get("entry_point"), task.get("reference")
    for name, arguments in _signatures(task):
        if name == (entry_point or name):
            return f"def {name}({arguments}):"
    tree = parsed(str(reference)) if entry_point and reference else None
    for node in tree.body if tree else []:
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            return f"def {node.name}({ast.unparse(node.args)}):"
    return None


def _signatures(task: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The names and parameters of the functions in a task's text."""
    for name, arguments in _NAMED.findall(str(task["instruction"])):
        # What stands behind a name may be an example's values: `area(3, 4)`.
        if parsed(f"def {name}({arguments}): ..."):
            yield name, arguments


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
        and not _always_holds(one.tree.test)
    )


def _is_call(call: ast.Call, wanted: str) -> bool:
    match call.func:
        case ast.Name(name):
            return name == wanted
        case ast.Attribute(attr=name):
            return name == wanted.rpartition(".")[2] != wanted
    return False


def _always_holds(test: ast.expr) -> bool:
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
            return any(map(_always_holds, values))
        case ast.BoolOp(values=values):
            return all(map(_always_holds, values))
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            return _unparsed(left) == _unparsed(right)
    return False


def _functions(test: ast.expr) -> Iterator[str]:
    """The names, not of builtins, by which a check calls functions."""
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _BUILTINS:
            yield node.func.id
