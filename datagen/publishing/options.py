"""What publishing is told, and what of it is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import click

from datagen.hub import client
from datagen.runs.options import option


class Repo(click.ParamType[str]):
    """OWNER/NAME of a repository."""

    name = "repo"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not client.is_repo(value):
            what = "letters, digits, -, _ and . with one / between, such as me/my-set"
            self.fail(f"{value!r} is no name of a data set on the Hub; give {what}", param, ctx)
        return value


class Licence(click.ParamType[str]):
    """The identifier of a licence."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,79}", value):
            self.fail(f"{value!r} is no identifier of a licence, such as cc-by-4.0 or MIT", param, ctx)
        return value


REPO, LICENCE = Repo(), Licence()


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `publish` in a recipe."""

    to: str | None = option(None, type=REPO, metavar="OWNER/NAME", help="The repository on the Hub.")
    private: bool = option(False, help="Let nobody else see it; an existing repository has to be private.")
    license: str | None = option(None, type=LICENCE, metavar="ID", help="Licence of the rows that name none.")
