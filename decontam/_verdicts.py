"""What evidence amounts to: which rows overlap, how surely, and how closely."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from decontam._evidence import SCHEMA
from decontam._textbook import is_exercise, words
from decontam.profiles import DEFAULT, Profile, certainty, profile

MATCHES = pl.Schema({**SCHEMA, "score": pl.Float64(), "level": pl.String(), "common": pl.Boolean()})

_PAIR = ("row", "benchmark", "item")
#: Text that is the item's own; below, its words or examples; then what its code does.
_SAME, _NEAR_WORDS, _NEAR_CODE = 0.8, 0.6, 0.85
#: Words with more different numbers are data.
_NUMBERS = 3
#: Shares are compared to so many decimals: 0.2 * 0.9 / 0.9 is not 0.2.
_DECIMALS = 9


def judged(evidence: pl.DataFrame, wanted: Profile, textbook: Mapping[tuple[str, str], str]) -> pl.DataFrame:
    """Return the evidence of rows that overlap, with what it amounts to.

    Args:
        evidence: columns as in `decontam.EVIDENCE`, values also below their thresholds.
        wanted: what a match asks for.
        textbook: by benchmark and item, the words of exercises of every textbook.

    Returns:
        Columns as in `decontam.MATCHES`, in the same order. What says nothing in this profile is left out.
    """
    exercise = pl.col("part").str.starts_with("exercise:")
    found = _matching(evidence.filter(~exercise), wanted, textbook)
    return pl.concat([found, _exercises(evidence.filter(exercise), found, wanted)])


def _exercises(evidence: pl.DataFrame, found: pl.DataFrame, wanted: Profile) -> pl.DataFrame:
    """Return the evidence that a row does an exercise: alone it is common, and it makes no other surer."""
    others = found.select(*_PAIR, "score", "common").unique(_PAIR)
    scored = evidence.with_columns(_share=share())
    scored = scored.filter(pl.col("_share") >= wanted.enough("behaviour")).with_columns(
        own=_score().over(_PAIR)
    )
    return (
        scored.join(others, on=_PAIR, how="left", maintain_order="left")
        .with_columns(
            pl.col("score").fill_null(pl.col("own")),
            pl.col("common").fill_null(value=True),
            level=pl.lit("logic"),
        )
        .select(MATCHES.names())
    )


def _matching(
    evidence: pl.DataFrame, wanted: Profile, textbook: Mapping[tuple[str, str], str]
) -> pl.DataFrame:
    if not evidence.height:
        return MATCHES.to_frame()
    found = evidence.with_columns(_share=share(), _level=_level()).with_columns(score=_score().over(_PAIR))
    enough = pl.col("detector").replace_strict(
        {name: wanted.enough(name) for name in found["detector"].unique()}, return_dtype=pl.Float64
    )
    alone = pl.col("_share") >= enough
    agreed = agreement(wanted).over(_PAIR) >= wanted.agree
    agrees = agreed & pl.col("detector").is_in([*wanted.asked, *wanted.done])
    found = found.filter(alone | (agrees & (pl.col("_share") >= wanted.agree)))
    found = found.with_columns(_common=_is_textbook(found, textbook), _copied=_copied(found, textbook))
    return found.with_columns(
        level=pl.when(pl.col("_share") >= 1).then("_level").otherwise(pl.lit("logic")),
        common=pl.col("_common").all().over(_PAIR) & ~pl.col("_copied").any().over(_PAIR),
    ).select(MATCHES.names())


def _is_textbook(found: pl.DataFrame, textbook: Mapping[tuple[str, str], str]) -> pl.Series:
    """Whether the item, or the function that matches, is an exercise of every textbook."""
    each = found.select("benchmark", "item", "detector", "excerpt").iter_rows()
    told = [(one, item) in textbook or is_exercise(detector, text) for one, item, detector, text in each]
    return pl.Series(told, dtype=pl.Boolean)


def _copied(found: pl.DataFrame, textbook: Mapping[tuple[str, str], str]) -> pl.Series:
    """Whether a textbook item's own text, its whole prompt or its examples stand in the row."""
    each = found.select("benchmark", "item", "detector", "excerpt", "_level").iter_rows()
    told = [
        level == "same"
        or detector in ("cases", "examples")
        or ((one, item) in textbook and textbook[one, item] in words(text))
        for one, item, detector, text, level in each
    ]
    return pl.Series(told, dtype=pl.Boolean)


def share() -> pl.Expr:
    """A value as a share of its threshold; where that is 0, the detector has said all there is to say."""
    value = pl.when(pl.col("threshold") > 0).then(pl.col("value") / pl.col("threshold")).otherwise(1.0)
    return value.round(_DECIMALS)


def agreement(wanted: Profile) -> pl.Expr:
    """The share that what is asked and what is done both have, of a row and an item.

    A list of numbers does not count as what is asked: code has the same numbers, and two that see the same
    do not agree.
    """
    words = pl.col("excerpt").str.extract_all(r"\b[0-9]+\b").list.n_unique() <= _NUMBERS
    asked = pl.col("_share").filter(pl.col("detector").is_in(wanted.asked) & words)
    done = pl.col("_share").filter(pl.col("detector").is_in(wanted.done))
    return pl.min_horizontal(asked.max().fill_null(0.0), done.max().fill_null(0.0))


def strength() -> pl.Expr:
    """The most that any share, or two that agree, reach of what the profile `balanced` asks for."""
    balanced = profile(DEFAULT)
    return pl.max_horizontal(pl.col("_share").max(), agreement(balanced) / balanced.agree)


def _score() -> pl.Expr:
    by = certainty()
    return 1 / (1 + (-(by.intercept + by.slope * strength().log())).exp())


def _level() -> pl.Expr:
    """Each match's own level, where it reaches its threshold."""
    detector, value = pl.col("detector"), pl.col("value")
    of_text = detector.is_in(["minhash", "ngrams"])
    near = (
        of_text
        | detector.is_in(["cases", "examples"])
        | ((detector == "words") & (value >= _NEAR_WORDS))
        | ((detector == "code") & (value >= _NEAR_CODE))
    )
    same = of_text & (value >= _SAME) & ~pl.col("part").str.starts_with("piece:")
    return pl.when(same).then(pl.lit("same")).when(near).then(pl.lit("near")).otherwise(pl.lit("logic"))
