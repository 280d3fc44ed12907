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
        #: How often content came, by the 80 bits of its first id.
        self._seen: dict[bytes, int] = {}
        self._ids: set[bytes] = set()
        #: By task, the instruction: both as 80 bits. Only where the file names tasks.
        self._instructions: dict[bytes, bytes] = {}

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with `id` and `task`.

        Raises:
            DatagenError: an id is not unique, or two instructions share a task.
        """
        frame = self._with_tasks(frame)
        has_all = "id" in frame.columns and not frame["id"].null_count()
        ids = frame["id"].to_list() if has_all else self._content_ids(frame)
        if "id" in frame.columns:
            ids = self._checked(frame["id"], ids)
        return frame.with_columns(pl.Series("id", ids, pl.String))

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

    def _checked(self, ids: pl.Series, content: list[str]) -> list[str]:
        """A file's own ids; a row without one gets that of its content."""
        own = [made if value is None else value for value, made in zip(ids, content, strict=True)]
        for value in own:
            short = _short(value)
            if short in self._ids:
                raise DatagenError(
                    f"{self._shown}: the id {one_line(value, 60)} stands in more than one row; ids must be"
                    " unique: read the column under another name: --map my_id=id"
                )
            self._ids.add(short)
        return own

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
