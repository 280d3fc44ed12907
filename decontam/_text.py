"""How text becomes tokens and shingles: the one place where text is normalised.

Covered: case and compatibility forms (casefold, NFKC), white space and line breaks, and the marks that
only say how a text is laid out: quotes and docstring delimiters, `#`, Markdown backticks, backslashes,
doctest's `>>>`. A docstring, the same text as comments and the same text in a chat message give the
same tokens. Operators and brackets are tokens, because code without them says little.

For test cases only the literals count, see `literals`: the rest is the same in all test code.

Not covered: spelling (British or American), word forms, synonyms, look-alike letters, and identifiers:
`has_close_elements` is one token, `hasCloseElements` another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeVar

Shingle = tuple[str, ...]
_Word = TypeVar("_Word", str, bytes)

# Chinese and Japanese put no spaces between words: there every character is a token.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_CJK}]|(?:[^\W{_CJK}]+[\u0300-\u036f]*)+|[^\w\s'\"#`\\]")
_ASCII_TOKEN = re.compile(r"\w+|[^\w\s'\"#`\\]")  # the same where there is only ASCII, and faster

# Unicode normalisation sorts the marks on a letter in quadratic time. No text has more than 30 (UAX #15).
_MARKS = 30
_MORE_MARKS = re.compile(rf"([\u0300-\u036f]{{{_MARKS}}})[\u0300-\u036f]+")

# A quote after a letter is an apostrophe, unless that letter is a prefix of the string. Each alternative
# looks back after its first character, so that the search can skip to one of these: twice as fast.
_LITERAL = re.compile(
    r"""["'](?:(?<!\w.)|(?<=\b[bfruBFRU].))(?:(?<=")([^"\n]*+)"|(?<=')([^'\n]*+)')"""
    r"""|([0-9](?<!\w.)[0-9]*(?:\.[0-9]+)?)"""
    r"""|([TFNtfn](?<!\w.)(?:(?<=[Tt])rue|(?<=[Ff])alse|(?<=N)one|(?<=n)ull)\b)"""
)
# Typographic quotes, and marks of Chinese and Japanese: one character each, so that spans stay true.
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\uff0c\uff1a\uff08\uff09\u3001", "''\"\",:(),")
_TRUTH = {"true": "True", "false": "False", "null": "None"}  # other languages' spelling


def tokens(text: str) -> list[str]:
    """Return the words (runs of letters, digits and `_`) and single operators of `text`, normalised."""
    text = _without_prompts(text)
    if text.isascii():
        return _ASCII_TOKEN.findall(text.lower())
    found = _TOKEN.findall(text)
    known = {token: _normalised(token) for token in set(found)}
    return [known[token] for token in found]


def _normalised(token: str) -> str:
    token = _MORE_MARKS.sub(r"\1", token) if len(token) > _MARKS else token
    return unicodedata.normalize("NFKC", token).casefold()


def token_spans(text: str) -> list[tuple[int, int]]:
    """Return where each of `tokens(text)` stands in `text`: (start, end), counted in characters."""
    return [match.span() for match in _TOKEN.finditer(_without_prompts(text))]


def literals(text: str) -> list[str]:
    """Return the numbers, strings in quotes, truth values and nulls in `text`, in their order.

    A string is what stands between two quotes on one line, escaped or not; a sign is no part of a number.
    """
    found = _LITERAL.findall(without_docstring_quotes(text))
    return [
        (double or single).removesuffix("\\") or number or _TRUTH.get(truth, truth)
        for double, single, number, truth in found
    ]


def literal_spans(text: str) -> list[tuple[int, int]]:
    """Return where each of `literals(text)` stands in `text`, quotes included: (start, end)."""
    return [match.span() for match in _LITERAL.finditer(without_docstring_quotes(text))]


def shingles(words: Sequence[_Word], n: int) -> Iterator[tuple[_Word, ...]]:
    """Yield every run of `n` neighbouring tokens, in order; nothing if there are fewer than `n`."""
    return zip(*[words[start:] for start in range(n)], strict=False)


def _without_prompts(text: str) -> str:
    return text.replace(">>>", "   ")  # of equal length, so that spans stay true


def without_docstring_quotes(text: str) -> str:
    if not text.isascii():
        text = text.translate(_QUOTES)
    return text.replace('"""', "   ").replace("'''", "   ")
