"""Write a recipe that explains itself, for the seeds and teachers at hand."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from datagen.data import inputs
from datagen.errors import DatagenError, InterruptedRun, UsageError
from datagen.runs import recipe, values
from datagen.runs.draft import Case, draft, names_of, settings_of, shown
from datagen.stages.decontam import DEFAULT_BENCHMARK
from datagen.teachers import Profile, parse_profiles
from decontam.benchmarks import usages
from rules import RULES

DEFAULT_TEACHER = "local:smollm2"
_FIRST_TRY = 24
#: Larger files of seeds are not read only to see whether they can be.
_LOOKED_AT_BYTES = 200 * 2**20


class _Teacher(values.TeacherSpec):
    """A SPEC that a recipe can say, too."""

    def convert(
        self, value: str | Profile, param: click.Parameter | None, ctx: click.Context | None
    ) -> Profile:
        profile = super().convert(value, param, ctx)
        try:
            parse_profiles({"teacher": settings_of(profile)}, str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return profile


class _Question(NamedTuple):
    """What is asked where an option was left out.

    several: ask on until the answer is empty. default: what an empty answer means.
    """

    option: str
    text: str
    type: click.ParamType[Any]
    default: str
    several: bool = False


_SEEDS, _TEACHER, _BENCHMARK = values.InputPath(), _Teacher(), values.UsageSpec("benchmark", usages)
_ROUNDS, _ANSWERS = click.IntRange(1, 20), click.IntRange(1, 1000)
_QUESTIONS = (
    _Question("seeds", "Seeds: a file, a dataset directory, or starter", _SEEDS, inputs.STARTER),
    _Question(
        "teacher",
        "Teacher: openai:MODEL, openai:MODEL@BASE_URL, local:smollm2, ...",
        _TEACHER,
        DEFAULT_TEACHER,
        several=True,
    ),
    _Question("student", "Student: the model to train", _TEACHER, ""),
    _Question("rounds", "Rounds: attempts to evolve each seed", _ROUNDS, "3"),
    _Question("answers", "Answers of each teacher to each task", _ANSWERS, "1"),
    _Question("tests", "Have unit tests written, too: yes or no", click.BOOL, "no"),
    _Question(
        "against",
        "Benchmark that must not be learned: humaneval, mbpp:PATH, jsonl:PATH",
        _BENCHMARK,
        DEFAULT_BENCHMARK,
        several=True,
    ),
)


@click.command(epilog="Example: datagen init recipe.yaml --seeds starter --teacher openai:MODEL")
@click.argument("file", type=click.Path(path_type=Path), default="recipe.yaml")
@click.option(
    "--seeds", type=_SEEDS, metavar="PATH", help="A file, a dataset directory or starter.  [default: starter]"
)
@click.option(
    "--teacher",
    multiple=True,
    type=_TEACHER,
    metavar="SPEC",
    help="Who is asked; repeat for more.  [default: local:smollm2]",
)
@click.option("--student", type=_TEACHER, metavar="SPEC", help="The model to train.")
@click.option(
    "--against",
    multiple=True,
    type=_BENCHMARK,
    metavar="BENCHMARK",
    help="humaneval, mbpp:PATH or jsonl:PATH; repeat for more.  [default: humaneval]",
)
@click.option("--rounds", type=_ROUNDS, metavar="N", help="Attempts to evolve each seed.  [default: 3]")
@click.option("--answers", type=_ANSWERS, metavar="N", help="Of each teacher to each task.  [default: 1]")
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
    case = _case(**{question.option: _answer(question, given, asks=asks) for question in _QUESTIONS})
    _write(file, draft(case, file))
    note = _doubt(case.seeds)
    if as_json:
        told: dict[str, Any] = {
            "command": "init",
            "out": str(file),
            "seeds": case.seeds,
            "teachers": [*case.teachers],
        }
        click.echo(json.dumps({**told, "against": [*case.against], "note": note}))
    else:
        _tell(file, note)
    return 0


def _case(
    seeds: str,
    teacher: Sequence[Profile],
    student: Profile | None,
    rounds: int,
    answers: int,
    tests: bool,
    against: Sequence[str],
) -> Case:
    teachers = names_of(list(dict.fromkeys(teacher)))
    return Case(
        seeds=seeds,
        teachers=teachers,
        student=next(iter(names_of([student], teachers).items())) if student else None,
        against=list(dict.fromkeys(against)),
        rules=[name for name, rule in RULES.items() if rule.judges == "instruction"],
        rounds=rounds,
        answers=answers,
        tests=tests,
        # On a CPU the embedded model takes minutes for so many, and ten times as long for all of starter.
        limit=_FIRST_TRY if all(one.spec == DEFAULT_TEACHER for one in teachers.values()) else None,
    )


def _answer(question: _Question, given: dict[str, Any], *, asks: bool) -> Any:  # noqa: ANN401 - its type's
    value = given[question.option]
    if value is not None and value != ():
        return value
    if not question.several:
        return _asked(question) if asks else _default(question)
    if not asks:
        return [_default(question)]
    answers = [_asked(question)]
    more = question._replace(text="Another, or nothing more", default="")
    while (another := _asked(more)) is not None:
        answers.append(another)
    return answers


def _default(question: _Question) -> Any:  # noqa: ANN401
    return question.type.convert(question.default, None, None) if question.default else None


def _asked(question: _Question) -> Any:  # noqa: ANN401
    """The answer that a person gives, asked again until it is one."""
    while True:
        said = _read(f"{question.text} [{question.default or 'none'}]: ")
        try:
            return question.type.convert(said, None, None) if said else _default(question)
        except click.BadParameter as error:
            click.echo(f"  {error.message}", err=True)


def _read(prompt: str) -> str:
    """A line of the terminal. Not Click's prompt: that writes to stdout, which --json may have."""
    # Importing polars lets the system go on with a read after Ctrl-C, as if nobody had pressed it.
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


def _write(file: Path, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "recipe.yaml"
        copy.write_text(text, encoding="utf-8")
        try:
            recipe.load(str(copy))
        except UsageError as error:
            raise UsageError(str(error).replace(str(copy), shown(file))) from None
    try:
        with file.open("x", encoding="utf-8") as opened:
            try:
                opened.write(text)
                opened.flush()
            except BaseException:
                file.unlink()
                raise
    except FileExistsError:
        raise _in_the_way(file) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatagenError(f"{shown(file)} cannot be written: {reason}; choose another FILE") from None


def _in_the_way(file: Path) -> DatagenError:
    return DatagenError(f"{shown(file)} is there already; move it away, or name another FILE")


def _doubt(seeds: str) -> str | None:
    """Why the seeds cannot be read as they are: a recipe may say so before they are there in full."""
    try:
        if seeds != "-" and (seeds == inputs.STARTER or Path(seeds).stat().st_size <= _LOOKED_AT_BYTES):
            inputs.open_source(seeds)
    except (DatagenError, OSError) as error:
        return str(error).replace(
            "use --map instruction=NAME", "add `map: {instruction: NAME}` to the recipe"
        )
    return None


def _tell(file: Path, note: str | None) -> None:
    name = shown(file)
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
