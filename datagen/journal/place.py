"""Where the user's journal is."""

from __future__ import annotations

import os
from pathlib import Path

from datagen.errors import DatagenError


def default_path() -> Path:
    """Where the journal is: DATAGEN_CACHE_DIR, else datagen's folder in XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("DATAGEN_CACHE_DIR")
    shared = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(own) if own else Path(shared or Path.home() / ".cache") / "datagen"
    except RuntimeError:  # a container's user without a home
        raise DatagenError("there is no home folder for the journal; name one in DATAGEN_CACHE_DIR") from None
    try:
        str(folder).encode()
    except UnicodeEncodeError:  # SQLite takes no other names
        shown = str(folder).encode(errors="replace").decode()
        raise DatagenError(
            f"the journal's folder {shown} has a name that is not UTF-8; name another in DATAGEN_CACHE_DIR"
        ) from None
    return folder / "journal.sqlite"
