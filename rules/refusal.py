"""A short answer that apologises or declines instead of answering.

What: the response has no fenced code, fewer than 80 words, and says outside of quoted strings that it is
    sorry or cannot do it. Null, so never dropped, where it does not, or where the instruction itself speaks
    of apologies.
Why: it teaches the model to refuse coding tasks.
Source: WizardLM's second elimination rule: "sorry" and fewer than 80 words; h2o-wizardlm adds: and no "sorry"
    in the source instruction. A "Sorry, wrong guess" that the program prints does not count (our addition).
Kept: `print("Sorry, try again")`
Dropped: `I'm sorry, but I can't help with that.`
"""

import polars as pl

from rules._rule import Below, Rule
from rules._text import count_words, spoken

_CANNOT = (
    r"(?: (?:cannot|can ?not|can['’]?t|won['’]t|could not|couldn['’]t)|(?: am|['’]m) (?:unable|not able) to)"
)
_DECLINES = (
    r"\A\W*(?:(?:i am|i['’]m|we are|we['’]re) )?(?:\w+ )?sorry\b",
    r"\b(?:i am|i['’]?m|we are|we['’]re) (?:\w+ )?sorry\b",
    r"\bsorry,? (?:but )?(?:i|we)\b",
    r"\bi apologi[sz]e\b|\bmy apologies\b",
    rf"\bi{_CANNOT} (?:\w+ )?(?:help|assist|provide|fulfill?|complete|comply|answer|write|create|generate"
    r"|do (?:that|this|it)|perform|execute|access|view|continue)\b",
    r"\bi (?:do not|don['’]t) have (?:access|the ability|enough (?:information|context))\b",
    r"\bunfortunately,? (?:i|we)\b",
)
_ASKED = r"(?i)\bsorry\b|\bapolog"

_RESPONSE = pl.col("response")
_SPOKEN = spoken(_RESPONSE)

RULE = Rule(
    judges="response",
    measure="refusal_words",
    of=pl.when(
        _SPOKEN.str.contains("(?i)" + "|".join(_DECLINES)),
        ~_RESPONSE.str.contains("```", literal=True),
        ~pl.col("instruction").fill_null("").str.contains(_ASKED),
    ).then(count_words(_RESPONSE)),
    drop_when=Below(80),
)
