"""The folder of a trained model: what may stand in it, where it grows, and how it takes its place at once.

A training grows in a hidden folder beside OUT, which outlives a killed process: its checkpoints are there.
The finished model takes OUT's place by a rename. `training.json` is written last and lists all files, so its
presence means that the folder is complete, and nothing is ever removed that is not in that list.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from datagen import canonical
from datagen.data import directory
from datagen.errors import DatagenError, escaped

FORMAT = 1
NAME = "training.json"
_KEY = "key.json"
_MODEL = "model"


def read(out: Path) -> dict[str, Any] | None:
    """What `training.json` says; None where there is none that can be read."""
    try:
        content = json.loads((out / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    is_ours = isinstance(content, dict) and content.get("format") == FORMAT and "key" in content
    return content if is_ours and isinstance(content.get("files"), dict) else None


def already_made(out: Path, key: str, *, overwrite: bool) -> dict[str, Any] | None:
    """The content of `training.json` if this very training made OUT whole; None if there is something to do.

    Raises:
        DatagenError: OUT holds something else, and `overwrite` was not asked for or is not safe.
    """
    place, shown = directory.real(out), escaped(out)
    if place == Path.cwd() or (place.exists() and not place.is_dir()):
        raise DatagenError(
            f"{shown} is a file or the folder that you are in; -o names the model's new folder"
        )
    if not place.exists() or not any(place.iterdir()):
        return None
    content = read(place)
    known = {*(content["files"] if content else ()), NAME}
    strange = next((one for one in sorted(place.iterdir()) if not content or one.name not in known), None)
    if strange is not None or content is None:
        name = escaped(strange.name) if strange else NAME
        raise DatagenError(f"{shown} holds {name}, which train did not put there; choose another -o")
    if content["key"] == key and _files(place) == content["files"]:
        return content
    if content["key"] != key and not overwrite:
        raise DatagenError(
            f"{shown} holds a model trained on other data or with other options; --overwrite replaces it, or"
            " choose another -o"
        )
    return None


def _files(place: Path) -> dict[str, str]:
    """The sha256 of every file but `training.json`, by name."""
    files = sorted(one for one in place.iterdir() if one.name != NAME)
    return {one.name: canonical.file_sha256(one) for one in files if one.is_file()}


@contextlib.contextmanager
def working(out: Path, key: str, *, overwrite: bool) -> Iterator[Path]:
    """The hidden folder in which OUT grows, one process at a time; what an earlier process left is in it.

    Raises:
        DatagenError: another process trains there, or another training was left there unfinished.
    """
    place = directory.real(out)
    work = place.with_name(f".{place.name}.training")
    with directory.lock(out):
        if work.is_symlink() or (work.exists() and not (work / _KEY).is_file()):
            raise DatagenError(f"{escaped(work)} is in the way, and train did not put it there; move it away")
        if work.exists() and _key(work) != key:
            if not overwrite:
                raise DatagenError(
                    f"{escaped(work)} holds an unfinished training on other data or with other options;"
                    " --overwrite starts anew, or choose another -o"
                )
            shutil.rmtree(work)
        if not work.exists():
            work.mkdir()
            (work / _KEY).write_text(json.dumps({"key": key}), encoding="utf-8")
        try:
            yield work
        except BaseException:
            if not any(work.glob("checkpoint-*")):  # nothing to go on from
                shutil.rmtree(work)
            raise


def _key(work: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((work / _KEY).read_text(encoding="utf-8"))["key"])
    return None


def model_in(work: Path) -> Path:
    """An empty folder within the hidden one, for the model's files."""
    place = work / _MODEL
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return place


def finish(work: Path, out: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write `training.json`, put the model in OUT's place, and remove what it grew in."""
    place, made, old = directory.real(out), work / _MODEL, work / "old"
    whole = {"format": FORMAT, **content, "files": _files(made)}
    (made / NAME).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if place.exists():
        already_made(out, "", overwrite=True)  # once more: the training may have taken days
        place.rename(old)
    made.rename(place)
    shutil.rmtree(work)
    return whole
