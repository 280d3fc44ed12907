"""An answer that only repeats the task.

What: the response is the instruction, once or several times; or what it says outside of fenced blocks is, and
    there is no code. Case, spaces and punctuation do not matter.
Why: it teaches to echo. A base model asked for a chat answer does this.
Source: Magicoder's filter for code blocks that the problem holds already ("does not help much", they write);
    the narrower form is ours: an answer that restates the task and then solves it is kept.
Kept: the instruction followed by the code
Dropped: `Reverse a list. Reverse a list.` for `Reverse a list.`
"""

import polars as pl

from rules._rule import IsTrue, Rule
from rules._text import is_blank, prose


def _squeezed(text: pl.Expr) -> pl.Expr:
    return text.fill_null("").str.to_lowercase().str.replace_all(r"[\s\p{P}]+", "")


def _first_letter(text: pl.Expr) -> pl.Expr:
    """The first character of `_squeezed(text)`."""
    return text.str.to_lowercase().str.extract(r"([^\s\p{P}])")


def _only_where(condition: pl.Expr, text: pl.Expr) -> pl.Expr:
    """`text`, and null where it cannot repeat the task: to squeeze every text takes most of the time."""
    return pl.when(condition).then(text)


_TASK = _squeezed(pl.col("instruction"))
_BEGINS_ALIKE = _first_letter(pl.col("response")) == _first_letter(pl.col("instruction"))


def _only_repeats(text: pl.Expr) -> pl.Expr:
    # Of a length that is a multiple of the task's, exactly the task's repetitions commute with it.
    return (
        (text != "")
        & (text.str.len_bytes() % _TASK.str.len_bytes() == 0)
        & (pl.concat_str(text, _TASK) == pl.concat_str(_TASK, text))
    )


RULE = Rule(
    judges="pair",
    measure="copies_instruction",
    of=(_TASK != "")
    & (
        _only_repeats(_squeezed(_only_where(_BEGINS_ALIKE, pl.col("response"))))
        | _only_repeats(_squeezed(prose(_only_where(is_blank(pl.col("code")), pl.col("response")))))
    ),
    drop_when=IsTrue(),
)
