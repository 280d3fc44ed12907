"""What the tests of `verify` share: the names of shards, the lines that are told, a manifest with changes."""

from __future__ import annotations

import json
from pathlib import Path

from cli import datagen

SHARD = "data/train-00000-of-00003.parquet"
SECOND = "data/train-00001-of-00003.parquet"
DROPPED = "dropped/train-00000-of-00001.parquet"


def lines(where: str, *more: str) -> list[str]:
    """The differences that `verify` tells of a data set."""
    done = datagen("verify", where, *more)
    assert (done.code, done.err) == (1, ""), done
    return done.out.splitlines()


def manifest(where: str, **changes) -> dict:
    """Change entries of a manifest."""
    path = Path(where) / "manifest.json"
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps(content))
    return content
