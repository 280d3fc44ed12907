"""The loss of RRTF: rank the answers of a task by their test results, and learn the best teacher's.

The paper (arXiv 2307.14936, section 3.4), for a teacher's answer and a student's answer of one task:

    p_i    = sum_t log P(y_i,t | x, y_i,<t) / |y_i|
    L_rank = - sum over r_tea > r_stu of (r_tea - r_stu) * min(0, p_tea - p_stu)
    L_ft   = - sum_t log P(y_tea,t | x, y_tea,<t)
    L      = L_rank + L_ft

Shapes: B tasks, K responses of a task, N responses of all tasks, T tokens, V words. Tasks with fewer than K
responses are padded, and `present` is False there. Numbers, lists and tensors are all taken as input.

Covered: several teachers and students for each task, tasks without a pair, and empty responses (p = 0).

Departs from the paper: L_rank is divided by the number of pairs of its task, since a sum grows with K
squared; L_ft is a mean over tokens, since a sum is some hundred times as large as L_rank, whose p are means.
The arguments `normalise="none"` and `reduction="sum"` give the paper's forms.

Not covered: the text says that a teacher's answer ranks above a student's of the same situation. Scores have
to say so themselves, by a bonus for teachers: equal scores make no pair.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

Pairs = Literal["teacher-student", "all"]
Normalise = Literal["pairs", "weights", "none"]
Reduction = Literal["token_mean", "sum"]


class Loss(NamedTuple):
    """The loss of a batch, each part a scalar mean over its B tasks.

    Args:
        total: rank_weight * rank + ft_weight * ft.
        rank: L_rank.
        ft: L_ft; tasks without an answer to learn count as 0.
    """

    total: Tensor
    rank: Tensor
    ft: Tensor


def response_mask(starts: Any, ends: Any, width: int) -> Tensor:  # noqa: ANN401
    """Which of T = `width` positions belong to a response: (N, T), True for start <= t < end.

    It is made from lengths and not from token ids, since many tokenizers pad with the end token.

    Args:
        starts: (N,) the number of tokens of the prompt.
        ends: (N,) the number of tokens of prompt and response, the end token included.
        width: T, padding included.
    """
    starts, ends = torch.as_tensor(starts), torch.as_tensor(ends)
    positions = torch.arange(width, device=starts.device)
    return (positions >= starts[:, None]) & (positions < ends[:, None])


def token_log_probs(logits: Tensor, tokens: Tensor) -> Tensor:
    """log P(token t | tokens before t), as (N, T); the first token has none, and 0 stands there.

    Args:
        logits: (N, T, V) the model's output at each position; taken to float32 where it is less.
        tokens: (N, T) ids.
    """
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    found = torch.log_softmax(logits[:, :-1], dim=-1).gather(-1, tokens[:, 1:, None])[..., 0]
    return torch.nn.functional.pad(found, (1, 0))


def mean_log_prob(token_logps: Any, starts: Any, ends: Any) -> Tensor:  # noqa: ANN401
    """p, the mean of the log-probabilities of a response's own tokens: (N,); 0 for an empty response.

    Args:
        token_logps: (N, T) as `token_log_probs` gives them.
        starts: (N,) the number of tokens of the prompt.
        ends: (N,) the number of tokens of prompt and response, the end token included.
    """
    token_logps = torch.as_tensor(token_logps)
    mask = response_mask(starts, ends, token_logps.shape[1]).to(token_logps.device)
    return token_logps.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def pair_weights(
    scores: Any,  # noqa: ANN401
    is_teacher: Any,  # noqa: ANN401
    present: Any = None,  # noqa: ANN401
    *,
    pairs: Pairs = "teacher-student",
) -> Tensor:
    """r_i - r_j of each pair where response i should be more likely than response j, else 0: (..., K, K).

    Args:
        scores: (..., K) r.
        is_teacher: (..., K) whether a teacher wrote the response.
        present: (..., K) False for padding; None where there is none.
        pairs: "teacher-student" for a teacher's i and a student's j; "all" for any two, as in RRHF.
    """
    scores, is_teacher = torch.as_tensor(scores), torch.as_tensor(is_teacher).bool()
    allowed = torch.ones_like(is_teacher) if present is None else torch.as_tensor(present).bool()
    first, second = allowed, allowed
    if pairs == "teacher-student":
        first, second = allowed & is_teacher, allowed & ~is_teacher
    elif pairs != "all":
        raise ValueError(f"pairs is teacher-student or all, not {pairs}")
    gaps = scores[..., :, None] - scores[..., None, :]
    # Padding may hold anything, NaN too.
    return torch.where(first[..., :, None] & second[..., None, :] & (gaps > 0), gaps, 0)


def rank_loss(
    p: Any,  # noqa: ANN401
    scores: Any,  # noqa: ANN401
    is_teacher: Any,  # noqa: ANN401
    present: Any = None,  # noqa: ANN401
    *,
    pairs: Pairs = "teacher-student",
    normalise: Normalise = "pairs",
) -> Tensor:
    """L_rank of each task: (1/Z) * sum over pairs of (r_i - r_j) * relu(p_j - p_i).

    A task without pairs has a loss of 0 that hangs together with `p`, so that backward works.

    Args:
        p: (..., K) the mean log-probability of each response.
        scores: (..., K) r.
        is_teacher: (..., K) whether a teacher wrote the response.
        present: (..., K) False for padding; None where there is none.
        pairs: see `pair_weights`.
        normalise: what Z is: the number of the task's pairs, the sum of their weights, or 1 for "none".

    Returns:
        (...), such as (B,) for (B, K), and a scalar for (K,).
    """
    p = torch.as_tensor(p)
    weights = pair_weights(scores, is_teacher, present, pairs=pairs).to(p)
    # 0 and not what padding holds: a weight of 0 does not mend NaN.
    held = p if present is None else torch.where(torch.as_tensor(present).bool().to(p.device), p, 0)
    violation = torch.relu(held[..., None, :] - held[..., :, None])
    total = (weights * violation).sum(dim=(-2, -1))
    if normalise == "pairs":
        return total / (weights > 0).sum(dim=(-2, -1)).clamp(min=1)
    if normalise == "weights":
        size = weights.sum(dim=(-2, -1))
        return total / torch.where(size > 0, size, 1)
    if normalise != "none":
        raise ValueError(f"normalise is pairs, weights or none, not {normalise}")
    return total


def ft_loss(p: Any, lengths: Any, best: Any, *, reduction: Reduction = "token_mean") -> Tensor:  # noqa: ANN401
    """L_ft of each task: the negative log-likelihood of the answer to learn; 0 where there is none.

    Args:
        p: (..., K) the mean log-probability of each response.
        lengths: (..., K) the number of tokens of each response.
        best: (...) the index of the answer to learn, or -1.
        reduction: "token_mean", or "sum" over the answer's tokens, which is the paper's.

    Returns:
        (...), such as (B,) for (B, K), and a scalar for (K,).
    """
    p, lengths, best = torch.as_tensor(p), torch.as_tensor(lengths), torch.as_tensor(best)
    index = best.clamp(min=0)[..., None]
    loss = -p.gather(-1, index)[..., 0]
    if reduction == "sum":
        loss = loss * lengths.gather(-1, index)[..., 0]
    elif reduction != "token_mean":
        raise ValueError(f"reduction is token_mean or sum, not {reduction}")
    return torch.where(best >= 0, loss, 0)


def rrtf_loss(
    p: Any,  # noqa: ANN401
    scores: Any,  # noqa: ANN401
    is_teacher: Any,  # noqa: ANN401
    lengths: Any,  # noqa: ANN401
    best: Any,  # noqa: ANN401
    present: Any = None,  # noqa: ANN401
    *,
    rank_weight: float = 1.0,
    ft_weight: float = 1.0,
    pairs: Pairs = "teacher-student",
    normalise: Normalise = "pairs",
    reduction: Reduction = "token_mean",
) -> Loss:
    """The loss of a batch: L = rank_weight * L_rank + ft_weight * L_ft, as means over the B tasks.

    All tasks weigh the same, those without a pair or without an answer to learn too.

    Args:
        p, scores, is_teacher, present, pairs, normalise: as for `rank_loss`.
        lengths, best, reduction: as for `ft_loss`.
        rank_weight: of L_rank; the paper's is 1.
        ft_weight: of L_ft; the paper's is 1.
    """
    rank = rank_loss(p, scores, is_teacher, present, pairs=pairs, normalise=normalise).mean()
    ft = ft_loss(p, lengths, best, reduction=reduction).mean()
    return Loss(rank_weight * rank + ft_weight * ft, rank, ft)


def ordered_pairs(
    p: Any,  # noqa: ANN401
    scores: Any,  # noqa: ANN401
    is_teacher: Any,  # noqa: ANN401
    present: Any = None,  # noqa: ANN401
    *,
    pairs: Pairs = "teacher-student",
) -> tuple[int, int]:
    """How many pairs the model has in the right order (p_i > p_j), and how many pairs there are."""
    p = torch.as_tensor(p)
    is_pair = pair_weights(scores, is_teacher, present, pairs=pairs).to(p.device) > 0
    right = is_pair & (p[..., :, None] > p[..., None, :])
    return int(right.sum()), int(is_pair.sum())
