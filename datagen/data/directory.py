"""The directory OUT: what may stand in it, one process at a time, and how it is replaced at once.

A data set grows in a hidden directory beside OUT and takes OUT's place by a rename when it is done.
Nothing is ever removed that datagen did not put there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from datagen.data import manifest
from datagen.errors import DatagenError, escaped

ROWS = ("data", "dropped")
STAGES = "stages"
_FILES = ("README.md", manifest.NAME)
_TEMPORARY = f".{manifest.NAME}.new"
_SHARD = re.compile(r"train-\d{5}-of-\d{5}\.parquet|\d+\.part")
_STAGE = re.compile(r"\d\d-[\w-]+")
#: What a killed process may leave among the stages.
_LEFT_OVER = re.compile(r"\.(?:\d\d-[\w-]+\.(?:making|old|lock)|joined)")


def real(out: Path) -> Path:
    """The absolute path behind `out`: links and dots are followed, or renames would hit the link."""
    try:
        return Path(os.path.realpath(out))
    except FileNotFoundError:
        raise DatagenError("the folder that you are in was removed; change to another") from None


def check(out: Path) -> bool:
    """Whether `out` holds something that datagen put there; False if it is empty or not there.

    Raises:
        DatagenError: `out` cannot become a data set without losing something.
    """
    place, out_shown = real(out), escaped(out)
    _refuse_impossible_name(place)
    if place == Path.cwd():
        raise DatagenError(
            f"-o {out_shown} is the folder that you are in; name another, such as -o {out_shown}/new"
        )
    if place.is_symlink() or (place.exists() and not place.is_dir()):  # real() leaves only loops of links
        what = "a loop of links" if place.is_symlink() else "a file"
        raise DatagenError(f"{out_shown} is {what}; -o names the directory of the new data set")
    if not place.exists() or not any(place.iterdir()):
        return False
    strange = _strange(place)
    if strange is None and not (place / manifest.NAME).exists() and not _is_unfinished_run(place):
        strange = min(place.iterdir())
    if strange is not None:
        raise DatagenError(
            f"{out_shown} holds {escaped(strange.relative_to(place))}, which datagen did not put there;"
            " choose another -o"
        )
    return True


def _refuse_impossible_name(place: Path) -> None:
    if not place.name:  # the root: what is in it is looked at
        return
    try:
        place.with_name(f".{place.name}.making").exists()
    except OSError as error:
        raise DatagenError(
            f"{_cut(escaped(place))} cannot be made: {error.strerror}; choose another -o"
        ) from None


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}\N{HORIZONTAL ELLIPSIS}"


def apart(out: Path, sources: Iterable[Path]) -> None:
    """Make sure that what is read does not lie in what is written, nor the other way round.

    Args:
        out: the directory to be made.
        sources: the files and folders to be read.

    Raises:
        DatagenError: one is, or lies in, the other.
    """
    place = real(out)
    for source in sources:
        read = real(source)
        if place == read:
            how = "is what is read"
        elif read in place.parents and read.is_dir():
            how = f"lies in {escaped(source)}, which is read"
        elif place in read.parents:
            how = f"holds {escaped(source)}, which is read"
        else:
            continue
        raise DatagenError(f"-o {escaped(out)} {how}; choose another -o, beside it")


def _strange(place: Path) -> Path | None:
    """The first thing in `place` that is no part of a data set."""
    for path in sorted(place.iterdir()):
        if path.is_symlink():
            return path
        if path.name in ROWS and path.is_dir():
            found = next((p for p in sorted(path.iterdir()) if not _is_shard(p)), None)
        elif path.name == STAGES and path.is_dir():
            found = _strange_stage(path)
        else:
            found = None if path.name in (*_FILES, _TEMPORARY) and path.is_file() else path
        if found is not None:
            return found
    return None


def _is_shard(path: Path) -> bool:
    return bool(_SHARD.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def _strange_stage(stages: Path) -> Path | None:
    for path in sorted(stages.iterdir()):
        if _LEFT_OVER.fullmatch(path.name) and not path.is_symlink():
            continue
        if path.is_symlink() or not (_STAGE.fullmatch(path.name) and (path / manifest.NAME).is_file()):
            return path
        if found := _strange(path):
            return found
    return None


def _is_unfinished_run(place: Path) -> bool:
    """Whether `place` holds finished stages, or what is left of the first and nothing beside it."""
    names = [path.name for path in place.iterdir()]
    return STAGES in names and (names == [STAGES] or any((place / STAGES).glob("[0-9][0-9]-*")))


def _clear(left_over: Path) -> None:
    """Remove what a killed process left, and nothing that anybody else put there."""
    if not left_over.exists() and not left_over.is_symlink():
        return
    is_folder = left_over.is_dir() and not left_over.is_symlink()
    if not is_folder or (strange := _strange(left_over)):
        what = strange if is_folder and strange else left_over
        raise DatagenError(
            f"{escaped(what)} is in the way, and datagen did not put it there; move it elsewhere"
        )
    shutil.rmtree(left_over)


@contextlib.contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """An empty directory that takes the place of `out` when the block ends without an exception."""
    place = real(out)
    making, old = (place.with_name(f".{place.name}.{what}") for what in ("making", "old"))
    with lock(out):
        if old.is_dir() and not old.is_symlink() and not place.exists():
            old.rename(place)  # killed between the two renames below
        _clear(making)
        _clear(old)
        making.mkdir()
        try:
            yield making
            if place.exists():
                check(out)  # once more: the work may have taken days
                place.rename(old)
            making.rename(place)
        finally:
            shutil.rmtree(making, ignore_errors=True)
            if place.exists():
                shutil.rmtree(old, ignore_errors=True)


def move_into(work: Path, out: Path) -> None:
    """Replace the data set in `out`, which may hold more than that, by the one in `work`.

    The manifest goes first and comes last: without it the directory is known to be unfinished.
    """
    place = real(out)
    (place / manifest.NAME).unlink(missing_ok=True)
    for name in (*ROWS, *_FILES):
        if (place / name).is_dir():
            shutil.rmtree(place / name)
        (work / name).replace(place / name)
    work.rmdir()


@contextlib.contextmanager
def lock(out: Path, *, busy: str | None = None) -> Iterator[None]:
    """Refuse to have two processes write one data set; a lock of the kernel's ends with its process.

    busy: what to say where another process holds it.

    Folders above `out` are made, and are gone again afterwards if nothing came into them.
    """
    place = real(out)
    _refuse_impossible_name(place)
    made = [folder for folder in place.parents if not folder.exists()]
    path = place.with_name(f".{place.name}.lock")
    handle = _opened_lock(path, out)
    try:
        _take(handle, busy or f"another datagen is writing {escaped(out)}; wait for it, or choose another -o")
        try:
            yield
        finally:
            if os.fstat(handle).st_size == 0:  # ours are empty
                path.unlink(missing_ok=True)
    finally:
        os.close(handle)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _opened_lock(path: Path, out: Path) -> int:
    """The lock file, made if it is not there; a link in its place would lead to another file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise DatagenError(
                f"{escaped(path)} is in the way, and datagen did not put it there; move it elsewhere"
            )
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o644)
    except (FileExistsError, NotADirectoryError):
        why = "a file is in its way"
    except OSError as error:
        why = error.strerror or str(error)
    raise DatagenError(f"{escaped(out)} cannot be made: {why}; choose another -o")


def _take(handle: int, busy: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink == 0:  # its last holder removed the file while we opened it
            raise BlockingIOError
    except BlockingIOError:
        raise DatagenError(busy) from None
