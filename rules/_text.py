"""Polars expressions over text that several rules share."""

from __future__ import annotations

import polars as pl

# Chinese and Japanese put no spaces between words; two of their characters make about one word.
_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}]{1,2}|[^\s\p{Han}\p{Hiragana}\p{Katakana}]+"

_QUOTED = r"""(^|[^\p{L}]|\b[fFbBrR]{1,2})'[^'\n]*'|"[^"\n]*"|`[^`\n]*`"""


def count_words(text: pl.Expr) -> pl.Expr:
    """Count what spaces separate; null text has no words."""
    return text.fill_null("").str.count_matches(_WORD)


def is_blank(text: pl.Expr) -> pl.Expr:
    """Whether text is null or whitespace."""
    return text.fill_null("").str.strip_chars() == ""


def prose(text: pl.Expr) -> pl.Expr:
    """Leave out fenced blocks, an unclosed last one included."""
    return text.str.replace_all(r"(?s)```.*?(?:```|\z)", " ")


def spoken(text: pl.Expr) -> pl.Expr:
    """Leave out what stands in quotes on one line: a program's strings are not the answer's own voice.

    The quotes around a whole answer are no strings, and neither is the apostrophe of "I'm".
    """
    return text.str.strip_chars("\"'` \t\r\n").str.replace_all(_QUOTED, "$1 ")


INSTRUCTION_WORDS = count_words(pl.col("instruction"))
