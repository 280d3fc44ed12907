"""The stand-in server's files and batches, as OpenAI's Batch API has them.

A batch is validating, in_progress, finalizing and completed, as often as it is asked for or as time goes on;
listing batches shows its state but is not asking for it. Half of its requests are done when it is in
progress, all of them when it is finalizing. What was done is paid, whether its output is read or not.
Results are in an order of their own.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import faults as wire
from replies import completion, digest

if TYPE_CHECKING:
    from endpoint import Endpoint

Answer = tuple[int, Any]
FINAL = ("failed", "completed", "expired", "cancelled")
_STEPS = ("validating", "in_progress", "finalizing")
_WHY = {
    "expired": "This request could not be executed before the completion window expired.",
    "cancelled": "This request was not executed, because the batch was cancelled.",
}


class File(NamedTuple):
    """A file as it is stored, and what is told of it."""

    content: bytes
    told: dict[str, Any]


class Line(NamedTuple):
    """One request of a batch."""

    custom_id: str
    url: str
    body: Any
    key: str


@dataclass
class Batch:
    """A batch: what is told of it, its requests in the order in which they are done, and their results."""

    told: dict[str, Any]
    lines: list[Line] = field(default_factory=list)
    fault: str | None = None
    key: str = ""
    polls: int = 0
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    output: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def enter(self, status: str) -> None:
        """Go on to another state."""
        stamp = {"validating": "created_at"}.get(status, f"{status}_at")
        self.told["status"] = status
        self.told[stamp] = int(time.time())


class Batches:
    """All files and batches of one server."""

    def __init__(self, endpoint: Endpoint, *, polls: int, seconds: float | None) -> None:
        self._endpoint = endpoint
        self.polls = polls
        self.seconds = seconds
        #: by id, the oldest first
        self.created: dict[str, Batch] = {}
        self.files: dict[str, File] = {}

    def answer(
        self, method: str, words: list[str], query: Mapping[str, str], raw: bytes, content_type: str
    ) -> Answer | None:
        """Status and content that answer a request for /files or /batches; None: no answer at all."""
        with self._endpoint.lock:
            if words[0] == "files":
                return self._files(method, words[1:], raw, content_type)
            return self._batches(method, words[1:], query, raw)

    def _files(self, method: str, words: list[str], raw: bytes, content_type: str) -> Answer:
        if not words:
            if method == "POST":
                return self._upload(raw, content_type)
            return 200, _listed([file.told for file in reversed(self.files.values())])
        name, *rest = words
        if name not in self.files:
            return 404, wire.error(f"No such File object: {name}", "invalid_request_error")
        if method == "DELETE":
            del self.files[name]
            return 200, {"id": name, "object": "file", "deleted": True}
        return 200, self.files[name].content if rest == ["content"] else self.files[name].told

    def _upload(self, raw: bytes, content_type: str) -> Answer:
        boundary = re.search('boundary="?([^";]+)', content_type)
        if boundary is None:
            return 400, wire.error("a file is to be sent as multipart/form-data", "invalid_request_error")
        parts: dict[str, tuple[str, bytes]] = {}
        for part in raw.split(b"--" + boundary[1].encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            names = dict(re.findall(r'\b(name|filename)="([^"]*)"', head.decode()))
            parts[names["name"]] = names.get("filename", ""), content[:-2]
        if parts.get("purpose", ("", b""))[1] != b"batch" or "file" not in parts:
            return 400, wire.error("a file with the purpose batch is wanted", "invalid_request_error")
        filename, content = parts["file"]
        return 200, self._store(filename, content, "batch")

    def _store(self, filename: str, content: bytes, purpose: str) -> dict[str, Any]:
        told = {
            "id": f"file-{secrets.token_hex(12)}",
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "expires_at": None,
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        self.files[told["id"]] = File(content, told)
        return told

    def _batches(self, method: str, words: list[str], query: Mapping[str, str], raw: bytes) -> Answer | None:
        if not words:
            return self._create(raw) if method == "POST" else self._list(query)
        if words[0] not in self.created:
            return 404, wire.error(f"No batch found with id '{words[0]}'.", "invalid_request_error")
        batch = self.created[words[0]]
        if words[1:] == ["cancel"]:
            return self._cancel(batch)
        if self._endpoint.draw(batch.key, batch.polls, ["batch-down"], scope=words[0]):
            return 500, wire.error("fault batch-down", "server_error")
        batch.polls += 1
        self._advance(batch, polled=True)
        return 200, batch.told

    def _list(self, query: Mapping[str, str]) -> Answer:
        newest = list(reversed(self.created.values()))
        ids = [batch.told["id"] for batch in newest]
        after = query.get("after")
        if after is not None and after not in ids:
            return 404, wire.error(f"No batch found with id '{after}'.", "invalid_request_error")
        start = ids.index(after) + 1 if after is not None else 0
        limit = int(query.get("limit", 20))
        for batch in newest:
            self._advance(batch)
        return 200, _listed([batch.told for batch in newest[start : start + limit]], start + limit < len(ids))

    def _create(self, raw: bytes) -> Answer | None:
        wanted = json.loads(raw)
        source = self.files.get(wanted.get("input_file_id"))
        if source is None:
            return 400, wire.error("there is no such input file", "invalid_request_error")
        if wanted.get("completion_window") != "24h" or "endpoint" not in wanted:
            return 400, wire.error("Invalid value for completion_window or endpoint", "invalid_request_error")
        now = int(time.time())
        stamps = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        told = {
            "id": f"batch_{secrets.token_hex(12)}",
            "object": "batch",
            "endpoint": wanted["endpoint"],
            "errors": None,
            "input_file_id": wanted["input_file_id"],
            "completion_window": "24h",
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": now,
            "expires_at": now + 24 * 3600,
            **{f"{stamp}_at": None for stamp in stamps},
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": wanted.get("metadata"),
        }
        batch = Batch(told)
        lines, problems = _read(source.content, wanted["endpoint"])
        batch.key = hashlib.sha256(" ".join(sorted(line.key for line in lines)).encode()).hexdigest()
        batch.fault = self._endpoint.draw(batch.key, len(self.created), wire.WHOLE_BATCHES, scope="")
        if batch.fault == "batch-failed":
            problems = [_problem("token_limit_exceeded", "Enqueued token limit reached for this model.")]
        if problems:
            told["errors"] = {"object": "list", "data": problems}
        else:
            self._take(batch, lines)
        self.created[told["id"]] = batch
        return None if batch.fault == "batch-lost" else (200, told)

    def _take(self, batch: Batch, lines: list[Line]) -> None:
        """Count the requests of a batch, and put them into another order."""
        batch.lines = sorted(lines, key=lambda line: line.key[::-1])
        if batch.lines == lines:
            batch.lines.reverse()
        for line in lines:
            self._endpoint.asked[line.key] += 1
            self._endpoint.bodies[line.key] = line.body
        batch.told["request_counts"]["total"] = len(lines)
        self._endpoint.lock.notify_all()

    def _cancel(self, batch: Batch) -> Answer:
        self._advance(batch)
        if batch.told["status"] in {*FINAL, "cancelling"}:
            said = f"Cannot cancel a batch with status '{batch.told['status']}'."
            return 409, wire.error(said, "invalid_request_error")
        batch.enter("cancelling")
        return 200, batch.told

    def _step(self, batch: Batch) -> int:
        """How far a batch is: its place in _STEPS, or 3."""
        if self.seconds is not None:
            gone = time.monotonic() - batch.started
            return 3 if gone >= self.seconds else int(3 * gone / self.seconds)
        return min(3, 3 * batch.polls // self.polls) if self.polls else min(3, 3 * batch.polls)

    def _advance(self, batch: Batch, *, polled: bool = False) -> None:
        status, step = batch.told["status"], self._step(batch)
        if status in FINAL or (not polled and self.seconds is None):
            return
        if status == "cancelling":
            self._finish(batch, "cancelled")
            return
        if batch.told["errors"] is not None:
            if step:
                batch.enter("failed")
            return
        half = len(batch.lines) // 2
        most = half if step < 2 or batch.fault == "batch-expired" else len(batch.lines)
        if step:
            self._do(batch, most)
        if step == 3:
            self._finish(batch, "expired" if batch.fault == "batch-expired" else "completed")
        elif _STEPS[step] != status:
            batch.enter(_STEPS[step])

    def _do(self, batch: Batch, most: int) -> None:
        """Answer the requests of a batch up to the one with this number."""
        server = self._endpoint
        while batch.done < most:
            line = batch.lines[batch.done]
            batch.done += 1
            result = {"id": f"batch_req_{secrets.token_hex(12)}", "custom_id": line.custom_id}
            attempt = server.asked[line.key]
            fault = server.draw(line.key, attempt, ("batch-some-errors", *wire.CONTENT))
            if fault == "batch-some-errors":
                status = 500 if int(line.key[-1], 16) % 2 else 429
                said: Any = wire.error(f"fault {status} in a batch", "server_error")
            else:
                status = 200
                said = completion(line.url, line.body, fault, server.says)
                server.count_answer(line.key, said["usage"])
            response = {"status_code": status, "request_id": secrets.token_hex(16), "body": said}
            done = batch.output if status == 200 else batch.errors
            done.append({**result, "response": response, "error": None})
        batch.told["request_counts"] |= {"completed": len(batch.output), "failed": len(batch.errors)}
        server.lock.notify_all()

    def _finish(self, batch: Batch, status: str) -> None:
        for line in batch.lines[batch.done :]:
            result = {"id": f"batch_req_{secrets.token_hex(12)}", "custom_id": line.custom_id}
            why = {"code": f"batch_{status}", "message": _WHY[status]}
            batch.errors.append({**result, "response": None, "error": why})
        batch.told["request_counts"] |= {"completed": len(batch.output), "failed": len(batch.errors)}
        for name, results in (("output", batch.output), ("error", batch.errors)):
            if results:
                content = "".join(f"{json.dumps(result)}\n" for result in results).encode()
                file = self._store(f"{batch.told['id']}_{name}.jsonl", content, "batch_output")
                batch.told[f"{name}_file_id"] = file["id"]
        batch.enter(status)


def _listed(data: list[dict[str, Any]], more: bool = False) -> dict[str, Any]:
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"object": "list", "data": data, "first_id": None, "last_id": None, **ends, "has_more": more}


def _problem(code: str, message: str, line: int | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": None, "line": line}


def _read(content: bytes, endpoint: str) -> tuple[list[Line], list[dict[str, Any]]]:
    """The requests in an input file, and what makes it invalid."""
    lines: list[Line] = []
    problems = []
    seen: set[str] = set()
    for number, raw in enumerate(filter(bytes.strip, content.split(b"\n")), 1):
        try:
            wanted = json.loads(raw)
            line = Line(wanted["custom_id"], wanted["url"], wanted["body"], "")
            line = line._replace(key=digest(line.url, line.body))
            model, method = line.body["model"], wanted["method"]
        except (ValueError, LookupError, TypeError, AttributeError):
            problems.append(_problem("invalid_json_line", "This line is no valid request.", number))
            continue
        lines.append(line)
        if line.custom_id in seen:
            problems.append(_problem("duplicate_custom_id", "The custom_id was used before.", number))
        if (method, line.url) != ("POST", endpoint):
            problems.append(_problem("invalid_url", f"Every request must be POST {endpoint}.", number))
        if model != lines[0].body["model"]:
            problems.append(_problem("mismatched_model", "All requests must be for one model.", number))
        seen.add(line.custom_id)
    if not lines and not problems:
        problems.append(_problem("empty_file", "The input file is empty."))
    if len(lines) > 50_000:
        problems.append(_problem("too_many_tasks", "The input file has more than 50000 requests."))
    return lines, problems
