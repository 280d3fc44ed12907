"""A loopback Hub for each test, commands that talk to it, and what the library datasets reads there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cli
import hub
import pytest
from cli import Ended, datagen, spawn

from datagen import secrets
from datagen.hub import client, patience

#: Reads each config of a data set with the library datasets, and prints the rows as JSON.
READ = """
import json, sys, datasets
datasets.disable_progress_bars()
name = sys.argv[1]
configs = datasets.get_dataset_config_names(name)
print(json.dumps({c: datasets.load_dataset(name, c, split="train").to_list() for c in configs}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set with answers, one of tasks alone, and one without licences."""
    rows = [
        {
            "instruction": f"Write a Python function that adds {n} to each number of a list.",
            "response": f"```python\ndef add_{n}(numbers):\n    return [x + {n} for x in numbers]\n```",
            "license": "MIT" if n % 2 else "Apache-2.0",
        }
        for n in range(8)
    ]
    unanswered = "Write a function that sorts words by length."
    rows.append({"instruction": unanswered, "response": "", "license": "MIT"})
    place = tmp_path_factory.mktemp("made")
    for name, some in {
        "pairs": rows,
        "tasks": [{"instruction": row["instruction"], "license": "MIT"} for row in rows],
        "bare": [{"instruction": row["instruction"]} for row in rows],
    }.items():
        file = place / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in some))
        assert datagen("filter", file, "-o", place / name).code == 0
    return place


@pytest.fixture
def server():
    with hub.serving() as running:
        yield running


class Commands:
    """Runs commands against a Hub; with `alone` each in a process of its own, as a user does.

    In this process it is the real client too, which read its settings when it was imported: those that a
    test needs are set anew.
    """

    def __init__(self, server: hub.Hub, place: Path, patch: pytest.MonkeyPatch):
        client.library()
        from huggingface_hub import constants

        patch.setattr(constants, "HF_HUB_CACHE", str(place / "hf/hub"))
        patch.setattr(constants, "HF_TOKEN_PATH", str(place / "hf/token"))
        patch.setattr(cli, "CACHE", SimpleNamespace(name=str(place / "cache")))
        # A busy machine is no Hub that lets us wait.
        patch.setattr(patience, "FIRST_SECONDS", 1000)
        self.place, self.patch = place, patch
        self.environment = {
            **{"HF_HOME": str(place / "hf"), "HF_ENDPOINT": server.address, "HF_TOKEN": hub.TOKEN},
            **{"HF_HUB_OFFLINE": "", "HF_HUB_DISABLE_XET": "1", "DATAGEN_CACHE_DIR": str(place / "cache")},
        }

    def __call__(self, *words: object, **environment: str) -> Ended:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            done = datagen(*words)
        return self._checked(done)

    def alone(self, *words: object, **environment: str) -> Ended:
        done = spawn(*words, env={**self.environment, **environment})
        return self._checked(Ended(done.returncode, done.stdout, done.stderr))

    @staticmethod
    def _checked(done: Ended) -> Ended:
        for secret in (hub.TOKEN, hub.READER, hub.WRONG):
            assert secret not in done.out + done.err
        return done

    def rows(self, *words: object, **environment: str) -> list[dict]:
        """What `cat` prints."""
        done = self("cat", *words, **environment)
        assert done.code == 0, done
        return [json.loads(line) for line in done.out.splitlines()]

    def load(self, name: str) -> dict[str, list[dict]]:
        """The rows of each config, as the library datasets reads them."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", READ, name],
            env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def run(server, made, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    yield Commands(server, tmp_path, monkeypatch)
    secrets.forget()
