"""Where the user's journal is."""

from __future__ import annotations

from pathlib import Path

from datagen import cache
from datagen.errors import DatagenError


def default_path() -> Path:
    """Where the journal is: DATAGEN_CACHE_DIR, else datagen's folder in XDG_CACHE_HOME or ~/.cache."""
    folder = cache.folder("the journal")
    try:
        str(folder).encode()
    except UnicodeEncodeError:  # SQLite takes no other names
        shown = str(folder).encode(errors="replace").decode()
        raise DatagenError(
            f"the journal's folder {shown} has a name that is not UTF-8; name another in DATAGEN_CACHE_DIR"
        ) from None
    return folder / "journal.sqlite"
