"""Trains a model on ranked rows; commands, recipes and Python call this alike."""

from __future__ import annotations

import contextlib
import platform
import shutil
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from datagen import canonical, progress
from datagen.data import directory, inputs
from datagen.data.source import Source
from datagen.errors import DatagenError, InterruptedRun, UsageError
from datagen.runs.options import described
from datagen.training import base, card, folder, rows
from datagen.training.base import Base
from datagen.training.options import Options
from datagen.version import __version__

_VERSIONS = ("torch", "transformers")
#: Beyond these the warm-up of WizardCoder, on the same base model as the paper's, has ended.
_MOST_WARMUP = 30


class _Plan(NamedTuple):
    """What is about to be trained: equal keys make equal models."""

    source: Source
    base: Base
    options: Options
    versions: Mapping[str, str]

    def key(self) -> str:
        options = {name: value for name, value in described(self.options).items() if name != "model"}
        return canonical.row_id(
            *("train", self.source.digest, self.base.identity, options, self.versions),
            *(__version__, folder.FORMAT),
        )


def train(
    ranked: str | Path | Sequence[str | Path],
    out: str | Path,
    options: Options | None = None,
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Train a model on ranked rows and write it to `out`; a training that was interrupted goes on.

    Args:
        ranked: what `datagen rank` made: a dataset directory, or files with its columns.
        out: the folder of the new model.
        options: how; None for the defaults.
        overwrite: whether a model made from other data or options may be replaced.

    Returns:
        What was done, with the entries that `--json` prints.

    Raises:
        UsageError: the options leave nothing to train with.
        DatagenError: rows, model or `out` cannot be used, or there is nothing to learn.
        InterruptedRun: the user stopped it; a checkpoint is there.
    """
    begun, place, options = time.monotonic(), Path(out), options or Options()
    if not (options.rank_weight or options.ft_weight):
        raise UsageError("rank_weight and ft_weight are both 0, so nothing is learned; give one of them")
    base.need_extra()
    given = [str(one) for one in ([ranked] if isinstance(ranked, str | Path) else ranked)]
    source, start = inputs.open_source(given), base.find(options.model)
    directory.apart(place, [*source.places, *([Path(start.where)] if Path(start.where).exists() else [])])
    todo = _Plan(source, start, options, {name: metadata.version(name) for name in _VERSIONS})
    done = folder.already_made(place, todo.key(), overwrite=overwrite)
    if done:
        return summary(done, place, already_made=True)
    source.check()
    tasks = rows.tasks(source.limited(options.rows))
    with folder.working(place, todo.key(), overwrite=overwrite) as work, _no_warnings():
        content = _train(todo, tasks, work)
        content["times"]["seconds"] = round(time.monotonic() - begun, 3)
        return summary(folder.finish(work, place, content), place, already_made=False)


@contextlib.contextmanager
def _no_warnings() -> Iterator[None]:
    """Libraries warn of their own plans; a user can do nothing about them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _train(todo: _Plan, tasks: Sequence[Any], work: Path) -> dict[str, Any]:
    """Train in the folder `work` and leave the model's files there; returns the content of training.json."""
    from train import model as models

    models.make_quiet()
    from train import checkpoint, data, errors, fit

    options = todo.options
    try:
        data.check(tasks, _choice(options))
        progress.say(f"train: loading {todo.base.name}")
        loaded = models.load(todo.base.where)
        prepared = data.prepare(tasks, loaded.tokenizer, _choice(options, loaded.model))
        steps = options.max_steps or -(-options.epochs * len(prepared.tasks) // options.batch)
        settings = _settings(options, steps)
        first = checkpoint.last_step(work)
        if first:
            progress.say(f"train: going on after step {first} of {steps}")
        loaded.model.to(_device())
        with _stoppable() as stop, progress.track("train", steps - first) as advance:

            def done(entry: Mapping[str, Any]) -> None:
                advance(1)
                progress.detail(f"train: step {entry['step']} of {steps}: loss {entry['loss']:.4f}")

            metrics = fit.fit(loaded.model, prepared.tasks, settings, work, stop=stop, done=done)
    except errors.Stopped as stopped:
        raise InterruptedRun(
            f"interrupted after step {stopped.step} of {steps}; the same command goes on from there"
        ) from None
    except errors.TrainError as error:
        raise DatagenError(str(error)) from None
    content = _content(todo, prepared, asdict(settings), metrics)
    place = folder.model_in(work)
    models.save(loaded, place)
    shutil.copy(work / checkpoint.METRICS, place / checkpoint.METRICS)
    (place / "README.md").write_text(card.text(content), encoding="utf-8")
    return content


def _choice(options: Options, model: Any = None) -> Any:  # noqa: ANN401 - of transformers
    """Which answers are used; none that is longer than the model can read."""
    from train.data import Choice

    config = getattr(model, "config", None)
    most = getattr(config, "max_position_embeddings", None) or options.max_length
    return Choice(
        max_length=min(options.max_length, most),
        pairs=options.pairs,  # type: ignore[arg-type]  # the option allows its values alone
        ft_from=options.ft_from if options.ft_weight else None,
        rank=options.rank_weight > 0,
    )


def _settings(options: Options, steps: int) -> Any:  # noqa: ANN401 - train is imported when asked for
    from train.fit import Settings

    return Settings(
        steps=steps,
        lr=options.lr,
        warmup=min(_MOST_WARMUP, steps // 10),
        batch=options.batch,
        micro_batch=options.micro_batch,
        seed=options.seed,
        rank_weight=options.rank_weight,
        ft_weight=options.ft_weight,
        pairs=options.pairs,  # type: ignore[arg-type]  # the options allow their values alone
        normalise=options.normalise,  # type: ignore[arg-type]
        reduction=options.ft_reduction,  # type: ignore[arg-type]
        precision=options.precision,
        checkpointing=options.checkpointing,
        save_every=options.save_every,
    )


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Whether the user pressed Ctrl-C; the second time ends the process's work at once."""
    asked = False

    def interrupt(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _content(
    todo: _Plan,
    prepared: Any,  # noqa: ANN401 - train is imported when asked for
    settings: Mapping[str, Any],
    metrics: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What `training.json` says, but for its list of files."""
    source = todo.source
    read = source.limited(todo.options.rows)
    refused = Counter(source.refused["reason"].to_list() if source.refused.height else [])
    left_out = Counter({"not-read": source.rows - read.rows} if source.rows > read.rows else {})
    return {
        "datagen": __version__,
        "command": "train",
        "key": todo.key(),
        "inputs": [{"name": source.name, "sha256": source.digest, "rows": source.rows}],
        "base_model": {name: value for name, value in todo.base._asdict().items() if name != "where"},
        "options": described(todo.options) | {"model": todo.base.name},
        "versions": dict(todo.versions),
        "settings": dict(settings),
        "rows_in": source.rows + source.refused.height,
        "tasks": len(prepared.tasks),
        "tasks_with_pairs": sum(task.pairs > 0 for task in prepared.tasks),
        "tasks_learned": sum(task.best >= 0 for task in prepared.tasks),
        "answers": prepared.answers,
        "pairs": prepared.pairs,
        "dropped": dict((left_out + refused + prepared.left_out).most_common()),
        "steps": len(metrics),
        "metrics": {"first": metrics[0], "last": metrics[-1]},
        "times": {"made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        "environment": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "device": _device(),
        },
    }


def summary(content: Mapping[str, Any], out: Path, *, already_made: bool) -> dict[str, Any]:
    """The entries of `--json`, from the content of `training.json`."""
    first, last = content["metrics"]["first"], content["metrics"]["last"]
    names = ("tasks", "tasks_with_pairs", "tasks_learned", "pairs", "steps")
    return {
        "command": "train",
        "rows_in": content["rows_in"],
        "rows_made": 0,
        "rows_out": content["answers"],
        "dropped": content["dropped"],
        **{name: content[name] for name in names},
        "loss": {"first": first["loss"], "last": last["loss"]},
        "rank_accuracy": {"first": first["rank_accuracy"], "last": last["rank_accuracy"]},
        "model": content["base_model"]["name"],
        "data": content["inputs"][0]["sha256"],
        "seconds": content["times"]["seconds"],
        "already_made": already_made,
        "out": str(out),
    }
