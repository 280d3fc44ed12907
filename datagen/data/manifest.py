"""What made a data set, and where each of its rows went: `manifest.json`."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from datagen import canonical
from datagen.data.source import Source
from datagen.errors import DatagenError, one_line
from datagen.version import __version__

FORMAT = 1
NAME = "manifest.json"


class Plan(NamedTuple):
    """What a stage is about to do: equal plans make equal data sets.

    stage: the command's name. inputs: what it reads. options: everything that decides the result,
    with defaults filled in; never what does not (workers, concurrency). private: what decides it too
    but is nobody's business, such as the addresses of a cluster; only its hash is written.
    """

    stage: str
    inputs: Sequence[Source]
    options: Mapping[str, Any]
    private: tuple[str, ...] = ()

    def key(self) -> str:
        """Hash of stage, options, the inputs' digests and datagen's version."""
        inputs = [source.digest for source in self.inputs]
        return canonical.row_id(self.stage, dict(self.options), inputs, self.private, __version__, FORMAT)


class Counts:
    """The attrition ledger of one stage: rows_in + rows_made = rows_kept + rows_dropped."""

    def __init__(self) -> None:
        self.rows_in = self.rows_made = self.rows_kept = self.failed = 0
        self.dropped: Counter[str] = Counter()

    def check(self, stage: str) -> None:
        """Stop on a row that is unaccounted for: that is a bug of ours, so an AssertionError."""
        came, went = self.rows_in + self.rows_made, self.rows_kept + self.dropped.total()
        if came != went:
            raise AssertionError(f"{stage}: {came} rows came in or were made, {went} were kept or dropped")

    def as_json(self) -> dict[str, Any]:
        """The counts under the names that manifests and --json share."""
        return {
            "rows_in": self.rows_in,
            "rows_made": self.rows_made,
            "rows_out": self.rows_kept,
            "dropped": dict(sorted(self.dropped.items(), key=lambda kv: (-kv[1], kv[0]))),
            "failed": self.failed,
        }


def compose(
    plan: Plan,
    counts: Mapping[str, Any],
    *,
    digests: Mapping[str, Any],
    extra: Mapping[str, Any],
    times: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest as JSON. All that differs between equal runs is under `times` and `environment`."""
    return {
        "format": FORMAT,
        "datagen": __version__,
        "stage": plan.stage,
        "key": plan.key(),
        "inputs": [{"name": s.name, "sha256": s.digest, "rows": s.rows} for s in plan.inputs],
        "options": dict(plan.options),
        **counts,
        **digests,
        **extra,
        "times": {"made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **times},
        "environment": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "packages": {name: metadata.version(name) for name in ("polars", "datasketch", "openai")},
        },
    }


#: What the commands that read a data set rely on; the rest is for people.
_NEEDED: Mapping[str, type] = {
    **dict.fromkeys(("stage", "key", "digest", "dropped_digest"), str),
    **dict.fromkeys(("rows_in", "rows_made", "rows_out", "failed"), int),
}


def read(directory: Path) -> dict[str, Any]:
    """Read a data set's manifest.

    Raises:
        DatagenError: there is none, so the directory is no finished data set, or it is damaged.
    """
    path = directory / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatagenError(
            f"{directory} has no {NAME}, so it is no finished data set; run the command that makes it again"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DatagenError(
            f"{path} cannot be read ({one_line(error, 120)}); make the data set again"
        ) from None
    if not isinstance(content, dict) or "datagen" not in content:
        raise DatagenError(f"{path} is not a manifest of datagen; give a data set that datagen made")
    if content.get("format") != FORMAT:
        raise DatagenError(
            f"{path} has format {one_line(content.get('format'), 40)}, but this datagen reads {FORMAT};"
            " make the data set again"
        )
    if not _is_whole(content):
        raise DatagenError(f"{path} is damaged: it lacks what a manifest holds; make the data set again")
    return content


def _is_whole(content: Mapping[str, Any]) -> bool:
    times = content.get("times")
    return (
        all(type(content.get(name)) is wanted for name, wanted in _NEEDED.items())
        and isinstance(times, dict)
        and isinstance(times.get("seconds"), int | float)
        and _maps_to((int, float), times.get("calls", {}))
        and _maps_to(int, content.get("dropped"))
        and _maps_to(int, content.get("overlaps", {}))
        and _maps_to(str, content.get("files"))
    )


def _maps_to(wanted: type | tuple[type, ...], value: object) -> bool:
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    return isinstance(value, dict) and all(type(entry) in kinds for entry in value.values())


def write(directory: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest, whole or not at all."""
    temporary = directory / f".{NAME}.new"
    temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(directory / NAME)
