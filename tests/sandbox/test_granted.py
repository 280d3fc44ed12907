"""What keeps programs apart is known before any is run, and too little is refused."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from datagen.errors import DatagenError
from datagen.runs.programs import ProgramOptions, limits_of
from datagen.sandbox import granted
from datagen.sandbox.run import Sandbox, run
from datagen.sandbox.verdict import DEFAULT

linux = pytest.mark.skipif(sys.platform != "linux", reason="there are layers on Linux alone")


def check(*, unsafe):
    async def checked():
        async with Sandbox(1) as sandbox:
            return await granted.check(sandbox, unsafe=unsafe)

    return asyncio.run(checked())


@linux
def test_what_is_missing_is_said_with_its_reason(monkeypatch):
    """With less than all layers, a line names each that is missing; with enough of them programs may run."""
    monkeypatch.setenv("DATAGEN_SANDBOX", "seccomp+rlimits")
    assert granted.probe() == "seccomp+rlimits"
    warning = check(unsafe=False)
    assert "no namespaces: DATAGEN_SANDBOX leaves it out" in warning
    assert "no landlock" in warning
    assert "\n" not in warning


@linux
def test_too_little_is_refused(monkeypatch):
    """Without a filter for system calls programs run only where the user asks for it."""
    monkeypatch.setenv("DATAGEN_SANDBOX", "rlimits")
    with pytest.raises(DatagenError, match="--unsafe-run"):
        check(unsafe=False)
    assert "no seccomp" in check(unsafe=True)


def test_options_are_the_limits():
    """Each limit that can be set is one, and their defaults are those of the sandbox."""
    assert limits_of(ProgramOptions()) == DEFAULT
    assert limits_of(ProgramOptions(memory_mb=100)).memory_mb == 100


def test_the_machine_is_looked_at_before_the_first_program_and_once(monkeypatch):
    """Who runs no program needs no sandbox; who runs several hears once what is missing."""
    monkeypatch.setenv("DATAGEN_SANDBOX", "rlimits")
    said: list[str] = []

    async def judged(*, unsafe, programs):
        async with Sandbox(2) as sandbox:
            guarded = granted.Guarded(sandbox, unsafe=unsafe, warn=said.append)
            runs = (guarded.run("x = 1", ["assert x == 1"], DEFAULT) for _ in range(programs))
            return [one.status for one in await asyncio.gather(*runs)]

    assert asyncio.run(judged(unsafe=False, programs=0)) == []
    with pytest.raises(DatagenError, match="--unsafe-run"):
        asyncio.run(judged(unsafe=False, programs=3))
    assert said == []
    assert asyncio.run(judged(unsafe=True, programs=3)) == ["all_passed"] * 3
    assert len(said) == 1


@linux
def test_a_library_that_nobody_can_read_is_said_before_the_run(monkeypatch, tmp_path):
    """As root without namespaces programs run as nobody; one line names the folder and what to do."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(granted, "_LIBRARY", folder / "os.py")
    monkeypatch.setattr(granted.os, "getuid", lambda: 0)
    told = granted.unreadable("seccomp+rlimits")
    assert told.startswith("programs run as the user nobody, who cannot enter /")
    assert "install Python where every user can read it" in told
    for isolation in ("namespaces+seccomp+landlock+rlimits", "seccomp+landlock+rlimits"):
        assert granted.unreadable(isolation) == ""
    monkeypatch.setattr(granted, "_LIBRARY", tmp_path.__class__("/usr/lib/os.py"))
    assert granted.unreadable("seccomp+rlimits") == ""
    monkeypatch.setattr(granted, "_LIBRARY", folder / "os.py")
    monkeypatch.setattr(granted.os, "getuid", lambda: 1000)
    assert granted.unreadable("seccomp+rlimits") == ""


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="programs run as nobody for root alone"
)
def test_what_is_said_of_the_library_is_so(monkeypatch):
    """An import works where nothing is said, and fails where it is."""
    monkeypatch.setenv("DATAGEN_SANDBOX", "seccomp+rlimits")
    said = granted.unreadable("seccomp+rlimits")
    verdict = asyncio.run(run("import colorsys", []))
    assert (verdict.status == "all_passed") == (not said)
    assert said in check(unsafe=False)
