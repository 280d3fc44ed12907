"""The training loop: one function that reads from top to bottom.

The loss of a batch is a function of p alone, the mean log-probabilities of its N responses. So each step goes
over the responses twice:

1. without gradients, to get p; `rrtf_loss` then says how the loss changes with each p_k;
2. with gradients, only over responses whose p_k changes the loss: backward of sum_k p_k * dLoss/dp_k.

By the chain rule this is the gradient of the whole batch, and only one micro-batch of responses is in memory
at a time, however many answers a task has. The micro-batch changes rounding alone: 8x1 equals 1x8.
It is exact where the model does the same twice, so dropout is off.

Shapes: B tasks, K responses of a task, N responses of a batch, T tokens.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from train import checkpoint
from train.data import Sequences, batches
from train.errors import Stopped, TrainError
from train.loss import (
    Loss,
    Normalise,
    Pairs,
    Reduction,
    mean_log_prob,
    ordered_pairs,
    pair_weights,
    rrtf_loss,
    token_log_probs,
)

Metrics = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a model is trained.

    Args:
        steps: of the optimizer.
        lr: the highest learning rate: it rises to it within `warmup` steps, then falls to 0 along a cosine.
        warmup: steps.
        batch: tasks a step, B.
        micro_batch: responses at a time in memory; it does not change the result.
        seed: of the order of the tasks.
        rank_weight, ft_weight, pairs, normalise, reduction: see `rrtf_loss`.
        clip: the largest norm of the gradient.
        weight_decay, betas: of AdamW.
        precision: "fp32", "bf16" for autocast, or "auto": bf16 where the processor computes in it.
        checkpointing: whether activations are computed again in the backward pass, for memory.
        save_every: steps between two checkpoints.
    """

    steps: int
    lr: float = 2e-5
    warmup: int = 0
    batch: int = 8
    micro_batch: int = 1
    seed: int = 0
    rank_weight: float = 1.0
    ft_weight: float = 1.0
    pairs: Pairs = "teacher-student"
    normalise: Normalise = "pairs"
    reduction: Reduction = "token_mean"
    clip: float = 1.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    precision: str = "auto"
    checkpointing: bool = False
    save_every: int = 10


class Batch(NamedTuple):
    """The responses of B tasks.

    Args:
        tokens: N lists of ids.
        starts: (N,) tokens of the prompt.
        ends: (N,) tokens in all.
        place: two (N,) index tensors: the task and the number of each response within it.
        scores, is_teacher, present, lengths: (B, K).
        best: (B,) index of the answer to learn, or -1.
    """

    tokens: list[list[int]]
    starts: Tensor
    ends: Tensor
    place: tuple[Tensor, Tensor]
    scores: Tensor
    is_teacher: Tensor
    present: Tensor
    lengths: Tensor
    best: Tensor


def fit(
    model: Any,  # noqa: ANN401 - any causal language model of transformers
    tasks: Sequence[Sequences],
    settings: Settings,
    folder: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    done: Callable[[Metrics], None] = lambda _: None,
) -> list[Metrics]:
    """Train a model in place, from the last checkpoint in `folder` on if there is one.

    Args:
        model: is changed.
        tasks: as `train.data.prepare` makes them.
        settings: how.
        folder: of checkpoints and `metrics.jsonl`; the same model, tasks and settings must have filled it.
        stop: asked often; once it says so, a checkpoint is written and the training ends.
        done: told of each step.

    Returns:
        The metrics of all steps, those before the checkpoint included.

    Raises:
        Stopped: `stop` said so.
        TrainError: the loss is no number any more, or the checkpoint cannot be read.
    """
    device = next(model.parameters()).device
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=_computes_bf16(settings.precision, device))
    _make_ready(model, checkpointing=settings.checkpointing)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, betas=settings.betas, weight_decay=settings.weight_decay
    )
    first = checkpoint.restore(folder, model, optimizer)
    metrics = checkpoint.metrics_until(folder, first)
    size = min(settings.batch, len(tasks))
    chosen = islice(batches(len(tasks), size, settings.seed), first, settings.steps)

    for step, indices in enumerate(chosen, first):
        begun = time.monotonic()
        batch = collate([tasks[index] for index in indices])

        # How likely is each response?
        p = torch.zeros(len(batch.tokens))
        with torch.no_grad(), autocast:
            for part in parts(batch, range(len(batch.tokens)), settings.micro_batch):
                _stop_if_asked(stop, folder, step, model, optimizer)
                p[part] = log_probs(model, batch, part).float().cpu()

        # What is the loss, and how does it change with each of them?
        p.requires_grad_()
        by_task = torch.zeros(batch.scores.shape).index_put(batch.place, p)
        loss = batch_loss(by_task, batch, settings)
        (slopes,) = torch.autograd.grad(loss.total, p)
        if not math.isfinite(loss.total.item()):
            raise TrainError(
                f"the loss of step {step + 1} is {loss.total.item()}; take a lower learning rate"
            )

        # Change the weights along the responses that matter.
        for part in parts(batch, slopes.nonzero()[:, 0].tolist(), settings.micro_batch):
            _stop_if_asked(stop, folder, step, model, optimizer)
            with autocast:
                found = log_probs(model, batch, part)
            (found * slopes[part].to(device)).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        entry = {
            "step": step + 1,
            "loss": loss.total.item(),
            "rank_loss": loss.rank.item(),
            "ft_loss": loss.ft.item(),
            **_shown(batch, by_task.detach(), settings),
            "lr": learning_rate(step, settings),
            "grad_norm": float(norm),
            "seconds": round(time.monotonic() - begun, 3),
            "tokens_per_second": round(int(batch.ends.sum()) / (time.monotonic() - begun), 1),
        }
        metrics.append(entry)
        checkpoint.add_metrics(folder, entry)
        if (step + 1) % settings.save_every == 0 and step + 1 < settings.steps:
            checkpoint.save(folder, step + 1, model, optimizer)
        done(entry)
    return metrics


def batch_loss(p: Tensor, batch: Batch, settings: Settings) -> Loss:
    """RRTF's loss of a batch, from p of each response: (B, K)."""
    return rrtf_loss(
        p,
        batch.scores,
        batch.is_teacher,
        batch.lengths,
        batch.best,
        batch.present,
        rank_weight=settings.rank_weight,
        ft_weight=settings.ft_weight,
        pairs=settings.pairs,
        normalise=settings.normalise,
        reduction=settings.reduction,
    )


def learning_rate(step: int, settings: Settings) -> float:
    """The learning rate of a step, counted from 0: a line up during warm-up, then a cosine down to 0."""
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    share = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.lr * 0.5 * (1 + math.cos(math.pi * share))


def collate(tasks: Sequence[Sequences]) -> Batch:
    """A batch of tasks, which may have different numbers of responses."""
    most = max(len(task.tokens) for task in tasks)
    numbers = [(b, k) for b, task in enumerate(tasks) for k in range(len(task.tokens))]
    rows, columns = (torch.tensor(one) for one in zip(*numbers, strict=True))

    def padded(values: Sequence[Sequence[Any]], filler: Any) -> Tensor:  # noqa: ANN401
        return torch.tensor([[*own, *[filler] * (most - len(own))] for own in values])

    lengths = [[len(own) - task.start for own in task.tokens] for task in tasks]
    return Batch(
        [own for task in tasks for own in task.tokens],
        torch.tensor([task.start for task in tasks for _ in task.tokens]),
        torch.tensor([len(own) for task in tasks for own in task.tokens]),
        (rows, columns),
        padded([task.scores for task in tasks], 0.0),
        padded([task.is_teacher for task in tasks], False),
        padded([[True] * len(own) for own in lengths], False),
        padded(lengths, 0),
        torch.tensor([task.best for task in tasks]),
    )


def parts(batch: Batch, indices: Sequence[int], size: int) -> Iterator[list[int]]:
    """The responses in groups of `size`; similar lengths stand together, so that little is padded."""
    by_length = sorted(indices, key=lambda index: -len(batch.tokens[index]))
    for start in range(0, len(by_length), size):
        yield by_length[start : start + size]


def log_probs(model: Any, batch: Batch, part: Sequence[int]) -> Tensor:  # noqa: ANN401
    """p of some responses of a batch: (len(part),), with the model's gradients where they are on."""
    device = next(model.parameters()).device
    starts, ends = batch.starts[part], batch.ends[part]
    width = int(ends.max())
    rows = [[*batch.tokens[index], *[0] * (width - len(batch.tokens[index]))] for index in part]
    tokens = torch.tensor(rows, device=device)
    mask = (torch.arange(width) < ends[:, None]).to(device)
    # Logits are most of the memory, and those of the prompts are not needed.
    before = int(starts.min()) - 1
    kept = {"logits_to_keep": width - before} if _keeps_logits(type(model)) else {}
    logits = model(input_ids=tokens, attention_mask=mask, use_cache=False, **kept).logits
    cut = width - logits.shape[1]
    logps = token_log_probs(logits, tokens[:, cut:])
    return mean_log_prob(logps, (starts - cut).to(device), (ends - cut).to(device))


def _keeps_logits(kind: type) -> bool:
    return "logits_to_keep" in inspect.signature(kind.forward).parameters  # type: ignore[attr-defined]


def _make_ready(model: Any, *, checkpointing: bool) -> None:  # noqa: ANN401
    """Training mode, since activations are computed again in no other one, but without any dropout."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
    if checkpointing:
        # transformers 5 calls it activation checkpointing.
        kind = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"
        enable = getattr(model, f"{kind}_checkpointing_enable")
        enable(**{f"{kind}_checkpointing_kwargs": {"use_reentrant": False}})


def _computes_bf16(precision: str, device: Any) -> bool:  # noqa: ANN401
    """Whether autocast is used; without instructions for it bfloat16 costs time instead of saving it."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    return device.type == "cpu" and bool(supported())


def _stop_if_asked(
    stop: Callable[[], bool],
    folder: Path,
    step: int,
    model: Any,  # noqa: ANN401
    optimizer: Any,  # noqa: ANN401
) -> None:
    """Save and stop; before the optimizer's next step the weights are still those of `step` steps."""
    if stop():
        if step > checkpoint.last_step(folder):
            checkpoint.save(folder, step, model, optimizer)
        raise Stopped(step)


def _shown(batch: Batch, p: Tensor, settings: Settings) -> Metrics:
    """How many pairs are in order, and how long chosen and rejected answers are on average."""
    given = (batch.scores, batch.is_teacher, batch.present)
    right, pairs = ordered_pairs(p, *given, pairs=settings.pairs)
    is_pair = pair_weights(*given, pairs=settings.pairs) > 0

    def mean_length(axis: int) -> float | None:
        lengths = batch.lengths[is_pair.any(dim=axis)].float()
        return round(lengths.mean().item(), 1) if len(lengths) else None

    return {
        "rank_accuracy": right / pairs if pairs else None,
        "pairs": pairs,
        "chosen_tokens": mean_length(-1),
        "rejected_tokens": mean_length(-2),
    }
