"""The data card: the README.md of a dataset directory, which the HF Hub reads too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def write(
    directory: Path, manifest: Mapping[str, Any], licenses: set[str | None], more: Iterable[str] = ()
) -> None:
    """Write README.md: front matter with the two configs, then where the rows went.

    Args:
        directory: of the data set.
        manifest: of the data set.
        licenses: those of the rows; the card names a licence only if all rows share it.
        more: lines of Markdown on what else the manifest tells.
    """
    (directory / "README.md").write_text(_text(manifest, licenses, more), encoding="utf-8")


def _text(manifest: Mapping[str, Any], licenses: set[str | None], more: Iterable[str]) -> str:
    import yaml

    only = next(iter(licenses)) if len(licenses) == 1 else None
    front = {
        # The Hub knows single licences only.
        "license": only.lower() if only and " " not in only else "other",
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]},
            {"config_name": "dropped", "data_files": [{"split": "train", "path": "dropped/train-*.parquet"}]},
        ],
        "size_categories": [size(manifest["rows_out"])],
        "tags": ["code", "instruction-tuning", "datagen"],
        "source_datasets": [source["name"] for source in manifest["inputs"]],
    }
    lines = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        "",
        f"# Made by `datagen {manifest['stage']}`",
        "",
        "| | rows |",
        "|---|---|",
        f"| came in | {manifest['rows_in']:,} |",
        f"| made here | {manifest['rows_made']:,} |",
        f"| **kept** | **{manifest['rows_out']:,}** |",
        *(f"| dropped: {reason} | {rows:,} |" for reason, rows in manifest["dropped"].items()),
        "",
        *more,
        f"Content digest: `{manifest['digest']}`. How it was made: `manifest.json`;"
        " what was dropped and why: the config `dropped`.",
        "",
    ]
    return "\n".join(lines)


def size(rows: int) -> str:
    """The Hub's word for a number of rows."""
    return next((name for below, name in _SIZES if rows < below), "10M<n<100M")
