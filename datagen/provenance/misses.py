"""Why a call was not in the journal: the nearest call that was, and the fields in which it differs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from datagen.journal.maintenance import Call, columns

#: The number of calls compared in full: those that share most pieces of the prompt, the newest first.
_COMPARED = 500
_PIECES, _PIECE = 5, 32
_SHOWN = 40
_NOT_SET = "not set"

Fields = Mapping[str, object]


class Difference(NamedTuple):
    """A field in which two requests differ: its value in the stored one, and its value now."""

    field: str
    then: object
    now: object

    def words(self) -> str:
        """Such as `parameters.temperature (0.2, now 0.7)`; of long texts the place where they part."""
        then, now = self.then, self.now
        if isinstance(then, str) and isinstance(now, str) and max(len(then), len(now)) > _SHOWN:
            begin = max(0, _common(then, now) - _SHOWN // 3)
            then, now = (_cut(text, begin) for text in (then, now))
        return f"{self.field} ({_shown(then)}, now {_shown(now)})"


class NearestCall(NamedTuple):
    """The stored call that comes nearest."""

    key: str
    made: str
    differences: tuple[Difference, ...]


def fields(request: str) -> Fields:
    """A canonical request as flat fields, such as `parameters.seed` and `messages.system`.

    `messages.user` is the last turn of the user: the prompt. Other turns have their number in the name.
    """
    content: dict[str, Any] = json.loads(request)
    flat: dict[str, object] = {name: content[name] for name in ("endpoint", "model", "text", "sample")}
    messages = content["messages"]
    prompt = max((place for place, (role, _) in enumerate(messages) if role == "user"), default=-1)
    for place, (role, text) in enumerate(messages):
        is_only = place == prompt or (role == "system" and place == 0)
        flat[f"messages.{role}" if is_only else f"messages[{place}].{role}"] = text
    return flat | {f"parameters.{name}": value for name, value in content["parameters"]}


def nearest(
    connection: sqlite3.Connection, call: Call, before: str, plans: Collection[str] = ()
) -> NearestCall | None:
    """The stored call that comes nearest to `call`; None if none is similar.

    A call with the same prompt is similar. Without one, a call that differs in the prompt alone is similar.
    The whole journal is read once or twice, in the memory of some hundred calls. A million calls take a few
    seconds.

    Args:
        connection: to the journal.
        call: the one that was not found.
        before: a moment (UTC). Only calls made before it are compared, and calls of other plans made not
            after `call`.
        plans: the keys of the call's own plans.
    """
    now = fields(call.request)
    found = list(_candidates(connection, call, _earlier(connection, call, before, plans), now))
    if not found:
        return None
    # min() takes the first of equals, so the newest comes first.
    newest = sorted(sorted(found, key=lambda one: one.key), key=lambda one: one.made, reverse=True)
    return min(newest, key=lambda one: (len(one.differences), _distance(one.differences)))


def _earlier(
    connection: sqlite3.Connection, call: Call, before: str, plans: Collection[str]
) -> tuple[str, list[str]]:
    """The SQL condition, and its values, for calls that were stored before `call` was made."""
    if "plan" not in columns(connection):
        return "key <> ? AND made < ?", [call.key, before]
    others = f"plan <> '' AND plan NOT IN ({', '.join('?' * len(plans))})"
    return f"key <> ? AND (made < ? OR made <= ? AND {others})", [call.key, before, call.made, *plans]


def _candidates(
    connection: sqlite3.Connection, call: Call, earlier: tuple[str, list[str]], now: Fields
) -> Iterator[NearestCall]:
    condition, values = earlier
    query = f"SELECT key, made, request FROM calls WHERE {condition}"
    prompt = "text" if now["text"] is not None else "messages.user"
    asked = now.get(prompt)
    any_same = False
    same_prompt = f"{query} AND instr(request, ?) ORDER BY made DESC LIMIT {_COMPARED}"
    for key, made, request in connection.execute(same_prompt, [*values, _json(asked)]):
        then = fields(request)
        if then.get(prompt) == asked:
            any_same = True
            yield NearestCall(key, made, _differences(then, now))
    if any_same:
        return
    begin, end = _around(call.request, "text" if prompt == "text" else "messages")
    pieces = _pieces(_json(asked))
    shared = " + ".join(["(instr(request, ?) > 0)"] * len(pieces))
    same_rest = (
        f"{query} AND substr(request, 1, ?) = ? AND substr(request, -?) = ?"
        f" ORDER BY {shared} DESC, made DESC LIMIT {_COMPARED}"
    )
    parts = [len(begin), begin, len(end), end]
    for key, made, request in connection.execute(same_rest, [*values, *parts, *pieces]):
        differences = _differences(fields(request), now)
        if [one.field for one in differences] == [prompt]:
            yield NearestCall(key, made, differences)


def _around(request: str, name: str) -> tuple[str, str]:
    """The text of a canonical request before and after the value of its field `name`."""
    value = _json(json.loads(request)[name])
    # Names are sorted: `model` follows `messages`, and nothing follows `text`.
    begin, middle, end = request.partition(f'"{name}":{value}')
    return begin + middle[: len(name) + 3], end


def _pieces(text: str) -> list[str]:
    """Some pieces of a text, evenly spread."""
    step = max(1, (len(text) - _PIECE) // (_PIECES - 1))
    return [text[begin : begin + _PIECE] for begin in range(0, _PIECES * step, step)]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _differences(then: Fields, now: Fields) -> tuple[Difference, ...]:
    names = dict.fromkeys([*now, *then])
    return tuple(
        Difference(name, then.get(name, _NOT_SET), now.get(name, _NOT_SET))
        for name in names
        if (name in then, then.get(name)) != (name in now, now.get(name))
    )


def _distance(differences: tuple[Difference, ...]) -> int:
    """How many characters lie between the first and last difference of a single text; else 0."""
    then, now = differences[0].then, differences[0].now
    if len(differences) > 1 or not (isinstance(then, str) and isinstance(now, str)):
        return 0
    same = _common(then, now)
    shorter = min(len(then), len(now)) - same
    return max(len(then), len(now)) - same - min(shorter, _common(then[::-1], now[::-1]))


def _common(one: str, other: str) -> int:
    """How many characters two texts share at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _cut(text: str, begin: int) -> str:
    end = begin + _SHOWN
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"


def _shown(value: object) -> str:
    if value == _NOT_SET:
        return _NOT_SET
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 3 * _SHOWN else f"{text[: 3 * _SHOWN]}…"
