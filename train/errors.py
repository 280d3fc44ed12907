"""What the caller of the trainer can mend, said in one line."""

from __future__ import annotations


class TrainError(ValueError):
    """A model, answers or settings that nothing can be trained with."""


class Stopped(Exception):
    """The caller asked the training to stop; a checkpoint holds what was learned.

    Args:
        step: how many steps were done.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step
