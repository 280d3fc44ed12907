"""Finds the one type that holds each column of JSON rows, nested ones included."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import polars as pl

from datagen.errors import one_line

#: More than this is data of another shape: keys that are values, or somebody's attack.
MAX_KEYS = 1000
MAX_DEPTH = 32
_WHOLE_IN_FRACTIONS = 2**53

#: The name of what no other type holds: values of several types, or numbers and nesting beyond a table's.
MIXED = "values of several types"

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
    MIXED: pl.String(),
}
_NUMBERS = {"a whole number", "a number"}


def name_of(value: object) -> str:
    """What a JSON value is called in error lines."""
    return _NAMES[type(value)]


class Misfit(ValueError):
    """Rows that no table can hold; the message says which column, what, and the cure."""


class _TooDeep(Exception):
    """A value is nested in too many others."""


class Kind:
    """What the values seen at one place are: a column, the entries of its lists, a key of its objects.

    name: what they are called in error lines, "" before the first that is not null, or `MIXED`: then all of
    them are held as JSON texts. entries: of lists. fields: of objects, by key.
    """

    __slots__ = ("_is_large", "_is_utf8", "entries", "fields", "name")

    def __init__(self) -> None:
        self.name = ""
        self.entries: Kind | None = None
        self.fields: dict[str, Kind] = {}
        self._is_utf8 = True
        self._is_large = False

    def learn_row(self, row: dict[str, Any]) -> None:
        """Take note of a row.

        Raises:
            Misfit: its keys cannot be columns.
        """
        self.name = "an object"
        for name, value in row.items():
            if name not in self.fields:
                self._add_column(name)
            column = self.fields[name]
            try:
                column.learn(value)
            except _TooDeep:
                column._become(MIXED)

    def _add_column(self, name: str) -> None:
        if not _is_utf8(name):
            raise Misfit(f"the name of a column, {_shown(name)}, holds half of a surrogate pair; rename it")
        if len(self.fields) == MAX_KEYS:
            raise Misfit(
                f"its rows have more than {MAX_KEYS:,} different keys; name those to read: --columns NAME,..."
            )
        self.fields[name] = Kind()

    def learn(self, value: Any, depth: int = 1) -> None:  # noqa: ANN401 - JSON
        """Take note of a value, which is nested in `depth` others."""
        if value is None or self.name == MIXED:
            return
        name = _NAMES[type(value)]
        if name != self.name:
            self._become(name)
        if name == "a text":
            self._is_utf8 = self._is_utf8 and _is_utf8(value)
        elif name in _NUMBERS:
            # Fractions hold no whole number beyond 2**53 with all its digits.
            self._is_large = self._is_large or (type(value) is int and abs(value) > _WHOLE_IN_FRACTIONS)
            if not _fits(value) or (self._is_large and self.name == "a number"):
                self._become(MIXED)
        elif depth > MAX_DEPTH:
            raise _TooDeep
        elif name == "a list" and self.name == name:
            self.entries = self.entries or Kind()
            for entry in value:
                self.entries.learn(entry, depth + 1)
        elif name == "an object" and self.name == name:
            for key, entry in value.items():
                self._learn_field(key, entry, depth)

    def _become(self, name: str) -> None:
        if not self.name:
            self.name = name
        elif {self.name, name} == _NUMBERS:
            self.name = "a number"
        else:
            self.name, self.entries, self.fields = MIXED, None, {}

    def _learn_field(self, key: str, value: Any, depth: int) -> None:  # noqa: ANN401 - JSON
        if self.name == MIXED:
            return
        if key not in self.fields:
            if not _is_utf8(key) or len(self.fields) == MAX_KEYS:
                self._become(MIXED)
                return
            self.fields[key] = Kind()
        self.fields[key].learn(value, depth + 1)

    def series(self, name: str, values: Iterable[Any]) -> pl.Series:
        """The values of a column, all of which were learnt, as a series of `dtype()`."""
        if self.name in ("a list", "an object", "a number", MIXED) or not self._is_utf8:
            values = map(self._fitted, values)
        return pl.Series(name, list(values), dtype=self.dtype())

    def _fitted(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """`value` with every key and with fractions throughout: polars infers nested values one by one."""
        if value is None:
            return None
        if self.name == MIXED:
            return as_text(value)
        if self.name == "a number":
            return float(value)
        if self.name == "a list" and self.entries:
            return [self.entries._fitted(entry) for entry in value]
        if self.name == "an object":
            return {key: field._fitted(value.get(key)) for key, field in self.fields.items()}
        return value if self._is_utf8 else _escaped(value)

    def dtype(self) -> pl.DataType:
        """The polars type that holds all values seen; Null if there were none."""
        if self.name == "a list":
            return pl.List(self.entries.dtype() if self.entries else pl.Null())
        if self.name == "an object":
            return pl.Struct({key: field.dtype() for key, field in self.fields.items()})
        return _DTYPES[self.name]


def as_text(value: Any) -> str:  # noqa: ANN401 - JSON
    """A text as it is, anything else as JSON; a table has no keys without a value, so these are left out."""
    if isinstance(value, str):
        return _escaped(value)
    try:
        return _escaped(json.dumps(_filled(value), ensure_ascii=False, default=str))
    except RecursionError:
        raise Misfit(
            f"a value is nested hundreds of levels deep, and {MAX_DEPTH} are allowed; give it as a text"
        ) from None


def _filled(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Without keys that have no value, and with whole numbers for fractions like 2.0."""
    if isinstance(value, dict):
        return {key: _filled(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_filled(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _escaped(text: str) -> str:
    """Half of a surrogate pair is no text in UTF-8; it stands as its escape then."""
    return text if _is_utf8(text) else text.encode(errors="backslashreplace").decode()


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(place: str) -> str:
    return one_line(place.encode(errors="replace").decode(), 60)


def _fits(number: float) -> bool:
    """Whether a column of numbers can hold it."""
    return -(2**63) <= number < 2**63 if isinstance(number, int) else math.isfinite(number)
