"""Vectors as replies: what a server's embedding says, and as what text the journal keeps it."""

from __future__ import annotations

import base64
import math
from typing import Any

from datagen.request import EMBEDDING, Reply
from datagen.teachers._protocol import counted, stored_text

#: No model's vectors are longer.
LONGEST = 65_536


def parse_embedding(body: Any) -> Reply:  # noqa: ANN401 - untrusted: a server may send anything
    """Read the embedding of one text; whatever else `body` is ends in an exception.

    The reply's text is the vector, as base64 of its numbers in 32 bits, the least significant byte first.
    A number that is null, infinite or too large is not finite there either: that is an answer, too.
    """
    (entry,) = body["data"]
    numbers = entry["embedding"]
    if not isinstance(numbers, list) or not 0 < len(numbers) <= LONGEST:
        raise TypeError(numbers)
    usage = body.get("usage")
    return Reply(
        text=_text(numbers),
        finish_reason=EMBEDDING,
        model=stored_text(body.get("model")),
        tokens_in=counted(usage, "prompt_tokens") or counted(usage, "total_tokens"),
        tokens_out=0,
    )


def _text(numbers: list[Any]) -> str:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        vector = np.array([_number(one) for one in numbers]).astype("<f4")
    return base64.b64encode(vector.tobytes()).decode()


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    raise TypeError(value)


def vector_of(reply: Reply) -> Any:  # noqa: ANN401 - an array of numpy, or None
    """The vector of a reply, as (dimensions,); None where the reply is none."""
    import numpy as np

    try:
        return np.frombuffer(base64.b64decode(reply.text, validate=True), "<f4")
    except ValueError:
        return None
