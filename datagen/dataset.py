"""A dataset directory: written whole or not at all, and read back.

    OUT/README.md                                data card
    OUT/data/train-00000-of-0000N.parquet        rows that were kept
    OUT/dropped/train-00000-of-0000N.parquet     rows that were not, with reason and measures
    OUT/manifest.json                            written last

A data set grows in a hidden directory beside OUT and takes OUT's place by one rename when it is done.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from datagen import card, manifest, schema
from datagen.errors import DatagenError
from datagen.inputs.files import read_parquet
from datagen.manifest import Counts, Plan
from datagen.source import Row

SHARD_ROWS = 50_000
ROWS_AT_A_TIME = 512
#: Reason of a row whose model call failed for good; the next run tries it again.
CALL_FAILED = "call-failed"
#: Everything that datagen puts into a dataset directory; --overwrite removes nothing else.
OURS = frozenset({"README.md", "data", "dropped", "manifest.json", "stages"})


class Split(NamedTuple):
    """Rows that a stage keeps and rows that it drops, in input order.

    Dropped rows have `reason`, and where there is more to say `dropped_by`, `detail` and measures.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame


class Outcome(NamedTuple):
    """A finished data set: where it is, its manifest, and whether it was there already."""

    out: Path
    manifest: Mapping[str, Any]
    already_made: bool


class _Shards:
    """Parquet files of `SHARD_ROWS` rows each, and a digest over all rows."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.digest = hashlib.sha256()
        self.rows = 0
        self._schema: pl.Schema | None = None
        self._waiting: list[pl.DataFrame] = []
        self._count = 0
        directory.mkdir(parents=True)

    def add(self, frame: pl.DataFrame) -> None:
        frame = schema.in_order(frame)
        if self._schema is None:
            self._schema = frame.schema
        frame = frame.select(pl.col(name).cast(dtype) for name, dtype in self._schema.items())
        for row in frame.drop(schema.UNDIGESTED, strict=False).iter_rows(named=True):
            self.digest.update(schema.canonical(row).encode())
            self.digest.update(b"\n")
        self.rows += frame.height
        self._waiting.append(frame)
        while sum(f.height for f in self._waiting) >= SHARD_ROWS:
            whole = pl.concat(self._waiting)
            self._waiting = [whole[SHARD_ROWS:]]
            self._write(whole[:SHARD_ROWS])

    def close(self, fallback: pl.Schema) -> None:
        """Write what waits; without any row still one file, so that the schema can be read."""
        if not self._waiting:
            self._waiting = [pl.DataFrame(schema=fallback)]
        rest = pl.concat(self._waiting)
        if rest.height or self._count == 0:
            self._write(rest)
        for number in range(self._count):
            name = f"train-{number:05d}-of-{self._count:05d}.parquet"
            (self.directory / f"{number}.part").rename(self.directory / name)

    def _write(self, frame: pl.DataFrame) -> None:
        frame.rechunk().write_parquet(self.directory / f"{self._count}.part", compression="zstd")
        self._count += 1

    @property
    def schema(self) -> pl.Schema | None:
        return self._schema


class Writer:
    """Takes what a stage keeps and drops, counts it, and refuses to lose a row."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.plan = plan
        self.counts = Counts()
        self.extra: dict[str, Any] = {}
        self.calls: dict[str, int] = {}
        self._directory = directory
        self.started = time.monotonic()
        self._kept = _Shards(directory / "data")
        self._dropped = _Shards(directory / "dropped")
        self._licenses: set[str | None] = set()
        self._manifest: dict[str, Any] = {}

    def add(self, split: Split, *, rows_in: int = 0, rows_made: int = 0, failed: int = 0) -> None:
        """Write one batch's result.

        rows_in of its rows came in, rows_made are new; failed of the dropped ones may do better next time.
        """
        self.counts.failed += failed
        self.counts.rows_in += rows_in
        self.counts.rows_made += rows_made
        self.counts.rows_kept += split.kept.height
        self._kept.add(split.kept)
        if "license" in split.kept.columns:
            self._licenses.update(split.kept["license"].unique())
        elif split.kept.height:
            self._licenses.add(None)
        dropped = schema.with_columns(split.dropped, [c.name for c in schema.DROPPED_COLUMNS])
        for reason, rows in dropped.group_by("reason", maintain_order=True).len().iter_rows():
            self.counts.dropped[reason] += rows
        if dropped.width > len(schema.DROPPED_COLUMNS):
            self._dropped.add(dropped)

    def close(self) -> None:
        """Check the identity, then write what waits, the card and the manifest."""
        self.counts.check(self.plan.stage)
        self._kept.close(pl.Schema())
        fallback = schema.with_columns(
            pl.DataFrame(schema=self._kept.schema), [c.name for c in schema.DROPPED_COLUMNS]
        )
        self._dropped.close(fallback.schema)
        content = manifest.compose(
            self.plan,
            self.counts.as_json(),
            digests={
                "digest": self._kept.digest.hexdigest(),
                "dropped_digest": self._dropped.digest.hexdigest(),
                "files": file_hashes(self._directory),
            },
            extra=self.extra,
            times={"seconds": round(time.monotonic() - self.started, 3), "calls": self.calls},
        )
        card.write(self._directory, content, self._licenses)
        manifest.write(self._directory, content)
        self._manifest = content

    def outcome(self, out: Path) -> Outcome:
        """What was made, once the `writing` block has ended."""
        return Outcome(out, self._manifest, already_made=False)


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
        self._failed += sum(row["reason"] == CALL_FAILED for row in dropped)
        if len(self._kept) + len(self._dropped) >= ROWS_AT_A_TIME:
            self.flush()

    def flush(self) -> None:
        """Hand on what was gathered; call it once more at the end."""
        split = Split(self._frame(self._kept), self._frame(self._dropped, dropped=True))
        self._writer.add(split, rows_in=self._rows_in, rows_made=self._rows_made, failed=self._failed)
        self._kept, self._dropped = [], []
        self._rows_in = self._rows_made = self._failed = 0


def file_hashes(directory: Path) -> dict[str, str]:
    """The sha256 of every Parquet file below `data` and `dropped`, by path inside the data set."""
    files = sorted([*directory.glob("data/*.parquet"), *directory.glob("dropped/*.parquet")])
    return {str(f.relative_to(directory)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def already_made(out: Path, plan: Plan, *, overwrite: bool) -> Outcome | None:
    """The data set in `out` if this very plan made it whole; None if there is something to do.

    A data set some of whose rows failed is made again: the journal answers for the others.

    Raises:
        DatagenError: `out` holds something else, and `overwrite` was not asked for or is not safe.
    """
    if out.exists() and not out.is_dir():
        raise DatagenError(f"{out} is a file; -o names the directory of the new data set")
    if not out.exists() or not any(out.iterdir()):
        return None
    strange = sorted(p.name for p in out.iterdir() if p.name not in OURS)
    if strange or not ((out / manifest.NAME).exists() or (out / "stages").exists()):
        found = strange[0] if strange else next(out.iterdir()).name
        raise DatagenError(f"{out} holds {found}, which datagen did not put there; choose another -o")
    if not (out / manifest.NAME).exists():
        return None
    content = manifest.read(out)
    if content["key"] == plan.key():
        return None if content["failed"] else Outcome(out, content, already_made=True)
    if not overwrite:
        raise DatagenError(
            f"{out} holds a data set made by {content['stage']} from other inputs or options;"
            " --overwrite replaces it, or choose another -o"
        )
    return None


@contextlib.contextmanager
def writing(out: Path, plan: Plan) -> Iterator[Writer]:
    """A `Writer` whose rows become the data set `out` when the block ends without an exception.

    Call `already_made` first: what `out` holds is replaced.
    """
    with _private_directory(out) as directory:
        writer = Writer(directory, plan)
        yield writer
        writer.close()
        old = out.with_name(f".{out.name}.old")
        if out.exists():
            out.rename(old)
        directory.rename(out)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _private_directory(out: Path) -> Iterator[Path]:
    """An empty directory beside `out`, ours alone; gone afterwards unless it was renamed."""
    out = out.absolute()
    directory = out.with_name(f".{out.name}.making")
    old = out.with_name(f".{out.name}.old")
    with lock(out):
        if old.exists() and not out.exists():
            old.rename(out)  # killed between the two renames of `writing`
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        directory.mkdir()
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def move_into(work: Path, out: Path) -> None:
    """Replace the data set in `out`, which may hold more than that, by the one in `work`.

    The manifest goes first and comes last: without it the directory is known to be unfinished.
    """
    (out / manifest.NAME).unlink(missing_ok=True)
    for name in ("data", "dropped", "README.md", manifest.NAME):
        if (out / name).is_dir():
            shutil.rmtree(out / name)
        (work / name).replace(out / name)
    work.rmdir()


@contextlib.contextmanager
def lock(out: Path) -> Iterator[None]:
    """Refuse to have two processes write one data set; a lock of the kernel's ends with its process."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    path = out.with_name(f".{out.name}.lock")
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink == 0:  # its last holder removed the file while we opened it
            raise BlockingIOError
    except BlockingIOError:
        os.close(handle)
        raise DatagenError(f"another datagen is writing {out}; wait for it, or choose another -o") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def rows(directory: Path, part: str = "data") -> Iterator[pl.DataFrame]:
    """The frames of a data set's `data` or `dropped`, file by file in order."""
    for file in sorted((directory / part).glob("train-*.parquet")):
        yield read_parquet(file)
