"""Runs `datagen` as a user does: in this process with everything it prints caught, or in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from datagen import progress
from datagen.commands import console

ROOT = Path(__file__).resolve().parents[2]


class _Cache:
    """A folder that is made when it is needed: processes that tests start import this, and are killed."""

    @cached_property
    def name(self) -> str:
        self._folder = tempfile.TemporaryDirectory(prefix="datagen-tests-")
        return self._folder.name


#: Journals of these tests; never the user's.
CACHE = _Cache()


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it printed as text."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What --json printed."""
        return json.loads(self.out)

    def error(self, code: int = 1) -> str:
        """The error line, after checking the code and that nothing else was printed."""
        assert self.code == code, self
        assert self.out == "", self
        lines = self.err.splitlines()
        assert len(lines) == 1, self
        assert lines[0].startswith("Error: "), self
        return lines[0]


def datagen(*arguments: object, stdin: bytes = b"") -> Ended:
    """Run a command in this process. What goes wrong inside it comes out as the exception it is."""
    with _caught() as (out, err), _environment(), _stdin(stdin):
        code = console.run([str(argument) for argument in arguments])
    progress.configure(quiet=False, verbose=False)
    return Ended(code, out(), err())


def spawn(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    environment = {**os.environ, "DATAGEN_CACHE_DIR": CACHE.name, **options.pop("env", {})}
    command = [sys.executable, "-m", "datagen", *map(str, arguments)]
    options = {"capture_output": True, "timeout": 100, "check": False, "encoding": "utf-8"} | options
    return subprocess.run(command, env=environment, **options)


def quick(*arguments: object, stdin: bytes = b"") -> Ended:
    """The same without progress on stderr."""
    return datagen(*arguments, "--quiet", stdin=stdin)


def left_in(folder: Path) -> list[str]:
    """What a folder holds, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


@contextlib.contextmanager
def _caught() -> Iterator[tuple[Any, Any]]:
    """Catch what is written to the streams and, below Python, to the file descriptors 1 and 2."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        saved = [(number, os.dup(number)) for number in (1, 2)]
        streams = sys.stdout, sys.stderr
        for number, file in ((1, out), (2, err)):
            os.dup2(file.fileno(), number)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1, errors="backslashreplace")  # noqa: SIM115
        texts: list[str] = []
        try:
            yield (lambda: texts[0]), (lambda: texts[1])
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = streams
            for number, copy in saved:
                os.dup2(copy, number)
                os.close(copy)
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    old = os.environ.get("DATAGEN_CACHE_DIR")
    os.environ["DATAGEN_CACHE_DIR"] = CACHE.name
    try:
        yield
    finally:
        if old is None:
            del os.environ["DATAGEN_CACHE_DIR"]
        else:
            os.environ["DATAGEN_CACHE_DIR"] = old


@contextlib.contextmanager
def _stdin(content: bytes) -> Iterator[None]:
    old = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = old
