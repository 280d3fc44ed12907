"""The part of the runtime of translated programs that one of them uses.

The whole runtime takes longer to compile than most programs take to run. A program names what it uses:
`T_.name` for a method of the class, a text for a method or library function of its language. What a program
does not name, and nothing that it names uses, is left out.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

#: Methods of the runtime that only these languages reach.
_ONLY = {
    "of_js": {"js"},
    "over": {"c", "cpp"},
    "of_places": {"c", "cpp"},
    "behind": {"c", "cpp"},
    "span": {"c", "cpp"},
    "filled": {"c", "cpp", "go", "rust", "java"},
    "braces": {"rust", "cpp"},
    "printf": {"c", "cpp", "go", "java"},
}
_LANGUAGES = ("c", "cpp", "java", "js", "go", "rust")


class _Part(NamedTuple):
    """A method, class or table entry: its text, what it uses, and the names of methods that it calls."""

    text: str
    uses: frozenset[str]
    calls: frozenset[str]


class _Table(NamedTuple):
    """A table of the runtime: its beginning, its end, and its entries with their names."""

    head: str
    foot: str
    entries: list[tuple[list[str], _Part]]


def runtime_for(program: str) -> str:
    """The text of the class `T_` with what a translated program uses.

    Args:
        program: the text of the translated functions, without the runtime.
    """
    imports, parts, tables = _runtime()
    words = set(re.findall(r"\w+", program))
    there = {language for language in _LANGUAGES if f'"{language}"' in program or f"'{language}'" in program}
    needed: dict[str, None] = {"__init__": None}
    chosen: dict[str, dict[str, None]] = {name: {} for name in tables}
    there = there or set(_LANGUAGES)
    waiting = [name for name in re.findall(r"\bT_\.(\w+)", program) if name != "__init__"]
    calls = _plain(words)
    called = -1
    while waiting or called < len(calls):  # until neither methods nor names are new
        called = len(calls)
        for name in waiting:
            if there & _ONLY.get(name, there):
                needed[name] = None
        found: set[str] = set()
        for name in needed.keys() & parts.keys():
            found |= parts[name].uses
            calls |= parts[name].calls
        found.update(_entries(tables, chosen, needed, (program, calls, words)))
        waiting = sorted(name for name in found - needed.keys() if there & _ONLY.get(name, there))
    lines = [*imports, "class T_:"]
    lines += [part.text for name, part in parts.items() if name in needed]
    for name, table in tables.items():
        if name in needed:
            entries = [part.text for _, part in table.entries if part.text in chosen[name]]
            lines += [table.head, *entries, table.foot]
    return "\n".join(lines) + "\n"


def _entries(
    tables: dict[str, _Table],
    chosen: dict[str, dict[str, None]],
    needed: dict[str, None],
    said: tuple[str, set[str], set[str]],
) -> Iterable[str]:
    """Choose the entries of the needed tables that are named; what they use is given back."""
    program, calls, words = said
    found: set[str] = set()
    for name in sorted(tables.keys() & needed.keys()):
        for names, part in tables[name].entries:
            if part.text in chosen[name] or _named(name, names, program, calls, words):
                chosen[name][part.text] = None
                found |= part.uses
                calls |= part.calls
    return sorted(found)


def _named(table: str, names: list[str], program: str, calls: set[str], words: set[str]) -> bool:
    if table == "M":
        return not calls.isdisjoint(names)
    if table == "OPS":
        return names[0] in "+-" or f'"{names[0]}"' in program or f"'{names[0]}'" in program
    return not names or any(words.issuperset(re.findall(r"\w+", name)[-1:]) for name in names)


def _plain(words: Iterable[str]) -> set[str]:
    """Names of methods as the table has them."""
    return {word.replace("_", "").lower() for word in words}


@functools.cache
def _runtime() -> tuple[list[str], dict[str, _Part], dict[str, _Table]]:
    """The imports, the methods and classes, and the tables of the runtime."""
    text = Path(__file__).with_name("_translate_runtime.py").read_text(encoding="utf-8")
    tree = ast.parse(text)
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import)]
    parts, tables = {}, {}
    for node in next(node for node in tree.body if isinstance(node, ast.ClassDef)).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            parts[node.name] = _part(_without_text(node))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            table = _table(name, node.value)
            if table:
                tables[name] = table
            else:
                parts[name] = _part(node)
    return imports, parts, tables


def _table(name: str, value: ast.expr) -> _Table | None:
    if isinstance(value, ast.DictComp):
        rows = value.generators[0].iter
        assert isinstance(rows, ast.Tuple)  # noqa: S101 - the form of our own file
        entries = [
            (str(ast.literal_eval(row.elts[0])).split(), _part(row, ","))
            for row in rows.elts
            if isinstance(row, ast.Tuple)
        ]
        foot = "    ) for name in names.split()}"
        return _Table(f"    {name} = {{name: made for names, made in (", foot, entries)
    if isinstance(value, ast.Dict) and name in ("OPS", "CONSTANTS"):
        return _Table(
            f"    {name} = {{", "    }", [_pair(k, v) for k, v in zip(value.keys, value.values, strict=True)]
        )
    return None


def _pair(key: ast.expr | None, value: ast.expr) -> tuple[list[str], _Part]:
    """An entry of a dict, or several with one value: **dict.fromkeys(names, value)."""
    if key is not None:
        part = _part(value)
        return [ast.literal_eval(key)], part._replace(text=f"    {ast.unparse(key)}: {part.text.strip()},")
    assert isinstance(value, ast.Call)  # noqa: S101 - the form of our own file
    part = _part(value)
    return list(ast.literal_eval(value.args[0])), part._replace(text=f"    **{part.text.strip()},")


def _part(node: ast.AST, end: str = "") -> _Part:
    text = "\n".join("    " + line for line in ast.unparse(node).split("\n")) + end
    bases = (
        [base.id for base in node.bases if isinstance(base, ast.Name)]
        if isinstance(node, ast.ClassDef)
        else []
    )
    uses = frozenset([*re.findall(r"\bT_\.(\w+)", text), *bases])
    return _Part(text, uses, frozenset(_plain(re.findall(r"T_\.call\(\w+, \w+, '(\w+)'", text))))


def _without_text(node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
    """A method or class without its docstring."""
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return node
