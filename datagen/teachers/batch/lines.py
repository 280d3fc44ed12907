"""The lines of a batch's files: requests as they are sent, and what results and errors mean.

Sources: https://platform.openai.com/docs/guides/batch,
https://platform.openai.com/docs/api-reference/batch/request-output
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from datagen.request import Busy, CallFailed, NoAnswer, Reply, Request, TeacherUnusable
from datagen.teachers._limits import BUSY, NO_QUOTA, concerns, is_unwell
from datagen.teachers._protocol import body, parse_reply, path
from datagen.teachers._words import said as said_in

#: Servers below other paths name the endpoint like this too.
_ENDPOINT_PREFIX = "/v1"
#: How long a batch may take at the server; it knows no other window.
WINDOW: Final = "24h"
#: Too many tokens wait at the server already; the batch as such may be fine.
_FULL = ("token_limit_exceeded", "rate_limit_exceeded", "enqueued token limit")

Words = Callable[[object], str]
Outcome = Reply | Exception


class Results(NamedTuple):
    """What a batch's files say, by custom_id; garbled: lines that say nothing."""

    outcomes: dict[str, Outcome]
    garbled: int

    @property
    def replies(self) -> int:
        """How many requests were answered."""
        return sum(isinstance(outcome, Reply) for outcome in self.outcomes.values())


def endpoint(request: Request) -> str:
    """What a batch is for: all of its requests have the same."""
    return f"{_ENDPOINT_PREFIX}{path(request)}"


def line(request: Request) -> bytes:
    """A request's line in the input file."""
    told = {"custom_id": request.key, "method": "POST", "url": endpoint(request), "body": body(request)}
    return json.dumps(told).encode() + b"\n"


def fitting(requests: Iterable[Request], most_requests: int, most_bytes: int) -> dict[str, bytes]:
    """The lines of the first requests, as many as fit into one file, by key; at least one."""
    lines: dict[str, bytes] = {}
    size = 0
    for request in requests:
        content = line(request)
        size += len(content)
        if lines and (size > most_bytes or len(lines) >= most_requests):
            break
        lines[request.key] = content
    return lines


def read(contents: Iterable[bytes], words: Words) -> Results:
    """Read output and error files. Of several lines for one request an answer counts more than an error.

    Args:
        contents: the files.
        words: makes the server's words fit to be shown.
    """
    outcomes: dict[str, Outcome] = {}
    garbled = 0
    for content in contents:
        for raw in filter(bytes.strip, content.split(b"\n")):
            try:
                result = json.loads(raw)
                key = result["custom_id"]
                outcome = _outcome(result, words)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                garbled += 1
                continue
            if not isinstance(outcomes.get(key), Reply):
                outcomes[key] = outcome
    return Results(outcomes, garbled)


def _outcome(result: Any, words: Words) -> Outcome:  # noqa: ANN401 - untrusted
    response, error = result.get("response"), result.get("error")
    if not response:
        code, said = _code(error), words(said_in(error))
        if "expired" in code:
            return Busy(f"the batch's time was up: {said}")
        if "cancelled" in code:
            return CallFailed(f"the batch was cancelled: {said}")
        return NoAnswer(f"the server failed in a batch: {said}")
    status = int(response["status_code"])
    if status == 200:
        try:
            return parse_reply(response["body"])
        except (LookupError, TypeError, AttributeError):
            said = words(json.dumps(response.get("body")))
            return NoAnswer(f"the server's answer is no completion: {said}", maybe_billed=True)
    said = f"the server refused with {status} in a batch: {words(said_in(response.get('body')))}"
    if status in BUSY:
        return Busy(said)
    if is_unwell(status):
        return NoAnswer(said)
    return CallFailed(said, concerns=concerns(status, json.dumps(response.get("body"))))


def _code(error: object) -> str:
    return str(error.get("code") or "") if isinstance(error, dict) else ""


class Problem(NamedTuple):
    """Why a batch failed as a whole. line: of the input file, from 1; None: all of it."""

    code: str
    message: str
    line: int | None


def refused(
    problems: Collection[Problem], lines: Mapping[str, int], *, retry_after: float
) -> dict[str, Outcome]:
    """What becomes of the requests of a batch that failed before any was answered, by key.

    Where the server names lines, only their requests are at fault.

    Args:
        problems: what the server says.
        lines: the requests' lines in the batch's file, by key.
        retry_after: seconds until it may have room for the others.
    """
    said = (
        "; ".join(sorted({problem.message or problem.code for problem in problems})[:3])
        or "it does not say why"
    )
    if any(problem.code in NO_QUOTA for problem in problems):
        return {
            key: TeacherUnusable(f"the batch failed, because the quota is used up: {said}") for key in lines
        }
    if any(full in f"{one.code} {one.message}".lower() for one in problems for full in _FULL):
        return {key: Busy(f"the batch found no room at the server: {said}", retry_after) for key in lines}
    at_fault = {problem.line: problem.message for problem in problems if problem.line is not None}
    if not at_fault.keys() & set(lines.values()):
        return {key: CallFailed(f"the batch failed: {said}") for key in lines}
    return {
        key: CallFailed(f"the batch failed at this request: {at_fault[number]}")
        if number in at_fault
        else Busy("the batch failed at another request", 0.0)
        for key, number in lines.items()
    }


def left_over(status: str) -> Exception:
    """What becomes of a request of which a finished batch's files say nothing."""
    if status == "expired":
        return Busy(f"the batch was not done within {WINDOW}")
    if status == "cancelled":
        return CallFailed("the batch was cancelled; the next run asks again")
    return NoAnswer("the batch's results lack this request", maybe_billed=True)
