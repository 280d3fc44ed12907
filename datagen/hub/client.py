"""The Hub's own client library, and what is said of each way in which a Hub can fail."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from datagen import secrets
from datagen.errors import DatagenError, one_line
from datagen.hub import patience
from datagen.version import __version__, install

#: The client reads these when it is imported; what the user has set stays. Its Xet transfers need a server of
#: their own, which mirrors and local Hubs lack; its progress bars are not ours.
_SETTINGS = {
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
_TRUE = {"1", "ON", "YES", "TRUE"}
_DEFAULT_ADDRESS = "https://huggingface.co"
_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*")
_LONGEST_ID = 96
#: How long it may take a Hub to say what a repository is; the client itself would wait for ever.
SECONDS = 30.0
_TOKEN = "put one into HF_TOKEN"


def is_repo(repo: str) -> bool:
    """Whether a text is OWNER/NAME as the Hub takes it.

    >>> is_repo("me/my-set"), is_repo("my-set"), is_repo("me/a--b"), is_repo("me/set.git")
    (True, False, False, False)
    """
    odd = ("--" in repo, ".." in repo, repo.endswith((".git", "-", ".")), len(repo) > _LONGEST_ID)
    return bool(_ID.fullmatch(repo)) and repo.isascii() and not any(odd)


def library() -> Any:  # noqa: ANN401 - an optional package
    """The package huggingface_hub.

    Raises:
        DatagenError: it is not installed.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import huggingface_hub
        from huggingface_hub import constants
        from huggingface_hub.utils import disable_progress_bars
    except ImportError:
        raise DatagenError(f"the Hub needs the package huggingface_hub; {install('hub')}") from None
    # Another package may have imported it before.
    constants.HF_HUB_DISABLE_XET |= os.environ["HF_HUB_DISABLE_XET"].upper() in _TRUE
    if os.environ["HF_HUB_DISABLE_PROGRESS_BARS"].upper() in _TRUE:
        disable_progress_bars()
    # Its warnings say what the one error line says at the end; those of its retries go to `patience` alone.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    retries = logging.getLogger("huggingface_hub.utils._http")
    retries.setLevel(logging.WARNING)
    retries.propagate = False
    return huggingface_hub


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids to ask the Hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE


def address() -> str:
    """The Hub's address for people, without a password that it may hold."""
    parts = urlsplit(_address() or _DEFAULT_ADDRESS)
    host = parts.netloc.rpartition("@")[2]
    return one_line(f"{parts.scheme}://{host}{parts.path}", 120)


def _address() -> str | None:
    return os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or None


def token() -> str | None:
    """The user's token: HF_TOKEN, or what a login stored. It is a secret from here on."""
    with talking("the token"):
        found = library().get_token()
    if found:
        secrets.register(found)
    return found or None


def api(key: str | None) -> Any:  # noqa: ANN401 - of an optional package
    """The client of the Hub that HF_ENDPOINT names.

    Args:
        key: the token to send, None for none.

    Raises:
        DatagenError: huggingface_hub is not installed, or the address is none.
    """
    where = _address()
    if where is not None:
        _check(where)
    return library().HfApi(
        endpoint=where, token=key or False, library_name="datagen", library_version=__version__
    )


def _check(where: str) -> None:
    try:
        parts = urlsplit(where)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = None
    if not fits:
        raise DatagenError("HF_ENDPOINT is no address; it should be as https://huggingface.co, or not set")
    if parts.password:
        secrets.register_login(parts.username or "", parts.password)


@contextlib.contextmanager
def talking(repo: str, revision: str = "") -> Iterator[None]:
    """Turn whatever goes wrong between the client and a Hub into one line.

    Args:
        repo: what is asked about.
        revision: which revision of it.

    Raises:
        DatagenError: what went wrong, and what to do. The token is not in it.
    """
    try:
        with warnings.catch_warnings(), patience.waiting(address(), repo):
            warnings.simplefilter("ignore")
            yield
    except DatagenError:
        raise
    # A Hub may answer anything, and the client then fails in any way.
    except Exception as error:
        raise DatagenError(secrets.hide(_told(error, repo, revision))) from None


def _told(error: BaseException, repo: str, revision: str) -> str:
    said = _said(error) if isinstance(error, ValueError) else ""
    # The client wraps what happens to a file that it sends or fetches, and what is said of a card.
    if (cause := error.__cause__) is not None and _status(error) is None and _is_of_network(cause):
        error = cause
    hub, name, status = address(), type(error).__name__, _status(error)
    said = said or _said(error)
    known = {
        400: f"{hub} refuses the request for {repo}{said}",
        401: f"{hub} does not take the token for {repo} (401){said}; {_TOKEN} that is valid",
        403: f"the token may not do this with {repo} (403){said}; HF_TOKEN should hold one that may",
        404: f"{hub} has no data set {repo}, or hides it from this token; check the name, or {_TOKEN}",
        409: f"{hub} says that {repo} is in conflict with what is there (409){said}; run it again",
        412: f"{repo} was changed by somebody else meanwhile (412), so nothing was published; run it again",
        413: f"{hub} takes no file as large as one for {repo} (413){said}",
        429: f"{hub} takes no more requests for now (429){said}; wait and run it again",
    }
    if name == "RevisionNotFoundError":
        shown = one_line(revision or "main", 60)
        return f"{repo} on {hub} has no revision {shown}; give a branch, tag or commit"
    if name in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
        return f"{hub} lacks a file that it lists for {repo}{said}; try again later"
    if name == "RepositoryNotFoundError" and status != 401:
        status = 404
    if name == "DisabledRepoError":
        return f"{hub} has disabled {repo}{said}; take another data set"
    if name == "GatedRepoError":
        where = f"{hub}/datasets/{repo}"
        return f"{repo} is gated; ask for access at {where}, and put a token of that account into HF_TOKEN"
    if name in ("OfflineModeIsEnabled", "LocalEntryNotFoundError"):
        return (
            f"{repo} cannot be asked for: HF_HUB_OFFLINE is set, or {hub} is not there; {said.lstrip(': ')}"
        )
    if status is not None:
        other = f"{hub} failed with status {status} for {repo}{said}; try again later"
        return known.get(status, other)
    if _is_of_network(error) and name != "FileMetadataError":
        return f"{hub} cannot be reached for {repo}{said}; is it up, and HF_ENDPOINT right?"
    return f"{hub} answers for {repo} as no Hub does: {name}{said}; is HF_ENDPOINT right?"


def _status(error: BaseException) -> int | None:
    found = getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None


def _is_of_network(error: BaseException) -> bool:
    return isinstance(error, OSError) or type(error).__module__.startswith("http")


def _said(error: BaseException) -> str:
    """What the server said, or the error itself, with a colon before it; "" for nothing."""
    text = getattr(error, "server_message", None)
    if not text and getattr(error, "response", None) is None:
        text = str(error)
    text = secrets.hide(one_line(text or "", 2000))
    return f": {one_line(text, 160)}" if text else ""
