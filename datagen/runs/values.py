"""The kinds of values that options take, and what is said about those that are none."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datagen.errors import UsageError, nearest
from datagen.hub.address import PREFIX, parse

if TYPE_CHECKING:
    from datagen.teachers import Profile


class InputPath(click.ParamType[str]):
    """A path that exists, "-" for standard input, "starter", or "hf:OWNER/NAME" of the Hub."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value.startswith(PREFIX):
            try:
                parse(value)
            except UsageError as error:
                self.fail(str(error), param, ctx)
            return value
        if value in {"-", "starter"} or os.path.exists(value):  # noqa: PTH110 - False for a name too long, too
            return value
        what = value or "an empty path"
        self.fail(
            f"{what} does not exist; give a file, a dataset directory, -, starter or hf:OWNER/NAME",
            param,
            ctx,
        )


class Names(click.ParamType[str]):
    """One of the names allowed, or several of them with commas between; `chosen` takes them apart."""

    name = "name"

    def __init__(self, what: str, allowed: Callable[[], Iterable[str]]) -> None:
        self.what = what
        self.allowed = allowed

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            names = chosen([value], self.allowed(), self.what)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        if not names:
            self.fail(f"it names no {self.what}; allowed: {', '.join(self.allowed())}", param, ctx)
        return value


class TeachersFile(click.ParamType[dict[str, "Profile"]]):
    """A teachers file; from then on its names may stand wherever a SPEC may."""

    name = "file"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Profile]:
        from datagen.teachers import check_all, load_profiles

        try:
            profiles = load_profiles(Path(value))
            check_all([*profiles.values()])
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return profiles


def known_profiles(ctx: click.Context | None) -> dict[str, Profile]:
    """The profiles of the teachers file, or of the recipe that this stage stands in."""
    return ctx.obj or {} if ctx else {}


class TeacherSpec(click.ParamType["Profile"]):
    """A name of the teachers file, or a SPEC such as local:smollm2."""

    name = "spec"

    def convert(
        self, value: str | Profile, param: click.Parameter | None, ctx: click.Context | None
    ) -> Profile:
        from datagen.teachers import Profile, kinds, profile

        if isinstance(value, Profile):  # from Python
            return value
        known = known_profiles(ctx)
        if value in known:
            return known[value]
        kind = value.partition(":")[0]  # what stands behind it may hold a password
        if known and kind not in kinds():
            self.fail(f"unknown teacher {kind}: {nearest(kind, [*known, *kinds()])}", param, ctx)
        try:
            return profile(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


class EmbeddingSpec(TeacherSpec):
    """A server's model that makes vectors of texts, named as teachers are; any other text stays one."""

    def convert(  # type: ignore[override]
        self, value: str | Profile, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | Profile:
        from datagen.teachers import Profile, kinds

        if not isinstance(value, Profile) and value not in known_profiles(ctx):
            kind, colon, _ = value.partition(":")
            if not (colon and kind in kinds()):
                return value
        profile = super().convert(value, param, ctx)
        if problem := _no_embedding(profile):
            self.fail(f"{profile.name} cannot be asked for vectors: {problem}", param, ctx)
        return profile._replace(embeds=True)


def _no_embedding(profile: Profile) -> str:
    """Why a profile cannot make vectors; "" where it can."""
    if profile.kind != "openai":
        return "name openai:MODEL@BASE_URL, or a folder or package of sentence-transformers"
    if profile.mode == "batch":
        return "they come with live calls only, so leave mode: batch out"
    told = [name for name, _ in profile.parameters if name != "extra_body"]
    told += [name for name in ("system", "prompt_style") if getattr(profile, name) is not None]
    if told:
        name = told[0].removesuffix("_style")
        return f"{name} is for answers; of parameters only extra_body counts, such as {{dimensions: 256}}"
    return ""


class UsageSpec(click.ParamType[str]):
    """NAME, or NAME:PLACE where that is how it is written; what is there is seen later.

    Args:
        what: what is named, such as "benchmark".
        usages: how each name is written, by name: `humaneval`, `mbpp:PATH`.
        check: raises UsageError for a name and a place that cannot be right.
    """

    def __init__(
        self, what: str, usages: Callable[[], Mapping[str, str]], check: Callable[[str, str], None]
    ) -> None:
        self.name = what
        self._usages = usages
        self._check = check

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        allowed = self._usages()
        name, _, place = str(value).partition(":")
        if name not in allowed:
            self.fail(f"unknown {self.name} {value}: {nearest(name, allowed)}", param, ctx)
        wants_place = ":" in allowed[name]
        if wants_place != bool(place):
            self.fail(f"{value} should be written as {allowed[name]}", param, ctx)
        try:
            if wants_place:
                self._check(name, place)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return value


def whole(least: int | None = None, most: int | None = None) -> click.ParamType[Any]:
    """A whole number of a range, ends included; None for no end."""
    return click.IntRange(least, most)


def text() -> click.ParamType[Any]:
    """Any text."""
    return click.STRING


class MethodWeight(click.ParamType[str]):
    """NAME or NAME=WEIGHT of a method of evolving."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from datagen.evolution.methods import parse_weights

        try:
            parse_weights([value])
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return value


class Number(click.ParamType[float]):
    """A number within bounds; Click's own range would let NaN pass.

    Args:
        allows: whether a number is allowed; infinity and NaN never are.
        wanted: what is said otherwise, behind the value.
        name: how --help calls it.
    """

    def __init__(self, allows: Callable[[float], bool], wanted: str, name: str = "number") -> None:
        self.name = name
        self._allows = allows
        self._wanted = wanted

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and self._allows(number)):
            self.fail(f"{value} {self._wanted}", param, ctx)
        return number


POSITIVE = Number(lambda number: number > 0, "is not a number above 0")
NOT_NEGATIVE = Number(lambda number: number >= 0, "is not a number of 0 or more")
SHARE = Number(lambda number: 0 < number <= 1, "is not allowed; give a number above 0, at most 1")
TEMPERATURE = Number(
    lambda number: 0 <= number <= 2, "is no temperature; allowed: 0 to 2", name="temperature"
)


def one_of(*names: str) -> click.ParamType[str]:
    """One of these words."""
    return click.Choice(names)


class Renames(click.ParamType[tuple[str, str]]):
    """NEW=OLD, a column of the file under the name that datagen knows it by."""

    name = "new=old"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        new, equals, old = value.partition("=")
        if not (new and equals and old):
            self.fail(f"{value} should be NEW=OLD, such as instruction=question", param, ctx)
        return new, old


class ColumnNames(click.ParamType[tuple[str, ...]]):
    """Names of columns with commas between; a name in quotes may hold one."""

    name = "names"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in next(csv.reader([value], skipinitialspace=True), []))
        if not all(names) or not names:
            self.fail(f"{value!r} should be names of columns, such as instruction,output", param, ctx)
        return names


def chosen(names: Iterable[str], allowed: Iterable[str], what: str) -> list[str]:
    """Names from repeated options, each of which may hold several separated by commas.

    Raises:
        UsageError: one of them is not allowed; the line names the nearest.
    """
    allowed = list(allowed)
    split = [name.strip() for value in names for name in value.split(",") if name.strip()]
    for name in split:
        if name not in allowed:
            raise UsageError(f"unknown {what} {name}: {nearest(name, allowed)}")
    return split
