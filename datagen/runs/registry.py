"""The stages that there are: the modules of `datagen/stages/`, and what other packages add.

A package adds one by an entry point of the group `datagen.stages`, whose name is the stage's and whose value
is a module with `STAGE`. Names and summaries are read without importing any of them, so that `--help` stays
instant.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datagen.errors import DatagenError, UsageError, nearest, one_line

if TYPE_CHECKING:
    from datagen.runs.act import Act
    from datagen.runs.stage import Stage

GROUP = "datagen.stages"
#: The order in which help and errors name stages: the way of the rows. Others come behind, by name.
_ORDER = ("evolve", "sample", "filter", "dedup", "decontam", "rank")
#: What a recipe may do after its stages, in this order: the modules of `datagen/acts/`.
ACTS = ("train", "eval", "publish")


@cache
def modules() -> dict[str, str]:
    """The full names of the stages' modules, by the stages' names, in the order of the work."""
    folder = Path(__file__).parents[1] / "stages"
    found = {m.name: f"{GROUP}.{m.name}" for m in pkgutil.iter_modules([str(folder)])}
    for point in metadata.entry_points(group=GROUP):
        found.setdefault(point.name, point.value)
    rank = {name: number for number, name in enumerate(_ORDER)}
    return {name: found[name] for name in sorted(found, key=lambda name: (rank.get(name, len(rank)), name))}


def names() -> list[str]:
    """The stages' names, in the order of the work."""
    return [*modules()]


def stage(name: str) -> Stage:
    """The stage of that name.

    Raises:
        UsageError: there is none; the line names the nearest.
        DatagenError: its package cannot be imported.
    """
    if name not in modules():
        raise UsageError(f"unknown stage {one_line(name, 40)}: {nearest(str(name), names())}")
    where = modules()[name]
    try:
        found: Stage = importlib.import_module(where).STAGE
    except (ImportError, AttributeError) as error:
        if where.startswith(f"{GROUP}."):
            if type(error) in (AttributeError, ImportError, ModuleNotFoundError):
                raise  # a defect of ours
            # A rule or benchmark that another package brings; the error says which.
            raise DatagenError(f"{error}; repair or remove the package that brings it") from None
        raise DatagenError(
            f"the stage {name} ({where}, an entry point of {GROUP}) cannot be used: {one_line(error, 160)};"
            " repair or remove the package that brings it"
        ) from None
    if found.name != name:
        raise DatagenError(
            f"the stage {name} ({where}, an entry point of {GROUP}) calls itself {one_line(found.name, 40)};"
            " give both one name"
        )
    return found


def act(name: str) -> Act[Any]:
    """The act of that name, one of `ACTS`."""
    found: Act[Any] = importlib.import_module(f"datagen.acts.{name}").ACT
    return found


def summary(name: str) -> str:
    """The first line of the stage's module, which says what it does; empty where there is none."""
    try:
        spec = importlib.util.find_spec(modules()[name])
    except ImportError:
        spec = None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return ""
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
