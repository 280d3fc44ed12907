"""What people see while a command works."""

from __future__ import annotations

import pytest

from datagen import progress


@pytest.fixture(autouse=True)
def _as_before():
    progress.configure(quiet=False, verbose=False)
    yield
    progress.configure(quiet=False, verbose=False)


def test_quiet_and_verbose(capsys):
    """--quiet silences what is for people, -v adds details."""
    progress.say("for people")
    progress.detail("not shown")
    progress.configure(quiet=True, verbose=True)
    progress.say("not shown either")
    progress.detail("a detail")
    with progress.track("evolve", 3) as advance:
        advance(3)
    assert capsys.readouterr().err == "for people\na detail\n"


def test_a_line_now_and_then(capsys, monkeypatch):
    """Without a terminal there is a line every ten seconds, with an estimate once there is ground for one."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.track("evolve", 1000) as advance:
        for seconds, more in ((5, 1), (11, 1), (12, 500), (25, 98)):
            now[0] = seconds
            advance(more)
    assert capsys.readouterr().err == (
        "evolve: 2 of 1,000 (0.2/s)\nevolve: 600 of 1,000 (24.0/s, 17 s left)\n"
    )


def test_unknown_total(capsys, monkeypatch):
    """Without a total the line tells what is done."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.track("filter", None) as advance:
        now[0] = 20
        advance(1234)
    assert capsys.readouterr().err == "filter: 1,234 (61.7/s)\n"


def test_work_inside_of_other_work(monkeypatch):
    """A terminal shows one bar at a time, and the next one when the work is done or has failed."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    shown = []
    bar = progress._bar
    monkeypatch.setattr(progress, "_bar", lambda what, total: shown.append(what) or bar(what, total))
    with pytest.raises(ValueError), progress.track("outer", 3):  # noqa: PT011, PT012
        with progress.track("inner", 3) as advance:
            advance(3)
        raise ValueError
    with progress.track("next", 3):
        pass
    assert shown == ["outer", "next"]


def test_bar_on_a_terminal(monkeypatch):
    """On a terminal there is a bar, which is gone when the work is done."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress.track("evolve", 3) as advance:
        advance(3)
