"""Publish a data set on the Hub, with a config for each view, in one commit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from datagen.errors import escaped
from datagen.hub.publish import Published
from datagen.publishing.options import LICENCE, REPO
from datagen.publishing.publish import Publication, done_lines, prepared
from datagen.runs import values


@click.command(epilog="Example: datagen publish out/demo me/my-set --license cc-by-4.0 --dry-run")
@click.argument("where", metavar="DATASET", type=values.InputPath())
@click.argument("repo", metavar="OWNER/NAME", type=REPO)
@click.option(
    "--private", is_flag=True, help="Let nobody else see it; an existing repository has to be private."
)
@click.option("--license", "licence", type=LICENCE, metavar="ID", help="Licence of the rows that name none.")
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
            for line in _dry(publication, repo, private) if done is None else done_lines(publication, done):
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
