"""Finds the one type that each column of JSON rows has, nested ones included, and the row that breaks it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import polars as pl

from datagen.errors import one_line

#: More than this is data of another shape: keys that are values, or somebody's attack.
MAX_KEYS = 1000
MAX_DEPTH = 32

_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
_DTYPES = {
    "": pl.Null(),
    "true or false": pl.Boolean(),
    "a whole number": pl.Int64(),
    "a number": pl.Float64(),
    "a text": pl.String(),
}
_NUMBERS = {"a whole number", "a number"}


def name_of(value: object) -> str:
    """What a JSON value is called in error lines."""
    return _NAMES[type(value)]


class Misfit(ValueError):
    """A value that does not fit into its column; the message says which column, what, and the cure."""


class Kind:
    """What the values seen at one place are: a column, the entries of its lists, a key of its objects.

    name: what they are called in error lines, "" before the first that is not null.
    row: where it was first seen. entries: of lists. fields: of objects, by key.
    """

    __slots__ = ("entries", "fields", "name", "row")

    def __init__(self) -> None:
        self.name = ""
        self.row = 0
        self.entries: Kind | None = None
        self.fields: dict[str, Kind] = {}

    def learn(self, value: Any, row: int, place: str = "", depth: int = 0) -> None:  # noqa: ANN401 - JSON
        """Take note of a value in `row`; `place` is the column, then keys, with dots between.

        Raises:
            Misfit: it is of another type than those before, or no table can hold it.
        """
        if value is None:
            return
        name = _NAMES[type(value)]
        if name != self.name:
            self._become(name, row, place)
        if name == "a text":
            _check_text(value, place)
        elif name in _NUMBERS:
            _check_number(value, place)
        elif name == "a list":
            self.entries = self.entries or Kind()
            for entry in value:
                self.entries.learn(entry, row, place, _deeper(depth, place))
        elif name == "an object":
            for key, entry in value.items():
                self._field(key, place).learn(entry, row, _inside(place, key), _deeper(depth, place))

    def _become(self, name: str, row: int, place: str) -> None:
        if not self.name:
            self.name, self.row = name, row
        elif {self.name, name} == _NUMBERS:
            self.name = "a number"
        else:
            raise Misfit(
                f"column {_shown(place)} holds {name}, but {self.name} in row {self.row};"
                " give the column one type"
            )

    def _field(self, key: str, place: str) -> Kind:
        if key not in self.fields:
            _check_text(key, _inside(place, key))
            if len(self.fields) == MAX_KEYS:
                where = f"column {_shown(place)} has" if place else "its rows have"
                raise Misfit(f"{where} more than {MAX_KEYS:,} different keys; make them values, or one text")
            self.fields[key] = Kind()
        return self.fields[key]

    def series(self, name: str, values: Iterable[Any]) -> pl.Series:
        """The values of a column, all of which were learnt, as a series of `dtype()`."""
        if self.name in ("a list", "an object", "a number"):
            values = map(self._fitted, values)
        return pl.Series(name, list(values), dtype=self.dtype())

    def _fitted(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """`value` with every key and with fractions throughout: polars infers nested values one by one."""
        if value is None:
            return None
        if self.name == "a number":
            return float(value)
        if self.name == "a list" and self.entries:
            return [self.entries._fitted(entry) for entry in value]
        if self.name == "an object":
            return {key: field._fitted(value.get(key)) for key, field in self.fields.items()}
        return value

    def dtype(self) -> pl.DataType:
        """The polars type that holds all values seen; Null if there were none."""
        if self.name == "a list":
            return pl.List(self.entries.dtype() if self.entries else pl.Null())
        if self.name == "an object":
            return pl.Struct({key: field.dtype() for key, field in self.fields.items()})
        return _DTYPES[self.name]


def _inside(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _shown(place: str) -> str:
    return one_line(place.encode(errors="replace").decode(), 60)


def _check_text(text: str, place: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Misfit(
            f"column {_shown(place)} holds half of a surrogate pair, which is no text;"
            " repair or remove the row"
        ) from None


def _check_number(number: float, place: str) -> None:
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise Misfit(f"column {_shown(place)} holds a whole number beyond 64 bits; give it as a text")
    if not math.isfinite(number):
        raise Misfit(f"column {_shown(place)} holds a number too large for a float; give it as a text")


def _deeper(depth: int, place: str) -> int:
    if depth == MAX_DEPTH:
        raise Misfit(f"column {_shown(place)} is nested deeper than {MAX_DEPTH} levels; give it as a text")
    return depth + 1
