"""Gives rows their `id` and their `task`, and refuses what is not unique, in little memory.

What has to be remembered of a row are 80 bits of a hash: with a million rows the chance that any two differ
and share it is below one in a trillion.
"""

from __future__ import annotations

import polars as pl

from datagen import canonical
from datagen.errors import DatagenError, one_line


class Identities:
    """Identifies the rows of a file, one frame after the other."""

    def __init__(self, shown: str) -> None:
        """shown: what error lines call the file."""
        self._shown = shown
        self._rows = 0
        #: How often content came, by the 80 bits of its first id.
        self._seen: dict[bytes, int] = {}
        self._ids: set[bytes] = set()
        #: By task, the instruction: both as 80 bits. Only where the file names tasks.
        self._instructions: dict[bytes, bytes] = {}

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with `id` and `task`.

        Raises:
            DatagenError: an id is null or not unique, or two instructions share a task.
        """
        frame = self._with_tasks(frame)
        if "id" in frame.columns:
            self._check_ids(frame["id"])
        else:
            frame = frame.with_columns(pl.Series("id", self._content_ids(frame), pl.String))
        self._rows += frame.height
        return frame

    def _with_tasks(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give every row its task: the hash of the instruction where the file names none."""
        made = [canonical.row_id(instruction) for instruction in frame["instruction"]]
        if "task" not in frame.columns:
            return frame.with_columns(pl.Series("task", made, pl.String))
        tasks = [own if own is not None else hashed for own, hashed in zip(frame["task"], made, strict=True)]
        for task, instruction in zip(tasks, made, strict=True):
            known = self._instructions.setdefault(_short(task), bytes.fromhex(instruction))
            if known.hex() != instruction:
                raise DatagenError(
                    f"{self._shown}: two instructions share the task {one_line(task, 60)}; a task is one"
                    " instruction: read the column under another name: --map my_task=task"
                )
        return frame.with_columns(pl.Series("task", tasks, pl.String))

    def _check_ids(self, ids: pl.Series) -> None:
        if ids.null_count():
            row = self._rows + ids.is_null().arg_true()[0] + 1
            raise DatagenError(
                f"{self._shown}, row {row}: its id is null; give every row one, or remove the column"
            )
        for value in ids:
            short = _short(value)
            if short in self._ids:
                raise DatagenError(
                    f"{self._shown}: the id {one_line(value, 60)} stands in more than one row;"
                    " ids must be unique"
                )
            self._ids.add(short)

    def _content_ids(self, frame: pl.DataFrame) -> list[str]:
        """Hash each row's content and how often it came before, so that equal rows stay two rows."""
        ids = []
        responses = frame["response"] if "response" in frame.columns else [None] * frame.height
        for instruction, response in zip(frame["instruction"], responses, strict=True):
            first = canonical.row_id(instruction, response, 0)
            short = bytes.fromhex(first)
            before = self._seen.get(short, 0)
            self._seen[short] = before + 1
            ids.append(canonical.row_id(instruction, response, before) if before else first)
        return ids


def _short(text: str) -> bytes:
    return bytes.fromhex(canonical.row_id(text))
