"""The text of a recipe that explains itself: what `datagen init` writes.

Settings that were not chosen stand there with a "# " before them; without it they are valid as they are.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from datagen.teachers import Profile, settings

#: Where the notes begin, so that they stand in a column.
_NOTES_AT = 40
_LONGEST_NAME = 40

#: Reads a column of the file: nothing of it is a model's.
_REFERENCE = "reference"

_HEAD = """\
# A recipe for datagen, begun by `datagen init`. A setting with "# " before it is not chosen; remove that to
# choose it. All of it is checked before the first call.
#
#   datagen doctor --recipe {file}
#       does everything work here? Costs nothing.
#   datagen run {file} -o out/set --dry-run
#       how many calls, tokens and USD to expect. Asks nobody.
#   datagen run {file} -o out/set
#       makes the set in out/set. Stopped? The same command goes on. `--max-usd 5` bounds the cost.
#
# Every answer is kept in a journal, so none is paid for twice, not even when you change this file.

# Where tasks begin: a file (.jsonl, .json, .csv, .parquet; .gz, .zst), a dataset directory, or starter.
# Paths are relative to the folder in which you run datagen.
"""

_TEACHERS = """
# Who is asked. The names are yours; they stand in the column `teacher` of the set.
"""

_EVOLVE = """
  # Makes harder tasks of the seeds (Evol-Instruct). Costs a call for each seed and round.
"""

_BEFORE_ANSWERS = """
  # Drops tasks that are no use before answers to them are bought. Costs nothing.
"""

_DECONTAM = """
  # Drops tasks that overlap the test sets you will measure with. Costs nothing.
"""

_SAMPLE = """
  # Has every task answered. Costs a call for each task, teacher and answer, and usually most of the money.
"""

_FILTER = """
  # Drops answers that are not worth learning: no code, syntax errors, refusals, ... Costs nothing.
  # `datagen list rules` says which rules there are; out/set/dropped holds what they dropped, and why.
"""

_LAST = """
  # Once more, because an answer may give away what its task did not. Costs nothing.
"""


class Case(NamedTuple):
    """What the recipe is for.

    teachers, student: by the names that they get in it. rules: of the filter, those that judge a task
    without its answers. rounds: attempts to evolve each seed. answers: of each teacher to each task. tests:
    whether teachers write unit tests, too. limit: only the first seeds.
    """

    seeds: str
    teachers: Mapping[str, Profile]
    student: tuple[str, Profile] | None
    against: Sequence[str]
    rules: Sequence[str]
    rounds: int = 3
    answers: int = 1
    tests: bool = False
    limit: int | None = None


def draft(case: Case, file: Path) -> str:
    """The recipe as text. file: where it will be, for the commands that its notes name."""
    return "".join(
        [
            _HEAD.format(file=shown(file)),
            _line("", "seeds", case.seeds),
            _off("", "map", "{instruction: question}", "the tasks' column, if the file calls it otherwise"),
            _line("", "seed", 0, "decides every draw: the same seed makes the same requests"),
            _TEACHERS,
            "teachers:\n",
            *_teachers(case),
            "\n# What is done, in this order. More of each stage: datagen STAGE --help\nstages:",
            *_stages(case),
        ]
    )


def names_of(profiles: Sequence[Profile], taken: Collection[str] = ()) -> dict[str, Profile]:
    """A name for each teacher, such as a teachers file may use, made of its model's name."""
    named: dict[str, Profile] = {}
    for profile in profiles:
        model = profile.name.removeprefix(f"{profile.kind}:").rpartition("/")[2]
        stem = re.sub(r"[^\w.-]+", "-", model)[:_LONGEST_NAME].strip("-.") or profile.kind
        name, number = stem, 2
        while name in named or name in taken:
            name, number = f"{stem}-{number}", number + 1
        named[name] = profile
    return named


def settings_of(profile: Profile) -> dict[str, str]:
    """What a SPEC says, as a recipe says it."""
    if profile.kind != "openai":
        return {"spec": profile.spec}
    model = profile.name.removeprefix("openai:")
    url = profile.rest.removeprefix(model).removeprefix("@")
    return {"model": model, **({"base_url": url} if url else {})}


def shown(file: Path) -> str:
    """A path as a shell takes it, on one line."""
    text = str(file)
    return shlex.quote(f"./{text}" if text.startswith("-") else text) if text.isprintable() else "FILE"


def _teachers(case: Case) -> Iterator[str]:
    everyone = {**case.teachers, **dict([case.student] if case.student else [])}
    kinds = [profile.kind for profile in everyone.values()]
    explained = "openai" if "openai" in kinds else next((kind for kind in kinds if kind != _REFERENCE), "")
    for name, profile in everyone.items():
        is_student = case.student is not None and name == case.student[0]
        chosen = settings_of(profile) | ({"role": "student"} if is_student else {})
        yield f"  {_yaml(name)}:\n"
        for key, value in chosen.items():
            yield _line("    ", key, value)
        if profile.kind == _REFERENCE:
            yield "    # Answers with what seeds bring in their column reference. Costs nothing.\n"
        elif profile.kind == explained:
            yield from _unchosen(chosen, is_openai=profile.kind == "openai")
            explained = ""
        else:
            yield "    # Its other settings are those that are explained with another teacher here.\n"


def _unchosen(chosen: Collection[str], *, is_openai: bool) -> Iterator[str]:
    for one in settings():
        if one.key not in {"spec", "model", *chosen} and (is_openai or not one.openai_only):
            yield _off("    ", one.key, one.example, one.meaning)


def _stages(case: Case) -> Iterator[str]:
    able = [name for name, profile in case.teachers.items() if profile.kind != _REFERENCE]
    deep = "      "
    if able:
        yield _EVOLVE
        yield "  - evolve:\n"
        yield _line(deep, "teacher", able, "each attempt draws one of them")
        yield _line(deep, "rounds", case.rounds, "attempts per seed, each from the task before")
        if case.limit:
            yield _line(deep, "limit", case.limit, "takes only the first seeds, for a first try")
        else:
            yield _off(deep, "limit", "24", "takes only the first seeds, for a first try")
        yield _off(
            deep, "method", "[constraint, reasoning=2]", "NAME or NAME=WEIGHT; see datagen list methods"
        )
        yield _off(
            deep, "judge", _yaml(able[0]), "drops attempts that ask nothing new; a second call for each"
        )
        yield _off(deep, "only-evolved", "true", "leave the seeds themselves out")
    yield _BEFORE_ANSWERS
    yield "  - filter:\n"
    yield _line(deep, "only", [*case.rules], "rules that need no answer")
    yield _DECONTAM
    yield "  - decontam:\n"
    yield _line(deep, "against", [*case.against], "see datagen list benchmarks")
    yield _SAMPLE
    yield "  - sample:\n"
    yield _line(deep, "teacher", [*case.teachers], "each answers every task")
    if case.student:
        yield _line(deep, "student", case.student[0], "answers too; what it gets wrong is worth learning")
    yield _line(deep, "n", case.answers, "answers of each to each task")
    yield _off(deep, "temperature", "[0.2, 0.8]", "n answers at each; default: what suits the model")
    of_tests = "unit tests, too: another call for each task and teacher"
    yield _line(deep, "tests", True, of_tests) if case.tests else _off(deep, "tests", "true", of_tests)
    yield _FILTER
    yield "  - filter\n"
    yield "  # - filter: {skip: [repeated-lines]}\n"
    yield _LAST
    yield "  - decontam:\n"
    yield _line(deep, "against", [*case.against])


def _line(indent: str, key: str, value: object, note: str = "") -> str:
    """A setting that is chosen."""
    return _noted(f"{indent}{key}: {_yaml(value)}", note)


def _off(indent: str, key: str, example: str, note: str) -> str:
    """A setting that is not; `example` is YAML."""
    return _noted(f"{indent}# {key}: {example}", note)


def _noted(text: str, note: str) -> str:
    return f"{text.ljust(_NOTES_AT)}  # {note}\n" if note else f"{text}\n"


def _yaml(value: object) -> str:
    """A text, number, truth or list as YAML on one line, whatever a text holds."""
    texts: Any = value if isinstance(value, list) else [value]
    is_plain = all(str(text).isprintable() for text in texts)
    written = yaml.safe_dump(
        [value],
        default_flow_style=True,
        default_style=None if is_plain else '"',
        width=math.inf,
        allow_unicode=True,
    )
    return str(written).strip()[1:-1]
