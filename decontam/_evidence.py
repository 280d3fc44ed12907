"""What the detectors share: which texts are compared, and what a match looks like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from functools import lru_cache

import polars as pl

from decontam._text import Shingle, literals, shingles, token_spans, tokens
from decontam.benchmarks import Item

EXCERPT = 200

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
    }
)
Evidence = tuple[str, str, str, str, str, float, float, str]


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


def excerpt(text: str, first: int = 0, last: int | None = None) -> str:
    """Return `text` from its token number `first` through `last`, verbatim, cut to 200 characters."""
    spans = _spans_of_row(text)
    if not spans:
        return ""
    start, end = spans[first][0], spans[-1 if last is None else last][1]
    return text[start : min(end, start + EXCERPT)]


def evidence(rows: list[Evidence]) -> pl.DataFrame:
    """Return the matches as a frame with the columns of `SCHEMA`, also when there are none."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row") if rows else SCHEMA.to_frame()
