"""One text for all values that are equal: results of many calls are compared as strings.

Equal numbers have one text whatever their type (1, 1.0 and True), and floats that agree in nine significant
digits have one text, too. Sets and dicts are sorted. Lists and tuples differ, as they do in Python.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import hashlib
import json.encoder
from collections.abc import Callable, Iterator
from typing import Any

from datagen.sandbox.wire import NotPlain

#: A longer text is replaced by its digest.
MAX_TEXT = 400
#: So many items of an iterator are read.
MAX_DRAINED = 10_000
_EXACT = 10**15  # whole floats below it are written as whole numbers
_PAIRED = frozenset({dict, collections.OrderedDict, collections.defaultdict, collections.Counter})
_REPRESENTED = frozenset(
    {decimal.Decimal, fractions.Fraction, datetime.date, datetime.time, datetime.datetime, datetime.timedelta}
)
_quoted: Callable[[str], str] = json.encoder.encode_basestring_ascii
_joined = ",".join
_LISTS = str.maketrans("()", "[]")


def text_of(value: object) -> str:
    """The text of a value: at most `MAX_TEXT` ASCII characters.

    It never begins with "!", so that what is no value can be told apart.

    Raises:
        NotPlain: the value is not plain data, or holds something that is not.
    """
    try:
        text = _text(value)
    except RecursionError as error:
        raise NotPlain("nested too deeply") from error
    if len(text) <= MAX_TEXT:
        return text
    return "#" + hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()


def as_list(text: str) -> str:
    """The text of a value in which tuples and iterators are lists."""
    if "(" in text or ")" in text:  # to translate takes long
        text = text.translate(_LISTS)
    return text.removeprefix("iter")


def _text(value: Any) -> str:  # noqa: ANN401 - anything
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if kind is int:
        return str(value) if -_EXACT < value < _EXACT else hex(value)
    if kind is list:
        return f"[{_joined(map(_text, value))}]"
    if kind is bool:
        return "1" if value else "0"
    if value is None:
        return "null"
    if kind is float:
        return str(int(value)) if -_EXACT < value < _EXACT and value == int(value) else f"{value:.9g}"
    if kind is tuple:
        return f"({_joined(map(_text, value))})"
    if kind in _PAIRED:
        return f"{{{_joined(sorted([f'{_text(key)}:{_text(item)}' for key, item in value.items()]))}}}"
    if kind is set or kind is frozenset:
        return f"<{_joined(sorted(map(_text, value)))}>"
    return _rare(kind, value)


def _rare(kind: type, value: Any) -> str:  # noqa: ANN401 - anything
    if kind is bytes or kind is bytearray:
        return f"b{_quoted(value.decode('latin-1'))}"
    if kind is complex:
        return f"complex({_text(value.real)},{_text(value.imag)})" if value.imag else _text(value.real)
    if kind is range:
        return f"range{_text((value.start, value.stop, value.step))}"
    if kind is collections.deque:
        return f"deque{_text(list(value))}"
    if kind in _REPRESENTED:
        return ascii(value)
    if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
        return _text(tuple(tuple.__iter__(value)))  # a named tuple equals a tuple
    if hasattr(kind, "__next__") and hasattr(kind, "__iter__"):
        return _drained(value)
    raise NotPlain(kind.__name__)


def _drained(items: Iterator[Any]) -> str:
    texts = []
    for item in items:
        texts.append(_text(item))
        if len(texts) == MAX_DRAINED:
            return f"iter[{_joined(texts)},..."
    return f"iter[{_joined(texts)}]"
