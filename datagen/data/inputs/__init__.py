"""Reads rows from files, standard input and dataset directories.

Everything here is untrusted: each way in which an input can be broken ends in one line that names the
file, the place and what to do.
"""

from __future__ import annotations

import hashlib
import io
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl

from datagen import canonical
from datagen.data import manifest
from datagen.data.inputs import files
from datagen.data.inputs.shapes import recognise
from datagen.data.source import BATCH_ROWS, Source
from datagen.errors import DatagenError

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
        return _from_rows(STARTER, raw, ".jsonl", rename or {})
    if where == "-":
        if sys.stdin is None:
            raise DatagenError("standard input is closed; give a file, or pipe JSONL into it")
        if threading.current_thread() is threading.main_thread():
            # polars makes the system take up an interrupted read again, and Ctrl-C would not be heard.
            signal.siginterrupt(signal.SIGINT, True)
        return _from_rows("-", sys.stdin.buffer.read(), ".jsonl", rename or {})
    if path.is_dir():
        if rename:
            raise DatagenError(f"--map is for files; {where} is a dataset directory with fixed columns")
        made = manifest.read(path)
        return _from_dataset(path, "data", made, made["digest"], made["rows_out"])
    suffix = files.format_of(path)
    return _from_rows(_name(path), files.read_bytes(path), suffix, rename or {})


def open_frame(frame: pl.DataFrame, rename: Mapping[str, str] | None = None) -> Source:
    """Rows that are in memory already, as Python has them.

    Args:
        frame: as a file would hold them.
        rename: new name -> name in the frame.

    Raises:
        DatagenError: it is empty, or does not hold instructions.
    """
    content = io.BytesIO()
    frame.rechunk().write_parquet(content)
    return _from_rows("frame", content.getvalue(), ".parquet", rename or {})


def open_dropped(where: str) -> Source:
    """Open what a dataset directory dropped.

    Raises:
        DatagenError: `where` is no dataset directory.
    """
    path = Path(where)
    if not path.is_dir():
        raise DatagenError(f"{where} is no dataset directory, so nothing was dropped from it")
    made = manifest.read(path)
    return _from_dataset(path, "dropped", made, made["dropped_digest"], sum(made["dropped"].values()))


def _from_dataset(path: Path, part: str, made: Mapping[str, Any], digest: str, rows: int) -> Source:
    shards = {name: sha256 for name, sha256 in made["files"].items() if name.startswith(f"{part}/")}
    if not shards:
        raise DatagenError(f"{path / manifest.NAME} names no files of {part}; make the data set again")

    def frames() -> Iterator[pl.DataFrame]:
        for name, sha256 in sorted(shards.items()):
            frame = _shard(path / name, sha256)
            yield from frame.iter_slices(BATCH_ROWS) if frame.height else [frame]

    return Source(_name(path.resolve()), digest, rows, frames)


def _shard(file: Path, sha256: str) -> pl.DataFrame:
    """Read a file of a data set if it is the one that the manifest speaks of: digests rely on that."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise DatagenError(
            f"{file} cannot be read: {error.strerror or error}; make the data set again"
        ) from None
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise DatagenError(
            f"{file} is not the file that the data set was made with: damaged or changed since;"
            " make the data set again"
        )
    return files.read_parquet(raw, str(file))


def _from_rows(name: str, raw: bytes, suffix: str, rename: Mapping[str, str]) -> Source:
    if not raw or raw.isspace():
        raise DatagenError(f"{_shown(name)} is empty; it should hold one task per row")
    frame = files.parse(_shown(name), raw, suffix)
    if frame.height == 0:
        raise DatagenError(f"{_shown(name)} holds no rows; it should hold one task per row")
    frame = recognise(frame, _shown(name), rename)
    digest = hashlib.sha256(raw)
    if rename:
        digest.update(canonical.dumps(dict(rename)).encode())
    return Source(name, digest.hexdigest(), frame.height, lambda: frame.iter_slices(BATCH_ROWS))


def _name(path: Path) -> str:
    """Its own name; what bytes in it are no UTF-8 cannot stand in a manifest."""
    return path.name.encode(errors="replace").decode()


def _shown(name: str) -> str:
    return "standard input" if name == "-" else name
