"""List rules, teachers, benchmarks, detectors or methods."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import click

from datagen.errors import DatagenError


def _rules() -> dict[str, str]:
    from rules import RULES, summary

    return {name: f"{rule.judges}: {summary(name)}" for name, rule in RULES.items()}


def _teachers() -> dict[str, str]:
    from datagen.teachers import kinds

    return {name: kind.summary for name, kind in kinds().items()}


def _benchmarks() -> dict[str, str]:
    from decontam.benchmarks import example, summary, usages

    return {usage: f"{summary(name)} Example: {example(name)}" for name, usage in usages().items()}


def _detectors() -> dict[str, str]:
    from datagen.overlaps.detectors import summaries

    return summaries()


def _methods() -> dict[str, str]:
    from datagen.evolution.methods import METHODS

    return {method.name: method.how for method in METHODS}


KINDS: Mapping[str, Callable[[], dict[str, str]]] = {
    "rules": _rules,
    "teachers": _teachers,
    "benchmarks": _benchmarks,
    "detectors": _detectors,
    "methods": _methods,
}


@click.command(epilog="Example: datagen list rules")
@click.argument("what", type=click.Choice(list(KINDS)))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(what: str, *, as_json: bool) -> int:
    """List rules, teachers, benchmarks, detectors or methods.

    Each with a line on what it is; detectors are those of decontam, methods those of evolving.
    """
    try:
        entries = KINDS[what]()
    except ImportError as error:  # another package brings one that cannot be used; the error says which
        raise DatagenError(f"{error}; repair or remove the package that brings it") from None
    if as_json:
        click.echo(json.dumps(entries, ensure_ascii=False))
        return 0
    width = max(map(len, entries))
    for name, summary in entries.items():
        click.echo(f"{name:{width}}  {summary}")
    return 0
