"""Publishes a data set: it is verified, its views and its card are made, then all goes in one commit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from datagen.errors import DatagenError, escaped, one_line
from datagen.hub import publish as hub
from datagen.hub.publish import Published
from datagen.provenance.verify import verify
from datagen.publishing import repository
from datagen.publishing.repository import Repository


class Publication(NamedTuple):
    """A data set that is ready to be published.

    Args:
        manifest: of the data set.
        repository: its files.
    """

    manifest: dict[str, Any]
    repository: Repository

    def to(self, repo: str, *, private: bool = False, overwrite: bool = False) -> Published:
        """Bring it into the repository OWNER/NAME; see `datagen.hub.publish.publish`."""
        message = f"Publish {self.manifest['rows_out']:,} rows of datagen {self.manifest['stage']}"
        return hub.publish(
            repo,
            self.repository.uploads,
            f"{one_line(message, 100)} (digest {self.manifest['digest'][:12]})",
            private=private,
            overwrite=overwrite,
            ours=repository.is_ours,
        )


@contextmanager
def prepared(dataset: Path, licence: str | None = None) -> Iterator[Publication]:
    """A data set ready to be published; its files are there until the block ends.

    Args:
        dataset: its folder.
        licence: of the rows that name none.

    Raises:
        DatagenError: it is not as its manifest says, or a row's licence is unknown.
    """
    report = verify(dataset)
    if report.differences:
        first, *more = report.differences
        others = f" and {len(more):,} more differences" if more else ""
        raise DatagenError(
            f"{escaped(dataset)} is not as its manifest says: {first.line}{others};"
            f" `datagen verify {escaped(dataset)}` shows all, and the command that made it makes it again"
        )
    with tempfile.TemporaryDirectory(prefix="datagen-publish-") as place:
        content = dict(report.manifest)
        yield Publication(content, repository.prepare(dataset, content, licence, Path(place)))


def done_lines(publication: Publication, done: Published) -> Iterator[str]:
    """What is said to people of a data set that was published."""
    if not (done.uploaded or done.deleted):
        yield f"already published: nothing has changed since commit {done.commit[:12]}"
    else:
        counts = [f"{len(done.uploaded):,} files uploaded"]
        counts += [f"{len(done.unchanged):,} unchanged"] if done.unchanged else []
        counts += [f"{len(done.deleted):,} deleted"] if done.deleted else []
        yield f"published: {', '.join(counts)} in commit {done.commit[:12]}"
    yield f"  configs: {', '.join(publication.repository.configs)}"
    yield f"  {done.url}{' (private)' if done.private else ''}"
