"""Data sets of the Hub as inputs: which files of a repository hold the rows of a config and a split.

A data set of datagen's is read as a dataset directory, and so are its digests compared. Of others the card
says which files a config has; without a card that does, the names of the files tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from datagen.data import manifest
from datagen.data.inputs import files, folders
from datagen.data.inputs.files import File
from datagen.errors import DatagenError, nearest, one_line
from datagen.hub import address, read
from datagen.hub.address import Address
from datagen.hub.read import Repository

_CARD = "README.md"
_LARGEST = 2**24
_DEFAULT = "default"
_MARK = re.compile(rb'"datagen"\s*:')


class Fetched(NamedTuple):
    """Files of a repository.

    Args:
        revision: their commit.
        folder: the dataset directory, if it is one of datagen's; then there are no files.
        files: the files with the rows.
        note: what of the repository is not read; "" for nothing.
    """

    revision: str
    folder: Path | None = None
    files: Sequence[File] = ()
    note: str = ""


def fetched(text: str, part: str = "data") -> Fetched:
    """Fetch what an address names.

    Args:
        text: as `hf:OWNER/NAME`; see `datagen.hub.address`.
        part: of a data set of datagen's, "data" or "dropped".

    Raises:
        UsageError: it is no address.
        DatagenError: there is no such data set, config or split, or the Hub cannot be asked.
    """
    wanted = address.parse(text)
    repository = read.resolve(wanted.repo, wanted.revision)
    is_whole = wanted.config in ("", _DEFAULT) and wanted.split in ("", "train")
    if is_whole and (folder := _dataset(repository, part)):
        return Fetched(repository.commit, folder)
    names, note = _chosen(repository, wanted, text)
    return Fetched(repository.commit, files=_files(repository, names), note=note)


def fetched_splits(text: str, usual: str) -> Fetched:
    """Fetch the files of one split or several, such as `hf:OWNER/NAME:train+test`, whoever made the data set.

    Args:
        text: as `hf:OWNER/NAME`; see `datagen.hub.address`.
        usual: the split where none is named; the only one where there is but one.

    Raises:
        UsageError: it is no address.
        DatagenError: there is no such data set, config or split, or the Hub cannot be asked.
    """
    wanted = address.parse(text)
    repository = read.resolve(wanted.repo, wanted.revision)
    names: dict[str, None] = {}
    notes = []
    for split in wanted.split.split("+"):
        some, note = _chosen(repository, wanted._replace(split=split), text, usual)
        names |= dict.fromkeys(some)
        notes += [note] if note else []
    return Fetched(repository.commit, files=_files(repository, [*names]), note="; ".join(notes))


def _files(repository: Repository, names: Sequence[str]) -> list[File]:
    return [
        File(name, files.suffix_of(PurePosixPath(name)), files.file_at(str(place)).raw)
        for name, place in zip(names, read.fetch(repository, names), strict=True)
    ]


def _dataset(repository: Repository, part: str) -> Path | None:
    """The folder of a data set of datagen's, with the files of one part; None if it is none."""
    if manifest.NAME not in repository.files:
        return None
    (mark,) = read.fetch(repository, [manifest.NAME])
    if mark.stat().st_size > _LARGEST or not _MARK.search(mark.read_bytes()):
        return None
    content = manifest.read(mark.parent)
    names = [name for name in content["files"] if name.startswith(f"{part}/") and name in repository.files]
    read.fetch(repository, names)
    return mark.parent


def _chosen(
    repository: Repository, wanted: Address, shown: str, usual: str = "train"
) -> tuple[list[str], str]:
    """The files of the config and the split that are wanted, and what is not read."""
    configs = _configs(repository)
    if not configs:
        if wanted.config:
            raise DatagenError(f"{shown}: the card of {repository.name} names no configs; name none")
        paths = [PurePosixPath(name) for name in repository.files if not _is_hidden(name)]
        if not any(files.suffix_of(path) in folders.FORMATS for path in paths):
            raise _nothing(repository, shown)
        found, note = folders.by_names(paths, shown, repository.name, wanted.split, usual)
        return [str(path) for path in found], "" if wanted.split else note
    config = _one_of([*configs], wanted.config, _DEFAULT, f"{shown}: config")
    splits = configs[config]
    split = _one_of([*splits], wanted.split, usual, f"{shown}: split")
    visible = [name for name in repository.files if not _is_hidden(name) or name in splits[split]]
    names = sorted(name for name in visible if _matches(name, splits[split]))
    if not names:
        raise DatagenError(
            f"{shown}: {repository.name} holds no files as its card names them for {config}/{split}:"
            f" {one_line(', '.join(splits[split]), 120)}"
        )
    others = [name for name in splits if name != split] if not wanted.split else []
    note = f"{repository.name}: only the split {split} is read, not {', '.join(others)}" if others else ""
    return names, one_line(note)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _nothing(repository: Repository, shown: str) -> DatagenError:
    """What is said of a repository without files of rows."""
    allowed = ", ".join(folders.FORMATS)
    scripts = [name for name in repository.files if name.endswith(".py")]
    more = f"; code such as {one_line(scripts[0], 60)} is never run" if scripts else ""
    how = "give one that does, or a revision of it such as @refs/convert/parquet"
    return DatagenError(f"{shown} holds no files of rows ({allowed}){more}; {how}")


def _one_of(names: Sequence[str], wanted: str, usual: str, what: str) -> str:
    """The name that is wanted; else the usual one, or the only one."""
    if wanted in names:
        return wanted
    shown = [one_line(name, 60) for name in names]
    if wanted:
        raise DatagenError(f"{what} {wanted} is not there; {nearest(wanted, shown)}")
    if usual in names or len(names) == 1:
        return usual if usual in names else names[0]
    kind = what.rpartition(" ")[2]
    how = ":CONFIG/" if kind == "config" else ":SPLIT"
    raise DatagenError(f"{what} should be named, {how} behind the name; allowed: {', '.join(shown)}")


def _configs(repository: Repository) -> dict[str, dict[str, list[str]]]:
    """The patterns of files by split, by config, as the card names them."""
    if _CARD not in repository.files:
        return {}
    (card,) = read.fetch(repository, [_CARD])
    text = card.read_text(encoding="utf-8", errors="replace") if card.stat().st_size <= _LARGEST else ""
    start, end, _ = text.removeprefix("---\n").partition("\n---")
    if not text.startswith("---\n") or not end:
        return {}
    import yaml

    try:
        front = yaml.safe_load(start)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}  # the Hub's own libraries go by the files' names then
    entries = front.get("configs") if isinstance(front, dict) else None
    found: dict[str, dict[str, list[str]]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and (splits := dict(_splits(entry))):
            name = str(entry.get("config_name", _DEFAULT))
            found[name] = splits
            if entry.get("default") is True and name != _DEFAULT:
                found.setdefault(_DEFAULT, splits)
    return found


def _splits(entry: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The patterns of a config's files by split: one pattern, several, or some for each split."""
    given = entry.get("data_files")
    folder = entry.get("data_dir")
    start = f"{folder.strip('/')}/" if isinstance(folder, str) else ""
    if given is None and start:
        given = f"{start}**"
        start = ""
    if isinstance(given, dict):
        given = [{"split": split, "path": path} for split, path in given.items()]
    if isinstance(given, list) and any(isinstance(one, dict) for one in given):
        for one in given:
            if isinstance(one, dict) and (patterns := _texts(one.get("path"))):
                yield str(one.get("split", "train")), [start + pattern for pattern in patterns]
    elif patterns := _texts(given):
        yield "train", [start + pattern for pattern in patterns]


def _texts(value: object) -> list[str]:
    given = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [one for one in given if isinstance(one, str)]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(_pattern(pattern).fullmatch(name) for pattern in patterns)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob as the Hub has them: ** crosses folders; *, ? and [...] do not."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[\w.-]+\])", glob.removeprefix("./"))
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    sets = {part: part.replace("[!", "[^") for part in parts if part.startswith("[") and len(part) > 1}
    try:
        return re.compile("".join((meaning | sets).get(part, re.escape(part)) for part in parts))
    except re.error:  # such as [z-a]
        return re.compile(re.escape(glob))
