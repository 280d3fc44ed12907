"""The version of this datagen; a data set's plan and manifest hold it."""

from __future__ import annotations

__version__ = "0.1.0"


def install(extra: str) -> str:
    """The command that installs an extra of this very datagen: from its clone, if it came from one."""
    # This module is imported first, while a user's own random.py may still be in the way of such imports.
    import json
    from importlib import metadata
    from urllib.parse import unquote, urlsplit

    try:
        told = json.loads(metadata.distribution("datagen").read_text("direct_url.json") or "{}")
        place = unquote(urlsplit(told["url"]).path) if "dir_info" in told else ""
    except (metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
        place = ""
    return f"pip install -e '{place}[{extra}]'" if place else f"pip install 'datagen[{extra}]'"
