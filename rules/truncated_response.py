"""An answer that stops in the middle.

What: the model stopped for length, or the response opens a code fence and never closes it. A null
    finish_reason says nothing. A fence inside a line (`startswith("```")`) opens nothing.
Why: the model learns to stop in the middle of a function.
Source: Magicoder and OpenCodeReasoning keep only finish_reason "stop"; the open fence is our addition.
Kept: a closed fence; code that only lacks its opening fence
Dropped: an answer that ends inside its fenced block
"""

import polars as pl

from rules._rule import IsTrue, Rule

_RESPONSE = pl.col("response").fill_null("")
_LENGTH = ["length", "max_tokens"]  # the second is Anthropic's and Gemini's word for it

# The last fence, with no other after it, opens: it names a language, or starts the answer or a paragraph, or
# follows a colon. A model that forgot the opening fence still writes a closing one, directly after its code.
_ENDS_INSIDE = (
    r"(?:(?:\A|\n[ \t]*\r?\n|:[ \t]*\r?\n)[ \t]*```|\n[ \t]*```[ \t]*[\w+#-])"
    r"(?:`{0,2}[^`])*`{0,2}\z"
)
_FENCES = _RESPONSE.str.count_matches(r"(?m)^[ \t]*```")

RULE = Rule(
    judges="response",
    measure="truncated_response",
    of=pl.col("finish_reason").fill_null("").str.to_lowercase().is_in(_LENGTH)
    | ((_FENCES % 2 == 1) & _RESPONSE.str.contains(_ENDS_INSIDE)),
    drop_when=IsTrue(),
)
