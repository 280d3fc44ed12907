"""Compares a data set with its manifest: files, columns, counts, reasons, content digests, a run's stages.

What is covered: every file that the manifest names, and every file that it does not name; the columns of all
shards; `rows_in + rows_made = kept + dropped`, with the rows that are there; each reason's count; the content
digests over the rows; of a run, each stage's own data set and how the counts of the stages fit together.

What is not: a data set whose manifest was written anew to fit changed rows. Only a digest that is known from
elsewhere tells that one (`expect`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from datagen import canonical
from datagen.data import dataset, directory, manifest
from datagen.data.inputs import made, tables
from datagen.errors import DatagenError, escaped, one_line
from datagen.provenance import stages

CARD = "README.md"
#: Files beside the named ones that belong to a data set, or to a copy of it from the Hub.
_BESIDE = frozenset({CARD, manifest.NAME, "report.html", ".gitattributes"})
#: Where the Hub's client keeps notes on a copy.
_CLIENT = ".cache/huggingface"
_VIEW = re.compile(r"views/[a-z]+/train-\d{5}-of-\d{5}\.parquet")
_SHOWN = 12
_SUM = "rows_in + rows_made"
#: A card's lines on counts, with the manifest's entries.
_CARD_COUNT = re.compile(r"^\| (came in|made here|\*\*kept\*\*) \| \**([\d,]+)\** \|$", re.MULTILINE)
_ENTRIES = {"came in": "rows_in", "made here": "rows_made", "**kept**": "rows_out"}
_UNREADABLE = (ValueError, TypeError, OverflowError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


class Difference(NamedTuple):
    """One thing that is not as the manifest says.

    Args:
        what: the file, or the entry of the manifest.
        expected: what should be there.
        found: what is there.
    """

    what: str
    expected: str
    found: str

    @property
    def line(self) -> str:
        """For people."""
        return f"{escaped(self.what)}: expected {self.expected}, found {self.found}"


@dataclass
class Report:
    """What was looked at, and what differs.

    Args:
        manifest: as far as it can be read.
        differences: in the order in which they were found.
        files: how many files were compared.
        digest: the content digest of the rows that are there; "" where they cannot be read.
        stages: how many stages of a run were looked at.
    """

    manifest: Mapping[str, Any] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    files: int = 0
    digest: str = ""
    stages: int = 0

    def differs(self, what: str, expected: object, found: object) -> None:
        """Take note of a difference."""
        self.differences.append(Difference(what, one_line(expected, 160), one_line(found, 200)))

    def differing(self) -> set[str]:
        """What differs."""
        return {one.what for one in self.differences}


def verify(path: Path, expect: str = "") -> Report:
    """Compare a data set with its manifest.

    Args:
        path: its folder.
        expect: the content digest that its rows should have, if it is known from elsewhere.

    Raises:
        DatagenError: `path` is no folder.
    """
    if not path.is_dir():
        raise DatagenError(f"{escaped(path)} is no dataset directory; give one that a stage or a run made")
    report = _verified(path)
    found = report.digest or str(report.manifest.get("digest", "none"))
    if expect and found != expect:
        report.differs("content digest", f"{expect} (--expect)", found)
    return report


def _verified(path: Path) -> Report:
    report = Report()
    try:
        report.manifest = content = manifest.read(path)
    except DatagenError as error:
        report.differs(manifest.NAME, "the manifest of a data set", error)
        return report
    try:
        kept, dropped = _Part(path, "data", report), _Part(path, "dropped", report)
        named = {*content["files"], *_views(path, report)}
        _strays(path, named, report)
        _counts(content, kept, dropped, report)
        _of_stages(path, report)
        if report.differing() & {"rows_in", "rows_made"}:  # one number, told once
            report.differences = [one for one in report.differences if one.what != _SUM]
        _card(path, report)
    except OSError as error:
        where = Path(str(error.filename or path))
        shown = where.relative_to(path) if where.is_relative_to(path) else where
        report.differs(str(shown), "something that can be read", error.strerror or error)
    return report


class _Part:
    """The rows that a data set kept or dropped, as its files hold them.

    Args:
        path: the data set's folder.
        part: "data" or "dropped".
        report: takes note of what differs.
    """

    def __init__(self, path: Path, part: str, report: Report) -> None:
        self._height, self._is_readable = 0, True
        self.reasons: Counter[str] = Counter()
        self._path, self._part, self._report = path, part, report
        self._digest = hashlib.sha256()
        self._first: tuple[str, pl.Schema] | None = None
        named = {name: sha for name, sha in report.manifest["files"].items() if name.startswith(f"{part}/")}
        before = len(report.differences)
        self._names(named)
        for name, sha256 in sorted(named.items()):
            frame = self._read(name, sha256) if made.SHARD.fullmatch(name) else None
            if frame is None:
                self._is_readable = False
            else:
                self._add(name, frame)
        if self._is_readable:
            self._compare_digest(is_whole=len(report.differences) == before)

    @property
    def rows(self) -> int | None:
        """How many rows there are; None where a file cannot be read."""
        return self._height if self._is_readable else None

    def _names(self, named: Iterable[str]) -> None:
        """Shards are counted in their names: one that the manifest leaves out is missed."""
        names = sorted(named)
        wanted = [f"{self._part}/train-{n:05d}-of-{len(names):05d}.parquet" for n in range(len(names))]
        if not names:
            self._report.differs(f"files in {manifest.NAME}", f"those of {self._part}/", "none")
        for name, want in zip(names, wanted, strict=True):
            if name != want:
                self._report.differs(f"files in {manifest.NAME}", want, one_line(name, 80))
                return

    def _read(self, name: str, sha256: str) -> pl.DataFrame | None:
        """The rows of a file; None if they cannot be read."""
        file, report = self._path / name, self._report
        if not file.is_file():
            report.differs(name, f"a file, which {manifest.NAME} names", _instead(file))
            return None
        raw = file.read_bytes()
        report.files += 1
        found = hashlib.sha256(raw).hexdigest()
        try:
            frame = tables.read_parquet(raw, name)
        except DatagenError as error:
            what = str(error).removeprefix(f"{name}: ")
            report.differs(name, f"a Parquet file of sha256 {_cut(sha256)}", f"{len(raw):,} bytes, {what}")
            return None
        if found != sha256:
            report.differs(name, f"sha256 {_cut(sha256)}", f"{_cut(found)}, with {frame.height:,} rows")
        return frame

    def _add(self, name: str, frame: pl.DataFrame) -> None:
        """Count rows, and compare their columns with those of the first file."""
        self._height += frame.height
        self._first = self._first or (name, frame.schema)
        first, expected = self._first
        for column in sorted({*expected} | {*frame.columns}):
            want, have = expected.get(column, "none"), frame.schema.get(column, "none")
            if want != have:
                what = f"{name}, column {one_line(column, 60)}"
                self._report.differs(what, f"{want} as in {first}", have)
        try:
            made.checked(frame, self._path / name)
        except DatagenError as error:
            self._report.differs(name, "the columns of a data set", error)
        if "reason" in frame.columns and frame.schema["reason"] == pl.String:
            self.reasons.update(one if one is not None else "none" for one in frame["reason"])
        try:
            dataset.add_rows(self._digest, frame)
        except _UNREADABLE as error:
            self._report.differs(name, "rows that JSON can hold", error)
            self._is_readable = False

    def _compare_digest(self, *, is_whole: bool) -> None:
        """Compare the content digest, unless a file differs: that says it already."""
        entry = "digest" if self._part == "data" else "dropped_digest"
        found = self._digest.hexdigest()
        if self._part == "data":
            self._report.digest = found
        if is_whole and found != self._report.manifest[entry]:
            said = one_line(self._report.manifest[entry], 64)
            self._report.differs(entry, f"{said} ({manifest.NAME})", f"{found} in {self._part}/")


def _cut(sha256: str) -> str:
    return one_line(sha256, _SHOWN + 1)


def _instead(file: Path) -> str:
    if file.is_symlink():
        return "a link that leads to no file"
    return "something else" if file.exists() else "none"


def _views(path: Path, report: Report) -> Mapping[str, str]:
    """Compare the files of a published copy's views with their hashes; these are named as well."""
    views: dict[str, str] = report.manifest.get("views", {})
    if not manifest.maps_to(str, views) or not all(map(_VIEW.fullmatch, views)):
        report.differs("views", "hashes by file of views/", canonical.dumps(views)[:80])
        return {}
    for name, sha256 in views.items():
        file = path / name
        if not file.is_file():
            report.differs(name, f"a file, which {manifest.NAME} names", _instead(file))
            continue
        report.files += 1
        if (found := canonical.file_sha256(file)) != sha256:
            report.differs(name, f"sha256 {_cut(sha256)}", _cut(found))
    return views


def _strays(path: Path, named: Collection[str], report: Report) -> None:
    """Take note of files that the manifest does not name."""

    def unreadable(error: OSError) -> None:
        raise error

    for folder, folders, names in os.walk(path, onerror=unreadable):
        place = Path(folder).relative_to(path)
        skipped = directory.STAGES if place == Path() else _CLIENT.rpartition("/")[2]
        if place in (Path(), Path(_CLIENT).parent) and skipped in folders:
            folders.remove(skipped)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*names, *links]):
            inside = (place / name).as_posix()
            if inside not in named and inside not in _BESIDE:
                report.differs(_utf8(inside), f"no such file, as {manifest.NAME} does not name it", "one")


def _utf8(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _card(path: Path, report: Report) -> None:
    """The card is there, and the digest and the counts that it names are those of the manifest."""
    card, content, known = path / CARD, report.manifest, report.differing()
    if not card.is_file():
        report.differs(CARD, "the data card", _instead(card))
        return
    report.files += 1
    text = card.read_text(encoding="utf-8", errors="replace")
    _, said, rest = text.partition("Content digest: `")
    named = rest.partition("`")[0]
    if said and named not in (content["digest"], report.digest):
        report.differs(CARD, f"content digest {_cut(content['digest'])}", one_line(named, _SHOWN + 1))
    for what, number in _CARD_COUNT.findall(text):
        if known.isdisjoint({_ENTRIES[what], _SUM}) and number != f"{content[_ENTRIES[what]]:,}":
            report.differs(CARD, f"{content[_ENTRIES[what]]:,} rows {what.strip('*')}", number)
            return


def _counts(content: Mapping[str, Any], kept: _Part, dropped: _Part, report: Report) -> None:
    """Compare the manifest's counts with the rows, and with each other."""
    if kept.rows is not None and kept.rows != content["rows_out"]:
        said = f"{content['rows_out']:,} rows in data/ ({manifest.NAME})"
        report.differs("rows_out", said, f"{kept.rows:,}")
    if dropped.rows is not None:
        for reason in sorted({*content["dropped"], *dropped.reasons}):
            said, there = content["dropped"].get(reason, 0), dropped.reasons[reason]
            if said != there:
                what = f"dropped.{one_line(reason, 60)}"
                report.differs(what, f"{said:,} rows in dropped/ ({manifest.NAME})", f"{there:,}")
        if dropped.rows != dropped.reasons.total():
            told = dropped.reasons.total()
            report.differs("dropped/", "a reason in each row", f"{dropped.rows - told:,} rows without one")
    came = content["rows_in"] + content["rows_made"]
    all_dropped = sum(content["dropped"].values())
    went = (content["rows_out"] if kept.rows is None else kept.rows) + (
        all_dropped if dropped.rows is None else dropped.reasons.total()
    )
    if came != went and not _only_rows_differ(report, came, content["rows_out"] + all_dropped):
        report.differs(_SUM, f"{went:,}, the rows kept and dropped", f"{came:,}")
    if content["failed"] > all_dropped:
        report.differs("failed", f"at most the {all_dropped:,} rows dropped", f"{content['failed']:,}")
    for what, expected, found in stages.own_differences(content):
        report.differs(what, expected, found)


def _only_rows_differ(report: Report, came: int, told: int) -> bool:
    """Whether the manifest is sound in itself, so that the lines on rows say it all."""
    names = report.differing()
    return came == told and any(name == "rows_out" or name.startswith("dropped.") for name in names)


def _of_stages(path: Path, report: Report) -> None:
    """Of a run, verify each stage's data set, and what the run says of its stages."""
    content = report.manifest
    if content["stage"] != "run":
        if (path / directory.STAGES).exists():
            report.differs(directory.STAGES, f"none, as {manifest.NAME} is no run's", "one")
        return
    told = stages.told(content)
    if told is None:
        report.differs("stages", "a list of the run's stages", canonical.dumps(content.get("stages"))[:80])
        return
    found: dict[str, Mapping[str, Any]] = {}
    for where in _folders(path, [stages.folder(n, entry) for n, entry in enumerate(told, 1)], report):
        one = _verified(path / directory.STAGES / where)
        report.stages += 1
        report.files += one.files
        prefix = f"{directory.STAGES}/{where}"
        report.differences += [d._replace(what=f"{prefix}: {d.what}") for d in one.differences]
        if not one.differences:
            found[where] = one.manifest
    for what, expected, wrong in stages.differences(content, told, found):
        if not stages.follows(what, report.differing()):
            report.differs(what, expected, wrong)


def _folders(path: Path, wanted: list[str], report: Report) -> list[str]:
    """The folders of a run's stages, and of its acts that made a data set. Without stages/ there are none."""
    place = path / directory.STAGES
    if not place.exists():  # a copy, such as one from the Hub, does without
        return []
    there = sorted(one.name for one in place.iterdir()) if place.is_dir() else []
    acts = [name for name in there if stages.is_act(name, len(wanted)) and (place / name).is_dir()]
    others = [name for name in there if name not in acts]
    if sorted(wanted) != others:
        named = _utf8(", ".join(others)) or "none"
        report.differs(directory.STAGES, f"{', '.join(sorted(wanted))} ({manifest.NAME})", named)
    acts = [name for name in acts if (place / name / manifest.NAME).exists()]
    return [name for name in [*wanted, *acts] if (place / name).is_dir()]
