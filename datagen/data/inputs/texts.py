"""What stands for nothing in data sets, and tokens that are no part of a text."""

from __future__ import annotations

import re

#: What people and scripts write where a task has no input; brackets, quotes and points around do not count.
NO_INPUT = frozenset(
    "noinput|no input|n/a|na|none|null|nil|nan|not applicable|no input required|no input needed"
    "|no input provided|no input is required|no input is needed|input not required|empty".split("|")
)
_AROUND = " \t\r\n<>[](){}.\"'`*-_:|"
_NO_ANSWER = re.compile(r"\s*[<\[(]\s*no[\s_-]?(?:output|response|answer)\s*[>\])]\s*", re.IGNORECASE)

#: Tokens that end a turn or a text, of the chat templates in use.
_END_TOKENS = (
    *("<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|eos|>", "<|end|>"),
    *("<|return|>", "<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>", "<|end_of_sentence|>", "<end_of_turn>"),
    *("<eos>", "</s>", "<\uff5cend\u2581of\u2581sentence\uff5c>"),
)
#: One of these with the next turn behind it: the model went on by itself.
_RUNS_OVER = re.compile(
    rf"(?:{'|'.join(map(re.escape, _END_TOKENS))})\s{{0,8}}"
    r"(?:<\|(?:im_start|start_header_id|start|start_of_role|user|assistant)\|>|<start_of_turn>|<s>|\[INST\])"
)


def is_no_input(text: str) -> bool:
    """Whether a task's `input` says that there is none: `<noinput>`, "No input", "N/A"; or is blank."""
    return len(text) < 64 and (not text.strip() or text.strip(_AROUND).lower().replace("_", " ") in NO_INPUT)


def is_no_answer(text: str) -> bool:
    """Whether an answer says that there is none: `<No Output>`; without brackets it may be an output."""
    return len(text) < 64 and _NO_ANSWER.fullmatch(text) is not None


def without_end_tokens(text: str, *, runs_over: bool = False) -> str:
    """`text` without tokens of a chat template at its end; one that is nothing else stays.

    runs_over: whether another turn behind such a token is to go with it.
    """
    if "<" not in text:
        return text
    found = _RUNS_OVER.search(text) if runs_over else None
    whole, end = text.rstrip(), len(text)
    if found:
        end = found.start()
    elif whole.endswith(_END_TOKENS):
        end = len(whole)
    while token := next((one for one in _END_TOKENS if text.endswith(one, 0, end)), ""):
        end -= len(token)
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end] or text
