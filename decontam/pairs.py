"""Finds examples in a text: which arguments give which result, as literals of any language.

Seen are calls with literal arguments and the value behind them, and values that follow one another with words
or an arrow between them:

    assert f([3, 1], 2) == 7      >>> f([3, 1], 2)      f(vec![3, 1], 2); // gives 7
                                  7
    Input: xs = {3, 1}, k = 2     [3, 1], 2 => 7        | [3, 1], 2 | 7 |
    Output: 7

Other forms of assertions are in `_asserted.py`, sentences that join several arguments in `_told.py`.

Only a few words are known here (constructors, constants, `assert`), and no grammar: what stands between
arguments and result may be any few words. So there are pairs that are no examples; whoever uses them has to
compare values.

One pass over the tokens, with bounds on depth and length: the time is linear in the length of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from decontam._asserted import result_before, result_in_matcher, truth
from decontam._literals import Literal, Value, is_call, read
from decontam._text import without_docstring_quotes
from decontam._told import GAP, MOST, told

#: The largest number that is known in words.
SPELLED = MOST

# Joins values, unless it names the second one as the result: ", k = ", but not ", output: ".
_JOINS = re.compile(
    r"[ \t]*(?:(?:[,;&]|and\b)\s*(?:[^\W\d]\w*\s*[=:]\s*)?|\n[ \t]*[^\W\d]\w*[ \t]*=(?!=)[ \t]*"
    r"|;[ \t]*\n[ \t]*[a-zA-Z][\w:<>]*[ \t&*]+(?!(?i:\w*(?:output|result|expect|answer)|(?:ans|res|want)\b))"
    r"[^\W\d]\w*(?:\[\])?[ \t]*=(?!=)[ \t]*)"
)
# Code that does something with two values one after the other.
_CODE = re.compile(r"<<|;[ \t]*(?://[^\n]*)?\n[\s}]*return\s*\Z")
_RESULT = re.compile(r"\b(?:outputs?|results?|answer|expected|returns?|gives?)\s*[=:]\s*\Z", re.IGNORECASE)
_GIVES = re.compile(r"=>|->|==|[\u2192\u279e]|\b(?:returns?|results?|answer|gives?|should)\b", re.IGNORECASE)


class Pair(NamedTuple):
    """Arguments and the result they give.

    Args:
        arguments: as Python values; arrays and sets of other languages are lists.
        result: as a Python value.
        span: where arguments and result stand in the text: from the first to the last, in characters.
        called: the name of the function that is called, empty if the values only follow one another.
        between: what stands between arguments and result.
        at: where the second of the two begins.
        told: whether it is a sentence's, whose values may also be read in another way.
    """

    arguments: tuple[Value, ...]
    result: Value
    span: tuple[int, int]
    called: str
    between: str
    at: int
    told: bool = False


def pairs(text: str) -> list[Pair]:
    """Return the pairs of arguments and result in `text`, in the order of their ends; none comes twice."""
    text = without_docstring_quotes(text)
    values = sorted(read(text), key=lambda one: (one.start, -one.end))
    found = list(_calls(values, text))
    runs = list(_runs(values))
    listed = [pair for run in runs for pair in _listed(run, text)]
    known = {(pair.span, repr(pair.arguments)) for pair in listed}
    found += listed
    for one in told(runs, text):
        if (one.span, repr(one.arguments)) not in known:
            found.append(Pair(one.arguments, one.result, one.span, "", one.between, one.at, True))
    return sorted(found, key=lambda pair: (pair.span[1], pair.span[0]))


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


def _calls(values: Sequence[Literal], text: str) -> Iterator[Pair]:
    """Yield the pairs of calls; what a call asks for that is a matcher is the result of the one before."""
    starts = [one.start for one in values]
    ends: dict[int, Literal] = {}
    for one in values:
        ends.setdefault(one.end, one)
    matchers = set()
    for one in values:
        if not is_call(one) or one.start in matchers:
            continue
        at = bisect_left(starts, one.end)
        behind = values[at] if at < len(values) else None
        if behind and is_call(behind):
            asked = result_in_matcher(text, one, behind)
            if asked:
                matchers.add(behind.start)
                yield _pair(one, asked[0], behind.start, behind.end, text)
                continue
            behind = None
        pair = _called(one, behind, ends, text)
        if pair:
            yield pair


def _pair(call: Literal, result: Value, at: int, end: int, text: str) -> Pair:
    arguments = tuple(call.value) if isinstance(call.value, tuple) else (call.value,)
    return Pair(arguments, result, (call.start, end), call.name, text[call.end : at], at)


def _called(call: Literal, behind: Literal | None, ends: Mapping[int, Literal], text: str) -> Pair | None:
    """Return the pair of a call's arguments and the value before or behind it, or whether it is asserted."""
    first = result_before(text, call, ends)
    if first:
        pair = _pair(call, first.value, call.end, call.end, text)
        return pair._replace(
            span=(first.start, call.end), between=text[first.end : call.start], at=call.start
        )
    asserted = truth(text, call)
    if asserted is None and behind and _follows(call.end, behind, text):
        return _pair(call, behind.value, behind.start, behind.end, text)
    if asserted is None:
        before = text[max(0, call.start - 80) : call.start].rpartition("\n")[2].split()
        asserted = "not" not in before if "assert" in before[:1] else None
    return None if asserted is None else _pair(call, asserted, call.end, call.end, text)


def _follows(end: int, value: Literal, text: str) -> bool:
    """Tell whether a value stands near enough behind `end` to be a result."""
    between = text[end : min(value.start, end + GAP + 1)]
    return len(between) <= GAP and between.count("\n") <= 2 and bool(between.strip(" \t."))


def _runs(values: Sequence[Literal]) -> Iterator[list[Literal]]:
    """Yield the values that stand outside of brackets, without calls: those between two calls together."""
    run: list[Literal] = []
    end = -1
    for one in values:
        if one.start < end:
            continue
        end = one.end
        if not is_call(one):
            run.append(one)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _listed(run: Sequence[Literal], text: str) -> Iterator[Pair]:
    """Yield the pairs of values that stand outside calls: one or more joined by commas, then one more."""
    group: list[Literal] = []
    given = False  # the last value is a result, and no argument of the next example
    for one in run:
        if group:
            end = group[-1].end
            between = text[end : min(one.start, end + GAP + 1)]
            if not _JOINS.fullmatch(between) or _RESULT.search(between):
                if _follows(end, one, text) and not _CODE.search(between):
                    arguments = tuple(before.value for before in group)
                    yield Pair(arguments, one.value, (group[0].start, one.end), "", between, one.start)
                group = [one]
                given = bool(_GIVES.search(between)) and "\n" not in between
                continue
        group = [one] if given else [*group[-7:], one]
        given = False
