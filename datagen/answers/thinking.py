"""What a model thinks before it answers, in the ways in which servers and templates mark it."""

from __future__ import annotations

import re

from datagen.answers.blocks import PYTHON_BEGINS, fenced_blocks
from datagen.data.inputs.texts import without_end_tokens
from datagen.request import Reply

_THINKING = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_THOUGHT = re.compile(r"^[ \t]*</think>|</think>[ \t]*$", re.MULTILINE)
#: gpt-oss writes its channels like this; the answer is in the last one called final.
_CHANNEL = re.compile(r"<\|channel\|>(\w+)[^<]{0,80}<\|message\|>")
#: What is left of the channels where a server drops their tokens.
_BARE_FINAL = "assistantfinal"


def answer_of(response: str) -> str:
    """What stands behind a model's thinking: all of `response` where there is none.

    Chat templates may put the opening tag into the prompt, so that only the closing one is left.
    """
    if (final := _final_channel(response)) is not None:
        return final
    end = 0
    while begins := _THINKING.match(response, end):
        close = f"</{begins[1]}>"
        closes = response.find(close, begins.end())
        if closes < 0:
            return ""
        end = closes + len(close)
    ends = _THOUGHT.search(response) if not end and "</think>" in response else None
    if ends and not _ends_in_code(response[: ends.start()]):
        end = ends.end()
    return response[end:] if end else response


def _ends_in_code(text: str) -> bool:
    """Whether a text stops inside of a fenced block, or all of it is code: what follows is code's as well."""
    blocks = fenced_blocks(text).blocks
    return not blocks[-1].closed if blocks else PYTHON_BEGINS.match(text) is not None


def spoken(reply: Reply) -> Reply:
    """The reply without what its model thought, and without the tokens that end it: the journal keeps all."""
    answer = answer_of(reply.text)
    # Templates put blank lines between both.
    text = without_end_tokens(answer if answer == reply.text else answer.lstrip("\r\n"), runs_over=True)
    return reply if text == reply.text else reply._replace(text=text)


def _final_channel(text: str) -> str | None:
    """What a text says in its last final channel; "" if it never comes to it, None if it has no channels."""
    found = list(_CHANNEL.finditer(text)) if "<|channel|>" in text else []
    if found and not text[: found[0].start()].replace("<|start|>assistant", "").strip():
        last = found[-1]
        return text[last.end() :] if last[1] == "final" else ""
    if text.startswith("analysis") and _BARE_FINAL in text:
        return text.rpartition(_BARE_FINAL)[2]
    return None
