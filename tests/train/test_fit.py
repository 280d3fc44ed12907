"""The training loop, on a tiny model: its gradient, its batches, resuming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

import tiny  # noqa: E402

from train import checkpoint, fit  # noqa: E402
from train.data import Answer, Choice, Sequences, Task, prepare  # noqa: E402
from train.errors import Stopped, TrainError  # noqa: E402

SAME = {"abs": 1e-6, "rel": 1e-4}


def tasks(count: int = 8) -> list[Sequences]:
    """Tasks with different numbers of answers; some have no student."""
    made = []
    for n in range(count):
        answers = [Answer("t", f"return {n}", True, 1.0)]
        answers += [Answer(f"s{k}", f"retrun {n * k} {'x' * k}", False, 0.1 * k) for k in range(n % 4)]
        if n % 3 == 0:
            answers.append(Answer("u", f"return 0 + {n}", True, 0.7, "partial", 0.5))
        made.append(Task(str(n), f"Give back {n}.", answers))
    return prepare(made, tiny.tokenizer(), Choice()).tasks


def settings(**more: Any) -> fit.Settings:
    return fit.Settings(**({"steps": 4, "lr": 1e-2, "batch": 4, "precision": "fp32"} | more))


def trained(place: Path, seed: int = 0, **more: Any) -> tuple[Any, list[fit.Metrics]]:
    model = tiny.model(seed)
    return model, fit.fit(model, tasks(), settings(**more), place)


def losses(metrics: list[fit.Metrics]) -> list[float]:
    return [entry["loss"] for entry in metrics]


def test_gradient_is_that_of_the_whole_batch() -> None:
    """Going over the responses twice gives the gradient that one pass through the whole loss gives."""
    batch = fit.collate(tasks())
    whole = tiny.model().double()
    p = fit.log_probs(whole, batch, range(len(batch.tokens)))
    by_task = torch.zeros(batch.scores.shape, dtype=torch.float64).index_put(batch.place, p)
    found = fit.batch_loss(by_task, batch, settings())
    found.total.backward()
    assert found.rank.item() > 0

    twice = tiny.model().double()
    with torch.no_grad():
        p = torch.cat([fit.log_probs(twice, batch, [n]) for n in range(len(batch.tokens))])
    p.requires_grad_()
    by_task = torch.zeros(batch.scores.shape, dtype=torch.float64).index_put(batch.place, p)
    again = fit.batch_loss(by_task, batch, settings())
    (slopes,) = torch.autograd.grad(again.total, p)
    for part in fit.parts(batch, slopes.nonzero()[:, 0].tolist(), 2):
        (fit.log_probs(twice, batch, part) * slopes[part]).sum().backward()
    for one, other in zip(whole.parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-9, rtol=1e-6)


def test_p_is_that_of_a_plain_forward_pass() -> None:
    """Padding, order and leaving out the prompt's logits change nothing."""
    batch, model = fit.collate(tasks()), tiny.model().double()
    found = fit.log_probs(model, batch, range(len(batch.tokens)))
    for n, tokens in enumerate(batch.tokens):
        logits = model(input_ids=torch.tensor([tokens])).logits[0]
        logps = torch.log_softmax(logits, dim=-1)
        start = int(batch.starts[n])
        own = [logps[t - 1, tokens[t]].item() for t in range(start, len(tokens))]
        assert found[n].item() == pytest.approx(sum(own) / len(own), abs=1e-9)


@pytest.mark.parametrize("other", [{"micro_batch": 3}, {"micro_batch": 100}, {"checkpointing": True}])
def test_memory_settings_change_nothing(tmp_path: Path, other: dict[str, Any]) -> None:
    """Eight responses at once, or one at a time with gradients added up, give the same training."""
    one, first = trained(tmp_path / "1", micro_batch=1)
    two, second = trained(tmp_path / "2", **other)
    assert losses(first) == pytest.approx(losses(second), **SAME)
    for left, right in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(left, right, atol=2e-4, rtol=1e-3)


def test_batch_is_the_mean_of_its_tasks(tmp_path: Path) -> None:
    """The first step's loss on eight tasks is the mean of the losses on each of them alone."""
    made = tasks()
    alone = [
        fit.fit(tiny.model(), [task], settings(steps=1, batch=1), tmp_path / str(n))[0]["loss"]
        for n, task in enumerate(made)
    ]
    together = fit.fit(tiny.model(), made, settings(steps=1, batch=8), tmp_path / "all")[0]["loss"]
    assert together == pytest.approx(sum(alone) / len(alone), **SAME)


@pytest.mark.slow
def test_training_learns_order_and_code(tmp_path: Path) -> None:
    """After some steps the teachers' answers are the more likely ones, and the loss is lower."""
    _, metrics = trained(tmp_path, steps=30, batch=8)
    assert metrics[-1]["loss"] < 0.7 * metrics[0]["loss"]
    assert metrics[-1]["rank_accuracy"] > 0.9
    assert metrics[-1]["pairs"] == 17  # 12 students below the first teacher, 5 of them below a second


@pytest.mark.slow
def test_rank_loss_alone_stops_at_the_right_order(tmp_path: Path) -> None:
    """It pushes answers apart only while their order is wrong."""
    _, metrics = trained(tmp_path, steps=15, batch=8, ft_weight=0.0, lr=3e-3)
    assert metrics[0]["rank_loss"] > 0
    assert min(entry["rank_loss"] for entry in metrics) < 0.2 * metrics[0]["rank_loss"]
    assert metrics[0]["loss"] == pytest.approx(metrics[0]["rank_loss"])


@pytest.mark.slow
def test_equal_seeds_give_equal_trainings(tmp_path: Path) -> None:
    """The same inputs give the same numbers; another seed another order."""
    first, second, other = (
        losses(trained(tmp_path / name, **more)[1])
        for name, more in (("1", {}), ("2", {}), ("3", {"seed": 5}))
    )
    assert first == second
    assert first != other


@pytest.mark.slow
def test_interrupted_training_goes_on_as_if_nothing_happened(tmp_path: Path) -> None:
    """Stopped in the middle of a step, then resumed: the same losses and weights as without."""
    whole, expected = trained(tmp_path / "whole", steps=6)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 50

    with pytest.raises(Stopped) as stopped:
        fit.fit(tiny.model(), tasks(), settings(steps=6, save_every=100), tmp_path / "cut", stop=stop)
    assert 0 < stopped.value.step < 6
    model = tiny.model(seed=9)  # what it holds is replaced by the checkpoint
    metrics = fit.fit(model, tasks(), settings(steps=6), tmp_path / "cut")
    assert losses(metrics) == losses(expected)
    lines = (tmp_path / "cut" / checkpoint.METRICS).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    for left, right in zip(model.parameters(), whole.parameters(), strict=True):
        assert torch.equal(left, right)


@pytest.mark.slow
def test_killed_training_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    """Steps after the checkpoint are done again; a half-written line or checkpoint does no harm."""
    _, expected = trained(tmp_path / "whole", steps=6)

    class Killed(BaseException):
        pass

    def die(entry: fit.Metrics) -> None:
        if entry["step"] == 5:
            raise Killed

    with pytest.raises(Killed):
        fit.fit(tiny.model(), tasks(), settings(steps=6, save_every=2), tmp_path / "cut", done=die)
    with (tmp_path / "cut" / checkpoint.METRICS).open("a") as file:
        file.write('{"step": 6, "lo')
    (tmp_path / "cut" / ".checkpoint").mkdir()
    assert checkpoint.last_step(tmp_path / "cut") == 4
    metrics = fit.fit(tiny.model(), tasks(), settings(steps=6, save_every=2), tmp_path / "cut")
    assert losses(metrics) == losses(expected)


def test_checkpoints_hold_no_pickle(tmp_path: Path) -> None:
    """Only the last checkpoint is kept, in safetensors and JSON."""
    trained(tmp_path, steps=5, save_every=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-000004", "metrics.jsonl"]
    names = sorted(path.name for path in (tmp_path / "checkpoint-000004").iterdir())
    assert names == ["optimizer.safetensors", "state.json", "weights.safetensors"]


def test_damaged_checkpoint_is_one_line(tmp_path: Path) -> None:
    """The line names the folder to remove."""
    trained(tmp_path, steps=3, save_every=2)
    (tmp_path / "checkpoint-000002" / "weights.safetensors").write_bytes(b"rubbish")
    with pytest.raises(TrainError, match="checkpoint-000002 cannot be read"):
        trained(tmp_path, steps=3)


def test_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    """The weights are not saved then."""
    model = tiny.model()
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(TrainError, match="loss of step 1 is nan"):
        fit.fit(model, tasks(), settings(), tmp_path)


def test_learning_rate_rises_then_falls() -> None:
    """A line up to the highest rate, then a cosine: half of it in the middle, almost 0 at the end."""
    rates = [fit.learning_rate(step, settings(steps=12, warmup=2, lr=1.0)) for step in range(12)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[7] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.03


def test_bf16_is_close(tmp_path: Path) -> None:
    """Autocast changes rounding, not the training."""
    _, exact = trained(tmp_path / "1", steps=1)
    _, rough = trained(tmp_path / "2", steps=1, precision="bf16")
    assert rough[0]["loss"] == pytest.approx(exact[0]["loss"], rel=0.02)


def test_metrics_tell_what_the_brief_of_a_step_needs(tmp_path: Path) -> None:
    """Each line holds losses, order, lengths, rate, norm and speed."""
    _, metrics = trained(tmp_path, steps=1, batch=8)
    assert set(metrics[0]) == {
        *("step", "loss", "rank_loss", "ft_loss", "rank_accuracy", "pairs", "lr", "grad_norm"),
        *("seconds", "tokens_per_second", "chosen_tokens", "rejected_tokens"),
    }
    assert metrics[0]["loss"] == pytest.approx(metrics[0]["rank_loss"] + metrics[0]["ft_loss"])
    assert metrics[0]["rejected_tokens"] > metrics[0]["chosen_tokens"] > 5
