"""What of a manifest can be compared with other parts of it, and with the manifests of a run's stages."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from datagen import canonical
from datagen.calls import usage
from datagen.data import manifest
from datagen.data.manifest import Entry
from datagen.errors import DatagenError, one_line
from datagen.runs import registry
from datagen.runs.stage import FrameStage, Stage

#: What differs, what should be there, and what is there.
Found = tuple[str, str, str]
_OF_STAGE = re.compile(r"stages\[(\d+)\]\.(\w+).*")
_COUNTS = ("rows_in", "rows_made", "rows_out", "failed")


def told(content: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """What a run's manifest tells of its stages; None where it is no such list."""
    entries = content.get("stages")
    if not isinstance(entries, list) or not entries:
        return None
    return entries if all(map(_is_told, entries)) else None


def _is_told(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), str) for name in ("stage", "digest"))
        and all(type(entry.get(name)) is int for name in _COUNTS)
        and manifest.maps_to(int, entry.get("dropped"))
    )


def folder(number: int, entry: Mapping[str, Any]) -> str:
    """The name of a stage's folder."""
    return f"{number:02d}-{entry['stage']}"


def own_differences(content: Mapping[str, Any]) -> Iterator[Found]:
    """What of a stage's manifest does not fit the rest of it: its key, its inputs, its entries."""
    inputs = content.get("inputs", [])
    if not (isinstance(inputs, list) and all(map(_is_input, inputs))):
        yield "inputs", "name, sha256 and rows of each", _shown(inputs)
        return
    for name, kind, what in (("notes", list, "a list of texts"), ("environment", dict, "a mapping")):
        if not isinstance(content.get(name, kind()), kind):
            yield name, what, _shown(content[name])
    stage = _stage(content["stage"])
    rows = sum(one["rows"] for one in inputs)
    came = content["rows_in"]
    if inputs and (came > rows or (isinstance(stage, FrameStage) and came != rows)):
        yield "rows_in", f"{rows:,}, the rows of inputs", f"{came:,}"
    if inputs and stage and _asks_nobody(stage, content):
        parts = content["stage"], content.get("options"), [one["sha256"] for one in inputs], ()
        key = canonical.row_id(*parts, content.get("versions"), content["datagen"], content["format"])
        if key != content["key"]:
            what = "the hash of its stage, options, inputs and versions"
            yield "key", f"{key}, {what}", one_line(content["key"], 40)
    for entry in stage.entries if stage else ():
        if entry.name in content and not entry.is_valid(content[entry.name]):
            yield entry.name, "an entry as the stage writes it", _shown(content[entry.name])


def _is_input(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("sha256"), str) and type(one.get("rows")) is int


def _stage(name: str) -> Stage | None:
    """The stage of that name, if this installation has it."""
    try:
        return registry.stage(name)
    except DatagenError:
        return None


def _asks_nobody(stage: Stage, content: Mapping[str, Any]) -> bool:
    """Whether the manifest has all that decides the key; whom a stage asks is not in it."""
    counting = {entry.name for entry in usage.ENTRIES}
    if isinstance(stage, FrameStage):
        return counting.isdisjoint(content)
    return counting.isdisjoint(entry.name for entry in stage.entries)


def is_act(name: str, stages: int) -> bool:
    """Whether a folder beside those of so many stages is one of an act, such as 06-train."""
    number, _, act = name.partition("-")
    return act in registry.ACTS and number.isdecimal() and int(number) > stages


def follows(what: str, known: Collection[str]) -> bool:
    """Whether a difference says no more than one that is known already."""
    found = _OF_STAGE.fullmatch(what)
    if what in known or found is None:
        entry = what.partition(".")[0]
        return what in known or any((at := _OF_STAGE.fullmatch(one)) and at[2] == entry for one in known)
    number = int(found[1])
    another = f"stages[{number}].key" in known  # another data set altogether
    return another or (found[2] == "rows_in" and f"stages[{number - 1}].rows_out" in known)


def differences(
    content: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]
) -> Iterator[Found]:
    """What of a run's manifest does not fit its stages.

    Args:
        content: the run's manifest.
        entries: what it tells of its stages.
        found: the manifests of stages that are there and whole, by their folders' names.
    """
    for number, entry in enumerate(entries, 1):
        where = folder(number, entry)
        for name, value in entry.items():
            if where in found and _json(found[where].get(name)) != _json(value):
                what = f"stages[{number}].{one_line(name, 40)}"
                yield what, f"{_shown(found[where].get(name))} as in stages/{where}", _shown(value)
    for number, (one, following) in enumerate(pairwise(entries), 2):
        if following["rows_in"] > one["rows_out"]:
            what = f"stages[{number}].rows_in"
            yield (
                what,
                f"at most {one['rows_out']:,}, what the stage before kept",
                f"{following['rows_in']:,}",
            )
    yield from _same(content, found.get(folder(1, entries[0])), found)
    yield from _sums(content, entries)
    if len(found) == len(entries):
        yield from _inputs([found[folder(number, entry)] for number, entry in enumerate(entries, 1)])
        yield from _added(content, [*found.values()])


def _same(
    content: Mapping[str, Any], first: Mapping[str, Any] | None, found: Mapping[str, Mapping[str, Any]]
) -> Iterator[Found]:
    """A run has the inputs of its first stage, and the version of each."""
    if first is not None:
        read, there = ([(i["sha256"], i["rows"]) for i in one.get("inputs", [])] for one in (first, content))
        if read != there:
            yield "inputs", f"{_shown(read)} as its first stage read", _shown(there)
    for where, one in found.items():
        if one["datagen"] != content["datagen"]:
            yield "datagen", f"{_shown(one['datagen'])} as in stages/{where}", _shown(content["datagen"])
            return


def _sums(content: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    dropped = manifest.sums(entry["dropped"] for entry in entries)
    expected: dict[str, Any] = {
        "rows_in": entries[0]["rows_in"],
        "rows_made": sum(entry["rows_made"] for entry in entries),
        "rows_out": entries[-1]["rows_out"],
        "failed": sum(entry["failed"] for entry in entries),
        "digest": entries[-1]["digest"],
        **{f"dropped.{one_line(reason, 60)}": rows for reason, rows in dropped.items()},
    }
    for what, value in expected.items():
        _, is_reason, reason = what.partition("dropped.")
        there = content["dropped"].get(reason, 0) if is_reason else content[what]
        if there != value:
            yield what, f"{_shown(value)} as the run's stages have it", _shown(there)


def _inputs(manifests: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    """Each stage read what the one before it kept."""
    for number, (one, following) in enumerate(pairwise(manifests), 2):
        read = [source["sha256"] for source in following.get("inputs", [])]
        if read != [one["digest"]]:
            what = f"stages[{number}].inputs"
            yield what, f"digest {one['digest'][:12]}, what the stage before kept", _shown(read)


def _added(content: Mapping[str, Any], manifests: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    """What the entries of the stages add up to."""
    known = [stage for one in manifests if (stage := _stage(one["stage"]))]
    adding: dict[str, Entry] = {e.name: e for stage in known for e in stage.entries if e.add}
    for name, entry in adding.items():
        having = [one for one in manifests if name in one]
        if not having or entry.add is None:
            continue
        try:
            value = entry.add(having, content["rows_out"])
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            value = "what its stages' entries add up to"
        if _json(value) != _json(content.get(name)):
            yield name, f"{_shown(value)} as its stages add up", _shown(content.get(name))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _shown(value: object) -> str:
    return one_line(_json(value), 80)
