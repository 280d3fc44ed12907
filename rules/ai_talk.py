"""An answer that speaks of itself as an AI.

What: outside of quoted strings the response says what only an assistant says of itself: "as an AI language
    model", its vendor, its knowledge cutoff. "I am an AI" and "How can I assist you" do not count where the
    task is about a chatbot or an AI.
Why: a model that learns from it claims another vendor's name in the middle of code.
Source: h2o-wizardlm's phrases and open-instruct's vendor names; leaving out strings is our addition, test
    sentences such as `"OpenAI"` are everywhere in Code Alpaca.
Kept: `print("Hello, I am an AI assistant.")`
Dropped: `As an AI language model, I cannot run code, but here is a sketch.`
"""

import polars as pl

from rules._rule import IsTrue, Rule
from rules._text import spoken

_VENDOR = r"(?:openai|anthropic|google|meta|mistral|alibaba|deepseek|microsoft)"
_ALWAYS = (
    r"\bas an? (?:ai|artificial intelligence) (?:language )?model\b",
    r"\bas an? (?:ai|artificial intelligence|llm|(?:large )?language model|(?:ai |virtual )?assistant),? i\b",
    rf"\bi(?: am|['’]m| was)(?: an?| the)?[\w ,-]* (?:trained|developed|created|made|built) by {_VENDOR}\b",
    r"\bi(?: am|['’]m) (?:chatgpt|gpt-?[345]|claude|gemini|bard|bing chat|copilot|qwen|deepseek)\b",
    r"\bmy (?:knowledge|training)(?: data)?(?:['’]s)? (?:cut-?off|only goes|goes up)\b",
)
_UNLESS_ASKED = (
    r"\bi(?: am|['’]m) (?:just |only )?an? (?:ai|artificial intelligence|(?:large )?language model)\b",
    r"\bhow (?:can|may) i (?:help|assist) you\b",
)
_ASKED = r"(?i)\b(?:ai|chat ?bots?|bots?|assistants?|language models?|llms?|chatgpt|gpt)\b"

_SPOKEN = spoken(pl.col("response"))

RULE = Rule(
    judges="response",
    measure="ai_talk",
    of=_SPOKEN.str.contains("(?i)" + "|".join(_ALWAYS))
    | (
        _SPOKEN.str.contains("(?i)" + "|".join(_UNLESS_ASKED))
        & ~pl.col("instruction").fill_null("").str.contains(_ASKED)
    ),
    drop_when=IsTrue(),
)
