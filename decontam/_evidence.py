"""What the detectors share: which texts are compared, and what a match looks like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from functools import lru_cache

import polars as pl

from decontam._text import Shingle, literals, shingles, token_spans, tokens
from decontam.benchmarks import Item

#: Characters of a row's text, and of an item's, which may not be at hand when somebody looks.
EXCERPT, OF_ITEM = 200, 400

#: Rows that all detectors see before the next rows come.
BATCH = 256

SCHEMA = pl.Schema(
    {
        "row": pl.String,
        "benchmark": pl.String,
        "item": pl.String,
        "detector": pl.String,
        "part": pl.String,
        "value": pl.Float64,
        "threshold": pl.Float64,
        "excerpt": pl.String,
        "start": pl.Int64,
        "end": pl.Int64,
        "item_part": pl.String,
        "item_start": pl.Int64,
        "item_end": pl.Int64,
        "item_excerpt": pl.String,
        "agreed": pl.String,
    }
)
#: A piece of a row's text: its beginning, and from where to where it stands there, in characters.
OfRow = tuple[str, int, int]
#: A piece of an item's text: of which text, from where to where, and its beginning; None where none is known.
OfItem = tuple[str | None, int | None, int | None, str | None]
Evidence = tuple[
    str,
    str,
    str,
    str,
    str,
    float,
    float,
    str,
    int,
    int,
    str | None,
    int | None,
    int | None,
    str | None,
    str | None,
]
NOWHERE: OfItem = (None, None, None, None)


def parts(item: Item) -> dict[str, str]:
    """Return the texts of an item that a row may hold, by the name of the part; empty ones are left out.

    `prompt` is the words alone, `raw_prompt` all that a model is shown (signature, words, examples).
    Each is sought in each of the row's texts: docstrings stand in answers, and code in questions. Tests are
    no such text: `detectors/cases.py` looks for what they say.
    """
    found = {"prompt": item.prompt, "solution": item.solution}
    if item.raw_prompt != item.prompt:
        found["raw_prompt"] = item.raw_prompt
    return {name: text for name, text in found.items() if text.strip()}


def text_of(item: Item, part: str) -> str:
    """Return the text of an item in which places count; its tests are joined by line ends."""
    return "\n".join(item.tests) if part == "tests" else str(getattr(item, part))


def texts(frame: pl.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Yield (row id, column, text) for each text of each row; `id` is none, and no column of other types."""
    fields = [name for name, dtype in frame.schema.items() if name != "id" and dtype == pl.String]
    columns = [frame["id"].cast(pl.String).to_list(), *(frame[name].to_list() for name in fields)]
    for row, *values in zip(*columns, strict=True):
        yield from ((row, field, value) for field, value in zip(fields, values, strict=True) if value)


@lru_cache(maxsize=2 * BATCH)
def tokens_of_row(text: str) -> Sequence[str]:
    """Return `tokens(text)`; the texts of one batch are split once for all detectors."""
    return tokens(text)


@lru_cache(maxsize=2 * BATCH)
def literals_of_row(text: str) -> Sequence[str]:
    """Return `literals(text)`; the texts of one batch are searched once for all detectors."""
    return literals(text)


def held_runs(
    words: Sequence[str], lengths: Mapping[Shingle, Collection[int]], sought: Container[Shingle]
) -> dict[Shingle, list[int]]:
    """Return where the runs of words that are sought begin: of one word, then longer ones, by their place.

    Args:
        words: of a row.
        lengths: for the first two words of a run, or all if there is but one, how long such runs are.
        sought: the runs.
    """
    found: dict[Shingle, list[int]] = defaultdict(list)
    for n in (1, 2):
        heads = [*shingles(words, n)]
        known = lengths.keys() & heads
        if not known:
            continue
        for at, head in enumerate(heads):
            for length in lengths[head] if head in known else ():
                run = tuple(words[at : at + length])
                if run in sought:
                    found[run].append(at)
    return found


@lru_cache(maxsize=1)
def _spans_of_row(text: str) -> Sequence[tuple[int, int]]:
    """Return `token_spans(text)`; a text that holds a whole benchmark has hundreds of excerpts."""
    return token_spans(text)


def forget_rows() -> None:
    """Let go of the texts that were looked at last."""
    tokens_of_row.cache_clear()
    literals_of_row.cache_clear()
    _spans_of_row.cache_clear()


def of_row(text: str, start: int, end: int) -> OfRow:
    """Return a piece of a row's text; of its beginning at most 200 characters."""
    return text[start : min(end, start + EXCERPT)], start, end


def tokens_from_row(text: str, first: int = 0, last: int | None = None) -> OfRow:
    """Return the piece of a row's text from its token number `first` through `last`."""
    spans = _spans_of_row(text)
    return of_row(text, spans[first][0], spans[-1 if last is None else last][1]) if spans else ("", 0, 0)


@lru_cache(maxsize=1024)
def spans_of_item(text: str) -> Sequence[tuple[int, int]]:
    """Return `token_spans(text)`; many rows hold the same item."""
    return token_spans(text)


def of_item(part: str, text: str, spans: Sequence[tuple[int, int]]) -> OfItem:
    """Return the piece of an item's text that holds all `spans`; of its beginning at most 400 characters."""
    if not spans:
        return NOWHERE
    start, end = min(start for start, _ in spans), max(end for _, end in spans)
    return part, start, end, text[start : min(end, start + OF_ITEM)]


def evidence(rows: list[Evidence]) -> pl.DataFrame:
    """Return the matches as a frame with the columns of `SCHEMA`, also when there are none."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row") if rows else SCHEMA.to_frame()
