"""Gives a file's rows datagen's columns, whichever of the known shapes the file has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from datagen import canonical
from datagen.data import schema
from datagen.data.inputs import chats, tables
from datagen.data.inputs.columns import holds_text, typed
from datagen.data.inputs.identities import Identities
from datagen.data.inputs.kinds import as_text
from datagen.data.inputs.texts import is_no_answer, is_no_input, without_end_tokens
from datagen.errors import DatagenError, nearest, one_line

#: Parsing Python takes some four hundred bytes of memory for each byte.
MAX_TEXT_BYTES = 2**20

#: Names in use for the task and for its answer, best known first. `input` and `text` may be either half of
#: something else, so they count where nothing else does.
TASK_NAMES = ("instruction", "prompt", "question", "query", "problem", "input", "text")
ANSWER_NAMES = ("response", "output", "completion", "answer", "solution", "chosen")
CHAT_NAMES = ("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns")
#: Names that say what they are; others are told when they are read.
_PLAIN = frozenset({"instruction", "prompt", "response", "output", "messages"})

#: Why a row is dropped before any stage sees it.
NO_INSTRUCTION, UNREADABLE_CHAT, TOO_LONG = "no-instruction", "unreadable-chat", "too-long"

_TEXT = (pl.String, pl.Null)


class Shape(NamedTuple):
    """Which columns of a file hold what.

    Args:
        task: the column with the instruction, or with a chat.
        answer: the column with the answer; None where there is none, or the chat holds it.
        is_chat: whether `task` holds chats.
        turns: whether `answer` holds the model's turns.
        chat: where `task` holds no chats, another column that does.
    """

    task: str
    answer: str | None
    is_chat: bool
    turns: bool = False
    chat: str | None = None


class Recogniser:
    """Gives a file's rows datagen's columns, one frame after the other.

    Known shapes: datagen's own, Alpaca (`instruction, input, output`), pairs under the usual names
    (`TASK_NAMES`, `ANSWER_NAMES`), and chats (`CHAT_NAMES`); `rename` (new name -> name in the file) covers
    the others.

    notes: after `end`, what people should know of how the file was read, a line each.
    needless: after `end`, columns that hold nothing which other columns do not.
    """

    def __init__(self, shown: str, rename: Mapping[str, str]) -> None:
        self._shown = shown
        self._rename = rename
        self._identities = Identities(shown)
        self._printed_by_datagen: bool | None = None
        self._rows = self._longer_chats = 0
        self._whole_chats = True
        self._shape: Shape | None = None
        self.notes: list[str] = []
        self.needless: tuple[str, ...] = ()

    def recognise(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The next rows of the file with `instruction`, `task`, `id`, and `response` where there is one.

        All frames have the same columns and types.

        Returns:
            The rows, and those that are none, with `reason` and `detail`.

        Raises:
            DatagenError: no instruction can be found, a known column has the wrong type, ids are not unique,
                a column bears a name that datagen writes itself.
        """
        frame = _renamed(frame, self._shown, self._rename)
        shape = self._shape or self._shape_of(frame)
        problems = _Problems(self._shown, self._rows, frame.height)
        if shape.is_chat:
            frame, chats_here = _from_chats(frame, shape, problems)
            self._longer_chats += sum(chat.longer for chat in chats_here)
            self._whole_chats = self._whole_chats and all(chat.whole for chat in chats_here)
        else:
            frame = _from_pairs(frame, shape)
        frame = typed(frame, self._shown, self._rename)
        if shape.chat and shape.chat in frame.columns:
            frame = _filled_from_chats(frame, shape.chat, problems)
        problems.note(frame["instruction"].is_null(), NO_INSTRUCTION, "the instruction is null")
        _note_long_texts(frame, problems)
        if self._printed_by_datagen is None:
            self._printed_by_datagen = _is_printed_by_datagen(frame)
        if not self._printed_by_datagen:
            _refuse_names_of_ours(frame, self._shown)
        frame = frame.with_columns(pl.col("instruction").fill_null(""))
        frame = schema.in_order(self._identities.add(frame))
        self._rows += frame.height
        return problems.split(frame)

    def _shape_of(self, frame: pl.DataFrame) -> Shape:
        """The shape of the whole file, found when its first frame is seen; what is not plain is told."""
        shape = self._shape = _shape(frame, self._shown)
        used = {shape.task, shape.answer, "input"}
        if not {shape.task, shape.answer} - {None} <= _PLAIN:
            answer = f" and {one_line(shape.answer, 40)} as the answer" if shape.answer else ""
            kind = "chats" if shape.is_chat else "the instruction"
            self.notes.append(f"{self._shown}: {one_line(shape.task, 40)} is read as {kind}{answer}")
        others = [
            one_line(name, 40)
            for name, dtype in frame.schema.items()
            if name not in used and name not in schema.DTYPES and holds_text(dtype)
        ]
        if others:
            more = f" and {len(others) - 12} more" if len(others) > 12 else ""
            self.notes.append(
                f"{self._shown}: neither task nor answer, but kept: the text columns"
                f" {', '.join(others[:12])}{more}"
            )
        return shape

    def end(self) -> None:
        """Take note of the whole file, once its last frame was seen."""
        if self._shape is None or not self._shape.is_chat:
            return
        if self._whole_chats and self._shape.answer is None:
            self.needless = (_kept_as(self._shape.task),)
        if not self._longer_chats:
            return
        chats = "1 chat is" if self._longer_chats == 1 else f"{self._longer_chats:,} chats are"
        self.notes.append(
            f"{self._shown}: {chats} longer than a question and its answer; the other turns are no part of"
            f" instruction and response, they stay in the column {one_line(_kept_as(self._shape.task), 40)}"
        )


class _Problems:
    """Why rows of a frame are none."""

    def __init__(self, shown: str, before: int, height: int) -> None:
        self.shown = shown
        self._before = before
        self._reasons: list[str | None] = [None] * height
        self._details: list[str | None] = [None] * height

    def add(self, number: int, reason: str, what: str) -> None:
        """Note what is wrong with one row, from 0; the first counts."""
        if self._reasons[number] is None:
            self._reasons[number] = reason
            self._details[number] = f"{self.shown}, row {self._before + number + 1}: {what}"

    def note(self, wrong: pl.Series, reason: str, what: str) -> None:
        """Note what is wrong with all rows where `wrong` is true."""
        for number in wrong.arg_true():
            self.add(number, reason, what)

    def split(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows without problems, and the others with `reason`, `dropped_by` and `detail`."""
        if not any(self._reasons):
            return frame, frame.clear()
        reasons = pl.Series("reason", self._reasons, pl.String)
        bad = reasons.is_not_null()
        by = pl.Series("dropped_by", [[one] if one else [] for one in self._reasons], pl.List(pl.String))
        refused = frame.with_columns(reasons, by, pl.Series("detail", self._details, pl.String))
        return frame.filter(~bad), schema.in_order(refused.filter(bad))


def _renamed(frame: pl.DataFrame, shown: str, rename: Mapping[str, str]) -> pl.DataFrame:
    news = {old: new for new, old in rename.items()}
    for new, old in rename.items():
        if old not in frame.columns:
            raise DatagenError(f"{shown} has no column {old} to map to {new}; {_nearest(old, frame)}")
        if news[old] != new:
            raise DatagenError(f"--map reads the column {old} of {shown} both as {new} and as {news[old]}")
        if new != old and new in frame.columns and new not in news:
            raise DatagenError(
                f"{shown} has a column {new} already; map it elsewhere first: --map old_{new}={new}"
            )
    return frame.rename(news)


def _nearest(name: str, frame: pl.DataFrame) -> str:
    return nearest(name, [one_line(column, 40) for column in frame.columns])


def _shape(frame: pl.DataFrame, shown: str) -> Shape:
    """Which columns of a frame hold what.

    Raises:
        DatagenError: none holds tasks.
    """
    names = {name.lower(): name for name in reversed(frame.columns)}
    names |= {name: name for name in frame.columns}
    for wanted in (TASK_NAMES[0], *CHAT_NAMES, *TASK_NAMES[1:], "chosen"):
        name = names.get(wanted)
        if name is None:
            continue
        dtype = frame.schema[name]
        is_chat = wanted not in TASK_NAMES or not _is_text(frame[name])
        is_list = wanted in CHAT_NAMES and isinstance(dtype, pl.List)
        if is_chat and not (is_list or dtype == pl.Null or _holds_turns(frame[name])):
            if wanted != "instruction":
                continue
            is_chat = False  # `typed` says what is wrong with it
        answers = [] if wanted in CHAT_NAMES else [n for n in ANSWER_NAMES if n in names and n != wanted]
        answer = names[answers[0]] if answers else None
        turns = answer is not None and _holds_turns(frame[answer])
        return Shape(name, answer, is_chat, turns, None if is_chat else _chat_beside(frame, names))
    columns = ", ".join(one_line(name, 40) for name in frame.columns[:12])
    raise DatagenError(
        f"{shown} has no column instruction, prompt, question or messages of text but {columns};"
        " say which holds the tasks: --map instruction=NAME"
    )


def _chat_beside(frame: pl.DataFrame, names: Mapping[str, str]) -> str | None:
    """The first column that bears a name of chats and holds some."""
    found = (names[wanted] for wanted in CHAT_NAMES if wanted in names)
    return next((name for name in found if _holds_turns(frame[name])), None)


def _is_text(series: pl.Series) -> bool:
    return series.dtype in _TEXT and not _holds_turns(series)


def _holds_turns(series: pl.Series) -> bool:
    """Whether the first values are chats, as lists or as their JSON."""
    if not (series.dtype == pl.String or isinstance(series.dtype, pl.List)):
        return False
    first = series.drop_nulls().head(20).to_list()
    return bool(first) and all(map(chats.looks_like_turns, first))


def _kept_as(column: str) -> str:
    """The name under which a column of turns stays: the instruction's is needed for the question."""
    return f"{column}_turns" if column in ("instruction", "response") else column


def _from_chats(
    frame: pl.DataFrame, shape: Shape, problems: _Problems
) -> tuple[pl.DataFrame, list[chats.Chat]]:
    """The frame with the first question of each chat and the answer to it; and the chats."""
    if shape.answer != "response" and "response" in frame.columns:
        raise DatagenError(
            f"{problems.shown} has both {shape.task} and response; map the second elsewhere:"
            " --map my_response=response"
        )
    found = [_chat(value, shape.task, number, problems) for number, value in enumerate(frame[shape.task])]
    asked = pl.Series("instruction", [chat.question for chat in found], pl.String)
    answers = pl.Series("response", [chat.answer for chat in found], pl.String)
    if shape.answer:
        answers = _as_texts(frame[shape.answer]).alias("response")
        if shape.answer != "response" and not _holds_turns(frame[shape.answer]):
            frame = dropped(frame, shape.answer)
    frame = frame.rename({shape.task: _kept_as(shape.task)})
    return frame.with_columns(asked, _cleaned(answers)), found


def _filled_from_chats(frame: pl.DataFrame, column: str, problems: _Problems) -> pl.DataFrame:
    """The frame where rows without instruction have what their chats say: the question, a missing answer."""
    columns = {name: frame[name].to_list() for name in ("instruction", "response") if name in frame.columns}
    for number, value in enumerate(frame[column]):
        if value is None or columns["instruction"][number] is not None:
            continue
        chat = _chat(value, column, number, problems)
        columns["instruction"][number] = chat.question
        if "response" in columns and columns["response"][number] is None:
            columns["response"][number] = chat.answer
    return frame.with_columns(pl.Series(name, values, pl.String) for name, values in columns.items())


def _chat(value: Any, column: str, number: int, problems: _Problems) -> chats.Chat:  # noqa: ANN401 - a cell
    """A chat; without a question, which is noted, where there is none."""
    try:
        chat = chats.Chat(None, None) if value is None else chats.read(_as_python(value))
    except chats.Unreadable as error:
        problems.add(number, UNREADABLE_CHAT, f"{one_line(column, 40)}: {error}")
        return chats.Chat(None, None)
    if chat.question is None:
        problems.add(number, NO_INSTRUCTION, f"{one_line(column, 40)} holds no turn of a user")
    return chat


def _as_python(value: Any) -> Any:  # noqa: ANN401 - a cell
    return value.to_list() if isinstance(value, pl.Series) else value


def dropped(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The frame without a column; polars' own `drop` would take `^x$` for a pattern."""
    return tables.picked(frame, [one for one in frame.columns if one != name])


def _from_pairs(frame: pl.DataFrame, shape: Shape) -> pl.DataFrame:
    """Columns under datagen's names, with `input` appended to the instruction where it says something."""
    columns = {name: frame[name] for name in frame.columns}
    task = columns.pop(shape.task)
    if task.dtype in _TEXT:
        task = task.cast(pl.String)
        given = next((name for name in columns if name.lower() == "input"), None)
        if given:
            task = _with_inputs(task, _as_json(columns.pop(given)))
    if shape.answer:
        answers = columns.pop(shape.answer)
        if shape.turns:  # only one of them is the answer, so they stay as well
            columns.setdefault(_kept_as(shape.answer), answers)
        # A response under datagen's own name is typed like its other columns.
        typed = shape.answer == "response" and answers.dtype != pl.String and not shape.turns
        columns["response"] = answers if typed else _cleaned(_as_texts(answers))
    return pl.DataFrame({"instruction": task, **columns})


def _with_inputs(tasks: pl.Series, given: pl.Series) -> pl.Series:
    both = [
        task if task is None or more is None or is_no_input(more) else f"{task}\n{more}"
        for task, more in zip(tasks, given, strict=True)
    ]
    return pl.Series(tasks.name, both, pl.String)


def _as_texts(series: pl.Series) -> pl.Series:
    """Values as texts: a model's turns as what it says, other lists, objects and numbers as JSON."""
    return _as_answers(series) if _holds_turns(series) else _as_json(series)


def _as_json(series: pl.Series) -> pl.Series:
    """Texts as they are, other values as JSON."""
    if series.dtype in _TEXT:
        return series.cast(pl.String)
    return pl.Series(series.name, [None if v is None else as_text(v) for v in series.to_list()], pl.String)


def _as_answers(series: pl.Series) -> pl.Series:
    return pl.Series(series.name, [_answer(value) for value in series.to_list()], pl.String)


def _answer(value: Any) -> str | None:  # noqa: ANN401 - a cell
    try:
        return None if value is None else chats.answer_in(value)
    except chats.Unreadable:
        return as_text(value)


def _cleaned(answers: pl.Series) -> pl.Series:
    """Answers without the tokens that end them; null where they say that there is none."""
    if not answers.str.contains_any(["<", "[", "("]).any():
        return answers
    texts = [None if text is None or is_no_answer(text) else without_end_tokens(text) for text in answers]
    return pl.Series(answers.name, texts, pl.String)


def _note_long_texts(frame: pl.DataFrame, problems: _Problems) -> None:
    for name in ("instruction", "response", "code", "reference"):
        if name in frame.columns:
            too_long = (frame[name].str.len_bytes() > MAX_TEXT_BYTES).fill_null(False)
            what = f"more than {MAX_TEXT_BYTES // 2**20} MB of {name}; no task or answer is that long"
            problems.note(too_long, TOO_LONG, what)


def _is_printed_by_datagen(frame: pl.DataFrame) -> bool:
    """Whether the rows are what `datagen cat` prints, where columns that stages write anew are stale."""
    return (
        {"id", "task"} <= {*frame.columns}
        and frame.height > 0
        and frame["task"][0] == canonical.row_id(frame["instruction"][0] or "")
    )


def _refuse_names_of_ours(frame: pl.DataFrame, shown: str) -> None:
    """Stages write some columns anew: those of a user would be lost."""
    for name in frame.columns:
        if schema.is_written_anew(name):
            raise DatagenError(
                f"{shown}: the column {one_line(name, 60)} bears a name that datagen writes itself;"
                f" read it under another: --map my_{one_line(name, 60)}={one_line(name, 60)}"
            )
