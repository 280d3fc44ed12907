"""Evaluate a model at the end of a recipe: the one that was trained, unless another is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datagen.data.dataset import Outcome
from datagen.errors import UsageError
from datagen.evaluation.evaluate import evaluate
from datagen.evaluation.prepare import Options, check_options, prepare
from datagen.evaluation.subject import trained
from datagen.runs.act import Act, Done, Given
from datagen.runs.runner import How
from datagen.teachers import Profile


def _do(given: Given, options: Options, how: How) -> Done:
    if options.what is None:
        if given.model is None:
            raise UsageError("eval: the recipe trains no model; put train before it, or say `what`")
        options = replace(options, what=trained(given.model))
    outcome = evaluate(prepare(options), given.out, how)
    manifest = outcome.manifest
    names = ("pass_at_k", "standard_error", "status", "samples", "benchmark", "digest")
    return Done({name: manifest[name] for name in names}, _lines(outcome), failed=bool(manifest["failed"]))


def _lines(outcome: Outcome) -> list[str]:
    shares = [f"pass@{k} {share:.4f}" for k, share in outcome.manifest["pass_at_k"].items()]
    first = "eval: " + (", ".join(shares) or "no pass@k, because calls failed")
    more = [
        line
        for entry in outcome.entries
        if entry.name in outcome.manifest
        for line in entry.lines(outcome.manifest)
    ]
    return [first, *more]


def _asks(options: Options) -> Sequence[Profile]:
    return [options.what] if isinstance(options.what, Profile) else []


ACT = Act(name="eval", options=Options, do=_do, asks=_asks, check_options=check_options)
