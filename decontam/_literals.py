"""Reads the literals of any language in a text, and the brackets that hold nothing else."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

Value = Any  # None, bool, int, float, str, or list, tuple, dict of these

#: Longest value, in literals, and brackets that may be open.
LENGTH, DEPTH = 128, 50
_DIGITS = 300

_TOKEN = re.compile(
    r"""(?P<string>(?<!\w)[bfruBFRU]?(?:"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?))"""
    r"""|(?P<number>(?<![\w)\]}.])(?:-?0(?:[bB][01]+|[oO][0-7]+|[xX][0-9a-fA-F]+)\b"""
    r"""|-?[0-9](?:[0-9_]*[0-9])?(?:\.[0-9]+|\.(?![\w.\s`*]|\Z))?(?:[eE][-+]?[0-9]+)?(?![0-9])(?:[fFLul]\b)?))"""
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
# A name before one of these says what the value is called or made by.
_LEADS = re.compile(r"\s?[(\[{=:!.]")
_TYPES = frozenset(["new", "int", "double", "i32", "f64"])
_KEY = re.compile(r"\s?:(?!:)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class Literal(NamedTuple):
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
        self.held: list[Literal] = []
        self.plain, self.colons = True, 0


def read(text: str) -> list[Literal]:
    """Return literals that stand alone, and brackets of nothing but literals, the inner ones first."""
    reader = _Reader(text)
    for match in _TOKEN.finditer(text):
        kind, token, start, end = match.lastgroup, match.group(), match.start(), match.end()
        if kind == "string" and not _closes(token):
            reader.frames[-1].plain = False
        elif kind in {"string", "number"} or token in _CONSTANTS:
            reader.add(Literal(_literal(token, kind), 1, start, end, "", ""))
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
        self.found: list[Literal] = []
        self.frames = [_Frame("", 0, "")]
        self.name, self.name_end = "", -1

    def add(self, one: Literal) -> None:
        self.found.append(one)
        if len(self.frames) > 1:
            self.frames[-1].held.append(one)
            self.frames[-1].plain &= not is_call(one)

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
            top.held.append(Literal(name, 1, start, end, "", ""))
        elif name not in _TYPES and not _LEADS.match(self.text, end):
            top.plain = False

    def sign(self, sign: str, start: int) -> None:
        if sign == "!" and self.name_end == start:  # a macro of Rust
            self.name_end += 1
        elif sign == ":":
            self.frames[-1].colons += 1
        elif sign not in "=&.#*":
            self.frames[-1].plain = False


def _closed(frame: _Frame, end: int) -> Literal | None:
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
    return Literal(value, max(size, 1), frame.start, end, frame.name, frame.bracket)


def _is_syntax(frame: _Frame, text: str, end: int) -> bool:
    """Tell whether an empty bracket is no value but part of a type or of a call without arguments."""
    return (frame.bracket == "[" and bool(_TYPE.match(text, end))) or frame.name in _EMPTY


def is_call(one: Literal) -> bool:
    return one.bracket == "(" and bool(one.name) and one.name not in _MAKERS


def _hashable(value: Value) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _literal(token: str, kind: str | None) -> Value:
    if kind == "word":
        return _CONSTANTS[token]
    if kind == "string":
        inner = token.lstrip("bfruBFRU")[1:-1]
        return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), inner) if "\\" in inner else inner
    if token.lstrip("-")[1:2] in {*"bBoOxX"}:
        return int(token, 0) if len(token) <= _DIGITS else token
    digits = token.rstrip("fFLul").replace("_", "")
    if len(digits) > _DIGITS:
        return digits
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)
