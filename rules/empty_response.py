"""An answer with nothing in it.

What: the response is null or has no letter or digit, or it has fewer than 4 words and no code was found
    in it.
Why: there is nothing to learn; an API that fails in silence answers so.
Source: evol-teacher and OpenCodeReasoning drop responses of 3 words or fewer, WizardLM those of only
    punctuation; that a one-word answer may be code (`lst.sort()`) is our addition.
Kept: `lst.sort()` where it was extracted as code
Dropped: `Sure!`
"""

import polars as pl

from rules._rule import Below, Rule
from rules._text import count_words, is_blank

_RESPONSE = pl.col("response").fill_null("")
_SAYS_SOMETHING = _RESPONSE.str.contains(r"[\p{L}\p{N}]")

RULE = Rule(
    judges="response",
    measure="words_without_code",
    # Null, so never dropped, where there is code.
    of=pl.when(~_SAYS_SOMETHING).then(0).when(is_blank(pl.col("code"))).then(count_words(_RESPONSE)),
    drop_when=Below(4),
)
