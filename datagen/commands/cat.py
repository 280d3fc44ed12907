"""Print the rows of a data set, in the shape that a trainer or a person wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice

import click

from datagen.commands import options
from datagen.data import inputs
from datagen.data.source import Row, Source
from datagen.data.views import SHAPES
from datagen.errors import UsageError
from datagen.ranking import views
from datagen.runs import values


def _refused(source: Source) -> Iterator[str]:
    """What is said of rows that are none: the first ones, and how many."""
    details = source.refused["detail"].to_list() if source.refused.height else []
    yield from (f"not printed: {detail}" for detail in details[:3])
    if len(details) > 3:
        yield f"not printed: {len(details) - 3:,} more rows of these kinds"


#: Shapes that need more than a row: the answers to a task side by side.
VIEWS: Mapping[str, Callable[[Source], Iterator[Row]]] = {
    "ranked": views.ranked,
    "preference": views.preference,
    "sft": views.sft,
}


@click.command(epilog="Example: datagen cat out/demo --as messages | head")
@click.argument("source", metavar="DATASET...", type=values.InputPath(), nargs=-1, required=True)
@click.option("--as", "shape", type=click.Choice([*SHAPES, *VIEWS]), default="jsonl", show_default=True)
@click.option("--dropped", is_flag=True, help="Print the rows that were dropped, with their reasons.")
@options.rename_option
@options.columns_option
@click.option(
    "--gap",
    type=click.FloatRange(min=0, max=1, min_open=True),
    metavar="G",
    help="With --as preference: pairs by AceCoder's rules, with pass ratios G or more apart (0.4 there).",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Print only the first N.")
def command(
    source: tuple[str, ...],
    shape: str,
    *,
    dropped: bool,
    rename: tuple[tuple[str, str], ...],
    columns: tuple[str, ...],
    gap: float | None,
    limit: int | None,
) -> int:
    """Print the rows of a data set.

    One JSON object a line. DATASET may also be any file that the stages read. Of a ranked set, ranked
    gives a task with all its answers a line, preference pairs of a better and a worse answer, and sft the
    best answer to each task if it satisfies all tests.
    """
    if gap is not None and shape != "preference":
        raise UsageError(f"--gap is for --as preference, not for --as {shape}")
    if dropped and (rename or columns or len(source) > 1):
        raise UsageError("--dropped is for one data set, without --map and --columns")
    if dropped:
        opened = inputs.open_dropped(source[0])
    elif limit is not None and shape not in VIEWS:
        opened = inputs.first_rows(source, dict(rename), limit, columns)
    else:
        opened = inputs.open_source(source, dict(rename), columns)
    opened.check()
    for line in (*opened.notes, *_refused(opened)):
        click.echo(line, err=True)
    view = VIEWS.get(shape) if gap is None else partial(views.preference, gap=gap)
    shaped = view(opened) if view else map(SHAPES[shape], opened.iter_rows())
    for row in islice(shaped, limit):
        # As bytes: JSON is UTF-8, whatever the terminal's encoding is.
        click.echo(json.dumps(row, ensure_ascii=False, default=str).encode())
    return 0
