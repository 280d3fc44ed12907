"""The registry of teachers, and the shapes that they share."""

from __future__ import annotations

import asyncio
import pickle
from importlib import metadata

import pytest

from datagen.errors import DatagenError, UsageError
from datagen.request import Prompt, Reply, TeacherUnusable
from datagen.teachers import (
    Profile,
    check_all,
    connect_all,
    identities,
    kinds,
    parse_profiles,
    profile,
    public_settings,
    versions,
)


def test_registry():
    """Every module of the folder is a kind with a word for SPECs and a line for people."""
    found = kinds()
    assert [*found] == ["local", "openai", "reference", "replay", "transformers", "vllm"]
    for name, kind in found.items():
        assert kind.name == name
        assert kind.summary.startswith(name)
    assert [name for name, kind in found.items() if kind.costs] == ["openai"]
    assert [name for name, kind in found.items() if kind.answers_once] == ["reference"]
    assert [name for name, kind in found.items() if kind.needs_reference] == ["reference"]


OTHER = """
from datagen.teachers import Kind

KIND = Kind("other", "other:NAME", str, "other:{}".format, repr, None)
"""


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Installs a distribution that registers a module with this text as a kind."""

    def install(text, name="datagen_other"):
        (tmp_path / f"{name}.py").write_text(text)
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[datagen.teachers]\nmine = {name}\n")
        kinds.cache_clear()

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    kinds.cache_clear()


def test_entry_points_add_kinds(register):
    """A kind of another distribution stands behind datagen's own, and its SPECs are parsed."""
    register(OTHER)
    assert [*kinds()][-1] == "other"
    assert profile("other:x") == Profile("other:x", "other:x", "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("", "AttributeError: "),
        ("KIND = 5", "its KIND is no datagen.teachers.Kind"),
        (OTHER.replace('"other",', '"openai",'), "there is a kind openai already"),
    ],
)
def test_broken_entry_point_is_one_line(register, text, says):
    """The line names the entry point, and what to do about it."""
    name = f"datagen_broken_{len(text)}"
    register(text, name)
    with pytest.raises(DatagenError) as caught:
        kinds()
    assert f"the entry point mine = {name} of datagen.teachers cannot be used: {says}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", ["openai:m@http://a/v1", "vllm:org/m?max_model_len=8192&x=[1]", "reference"])
def test_profiles_are_values(spec):
    """A profile can be compared, hashed, and sent to another process."""
    one = profile(spec)
    assert pickle.loads(pickle.dumps(one)) == one == profile(spec)
    assert hash(one) == hash(profile(spec))


def test_versions_that_decide_answers(monkeypatch):
    """Installed distributions are told with their version; missing ones are left out."""
    monkeypatch.setattr(metadata, "version", {"vllm": "0.32.1"}.__getitem__)
    monkeypatch.setattr(metadata, "PackageNotFoundError", KeyError)
    asked = [profile(spec) for spec in ("vllm:org/m", "local:smollm2", "openai:m", "reference")]
    assert versions(asked) == {"vllm": "0.32.1"}


def test_public_name_has_neither_address_nor_folder(tmp_path):
    """What columns and manifests call a teacher tells nothing about where it runs."""
    path = tmp_path / "secret" / "tiny.gguf"
    path.parent.mkdir()
    path.touch()
    assert profile(f"local:{path}").name == "local:tiny"
    assert profile("local:smollm2").name == "local:smollm2"
    assert profile("openai:m@http://inner.host/v1").name == "openai:m"
    assert profile("reference").name == "reference"


def test_public_settings_hold_nothing_secret():
    """What a manifest tells of a teacher is how it was asked, not where, nor with which key."""
    (given,) = public_settings(
        parse_profiles(
            {
                "strong": {
                    "model": "m",
                    "base_url": "http://inner.host/v1",
                    "key_env": "INNER_KEY",
                    "endpoint": "inner-label",
                    "system": "Inner words.",
                    "parameters": {"top_p": 0.9},
                    "license": "MIT",
                    "price_in": 1,
                    "price_out": 2,
                }
            },
            "here",
        ).values()
    ).items()
    name, told = given
    assert (name, told["kind"], told["role"], told["license"]) == ("strong", "openai", "teacher", "MIT")
    assert (told["parameters"], told["price_in"], told["price_out"]) == ({"top_p": 0.9}, 1, 2)
    assert len(told["system_sha256"]) == 64
    assert "inner" not in str(told).casefold()


def test_identity_is_what_decides_the_answers():
    """Another address, role or wording is another teacher; another speed or price is the same one."""

    def known_as(**given):
        one = {"strong": {"model": "m", "base_url": "http://a/v1", **given}}
        (identity,) = identities([*parse_profiles(one, "here").values()])
        return identity

    changes = [
        {"base_url": "http://b/v1"},
        {"endpoint": "a label"},
        {"system": "Be brief."},
        {"parameters": {"top_p": 0.9}},
        {"prompt": "completion"},
        {"role": "student"},
        {"license": "MIT"},
    ]
    assert len({known_as(), *(known_as(**change) for change in changes)}) == len(changes) + 1
    assert known_as(endpoint="one label") == known_as(endpoint="one label", base_url="http://b/v1")
    faster = {"concurrency": 2, "rpm": 9, "tpm": 99, "timeout": 5, "patience": 7, "key_env": "OTHER"}
    assert known_as(**faster, price_in=1, price_out=2) == known_as()


def test_names_must_differ(tmp_path):
    """Two teachers of one name could not be told apart in the column `teacher`."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.gguf").touch()
    check_all([profile(spec) for spec in ("openai:m@http://a/v1", "openai:n@http://a/v1", "reference")])
    with pytest.raises(UsageError, match="two teachers are called local:m"):
        check_all([profile(f"local:{tmp_path}/{folder}/m.gguf") for folder in ("a", "b")])


def test_first_is_closed_when_the_second_fails(monkeypatch):
    """A teacher that cannot be had closes those that were opened before it."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    async def connect():
        specs = ["openai:m@http://127.0.0.1:9/v1", "openai:gpt-4o"]
        async with connect_all([profile(spec) for spec in specs]):
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
        async with connect_all([profile("reference")]) as (teacher,):
            request = teacher.request(Prompt(reference="def f(): ...\n"), seed=0, sample=0)
            return teacher.journalled, await teacher.complete(request)

    assert asyncio.run(ask()) == (False, Reply("```python\ndef f(): ...\n```", "stop", None, 0, 0))
