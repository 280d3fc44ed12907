"""The registry of teachers, and the shapes that they share."""

from __future__ import annotations

import asyncio

import pytest

from datagen.errors import UsageError
from datagen.teachers import Prompt, Reply, TeacherUnusable, check_all, connect_all, kinds, public_name


def test_registry():
    """Every module of the folder is a teacher with a word for SPECs and a line for people."""
    found = kinds()
    assert {"local", "openai", "reference"} <= set(found)
    for kind, module in found.items():
        assert module.SUMMARY.startswith(kind)
        assert module.__doc__
        assert callable(module.check)
        assert callable(module.connect)


def test_public_name_has_neither_address_nor_folder(tmp_path):
    """What columns and manifests call a teacher tells nothing about where it runs."""
    path = tmp_path / "secret" / "tiny.gguf"
    path.parent.mkdir()
    path.touch()
    assert public_name(f"local:{path}") == "local:tiny"
    assert public_name("local:smollm2") == "local:smollm2"
    assert public_name("openai:m@http://inner.host/v1") == "openai:m"
    assert public_name("reference") == "reference"


def test_names_must_differ(tmp_path):
    """Two teachers of one name could not be told apart in the column `teacher`."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.gguf").touch()
    check_all(["openai:m@http://a/v1", "openai:n@http://a/v1", "reference"])
    with pytest.raises(UsageError, match="two teachers are called local:m"):
        check_all([f"local:{tmp_path}/a/m.gguf", f"local:{tmp_path}/b/m.gguf"])


def test_first_is_closed_when_the_second_fails(monkeypatch):
    """A teacher that cannot be had closes those that were opened before it."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    async def connect():
        async with connect_all(["openai:m@http://127.0.0.1:9/v1", "openai:gpt-4o"]):
            raise AssertionError("it was connected")

    with pytest.raises(TeacherUnusable, match="needs a key"):
        asyncio.run(connect())


@pytest.mark.parametrize(
    ("text", "finish_reason", "whole"),
    [
        ("(x):\n    return x", "stop", "```python\ndef f(x):\n    return x\n```"),
        ("```python\ndef f(x):\n    return x\n", "stop", "```python\ndef f(x):\n    return x\n```"),
        ("(x):\n    return", "length", "```python\ndef f(x):\n    return"),
        ("", "stop", "```python\ndef f\n```"),
    ],
)
def test_reply_becomes_a_whole(text, finish_reason, whole):
    """The beginning that the prompt wrote is put before the reply once, the end only where it was reached."""
    prompt = Prompt(prefix="```python\ndef f", suffix="\n```")
    assert prompt.whole(Reply(text, finish_reason, "m", 1, 1)) == whole


def test_reference_answers_from_the_prompt():
    """The teacher `reference` fences the task's own solution."""

    async def ask():
        async with connect_all(["reference"]) as (teacher,):
            request = teacher.request(Prompt(reference="def f(): ...\n"), seed=0, sample=0)
            return teacher.journalled, await teacher.complete(request)

    assert asyncio.run(ask()) == (False, Reply("```python\ndef f(): ...\n```", "stop", None, 0, 0))
