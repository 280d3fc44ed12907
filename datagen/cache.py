"""Where datagen keeps what it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path

from datagen.errors import DatagenError


def folder(of: str) -> Path:
    """DATAGEN_CACHE_DIR, else datagen's folder in XDG_CACHE_HOME or ~/.cache.

    Args:
        of: what is kept there, for the error line.

    Raises:
        DatagenError: there is no home folder.
    """
    own = os.environ.get("DATAGEN_CACHE_DIR")
    shared = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(own) if own else Path(shared or Path.home() / ".cache") / "datagen"
    except RuntimeError:  # a container's user without a home
        raise DatagenError(f"there is no home folder for {of}; name one in DATAGEN_CACHE_DIR") from None
