"""What a stage reads: rows in frames, with a name and a digest for the manifest."""

from __future__ import annotations

import io
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import polars as pl

#: Rows that are worked on at a time: of pairs of 2 KB a frame takes 4 MB, and several are under way.
BATCH_ROWS = 2048
#: Rows of more bytes than this are kept on disk.
MEMORY_BYTES = 64 * 2**20

#: One row as a dict, where rows are handled one by one: around model calls.
Row = dict[str, Any]


def own_copy(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows alone: a frame that was filtered keeps all texts of the one that it comes from in memory."""
    if not frame.height:
        return frame.clear()
    content = io.BytesIO()
    frame.write_ipc(content)
    content.seek(0)
    return pl.read_ipc(content)


class Source:
    """Rows to work on; what is not asked for is not read."""

    def __init__(
        self,
        name: str,
        digest: str | Callable[[], str],
        rows: int | Callable[[], int],
        frames: Callable[[], Iterator[pl.DataFrame]],
        check: Callable[[], None] | None = None,
        *,
        places: Sequence[Path] = (),
        refused: Callable[[], pl.DataFrame] = pl.DataFrame,
        notes: Callable[[], Sequence[str]] = tuple,
        revision: str = "",
    ) -> None:
        """Describe rows.

        Args:
            name: what the manifest calls them: a file's or folder's own name, "-" or "starter", never a path.
            digest: sha256 of the bytes read, or the content digest of a dataset directory.
            rows: how many there are.
            frames: the rows in order, in frames of at most `BATCH_ROWS` rows; at least one, maybe empty.
            check: looks at all rows, where the number of them can be known without; raises DatagenError.
            places: the files and folders that they are in; nothing may be written there.
            refused: rows that no stage can work on, with `reason` and `detail`; they are dropped.
            notes: what people should know of how the rows were read, a line each.
            revision: the commit of the Hub's repository that they are from, if they are.
        """
        self.name = name
        self.revision = revision
        self.frames = frames
        self._digest = digest
        self._rows = rows
        self.places = places
        self._check = check
        self._refused = refused
        self._notes = notes

    @cached_property
    def digest(self) -> str:
        """What identifies the rows."""
        return self._digest() if callable(self._digest) else self._digest

    @cached_property
    def rows(self) -> int:
        """How many there are; all of them are looked at before this is known."""
        return self._rows() if callable(self._rows) else self._rows

    @cached_property
    def refused(self) -> pl.DataFrame:
        """Rows that no stage can work on, with `reason` and `detail`; not among `rows`."""
        return self._refused()

    @cached_property
    def notes(self) -> Sequence[str]:
        """What people should know of how the rows were read, a line each."""
        return self._notes()

    def check(self) -> None:
        """Look at all rows, so that what is wrong with one is told before any work.

        Raises:
            DatagenError: what is wrong.
        """
        _ = self.rows
        if self._check:
            self._check()

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

        return Source(
            self.name,
            lambda: self.digest,
            limit,
            frames,
            self.check,
            places=self.places,
            notes=lambda: self.notes,
            revision=self.revision,
        )


class Spool:
    """Frames put aside, in memory while they are few, then in a temporary file; they come back in order."""

    def __init__(self) -> None:
        self.rows = 0
        self._memory: list[pl.DataFrame] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._places: list[tuple[int, int]] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Put a frame behind the others."""
        self.rows += frame.height
        if self._file is not None:
            self._write(frame)
            return
        self._memory.append(frame)
        self._bytes += int(frame.estimated_size())
        if self._bytes > MEMORY_BYTES:
            self._file = tempfile.TemporaryFile(prefix="datagen-")  # noqa: SIM115 - see finalize
            weakref.finalize(self, self._file.close)
            for one in self._memory:
                self._write(one)
            self._memory = []

    def _write(self, frame: pl.DataFrame) -> None:
        assert self._file is not None  # noqa: S101
        content = io.BytesIO()
        frame.write_ipc(content, compression="lz4")
        place = self._places[-1] if self._places else (0, 0)
        self._places.append((sum(place), len(content.getvalue())))
        self._file.write(content.getvalue())

    def frames(self) -> Iterator[pl.DataFrame]:
        """The frames, in order; several may go through them at a time."""
        if self._file is None:
            yield from self._memory
            return
        for start, length in self._places:
            self._file.seek(start)
            yield pl.read_ipc(io.BytesIO(self._file.read(length)))
