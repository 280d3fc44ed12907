"""Print the rows of a data set, in the shape that a trainer or a person wants."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from datagen.commands import options
from datagen.data import inputs
from datagen.data.source import Source
from datagen.data.views import SHAPES
from datagen.errors import UsageError
from datagen.runs import values


def _refused(source: Source) -> Iterator[str]:
    """What is said of rows that are none: the first ones, and how many."""
    details = source.refused["detail"].to_list() if source.refused.height else []
    yield from (f"not printed: {detail}" for detail in details[:3])
    if len(details) > 3:
        yield f"not printed: {len(details) - 3:,} more rows of these kinds"


@click.command(epilog="Example: datagen cat out/demo --as messages | head")
@click.argument("source", metavar="DATASET...", type=values.InputPath(), nargs=-1, required=True)
@click.option("--as", "shape", type=click.Choice(list(SHAPES)), default="jsonl", show_default=True)
@click.option("--dropped", is_flag=True, help="Print the rows that were dropped, with their reasons.")
@options.rename_option
@options.columns_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Print only the first N rows.")
def command(
    source: tuple[str, ...],
    shape: str,
    *,
    dropped: bool,
    rename: tuple[tuple[str, str], ...],
    columns: tuple[str, ...],
    limit: int | None,
) -> int:
    """Print the rows of a data set.

    One JSON object a line. DATASET may also be any file that the stages read.
    """
    if dropped and (rename or columns or len(source) > 1):
        raise UsageError("--dropped is for one data set, without --map and --columns")
    if dropped:
        opened = inputs.open_dropped(source[0]).limited(limit)
    elif limit is not None:
        opened = inputs.first_rows(source, dict(rename), limit, columns)
    else:
        opened = inputs.open_source(source, dict(rename), columns)
    opened.check()
    for line in (*opened.notes, *_refused(opened)):
        click.echo(line, err=True)
    for row in opened.iter_rows():
        # As bytes: JSON is UTF-8, whatever the terminal's encoding is.
        click.echo(json.dumps(SHAPES[shape](row), ensure_ascii=False, default=str).encode())
    return 0
