"""Which files of a folder hold its rows: a repository of the Hub, shards, or what `save_to_disk` wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

from datagen.data.inputs.files import suffix_of
from datagen.errors import DatagenError, nearest, one_line

MAX_FILES = 10_000
#: Where files of several formats lie together, the first of these is read.
FORMATS = (".parquet", ".arrow", ".jsonl", ".ndjson", ".csv", ".tsv", ".json")
#: JSON files that say something about a data set.
_ABOUT = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})
#: The Hub's words for the parts of a data set: https://huggingface.co/docs/hub/datasets-file-names-and-splits
_SPLITS = {
    "train": re.compile(r"(?:^|[^a-z])train(?:ing)?(?:[^a-z]|$)"),
    "validation": re.compile(r"(?:^|[^a-z])(?:validation|valid|val|dev)(?:[^a-z]|$)"),
    "test": re.compile(r"(?:^|[^a-z])(?:test|testing|eval|evaluation)(?:[^a-z]|$)"),
}


def files_of(folder: Path) -> tuple[list[Path], str]:
    """The files with the rows of a folder in order, and what of it is not read, "" for nothing.

    Of several splits `train` is read.

    Raises:
        DatagenError: it holds no files of rows, or is a data set of datagen's that is not finished.
    """
    made_here = (folder / "dropped").is_dir() and (folder / "data").is_dir()
    if made_here or any((folder / "stages").glob("[0-9]*-*")):
        raise DatagenError(
            f"{folder} has no manifest.json, so it is no finished data set;"
            " run the command that makes it again"
        )
    if (folder / "dataset_dict.json").exists():
        parts = [str(part) for part in _json(folder / "dataset_dict.json", "splits")]
        chosen = "train" if "train" in parts else parts[0]
        others = [part for part in parts if part != chosen]
        return files_of(_inside(folder, chosen))[0], _not_read(folder.name, others, chosen)
    if (folder / "state.json").exists():
        entries = _json(folder / "state.json", "_data_files")
        return [
            _inside(folder, entry.get("filename") if isinstance(entry, dict) else entry) for entry in entries
        ], ""
    return _by_names(folder)


def _by_names(folder: Path) -> tuple[list[Path], str]:
    names = [path.relative_to(folder) for path in _visible(folder)]
    files, note = by_names(names, str(folder), folder.name)
    return [folder / name for name in files], note


def by_names(
    names: Iterable[PurePath], shown: str, short: str, wanted: str = "", usual: str = "train"
) -> tuple[list[PurePath], str]:
    """The files of one format and one split among files, and what of them is not read, "" for nothing.

    Args:
        names: of all files, inside their folder.
        shown: what error lines call the folder.
        short: what the note calls it.
        wanted: the split; "" for the usual one, or all files where none is of that split.
        usual: the split that is read where none is wanted.

    Raises:
        DatagenError: no file holds rows, or none is of the split.
    """
    found = [path for path in names if path.name not in _ABOUT]
    for suffix in FORMATS:
        files = sorted(path for path in found if suffix_of(path) == suffix)
        if files:
            break
    else:
        raise DatagenError(
            f"{shown} is no data set of datagen's and holds no files of rows ({', '.join(FORMATS)});"
            " give the folder that holds them"
        )
    if len(files) > MAX_FILES:
        raise DatagenError(f"{shown} holds {len(files):,} files, and {MAX_FILES:,} are read at most")
    formats = sorted({suffix_of(path) for path in found} - {suffix, ""})
    other = f"{short}: only files in {suffix} are read, not those in {', '.join(formats)}" if formats else ""
    splits: dict[str, list[PurePath]] = {}
    for path in files:
        splits.setdefault(_split(path), []).append(path)
    chosen = wanted or usual
    if chosen not in splits:
        if wanted:
            raise DatagenError(f"{shown} has no split {wanted}; {nearest(wanted, filter(None, splits))}")
        return files, other
    rest = _not_read(short, [name or "other files" for name in splits if name != chosen], chosen)
    return splits[chosen], "; ".join(filter(None, (rest, other)))


def _visible(folder: Path) -> list[Path]:
    """Files at any depth; links to folders are not followed, so there is no loop."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            found += [] if path.is_symlink() else _visible(path)
        else:
            found.append(path)
    return found


def _split(path: PurePath) -> str:
    """The split that a file's name or its folders' speak of, the nearest first; "" if none."""
    for part in (path.name.lower(), *(name.lower() for name in reversed(path.parts[:-1]))):
        for split, words in _SPLITS.items():
            if words.search(part):
                return split
    return ""


def _json(path: Path, key: str) -> list[Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))[key]
        if isinstance(found, list) and found:
            return found
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    raise DatagenError(f"{path} is not what `save_to_disk` writes; save the data set again") from None


def _inside(folder: Path, name: object) -> Path:
    if not isinstance(name, str) or "/" in name or not name:
        raise DatagenError(f"{folder} names {one_line(name, 60)} among its parts, which is no name of one")
    return folder / name


def _not_read(name: str, others: list[str], read: str = "train") -> str:
    if not others:
        return ""
    told = f"only the split {read} is read, not {', '.join(others)}"
    return f"{name}: {told}; give these files to read them"
