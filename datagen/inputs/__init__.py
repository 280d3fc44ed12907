"""Reads rows from files, standard input and dataset directories.

Everything here is untrusted: each way in which an input can be broken ends in one line that names the
file, the place and what to do.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

import polars as pl

from datagen import manifest, schema
from datagen.errors import DatagenError
from datagen.inputs import files
from datagen.inputs.shapes import recognise
from datagen.source import BATCH_ROWS, Source

STARTER = "starter"


def open_source(where: str, rename: Mapping[str, str] | None = None) -> Source:
    """Open a dataset directory, a file, "-" (JSONL on standard input) or "starter".

    Args:
        where: the path, or one of the two names.
        rename: new name -> name in the file, for files whose columns are called otherwise.

    Raises:
        DatagenError: when it cannot be read, is empty, or does not hold instructions.
    """
    path = Path(where)
    if where == STARTER and not path.exists():
        parts = sorted(resources.files("datagen").joinpath("starter").iterdir(), key=lambda part: part.name)
        raw = b"".join(part.read_bytes() for part in parts)
        return _from_rows(STARTER, raw, ".jsonl", {})
    if where == "-":
        return _from_rows("-", sys.stdin.buffer.read(), ".jsonl", rename or {})
    if path.is_dir():
        if rename:
            raise DatagenError(f"--map is for files; {where} is a dataset directory with fixed columns")
        made = manifest.read(path)
        return _from_dataset(path, "data", made["digest"], made["rows_out"])
    return _from_rows(path.name, files.read_bytes(path), files.format_of(path), rename or {})


def open_dropped(where: str) -> Source:
    """Open what a dataset directory dropped.

    Raises:
        DatagenError: `where` is no dataset directory.
    """
    path = Path(where)
    if not path.is_dir():
        raise DatagenError(f"{where} is no dataset directory, so nothing was dropped from it")
    made = manifest.read(path)
    return _from_dataset(path, "dropped", made["dropped_digest"], sum(made["dropped"].values()))


def _from_dataset(path: Path, part: str, digest: str, rows: int) -> Source:
    shards = sorted((path / part).glob("train-*.parquet"))
    if not shards:
        raise DatagenError(f"{path / part} holds no train-*.parquet files; make the data set again")

    def frames() -> Iterator[pl.DataFrame]:
        for file in shards:
            frame = files.read_parquet(file)
            yield from frame.iter_slices(BATCH_ROWS) if frame.height else [frame]

    return Source(path.resolve().name, digest, rows, frames)


def _from_rows(name: str, raw: bytes, suffix: str, rename: Mapping[str, str]) -> Source:
    if not raw.strip():
        raise DatagenError(f"{_shown(name)} is empty; it should hold one task per row")
    frame = files.parse(_shown(name), raw, suffix)
    if frame.height == 0:
        raise DatagenError(f"{_shown(name)} holds no rows; it should hold one task per row")
    frame = recognise(frame, _shown(name), rename)
    digest = hashlib.sha256(raw)
    if rename:
        digest.update(schema.canonical(dict(rename)).encode())
    return Source(name, digest.hexdigest(), frame.height, lambda: frame.iter_slices(BATCH_ROWS))


def _shown(name: str) -> str:
    return "standard input" if name == "-" else name
