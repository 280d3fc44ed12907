"""What a stage reads: rows in frames, with a name and a digest for the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import polars as pl

BATCH_ROWS = 8192

#: One row as a dict, where rows are handled one by one: around model calls.
Row = dict[str, Any]


class Source(NamedTuple):
    """Rows to work on.

    name: what the manifest calls it: a file's or folder's own name, "-" or "starter", never a path.
    digest: sha256 of the bytes read, or the content digest of a dataset directory.
    rows: how many there are.
    frames: the rows in order, in frames of at most `BATCH_ROWS` rows; at least one frame, maybe empty.
    """

    name: str
    digest: str
    rows: int
    frames: Callable[[], Iterator[pl.DataFrame]]

    def iter_rows(self) -> Iterator[Row]:
        """The rows in order, one dict each."""
        for frame in self.frames():
            yield from frame.iter_rows(named=True)

    def schema(self) -> pl.Schema:
        """The columns and their types."""
        return next(self.frames()).schema

    def limited(self, limit: int | None) -> Source:
        """The first `limit` rows; all of them for None."""
        if limit is None or limit >= self.rows:
            return self

        def frames() -> Iterator[pl.DataFrame]:
            left = limit
            for frame in self.frames():
                yield frame.head(left)
                left -= frame.height
                if left <= 0:
                    return

        return self._replace(rows=limit, frames=frames)
