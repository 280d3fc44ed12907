"""What is evaluated: a samples file, a teacher, or a trained model's folder; told apart by what is there."""

from __future__ import annotations

import os
from pathlib import Path

import click

from datagen.errors import UsageError, one_line
from datagen.runs import values
from datagen.teachers import Profile, kinds
from datagen.teachers.transformers_local import KIND as TRAINED

Subject = Profile | Path


class SubjectType(click.ParamType[Subject]):
    """A name of the teachers file, a SPEC, a model folder or a samples file."""

    name = "what"

    def convert(
        self, value: str | Subject, param: click.Parameter | None, ctx: click.Context | None
    ) -> Subject:
        if isinstance(value, Profile | Path):  # from Python
            return value
        if value in values.known_profiles(ctx):
            return values.known_profiles(ctx)[value]
        if os.path.exists(value):  # noqa: PTH110 - False for a name too long, too
            try:
                return _at(Path(value))
            except UsageError as error:
                self.fail(str(error), param, ctx)
        if value.partition(":")[0] in kinds():
            return values.TeacherSpec().convert(value, param, ctx)
        self.fail(
            f"{one_line(value, 200) or 'an empty path'} does not exist; give a samples file (JSON lines),"
            f" a model folder, or a teacher: {', '.join(kinds())}",
            param,
            ctx,
        )


def trained(folder: Path) -> Profile:
    """The model of a folder, as somebody who is asked.

    Raises:
        UsageError: the folder lacks a part of a model.
    """
    target = TRAINED.parse(str(folder))
    return Profile(f"{TRAINED.name}:{folder}", TRAINED.public_name(target), target)


def _at(path: Path) -> Subject:
    """What is meant by something that exists.

    Raises:
        UsageError: it is nothing that can be evaluated.
    """
    shown = one_line(path, 200)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise UsageError(
                f"{shown} is a folder without config.json, so it is no model; give a folder that"
                " `datagen train` made, or a samples file"
            )
        return trained(path)
    if path.suffix == ".gguf":
        raise UsageError(f"{shown} holds weights; write local:{shown}")
    if path.suffix == ".safetensors":
        raise UsageError(f"{shown} holds weights; give the folder that it is in")
    return path
