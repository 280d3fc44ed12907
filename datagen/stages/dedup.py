"""Drop tasks and answers that repeat others of the same set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from datagen.answers.code import with_code
from datagen.data import schema
from datagen.data.dataset import Split
from datagen.data.source import Source
from datagen.errors import UsageError
from datagen.runs import values
from datagen.runs.options import option
from datagen.runs.stage import FrameStage, Over, Started
from decontam import duplicates
from decontam.duplicates import Hashes, Settings, Sketch

#: The least probability with which a pair at the threshold is found.
_LEAST_FOUND = 0.9
#: What an answer is compared by.
_NOTHING, _STUDENT, _CODE, _TEXT = range(4)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `dedup`."""

    threshold: float = option(
        0.7,
        type=values.SHARE,
        metavar="J",
        help="The least Jaccard similarity of near duplicates, above 0 to 1.",
    )
    num_perm: int = option(
        128,
        type=values.whole(16, 1024),
        metavar="N",
        help="Permutations of MinHash; more find more near a low threshold.",
    )


def _settings(options: Options) -> Settings:
    """How duplicates are found.

    Raises:
        UsageError: there are too few permutations to find them.
    """
    found = duplicates.settings(options.threshold, options.num_perm)
    if found.probability < _LEAST_FOUND:
        needed = math.ceil(math.log(1 - _LEAST_FOUND) / math.log1p(-options.threshold))
        what = f"--num-perm {needed} or more" if needed <= 1024 else "a threshold of 0.01 or more"
        raise UsageError(
            f"--threshold {options.threshold:g} with --num-perm {options.num_perm} finds only"
            f" {found.probability:.0%} of the pairs; give {what}"
        )
    return found


def _decides(options: Options) -> dict[str, Any]:
    by = _settings(options)
    return {
        "threshold": options.threshold,
        "num_perm": options.num_perm,
        "signatures": {
            **{"version": duplicates.VERSION, "seed": by.seed, "shingle_words": by.n},
            **{"bands": by.bands, "rows": by.rows, "bucket": duplicates.BUCKET},
        },
    }


class Drop(NamedTuple):
    """Why a row or a task goes: the reason, the id of the kept row, and the similarity to it.

    via: the row of the task that is repeated, where that lost all its rows because `kept` has their code.
    """

    reason: str
    kept: str
    similarity: float
    via: str = ""


class _Texts:
    """Texts of one kind by their rows, in order: an instruction each, or the code of an answer each."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self._digests: list[bytes] = []
        self._keys: list[Hashes] = []

    def add(self, row: str, digest: bytes, keys: Hashes) -> None:
        self.rows.append(row)
        self._digests.append(digest)
        self._keys.append(keys)

    def without(self, rows: AbstractSet[str]) -> _Texts:
        """Those of other rows."""
        found = _Texts()
        for row, digest, keys in zip(self.rows, self._digests, self._keys, strict=True):
            if row not in rows:
                found.add(row, digest, keys)
        return found

    def candidates(self) -> set[str]:
        """The rows whose texts may be like another one."""
        return {row for row, shared in zip(self.rows, self._buckets(), strict=True) if (shared >= 0).any()}

    def drops(self, grams: Mapping[str, Hashes], what: str, by: Settings) -> dict[str, Drop]:
        """By row, those that repeat a kept one; `grams` are the shingles of all candidates."""
        numbered = {number: grams[row] for number, row in enumerate(self.rows) if row in grams}
        found = duplicates.repeated(self._digests, self._buckets(), numbered, by.threshold)
        return {
            self.rows[number]: Drop(
                f"duplicate-{what}" if match.exact else f"near-duplicate-{what}",
                self.rows[match.kept],
                match.similarity,
            )
            for number, match in found.items()
        }

    def _buckets(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        keys = np.stack(self._keys) if self._keys else np.zeros((0, 1), np.uint64)
        return duplicates.buckets(keys)


class _Sketched(NamedTuple):
    """What is needed of a frame: for each row its id, task and kind, and the sketches of what is compared.

    Args:
        ids: of all rows.
        tasks: of all rows.
        kinds: of all rows.
        instructions: by row, the sketch; the first row of a task only, and none where an instruction has no
            words.
        codes: by row.
        texts: by row, the hash of an answer that has no code.
    """

    ids: list[str]
    tasks: list[str]
    kinds: list[int]
    instructions: dict[str, Sketch]
    codes: dict[str, Sketch]
    texts: dict[str, bytes]


def _sketched(frame: pl.DataFrame, by: Settings) -> _Sketched:
    found = _Sketched(frame["id"].to_list(), frame["task"].to_list(), [], {}, {}, {})
    rows, texts = _first_of_tasks(frame)
    sketches = zip(rows, duplicates.sketches_of_texts(texts, by), strict=True)
    found.instructions.update((row, one) for row, one in sketches if one.words)
    coded: list[str] = []

    def codes() -> Iterator[list[str]]:
        for row, kind, words in _answers(frame):
            found.kinds.append(kind)
            if kind == _CODE:
                coded.append(row)
                yield words
            elif kind == _TEXT:
                found.texts[row] = duplicates.digest(words)

    found.codes.update(zip(coded, [*duplicates.sketches_of_words(codes(), by)], strict=True))
    return found


def _first_of_tasks(frame: pl.DataFrame) -> tuple[list[str], list[str]]:
    """The first row of each task, and its instruction."""
    first = frame.select("id", "task", "instruction").unique("task", keep="first", maintain_order=True)
    return first["id"].to_list(), first["instruction"].cast(pl.String).fill_null("").to_list()


def _answers(frame: pl.DataFrame) -> Iterator[tuple[str, int, list[str]]]:
    """For each row its id, what its answer is compared by, and the words of that."""
    names = ("response", "code", "language", "role")
    rows = schema.with_columns(_coded(frame), names).select("id", *names)
    for row, response, code, language, role in rows.iter_rows():
        if role == "student":
            yield row, _STUDENT, []
        elif code and (words := duplicates.code_words(code, language)):
            yield row, _CODE, words
        else:
            words = (response or "").split()
            yield row, _TEXT if words else _NOTHING, words


def _coded(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with code and language; nothing is parsed where both are there already."""
    if {"code", "language"} <= {*frame.columns} and not frame["code"].null_count():
        return frame
    return with_code(frame)


class _Shingled(NamedTuple):
    """The shingles of instructions and of codes, by row."""

    instructions: dict[str, Hashes]
    codes: dict[str, Hashes]


def _shingled(
    frame: pl.DataFrame, instructions: AbstractSet[str], codes: AbstractSet[str], by: Settings
) -> _Shingled:
    """The shingles of the instructions of some rows, and of the code of some."""
    asked = frame.filter(frame["id"].is_in(list(instructions)))
    answered = frame.filter(frame["id"].is_in(list(codes)))
    return _Shingled(
        {
            row: duplicates.hashes(duplicates.instruction_words(text), by.n)
            for row, text in asked.select("id", pl.col("instruction").cast(pl.String)).iter_rows()
        },
        {row: duplicates.hashes(words, by.n) for row, _, words in _answers(answered)},
    )


@dataclass
class _Set:
    """All rows of a source, as far as they are compared."""

    first: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    rows: list[tuple[str, str, int]] = field(default_factory=list)
    instructions: _Texts = field(default_factory=_Texts)
    codes: _Texts = field(default_factory=_Texts)
    texts: dict[str, bytes] = field(default_factory=dict)

    def add(self, found: _Sketched, shingle: int) -> None:
        """Add the rows of the next frame, given the words of a shingle."""
        for row, task, kind in zip(found.ids, found.tasks, found.kinds, strict=True):
            self.rows.append((row, task, kind))
            if kind != _NOTHING:
                self.answered.add(task)
            if self.first.setdefault(task, row) == row and row in found.instructions:
                one = found.instructions[row]
                self.instructions.add(row, one.digest, one.keys)
                if one.words < shingle:
                    self.short.add(task)
        for row, one in found.codes.items():
            self.codes.add(row, one.digest, one.keys)
        self.texts.update(found.texts)

    def compared(self) -> _Texts:
        """The instructions that tell tasks apart.

        A short one, such as "Complete the code.", does not where it has answers: their code does.
        """
        return self.instructions.without({self.first[task] for task in self.short & self.answered})


def _start(source: Source, options: Options, over: Over) -> Started:
    by = _settings(options)
    whole = _Set()
    for found in over(partial(_sketched, by=by), source):
        whole.add(found, by.n)
    instructions = whole.compared()
    grams = _Shingled({}, {})
    wanted = instructions.candidates(), whole.codes.candidates()
    shingled = partial(_shingled, instructions=wanted[0], codes=wanted[1], by=by)
    for part in over(shingled, source) if any(wanted) else ():
        grams.instructions.update(part.instructions)
        grams.codes.update(part.codes)
    by_first = instructions.drops(grams.instructions, "instruction", by)
    tasks = {task: by_first[row] for task, row in whole.first.items() if row in by_first}
    gone = {row for row, task, _ in whole.rows if task in tasks}
    rows = whole.codes.without(gone).drops(grams.codes, "code", by)
    stays = _drop_repeats(whole, tasks, rows)
    task_of = {row: task for task, row in whole.first.items()}
    for task, drop in tasks.items():
        kept = stays.get(task_of[drop.kept])
        moved = Drop(drop.reason, rows[drop.kept].kept, drop.similarity, drop.kept) if not kept else None
        tasks[task] = moved or drop._replace(kept=kept or drop.kept)
    return Started(partial(_split, tasks=tasks, rows=rows))


def _drop_repeats(whole: _Set, tasks: Mapping[str, Drop], rows: dict[str, Drop]) -> dict[str, str]:
    """Add to `rows` those that say nothing new of their own task: no answer, or the text of an earlier one.

    Returns:
        By task that is kept, the first of its rows that stays.
    """
    stays: dict[str, str] = {}
    said: dict[tuple[str, bytes], str] = {}
    for row, task, kind in whole.rows:
        if task in tasks or row in rows:
            continue
        if kind == _NOTHING and task in stays:
            rows[row] = Drop("duplicate-instruction", stays[task], 1.0)
        elif kind == _TEXT and (kept := said.setdefault((task, whole.texts[row]), row)) != row:
            rows[row] = Drop("duplicate-response", kept, 1.0)
        else:
            stays.setdefault(task, row)
    return stays


def _split(frame: pl.DataFrame, tasks: Mapping[str, Drop], rows: Mapping[str, Drop]) -> Split:
    """A frame without what repeats other rows, and that with what it repeats."""
    why = [tasks.get(task) or rows.get(row) for row, task in zip(frame["id"], frame["task"], strict=True)]
    goes = pl.Series([one is not None for one in why], dtype=pl.Boolean)
    drops: Sequence[Drop] = [one for one in why if one is not None]
    columns = [
        pl.Series("reason", [one.reason for one in drops], pl.String),
        pl.Series("dropped_by", [[one.reason] for one in drops], pl.List(pl.String)),
        pl.Series("detail", [_detail(one) for one in drops], pl.String),
        pl.Series("duplicate_of", [one.kept for one in drops], pl.String),
        pl.Series("measure_similarity", [one.similarity for one in drops], pl.Float64),
    ]
    names = [column.name for column in columns]
    dropped = frame.filter(goes).drop(names, strict=False).hstack(columns)
    return Split(frame.filter(~goes), schema.in_order(dropped))


def _detail(drop: Drop) -> str:
    what = drop.reason.removeprefix("near-").removeprefix("duplicate-")
    via = f"{drop.via}, whose code repeats that of row " if drop.via else ""
    return f"{what}: similarity {drop.similarity:.3f} to that of row {via}{drop.kept}"


STAGE = FrameStage(
    name="dedup",
    options=Options,
    decides=_decides,
    start=_start,
    check_options=_settings,
    help="""Drop tasks and answers that repeat others of the same set.

    A task whose instruction repeats that of an earlier one goes with all its answers; then a teacher's
    answer whose code, without comments, repeats that of an earlier row. OUT/dropped names the kept row
    (`duplicate_of`) and the similarity (`measure_similarity`).
    """,
    example="datagen dedup out/filtered -o out/distinct --threshold 0.7",
)
