"""Write a recipe that explains every option, for the seeds and teachers at hand."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import click
import yaml

from datagen.data import inputs
from datagen.errors import DatagenError, InterruptedRun
from datagen.overlaps import benchmarks
from datagen.runs import recipe, values
from datagen.teachers import Profile, settings
from decontam.benchmarks import choices
from rules import RULES

DEFAULT_TEACHER = "local:smollm2"
#: The column in which notes begin.
_NOTES_AT = 40
_LONGEST_NAME = 40
#: The kind of teacher that answers with a column of the file, so no model is asked.
_REFERENCE = "reference"


#: By option: the question asked on a terminal where the option is left out, and the default answer.
_QUESTIONS = {
    "seeds": ("Seeds: a file, a dataset directory, or starter", inputs.STARTER),
    "teacher": ("Teacher: openai:MODEL, openai:MODEL@BASE_URL, local:smollm2, ...", DEFAULT_TEACHER),
    "student": ("Student: the model to train", ""),
    "rounds": ("Rounds: attempts to evolve each seed", "3"),
    "answers": ("Answers of each teacher to each task", "1"),
    "tests": ("Have unit tests written, too: yes or no", "no"),
    "against": (
        f"Benchmark that must not be learned: {choices()}",
        benchmarks.DEFAULT,
    ),
}


@click.command(epilog="Example: datagen init recipe.yaml --seeds starter --teacher openai:MODEL")
@click.argument("file", type=click.Path(path_type=Path), default="recipe.yaml")
@click.option(
    "--seeds",
    type=values.InputPath(),
    metavar="PATH",
    help="A file, a dataset directory or starter.  [default: starter]",
)
@click.option(
    "--teacher",
    multiple=True,
    type=values.TeacherSpec(),
    metavar="SPEC",
    help="Who is asked; repeat for more.  [default: local:smollm2]",
)
@click.option("--student", type=values.TeacherSpec(), metavar="SPEC", help="The model to train.")
@click.option(
    "--against",
    multiple=True,
    type=benchmarks.Spec(),
    metavar="BENCHMARK",
    help=f"{choices()}; repeat for more.  [default: {benchmarks.DEFAULT}]",
)
@click.option(
    "--rounds", type=click.IntRange(1, 20), metavar="N", help="Attempts to evolve each seed.  [default: 3]"
)
@click.option(
    "--answers", type=click.IntRange(1, 1000), metavar="N", help="Of each teacher to each task.  [default: 1]"
)
@click.option("--tests", is_flag=True, default=None, help="Have unit tests written, too.")
@click.option("--yes", is_flag=True, help="Ask nothing; what is left out is the default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(file: Path, *, yes: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401 - the answers
    """Write a recipe with notes, to be changed and run.

    FILE is recipe.yaml if it is left out; a file that is there is never replaced. On a terminal, what no
    option says is asked.
    """
    if os.path.lexists(file):
        raise _in_the_way(file)
    asks = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    options = {option.name: option for option in click.get_current_context().command.params}
    answers = {name: _answer(options[name], given[name], asks=asks) for name in _QUESTIONS}
    answers["against"] = [*dict.fromkeys(answers["against"])]
    teachers = _named([*dict.fromkeys(answers["teacher"])])
    student = _named([answers["student"]], teachers) if answers["student"] else {}
    _write(file, _filled(file, answers, teachers, student))
    note = _doubt(answers["seeds"])
    if as_json:
        told = {"command": "init", "out": str(file), "seeds": answers["seeds"], "teachers": [*teachers]}
        click.echo(json.dumps({**told, "against": answers["against"], "note": note}))
    else:
        _tell(file, note)
    return 0


def _answer(option: click.Parameter, given: Any, *, asks: bool) -> Any:  # noqa: ANN401 - its type's
    """The value given on the command line, else the one a person gives, else the default."""
    if given is not None and given != ():
        return given
    question, default = _QUESTIONS[str(option.name)]
    first = _asked(question, option.type, default) if asks else _converted(option.type, default)
    if not option.multiple:
        return first
    answers = [first]
    while asks and (another := _asked("Another, or nothing more", option.type, "")) is not None:
        answers.append(another)
    return answers


def _asked(question: str, kind: click.ParamType[Any], default: str) -> Any:  # noqa: ANN401
    """The answer of a person, asked again until it is valid; None for no answer and no default."""
    while True:
        text = _read(f"{question} [{default or 'none'}]: ")
        try:
            return _converted(kind, text or default)
        except click.BadParameter as error:
            click.echo(f"  {error.message}", err=True)


def _converted(kind: click.ParamType[Any], text: str) -> Any:  # noqa: ANN401
    return kind.convert(text, None, None) if text else None


def _read(prompt: str) -> str:
    """A line from the terminal. Click's prompt writes to stdout, which is kept for --json."""
    # Importing polars makes the system resume a read after Ctrl-C. This undoes it.
    signal.siginterrupt(signal.SIGINT, True)
    try:
        click.echo(prompt, nl=False, err=True)
        line = sys.stdin.buffer.readline()
    except KeyboardInterrupt:
        line = b""
    if not line:
        click.echo(err=True)
        raise InterruptedRun("stopped; nothing was written")
    return os.fsdecode(line).strip()


def _named(profiles: Sequence[Profile], taken: Mapping[str, Profile] | None = None) -> dict[str, Profile]:
    """Profiles by names that are valid in a recipe; each name is made from that of the model."""
    named: dict[str, Profile] = {}
    for profile in profiles:
        model = profile.name.removeprefix(f"{profile.kind}:").rpartition("/")[2]
        stem = re.sub(r"[^\w.-]+", "-", model)[:_LONGEST_NAME].strip("-.") or profile.kind
        name, number = stem, 2
        while name in named or name in (taken or {}):
            name, number = f"{stem}-{number}", number + 1
        named[name] = profile
    return named


def _settings_of(profile: Profile) -> dict[str, str]:
    """A SPEC as settings of a recipe's teacher."""
    if profile.kind != "openai":
        return {"spec": profile.spec}
    model = profile.name.removeprefix("openai:")
    url = profile.rest.removeprefix(model).removeprefix("@")
    return {"model": model, **({"base_url": url} if url else {})}


def _filled(
    file: Path, answers: Mapping[str, Any], teachers: Mapping[str, Profile], student: Mapping[str, Profile]
) -> str:
    """The template with the answers in it; without a model to ask it has no evolve."""
    asked = [name for name, profile in teachers.items() if profile.kind != _REFERENCE]
    # On a CPU the embedded model takes minutes for 24 seeds, and ten times as long for all of starter.
    is_slow = all(profile.spec == DEFAULT_TEACHER for profile in teachers.values())
    filled = {
        "file": _shown(file),
        "seeds": _yaml(answers["seeds"]),
        "teachers": "\n".join(_teachers({**teachers, **student}, student)),
        "evolving": _yaml(asked),
        "judge": _yaml(asked[0]) if asked else "",
        "rounds": answers["rounds"],
        "limit": "limit: 24" if is_slow else "# limit: 24",
        "rules": _yaml([name for name, rule in RULES.items() if rule.judges == "instruction"]),
        "against": _yaml(answers["against"]),
        "answering": _yaml([*teachers]),
        "student": f"student: {_yaml(next(iter(student)))}" if student else "# student: openai:MODEL",
        "answers": answers["answers"],
        "tests": "tests: true" if answers["tests"] else "# tests: true",
    }
    template = resources.files("datagen").joinpath("recipes", "template.yaml").read_text(encoding="utf-8")
    parts = [part for part in template.split("\n\n") if asked or "- evolve:" not in part]
    return "\n".join(_line(line, filled) for line in "\n\n".join(parts).split("\n"))


def _line(line: str, filled: Mapping[str, Any]) -> str:
    """A line of the template with the answers in it."""
    option, _, note = line.rpartition("  # ")
    if not option.strip():
        return Template(line).substitute(filled)
    return _noted(Template(option.rstrip()).substitute(filled), note)


def _noted(option: str, note: str) -> str:
    return f"{option.ljust(_NOTES_AT)}  # {note}"


def _teachers(profiles: Mapping[str, Profile], student: Mapping[str, Profile]) -> Iterator[str]:
    """The lines of all teachers; one of them, if possible of the kind openai, gets all settings explained."""
    order = {"openai": 0, _REFERENCE: 2}
    explained = min(profiles, key=lambda name: order.get(profiles[name].kind, 1))
    for name, profile in profiles.items():
        chosen = _settings_of(profile) | ({"role": "student"} if name in student else {})
        yield f"  {_yaml(name)}:"
        for key, value in chosen.items():
            yield f"    {key}: {_yaml(value)}"
        if profile.kind == _REFERENCE:
            yield "    # Answers with the seeds' column `reference`. Costs nothing."
        elif name == explained:
            for one in settings():
                if one.key not in {"spec", "model", *chosen} and (
                    profile.kind == "openai" or not one.openai_only
                ):
                    yield _noted(f"    # {one.key}: {one.example}", one.meaning)


def _yaml(value: str | list[str]) -> str:
    """A text or a list of texts as YAML on one line, whatever characters the texts hold."""
    texts = value if isinstance(value, list) else [value]
    written = yaml.safe_dump(
        [value],
        default_flow_style=True,
        default_style=None if all(text.isprintable() for text in texts) else '"',
        width=math.inf,
        allow_unicode=True,
    )
    return str(written).strip()[1:-1]


def _write(file: Path, text: str) -> None:
    """Write the recipe and check it; nothing is left of one that cannot be written or is not valid."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            try:
                opened.write(text)
                opened.flush()
                recipe.load(str(file))
            except BaseException:
                file.unlink()
                raise
    except FileExistsError:
        raise _in_the_way(file) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatagenError(f"{_shown(file)} cannot be written: {reason}; choose another FILE") from None


def _in_the_way(file: Path) -> DatagenError:
    return DatagenError(f"{_shown(file)} is there already; move it away, or name another FILE")


def _shown(file: Path) -> str:
    """A path as a shell takes it, on one line."""
    text = str(file)
    return shlex.quote(f"./{text}" if text.startswith("-") else text) if text.isprintable() else "FILE"


def _doubt(seeds: str) -> str | None:
    """Why the seeds cannot be read now, or None. A recipe may be written before its seeds are complete."""
    try:
        if seeds != "-":
            inputs.first_rows(seeds, {}, limit=1).schema()
    except DatagenError as error:
        return str(error).replace("--map instruction=NAME", "add `map: {instruction: NAME}` to the recipe")
    return None


def _tell(file: Path, note: str | None) -> None:
    name = _shown(file)
    steps = {
        f"datagen doctor --recipe {name}": "does everything here work?",
        f"datagen run {name} -o out/set --dry-run": "calls and cost to be expected",
        f"datagen run {name} -o out/set": "the set itself",
    }
    click.echo(f"init: {name} is written; read it, change it, and go on with", err=True)
    for step, what in steps.items():
        click.echo(f"  {step.ljust(max(map(len, steps)))}   {what}", err=True)
    if note:
        click.echo(f"  note: {note}", err=True)
