"""recipe.yaml: seeds and a list of stages with their options, checked whole before anything runs.

    seeds: starter
    seed: 0
    teachers: teachers.yaml          # or the settings themselves; see the teachers file in the README
    stages:
      - evolve: {teacher: local:smollm2, rounds: 2, limit: 24}
      - sample: {teacher: [local:smollm2, reference]}
      - filter
      - decontam: {against: humaneval}
      - rank
      - train: {max-steps: 20}
      - eval: {benchmark: humaneval}
      - publish: {to: OWNER/NAME}

A stage's options are those of its command, by their long names. Paths are relative to the working folder.
Behind the stages may stand acts, which work on the whole data set: train, eval, publish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import click

from datagen import strict_yaml
from datagen.errors import UsageError, nearest, one_line
from datagen.runs import registry, runner
from datagen.runs.act import Act
from datagen.runs.options import click_options
from datagen.runs.stage import Stage
from datagen.runs.values import InputPath
from datagen.teachers import Profile, check_all, load_profiles, parse_profiles

DEMO = "demo"

_KEYS = ("seeds", "seed", "map", "columns", "teachers", "stages")


class Step(NamedTuple):
    """One stage of a recipe, with its options."""

    stage: Stage
    options: Any


class Deed(NamedTuple):
    """One act of a recipe, with its options."""

    act: Act[Any]
    options: Any


class Recipe(NamedTuple):
    """A checked recipe.

    Args:
        seeds: where they are: paths, or starter.
        rename: columns of the seeds' file, new name -> name in the file.
        columns: those of the file to read; none for all.
        stages: what is done with them, in order.
        acts: what is done with the data set afterwards, in order.
        stop_after: how many of the stages and acts to run; None for all.
    """

    seeds: tuple[str, ...]
    rename: Mapping[str, str]
    columns: tuple[str, ...]
    stages: tuple[Step, ...]
    acts: tuple[Deed, ...] = ()
    stop_after: int | None = None

    def chosen_acts(self) -> tuple[Deed, ...]:
        """The acts up to the one to stop after."""
        return (
            self.acts if self.stop_after is None else self.acts[: max(0, self.stop_after - len(self.stages))]
        )

    def profiles(self) -> list[Profile]:
        """Everyone whom its stages and acts ask."""
        steps = self.stages[: self.stop_after]
        asked = [one for step in steps for one in runner.asked(step.stage, step.options)]
        return asked + [one for deed in self.chosen_acts() for one in deed.act.asks(deed.options)]


def load(where: str, until: str | None = None, seeds: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        where: a path, or "demo", which comes with datagen.
        until: the stage to stop after, by its name or number; None for the whole recipe.
        seeds: where the seeds are; empty for what the recipe says.

    Raises:
        UsageError: anything in it is unknown, missing, or of the wrong kind; the line names the place.
    """
    content = strict_yaml.parse_mapping(_read(where), where, f"a recipe has the keys {', '.join(_KEYS)}; it")
    for key in content:
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {one_line(key, 40)}: {nearest(str(key), _KEYS)}")
    stages = content.get("stages")
    if not isinstance(stages, list) or not stages:
        raise UsageError(f"{where}: stages should be a list such as [evolve: ..., sample: ..., filter]")
    profiles = _teachers(content.get("teachers"), where)
    shared = {"seed": _seed(content["seed"], where)} if "seed" in content else {}
    steps = [
        _step(entry, f"{where}, stage {number}", shared, profiles) for number, entry in enumerate(stages, 1)
    ]
    recipe = Recipe(
        tuple(seeds) or _seeds(content.get("seeds"), where),
        _renames(content.get("map", {}), where),
        _columns(content.get("columns", []), where),
        tuple(step for step in steps if isinstance(step, Step)),
        tuple(step for step in steps if isinstance(step, Deed)),
    )
    _check_order(steps, where)
    return _up_to(recipe, until, where) if until else recipe


def _check_order(steps: Sequence[Step | Deed], where: str) -> None:
    """Raise UsageError unless stages come first, and acts behind them."""
    if isinstance(steps[0], Deed):
        raise UsageError(f"{where}, stage 1 ({steps[0].act.name}): a stage that makes rows should come first")
    for number, (before, step) in enumerate(pairwise(steps), 2):
        if isinstance(before, Deed) and isinstance(step, Step):
            raise UsageError(
                f"{where}, stage {number} ({step.stage.name}): it should come before {before.act.name}, which"
                " works on the whole data set"
            )


def _up_to(recipe: Recipe, until: str, where: str) -> Recipe:
    """The recipe up to a stage, told by its name or, where two have the same, by its number from 1."""
    names = [*(step.stage.name for step in recipe.stages), *(deed.act.name for deed in recipe.acts)]
    if until.isdecimal() and len(until) < 10 and 1 <= int(until) <= len(names):
        return recipe._replace(stop_after=int(until))
    if until not in names:
        numbers = f"a number from 1 to {len(names)}"
        near = nearest(until, dict.fromkeys(names))
        raise UsageError(f"{where} has no stage {one_line(until, 40)} to stop after: {near}, or {numbers}")
    if names.count(until) > 1:
        numbered = [str(number) for number, name in enumerate(names, 1) if name == until]
        raise UsageError(f"{where} has several stages {until}; name one by its number: {', '.join(numbered)}")
    return recipe._replace(stop_after=names.index(until) + 1)


def _read(where: str) -> str:
    path = Path(where)
    if where == DEMO and not path.is_file():
        return resources.files("datagen").joinpath("recipes", "demo.yaml").read_text(encoding="utf-8")
    return strict_yaml.read(path, "a recipe", "or demo")


def _seeds(value: object, where: str) -> tuple[str, ...]:
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise UsageError(
            f"{where}: seeds should name a file or several, a folder, a dataset directory, or starter"
        )
    try:
        return tuple(InputPath().convert(path, None, None) for path in paths)
    except click.BadParameter as error:
        raise UsageError(f"{where}: seeds: {error.message}") from None


def _columns(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise UsageError(f"{where}: columns should be a list of names of columns in the file")


def _seed(value: object, where: str) -> int:
    if type(value) is int:
        return value
    raise UsageError(f"{where}: seed should be a whole number, not {one_line(value, 40)}")


def _renames(value: object, where: str) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair):
        return value
    raise UsageError(f"{where}: map should be a mapping of new names to names in the file")


def _teachers(value: object, where: str) -> dict[str, Profile]:
    if value is None:
        return {}
    profiles = load_profiles(Path(value)) if isinstance(value, str) else parse_profiles(value, where)
    check_all([*profiles.values()])
    return profiles


def _step(
    entry: object, where: str, shared: Mapping[str, Any], profiles: Mapping[str, Profile]
) -> Step | Deed:
    name, given = _name_and_options(entry, where)
    found = registry.act(name) if name in registry.ACTS else registry.stage(name)
    where = f"{where} ({name})"
    known = {option.opts[0].lstrip("-"): option for option in click_options(found.options)}
    for key in given:
        if key not in known:
            raise UsageError(f"{where}: unknown option {one_line(key, 40)}: {nearest(str(key), known)}")
    wanted = {**{key: value for key, value in shared.items() if key in known}, **given}
    words = [word for key, value in wanted.items() for word in _words(known[key], value, where)]
    command = click.Command(name, params=[*known.values()])
    try:
        context = command.make_context("", words, obj=profiles)
        options = found.options(**context.params)
        if isinstance(found, Act):
            found.check_options(options)
            return Deed(found, options)
        runner.check(found, options)
    except click.ClickException as error:
        message = " ".join(error.format_message().split()).rstrip(".")
        raise UsageError(f"{where}: {message}") from None
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return Step(found, options)


def _name_and_options(entry: object, where: str) -> tuple[str, dict[str, Any]]:
    known = [*registry.names(), *registry.ACTS]
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, dict) or len(entry) != 1:
        raise UsageError(f"{where}: should be a stage's name, or its name with options: {', '.join(known)}")
    name, given = next(iter(entry.items()))
    if name not in known:
        raise UsageError(f"{where}: unknown stage {one_line(name, 40)}: {nearest(str(name), known)}")
    if given is not None and not isinstance(given, dict):
        raise UsageError(f"{where} ({name}): options should be a mapping such as {{rounds: 2}}")
    return name, given or {}


def _words(option: click.Option, value: object, where: str) -> Iterator[str]:
    """The words that would say the same on the command line, so that there is one check for both."""
    flag = option.opts[0]
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not option.multiple:
        raise UsageError(f"{where}: {flag.lstrip('-')} takes one value, not a list")
    if not values:
        raise UsageError(f"{where}: {flag.lstrip('-')} is an empty list; name something, or leave it out")
    for single in values:
        if option.is_flag:
            if not isinstance(single, bool):
                raise UsageError(f"{where}: {flag.lstrip('-')} is true or false, not {one_line(single, 40)}")
            if single:
                yield flag
        elif isinstance(single, bool) or not isinstance(single, str | int | float):
            raise UsageError(f"{where}: {flag.lstrip('-')} cannot be {one_line(single, 40)}")
        else:
            yield from (flag, str(single))
