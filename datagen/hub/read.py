"""Fetches files of a data set's repository at one commit.

Without HF_HUB_OFFLINE the Hub says which commit a revision is; what it said is remembered, so that the same
files can be read offline later, all of them or none. The files lie in the Hub client's own cache (HF_HOME).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from datagen import cache, canonical
from datagen.errors import DatagenError, one_line
from datagen.hub import client

_COMMIT = re.compile(r"[0-9a-f]{40}")
_MOST_FILES = 100_000
_AT_A_TIME = 8


class Repository(NamedTuple):
    """A data set's repository at one commit.

    Args:
        name: OWNER/NAME.
        commit: its hash.
        files: the names of all files.
    """

    name: str
    commit: str
    files: tuple[str, ...]


def resolve(name: str, revision: str = "") -> Repository:
    """A repository at the commit that a revision is now; offline, at the one that it was when last asked.

    Args:
        name: OWNER/NAME.
        revision: a branch, a tag or a commit; "" for the main branch.

    Raises:
        DatagenError: there is none, or the Hub cannot be asked.
    """
    note = cache.folder("what the Hub said") / "hub" / f"{_note_key(name, revision)}.json"
    if client.is_offline():
        return _remembered(note, name)
    api = client.api(client.token())
    with client.talking(name, revision):
        info = api.repo_info(name, repo_type="dataset", revision=revision or None, timeout=client.SECONDS)
        names = [one.rfilename for one in info.siblings or ()]
        commit = info.sha
    if not (isinstance(commit, str) and _COMMIT.fullmatch(commit)):
        raise DatagenError(f"{client.address()} names no commit for {name}; is HF_ENDPOINT right?")
    if len(names) > _MOST_FILES:
        raise DatagenError(f"{name} holds {len(names):,} files, and {_MOST_FILES:,} are read at most")
    found = Repository(name, commit, tuple(sorted(one for one in names if _is_inside(one))))
    _remember(note, found)
    return found


def _note_key(name: str, revision: str) -> str:
    return canonical.row_id(client.address(), name, revision)


def _is_inside(name: object) -> bool:
    """Whether a file's name stays inside its repository; a server may say anything."""
    if not isinstance(name, str) or not name.isprintable() or "\\" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.as_posix() == name


def _remember(note: Path, found: Repository) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        fresh = note.with_suffix(".new")
        fresh.write_text(json.dumps(found._asdict()), encoding="utf-8")
        fresh.replace(note)
    except OSError:
        return  # offline it will be missed


def _remembered(note: Path, name: str) -> Repository:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        return Repository(name, str(content["commit"]), tuple(filter(_is_inside, content["files"])))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise DatagenError(
            f"{name} was not read before, and HF_HUB_OFFLINE is set; unset it, or read it once online"
        ) from None


def fetch(repository: Repository, names: Iterable[str]) -> list[Path]:
    """Files of a repository as files here, in the same order; those that are here already are not asked for.

    Raises:
        DatagenError: one cannot be fetched.
    """
    api = client.api(None if client.is_offline() else client.token())

    with client.talking(repository.name, repository.commit), ThreadPoolExecutor(_AT_A_TIME) as pool:
        return [*map(Path, pool.map(partial(_downloaded, api, repository), names))]


def _downloaded(api: Any, repository: Repository, name: str) -> str:  # noqa: ANN401
    missing = client.library().errors.LocalEntryNotFoundError
    try:
        found: str = api.hf_hub_download(
            repository.name,
            name,
            repo_type="dataset",
            revision=repository.commit,
            local_files_only=client.is_offline(),
        )
    except missing:
        if not client.is_offline():
            raise
        raise DatagenError(
            f"{one_line(name, 80)} of {repository.name} is not in the cache, and HF_HUB_OFFLINE is set;"
            " unset it, or read it once online"
        ) from None
    return found
