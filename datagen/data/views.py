"""Rows in the shapes that trainers want, one row for one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from datagen.data.source import Row


def jsonl(row: Row) -> Row:
    """The row as it is."""
    return row


def messages(row: Row) -> Row:
    """A chat of the question and, where there is one, the answer."""
    turns = [{"role": "user", "content": row["instruction"]}]
    if row.get("response") is not None:
        turns.append({"role": "assistant", "content": row["response"]})
    return {"id": row["id"], "messages": turns}


def alpaca(row: Row) -> Row:
    """Alpaca's three columns."""
    return {"instruction": row["instruction"], "input": "", "output": row.get("response") or ""}


def sharegpt(row: Row) -> Row:
    """A chat as ShareGPT writes it."""
    turns = [{"from": "human", "value": row["instruction"]}]
    if row.get("response") is not None:
        turns.append({"from": "gpt", "value": row["response"]})
    return {"id": row["id"], "conversations": turns}


SHAPES: Mapping[str, Callable[[Row], Row]] = {
    "jsonl": jsonl,
    "messages": messages,
    "alpaca": alpaca,
    "sharegpt": sharegpt,
}
