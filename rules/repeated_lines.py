"""An answer that says the same lines again and again.

What: of the response's lines with 4 or more characters, the share that repeats an earlier line. Null, so
    never dropped, under 10 such lines.
Why: a model caught in a loop repeats to the end of its budget.
Source: Gopher drops texts with more than 30% duplicate lines, OpenCoder raised it to 70% for code. 60% is
    ours: none of 6,552 Code Alpaca answers and 1,138 HumanEval and MBPP solutions is above it (the highest is
    an HTML grid at 57%). Of 240 answers by SmolLM2-135M, those that ended by themselves reach 55%, its loops
    start at 64%.
Kept: forty different asserts; an HTML table
Dropped: `count += 1` on fifty lines
"""

import polars as pl

from rules._rule import Above, Rule

_LINES = (
    pl.col("response")
    .str.split("\n")
    .list.eval(pl.element().str.strip_chars().filter(pl.element().str.strip_chars().str.len_chars() >= 4))
)

RULE = Rule(
    judges="response",
    measure="repeated_lines",
    of=pl.when(_LINES.list.len() >= 10).then(1 - _LINES.list.n_unique() / _LINES.list.len()),
    drop_when=Above(0.6),
)
