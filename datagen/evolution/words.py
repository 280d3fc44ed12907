"""The words of a task, as eliminations compare them: case, form and punctuation make no difference."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

#: Words of which a text may consist and say nothing; those of programming tasks are among them.
STOP_WORDS = frozenset(
    "a an and any are as at be by can do each every for from function given has have if in is it its list"
    " may must not of on one or return returns should so such than that the their then there these they"
    " this to two use using want was what when where which will with write you your".split()
)
# Chinese and Japanese put no spaces between words, so each character counts as one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
#: Normalisation sorts the marks on a letter in quadratic time. No text has more of them (UAX #15).
MOST_MARKS = 30


@lru_cache(maxsize=16)  # each elimination looks at the same two texts
def words(text: str) -> tuple[str, ...]:
    """The words of `text` in their order, folded (NFKC, case)."""
    return tuple(_WORD.findall(folded(text)))


def folded(text: str) -> str:
    """`text` without differences of form (NFKC) and case, and with `MOST_MARKS` marks on a letter at most."""
    if not text.isascii():
        text = "".join(_with_few_marks(text))
    return unicodedata.normalize("NFKC", text).casefold()


def _with_few_marks(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS:
            yield character


def telling(text: str) -> set[str]:
    """The words that are not stop words."""
    return set(words(text)) - STOP_WORDS


def runs(of: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """All runs of `length` words, overlapping."""
    return [tuple(of[i : i + length]) for i in range(len(of) - length + 1)]


def prose(text: str) -> str:
    """`text` without its fenced blocks; one that is never closed reaches to the end."""
    return _FENCED.sub(" ", text)
