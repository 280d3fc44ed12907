"""An answer in which no code was found.

What: the extracted code is null or blank, in any language.
Why: the set teaches to write code, and an answer without any cannot be run or ranked.
Source: AceCoder and SelfCodeAlign drop answers without a code block.
Kept: code in any language
Dropped: `You could use a loop.` from which no code was extracted
"""

import polars as pl

from rules._rule import IsTrue, Rule
from rules._text import is_blank

RULE = Rule(judges="code", measure="no_code", of=is_blank(pl.col("code")), drop_when=IsTrue())
