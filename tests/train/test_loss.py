"""RRTF's loss: values derived by hand, and an independent reference in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from train import loss  # noqa: E402

TEACHER, STUDENT = True, False


def value(tensor: Any) -> float:
    return float(tensor)


# --- by hand -------------------------------------------------------------------------------------


def test_violated_pair() -> None:
    """(1 - 0) * (-0.4 - -1.2) = 0.8."""
    assert value(loss.rank_loss([-1.2, -0.4], [1.0, 0.0], [TEACHER, STUDENT])) == pytest.approx(0.8)


def test_pair_in_order_costs_nothing() -> None:
    """The teacher's answer is more likely already, so nothing pushes the student's down."""
    assert value(loss.rank_loss([-0.4, -1.2], [1.0, 0.0], [TEACHER, STUDENT])) == 0


def test_tied_scores_make_no_pair() -> None:
    """Equal scores say nothing about the order."""
    assert value(loss.rank_loss([-1.2, -0.4], [1.0, 1.0], [TEACHER, STUDENT])) == 0


def test_bonus_is_the_weight_of_a_tie() -> None:
    """With a teacher's bonus of 0.05: 0.05 * 0.8 = 0.04."""
    assert value(loss.rank_loss([-1.2, -0.4], [1.05, 1.0], [TEACHER, STUDENT])) == pytest.approx(0.04)


def test_better_student_makes_no_pair() -> None:
    """Only a teacher's answer ranks above a student's, never the other way round."""
    assert value(loss.rank_loss([-0.4, -1.2], [0.0, 1.0], [TEACHER, STUDENT])) == 0


FOUR = ([-1.0, -0.5, -0.3, -0.8], [1.0, 0.7, 0.4, 0.0], [TEACHER, TEACHER, STUDENT, STUDENT])


@pytest.mark.parametrize(
    ("pairs", "normalise", "expected"),
    [
        # 0.6 * 0.7 + 1.0 * 0.2 + 0.3 * 0.2 + 0.7 * 0
        ("teacher-student", "none", 0.68),
        ("teacher-student", "pairs", 0.68 / 4),
        ("teacher-student", "weights", 0.68 / (0.6 + 1.0 + 0.3 + 0.7)),
        # and 0.3 * 0.5 between the teachers, 0.4 * 0 between the students
        ("all", "none", 0.83),
        ("all", "pairs", 0.83 / 6),
        ("all", "weights", 0.83 / 3.3),
    ],
)
def test_two_teachers_two_students(pairs: Any, normalise: Any, expected: float) -> None:
    """Each kind of pairs and of normalising has the value of a sum written out by hand."""
    found = loss.rank_loss(*FOUR, pairs=pairs, normalise=normalise)
    assert value(found) == pytest.approx(expected)


def test_gradient_is_the_score_gap() -> None:
    """A violated pair pushes p_i up and p_j down by the gap; a pair in order does not push."""
    p = torch.tensor([-1.2, -0.4, -3.0], requires_grad=True)
    loss.rank_loss(p, [1.0, 0.25, 0.0], [TEACHER, STUDENT, STUDENT], normalise="none").backward()
    assert p.grad.tolist() == [-0.75, 0.75, 0.0]


@pytest.mark.parametrize("normalise", ["pairs", "weights", "none"])
def test_no_pair_gives_a_connected_zero(normalise: Any) -> None:
    """A task of teachers alone has the loss 0, and backward through it gives gradients of 0, not NaN."""
    p = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    found = loss.rank_loss(p, [[1.0, 0.0]], [[TEACHER, TEACHER]], normalise=normalise)
    found.sum().backward()
    assert found.tolist() == [0.0]
    assert p.grad.tolist() == [[0.0, 0.0]]


def test_padding_changes_nothing() -> None:
    """A padded response is no part of any pair, whatever stands there."""
    nan = math.nan
    p = torch.tensor([[-1.2, -0.4, nan], [-1.0, -0.5, -0.2]], requires_grad=True)
    scores, teachers = [[1.0, 0.0, nan], [1.0, 0.0, 0.5]], [[TEACHER, STUDENT, STUDENT]] * 2
    present = [[True, True, False], [True, True, True]]
    found = loss.rank_loss(p, scores, teachers, present, normalise="none")
    assert found.tolist() == pytest.approx([0.8, 1.0 * 0.5 + 0.5 * 0.8])
    found.sum().backward()
    assert torch.isfinite(p.grad).all()


def test_ft_reductions() -> None:
    """Of 3 tokens with a mean of -0.5: 0.5 as a mean, 1.5 as the paper's sum, 0 without an answer."""
    arguments = ([[-2.0, -0.5], [-2.0, -0.5]], [[4, 3], [4, 3]], [1, -1])
    assert loss.ft_loss(*arguments).tolist() == [0.5, 0.0]
    assert loss.ft_loss(*arguments, reduction="sum").tolist() == [1.5, 0.0]


def test_total_is_weighted_mean_over_tasks() -> None:
    """Tasks: (rank 0.8, ft 1.2) and (rank 0, ft none): 2 * 0.4 + 3 * 0.6 = 2.6."""
    found = loss.rrtf_loss(
        [[-1.2, -0.4], [-0.1, -0.3]],
        [[1.0, 0.0], [1.0, 0.0]],
        [[TEACHER, STUDENT]] * 2,
        [[5, 5], [5, 5]],
        [0, -1],
        rank_weight=2.0,
        ft_weight=3.0,
    )
    assert [value(part) for part in found] == pytest.approx([2.6, 0.4, 0.6])


def test_mean_takes_response_tokens_only() -> None:
    """Prompt and padding are left out, and each response is divided by its own length."""
    logps = [[0.0, -9.0, -1.0, -3.0, -9.0], [0.0, -9.0, -9.0, -4.0, -9.0], [0.0, -9.0, -9.0, -9.0, -9.0]]
    assert loss.mean_log_prob(logps, [2, 3, 2], [4, 4, 2]).tolist() == [-2.0, -4.0, 0.0]


def test_masks_come_from_lengths() -> None:
    """Where the padding token is the end token, the response's own end token still counts."""
    end = 0
    tokens = torch.tensor([[3, 1, end, end, end]])
    logits = torch.zeros(1, 5, 4)
    logps = loss.token_log_probs(logits, tokens)
    assert loss.response_mask([1], [3], 5).tolist() == [[False, True, True, False, False]]
    assert value(loss.mean_log_prob(logps, [1], [3])[0]) == pytest.approx(-math.log(4))


def test_token_log_probs_look_one_token_ahead() -> None:
    """The logits at position t - 1 say how likely the token at position t is."""
    logits = torch.log(torch.tensor([[[0.1, 0.9], [0.7, 0.3], [0.5, 0.5]]]))
    found = loss.token_log_probs(logits, torch.tensor([[0, 1, 0]]))
    assert found[0].tolist() == pytest.approx([0.0, math.log(0.9), math.log(0.7)])


def test_half_precision_logits_are_widened() -> None:
    """bfloat16 logits give float32 log-probabilities."""
    found = loss.token_log_probs(
        torch.zeros(1, 2, 3, dtype=torch.bfloat16), torch.zeros(1, 2, dtype=torch.long)
    )
    assert found.dtype == torch.float32


def test_order_counts() -> None:
    """Of the four pairs, only (0.7, -0.5) over (0, -0.8) is in order."""
    assert loss.ordered_pairs(*FOUR) == (1, 4)
    assert loss.ordered_pairs([-1.0], [1.0], [TEACHER]) == (0, 0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: loss.rank_loss([0.0], [1.0], [True], pairs="some"), "pairs is"),  # type: ignore[arg-type]
        (lambda: loss.rank_loss([0.0], [1.0], [True], normalise="k"), "normalise is"),  # type: ignore[arg-type]
        (lambda: loss.ft_loss([0.0], [1], 0, reduction="mean"), "reduction is"),  # type: ignore[arg-type]
    ],
)
def test_unknown_choices_are_refused(call: Any, words: str) -> None:
    """A misspelt choice never means another one."""
    with pytest.raises(ValueError, match=words):
        call()


# --- against NumPy -------------------------------------------------------------------------------


def reference(case: dict[str, Any], pairs: str, normalise: str, reduction: str) -> tuple[float, float]:
    """L_rank and L_ft from logits, by loops over tasks, responses and tokens."""
    ranks, fts = [], []
    for task in case["tasks"]:
        sums, lengths = [], []
        for logits, tokens, start in task["responses"]:
            total = 0.0
            for t in range(start, len(tokens)):
                row = logits[t - 1]
                total += row[tokens[t]] - np.log(np.sum(np.exp(row)))
            sums.append(total)
            lengths.append(len(tokens) - start)
        p = [total / max(1, length) for total, length in zip(sums, lengths, strict=True)]
        rank = count = size = 0.0
        for i, r_i in enumerate(task["scores"]):
            for j, r_j in enumerate(task["scores"]):
                between = task["teacher"][i] and not task["teacher"][j]
                if r_i > r_j and (pairs == "all" or between):
                    rank -= (r_i - r_j) * min(0.0, p[i] - p[j])
                    count += 1
                    size += r_i - r_j
        ranks.append(rank / {"pairs": max(count, 1), "weights": size or 1, "none": 1}[normalise])
        best = task["best"]
        fts.append(0.0 if best < 0 else -sums[best] / (1 if reduction == "sum" else lengths[best]))
    return sum(ranks) / len(ranks), sum(fts) / len(fts)


def random_case(seed: int) -> dict[str, Any]:
    """Tasks with one to five responses of different lengths, ties among the scores included."""
    rng = np.random.default_rng(seed)
    tasks = []
    for _ in range(rng.integers(1, 5)):
        count = int(rng.integers(1, 6))
        responses = []
        for _ in range(count):
            start, length = int(rng.integers(1, 5)), int(rng.integers(1, 9))
            width = start + length
            responses.append((rng.normal(0, 3, (width, 11)), rng.integers(0, 11, width), start))
        tasks.append(
            {
                "responses": responses,
                "scores": rng.choice([0.0, 0.3, 0.35, 0.65, 1.0, 1.05], count),
                "teacher": rng.random(count) < 0.5,
                "best": int(rng.integers(-1, count)),
            }
        )
    return {"tasks": tasks}


def batched(case: dict[str, Any]) -> dict[str, Any]:
    """The same in padded tensors, float64, with rubbish where the padding is."""
    tasks = case["tasks"]
    most = max(len(task["scores"]) for task in tasks)
    p = torch.full((len(tasks), most), -7.0, dtype=torch.float64)
    scores = torch.full_like(p, 3.0)
    teacher, present = torch.ones(p.shape, dtype=torch.bool), torch.zeros(p.shape, dtype=torch.bool)
    lengths = torch.full(p.shape, 99)
    for b, task in enumerate(tasks):
        width = max(len(tokens) for _, tokens, _ in task["responses"]) + 2
        count = len(task["scores"])
        logits = torch.full((count, width, 11), 5.0, dtype=torch.float64)
        tokens = torch.zeros(count, width, dtype=torch.long)
        for k, (own_logits, own_tokens, _) in enumerate(task["responses"]):
            logits[k, : len(own_tokens)] = torch.from_numpy(own_logits)
            tokens[k, : len(own_tokens)] = torch.from_numpy(own_tokens)
        starts = torch.tensor([start for _, _, start in task["responses"]])
        ends = torch.tensor([len(own) for _, own, _ in task["responses"]])
        p[b, :count] = loss.mean_log_prob(loss.token_log_probs(logits, tokens), starts, ends)
        scores[b, :count] = torch.from_numpy(task["scores"])
        teacher[b, :count] = torch.from_numpy(task["teacher"])
        present[b, :count] = True
        lengths[b, :count] = ends - starts
    best = torch.tensor([task["best"] for task in tasks])
    named = {"p": p, "scores": scores, "is_teacher": teacher, "present": present}
    return {**named, "lengths": lengths, "best": best}


@pytest.mark.parametrize("reduction", ["token_mean", "sum"])
@pytest.mark.parametrize("normalise", ["pairs", "weights", "none"])
@pytest.mark.parametrize("pairs", ["teacher-student", "all"])
def test_equals_numpy_reference(pairs: Any, normalise: Any, reduction: Any) -> None:
    """Loops over single numbers give the same as padded tensors, to 1e-6, on 60 random batches."""
    not_zero = 0
    for seed in range(60):
        case = random_case(seed)
        rank, ft = reference(case, pairs, normalise, reduction)
        found = loss.rrtf_loss(**batched(case), pairs=pairs, normalise=normalise, reduction=reduction)
        assert value(found.rank) == pytest.approx(rank, abs=1e-6)
        assert value(found.ft) == pytest.approx(ft, abs=1e-6)
        assert value(found.total) == pytest.approx(rank + ft, abs=1e-6)
        not_zero += rank > 0
    assert not_zero > 20
