"""Publish the recipe's data set on the Hub."""

from __future__ import annotations

from datagen.errors import UsageError
from datagen.publishing.options import Options
from datagen.publishing.publish import done_lines, prepared
from datagen.runs.act import Act, Done, Given
from datagen.runs.runner import How


def _check(options: Options) -> None:
    if options.to is None:
        raise UsageError("publish needs the repository's name, such as publish: {to: OWNER/NAME}")


def _do(given: Given, options: Options, how: How) -> Done:  # noqa: ARG001 - nothing foreign is replaced
    with prepared(given.data, options.license) as publication:
        done = publication.to(options.to or "", private=options.private)
        told = {"repo": options.to, "url": done.url, "commit": done.commit, "uploaded": [*done.uploaded]}
        return Done(told, [*done_lines(publication, done)])


ACT = Act(name="publish", options=Options, do=_do, check_options=_check)
