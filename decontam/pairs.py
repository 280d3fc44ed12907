"""Finds examples in a text: which arguments give which result, as literals of any language.

Seen are calls with literal arguments and the value behind them, and values that follow one another with words
or an arrow between them:

    assert f([3, 1], 2) == 7      >>> f([3, 1], 2)      f(vec![3, 1], 2); // gives 7
                                  7
    Input: xs = {3, 1}, k = 2     [3, 1], 2 => 7        | [3, 1], 2 | 7 |
    Output: 7

Only a few words are known here (constructors, constants, `assert`), and no grammar: what stands between
arguments and result may be any few words. So there are pairs that are no examples; whoever uses them has to
compare values.

One pass over the tokens, with bounds on depth and length: the time is linear in the length of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from decontam._text import without_docstring_quotes

Value = Any  # None, bool, int, float, str, or list, tuple, dict of these

#: Longest value, in literals; brackets that may be open; longest text between arguments and result.
LENGTH, DEPTH, GAP = 128, 50, 60
_DIGITS = 300

_TOKEN = re.compile(
    r"""(?P<string>(?<!\w)[bfruBFRU]?(?:"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?))"""
    r"""|(?P<number>(?<![\w)\]}.])-?[0-9](?:[0-9_]*[0-9])?(?:\.[0-9]+|\.(?![\w.]))?(?:[eE][-+]?[0-9]+)?(?![0-9])(?:[fFLul]\b)?)"""
    r"""|(?P<word>[^\W\d]\w*)"""
    r"""|(?P<open>[\[({])|(?P<close>[\])}])|(?P<other>[^\s,;])|(?P<comma>,)"""
)
_CONSTANTS = {
    "True": True, "true": True, "TRUE": True, "False": False, "false": False, "FALSE": False,
    "None": None, "null": None, "NULL": None, "nil": None, "undefined": None, "nullptr": None,
}  # fmt: skip
# `[]int{1}` and `new int[]{1}`: these brackets are part of a type. Calls that add nothing: `"a".to_string()`.
_TYPE = re.compile(r"[\w{\[]")
_EMPTY = frozenset(["to_string", "slice", "new"])
# Calls that only make a value of their arguments.
_MAKERS = frozenset(
    "vec asList of Some Ok array Array list set dict tuple List Set Map from String frozenset"
    " Counter deque to_string slice hashset hashmap new".split()
)
_JOINS = re.compile(
    r"[ \t]*(?:(?:[,;&]|and\b)\s*(?:[^\W\d]\w*\s*[=:]\s*)?|\n[ \t]*[^\W\d]\w*[ \t]*=(?!=)[ \t]*)"
)
# A name before one of these says what the value is called or made by.
_LEADS = re.compile(r"\s?[(\[{=:!.]")
_TYPES = frozenset(["new", "int", "double", "i32", "f64"])
_KEY = re.compile(r"\s?:(?!:)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class Pair(NamedTuple):
    """Arguments and the result they give.

    Args:
        arguments: as Python values; arrays and sets of other languages are lists.
        result: as a Python value.
        span: where arguments and result stand in the text: from the first to the last, in characters.
        called: the name of the function that is called, empty if the values only follow one another.
        between: what stands between arguments and result.
    """

    arguments: tuple[Value, ...]
    result: Value
    span: tuple[int, int]
    called: str
    between: str


class _Value(NamedTuple):
    """A literal, or a bracket that holds nothing else: its value, its literals, its place, who is called."""

    value: Value
    size: int
    start: int
    end: int
    name: str
    bracket: str


class _Frame:
    """A bracket that is not closed yet."""

    __slots__ = ("bracket", "colons", "held", "name", "plain", "start")

    def __init__(self, bracket: str, start: int, name: str) -> None:
        self.bracket, self.start, self.name = bracket, start, name
        self.held: list[_Value] = []
        self.plain, self.colons = True, 0


def pairs(text: str) -> list[Pair]:
    """Return the pairs of arguments and result in `text`, in the order of their ends; none comes twice."""
    text = without_docstring_quotes(text)
    values = sorted(_values(text), key=lambda one: (one.start, -one.end))
    starts = [one.start for one in values]
    found: dict[tuple[int, int, int], Pair] = {}
    for one in values:
        if _is_call(one):
            pair = _called(one, values, starts, text)
            if pair:
                found.setdefault((one.start, *pair.span), pair)
    for pair in _listed(values, text):
        found.setdefault((-1, *pair.span), pair)
    return sorted(found.values(), key=lambda pair: (pair.span[1], pair.span[0]))


def flat(value: Value) -> Iterator[Any]:
    """Yield the literals of a value, brackets left out; an empty bracket yields one of its own.

    Truth values and None come as text, so that True is not 1; 2 and 2.0 are equal.
    """
    if isinstance(value, (list, tuple)):
        if not value:
            yield "\0[]"
        for one in value:
            yield from flat(one)
    elif isinstance(value, dict):
        if not value:
            yield "\0[]"
        for key, one in value.items():
            yield from flat(key)
            yield from flat(one)
    elif value is None or isinstance(value, bool):
        yield f"\0{value}"
    else:
        yield value


def _values(text: str) -> list[_Value]:
    """Return literals that stand alone, and brackets of nothing but literals, the inner ones first."""
    reader = _Reader(text)
    for match in _TOKEN.finditer(text):
        kind, token, start, end = match.lastgroup, match.group(), match.start(), match.end()
        if kind == "string" and not _closes(token):
            reader.frames[-1].plain = False
        elif kind in {"string", "number"} or token in _CONSTANTS:
            reader.add(_Value(_literal(token, kind), 1, start, end, "", ""))
        elif kind == "open":
            reader.open(token, start)
        elif kind == "close":
            reader.close(end)
        elif kind == "word":
            reader.word(token, start, end)
        elif kind == "other":
            reader.sign(token, start)
    return reader.found


def _closes(string: str) -> bool:
    """Tell whether a string ends on its line: `6" wide` and `don 't` do not."""
    opened = string.lstrip("bfruBFRU")
    return len(opened) > 1 and opened[0] == opened[-1]


class _Reader:
    """Reads token by token; knows the open brackets and the last name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[_Value] = []
        self.frames = [_Frame("", 0, "")]
        self.name, self.name_end = "", -1

    def add(self, one: _Value) -> None:
        self.found.append(one)
        if len(self.frames) > 1:
            self.frames[-1].held.append(one)
            self.frames[-1].plain &= not _is_call(one)

    def open(self, bracket: str, start: int) -> None:
        if len(self.frames) >= DEPTH:
            del self.frames[1:]
        self.frames.append(_Frame(bracket, start, self.name if self.name_end == start else ""))

    def close(self, end: int) -> None:
        if len(self.frames) == 1:
            return
        frame = self.frames.pop()
        if not frame.held and frame.plain and _is_syntax(frame, self.text, end):
            return
        closed = _closed(frame, end)
        if closed is None:
            self.frames[-1].plain = False
        else:
            self.add(closed)

    def word(self, name: str, start: int, end: int) -> None:
        self.name, self.name_end = name, end
        top = self.frames[-1]
        if top.bracket == "{" and top.plain and _KEY.match(self.text, end):
            top.held.append(_Value(name, 1, start, end, "", ""))
        elif name not in _TYPES and not _LEADS.match(self.text, end):
            top.plain = False

    def sign(self, sign: str, start: int) -> None:
        if sign == "!" and self.name_end == start:  # a macro of Rust
            self.name_end += 1
        elif sign == ":":
            self.frames[-1].colons += 1
        elif sign not in "=&.#*":
            self.frames[-1].plain = False


def _closed(frame: _Frame, end: int) -> _Value | None:
    """Return what a closed bracket holds, or None if it is no value."""
    size = sum(one.size for one in frame.held)
    if not frame.plain or size > LENGTH:
        return None
    held = [one.value for one in frame.held]
    value: Value = held
    if frame.bracket == "{" and frame.colons and 2 * frame.colons == len(held):
        keys = [key if _hashable(key) else str(key) for key in held[::2]]
        value = dict(zip(keys, held[1::2], strict=True))
    elif frame.bracket == "{" and not held:
        value = {}
    elif frame.bracket == "(":
        value = tuple(held)
        if len(held) == 1 and (not frame.name or frame.name in _MAKERS):
            value = held[0]
    return _Value(value, max(size, 1), frame.start, end, frame.name, frame.bracket)


def _is_syntax(frame: _Frame, text: str, end: int) -> bool:
    """Tell whether an empty bracket is no value but part of a type or of a call without arguments."""
    return (frame.bracket == "[" and bool(_TYPE.match(text, end))) or frame.name in _EMPTY


def _is_call(one: _Value) -> bool:
    return one.bracket == "(" and bool(one.name) and one.name not in _MAKERS


def _hashable(value: Value) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _literal(token: str, kind: str | None) -> Value:
    if kind == "word":
        return _CONSTANTS[token]
    if kind == "string":
        inner = token.lstrip("bfruBFRU")[1:-1]
        return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), inner) if "\\" in inner else inner
    digits = token.rstrip("fFLul").replace("_", "")
    if len(digits) > _DIGITS:
        return digits
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)


def _called(call: _Value, values: Sequence[_Value], starts: Sequence[int], text: str) -> Pair | None:
    """Return the pair of a call's arguments and the value that follows, or whether it is asserted."""
    at = bisect_left(starts, call.end)
    arguments = tuple(call.value) if isinstance(call.value, tuple) else (call.value,)
    if at < len(values) and _follows(call.end, values[at], text):
        return Pair(
            arguments,
            values[at].value,
            (call.start, values[at].end),
            call.name,
            text[call.end : values[at].start],
        )
    before = text[max(0, call.start - 80) : call.start].rpartition("\n")[2].split()
    if "assert" in before[:1]:
        return Pair(arguments, "not" not in before, (call.start, call.end), call.name, "")
    return None


def _follows(end: int, value: _Value, text: str) -> bool:
    """Tell whether a value stands near enough behind `end` to be a result, and no other call's argument."""
    gap = value.start - end
    if gap > GAP or _is_call(value):
        return False
    between = text[end : value.start]
    return between.count("\n") <= 2 and bool(between.strip() or "\n" in between)


def _listed(values: Sequence[_Value], text: str) -> Iterator[Pair]:
    """Yield the pairs of values that stand outside calls: one or more joined by commas, then one more."""
    outer = []
    end = -1
    for one in values:
        if one.start >= end:
            outer.append(one)
            end = one.end
    group: list[_Value] = []
    for one in outer:
        if group and not _JOINS.fullmatch(text, group[-1].end, min(one.start, group[-1].end + GAP)):
            if _follows(group[-1].end, one, text):
                arguments = tuple(before.value for before in group)
                yield Pair(
                    arguments, one.value, (group[0].start, one.end), "", text[group[-1].end : one.start]
                )
            group = []
        group = [] if _is_call(one) else [*group[-7:], one]
