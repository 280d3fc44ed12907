"""The options of `datagen train`, declared as a stage's are."""

from __future__ import annotations

from dataclasses import dataclass

from datagen.runs import values
from datagen.runs.options import option


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `train`; what the paper does not state is our choice (docs/training.md)."""

    model: str | None = option(
        None,
        type=values.text(),
        metavar="PATH_OR_ID",
        help="Folder of a model, PATH.gguf, or an id on the Hub. Default: the embedded SmolLM2-135M.",
    )
    rows: int | None = option(None, type=values.whole(1), metavar="N", help="Read only the first N rows.")
    max_steps: int | None = option(
        None, type=values.whole(1), metavar="N", help="Train for N steps. Default: as many as --epochs take."
    )
    epochs: int = option(6, type=values.whole(1), metavar="N", help="Times that each task is learned from.")
    batch: int = option(2, type=values.whole(1), metavar="N", help="Tasks a step.")
    micro_batch: int = option(
        2,
        type=values.whole(1),
        metavar="N",
        decides=False,
        help="Answers at a time in memory; the result is the same.",
    )
    max_length: int = option(
        512, type=values.whole(8), metavar="N", help="Most tokens of a task with one answer; others are left."
    )
    lr: float = option(2e-5, type=values.POSITIVE, metavar="X", help="Highest learning rate.")
    rank_weight: float = option(1.0, type=values.NOT_NEGATIVE, metavar="X", help="Weight of the rank loss.")
    ft_weight: float = option(
        1.0, type=values.NOT_NEGATIVE, metavar="X", help="Weight of the loss on the best teacher's answer."
    )
    pairs: str = option(
        "teacher-student", type=values.one_of("teacher-student", "all"), help="Which answers are compared."
    )
    normalise: str = option(
        "pairs",
        type=values.one_of("pairs", "weights", "none"),
        help="What a task's rank loss is divided by; none is the paper's.",
    )
    ft_reduction: str = option(
        "token_mean",
        type=values.one_of("token_mean", "sum"),
        help="How the loss on an answer's tokens is put together; sum is the paper's.",
    )
    ft_from: str = option(
        "all_passed",
        type=values.one_of("compile_error", "runtime_error", "partial", "all_passed"),
        help="Least status of a teacher's answer that is learned, not only compared.",
    )
    precision: str = option(
        "auto", type=values.one_of("auto", "bf16", "fp32"), help="Numbers that are computed with."
    )
    checkpointing: bool = option(
        False, decides=False, help="Compute activations twice, for less memory; the result is the same."
    )
    save_every: int = option(
        10, type=values.whole(1), metavar="N", decides=False, help="Steps between two checkpoints."
    )
    seed: int = option(0, metavar="N", help="Random seed.")
