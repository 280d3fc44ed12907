"""A dataset directory: written whole or not at all, and read back.

    OUT/README.md                                data card
    OUT/data/train-00000-of-0000N.parquet        rows that were kept
    OUT/dropped/train-00000-of-0000N.parquet     rows that were not, with reason and measures
    OUT/manifest.json                            written last

How OUT is locked and replaced is in directory.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from datagen import canonical
from datagen.data import card, directory, manifest, schema
from datagen.data.manifest import Counts, Entry, Plan
from datagen.data.source import Row, own_copy
from datagen.errors import DatagenError, escaped

SHARD_ROWS = 50_000
ROWS_AT_A_TIME = 512
#: Reason of a row whose model call failed for good; the next run tries it again.
CALL_FAILED = "call-failed"
#: Reasons of rows whose call was answered with nothing, or with half an answer; the next run asks once more.
EMPTY_ANSWER, CUT_SHORT = "empty-answer", "truncated-response"


class Split(NamedTuple):
    """Rows that a stage keeps and rows that it drops, in input order.

    Dropped rows have `reason`, and where there is more to say `dropped_by`, `detail` and measures.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame


class Outcome(NamedTuple):
    """A finished data set: where it is, its manifest, whether it was there already, and its entries."""

    out: Path
    manifest: Mapping[str, Any]
    already_made: bool
    entries: tuple[Entry, ...] = ()


def add_rows(digest: hashlib._Hash, frame: pl.DataFrame) -> None:
    """Add rows to a content digest: each as canonical JSON on a line of its own.

    Raises:
        ValueError: a row holds NaN or an infinity, which JSON cannot hold.
    """
    for row in frame.drop(schema.UNDIGESTED, strict=False).iter_rows(named=True):
        digest.update(canonical.dumps(row).encode())
        digest.update(b"\n")


class _Shards:
    """Parquet files of `SHARD_ROWS` rows each, and a digest over all rows."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.digest = hashlib.sha256()
        self.schema: pl.Schema | None = None
        self._waiting: list[pl.DataFrame] = []
        self._hashes: list[str] = []
        place.mkdir(parents=True)

    def add(self, frame: pl.DataFrame) -> None:
        frame = schema.in_order(frame)
        if self.schema is None:
            self.schema = frame.schema
        if {*frame.columns} != {*self.schema}:
            raise AssertionError(f"columns changed from {[*self.schema]} to {frame.columns}")
        # Series by series: `pl.col` takes a column `*` or `^x.*$` for a pattern.
        frame = pl.DataFrame({name: frame[name].cast(dtype) for name, dtype in self.schema.items()})
        add_rows(self.digest, frame)
        self._waiting.append(own_copy(frame))
        while sum(f.height for f in self._waiting) >= SHARD_ROWS:
            whole = pl.concat(self._waiting)
            self._waiting = [whole[SHARD_ROWS:]]
            self._write(whole[:SHARD_ROWS])

    def close(self, fallback: pl.Schema) -> dict[str, str]:
        """Write what waits; without any row still one file, so that the schema can be read.

        Returns the sha256 of every file by its path inside the data set.
        """
        rest = pl.concat(self._waiting) if self._waiting else pl.DataFrame(schema=fallback)
        if rest.height or not self._hashes:
            self._write(rest)
        files = {}
        for number, sha256 in enumerate(self._hashes):
            name = f"train-{number:05d}-of-{len(self._hashes):05d}.parquet"
            self._part(number).rename(self.place / name)
            files[f"{self.place.name}/{name}"] = sha256
        return files

    def _write(self, frame: pl.DataFrame) -> None:
        content = io.BytesIO()  # polars hides the operating system's errors, a full disk among them
        frame.rechunk().write_parquet(content, compression="zstd")
        with _saying_what_is_wrong(self.place.parent):
            self._part(len(self._hashes)).write_bytes(content.getvalue())
        self._hashes.append(hashlib.sha256(content.getvalue()).hexdigest())

    def _part(self, number: int) -> Path:
        return self.place / f"{number}.part"


@contextlib.contextmanager
def _saying_what_is_wrong(place: Path) -> Iterator[None]:
    """Say in one line what keeps us from writing in `place`."""
    try:
        yield
    except OSError as error:
        raise DatagenError(
            f"cannot write in {escaped(place.parent)}: {error.strerror or error};"
            " make room, or choose another -o, and run it again"
        ) from None


class Writer:
    """Takes what a stage keeps and drops, counts it, and refuses to lose a row."""

    def __init__(self, place: Path, plan: Plan, entries: Sequence[Entry] = ()) -> None:
        """Write into the new folder `place`; `values` is to be filled with those of the entries."""
        self.plan = plan
        self.counts = Counts()
        self.entries = entries
        self.values: dict[str, Any] = {}
        self.times: dict[str, Any] = {}
        self.started = time.monotonic()
        self._place = place
        self._kept = _Shards(place / "data")
        self._dropped = _Shards(place / "dropped")
        self._licenses: set[str | None] = set()
        self._manifest: dict[str, Any] = {}
        self._refused = pl.DataFrame()

    def refuse(self, rows: pl.DataFrame) -> None:
        """Drop rows that came in and were none, with `reason` and `detail`: behind all others."""
        self._refused = rows

    def add(self, split: Split, *, rows_in: int = 0, rows_made: int = 0, failed: int = 0) -> None:
        """Write one batch's result.

        rows_in of its rows came in, rows_made are new; failed of the dropped ones may do better next time.
        """
        self.counts.failed += failed
        self.counts.rows_made += rows_made
        self._kept.add(split.kept)
        if "license" in split.kept.columns:
            self._licenses.update(split.kept["license"].unique())
        elif split.kept.height:
            self._licenses.add(None)
        dropped = schema.with_columns(split.dropped, [c.name for c in schema.DROPPED_COLUMNS])
        self.counts.add(split.kept.height, dropped["reason"], rows_in=rows_in)
        if dropped.width > len(schema.DROPPED_COLUMNS):
            self._dropped.add(dropped)

    def close(self) -> None:
        """Check the identity, then write what waits, the card and the manifest."""
        if self._refused.height:
            self.counts.add(0, self._refused["reason"], rows_in=self._refused.height)
            self._dropped.add(_like(self._dropped.schema, self._refused))
        self.counts.check(self.plan.stage)
        if unknown := self.values.keys() - {entry.name for entry in self.entries}:
            raise AssertionError(f"{self.plan.stage} declares no manifest entry {', '.join(sorted(unknown))}")
        kept = self._kept.close(pl.Schema())
        fallback = schema.with_columns(
            pl.DataFrame(schema=self._kept.schema), [c.name for c in schema.DROPPED_COLUMNS]
        )
        self._manifest = manifest.compose(
            self.plan,
            self.counts.as_json(),
            digests={
                "digest": self._kept.digest.hexdigest(),
                "dropped_digest": self._dropped.digest.hexdigest(),
                "files": kept | self._dropped.close(fallback.schema),
            },
            extra=self.values,
            times={"seconds": round(time.monotonic() - self.started, 3), **self.times},
        )
        filled = [entry for entry in self.entries if entry.name in self.values]
        lines = [line for entry in filled for line in entry.card(self._manifest)]
        with _saying_what_is_wrong(self._place):
            card.write(self._place, self._manifest, self._licenses, lines)
            manifest.write(self._place, self._manifest)

    def outcome(self, out: Path) -> Outcome:
        """What was made, once the `writing` block has ended."""
        return Outcome(out, self._manifest, already_made=False, entries=tuple(self.entries))


def _like(known: pl.Schema | None, refused: pl.DataFrame) -> pl.DataFrame:
    """Rows with the columns of those that were dropped before them."""
    if known is None:
        return refused
    columns = {
        name: refused[name].cast(dtype)
        if name in refused.columns
        else pl.Series(name, [None], dtype).new_from_index(0, refused.height)
        for name, dtype in known.items()
    }
    return pl.DataFrame(columns)


class RowWriter:
    """Gathers the rows of stages that handle them one by one into frames for a `Writer`."""

    def __init__(self, writer: Writer, known: pl.Schema, columns: Sequence[str]) -> None:
        self._writer = writer
        self._frame = partial(schema.frame, known=known, more=columns)
        self._kept: list[Row] = []
        self._dropped: list[Row] = []
        self._rows_in = self._rows_made = self._failed = 0

    def add(self, kept: Sequence[Row], dropped: Sequence[Row], *, rows_in: int, rows_made: int) -> None:
        """Take rows; dropped ones have their `reason`."""
        self._kept += kept
        self._dropped += dropped
        self._rows_in += rows_in
        self._rows_made += rows_made
        self._failed += sum(map(_may_do_better, dropped))
        if len(self._kept) + len(self._dropped) >= ROWS_AT_A_TIME:
            self.flush()

    def flush(self) -> None:
        """Hand on what was gathered; call it once more at the end."""
        split = Split(self._frame(self._kept), self._frame(self._dropped, dropped=True))
        self._writer.add(split, rows_in=self._rows_in, rows_made=self._rows_made, failed=self._failed)
        self._kept, self._dropped = [], []
        self._rows_in = self._rows_made = self._failed = 0


def _may_do_better(row: Row) -> bool:
    """Whether the next run may have more luck with a row that was dropped."""
    if row["reason"] in (EMPTY_ANSWER, CUT_SHORT):
        return row.get("request") is not None  # a recording answers the same again
    return bool(row["reason"] == CALL_FAILED)


def file_hashes(place: Path) -> dict[str, str]:
    """The sha256 of every Parquet file below `data` and `dropped`, by path inside the data set."""
    files = sorted(file for part in directory.ROWS for file in place.glob(f"{part}/*.parquet"))
    return {str(f.relative_to(place)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def already_made(out: Path, plan: Plan, *, overwrite: bool, entries: Sequence[Entry] = ()) -> Outcome | None:
    """The data set in `out` if this very plan made it whole; None if there is something to do.

    A data set some of whose rows failed is made again: the journal answers for the others. So is one
    whose files are missing or damaged.

    Raises:
        DatagenError: `out` holds something else, and `overwrite` was not asked for or is not safe.
    """
    if not directory.check(out) or not (out / manifest.NAME).exists():
        return None
    try:
        content = manifest.read(out)
    except DatagenError as error:
        raise DatagenError(f"{error}: in another -o, or remove {escaped(out)} yourself") from None
    if content["key"] == plan.key():
        is_whole = not content["failed"] and file_hashes(out) == content["files"]
        is_whole = is_whole and all(one.is_valid(content[one.name]) for one in entries if one.name in content)
        return Outcome(out, content, already_made=True, entries=tuple(entries)) if is_whole else None
    if not overwrite:
        raise DatagenError(
            f"{escaped(out)} holds a data set made by {content['stage']} from other inputs or options;"
            " --overwrite replaces it, or choose another -o"
        )
    return None


@contextlib.contextmanager
def writing(out: Path, plan: Plan, entries: Sequence[Entry] = ()) -> Iterator[Writer]:
    """A `Writer` whose rows become the data set `out` when the block ends without an exception.

    Call `already_made` first: what `out` holds is replaced.
    """
    with directory.replaced(out) as place:
        writer = Writer(place, plan, entries)
        yield writer
        writer.close()
