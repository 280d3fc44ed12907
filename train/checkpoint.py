"""A training's state on disk, so that a killed run goes on: safetensors and JSON, nothing that is executed.

    FOLDER/checkpoint-000010/   weights.safetensors, optimizer.safetensors, state.json
    FOLDER/metrics.jsonl        one line a step

A checkpoint grows under another name and takes its own by a rename, so that each one is whole. The last one
is kept. The order of the tasks follows from seed and step, so no state of a random generator is needed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from train.errors import TrainError

METRICS = "metrics.jsonl"
_NAME = re.compile(r"checkpoint-(\d{6,})")
_GROWING = ".checkpoint"


def save(folder: Path, step: int, model: Any, optimizer: Any) -> None:  # noqa: ANN401
    """Write the state after `step` steps, then remove the one before."""
    growing = folder / _GROWING
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    weights = {name: one.detach().contiguous() for name, one in model.named_parameters()}
    save_file(weights, growing / "weights.safetensors")
    save_file(_moments(model, optimizer), growing / "optimizer.safetensors")
    (growing / "state.json").write_text(json.dumps({"step": step}), encoding="utf-8")
    place = folder / f"checkpoint-{step:06}"
    shutil.rmtree(place, ignore_errors=True)
    growing.rename(place)
    for old in _all(folder):
        if old != place:
            shutil.rmtree(old)


def restore(folder: Path, model: Any, optimizer: Any) -> int:  # noqa: ANN401
    """Take up the last checkpoint of `folder`, and return how many steps it has behind it; 0 without one.

    Raises:
        TrainError: it is damaged, or of another model.
    """
    found = _all(folder)
    if not found:
        return 0
    place = found[-1]
    try:
        step = int(json.loads((place / "state.json").read_text(encoding="utf-8"))["step"])
        weights = load_file(place / "weights.safetensors")
        moments = load_file(place / "optimizer.safetensors")
        _fill(model, optimizer, weights, moments)
    except Exception as error:  # safetensors raises a class of its own that is no ValueError
        why = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise TrainError(f"{place} cannot be read ({why}); remove it to start again") from None
    return step


def last_step(folder: Path) -> int:
    """How many steps the last checkpoint of `folder` has behind it; 0 without one."""
    found = _all(folder)
    return _step(found[-1]) if found else 0


def _all(folder: Path) -> list[Path]:
    """The checkpoints, the last one last."""
    if not folder.is_dir():
        return []
    return sorted((one for one in folder.iterdir() if _NAME.fullmatch(one.name)), key=_step)


def _step(place: Path) -> int:
    found = _NAME.fullmatch(place.name)
    return int(found[1]) if found else 0


def _moments(model: Any, optimizer: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """The optimizer's tensors by PARAMETER/KIND; parameters that had no gradient yet have none."""
    return {
        f"{name}/{kind}": value.detach().contiguous()
        for name, one in model.named_parameters()
        for kind, value in optimizer.state.get(one, {}).items()
    }


def _fill(
    model: Any,  # noqa: ANN401
    optimizer: Any,  # noqa: ANN401
    weights: Mapping[str, torch.Tensor],
    moments: Mapping[str, torch.Tensor],
) -> None:
    named = dict(model.named_parameters())
    if named.keys() != weights.keys():
        raise ValueError("it is another model's")
    with torch.no_grad():
        for name, one in named.items():
            one.copy_(weights[name])
    for key, value in moments.items():
        name, _, kind = key.rpartition("/")
        # The count of steps stays on the CPU, as AdamW keeps it.
        optimizer.state[named[name]][kind] = value if kind == "step" else value.to(named[name].device)


def metrics_until(folder: Path, step: int) -> list[dict[str, Any]]:
    """The lines of the first `step` steps; those that were written after the checkpoint are removed."""
    path = folder / METRICS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = []
    for line in lines[:step]:
        try:
            kept.append(json.loads(line))
        except ValueError:  # the process was killed while it wrote
            break
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in kept), encoding="utf-8")
    return kept


def add_metrics(folder: Path, entry: Mapping[str, Any]) -> None:
    """Write one more line."""
    with (folder / METRICS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
