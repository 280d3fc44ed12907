"""List what there is to choose from: rules, teachers, benchmarks, methods."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import click


def _rules() -> dict[str, str]:
    import importlib

    from rules import RULES

    modules = {name: importlib.import_module(f"rules.{name.replace('-', '_')}") for name in RULES}
    return {name: f"{RULES[name].judges}: {_first_line(module.__doc__)}" for name, module in modules.items()}


def _teachers() -> dict[str, str]:
    from datagen.teachers import kinds

    return {name: kind.summary for name, kind in kinds().items()}


def _benchmarks() -> dict[str, str]:
    import importlib

    from decontam.benchmarks import usages

    names = {name: importlib.import_module(f"decontam.benchmarks.{name}") for name in usages()}
    return {usages()[name]: _first_line(module.__doc__) for name, module in names.items()}


def _methods() -> dict[str, str]:
    from datagen.evolution.methods import METHODS

    return {method.name: method.how for method in METHODS}


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


KINDS: Mapping[str, Callable[[], dict[str, str]]] = {
    "rules": _rules,
    "teachers": _teachers,
    "benchmarks": _benchmarks,
    "methods": _methods,
}


@click.command(epilog="Example: datagen list rules")
@click.argument("what", type=click.Choice(list(KINDS)))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(what: str, *, as_json: bool) -> int:
    """List rules, teachers, benchmarks or methods.

    Each with a line on what it is; methods are those of evolving.
    """
    entries = KINDS[what]()
    if as_json:
        click.echo(json.dumps(entries, ensure_ascii=False))
        return 0
    width = max(map(len, entries))
    for name, summary in entries.items():
        click.echo(f"{name:{width}}  {summary}")
    return 0
