"""Finds rows that read like a benchmark item, by embeddings: candidates for a closer look, never matches.

*What* it does: each text of a row is compared with each text of each item, by the cosine of the angle between
their vectors. The nearest item of a row is a candidate if the cosine is at least a threshold.

*What it does not do*: decide. Two tasks about one subject read alike, so that clean rows are candidates too;
docs/method.md says how many. A model reads a text's beginning only (all-MiniLM-L6-v2: 256 tokens). Vectors
differ in their last digits with the batch in which a text was embedded, so that cosines are rounded to
`DECIMALS` before anything is compared. Ties go to the first item.

The model is handed in as a function from texts to vectors:

>>> import numpy as np, polars as pl
>>> from decontam.benchmarks import benchmark, Item
>>> def embed(texts):
...     return np.array([[text.count("sort"), text.count("prime"), 1] for text in texts])
>>> items = [
...     Item("mine", "1", "sort, then sort again", "", "", (), ""),
...     Item("mine", "2", "is it prime?", "", "", (), ""),
... ]
>>> rows = pl.DataFrame({"id": ["a", "b"], "instruction": ["sort and sort", "add two numbers"]})
>>> found = candidates(rows, embedded(items, embed), embed, threshold=0.9)
>>> found.evidence.select("row", "item", "part", "value").rows()
[('a', '1', 'prompt:instruction', 1.0)]
>>> found.failed
()
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from decontam._evidence import NOWHERE, Evidence, evidence, of_row, parts, texts
from decontam._stored import key_of, load, store
from decontam.benchmarks import Item

#: From texts to an array (texts, dimensions) of any length; a text that has no vector has a row of NaN.
Embed = Callable[[Sequence[str]], NDArray[Any]]
#: The least cosine of a candidate: the table in docs/method.md says what others find.
THRESHOLD = 0.7
#: Of cosines.
DECIMALS = 4
#: Texts of rows that are compared at a time: with 10,000 texts of items that takes 40 MB.
_BLOCK = 1024

#: Of `score`: logistic regression on 488 labelled rows (all-MiniLM-L6-v2), both classes of equal weight.
_INTERCEPT, _SLOPE = -6.65, 10.03

_Vectors = NDArray[np.float32]


class Embedded(NamedTuple):
    """The vectors of a benchmark's items.

    Args:
        places: of each text its item, and which of the item's texts it is.
        vectors: of length 1, as (texts, dimensions).
        failed: items of which a text has no vector, so that rows are not compared with all of them.
    """

    places: tuple[tuple[Item, str], ...]
    vectors: _Vectors
    failed: tuple[Item, ...]


class Candidates(NamedTuple):
    """The rows that read like an item.

    Args:
        evidence: one row for each candidate, in the order of the rows; columns as in `decontam.EVIDENCE`.
            The detector is "embedding", the value a cosine, and the excerpt the beginning of the row's text.
        failed: ids of rows of which a text has no vector, in their order: whether they read like an item is
            not known.
    """

    evidence: pl.DataFrame
    failed: tuple[str, ...]


def embedded(items: Sequence[Item], embed: Embed, kept: Path | None = None, identity: str = "") -> Embedded:
    """The vectors of the prompts and solutions of items.

    Args:
        items: of benchmarks; several may come together.
        embed: the model.
        kept: the folder where vectors are kept for the next time; None to keep nothing.
        identity: what the model is known by there.

    Raises:
        ValueError: `embed` gives no vector for each text.
    """
    told = [(item, part, text) for item in items for part, text in parts(item).items()]
    texts = [text for *_, text in told]
    key = key_of(["vectors", identity, texts]) if kept else ""
    vectors: Any = load(kept, key, {}) if kept else None
    if not (isinstance(vectors, np.ndarray) and vectors.ndim == 2 and len(vectors) == len(texts)):
        vectors = _unit(embed, texts).astype(np.float64)
        if kept:
            store(kept, key, vectors, {})
    has_one: NDArray[np.bool_] = np.asarray(vectors.any(axis=1))
    failed = {told[at][0]: None for at in np.flatnonzero(~has_one)}
    places = tuple(told[at][:2] for at in np.flatnonzero(has_one))
    return Embedded(places, vectors[has_one].astype(np.float32), tuple(failed))


def candidates(
    frame: pl.DataFrame, items: Embedded, embed: Embed, threshold: float = THRESHOLD
) -> Candidates:
    """The nearest item of each row, where it is near enough.

    Args:
        frame: rows with `id` and columns of texts, such as `instruction` and `code`; nulls are allowed.
        items: what `embedded` returned for the same model.
        embed: the model.
        threshold: the least cosine, -1 to 1.

    Raises:
        ValueError: `embed` gives no vector for each text, or ones of another dimension than the items'.
    """
    told = [*texts(frame)]
    vectors = _unit(embed, [text for *_, text in told], items.vectors.shape[1])
    has_one: NDArray[np.bool_] = np.asarray(vectors.any(axis=1))
    best: dict[str, tuple[float, int, int]] = {}
    for at, (value, place) in enumerate(_nearest(vectors, items.vectors)):
        row = told[at][0]
        if has_one[at] and value >= threshold and (row not in best or value > best[row][0]):
            best[row] = value, place, at
    failed = {told[at][0]: None for at in np.flatnonzero(~has_one)}
    found = (_evidence(told[at], items.places[place], value, threshold) for value, place, at in best.values())
    return Candidates(evidence([*found]), tuple(failed))


def score(value: float) -> float:
    """How likely a candidate overlaps, 0 to 1: the score of `decontam.profiles`, from a cosine."""
    return 1 / (1 + math.exp(-(_INTERCEPT + _SLOPE * value)))


def _nearest(rows: _Vectors, items: _Vectors) -> Iterator[tuple[float, int]]:
    """For each vector of a row the greatest cosine, rounded, and where the first such item stands."""
    for start in range(0, len(rows) if len(items) else 0, _BLOCK):
        cosines = (rows[start : start + _BLOCK] @ items.T).astype(np.float64).round(DECIMALS)
        places = cosines.argmax(axis=1)
        yield from zip(cosines.max(axis=1).tolist(), places.tolist(), strict=True)


def _evidence(
    text: tuple[str, str, str], place: tuple[Item, str], value: float, threshold: float
) -> Evidence:
    (row, column, words), (item, part) = text, place
    named = item.benchmark, item.task_id, "embedding", f"{part}:{column}"
    return row, *named, value, threshold, *of_row(words, 0, len(words)), *NOWHERE, None


def _unit(embed: Embed, given: Sequence[str], dimensions: int | None = None) -> _Vectors:
    """The vectors of texts, of length 1; zeros for a text that has none. Equal texts are embedded once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(given))}
    if not places:
        return np.zeros((0, dimensions or 0), np.float32)
    made = np.asarray(embed([*places]), np.float64)
    if made.ndim != 2 or len(made) != len(places):
        raise ValueError(f"{len(places)} texts have an array of the shape {made.shape}, not a vector each")
    if dimensions not in (None, 0, made.shape[1]):
        raise ValueError(f"vectors of rows have {made.shape[1]} dimensions, those of items {dimensions}")
    vectors = made[[places[text] for text in given]]
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt((vectors**2).sum(axis=1))
    has_one = np.isfinite(lengths) & (lengths > 0)
    vectors[~has_one] = 0
    return (vectors / np.where(has_one, lengths, 1)[:, None]).astype(np.float32)
