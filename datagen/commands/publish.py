"""Publish a data set on the Hub, with a config for each view, in one commit."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from datagen.errors import escaped
from datagen.hub import client
from datagen.hub.publish import Published
from datagen.publishing.publish import Publication, prepared
from datagen.runs import values


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


@click.command(epilog="Example: datagen publish out/demo me/my-set --license cc-by-4.0 --dry-run")
@click.argument("where", metavar="DATASET", type=values.InputPath())
@click.argument("repo", metavar="OWNER/NAME", type=Repo())
@click.option(
    "--private", is_flag=True, help="Let nobody else see it; an existing repository has to be private."
)
@click.option(
    "--license", "licence", type=Licence(), metavar="ID", help="Licence of the rows that name none."
)
@click.option("--overwrite", is_flag=True, help="Replace a repository that holds something else.")
@click.option("--dry-run", is_flag=True, help="Say what would be published; the Hub is not asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    where: str,
    repo: str,
    *,
    private: bool,
    licence: str | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Publish a data set on the Hub, in one commit.

    It is verified first. The token is HF_TOKEN's, or that of a login; HF_ENDPOINT names another Hub. A data
    set of datagen's that is there already gets a new commit on top.
    """
    started = time.monotonic()
    with prepared(Path(where), licence) as publication:
        done = None if dry_run else publication.to(repo, private=private, overwrite=overwrite)
        if as_json:
            told = _as_json(publication, done, repo, private=private)
            told |= {"seconds": round(time.monotonic() - started, 3), "out": done.url if done else None}
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            for line in _dry(publication, repo, private) if done is None else _done(publication, done):
                click.echo(line, err=not dry_run)
    return 0


def _as_json(publication: Publication, done: Published | None, repo: str, *, private: bool) -> dict[str, Any]:
    content, repository = publication.manifest, publication.repository
    return {
        "command": "publish",
        "repo": repo,
        "dry_run": done is None,
        **{name: content[name] for name in ("rows_in", "rows_made", "rows_out", "dropped", "digest")},
        "license": repository.licence,
        "private": private if done is None or done.private is None else done.private,
        "configs": dict(repository.configs),
        "files": [{"name": one.name, "bytes": one.size} for one in repository.uploads],
        **({} if done is None else {"commit": done.commit, "url": done.url}),
        **({} if done is None else {n: [*getattr(done, n)] for n in ("uploaded", "unchanged", "deleted")}),
    }


def _dry(publication: Publication, repo: str, private: bool) -> Iterator[str]:
    repository = publication.repository
    licence = repository.licence if isinstance(repository.licence, str) else ", ".join(repository.licence)
    yield f"{repo} would be {'private' if private else 'public'}, with licence {licence}"
    for name, rows in repository.configs.items():
        yield f"  config {name}: {rows:,} rows"
    for one in repository.uploads:
        yield f"  {escaped(one.name)} ({one.size:,} bytes)"
    whole = sum(one.size for one in repository.uploads)
    yield f"{len(repository.uploads):,} files, {whole:,} bytes; nothing was sent"


def _done(publication: Publication, done: Published) -> Iterator[str]:
    if not (done.uploaded or done.deleted):
        yield f"already published: nothing has changed since commit {done.commit[:12]}"
    else:
        counts = [f"{len(done.uploaded):,} files uploaded"]
        counts += [f"{len(done.unchanged):,} unchanged"] if done.unchanged else []
        counts += [f"{len(done.deleted):,} deleted"] if done.deleted else []
        yield f"published: {', '.join(counts)} in commit {done.commit[:12]}"
    yield f"  configs: {', '.join(publication.repository.configs)}"
    yield f"  {done.url}{' (private)' if done.private else ''}"
