"""What a repository holds: the data set's own files, a folder for each view, the card, the manifest.

data/ dropped/                       as they are
views/NAME/train-00000-of-0000N.parquet
manifest.json                        with the hashes of the views' files
README.md                            with a config for each
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import yaml

from datagen import canonical
from datagen.data import card, manifest, views
from datagen.data.dataset import SHARD_ROWS
from datagen.data.inputs import made
from datagen.data.source import Row, Source
from datagen.errors import DatagenError, one_line
from datagen.hub.publish import Upload
from datagen.publishing.licences import Licences
from datagen.ranking import views as ranked

CARD = "README.md"
REPORT = "report.html"
_VIEWS = "views"
#: Files that belong to a data set of ours: those that a newer version lacks go.
_OURS = re.compile(r"(?:data|dropped|views/[a-z]+)/train-\d{5}-of-\d{5}\.parquet")
_HUB_ID = re.compile(r"hf:([\w.-]+/[\w.-]+)")
_TEXT = pl.String()


class View(NamedTuple):
    """Rows in a shape that a trainer wants.

    Args:
        name: of the config.
        needs: a data set has the view if one of its rows has a value in each of these columns.
        schema: the view's columns; None to take them from its first rows.
        rows: the view's rows.
    """

    name: str
    needs: tuple[str, ...]
    schema: pl.Schema | None
    rows: Callable[[Source], Iterator[Row]]


def _one_for_one(shape: Callable[[Row], Row]) -> Callable[[Source], Iterator[Row]]:
    return lambda source: map(shape, source.iter_rows())


_RANKED = ("score", "rank")
_TURNS = pl.List(pl.Struct({"role": _TEXT, "content": _TEXT}))
PUBLISHED: tuple[View, ...] = (
    View(
        "messages",
        ("response",),
        pl.Schema({"id": _TEXT, "messages": _TURNS}),
        _one_for_one(views.messages),
    ),
    View(
        "alpaca",
        ("response",),
        pl.Schema({"instruction": _TEXT, "input": _TEXT, "output": _TEXT}),
        _one_for_one(views.alpaca),
    ),
    View("preference", _RANKED, ranked.PREFERENCE, ranked.preference),
    View("ranked", _RANKED, ranked.RANKED, ranked.ranked),
    View("sft", _RANKED, ranked.SFT, ranked.sft),
)


class Repository(NamedTuple):
    """A data set as it is to be published.

    Args:
        uploads: all files, by their names in the repository.
        configs: the names of the configs, with their numbers of rows.
        licence: as the front matter names it.
    """

    uploads: list[Upload]
    configs: Mapping[str, int]
    licence: Any


def is_ours(name: str) -> bool:
    """Whether a file of a repository belongs to a data set of datagen's, by its name."""
    return bool(_OURS.fullmatch(name)) or name == REPORT


def prepare(dataset: Path, content: Mapping[str, Any], licence: str | None, place: Path) -> Repository:
    """Write the views, the card and the manifest of a data set into the folder `place`.

    Args:
        dataset: its folder, which was verified.
        content: its manifest.
        licence: of the rows that name none.
        place: an empty folder.

    Raises:
        DatagenError: the licence of a row is unknown, or the card cannot be read.
    """
    parts = {"default": made.rows_of(dataset, "data", content)}
    parts["dropped"] = made.rows_of(dataset, "dropped", content)
    if not parts["default"].rows:
        raise DatagenError(f"{dataset} keeps no row, so there is nothing to publish")
    licences = Licences()
    for part in parts.values():
        licences.add(part)
    licences.check(str(dataset), licence)
    files = {name: dataset / name for name in content["files"]}
    # The library datasets reads no split without rows.
    configs = {name: part.rows for name, part in parts.items() if part.rows}
    written: dict[str, Path] = {}
    for view in PUBLISHED:
        if _has(parts["default"], view):
            rows, shards = _write(view, parts["default"], place)
            written |= shards
            configs |= {view.name: rows} if rows else {}
    hashes = {name: canonical.file_sha256(file) for name, file in written.items()}
    manifest.write(place, {**content, _VIEWS: hashes})
    (place / CARD).write_text(_card(dataset, content, licences, configs), encoding="utf-8")
    files |= written | {name: place / name for name in (manifest.NAME, CARD)}
    if (dataset / REPORT).is_file():
        files[REPORT] = dataset / REPORT
    uploads = [Upload(name, file) for name, file in sorted(files.items())]
    return Repository(uploads, configs, licences.front_matter()["license"])


def _has(source: Source, view: View) -> bool:
    return any(
        {*view.needs} <= {*frame.columns}
        and all(frame[name].null_count() < frame.height for name in view.needs)
        for frame in source.frames()
    )


def _write(view: View, source: Source, place: Path) -> tuple[int, dict[str, Path]]:
    """Write the rows of a view; returns how many there are, and the files by their names."""
    folder = place / _VIEWS / view.name
    folder.mkdir(parents=True)
    rows, schema = 0, view.schema
    parts: list[Path] = []
    for shard in _shards(view.rows(source)):
        frame = pl.DataFrame(shard, schema=schema, infer_schema_length=None)
        schema, rows = frame.schema, rows + frame.height
        content = io.BytesIO()
        frame.write_parquet(content, compression="zstd")
        parts.append(folder / f"{len(parts)}.part")
        parts[-1].write_bytes(content.getvalue())
    names = [f"train-{number:05d}-of-{len(parts):05d}.parquet" for number in range(len(parts))]
    return rows, {
        f"{_VIEWS}/{view.name}/{name}": part.rename(folder / name)
        for name, part in zip(names, parts, strict=True)
    }


def _shards(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows in lists of one file's size; at least one, maybe empty."""
    take: Callable[[], list[Row]] = partial(lambda: [*islice(rows, SHARD_ROWS)])
    yield take()
    yield from iter(take, [])


def _card(dataset: Path, content: Mapping[str, Any], licences: Licences, configs: Mapping[str, int]) -> str:
    """The data set's own card with front matter for the Hub, the configs and the licences."""
    front, body = _parted(dataset / CARD)
    front |= licences.front_matter()
    if front["license"] != "other":
        front.pop("license_name", None)
    front["configs"] = [_config(name) for name in configs]
    front["size_categories"] = [card.size(content["rows_out"])]
    front["source_datasets"] = _sources(content) or ["original"]
    table = [f"| `{name}` | {rows:,} | {_MEANS.get(name, '')} |" for name, rows in configs.items()]
    lines = [
        *("## Configs", "", "| config | rows | |", "|---|---|---|", *table, ""),
        *("## Licences", "", *licences.lines()),
    ]
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n{body.rstrip()}\n\n" + "\n".join(lines)


_MEANS = {
    "default": "the rows that were kept, with all columns",
    "dropped": "the rows that were dropped, with their reasons",
    "messages": "the rows that were kept, as chats",
    "alpaca": "the rows that were kept, in Alpaca's columns",
    "preference": "pairs of a chosen and a rejected answer",
    "ranked": "tasks with their answers, best first",
    "sft": "tasks with the best teacher's answer, if it passes all tests",
}


def _config(name: str) -> dict[str, Any]:
    folder = {"default": "data", "dropped": "dropped"}.get(name, f"{_VIEWS}/{name}")
    config: dict[str, Any] = {"config_name": name}
    if name == "default":
        config["default"] = True
    return config | {"data_files": [{"split": "train", "path": f"{folder}/train-*.parquet"}]}


def _sources(content: Mapping[str, Any]) -> list[str]:
    """The Hub's data sets among the inputs; names of files are nobody's business."""
    names = [str(one.get("name", "")) for one in content.get("inputs", [])]
    return sorted({found[1] for name in names if (found := _HUB_ID.match(name))})


def _parted(file: Path) -> tuple[dict[str, Any], str]:
    """The front matter of a card, and what follows it.

    Raises:
        DatagenError: the front matter cannot be read.
    """
    text = file.read_text(encoding="utf-8", errors="replace")
    start, *rest = text.split("\n---\n", 1)
    if not start.startswith("---\n") or not rest:
        return {}, text
    try:
        front = yaml.safe_load(start.removeprefix("---\n"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DatagenError(f"{file}: its front matter is no YAML ({one_line(error, 120)}); mend it") from None
    if not isinstance(front, dict | None):
        raise DatagenError(f"{file}: its front matter should be a mapping; mend it")
    return front or {}, rest[0]
