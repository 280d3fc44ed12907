"""Calls every function of many programs with the same inputs: `await Screen().run(codes, inputs)`.

There is no verdict to protect: a program can say of itself what it likes. It can neither harm the machine nor
change what is said of another program.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from datagen import canonical
from datagen.errors import DatagenError
from datagen.sandbox import wire
from datagen.sandbox.run import Pool, _Lost, _Worker
from datagen.sandbox.verdict import Limits

#: For each thing its results, as numbers of inputs and texts, and how many of them have to agree.
Sought = Sequence[tuple[Sequence[tuple[int, str]], int]]

#: Part of each key. It grows when a program may show something else than before.
VERSION = 10
_NONE = type(None)
#: Programs that a server gets at a time.
BATCH = 32
#: CPU time of a worker with all its programs, and size of the temporary folder.
_WORKER_SECONDS, _FILE_MB = 3_600, 16


@dataclass(frozen=True)
class ScreenLimits:
    """What one program may use while it is screened. What it shows depends on it, so it is part of a key.

    Args:
        load_seconds: CPU time of loading it.
        call_seconds: CPU time of one call.
        cpu_seconds: CPU time of all together; calls for which none is left are timeouts.
        wall_seconds: time by the clock of all together; generous, so that a busy machine changes nothing.
        idle_seconds: time by the clock in which it uses no CPU time at all, because it waits for something.
        memory_mb: address space of its process.
        late_calls: calls of a function that may run out of time; it is called no more after so many.
    """

    load_seconds: float = 0.3
    call_seconds: float = 0.1
    cpu_seconds: float = 1.0
    wall_seconds: float = 20.0
    idle_seconds: float = 3.0
    memory_mb: int = 1024
    late_calls: int = 1

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 < value < 1 << 40:
                raise DatagenError(f"limit {name}={value}: it has to be a number above 0")


#: What a program may use where nobody says otherwise.
DEFAULT = ScreenLimits()


class Inputs:
    """Arguments for the functions of programs, written once for all programs.

    Args:
        inputs: a tuple of arguments each; a function gets those whose number it takes.
        sought: what functions are compared with (`Screen.find`): for each thing its results, as numbers of
            inputs and texts in which tuples and iterators are lists, and how many of them have to agree.

    Raises:
        DatagenError: an argument is no plain data.
    """

    def __init__(self, inputs: Iterable[Sequence[object]], sought: Sought | None = None) -> None:
        self._values = [tuple(one) for one in inputs]
        try:
            self.written = [wire.Encoder().encode(one) for one in self._values]
        except wire.NotPlain as error:
            raise DatagenError(f"an input that is no plain data: {error}") from error
        self.sought = sought
        self.digest = canonical.sha256(json.dumps([self.written, sought]))

    def __len__(self) -> int:
        return len(self.written)


class Screened(NamedTuple):
    """What a program showed.

    Args:
        detail: "" or what came of loading it: "compile_error", "raised NameError", "timeout", "memory",
            "killed" if its process ended.
        functions: by function, or method as "Class.method" and "Class().method" (see `functions` in
            callables.py), a text for each input: of its result as `text_of` writes it, or "!raised KeyError",
            "!refused ValueError", "!timeout", "!memory", "!not_plain"; None for an input whose number of
            arguments the function does not take.
    """

    detail: str
    functions: dict[str, list[str | None]]


class Found(NamedTuple):
    """What a program agrees with.

    Args:
        detail: "" or why it could not be compared: what came of loading it, as for `Screened`, or "no
            function" where it has none; "timeout" where calls were made and none came to an end.
        things: the numbers of what it agrees with.
    """

    detail: str
    things: list[int]


class _Line(_Worker):
    """A server that screens, and what it has been told."""

    def __init__(self, wanted: str, limits: Limits) -> None:
        super().__init__(wanted, limits, "screener")
        self._inputs = ""

    async def screen(
        self, codes: Sequence[str], inputs: Inputs, limits: ScreenLimits, *, alone: bool
    ) -> list[bytes]:
        """What was told of each program.

        Raises:
            _Lost: the server is gone.
        """
        request: dict[str, Any] = {"codes": list(codes), "limits": asdict(limits), "alone": alone}
        if inputs.digest != self._inputs:
            request["inputs"], request["sought"] = inputs.written, inputs.sought
        try:
            await self.granted()
            await self._send(request)
            self._inputs = inputs.digest
            body = await self._frame()
        except (OSError, ValueError) as error:
            raise _Lost from error
        told = []
        place = 0
        for _ in codes:
            end = place + 4 + int.from_bytes(body[place : place + 4], "little")
            told.append(body[place + 4 : end])
            place = end
        return told


class Screen(Pool[_Line]):
    """Screens programs in processes that can do nothing but compute.

    Use it as `async with Screen() as screen`; at its end no process is left.

    Args:
        workers: servers, each of which runs one program at a time; as many as there are processors.
    """

    #: What the machine grants, such as "namespaces+seccomp+rlimits"; empty before the first program.
    isolation = ""

    async def run(
        self,
        codes: Sequence[str],
        inputs: Inputs,
        limits: ScreenLimits = DEFAULT,
        *,
        alone: bool = False,
    ) -> list[Screened]:
        """What each program shows, in their order; none depends on another.

        Args:
            codes: the programs.
            inputs: what their functions are called with.
            limits: what each program may use.
            alone: whether each gets a process in which no other program ran, however harmless it is.
        """
        return [_read(one, len(inputs)) for one in await self._told(codes, inputs, limits, alone=alone)]

    async def find(self, codes: Sequence[str], inputs: Inputs, limits: ScreenLimits = DEFAULT) -> list[Found]:
        """What is sought that each program agrees with, in their order; none depends on another.

        A function is called only as often as it takes to know, and its results stay in its process. One that
        can only return None is not called. After two calls with arguments of one kind raised a TypeError or
        AttributeError about types, others of that kind count as a TypeError.

        Args:
            codes: the programs.
            inputs: what their functions are called with, and what they are compared with.
            limits: what each program may use.
        """
        things = len(inputs.sought or ())
        return [_read_found(one, things) for one in await self._told(codes, inputs, limits, alone=False)]

    async def _told(
        self, codes: Sequence[str], inputs: Inputs, limits: ScreenLimits, *, alone: bool
    ) -> list[bytes]:
        parts = [codes[start : start + BATCH] for start in range(0, len(codes), BATCH)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._part(part, inputs, limits, alone=alone)) for part in parts]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [told for task in tasks for told in task.result()]

    async def _part(
        self, codes: Sequence[str], inputs: Inputs, limits: ScreenLimits, *, alone: bool
    ) -> list[bytes]:
        server = Limits(cpu_seconds=_WORKER_SECONDS, memory_mb=limits.memory_mb, file_mb=_FILE_MB)

        async def ask(worker: _Line) -> list[bytes]:
            told = await worker.screen(codes, inputs, limits, alone=alone)
            self.isolation = worker.isolation
            return told

        async with self._free:
            return await self._served(server, _Line, ask)


def _read(told: bytes, inputs: int) -> Screened:
    """What a worker told, unless the program had it tell something else."""
    try:
        detail, functions = (found := json.loads(told))["detail"], found["functions"]
        if isinstance(detail, str) and all(_is_results(texts, inputs) for texts in functions.values()):
            # Most texts are the same few errors, in thousands of places: each is in memory once.
            shared = {
                name: [text and sys.intern(text) for text in texts] for name, texts in functions.items()
            }
            return Screened(detail, shared)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return Screened("killed", {})


def _read_found(told: bytes, things: int) -> Found:
    """What a worker told, unless the program had it tell something else."""
    try:
        detail, found = (said := json.loads(told))["detail"], said["found"]
        if isinstance(detail, str) and all(type(one) is int and 0 <= one < things for one in found):
            return Found(detail, found)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return Found("killed", [])


def _is_results(texts: object, inputs: int) -> bool:
    return (
        isinstance(texts, list) and len(texts) == inputs and all(type(text) in (str, _NONE) for text in texts)
    )


def key_of(code: str, inputs: Inputs, limits: ScreenLimits = DEFAULT) -> str:
    """The key under which what a program shows is stored: sha256 of all that decides it but the machine."""
    what = {"version": VERSION, "code": code, "inputs": inputs.digest, "limits": asdict(limits)}
    return canonical.sha256(canonical.dumps(what))
