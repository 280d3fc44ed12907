"""What made a data set, and where each of its rows went: `manifest.json`."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from datagen import canonical
from datagen.data.source import Source
from datagen.errors import DatagenError, one_line
from datagen.version import __version__

FORMAT = 1
NAME = "manifest.json"


class Plan(NamedTuple):
    """What a stage is about to do: equal plans make equal data sets.

    Args:
        stage: the command's name.
        inputs: what it reads.
        options: everything that decides the result, defaults filled in; never what does not (workers).
        private: what decides it too but is nobody's business, such as the addresses of a cluster; only its
            hash is written.
        versions: of packages that decide the result, by the distribution's name.
    """

    stage: str
    inputs: Sequence[Source]
    options: Mapping[str, Any]
    private: tuple[str, ...] = ()
    versions: Mapping[str, str] = {}

    def key(self) -> str:
        """Hash of stage, options, the inputs' digests, datagen's version and the others that decide."""
        inputs = [source.digest for source in self.inputs]
        options, versions = dict(self.options), dict(self.versions)
        return canonical.row_id(self.stage, options, inputs, self.private, versions, __version__, FORMAT)


def _no_lines(manifest: Mapping[str, Any]) -> tuple[()]:  # noqa: ARG001
    return ()


@dataclass(frozen=True)
class Entry:
    """A manifest entry beside the counts, declared by the stage that fills it in.

    Args:
        name: its key in the manifest.
        add: what a run's manifest says, from those of its stages that have the entry and the number of rows
            that the run keeps; None where it says nothing.
        in_json: whether `--json` shows it, and a run's list of stages.
        is_valid: whether a value read from a manifest is of the entry's shape.
        lines: what the summary on the screen says, from the manifest.
        card: what the data card says, in Markdown, from the manifest.
    """

    name: str
    add: Callable[[Sequence[Mapping[str, Any]], int], Any] | None = None
    in_json: bool = True
    is_valid: Callable[[Any], bool] = lambda _: True
    lines: Callable[[Mapping[str, Any]], Iterable[str]] = _no_lines
    card: Callable[[Mapping[str, Any]], Iterable[str]] = _no_lines


def sums(tallies: Iterable[Mapping[str, int | float]]) -> dict[str, int | float]:
    """The counts of several stages under each name, in the order in which the names come up."""
    added: dict[str, int | float] = {}
    for counts in tallies:
        for name, count in counts.items():
            added[name] = added.get(name, 0) + count
    return added


class Counts:
    """The attrition ledger of one stage: rows_in + rows_made = rows_kept + rows_dropped."""

    def __init__(self) -> None:
        self.rows_in = self.rows_made = self.rows_kept = self.failed = 0
        self.dropped: Counter[str] = Counter()

    def add(self, kept: int, reasons: Iterable[str], *, rows_in: int = 0) -> None:
        """Count rows that were kept, and the others by their reasons; `rows_in` of them came in."""
        self.rows_in += rows_in
        self.rows_kept += kept
        self.dropped.update(reasons)

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


def noted(sources: Sequence[Source]) -> dict[str, list[str]]:
    """What people should know of how the input was read, as an entry; nothing where there is nothing."""
    notes = [note for source in sources for note in source.notes]
    return {"notes": notes} if notes else {}


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
        "inputs": [_input(source) for source in plan.inputs],
        "options": dict(plan.options),
        "versions": dict(plan.versions),
        **counts,
        **digests,
        **noted(plan.inputs),
        **extra,
        "times": {"made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **times},
        "environment": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "packages": {name: metadata.version(name) for name in ("polars", "datasketch", "openai")},
        },
    }


def _input(source: Source) -> dict[str, Any]:
    told = {"name": source.name, "sha256": source.digest, "rows": source.rows + source.refused.height}
    return told | ({"revision": source.revision} if source.revision else {})


#: Bytes of a manifest; ours have a few thousand.
_LARGEST = 2**26
_MOST = 2**53
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
        content = _parsed(path)
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
    if type(content.get("format")) is not int or content["format"] != FORMAT:
        raise DatagenError(
            f"{path} has format {one_line(json.dumps(content.get('format')), 40)}, but this datagen reads"
            f" {FORMAT}; make the data set again"
        )
    if wrong := flaw(content):
        raise DatagenError(f"{path} is damaged: {wrong}; make the data set again")
    return content


def _parsed(path: Path) -> Any:  # noqa: ANN401 - any JSON
    """The JSON in a file.

    Raises:
        ValueError: it is none, or too large for a manifest.
    """
    if path.exists() and not path.is_file():  # a pipe would never end
        raise ValueError("it is no file")
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST >> 20} MB")
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def flaw(content: Mapping[str, Any]) -> str:
    """The first entry of a manifest that is not as it should be, in words; "" if there is none."""
    wants: list[tuple[str, str, Callable[[object], bool]]] = [
        *((name, "text", _is_text) for name, kind in _NEEDED.items() if kind is str),
        *((name, "a count", _is_whole) for name, kind in _NEEDED.items() if kind is int),
        ("dropped", "counts by reason", _are_counts),
        ("files", "hashes by file", partial(maps_to, str)),
        ("times", "times in seconds", _are_times),
    ]
    for name, wanted, fits in wants:
        if not fits(content.get(name)):
            found = one_line(json.dumps(content[name]), 40) if name in content else "missing"
            return f"{name} should be {wanted}, but is {found}"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return type(value) is int and _is_count(value)


def _are_counts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_whole, value.values()))


def _are_times(times: object) -> bool:
    return (
        isinstance(times, dict)
        and _is_count(times.get("seconds"))
        and isinstance(times.get("made", ""), str)
        and all(maps_to((int, float), times.get(name, {})) for name in ("calls", "programs"))
        and all(_is_count(one) for name in ("calls", "programs") for one in times.get(name, {}).values())
    )


def _is_count(value: object) -> bool:
    """Whether it is a number that something can be counted by: 1e400 in JSON is an infinity."""
    return type(value) in (int, float) and 0 <= value < _MOST  # type: ignore[operator]


def maps_to(wanted: type | tuple[type, ...], value: object) -> bool:
    """Whether `value` is an object whose entries are all of a type that is wanted."""
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    return isinstance(value, dict) and all(type(entry) in kinds for entry in value.values())


def write(directory: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest, whole or not at all."""
    temporary = directory / f".{NAME}.new"
    temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(directory / NAME)
