"""Train a model on the recipe's data set."""

from __future__ import annotations

from datagen.runs.act import Act, Done, Given
from datagen.runs.runner import How
from datagen.training.options import Options
from datagen.training.report import lines
from datagen.training.run import train


def _do(given: Given, options: Options, how: How) -> Done:
    done = train(given.rows, given.out, options, overwrite=how.overwrite)
    return Done(done, [*lines(done)])


ACT = Act(name="train", options=Options, do=_do, trains=True)
