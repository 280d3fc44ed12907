"""Reads examples that are told in prose: "for [1, 2] and 3 the answer is 6, while [4] and one gives 4".

Values follow one another, and what stands between two of them either joins them or gives the second one: it
joins if it is a comma, an "and", ends in a preposition ("turned by"), or names what comes next ("and k is");
all other words give. What is given is a result, and joined values behind it are the next arguments:

    [1, 2] and 3 gives 6, [4] and 1 gives 4
    joined     given   joined        given

Where no more is given, they are more of the result ("it writes 1, 5 and 2"). The end of a sentence ends all.
Only sentences are read that have a word for giving, such as "is", "returns" or "should".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from decontam._literals import LENGTH, Literal, Value

#: Longest text between two values of an example, and the most arguments.
GAP, ARGUMENTS = 60, 8
# Of a list without brackets: the least length, and what it holds.
_SHORTEST, _BARE = 3, frozenset([int, float, str])

_NUMBERS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}
#: The largest number that is known in words.
MOST = len(_NUMBERS) - 1
_NUMBER = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b(?!\s+(?:of|by|more|another)\b)", re.IGNORECASE)
_ENDS = re.compile(r"[.!?](?:\s|\Z)|\n")
_SAYS = re.compile(
    r"=>|->|==|[\u2192\u279e]|(?:'s|\b(?:is|are|be|should|must|expect(?:s|ed)?|answers?|results?|outputs?"
    r"|returns?|gives?|gets?|yields?|makes?|becomes?|produces?|equals?|prints?|evaluates?|maps?|leads?))\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"\s*(?:(?:,|&)\s*(?:(?:and|then|or)\b)?|(?:and|then|or)\b)\s*(?:then\b\s*)?", re.IGNORECASE
)
_NAMED = re.compile(
    r"\s*(?:[,;&]|,?\s*\b(?:and|with|where|when|if)\b)\s*(?:(?:the|a|an)\s+)?(?P<name>\w+)\s*(?:is|are|of|=|:|equals)\s*",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    "it this that there he she they we you i answer answers result results output outputs expected"
    " returns".split()
)
_JOINS = re.compile(
    r"[,;]|\b(?:and|or|to|by|with|for|from|of|in|into|at|on|over|than|plus|while|whereas|but|given|when|if)\s*\Z",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[^,;]*[,;][^,;]*\b(?:for|from|on|given|if|when|while|whereas|but)\s*\Z|\s*(?:but|while|whereas)\b",
    re.IGNORECASE,
)


class Told(NamedTuple):
    """An example of prose: its arguments, its result, its place, where the result begins, what is before."""

    arguments: tuple[Value, ...]
    result: Value
    span: tuple[int, int]
    at: int
    between: str


class _Part(NamedTuple):
    """A value, whether it continues a list, and whether a clause begins with it."""

    one: Literal
    listed: bool = False
    clause: bool = False


def told(runs: Sequence[Sequence[Literal]], text: str) -> Iterator[Told]:
    """Yield the examples that prose tells, first those without numbers in words, then those with them.

    Args:
        runs: the literals outside of brackets, in their order; no call stands between those of a run.
        text: where they stand.
    """
    words = [_spelled(match) for match in _NUMBER.finditer(text)] if runs else []
    for run in runs:
        yield from _examples(run, text, ())
    at = 0
    for run in runs if words else ():
        while at < len(words) and words[at].end < run[0].start - GAP:
            at += 1
        near = at
        while near < len(words) and words[near].start <= run[-1].end + GAP:
            near += 1
        merged = _merged(run, words[at:near])
        if len(merged) > len(run):
            spelled = [word.start for word in words[at:near]]
            yield from _examples(merged, text, spelled)
        at = near


def _spelled(match: re.Match[str]) -> Literal:
    return Literal(_NUMBERS[match[0].lower()], 1, *match.span(), "", "")


def _merged(values: Sequence[Literal], words: Sequence[Literal]) -> list[Literal]:
    """Return values and numbers in words by their place, without the words inside of a value."""
    merged: list[Literal] = []
    for one in sorted([*values, *words], key=lambda one: one.start):
        if not merged or one.start >= merged[-1].end:
            merged.append(one)
    return merged


class _Sentence:
    """What a sentence has told so far: arguments, then results, and whether it has a word for giving."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.arguments: list[_Part] = []
        self.results: list[_Part] = []
        self.said = False

    def ended(self, first: _Part) -> Told | None:
        """End the sentence and begin another one; return what the last example gave."""
        listed = _listed(self.results)
        example = self._example(self.results[:listed])
        self.arguments, self.results, self.said = [first], [], False
        return example

    def given(self, part: _Part) -> Told | None:
        """Take a value that is given; return the example before, whose results end where arguments begin."""
        listed = _listed(self.results)
        count = listed if listed < len(self.results) and self.results[listed].clause else 1
        example = self._example(self.results[:count])
        if self.results:
            self.arguments = self.results[count:]
        self.said = True
        self.results = [part] if self.arguments else []
        self.arguments = self.arguments or [part]
        return example

    def joined(self, part: _Part) -> None:
        if part.clause and not self.results:
            self.arguments = []
        held = self.results or self.arguments
        held.append(part)
        if len(held) > LENGTH:
            self.arguments, self.results = [part], []

    def _example(self, results: Sequence[_Part]) -> Told | None:
        arguments = tuple(_arguments(self.arguments)) if results else ()
        parts = [*self.arguments, *results]
        if not results or len(arguments) > ARGUMENTS or sum(part.one.size for part in parts) > LENGTH:
            return None
        values = [part.one.value for part in results]
        at = results[0].one.start
        return Told(
            arguments,
            values if len(values) > 1 else values[0],
            (self.arguments[0].one.start, results[-1].one.end),
            at,
            self.text[self.arguments[-1].one.end : at],
        )


def _listed(parts: Sequence[_Part]) -> int:
    """Return how many values a list without brackets has that begins with the first."""
    kind = type(parts[0].one.value) if parts else None
    count = 1 if parts else 0
    while kind in _BARE and count < len(parts) and _continues(parts[count], kind):
        count += 1
    return count


def _continues(part: _Part, kind: type | None) -> bool:
    return part.listed and type(part.one.value) is kind


def _arguments(parts: Sequence[_Part]) -> Iterator[Value]:
    """Yield arguments; three or more numbers, or three or more strings, without brackets are one list."""
    at = 0
    while at < len(parts):
        kind, end = type(parts[at].one.value), at + 1
        while kind in _BARE and end < len(parts) and _continues(parts[end], kind):
            end += 1
        values = [part.one.value for part in parts[at:end]]
        if len(values) >= _SHORTEST:
            yield values
        else:
            yield from values
        at = end


def _examples(values: Sequence[Literal], text: str, spelled: Sequence[int]) -> Iterator[Told]:
    """Yield the examples of a run of values; of one with numbers in words only those that have any."""
    sentence = _Sentence(text)
    last = None
    for one in values:
        gap = text[last.end : min(one.start, last.end + GAP + 1)] if last else "\n"
        part = _Part(one, bool(_LIST.fullmatch(gap)), bool(_CLAUSE.match(gap)))
        way = _way(gap, said=sentence.said)
        example = None
        if way == "ends":
            example = sentence.ended(part)
        elif way == "gives":
            example = sentence.given(part)
        else:
            sentence.joined(part)
        if example and (not spelled or _has(example, spelled)):
            yield example
        last = one
    if last:
        example = sentence.ended(_Part(last))
        if example and (not spelled or _has(example, spelled)):
            yield example


def _has(example: Told, starts: Sequence[int]) -> bool:
    """Tell whether an example has a number in words, of which `starts` are in ascending order."""
    at = bisect_left(starts, example.span[0])
    return at < len(starts) and starts[at] < example.span[1]


def _way(gap: str, *, said: bool) -> str:
    """Return what the text between two values does: it "ends" what is told, "joins" or "gives" the second."""
    if len(gap) > GAP or _ENDS.search(gap):
        return "ends"
    named = _NAMED.fullmatch(gap)
    if named and named["name"].lower() not in _NO_NAMES:
        return "joins"
    if _SAYS.search(gap) and not _CLAUSE.match(gap):
        return "gives"
    if gap.rstrip().endswith(":"):
        return "ends"
    return "gives" if said and not _JOINS.search(gap) else "joins"
