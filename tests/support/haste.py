"""Lets tests of what goes wrong not wait: calls are made again almost at once."""

from __future__ import annotations

import pytest

from datagen.calls import admission
from datagen.teachers import openai_chat


def hasten(monkeypatch: pytest.MonkeyPatch, *, first_patience: float = 1.0) -> None:
    """Shorten all waits between attempts, in this process and for this test.

    first_patience: seconds until a server is given up that never answered.
    """
    monkeypatch.setattr(admission, "backoff", lambda attempt, **_: 0.001 * min(attempt + 1, 5))
    monkeypatch.setattr(admission, "FIRST_PAUSE", 0.002)
    monkeypatch.setattr(admission, "LONGEST_PAUSE", 0.06)
    monkeypatch.setattr(admission, "FIRST_PATIENCE", first_patience)
    monkeypatch.setattr(openai_chat, "HASTE_SECONDS", 0.02)
