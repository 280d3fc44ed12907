"""The data card: the README.md of a dataset directory, which the HF Hub reads too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def write(directory: Path, manifest: Mapping[str, Any], licenses: set[str | None]) -> None:
    """Write README.md: front matter with the two configs, then where the rows went.

    licenses: those of the rows; the card names a licence only if all rows share it.
    """
    (directory / "README.md").write_text(_text(manifest, licenses), encoding="utf-8")


def _text(manifest: Mapping[str, Any], licenses: set[str | None]) -> str:
    only = next(iter(licenses)) if len(licenses) == 1 else None
    front = {
        # The Hub knows single licences only.
        "license": only.lower() if only and " " not in only else "other",
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]},
            {"config_name": "dropped", "data_files": [{"split": "train", "path": "dropped/train-*.parquet"}]},
        ],
        "size_categories": [_size(manifest["rows_out"])],
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
        *_methods_table(manifest.get("methods", {})),
        *_usage_table(manifest),
        f"Content digest: `{manifest['digest']}`. How it was made: `manifest.json`;"
        " what was dropped and why: the config `dropped`.",
        "",
    ]
    return "\n".join(lines)


def _methods_table(methods: Mapping[str, Mapping[str, int]]) -> list[str]:
    if not methods:
        return []
    rows = [
        f"| {name} | {sum(c.values()):,} | {c.get('kept', 0):,} | {_lost(c)} |" for name, c in methods.items()
    ]
    return ["| method | attempts | kept | why not |", "|---|---|---|---|", *rows, ""]


def _lost(counts: Mapping[str, int]) -> str:
    lost = sorted(((n, reason) for reason, n in counts.items() if reason != "kept"), reverse=True)
    return ", ".join(f"{reason} {n:,}" for n, reason in lost) or "-"


def _usage_table(manifest: Mapping[str, Any]) -> list[str]:
    usage = manifest.get("usage")
    if not usage:
        return []
    rows = [
        f"| {name} | {c['calls']:,} | {c['tokens_in']:,} | {c['tokens_out']:,} | {_usd(c['usd'])} |"
        for name, c in usage.items()
    ]
    per_row = _usd(manifest["usage_total"]["per_kept_row"]["usd"])
    return [
        *("| teacher | calls | tokens in | tokens out | USD |", "|---|---|---|---|---|", *rows, ""),
        *(f"USD for each row kept: {per_row}.", ""),
    ]


def _usd(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:,.6f}".rstrip("0").rstrip(".")


def usage_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What the rows rest on, for the summary on the screen."""
    total = manifest.get("usage_total")
    if total:
        cost = "" if total["usd"] is None else f", ${_usd(total['usd'])}"
        each = total["per_kept_row"]
        if each["tokens"] is not None:
            cost += f"; {each['tokens']:,.0f} tokens" + (f", ${_usd(each['usd'])}" if each["usd"] else "")
            cost += " for each row kept"
        yield f"  tokens: {total['tokens_in']:,} in, {total['tokens_out']:,} out{cost}"


def method_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    """How often each method worked, for the summary on the screen."""
    for name, counts in manifest.get("methods", {}).items():
        attempts, kept = sum(counts.values()), counts.get("kept", 0)
        yield f"  {name}: {kept:,} of {attempts:,} kept ({kept / attempts:.0%})"


def _size(rows: int) -> str:
    return next((name for below, name in _SIZES if rows < below), "10M<n<100M")
