"""Where things are kept: folders, SQLite on their file system, the journal."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from datagen.checkup.finding import Finding

_LITTLE, _TOO_LITTLE = 2**30, 50 * 2**20
_TEMPORARY = ".datagen-doctor-"
#: File systems on other machines. Processes that share a SQLite file in WAL mode must run on one machine.
_NETWORK = re.compile(r"nfs|cifs|smb|lustre|gpfs|beegfs|ceph|afs|ncpfs|9p|sshfs|glusterfs|davfs|s3fs|gcsfuse")
_ELSEWHERE = "name a folder on a local disk in DATAGEN_CACHE_DIR"


def cache_folder() -> Finding:
    """Whether the journal's folder has room and can be written."""
    return _folder(_journal().parent, "name another folder in DATAGEN_CACHE_DIR")


def working_folder() -> Finding:
    """Whether the working folder has room and can be written."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return Finding("FAIL", "the folder that you are in was removed", "change to another")
    return _folder(here, "let -o name a folder elsewhere")


def _folder(path: Path, advice: str) -> Finding:
    there = _existing(path)
    try:
        with tempfile.TemporaryDirectory(dir=there, prefix=_TEMPORARY):
            free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding("FAIL", f"{path} cannot be written: {error.strerror or error}", advice)
    detail = f"{path}, {_size(free)} free"
    if free < _LITTLE:
        return Finding("FAIL" if free < _TOO_LITTLE else "warn", detail, f"make room, or {advice}")
    return Finding("ok", detail)


def wal() -> Finding:
    """Whether several processes can share a SQLite file with a write-ahead log on the journal's disk."""
    import sqlite3  # some builds of Python come without it

    there = _existing(_journal().parent)
    kind = _file_system(there)
    try:
        return _tried(there, kind)
    except sqlite3.Error as error:
        return Finding("FAIL", f"SQLite fails on {kind}: {error}", _ELSEWHERE)
    except OSError:
        return Finding("skip", "not tried, because the cache folder cannot be written")


def _tried(there: Path, kind: str) -> Finding:
    import sqlite3

    with tempfile.TemporaryDirectory(dir=there, prefix=_TEMPORARY) as folder:
        file = Path(folder) / "try.sqlite"
        with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(file)) as other:
            mode = one.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                return Finding("FAIL", f"SQLite cannot have a write-ahead log on {kind}", _ELSEWHERE)
            one.execute("PRAGMA synchronous = FULL")
            one.execute("CREATE TABLE tried (number INTEGER)")
            started = time.perf_counter()
            with one:
                one.execute("INSERT INTO tried VALUES (1)")
            milliseconds = 1000 * (time.perf_counter() - started)
            if other.execute("SELECT number FROM tried").fetchall() != [(1,)]:
                return Finding("FAIL", f"on {kind} a process does not see what another wrote", _ELSEWHERE)
    detail = f"works on {kind}, {milliseconds:.1f} ms for a commit"
    if _NETWORK.search(kind):
        return Finding("warn", f"{detail}, but only for one machine at a time", _ELSEWHERE)
    return Finding("ok", detail)


def journal(*, quick: bool) -> Finding:
    """Whether the journal can be read and all its pages are undamaged. It is not changed.

    Args:
        quick: open a large journal, without a check of its pages.
    """
    import sqlite3

    from datagen.journal import CHECKED_BYTES
    from datagen.journal.damage import check_pages, check_schema, errors_explained

    path = _journal()
    if not os.path.lexists(path):
        return Finding("ok", f"{path} is not there yet; the first call makes it")
    with errors_explained(path):
        size = path.stat().st_size
        if not size:
            return Finding("FAIL", f"{path} is empty, which not even a new one is",
                           "put a copy of it back, or remove it to begin a new one")  # fmt: skip
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            connection.text_factory = bytes.decode
            check_schema(connection, path)
            if quick and size > CHECKED_BYTES:
                return Finding("ok", f"{path}, {_size(size)}, opens; its pages are checked without --quick")
            check_pages(connection, path)
            calls = connection.execute("SELECT COUNT(*) FROM calls").fetchone()[0]
    return Finding("ok", f"{path}, {_size(size)}, {calls:,} calls, no page damaged")


def _journal() -> Path:
    from datagen.journal import default_path

    return default_path()


def _existing(path: Path) -> Path:
    """The folder itself, or its nearest parent that exists."""
    there = path.absolute()
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    return there


def _file_system(path: Path) -> str:
    """The kind of file system, such as ext4; on Linux only."""
    real = Path(os.path.realpath(path))
    best, kind = "", "this file system"
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return kind
    for line in lines:
        place = line.split(" ")[1].replace("\\040", " ")
        if real.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, line.split(" ")[2]
    return kind


def _size(count: float) -> str:
    for power, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB")):
        if count >= 2**power:
            return f"{count / 2**power:.1f} {unit}"
    return f"{count / 2**10:.1f} KiB"
