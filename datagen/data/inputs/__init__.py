"""Reads rows from files, standard input and dataset directories.

Everything here is untrusted: each way in which an input can be broken ends in one line that names the
file, the place and what to do.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from datagen import canonical
from datagen.data import manifest
from datagen.data.inputs import files, folders, json_rows, made, on_hub, tables
from datagen.data.inputs.files import STARTER, File
from datagen.data.inputs.kinds import Kind
from datagen.data.inputs.on_hub import Fetched
from datagen.data.inputs.shapes import Recogniser, dropped
from datagen.data.source import BATCH_ROWS, Source, Spool, own_copy
from datagen.errors import DatagenError, nearest, one_line
from datagen.hub.address import PREFIX

__all__ = ["STARTER", "first_rows", "open_dropped", "open_frame", "open_source"]

_BLOCK = 1 << 20


class Reading(NamedTuple):
    """How files are read.

    Args:
        rename: new name -> name in the file, for files whose columns are called otherwise.
        columns: the columns to read, by their names in the file; none for all.
    """

    rename: Mapping[str, str] = {}
    columns: Collection[str] = ()

    def wanted(self) -> Collection[str]:
        """The names in the file of all columns to read; none for all."""
        return {*self.columns, *self.rename.values()} if self.columns else ()


def open_source(
    where: str | Sequence[str], rename: Mapping[str, str] | None = None, columns: Collection[str] = ()
) -> Source:
    """Open a dataset directory, a file, a folder of files, several files, "-" (stdin), "starter" or "hf:...".

    A file is read when something of it is asked for: its digest by one pass over the bytes, its rows by
    another one, which looks at all of them.

    Args:
        where: the path, or one of the two names; or several, whose rows follow each other.
        rename: see `Reading`.
        columns: see `Reading`.

    Raises:
        DatagenError: when it cannot be read; what is wrong with its rows is raised when these are asked for.
    """
    reading = Reading(rename or {}, columns)
    given = [where] if isinstance(where, str) else list(where)
    found = _located(given)
    if isinstance(found, _Files):
        return _from_files(found, reading)
    if rename or columns:
        raise DatagenError(
            f"--map and --columns are for files; {given[0]} is a dataset directory with fixed columns"
        )
    return _part(found, "data")


def open_frame(
    frame: pl.DataFrame, rename: Mapping[str, str] | None = None, columns: Collection[str] = ()
) -> Source:
    """Rows that are in memory already, as Python has them.

    Args:
        frame: as a file would hold them.
        rename: see `Reading`.
        columns: see `Reading`.

    Raises:
        DatagenError: see `open_source`.
    """
    content = io.BytesIO()
    frame.rechunk().write_parquet(content)
    file = File("frame", ".parquet", files.in_memory(content.getvalue()))
    return _from_files(_Files("frame", [file]), Reading(rename or {}, columns))


def first_rows(
    where: str | Sequence[str], rename: Mapping[str, str], limit: int, columns: Collection[str] = ()
) -> Source:
    """The first rows of what `open_source` opens; no more of a file is read than they need.

    Columns that only later rows have are missing.
    """
    given = [where] if isinstance(where, str) else list(where)
    found = _located(given)
    if isinstance(found, _Files):
        return _from_files(found, Reading(rename, columns), limit)
    return open_source(where, rename, columns).limited(limit)


class _Dataset(NamedTuple):
    """A dataset directory: where it is, and what a manifest calls it if not by its folder's name."""

    path: Path
    name: str = ""
    revision: str = ""


def _located(given: Sequence[str]) -> _Dataset | _Files:
    """The dataset directory, or the files, that paths and names mean.

    Raises:
        DatagenError: one does not exist, or is a dataset directory among several.
    """
    from_hub = {where: on_hub.fetched(where) for where in given if where.startswith(PREFIX)}
    folders_of = {where: found.folder for where, found in from_hub.items() if found.folder}
    folders_of |= {where: Path(where) for where in given if where not in from_hub and _is_dataset(where)}
    if not folders_of:
        return _files(given, from_hub)
    where, folder = next(iter(folders_of.items()))
    if len(given) > 1:
        raise DatagenError(f"{where} is a dataset directory; give it alone, or its files in data/")
    return _Dataset(folder, where, from_hub[where].revision) if where in from_hub else _Dataset(folder)


def _is_dataset(where: str) -> bool:
    return where != "-" and (Path(where) / manifest.NAME).exists()


def _part(place: _Dataset, part: str) -> Source:
    content = manifest.read(place.path)
    return made.rows_of(place.path, part, content, name=place.name, revision=place.revision)


class _Files(NamedTuple):
    """Files whose rows follow each other: what the manifest calls them, what is not read, where they are.

    Of files from the Hub also their commit, of several repositories all commits.
    """

    name: str
    files: list[File]
    note: str = ""
    places: tuple[Path, ...] = ()
    revision: str = ""


def _files(given: Sequence[str], from_hub: Mapping[str, Fetched]) -> _Files:
    """The files that are meant by paths and names, and those that were fetched.

    Raises:
        DatagenError: one does not exist.
    """
    found: list[File] = []
    notes = []
    revisions = []
    for where in given:
        path = Path(where)
        if fetched := from_hub.get(where):
            found += fetched.files
            notes += [fetched.note] if fetched.note else []
            revisions.append(fetched.revision)
            continue
        if where == "-" or not path.is_dir():
            found.append(files.file_at(where))
            continue
        inside, note = folders.files_of(path)
        # Below a folder files may bear the same name.
        found += [
            files.file_at(str(one))._replace(name=files.printable(str(one.relative_to(path))))
            for one in inside
        ]
        notes += [note] if note else []
    names = [_name(where) for where in given]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return _Files(shown, found, "; ".join(notes), _places(given), ", ".join(revisions))


def _name(where: str) -> str:
    """What a manifest calls a path or a name."""
    if where.startswith(PREFIX):
        return where
    return files.printable(Path(where).resolve().name if Path(where).is_dir() else Path(where).name or where)


def _from_files(given: _Files, reading: Reading, limit: int | None = None) -> Source:
    rows = cache(partial(_spooled, given, reading, limit))
    return Source(
        given.name,
        partial(_digest, given, reading),
        lambda: rows().kept.rows,
        partial(_batches, rows),
        places=given.places,
        refused=lambda: rows().refused,
        notes=lambda: rows().notes,
        revision=given.revision,
    )


def _places(given: Sequence[str]) -> tuple[Path, ...]:
    return tuple(Path(where) for where in given if where != "-" and Path(where).exists())


def open_dropped(where: str) -> Source:
    """Open what a dataset directory dropped.

    Raises:
        DatagenError: `where` is no dataset directory.
    """
    place = _Dataset(Path(where))
    if where.startswith(PREFIX):
        found = on_hub.fetched(where, "dropped")
        place = _Dataset(found.folder or Path(where), where, found.revision)
    if not place.path.is_dir():
        raise DatagenError(f"{where} is no dataset directory, so nothing was dropped from it")
    return _part(place, "dropped")


def _digest(given: _Files, reading: Reading) -> str:
    digest = hashlib.sha256()
    for file in given.files:
        one = hashlib.sha256()
        with file.opened() as content:
            while block := content.read(_BLOCK):
                one.update(block)
                if len(given.files) == 1:
                    digest.update(block)
        if len(given.files) > 1:
            digest.update(one.digest())
    if reading.rename:
        digest.update(canonical.dumps(dict(reading.rename)).encode())
    if reading.columns:
        digest.update(canonical.dumps(sorted(reading.columns)).encode())
    return digest.hexdigest()


@dataclass
class _Rows:
    """All rows of files: those that can be worked on, those that are none, and what people should know."""

    kept: Spool = field(default_factory=Spool)
    refused: pl.DataFrame = field(default_factory=pl.DataFrame)
    notes: list[str] = field(default_factory=list)
    needless: tuple[str, ...] = ()


def _spooled(given: _Files, reading: Reading, limit: int | None) -> _Rows:
    """All rows, or the first of them, with datagen's columns."""
    kind, columns, raw = Kind(), tables.Columns(), Spool()
    of_json = []
    for file in given.files:
        is_json = files.is_json(file)
        for frame in files.frames(file, kind, reading.wanted()):
            of_json.append(is_json)
            if not is_json:
                columns.learn(frame.schema)
            raw.add(frame)
            if limit is not None and raw.rows >= limit:
                break
    missing = [name for name in reading.columns if name not in {*kind.fields, *columns.names()}]
    if missing and limit is None:  # the first rows may lack a column that later ones have
        raise _no_column(given, missing[0])
    if not raw.rows:
        raise _nothing(given)
    if kind.fields:
        columns.learn(pl.Schema({name: one.dtype() for name, one in kind.fields.items()}))
    shown = given.files[0].shown if len(given.files) == 1 else given.name
    recogniser, rows, left = Recogniser(shown, reading.rename), _Rows(), limit
    refused = []
    for frame, is_json in zip(raw.frames(), of_json, strict=True):
        whole = columns.fitted(json_rows.widened(frame, kind, shown) if is_json else frame)
        whole = whole if left is None else whole.head(left)
        good, bad = recogniser.recognise(whole)
        # A slice alone would keep its whole frame in memory; what comes back from the spool does not.
        for part in good.iter_slices(BATCH_ROWS) if good.height else [good]:
            rows.kept.add(part)
        refused.append(own_copy(bad))
        left = None if left is None else left - whole.height
    recogniser.end()
    rows.needless = recogniser.needless
    bad_ones = [frame for frame in refused if frame.height]
    rows.refused = _without(pl.concat(bad_ones) if bad_ones else pl.DataFrame(), rows.needless)
    if given.name != STARTER:
        rows.notes = [*([given.note] if given.note else []), *recogniser.notes]
    return rows


def _no_column(given: _Files, name: str) -> DatagenError:
    """What is said of --columns: the names that the files' first rows have."""
    known = [
        one
        for file in given.files
        for frame in islice(files.frames(file, Kind()), 1)
        for one in frame.columns
    ]
    near = nearest(name, [one_line(one, 40) for one in dict.fromkeys(known)]) if known else "it has no rows"
    return DatagenError(f"--columns: {given.name} has no column {one_line(name, 60)}; {near}")


def _nothing(given: _Files) -> DatagenError:
    empty = True
    for file in given.files:
        with file.opened() as content:
            empty = empty and not content.read(_BLOCK).strip()
    what = "is empty" if empty else "holds no rows"
    shown = given.files[0].shown if len(given.files) == 1 else given.name
    return DatagenError(f"{shown} {what}; it should hold one task per row")


def _batches(rows: Callable[[], _Rows]) -> Iterator[pl.DataFrame]:
    for whole in rows().kept.frames():
        frame = _without(whole, rows().needless)
        yield from frame.iter_slices(BATCH_ROWS) if frame.height else [frame]


def _without(frame: pl.DataFrame, needless: Sequence[str]) -> pl.DataFrame:
    for name in needless:
        frame = dropped(frame, name) if name in frame.columns else frame
    return frame
