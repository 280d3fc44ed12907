"""What the stand-in server says: replies that depend on a request's body alone, and what they cost."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

_WHAT = (
    *("ignores case", "accepts nested lists", "keeps the original order", "runs in linear time"),
    *("supports negative numbers", "skips missing entries", "handles endless streams", "rounds half to even"),
    *("merges equal neighbours", "rejects empty arguments", "works on tuples too", "treats None as zero"),
)
_HOW = (
    *("in a single pass", "without any import", "with constant memory", "even for a million entries"),
    *("up to a bound called limit", "unless told otherwise", "and counts how often it did so"),
    *("as long as a flag is set", "and returns positions instead of values", "for every second element only"),
)


def digest(path: str, body: Any) -> str:
    """The hash by which requests are counted: of the path's end and the body's content."""
    shape = "chat" if path.endswith("/chat/completions") else "text"
    shape = "vector" if path.endswith("/embeddings") else shape
    return hashlib.sha256(json.dumps([shape, body], sort_keys=True).encode()).hexdigest()


def digest_of_journalled(request: str) -> str:
    """The hash of what the endpoint was sent, from the canonical request in the journal."""
    content = json.loads(request)
    body = {"model": content["model"], **dict(content["parameters"])}
    if body.pop("embed", False):
        return digest("/embeddings", {**body, "input": content["text"]})
    if content["text"] is not None:
        return digest("/completions", {**body, "prompt": content["text"]})
    turns = [{"role": role, "content": text} for role, text in content["messages"]]
    return digest("/chat/completions", {**body, "messages": turns})


def reply(body: Any) -> Any:
    """What the model says; to a text that is to be embedded a vector, by its letters."""
    if "input" in body:
        return [body["input"].count(letter) for letter in "etaoins"]
    number = int(digest("", body)[:8], 16)
    extra = f"{_WHAT[number % len(_WHAT)]} {_HOW[number // 100 % len(_HOW)]}"
    if "prompt" in body:
        return f" it {extra}"
    asked = body["messages"][-1]["content"]
    if "\n### New exercise" in asked:
        return f"Set up `other_{number}(given)`: it {extra}, and also {_WHAT[number // 10000 % len(_WHAT)]}."
    evolving = re.search(r"### Original exercise\n(.*)\n\n### Harder exercise", asked, re.DOTALL)
    if evolving is None:
        name = (re.search(r"`(\w+)\(", asked) or [None, "solve"])[1]
        return f"Here it is:\n\n```python\ndef {name}(*given):\n    return given, {number}\n```"
    bad = (
        evolving[1],
        "I'm sorry, but I cannot help with that.",
        f"### Harder exercise\n{evolving[1]} Also sort, count and print everything twice.",
    )
    if number % 8 == 0:
        return bad[number // 8 % len(bad)]
    return f"{evolving[1]} It {extra} (variant {number % 1000})."


def tokens(*texts: str) -> int:
    """About how many tokens texts have: four for three words, and one that ends each text."""
    words = [word for text in texts for word in text.split() if not word.startswith("```")]
    return len(words) * 4 // 3 + len(texts)


def completion(path: str, body: Any, fault: str | None, says: Callable[[Any], str] = reply) -> dict[str, Any]:
    """The completion that answers a request, with what a fault makes of its content."""
    if path.endswith("/embeddings"):
        return embeddings(body, fault, says(body))
    said: str | None = says(body)
    if fault == "null-content":
        said = None
    elif fault == "empty-content":
        said = ""
    elif fault == "surrogates":
        said = f"\ud83d Half a pair: {said}"
    elif fault == "length":
        said = str(said)[:-9]
    choice: dict[str, Any] = {"index": 0, "finish_reason": "length" if fault == "length" else "stop"}
    is_chat = path.endswith("/chat/completions")
    choice |= {"message": {"role": "assistant", "content": said}} if is_chat else {"text": said}
    spent_in = tokens(*(turn["content"] for turn in body["messages"]) if is_chat else [body["prompt"]])
    spent_out = tokens(said or "")
    return {
        "id": "1",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": 0,
        "model": "another-model" if fault == "other-model" else f"{body['model']}-2026",
        "choices": [choice],
        "usage": {
            "prompt_tokens": spent_in,
            "completion_tokens": spent_out,
            "total_tokens": spent_in + spent_out,
        },
    }


def embeddings(body: Any, fault: str | None, said: list[Any]) -> dict[str, Any]:
    """The answer to a text that is to be embedded: a vector, or a list of vectors."""
    vectors = said if said and isinstance(said[0], list) else [said]
    spent = tokens(body["input"])
    return {
        "object": "list",
        "model": "another-model" if fault == "other-model" else f"{body['model']}-2026",
        "data": [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(vectors)],
        "usage": {"prompt_tokens": spent, "completion_tokens": 0, "total_tokens": spent},
    }
