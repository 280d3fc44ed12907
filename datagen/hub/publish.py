"""Brings files into a data set's repository on the Hub: the large ones first, then one commit for all.

Nobody sees a part of it: until the commit the repository is what it was. A file that is there already, by its
hash, is not sent again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datagen.canonical import file_sha256
from datagen.errors import DatagenError, one_line
from datagen.hub import client

_COMMIT = re.compile(r"[0-9a-f]{40}")
#: The Hub writes it into each new repository.
_ATTRIBUTES = ".gitattributes"
_MARK = "manifest.json"
_LARGEST_MARK = 2**26


class Upload(NamedTuple):
    """A file to publish: its path in the repository, and where it lies here."""

    name: str
    file: Path

    @property
    def size(self) -> int:
        """In bytes."""
        return self.file.stat().st_size


class Published(NamedTuple):
    """What was done.

    Args:
        url: of the data set.
        commit: its newest commit.
        uploaded: files that are new or changed.
        unchanged: files that were there already.
        deleted: files that were there and are not any more.
        private: whether the Hub says that others cannot see it; None where it does not say.
    """

    url: str
    commit: str
    uploaded: Sequence[str]
    unchanged: Sequence[str]
    deleted: Sequence[str]
    private: bool | None


class _There(NamedTuple):
    """What a repository holds: its newest commit, and the hashes of its files by name."""

    commit: str | None
    files: Mapping[str, frozenset[str]]
    private: bool | None


def publish(
    repo: str,
    uploads: Sequence[Upload],
    message: str,
    *,
    private: bool,
    overwrite: bool,
    ours: Callable[[str], bool],
) -> Published:
    """Make `repo` hold the files, in one commit.

    Args:
        repo: OWNER/NAME.
        uploads: all of the data set's files.
        message: of the commit.
        private: whether a new repository is to be private; an existing one has to be.
        overwrite: whether a repository that holds anything else may be replaced.
        ours: whether a file that the uploads lack belongs to an older version of the data set, by its name.

    Raises:
        DatagenError: there is no token, or it may not; the repository is something else; the Hub fails.
    """
    if client.is_offline():
        raise DatagenError("HF_HUB_OFFLINE is set, so nothing can be published; unset it, or use --dry-run")
    key = client.token()
    if key is None:
        raise DatagenError(
            f"publishing needs a token with write access to {repo}; make one at"
            f" {client.address()}/settings/tokens and put it into HF_TOKEN"
        )
    api = client.api(key)
    there, is_new = _there(api, repo), False
    if there is None:
        with client.talking(repo):
            # An organisation may have its own default, so "public" is not asked for.
            api.create_repo(repo, repo_type="dataset", private=private or None)
        there, is_new = _there(api, repo) or _There(None, {}, None), True
    if private and there.private is False:
        raise DatagenError(
            f"{repo} is public on {client.address()}; make it private there, or leave out --private"
        )
    try:
        return _commit(api, repo, uploads, message, there, _old(api, repo, there, overwrite, ours))
    except DatagenError as error:
        if not is_new:
            raise
        raise DatagenError(
            f"{error} (the new repository {repo} is empty; the same command fills it)"
        ) from None


def _there(api: Any, repo: str) -> _There | None:  # noqa: ANN401
    """What a repository holds; None if it does not exist."""
    missing = client.library().errors.RepositoryNotFoundError
    with client.talking(repo):
        try:
            info = api.repo_info(repo, repo_type="dataset", timeout=client.SECONDS)
        except missing as error:
            if getattr(error.response, "status_code", 404) != 404:
                raise  # a token that is not taken
            return None
        commit = info.sha if isinstance(info.sha, str) and _COMMIT.fullmatch(info.sha) else None
        private = getattr(info, "private", None)
    return _There(commit, _files(api, repo, commit), private if isinstance(private, bool) else None)


def _files(api: Any, repo: str, commit: str | None) -> dict[str, frozenset[str]]:  # noqa: ANN401
    """The files of a repository, with the hashes that the Hub knows them by."""
    empty = client.library().errors.EntryNotFoundError
    with client.talking(repo):
        try:
            entries = [*api.list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset")]
        except empty:  # without any commit there is no tree
            return {}
        found = {}
        for entry in entries:
            if hasattr(entry, "size"):  # a folder has none
                large = getattr(entry, "lfs", None)
                hashes = (getattr(entry, "blob_id", None), getattr(large, "sha256", None))
                found[str(entry.path)] = frozenset(one for one in hashes if isinstance(one, str))
        return found


def _old(
    api: Any,  # noqa: ANN401
    repo: str,
    there: _There,
    overwrite: bool,
    ours: Callable[[str], bool],
) -> set[str]:
    """The files that a repository holds and that go unless they are uploaded again.

    Raises:
        DatagenError: it holds no data set of datagen's, and is not to be replaced.
    """
    names = {*there.files} - {_ATTRIBUTES}
    if not names:
        return set()
    if _MARK in names and _is_ours(api, repo, there.commit):
        return {*filter(ours, names)}
    if overwrite:
        return names
    raise DatagenError(
        f"{repo} exists and holds {one_line(min(names), 60)}, but no data set of datagen's;"
        " choose another name, or --overwrite replaces all that it holds"
    )


def _is_ours(api: Any, repo: str, commit: str | None) -> bool:  # noqa: ANN401
    with client.talking(repo):
        file = Path(api.hf_hub_download(repo, _MARK, repo_type="dataset", revision=commit))
        raw = file.read_bytes() if file.stat().st_size <= _LARGEST_MARK else b""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "datagen" in content


def _commit(
    api: Any,  # noqa: ANN401
    repo: str,
    uploads: Iterable[Upload],
    message: str,
    there: _There,
    old: set[str],
) -> Published:
    library = client.library()
    same: list[Upload] = []
    new: list[Upload] = []
    for one in uploads:
        known = there.files.get(one.name, frozenset())
        (same if known and known & _hashes(one.file) else new).append(one)
    deleted = sorted(old - {one.name for one in (*same, *new)})
    url, commit = f"{client.address()}/datasets/{repo}", there.commit or ""
    with client.talking(repo):
        operations = [library.CommitOperationAdd(one.name, str(one.file)) for one in new]
        operations += [library.CommitOperationDelete(name, is_folder=False) for name in deleted]
        if operations:
            # Sends large files first, then the one commit, which fails if the repository has changed.
            done = api.create_commit(
                repo, operations, commit_message=message, repo_type="dataset", parent_commit=there.commit
            )
            commit = str(done.oid)
    uploaded, unchanged = ([one.name for one in several] for several in (new, same))
    return Published(url, one_line(commit, 64), uploaded, unchanged, deleted, there.private)


def _hashes(file: Path) -> set[str]:
    """The sha256 of a file, as for large ones, and git's own hash of it."""
    git = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            git.update(block)
    return {file_sha256(file), git.hexdigest()}
