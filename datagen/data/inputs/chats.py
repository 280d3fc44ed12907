"""Reads chats in the shapes in use: a question and its answer of each, and whether more was said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from datagen.data.inputs.kinds import as_text
from datagen.request import THINKING_PARTS

_USER = frozenset({"user", "human", "prompter", "question", "instruction"})
_MODEL = frozenset(
    {"assistant", "gpt", "chatgpt", "model", "bot", "bing", "bard", "ai", "answer", "response"}
)
_ROLE_KEYS = ("role", "from", "speaker")
_CONTENT_KEYS = ("content", "value", "text")
#: Parts of a content that are text.
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
#: Parts that hold something else, and the key that holds it. A user's own list may have a type, too.
_OTHER_PARTS = {
    **{"image_url": "image_url", "input_image": "image_url", "image": "source", "document": "source"},
    **{"input_audio": "input_audio", "file": "file", "input_file": "file_id", "refusal": "refusal"},
    **{"tool_use": "name", "tool_result": "tool_use_id"},
}


class Unreadable(ValueError):
    """A value is no chat, or holds what is no text; the message goes on from the row."""


class Chat(NamedTuple):
    """What a chat holds.

    Args:
        question: the first turn of its user; None where it has none.
        answer: the first text of the model after that, or its tool calls if it gives no text; else None.
        longer: whether there are other turns.
        whole: whether question and answer say all that the chat holds.
    """

    question: str | None
    answer: str | None
    longer: bool = False
    whole: bool = False


class _Turn(NamedTuple):
    role: str
    text: str | None
    calls: str | None
    plain: bool


def looks_like_turns(value: object) -> bool:
    """Whether a value, or the JSON that it holds as text, is a list of turns with a role and a content."""
    found = _from_json(value)
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        return False
    return all(isinstance(turn, Mapping) and _is_turn(turn) for turn in found)


def _is_turn(turn: Mapping[str, Any]) -> bool:
    role = next((turn[key] for key in _ROLE_KEYS[:2] if isinstance(turn.get(key), str)), "")
    known = role.strip().lower() in _USER | _MODEL | {
        "system",
        "developer",
        "tool",
        "function",
        "observation",
    }
    return known and any(turn.get(key) is not None for key in (*_CONTENT_KEYS, "tool_calls"))


def read(value: object) -> Chat:
    """The first question of a chat and the answer to it.

    Args:
        value: a list of turns as `messages` (role, content) or ShareGPT (from, value) have them, or its JSON.

    Raises:
        Unreadable: it is none, or a turn holds what is no text.
    """
    turns = _turns(value)
    start = next((number for number, turn in enumerate(turns) if turn.role == "user"), None)
    if start is None:
        return Chat(None, None)
    later = [turn for turn in turns[start + 1 :] if turn.role == "assistant"]
    answer = next((turn.text for turn in later if turn.text is not None), None)
    if answer is None:
        answer = next((turn.calls for turn in later if turn.calls is not None), None)
    longer = len(turns) > 1 + (answer is not None)
    whole = not longer and all(turn.plain for turn in turns) and not isinstance(_from_json(value), Mapping)
    return Chat(turns[start].text, answer, longer, whole)


def answer_in(value: object) -> str | None:
    """The model's first text in turns that hold its side alone, as `completion` and `chosen` may."""
    return next((turn.text for turn in _turns(value) if turn.role == "assistant" and turn.text), None)


def _turns(value: object) -> list[_Turn]:
    value = _from_json(value)
    if isinstance(value, Mapping):
        value = value.get("messages") or value.get("conversations")
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Unreadable("it is no list of turns such as {role, content}")
    return [turn for entry in value if entry is not None for turn in _expanded(_from_json(entry))]


def _expanded(entry: object) -> list[_Turn]:
    """An entry's turn, or its two where it is written as {human: ..., assistant: ...}."""
    if not isinstance(entry, Mapping):
        raise Unreadable("it is no list of turns such as {role, content}")
    sides = [(key.lower(), text) for key, text in entry.items() if key.lower() in _USER | _MODEL]
    if sides and not any(key in entry for key in _ROLE_KEYS):
        plain = len(sides) == len(entry)
        return [_turn({"role": role, "content": text})._replace(plain=plain) for role, text in sides]
    return [_turn(entry)]


def _turn(turn: Mapping[str, Any]) -> _Turn:
    role = next((turn[key] for key in _ROLE_KEYS if isinstance(turn.get(key), str)), None)
    if role is None or not any(key in turn for key in (*_CONTENT_KEYS, "tool_calls")):
        raise Unreadable("a turn has no role and content")
    content = next((turn[key] for key in _CONTENT_KEYS if turn.get(key) is not None), None)
    name = role.strip().lower()
    name = "user" if name in _USER else "assistant" if name in _MODEL else name
    calls = turn.get("tool_calls") or turn.get("function_call")
    more = [
        key for key, held in turn.items() if held is not None and key not in (*_ROLE_KEYS, *_CONTENT_KEYS)
    ]
    text = _text(content)
    return _Turn(name, text, as_text(calls) if calls else None, plain=not more and text == content)


def _text(content: object) -> str | None:
    """A content as text; the text parts of a list, one a line."""
    content = _from_json(content, parts=True)
    if content is None or isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else [content]
    texts = []
    for part in parts:
        kind = part.get("type", "text") if isinstance(part, Mapping) else "text"
        text = part.get("text") if isinstance(part, Mapping) else part
        if kind in THINKING_PARTS or part is None:
            continue
        if kind not in _TEXT_PARTS or not isinstance(text, str):
            what = kind if kind not in _TEXT_PARTS else "a value"
            raise Unreadable(f"a turn holds {what} that is no text")
        texts.append(text)
    return "\n".join(texts)


def _from_json(value: object, *, parts: bool = False) -> Any:  # noqa: ANN401 - JSON
    """What a text holds as JSON, a list or an object; of `parts` only a list whose entries all are parts."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{") or not value.strip():
        return value
    if parts and not value.lstrip().startswith("[{"):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if parts and not all(map(_is_part, found)):
        return value
    return found if isinstance(found, list | dict) else value


def _is_part(value: object) -> bool:
    """Whether an entry of a list is a part of a content, and not an object of the user's own."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str):
        return False
    if kind in _TEXT_PARTS:
        return isinstance(value.get("text"), str)
    return kind in THINKING_PARTS or (kind in _OTHER_PARTS and _OTHER_PARTS[kind] in value)
